//! The rows CL-RO-01 … CL-RO-24: optimization of the route before any response.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::mobility::Message as MobilityMessage;
use roamproof_wire::sdp::SessionDescription;
use roamproof_wire::sip::{Fields, HeaderName};

use super::reading::Reading;
use super::sip::{contact_host, texts_of};
use super::story::{Attempt, Optimization, Story, care_of};
use super::{Finding, Row};

pub(super) const ROWS: &[Row] = &[
    Row::must("CL-RO-01", optimizes_before_response),
    Row::must("CL-RO-02", optimizes_to_the_media_address),
    Row::must("CL-RO-08", none_at_home),
    Row::must("CL-RO-09", fresh_binding_serves_again),
    Row::must("CL-RO-10", expired_binding_serves_no_more),
    Row::must("CL-RO-11", falls_back_when_told),
    Row::must("CL-RO-12", falls_back_at_the_budget),
    Row::must("CL-RO-13", retries_what_was_lost),
    Row::should("CL-RO-18", refuses_without_optimization),
    Row::must("CL-RO-19", handover_while_pending),
    Row::must("CL-RO-20", second_call_shares),
    Row::must("CL-RO-22", no_target_no_optimization),
    Row::must("CL-RO-31", waits_for_its_registration),
    Row::must("CL-RO-32", order_holds_over_tcp),
];

/// The budget of route optimization (D6).
const BUDGET: Duration = Duration::from_secs(7);
/// A binding with less than this left is not fresh (D7).
const FRESH: Duration = Duration::from_secs(10);

const ORDER: &str = "INVITE, then HoTI and CoTI, HoT and CoT, BU, BA, then the first response";

/// The targets of an attempt (D3): the connection addresses of its offer, the Contact without one.
pub(super) fn targets(attempt: &Attempt<'_, '_>, story: &Story<'_>) -> Vec<Ipv6Addr> {
    let message = attempt.message;
    let mut targets: Vec<Ipv6Addr> = if message.has_sdp() {
        SessionDescription::parse(message.body()).map_or_else(
            |_| Vec::new(),
            |offer| offer.media_addresses().iter().filter_map(|one| one.ipv6()).collect(),
        )
    } else {
        contact_host(message).into_iter().collect()
    };
    let care_of = story.registration(attempt.terminal, attempt.invite.at);
    targets.retain(|target| {
        is_target(*target)
            && *target != attempt.terminal.home
            && *target != attempt.terminal.home_agent
            && Some(*target) != care_of
    });
    targets.dedup();
    targets
}

/// Whether an address can be a correspondent's at all (D4).
fn is_target(address: Ipv6Addr) -> bool {
    !(address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || address.is_unicast_link_local()
        || address.to_ipv4_mapped().is_some())
}

/// Whether a response begins to accept: what D2 lets go early, a refusal, does not.
pub(super) fn accepts(reading: &Reading<'_>) -> bool {
    reading.sip().and_then(Fields::status).is_some_and(|status| status < 300)
}

fn first_acceptance<'s, 'a>(attempt: &Attempt<'s, 'a>) -> Option<&'s Reading<'a>> {
    attempt.responses.iter().copied().find(|response| accepts(response))
}

/// An attempt away from home, one of its targets, and how optimization with it went.
struct Case<'c, 's, 'a> {
    attempt: &'c Attempt<'s, 'a>,
    target: Ipv6Addr,
    seen: Optimization<'s, 'a>,
    /// Until when a binding acknowledged before the INVITE holds.
    bound_until: Option<Duration>,
    /// Whether home registration had been acknowledged when the INVITE came.
    registered: bool,
}

fn cases<'c, 's, 'a>(
    story: &'s Story<'a>,
    attempts: &'c [Attempt<'s, 'a>],
) -> Vec<Case<'c, 's, 'a>> {
    let away = attempts.iter().filter(|attempt| attempt.away);
    away.flat_map(|attempt| {
        let at = attempt.invite.at;
        targets(attempt, story).into_iter().map(move |target| Case {
            attempt,
            target,
            seen: story.optimization(attempt.terminal, target, at),
            bound_until: story.binding(attempt.terminal, target, at).map(|(_, until)| until),
            registered: story.registration(attempt.terminal, at).is_some(),
        })
    })
    .collect()
}

impl<'s, 'a> Case<'_, 's, 'a> {
    /// Whether the binding that was there serves (D7).
    fn is_fresh(&self) -> bool {
        self.bound_until.is_some_and(|until| until >= self.attempt.invite.at + FRESH)
    }

    fn broken(&self, expected: &'static str, seen: impl Into<String>, at: &Reading<'_>) -> Finding {
        Finding::broken(expected, seen, vec![self.attempt.invite.frame, at.frame])
    }

    /// The order of CL-RO-01 up to the acknowledgement: the readings, or what breaks it.
    fn order(&self) -> Result<Vec<&'s Reading<'a>>, Finding> {
        let Optimization {
            home_test_init: Some(home_init),
            care_of_test_init: Some(care_of_init),
            home_test: Some(home_test),
            care_of_test: Some(care_of_test),
            update: Some(update),
            acknowledgement: Some(acknowledgement),
            ..
        } = &self.seen
        else {
            let seen = format!("no complete return routability with {}", self.target);
            return Err(self.broken(ORDER, seen, self.attempt.invite));
        };
        let pairs = [
            (home_init, home_test, "HoT before HoTI"),
            (care_of_init, care_of_test, "CoT before CoTI"),
            (home_test, update, "BU before HoT"),
            (care_of_test, update, "BU before CoT"),
            (update, acknowledgement, "BA before BU"),
        ];
        for (before, after, wrong) in pairs {
            if before.frame > after.frame {
                return Err(self.broken(ORDER, wrong, after));
            }
        }
        let invite = self.attempt.invite;
        Ok(vec![invite, home_init, care_of_init, home_test, care_of_test, update, acknowledgement])
    }
}

fn optimizes_before_response(story: &Story<'_>) -> Option<Finding> {
    let attempts = story.attempts();
    let cases = cases(story, &attempts);
    Finding::all(cases.iter().filter_map(|case| judge_order(story, case)))
}

fn judge_order(story: &Story<'_>, case: &Case<'_, '_, '_>) -> Option<Finding> {
    if case.is_fresh() || !case.registered || is_disturbed(story, case) {
        return None;
    }
    let response = first_acceptance(case.attempt)?;
    if case.seen.refusal.is_some_and(|refusal| refusal.frame < response.frame) {
        return None;
    }
    let before = |reading: Option<&Reading<'_>>| {
        reading.is_some_and(|reading| reading.frame < response.frame)
    };
    if !before(case.seen.acknowledgement) {
        // A target that never answers is another row's: only silence up to the budget excuses.
        let waited = response.at >= case.attempt.invite.at + BUDGET * 9 / 10;
        if waited && before(case.seen.home_test_init) {
            return None;
        }
        let status = response.sip().and_then(Fields::status).unwrap_or_default();
        let seen = format!("{status} before the Binding Acknowledgement of {}", case.target);
        return Some(case.broken(ORDER, seen, response));
    }
    Some(match case.order() {
        Ok(mut readings) => {
            readings.push(response);
            Finding::kept(readings)
        }
        Err(broken) => broken,
    })
}

/// Whether the terminal moved or the caller cancelled between INVITE and first response.
fn is_disturbed(story: &Story<'_>, case: &Case<'_, '_, '_>) -> bool {
    let from = case.attempt.invite;
    let until = first_acceptance(case.attempt).map_or(Duration::MAX, |one| one.at);
    story
        .sent_by(case.attempt.terminal)
        .any(|one| one.at >= from.at && one.at < until && one.link != from.link)
}

fn optimizes_to_the_media_address(story: &Story<'_>) -> Option<Finding> {
    let expected = "return routability and Binding Update to the address in the SDP, none to one \
                    in a Via";
    Finding::all(story.attempts().iter().filter(|attempt| attempt.away).filter_map(|attempt| {
        let wanted = targets(attempt, story);
        let contact = contact_host(attempt.message);
        let vias = texts_of(attempt.message, HeaderName::Via);
        if wanted.is_empty() || wanted.iter().all(|target| Some(*target) == contact) {
            return None;
        }
        let until = attempt.responses.first().map_or(Duration::MAX, |response| response.at);
        let sent = story
            .sent_by(attempt.terminal)
            .filter(|one| one.at >= attempt.invite.at && one.at <= until && is_correspondents(one))
            .collect::<Vec<_>>();
        let stray = sent.iter().find(|one| {
            let to = one.packet.header.destination;
            !wanted.contains(&to)
                && (vias.iter().any(|via| via.contains(&to.to_string())) || Some(to) != contact)
        });
        if let Some(stray) = stray {
            let seen = format!("a message to {}", stray.packet.header.destination);
            return Some(Finding::broken(expected, seen, vec![attempt.invite.frame, stray.frame]));
        }
        let fresh =
            |target: Ipv6Addr| story.binding(attempt.terminal, target, attempt.invite.at).is_some();
        let reached = wanted.iter().all(|target| {
            fresh(*target)
                || sent.iter().any(|one| {
                    one.packet.header.destination == *target
                        && matches!(one.mobility(), Some(MobilityMessage::BindingUpdate(_)))
                })
        });
        Some(if reached {
            Finding::kept(std::iter::once(attempt.invite).chain(sent))
        } else {
            Finding::broken(expected, "no Binding Update to it", vec![attempt.invite.frame])
        })
    }))
}

/// Return routability and correspondent registration: what goes to correspondents only.
pub(super) fn is_correspondents(reading: &Reading<'_>) -> bool {
    match reading.mobility() {
        Some(MobilityMessage::HomeTestInit(_) | MobilityMessage::CareOfTestInit(_)) => true,
        Some(MobilityMessage::BindingUpdate(update)) => !update.home_registration,
        _ => false,
    }
}

fn none_at_home(story: &Story<'_>) -> Option<Finding> {
    Finding::all(story.attempts().iter().filter(|attempt| !attempt.away).filter_map(|attempt| {
        let response = attempt.responses.first();
        let until = response.map_or(Duration::MAX, |response| response.at);
        let stray = story
            .sent_by(attempt.terminal)
            .find(|one| one.at >= attempt.invite.at && one.at <= until && is_correspondents(one));
        let expected = "no return routability and no Binding Update at home, and a response";
        if let Some(stray) = stray {
            let frames = vec![attempt.invite.frame, stray.frame];
            return Some(Finding::broken(expected, "route optimization", frames));
        }
        Some(Finding::kept([attempt.invite, response?]))
    }))
}

fn fresh_binding_serves_again(story: &Story<'_>) -> Option<Finding> {
    let attempts = story.attempts();
    let cases = cases(story, &attempts);
    let again = |case: &&Case<'_, '_, '_>| {
        let at = case.attempt.invite.at;
        story.had_binding(case.attempt.terminal, case.target, at, at + FRESH)
    };
    Finding::all(cases.iter().filter(again).filter_map(|case| {
        let expected = "a response while the binding holds";
        let response = first_acceptance(case.attempt)?;
        let terminal = case.attempt.terminal;
        Some(if story.binding(terminal, case.target, response.at).is_some() {
            Finding::kept([case.attempt.invite, response])
        } else {
            case.broken(expected, "a response without a binding", response)
        })
    }))
}

fn expired_binding_serves_no_more(story: &Story<'_>) -> Option<Finding> {
    let attempts = story.attempts();
    let cases = cases(story, &attempts);
    let expired = |case: &&Case<'_, '_, '_>| {
        let (terminal, at) = (case.attempt.terminal, case.attempt.invite.at);
        story.bound_since(terminal, case.target, at).is_some()
            && !story.had_binding(terminal, case.target, at, at)
    };
    Finding::all(cases.iter().filter(expired).filter_map(|case| {
        let expected = "route optimization again before the response";
        let response = first_acceptance(case.attempt)?;
        let acknowledged = case.seen.acknowledgement.filter(|one| one.frame < response.frame);
        Some(match acknowledged {
            Some(acknowledged) => Finding::kept([case.attempt.invite, acknowledged, response]),
            None => case.broken(expected, "a response on the stale binding", response),
        })
    }))
}

fn falls_back_when_told(story: &Story<'_>) -> Option<Finding> {
    let attempts = story.attempts();
    let cases = cases(story, &attempts);
    let end = story.capture.frames.last()?.at;
    Finding::all(cases.iter().filter_map(|case| {
        let refusal = case.seen.refusal.filter(|one| one.icmp().is_some())?;
        let expected = "the call answered through the tunnel, by the budget";
        let budget = case.attempt.invite.at + BUDGET * 11 / 10;
        match first_acceptance(case.attempt) {
            Some(response) if response.at > budget => {
                Some(case.broken(expected, "answered after the budget", response))
            }
            Some(response) if response.frame < refusal.frame => {
                Some(case.broken(expected, "answered before the target had said so", response))
            }
            Some(response) => Some(Finding::kept([case.attempt.invite, refusal, response])),
            None if case.attempt.responses.is_empty() && end > budget => {
                Some(case.broken(expected, "no response", refusal))
            }
            None => None,
        }
    }))
}

fn falls_back_at_the_budget(story: &Story<'_>) -> Option<Finding> {
    let attempts = story.attempts();
    let cases = cases(story, &attempts);
    let end = story.capture.frames.last()?.at;
    Finding::all(cases.iter().filter_map(|case| {
        let silent = case.seen.acknowledgement.is_none() && case.seen.refusal.is_none();
        let tried = case.seen.home_test_init?;
        let (least, most) =
            (case.attempt.invite.at + BUDGET * 9 / 10, case.attempt.invite.at + BUDGET * 11 / 10);
        if !silent || case.is_fresh() || !case.registered || end < most {
            return None;
        }
        let expected = "tried again at 1 and 3 s, then the call answered at the budget";
        let again = story.sent_by(case.attempt.terminal).filter(|one| {
            one.at > tried.at
                && one.at < case.attempt.invite.at + BUDGET
                && one.packet.header.destination == case.target
                && is_correspondents(one)
        });
        if again.count() < 2 {
            return Some(case.broken(expected, "one try only", tried));
        }
        Some(match first_acceptance(case.attempt) {
            Some(response) if response.at < least => {
                case.broken(expected, "answered before the budget", response)
            }
            Some(response) if response.at > most => {
                case.broken(expected, "answered after the budget", response)
            }
            Some(response) => Finding::kept([case.attempt.invite, tried, response]),
            None => case.broken(expected, "no response", tried),
        })
    }))
}

fn retries_what_was_lost(story: &Story<'_>) -> Option<Finding> {
    let attempts = story.attempts();
    let cases = cases(story, &attempts);
    Finding::all(cases.iter().filter_map(|case| {
        let lost = story.readings.iter().find(|one| {
            one.lost
                && one.at >= case.attempt.invite.at
                && matches!(
                    one.mobility(),
                    Some(MobilityMessage::HomeTest(_) | MobilityMessage::CareOfTest(_))
                )
                && one.packet.header.source == case.target
        })?;
        let response = first_acceptance(case.attempt)?;
        let expected = "asked again after 1 s, and no response before the Binding Acknowledgement";
        let acknowledged = case.seen.acknowledgement.filter(|one| one.frame < response.frame);
        Some(match acknowledged {
            Some(acknowledged) => {
                Finding::kept([case.attempt.invite, lost, acknowledged, response])
            }
            None if response.at >= case.attempt.invite.at + BUDGET * 9 / 10 => return None,
            None => case.broken(expected, "a response at the first loss", response),
        })
    }))
}

fn refuses_without_optimization(story: &Story<'_>) -> Option<Finding> {
    Finding::all(story.attempts().iter().filter(|attempt| attempt.away).filter_map(|attempt| {
        let first = attempt.responses.first()?;
        let status = first.sip().and_then(Fields::status)?;
        if status < 300 || status == 487 {
            return None;
        }
        let stray = story.sent_by(attempt.terminal).find(|one| {
            one.at >= attempt.invite.at && one.at <= first.at && is_correspondents(one)
        });
        let expected = "a refusal at once, without route optimization";
        Some(match stray {
            Some(stray) => {
                let frames = vec![attempt.invite.frame, stray.frame];
                Finding::broken(expected, "route optimization first", frames)
            }
            None => Finding::kept([attempt.invite, *first]),
        })
    }))
}

fn handover_while_pending(story: &Story<'_>) -> Option<Finding> {
    let attempts = story.attempts();
    let cases = cases(story, &attempts);
    Finding::all(cases.iter().filter_map(|case| {
        let response = first_acceptance(case.attempt)?;
        let terminal = case.attempt.terminal;
        let moved = story.sent_by(terminal).find(|one| {
            one.at >= case.attempt.invite.at
                && one.frame < response.frame
                && one.link != case.attempt.invite.link
                && Some(one.link) != story.home_link(terminal)
        })?;
        let expected = "the home agent's acknowledgement before the Binding Update to the \
                        correspondent, which carries the new care-of address, then one response";
        let update = story.sent_by(terminal).find(|one| {
            one.frame > moved.frame
                && one.packet.header.destination == case.target
                && matches!(one.mobility(), Some(MobilityMessage::BindingUpdate(_)))
        })?;
        if !story.is_on(moved.link, care_of(update)) {
            let seen = format!("care-of address {}", care_of(update));
            return Some(case.broken(expected, seen, update));
        }
        let registered = story.registration(terminal, update.at);
        if registered != Some(care_of(update)) {
            return Some(case.broken(expected, "before the home agent's acknowledgement", update));
        }
        let finals =
            case.attempt.responses.iter().filter(|one| {
                one.sip().and_then(Fields::status).is_some_and(|status| status >= 200)
            });
        let mut tags: Vec<String> =
            finals.filter_map(|one| one.sip()?.to().ok()?.tag().map(str::to_owned)).collect();
        tags.dedup();
        if tags.len() > 1 {
            return Some(case.broken(expected, "two responses", response));
        }
        Some(if update.frame < response.frame {
            Finding::kept([case.attempt.invite, moved, update, response])
        } else {
            case.broken(expected, "a response before the Binding Update", response)
        })
    }))
}

fn second_call_shares(story: &Story<'_>) -> Option<Finding> {
    let attempts = story.attempts();
    let cases = cases(story, &attempts);
    let expected = "each call answered after route optimization with the caller";
    Finding::all(cases.iter().enumerate().filter_map(|(index, case)| {
        let earlier = cases[..index].iter().find(|other| {
            other.target == case.target
                && std::ptr::eq(other.attempt.terminal, case.attempt.terminal)
                && first_acceptance(other.attempt)
                    .is_some_and(|response| response.at > case.attempt.invite.at)
                && other.seen.acknowledgement.is_none_or(|one| one.at > case.attempt.invite.at)
        })?;
        let response = first_acceptance(case.attempt)?;
        let acknowledged = case.seen.acknowledgement.or(earlier.seen.acknowledgement)?;
        Some(if acknowledged.frame < response.frame {
            Finding::kept([earlier.attempt.invite, case.attempt.invite, acknowledged, response])
        } else {
            case.broken(expected, "answered early", response)
        })
    }))
}

fn no_target_no_optimization(story: &Story<'_>) -> Option<Finding> {
    Finding::all(story.attempts().iter().filter(|attempt| attempt.away).filter_map(|attempt| {
        if !attempt.message.has_sdp() || !targets(attempt, story).is_empty() {
            return None;
        }
        let first = attempt.responses.first()?;
        let stray = story.sent_by(attempt.terminal).find(|one| {
            one.at >= attempt.invite.at && one.at <= first.at && is_correspondents(one)
        });
        let expected = "no return routability with an address that is no target";
        Some(match stray {
            Some(stray) => {
                let seen = format!("a message to {}", stray.packet.header.destination);
                Finding::broken(expected, seen, vec![attempt.invite.frame, stray.frame])
            }
            None => Finding::kept([attempt.invite, *first]),
        })
    }))
}

fn waits_for_its_registration(story: &Story<'_>) -> Option<Finding> {
    let attempts = story.attempts();
    let cases = cases(story, &attempts);
    Finding::all(cases.iter().filter(|case| !case.registered).filter_map(|case| {
        let expected = "the INVITE accepted, the Binding Update to the correspondent after the home \
                        agent's acknowledgement";
        let update = case.seen.update?;
        Some(if story.registration(case.attempt.terminal, update.at).is_some() {
            Finding::kept([case.attempt.invite, update, first_acceptance(case.attempt)?])
        } else {
            case.broken(expected, "a Binding Update before it", update)
        })
    }))
}

fn order_holds_over_tcp(story: &Story<'_>) -> Option<Finding> {
    let attempts = story.attempts();
    let cases = cases(story, &attempts);
    let over_tcp = |case: &&Case<'_, '_, '_>| {
        case.attempt.invite.packet.protocol == roamproof_wire::ipv6::protocol::TCP
    };
    Finding::all(cases.iter().filter(over_tcp).filter_map(|case| judge_order(story, case)))
}
