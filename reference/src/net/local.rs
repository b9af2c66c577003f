//! The address that a node lends to ordinary programs on its host: a TUN device, or a veth pair
//! where `/dev/net/tun` is closed.
//!
//! Who makes and addresses the device is somebody else; here its packets become the node's
//! [`Input::Local`](roamproof_node::Input::Local) and the node's local packets become the device's.

use std::io;
use std::net::Ipv6Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;

use tun_rs::{DeviceBuilder, SyncDevice};

use crate::net::pcap::Port;

/// The way to the programs of this host.
pub struct Local {
    address: Ipv6Addr,
    way: Way,
}

enum Way {
    Tun { device: SyncDevice, room: Vec<u8> },
    Veth { port: Port, near: [u8; 6], far: [u8; 6] },
}

impl Local {
    /// A TUN device called `name` in this network namespace, made if it is not there. It still wants
    /// `address` and a route, and to be taken up.
    ///
    /// # Errors
    ///
    /// Where `/dev/net/tun` is closed to this user, or the name is taken by something else.
    pub fn tun(name: &str, address: Ipv6Addr) -> io::Result<Self> {
        if !Path::new(TUN).exists() {
            // The library would make it for the whole system.
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no {TUN}")));
        }
        let device = DeviceBuilder::new().name(name).enable(false).build_sync()?;
        device.set_nonblocking(true)?;
        Ok(Self { address, way: Way::Tun { device, room: vec![0; PACKET_OCTETS_MAX] } })
    }

    /// A veth pair: programs use the end whose link-layer address is `near`, which asks for no
    /// neighbours; the node holds the end `device`, whose address is `far`.
    ///
    /// # Errors
    ///
    /// As [`Port::open`].
    pub fn veth(device: &str, near: [u8; 6], far: [u8; 6], address: Ipv6Addr) -> io::Result<Self> {
        Ok(Self { address, way: Way::Veth { port: Port::open(device)?, near, far } })
    }

    /// The next packet that a program sent from the lent address, without waiting. What the kernel
    /// itself says on the device (neighbour discovery, group membership) is left out.
    ///
    /// # Errors
    ///
    /// Where the device is gone.
    pub fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        while let Some(packet) = self.way.receive()? {
            if is_from(&packet, self.address) {
                return Ok(Some(packet));
            }
        }
        Ok(None)
    }

    /// Hands a packet to the programs of this host.
    ///
    /// # Errors
    ///
    /// Where the device does not take it.
    pub fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        match &mut self.way {
            Way::Tun { device, .. } => device.send(packet).map(|_| ()),
            Way::Veth { port, near, far } => {
                let mut frame = Vec::with_capacity(ETHERNET_HEADER + packet.len());
                frame.extend_from_slice(near);
                frame.extend_from_slice(far);
                frame.extend_from_slice(&ETHERTYPE_IPV6);
                frame.extend_from_slice(packet);
                port.send(&frame)
            }
        }
    }
}

impl Way {
    fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Tun { device, room } => match device.recv(room) {
                Ok(count) => Ok(Some(room[..count].to_vec())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                Err(error) => Err(error),
            },
            Self::Veth { port, .. } => {
                while port.next_stamp()?.is_some() {
                    let frame = port.take().unwrap_or_default();
                    if frame.get(12..ETHERNET_HEADER) == Some(&ETHERTYPE_IPV6) {
                        return Ok(Some(frame[ETHERNET_HEADER..].to_vec()));
                    }
                }
                Ok(None)
            }
        }
    }
}

impl AsFd for Local {
    #[expect(unsafe_code, reason = "tun-rs lends its descriptor as a number only")]
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.way {
            // SAFETY: the device keeps its descriptor open for as long as it lives.
            Way::Tun { device, .. } => unsafe { BorrowedFd::borrow_raw(device.as_raw_fd()) },
            Way::Veth { port, .. } => port.as_fd(),
        }
    }
}

fn is_from(packet: &[u8], address: Ipv6Addr) -> bool {
    packet.first().is_some_and(|octet| octet >> 4 == 6)
        && packet.get(8..24) == Some(&address.octets())
}

/// Where the kernel hands out TUN devices.
const TUN: &str = "/dev/net/tun";

/// Octets of a packet that a device may hand over.
const PACKET_OCTETS_MAX: usize = 65_575;

/// Octets of an Ethernet header.
const ETHERNET_HEADER: usize = 14;

/// EtherType of IPv6, in wire order.
const ETHERTYPE_IPV6: [u8; 2] = [0x86, 0xdd];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packets_from_the_lent_address_are_the_programs() {
        let address: Ipv6Addr = "2001:db8:a::100".parse().unwrap();
        let mut packet = vec![0x60; 48];
        packet[8..24].copy_from_slice(&address.octets());
        assert!(is_from(&packet, address));
        packet[23] ^= 1;
        assert!(!is_from(&packet, address), "another source");
        packet[23] ^= 1;
        packet[0] = 0x45;
        assert!(!is_from(&packet, address), "another version");
        assert!(!is_from(&packet[..20], address), "cut");
    }
}
