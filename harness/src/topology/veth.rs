//! Pairs of virtual Ethernet interfaces, one end here and the other born in another namespace.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};

use crate::topology::netlink::Request;

/// One end of a pair.
#[derive(Debug, Clone)]
pub struct End {
    /// Its name, at most 15 octets.
    pub name: String,
    /// Its link-layer address.
    pub mac: [u8; 6],
    /// Its index; the kernel picks one where there is none.
    ///
    /// The ends of a pair must not have the same in their two namespaces, as the first interface of
    /// each would: the kernel then takes the pair for no pair, and its coming up for a change that
    /// can wait for the rest of a second.
    pub index: Option<u32>,
}

/// The request that makes a pair: `here` in the namespace that is asked, and up; `there` in the
/// namespace `home`, down. To move an end later takes a hundred times as long.
pub fn pair(here: &End, there: &End, home: Option<&File>) -> Request {
    let mut peer = named(there);
    if let Some(home) = home {
        peer.attributes.push(LinkAttribute::NetNsFd(home.as_raw_fd()));
    }
    let mut message = named(here);
    // The far end cannot be born up.
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Veth),
        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
    ]));
    (RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
}

/// Turns off everything by which the kernel leaves checksums or segmentation to a network card,
/// for the interface `name` of the calling thread's namespace: otherwise frames pass with half a
/// checksum, or larger than any that could be sent.
///
/// # Errors
///
/// Where there is no such interface. A feature that cannot be changed is left as it is.
#[expect(unsafe_code, reason = "ethtool is an ioctl with a pointer in it")]
pub fn turn_offload_off(name: &str) -> io::Result<()> {
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        None,
    )?;
    for command in OFFLOADS {
        let mut value = EthtoolValue { command, value: 0 };
        let mut request = interface_request(name)?;
        request.ifr_ifru.ifru_data = (&raw mut value).cast();
        // SAFETY: SIOCETHTOOL reads and writes the `EthtoolValue` that the request points to, and
        // both outlive the call.
        let outcome =
            unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
        if outcome < 0 {
            let error = io::Error::last_os_error();
            if error.raw_os_error() == Some(libc::ENODEV) {
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Whether the interface `name` of the calling thread's namespace is up.
///
/// # Errors
///
/// Where there is no such interface.
#[expect(unsafe_code, reason = "the flags come by an ioctl")]
pub fn is_up(name: &str) -> io::Result<bool> {
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        None,
    )?;
    let mut request = interface_request(name)?;
    // SAFETY: SIOCGIFFLAGS reads the name and writes the flags of the request, which outlives it.
    let outcome = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request) };
    if outcome < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has written the flags.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    Ok(i32::from(flags) & libc::IFF_UP != 0)
}

/// `struct ethtool_value` of linux/ethtool.h.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    value: u32,
}

fn named(end: &End) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = end.index.unwrap_or_default();
    message.attributes.push(LinkAttribute::IfName(end.name.clone()));
    message.attributes.push(LinkAttribute::Address(end.mac.to_vec()));
    message
}

#[expect(unsafe_code, reason = "a zeroed ifreq is how the kernel wants it")]
fn interface_request(name: &str) -> io::Result<libc::ifreq> {
    // SAFETY: `ifreq` is plain data for which all zeros is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name} is too long a name"),
        ));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    Ok(request)
}

/// ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_SSG of linux/ethtool.h.
const OFFLOADS: [u32; 5] = [0x17, 0x1f, 0x24, 0x2c, 0x19];
