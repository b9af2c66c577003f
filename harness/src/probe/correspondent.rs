//! Questions to a correspondent.

use std::time::Duration;

use roamproof_wire::sip::{Fields, Method, Uri};

use super::hands::{ANSWER, START, core_router, is_there, sequence, takes_tcp};
use super::{Question, Seen};
use crate::tester::Tester;
use crate::tester::mobile::MobileNode;
use crate::tester::sip::SipPeer;
use crate::tester::template::{
    binding_acknowledgement, care_of_test, home_test, sip_final_response, sip_request,
};
use crate::topology::Role;
use crate::topology::claimed::Wanted;
use crate::verdict::Stop;

/// Whether it knows Mobile IPv6.
pub(super) const RETURN_ROUTABILITY: Question = Question {
    id: "return-routability",
    role: Role::Correspondent,
    what: "A Home Test Init and a Care-of Test Init, and the Binding Update that their answers prove",
    tells: &["mobile_ipv6"],
    wants: correspondent_alone,
    asks: return_routability,
};

/// What it does when it is called.
pub(super) const CALLED: Question = Question {
    id: "called",
    role: Role::Correspondent,
    what: "OPTIONS, then an INVITE from the SIP server, and nobody picks up",
    tells: &["answers_by_itself"],
    wants: correspondent_alone,
    asks: called,
};

/// Whether SIP goes over TCP.
pub(super) const SIP_TCP: Question = Question {
    id: "sip-tcp",
    role: Role::Correspondent,
    what: "A TCP connection to the port of SIP",
    tells: &["sip_tcp"],
    wants: correspondent_alone,
    asks: sip_tcp,
};

/// Where the tester's mobile node claims to be: this host on the first visited link.
const CARE_OF: u64 = 0x1234_5678;
/// Where the tester takes media.
const MEDIA_PORT: u16 = 0x7e58;
/// A telephone that answers by itself does so by then.
const RINGING: Duration = Duration::from_secs(6);
/// Nothing of a probing is left for long.
const LIFETIME: Duration = Duration::from_secs(40);

fn correspondent_alone() -> Wanted {
    Wanted { nodes: vec!["cn"], ..Wanted::default() }
}

fn return_routability(t: &mut Tester<'_>) -> Result<Vec<Seen>, Stop> {
    let router = core_router(t, "correspondent", 3)?;
    is_there(t, router, t.plan.cn, 1)?;
    let (cn, hoa) = (t.plan.cn, t.plan.hoa);
    let care_of = t.plan.address("visited-1", CARE_OF);
    let mut mobile = MobileNode::new(&t.plan, care_of, sequence(t));

    t.given("a mobile node begins return routability");
    let mut tokens = 0;
    for (init, answer) in [
        (mobile.tests_home(cn), home_test().from(cn).to(hoa)),
        (mobile.tests_care_of(cn), care_of_test().from(cn).to(care_of)),
    ] {
        t.sends(router, &init)?;
        if let Some(heard) = t.hears_perhaps(&answer, ANSWER)? {
            tokens += usize::from(mobile.takes_test(&t.packet(heard)));
        }
    }
    if tokens < 2 {
        is_there(t, router, cn, 2)?;
        let words = format!("answers {tokens} of Home Test Init and Care-of Test Init");
        return Ok(vec![Seen::value("mobile_ipv6", "no", words)]);
    }

    t.given("it updates its binding");
    let update = mobile.updates(cn, LIFETIME);
    t.answers(router, update)?;
    let accepted = binding_acknowledgement().status("below 128", |status| status < 128);
    let words = match t.hears_perhaps(&accepted, ANSWER)? {
        Some(_) => "answers both tests and acknowledges the Binding Update that they prove",
        None => "answers both tests; the Binding Update that they prove is not acknowledged",
    };
    Ok(vec![Seen::value("mobile_ipv6", "yes", words)])
}

fn called(t: &mut Tester<'_>) -> Result<Vec<Seen>, Stop> {
    let router = core_router(t, "correspondent", 3)?;
    is_there(t, router, t.plan.cn, 1)?;
    let (cn, mut server) = (t.plan.cn, SipPeer::since(t.plan.ss, t.unix_time()));
    let mut seen = Vec::new();

    t.given("it may register with the SIP server");
    let mut contact = uri(t, &t.plan.cn(MEDIA_PORT).contact())?;
    let register = sip_request(Method::Register).from(cn).to(t.plan.ss);
    match t.hears_perhaps(&register, START)? {
        Some(register) => {
            let register = t.sip(register)?;
            let own = register.contact().ok().flatten().map(|contact| contact.uri.to_owned());
            contact = own.unwrap_or(contact);
            let answer = server.registers(&register).map(|answer| server.packet(cn, &answer));
            t.answers(router, answer)?;
            seen.push(Seen::remark("registers with the SIP server by itself"));
        }
        None => seen.push(Seen::remark("sends no REGISTER by itself")),
    }

    let (caller, identifier) = (t.plan.mt(MEDIA_PORT), t.plan.cn_identifier.clone());
    t.given("OPTIONS comes");
    let options = server.request(Method::Options, &caller, &identifier, &contact);
    t.sends(router, &server.packet(cn, &options))?;
    let status = match t.hears_perhaps(&sip_final_response(&options), ANSWER)? {
        Some(frame) => t.sip(frame)?.status().map_or_else(String::new, |status| status.to_string()),
        None => "nothing".to_owned(),
    };
    seen.push(Seen::remark(format!("answers OPTIONS with {status}")));

    t.given("an INVITE comes");
    let invite = server.invite(&caller, &identifier, &contact);
    t.sends(router, &server.packet(cn, &invite))?;
    let answer = match t.hears_perhaps(&sip_final_response(&invite), RINGING)? {
        Some(frame) => Some(t.sip(frame)?),
        None => None,
    };
    let status = answer.as_ref().and_then(|answer| answer.status());
    seen.push(match status {
        Some(200..=299) => {
            Seen::value("answers_by_itself", "yes", "answers a call that nobody picks up")
        }
        Some(status) => Seen::remark(format!("refuses a call with {status}")),
        None => {
            let words = format!("gives a call that nobody picks up no answer in {RINGING:?}");
            Seen::value("answers_by_itself", "no", words)
        }
    });
    // It is left as it was found.
    let parting = match (&answer, status) {
        (Some(answer), Some(200..=299)) => {
            let ack = server.confirms(&invite, answer);
            [ack, server.ends(&invite, answer)]
        }
        (Some(answer), _) => [server.acknowledgement(&invite, answer), None],
        (None, _) => [server.cancels(&invite), None],
    };
    for message in parting.into_iter().flatten() {
        t.sends(router, &server.packet(cn, &message))?;
    }
    is_there(t, router, cn, 2)?;
    Ok(seen)
}

fn sip_tcp(t: &mut Tester<'_>) -> Result<Vec<Seen>, Stop> {
    let router = core_router(t, "correspondent", 3)?;
    is_there(t, router, t.plan.cn, 1)?;
    let way = (t.plan.ss, t.plan.cn);
    let seen = takes_tcp(t, router, way, &|packet| Some(packet.to_vec()))?;
    is_there(t, router, t.plan.cn, 2)?;
    Ok(vec![seen])
}

fn uri(t: &Tester<'_>, text: &str) -> Result<Uri, Stop> {
    Uri::parse(text).map_err(|why| t.stop("a SIP URI".to_owned(), why.to_string(), vec![]))
}
