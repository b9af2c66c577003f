//! The setting of a mobile terminal's purposes: router, home agent, SIP server and correspondent in
//! the tester's hand, the terminal registered with them, a call for it.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::ipv6::Packet;
use roamproof_wire::mobility::{Lifetime, Message as MobilityMessage};
use roamproof_wire::sip::{Fields, Message, Method, Uri};

use crate::tester::correspondent::Correspondent;
use crate::tester::home_agent::HomeAgent;
use crate::tester::sip::SipPeer;
use crate::tester::template::{
    binding_update, care_of_test_init, home_test_init, message_in, sip_request, sip_response,
};
use crate::tester::{Station, StationId, Template, Tester};
use crate::topology::claimed::{Wanted, link_local, mac};
use crate::verdict::Stop;

/// Where the caller takes media.
pub(super) const CALLER_MEDIA: u16 = 0x7e5c;
/// A router is found, two addresses are detected as unique, and updates have their back-off.
pub(super) const ATTACHMENT: Duration = Duration::from_secs(8);
/// What comes without a wait of the protocol's own.
pub(super) const ANSWER: Duration = Duration::from_secs(1);
/// A terminal that takes what it should not take responds at once; L + 200 ms is far below.
pub(super) const SILENCE: Duration = Duration::from_millis(800);
/// Decision D6: at 7 s the terminal may respond without optimization.
pub(super) const BUDGET: Duration = Duration::from_secs(7);

/// The terminal alone; the tester plays all others.
pub(super) fn terminal_alone() -> Wanted {
    Wanted { nodes: vec!["mt"], ..Wanted::default() }
}

/// The tester's hands: all of them speak through the router where the terminal is.
pub(super) struct Setting {
    /// The access router; at home the home agent.
    pub(super) router: StationId,
    /// The home agent.
    pub(super) agent: HomeAgent,
    /// The SIP server.
    pub(super) server: SipPeer,
    /// The caller's Mobile IPv6.
    pub(super) correspondent: Correspondent,
    /// Where the terminal registered with the SIP server.
    pub(super) contact: Uri,
}

impl Setting {
    /// The terminal attaches to the first visited link, registers with its home agent and with the
    /// SIP server: all of it `given`.
    pub(super) fn away(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let router = access_router(t, 1)?;
        let mut agent = HomeAgent::new(&t.plan);
        t.given("the terminal attaches to a visited link and registers with its home agent");
        t.attaches("visited-1")?;
        bound(t, router, &mut agent)?;

        t.given("it registers its home address with the SIP server");
        let server = SipPeer::new(t.plan.ss);
        let contact = registered(t, router, &agent, &server)?;
        let correspondent = Correspondent::new(t.plan.cn);
        Ok(Self { router, agent, server, correspondent, contact })
    }

    /// The terminal is switched on at home and registers with the SIP server: all of it `given`.
    pub(super) fn at_home(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let router = home_router(t)?;
        let (mut agent, server) = (HomeAgent::new(&t.plan), SipPeer::new(t.plan.ss));
        t.given("the terminal is switched on at home and registers with the SIP server");
        t.attaches("home")?;
        let register = registers_at_home(t, router, &mut agent)?;
        let contact = takes_register(t, router, register, &server, |packet| Some(packet.to_vec()))?;
        let correspondent = Correspondent::new(t.plan.cn);
        Ok(Self { router, agent, server, correspondent, contact })
    }

    /// Whether the home agent holds a binding: the terminal is away.
    pub(super) const fn is_away(&self) -> bool {
        self.agent.care_of.is_some()
    }

    /// Where the terminal is, as it told its home agent.
    pub(super) fn care_of(&self) -> Ipv6Addr {
        self.agent.care_of.expect("the setting begins with a registration")
    }

    /// Sends the terminal a packet as it stands.
    pub(super) fn sends(&self, t: &mut Tester<'_>, packet: &[u8]) -> Result<usize, Stop> {
        t.sends(self.router, packet)
    }

    /// Sends the terminal what a script made, as it stands.
    pub(super) fn answers(
        &self,
        t: &mut Tester<'_>,
        packet: Option<Vec<u8>>,
    ) -> Result<usize, Stop> {
        t.answers(self.router, packet)
    }

    /// Sends the terminal a packet for its home address: through the home agent's tunnel, plainly
    /// where it is at home.
    pub(super) fn tunnels(&self, t: &mut Tester<'_>, packet: &[u8]) -> Result<usize, Stop> {
        if self.is_away() {
            return self.answers(t, self.agent.tunnels(packet));
        }
        self.sends(t, packet)
    }

    /// What the terminal sends from its home address to `to`: through the home agent, plainly where
    /// it is at home.
    pub(super) fn from_home(&self, t: &Tester<'_>, template: Template, to: Ipv6Addr) -> Template {
        if self.is_away() {
            return tunnelled_home(t, template, to);
        }
        template.from(t.plan.hoa).to(to)
    }

    /// Sends the terminal a SIP message of the server's, by the way to its home address.
    pub(super) fn says(&self, t: &mut Tester<'_>, message: &Message) -> Result<usize, Stop> {
        self.tunnels(t, &self.server.packet(t.plan.hoa, message))
    }

    /// The caller's INVITE by the way to the home address.
    pub(super) fn invites(&mut self, t: &mut Tester<'_>) -> Result<Message, Stop> {
        let invite =
            self.server.invite(&t.plan.cn(CALLER_MEDIA), &t.plan.mt_identifier, &self.contact);
        self.says(t, &invite)?;
        Ok(invite)
    }

    /// The terminal's Home Test Init, by the reverse tunnel, is answered through the tunnel.
    pub(super) fn answers_home_test(&self, t: &mut Tester<'_>) -> Result<usize, Stop> {
        let init =
            t.hears(&tunnelled_home(t, home_test_init(), self.correspondent.address), ANSWER)?;
        let answer = self.correspondent.answers_test(&t.innermost(init));
        self.answers(t, answer.and_then(|answer| self.agent.tunnels(&answer)))?;
        Ok(init)
    }

    /// The terminal's Care-of Test Init is answered.
    pub(super) fn answers_care_of_test(&self, t: &mut Tester<'_>) -> Result<usize, Stop> {
        let init = t.hears(&care_of_test_init().to(self.correspondent.address), ANSWER)?;
        let answer = self.correspondent.answers_test(&t.packet(init));
        self.answers(t, answer)?;
        Ok(init)
    }

    /// Both tests are answered and the terminal sends its update to the correspondent, which is
    /// not answered yet.
    pub(super) fn hears_update(&self, t: &mut Tester<'_>) -> Result<usize, Stop> {
        self.answers_home_test(t)?;
        self.answers_care_of_test(t)?;
        t.hears(&updates(self.correspondent.address), ANSWER)
    }

    /// The correspondent accepts the update.
    pub(super) fn acknowledges(&self, t: &mut Tester<'_>, update: usize) -> Result<usize, Stop> {
        let acknowledgement = self.correspondent.acknowledges(&t.packet(update));
        self.answers(t, acknowledgement)
    }

    /// A call comes, and all of its optimization is done but for the acknowledgement; returns the
    /// INVITE and the update.
    pub(super) fn pending(&mut self, t: &mut Tester<'_>) -> Result<(Message, usize), Stop> {
        t.given("an INVITE comes through the tunnel, both tests pass, and it updates the caller");
        let invite = self.invites(t)?;
        let update = self.hears_update(t)?;
        Ok((invite, update))
    }

    /// Waits for a packet while the home agent, the server and the correspondent do what is theirs:
    /// registrations are acknowledged, tests answered, updates accepted, as often as it asks.
    pub(super) fn hears(
        &mut self,
        t: &mut Tester<'_>,
        wanted: Template,
        patience: Duration,
    ) -> Result<usize, Stop> {
        let (expected, until) = (wanted.to_string(), t.bench.now() + patience);
        let correspondent = self.correspondent.address;
        let is_for = move |packet: &Packet<'_>| packet.header.destination == correspondent;
        let templates = [
            wanted,
            home_test_init().that("to the correspondent", is_for).by_any_way(),
            care_of_test_init().that("to the correspondent", is_for),
            updates(correspondent),
            updates(t.plan.ha),
        ];
        loop {
            let left = until.saturating_sub(t.bench.now());
            let Some((which, frame)) = t.hears_one_of(&templates, left)? else {
                let seen = format!("nothing of the kind in {patience:?}");
                return Err(t.stop(expected, seen, vec![]));
            };
            let answer = match which {
                0 => return Ok(frame),
                1 => {
                    let answer = self.correspondent.answers_test(&t.innermost(frame));
                    answer.and_then(|answer| self.agent.tunnels(&answer))
                }
                2 => self.correspondent.answers_test(&t.packet(frame)),
                3 => self.correspondent.acknowledges(&t.packet(frame)),
                _ => self.agent.acknowledges(&t.packet(frame)),
            };
            if let Some(answer) = answer {
                self.sends(t, &answer)?;
            }
        }
    }

    /// A call comes, is optimized and answered; returns the INVITE and the 200, which is not
    /// acknowledged yet.
    pub(super) fn is_called(&mut self, t: &mut Tester<'_>) -> Result<(Message, Message), Stop> {
        let invite = self.invites(t)?;
        let answer = self.is_answered(t, &invite)?;
        Ok((invite, answer))
    }

    /// The terminal responds to `invite` and answers it, by its user where it does not by itself;
    /// returns the 200.
    pub(super) fn is_answered(
        &mut self,
        t: &mut Tester<'_>,
        invite: &Message,
    ) -> Result<Message, Stop> {
        let patience = budget(t) + ANSWER;
        loop {
            let heard = self.hears(t, sip_response(invite).by_any_way(), patience)?;
            let response = t.sip(heard)?;
            match response.status() {
                Some(200..=299) => return Ok(response),
                Some(300..) => {
                    let seen = response.reason().unwrap_or_default().to_owned();
                    return Err(t.stop("an answer".to_owned(), seen, vec![heard]));
                }
                Some(_) | None => self.picks_up(t)?,
            }
        }
    }

    /// The user answers, where the terminal is not known to do so by itself.
    pub(super) fn picks_up(&self, t: &mut Tester<'_>) -> Result<(), Stop> {
        if t.features.is("answers_by_itself", "no") { t.picks_up() } else { Ok(()) }
    }

    /// Sends the terminal what a SIP script made.
    pub(super) fn says_made(
        &self,
        t: &mut Tester<'_>,
        message: Option<Message>,
    ) -> Result<Message, Stop> {
        let Some(message) = message else {
            let expected = "a message that the tester's script can answer".to_owned();
            return Err(t.stop(expected, "one that it cannot".to_owned(), vec![]));
        };
        self.says(t, &message)?;
        Ok(message)
    }

    /// The terminal attaches to the other visited link and registers there.
    pub(super) fn moves(&mut self, t: &mut Tester<'_>) -> Result<usize, Stop> {
        self.router = access_router(t, 2)?;
        t.attaches("visited-2")?;
        bound(t, self.router, &mut self.agent)
    }

    /// The control before a silence and the sign of life after it: OPTIONS, the same way as the
    /// INVITE, whose response nothing holds back (CL-RO-24).
    pub(super) fn lives(&mut self, t: &mut Tester<'_>, text: &str) -> Result<(), Stop> {
        t.given(text);
        self.answers_options(t)
    }

    /// OPTIONS comes by the way to the home address and is answered.
    pub(super) fn answers_options(&mut self, t: &mut Tester<'_>) -> Result<(), Stop> {
        let options = self.server.request(
            Method::Options,
            &t.plan.cn(CALLER_MEDIA),
            &t.plan.mt_identifier,
            &self.contact,
        );
        self.says(t, &options)?;
        t.hears(&self.from_home(t, sip_response(&options), t.plan.ss), ANSWER)?;
        Ok(())
    }
}

/// An access router on visited link 1 or 2.
pub(super) fn access_router(t: &mut Tester<'_>, visited: u8) -> Result<StationId, Stop> {
    let number = 0x10 + visited;
    let link = format!("visited-{visited}");
    let prefix = t.plan.prefix(&link);
    let router = Station::router(Mac(mac(number, 0)), [link_local(number, 0)]).advertising(prefix);
    t.station(&link, router)
}

/// The home agent on the home link, its only router.
pub(super) fn home_router(t: &mut Tester<'_>) -> Result<StationId, Stop> {
    let own = link_local(0x0a, 0);
    let router = Station::router(Mac(mac(0x0a, 0)), [own, t.plan.ha]).serving(t.plan.ha);
    t.station("home", router)
}

/// The terminal sends its home registration, and the home agent acknowledges it.
pub(super) fn bound(
    t: &mut Tester<'_>,
    router: StationId,
    agent: &mut HomeAgent,
) -> Result<usize, Stop> {
    let update = t.hears(&binding_update().to(t.plan.ha).home_address(t.plan.hoa), ATTACHMENT)?;
    let acknowledgement = agent.acknowledges(&t.packet(update));
    t.answers(router, acknowledgement)?;
    Ok(update)
}

/// The terminal sends REGISTER by the reverse tunnel, and the server takes it; returns its contact.
pub(super) fn registered(
    t: &mut Tester<'_>,
    router: StationId,
    agent: &HomeAgent,
    server: &SipPeer,
) -> Result<Uri, Stop> {
    let register =
        t.hears(&tunnelled_home(t, sip_request(Method::Register), t.plan.ss), ATTACHMENT)?;
    takes_register(t, router, register, server, |packet| agent.tunnels(packet))
}

/// The server takes a REGISTER; returns its contact.
pub(super) fn takes_register(
    t: &mut Tester<'_>,
    router: StationId,
    register: usize,
    server: &SipPeer,
    carry: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<Uri, Stop> {
    let register = t.sip(register)?;
    let answer = server.registers(&register).map(|answer| server.packet(t.plan.hoa, &answer));
    t.answers(router, answer.and_then(|answer| carry(&answer)))?;
    let contact = register.contact().ok().flatten().map(|contact| contact.uri.to_owned());
    contact.ok_or_else(|| t.stop("a contact".to_owned(), "none".to_owned(), vec![]))
}

/// The terminal sends REGISTER from home, and may de-register first with its home agent, which
/// acknowledges that; returns the REGISTER.
pub(super) fn registers_at_home(
    t: &mut Tester<'_>,
    router: StationId,
    agent: &mut HomeAgent,
) -> Result<usize, Stop> {
    let until = t.bench.now() + ATTACHMENT;
    let templates = [
        sip_request(Method::Register).from(t.plan.hoa).to(t.plan.ss),
        updates(t.plan.ha).with("lifetime 0", |packet| !binds(packet)),
    ];
    loop {
        let left = until.saturating_sub(t.bench.now());
        match t.hears_one_of(&templates, left)? {
            Some((0, register)) => return Ok(register),
            Some((_, update)) => {
                let acknowledgement = agent.acknowledges(&t.packet(update));
                t.answers(router, acknowledgement)?;
            }
            None => {
                let seen = format!("nothing of the kind in {ATTACHMENT:?}");
                return Err(t.stop(templates[0].to_string(), seen, vec![]));
            }
        }
    }
}

/// Whether a packet is a Binding Update that asks for a binding.
pub(super) fn binds(packet: &Packet<'_>) -> bool {
    matches!(message_in(packet), Some(MobilityMessage::BindingUpdate(update)) if update.lifetime != Lifetime::ZERO)
}

/// The time after which the terminal gives the optimization up (decision D6).
pub(super) fn budget(t: &Tester<'_>) -> Duration {
    let declared = t.features.value("route_optimization_budget").and_then(|one| one.parse().ok());
    declared.map_or(BUDGET, Duration::from_secs_f64)
}

/// From the home address to `to`, through the home agent.
pub(super) fn tunnelled_home(t: &Tester<'_>, template: Template, to: Ipv6Addr) -> Template {
    template.from(t.plan.hoa).to(to).in_a_tunnel().to(t.plan.ha)
}

/// A Binding Update to this correspondent.
pub(super) fn updates(correspondent: Ipv6Addr) -> Template {
    binding_update().that(format!("to {correspondent}"), move |packet| {
        packet.header.destination == correspondent
    })
}
