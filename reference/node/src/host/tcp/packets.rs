//! The packets between smoltcp and a role: what smoltcp calls a device.

use std::collections::VecDeque;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant as SmoltcpInstant;

/// The packets between smoltcp and the role.
#[derive(Debug, Default)]
pub(super) struct Packets {
    pub(super) incoming: VecDeque<Vec<u8>>,
    pub(super) outgoing: VecDeque<Vec<u8>>,
}

/// A packet to smoltcp.
pub(super) struct Incoming(Vec<u8>);

/// Room for a packet from smoltcp.
pub(super) struct Room<'a>(&'a mut VecDeque<Vec<u8>>);

impl RxToken for Incoming {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

impl TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut packet = vec![0; length];
        let result = f(&mut packet);
        self.0.push_back(packet);
        result
    }
}

impl Device for Packets {
    type RxToken<'a> = Incoming;
    type TxToken<'a> = Room<'a>;

    fn receive(&mut self, _: SmoltcpInstant) -> Option<(Incoming, Room<'_>)> {
        let packet = self.incoming.pop_front()?;
        Some((Incoming(packet), Room(&mut self.outgoing)))
    }

    fn transmit(&mut self, _: SmoltcpInstant) -> Option<Room<'_>> {
        Some(Room(&mut self.outgoing))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = PACKET_MAX;
        capabilities
    }
}

/// A packet with a tunnel's header, or with a routing header and a Home Address option, around it
/// still fits a link of 1500 octets.
pub(super) const PACKET_MAX: usize = 1400;
