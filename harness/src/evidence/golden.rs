//! A run held against a golden capture: octet by octet, or by field after naming what varies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use std::mem::{Discriminant, discriminant};

use roamproof_wire::{Fault, WireError};
use serde_json::Value;

use super::bindings::Bindings;
use super::capture::{Capture, Frame};
use super::event::{Event, Origin, Presence};
use super::layer::{Field, Layer, Meaning};
use super::varying::{Piece, pieces};

/// Where a run differs from its golden capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The frame of the golden capture, as tshark counts.
    pub golden: Option<usize>,
    /// The frame of the run.
    pub seen_in: Option<usize>,
    /// What differs: a field, an octet, a packet.
    pub what: String,
    /// What the golden capture has there.
    pub expected: String,
    /// What the run has there.
    pub seen: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.golden, self.seen_in) {
            (Some(golden), Some(seen)) => write!(f, "frame {seen} (golden frame {golden}): ")?,
            (Some(golden), None) => write!(f, "golden frame {golden}: ")?,
            (None, Some(seen)) => write!(f, "frame {seen}: ")?,
            (None, None) => {}
        }
        write!(f, "{}: expected {}, seen {}", self.what, self.expected, self.seen)
    }
}

/// Whether two captures are the same octet for octet: for runs in simulated time.
///
/// # Errors
///
/// The first difference, with frame and octet.
pub fn identical(golden: &Capture, seen: &Capture) -> Result<(), Difference> {
    let differs = |what: &str, expected: String, seen: String| {
        let what = what.to_owned();
        Difference { golden: None, seen_in: None, what, expected, seen }
    };
    if golden.links != seen.links {
        return Err(differs("links", golden.links.join(", "), seen.links.join(", ")));
    }
    if golden.epoch != seen.epoch {
        let epochs = (format!("{:?}", golden.epoch), format!("{:?}", seen.epoch));
        return Err(differs("the Unix time of the start", epochs.0, epochs.1));
    }
    for (expected, frame) in golden.frames.iter().zip(&seen.frames) {
        identical_frames(golden, expected, frame)?;
    }
    if golden.frames.len() == seen.frames.len() {
        return Ok(());
    }
    let counts = (golden.frames.len().to_string(), seen.frames.len().to_string());
    Err(differs("number of frames", counts.0, counts.1))
}

fn identical_frames(capture: &Capture, golden: &Frame, seen: &Frame) -> Result<(), Difference> {
    let differs = |what: String, expected: String, was: String| {
        let (golden, seen_in) = (Some(golden.number), Some(seen.number));
        Err(Difference { golden, seen_in, what, expected, seen: was })
    };
    if golden.link != seen.link {
        let links = (capture.link_name(golden.link), capture.link_name(seen.link));
        return differs("link".to_owned(), links.0.to_owned(), links.1.to_owned());
    }
    if let Some(at) = golden.octets.iter().zip(&seen.octets).position(|(a, b)| a != b) {
        let octets = (golden.octets[at], seen.octets[at]);
        let what = format!("octet {at}");
        return differs(what, format!("0x{:02x}", octets.0), format!("0x{:02x}", octets.1));
    }
    if golden.octets.len() != seen.octets.len() {
        let lengths = (golden.octets.len(), seen.octets.len());
        return differs("length".to_owned(), lengths.0.to_string(), lengths.1.to_string());
    }
    if golden.at != seen.at {
        return differs("time".to_owned(), format!("{:?}", golden.at), format!("{:?}", seen.at));
    }
    if (golden.lost, &golden.comments) != (seen.lost, &seen.comments) {
        let told = |frame: &Frame| format!("lost {}, {:?}", frame.lost, frame.comments);
        return differs("remarks".to_owned(), told(golden), told(seen));
    }
    Ok(())
}

/// Holds a live run against a golden capture of simulated time, by dissected field.
///
/// The first sight of a value that varies (cookie, token, nonce index, tag, branch, Call-ID, SSRC,
/// sequence number, port, identification, time) binds it to the golden one, later ones must agree.
/// Checksums and lengths are verified. Neighbour and listener discovery must be there, media must
/// be there on the same paths in the same headers and on no others. Order is compared per link and
/// sender, and where one packet causes another; what only follows from a packet that came to the
/// sender (a router's copy, a test, an error) keeps its order among those that came the same way.
pub fn compare(golden: &Capture, live: &Capture) -> Vec<Difference> {
    compare_events(&Event::all(golden), &Event::all(live))
}

pub(super) fn compare_events(golden: &[Event], live: &[Event]) -> Vec<Difference> {
    let mut differences = present(golden, live);
    let (golden, live) = (in_order(golden), in_order(live));
    let mut pairs = Vec::new();
    let keys: BTreeSet<_> = golden.keys().chain(live.keys()).collect();
    for key in keys {
        let expected = golden.get(key).map_or(&[][..], Vec::as_slice);
        let seen = live.get(key).map_or(&[][..], Vec::as_slice);
        align(expected, seen, &mut pairs, &mut differences);
    }
    pairs.sort_by_key(|(expected, _)| expected.number);
    let mut bindings = Bindings::default();
    for (expected, seen) in &pairs {
        let mut differ = |what: String, expected_value: String, seen_value: String| {
            differences.push(Difference {
                golden: Some(expected.number),
                seen_in: Some(seen.number),
                what: format!("{} on {}: {what}", expected.shape, expected.link),
                expected: expected_value,
                seen: seen_value,
            });
        };
        if expected.error.map(kind_of) != seen.error.map(kind_of) {
            let told = |event: &Event| event.error.map_or("none".to_owned(), |e| e.to_string());
            differ("error".to_owned(), told(expected), told(seen));
        }
        bindings.at_new_times(expected.origin == Origin::Own);
        compare_layers(&expected.layers, &seen.layers, &mut bindings, &mut differ);
    }
    causes(&pairs, &mut differences);
    differences
}

/// What must only be there: noise in the run as in the golden capture, media in both alike.
fn present(golden: &[Event], live: &[Event]) -> Vec<Difference> {
    let mut differences = Vec::new();
    let signs = |events: &[Event], media: bool| -> BTreeMap<String, usize> {
        let mut signs = BTreeMap::new();
        for event in events {
            let wanted = match event.presence {
                Presence::Noise => true,
                Presence::Media => media,
                Presence::Ordered => false,
            };
            if wanted {
                signs.entry(format!("{} on {}", event.shape, event.link)).or_insert(event.number);
            }
        }
        signs
    };
    let seen = signs(live, true);
    for (what, number) in
        signs(golden, true).into_iter().filter(|(sign, _)| !seen.contains_key(sign))
    {
        differences.push(Difference {
            golden: Some(number),
            seen_in: None,
            what,
            expected: "at least once".to_owned(),
            seen: "never".to_owned(),
        });
    }
    let known = signs(golden, true);
    let media = live.iter().filter(|event| event.presence == Presence::Media);
    let mut told = BTreeSet::new();
    for event in media {
        let what = format!("{} on {}", event.shape, event.link);
        if !known.contains_key(&what) && told.insert(what.clone()) {
            let (expected, seen) = ("none".to_owned(), "media".to_owned());
            differences.push(Difference {
                golden: None,
                seen_in: Some(event.number),
                what,
                expected,
                seen,
            });
        }
    }
    differences
}

/// Link, sender and, for what only follows from other packets, their way.
type Direction = (String, [u8; 6], Option<String>);

/// The events whose order counts, per link and sender; what is repeated octet for octet (a
/// retransmission, whose number hangs on time) counts once.
fn in_order(events: &[Event]) -> BTreeMap<Direction, Vec<&Event>> {
    let mut directions: BTreeMap<Direction, Vec<&Event>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for event in events.iter().filter(|event| event.presence == Presence::Ordered) {
        let way = match &event.origin {
            Origin::Own | Origin::Answer => None,
            Origin::Reaction(way) => Some(way.clone()),
        };
        let direction = (event.link.clone(), event.sender, way);
        if seen.insert((direction.clone(), event.packet.clone())) {
            directions.entry(direction).or_default().push(event);
        }
    }
    directions
}

/// Pairs the events of one link and direction by the longest common sequence of shapes; tells the
/// rest as missing or unexpected.
fn align<'a>(
    golden: &[&'a Event],
    live: &[&'a Event],
    pairs: &mut Vec<(&'a Event, &'a Event)>,
    differences: &mut Vec<Difference>,
) {
    let columns = live.len() + 1;
    let mut longest = vec![0_u32; (golden.len() + 1) * columns];
    for row in (0..golden.len()).rev() {
        for column in (0..live.len()).rev() {
            longest[row * columns + column] = if golden[row].shape == live[column].shape {
                longest[(row + 1) * columns + column + 1] + 1
            } else {
                longest[(row + 1) * columns + column].max(longest[row * columns + column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    while row < golden.len() || column < live.len() {
        let (expected, seen) = (golden.get(row), live.get(column));
        match (expected, seen) {
            (Some(expected), Some(seen)) if expected.shape == seen.shape => {
                pairs.push((expected, seen));
                (row, column) = (row + 1, column + 1);
            }
            (Some(expected), seen)
                if seen.is_none()
                    || longest[(row + 1) * columns + column]
                        >= longest[row * columns + column + 1] =>
            {
                differences.push(Difference {
                    golden: Some(expected.number),
                    seen_in: None,
                    what: format!("{} on {}", expected.shape, expected.link),
                    expected: "here".to_owned(),
                    seen: seen.map_or("nothing".to_owned(), |seen| seen.shape.clone()),
                });
                row += 1;
            }
            (expected, Some(seen)) => {
                differences.push(Difference {
                    golden: None,
                    seen_in: Some(seen.number),
                    what: format!("{} on {}", seen.shape, seen.link),
                    expected: expected.map_or("nothing".to_owned(), |e| e.shape.clone()),
                    seen: "this".to_owned(),
                });
                column += 1;
            }
            (_, None) => break,
        }
    }
}

/// One packet over several links, and a request and its answer on one link: the cause comes first.
fn causes(pairs: &[(&Event, &Event)], differences: &mut Vec<Difference>) {
    for (index, (effect, effect_seen)) in pairs.iter().enumerate() {
        let cause = pairs[..index].iter().rev().find(|(cause, _)| cause.causes(effect));
        let Some((cause, cause_seen)) = cause else { continue };
        if cause_seen.number > effect_seen.number {
            differences.push(Difference {
                golden: Some(effect.number),
                seen_in: Some(effect_seen.number),
                what: format!("{} on {}", effect.shape, effect.link),
                expected: format!("after {} on {}", cause.shape, cause.link),
                seen: format!("before it (frame {})", cause_seen.number),
            });
        }
    }
}

fn compare_layers(
    golden: &[Layer],
    live: &[Layer],
    bindings: &mut Bindings,
    differ: &mut impl FnMut(String, String, String),
) {
    for (expected, seen) in golden.iter().zip(live) {
        let mut rest: Vec<&Field> = seen.fields.iter().collect();
        for field in &expected.fields {
            let Some(at) = rest.iter().position(|other| other.name == field.name) else {
                let what = format!("{} {}", expected.name, field.name);
                differ(what, shown(&field.value), "nothing".to_owned());
                continue;
            };
            let other = rest.remove(at);
            if let Err((want, was)) = compare_field(field, other, bindings) {
                differ(format!("{} {}", expected.name, field.name), want, was);
            }
        }
        for field in rest {
            let what = format!("{} {}", expected.name, field.name);
            differ(what, "nothing".to_owned(), shown(&field.value));
        }
    }
}

/// What kind of fault stands where; a wrong checksum is the same fault whatever its value.
fn kind_of(error: WireError) -> (&'static str, usize, Discriminant<Fault>) {
    (error.within, error.offset, discriminant(&error.fault))
}

fn compare_field(
    golden: &Field,
    live: &Field,
    bindings: &mut Bindings,
) -> Result<(), (String, String)> {
    let (expected, seen) = (shown(&golden.value), shown(&live.value));
    match &golden.meaning {
        Meaning::Verified => Ok(()),
        Meaning::Fixed if golden.value == live.value => Ok(()),
        Meaning::Fixed => Err((expected, seen)),
        Meaning::Varies(class) => bindings.agree(class, &expected, &seen),
        Meaning::Text => compare_text(&golden.name, &expected, &seen, bindings),
    }
}

fn compare_text(
    name: &str,
    golden: &str,
    live: &str,
    bindings: &mut Bindings,
) -> Result<(), (String, String)> {
    let (expected, seen) = (pieces(name, golden), pieces(name, live));
    let whole = || (golden.to_owned(), live.to_owned());
    if expected.len() != seen.len() {
        return Err(whole());
    }
    for (expected, seen) in expected.iter().zip(&seen) {
        match (expected, seen) {
            (Piece::Fixed(expected), Piece::Fixed(seen)) if expected == seen => {}
            (Piece::Varying(class, expected), Piece::Varying(other, seen)) if class == other => {
                bindings.agree(class, expected, seen)?;
            }
            _ => return Err(whole()),
        }
    }
    Ok(())
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::sample::{self, Run};
    use crate::link::LinkId;
    use rstest::rstest;
    use std::time::Duration;

    #[test]
    fn two_runs_that_differ_in_what_varies_agree() {
        let (golden, live) = (sample::exchange(&Run::GOLDEN), sample::exchange(&Run::LIVE));
        assert!(identical(&golden, &live).is_err());
        assert_eq!(compare(&golden, &live), []);
    }

    #[rstest]
    #[case::lifetime(Run { lifetime: 75, ..Run::LIVE },
        "frame 7 (golden frame 7): 2001:db8:f1::ff:fe00:1 → 2001:db8:c::c (destination-options) Binding Update on visited-1: mobility lifetime: expected 105, seen 75")]
    #[case::cookie(Run { returned_cookie: 0x77, ..Run::LIVE },
        "frame 5 (golden frame 5): 2001:db8:c::c → 2001:db8:a::100 Home Test on correspondent: mobility cookie: expected c2c2c2c2c2c2c2c2 (cookie 1 again), seen 7777777777777777")]
    #[case::sequence(Run { acknowledged: 0x99, ..Run::LIVE },
        "frame 8 (golden frame 8): 2001:db8:c::c → 2001:db8:f1::ff:fe00:1 (routing) Binding Acknowledgement on correspondent: mobility sequence: expected 8738 (sequence 2001:db8:a::100 ↔ 2001:db8:c::c 1 again), seen 39321")]
    #[case::tag(Run { tag: "other", ..Run::LIVE },
        "frame 11 (golden frame 11): 2001:db8:a::100 → 2001:db8:5::5 200 INVITE on visited-1: sip To: expected l7 (tag 1 again), seen other")]
    fn what_must_agree_is_told_where_it_does_not(#[case] run: Run, #[case] line: &str) {
        let golden = sample::exchange(&Run::GOLDEN);
        let lines: Vec<String> =
            compare(&golden, &sample::exchange(&run)).iter().map(ToString::to_string).collect();
        assert!(lines.iter().any(|told| told == line), "{}", lines.join("\n"));
    }

    #[test]
    fn a_packet_too_many_or_too_few_is_told() {
        let golden = sample::exchange(&Run::GOLDEN);
        let mut live = sample::exchange(&Run::LIVE);
        let gone = live.frames.remove(6);
        let lines: Vec<String> = compare(&golden, &live).iter().map(ToString::to_string).collect();
        let line = "golden frame 7: 2001:db8:f1::ff:fe00:1 → 2001:db8:c::c (destination-options) Binding Update on visited-1: expected here, seen 2001:db8:a::100 → 2001:db8:5::5 180 INVITE";
        assert!(lines.iter().any(|told| told == line), "{}", lines.join("\n"));
        let mut more = sample::exchange(&Run::LIVE);
        let again = more.record(Duration::from_secs(9), gone.link, gone.octets);
        more.frames[again].octets[60] ^= 1;
        let lines: Vec<String> = compare(&golden, &more).iter().map(ToString::to_string).collect();
        assert!(
            lines.iter().any(|told| told.ends_with("expected nothing, seen this")),
            "{}",
            lines.join("\n")
        );
    }

    #[test]
    fn a_retransmission_counts_once() {
        let golden = sample::exchange(&Run::GOLDEN);
        let mut live = sample::exchange(&Run::LIVE);
        let again = live.frames[0].clone();
        live.record(Duration::from_secs(9), again.link, again.octets);
        assert_eq!(compare(&golden, &live), []);
    }

    #[test]
    fn an_effect_before_its_cause_is_told() {
        let golden = sample::exchange(&Run::GOLDEN);
        let mut live = sample::exchange(&Run::LIVE);
        let answer = live.frames.remove(4);
        live.frames.insert(2, answer);
        renumber(&mut live);
        let lines: Vec<String> = compare(&golden, &live).iter().map(ToString::to_string).collect();
        assert!(
            lines.iter().any(|told| told.contains("Home Test on correspondent: expected after")),
            "{}",
            lines.join("\n")
        );
    }

    /// A router's copies of packets that came by different ways stand as they came; what a node sends
    /// of its own stands in its order.
    #[rstest]
    #[case::copies(true, 0)]
    #[case::its_own(false, 2)]
    fn only_what_came_by_another_way_may_overtake(#[case] copies: bool, #[case] told: usize) {
        let (one, other) = sample::echo_requests();
        let run = |run: &Run, packets: [&[u8]; 2]| {
            let mut capture = sample::exchange(run);
            let mut record = |link, hop, packet: &[u8]| {
                capture.record(Duration::from_secs(9), LinkId(link), sample::framed(hop, packet))
            };
            for (way, packet) in packets.into_iter().enumerate().filter(|_| copies) {
                record([0, 2][way], (0x71, 0x10), packet);
            }
            for packet in packets {
                record(3, (0x13, 4), packet);
            }
            capture
        };
        let golden = run(&Run::GOLDEN, [&one, &other]);
        let differences = compare(&golden, &run(&Run::LIVE, [&one, &other]));
        assert_eq!(differences, []);
        let mut live = run(&Run::LIVE, [&one, &other]);
        let last = live.frames.len() - 1;
        live.frames.swap(last - 1, last);
        renumber(&mut live);
        let lines: Vec<String> = compare(&golden, &live).iter().map(ToString::to_string).collect();
        assert_eq!(lines.len(), told, "{}", lines.join("\n"));
    }

    /// A home agent's tunnelled packets stand among those of their own way only, as do replies.
    #[test]
    fn what_is_tunnelled_may_overtake_what_is_taken_out_of_a_tunnel() {
        let (request, reply) = sample::echo();
        let run = |run: &Run, tunnelled_first: bool| {
            let mut capture = sample::exchange(run);
            let mut record = |link, hop, packet: &[u8]| {
                capture.record(Duration::from_secs(9), LinkId(link), sample::framed(hop, packet));
            };
            let (inwards, outwards) = (sample::tunnelled(&request), sample::tunnelled(&reply));
            record(0, (0x71, 0x0a), &request);
            record(2, (0x71, 0x0a), &outwards);
            if tunnelled_first {
                record(0, (0x0a, 0x71), &inwards);
                record(0, (0x0a, 0x71), &reply);
            } else {
                record(0, (0x0a, 0x71), &reply);
                record(0, (0x0a, 0x71), &inwards);
            }
            capture
        };
        let golden = run(&Run::GOLDEN, true);
        assert_eq!(compare(&golden, &run(&Run::LIVE, false)), []);
        let mut early = run(&Run::LIVE, true);
        let last = early.frames.len() - 1;
        early.frames.swap(last - 3, last - 1);
        renumber(&mut early);
        assert_ne!(compare(&golden, &early), [], "tunnelled before it came");
    }

    #[test]
    fn media_must_be_there_and_nowhere_else_and_discovery_must_be_there() {
        let golden = sample::exchange(&Run::GOLDEN);
        let mut live = sample::exchange(&Run::LIVE);
        let media = live.frames.iter().position(|f| {
            f.link == LinkId(3) && f.octets.len() > 70 && f.octets[14 + 40 + 8] == 0x80
        });
        let media = live.frames[media.expect("the sample has media")].clone();
        live.record(Duration::from_secs(3), LinkId(0), media.octets.clone());
        let lines: Vec<String> = compare(&golden, &live).iter().map(ToString::to_string).collect();
        assert_eq!(lines.len(), 1, "{}", lines.join("\n"));
        assert!(lines[0].contains("(rtp) on home: expected none, seen media"), "{}", lines[0]);
        let mut silent = sample::exchange(&Run::LIVE);
        silent.frames.retain(|frame| frame.link != media.link || frame.octets[20] != 17);
        silent.frames.retain(|frame| frame.octets[20] != 58);
        renumber(&mut silent);
        let lines: Vec<String> =
            compare(&golden, &silent).iter().map(ToString::to_string).collect();
        assert_eq!(lines.len(), 2, "{}", lines.join("\n"));
        assert!(
            lines.iter().all(|line| line.ends_with("expected at least once, seen never")),
            "{}",
            lines.join("\n")
        );
    }

    #[test]
    fn identical_names_frame_and_octet() {
        let golden = sample::exchange(&Run::GOLDEN);
        assert_eq!(identical(&golden, &golden.clone()), Ok(()));
        let mut spoiled = golden.clone();
        spoiled.frames[4].octets[58] ^= 0x10;
        let line = identical(&golden, &spoiled).unwrap_err().to_string();
        assert_eq!(line, "frame 5 (golden frame 5): octet 58: expected 0x64, seen 0x74");
        let mut shorter = golden.clone();
        shorter.frames.pop();
        assert!(identical(&golden, &shorter).unwrap_err().what == "number of frames");
        let mut later = golden.clone();
        later.frames[1].at += Duration::from_nanos(1);
        assert_eq!(identical(&golden, &later).unwrap_err().what, "time");
    }

    fn renumber(capture: &mut Capture) {
        for (index, frame) in capture.frames.iter_mut().enumerate() {
            frame.number = index + 1;
        }
    }
}
