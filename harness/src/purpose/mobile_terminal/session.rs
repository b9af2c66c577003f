//! SIP of a call whose route is to be optimized: offers within it, streams, and what it must not
//! say.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::protocol;
use roamproof_wire::sip::{Fields, HeaderName, Message, Method};
use roamproof_wire::tcp::TcpView;

use super::super::Purpose;
use super::setting::{ANSWER, CALLER_MEDIA, SILENCE, terminal_alone, tunnelled_home, updates};
use super::stage::{HANDOVER, Stage, acceptance, before_budget, by_budget, updates_from};
use crate::feature::Condition;
use crate::judge::addresses_in;
use crate::tester::scene::Manners;
use crate::tester::sip::Party;
use crate::tester::template::{sip_final_response, sip_response};
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::topology::claimed::Wanted;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// Where it is, is nobody's business but its home agent's and its correspondents'.
pub(in crate::purpose) const CARE_OF_ADDRESS_UNSAID: Purpose = Purpose {
    id: "CL-RO-25",
    version: 1,
    title: "The care-of address stands nowhere in the terminal's SIP and SDP",
    verifies: &["CL-RO-25"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(14),
    wants: terminal_alone,
    body: |t| care_of_address_unsaid(t, false),
};

/// Nor the new one.
pub(in crate::purpose) const NEW_CARE_OF_ADDRESS_UNSAID: Purpose = Purpose {
    id: "CL-RO-25/handover",
    version: 1,
    title: "Neither care-of address stands anywhere in the terminal's SIP and SDP after a handover",
    verifies: &["CL-RO-25"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach, Trigger::Move],
    waits_max: Duration::from_secs(24),
    wants: terminal_alone,
    body: |t| care_of_address_unsaid(t, true),
};

const fn moved_media(id: &'static str, title: &'static str, body: Body) -> Purpose {
    Purpose {
        id,
        version: 1,
        title,
        verifies: &["CL-RO-26"],
        role: Role::MobileTerminal,
        applies: &[],
        triggers: &[Trigger::Attach],
        waits_max: Duration::from_secs(17),
        wants: terminal_alone,
        body,
    }
}

type Body = fn(&mut Tester<'_>) -> Result<(), Stop>;

/// A new INVITE with a new address.
pub(in crate::purpose) const REINVITE: Purpose = moved_media(
    "CL-RO-26/re-invite",
    "A re-INVITE that moves media: the route to the new address is optimized before the response",
    |t| is_optimized_before(t, Method::Invite),
);

/// An UPDATE with a new address.
pub(in crate::purpose) const UPDATE: Purpose = moved_media(
    "CL-RO-26/update",
    "An UPDATE that moves media: the route to the new address is optimized before the response",
    |t| is_optimized_before(t, Method::Update),
);

/// UPDATE does not wait for ever.
pub(in crate::purpose) const UPDATE_IN_VAIN: Purpose = moved_media(
    "CL-RO-26/update-in-vain",
    "An UPDATE that moves media to where nobody answers is answered within 4 s",
    update_in_vain,
);

/// The same order on a stream.
pub(in crate::purpose) const CALL_OVER_TCP: Purpose = Purpose {
    id: "CL-RO-32",
    version: 1,
    title: "An INVITE over TCP: no octet of a response before the route is optimized",
    verifies: &["CL-RO-32"],
    role: Role::MobileTerminal,
    applies: &[Condition { feature: "sip_tcp", is: &["yes"] }],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(14),
    wants: over_tcp,
    body: call_over_tcp,
};

/// An UPDATE is answered within this (RFC 3311 §5.2, CL-RO-26).
const UPDATE_ANSWER: Duration = Duration::from_secs(4);

fn over_tcp() -> Wanted {
    Wanted { transport: "tcp", ..terminal_alone() }
}

fn care_of_address_unsaid(t: &mut Tester<'_>, moves: bool) -> Result<(), Stop> {
    let mut stage = Stage::away(t)?;
    let mut care_of = vec![stage.care_of()];
    let (mut invite, mut answer) = stage.talks(t)?;
    if moves {
        t.given("it moves to another link, and the next call is answered there");
        stage.moves_on(t)?;
        t.hears(&updates_from(t, t.plan.ha, "visited-2"), HANDOVER)?;
        care_of.push(stage.care_of());
        invite = stage.invites(t)?;
        answer = stage.is_answered(t, &invite)?;
        stage.confirms(t, &invite, &answer)?;
    }

    t.when("the caller hangs up");
    let bye = stage.scene().server.ends(&invite, &answer);
    let bye = stage.says_made(t, bye)?;

    t.then("the call ends, and none of its messages names a care-of address");
    t.hears(&tunnelled_home(t, sip_response(&bye), t.plan.ss), ANSWER)?;
    let said = stage.scene().said.clone();
    for heard in &said {
        is_unsaid(t, &heard.message, heard.frame, &care_of)?;
    }
    Ok(())
}

fn is_unsaid(
    t: &Tester<'_>,
    message: &Message,
    frame: usize,
    care_of: &[Ipv6Addr],
) -> Result<(), Stop> {
    let octets = message.to_vec();
    match addresses_in(&octets).find(|address| care_of.contains(address)) {
        Some(address) => {
            let expected = "the care-of address nowhere in SIP or SDP".to_owned();
            Err(t.stop(expected, address.to_string(), vec![frame]))
        }
        None => Ok(()),
    }
}

/// A call in which media is to go elsewhere; returns the request that says so, not sent yet.
fn moving_media(
    t: &mut Tester<'_>,
    stage: &Stage,
    method: Method,
) -> Result<Option<Message>, Stop> {
    let (invite, answer) = stage.talks(t)?;
    t.given(format!("it allows {}", method.as_str()));
    let allowed = answer.tokens(HeaderName::Allow);
    if method == Method::Update && !allowed.iter().any(|one| one.eq_ignore_ascii_case("update")) {
        let seen = allowed.into_iter().collect::<Vec<_>>().join(", ");
        return Err(t.stop("UPDATE among what it allows".to_owned(), seen, vec![]));
    }
    let caller = Party { media: (t.plan.cn2, CALLER_MEDIA), ..t.plan.cn(CALLER_MEDIA) };
    Ok(stage.scene().server.offers(method, &caller, &invite, &answer))
}

fn is_optimized_before(t: &mut Tester<'_>, method: Method) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let target = t.plan.cn2;
    stage.behaves(target, Manners::WITHHOLDING);
    let word = method.as_str().to_owned();
    let offer = moving_media(t, &stage, method)?;

    t.when(format!("{word} moves the caller's media to another address"));
    let offer = stage.says_made(t, offer)?;

    t.then("the route to it is optimized, and no response leaves before");
    t.hears_before(&updates(target), &acceptance(t, &offer), ANSWER * 2)?;
    t.hears_none(&acceptance(t, &offer), SILENCE)?;

    t.when("the new address acknowledges the update");
    stage.accepts(t, target)?;
    t.then("the response leaves, through the home agent");
    t.hears(&tunnelled_home(t, sip_final_response(&offer), t.plan.ss), by_budget(t))?;
    Ok(())
}

fn update_in_vain(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    stage.behaves(t.plan.cn2, Manners::SILENT);
    let offer = moving_media(t, &stage, Method::Update)?;

    t.when("UPDATE moves the caller's media to an address that never answers");
    let offer = stage.says_made(t, offer)?;

    t.then("it is answered within 4 s all the same");
    t.hears(&tunnelled_home(t, sip_final_response(&offer), t.plan.ss), UPDATE_ANSWER)?;
    stage.lives(t, "it is alive and answers OPTIONS afterwards")
}

fn call_over_tcp(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::over_tcp(t)?;
    stage.behaves(t.plan.cn, Manners::WITHHOLDING);

    t.when("an INVITE comes on a stream");
    let since = t.bench.now();
    let invite = stage.invites(t)?;

    t.then("the route is optimized, and no octet of a response leaves before");
    t.hears_before(&updates(t.plan.cn), &response_on_stream(t), ANSWER * 2)?;
    t.hears_none(&response_on_stream(t), SILENCE)?;
    t.in_time("silence", since, before_budget(t))?;
    stage.answers_on_stream(t, "it is alive and answers OPTIONS meanwhile")?;

    t.when("the caller acknowledges the update");
    stage.accepts(t, t.plan.cn)?;
    t.then("the response to the INVITE leaves on the stream");
    stage.hears_on_stream(t, &invite)?;
    Ok(())
}

/// The first octets of a response that takes a call up; SYN-ACK and ACK carry none.
fn response_on_stream(t: &Tester<'_>) -> Template {
    let trying_counts = t.features.is("early_100", "never");
    Template::new("segment with a response that takes the call up", move |packet| {
        if packet.protocol != protocol::TCP {
            return false;
        }
        let Ok(segment) = TcpView::new(packet.payload) else { return false };
        let octets = segment.payload();
        let takes_up = octets.starts_with(b"SIP/2.0 1") || octets.starts_with(b"SIP/2.0 2");
        takes_up && (trying_counts || !octets.starts_with(b"SIP/2.0 100"))
    })
    .by_any_way()
}
