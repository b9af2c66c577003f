//! The stage of purposes that take one thing into their own hands: everyone around the terminal
//! plays along ([`Scene`]), the terminal is registered, calls come.

use std::cell::{RefCell, RefMut};
use std::net::Ipv6Addr;
use std::rc::Rc;
use std::time::Duration;

use roamproof_wire::ipv6::Packet;
use roamproof_wire::mobility::Status;
use roamproof_wire::sip::{Fields, Message, Method, Transport, Uri};

use super::setting::{
    ANSWER, ATTACHMENT, CALLER_MEDIA, access_router, budget, tunnelled_home, updates,
};
use crate::tester::correspondent::Correspondent;
use crate::tester::scene::{Manners, Scene};
use crate::tester::sip::Party;
use crate::tester::template::{binding_update, sip_in, sip_request, sip_response};
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
        Ok(stage)
    }

    /// The same, with a server that tunnels its own packets to the terminal.
    pub(super) fn direct(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let stage = Self::with(t, |_| {})?;
        stage.settled(t)?;
        stage.scene().direct = true;
        Ok(stage)
    }

    /// The same over TCP.
    pub(super) fn over_tcp(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let stage = Self::with(t, |scene| scene.server.transport = Transport::Tcp)?;
        t.given("the terminal attaches to a visited link and registers, with the server over TCP");
        t.attaches("visited-1")?;
        let scene = Rc::clone(&stage.scene);
        t.waits_for("a REGISTER", ATTACHMENT, || scene.borrow().contact.clone())?;
        Ok(stage)
    }

    fn with(t: &mut Tester<'_>, prepare: impl FnOnce(&mut Scene)) -> Result<Self, Stop> {
        let router = access_router(t, 1)?;
        let mut scene = Scene::new(&t.plan);
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
        self.lives(t, "it answers OPTIONS that come through the tunnel")
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

    /// The server says something to the terminal.
    pub(super) fn says(&self, t: &mut Tester<'_>, message: &Message) -> Result<(), Stop> {
        let packets = self.scene().says(t.bench.now(), message);
        for packet in packets {
            self.sends(t, &packet)?;
        }
        Ok(())
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
        let options = self.request(t, Method::Options);
        self.says(t, &options)?;
        t.hears(&tunnelled_home(t, sip_response(&options), t.plan.ss), ANSWER)?;
        Ok(())
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
}

/// Within this, counted from an INVITE, a terminal has no reason yet to give the optimization up.
pub(super) fn before_budget(t: &Tester<'_>) -> Duration {
    budget(t).saturating_sub(ANSWER)
}

/// The terminal alone, which rings until it is told to answer.
pub(super) fn ringing() -> Wanted {
    Wanted { nodes: vec!["mt"], answer_after_ms: None, ..Wanted::default() }
}

/// The terminal alone, which takes tunnels of the SIP server's too.
pub(super) fn in_direct_mode() -> Wanted {
    Wanted { nodes: vec!["mt"], direct: true, ..Wanted::default() }
}

/// A response by which the terminal takes a call up: 1xx or 2xx, by whatever way. A refusal needs
/// no optimized route (decision D2).
pub(super) fn acceptance(invite: &Message) -> Template {
    sip_response(invite)
        .that("that takes it up", |packet| {
            sip_in(packet).and_then(|message| message.status()).is_some_and(|status| status < 300)
        })
        .by_any_way()
}
