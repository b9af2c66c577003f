//! The setting of a correspondent's purposes: everybody beyond the router on its link in the
//! tester's hand, a call for the mobile terminal, a binding.

use std::cell::RefCell;
use std::net::Ipv6Addr;
use std::rc::Rc;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::Message as IcmpMessage;
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::{Lifetime, Sequence};
use roamproof_wire::rtp::RtpHeader;
use roamproof_wire::sdp::SessionDescription;
use roamproof_wire::sip::{Fields, HeaderName, HostView, Message, Method};

use crate::feature::Condition;
use crate::purpose::packets::echo_request;
use crate::tester::mobile::MobileNode;
use crate::tester::registrar::Registrar;
use crate::tester::sip::SipPeer;
use crate::tester::template::{
    acknowledgement_in, binding_acknowledgement, binding_error, care_of_test, echo_reply,
    home_test, media, sip_request,
};
use crate::tester::{Station, StationId, Template, Tester};
use crate::topology::claimed::{Wanted, link_local, mac};
use crate::verdict::Stop;

/// What comes without a wait of the protocol's own.
pub(super) const ANSWER: Duration = Duration::from_secs(1);
/// A node that came up may look for neighbours first, and detect whether its address is its own.
pub(super) const START: Duration = Duration::from_secs(3);
/// What should not come would come at once.
pub(super) const SILENCE: Duration = Duration::from_millis(800);
/// The longest lifetime of a binding by return routability.
pub(super) const LONG: Duration = Duration::from_secs(420);
/// The correspondent takes part in Mobile IPv6.
pub(super) const KNOWS_MOBILE_IPV6: &[Condition] =
    &[Condition { feature: "mobile_ipv6", is: &["yes"] }];

/// Where the tester's mobile terminal takes media.
const MEDIA_PORT: u16 = 0x7e58;
/// The interface identifier of the mobile terminal's care-of address.
const CARE_OF: u64 = 0x1234_5678;
/// That of somebody who is no mobile terminal.
const STRANGER: u64 = 0xbeef_000c;
/// The number before that of the first update.
const LAST: Sequence = Sequence(0x1232);
/// Who speaks, in the media of the mobile terminal.
const SSRC: u32 = 0x5e55_0001;

/// The correspondent, and nobody else.
pub(super) fn correspondent_alone() -> Wanted {
    Wanted { nodes: vec!["cn"], ..Wanted::default() }
}

/// The tester's hands: all of them speak through the router on the correspondent's link.
pub(super) struct Setting {
    /// The router.
    pub(super) router: StationId,
    /// The SIP server.
    pub(super) server: SipPeer,
    /// The mobile terminal, on the first visited link.
    pub(super) mobile: MobileNode,
    /// The correspondent's address.
    pub(super) own: Ipv6Addr,
    /// Somebody on the server's link.
    pub(super) stranger: Ipv6Addr,
    spoken: u16,
}

impl Setting {
    /// The router on the correspondent's link, and a registrar beyond it.
    pub(super) fn new(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let router = Station::router(Mac(mac(0x01, 3)), [link_local(0x01, 3)]);
        let router = t.station("correspondent", router)?;
        let server = SipPeer::new(t.plan.ss);
        t.plays(Rc::new(RefCell::new(Registrar::new(server.clone()))));
        let mobile = MobileNode::new(&t.plan, t.plan.address("visited-1", CARE_OF), LAST);
        let (own, stranger) = (t.plan.cn, t.plan.address("server", STRANGER));
        Ok(Self { router, server, mobile, own, stranger, spoken: 0 })
    }

    /// As [`new`](Self::new), once the correspondent registered; one that did before does not again.
    pub(super) fn registered(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let setting = Self::new(t)?;
        t.given("the correspondent registers with the SIP server, or did before");
        t.hears_perhaps(&sip_request(Method::Register).from(setting.own), START)?;
        Ok(setting)
    }

    /// The mobile terminal is bound: an echo by its binding is answered by it.
    pub(super) fn bound(t: &mut Tester<'_>, lifetime: Duration) -> Result<Self, Stop> {
        let mut setting = Self::tested(t)?;
        t.given("it acknowledges the Binding Update that the tokens prove");
        setting.updates(t, lifetime)?;
        setting.is_accepted(t)?;
        t.given("it answers an echo by the binding");
        setting.is_bound(t, 2)?;
        Ok(setting)
    }

    /// The mobile terminal has the tokens for a binding, and none yet.
    pub(super) fn tested(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let mut setting = Self::new(t)?;
        setting.lives(t, 1)?;
        setting.is_tested_at_home(t)?;
        setting.is_tested_away(t)?;
        Ok(setting)
    }

    /// An echo as from the home address is answered there where the mobile terminal is.
    pub(super) fn is_bound(&self, t: &mut Tester<'_>, sequence: u16) -> Result<usize, Stop> {
        self.sends(t, &self.mobile.asks_echo(self.own, sequence))?;
        let answer = echo_reply().that(format!("to echo {sequence}"), answers_echo(sequence));
        let (care_of, home) = (self.mobile.care_of, self.mobile.home);
        t.hears(&answer.from(self.own).to(care_of).routed_home(home), ANSWER)
    }

    /// An echo as from the home address is answered by a Binding Error: there is no binding.
    pub(super) fn is_not_bound(&self, t: &mut Tester<'_>, sequence: u16) -> Result<usize, Stop> {
        self.sends(t, &self.mobile.asks_echo(self.own, sequence))?;
        let answer = binding_error(1, Some(self.mobile.home));
        t.hears(&answer.from(self.own).to(self.mobile.care_of), ANSWER)
    }

    /// Any message about bindings from the correspondent: what should not come in answer to an
    /// update that is to be dropped.
    pub(super) fn any_answer(&self) -> Template {
        let own = self.own;
        Template::new("mobility message of the correspondent", move |packet| {
            packet.header.source == own && packet.protocol == protocol::MOBILITY
        })
    }

    /// A call that the mobile terminal answered when its binding was made, media on its way.
    pub(super) fn talking(t: &mut Tester<'_>, lifetime: Duration) -> Result<(Self, Call), Stop> {
        let mut setting = Self::registered(t)?;
        let call = setting.is_called(t)?;
        setting.binds(t, lifetime)?;
        t.given("the call is answered, and media goes straight to the mobile terminal");
        setting.answers_call(t, &call)?;
        t.hears_every(&setting.direct(), SOME, START)?;
        Ok((setting, call))
    }

    /// Sends the correspondent a packet from beyond the router.
    pub(super) fn sends(&self, t: &mut Tester<'_>, packet: &[u8]) -> Result<usize, Stop> {
        t.sends(self.router, packet)
    }

    /// The correspondent calls the mobile terminal, and hears that the server is trying.
    pub(super) fn is_called(&self, t: &mut Tester<'_>) -> Result<Call, Stop> {
        t.given("it calls the mobile terminal");
        let identifier = t.plan.mt_identifier.clone();
        t.calls(&identifier)?;
        let heard = t.hears(&self.invite(), START)?;
        let call = Call::of(t, heard)?;
        self.tries(t, &call)?;
        Ok(call)
    }

    /// The server says that it is trying.
    pub(super) fn tries(&self, t: &mut Tester<'_>, call: &Call) -> Result<usize, Stop> {
        let terminal = t.plan.mt(MEDIA_PORT);
        let trying = self.server.response(&call.invite, &terminal, 100, "Trying");
        self.sends(t, &self.server.packet(self.own, &trying))
    }

    /// The server passes on that the mobile terminal rings.
    pub(super) fn rings(&self, t: &mut Tester<'_>, call: &Call) -> Result<usize, Stop> {
        let terminal = t.plan.mt(MEDIA_PORT);
        let mut ringing = self.server.response(&call.invite, &terminal, 180, "Ringing");
        self.stays_in_the_path(&mut ringing);
        self.sends(t, &self.server.packet(self.own, &ringing))
    }

    /// The server passes on that the mobile terminal answers.
    pub(super) fn answers_call(&self, t: &mut Tester<'_>, call: &Call) -> Result<usize, Stop> {
        let terminal = t.plan.mt(MEDIA_PORT);
        let answer = self.server.answer(&call.invite, &terminal).map(|mut answer| {
            self.stays_in_the_path(&mut answer);
            self.server.packet(self.own, &answer)
        });
        t.answers(self.router, answer)
    }

    /// The server takes part in the whole dialog (RFC 3261 §16.6).
    fn stays_in_the_path(&self, response: &mut Message) {
        let route = format!("<sip:{};lr>", HostView::Ipv6(self.server.address));
        response.push(HeaderName::RecordRoute, route);
    }

    /// The mobile terminal is tested and binds its home address; returns for how long.
    pub(super) fn binds(
        &mut self,
        t: &mut Tester<'_>,
        lifetime: Duration,
    ) -> Result<Lifetime, Stop> {
        self.is_tested_at_home(t)?;
        self.is_tested_away(t)?;
        t.given("it acknowledges the Binding Update that the tokens prove");
        self.updates(t, lifetime)?;
        self.is_accepted(t)
    }

    /// A Home Test for the mobile terminal, by the home agent.
    pub(super) fn is_tested_at_home(&mut self, t: &mut Tester<'_>) -> Result<(), Stop> {
        t.given("it answers a Home Test Init");
        let answer = home_test().from(self.own).to(self.mobile.home);
        let init = self.mobile.tests_home(self.own);
        self.is_tested(t, &init, &answer)
    }

    /// A Care-of Test for the mobile terminal, where it is.
    pub(super) fn is_tested_away(&mut self, t: &mut Tester<'_>) -> Result<(), Stop> {
        t.given("it answers a Care-of Test Init");
        let answer = care_of_test().from(self.own).to(self.mobile.care_of);
        let init = self.mobile.tests_care_of(self.own);
        self.is_tested(t, &init, &answer)
    }

    fn is_tested(
        &mut self,
        t: &mut Tester<'_>,
        init: &[u8],
        answer: &Template,
    ) -> Result<(), Stop> {
        self.sends(t, init)?;
        let heard = t.hears(answer, ANSWER)?;
        if self.mobile.takes_test(&t.packet(heard)) {
            return Ok(());
        }
        let expected = "the cookie that was sent".to_owned();
        Err(t.stop(expected, "another".to_owned(), vec![heard]))
    }

    /// The mobile terminal sends a Binding Update from where it is.
    pub(super) fn updates(
        &mut self,
        t: &mut Tester<'_>,
        lifetime: Duration,
    ) -> Result<usize, Stop> {
        let update = self.mobile.updates(self.own, lifetime);
        t.answers(self.router, update)
    }

    /// The last update is accepted; returns for how long.
    pub(super) fn is_accepted(&self, t: &mut Tester<'_>) -> Result<Lifetime, Stop> {
        let heard = t.hears(&self.accepted(), ANSWER)?;
        Ok(acknowledgement_in(&t.packet(heard)).map_or(Lifetime::ZERO, |one| one.lifetime))
    }

    /// The acknowledgement that accepts the mobile terminal's last update.
    pub(super) fn accepted(&self) -> Template {
        self.acknowledgement().status("below 128", |status| status < 128)
    }

    /// The acknowledgement of the mobile terminal's last update, whatever its status.
    pub(super) fn acknowledgement(&self) -> Template {
        binding_acknowledgement()
            .sequence(self.mobile.sequence())
            .from(self.own)
            .to(self.mobile.care_of)
            .routed_home(self.mobile.home)
    }

    /// A media packet straight to where the mobile terminal is.
    pub(super) fn direct(&self) -> Template {
        media(MEDIA_PORT).from(self.own).to(self.mobile.care_of).routed_home(self.mobile.home)
    }

    /// The correspondent's INVITE as the server wants it.
    pub(super) fn invite(&self) -> Template {
        sip_request(Method::Invite).from(self.own).to(self.server.address)
    }

    /// The mobile terminal says something, straight from where it is.
    pub(super) fn speaks(&mut self, t: &mut Tester<'_>, call: &Call) -> Result<usize, Stop> {
        self.spoken += 1;
        let header = RtpHeader {
            marker: self.spoken == 1,
            payload_type: 0,
            sequence: 0x3000 + self.spoken,
            timestamp: u32::from(self.spoken) * 160,
            ssrc: SSRC,
        };
        let (address, port) = call.media;
        let packet = self.mobile.speaks(address, (MEDIA_PORT, port), &header.packet(&[0xd5; 160]));
        self.sends(t, &packet)
    }

    /// The sign of life that a silence needs, before it or after it.
    pub(super) fn lives(&self, t: &mut Tester<'_>, sequence: u16) -> Result<(), Stop> {
        t.given("the correspondent answers an echo");
        self.sends(t, &echo_request(self.stranger, self.own, sequence))?;
        t.hears(&echo_reply().from(self.own).to(self.stranger), START)?;
        Ok(())
    }
}

fn answers_echo(sequence: u16) -> impl Fn(&Packet<'_>) -> bool {
    move |packet| matches!(IcmpMessage::parse(packet), Ok(IcmpMessage::Echo(echo)) if echo.sequence == sequence)
}

/// A call of the correspondent's.
pub(super) struct Call {
    /// Its INVITE.
    pub(super) invite: Message,
    /// Where the correspondent takes media.
    media: (Ipv6Addr, u16),
}

impl Call {
    /// The call that an INVITE heard begins.
    pub(super) fn of(t: &Tester<'_>, heard: usize) -> Result<Self, Stop> {
        let invite = t.sip(heard)?;
        let offer = SessionDescription::parse(invite.body()).ok();
        let stream = offer.as_ref().and_then(|offer| offer.streams().into_iter().next());
        let media = stream.and_then(|stream| Some((stream.address.ipv6()?, stream.port)));
        let Some(media) = media else {
            let expected = "an offer of media at an IPv6 address".to_owned();
            return Err(t.stop(expected, "none".to_owned(), vec![heard]));
        };
        Ok(Self { invite, media })
    }
}

/// Media packets by which a talk is known to go on.
const SOME: usize = 10;
