//! The tester as a SIP server that asks for care-of addresses: its side of binding lookup.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::edit;
use roamproof_wire::ipv6::{Outgoing, protocol};
use roamproof_wire::mobility::{BindingLookup, NtpTimestamp};

use crate::plan::{Key, Plan};

/// A SIP server that shares a key with a home agent.
#[derive(Debug, Clone)]
pub struct LookupServer {
    /// Its address.
    pub address: Ipv6Addr,
    /// The home agent.
    pub home_agent: Ipv6Addr,
    transaction: u16,
    key: Key,
}

/// A query, and what its answer has to name.
#[derive(Debug, Clone)]
pub struct Query {
    /// Its transaction.
    pub transaction: u16,
    /// The packet.
    pub packet: Vec<u8>,
}

/// Padding and authentication at the end of every message of one address or two, octets.
const PROOF_LEN: usize = 20;
/// What stands in its place where there is none: a PadN of four octets.
const PADDING: [u8; 4] = [1, 2, 0, 0];
/// Where an IPv6 packet says how long its payload is, and a mobility message how long it is.
const PAYLOAD_LENGTH_AT: usize = 4;
const HEADER_LEN_AT: usize = 1;

impl LookupServer {
    /// The plan's server, which has asked nothing yet.
    pub fn new(plan: &Plan) -> Self {
        Self::at(plan.ss, plan)
    }

    /// A server at this address with the plan's key.
    pub fn at(address: Ipv6Addr, plan: &Plan) -> Self {
        Self { address, home_agent: plan.ha, transaction: 0x5000, key: plan.ha_ss.clone() }
    }

    /// Its query for `home`, stamped with `unix`.
    pub fn asks(&mut self, home: Ipv6Addr, unix: Duration) -> Query {
        let message = self.question(home);
        Query { transaction: message.transaction, packet: self.tells(&message, unix) }
    }

    /// The same from somebody who has not the key.
    pub fn asks_with_another_key(&mut self, home: Ipv6Addr, unix: Duration) -> Query {
        let message = self.question(home);
        let mut key = self.key.clone();
        key.octets.reverse();
        let packet = packet(self.address, self.home_agent, &message, unix, &key);
        Query { transaction: message.transaction, packet }
    }

    /// The same without authentication.
    pub fn asks_without_proof(&mut self, home: Ipv6Addr, unix: Duration) -> Query {
        let Query { transaction, mut packet } = self.asks(home, unix);
        packet.truncate(packet.len() - PROOF_LEN);
        packet.extend_from_slice(&PADDING);
        let shorter = u8::try_from(PROOF_LEN - PADDING.len()).expect("a few octets");
        let message = packet.len() - MESSAGE_LEN;
        packet[PAYLOAD_LENGTH_AT + 1] -= shorter;
        packet[message + HEADER_LEN_AT] -= shorter / 8;
        let mended = edit::mend_checksums(&mut packet);
        assert!(mended, "it has one checksum");
        Query { transaction, packet }
    }

    /// What it says to the home agent, stamped with `unix` and proved by the key they share.
    pub fn tells(&self, message: &BindingLookup, unix: Duration) -> Vec<u8> {
        packet(self.address, self.home_agent, message, unix, &self.key)
    }

    const fn question(&mut self, home: Ipv6Addr) -> BindingLookup {
        self.transaction = self.transaction.wrapping_add(1);
        BindingLookup::query(self.transaction, home)
    }
}

/// A query without authentication, octets.
const MESSAGE_LEN: usize = 56;

/// A binding lookup message in its packet, stamped with `unix` and proved by `key`.
pub(super) fn packet(
    from: Ipv6Addr,
    to: Ipv6Addr,
    message: &BindingLookup,
    unix: Duration,
    key: &Key,
) -> Vec<u8> {
    let timestamp = NtpTimestamp::from_unix(unix);
    let octets = message.to_vec_authorized(from, to, key.spi, &key.octets, timestamp);
    Outgoing::new(from, to, protocol::MOBILITY).to_vec(&octets)
}

#[cfg(test)]
mod tests {
    use super::super::stimulus::check;
    use super::*;
    use roamproof_wire::ethernet::Mac;
    use roamproof_wire::ipv6::Packet;
    use roamproof_wire::mobility::{self, verify_lookup};

    #[test]
    fn a_query_is_proved_and_one_without_proof_lacks_nothing_else() {
        let plan = Plan::claimed(Mac([2, 0, 0, 0, 0, 1]));
        let mut server = LookupServer::new(&plan);
        let unix = Duration::from_secs(1_700_000_000);
        let proved = server.asks(plan.hoa, unix);
        let packet = Packet::parse(&proved.packet).unwrap();
        assert_eq!(check(&proved.packet), Ok(()));
        assert!(verify_lookup(&plan.ha_ss.octets, plan.ss, plan.ha, packet.payload));
        let other = server.asks_with_another_key(plan.hoa, unix);
        let packet = Packet::parse(&other.packet).unwrap();
        assert_eq!(check(&other.packet), Ok(()));
        assert!(!verify_lookup(&plan.ha_ss.octets, plan.ss, plan.ha, packet.payload));
        let bare = server.asks_without_proof(plan.hoa, unix);
        assert_eq!(check(&bare.packet), Ok(()));
        let error = mobility::Message::parse(Packet::parse(&bare.packet).unwrap().payload);
        let error = error.unwrap_err().to_string();
        // No message with its proof is as short as that.
        assert_eq!(error, "binding lookup: octet 1: 0x06 has no meaning here");
    }
}
