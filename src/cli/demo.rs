//! `demo`: the claimed call, shown as ladders while it happens and judged claim by claim.

mod files;
mod player;
#[cfg(feature = "live")]
mod side_by_side;
mod summary;

use std::path::PathBuf;

use anstyle::Style;
use clap::ValueEnum;
use roamproof::lab_arm::LabArm;
use roamproof_harness::ExitCode;
use roamproof_harness::evidence::{LadderPrinter, LadderStyle, Names};
use roamproof_harness::sequence::{self, Sequence};
use roamproof_harness::topology::claimed;

use super::verdicts::color;
use super::{Context, Format, Refusal};
use files::Folder;
use player::{Ended, Told};
use summary::Summary;

/// Run the claimed call's sequences against the reference, show their ladders and judge them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which sequences: s1 (registration) to s9 (the caller cancels) or a variant such as s4-tcp or s4-silent; without any, all that run in both arms.
    #[arg(value_name = "SEQUENCE")]
    sequences: Vec<String>,

    /// Simulated (`lab`), in network namespaces (`live`), or both.
    #[arg(long, value_enum, default_value_t = Arms::Both)]
    arm: Arms,

    /// Where captures, ladders and verdicts go; without it a new folder in `out`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Overwrite what is in DIR.
    #[arg(long, requires = "out")]
    force: bool,

    /// What a node is to do wrong, as `mt:no-route-optimization` (only in a build with the feature `misdeeds`); may be repeated.
    #[arg(long = "misdeed", value_name = "NODE:NAME")]
    misdeeds: Vec<String>,
}

/// Which arms run a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arms {
    /// Simulated links and simulated time.
    Lab,
    /// Network namespaces and real time.
    Live,
    /// One after the other.
    Both,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let chosen = chosen(&args.sequences)?;
    let misdeeds = args.misdeeds.iter().map(|one| misdeed(one)).collect::<Result<Vec<_>, _>>()?;
    // The sandbox is entered before anything else: before any thread, and before the work whose
    // results would be lost where it cannot be.
    let live = Live::enter(args.arm)?;
    let folder = Folder::make(args.out.as_deref(), args.force)?;
    let mut summary = Summary::default();
    if args.arm != Arms::Live {
        for sequence in &chosen {
            let mut show = Show::new(context, sequence, "lab");
            let played =
                player::play(sequence, &mut LabArm, &misdeeds, &mut |told| show.told(told));
            show.end(played, &folder, &mut summary)?;
        }
    }
    if let Some(live) = live {
        let live_ones: Vec<&'static Sequence> =
            chosen.iter().copied().filter(|one| !one.lab_only).collect();
        let names: Vec<(&'static Sequence, &str)> =
            live_ones.iter().map(|sequence| (*sequence, "live")).collect();
        live.play_all(&names, &misdeeds, context, &folder, &mut summary)?;
    }
    summary.print(context, &folder)?;
    Ok(summary.exit_code())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Sequence>, Refusal> {
    if names.is_empty() {
        return Ok(sequence::ALL.iter().filter(|sequence| !sequence.lab_only).collect());
    }
    let find = |name: &String| {
        Sequence::find(name).ok_or_else(|| {
            let known: Vec<&str> = sequence::ALL.iter().map(|one| one.id).collect();
            Refusal::usage(
                format!("no sequence is called `{name}`"),
                format!("say one of {}", known.join(", ")),
            )
        })
    };
    names.iter().map(find).collect()
}

fn misdeed(text: &str) -> Result<(String, String), Refusal> {
    let (node, name) = text.split_once(':').ok_or_else(|| {
        Refusal::usage(
            format!("`{text}` is no misdeed of a node"),
            "say --misdeed NODE:NAME, as in --misdeed ha:ack-without-binding",
        )
    })?;
    if cfg!(not(feature = "misdeeds")) {
        return Err(Refusal::usage(
            format!("misdeed {name}: this build has none"),
            "build with --features misdeeds",
        ));
    }
    Ok((node.to_owned(), name.to_owned()))
}

/// The live arm, where it is wanted and built in.
struct Live {
    #[cfg(feature = "live")]
    live: roamproof::live_arm::Live,
}

impl Live {
    #[cfg(feature = "live")]
    fn enter(arms: Arms) -> Result<Option<Self>, Refusal> {
        if arms == Arms::Lab {
            return Ok(None);
        }
        let live = roamproof::live_arm::Live::enter().map_err(Refusal::arm)?;
        Ok(Some(Self { live }))
    }

    #[cfg(not(feature = "live"))]
    fn enter(arms: Arms) -> Result<Option<Self>, Refusal> {
        match arms {
            Arms::Live => Err(Refusal::usage(
                "this build has no live arm",
                "build with --features live on Linux, or say --arm lab",
            )),
            Arms::Lab | Arms::Both => Ok(None),
        }
    }

    /// Plays sequences side by side: their waits cost nothing. Their ladders are shown one after the
    /// other, the first that is not over while it happens.
    #[cfg(feature = "live")]
    fn play_all(
        &self,
        sequences: &[(&'static Sequence, &str)],
        misdeeds: &[(String, String)],
        context: &Context,
        folder: &Folder,
        summary: &mut Summary,
    ) -> anyhow::Result<()> {
        let chosen: Vec<&'static Sequence> = sequences.iter().map(|(one, _)| *one).collect();
        side_by_side::play(
            &chosen,
            misdeeds,
            || self.live.arm(),
            |stories| {
                for ((sequence, arm), story) in sequences.iter().zip(stories) {
                    let mut show = Show::new(context, sequence, arm);
                    let ended = story.follow(|told| show.told(told));
                    show.end(ended, folder, summary)?;
                }
                Ok(())
            },
        )
    }

    #[cfg(not(feature = "live"))]
    fn play_all(
        &self,
        _: &[(&'static Sequence, &str)],
        _: &[(String, String)],
        _: &Context,
        _: &Folder,
        _: &mut Summary,
    ) -> anyhow::Result<()> {
        Ok(())
    }
}

/// One sequence on the screen.
struct Show<'a> {
    context: &'a Context,
    sequence: &'static Sequence,
    arm: String,
    printer: Option<LadderPrinter>,
}

impl<'a> Show<'a> {
    fn new(context: &'a Context, sequence: &'static Sequence, arm: &str) -> Self {
        let printer = (context.format == Format::Text).then(|| {
            let topology = claimed::topology(&(sequence.wants)());
            let links = topology.links.iter().map(|link| link.name.clone()).collect();
            LadderPrinter::new(Names::of_claimed(&topology), links, style(context))
        });
        let show = Self { context, sequence, arm: arm.to_owned(), printer };
        show.print(&format!("\n{}\n", show.headline()));
        show
    }

    fn headline(&self) -> String {
        let id = self.sequence.id.to_uppercase();
        let text = format!("{id} · {} · {}", self.arm, self.sequence.title);
        self.context.paint(Style::new().bold(), &text)
    }

    fn told(&mut self, told: &Told) {
        let Told::Frame(frame) = told;
        let lines = self.printer.as_mut().and_then(|printer| printer.push(frame));
        if let Some(lines) = lines {
            self.print(&lines);
        }
    }

    fn end(mut self, ended: Ended, folder: &Folder, summary: &mut Summary) -> anyhow::Result<()> {
        if let Some(printer) = &mut self.printer {
            let lines = printer.finish();
            self.print(&lines.into_iter().collect::<String>());
        }
        let played = ended.map_err(Refusal::arm)?;
        let rows = self.sequence.judged(&played);
        let capture = folder.keep(&self.arm, self.sequence, &played, &rows)?;
        for row in &rows {
            let packets: Vec<String> = row.packets.iter().map(usize::to_string).collect();
            let verdict = self.context.paint(color(row.verdict), &format!("{:6}", row.verdict));
            let why = row.why.as_ref().map_or_else(String::new, |why| format!("  {why}"));
            self.print(&format!("{verdict} {}  packets {}{why}\n", row.row, packets.join(", ")));
        }
        summary.add(&self.arm, self.sequence, rows, &played, capture);
        Ok(())
    }

    fn print(&self, text: &str) {
        if self.context.format == Format::Text {
            // A closed pipe ends the showing, not the run.
            let _ = self.context.print(text);
        }
    }
}

fn style(context: &Context) -> LadderStyle {
    LadderStyle { colours: context.shows_colours(), ..LadderStyle::default() }
}
