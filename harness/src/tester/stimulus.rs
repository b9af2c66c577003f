//! Stimuli are judged before they are sent: what a tester says wrong is no fault of the subject.

use roamproof_wire::WireError;
use roamproof_wire::icmpv6::Message as IcmpMessage;
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility;
use roamproof_wire::udp::Udp;

/// Reads a packet as its receiver will, tunnels and all: headers, lengths, checksums.
///
/// An authenticator is not judged: a wrong one is what some stimuli are about.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn check(octets: &[u8]) -> Result<(), WireError> {
    let packet = Packet::parse(octets).map_err(|rejected| rejected.error)?;
    if let Some(beyond) = octets.len().checked_sub(packet.octets.len()).filter(|beyond| *beyond > 0)
    {
        let fault = roamproof_wire::Fault::Trailing { octets: beyond };
        return Err(WireError { within: "IPv6 packet", offset: packet.octets.len(), fault });
    }
    if packet.piece().is_some() {
        return Ok(());
    }
    let (source, destination) = (packet.source(), packet.destination());
    match packet.protocol {
        protocol::IPV6 => check(packet.payload),
        protocol::ICMPV6 => IcmpMessage::parse(&packet).map(drop),
        protocol::UDP => Udp::parse(source, destination, packet.payload).map(drop),
        protocol::MOBILITY => mobility::verify(source, destination, packet.payload),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use roamproof_wire::icmpv6::Echo;
    use roamproof_wire::ipv6::{Outgoing, encapsulate};
    use roamproof_wire::udp;
    use rstest::rstest;

    use super::*;

    const ONE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 1);
    const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 2);

    #[rstest]
    #[case::echo(echo())]
    #[case::datagram(datagram())]
    #[case::tunnelled(encapsulate(OTHER, ONE, 64, &datagram()))]
    fn what_is_right_is_sent_and_any_flip_of_its_last_octet_is_not(#[case] packet: Vec<u8>) {
        assert_eq!(check(&packet), Ok(()));
        let mut spoilt = packet.clone();
        *spoilt.last_mut().unwrap() ^= 0x40;
        assert!(check(&spoilt).is_err(), "a checksum covers it");
        let longer = [&packet[..], &[0]].concat();
        assert!(check(&longer).is_err(), "nothing lies behind a packet");
    }

    fn echo() -> Vec<u8> {
        let echo = Echo { reply: false, identifier: 0x1234, sequence: 0x5678, data: b"data" };
        IcmpMessage::Echo(echo).packet(&Outgoing::new(ONE, OTHER, protocol::ICMPV6))
    }

    fn datagram() -> Vec<u8> {
        udp::packet(&Outgoing::new(ONE, OTHER, protocol::UDP), 0x1234, 0x5678, b"data")
    }
}
