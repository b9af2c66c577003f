//! That a node is no amplifier: what it sends to an address that it has not verified is bounded by what it got on
//! that address's account.
//!
//! A packet is on the account of every address that it names: in a header, an option, a quoted packet or the text of
//! SIP. That is what a stranger has to spend to make a node send somewhere, be it to himself or to a third party.
//!
//! | counts | is bounded by |
//! |---|---|
//! | octets of all packets of the node's own to an address, each message of SIP once | [`FACTOR`] times the octets on its account |
//! | copies of one message of SIP or one segment of TCP, which RFC 3261 §17 and RFC 9293 §3.8.1 prescribe while nobody answers | [`COPIES_MAX`], and one for each message or segment that came: a copy of a request, from wherever, is answered again |
//! | octets passed on for others, tunnel headers included | [`PASSED_ON`] times the octets that came |
//!
//! An address is verified, and not counted, once it has shown that it hears the node: it is bound by an update that return
//! routability or a home registration proved, it answered a test, an update or an INVITE, it acknowledged an answer, or it is a
//! registered contact. Those that the configuration names as the node's own partners, or a user or program, are trusted.
//! What does not leave the link (multicast, Neighbour Discovery) is not counted either: who is on the link can do worse.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::Ipv6Addr;
use std::sync::OnceLock;

use roamproof_harness::topology::{NodeSpec, Role, claimed};
use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::Message as IcmpMessage;
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::{Lifetime, Message};
use roamproof_wire::sip::{Fields, Method};

use crate::claims::is_media;
use crate::reading::Reading;
use crate::routes::is_of_the_link;

/// Octets that leave for each octet that came: an INVITE without an offer brings about 180, 200 with an
/// offer and, where nobody acknowledges, BYE, and none of the three is twice as long as a request that can
/// be answered. All else stays below: an error quotes at most the packet and adds 48 octets to 40 or more,
/// a test is answered by 64 octets for 56, an update by no more than it is long.
const FACTOR: usize = 6;
/// A request other than INVITE is sent eleven times until Timer F ends it, an answer to an INVITE too.
const COPIES_MAX: usize = 11;
/// A packet of 40 octets gets a tunnel header of 40; a longer one may be cut in two.
const PASSED_ON: usize = 2;

/// What came and went, by address.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    own: BTreeSet<Ipv6Addr>,
    /// Whether it makes itself addresses where it comes.
    forms_addresses: bool,
    /// The interface identifiers of its addresses.
    identifiers: Vec<u128>,
    verified: BTreeSet<Ipv6Addr>,
    accounts: BTreeMap<Ipv6Addr, Account>,
    arrived: Vec<Arrived>,
    copies: BTreeMap<(Ipv6Addr, u64), usize>,
    /// Messages of SIP and segments of TCP that came.
    repeatable: usize,
    octets_arrived: usize,
    octets_passed_on: usize,
    /// Whether somebody has acknowledged an answer, or answered an INVITE.
    agreed: bool,
}

#[derive(Debug, Clone, Default)]
struct Account {
    received: usize,
    sent: usize,
}

#[derive(Debug, Clone)]
struct Arrived {
    octets: Vec<u8>,
    /// The addresses that stand in it as text, once somebody asks.
    texts: OnceLock<Vec<Ipv6Addr>>,
    /// A piece of something, which may name anybody.
    is_piece: bool,
}

impl Ledger {
    /// Of this node of the claimed network.
    pub(crate) fn new(spec: &NodeSpec) -> Self {
        let configured = spec.config.lines().filter(|line| line.starts_with("addresses"));
        let mut own: BTreeSet<Ipv6Addr> =
            configured.flat_map(|line| addresses_in(line.as_bytes())).collect();
        if spec.role == Role::MobileTerminal {
            own.insert(claimed::HOA);
        }
        let partners: &[Ipv6Addr] = match spec.role {
            Role::MobileTerminal => &[claimed::HA, claimed::SS],
            Role::HomeAgent | Role::Correspondent => &[claimed::SS],
            Role::SipServer => &[claimed::HA, claimed::HA2],
            Role::Router => &[],
        };
        Self {
            own,
            forms_addresses: spec.role == Role::MobileTerminal,
            identifiers: spec.interfaces.iter().map(|one| identifier(&one.mac)).collect(),
            verified: partners.iter().copied().collect(),
            accounts: BTreeMap::new(),
            arrived: Vec::new(),
            copies: BTreeMap::new(),
            repeatable: 0,
            octets_arrived: 0,
            octets_passed_on: 0,
            agreed: false,
        }
    }

    /// A user or a program of the node's own host wants something of these addresses.
    pub(crate) fn trust(&mut self, addresses: impl IntoIterator<Item = Ipv6Addr>) {
        self.verified.extend(addresses);
    }

    /// A packet reaches the node.
    ///
    /// The octets, and what can be read of them.
    pub(crate) fn comes(&mut self, octets: &[u8], reading: Option<&Reading<'_>>) {
        self.octets_arrived += octets.len();
        let mut is_piece = false;
        if let Some(reading) = reading {
            self.answered(reading);
            let by_tcp = reading.inner.protocol == protocol::TCP;
            self.repeatable += usize::from(by_tcp || reading.sip().is_some());
            let fragment = |packet: &Packet<'_>| packet.fragment.is_some();
            is_piece = by_tcp || fragment(&reading.inner) || fragment(&reading.packet);
        }
        let arrived = Arrived { octets: octets.to_vec(), texts: OnceLock::new(), is_piece };
        for (address, account) in &mut self.accounts {
            account.credit(*address, &arrived);
        }
        self.arrived.push(arrived);
    }

    /// A packet leaves the node.
    ///
    /// # Panics
    ///
    /// Where it is more than what came for it allows.
    pub(crate) fn leaves(&mut self, reading: &Reading<'_>) {
        let Reading { octets, packet, inner, .. } = reading;
        // A home agent probes addresses that are others'.
        if self.forms_addresses
            && packet.header.source.is_unspecified()
            && let Ok(IcmpMessage::NeighbourSolicitation(probe)) = IcmpMessage::parse(packet)
        {
            self.own.insert(probe.target);
        }
        if packet.header.destination.is_multicast() || is_of_the_link(packet) {
            return;
        }
        let destination = packet.header.destination;
        let nobody = destination.is_unspecified() || destination.is_loopback();
        assert!(!nobody, "a packet leaves to {destination}");
        if !self.is_own(inner.header.source) {
            self.octets_passed_on += octets.len();
            let allowed = PASSED_ON * self.octets_arrived;
            assert!(self.octets_passed_on <= allowed, "more is passed on than came");
            return;
        }
        self.proved(reading);
        let to = inner.header.destination;
        if self.verified.contains(&to) || self.is_own(to) {
            return;
        }
        if is_media(inner) {
            assert!(self.agreed, "media to an address that nobody has spoken for");
            return;
        }
        let repeatable = reading.sip().is_some() || inner.protocol == protocol::TCP;
        self.charge(to, octets, repeatable);
    }

    fn charge(&mut self, to: Ipv6Addr, octets: &[u8], repeatable: bool) {
        let account = self.accounts.entry(to).or_insert_with(|| {
            let mut account = Account::default();
            self.arrived.iter().for_each(|arrived| account.credit(to, arrived));
            account
        });
        if repeatable {
            let copies = self.copies.entry((to, hash(octets))).or_default();
            *copies += 1;
            assert!(*copies <= COPIES_MAX + self.repeatable, "a message is repeated without end");
            if *copies > 1 {
                return;
            }
        }
        account.sent += octets.len();
        let Account { sent, received, .. } = *account;
        assert!(sent <= FACTOR * received, "{sent} octets to {to} for {received}");
    }

    /// Notes who shows by what he sends that he hears the node.
    fn answered(&mut self, reading: &Reading<'_>) {
        let packet = &reading.inner;
        if let Some(
            Message::HomeTest(_) | Message::CareOfTest(_) | Message::BindingAcknowledgement(_),
        ) = reading.inner_message()
        {
            self.verified.insert(packet.header.source);
        }
        if !reading.may_say(b"SIP/2.0 ") && !reading.may_say(b"ACK ") {
            return;
        }
        let Some(message) = reading.sip() else { return };
        let answers = message.status().is_some_and(|status| status >= 200);
        if answers || message.method() == Some(Method::Ack) {
            self.agreed = true;
            self.verified.insert(packet.source());
        }
    }

    /// Notes whom the node itself says that it believes: it accepts a binding or a registration.
    fn proved(&mut self, reading: &Reading<'_>) {
        let packet = &reading.packet;
        if let Some(Message::BindingAcknowledgement(answer)) = reading.message()
            && !answer.status.is_refusal()
            && answer.lifetime != Lifetime::ZERO
        {
            self.verified.extend([packet.header.destination, packet.destination()]);
        }
        if reading.may_say(b"SIP/2.0 200 ")
            && let Some(message) = reading.sip()
            && message.cseq().is_ok_and(|cseq| cseq.method == Method::Register)
        {
            self.verified.extend(addresses_in(&message.to_vec()));
        }
    }

    fn is_own(&self, address: Ipv6Addr) -> bool {
        let identifier = address.to_bits() & u128::from(u64::MAX);
        self.own.contains(&address) || self.identifiers.contains(&identifier)
    }
}

impl Account {
    fn credit(&mut self, address: Ipv6Addr, arrived: &Arrived) {
        if arrived.names(address) {
            self.received += arrived.octets.len();
        }
    }
}

impl Arrived {
    fn names(&self, address: Ipv6Addr) -> bool {
        let octets = address.octets();
        self.is_piece
            || self.octets.array_windows().any(|window| *window == octets)
            || self.texts.get_or_init(|| addresses_in(&self.octets)).contains(&address)
    }
}

/// The addresses that stand in a text.
pub(crate) fn addresses_in(text: &[u8]) -> Vec<Ipv6Addr> {
    let is_of_address = |octet: &u8| octet.is_ascii_hexdigit() || *octet == b':' || *octet == b'.';
    text.split(|octet| !is_of_address(octet))
        .filter(|word| word.len() >= 2 && word.contains(&b':'))
        .filter_map(|word| {
            let word = std::str::from_utf8(word).ok()?;
            // A word may begin or end with what is none of the address's.
            word.parse().ok().or_else(|| word.trim_end_matches(':').parse().ok())
        })
        .collect()
}

/// The interface identifier that a link-layer address makes (RFC 4291 appendix A).
fn identifier(mac: &[u8; 6]) -> u128 {
    u64::from_be_bytes(Mac(*mac).interface_identifier()).into()
}

fn hash(octets: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    octets.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use roamproof_harness::topology::claimed::{CN, HA, HOA, Wanted, topology};
    use roamproof_wire::icmpv6::Echo;
    use roamproof_wire::ipv6::{Outgoing, encapsulate};
    use roamproof_wire::mobility::{
        BindingAcknowledgement, CareOfTest, CareOfTestInit, Sequence, Status,
    };

    const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0x1234, 0x5678);

    #[test]
    fn five_answers_to_a_test_are_the_most() {
        let mut ledger = ledger("cn");
        comes(&mut ledger, &mobility(CARE_OF, CN, &CareOfTestInit::new([7; 8]).into()));
        for _ in 0..5 {
            leaves(&mut ledger, &test());
        }
        assert!(breaks(&mut ledger, &test()));
    }

    #[test]
    fn who_was_never_named_gets_nothing() {
        let mut ledger = ledger("cn");
        comes(&mut ledger, &mobility(HOA, CN, &CareOfTestInit::new([7; 8]).into()));
        assert!(breaks(&mut ledger, &test()));
    }

    #[test]
    fn an_address_that_is_bound_is_verified() {
        let mut ledger = ledger("cn");
        let accepted = BindingAcknowledgement::new(Status::ACCEPTED, Sequence(7), Lifetime(9));
        leaves(&mut ledger, &mobility(CN, CARE_OF, &accepted.into()));
        for _ in 0..50 {
            leaves(&mut ledger, &test());
        }
    }

    #[test]
    fn no_more_is_passed_on_than_twice_what_came() {
        let mut ledger = ledger("ha");
        let inner = echo(CN, HOA);
        comes(&mut ledger, &inner);
        let tunnelled = encapsulate(HA, CARE_OF, 64, &inner);
        leaves(&mut ledger, &tunnelled);
        assert!(breaks(&mut ledger, &tunnelled));
    }

    #[test]
    fn addresses_are_found_in_text() {
        let text =
            b"Via: SIP/2.0/UDP [2001:DB8:c::c]:5060;branch=z9\r\nc=IN IP6 2001:db8:a::100\r\n";
        assert_eq!(addresses_in(text), [CN, HOA]);
    }

    fn ledger(node: &'static str) -> Ledger {
        let topology = topology(&Wanted { nodes: vec![node], ..Wanted::default() });
        Ledger::new(&topology.nodes[0])
    }

    fn test() -> Vec<u8> {
        mobility(CN, CARE_OF, &CareOfTest::new(3, [7; 8], [9; 8]).into())
    }

    fn mobility(from: Ipv6Addr, to: Ipv6Addr, message: &Message) -> Vec<u8> {
        Outgoing::new(from, to, protocol::MOBILITY).to_vec(&message.to_vec(from, to))
    }

    fn echo(from: Ipv6Addr, to: Ipv6Addr) -> Vec<u8> {
        let echo =
            Echo { reply: false, identifier: 3, sequence: 5, data: b"as long as a header goes" };
        IcmpMessage::Echo(echo).packet(&Outgoing::new(from, to, protocol::ICMPV6))
    }

    fn comes(ledger: &mut Ledger, octets: &[u8]) {
        ledger.comes(octets, Reading::of(octets).as_ref());
    }

    fn leaves(ledger: &mut Ledger, octets: &[u8]) {
        ledger.leaves(&Reading::of(octets).expect("a packet of ours"));
    }

    fn breaks(ledger: &mut Ledger, packet: &[u8]) -> bool {
        crate::outcome::catch(|| leaves(ledger, packet)).is_err()
    }
}
