//! `list`: the requirements, who judges each, and what is excused.

use roamproof_harness::ExitCode;
use roamproof_harness::catalogue::{Catalogue, ExceptionKind, Pattern};
use roamproof_harness::coverage::{Covered, coverage, judges, summary};
use roamproof_harness::requirement::{Level, Role};
use serde::Serialize;
use serde_json::json;

use super::described::Described;
use super::run::selection;
use super::{Context, Format, Refusal};

/// List the requirements, who judges each, and which are excused from it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these: a requirement or a glob such as `CL-RO-*`; may be repeated.
    #[arg(long, value_name = "ID|GLOB")]
    only: Vec<String>,

    /// Only requirements of this level, such as `must` or `should-not`.
    #[arg(long)]
    level: Option<String>,

    /// Only requirements of this role, such as MT, HA, CN or SS.
    #[arg(long)]
    role: Option<String>,

    /// Only requirements that share their intent with this test of the TAHI suite.
    #[arg(long, value_name = "NAME")]
    tahi: Option<String>,

    /// Only how many there are, by group and level.
    #[arg(long)]
    summary: bool,

    /// The test purposes in place of the requirements: role, level, longest wait, triggers, conditions.
    #[arg(long, conflicts_with_all = ["summary", "tahi"])]
    purposes: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let catalogue = Catalogue::embedded();
    if args.purposes {
        return list_purposes(&args, catalogue, context);
    }
    let selected = selected(&args, catalogue)?;
    match context.format {
        Format::Json => context.print_json(&Listing::of(&selected))?,
        Format::Text if args.summary => context.print(&summary(&selected))?,
        Format::Text => context.print(&text(&selected))?,
    }
    if selected.is_empty() {
        context.tell("no requirement is selected: `roamproof list --summary` shows the groups");
        return Ok(ExitCode::Nothing);
    }
    Ok(ExitCode::Success)
}

fn list_purposes(
    args: &Args,
    catalogue: &Catalogue,
    context: &Context,
) -> anyhow::Result<ExitCode> {
    let chosen =
        selection::of_purposes(&args.only, args.level.as_deref(), args.role.as_deref(), catalogue)?;
    let described: Vec<Described> = chosen.into_iter().map(Described::of).collect();
    if described.is_empty() {
        context.tell("no purpose is selected: `roamproof list` shows who judges what");
        return Ok(ExitCode::Nothing);
    }
    match context.format {
        Format::Json => context.print_json(&json!({ "purposes": described }))?,
        Format::Text => {
            let lines: Vec<String> = described.iter().map(Described::line).collect();
            context.print(&lines.concat())?;
        }
    }
    Ok(ExitCode::Success)
}

fn selected<'a>(args: &Args, catalogue: &'a Catalogue) -> Result<Vec<Covered<'a>>, Refusal> {
    for pattern in &args.only {
        catalogue.matching(pattern).map_err(Refusal::unknown_id)?;
    }
    let only: Vec<Pattern> = args.only.iter().map(|text| Pattern::new(text)).collect();
    let level = args.level.as_deref().map(level).transpose()?;
    let role = args.role.as_deref().map(role).transpose()?;
    let mut rows = coverage(catalogue, &judges());
    rows.retain(|row| {
        let requirement = row.requirement;
        (only.is_empty() || only.iter().any(|pattern| pattern.names(&requirement.id)))
            && level.is_none_or(|level| requirement.level == level)
            && role.is_none_or(|role| requirement.roles.contains(&role))
            && args.tahi.as_ref().is_none_or(|test| requirement.tahi.contains(test))
    });
    Ok(rows)
}

pub(super) fn level(word: &str) -> Result<Level, Refusal> {
    Level::called(word).ok_or_else(|| {
        let known: Vec<&str> = Level::ALL.iter().map(|level| level.keyword()).collect();
        Refusal::usage(
            format!("no level is called `{word}`"),
            format!("one of {}", known.join(", ")),
        )
    })
}

fn role(word: &str) -> Result<Role, Refusal> {
    Role::called(word).ok_or_else(|| {
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
        Refusal::usage(
            format!("no role is called `{word}`"),
            format!("one of {}", known.join(", ")),
        )
    })
}

/// What programs read.
#[derive(Serialize)]
struct Listing<'a> {
    requirements: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    level: Level,
    roles: &'a [Role],
    judged_by: &'a [&'a str],
    excused: Option<&'a str>,
}

impl<'a> Listing<'a> {
    fn of(rows: &'a [Covered<'a>]) -> Self {
        let requirements = rows
            .iter()
            .map(|row| Row {
                id: &row.requirement.id,
                level: row.requirement.level,
                roles: &row.requirement.roles,
                judged_by: &row.judged_by,
                excused: row.excused.map(|exception| exception.reason.as_str()),
            })
            .collect();
        Self { requirements }
    }
}

fn text(rows: &[Covered<'_>]) -> String {
    let mut text = String::new();
    for row in rows {
        let requirement = row.requirement;
        let roles: Vec<&str> = requirement.roles.iter().map(|role| role.name()).collect();
        let state = match row.excused.map(|exception| exception.kind) {
            Some(ExceptionKind::Planned) => "planned".to_owned(),
            Some(ExceptionKind::NotJudged) => "not judged".to_owned(),
            None if row.judged_by.is_empty() => "no judge".to_owned(),
            None => row.judged_by.join(" "),
        };
        let line = format!(
            "{:11} {:10} {:12} {:22} {state}",
            requirement.id,
            requirement.level,
            roles.join(" "),
            requirement.source()
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
