//! Route netlink without an async runtime: requests in one send, each acknowledged.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv6Addr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage, State};
use netlink_packet_route::route::RouteType;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use rustix::event::{PollFd, PollFlags, poll};

use crate::link::clock::RealClock;
use crate::topology::addressing::way_to;

/// A socket to the network namespace in which it was opened, wherever its thread goes.
#[derive(Debug)]
pub struct Netlink {
    socket: Socket,
    /// Hears of every change of an interface or an IPv6 route from the opening on.
    news: Socket,
    sequence: u32,
}

/// A request and its flags beside REQUEST and ACK.
pub type Request = (RouteNetlinkMessage, u16);

impl Netlink {
    /// Opens a socket to the calling thread's network namespace.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses it.
    pub fn open() -> io::Result<Self> {
        let connected = || -> io::Result<Socket> {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind_auto()?;
            Ok(socket)
        };
        let socket = connected()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        socket.set_cap_ack(true)?;
        let news = connected()?;
        news.add_membership(GROUP_LINK)?;
        news.add_membership(GROUP_IPV6_ROUTE)?;
        Ok(Self { socket, news, sequence: 0 })
    }

    /// Sends `requests` at once and waits until the kernel has acknowledged each.
    ///
    /// # Errors
    ///
    /// The first that the kernel refused, with its place among the requests.
    pub fn ask(&mut self, requests: Vec<Request>) -> io::Result<()> {
        if requests.is_empty() {
            return Ok(());
        }
        let first = self.sequence + 1;
        let mut octets = Vec::new();
        let mut unanswered = requests.len();
        for (request, flags) in requests {
            octets.extend(self.message(request, NLM_F_ACK | flags));
        }
        self.socket.send(&octets, 0)?;
        let mut refusal = None;
        while unanswered > 0 {
            for message in self.receive()? {
                if let NetlinkPayload::Error(error) = message.payload {
                    unanswered -= 1;
                    if error.code.is_some() && refusal.is_none() {
                        let place = message.header.sequence_number.wrapping_sub(first) + 1;
                        let cause = error.to_io();
                        refusal = Some(io::Error::new(
                            cause.kind(),
                            format!("netlink request {place}: {cause}"),
                        ));
                    }
                }
            }
        }
        refusal.map_or(Ok(()), Err)
    }

    /// Takes the interfaces called `names` up.
    ///
    /// # Errors
    ///
    /// Where there is none of that name.
    pub fn set_up(&mut self, names: &[&str]) -> io::Result<()> {
        self.ask(names.iter().map(|name| (link_up(name), 0)).collect())
    }

    /// Takes the interfaces called `names` down.
    ///
    /// # Errors
    ///
    /// Where there is none of that name.
    pub fn set_down(&mut self, names: &[&str]) -> io::Result<()> {
        self.ask(names.iter().map(|name| (link_down(name), 0)).collect())
    }

    /// Waits until frames pass through all of `names`: the operational state is UP *and* the queue
    /// is no longer `noop`, which drops frames in silence although the flags say up.
    ///
    /// # Errors
    ///
    /// Kind `TimedOut` with the state of the first that is not usable.
    pub fn wait_until_usable(&mut self, names: &[&str], limit: Duration) -> io::Result<()> {
        let clock = RealClock::start();
        let mut states = self.states()?;
        loop {
            let usable = |name: &&&str| states.get(**name).is_some_and(LinkState::is_usable);
            let Some(missing) = names.iter().find(|name| !usable(name)) else { return Ok(()) };
            let left = limit.saturating_sub(clock.now());
            if left.is_zero() || !readable(&self.news, left)? {
                let why = format!(
                    "{missing} did not come up within {limit:?}: {:?}",
                    states.get(*missing)
                );
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            match receive(&self.news) {
                Ok(messages) => {
                    messages.into_iter().for_each(|message| note(&mut states, message.payload));
                }
                // More news than the socket holds: ask again.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    states = self.states()?
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until the kernel takes packets for `address` in: it adds the route for that some time
    /// after the address.
    ///
    /// # Errors
    ///
    /// Kind `TimedOut` where it does not.
    pub fn wait_until_local(&mut self, address: Ipv6Addr, limit: Duration) -> io::Result<()> {
        let clock = RealClock::start();
        loop {
            let octets = self.message(way_to(address), 0);
            self.socket.send(&octets, 0)?;
            let local = self.receive()?.iter().any(|message| {
                matches!(&message.payload, NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewRoute(route))
                    if route.header.kind == RouteType::Local)
            });
            if local {
                return Ok(());
            }
            let left = limit.saturating_sub(clock.now());
            if left.is_zero() || !readable(&self.news, left)? {
                let why = format!("packets for {address} are not taken in after {limit:?}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            // Whatever changed, ask again.
            match receive(&self.news) {
                Err(error) if error.raw_os_error() != Some(libc::ENOBUFS) => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// The index of the interface `name`.
    ///
    /// # Errors
    ///
    /// Kind `NotFound` where there is none.
    pub fn index(&mut self, name: &str) -> io::Result<u32> {
        let states = self.states()?;
        states.get(name).map(|state| state.index).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("there is no interface {name}"))
        })
    }

    fn states(&mut self) -> io::Result<BTreeMap<String, LinkState>> {
        let octets = self.message(RouteNetlinkMessage::GetLink(LinkMessage::default()), NLM_F_DUMP);
        self.socket.send(&octets, 0)?;
        let mut states = BTreeMap::new();
        loop {
            for message in self.receive()? {
                if let NetlinkPayload::Done(_) = message.payload {
                    return Ok(states);
                }
                if let NetlinkPayload::Error(error) = message.payload {
                    return Err(error.to_io());
                }
                note(&mut states, message.payload);
            }
        }
    }

    fn message(&mut self, request: RouteNetlinkMessage, flags: u16) -> Vec<u8> {
        self.sequence += 1;
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(request));
        message.finalize();
        let mut octets = vec![0; message.buffer_len().next_multiple_of(4)];
        message.serialize(&mut octets);
        octets
    }

    fn receive(&self) -> io::Result<Vec<NetlinkMessage<RouteNetlinkMessage>>> {
        receive(&self.socket)
    }
}

#[derive(Debug)]
struct LinkState {
    index: u32,
    operational: State,
    queue: String,
}

impl LinkState {
    fn is_usable(&self) -> bool {
        self.operational == State::Up && self.queue != "noop"
    }
}

fn link_up(name: &str) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    message.attributes.push(LinkAttribute::IfName(name.to_owned()));
    RouteNetlinkMessage::SetLink(message)
}

fn link_down(name: &str) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.change_mask = LinkFlags::Up;
    message.attributes.push(LinkAttribute::IfName(name.to_owned()));
    RouteNetlinkMessage::SetLink(message)
}

fn note(states: &mut BTreeMap<String, LinkState>, payload: NetlinkPayload<RouteNetlinkMessage>) {
    let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(message)) = payload else {
        return;
    };
    let mut name = None;
    let mut state = LinkState {
        index: message.header.index,
        operational: State::Unknown,
        queue: String::new(),
    };
    for attribute in message.attributes {
        if let LinkAttribute::IfName(text) = attribute {
            name = Some(text);
        } else if let LinkAttribute::OperState(operational) = attribute {
            state.operational = operational;
        } else if let LinkAttribute::Qdisc(queue) = attribute {
            state.queue = queue;
        }
    }
    if let Some(name) = name {
        states.insert(name, state);
    }
}

/// The messages of one datagram.
fn receive(socket: &Socket) -> io::Result<Vec<NetlinkMessage<RouteNetlinkMessage>>> {
    let (octets, _) = socket.recv_from_full()?;
    let mut rest = octets.as_slice();
    let mut messages = Vec::new();
    while !rest.is_empty() {
        let message = NetlinkMessage::deserialize(rest).map_err(io::Error::other)?;
        let length =
            usize::try_from(message.header.length).unwrap_or(usize::MAX).next_multiple_of(4);
        messages.push(message);
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(messages)
}

#[expect(unsafe_code, reason = "netlink-sys lends its descriptor as a number only")]
fn readable(socket: &Socket, limit: Duration) -> io::Result<bool> {
    // SAFETY: the socket outlives this borrow of its descriptor.
    let descriptor = unsafe { BorrowedFd::borrow_raw(socket.as_raw_fd()) };
    let limit = limit.try_into().map_err(io::Error::other)?;
    Ok(poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&limit))? > 0)
}

/// RTNLGRP_LINK of linux/rtnetlink.h.
const GROUP_LINK: u32 = 1;

/// RTNLGRP_IPV6_ROUTE of linux/rtnetlink.h.
const GROUP_IPV6_ROUTE: u32 = 11;
