//! The ladder: who sent what to whom, one line per packet, in the order in which it happened.
//!
//! ```text
//!                 mt        ha        ss        cn
//!    2.000413     │         │         ├────────▶│      100 Trying
//!    2.000610     │◀════════╪═════════┤         │      [ss→coa] INVITE sip:mt@example.com
//! ```

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::capture::{Capture, Frame};
use super::journey::{Arrow, End, Journeys};
use super::names::Names;
use super::sight::Kind;

/// How a ladder is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LadderStyle {
    /// Whether lines carry ANSI colours.
    pub colours: bool,
    /// Whether neighbour discovery, listener discovery and bare TCP segments are shown too.
    pub noise: bool,
    /// Whether each line ends with the frames' numbers and the links crossed.
    pub path: bool,
    /// The node whose order of events is shown; packets between others count when they leave.
    pub focus: Option<String>,
    /// Lines are cut at this many characters; 0 = never.
    pub width: usize,
}

impl Default for LadderStyle {
    /// Plain, without noise, with paths, as the mobile terminal sees it.
    fn default() -> Self {
        Self { colours: false, noise: false, path: true, focus: Some("mt".to_owned()), width: 0 }
    }
}

/// Draws a whole capture, with the nodes that have a part in it as columns.
pub fn ladder(capture: &Capture, names: &Names, style: &LadderStyle) -> String {
    let mut printer = LadderPrinter::new(names.clone(), capture.links.clone(), style.clone());
    let mut arrows = Vec::new();
    for frame in &capture.frames {
        arrows.append(&mut printer.journeys.push(frame));
    }
    arrows.append(&mut printer.journeys.finish());
    let used = |node: &usize| arrows.iter().any(|arrow| [arrow.from, arrow.to].contains(node));
    printer.columns = (0..printer.journeys.names().len()).filter(used).collect();
    printer.draw(&arrows).unwrap_or_default()
}

/// The line that names the columns, and for each arrow the numbers of its frames and its line, all
/// without remarks and line ends.
pub(super) fn lines(
    capture: &Capture,
    names: &Names,
    style: &LadderStyle,
) -> (String, Vec<(Vec<usize>, String)>) {
    let mut printer = LadderPrinter::new(names.clone(), capture.links.clone(), style.clone());
    let mut arrows = Vec::new();
    for frame in &capture.frames {
        arrows.append(&mut printer.journeys.push(frame));
    }
    arrows.append(&mut printer.journeys.finish());
    let used = |node: &usize| arrows.iter().any(|arrow| [arrow.from, arrow.to].contains(node));
    printer.columns = (0..printer.journeys.names().len()).filter(used).collect();
    let header = printer.header_if_new(&arrows);
    let line = |arrow: &Arrow| (arrow.frames.clone(), printer.line(arrow).trim_end().to_owned());
    (header.trim_end().to_owned(), arrows.iter().map(line).collect())
}

/// Draws a ladder while frames come.
#[derive(Debug)]
pub struct LadderPrinter {
    journeys: Journeys,
    links: Vec<String>,
    style: LadderStyle,
    columns: Vec<usize>,
    /// Characters from one lifeline to the next.
    pitch: usize,
    headed: bool,
}

impl LadderPrinter {
    /// A ladder of these nodes on these links (the index is the link's number).
    pub fn new(names: Names, links: Vec<String>, style: LadderStyle) -> Self {
        let columns: Vec<usize> = (0..names.len()).filter(|node| !names.passes_on(*node)).collect();
        let widest = columns.iter().map(|node| names.name(*node).chars().count() + 2).max();
        let pitch = widest.unwrap_or_default().clamp(COLUMN_MIN, COLUMN_MAX);
        let journeys = Journeys::new(names, style.focus.as_deref(), style.noise);
        Self { journeys, links, style, columns, pitch, headed: false }
    }

    /// Takes the next frame; returns the lines that can be drawn now, each ended by a newline.
    pub fn push(&mut self, frame: &Frame) -> Option<String> {
        let arrows = self.journeys.push(frame);
        self.draw(&arrows)
    }

    /// There are no more frames: returns the lines that were waiting.
    pub fn finish(&mut self) -> Option<String> {
        let arrows = self.journeys.finish();
        self.draw(&arrows)
    }

    /// A line of the caller's between the arrows: a step, a verdict.
    pub fn note(&mut self, at: Duration, text: &str) -> String {
        let mut lines = self.finish().unwrap_or_default();
        lines.push_str(&self.header_if_new(&[]));
        lines.push_str(&self.remark(Some(at), text));
        lines
    }

    fn draw(&mut self, arrows: &[Arrow]) -> Option<String> {
        if arrows.is_empty() {
            return None;
        }
        let mut lines = self.header_if_new(arrows);
        for arrow in arrows {
            lines.push_str(&self.line(arrow));
            for comment in &arrow.comments {
                lines.push_str(&self.remark(None, comment));
            }
        }
        Some(lines)
    }

    /// The names of the columns, at the start and again when a stranger joins.
    fn header_if_new(&mut self, arrows: &[Arrow]) -> String {
        for node in arrows.iter().flat_map(|arrow| [arrow.from, arrow.to]) {
            if !self.columns.contains(&node) {
                self.columns.push(node);
                self.headed = false;
            }
        }
        if self.headed {
            return String::new();
        }
        self.headed = true;
        let mut line = " ".repeat(TIME);
        let names = self.journeys.names();
        for (column, node) in self.columns.iter().enumerate() {
            let at = self.position(column);
            let name = ending(names.name(*node), self.pitch - 1);
            let start = at.saturating_sub(name.chars().count() / 2);
            while line.chars().count() < start {
                line.push(' ');
            }
            line.push_str(&name);
            line.push(' ');
        }
        format!("{}\n", self.cut(line.trim_end().to_owned()))
    }

    fn line(&self, arrow: &Arrow) -> String {
        let time = format!("{:>width$} ", seconds(arrow.sent), width = TIME - 1);
        let rungs = self.rungs(arrow);
        let label = label(arrow, self.journeys.names());
        let split = label.chars().count();
        let path = if self.style.path { self.path(arrow) } else { String::new() };
        let room = self.room().saturating_sub(TIME + rungs.chars().count() + 2);
        let text = cut_at(format!("{label}  {path}").trim_end().to_owned(), room);
        if !self.style.colours {
            return format!("{time}{rungs}  {text}\n");
        }
        let (dim, colour) = (Style::new().dimmed(), colour(arrow));
        let label: String = text.chars().take(split).collect();
        let path: String = text.chars().skip(split).collect();
        let lit = self.lit(&rungs, arrow, colour);
        format!("{dim}{time}{dim:#}{lit}  {colour}{label}{colour:#}{dim}{path}{dim:#}\n")
    }

    /// The lifelines with the arrow across them.
    fn rungs(&self, arrow: &Arrow) -> String {
        let (from, to) = (self.column(arrow.from), self.column(arrow.to));
        let (left, right) = (self.position(from.min(to)), self.position(from.max(to)));
        let last = self.position(self.columns.len().saturating_sub(1));
        let stroke = if !arrow.sight.tunnels().is_empty() {
            ('═', '╪', '╞', '╡')
        } else if arrow.sight.kind == Kind::Media {
            ('┄', '┼', '├', '┤')
        } else {
            ('─', '┼', '├', '┤')
        };
        // An arrow that does not arrive ends between two lifelines.
        let middle = if from < to { left + STUB } else { right.saturating_sub(STUB) };
        let reached = |at: usize| {
            arrow.end == End::Arrived || if from < to { at <= middle } else { at >= middle }
        };
        let mut rungs = String::new();
        for at in TIME..=last {
            let lifeline = (0..self.columns.len()).any(|column| self.position(column) == at);
            let within = left < at && at < right;
            rungs.push(match (lifeline, within) {
                (true, true) if reached(at) => stroke.1,
                (true, false) if at == self.position(from) && left != right => {
                    if from < to {
                        stroke.2
                    } else {
                        stroke.3
                    }
                }
                (true, false) if left == right && at == left => '◌',
                (true, true | false) => '│',
                (false, true) if !reached(at) => ' ',
                (false, true) if arrow.end != End::Arrived && at == middle => '✗',
                (false, true) if from < to && at + 1 == right => '▶',
                (false, true) if from > to && at == left + 1 => '◀',
                (false, true) => stroke.0,
                (false, false) => ' ',
            });
        }
        rungs
    }

    /// The rungs with the arrow in its colour and the lifelines dimmed.
    fn lit(&self, rungs: &str, arrow: &Arrow, colour: Style) -> String {
        let (from, to) = (self.column(arrow.from), self.column(arrow.to));
        let (left, right) = (self.position(from.min(to)), self.position(from.max(to)));
        let parts = |from: usize, to: usize| {
            rungs.chars().skip(from - TIME).take(to - from).collect::<String>()
        };
        let (dim, end) = (Style::new().dimmed(), TIME + rungs.chars().count());
        format!(
            "{dim}{}{dim:#}{colour}{}{colour:#}{dim}{}{dim:#}",
            parts(TIME, left),
            parts(left, right + 1),
            parts(right + 1, end)
        )
    }

    /// A step or verdict under its packet.
    fn remark(&self, at: Option<Duration>, text: &str) -> String {
        let time = at.map_or_else(String::new, seconds);
        let line = self.cut(format!("{time:>width$} ▸ {text}", width = TIME - 1));
        if !self.style.colours {
            return format!("{line}\n");
        }
        let verdict = if text.contains("FAIL") {
            AnsiColor::Red.on_default().bold()
        } else if text.contains("PASS") {
            AnsiColor::Green.on_default().bold()
        } else {
            Style::new().bold()
        };
        format!("{verdict}{line}{verdict:#}\n")
    }

    /// The numbers of the frames and the links they crossed.
    fn path(&self, arrow: &Arrow) -> String {
        let numbers: Vec<String> = arrow.frames.iter().map(ToString::to_string).collect();
        let links: Vec<&str> = arrow
            .links
            .iter()
            .map(|link| self.links.get(link.0).map_or("?", String::as_str))
            .collect();
        format!("#{} {}", numbers.join(","), links.join(" › "))
    }

    fn column(&self, node: usize) -> usize {
        self.columns.iter().position(|column| *column == node).unwrap_or_default()
    }

    fn position(&self, column: usize) -> usize {
        TIME + 3 + column * self.pitch
    }

    fn room(&self) -> usize {
        if self.style.width == 0 { usize::MAX } else { self.style.width }
    }

    fn cut(&self, line: String) -> String {
        cut_at(line, self.room())
    }
}

/// What an arrow says: its tunnels, its line, how many packets, how it ended.
pub(super) fn label(arrow: &Arrow, names: &Names) -> String {
    let mut text = String::new();
    for (source, destination) in arrow.sight.tunnels() {
        // Writing to a String cannot fail.
        let _ = write!(text, "[{}→{}] ", names.label(*source), names.label(*destination));
    }
    text.push_str(&names.relabelled(&arrow.sight.line));
    if arrow.count > 1 {
        let _ = write!(text, " ×{}", arrow.count);
    }
    if arrow.sight.kind == Kind::Media && arrow.sight.tunnels().is_empty() {
        text.push_str(" direct");
    }
    match arrow.end {
        End::Arrived => {}
        End::Lost => text.push_str(" ✗ lost"),
        End::Unseen => text.push_str(" ✗ not seen again"),
    }
    text
}

fn colour(arrow: &Arrow) -> Style {
    let colour = match arrow.sight.kind {
        _ if arrow.end != End::Arrived => AnsiColor::Red,
        Kind::Mobility => AnsiColor::Cyan,
        Kind::Sip => AnsiColor::Green,
        Kind::Media => AnsiColor::Magenta,
        Kind::Noise | Kind::Other => AnsiColor::White,
    };
    colour.on_default()
}

pub(super) fn seconds(at: Duration) -> String {
    format!("{}.{:06}", at.as_secs(), at.subsec_micros())
}

/// The end of a name that is too long: of an address, that tells more than its beginning.
fn ending(name: &str, width: usize) -> String {
    let length = name.chars().count();
    if length <= width {
        return name.to_owned();
    }
    let end: String = name.chars().skip(length - width + 1).collect();
    format!("…{end}")
}

fn cut_at(line: String, width: usize) -> String {
    if line.chars().count() <= width {
        return line;
    }
    let mut line: String = line.chars().take(width.saturating_sub(1)).collect();
    line.push('…');
    line
}

/// Characters before the first lifeline's column, the time among them.
const TIME: usize = 12;

/// Characters between lifelines.
const COLUMN_MIN: usize = 10;
const COLUMN_MAX: usize = 24;

/// How far an arrow goes that does not arrive.
const STUB: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::sample;

    #[test]
    fn a_call_is_drawn_as_the_mobile_terminal_sees_it() {
        insta::assert_snapshot!(ladder(&sample::capture(), &sample::names(), &LadderStyle::default()), @r"
                   mt        ha        ss        cn     …b8:a::77
        2.000100    │         │◀────────┤         │         │  INVITE sip:mt@example.com  #1,2 server › home
        2.000300    │◀════════╡         │         │         │  [ha→coa] INVITE sip:mt@example.com  #3,4,5 home › backbone › visited-1
        2.000600    ├─────✗   │         │         │         │  BU seq=4660 A life=420s ✗ lost  #6 visited-1
        2.000700    ╞════════▶│         │         │         │  [coa→ha] 180 Ringing  #7,8,9 visited-1 › backbone › home
                 ▸ FAIL CL-RO-01: 180 before BA
        2.001100    │◀┄┄┄┄┄┄┄┄┼┄┄┄┄┄┄┄┄┄┼┄┄┄┄┄┄┄┄┄┤         │  RTP payload type 0 ×3 direct  #11,12,13 correspondent › backbone › visited-1
        2.002000    │         │         │         ├─────✗   │  Echo Request id=7 seq=8 ✗ not seen again  #20 correspondent
        ");
    }

    #[test]
    fn lines_come_while_frames_come_and_say_the_same() {
        let capture = sample::capture();
        let style = LadderStyle { path: false, ..LadderStyle::default() };
        let mut printer = LadderPrinter::new(sample::names(), capture.links.clone(), style.clone());
        let mut told = Vec::new();
        for frame in &capture.frames {
            told.push(printer.push(frame).unwrap_or_default());
        }
        // The INVITE arrives at the home agent with the second frame, at the terminal with the fifth.
        assert!(told[0].is_empty() && told[1].contains("INVITE") && told[4].contains("INVITE"));
        told.push(printer.note(Duration::from_secs(3), "PASS CL-INT-01"));
        let told = told.concat();
        let whole = ladder(&capture, &sample::names(), &style);
        for line in whole.lines().skip(1) {
            let label = line.rsplit('│').next().unwrap_or(line).trim();
            assert!(told.contains(label), "{label} is missing in\n{told}");
        }
        assert!(told.ends_with("3.000000 ▸ PASS CL-INT-01\n"), "{told}");
    }

    #[test]
    fn lines_can_be_cut_and_coloured_and_then_say_the_same() {
        let narrow = LadderStyle { width: 60, ..LadderStyle::default() };
        let plain = ladder(&sample::capture(), &sample::names(), &narrow);
        assert!(plain.lines().all(|line| line.chars().count() <= 60), "{plain}");
        let coloured = LadderStyle { colours: true, ..narrow };
        let coloured = ladder(&sample::capture(), &sample::names(), &coloured);
        let stripped: Vec<String> =
            anstream_strip(&coloured).lines().map(|l| l.trim_end().to_owned()).collect();
        assert_eq!(stripped, plain.lines().collect::<Vec<_>>());
    }

    fn anstream_strip(text: &str) -> String {
        let mut out = String::new();
        let mut escaped = false;
        for character in text.chars() {
            match (escaped, character) {
                (false, '\u{1b}') => escaped = true,
                (true, 'm') => escaped = false,
                (true, _) => {}
                (false, character) => out.push(character),
            }
        }
        out
    }
}
