//! The sheet of a case: what was specified beside what was observed, as text and as a picture.
//!
//! ```text
//! SPECIFIED                             │            mt        tester
//! given it answers OPTIONS              │
//!   ▷ the tester sends                  │  2.000413  │◀────────┤  OPTIONS sip:mt@…
//!   ◁ a response with status 200        │  2.000610  ├────────▶│  200 OK
//! then no response to the INVITE leaves │
//!   ✗ no response by any way            │
//! ```

use std::collections::BTreeMap;

use super::capture::Capture;
use super::journey::Journeys;
use super::ladder::{self, LadderStyle};
use super::names::Names;
use super::svg::{self, Drawn};

/// What was specified for a case.
#[derive(Debug, Clone, Default)]
pub struct Specified {
    /// The purpose, and what it says.
    pub title: String,
    /// The verdict, and why.
    pub verdict: String,
    /// Its sentences, each with how many frames were captured before it.
    pub sentences: Vec<(usize, String)>,
    /// Its packets.
    pub packets: Vec<Packet>,
}

/// A packet that was specified.
#[derive(Debug, Clone)]
pub struct Packet {
    /// How many frames were captured when it was waited for or sent.
    pub before: usize,
    /// The captured frame that is this packet, by index.
    pub frame: Option<usize>,
    /// What it is, with a mark before it: sent, heard, missed or unwanted.
    pub text: String,
}

/// One row of a sheet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// A sentence.
    Sentence(String),
    /// Packets that were specified, beside one that was observed, by its place among the arrows.
    Packets(Vec<String>, Option<usize>),
}

/// The sheet of a case as text.
pub fn sheet(
    capture: &Capture,
    names: &Names,
    specified: &Specified,
    style: &LadderStyle,
) -> String {
    let (header, lines) = ladder::lines(capture, names, style);
    let frames: Vec<&[usize]> = lines.iter().map(|(frames, _)| frames.as_slice()).collect();
    let mut text = format!("{}\n{}\n\n", specified.title, specified.verdict);
    let mut add = |left: &str, right: &str| {
        let room = WIDTH - left.chars().count().min(WIDTH);
        let line = format!("{left}{} │ {right}", " ".repeat(room));
        text.push_str(line.trim_end());
        text.push('\n');
    };
    add("SPECIFIED", &header);
    for row in rows(specified, &frames) {
        match row {
            Row::Sentence(sentence) => {
                for line in wrapped(&sentence, "", WIDTH) {
                    add(&line, "");
                }
            }
            Row::Packets(packets, arrow) => {
                let left: Vec<String> =
                    packets.iter().flat_map(|packet| wrapped(packet, "  ", WIDTH)).collect();
                let right = arrow.map_or("", |arrow| lines[arrow].1.as_str());
                add(left.first().map_or("", String::as_str), right);
                for line in left.iter().skip(1) {
                    add(line, "");
                }
            }
        }
    }
    text
}

/// The sheet of a case as one self-contained SVG file.
pub fn sheet_svg(
    capture: &Capture,
    names: &Names,
    specified: &Specified,
    style: &LadderStyle,
) -> String {
    let mut journeys = Journeys::new(names.clone(), style.focus.as_deref(), style.noise);
    let mut arrows = Vec::new();
    for frame in &capture.frames {
        arrows.append(&mut journeys.push(frame));
    }
    arrows.append(&mut journeys.finish());
    let frames: Vec<&[usize]> = arrows.iter().map(|arrow| arrow.frames.as_slice()).collect();
    let drawn: Vec<Drawn> = rows(specified, &frames)
        .into_iter()
        .map(|row| match row {
            Row::Sentence(sentence) => {
                Drawn { sentence: true, specified: wrapped(&sentence, "", SVG_WIDTH), arrow: None }
            }
            Row::Packets(packets, arrow) => Drawn {
                sentence: false,
                specified: packets
                    .iter()
                    .flat_map(|packet| wrapped(packet, "  ", SVG_WIDTH))
                    .collect(),
                arrow,
            },
        })
        .collect();
    let verdict = wrapped(&specified.verdict, "", VERDICT_WIDTH);
    svg::beside(capture, &journeys, &arrows, &drawn, (&specified.title, &verdict))
}

/// The rows, in the order of what was observed; `frames` = the numbers of each arrow's frames.
fn rows(specified: &Specified, frames: &[&[usize]]) -> Vec<Row> {
    let arrow_of: BTreeMap<usize, usize> = frames
        .iter()
        .enumerate()
        .flat_map(|(arrow, frames)| frames.iter().map(move |number| (number - 1, arrow)))
        .collect();
    let mut beside: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut alone: Vec<(usize, usize, Row)> = Vec::new();
    for (before, sentence) in &specified.sentences {
        alone.push((*before, 0, Row::Sentence(sentence.clone())));
    }
    for packet in &specified.packets {
        match packet.frame.and_then(|frame| arrow_of.get(&frame)) {
            Some(arrow) => beside.entry(*arrow).or_default().push(packet.text.clone()),
            None => {
                let row = Row::Packets(vec![packet.text.clone()], None);
                alone.push((packet.before, 1, row));
            }
        }
    }
    alone.sort_by_key(|(before, rank, _)| (*before, *rank));
    let mut alone = alone.into_iter().peekable();
    let mut rows = Vec::new();
    for (arrow, frames) in frames.iter().enumerate() {
        let first = frames.first().map_or(0, |number| number - 1);
        while let Some((_, _, row)) = alone.next_if(|(before, ..)| *before <= first) {
            rows.push(row);
        }
        rows.push(Row::Packets(beside.remove(&arrow).unwrap_or_default(), Some(arrow)));
    }
    rows.extend(alone.map(|(_, _, row)| row));
    rows
}

/// Words in lines of at most `width` characters, the second and later ones with one indent more.
fn wrapped(text: &str, indent: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = indent.to_owned();
    for word in text.split(' ') {
        let fresh = line.trim().is_empty();
        if !fresh && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut line, format!("{indent}  ")));
        } else if !fresh {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// Characters of the specified side.
const WIDTH: usize = 54;
/// The same in the picture.
const SVG_WIDTH: usize = 60;
/// Characters of a line of the verdict in the picture.
const VERDICT_WIDTH: usize = 130;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::sample;

    fn specified() -> Specified {
        let packet = |before, frame, text: &str| Packet { before, frame, text: text.to_owned() };
        Specified {
            title: "CL-RO-01 version 1: responses wait".to_owned(),
            verdict: "verdict FAIL: not so".to_owned(),
            sentences: vec![
                (0, "when an INVITE comes".to_owned()),
                (5, "then it waits".to_owned()),
            ],
            packets: vec![
                packet(0, Some(0), "▷ sent by the tester"),
                packet(
                    5,
                    Some(5),
                    "◁ a Binding Update with a home address and more words than fit",
                ),
                packet(6, None, "✗ no response by any way"),
            ],
        }
    }

    #[test]
    fn what_was_specified_stands_beside_what_was_observed() {
        let style = LadderStyle { path: false, ..LadderStyle::default() };
        let text = sheet(&sample::capture(), &sample::names(), &specified(), &style);
        insta::assert_snapshot!(text, @r"
        CL-RO-01 version 1: responses wait
        verdict FAIL: not so

        SPECIFIED                                              │               mt        ha        ss        cn     …b8:a::77
        when an INVITE comes                                   │
          ▷ sent by the tester                                 │    2.000100    │         │◀────────┤         │         │  INVITE sip:mt@example.com
                                                               │    2.000300    │◀════════╡         │         │         │  [ha→coa] INVITE sip:mt@example.com
        then it waits                                          │
          ◁ a Binding Update with a home address and more      │    2.000600    ├─────✗   │         │         │         │  BU seq=4660 A life=420s ✗ lost
            words than fit                                     │
          ✗ no response by any way                             │
                                                               │    2.000700    ╞════════▶│         │         │         │  [coa→ha] 180 Ringing
                                                               │    2.001100    │◀┄┄┄┄┄┄┄┄┼┄┄┄┄┄┄┄┄┄┼┄┄┄┄┄┄┄┄┄┤         │  RTP payload type 0 ×3 direct
                                                               │    2.002000    │         │         │         ├─────✗   │  Echo Request id=7 seq=8 ✗ not seen again
        ");
    }

    #[test]
    fn the_picture_shows_both_sides() {
        let style = LadderStyle::default();
        let svg = sheet_svg(&sample::capture(), &sample::names(), &specified(), &style);
        for text in ["when an INVITE comes", "▷ sent by", "✗ no response", "verdict FAIL", "INVITE"]
        {
            assert!(svg.contains(text), "{text} is missing");
        }
        assert_eq!(svg.matches('<').count(), svg.matches('>').count());
    }
}
