//! What a SIP server does where the care-of address does not answer, or the home agent does not
//! (decision D11).

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::icmpv6::{Reason, answer};
use roamproof_wire::ipv6::{Problem, protocol};
use roamproof_wire::sip::{Fields, Message, Method};

use super::lookup::Says;
use super::peers::{ANSWER, Peers, Terminal, is_query, is_tunnelled};
use super::registrar::{DIRECT, server_in_direct_mode};
use crate::feature::Condition;
use crate::purpose::Purpose;
use crate::tester::inbox::Inbox;
use crate::tester::template::innermost;
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::verdict::Stop;

/// Nobody is there, says a router.
pub(in crate::purpose) const UNREACHABLE: Purpose = Purpose {
    id: "CL-DST-11/unreachable",
    version: 1,
    title: "Where a router says that the care-of address is unreachable, the INVITE goes home",
    verifies: &["CL-DST-11"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(11),
    wants: server_in_direct_mode,
    body: |t| goes_home(t, "Destination Unreachable", NO_HOST),
};

/// Somebody is there who takes no tunnel.
pub(in crate::purpose) const REFUSED: Purpose = Purpose {
    id: "CL-DST-11/parameter-problem",
    version: 1,
    title: "Where the host at the care-of address takes no tunnel, the INVITE goes home",
    verifies: &["CL-DST-11"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(11),
    wants: server_in_direct_mode,
    body: |t| goes_home(t, "Parameter Problem", NO_TUNNELS),
};

/// The home agent knows better by now.
pub(in crate::purpose) const MOVED: Purpose = Purpose {
    id: "CL-DST-11/moved",
    version: 1,
    title: "Where nobody answers, the home agent is asked again, and its new care-of address used",
    verifies: &["CL-DST-11"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(13),
    wants: server_in_direct_mode,
    body: moved,
};

/// The terminal is slow, not elsewhere.
pub(in crate::purpose) const CONFIRMED: Purpose = Purpose {
    id: "CL-DST-11/confirmed",
    version: 1,
    title: "Where nobody answers and the home agent confirms the care-of address, it stays in use",
    verifies: &["CL-DST-11"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(13),
    wants: server_in_direct_mode,
    body: confirmed,
};

/// Neither terminal nor home agent.
pub(in crate::purpose) const NOBODY_ANSWERS: Purpose = Purpose {
    id: "CL-DST-11/nobody-answers",
    version: 1,
    title: "Where neither terminal nor home agent answers, the INVITE goes to the home address",
    verifies: &["CL-DST-11"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(13),
    wants: server_in_direct_mode,
    body: nobody_answers,
};

/// The same beneath TCP.
pub(in crate::purpose) const NOBODY_ANSWERS_TCP: Purpose = Purpose {
    id: "CL-DST-11/tcp",
    version: 1,
    title: "Where nobody answers by TCP, the connection goes on by the home address",
    verifies: &["CL-DST-11"],
    role: Role::SipServer,
    applies: &[DIRECT, TCP],
    triggers: &[],
    waits_max: Duration::from_secs(25),
    wants: server_in_direct_mode,
    body: nobody_answers_tcp,
};

/// A call waits for no home agent.
pub(in crate::purpose) const HOME_AGENT_IS_SILENT: Purpose = Purpose {
    id: "CL-DST-12",
    version: 1,
    title: "Where the home agent does not answer, the INVITE goes to the home address in 500 ms",
    verifies: &["CL-DST-12"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(12),
    wants: server_in_direct_mode,
    body: home_agent_is_silent,
};

const TCP: Condition = Condition { feature: "sip_tcp", is: &["yes"] };
/// RFC 4443 §3.1, code 3: nobody has the address.
const NO_HOST: Reason = Reason::DestinationUnreachable { code: 3 };
/// RFC 4443 §3.4, code 1, at the outer header's Next Header.
const NO_TUNNELS: Reason =
    Reason::ParameterProblem(Problem { code: Problem::UNRECOGNIZED_NEXT_HEADER, pointer: 6 });
/// The second copy of an INVITE comes after 1.5 s, the third after 3.5 s (RFC 3261 §17.1.1.2).
const COPIES: Duration = Duration::from_millis(3300);
/// How many of them are looked at.
const COPIES_SEEN: usize = 2;
/// The third SYN comes 3 s after the first (RFC 6298), on a slow host later.
const SYNS: Duration = Duration::from_secs(12);
/// For so long an INVITE may wait for a home agent.
const LOOKUP: Duration = Duration::from_millis(500);
/// What a server's host may add to its own answer time: the claims order, they do not time.
const SLACK: Duration = Duration::from_millis(200);

fn goes_home(t: &mut Tester<'_>, what: &str, reason: Reason) -> Result<(), Stop> {
    let (mut peers, one) = in_direct_mode(t)?;
    let (invite, tunnelled) = unanswered(t, &mut peers, &one)?;
    let outer = t.packet(tunnelled).octets.to_vec();
    let branch = t.sip(tunnelled)?;
    let says = match reason {
        Reason::ParameterProblem(_) => one.care_of,
        Reason::DestinationUnreachable { .. }
        | Reason::PacketTooBig { .. }
        | Reason::TimeExceeded { .. } => t.plan.address("visited-1", 1),
    };
    let Some(error) = answer(says, &outer, reason) else {
        return Err(t.stop("an ICMPv6 error".to_owned(), "none could be made".to_owned(), vec![]));
    };

    t.when(format!("{what} comes that quotes the tunnel"));
    peers.send(t, &error)?;

    t.then("the same INVITE goes plainly to the home address, at once");
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, Says::CareOf)?;
    let home = peers.plain(Method::Invite, &invite, &one).on_branch_of(&branch);
    t.finds(&home, delivered.frame)?;
    is_over(t, &peers, &one, &invite, delivered.frame)
}

fn moved(t: &mut Tester<'_>) -> Result<(), Stop> {
    let (mut peers, mut one) = in_direct_mode(t)?;
    let (invite, tunnelled) = unanswered(t, &mut peers, &one)?;
    let branch = t.sip(tunnelled)?;

    t.when("the terminal is elsewhere, and its home agent says so when it is asked");
    one.moves(t);

    t.then("the same INVITE goes in the tunnel to the new care-of address");
    let there = peers.tunnelled(Method::Invite, &invite, &one).on_branch_of(&branch);
    let frame = peers.settle(t, &one, &invite, Says::CareOf, (&there, COPIES))?;
    is_over(t, &peers, &one, &invite, frame)
}

fn confirmed(t: &mut Tester<'_>) -> Result<(), Stop> {
    let (mut peers, one) = in_direct_mode(t)?;
    let (invite, tunnelled) = unanswered(t, &mut peers, &one)?;

    t.when("the terminal says nothing, and its home agent says that it is where it was");
    t.then("every copy of the INVITE goes in the tunnel to that care-of address");
    let until = t.captured_at(tunnelled) + COPIES;
    let there = peers.tunnelled(Method::Invite, &invite, &one);
    let mut last = tunnelled;
    for _ in 0..COPIES_SEEN {
        let Some(copy) = peers.next_copy(t, &one, &invite, Says::CareOf, until)? else {
            let seen = format!("none in {COPIES:?}");
            return Err(t.stop(there.to_string(), seen, vec![last]));
        };
        t.finds(&there, copy)?;
        last = copy;
    }
    is_over(t, &peers, &one, &invite, last)
}

fn nobody_answers(t: &mut Tester<'_>) -> Result<(), Stop> {
    let (mut peers, one) = in_direct_mode(t)?;
    let (invite, tunnelled) = unanswered(t, &mut peers, &one)?;
    let branch = t.sip(tunnelled)?;

    t.when("neither the terminal nor its home agent answers any more");

    t.then("the same INVITE goes plainly to the home address by its second copy");
    let home = peers.plain(Method::Invite, &invite, &one).on_branch_of(&branch);
    let frame = peers.settle(t, &one, &invite, Says::Nothing, (&home, COPIES))?;
    is_over(t, &peers, &one, &invite, frame)
}

fn nobody_answers_tcp(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    let contact = format!("{};transport=tcp", one.party.contact());
    peers.register_at(t, &mut one, &contact)?;
    peers.notify(t, &mut one)?;
    t.given("a call goes into the tunnel by TCP, where nobody answers");
    let invite = peers.call(t, &one)?;
    let segment = segment_or_query(one.home());
    let opening = loop {
        let frame = t.hears(&segment, ANSWER)?;
        if !peers.is_answered(t, &one, frame, Says::CareOf)? {
            break frame;
        }
    };
    let care_of = one.care_of;
    let there = segment_or_query(one.home()).with("in a tunnel", is_tunnelled).to(care_of);
    t.finds(&there, opening)?;

    t.when("neither the terminal nor its home agent answers any more");
    let until = t.bench.now() + SYNS;

    t.then("the connection is opened by the home address, and the INVITE comes on it");
    let (mut inbox, mut last) = (Inbox::of(one.home()), opening);
    loop {
        let left = until.saturating_sub(t.bench.now());
        let Some(frame) = t.hears_perhaps(&segment, left)? else {
            let expected = "the INVITE on a connection to the home address".to_owned();
            return Err(t.stop(expected, format!("none in {SYNS:?}"), vec![last]));
        };
        last = frame;
        if is_tunnelled(&t.packet(frame)) || peers.is_answered(t, &one, frame, Says::Nothing)? {
            continue;
        }
        let message = inbox.takes(t.captured_at(frame), frame, &t.packet(frame));
        for answer in inbox.answers() {
            peers.send(t, &answer)?;
        }
        if message.is_some_and(|message| is_copy(&message, &invite)) {
            return peers.hang_up(t, &mut inbox);
        }
    }
}

fn home_agent_is_silent(t: &mut Tester<'_>) -> Result<(), Stop> {
    let (mut peers, one) = in_direct_mode(t)?;
    let usual = peers.lives(t)?;

    t.when("the terminal is called, and its home agent does not say where it is");
    let invite = peers.call(t, &one)?;

    t.then("the caller hears 100 in time");
    peers.is_trying(t, &invite)?;
    t.then("the INVITE goes plainly to the home address, 500 ms after the query at the latest");
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, Says::Nothing)?;
    if let Some(query) = delivered.queries.first() {
        t.finds(&peers.plain(Method::Invite, &invite, &one), delivered.frame)?;
        t.came_within(LOOKUP + usual + SLACK, *query, delivered.frame)?;
    }
    is_over(t, &peers, &one, &invite, delivered.frame)
}

fn in_direct_mode(t: &mut Tester<'_>) -> Result<(Peers, Terminal), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.in_direct_mode(t, &mut one)?;
    Ok((peers, one))
}

/// A call that went into the tunnel, where nobody answers it.
fn unanswered(
    t: &mut Tester<'_>,
    peers: &mut Peers,
    one: &Terminal,
) -> Result<(Message, usize), Stop> {
    t.given("another call goes into the tunnel, where nobody answers");
    let invite = peers.call(t, one)?;
    let delivered = peers.deliver(t, one, Method::Invite, &invite, Says::CareOf)?;
    t.finds(&peers.tunnelled(Method::Invite, &invite, one), delivered.frame)?;
    Ok((invite, delivered.frame))
}

/// The call completes: what the terminal says to the copy that reached it comes to the caller.
fn is_over(
    t: &mut Tester<'_>,
    peers: &Peers,
    one: &Terminal,
    invite: &Message,
    delivered: usize,
) -> Result<(), Stop> {
    t.then("what the terminal answers to that copy comes to the caller");
    peers.refuse(t, one, invite, delivered)
}

fn is_copy(message: &Message, invite: &Message) -> bool {
    message.method() == Some(Method::Invite) && message.call_id().ok() == invite.call_id().ok()
}

fn segment_or_query(home: Ipv6Addr) -> Template {
    Template::new("TCP segment for the home address, or a Binding Query", move |packet| {
        let inner = innermost(packet);
        is_query(packet) || (inner.protocol == protocol::TCP && inner.header.destination == home)
    })
}
