//! The setting of a mobile terminal's purposes: access router, home agent, SIP server and
//! correspondent in the tester's hand, the terminal registered with them, a call for it.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::sip::{Fields, Message, Method, Uri};

use crate::tester::correspondent::Correspondent;
use crate::tester::home_agent::HomeAgent;
use crate::tester::sip::SipPeer;
use crate::tester::template::{
    binding_update, care_of_test_init, home_test_init, sip_request, sip_response,
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

/// The tester's hands: all of them speak through the access router where the terminal is.
pub(super) struct Setting {
    /// The access router.
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

    /// Sends the terminal a packet for its home address through the home agent's tunnel.
    pub(super) fn tunnels(&self, t: &mut Tester<'_>, packet: &[u8]) -> Result<usize, Stop> {
        self.answers(t, self.agent.tunnels(packet))
    }

    /// Sends the terminal a SIP message of the server's, through the home agent's tunnel.
    pub(super) fn says(&self, t: &mut Tester<'_>, message: &Message) -> Result<usize, Stop> {
        self.tunnels(t, &self.server.packet(t.plan.hoa, message))
    }

    /// The caller's INVITE through the home agent's tunnel.
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

    /// The control before a silence and the sign of life after it: OPTIONS, the same way as the
    /// INVITE, whose response nothing holds back (CL-RO-24).
    pub(super) fn lives(&mut self, t: &mut Tester<'_>, text: &str) -> Result<(), Stop> {
        t.given(text);
        let options = self.server.request(
            Method::Options,
            &t.plan.cn(CALLER_MEDIA),
            &t.plan.mt_identifier,
            &self.contact,
        );
        self.says(t, &options)?;
        t.hears(&tunnelled_home(t, sip_response(&options), t.plan.ss), ANSWER)?;
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
    let register = t.sip(register)?;
    let answer = server.registers(&register).map(|answer| server.packet(t.plan.hoa, &answer));
    t.answers(router, answer.and_then(|answer| agent.tunnels(&answer)))?;
    let contact = register.contact().ok().flatten().map(|contact| contact.uri.to_owned());
    contact.ok_or_else(|| t.stop("a contact".to_owned(), "none".to_owned(), vec![]))
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
