//! Everyone around a SIP server, played by the tester through the core router.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::{BindingLookup, Lifetime, LookupKind, Message};
use roamproof_wire::sip::{Fields, Message as SipMessage, Method, Uri};

use crate::tester::home_agent::HomeAgent;
use crate::tester::inbox::Inbox;
use crate::tester::sip::{Party, SipPeer, packet};
use crate::tester::template::{message_in, sip_in, sip_request, sip_response};
use crate::tester::{Station, StationId, Template, Tester};
use crate::topology::claimed::{link_local, mac};
use crate::verdict::Stop;

/// What comes without a wait of the protocol's own.
pub(super) const ANSWER: Duration = Duration::from_secs(1);
/// A server that did what it must not would do it at once, or by its first retransmission (T1 is
/// 500 ms).
pub(super) const SILENCE: Duration = Duration::from_millis(800);
/// For how long a home agent says that it serves a home address, and that a binding lasts.
pub(super) const LIFETIME: Lifetime = Lifetime(150);
/// Interface identifiers: of the first terminal where it is at first, and later; of the second; and
/// of a host to which a forger would have calls go.
const IDENTIFIERS: [u64; 4] =
    [0x1234_5678_9abc, 0x1234_5678_9abd, 0x2345_6789_abcd, 0xdead_0000_0666];
/// The transaction of a notification that nothing is served any more.
const GONE: u16 = 0x5f5f;
const MEDIA_PORT: u16 = 0x7e5c;
/// The status of a response that says nothing but that somebody cares.
pub(super) const TRYING: u16 = 100;

/// The tester's hands around the server: all of them speak through the core router.
pub(super) struct Peers {
    pub(super) router: StationId,
    pub(super) server: Ipv6Addr,
    pub(super) party: Party,
    pub(super) caller: SipPeer,
}

/// A mobile terminal: who it is, where it is, and its home agent.
pub(super) struct Terminal {
    pub(super) party: Party,
    pub(super) peer: SipPeer,
    pub(super) agent: HomeAgent,
    pub(super) care_of: Ipv6Addr,
}

impl Terminal {
    /// The first terminal, of the first home agent, on the first visited link.
    pub(super) fn first(t: &Tester<'_>) -> Self {
        let care_of = t.plan.address("visited-1", IDENTIFIERS[0]);
        Self::new(t, t.plan.mt(MEDIA_PORT), t.plan.ha, care_of)
    }

    /// The second terminal, of the second home agent, on the second visited link.
    pub(super) fn second(t: &Tester<'_>) -> Self {
        let care_of = t.plan.address("visited-2", IDENTIFIERS[2]);
        Self::new(t, t.plan.mt2(MEDIA_PORT), t.plan.ha2, care_of)
    }

    fn new(t: &Tester<'_>, party: Party, agent: Ipv6Addr, care_of: Ipv6Addr) -> Self {
        let peer = SipPeer::since(party.address, t.unix_time());
        Self { party, peer, agent: HomeAgent::at(agent, &t.plan), care_of }
    }

    /// Moves to the second visited link; nobody hears of it yet.
    pub(super) fn moves(&mut self, t: &Tester<'_>) {
        self.care_of = t.plan.address("visited-2", IDENTIFIERS[1]);
    }

    /// Its home address, where it wants its calls.
    pub(super) const fn home(&self) -> Ipv6Addr {
        self.party.address
    }

    /// Its response to an INVITE or another request that reached it.
    pub(super) fn responds(&self, request: &SipMessage, status: u16, reason: &str) -> SipMessage {
        self.peer.response(request, &self.party, status, reason)
    }
}

impl Peers {
    /// Takes the place of the core router on the server's link. A server that outlives a case hears
    /// first that no home agent serves a terminal any more.
    pub(super) fn around(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let router = Station::router(Mac(mac(0x01, 2)), [link_local(0x01, 2)]);
        let router = t.station("server", router)?;
        let (server, party) = (t.plan.ss, t.plan.cn(MEDIA_PORT));
        let caller = SipPeer::since(party.address, t.unix_time());
        let peers = Self { router, server, party, caller };
        if t.features.is("binding_lookup", "yes") {
            for one in [Terminal::first(t), Terminal::second(t)] {
                let (home, agent) = (one.home(), one.agent.address);
                let gone = BindingLookup::notification(GONE, home, agent, Lifetime::ZERO);
                peers.tell(t, &one.agent, &gone)?;
            }
        }
        Ok(peers)
    }

    /// Sends a packet to the server.
    pub(super) fn send(&self, t: &mut Tester<'_>, packet: &[u8]) -> Result<usize, Stop> {
        t.sends(self.router, packet)
    }

    /// Ends the connections of a terminal: none is left for a later case.
    pub(super) fn hang_up(&self, t: &mut Tester<'_>, inbox: &mut Inbox) -> Result<(), Stop> {
        for packet in inbox.leaves(t.bench.now()) {
            self.send(t, &packet)?;
        }
        Ok(())
    }

    /// Sends a SIP message to the server.
    pub(super) fn say(
        &self,
        t: &mut Tester<'_>,
        from: Ipv6Addr,
        message: &SipMessage,
    ) -> Result<usize, Stop> {
        self.send(t, &packet(from, self.server, message))
    }

    /// Sends what a script made of a SIP message heard, which is not as it must be where it made
    /// nothing of it.
    pub(super) fn say_that(
        &self,
        t: &mut Tester<'_>,
        from: Ipv6Addr,
        message: Option<SipMessage>,
    ) -> Result<usize, Stop> {
        let packet = message.map(|message| packet(from, self.server, &message));
        t.answers(self.router, packet)
    }

    /// Sends a message of binding lookup to the server, proved.
    pub(super) fn tell(
        &self,
        t: &mut Tester<'_>,
        agent: &HomeAgent,
        message: &BindingLookup,
    ) -> Result<usize, Stop> {
        let packet = agent.tells(self.server, message, t.unix_time());
        self.send(t, &packet)
    }

    /// A request of the call by whatever way: it must be in the server's own tunnel to where the
    /// terminal is.
    pub(super) fn tunnelled(&self, method: Method, call: &SipMessage, to: &Terminal) -> Template {
        sip_request(method)
            .of_call(call)
            .from(self.server)
            .to(to.home())
            .by_any_way()
            .with("in a tunnel", is_tunnelled)
            .from(self.server)
            .to(to.care_of)
    }

    /// A request of the call by whatever way: it must be a plain packet to the home address.
    pub(super) fn plain(&self, method: Method, call: &SipMessage, to: &Terminal) -> Template {
        sip_request(method)
            .of_call(call)
            .by_any_way()
            .with("in no tunnel", |packet| !is_tunnelled(packet))
            .from(self.server)
            .to(to.home())
    }

    /// A response to the caller, at which a 100 may come before any other.
    pub(super) fn response(&self, request: &SipMessage, status: u16) -> Template {
        sip_response(request)
            .that("that counts", move |packet| {
                let heard = sip_in(packet).and_then(|message| message.status());
                status == TRYING || heard != Some(TRYING)
            })
            .status_code(status)
            .from(self.server)
            .to(self.party.address)
    }
}

/// The SIP URI that is `text`, which is the harness's own.
pub(super) fn uri(t: &Tester<'_>, text: &str) -> Result<Uri, Stop> {
    Uri::parse(text).map_err(|error| t.stop(text.to_owned(), error.to_string(), vec![]))
}

/// Where a forger would have calls go.
pub(super) fn hijacker(t: &Tester<'_>) -> Ipv6Addr {
    t.plan.address("visited-2", IDENTIFIERS[3])
}

/// Whom terminals register with.
pub(super) fn registrar(t: &Tester<'_>) -> Result<Uri, Stop> {
    uri(t, &format!("sip:{}", t.plan.domain))
}

/// Whether a packet is a Binding Query.
pub(super) fn is_query(packet: &Packet<'_>) -> bool {
    matches!(
        message_in(packet),
        Some(Message::BindingLookup(one)) if one.kind == LookupKind::BindingQuery
    )
}

/// Whether a packet is a tunnel's.
pub(super) fn is_tunnelled(packet: &Packet<'_>) -> bool {
    packet.protocol == protocol::IPV6
}
