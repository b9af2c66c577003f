//! The ladder as a picture: one self-contained SVG file, arrows coloured by what they carry.

use std::fmt::Write as _;

use super::capture::Capture;
use super::journey::{Arrow, End, Journeys};
use super::ladder::{LadderStyle, label, seconds};
use super::names::Names;
use super::sight::Kind;

/// Draws a whole capture as SVG under `title`. Colours and width of the style do not matter here.
pub fn ladder_svg(capture: &Capture, names: &Names, title: &str, style: &LadderStyle) -> String {
    let mut journeys = Journeys::new(names.clone(), style.focus.as_deref(), style.noise);
    let mut arrows = Vec::new();
    for frame in &capture.frames {
        arrows.append(&mut journeys.push(frame));
    }
    arrows.append(&mut journeys.finish());
    let picture = Picture::of(capture, &journeys, &arrows, style.path);
    picture.draw(title, &arrows)
}

/// One row of a picture with two sides.
pub(super) struct Drawn {
    /// Whether it is a sentence, which stands above what follows.
    pub sentence: bool,
    /// The lines on the left.
    pub specified: Vec<String>,
    /// What stands on the right, by its place among the arrows.
    pub arrow: Option<usize>,
}

/// Draws what was specified on the left of what was observed, under a title and over a verdict.
pub(super) fn beside(
    capture: &Capture,
    journeys: &Journeys,
    arrows: &[Arrow],
    rows: &[Drawn],
    (title, verdict): (&str, &[String]),
) -> String {
    let picture = Picture { left: LEFT_WIDTH, ..Picture::of(capture, journeys, arrows, true) };
    picture.draw_beside(title, verdict, arrows, rows)
}

/// Where things stand in the picture.
struct Picture<'a> {
    capture: &'a Capture,
    names: &'a Names,
    columns: Vec<usize>,
    path: bool,
    rows: usize,
    /// How far right the ladder begins.
    left: usize,
}

impl<'a> Picture<'a> {
    fn of(capture: &'a Capture, journeys: &'a Journeys, arrows: &[Arrow], path: bool) -> Self {
        let names = journeys.names();
        let used = |node: &usize| arrows.iter().any(|arrow| [arrow.from, arrow.to].contains(node));
        let columns = (0..names.len()).filter(used).collect();
        let rows = arrows.iter().map(|arrow| 1 + arrow.comments.len()).sum();
        Self { capture, names, columns, path, rows, left: 0 }
    }

    fn draw(&self, title: &str, arrows: &[Arrow]) -> String {
        let bottom = TOP + self.rows * ROW + ROW / 2;
        let mut svg = self.head_of_file(title, bottom);
        let mut row = 0;
        for arrow in arrows {
            self.arrow(&mut svg, arrow, TOP + row * ROW + ROW);
            row += 1;
            for comment in &arrow.comments {
                self.remark(&mut svg, comment, TOP + row * ROW + ROW);
                row += 1;
            }
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn draw_beside(
        &self,
        title: &str,
        verdict: &[String],
        arrows: &[Arrow],
        rows: &[Drawn],
    ) -> String {
        let heights: Vec<usize> = rows
            .iter()
            .map(|row| {
                let text = row.specified.len() * LINE + LINE / 2;
                if row.arrow.is_some() { text.max(ROW) } else { text }
            })
            .collect();
        let end = TOP + LINE + heights.iter().sum::<usize>();
        let mut svg = self.head_of_file(title, end + LINE * verdict.len());
        let mut y = TOP + LINE;
        for (row, height) in rows.iter().zip(heights) {
            for (line, text) in row.specified.iter().enumerate() {
                let weight = if row.sentence { "font-weight=\"bold\"" } else { "" };
                let indent = text.chars().take_while(|character| *character == ' ').count() * 7;
                add(
                    &mut svg,
                    &format!(
                        "<text x=\"{}\" y=\"{}\" font-size=\"12\" {weight} fill=\"{INK}\">{}</text>",
                        20 + indent,
                        y + LINE + line * LINE,
                        escaped(text.trim_start()),
                    ),
                );
            }
            if let Some(arrow) = row.arrow.and_then(|arrow| arrows.get(arrow)) {
                self.arrow(&mut svg, arrow, y + height - LINE / 2);
            }
            y += height;
        }
        let told = verdict.first().map_or(INK, |first| verdict_colour(first));
        for (line, text) in verdict.iter().enumerate() {
            let y = end + LINE * (line + 2);
            add(&mut svg, &haloed(20, y, "font-weight=\"bold\"", told, text));
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// Everything but the rows.
    fn head_of_file(&self, title: &str, bottom: usize) -> String {
        let last = self.x(self.columns.len().saturating_sub(1));
        let width = last + if self.path { PATH_WIDTH } else { MARGIN };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"{FONT}\" font-size=\"13\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"{PAPER}\"/>\n\
             <text x=\"20\" y=\"30\" font-size=\"18\" font-weight=\"bold\" fill=\"{INK}\">{title}</text>\n",
            height = bottom + 30,
            title = escaped(title),
        );
        self.legend(&mut svg);
        for (column, node) in self.columns.iter().enumerate() {
            self.lifeline(&mut svg, self.x(column), self.names.name(*node), bottom);
        }
        svg
    }

    fn legend(&self, svg: &mut String) {
        let mut x = 20;
        for (kind, name) in [
            (Kind::Mobility, "mobility"),
            (Kind::Sip, "SIP"),
            (Kind::Media, "media"),
            (Kind::Other, "other"),
        ] {
            let colour = colour(kind);
            add(
                svg,
                &format!(
                    "<line x1=\"{x}\" y1=\"50\" x2=\"{}\" y2=\"50\" stroke=\"{colour}\" stroke-width=\"3\"/>\
                     <text x=\"{}\" y=\"54\" font-size=\"12\" fill=\"{INK}\">{name}</text>",
                    x + 26,
                    x + 32
                ),
            );
            x += 52 + name.len() * 8;
        }
        add(
            svg,
            &format!(
                "<line x1=\"{x}\" y1=\"50\" x2=\"{}\" y2=\"50\" stroke=\"{PIPE}\" stroke-width=\"9\"/>\
                 <text x=\"{}\" y=\"54\" font-size=\"12\" fill=\"{INK}\">in a tunnel</text>",
                x + 26,
                x + 32
            ),
        );
    }

    fn lifeline(&self, svg: &mut String, x: usize, name: &str, bottom: usize) {
        let width = name.chars().count() * 8 + 24;
        add(
            svg,
            &format!(
                "<line x1=\"{x}\" y1=\"{top}\" x2=\"{x}\" y2=\"{bottom}\" stroke=\"#b8c0cc\"/>\
                 <rect x=\"{left}\" y=\"70\" width=\"{width}\" height=\"26\" rx=\"5\" fill=\"#ffffff\" stroke=\"#8a94a6\"/>\
                 <text x=\"{x}\" y=\"88\" text-anchor=\"middle\" font-weight=\"bold\" fill=\"{INK}\">{name}</text>",
                top = 96,
                left = x.saturating_sub(width / 2),
                name = escaped(name),
            ),
        );
    }

    fn arrow(&self, svg: &mut String, arrow: &Arrow, y: usize) {
        let (start, target) = (self.column_x(arrow.from), self.column_x(arrow.to));
        let arrived = arrow.end == End::Arrived;
        let end = match (arrived, start < target) {
            (true, _) => target,
            (false, true) => start + STUB,
            (false, false) => start.saturating_sub(STUB),
        };
        let colour = if arrived { colour(arrow.sight.kind) } else { LOST };
        add(
            svg,
            &format!(
                "<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\" font-size=\"11\" fill=\"{FAINT}\">{}</text>",
                seconds(arrow.sent),
                x = self.left + TIME_X,
            ),
        );
        if !arrow.sight.tunnels().is_empty() {
            add(svg, &line(start, end, y, PIPE, "stroke-width=\"9\""));
        }
        let dashes = if arrow.sight.kind == Kind::Media {
            "stroke-width=\"2.5\" stroke-dasharray=\"7 4\""
        } else {
            "stroke-width=\"2\""
        };
        add(svg, &line(start, end, y, colour, dashes));
        self.head(svg, start < target, end, y, colour, arrived);
        self.say(svg, arrow, (start, end), y, colour);
    }

    fn head(&self, svg: &mut String, right: bool, x: usize, y: usize, colour: &str, arrived: bool) {
        if !arrived {
            let cross = format!(
                "<path d=\"M{} {} l10 10 m0 -10 l-10 10\" stroke=\"{colour}\" stroke-width=\"2.5\" fill=\"none\"/>",
                x.saturating_sub(5),
                y - 5
            );
            add(svg, &cross);
            return;
        }
        let back = if right { "-10" } else { "10" };
        add(svg, &format!("<path d=\"M{x} {y} l{back} -5 v10 z\" fill=\"{colour}\"/>"));
    }

    /// The label above the arrow, the path beside the ladder.
    fn say(&self, svg: &mut String, arrow: &Arrow, span: (usize, usize), y: usize, colour: &str) {
        let text = label(arrow, self.names);
        let half = text.chars().count() * 7 / 2;
        let last = self.x(self.columns.len().saturating_sub(1));
        let low = self.left + TIME_X + 10 + half;
        let middle = usize::midpoint(span.0, span.1).min((last + 60).saturating_sub(half)).max(low);
        add(svg, &haloed(middle, y - 9, "text-anchor=\"middle\"", colour, &text));
        if self.path {
            let links: Vec<&str> =
                arrow.links.iter().map(|link| self.capture.link_name(*link)).collect();
            let numbers: Vec<String> = arrow.frames.iter().map(ToString::to_string).collect();
            let path = format!("#{}  {}", numbers.join(","), links.join(" › "));
            add(
                svg,
                &format!(
                    "<text x=\"{}\" y=\"{y}\" font-size=\"11\" fill=\"{FAINT}\">{}</text>",
                    last + 74,
                    escaped(&path)
                ),
            );
        }
    }

    fn remark(&self, svg: &mut String, text: &str, y: usize) {
        let colour = verdict_colour(text);
        add(
            svg,
            &haloed(
                self.left + TIME_X + 14,
                y,
                "font-weight=\"bold\"",
                colour,
                &format!("▸ {text}"),
            ),
        );
    }

    fn x(&self, column: usize) -> usize {
        self.left + FIRST_X + column * PITCH
    }

    fn column_x(&self, node: usize) -> usize {
        self.x(self.columns.iter().position(|column| *column == node).unwrap_or_default())
    }
}

fn line(start: usize, end: usize, y: usize, colour: &str, stroke: &str) -> String {
    format!(
        "<line x1=\"{start}\" y1=\"{y}\" x2=\"{end}\" y2=\"{y}\" stroke=\"{colour}\" {stroke}/>"
    )
}

/// Text that stays readable over lines: drawn twice, since not every viewer knows `paint-order`.
fn haloed(x: usize, y: usize, attributes: &str, colour: &str, text: &str) -> String {
    let text = escaped(text);
    let place = format!("<text x=\"{x}\" y=\"{y}\" {attributes}");
    format!(
        "{place} fill=\"{PAPER}\" stroke=\"{PAPER}\" stroke-width=\"3\">{text}</text>\n\
         {place} fill=\"{colour}\">{text}</text>"
    )
}

fn add(svg: &mut String, element: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(svg, "{element}");
}

fn verdict_colour(text: &str) -> &'static str {
    if text.contains("FAIL") {
        LOST
    } else if text.contains("PASS") {
        "#1a7f37"
    } else {
        INK
    }
}

fn colour(kind: Kind) -> &'static str {
    match kind {
        Kind::Mobility => "#0550ae",
        Kind::Sip => "#1a7f37",
        Kind::Media => "#8250df",
        Kind::Noise | Kind::Other => "#57606a",
    }
}

/// Text as XML; characters that XML 1.0 cannot carry become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}');
            }
            other => out.push(other),
        }
    }
    out
}

const FONT: &str = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";
const PAPER: &str = "#fcfcfd";
const INK: &str = "#1f2328";
const FAINT: &str = "#6e7781";
const PIPE: &str = "#f5d9a0";
const LOST: &str = "#cf222e";
const TOP: usize = 96;
const ROW: usize = 34;
const TIME_X: usize = 78;
const FIRST_X: usize = 130;
const PITCH: usize = 210;
const STUB: usize = 90;
const MARGIN: usize = 80;
const PATH_WIDTH: usize = 420;
/// The specified side, and its lines.
const LEFT_WIDTH: usize = 470;
const LINE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::sample;

    #[test]
    fn the_picture_shows_every_arrow_and_is_well_formed() {
        let mut capture = sample::capture();
        capture.comment(2, "then: <\"&\u{1}>");
        let style = LadderStyle::default();
        let svg = ladder_svg(&capture, &sample::names(), "S2 <interception>", &style);
        assert_eq!(svg.matches("<svg").count(), 1);
        for text in [
            "S2 &lt;interception&gt;",
            "[ha→coa] INVITE",
            "✗ lost",
            "×3 direct",
            "▸ FAIL",
            "&lt;&quot;&amp;\u{fffd}&gt;",
        ] {
            assert!(svg.contains(text), "{text} is missing");
        }
        assert_eq!(svg.matches('<').count(), svg.matches('>').count());
    }
}
