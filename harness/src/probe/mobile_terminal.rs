//! Questions to a mobile terminal.

use std::cell::RefCell;
use std::net::Ipv6Addr;
use std::rc::Rc;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::ipv6::Packet;
use roamproof_wire::mobility::Message as Mobility;
use roamproof_wire::sip::{Fields, Message, Method};

use super::hands::{ANSWER, takes_tcp};
use super::{Question, Seen};
use crate::tester::scene::{Manners, Scene};
use crate::tester::template::message_in;
use crate::tester::{Station, StationId, Template, Tester};
use crate::topology::Role;
use crate::topology::claimed::{Wanted, link_local, mac};
use crate::verdict::Stop;

/// How it registers.
pub(super) const REGISTRATION: Question = Question {
    id: "registration",
    role: Role::MobileTerminal,
    what: "A visited link to attach to, a home agent and a SIP server that accept it",
    tells: &["authentication"],
    wants: terminal_alone,
    asks: registration,
};

/// What it does with a call whose caller knows Mobile IPv6.
pub(super) const CALL: Question = Question {
    id: "call",
    role: Role::MobileTerminal,
    what: "An INVITE whose caller answers return routability, at first withholding the acknowledgement",
    tells: &["early_100", "answers_by_itself", "ro_with_server"],
    wants: terminal_alone,
    asks: call,
};

/// What it does with a call whose route cannot be optimized.
pub(super) const SILENT_CALLER: Question = Question {
    id: "silent-caller",
    role: Role::MobileTerminal,
    what: "An INVITE whose caller answers nothing of Mobile IPv6",
    tells: &["on_ro_failure", "route_optimization_budget"],
    wants: terminal_alone,
    asks: silent_caller,
};

/// Whether SIP goes over TCP.
pub(super) const SIP_TCP: Question = Question {
    id: "sip-tcp",
    role: Role::MobileTerminal,
    what: "A TCP connection to the port of SIP, through the tunnel",
    tells: &["sip_tcp"],
    wants: terminal_alone,
    asks: sip_tcp,
};

/// A router is found, two addresses are detected as unique, and updates have their back-off.
const ATTACHMENT: Duration = Duration::from_secs(10);
/// A terminal that sends 100 early does so at once.
const EARLY: Duration = Duration::from_millis(800);
/// A telephone that answers by itself does so by then.
const RINGING: Duration = Duration::from_secs(8);
/// Beyond Timer B, when whoever called gives up (RFC 3261 section 17.1.1.2).
const PATIENCE: Duration = Duration::from_secs(40);
/// Where the caller takes media.
const CALLER_MEDIA: u16 = 0x7e5c;

fn terminal_alone() -> Wanted {
    Wanted { nodes: vec!["mt"], ..Wanted::default() }
}

/// The scene around the terminal, which is attached and registered.
struct Around {
    router: StationId,
    scene: Rc<RefCell<Scene>>,
}

impl Around {
    fn attached(t: &mut Tester<'_>, manners: Manners) -> Result<Self, Stop> {
        let prefix = t.plan.prefix("visited-1");
        let router = Station::router(Mac(mac(0x11, 0)), [link_local(0x11, 0)]).advertising(prefix);
        let router = t.station("visited-1", router)?;
        let scene = Rc::new(RefCell::new(Scene::new(&t.plan, t.unix_time())));
        scene.borrow_mut().behaves(t.plan.cn, manners);
        scene.borrow_mut().behaves(t.plan.ss, Manners::SILENT);
        t.plays(scene.clone());
        t.given("the terminal attaches to a visited link and registers with home agent and server");
        t.attaches("visited-1")?;
        t.waits_for("a REGISTER that names a contact", ATTACHMENT, || {
            scene.borrow().contact.clone()
        })?;
        Ok(Self { router, scene })
    }

    /// The caller's INVITE, as the server passes it on.
    fn invites(&self, t: &mut Tester<'_>) -> Result<Message, Stop> {
        let (caller, identifier) = (t.plan.cn(CALLER_MEDIA), t.plan.mt_identifier.clone());
        let contact = self.scene.borrow().contact.clone();
        let invite = contact
            .map(|contact| self.scene.borrow_mut().server.invite(&caller, &identifier, &contact));
        let invite = invite.expect("it is attached once a contact is known");
        self.says(t, &invite)?;
        Ok(invite)
    }

    fn says(&self, t: &mut Tester<'_>, message: &Message) -> Result<(), Stop> {
        let packets = self.scene.borrow_mut().says(t.bench.now(), message);
        packets.iter().try_for_each(|packet| t.sends(self.router, packet).map(drop))
    }

    /// The first response to `invite` of this status or above: it, and its frame.
    fn response(&self, invite: &Message, least: u16) -> Option<(Message, usize)> {
        let scene = self.scene.borrow();
        let call = invite.call_id().ok()?;
        let found = scene.said.iter().find(|heard| {
            heard.message.status().is_some_and(|status| status >= least)
                && heard.message.call_id().is_ok_and(|other| other == call)
                && heard.message.cseq().is_ok_and(|cseq| cseq.method == Method::Invite)
        })?;
        Some((found.message.clone(), found.frame))
    }

    /// As `response`, waited for.
    fn waits_for(
        &self,
        t: &mut Tester<'_>,
        invite: &Message,
        least: u16,
        patience: Duration,
    ) -> Result<Option<(Message, usize)>, Stop> {
        let what = format!("a response of {least} or above");
        match t.waits_for(&what, patience, || self.response(invite, least)) {
            Ok(found) => Ok(Some(found)),
            Err(stop) if stop.late => Err(stop),
            Err(_) => Ok(None),
        }
    }

    /// The call is over: answered ones are ended, others cancelled.
    fn parts(&self, t: &mut Tester<'_>, invite: &Message) -> Result<(), Stop> {
        let answer = self.response(invite, 200);
        let status = answer.as_ref().and_then(|(answer, _)| answer.status());
        let messages = {
            let server = &mut self.scene.borrow_mut().server;
            match (&answer, status) {
                (Some((answer, _)), Some(200..=299)) => {
                    let ack = server.confirms(invite, answer);
                    [ack, server.ends(invite, answer)]
                }
                (Some((answer, _)), _) => [server.acknowledgement(invite, answer), None],
                (None, _) => [server.cancels(invite), None],
            }
        };
        messages.iter().flatten().try_for_each(|message| self.says(t, message))
    }
}

fn registration(t: &mut Tester<'_>) -> Result<Vec<Seen>, Stop> {
    let around = Around::attached(t, Manners::SILENT)?;
    let update = around.scene.borrow().newest_update(t.plan.ha);
    let update = update.expect("the home agent's tunnel carried a REGISTER's answer");
    let proved = matches!(message_in(&t.packet(update)),
        Some(Mobility::BindingUpdate(update)) if update.mn_ha_authentication().is_some());
    let authentication = if proved {
        Seen::value(
            "authentication",
            "rfc4285",
            "proves home registrations by the option of RFC 4285",
        )
    } else {
        Seen::value("authentication", "none", "proves home registrations by nothing")
    };
    let care_of = around.scene.borrow().agent.care_of;
    let care_of =
        care_of.map(|care_of| Seen::remark(format!("registers {care_of} on a visited link")));
    let contact = around.scene.borrow().contact.clone();
    let contact =
        contact.map(|contact| Seen::remark(format!("registers the contact {}", contact.as_str())));
    Ok([Some(authentication), care_of, contact].into_iter().flatten().collect())
}

fn call(t: &mut Tester<'_>) -> Result<Vec<Seen>, Stop> {
    let around = Around::attached(t, Manners::WITHHOLDING)?;
    t.given("an INVITE comes, and the caller withholds its Binding Acknowledgement");
    let since = t.bench.capture().frames.len();
    let invite = around.invites(t)?;
    t.lets_pass(EARLY)?;
    let early = around.response(&invite, 100).and_then(|(response, _)| response.status());
    let mut seen = vec![match early {
        Some(100) => Seen::value("early_100", "allowed", "sends 100 before the route is optimized"),
        Some(status) => Seen::remark(format!("sends {status} before the route is optimized")),
        None => {
            Seen::value("early_100", "never", "sends no response before the route is optimized")
        }
    }];

    t.given("the caller acknowledges from now on, and nobody picks up");
    around.scene.borrow_mut().behaves(t.plan.cn, Manners::CAPABLE);
    let answer = around.waits_for(t, &invite, 200, RINGING)?;
    seen.push(match answer.and_then(|(answer, _)| answer.status()) {
        Some(200..=299) => {
            Seen::value("answers_by_itself", "yes", "answers a call that nobody picks up")
        }
        Some(status) => Seen::remark(format!("refuses a call with {status}")),
        None => {
            let words = format!("gives a call that nobody picks up no answer in {RINGING:?}");
            Seen::value("answers_by_itself", "no", words)
        }
    });
    let with_server = t.captured_since(since, &optimizes(t.plan.ss));
    seen.push(if with_server.is_empty() {
        Seen::value("ro_with_server", "never", "does not optimize the route to the SIP server")
    } else {
        Seen::value("ro_with_server", "allowed", "begins to optimize the route to the SIP server")
    });
    around.parts(t, &invite)?;
    t.lets_pass(EARLY)?;
    Ok(seen)
}

fn silent_caller(t: &mut Tester<'_>) -> Result<Vec<Seen>, Stop> {
    let around = Around::attached(t, Manners::SILENT)?;
    t.given("an INVITE comes, and the caller answers nothing of Mobile IPv6");
    let (since, frames) = (t.bench.now(), t.bench.capture().frames.len());
    let invite = around.invites(t)?;
    let answered = around.waits_for(t, &invite, 101, PATIENCE)?;
    let Some((response, frame)) = answered else {
        let seen = format!("no response in {PATIENCE:?}");
        return Err(t.stop("a response above 100".to_owned(), seen, vec![]));
    };
    let waited = t.captured_at(frame).saturating_sub(since);
    let tried = !t.captured_since(frames, &optimizes(t.plan.cn)).is_empty();
    let status = response.status().unwrap_or_default();
    let mut seen = vec![if status < 300 {
        let words = format!("responds with {status} through the home agent all the same");
        Seen::value("on_ro_failure", "tunnel", words)
    } else {
        Seen::value("on_ro_failure", "refuse", format!("refuses such a call with {status}"))
    }];
    seen.push(if tried {
        let seconds = format!("{}", (waited.as_secs_f64() * 10.0).round() / 10.0);
        let words = format!("gives the optimization up after {seconds} s");
        Seen::value("route_optimization_budget", seconds, words)
    } else {
        Seen::remark(format!("responds after {waited:.1?} without having tried to optimize"))
    });
    around.parts(t, &invite)?;
    t.lets_pass(EARLY)?;
    Ok(seen)
}

fn sip_tcp(t: &mut Tester<'_>) -> Result<Vec<Seen>, Stop> {
    let around = Around::attached(t, Manners::SILENT)?;
    let way = (t.plan.ss, t.plan.hoa);
    let scene = around.scene.clone();
    let seen = takes_tcp(t, around.router, way, &|packet| Some(scene.borrow().carries(packet)))?;
    t.lets_pass(ANSWER)?;
    Ok(vec![seen])
}

/// What begins or ends an optimization with `peer`: a test or an update, by whatever way.
fn optimizes(peer: Ipv6Addr) -> Template {
    let is_so = move |packet: &Packet<'_>| {
        let of_optimization = matches!(
            message_in(packet),
            Some(
                Mobility::HomeTestInit(_)
                    | Mobility::CareOfTestInit(_)
                    | Mobility::BindingUpdate(_)
            )
        );
        of_optimization && packet.destination() == peer
    };
    Template::new("Home Test Init, Care-of Test Init or Binding Update", is_so).by_any_way()
}
