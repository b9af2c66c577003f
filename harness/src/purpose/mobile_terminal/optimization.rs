//! Optimization before response (CL-RO-01 to CL-RO-04): what goes before a response, to whom, and
//! what a copy of the INVITE changes.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::Packet;
use roamproof_wire::sip::{Fields, HeaderName, HostView, Message, Method};

use super::super::Purpose;
use super::setting::{AT_ONCE, CALLER_MEDIA, SILENCE, terminal_alone, updates};
use super::stage::{Stage, acceptance, before_budget, decision, ringing};
use crate::feature::Condition;
use crate::tester::scene::Manners;
use crate::tester::template::{care_of_test_init, home_test_init, innermost, sip_in, sip_response};
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// The heart of claim 1.
pub(in crate::purpose) const BEFORE_RESPONSE: Purpose = Purpose {
    id: "CL-RO-01",
    version: 1,
    title: "The route to the caller is optimized before any response to the INVITE leaves",
    verifies: &["CL-RO-01"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(24),
    wants: terminal_alone,
    body: before_response,
};

/// Nor does a 100, where the device says so (decision D1).
pub(in crate::purpose) const NO_EARLY_TRYING: Purpose = Purpose {
    id: "CL-RO-01/early-100",
    version: 1,
    title: "No 100 Trying leaves before the route to the caller is optimized",
    verifies: &["CL-RO-01"],
    role: Role::MobileTerminal,
    applies: &[NEVER_TRYING],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(23),
    wants: terminal_alone,
    body: no_early_trying,
};

/// Claim 2: the address that media goes to.
pub(in crate::purpose) const ADDRESS_OF_OFFER: Purpose = Purpose {
    id: "CL-RO-02",
    version: 1,
    title: "The route is optimized to the address in the offer, not to a Via or instead to the contact",
    verifies: &["CL-RO-02"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(24),
    wants: terminal_alone,
    body: |t| {
        let targets = [t.plan.cn_media];
        optimizes_to(t, &targets, |session, media| {
            format!("{session}c=IN IP6 {}\r\nt=0 0\r\n{}", media[0], audio(40_000, ""))
        })
    },
};

/// A stream's own address stands above the session's (decision D3).
pub(in crate::purpose) const ADDRESS_OF_STREAM: Purpose = Purpose {
    id: "CL-RO-02/media-over-session",
    version: 1,
    title: "The route is optimized to a stream's own address, not to the session's",
    verifies: &["CL-RO-02"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(24),
    wants: terminal_alone,
    body: |t| {
        let (targets, elsewhere) = ([t.plan.cn_media], t.plan.cn2);
        optimizes_to(t, &targets, move |session, media| {
            let stream = audio(40_000, &format!("c=IN IP6 {}\r\n", media[0]));
            format!("{session}c=IN IP6 {elsewhere}\r\nt=0 0\r\n{stream}")
        })
    },
};

/// Several addresses, several routes (decision D3).
pub(in crate::purpose) const TWO_ADDRESSES: Purpose = Purpose {
    id: "CL-RO-02/two-addresses",
    version: 1,
    title: "Where an offer names two addresses, the response waits for the routes to both",
    verifies: &["CL-RO-02"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(25),
    wants: terminal_alone,
    body: |t| {
        let targets = [t.plan.cn_media, t.plan.cn2];
        optimizes_to(t, &targets, |session, media| {
            let streams = media.iter().zip([40_000, 40_002]);
            let streams: Vec<String> = streams
                .map(|(media, port)| audio(port, &format!("c=IN IP6 {media}\r\n")))
                .collect();
            format!("{session}t=0 0\r\n{}", streams.concat())
        })
    },
};

/// The response waits for the acknowledgement, however long within the budget.
pub(in crate::purpose) const HELD_ACKNOWLEDGEMENT: Purpose = Purpose {
    id: "CL-RO-03",
    version: 1,
    title: "A response waits for an acknowledgement that the caller keeps back for two seconds",
    verifies: &["CL-RO-03"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(32),
    wants: terminal_alone,
    body: held_acknowledgement,
};

/// And not longer.
pub(in crate::purpose) const RESPONSE_AT_ONCE: Purpose = Purpose {
    id: "CL-RO-03/at-once",
    version: 1,
    title: "Once the caller has acknowledged, a response leaves at once",
    verifies: &["CL-RO-03"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach, Trigger::Move],
    waits_max: Duration::from_secs(45),
    wants: ringing,
    body: response_at_once,
};

/// Copies of an INVITE change nothing while it waits.
pub(in crate::purpose) const COPIES_MEANWHILE: Purpose = Purpose {
    id: "CL-RO-04",
    version: 1,
    title: "Copies of an INVITE that waits are absorbed: one optimization, one call",
    verifies: &["CL-RO-04"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(26),
    wants: terminal_alone,
    body: copies_meanwhile,
};

/// Nor afterwards.
pub(in crate::purpose) const COPY_AFTERWARDS: Purpose = Purpose {
    id: "CL-RO-04/after-response",
    version: 1,
    title: "A copy of an INVITE that was responded to brings the last response again and no other",
    verifies: &["CL-RO-04"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(25),
    wants: ringing,
    body: copy_afterwards,
};

const NEVER_TRYING: Condition = Condition { feature: "early_100", is: &["never"] };
/// The interface identifier of the proxy that the last Via names.
const PROXY: u64 = 0x00aa;

fn before_response(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    stage.behaves(t.plan.cn, Manners::WITHHOLDING);
    t.when("a call comes");
    let since = t.bench.now();
    let invite = stage.invites(t)?;

    t.then("the route to the caller is tested before any response leaves");
    let early = acceptance(t, &invite);
    let (caller, patience) = (t.plan.cn, before_budget(t));
    t.hears_before(&to_peer(home_test_init(), caller), &early, patience)?;
    t.hears_before(&to_peer(care_of_test_init(), caller), &early, patience)?;

    t.then("the caller is asked to bind the home address before any response leaves");
    t.hears_before(&updates(caller), &early, patience)?;

    t.then("no response leaves before the caller has acknowledged");
    t.hears_none(&early, SILENCE)?;
    t.in_time("silence", since, before_budget(t))?;
    stage.lives(t, "it is alive and answers OPTIONS meanwhile")?;

    t.when("the caller acknowledges");
    stage.accepts(t, caller)?;

    t.then("a response leaves");
    stage.responds(t, &invite)?;
    Ok(())
}

fn no_early_trying(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    stage.behaves(t.plan.cn, Manners::WITHHOLDING);
    t.when("a call comes, and the caller keeps its acknowledgement back");
    let since = t.bench.now();
    let invite = stage.invites(t)?;

    let text = "no 100 Trying leaves before the route is optimized";
    if t.features.is("early_100", "never") {
        t.then(text);
    } else {
        t.should(text);
    }
    let trying = sip_response(&invite).that("100", |packet| status_of(packet) == Some(100));
    t.hears_none(&trying.by_any_way(), SILENCE)?;
    t.in_time("silence", since, before_budget(t))?;
    stage.lives(t, "it is alive and answers OPTIONS meanwhile")
}

/// An INVITE whose offer names `targets`, its contact another address and its last Via a third.
fn optimizes_to(
    t: &mut Tester<'_>,
    targets: &[Ipv6Addr],
    describe: impl Fn(&str, &[Ipv6Addr]) -> String,
) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let (last, others) = targets.split_last().expect("somebody takes the media");
    for target in others {
        stage.behaves(*target, Manners::CAPABLE);
    }
    stage.behaves(*last, Manners::WITHHOLDING);
    let proxy = t.plan.address("correspondent", PROXY);
    let mut invite = stage.invite_of(t, &t.plan.cn(CALLER_MEDIA));
    names_last_hop(&mut invite, proxy);
    let caller = t.plan.cn;
    let session = format!("v=0\r\no=- 32343 1 IN IP6 {caller}\r\ns=-\r\n");
    invite.set_body("application/sdp", describe(&session, targets).into_bytes());

    t.when("a call comes whose offer, contact and Via name different addresses");
    let (begin, since) = (t.bench.capture().frames.len(), t.bench.now());
    stage.says(t, &invite)?;

    let early = acceptance(t, &invite);
    for target in targets {
        t.then(format!("the route to {target}, which the offer names, is tested and updated"));
        t.hears_before(&to_peer(home_test_init(), *target), &early, before_budget(t))?;
        t.hears_before(&to_peer(care_of_test_init(), *target), &early, before_budget(t))?;
        t.hears_before(&updates(*target), &early, before_budget(t))?;
    }
    t.then("no response leaves before the last of them has acknowledged");
    t.hears_none(&early, SILENCE)?;
    t.in_time("silence", since, before_budget(t))?;
    stage.lives(t, "it is alive and answers OPTIONS meanwhile")?;

    t.when("the last of them acknowledges");
    stage.accepts(t, *last)?;
    t.then("a response leaves");
    stage.responds(t, &invite)?;

    t.then("nothing of the optimization went to the address of the Via");
    t.captured_none_since(begin, &Stage::optimizes(proxy))
}

fn held_acknowledgement(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let since = t.bench.now();
    let invite = stage.pending(t)?;

    t.when("the caller keeps its acknowledgement back");
    t.then("no response leaves for two seconds");
    t.hears_none(&acceptance(t, &invite), HELD)?;
    t.in_time("silence", since, before_budget(t))?;
    stage.lives(t, "it is alive and answers OPTIONS meanwhile")?;

    t.when("the caller acknowledges the newest update");
    stage.accepts(t, t.plan.cn)?;
    t.then("a response leaves");
    stage.responds(t, &invite)?;
    Ok(())
}

fn response_at_once(t: &mut Tester<'_>) -> Result<(), Stop> {
    let (stage, own) = Stage::measured(t)?;
    let since = t.bench.now();
    let invite = stage.pending(t)?;
    t.given("no response leaves while the caller keeps its acknowledgement back");
    t.hears_none(&acceptance(t, &invite), HELD)?;
    t.in_time("silence", since, before_budget(t))?;

    t.when("the caller acknowledges the newest update");
    let told = t.bench.capture().frames.len();
    stage.accepts(t, t.plan.cn)?;

    t.should("respond at once: 200 ms after its own answer time at most");
    let response = stage.responds(t, &invite)?;
    t.is_within("a response", told, response, own + AT_ONCE)
}

fn copies_meanwhile(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let (begin, since) = (t.bench.capture().frames.len(), t.bench.now());
    let invite = stage.pending(t)?;

    t.when("copies of the INVITE come after 0.5 s and 1.5 s");
    let copied = t.bench.capture().frames.len();
    for after in COPIES {
        t.lets_pass((since + after).saturating_sub(t.bench.now()))?;
        stage.says(t, &invite)?;
    }

    t.then("no test of the route begins anew, and no response leaves");
    t.hears_none(&acceptance(t, &invite), SILENCE)?;
    t.in_time("silence", since, before_budget(t))?;
    for init in [home_test_init(), care_of_test_init()] {
        t.captured_none_since(copied, &to_peer(init, t.plan.cn))?;
    }
    t.captured_none_since(begin, &acceptance(t, &invite))?;
    t.captured_none_since(begin, &refusal(&invite))?;
    stage.lives(t, "it is alive and answers OPTIONS meanwhile")?;

    t.when("the caller acknowledges");
    stage.accepts(t, t.plan.cn)?;
    t.then("a response leaves");
    let response = stage.responds(t, &invite)?;
    let tag = t.sip(response)?.to().ok().and_then(|to| to.tag().map(str::to_owned));

    t.then("there is one call and no refusal of the copies");
    t.hears_none(&of_another_call(&invite, tag.clone()), SILENCE)?;
    t.captured_none_since(begin, &of_another_call(&invite, tag))?;
    t.captured_none_since(begin, &refusal(&invite))
}

fn copy_afterwards(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    t.given("a call comes, its route is optimized, and it is responded to");
    let begin = t.bench.capture().frames.len();
    let invite = stage.invites(t)?;
    let first = stage.responds(t, &invite)?;
    let tag = t.sip(first)?.to().ok().and_then(|to| to.tag().map(str::to_owned));

    t.when("a copy of the INVITE comes");
    let copied = t.bench.capture().frames.len();
    stage.says(t, &invite)?;

    t.then("no response begins another call or refuses the copy, and no test begins anew");
    t.hears_none(&of_another_call(&invite, tag.clone()), SILENCE)?;
    t.captured_none_since(begin, &of_another_call(&invite, tag))?;
    t.captured_none_since(begin, &refusal(&invite))?;
    t.captured_none_since(copied, &Stage::optimizes(t.plan.cn))?;

    t.then("the last provisional response came again, or the call is answered");
    if t.captured_since(copied, &decision(&invite)).is_empty() {
        let seen = "no response after the copy".to_owned();
        return Err(t.stop(decision(&invite).to_string(), seen, vec![copied]));
    }
    stage.lives(t, "it is alive and answers OPTIONS")
}

/// A message of return routability to this peer, by whatever way.
pub(super) fn to_peer(template: Template, peer: Ipv6Addr) -> Template {
    template
        .that(format!("to {peer}"), move |packet| packet.header.destination == peer)
        .by_any_way()
}

fn refusal(invite: &Message) -> Template {
    let refuses = |packet: &Packet<'_>| status_of(packet).is_some_and(|status| status >= 300);
    sip_response(invite).that("that refuses it", refuses).by_any_way()
}

/// A response to an INVITE of this Call-ID whose To tag is another than `tag`.
fn of_another_call(invite: &Message, tag: Option<String>) -> Template {
    let call_id = invite.call_id().unwrap_or_default().to_owned();
    Template::new("response that makes a second call of it", move |packet| {
        sip_in(&innermost(packet)).is_some_and(|response| {
            let to_invite = response.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
            let said = response.status().is_some_and(|status| status > 100);
            let of_call = response.call_id().is_ok_and(|id| id == call_id);
            let other = response.to().is_ok_and(|to| to.tag() != tag.as_deref());
            to_invite && said && of_call && other
        })
    })
}

fn status_of(packet: &Packet<'_>) -> Option<u16> {
    sip_in(packet).and_then(|message| message.status())
}

/// The last Via, the caller's own, names another host.
fn names_last_hop(invite: &mut Message, host: Ipv6Addr) {
    let mut vias: Vec<String> = invite
        .elements(HeaderName::Via)
        .map(|via| String::from_utf8_lossy(via.value).into_owned())
        .collect();
    if let Some(last) = vias.last_mut() {
        *last = format!("SIP/2.0/UDP {};branch=z9hG4bK-proxy", HostView::Ipv6(host));
    }
    invite.remove(HeaderName::Via);
    for via in vias.iter().rev() {
        invite.insert_first(HeaderName::Via, via);
    }
}

/// A stream of audio at this port, with an address line of its own or none.
fn audio(port: u16, address: &str) -> String {
    format!("m=audio {port} RTP/AVP 0 8\r\n{address}a=sendrecv\r\n")
}

/// For how long the caller keeps its acknowledgement back (CL-RO-03).
const HELD: Duration = Duration::from_secs(2);
/// When copies of an INVITE come over UDP (RFC 3261 17.1.1.2: T1, then T1 and 2 × T1).
const COPIES: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1500)];
