//! The stage of purposes that take one thing into their own hands: everyone around the terminal
//! plays along ([`Scene`]), the terminal is registered, calls come.

use std::cell::{RefCell, RefMut};
use std::net::Ipv6Addr;
use std::rc::Rc;
use std::time::Duration;

use roamproof_wire::ipv6::Packet;
use roamproof_wire::ipv6::address::prefixes_agree;
use roamproof_wire::mobility::{Lifetime, Message as Mobility, Status};
use roamproof_wire::sip::{Fields, Message, Method, Transport, Uri};

use super::setting::{
    ANSWER, ATTACHMENT, CALLER_MEDIA, access_router, budget, home_router, tunnelled_home, updates,
};
use crate::tester::correspondent::Correspondent;
use crate::tester::scene::{Manners, Scene};
use crate::tester::sip::Party;
use crate::tester::template::{binding_update, message_in, sip_in, sip_request, sip_response};
use crate::tester::{StationId, Template, Tester};
use crate::topology::claimed::Wanted;
use crate::verdict::Stop;

/// Everyone around the terminal, and where it is.
pub(super) struct Stage {
    scene: Rc<RefCell<Scene>>,
    /// The access router of the link where the terminal is.
    pub(super) router: StationId,
}

/// How long a terminal may take for a new home registration after a handover.
pub(super) const HANDOVER: Duration = ATTACHMENT;

impl Stage {
    /// The terminal attaches to the first visited link, registers with its home agent and with the
    /// SIP server: all of it `given`.
    pub(super) fn away(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let stage = Self::with(t, |_| {})?;
        stage.settled(t)?;
        stage.lives(t, "it answers OPTIONS that come through the tunnel")?;
        Ok(stage)
    }

    /// The same over TCP.
    pub(super) fn over_tcp(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let stage = Self::with(t, |scene| scene.server.transport = Transport::Tcp)?;
        t.given("the terminal attaches to a visited link and registers, with the server over TCP");
        t.attaches("visited-1")?;
        let scene = Rc::clone(&stage.scene);
        t.waits_for("a REGISTER", ATTACHMENT, || scene.borrow().contact.clone())?;
        stage.answers_on_stream(t, "it answers OPTIONS on a stream through the tunnel")?;
        Ok(stage)
    }

    pub(super) fn with(t: &mut Tester<'_>, prepare: impl FnOnce(&mut Scene)) -> Result<Self, Stop> {
        let router = access_router(t, 1)?;
        let mut scene = Scene::new(&t.plan, t.unix_time());
        scene.behaves(t.plan.cn, Manners::CAPABLE);
        prepare(&mut scene);
        let scene = Rc::new(RefCell::new(scene));
        t.plays(Rc::clone(&scene) as Rc<RefCell<dyn crate::tester::actor::Actor>>);
        Ok(Self { scene, router })
    }

    fn settled(&self, t: &mut Tester<'_>) -> Result<(), Stop> {
        t.given("the terminal attaches to a visited link and registers with its home agent");
        t.attaches("visited-1")?;
        t.hears(&binding_update().to(t.plan.ha).home_address(t.plan.hoa), ATTACHMENT)?;
        t.given("it registers its home address with the SIP server");
        let register =
            t.hears(&tunnelled_home(t, sip_request(Method::Register), t.plan.ss), ATTACHMENT)?;
        if self.scene().contact.is_none() {
            return Err(t.stop("a contact".to_owned(), "none".to_owned(), vec![register]));
        }
        Ok(())
    }

    /// The scene, to look into or to change.
    pub(super) fn scene(&self) -> RefMut<'_, Scene> {
        self.scene.borrow_mut()
    }

    /// From now on the correspondent behaves like this.
    pub(super) fn behaves(&self, address: Ipv6Addr, manners: Manners) {
        self.scene().behaves(address, manners);
    }

    /// Where the terminal is, as it told its home agent.
    pub(super) fn care_of(&self) -> Ipv6Addr {
        self.scene().agent.care_of.expect("the stage begins with a registration")
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

    /// Sends the terminal a packet for its home address by the way that is in use.
    pub(super) fn carries(&self, t: &mut Tester<'_>, packet: &[u8]) -> Result<usize, Stop> {
        let packet = self.scene().carries(packet);
        self.sends(t, &packet)
    }

    /// The server says something to the terminal; returns the first frame of it.
    pub(super) fn says(&self, t: &mut Tester<'_>, message: &Message) -> Result<usize, Stop> {
        let first = t.bench.capture().frames.len();
        let packets = self.scene().says(t.bench.now(), message);
        for packet in packets {
            self.sends(t, &packet)?;
        }
        Ok(first)
    }

    /// The terminal's contact, as it registered it.
    pub(super) fn contact(&self) -> Uri {
        self.scene().contact.clone().expect("the stage begins with a registration")
    }

    /// An INVITE of `caller`, not sent yet.
    pub(super) fn invite_of(&self, t: &Tester<'_>, caller: &Party) -> Message {
        let contact = self.contact();
        self.scene().server.invite(caller, &t.plan.mt_identifier, &contact)
    }

    /// The caller's INVITE comes.
    pub(super) fn invites(&self, t: &mut Tester<'_>) -> Result<Message, Stop> {
        let invite = self.invite_of(t, &t.plan.cn(CALLER_MEDIA));
        self.says(t, &invite)?;
        Ok(invite)
    }

    /// A call comes, and all of its optimization is done but for the acknowledgement; returns the
    /// INVITE.
    pub(super) fn pending(&self, t: &mut Tester<'_>) -> Result<Message, Stop> {
        t.given("an INVITE comes, both tests of the route pass, and it updates the caller");
        self.behaves(t.plan.cn, Manners::WITHHOLDING);
        let invite = self.invites(t)?;
        t.hears(&updates(t.plan.cn), ANSWER)?;
        Ok(invite)
    }

    /// A correspondent accepts the newest update to it, and every one after it.
    pub(super) fn accepts(&self, t: &mut Tester<'_>, correspondent: Ipv6Addr) -> Result<(), Stop> {
        self.behaves(correspondent, Manners::CAPABLE);
        let script = Correspondent::new(correspondent);
        let acknowledgement =
            self.newest_update(t, correspondent).and_then(|update| script.acknowledges(&update));
        self.answers(t, acknowledgement).map(drop)
    }

    /// A correspondent refuses the newest update to it.
    pub(super) fn refuses(
        &self,
        t: &mut Tester<'_>,
        correspondent: Ipv6Addr,
        status: Status,
    ) -> Result<(), Stop> {
        let script = Correspondent::new(correspondent);
        let refusal =
            self.newest_update(t, correspondent).and_then(|update| script.refuses(&update, status));
        self.answers(t, refusal).map(drop)
    }

    /// The newest update to a node.
    fn newest_update<'a>(&self, t: &'a Tester<'_>, to: Ipv6Addr) -> Option<Packet<'a>> {
        self.scene().newest_update(to).map(|frame| t.packet(frame))
    }

    /// The control before a silence and the sign of life after it: OPTIONS, the same way as the
    /// INVITE, whose response nothing holds back (CL-RO-24).
    pub(super) fn lives(&self, t: &mut Tester<'_>, text: &str) -> Result<(), Stop> {
        t.given(text);
        self.answers_options(t)
    }

    /// OPTIONS comes by the way to the home address and is answered.
    pub(super) fn answers_options(&self, t: &mut Tester<'_>) -> Result<(), Stop> {
        let options = self.request(t, Method::Options);
        self.says(t, &options)?;
        t.hears(&self.of_terminal(t, sip_response(&options), t.plan.ss), ANSWER)?;
        Ok(())
    }

    /// As [`lives`](Self::lives), over TCP.
    pub(super) fn answers_on_stream(&self, t: &mut Tester<'_>, text: &str) -> Result<(), Stop> {
        t.given(text);
        let options = self.request(t, Method::Options);
        self.says(t, &options)?;
        self.hears_on_stream(t, &options)?;
        Ok(())
    }

    /// Waits for a response on a stream; returns the frame with its last octet.
    pub(super) fn hears_on_stream(
        &self,
        t: &mut Tester<'_>,
        request: &Message,
    ) -> Result<usize, Stop> {
        let scene = Rc::clone(&self.scene);
        let wanted = sip_response(request).to_string();
        t.waits_for(&wanted, by_budget(t), || {
            let scene = scene.borrow();
            scene.responses_to(request).next().map(|heard| heard.frame)
        })
    }

    /// A response to the INVITE leaves that says more than 100. It may wait for the budget: that it
    /// leaves at once is a SHOULD.
    pub(super) fn responds(&self, t: &mut Tester<'_>, invite: &Message) -> Result<usize, Stop> {
        t.hears(&decision(invite), by_budget(t))
    }

    /// The terminal answers, by its user where it does not by itself; returns the 200, which is not
    /// acknowledged yet.
    pub(super) fn is_answered(
        &self,
        t: &mut Tester<'_>,
        invite: &Message,
    ) -> Result<Message, Stop> {
        let response = self.of_terminal(t, sip_response(invite), t.plan.ss);
        loop {
            let frame = t.hears(&response, RINGING)?;
            let response = t.sip(frame)?;
            match response.status() {
                Some(200..300) => return Ok(response),
                Some(100) => {}
                Some(101..200) if t.features.is("answers_by_itself", "no") => t.picks_up()?,
                Some(101..200) => {}
                other => {
                    let seen = format!("{}", other.unwrap_or_default());
                    return Err(t.stop("a 200".to_owned(), seen, vec![frame]));
                }
            }
        }
    }

    /// A call comes, its route is optimized, it is answered and acknowledged; returns the INVITE and
    /// the 200.
    pub(super) fn talks(&self, t: &mut Tester<'_>) -> Result<(Message, Message), Stop> {
        t.given("a call comes, its route is optimized, and it is answered");
        let invite = self.invites(t)?;
        t.hears(&updates(t.plan.cn), ANSWER)?;
        let answer = self.is_answered(t, &invite)?;
        self.confirms(t, &invite, &answer)?;
        Ok((invite, answer))
    }

    /// The caller acknowledges a 200.
    pub(super) fn confirms(
        &self,
        t: &mut Tester<'_>,
        invite: &Message,
        answer: &Message,
    ) -> Result<(), Stop> {
        let ack = self.scene().server.confirms(invite, answer);
        self.says_made(t, ack).map(drop)
    }

    /// Says what a SIP script made.
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

    /// What the terminal sends from its home address to `to`: through the home agent, plainly where
    /// it is at home.
    pub(super) fn of_terminal(&self, t: &Tester<'_>, template: Template, to: Ipv6Addr) -> Template {
        if self.scene().agent.care_of.is_some() {
            return tunnelled_home(t, template, to);
        }
        template.from(t.plan.hoa).to(to)
    }

    /// A request outside of any call, not sent yet; a BYE claims to be within one.
    pub(super) fn request(&self, t: &Tester<'_>, method: Method) -> Message {
        let contact = self.contact();
        let (caller, called) = (t.plan.cn(CALLER_MEDIA), &t.plan.mt_identifier);
        let within = method == Method::Bye;
        let mut request = self.scene().server.request(method, &caller, called, &contact);
        if within {
            request.set_to_tag("nobody");
        }
        request
    }

    /// The terminal is put onto the second visited link.
    pub(super) fn moves_on(&mut self, t: &mut Tester<'_>) -> Result<(), Stop> {
        self.router = access_router(t, 2)?;
        t.attaches("visited-2")
    }

    /// The terminal is put onto its home link.
    pub(super) fn comes_home(&mut self, t: &mut Tester<'_>) -> Result<(), Stop> {
        self.router = home_router(t)?;
        t.attaches("home")
    }

    /// The home agent acknowledges the newest registration, and every one after it.
    pub(super) fn home_agent_acknowledges(&self, t: &mut Tester<'_>) -> Result<(), Stop> {
        self.scene().acknowledges_home = true;
        let acknowledgement = self
            .newest_update(t, t.plan.ha)
            .and_then(|update| self.scene().agent.acknowledges(&update));
        self.answers(t, acknowledgement).map(drop)
    }

    /// The tests that the terminal sends towards `to`, and its updates that ask for a binding.
    pub(super) fn optimizes(to: Ipv6Addr) -> Template {
        Template::new(format!("route optimization towards {to}"), move |packet| {
            let asks = match message_in(packet) {
                Some(Mobility::HomeTestInit(_) | Mobility::CareOfTestInit(_)) => true,
                Some(Mobility::BindingUpdate(update)) => {
                    !update.home_registration && update.lifetime != Lifetime::ZERO
                }
                _ => false,
            };
            asks && packet.header.destination == to
        })
        .by_any_way()
    }
}

/// Within this, counted from an INVITE, a terminal has no reason yet to give the optimization up.
pub(super) fn before_budget(t: &Tester<'_>) -> Duration {
    budget(t).saturating_sub(ANSWER)
}

/// Within this, counted from whatever comes after an INVITE, a terminal responds to it.
pub(super) fn by_budget(t: &Tester<'_>) -> Duration {
    budget(t) * 11 / 10
}

/// The terminal alone, which rings until it is told to answer.
pub(super) fn ringing() -> Wanted {
    Wanted { nodes: vec!["mt"], answer_after_ms: None, ..Wanted::default() }
}

/// A telephone that answers by itself may ring first.
const RINGING: Duration = Duration::from_secs(5);

/// The terminal alone, which takes tunnels of the SIP server's too.
pub(super) fn in_direct_mode() -> Wanted {
    Wanted { nodes: vec!["mt"], direct: true, ..Wanted::default() }
}

/// A response by which the terminal takes a call up: 1xx or 2xx, by whatever way. A refusal needs
/// no optimized route (decision D2), nor does a 100 of a device that does not claim to send none
/// (decision D1).
pub(super) fn acceptance(t: &Tester<'_>, invite: &Message) -> Template {
    let first = if t.features.is("early_100", "never") { 100 } else { 101 };
    sip_response(invite)
        .that("that takes it up", move |packet| {
            let status = sip_in(packet).and_then(|message| message.status());
            status.is_some_and(|status| (first..300).contains(&status))
        })
        .by_any_way()
}

/// A response to the INVITE by whatever way, other than 100: what the terminal has to say.
pub(super) fn decision(invite: &Message) -> Template {
    let said = |packet: &Packet<'_>| {
        sip_in(packet).and_then(|message| message.status()).is_some_and(|status| status > 100)
    };
    sip_response(invite).that("that says more than 100", said).by_any_way()
}

/// A Binding Update from this link; others may be on their way from where the terminal was.
pub(super) fn updates_from(t: &Tester<'_>, to: Ipv6Addr, link: &str) -> Template {
    let is_from = is_from(t, link);
    updates(to).that(format!("from {link}"), is_from)
}

/// A Binding Update, whatever its care-of address, which must be one of this link.
pub(super) fn updates_naming(t: &Tester<'_>, to: Ipv6Addr, link: &str) -> Template {
    let is_from = is_from(t, link);
    updates(to).with(format!("with a care-of address on {link}"), is_from)
}

/// Whether an update comes from an address of the link, and names no other.
fn is_from(t: &Tester<'_>, link: &str) -> impl Fn(&Packet<'_>) -> bool + 'static {
    let prefix = t.plan.prefix(link);
    move |packet| {
        let Some(Mobility::BindingUpdate(update)) = message_in(packet) else { return false };
        let care_of = update.alternate_care_of().unwrap_or(packet.header.source);
        prefixes_agree(care_of, prefix, 64) && prefixes_agree(packet.header.source, prefix, 64)
    }
}
