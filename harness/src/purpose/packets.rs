//! Packets that purposes of several roles send.

use std::net::Ipv6Addr;

use roamproof_wire::icmpv6::{Echo, Message as IcmpMessage};
use roamproof_wire::ipv6::{Outgoing, protocol};

/// An Echo Request.
pub(super) fn echo_request(source: Ipv6Addr, destination: Ipv6Addr, sequence: u16) -> Vec<u8> {
    let data = b"is the home address bound?";
    let echo = Echo { reply: false, identifier: 0x4252, sequence, data };
    IcmpMessage::Echo(echo).packet(&Outgoing::new(source, destination, protocol::ICMPV6))
}
