//! The rows CL-INT-*: interception, encapsulation, and the way of a call's messages.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::icmpv6::{Message as IcmpMessage, Reason};
use roamproof_wire::mobility::Message as MobilityMessage;
use roamproof_wire::sip::{Fields, HeaderName, Message as SipMessage, Method};

use super::cast::{Terminal, uri_of};
use super::reading::Reading;
use super::sip::{contact_host, text_of, texts_of, vias_of};
use super::story::{Attempt, Story, answers, has_tag, same_transaction};
use super::{Finding, Row};

pub(super) const ROWS: &[Row] = &[
    Row::must("CL-INT-01", server_sends_to_home_address),
    Row::must("CL-INT-02", home_agent_answers_for_registered),
    Row::must("CL-INT-03", tunnel_carries_the_packet_unchanged),
    Row::must("CL-INT-04", too_big_is_told),
    Row::must("CL-INT-05", no_tunnel_without_binding),
    Row::must("CL-INT-06", tunnelled_invite_is_handled),
    Row::must("CL-INT-09", response_goes_by_tunnel_and_server),
    Row::must("CL-INT-10", server_forwards_the_response),
    Row::must("CL-INT-11", caller_calls_the_identifier),
    Row::must("CL-INT-12", one_way_for_every_message),
    Row::must("CL-INT-13", server_says_trying),
];

/// A neighbour answers, a tunnel begins within this.
const SOON: Duration = Duration::from_millis(500);
/// What the server's own 100 Trying may take (RFC 3261 §17.2.1).
const TRYING: Duration = Duration::from_millis(200);

fn server_sends_to_home_address(story: &Story<'_>) -> Option<Finding> {
    if story.cast.direct {
        return None;
    }
    let server = story.cast.server?;
    Finding::all(invites_from(story, server).map(|(reading, message)| {
        let expected = "INVITE as a plain packet to the home address, Request-URI = the contact";
        let destination = reading.packet.header.destination;
        let terminal = story.cast.terminals.iter().find(|one| one.home == destination);
        let uri = message.uri().ok().and_then(|uri| uri.host.address());
        match terminal {
            None => Finding::broken(
                expected,
                format!("sent to {destination}, no terminal's home address"),
                vec![reading.frame],
            ),
            Some(_) if !reading.tunnels.is_empty() => {
                Finding::broken(expected, "sent in a tunnel", vec![reading.frame])
            }
            Some(terminal) if uri != Some(terminal.home.into()) => {
                let seen = format!("Request-URI {}", message.uri_text().unwrap_or_default());
                Finding::broken(expected, seen, vec![reading.frame])
            }
            Some(_) => Finding::kept([reading]),
        }
    }))
}

/// The dialog-opening INVITEs that the server sends to anyone but a correspondent.
fn invites_from<'s, 'a>(
    story: &'s Story<'a>,
    server: Ipv6Addr,
) -> impl Iterator<Item = (&'s Reading<'a>, &'s SipMessage)> {
    story.sent_from(server).filter_map(move |reading| {
        let message = reading.sip()?;
        let opens = message.method() == Some(Method::Invite) && !has_tag(message);
        let destination = reading.packet.header.destination;
        let to_caller = story.cast.correspondents.contains(&destination);
        (opens && !to_caller).then_some((reading, message))
    })
}

fn home_agent_answers_for_registered(story: &Story<'_>) -> Option<Finding> {
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let home = story.home_link(terminal)?;
        let agent = story.mac_of(terminal.home_agent)?;
        let expected = "the home agent answers Neighbour Solicitations for registered home \
                        addresses, and for no others";
        let stranger = story.readings.iter().find(|reading| {
            reading.from_mac == agent
                && matches!(reading.icmp(), Some(IcmpMessage::NeighbourAdvertisement(message))
                    if message.solicited && !is_home_agents(story, message.target))
        });
        if let Some(stranger) = stranger {
            let seen = "an answer for an address that is not registered";
            return Some(Finding::broken(expected, seen, vec![stranger.frame]));
        }
        let asked = story.readings.iter().find(|reading| {
            reading.link == home
                && !reading.packet.header.source.is_unspecified()
                && story.registration(terminal, reading.at).is_some()
                && matches!(reading.icmp(), Some(IcmpMessage::NeighbourSolicitation(message))
                    if message.target == terminal.home)
        })?;
        let answered = story.readings.iter().find(|reading| {
            reading.from_mac == agent
                && reading.at >= asked.at
                && reading.at <= asked.at + SOON
                && matches!(reading.icmp(), Some(IcmpMessage::NeighbourAdvertisement(message))
                    if message.target == terminal.home
                        && message.target_link_layer == Some(agent))
        });
        Some(match answered {
            Some(answered) => Finding::kept([asked, answered]),
            None => Finding::broken(expected, "no answer", vec![asked.frame]),
        })
    }))
}

/// Whether a home agent may answer for `address`: its own, link-local, or a registered one.
fn is_home_agents(story: &Story<'_>, address: Ipv6Addr) -> bool {
    address.is_unicast_link_local()
        || story.cast.terminals.iter().any(|one| one.home == address || one.home_agent == address)
}

fn tunnel_carries_the_packet_unchanged(story: &Story<'_>) -> Option<Finding> {
    Finding::all(story.cast.terminals.iter().flat_map(|terminal| {
        intercepted(story, terminal)
            .filter(|reading| reading.packet.octets.len() <= MTU_MIN)
            .filter_map(|reading| judge_tunnel(story, terminal, reading))
            .collect::<Vec<_>>()
    }))
}

/// Packets for a home address that the home agent takes on the home link while it is registered.
fn intercepted<'s, 'a>(
    story: &'s Story<'a>,
    terminal: &'s Terminal,
) -> impl Iterator<Item = &'s Reading<'a>> {
    let agent = story.mac_of(terminal.home_agent);
    story.readings.iter().filter(move |reading| {
        !reading.lost
            && Some(reading.to_mac) == agent
            && reading.tunnels.is_empty()
            && reading.packet.header.destination == terminal.home
            && !reading.is_discovery()
            && story.registration(terminal, reading.at).is_some()
    })
}

fn judge_tunnel(story: &Story<'_>, terminal: &Terminal, reading: &Reading<'_>) -> Option<Finding> {
    let expected = "in a tunnel from the home agent to the care-of address, unchanged but for the \
                    hop limit, which is one less";
    let care_of = story.registration(terminal, reading.at)?;
    let agent = story.mac_of(terminal.home_agent)?;
    let after = || {
        story.readings.iter().filter(|one| {
            one.frame > reading.frame
                && one.at <= reading.at + SOON
                && one.from_mac == agent
                && !one.tunnels.is_empty()
                && one.packet.header.destination == terminal.home
        })
    };
    let mut inner = reading.packet.octets.to_vec();
    inner[7] = inner[7].wrapping_sub(1);
    if let Some(same) = after().find(|one| one.packet.octets == inner) {
        let tunnel = same.tunnels[0];
        if tunnel == (terminal.home_agent, care_of) {
            return Some(Finding::kept([reading, same]));
        }
        let seen = format!("a tunnel from {} to {}", tunnel.0, tunnel.1);
        return Some(Finding::broken(expected, seen, vec![reading.frame, same.frame]));
    }
    let altered = after().find(|one| one.packet.header.source == reading.packet.header.source);
    if let Some(altered) = altered {
        let seen = "an inner packet that is not the one received";
        return Some(Finding::broken(expected, seen, vec![reading.frame, altered.frame]));
    }
    let moved = story.registration(terminal, reading.at + SOON) != Some(care_of);
    let end = story.capture.frames.last()?.at;
    (!moved && end > reading.at + SOON)
        .then(|| Finding::broken(expected, "nothing", vec![reading.frame]))
}

/// What every link takes (RFC 8200 §5), octets.
const MTU_MIN: usize = 1280;

fn too_big_is_told(story: &Story<'_>) -> Option<Finding> {
    let expected = "inner of at most 1280 octets in the tunnel, fragmented outside where it must be; \
                    of a larger one Packet Too Big with at least 1280";
    let end = story.capture.frames.last()?.at;
    Finding::all(story.cast.terminals.iter().flat_map(|terminal| {
        let large = intercepted(story, terminal)
            .filter(|reading| reading.packet.octets.len() > MTU_MIN)
            .filter(|reading| end > reading.at + SOON);
        large.map(|reading| judge_large(story, terminal, reading, expected)).collect::<Vec<_>>()
    }))
}

fn judge_large(
    story: &Story<'_>,
    terminal: &Terminal,
    reading: &Reading<'_>,
    expected: &'static str,
) -> Finding {
    let agent = story.mac_of(terminal.home_agent);
    let mut after = story.readings.iter().filter(|one| {
        one.frame > reading.frame && one.at <= reading.at + SOON && Some(one.from_mac) == agent
    });
    let answer = after.find_map(|one| match one.icmp() {
        Some(IcmpMessage::Error(error)) => {
            let Reason::PacketTooBig { mtu } = error.reason else { return None };
            Some((one, Some(mtu)))
        }
        _ if one.tunnels.first().is_some_and(|outer| outer.0 == terminal.home_agent)
            || one.packet.fragment.is_some() =>
        {
            Some((one, None))
        }
        _ => None,
    });
    match answer {
        None => Finding::broken(expected, "nothing", vec![reading.frame]),
        Some((error, Some(mtu))) if usize::try_from(mtu).is_ok_and(|mtu| mtu < MTU_MIN) => {
            let seen = format!("Packet Too Big with {mtu}");
            Finding::broken(expected, seen, vec![reading.frame, error.frame])
        }
        Some((shown, _)) => Finding::kept([reading, shown]),
    }
}

fn no_tunnel_without_binding(story: &Story<'_>) -> Option<Finding> {
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let agent = story.mac_of(terminal.home_agent)?;
        let gone = story.sent_by(terminal).find(|reading| {
            matches!(reading.mobility(), Some(MobilityMessage::BindingUpdate(update))
                if update.home_registration && update.lifetime.duration().is_zero())
        })?;
        let stranger = story.readings.iter().find(|reading| {
            reading.at > gone.at + SOON
                && reading.from_mac == agent
                && !reading.tunnels.is_empty()
                && reading.packet.header.destination == terminal.home
                && story.registration(terminal, reading.at).is_none()
        });
        let expected = "no tunnel for a home address without binding";
        if let Some(stranger) = stranger {
            return Some(Finding::broken(expected, "a tunnel", vec![gone.frame, stranger.frame]));
        }
        let later = story.readings.iter().find(|reading| {
            reading.at > gone.at + SOON && reading.packet.header.destination == terminal.home
        })?;
        Some(Finding::kept([gone, later]))
    }))
}

fn tunnelled_invite_is_handled(story: &Story<'_>) -> Option<Finding> {
    let end = story.capture.frames.last()?.at;
    Finding::all(story.attempts().iter().filter_map(|attempt| {
        let (source, _) = attempt.invite.tunnels.first()?;
        if *source != attempt.terminal.home_agent {
            return None;
        }
        Some(judge_handled(story, attempt, end)).flatten()
    }))
}

/// Whether a terminal took a tunnelled INVITE as its own: it did something about it.
pub(super) fn judge_handled(
    story: &Story<'_>,
    attempt: &Attempt<'_, '_>,
    end: Duration,
) -> Option<Finding> {
    let expected = "the tunnelled INVITE handled as if it had come to the home address";
    let error = story.sent_by(attempt.terminal).find(|reading| {
        reading.at >= attempt.invite.at
            && matches!(reading.icmp(), Some(IcmpMessage::Error(error))
                if error.quoted.get(24..40) == Some(&attempt.invite.packet.octets[24..40])
                    || error.quoted.get(6) == Some(&41))
    });
    if let Some(error) = error {
        let frames = vec![attempt.invite.frame, error.frame];
        return Some(Finding::broken(expected, "an ICMPv6 error", frames));
    }
    if let Some(response) = attempt.responses.first() {
        return Some(Finding::kept([attempt.invite, response]));
    }
    let begun = story.sent_by(attempt.terminal).any(|reading| {
        reading.at >= attempt.invite.at
            && matches!(reading.mobility(), Some(MobilityMessage::HomeTestInit(_)))
    });
    (!begun && end > attempt.invite.at + Duration::from_secs(1))
        .then(|| Finding::broken(expected, "nothing", vec![attempt.invite.frame]))
}

fn response_goes_by_tunnel_and_server(story: &Story<'_>) -> Option<Finding> {
    let server = story.cast.server?;
    let through =
        |attempt: &&Attempt<'_, '_>| attempt.away && attempt.invite.packet.header.source == server;
    Finding::all(story.attempts().iter().filter(through).flat_map(|attempt| {
        let vias = vias_of(attempt.message);
        let judge =
            |response: &&Reading<'_>| judge_response(attempt.terminal, server, &vias, response);
        attempt.responses.iter().map(judge).collect::<Vec<_>>()
    }))
}

fn judge_response(
    terminal: &Terminal,
    server: Ipv6Addr,
    vias: &[String],
    response: &Reading<'_>,
) -> Finding {
    let expected = "through the tunnel to the home agent, inner source = home address, to the SIP \
                    server, Via chain as in the INVITE";
    let broken = |seen: String| Finding::broken(expected, seen, vec![response.frame]);
    let (source, destination) = (response.packet.header.source, response.packet.header.destination);
    match response.tunnels.first() {
        Some((_, outer)) if *outer == terminal.home_agent => {}
        Some((_, outer)) => return broken(format!("in a tunnel to {outer}")),
        None => return broken(format!("outside a tunnel, from {source} to {destination}")),
    }
    if source != terminal.home || destination != server {
        return broken(format!("from {source} to {destination}"));
    }
    match response.sip() {
        Some(message) if vias_of(message) == vias => Finding::kept([response]),
        Some(_) | None => broken("another Via chain".to_owned()),
    }
}

fn server_forwards_the_response(story: &Story<'_>) -> Option<Finding> {
    let server = story.cast.server?;
    let expected = "the response with the server's own Via taken off and nothing else lost, sent by \
                    the next Via";
    let got: Vec<&Reading<'_>> = story
        .heard_at(server)
        .filter(|one| one.tunnels.is_empty() && one.sip().is_some_and(is_forwardable))
        .collect();
    Finding::all(got.into_iter().filter_map(|reading| {
        let message = reading.sip()?;
        let below = texts_of(message, HeaderName::Via).get(1..)?.to_vec();
        let copies: Vec<&Reading<'_>> = story
            .sent_from(server)
            .filter(|one| one.frame > reading.frame && one.at <= reading.at + SOON)
            .filter(|one| one.sip().is_some_and(|other| is_copy(message, other)))
            .collect();
        let to = texts_of(message, HeaderName::To);
        let same = |one: &&&Reading<'_>| {
            one.sip().is_some_and(|other| texts_of(other, HeaderName::To) == to)
        };
        let forwarded = copies.iter().find(same).or(copies.first())?;
        let copy = forwarded.sip()?;
        let frames = vec![reading.frame, forwarded.frame];
        if texts_of(copy, HeaderName::Via) != below {
            return Some(Finding::broken(expected, "another Via chain", frames));
        }
        if copy.body() != message.body() {
            return Some(Finding::broken(expected, "another body", frames));
        }
        let kept = [HeaderName::To, HeaderName::From, HeaderName::Contact, HeaderName::RecordRoute];
        if let Some(lost) =
            kept.iter().find(|name| texts_of(copy, **name) != texts_of(message, **name))
        {
            return Some(Finding::broken(expected, format!("another {}", lost.as_str()), frames));
        }
        let next = copy.via().ok().and_then(|via| via.host.address());
        let destination = forwarded.packet.header.destination;
        Some(if next == Some(destination.into()) {
            Finding::kept([reading, forwarded])
        } else {
            Finding::broken(expected, format!("sent to {destination}"), frames)
        })
    }))
}

/// Responses to INVITE but 100, which a server keeps to itself.
fn is_forwardable(message: &SipMessage) -> bool {
    message.status().is_some_and(|status| status > 100)
        && message.cseq().is_ok_and(|cseq| cseq.method == Method::Invite)
}

fn is_copy(one: &SipMessage, other: &SipMessage) -> bool {
    one.status() == other.status() && same_transaction(one, other)
}

fn caller_calls_the_identifier(story: &Story<'_>) -> Option<Finding> {
    let server = story.cast.server?;
    let expected = "Request-URI = the identifier, IPv6 destination = the SIP server";
    Finding::all(story.cast.correspondents.iter().flat_map(|caller| {
        story
            .sent_from(*caller)
            .filter_map(|reading| Some((reading, reading.sip()?)))
            .filter(|(_, one)| one.method() == Some(Method::Invite) && !has_tag(one))
            .map(|(reading, message)| {
                let destination = reading.packet.destination();
                let called = uri_of(message.uri_text().unwrap_or_default());
                let to = uri_of(&text_of(message, HeaderName::To));
                if destination != server {
                    let seen = format!("sent to {destination}");
                    return Finding::broken(expected, seen, vec![reading.frame]);
                }
                if called != to {
                    let seen = format!("Request-URI {called}");
                    return Finding::broken(expected, seen, vec![reading.frame]);
                }
                Finding::kept([reading])
            })
            .collect::<Vec<_>>()
    }))
}

fn one_way_for_every_message(story: &Story<'_>) -> Option<Finding> {
    if story.cast.direct {
        return None;
    }
    let server = story.cast.server?;
    let answered = |attempt: &&Attempt<'_, '_>| {
        attempt.away
            && attempt.responses.iter().any(|one| {
                one.sip().and_then(Fields::status).is_some_and(|status| status / 100 == 2)
            })
    };
    Finding::all(story.attempts().iter().filter(answered).map(|attempt| {
        let of_call = |reading: &&Reading<'_>| {
            reading.sip().is_some_and(|message| {
                same_transaction(message, attempt.message) || answers(message, attempt.message)
            })
        };
        let ways: Vec<&Reading<'_>> = story.readings.iter().filter(of_call).collect();
        let stray = ways.iter().find(|one| !is_on_its_way(story, attempt.terminal, server, one));
        match stray {
            Some(stray) => Finding::broken(
                "the call's messages between caller and server, server and home address, home agent \
                 and care-of address, and nowhere else",
                format!("from {} to {}", stray.packet.header.source, stray.packet.header.destination),
                vec![stray.frame],
            ),
            None => Finding::kept(ways.iter().copied()),
        }
    }))
}

/// Whether a message of a call is on the one way that it may take.
fn is_on_its_way(
    story: &Story<'_>,
    terminal: &Terminal,
    server: Ipv6Addr,
    reading: &Reading<'_>,
) -> bool {
    let (source, destination) = (reading.packet.header.source, reading.packet.header.destination);
    let ends = [source, destination];
    match reading.tunnels.as_slice() {
        [] => {
            let caller = story.cast.correspondents.iter().any(|one| ends.contains(one));
            ends.contains(&server) && (caller || ends.contains(&terminal.home))
        }
        [(from, to)] => {
            ends.contains(&server)
                && ends.contains(&terminal.home)
                && (*from == terminal.home_agent || *to == terminal.home_agent)
        }
        _ => false,
    }
}

fn server_says_trying(story: &Story<'_>) -> Option<Finding> {
    let server = story.cast.server?;
    let expected = "the server's own 100 Trying within 200 ms";
    Finding::all(story.heard_at(server).filter_map(|reading| {
        let message = reading.sip()?;
        let caller = reading.packet.destination() == server
            && message.method() == Some(Method::Invite)
            && !has_tag(message)
            && contact_host(message).is_some();
        if !caller {
            return None;
        }
        let trying = story.sent_from(server).find(|one| {
            one.frame > reading.frame
                && one.at <= reading.at + TRYING
                && one
                    .sip()
                    .is_some_and(|other| other.status() == Some(100) && answers(other, message))
        });
        Some(match trying {
            Some(trying) => Finding::kept([reading, trying]),
            None => Finding::broken(expected, "none", vec![reading.frame]),
        })
    }))
}
