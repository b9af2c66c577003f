//! The rows CL-DST-*: the SIP server learns the care-of address and tunnels to it itself.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::mobility::{BindingLookup, LookupKind, Message as MobilityMessage};
use roamproof_wire::sip::{Fields, Message as SipMessage, Method};

use super::cast::Terminal;
use super::interception::judge_handled;
use super::reading::Reading;
use super::story::{Story, has_tag, same_transaction};
use super::{Finding, Row};

pub(super) const ROWS: &[Row] = &[
    Row::must("CL-DST-01", server_tunnels_to_care_of_address),
    Row::must("CL-DST-02", binding_comes_from_the_home_agent),
    Row::must("CL-DST-03", each_home_agent_for_its_own),
    Row::must("CL-DST-04", no_notification_no_query),
    Row::must("CL-DST-05", reply_tells_what_remains),
    Row::must("CL-DST-09", direct_invite_is_accepted),
    Row::must("CL-DST-13", response_takes_the_way_home),
    Row::must("CL-DST-15", next_invite_follows_the_move),
    Row::must("CL-DST-18", requests_in_the_dialog_arrive),
];

/// The first retransmission of an INVITE (RFC 3261 T1).
const FIRST_RETRANSMISSION: Duration = Duration::from_millis(500);

/// The dialog-opening INVITEs that the server sends to a terminal, the first copy of each.
fn invites<'s, 'a>(
    story: &'s Story<'a>,
    terminal: &Terminal,
) -> Vec<(&'s Reading<'a>, &'s SipMessage)> {
    let Some(server) = story.cast.server else { return Vec::new() };
    let mut invites: Vec<(&Reading<'_>, &SipMessage)> = Vec::new();
    for reading in story.sent_from(server) {
        let Some(message) = reading.sip() else { continue };
        let opens = message.method() == Some(Method::Invite) && !has_tag(message);
        let known = invites.iter().any(|(_, other)| same_transaction(other, message));
        if opens && !known && reading.packet.header.destination == terminal.home {
            invites.push((reading, message));
        }
    }
    invites
}

/// Judges each dialog-opening INVITE of a direct-mode capture whose terminal is away.
fn each_invite(
    story: &Story<'_>,
    judge: impl Fn(&Terminal, &Reading<'_>, &SipMessage) -> Option<Finding>,
) -> Option<Finding> {
    if !story.cast.direct {
        return None;
    }
    Finding::all(story.cast.terminals.iter().flat_map(|terminal| {
        invites(story, terminal)
            .into_iter()
            .filter(|(reading, _)| story.registration(terminal, reading.at).is_some())
            .filter_map(|(reading, message)| judge(terminal, reading, message))
            .collect::<Vec<_>>()
    }))
}

fn is_notified(story: &Story<'_>, terminal: &Terminal, before: Duration) -> bool {
    lookups(story, LookupKind::HomeAgentNotificationAck)
        .any(|(reading, lookup)| lookup.home_address == terminal.home && reading.at <= before)
}

fn lookups<'s, 'a>(
    story: &'s Story<'a>,
    kind: LookupKind,
) -> impl Iterator<Item = (&'s Reading<'a>, &'s BindingLookup)> {
    story.readings.iter().filter_map(move |reading| match reading.mobility() {
        Some(MobilityMessage::BindingLookup(lookup)) if lookup.kind == kind => {
            Some((reading, lookup))
        }
        _ => None,
    })
}

fn server_tunnels_to_care_of_address(story: &Story<'_>) -> Option<Finding> {
    let expected = "outer from the SIP server to the care-of address, inner from the SIP server to \
                    the home address; no copy across the home agent before a retransmission";
    each_invite(story, |terminal, reading, message| {
        if !is_notified(story, terminal, reading.at) {
            return None;
        }
        let server = story.cast.server?;
        let care_of = story.registration(terminal, reading.at)?;
        let frames = vec![reading.frame];
        match reading.tunnels.first() {
            None => {
                let seen = format!("a plain packet to {}", reading.packet.header.destination);
                return Some(Finding::broken(expected, seen, frames));
            }
            Some(outer) if *outer != (server, care_of) => {
                let seen = format!("a tunnel from {} to {}", outer.0, outer.1);
                return Some(Finding::broken(expected, seen, frames));
            }
            Some(_) => {}
        }
        let home = story.home_link(terminal);
        let copy = story.readings.iter().find(|one| {
            Some(one.link) == home
                && one.at < reading.at + FIRST_RETRANSMISSION
                && one
                    .sip()
                    .is_some_and(|other| other.is_request() && same_transaction(other, message))
        });
        Some(match copy {
            Some(copy) => {
                let frames = vec![reading.frame, copy.frame];
                Finding::broken(expected, "a copy across the home agent", frames)
            }
            None => Finding::kept([reading]),
        })
    })
}

fn binding_comes_from_the_home_agent(story: &Story<'_>) -> Option<Finding> {
    let expected = "the care-of address from the home agent's Binding Reply or Binding Change, \
                    within its lifetime";
    each_invite(story, |terminal, reading, _| {
        let (_, care_of) = *reading.tunnels.first()?;
        let told = story.readings.iter().rfind(|one| {
            one.at <= reading.at
                && one.packet.header.source == terminal.home_agent
                && matches!(one.mobility(), Some(MobilityMessage::BindingLookup(lookup))
                    if matches!(lookup.kind, LookupKind::BindingReply | LookupKind::BindingChange)
                        && lookup.home_address == terminal.home)
        });
        let holds = told.is_some_and(|told| {
            matches!(told.mobility(), Some(MobilityMessage::BindingLookup(lookup))
                if lookup.care_of() == Some(care_of)
                    && told.at + lookup.lifetime.duration() > reading.at)
        });
        Some(match (told, holds) {
            (Some(told), true) => Finding::kept([told, reading]),
            (Some(told), false) => {
                let frames = vec![told.frame, reading.frame];
                Finding::broken(expected, format!("sent to {care_of}"), frames)
            }
            (None, _) => Finding::broken(expected, "never asked", vec![reading.frame]),
        })
    })
}

fn each_home_agent_for_its_own(story: &Story<'_>) -> Option<Finding> {
    let mut agents: Vec<Ipv6Addr> =
        story.cast.terminals.iter().map(|terminal| terminal.home_agent).collect();
    agents.sort_unstable();
    agents.dedup();
    if agents.len() < 2 {
        return None;
    }
    let expected = "each query to the home agent named in that home address's notification, each \
                    INVITE to the right care-of address";
    let wrong = lookups(story, LookupKind::BindingQuery).find(|(reading, lookup)| {
        let agent = story.cast.terminals.iter().find(|one| one.home == lookup.home_address);
        agent.is_some_and(|one| one.home_agent != reading.packet.header.destination)
    });
    if let Some((wrong, lookup)) = wrong {
        let to = wrong.packet.header.destination;
        let seen = format!("a query for {} to {to}", lookup.home_address);
        return Some(Finding::broken(expected, seen, vec![wrong.frame]));
    }
    let reached: Vec<&Terminal> = story
        .cast
        .terminals
        .iter()
        .filter(|terminal| !invites(story, terminal).is_empty())
        .collect();
    if reached.len() < 2 {
        return None;
    }
    each_invite(story, |terminal, reading, _| {
        let outer = reading.tunnels.first()?;
        let care_of = story.registration(terminal, reading.at)?;
        Some(if outer.1 == care_of {
            Finding::kept([reading])
        } else {
            let seen = format!("an INVITE for {} to {}", terminal.home, outer.1);
            Finding::broken(expected, seen, vec![reading.frame])
        })
    })
}

fn no_notification_no_query(story: &Story<'_>) -> Option<Finding> {
    let expected = "no query, INVITE to the home address";
    each_invite(story, |terminal, reading, _| {
        let told = lookups(story, LookupKind::HomeAgentNotification)
            .any(|(_, lookup)| lookup.home_address == terminal.home);
        if told {
            return None;
        }
        let asked = lookups(story, LookupKind::BindingQuery)
            .find(|(_, lookup)| lookup.home_address == terminal.home);
        Some(match asked {
            Some((asked, _)) => Finding::broken(expected, "a query", vec![asked.frame]),
            None if reading.tunnels.is_empty() => Finding::kept([reading]),
            None => Finding::broken(expected, "a tunnel", vec![reading.frame]),
        })
    })
}

fn reply_tells_what_remains(story: &Story<'_>) -> Option<Finding> {
    let expected = "status 0, the current care-of address, the remaining lifetime";
    Finding::all(lookups(story, LookupKind::BindingReply).filter_map(|(reading, lookup)| {
        let terminal = story.cast.terminals.iter().find(|one| one.home == lookup.home_address)?;
        let care_of = story.registration(terminal, reading.at)?;
        let until = story.registered_until(terminal, reading.at)?;
        let left = until.saturating_sub(reading.at);
        let frames = vec![reading.frame];
        if lookup.status.0 != 0 || lookup.care_of() != Some(care_of) {
            let seen = format!("status {}, {:?}", lookup.status.0, lookup.care_of());
            return Some(Finding::broken(expected, seen, frames));
        }
        let told = lookup.lifetime.duration();
        // Units of four seconds, rounded down; the acknowledgement itself took a while.
        let right = told <= left + Duration::from_secs(1) && told + Duration::from_secs(8) >= left;
        Some(if right {
            Finding::kept([reading])
        } else {
            let seen = format!("{} s of {} s", told.as_secs(), left.as_secs());
            Finding::broken(expected, seen, frames)
        })
    }))
}

fn direct_invite_is_accepted(story: &Story<'_>) -> Option<Finding> {
    if !story.cast.direct {
        return None;
    }
    let server = story.cast.server?;
    let end = story.capture.frames.last()?.at;
    Finding::all(story.attempts().iter().filter_map(|attempt| {
        let (source, _) = attempt.invite.tunnels.first()?;
        if *source != server {
            return None;
        }
        judge_handled(story, attempt, end)
    }))
}

fn response_takes_the_way_home(story: &Story<'_>) -> Option<Finding> {
    if !story.cast.direct {
        return None;
    }
    let server = story.cast.server?;
    let expected = "from the terminal through the home agent to the SIP server and the caller";
    Finding::all(story.attempts().iter().filter_map(|attempt| {
        let (source, _) = attempt.invite.tunnels.first()?;
        if *source != server {
            return None;
        }
        let first = attempt.responses.first()?;
        let arrived = story.heard_at(server).find(|one| {
            one.at >= first.at
                && one.sip().is_some_and(|other| {
                    !other.is_request() && same_transaction(other, attempt.message)
                })
        });
        let tunnelled = first.tunnels.first().map(|(_, to)| *to);
        Some(match arrived {
            None => Finding::broken(expected, "the response is lost", vec![first.frame]),
            Some(_) if tunnelled != Some(attempt.terminal.home_agent) => {
                Finding::broken(expected, "another way", vec![first.frame])
            }
            Some(arrived) => Finding::kept([*first, arrived]),
        })
    }))
}

fn next_invite_follows_the_move(story: &Story<'_>) -> Option<Finding> {
    if !story.cast.direct {
        return None;
    }
    let expected = "the next direct INVITE to the new care-of address";
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let invites = invites(story, terminal);
        let pair = invites.windows(2).find(|pair| {
            let before = story.registration(terminal, pair[0].0.at);
            let after = story.registration(terminal, pair[1].0.at);
            before.is_some() && after.is_some() && before != after
        })?;
        let (second, _) = pair[1];
        let care_of = story.registration(terminal, second.at)?;
        let outer = second.tunnels.first().map(|(_, to)| *to);
        Some(if outer == Some(care_of) {
            Finding::kept([pair[0].0, second])
        } else {
            let seen = format!("an INVITE to {outer:?}");
            Finding::broken(expected, seen, vec![second.frame])
        })
    }))
}

fn requests_in_the_dialog_arrive(story: &Story<'_>) -> Option<Finding> {
    if !story.cast.direct {
        return None;
    }
    let server = story.cast.server?;
    let expected = "requests in the dialog reach the terminal, none lost";
    Finding::all(story.attempts().iter().filter(|attempt| attempt.away).filter_map(|attempt| {
        let call = attempt.message.call_id().ok()?;
        let sent = |one: &&Reading<'_>| {
            one.sip().is_some_and(|message| {
                matches!(message.method(), Some(Method::Ack | Method::Bye | Method::Cancel))
                    && message.call_id().ok() == Some(call)
            })
        };
        let end = story.capture.frames.last()?.at;
        let requests: Vec<&Reading<'_>> = story
            .sent_from(server)
            .filter(sent)
            .filter(|one| one.packet.header.destination == attempt.terminal.home)
            .collect();
        let lost = requests.iter().find(|request| {
            let arrived = story.heard_by(attempt.terminal).any(|one| {
                one.at >= request.at
                    && match (one.sip(), request.sip()) {
                        (Some(one), Some(request)) => {
                            one.method() == request.method() && same_transaction(one, request)
                        }
                        _ => false,
                    }
            });
            !arrived && end > request.at + FIRST_RETRANSMISSION
        });
        let cancels_elsewhere = requests.iter().find(|request| {
            let cancels = request.sip().is_some_and(|one| one.method() == Some(Method::Cancel));
            cancels && request.tunnels != attempt.invite.tunnels
        });
        if let Some(cancel) = cancels_elsewhere {
            let frames = vec![attempt.invite.frame, cancel.frame];
            return Some(Finding::broken(
                expected,
                "CANCEL by another way than its INVITE",
                frames,
            ));
        }
        match lost {
            Some(lost) => Some(Finding::broken(expected, "one lost", vec![lost.frame])),
            None if requests.is_empty() => None,
            None => Some(Finding::kept(requests)),
        }
    }))
}
