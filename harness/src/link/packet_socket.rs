//! Real links: one packet socket over all ports of a network, with the kernel's time stamps.
//!
//! One socket keeps the order in which the frames of different ports were sent, which one socket
//! per port does not. An interface of another namespace (a vendor's device) comes with a socket of
//! its own, opened there and [attached](PacketSocketLink::attach); its frames are merged by stamp.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use crate::link::clock::{RealClock, unix_time};
use crate::link::{Arrival, Clock, Link, Port};

/// All ports of one live network.
pub struct PacketSocketLink {
    clock: RealClock,
    sockets: Vec<Socket>,
    /// Where each port is: which socket, which interface.
    ports: BTreeMap<Port, (usize, i32)>,
    /// The stamp of the arrival given out last: time never runs backwards.
    last: Duration,
    lateness: Duration,
    /// When the harness last turned to its links, and for how long it had had a processor by then:
    /// what passes until it does so again should pass at work.
    turned: (Duration, Duration),
    sent: u32,
    /// What went wrong while a frame was sent, told at the next receive.
    failure: Option<io::Error>,
}

struct Socket {
    descriptor: OwnedFd,
    /// By interface index.
    ports: BTreeMap<i32, Port>,
    waiting: VecDeque<Arrival>,
    waiting_octets: usize,
    batch: Batch,
}

impl PacketSocketLink {
    /// Opens the socket over `ports`, each an interface of the calling thread's namespace by index.
    /// The clock starts.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses it.
    pub fn open(ports: &[(u32, Port)]) -> io::Result<Self> {
        let mut link = Self {
            clock: RealClock::start(),
            sockets: Vec::new(),
            ports: BTreeMap::new(),
            last: Duration::ZERO,
            lateness: Duration::ZERO,
            turned: (Duration::ZERO, processor_time()),
            sent: 0,
            failure: None,
        };
        let ports = ports
            .iter()
            .map(|&(index, port)| Ok((i32::try_from(index).map_err(io::Error::other)?, port)))
            .collect::<io::Result<_>>()?;
        link.add(open_socket(None)?, ports);
        Ok(link)
    }

    /// Adds a port that is an interface somewhere else, by a socket that [`open_socket`] bound there.
    ///
    /// # Errors
    ///
    /// Where the socket is not bound to an interface.
    pub fn attach(&mut self, socket: OwnedFd, port: Port) -> io::Result<()> {
        let index = bound_to(&socket)?;
        self.add(socket, BTreeMap::from([(index, port)]));
        Ok(())
    }

    /// Starts the clock anew and forgets what has arrived so far. Returns the Unix time of its zero.
    ///
    /// # Errors
    ///
    /// As [`receive`](Link::receive).
    pub fn restart(&mut self) -> io::Result<Duration> {
        self.drain()?;
        for socket in &mut self.sockets {
            socket.waiting.clear();
            socket.waiting_octets = 0;
        }
        self.clock = RealClock::start();
        self.last = Duration::ZERO;
        self.be_punctual();
        Ok(self.clock.epoch())
    }

    /// From now on the harness is to be in time.
    pub fn be_punctual(&mut self) {
        self.lateness = Duration::ZERO;
        self.turned = (self.clock.now(), processor_time());
    }

    /// The harness turns to its links: since the last time it should have been kept from nothing.
    fn turn(&mut self) {
        let (now, worked) = (self.clock.now(), processor_time());
        let away = now.saturating_sub(self.turned.0);
        let at_work = worked.saturating_sub(self.turned.1);
        self.lateness = self.lateness.max(away.saturating_sub(at_work));
        self.turned = (now, worked);
    }

    fn add(&mut self, descriptor: OwnedFd, ports: BTreeMap<i32, Port>) {
        let socket = self.sockets.len();
        self.ports.extend(ports.iter().map(|(index, port)| (*port, (socket, *index))));
        self.sockets.push(Socket {
            descriptor,
            ports,
            waiting: VecDeque::new(),
            waiting_octets: 0,
            batch: Batch::new(),
        });
    }

    /// Takes in what the sockets hold.
    fn drain(&mut self) -> io::Result<()> {
        self.clock.follow_wall();
        self.sockets.iter_mut().try_for_each(|socket| socket.drain(&self.clock))
    }

    /// The socket whose first frame is the oldest.
    fn earliest(&mut self) -> Option<&mut Socket> {
        self.sockets
            .iter_mut()
            .filter(|socket| !socket.waiting.is_empty())
            .min_by_key(|socket| socket.waiting.front().map(|arrival| arrival.at))
    }

    /// The next frame, if it came no later than `until`.
    fn take(&mut self, until: Duration) -> Option<Arrival> {
        let socket = self.earliest()?;
        if socket.waiting.front().is_some_and(|arrival| arrival.at > until) {
            return None;
        }
        let mut arrival = socket.waiting.pop_front()?;
        socket.waiting_octets -= arrival.octets.len();
        arrival.at = arrival.at.max(self.last);
        self.last = arrival.at;
        Some(arrival)
    }

    fn wait(&self, limit: Duration) -> io::Result<()> {
        let mut descriptors: Vec<PollFd<'_>> = self
            .sockets
            .iter()
            .map(|socket| PollFd::new(&socket.descriptor, PollFlags::IN))
            .collect();
        let limit = limit.min(LONGEST_WAIT).try_into().map_err(io::Error::other)?;
        match poll(&mut descriptors, Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Clock for PacketSocketLink {
    fn now(&self) -> Duration {
        self.clock.now()
    }
}

impl Link for PacketSocketLink {
    fn send(&mut self, port: Port, octets: &[u8]) -> io::Result<()> {
        self.turn();
        let Some(&(socket, index)) = self.ports.get(&port) else {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("there is no port {}", port.0),
            ));
        };
        transmit(&self.sockets[socket].descriptor, index, octets)?;
        self.sent = self.sent.wrapping_add(1);
        if self.sent.is_multiple_of(SENDS_A_DRAIN) && self.failure.is_none() {
            // Answers to a burst must not overflow a buffer that nobody reads meanwhile.
            self.failure = self.drain().err();
        }
        Ok(())
    }

    fn receive(&mut self, until: Duration) -> io::Result<Option<Arrival>> {
        self.turn();
        let received = self.receive_by(until);
        self.turned = (self.clock.now(), processor_time());
        received
    }

    fn lateness(&mut self) -> Duration {
        mem::take(&mut self.lateness)
    }
}

impl PacketSocketLink {
    fn receive_by(&mut self, until: Duration) -> io::Result<Option<Arrival>> {
        let mut waited = false;
        loop {
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            // The time is read before the sockets: what is stamped no later is then in them.
            let now = self.clock.now();
            if self.sockets.len() > 1 || self.sockets.iter().all(|socket| socket.waiting.is_empty())
            {
                self.drain()?;
            }
            if let Some(arrival) = self.take(until) {
                if waited {
                    self.lateness = self.lateness.max(now.saturating_sub(arrival.at));
                }
                return Ok(Some(arrival));
            }
            if now >= until {
                if waited {
                    self.lateness = self.lateness.max(now - until);
                }
                return Ok(None);
            }
            self.wait(until - now)?;
            waited = true;
        }
    }
}

impl Socket {
    fn drain(&mut self, clock: &RealClock) -> io::Result<()> {
        loop {
            let count = self.batch.receive(&self.descriptor)?;
            for place in 0..count {
                let (index, told, octets) = self.batch.frame(place);
                let Some(&port) = self.ports.get(&index) else { continue };
                let at = clock.at_wall(told.stamp.unwrap_or_else(unix_time));
                let octets = with_tag(octets, told.tag);
                self.waiting_octets += octets.len();
                self.waiting.push_back(Arrival { at, port, octets });
            }
            if count > 0 {
                self.complain_of_loss()?;
            }
            if count < Batch::SIZE {
                return Ok(());
            }
        }
    }

    fn complain_of_loss(&self) -> io::Result<()> {
        let lost = dropped(&self.descriptor)?;
        if lost > 0 {
            return Err(io::Error::other(format!(
                "{lost} frames were lost before the harness could read them"
            )));
        }
        if self.waiting_octets > WAITING_OCTETS_MAX {
            return Err(io::Error::other("more frames came than the harness may keep"));
        }
        Ok(())
    }
}

/// How long the calling thread has had a processor so far.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Opens a packet socket over all interfaces of the calling thread's namespace, or over the one
/// called `interface`, then promiscuous. It sees what comes in, not what is sent out.
///
/// Where no other socket of the host wants time stamps yet, the kernel takes some milliseconds until
/// it stamps frames as they come; until then they bear the time at which they are read.
///
/// # Errors
///
/// Where the kernel refuses it, or there is no such interface.
pub fn open_socket(interface: Option<&str>) -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // Protocol zero: nothing is received before the socket is bound.
    let descriptor = new_socket(libc::AF_PACKET, kind)?;
    if set(&descriptor, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &RECEIVE_BUFFER).is_err() {
        // Without rights over the whole system the kernel gives as much as it allows.
        set(&descriptor, libc::SOL_SOCKET, libc::SO_RCVBUF, &RECEIVE_BUFFER)?;
    }
    set(&descriptor, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, &1_i32)?;
    set(&descriptor, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1_i32)?;
    // The kernel takes VLAN tags out of frames; it tells of them beside.
    set(&descriptor, libc::SOL_PACKET, libc::PACKET_AUXDATA, &1_i32)?;
    let index = match interface {
        None => 0,
        Some(name) => {
            let index =
                rustix::net::netdevice::name_to_index(&descriptor, name).map_err(|error| {
                    io::Error::new(error.kind(), format!("interface {name}: {error}"))
                })?;
            i32::try_from(index).map_err(io::Error::other)?
        }
    };
    if index != 0 {
        let membership = libc::packet_mreq {
            mr_ifindex: index,
            mr_type: u16::try_from(libc::PACKET_MR_PROMISC).unwrap_or_default(),
            mr_alen: 0,
            mr_address: [0; 8],
        };
        set(&descriptor, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership)?;
    }
    bind(&descriptor, index)?;
    Ok(descriptor)
}

#[expect(unsafe_code, reason = "rustix has no packet sockets")]
fn new_socket(family: i32, kind: i32) -> io::Result<OwnedFd> {
    // SAFETY: the descriptor is new and owned by nobody else.
    unsafe {
        let descriptor = libc::socket(family, kind, 0);
        if descriptor < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(OwnedFd::from_raw_fd(descriptor))
        }
    }
}

#[expect(unsafe_code, reason = "rustix does not know these options")]
fn set<T: Copy>(socket: &OwnedFd, level: i32, option: i32, value: &T) -> io::Result<()> {
    // SAFETY: the kernel reads as many octets as the value has.
    let outcome = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const *value).cast(),
            length_of::<T>(),
        )
    };
    if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[expect(unsafe_code, reason = "rustix has no link-layer addresses")]
fn bind(socket: &OwnedFd, index: i32) -> io::Result<()> {
    let address = link_layer_address(index);
    // SAFETY: the address is initialised and outlives the call.
    let outcome = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            length_of::<libc::sockaddr_ll>(),
        )
    };
    if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[expect(unsafe_code, reason = "rustix has no link-layer addresses")]
fn bound_to(socket: &OwnedFd) -> io::Result<i32> {
    let mut address = link_layer_address(0);
    let mut length = length_of::<libc::sockaddr_ll>();
    // SAFETY: the kernel writes at most `length` octets into the address.
    let outcome = unsafe {
        libc::getsockname(socket.as_raw_fd(), (&raw mut address).cast(), &raw mut length)
    };
    if outcome < 0 {
        return Err(io::Error::last_os_error());
    }
    if i32::from(address.sll_family) != libc::AF_PACKET || address.sll_ifindex == 0 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the socket is bound to no interface",
        ));
    }
    Ok(address.sll_ifindex)
}

#[expect(unsafe_code, reason = "rustix has no link-layer addresses")]
fn transmit(socket: &OwnedFd, index: i32, octets: &[u8]) -> io::Result<()> {
    let address = link_layer_address(index);
    // SAFETY: octets and address are initialised and outlive the call.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            octets.as_ptr().cast(),
            octets.len(),
            0,
            (&raw const address).cast(),
            length_of::<libc::sockaddr_ll>(),
        )
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// How many frames the kernel has dropped since this was last asked.
#[expect(unsafe_code, reason = "rustix does not know this option")]
fn dropped(socket: &OwnedFd) -> io::Result<u32> {
    let mut statistics = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
    let mut length = length_of::<libc::tpacket_stats>();
    // SAFETY: the kernel writes at most `length` octets into the statistics.
    let outcome = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            (&raw mut statistics).cast(),
            &raw mut length,
        )
    };
    if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(statistics.tp_drops) }
}

#[expect(unsafe_code, reason = "a zeroed address is how the kernel wants it")]
fn link_layer_address(index: i32) -> libc::sockaddr_ll {
    // SAFETY: `sockaddr_ll` is plain data for which all zeros is a value.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or_default();
    address.sll_protocol = u16::try_from(libc::ETH_P_ALL).unwrap_or_default().to_be();
    address.sll_ifindex = index;
    address
}

fn length_of<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).expect("no socket structure is that large")
}

/// Room for several frames, filled by one system call.
struct Batch {
    octets: Vec<u8>,
    /// What the last call wrote: for each frame its length, interface and what is told beside.
    frames: Vec<(usize, i32, Told)>,
}

/// What the kernel tells of a frame beside its octets.
#[derive(Clone, Copy, Default)]
struct Told {
    /// When it came, since the Unix epoch.
    stamp: Option<Duration>,
    /// The VLAN tag (IEEE 802.1Q) that it bore after its addresses.
    tag: Option<[u8; 4]>,
}

/// The frame as it was on the link.
fn with_tag(octets: &[u8], tag: Option<[u8; 4]>) -> Vec<u8> {
    match (tag, octets.split_at_checked(12)) {
        (Some(tag), Some((addresses, rest))) => [addresses, &tag, rest].concat(),
        (None, _) | (_, None) => octets.to_vec(),
    }
}

/// Room for the control messages with a time stamp and a VLAN tag, aligned as the kernel wants it.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; 128]);

impl Batch {
    const SIZE: usize = 32;

    fn new() -> Self {
        Self {
            octets: vec![0; Self::SIZE * FRAME_OCTETS_MAX],
            frames: Vec::with_capacity(Self::SIZE),
        }
    }

    /// Reads as many frames as there are, up to [`SIZE`](Self::SIZE), without waiting; those that
    /// this host sent itself are counted, and belong to no interface.
    #[expect(unsafe_code, reason = "rustix has no recvmmsg")]
    fn receive(&mut self, socket: &OwnedFd) -> io::Result<usize> {
        let mut controls = [Control([0; 128]); Self::SIZE];
        let mut addresses = [link_layer_address(0); Self::SIZE];
        // SAFETY: these are plain data for which all zeros is a value.
        let mut vectors: [libc::iovec; Self::SIZE] = unsafe { mem::zeroed() };
        // SAFETY: as above.
        let mut headers: [libc::mmsghdr; Self::SIZE] = unsafe { mem::zeroed() };
        for (place, room) in self.octets.chunks_exact_mut(FRAME_OCTETS_MAX).enumerate() {
            vectors[place] =
                libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
            let header = &mut headers[place].msg_hdr;
            header.msg_iov = &raw mut vectors[place];
            header.msg_iovlen = 1;
            header.msg_name = (&raw mut addresses[place]).cast();
            header.msg_namelen = length_of::<libc::sockaddr_ll>();
            header.msg_control = (&raw mut controls[place]).cast();
            header.msg_controllen = size_of::<Control>();
        }
        // SAFETY: every header points to room of the length that it says, which outlives the call.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_fd().as_raw_fd(),
                headers.as_mut_ptr(),
                libc::c_uint::try_from(Self::SIZE).unwrap_or_default(),
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        self.frames.clear();
        let Ok(count) = usize::try_from(count) else {
            let error = io::Error::last_os_error();
            let nothing =
                matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted);
            return if nothing { Ok(0) } else { Err(error) };
        };
        for (header, address) in headers.iter().zip(addresses).take(count) {
            let ours = address.sll_pkttype == libc::PACKET_OUTGOING;
            let index = if ours { -1 } else { address.sll_ifindex };
            let length = usize::try_from(header.msg_len).unwrap_or_default();
            self.frames.push((length, index, told(&header.msg_hdr)));
        }
        Ok(count)
    }

    fn frame(&self, place: usize) -> (i32, Told, &[u8]) {
        let (length, index, told) = self.frames[place];
        let from = place * FRAME_OCTETS_MAX;
        (index, told, &self.octets[from..from + length])
    }
}

/// What the control messages of a received message tell.
#[expect(unsafe_code, reason = "control messages are read through pointers")]
fn told(header: &libc::msghdr) -> Told {
    let mut told = Told::default();
    // SAFETY: the kernel wrote the control messages that the header describes, each with data of its
    // type's length, and the macros stay within the length that it says.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while let Some(control) = message.as_ref() {
            match (control.cmsg_level, control.cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    let time = libc::CMSG_DATA(message).cast::<libc::timespec>().read_unaligned();
                    told.stamp = since_epoch(time);
                }
                (libc::SOL_PACKET, libc::PACKET_AUXDATA) => {
                    let data = libc::CMSG_DATA(message).cast::<libc::tpacket_auxdata>();
                    told.tag = tag(data.read_unaligned());
                }
                _ => {}
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    told
}

fn since_epoch(time: libc::timespec) -> Option<Duration> {
    let seconds = u64::try_from(time.tv_sec).ok()?;
    Some(Duration::new(seconds, u32::try_from(time.tv_nsec).ok()?))
}

fn tag(data: libc::tpacket_auxdata) -> Option<[u8; 4]> {
    if data.tp_status & libc::TP_STATUS_VLAN_VALID == 0 {
        return None;
    }
    let known = data.tp_status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
    let [a, b] = if known { data.tp_vlan_tpid } else { VLAN_TYPE }.to_be_bytes();
    let [c, d] = data.tp_vlan_tci.to_be_bytes();
    Some([a, b, c, d])
}

/// The type of a VLAN tag where the kernel does not say.
const VLAN_TYPE: u16 = 0x8100;

/// Octets the kernel may hold for us; it doubles it for its own bookkeeping.
const RECEIVE_BUFFER: i32 = 32 << 20;

/// The largest frame that a socket hands over: an IPv6 packet without jumbo payload, and its header.
const FRAME_OCTETS_MAX: usize = 65_536;

/// Octets that wait for a harness that only sends.
const WAITING_OCTETS_MAX: usize = 256 << 20;

/// After how many frames sent the sockets are looked at.
const SENDS_A_DRAIN: u32 = 16;

/// `poll` takes no longer.
const LONGEST_WAIT: Duration = Duration::from_hours(1);
