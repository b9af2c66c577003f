//! The rows CL-REG-*: registration with the home agent and with the SIP server.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::icmpv6::Message as IcmpMessage;
use roamproof_wire::mobility::{LookupKind, Message as MobilityMessage};
use roamproof_wire::sip::{Fields, Method};

use super::cast::{Terminal, uri_of};
use super::reading::Reading;
use super::sip::{contact_host, text_of};
use super::story::{Story, answers, care_of};
use super::{Finding, Row};
use crate::link::LinkId;

pub(super) const ROWS: &[Row] = &[
    Row::must("CL-REG-01", registers_with_home_agent),
    Row::must("CL-REG-02", home_agent_binds),
    Row::must("CL-REG-03", registers_its_home_address),
    Row::must("CL-REG-05", handover_tells_the_home_agent_only),
    Row::must("CL-REG-06", server_can_ask),
    Row::must("CL-REG-07", notification_follows_registration),
    Row::must("CL-REG-08", change_tells_the_end),
    Row::must("CL-REG-09", at_home_no_binding),
    Row::must("CL-REG-10", power_cycle_keeps_the_identity),
    Row::must("CL-REG-11", early_notification_is_kept),
];

/// A terminal that heard a router on a visited link has this long to register: address detection,
/// and one lost message.
const REGISTRATION: Duration = Duration::from_secs(5);
/// A probe that is to be tunnelled leaves within this.
const PROBE: Duration = Duration::from_secs(1);

fn registers_with_home_agent(story: &Story<'_>) -> Option<Finding> {
    let end = story.capture.frames.last()?.at;
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let home = story.home_link(terminal);
        let attached = story.sent_by(terminal).find(|reading| Some(reading.link) != home)?;
        let expected = "a Binding Update (A, H) to the home agent with Home Address option = home \
                        address and the care-of address as source or alternate";
        let updates: Vec<&Reading<'_>> = story
            .sent_by(terminal)
            .filter(|reading| is_home_registration(reading))
            .filter(|reading| Some(reading.link) != home)
            .collect();
        let Some(first) = updates.first() else {
            let late = end > attached.at + REGISTRATION;
            let seen = "no home registration".to_owned();
            return late.then(|| Finding::broken(expected, seen, vec![attached.frame]));
        };
        for update in &updates {
            if let Some(seen) = fault_of(story, terminal, update) {
                return Some(Finding::broken(expected, seen, vec![update.frame]));
            }
        }
        // Where no router is heard, nothing says which addresses are of the link.
        is_known(story, first.link).then(|| Finding::kept([*first]))
    }))
}

/// Whether the capture tells which prefixes a link has.
fn is_known(story: &Story<'_>, link: LinkId) -> bool {
    story.prefixes.iter().any(|(on, ..)| *on == link)
}

/// What is wrong with a home registration sent from a visited link.
fn fault_of(story: &Story<'_>, terminal: &Terminal, update: &Reading<'_>) -> Option<String> {
    match update.packet.home_address {
        None => return Some("no Home Address option".to_owned()),
        Some(home) if home != terminal.home => {
            return Some(format!("Home Address option {home}, not {}", terminal.home));
        }
        Some(_) => {}
    }
    let destination = update.packet.header.destination;
    if destination != terminal.home_agent {
        return Some(format!("sent to {destination}, not to {}", terminal.home_agent));
    }
    let Some(MobilityMessage::BindingUpdate(message)) = update.mobility() else { return None };
    if !message.acknowledge {
        return Some("the A bit is not set".to_owned());
    }
    let care_of = care_of(update);
    (is_known(story, update.link)
        && !message.lifetime.duration().is_zero()
        && !story.is_on(update.link, care_of))
    .then(|| format!("care-of address {care_of} is not of the visited link"))
}

fn is_home_registration(reading: &Reading<'_>) -> bool {
    matches!(reading.mobility(), Some(MobilityMessage::BindingUpdate(update)) if update.home_registration)
}

fn home_agent_binds(story: &Story<'_>) -> Option<Finding> {
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let (update, acknowledgement) = first_registration(story, terminal)?;
        let expected = "a Binding Acknowledgement with status 0 or 1, type 2 routing header = home \
                        address, to the care-of address, and the home address bound";
        let Some(acknowledgement) = acknowledgement else {
            let seen = "the Binding Update was not acknowledged".to_owned();
            return Some(Finding::broken(expected, seen, vec![update.frame]));
        };
        let routed = acknowledgement.packet.routing.map(|routing| routing.home_address);
        if routed != Some(terminal.home) {
            let seen = "no type 2 routing header with the home address".to_owned();
            return Some(Finding::broken(expected, seen, vec![acknowledgement.frame]));
        }
        let care_of = care_of(update);
        let probe = story.readings.iter().find(|reading| {
            reading.at >= acknowledgement.at
                && reading.tunnels.is_empty()
                && !reading.is_discovery()
                && reading.packet.header.destination == terminal.home
        })?;
        let tunnelled = story.readings.iter().find(|reading| {
            reading.at >= probe.at
                && reading.at <= probe.at + PROBE
                && reading.tunnels.first() == Some(&(terminal.home_agent, care_of))
        });
        Some(match tunnelled {
            Some(tunnelled) => Finding::kept([update, acknowledgement, probe, tunnelled]),
            None => Finding::broken(
                expected,
                "acknowledged, but a packet to the home address does not leave in a tunnel",
                vec![acknowledgement.frame, probe.frame],
            ),
        })
    }))
}

/// The first home registration that a terminal sent from a visited link, and its acknowledgement.
fn first_registration<'s, 'a>(
    story: &'s Story<'a>,
    terminal: &'s Terminal,
) -> Option<(&'s Reading<'a>, Option<&'s Reading<'a>>)> {
    let update = story.sent_by(terminal).find(|reading| {
        is_home_registration(reading) && reading.packet.home_address == Some(terminal.home)
    })?;
    let acknowledgement = story.readings.iter().find(|reading| {
        reading.at >= update.at
            && reading.packet.header.source == terminal.home_agent
            && reading.packet.header.destination == update.packet.header.source
            && matches!(reading.mobility(), Some(MobilityMessage::BindingAcknowledgement(message))
                if message.status.0 <= 1)
    });
    Some((update, acknowledgement))
}

/// The REGISTERs of a terminal, as they leave it.
fn registers<'s, 'a>(
    story: &'s Story<'a>,
    terminal: &'s Terminal,
) -> impl Iterator<Item = &'s Reading<'a>> {
    story
        .sent_by(terminal)
        .filter(|reading| reading.sip().is_some_and(|one| one.method() == Some(Method::Register)))
}

fn registers_its_home_address(story: &Story<'_>) -> Option<Finding> {
    let server = story.cast.server?;
    Finding::all(story.cast.terminals.iter().flat_map(|terminal| {
        registers(story, terminal)
            .filter(|reading| story.is_away(terminal, reading.at))
            .map(|reading| judge_register(terminal, server, reading))
            .collect::<Vec<_>>()
    }))
}

fn judge_register(terminal: &Terminal, server: Ipv6Addr, reading: &Reading<'_>) -> Finding {
    let expected = "REGISTER to the SIP server, To = identifier, Contact and Via = home address, in \
                    the reverse tunnel with the home address as inner source";
    let broken = |seen: String| Finding::broken(expected, seen, vec![reading.frame]);
    let Some(message) = reading.sip() else { return broken("no REGISTER".to_owned()) };
    let tunnel = reading.tunnels.first().map(|(_, destination)| *destination);
    if tunnel != Some(terminal.home_agent) {
        return broken("sent outside the tunnel to the home agent".to_owned());
    }
    let source = reading.packet.header.source;
    if source != terminal.home || reading.packet.header.destination != server {
        return broken(format!("from {source} to {}", reading.packet.header.destination));
    }
    if contact_host(message) != Some(terminal.home) {
        return broken(format!(
            "Contact {}",
            text_of(message, roamproof_wire::sip::HeaderName::Contact)
        ));
    }
    let via = message.via().ok().and_then(|via| via.host.address());
    if via != Some(terminal.home.into()) {
        return broken(format!("Via {}", text_of(message, roamproof_wire::sip::HeaderName::Via)));
    }
    let to = uri_of(&text_of(message, roamproof_wire::sip::HeaderName::To));
    if terminal.identifier.as_ref().is_some_and(|identifier| *identifier != to) {
        return broken(format!("To {to}"));
    }
    Finding::kept([reading])
}

fn handover_tells_the_home_agent_only(story: &Story<'_>) -> Option<Finding> {
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let home = story.home_link(terminal);
        let visited = |reading: &&Reading<'_>| Some(reading.link) != home;
        let first = story.sent_by(terminal).find(visited)?;
        let second =
            story.sent_by(terminal).find(|one| visited(one) && one.link != first.link)?;
        let expected = "a Binding Update with the new care-of address, and no REGISTER with another \
                        Contact";
        let end = story.capture.frames.last()?.at;
        let update = story.sent_by(terminal).find(|reading| {
            is_home_registration(reading) && story.is_on(second.link, care_of(reading))
        });
        let Some(update) = update else {
            let late = end > second.at + REGISTRATION;
            let seen = "no Binding Update with the new care-of address".to_owned();
            return late.then(|| Finding::broken(expected, seen, vec![second.frame]));
        };
        let other = registers(story, terminal).filter(|reading| reading.at >= second.at).find(|one| {
            one.sip().is_some_and(|message| contact_host(message) != Some(terminal.home))
        });
        Some(match other {
            Some(other) => {
                Finding::broken(expected, "REGISTER with another Contact", vec![other.frame])
            }
            None => Finding::kept([second, update]),
        })
    }))
}

/// The messages of binding lookup of a kind, in order.
fn lookups<'s, 'a>(
    story: &'s Story<'a>,
    kind: LookupKind,
) -> impl Iterator<Item = (&'s Reading<'a>, &'s roamproof_wire::mobility::BindingLookup)> {
    story.readings.iter().filter_map(move |reading| match reading.mobility() {
        Some(MobilityMessage::BindingLookup(lookup)) if lookup.kind == kind => {
            Some((reading, lookup))
        }
        _ => None,
    })
}

fn server_can_ask(story: &Story<'_>) -> Option<Finding> {
    if !story.cast.direct {
        return None;
    }
    let end = story.capture.frames.last()?.at;
    let registrations = story.cast.terminals.iter().flat_map(|terminal| {
        let accepted = story.registrations(terminal).filter(|at| *at + PROBE < end);
        accepted.map(move |at| (terminal, at)).collect::<Vec<_>>()
    });
    Finding::all(registrations.map(|(terminal, at)| {
        let expected = "after each accepted registration the SIP server can ask the terminal's home \
                        agent for the home address";
        let told = lookups(story, LookupKind::HomeAgentNotification).find(|(reading, lookup)| {
            lookup.home_address == terminal.home && reading.at + PROBE >= at && reading.at <= at + PROBE
        });
        let Some((told, lookup)) = told else {
            let seen = format!("no notification for {} at {} s", terminal.home, at.as_secs_f64());
            return Finding::broken(expected, seen, vec![]);
        };
        if lookup.home_agent() == Some(terminal.home_agent) {
            Finding::kept([told])
        } else {
            let seen = format!("names the home agent {:?}", lookup.home_agent());
            Finding::broken(expected, seen, vec![told.frame])
        }
    }))
}

fn notification_follows_registration(story: &Story<'_>) -> Option<Finding> {
    if !story.cast.direct {
        return None;
    }
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let expected = "after the acknowledgement, never before it: an authenticated Home Agent \
                        Notification, at 0, 1, 3, 7, 15, 31 s until acknowledged";
        let server = story.cast.server?;
        let (_, acknowledgement) = first_registration(story, terminal)?;
        let acknowledgement = acknowledgement?;
        let notifications: Vec<&Reading<'_>> = lookups(story, LookupKind::HomeAgentNotification)
            .filter(|(reading, lookup)| {
                lookup.home_address == terminal.home && reading.packet.header.destination == server
            })
            .map(|(reading, _)| reading)
            .collect();
        let first = notifications.first()?;
        if first.frame < acknowledgement.frame {
            let seen = "notified before the registration was acknowledged".to_owned();
            return Some(Finding::broken(expected, seen, vec![first.frame, acknowledgement.frame]));
        }
        let answer = lookups(story, LookupKind::HomeAgentNotificationAck)
            .find(|(reading, lookup)| {
                reading.at >= first.at && lookup.home_address == terminal.home
            })
            .map(|(reading, _)| reading);
        match answer {
            Some(answer) => Some(Finding::kept([*first, answer])),
            None => {
                let again = notifications.iter().any(|one| one.at > first.at + PROBE / 2);
                let end = story.capture.frames.last()?.at;
                (!again && end > first.at + Duration::from_secs(2)).then(|| {
                    let seen = "sent once, not acknowledged, not sent again";
                    Finding::broken(expected, seen, vec![first.frame])
                })
            }
        }
    }))
}

fn change_tells_the_end(story: &Story<'_>) -> Option<Finding> {
    if !story.cast.direct {
        return None;
    }
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let asked = lookups(story, LookupKind::BindingQuery)
            .find(|(_, lookup)| lookup.home_address == terminal.home)?;
        let gone = story.sent_by(terminal).find(|reading| {
            reading.at > asked.0.at
                && matches!(reading.mobility(), Some(MobilityMessage::BindingUpdate(update))
                    if update.home_registration && update.lifetime.duration().is_zero())
        })?;
        let expected = "a Binding Change that says the binding is gone, at once";
        let told = lookups(story, LookupKind::BindingChange).find(|(reading, lookup)| {
            reading.at >= gone.at && lookup.home_address == terminal.home && lookup.status.0 == 1
        });
        Some(match told {
            Some((told, _)) => Finding::kept([gone, told]),
            None => Finding::broken(expected, "none", vec![gone.frame]),
        })
    }))
}

fn at_home_no_binding(story: &Story<'_>) -> Option<Finding> {
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let home = story.home_link(terminal)?;
        let first = story.sent_by(terminal).next()?;
        if first.link != home {
            return None;
        }
        let expected = "REGISTER without a Binding Update of lifetime other than 0";
        let left = story.sent_by(terminal).find(|reading| reading.link != home);
        let until = left.map_or(Duration::MAX, |reading| reading.at);
        let update = story.sent_by(terminal).take_while(|one| one.at < until).find(|reading| {
            matches!(reading.mobility(), Some(MobilityMessage::BindingUpdate(update))
                if !update.lifetime.duration().is_zero())
        });
        if let Some(update) = update {
            // From elsewhere it came through a router: the terminal is not on this link at all.
            let here = story.is_on(home, care_of(update));
            let broken = || Finding::broken(expected, "a Binding Update", vec![update.frame]);
            return here.then(broken);
        }
        let register = registers(story, terminal).find(|reading| reading.at < until)?;
        Some(Finding::kept([register]))
    }))
}

/// A terminal that asks for a router anew without having changed its link was switched off and on.
fn power_cycle_keeps_the_identity(story: &Story<'_>) -> Option<Finding> {
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let home = story.home_link(terminal);
        let asks: Vec<&Reading<'_>> = story
            .sent_by(terminal)
            .filter(|one| matches!(one.icmp(), Some(IcmpMessage::RouterSolicitation(_))))
            .collect();
        let registered =
            registers(story, terminal).map(|one| one.at).next().unwrap_or(Duration::MAX);
        let again = asks.windows(2).find(|pair| {
            pair[0].link == pair[1].link && Some(pair[1].link) != home && pair[1].at > registered
        })?[1];
        let expected = "the same home address in the Binding Update and the same identifier in the \
                        REGISTER";
        let update = story
            .sent_by(terminal)
            .find(|reading| reading.at > again.at && is_home_registration(reading));
        let register = registers(story, terminal).find(|reading| reading.at > again.at);
        let (Some(update), Some(register)) = (update, register) else {
            return Some(Finding::broken(expected, "no registration anew", vec![again.frame]));
        };
        let before = registers(story, terminal).next().and_then(Reading::sip)?;
        let to = roamproof_wire::sip::HeaderName::To;
        let same = text_of(before, to) == text_of(register.sip()?, to);
        Some(if same && update.packet.home_address == Some(terminal.home) {
            Finding::kept([again, update, register])
        } else {
            Finding::broken(expected, "another one", vec![update.frame, register.frame])
        })
    }))
}

fn early_notification_is_kept(story: &Story<'_>) -> Option<Finding> {
    if !story.cast.direct {
        return None;
    }
    let server = story.cast.server?;
    Finding::all(story.cast.terminals.iter().filter_map(|terminal| {
        let told =
            lookups(story, LookupKind::HomeAgentNotification).find(|(reading, lookup)| {
                lookup.home_address == terminal.home && reading.packet.header.destination == server
            })?;
        let register = registers(story, terminal).next()?;
        // The identifier is registered when the server says so; until then the notification is early.
        let asked = register.sip()?;
        let registered = story.sent_from(server).find(|reading| {
            let answer = reading.sip().filter(|message| answers(message, asked));
            answer.is_some_and(|message| message.status() == Some(200))
        })?;
        if told.0.at > registered.at {
            return None;
        }
        let invited = story.sent_from(server).find(|reading| {
            reading.sip().is_some_and(|message| message.method() == Some(Method::Invite))
                && reading.packet.header.destination == terminal.home
        })?;
        let expected = "a notification that came before the identifier was registered is used";
        Some(if invited.tunnels.is_empty() {
            Finding::broken(expected, "INVITE outside a tunnel", vec![told.0.frame, invited.frame])
        } else {
            Finding::kept([told.0, register, invited])
        })
    }))
}
