//! `judge`: a capture held against the claims, a bundle judged again.

pub(super) mod bundle;
mod messages;

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use roamproof_harness::ExitCode;
use roamproof_harness::bundle::is_bundle;
use roamproof_harness::evidence::{Capture, pcapng};
use roamproof_harness::judge::{Cast, Judgement, Terminal, cast_of, judge};
use roamproof_harness::rules::{self, Held};
use roamproof_harness::verdict::Verdict;
use serde::Serialize;

use super::{Context, Format, Refusal, verdicts};

/// Judge a capture row by row, each verdict with the packets it rests on; or the bundle of a case again.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A pcapng or pcap file, a folder that holds one, or the bundle of a case as `run --out` left it; several captures of one run, such as one for each link, are judged as one, their packets counted in the order of time.
    #[arg(value_name = "CAPTURE|BUNDLE", required = true)]
    captures: Vec<PathBuf>,

    /// Which address plays what, where the capture does not say so: MT (its home address), HA, SS or CN, as in `HA=2001:db8:a::a`; may be repeated, an HA after its MT.
    #[arg(long, value_name = "ROLE=ADDRESS")]
    roles: Vec<String>,

    /// The profile that a bundle was made with, where the device has keys of its own: no bundle holds them.
    #[arg(long, value_name = "FILE")]
    device: Option<PathBuf>,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    if let [one] = args.captures.as_slice()
        && is_bundle(one)
    {
        return bundle::run(one, args.device.as_deref(), context);
    }
    let told = args.roles.iter().map(|text| role(text)).collect::<Result<Vec<_>, _>>()?;
    let paths = args.captures.iter().map(|path| file(path)).collect::<Result<Vec<_>, _>>()?;
    let capture = capture(&paths)?;
    let cast = cast(&capture, &told)?;
    let judged = if cast.is_empty() { Vec::new() } else { judge(&capture, Some(cast.clone())) };
    let held = rules::of_capture(&capture, &cast);
    let verdict = Verdicts::of(&paths, &cast, &judged, &held);
    match context.format {
        Format::Json => context.print_json(&verdict)?,
        Format::Text => {
            let messages = messages::text(&verdict.every_message, context)?;
            context.print(&(text(&verdict, context)? + &messages))?;
        }
    }
    if verdict.rows.is_empty() && held.is_empty() {
        context.tell(if cast.is_empty() {
            "nothing to judge: nobody in this capture sends a home registration; say who plays what by --roles"
        } else {
            "nothing to judge: the capture exercises no row"
        });
        return Ok(ExitCode::Nothing);
    }
    let rules = verdict.every_message.iter().map(|rule| rule.verdict);
    let verdicts = verdict.rows.iter().map(|row| row.verdict).chain(rules);
    Ok(ExitCode::of_verdicts(verdicts, false))
}

/// What programs read.
#[derive(Serialize)]
struct Verdicts<'a> {
    captures: &'a [PathBuf],
    roles: Vec<String>,
    rows: Vec<Row<'a>>,
    not_exercised: Vec<&'static str>,
    every_message: Vec<messages::Rule<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    row: &'static str,
    verdict: Verdict,
    why: Option<&'a str>,
    /// As tshark counts them.
    packets: Vec<usize>,
}

impl<'a> Verdicts<'a> {
    fn of(captures: &'a [PathBuf], cast: &Cast, judged: &'a [Judgement], held: &'a [Held]) -> Self {
        let mut verdicts = Self {
            captures,
            roles: roles(cast),
            rows: Vec::new(),
            not_exercised: Vec::new(),
            every_message: held.iter().map(messages::Rule::of).collect(),
        };
        for Judgement { row, verdict, why, frames } in judged {
            match verdict {
                None => verdicts.not_exercised.push(row),
                Some(verdict) => verdicts.rows.push(Row {
                    row,
                    verdict: *verdict,
                    why: why.as_deref(),
                    packets: frames.iter().map(|frame| frame + 1).collect(),
                }),
            }
        }
        verdicts
    }
}

fn text(verdicts: &Verdicts<'_>, context: &Context) -> anyhow::Result<String> {
    let mut text = String::new();
    for role in &verdicts.roles {
        writeln!(text, "{role}")?;
    }
    for Row { row, verdict, why, packets } in &verdicts.rows {
        let word = context.paint(verdicts::color(*verdict), &format!("{verdict:6}"));
        let packets: Vec<String> = packets.iter().map(usize::to_string).collect();
        writeln!(text, "{word} {row:10}  packets {}", packets.join(", "))?;
        if let Some(why) = why {
            writeln!(text, "       {why}")?;
        }
    }
    if verdicts.rows.is_empty() {
        return Ok(text);
    }
    if !verdicts.not_exercised.is_empty() {
        writeln!(text, "Not exercised (no PASS): {}", verdicts.not_exercised.join(" "))?;
    }
    let count = |wanted| verdicts.rows.iter().filter(|row| row.verdict == wanted).count();
    let all = verdicts.rows.len();
    let plural = if all == 1 { "" } else { "s" };
    writeln!(
        text,
        "{all} row{plural} exercised: {} PASS, {} FAIL, {} WARN; {} not exercised",
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::Warn),
        verdicts.not_exercised.len()
    )?;
    Ok(text)
}

/// Who plays what, as it will be judged.
fn roles(cast: &Cast) -> Vec<String> {
    let mut roles = Vec::new();
    for Terminal { home, home_agent, identifier, .. } in &cast.terminals {
        let identifier = identifier.as_deref().map_or_else(String::new, |one| format!(" {one}"));
        roles.push(format!("MT={home}{identifier}"));
        roles.push(format!("HA={home_agent}"));
    }
    roles.extend(cast.server.map(|server| format!("SS={server}")));
    roles.extend(cast.correspondents.iter().map(|one| format!("CN={one}")));
    roles
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Played {
    Terminal,
    HomeAgent,
    Server,
    Correspondent,
}

fn role(text: &str) -> Result<(Played, Ipv6Addr), Refusal> {
    let wrong =
        |what: String| Refusal::usage(what, "say --roles HA=2001:db8:a::a; MT, HA, SS or CN");
    let (word, address) =
        text.split_once('=').ok_or_else(|| wrong(format!("`{text}` is no ROLE=ADDRESS")))?;
    let played = match word.to_ascii_uppercase().as_str() {
        "MT" => Played::Terminal,
        "HA" => Played::HomeAgent,
        "SS" => Played::Server,
        "CN" => Played::Correspondent,
        _ => return Err(wrong(format!("no role of a capture is called `{word}`"))),
    };
    let address = address.parse().map_err(|_| wrong(format!("`{address}` is no IPv6 address")))?;
    Ok((played, address))
}

/// What the capture shows, and over it what the user says.
fn cast(capture: &Capture, told: &[(Played, Ipv6Addr)]) -> Result<Cast, Refusal> {
    let mut cast = cast_of(capture);
    if told.iter().any(|(played, _)| *played == Played::Correspondent) {
        cast.correspondents.clear();
    }
    if told.iter().any(|(played, _)| *played == Played::Terminal) {
        let wanted = |home: Ipv6Addr| told.contains(&(Played::Terminal, home));
        cast.terminals.retain(|terminal| wanted(terminal.home));
    }
    let mut terminal = None;
    for (played, address) in told {
        match played {
            Played::Server => cast.server = Some(*address),
            Played::Correspondent => cast.correspondents.push(*address),
            Played::Terminal => {
                terminal = Some(*address);
                if cast.terminals.iter().all(|one| one.home != *address) {
                    let home_agent = Ipv6Addr::UNSPECIFIED;
                    let (mac, identifier) = (None, None);
                    cast.terminals.push(Terminal { home: *address, home_agent, mac, identifier });
                }
            }
            Played::HomeAgent => {
                let its = |one: &&mut Terminal| terminal.is_none_or(|home| one.home == home);
                cast.terminals.iter_mut().filter(its).for_each(|one| one.home_agent = *address);
            }
        }
    }
    match cast.terminals.iter().find(|terminal| terminal.home_agent.is_unspecified()) {
        None => Ok(cast),
        Some(Terminal { home, .. }) => Err(Refusal::usage(
            format!("nothing says who the home agent of {home} is"),
            format!("say --roles MT={home} --roles HA=ADDRESS"),
        )),
    }
}

/// The capture in a file, or those in several as one.
fn capture(paths: &[PathBuf]) -> Result<Capture, Refusal> {
    let read = |path: &PathBuf| {
        let capture = pcapng::read_file(path)
            .map_err(|error| Refusal::usage(error.place_and_what(), error.advice))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, capture))
    };
    let mut captures = paths.iter().map(read).collect::<Result<Vec<_>, Refusal>>()?;
    Ok(match captures.pop() {
        Some((_, only)) if captures.is_empty() => only,
        last => Capture::merged(captures.into_iter().chain(last).collect()),
    })
}

/// The capture itself, or that of a folder of evidence.
fn file(path: &Path) -> Result<PathBuf, Refusal> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let entries = fs::read_dir(path).map_err(|error| super::folder::unusable(path, &error))?;
    let mut captures: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| {
            file.extension().is_some_and(|ending| ending == "pcapng" || ending == "pcap")
        })
        .collect();
    captures.sort();
    match captures.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Refusal::usage(
            format!("{} holds no capture", path.display()),
            "name a pcapng or pcap file, or the folder of one case",
        )),
        [first, ..] => Err(Refusal::usage(
            format!("{} holds {} captures", path.display(), captures.len()),
            format!("name one of them, such as {}", first.display()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_a_word_and_an_address() {
        assert_eq!(
            role("ss=2001:db8::5").unwrap(),
            (Played::Server, "2001:db8::5".parse().unwrap())
        );
        for wrong in ["ss", "xx=2001:db8::5", "HA=here"] {
            assert_eq!(role(wrong).unwrap_err().code, ExitCode::Usage, "{wrong}");
        }
    }

    #[test]
    fn what_is_told_stands_over_what_is_seen() {
        let capture = Capture::default();
        let address = |text: &str| text.parse::<Ipv6Addr>().unwrap();
        let (home, agent) = (address("2001:db8:a::100"), address("2001:db8:a::a"));
        let told = [(Played::Terminal, home), (Played::HomeAgent, agent)];
        let cast = cast(&capture, &told).unwrap();
        assert_eq!((cast.terminals[0].home, cast.terminals[0].home_agent), (home, agent));
        let alone = super::cast(&capture, &told[..1]).unwrap_err();
        assert!(alone.what.contains("home agent of 2001:db8:a::100"), "{alone}");
    }
}
