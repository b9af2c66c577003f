//! The peers of a node under fuzzing: they answer what it sends as right peers would, so that states
//! behind checksums, cookies and authenticators are reached.
//!
//! | number | what a peer does |
//! |---|---|
//! | 0–15 | answers one of the last packets that the node sent, the newest first |
//! | 16, 17 | a mobile node tests the route: home, care-of |
//! | 18, 19 | it registers with its home agent, takes its registration back (its binding, where it has tested the route to a correspondent) |
//! | 20 | it updates its binding at the correspondent, proved by the tokens it got |
//! | 21, 22 | an INVITE to the node, or to the terminal by way of it, in the home agent's tunnel or not |
//! | 23 | REGISTER, for the node's own registrar |
//! | 24, 25 | CANCEL, BYE of the last INVITE, as far as a stranger can make it |
//! | 26, 27 | a Router Advertisement of visited link 1, or 2 |
//! | 28 | a home agent's notification to the SIP server |
//! | 29 | an Echo Request to the home address, through the tunnel to who has registered; to a correspondent, one by its binding |
//! | 30 | the mobile node goes to the other visited link, and registers from there, or tests the direct route to a correspondent |
//! | 31 | another mobile node of the same home link does, and acts in its place from now on |

use std::collections::VecDeque;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_harness::plan::Plan;
use roamproof_harness::tester::correspondent::Correspondent;
use roamproof_harness::tester::home_agent::HomeAgent;
use roamproof_harness::tester::mobile::MobileNode;
use roamproof_harness::tester::sip::{SipPeer, packet as sip_packet};
use roamproof_harness::tester::template::{innermost, message_in, sip_in};
use roamproof_harness::topology::Role;
use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::header::kind;
use roamproof_wire::icmpv6::{
    Echo, Message as IcmpMessage, NeighbourAdvertisement, NeighbourOption, Preference,
    PrefixInformation, RouterAdvertisement,
};
use roamproof_wire::ipv6::address::ALL_NODES;
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::{BindingLookup, Lifetime, LookupKind, Message, Sequence};
use roamproof_wire::sip::{Fields, Message as SipMessage, Method, Uri};

use crate::claims::is_media;
use crate::reading::Reading;

/// Everyone else, by one hand.
pub(crate) struct Peers {
    plan: &'static Plan,
    /// What the node is.
    role: Role,
    mobile: MobileNode,
    /// Who takes the mobile node's place when it is asked to.
    other_mobile: MobileNode,
    agent: HomeAgent,
    correspondent: Correspondent,
    server: SipPeer,
    caller: SipPeer,
    /// The packets that the node sent last, the newest first.
    sent: VecDeque<Vec<u8>>,
    invite: Option<SipMessage>,
}

impl Peers {
    /// Peers by this plan of a node that plays this role.
    pub(crate) fn new(role: Role, plan: &'static Plan) -> Self {
        let mobile =
            |identifier| MobileNode::new(plan, plan.address("visited-1", identifier), Sequence(7));
        let mut other_mobile = mobile(OTHER_CARE_OF);
        other_mobile.home = plan.address("home", OTHER_HOME);
        Self {
            role,
            mobile: mobile(CARE_OF),
            other_mobile,
            agent: HomeAgent::new(plan),
            correspondent: Correspondent::new(plan.cn),
            server: SipPeer::new(plan.ss),
            caller: SipPeer::new(plan.cn),
            sent: VecDeque::new(),
            invite: None,
            plan,
        }
    }

    /// Notes what the node sent, and answers at once where it only asks who its neighbours are.
    pub(crate) fn hear(&mut self, reading: &Reading<'_>) -> Option<Vec<u8>> {
        let packet = &reading.packet;
        if is_solicitation(packet)
            && let Ok(IcmpMessage::NeighbourSolicitation(solicitation)) = IcmpMessage::parse(packet)
        {
            return is_neighbour(packet.header.source, solicitation.target);
        }
        // Nobody answers media, and there is much of it.
        if is_media(&reading.inner) {
            return None;
        }
        self.sent.truncate(SENT_MAX - 1);
        self.sent.push_front(reading.octets.to_vec());
        None
    }

    /// The packets that the node sent last, the newest first.
    #[cfg(test)]
    pub(crate) fn sent(&self) -> impl Iterator<Item = &[u8]> {
        self.sent.iter().map(Vec::as_slice)
    }

    /// What a peer does, by the number of the table above; `now` is the Unix time.
    pub(crate) fn act(&mut self, number: u8, now: Duration) -> Option<Vec<u8>> {
        let (cn, hoa, ss) = (self.plan.cn, self.plan.hoa, self.plan.ss);
        match number {
            0..=15 => {
                let sent = self.sent.get(usize::from(number))?.clone();
                self.answer(&sent, now)
            }
            16 => Some(self.mobile.tests_home(cn)),
            17 => Some(self.mobile.tests_care_of(cn)),
            18 => Some(self.mobile.registers(LIFETIME, now)),
            19 => Some(match self.mobile.updates(cn, Duration::ZERO) {
                Some(update) => update,
                None => self.mobile.deregisters(now),
            }),
            20 => self.mobile.updates(cn, LIFETIME),
            21 => {
                let packet = self.invites()?;
                self.agent.tunnels(&packet)
            }
            22 => self.invites(),
            23 => {
                let registrar = Uri::parse(&format!("sip:{}", self.plan.domain)).ok()?;
                let register = SipPeer::new(hoa).register(&self.plan.mt(MEDIA), &registrar);
                Some(sip_packet(hoa, ss, &register))
            }
            24 => self.in_dialog(Method::Cancel),
            25 => self.in_dialog(Method::Bye),
            26 => Some(advertises(self.plan.prefix("visited-1"))),
            27 => Some(advertises(self.plan.prefix("visited-2"))),
            28 => {
                let number = self.agent.next_transaction();
                let told = BindingLookup::notification(number, hoa, self.plan.ha, Lifetime(100));
                Some(self.agent.tells(ss, &told, now))
            }
            29 if self.role == Role::Correspondent => Some(self.mobile.asks_echo(cn, 3)),
            29 => {
                let echo = echo(cn, self.mobile.home);
                Some(self.agent.tunnels(&echo).unwrap_or(echo))
            }
            30 => {
                let [here, there] =
                    ["visited-1", "visited-2"].map(|link| self.plan.prefix(link).to_bits());
                self.mobile.moves((self.mobile.care_of.to_bits() ^ here ^ there).into());
                Some(self.begins(now))
            }
            _ => {
                std::mem::swap(&mut self.mobile, &mut self.other_mobile);
                Some(self.begins(now))
            }
        }
    }

    /// What the mobile node tells the node first of where it is.
    fn begins(&mut self, now: Duration) -> Vec<u8> {
        if self.role == Role::Correspondent {
            self.mobile.tests_care_of(self.plan.cn)
        } else {
            self.mobile.registers(LIFETIME, now)
        }
    }

    /// The answer of whoever the packet is for, by the way that the packet came: in the tunnel, or by
    /// the binding.
    fn answer(&mut self, octets: &[u8], now: Duration) -> Option<Vec<u8>> {
        let packet = Packet::parse(octets).ok()?;
        let inner = innermost(&packet);
        let answer = self.mobility(&inner, now).or_else(|| self.sip(&inner)).or_else(|| {
            let Ok(IcmpMessage::Echo(asked)) = IcmpMessage::parse(&inner) else { return None };
            let outgoing = Outgoing::new(inner.destination(), inner.source(), protocol::ICMPV6);
            Some(IcmpMessage::Echo(Echo { reply: true, ..asked }).packet(&outgoing))
        })?;
        if packet.protocol == protocol::IPV6 {
            return Some(self.agent.tunnels(&answer).unwrap_or(answer));
        }
        if let Some(home) = packet.home_address {
            return routed(&answer, home, packet.header.source).or(Some(answer));
        }
        Some(answer)
    }

    fn mobility(&mut self, packet: &Packet<'_>, now: Duration) -> Option<Vec<u8>> {
        if self.mobile.takes_test(packet) {
            return self.mobile.updates(self.plan.cn, LIFETIME);
        }
        if let Message::BindingLookup(asked) = message_in(packet)?
            && asked.kind == LookupKind::BindingQuery
        {
            let care_of = self.mobile.care_of;
            let reply =
                BindingLookup::reply(asked.transaction, asked.home_address, care_of, Lifetime(90));
            return Some(self.agent.tells(self.plan.ss, &reply, now));
        }
        self.correspondent
            .answers_test(packet)
            .or_else(|| self.agent.acknowledges(packet))
            .or_else(|| self.correspondent.acknowledges(packet))
    }

    fn sip(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let message = sip_in(packet)?;
        let (from, to) = (packet.destination(), packet.source());
        let peer = SipPeer::new(from);
        let is_terminal = from == self.plan.hoa || self.role == Role::Correspondent;
        let party = if is_terminal { self.plan.mt(MEDIA) } else { self.plan.cn(MEDIA) };
        let answer = match message.method() {
            Some(Method::Register) => peer.registers(&message)?,
            Some(Method::Invite) => peer.answer(&message, &party)?,
            Some(Method::Ack) => return None,
            Some(_) => peer.response(&message, &party, 200, "OK"),
            None => {
                let invite = self.invite.as_ref()?;
                message.status().filter(|status| *status >= 200)?;
                peer.acknowledgement(invite, &message)?
            }
        };
        Some(sip_packet(from, to, &answer))
    }

    fn invites(&mut self) -> Option<Vec<u8>> {
        let (mt, cn) = (self.plan.mt(MEDIA), self.plan.cn(MEDIA));
        let (caller, called) = if self.role == Role::Correspondent { (mt, cn) } else { (cn, mt) };
        let mut contact = Uri::parse(&called.contact()).ok()?;
        let to = self.called();
        let peer = if self.role == Role::SipServer || !self.sent.len().is_multiple_of(2) {
            &mut self.caller
        } else {
            &mut self.server
        };
        if self.role == Role::SipServer {
            contact = Uri::parse(&called.identifier).ok()?;
        }
        let invite = peer.invite(&caller, &called.identifier, &contact);
        let packet = peer.packet(to, &invite);
        self.invite = Some(invite);
        Some(packet)
    }

    /// Where requests to the called party arrive at the node, or pass it.
    const fn called(&self) -> Ipv6Addr {
        match self.role {
            Role::Correspondent => self.plan.cn,
            Role::SipServer => self.plan.ss,
            Role::MobileTerminal | Role::HomeAgent | Role::Router => self.plan.hoa,
        }
    }

    fn in_dialog(&self, method: Method) -> Option<Vec<u8>> {
        let invite = self.invite.as_ref()?;
        let mut request = SipMessage::request(method, &invite.uri().ok()?.to_owned());
        for header in invite.headers() {
            let value = String::from_utf8_lossy(header.value).into_owned();
            if header.name == roamproof_wire::sip::HeaderName::CSeq {
                let name = request.method()?.as_str().to_owned();
                request.push(header.name, value.replace("INVITE", &name));
            } else if header.name != roamproof_wire::sip::HeaderName::ContentType
                && header.name != roamproof_wire::sip::HeaderName::ContentLength
            {
                request.push(header.name, value);
            }
        }
        let peer = if self.role == Role::SipServer { &self.caller } else { &self.server };
        let packet = peer.packet(self.called(), &request);
        Some(self.agent.tunnels(&packet).unwrap_or(packet))
    }
}

/// What a peer does by this number, for people.
pub(crate) fn told(number: u8) -> String {
    let what = match number {
        0..=15 => return format!("answers the packet sent {number} before the last"),
        16 => "tests the route by way of home",
        17 => "tests the direct route",
        18 => "registers with its home agent",
        19 => "takes its registration back",
        20 => "updates its binding at the correspondent",
        21 => "invites, through the home agent's tunnel",
        22 => "invites",
        23 => "registers with the SIP server",
        24 => "cancels",
        25 => "ends the call",
        26 => "advertises visited link 1",
        27 => "advertises visited link 2",
        28 => "notifies the SIP server",
        29 => "sends an Echo Request to the home address, or by its binding",
        30 => "goes to the other visited link, and registers or tests",
        _ => "gives way to another mobile node, which registers or tests",
    };
    what.to_owned()
}

/// A packet to the home address as a correspondent sends it that has bound it to `care_of`.
fn routed(octets: &[u8], home: Ipv6Addr, care_of: Ipv6Addr) -> Option<Vec<u8>> {
    let packet = Packet::parse(octets).ok()?;
    if packet.header.destination != home {
        return None;
    }
    let plain = Outgoing::new(packet.header.source, care_of, packet.protocol);
    Some(Outgoing { type_2_routing: Some(home), ..plain }.to_vec(packet.payload))
}

/// Whether it may be a Neighbour Solicitation: most of what a node sends is none, and need not be read.
fn is_solicitation(packet: &Packet<'_>) -> bool {
    packet.protocol == protocol::ICMPV6
        && packet.payload.first() == Some(&kind::NEIGHBOUR_SOLICITATION)
}

fn is_neighbour(asks: Ipv6Addr, target: Ipv6Addr) -> Option<Vec<u8>> {
    // An address that is being tested for duplicates has no owner.
    if asks.is_unspecified() {
        return None;
    }
    let answer = NeighbourAdvertisement {
        router: true,
        solicited: true,
        overrides: true,
        target,
        target_link_layer: Some(ROUTER),
    };
    let outgoing = Outgoing { hop_limit: 255, ..Outgoing::new(target, asks, protocol::ICMPV6) };
    Some(IcmpMessage::NeighbourAdvertisement(answer).packet(&outgoing))
}

fn advertises(prefix: Ipv6Addr) -> Vec<u8> {
    let information = PrefixInformation {
        prefix_length: 64,
        on_link: true,
        autonomous: true,
        router_address: false,
        valid_lifetime: 1800,
        preferred_lifetime: 1800,
        prefix,
    };
    let advertisement = RouterAdvertisement {
        hop_limit: 64,
        managed: false,
        other: false,
        home_agent: false,
        preference: Preference::Medium,
        router_lifetime: 1800,
        reachable_time: 0,
        retrans_timer: 0,
        options: vec![
            NeighbourOption::SourceLinkLayer(ROUTER),
            NeighbourOption::Prefix(information),
        ],
    };
    let outgoing = Outgoing {
        hop_limit: 255,
        ..Outgoing::new(ROUTER_LINK_LOCAL, ALL_NODES, protocol::ICMPV6)
    };
    IcmpMessage::RouterAdvertisement(advertisement).packet(&outgoing)
}

fn echo(source: Ipv6Addr, destination: Ipv6Addr) -> Vec<u8> {
    let echo = Echo { reply: false, identifier: 0x6675, sequence: 3, data: b"are you there?" };
    IcmpMessage::Echo(echo).packet(&Outgoing::new(source, destination, protocol::ICMPV6))
}

/// Whom frames of peers come from: the router of whatever link the node is on.
pub(crate) const ROUTER: Mac = Mac([0x02, 0x00, 0x5e, 0x10, 0x11, 0x00]);
const ROUTER_LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x5eff, 0xfe10, 0x1100);
/// The interface identifier of the mobile node's care-of address.
const CARE_OF: u64 = 0x1234_5678;
/// Those of the other mobile node's home and care-of addresses.
const OTHER_HOME: u64 = 0x200;
const OTHER_CARE_OF: u64 = 0x1234_5679;
const MEDIA: u16 = 0x7e5c;
const LIFETIME: Duration = Duration::from_secs(420);
const SENT_MAX: usize = 16;
