//! The setting of a home agent's purposes: everybody beyond the router on the home link in the
//! tester's hand, a mobile node registered, a SIP server that knows it.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::{Echo, Message as IcmpMessage};
use roamproof_wire::ipv6::{Outgoing, protocol};
use roamproof_wire::mobility::{BindingLookup, Lifetime, LookupKind, LookupStatus, Sequence};

use crate::feature::Condition;
use crate::purpose::packets::echo_request;
use crate::tester::lookup::{LookupServer, Query};
use crate::tester::mobile::MobileNode;
use crate::tester::template::{
    acknowledgement_in, binding_acknowledgement, binding_lookup, echo_reply, inside, lookup_in,
    tunnelled,
};
use crate::tester::{Station, StationId, Template, Tester};
use crate::topology::claimed::{Wanted, link_local, mac};
use crate::verdict::Stop;

/// Duplicate address detection for the home address takes 1 to 1.5 s the first time.
pub(super) const DETECTION: Duration = Duration::from_secs(3);
/// What comes without a wait of the protocol's own.
pub(super) const ANSWER: Duration = Duration::from_secs(1);
/// What should not come would come at once: L + 200 ms is far below.
pub(super) const SILENCE: Duration = Duration::from_millis(800);
/// A lifetime that no purpose outlives.
pub(super) const LONG: Duration = Duration::from_secs(600);
/// The shortest lifetime that the field can say.
pub(super) const SHORT: Duration = Duration::from_secs(4);
/// The device and the SIP server understand each other.
pub(super) const SPEAKS_LOOKUP: &[Condition] =
    &[Condition { feature: "binding_lookup", is: &["yes"] }];

/// The number before that of the first update.
const LAST: Sequence = Sequence(9);
/// The interface identifier of the mobile node's care-of address.
const CARE_OF: u64 = 0x1234_5678;
/// That of whoever sends to the home address.
const STRANGER: u64 = 0xbeef_000c;

/// The home agent, and nobody who asks it for care-of addresses.
pub(super) fn home_agent_alone() -> Wanted {
    Wanted { nodes: vec!["ha"], ..Wanted::default() }
}

/// The home agent, configured with the SIP server that the tester plays.
pub(super) fn home_agent_with_server() -> Wanted {
    Wanted { direct: true, ..home_agent_alone() }
}

/// The tester's hands: all of them speak through the router on the home link.
pub(super) struct Setting {
    /// The router.
    pub(super) router: StationId,
    /// The mobile node, on the first visited link.
    pub(super) mobile: MobileNode,
    /// The SIP server's side of binding lookup.
    pub(super) server: LookupServer,
    /// Somebody on the correspondent's link.
    pub(super) stranger: Ipv6Addr,
}

impl Setting {
    /// The router on the home link; nobody is registered yet.
    pub(super) fn new(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let router =
            t.station("home", Station::router(Mac(mac(0x01, 0)), [link_local(0x01, 0)]))?;
        let mobile = MobileNode::new(&t.plan, t.plan.address("visited-1", CARE_OF), LAST);
        let server = LookupServer::new(&t.plan);
        let stranger = t.plan.address("correspondent", STRANGER);
        Ok(Self { router, mobile, server, stranger })
    }

    /// The mobile node is registered, as far as the home agent's word goes.
    pub(super) fn acknowledged(t: &mut Tester<'_>, lifetime: Duration) -> Result<Self, Stop> {
        let mut setting = Self::new(t)?;
        t.given("the home agent acknowledges a home registration");
        setting.registers(t, lifetime)?;
        Ok(setting)
    }

    /// The control of what is judged later: the mobile node is registered, and a packet to its home
    /// address is tunnelled.
    pub(super) fn registered(t: &mut Tester<'_>, lifetime: Duration) -> Result<Self, Stop> {
        let setting = Self::acknowledged(t, lifetime)?;
        t.given("a packet to the home address leaves in the tunnel to the care-of address");
        setting.is_tunnelled(t, 2)?;
        Ok(setting)
    }

    /// As [`registered`](Self::registered), and the SIP server was told, asked, and was answered.
    pub(super) fn asked(t: &mut Tester<'_>, lifetime: Duration) -> Result<Self, Stop> {
        let mut setting = Self::notified(t, lifetime)?;
        t.given("the home agent answers the SIP server's query with the care-of address");
        setting.is_answered(t)?;
        Ok(setting)
    }

    /// As [`registered`](Self::registered), and the SIP server was told.
    pub(super) fn notified(t: &mut Tester<'_>, lifetime: Duration) -> Result<Self, Stop> {
        let setting = Self::registered(t, lifetime)?;
        t.given("the SIP server is notified of the home address, and acknowledges");
        setting.acknowledges_notification(t)?;
        Ok(setting)
    }

    /// Sends the home agent a packet from beyond the router.
    pub(super) fn sends(&self, t: &mut Tester<'_>, packet: &[u8]) -> Result<usize, Stop> {
        t.sends(self.router, packet)
    }

    /// The mobile node registers, or renews its registration, and is accepted; returns for how long.
    pub(super) fn registers(
        &mut self,
        t: &mut Tester<'_>,
        lifetime: Duration,
    ) -> Result<Lifetime, Stop> {
        let update = self.mobile.registers(lifetime, t.unix_time());
        self.sends(t, &update)?;
        let heard = t.hears(&self.accepted(), DETECTION)?;
        Ok(acknowledgement_in(&t.packet(heard)).map_or(Lifetime::ZERO, |one| one.lifetime))
    }

    /// The mobile node takes its registration back, and that is acknowledged.
    pub(super) fn deregisters(&mut self, t: &mut Tester<'_>) -> Result<usize, Stop> {
        let update = self.mobile.deregisters(t.unix_time());
        self.sends(t, &update)?;
        t.hears(&self.accepted(), ANSWER)
    }

    /// The acknowledgement that accepts the mobile node's last update.
    pub(super) fn accepted(&self) -> Template {
        binding_acknowledgement()
            .status("0 or 1", |status| status <= 1)
            .sequence(self.mobile.sequence())
            .from(self.mobile.home_agent)
            .to(self.mobile.care_of)
            .routed_home(self.mobile.home)
    }

    /// The answer to the mobile node's last update, with this status.
    pub(super) fn answered(&self, status: u8) -> Template {
        binding_acknowledgement()
            .status(STATUS, move |one| one == status)
            .sequence(self.mobile.sequence())
            .from(self.mobile.home_agent)
            .to(self.mobile.care_of)
    }

    /// An echo request from beyond the router to the home address.
    pub(super) fn asks_home(&self, t: &mut Tester<'_>, sequence: u16) -> Result<usize, Stop> {
        self.sends(t, &echo_request(self.stranger, self.mobile.home, sequence))
    }

    /// An echo request to the home address comes out of the tunnel at the care-of address.
    pub(super) fn is_tunnelled(&self, t: &mut Tester<'_>, sequence: u16) -> Result<usize, Stop> {
        let probe = echo_request(self.stranger, self.mobile.home, sequence);
        self.sends(t, &probe)?;
        t.hears(&self.tunnel().carrying(&probe), ANSWER)
    }

    /// A packet in the tunnel from the home agent to the care-of address.
    pub(super) fn tunnel(&self) -> Template {
        tunnelled().from(self.mobile.home_agent).to(self.mobile.care_of)
    }

    /// A packet to the home address, in whatever tunnel.
    pub(super) fn tunnelled_home(&self) -> Template {
        let home = self.mobile.home;
        tunnelled().that("with a packet to the home address", move |packet| {
            inside(packet).is_some_and(|inner| inner.header.destination == home)
        })
    }

    /// The sign of life that a silence needs, before it or after it.
    pub(super) fn lives(&self, t: &mut Tester<'_>, sequence: u16) -> Result<(), Stop> {
        t.given("the home agent answers an echo on the home link");
        self.sends(t, &echo_request(self.stranger, self.mobile.home_agent, sequence))?;
        t.hears(&echo_reply().from(self.mobile.home_agent).to(self.stranger), ANSWER)?;
        Ok(())
    }

    /// The SIP server hears of the home address and acknowledges; returns the notification's place.
    pub(super) fn acknowledges_notification(&self, t: &mut Tester<'_>) -> Result<usize, Stop> {
        let heard = t.hears(&self.notification(), ANSWER)?;
        self.acknowledges(t, heard)?;
        Ok(heard)
    }

    /// The SIP server acknowledges a notification or a change.
    pub(super) fn acknowledges(&self, t: &mut Tester<'_>, told: usize) -> Result<usize, Stop> {
        let answer = lookup_in(&t.packet(told)).and_then(|told| {
            let (transaction, home) = (told.transaction, told.home_address);
            match told.kind {
                LookupKind::HomeAgentNotification => {
                    Some(BindingLookup::notification_ack(transaction, home, LookupStatus::BOUND))
                }
                LookupKind::BindingChange => {
                    Some(BindingLookup::change_ack(transaction, home, LookupStatus::BOUND))
                }
                LookupKind::HomeAgentNotificationAck
                | LookupKind::BindingQuery
                | LookupKind::BindingReply
                | LookupKind::BindingChangeAck
                | LookupKind::Unknown(_) => None,
            }
        });
        let unix = t.unix_time();
        t.answers(self.router, answer.map(|answer| self.server.tells(&answer, unix)))
    }

    /// The notification about the home address that the SIP server gets.
    pub(super) fn notification(&self) -> Template {
        self.told(LookupKind::HomeAgentNotification)
    }

    /// What the home agent tells the SIP server about the home address, of this kind.
    pub(super) fn told(&self, kind: LookupKind) -> Template {
        let home = self.mobile.home;
        binding_lookup(kind)
            .from(self.server.home_agent)
            .to(self.server.address)
            .saying(format!("about {home}"), move |message| message.home_address == home)
    }

    /// The SIP server asks for the home address and is told the care-of address.
    pub(super) fn is_answered(&mut self, t: &mut Tester<'_>) -> Result<usize, Stop> {
        let query = self.asks(t)?;
        t.hears(&self.reply_with_care_of(t, &query), ANSWER)
    }

    /// The SIP server asks for the home address.
    pub(super) fn asks(&mut self, t: &mut Tester<'_>) -> Result<Query, Stop> {
        let query = self.server.asks(self.mobile.home, t.unix_time());
        self.sends(t, &query.packet)?;
        Ok(query)
    }

    /// The reply to a query, whatever it says.
    pub(super) fn reply(&self, t: &Tester<'_>, query: &Query) -> Template {
        let transaction = query.transaction;
        self.told(LookupKind::BindingReply)
            .saying(format!("in transaction {transaction}"), move |message| {
                message.transaction == transaction
            })
            .proved_by(&t.plan.ha_ss)
    }

    /// The reply to a query that tells the care-of address.
    pub(super) fn reply_with_care_of(&self, t: &Tester<'_>, query: &Query) -> Template {
        let care_of = self.mobile.care_of;
        self.reply(t, query)
            .saying("with status 0", |message| message.status == LookupStatus::BOUND)
            .saying(format!("with {care_of}"), move |message| message.care_of() == Some(care_of))
    }

    /// The reply to a query that tells that there is no binding.
    pub(super) fn reply_without_binding(&self, t: &Tester<'_>, query: &Query) -> Template {
        self.reply(t, query)
            .saying("with status 1", |message| message.status == LookupStatus::NO_BINDING)
            .saying("without a care-of address", |message| message.care_of().is_none())
    }

    /// An echo request of so many octets from beyond the router to the home address.
    pub(super) fn large(&self, sequence: u16, octets: usize) -> Vec<u8> {
        let data: Vec<u8> = (0_u8..=0xff).cycle().take(octets - ECHO_OVERHEAD).collect();
        let echo = Echo { reply: false, identifier: 0x4c41, sequence, data: &data };
        let outgoing = Outgoing::new(self.stranger, self.mobile.home, protocol::ICMPV6);
        IcmpMessage::Echo(echo).packet(&outgoing)
    }
}

/// What the sentence says of the status.
const STATUS: &str = "as said";
/// The IPv6 header and that of an echo request, octets.
const ECHO_OVERHEAD: usize = 48;
