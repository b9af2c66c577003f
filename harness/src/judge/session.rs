//! The rows CL-RO-* about the call itself: media, cancelling, privacy, handover.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::mobility::Message as MobilityMessage;
use roamproof_wire::sip::{Fields, Method};

use super::cast::Terminal;
use super::optimization::{accepts, is_correspondents};
use super::reading::Reading;
use super::story::{Story, care_of};
use super::{Finding, Row};

pub(super) const ROWS: &[Row] = &[
    Row::must("CL-RO-05", media_leaves_directly),
    Row::must("CL-RO-06", media_comes_directly),
    Row::must("CL-RO-07", no_media_through_the_home_agent),
    Row::must("CL-RO-17", cancelled_while_pending),
    Row::must("CL-RO-25", care_of_address_stays_private),
    Row::must("CL-RO-27", media_follows_the_handover),
    Row::must("CL-RO-28", binding_is_refreshed),
    Row::must("CL-RO-30", returns_home),
];

/// A handover is over, media back on the direct path, within this.
const HANDOVER: Duration = Duration::from_secs(6);
/// Packets under way when a binding changes are still of the old one.
const UNDER_WAY: Duration = Duration::from_millis(200);

/// Media of a terminal, with whether a binding acknowledged to it stood at the moment.
struct Media<'s, 'a> {
    reading: &'s Reading<'a>,
    peer: Ipv6Addr,
    bound: Option<Ipv6Addr>,
}

/// The media packets that a terminal sent.
fn media_sent<'s, 'a>(story: &'s Story<'a>, terminal: &'s Terminal) -> Vec<Media<'s, 'a>> {
    let sent = story.sent_by(terminal).filter(|one| one.is_media());
    sent.map(|reading| {
        let peer = reading.packet.destination();
        let bound = story.binding(terminal, peer, reading.at).map(|(care_of, _)| care_of);
        Media { reading, peer, bound }
    })
    .collect()
}

fn media_leaves_directly(story: &Story<'_>) -> Option<Finding> {
    let expected = "source = care-of address, Home Address option = home address, no tunnel";
    Finding::all(story.cast.terminals.iter().flat_map(|terminal| {
        let judge = |media: &Media<'_, '_>| {
            let care_of = media.bound?;
            let Reading { packet, tunnels, frame, .. } = media.reading;
            // A binding of another link's care-of address says nothing about this one.
            if !story.is_on(media.reading.link, care_of)
                || story.whereabouts_changed(terminal, media.reading.at, UNDER_WAY)
            {
                return None;
            }
            let seen = if !tunnels.is_empty() {
                "in a tunnel".to_owned()
            } else if packet.home_address != Some(terminal.home) {
                "no Home Address option".to_owned()
            } else if packet.header.source != care_of {
                format!("source {}", packet.header.source)
            } else {
                return Some(Finding::Kept(vec![*frame]));
            };
            Some(Finding::broken(expected, seen, vec![*frame]))
        };
        media_sent(story, terminal).iter().filter_map(judge).collect::<Vec<_>>()
    }))
    .map(abridged)
}

fn media_comes_directly(story: &Story<'_>) -> Option<Finding> {
    let expected = "media to the care-of address through a type 2 routing header = home address";
    Finding::all(story.cast.terminals.iter().flat_map(|terminal| {
        let judge = |reading: &Reading<'_>| {
            let peer = reading.packet.source();
            let (care_of, _) = story.binding(terminal, peer, reading.at)?;
            let since = story.bound_since(terminal, peer, reading.at)?;
            if !story.is_on(reading.link, care_of) {
                return None;
            }
            if reading.at < since + UNDER_WAY {
                // Sent before the peer can have known: no packet of an accepted call is.
                let first = !reading.tunnels.is_empty();
                return (!first).then(|| Finding::Kept(vec![reading.frame]));
            }
            let seen = if !reading.tunnels.is_empty() {
                "through the home agent".to_owned()
            } else if reading.packet.header.destination != care_of {
                format!("to {}", reading.packet.header.destination)
            } else if reading.packet.routing.is_none() {
                "no type 2 routing header".to_owned()
            } else {
                return Some(Finding::Kept(vec![reading.frame]));
            };
            Some(Finding::broken(expected, seen, vec![reading.frame]))
        };
        story.heard_by(terminal).filter(|one| one.is_media()).filter_map(judge).collect::<Vec<_>>()
    }))
    .map(abridged)
}

/// A long run of media is shown by its first and last packets.
fn abridged(finding: Finding) -> Finding {
    match finding {
        Finding::Kept(frames) if frames.len() > 4 => {
            let (first, last) = (frames[..2].to_vec(), &frames[frames.len() - 2..]);
            Finding::Kept([first.as_slice(), last].concat())
        }
        kept @ Finding::Kept(_) => kept,
        broken @ Finding::Broken { .. } => broken,
    }
}

fn no_media_through_the_home_agent(story: &Story<'_>) -> Option<Finding> {
    let expected = "zero media packets across the home agent, none lost, none reordered";
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let answered = story
            .attempts_of(terminal)
            .into_iter()
            .find(|attempt| attempt.away && attempt.responses.iter().any(|one| accepts(one)))?;
        let home = story.home_link(terminal);
        let on_home = |one: &&Reading<'_>| one.is_media() && Some(one.link) == home;
        let end = story.capture.frames.last()?.at;
        if story.whereabouts_changed(terminal, end, end) {
            return None;
        }
        let peers = super::optimization::targets(&answered, story);
        let bound = peers.iter().any(|peer| story.binding(terminal, *peer, end).is_some());
        if !bound {
            return None;
        }
        if let Some(stray) = story.readings.iter().find(on_home) {
            let seen = "media on the home link";
            return Some(Finding::broken(expected, seen, vec![answered.invite.frame, stray.frame]));
        }
        let media: Vec<&Reading<'_>> =
            story.heard_by(terminal).filter(|one| one.is_media()).collect();
        for pair in media.windows(2) {
            let (before, after) = (sequence(pair[0])?, sequence(pair[1])?);
            if before.0 == after.0 && after.1 != before.1.wrapping_add(1) {
                let seen = format!("RTP sequence {} after {}", after.1, before.1);
                return Some(Finding::broken(expected, seen, vec![pair[0].frame, pair[1].frame]));
            }
        }
        let shown = [*media.first()?, *media.last()?];
        Some(Finding::kept(shown))
    }))
}

/// The synchronization source and sequence number of a media packet.
fn sequence(reading: &Reading<'_>) -> Option<(u32, u16)> {
    let super::reading::Content::Media(view) = &reading.content else { return None };
    Some((view.ssrc(), view.sequence()))
}

fn cancelled_while_pending(story: &Story<'_>) -> Option<Finding> {
    let server = story.cast.server?;
    let expected = "the server answers the CANCEL, holds its own until the terminal's first 1xx, \
                    then 200 and 487; no call answered, no Binding Update for a dead call";
    Finding::all(story.attempts().iter().filter_map(|attempt| {
        let call = attempt.message.call_id().ok()?;
        let cancels = |one: &&Reading<'_>| {
            one.sip().is_some_and(|message| {
                message.method() == Some(Method::Cancel) && message.call_id().ok() == Some(call)
            })
        };
        let asked = story.heard_at(server).find(cancels)?;
        if attempt.responses.first().is_some_and(|response| response.at < asked.at) {
            return None;
        }
        let frames = vec![attempt.invite.frame, asked.frame];
        let answered = story.sent_from(server).find(|one| {
            one.frame > asked.frame
                && one.sip().is_some_and(|message| {
                    message.status() == Some(200)
                        && message.call_id().ok() == Some(call)
                        && message.cseq().is_ok_and(|cseq| cseq.method == Method::Cancel)
                })
        });
        let Some(answered) = answered else {
            return Some(Finding::broken(expected, "the CANCEL is not answered", frames));
        };
        let passed_on = story.sent_from(server).find(cancels);
        let provisional = attempt.responses.iter().find(|one| accepts(one));
        if let Some(passed_on) = passed_on
            && provisional.is_none_or(|provisional| passed_on.at < provisional.at)
        {
            let frames = vec![asked.frame, passed_on.frame];
            return Some(Finding::broken(expected, "CANCEL sent into silence", frames));
        }
        let ok = attempt
            .responses
            .iter()
            .find(|one| one.sip().and_then(Fields::status).is_some_and(|status| status / 100 == 2));
        if let Some(ok) = ok
            && passed_on.is_some_and(|cancel| ok.at > cancel.at + UNDER_WAY)
        {
            return Some(Finding::broken(
                expected,
                "the call is answered",
                vec![asked.frame, ok.frame],
            ));
        }
        let over =
            attempt.responses.iter().find(|one| one.sip().and_then(Fields::status) == Some(487));
        let (Some(passed_on), Some(over)) = (passed_on, over) else {
            let seen = "no CANCEL to the terminal, or no 487 from it";
            return Some(Finding::broken(expected, seen, frames));
        };
        let stray = story.sent_by(attempt.terminal).find(|one| {
            one.frame > over.frame
                && is_correspondents(one)
                && !matches!(one.mobility(), Some(MobilityMessage::BindingUpdate(update))
                    if update.lifetime.duration().is_zero())
        });
        Some(match stray {
            Some(stray) => {
                let seen = "route optimization for a dead call";
                Finding::broken(expected, seen, vec![over.frame, stray.frame])
            }
            None => Finding::kept([attempt.invite, asked, answered, passed_on, *over]),
        })
    }))
}

fn care_of_address_stays_private(story: &Story<'_>) -> Option<Finding> {
    let care_of: Vec<Ipv6Addr> = story
        .readings
        .iter()
        .filter(|one| matches!(one.mobility(), Some(MobilityMessage::BindingUpdate(_))))
        .map(care_of)
        .filter(|address| story.cast.terminals.iter().all(|one| one.home != *address))
        .collect();
    if care_of.is_empty() {
        return None;
    }
    Finding::all(story.readings.iter().filter_map(|reading| {
        let message = reading.sip()?;
        let found = addresses_in(&message.to_vec()).find(|address| care_of.contains(address));
        Some(match found {
            Some(address) => Finding::broken(
                "the care-of address nowhere in SIP or SDP",
                format!("{address}"),
                vec![reading.frame],
            ),
            None => Finding::Kept(vec![reading.frame]),
        })
    }))
    .map(abridged)
}

/// Every IPv6 address in a text, in whatever form it is written.
pub(crate) fn addresses_in(octets: &[u8]) -> impl Iterator<Item = Ipv6Addr> {
    let is_address = |octet: &u8| octet.is_ascii_hexdigit() || matches!(octet, b':' | b'.');
    octets
        .split(move |octet| !is_address(octet))
        .filter(|word| word.iter().filter(|octet| **octet == b':').count() >= 2)
        .filter_map(|word| std::str::from_utf8(word).ok()?.parse().ok())
}

fn media_follows_the_handover(story: &Story<'_>) -> Option<Finding> {
    let expected = "the binding refreshed with the new care-of address, media back on the direct \
                    path, no SIP message needed";
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let media: Vec<&Reading<'_>> =
            story.sent_by(terminal).filter(|one| one.is_media()).collect();
        let home = story.home_link(terminal);
        let first = media.first()?;
        let moved = story
            .sent_by(terminal)
            .find(|one| one.at > first.at && one.link != first.link && Some(one.link) != home)?;
        let peer = first.packet.destination();
        let update = story.sent_by(terminal).find(|one| {
            one.frame > moved.frame
                && one.packet.header.destination == peer
                && matches!(one.mobility(), Some(MobilityMessage::BindingUpdate(_)))
                && story.is_on(moved.link, care_of(one))
        });
        let end = story.capture.frames.last()?.at;
        let Some(update) = update else {
            let late = end > moved.at + HANDOVER;
            let seen = "no Binding Update with the new care-of address";
            return late.then(|| Finding::broken(expected, seen, vec![moved.frame]));
        };
        let acknowledged = story.heard_by(terminal).find(|one| {
            one.frame > update.frame
                && one.packet.header.source == peer
                && matches!(one.mobility(), Some(MobilityMessage::BindingAcknowledgement(message))
                    if !message.status.is_refusal())
        })?;
        let left = story.sent_by(terminal).find(|one| one.at > moved.at && one.link != moved.link);
        let until = left.map_or(Duration::MAX, |one| one.at);
        let stray = story.readings.iter().find(|one| {
            one.is_media()
                && one.at > acknowledged.at + UNDER_WAY
                && one.at < until
                && (Some(one.link) == home
                    || one.link == first.link
                    || is_from_elsewhere(story, terminal, one))
                && (one.packet.destination() == terminal.home
                    || one.packet.source() == terminal.home)
        });
        if let Some(stray) = stray {
            let frames = vec![acknowledged.frame, stray.frame];
            return Some(Finding::broken(expected, "media on the old path", frames));
        }
        let resumed = story
            .heard_by(terminal)
            .find(|one| one.is_media() && one.at > acknowledged.at && one.tunnels.is_empty())?;
        Some(Finding::kept([moved, update, acknowledged, resumed]))
    }))
}

/// Whether a terminal sent a packet from an address that is not of the link it is on.
fn is_from_elsewhere(story: &Story<'_>, terminal: &Terminal, reading: &Reading<'_>) -> bool {
    terminal.is_at(reading.from_mac)
        && reading.tunnels.is_empty()
        && !story.is_on(reading.link, reading.packet.header.source)
}

fn binding_is_refreshed(story: &Story<'_>) -> Option<Finding> {
    let expected = "the binding refreshed in time, no media packet through the home agent";
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let media = media_sent(story, terminal);
        let (first, last) = (media.first()?, media.last()?);
        if last.reading.at < first.reading.at + Duration::from_secs(420) {
            return None;
        }
        let stray = media.iter().find(|one| {
            one.peer == first.peer && (one.bound.is_none() || !one.reading.tunnels.is_empty())
        });
        Some(match stray {
            Some(stray) => {
                let seen = "media without a binding, or in a tunnel";
                Finding::broken(expected, seen, vec![stray.reading.frame])
            }
            None => Finding::kept([first.reading, last.reading]),
        })
    }))
}

fn returns_home(story: &Story<'_>) -> Option<Finding> {
    let expected = "home de-registration, the binding at the correspondent deleted, media native";
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let home = story.home_link(terminal)?;
        let first = story.sent_by(terminal).find(|one| one.link != home && one.is_media())?;
        let back = story.sent_by(terminal).find(|one| one.at > first.at && one.link == home)?;
        let gone = |peer: Ipv6Addr| {
            story.sent_by(terminal).find(move |one| {
                one.frame >= back.frame
                    && one.packet.header.destination == peer
                    && matches!(one.mobility(), Some(MobilityMessage::BindingUpdate(update))
                        if update.lifetime.duration().is_zero())
            })
        };
        let peer = first.packet.destination();
        let (Some(at_home), Some(at_peer)) = (gone(terminal.home_agent), gone(peer)) else {
            let seen = "a binding not taken back";
            return Some(Finding::broken(expected, seen, vec![back.frame]));
        };
        let native = story
            .sent_by(terminal)
            .find(|one| one.is_media() && one.frame > at_peer.frame && one.link == home)?;
        Some(if native.tunnels.is_empty() && native.packet.home_address.is_none() {
            Finding::kept([back, at_home, at_peer, native])
        } else {
            Finding::broken(expected, "media as if away", vec![native.frame])
        })
    }))
}
