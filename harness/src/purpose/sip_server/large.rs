//! INVITEs that do not fit the way to the care-of address in one piece (claim 10, CL-INT-04).

use std::time::Duration;

use roamproof_wire::icmpv6::{Reason, answer};
use roamproof_wire::ipv6::{MTU_MIN, fragment};
use roamproof_wire::sip::{Fields, Message, Method};

use super::lookup::Says;
use super::peers::{Peers, Terminal, is_query, uri};
use super::registrar::{DIRECT, server_in_direct_mode};
use crate::purpose::Purpose;
use crate::tester::inbox::Inbox;
use crate::tester::sip::packet;
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::verdict::Stop;

/// Larger than any link of the way takes.
pub(in crate::purpose) const LARGER_THAN_A_LINK: Purpose = Purpose {
    id: "CL-DST-14/large",
    version: 1,
    title: "An INVITE larger than a link takes reaches the care-of address whole",
    verifies: &["CL-DST-14"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(19),
    wants: server_in_direct_mode,
    body: |t| arrives_whole(t, &LARGE),
};

/// Larger than a link on the way takes, which only its router knows.
pub(in crate::purpose) const LARGER_THAN_THE_PATH: Purpose = Purpose {
    id: "CL-DST-14/narrow-path",
    version: 1,
    title: "An INVITE that a router calls too big reaches the care-of address whole all the same",
    verifies: &["CL-DST-14"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(19),
    wants: server_in_direct_mode,
    body: |t| arrives_whole(t, &NARROW),
};

/// How large an INVITE is, and how large a packet the way to the terminal takes.
struct Fit {
    what: &'static str,
    /// Octets of the INVITE as the caller sends it.
    octets: usize,
    /// Octets of a packet.
    mtu: usize,
}

/// With two headers it is larger than an Ethernet link takes.
const LARGE: Fit = Fit { what: "an INVITE of 1700 octets", octets: 1700, mtu: LINK_MTU };
/// It stays below the 1300 octets from which on TCP is to be used (RFC 3261 §18.1.1), and two
/// headers make it larger than every link takes.
const NARROW: Fit =
    Fit { what: "an INVITE that a narrow link does not take", octets: 1130, mtu: MTU_MIN };
const LINK_MTU: usize = 1500;
/// TCP may be tried first, and copies follow after 0.5 s, 1.5 s, 3.5 s.
const ARRIVAL: Duration = Duration::from_secs(8);

fn arrives_whole(t: &mut Tester<'_>, fit: &Fit) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.in_direct_mode(t, &mut one)?;

    t.when(format!("{} comes for the identifier", fit.what));
    let invite = sends_padded(t, &mut peers, &one, fit.octets)?;

    t.then("the INVITE reaches the care-of address, in pieces or by TCP, and lacks nothing");
    let (server, care_of, home) = (peers.server, one.care_of, one.home());
    let outward = Template::new("packet for the terminal, or a Binding Query", move |packet| {
        let to = packet.header.destination;
        is_query(packet) || packet.header.source == server && (to == care_of || to == home)
    });
    let router = t.plan.address("visited-1", 1);
    let (mut inbox, until, mut last) = (Inbox::of(one.home()), t.bench.now() + ARRIVAL, Vec::new());
    loop {
        let left = until.saturating_sub(t.bench.now());
        let Some(frame) = t.hears_perhaps(&outward, left)? else {
            let seen = format!("no whole INVITE in {ARRIVAL:?}");
            return Err(t.stop("the INVITE at the care-of address".to_owned(), seen, last));
        };
        if peers.is_answered(t, &one, frame, Says::CareOf)? {
            continue;
        }
        last = vec![frame];
        let heard = t.packet(frame);
        if heard.header.destination != care_of {
            continue;
        }
        if heard.octets.len() > fit.mtu {
            let mtu = u32::try_from(fit.mtu).unwrap_or_default();
            let too_big = answer(router, heard.octets, Reason::PacketTooBig { mtu });
            if let Some(too_big) = too_big {
                peers.send(t, &too_big)?;
            }
            continue;
        }
        let message = inbox.takes(t.captured_at(frame), frame, &heard);
        for answer in inbox.answers() {
            peers.send(t, &answer)?;
        }
        if message.is_some_and(|message| is_whole(&message, &invite)) {
            return peers.hang_up(t, &mut inbox);
        }
    }
}

/// Sends an INVITE whose session description is padded with attributes that nobody knows; in pieces
/// where it has to.
fn sends_padded(
    t: &mut Tester<'_>,
    peers: &mut Peers,
    one: &Terminal,
    octets: usize,
) -> Result<Message, Stop> {
    let identifier = uri(t, &one.party.identifier)?;
    let mut invite = peers.caller.invite(&peers.party, &one.party.identifier, &identifier);
    let mut body = invite.body().to_vec();
    while invite.to_vec().len() < octets {
        let lacking = octets.saturating_sub(invite.to_vec().len()).clamp(LINE_MIN, LINE_MAX);
        let padding = "x".repeat(lacking - ATTRIBUTE.len() - 2);
        body.extend(format!("{ATTRIBUTE}{padding}\r\n").bytes());
        invite.set_body("application/sdp", body.clone());
    }
    for piece in fragment(&packet(peers.party.address, peers.server, &invite), LINK_MTU, PIECES) {
        peers.send(t, &piece)?;
    }
    Ok(invite)
}

const ATTRIBUTE: &str = "a=x-padding:";
const LINE_MIN: usize = 16;
const LINE_MAX: usize = 72;
/// The identification of the pieces.
const PIECES: u32 = 0x7e57_0014;

fn is_whole(message: &Message, invite: &Message) -> bool {
    message.method() == Some(Method::Invite)
        && message.call_id().ok() == invite.call_id().ok()
        && message.body() == invite.body()
}
