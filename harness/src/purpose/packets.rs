//! Packets that the tester sends as a mobile node, complete and right in every field.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::icmpv6::{Echo, Message as IcmpMessage};
use roamproof_wire::ipv6::{Outgoing, protocol};
use roamproof_wire::mobility::{
    Authorization, BindingUpdate, Lifetime, MnHaAuthentication, MobilityOption, NtpTimestamp,
    Sequence,
};

use crate::topology::claimed::{MN_HA_KEY, MN_HA_SPI};

/// A home registration (RFC 6275 §6.1.7): A and H set, Home Address option, alternate care-of
/// address, authenticated by RFC 4285; `unix` is the time that its time stamp says.
pub(super) fn home_registration(
    home: Ipv6Addr,
    home_agent: Ipv6Addr,
    care_of: Ipv6Addr,
    sequence: u16,
    lifetime: Duration,
    unix: Duration,
) -> Vec<u8> {
    let mut update = BindingUpdate {
        acknowledge: true,
        home_registration: true,
        ..BindingUpdate::new(Sequence(sequence), Lifetime::from_duration(lifetime))
    };
    update.options = update.options.with(MobilityOption::AlternateCareOfAddress(care_of));
    let key = octets_of(MN_HA_KEY);
    let timestamp = NtpTimestamp::from_unix(unix);
    let proof = Authorization::MnHa(MnHaAuthentication { spi: MN_HA_SPI, key: &key, timestamp });
    let octets = update.to_vec_authorized(home, home_agent, care_of, proof);
    let outgoing = Outgoing {
        home_address: Some(home),
        ..Outgoing::new(care_of, home_agent, protocol::MOBILITY)
    };
    outgoing.to_vec(&octets)
}

/// An Echo Request.
pub(super) fn echo_request(source: Ipv6Addr, destination: Ipv6Addr, sequence: u16) -> Vec<u8> {
    let data = b"is the home address bound?";
    let echo = Echo { reply: false, identifier: 0x4252, sequence, data };
    IcmpMessage::Echo(echo).packet(&Outgoing::new(source, destination, protocol::ICMPV6))
}

/// The octets of a key in hexadecimal digits.
fn octets_of(digits: &str) -> Vec<u8> {
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("keys are constants here"))
        .collect()
}
