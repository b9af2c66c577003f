//! Which purposes a command line selects.

use roamproof_harness::Catalogue;
use roamproof_harness::catalogue::Pattern;
use roamproof_harness::purpose::{self, Purpose};
use roamproof_harness::requirement::{Level, Role as Bound};
use roamproof_harness::topology::Role;
use roamproof_node::misdeed;

use super::Args;
use crate::cli::{Refusal, list};

/// The purposes that `args` select, in their order.
///
/// # Errors
///
/// A name that is none of a requirement, a purpose, a level, a role or a misdeed.
pub(super) fn chosen(args: &Args, catalogue: &Catalogue) -> Result<Vec<&'static Purpose>, Refusal> {
    let (level, role) = (args.level.as_deref(), args.role.as_deref());
    let mut chosen = of_purposes(&args.only, level, role, catalogue)?;
    let misdoer = misdoer(&args.misdeeds)?;
    chosen.retain(|purpose| misdoer.is_none_or(|misdoer| purpose.role == misdoer));
    Ok(chosen)
}

/// The purposes that ids, a level and a role select, in their order.
///
/// # Errors
///
/// A name that is none of a requirement, a purpose, a level or a role.
pub(in crate::cli) fn of_purposes(
    only: &[String],
    level: Option<&str>,
    role: Option<&str>,
    catalogue: &Catalogue,
) -> Result<Vec<&'static Purpose>, Refusal> {
    let mut patterns = Vec::new();
    for text in only {
        let pattern = Pattern::new(text);
        let known = catalogue.matching(text).is_ok()
            || purpose::ALL.iter().any(|purpose| pattern.names(purpose.id));
        if !known {
            let purposes = purpose::ALL.iter().map(|purpose| purpose.id);
            return Err(Refusal::unknown_id(catalogue.unknown_among(text, purposes)));
        }
        patterns.push(pattern);
    }
    let level = level.map(list::level).transpose()?;
    let role = role.map(self::role).transpose()?;
    let named = |purpose: &Purpose, pattern: &Pattern| {
        pattern.names(purpose.id) || purpose.verifies.iter().any(|row| pattern.names(row))
    };
    let is_of = |purpose: &Purpose, level: Level| {
        let rows = purpose.verifies.iter().filter_map(|row| catalogue.requirement(row).ok());
        rows.into_iter().any(|row| row.level == level)
    };
    Ok(purpose::ALL
        .iter()
        .copied()
        .filter(|purpose| {
            (patterns.is_empty() || patterns.iter().any(|pattern| named(purpose, pattern)))
                && level.is_none_or(|level| is_of(purpose, level))
                && role.is_none_or(|role| purpose.role == role)
        })
        .collect())
}

/// A role of the network, by its own name or by that of whom requirements bind.
pub(in crate::cli) fn role(word: &str) -> Result<Role, Refusal> {
    if let Some(role) = Role::ALL.into_iter().find(|role| role.name() == word) {
        return Ok(role);
    }
    let wrong = || {
        Refusal::usage(
            format!("no purpose judges a role called `{word}`"),
            "one of MT, HA, CN, SS".to_owned(),
        )
    };
    match Bound::called(word) {
        Some(Bound::Mt | Bound::Mn) => Ok(Role::MobileTerminal),
        Some(Bound::Ha) => Ok(Role::HomeAgent),
        Some(Bound::Cn) => Ok(Role::Correspondent),
        Some(Bound::Ss | Bound::Proxy | Bound::Registrar) => Ok(Role::SipServer),
        Some(Bound::Gk | Bound::Node | Bound::Lma | Bound::Mag | Bound::Uas | Bound::Uac)
        | None => Err(wrong()),
    }
}

/// The role that can do all of these misdeeds, if there are any.
fn misdoer(names: &[String]) -> Result<Option<Role>, Refusal> {
    let mut misdoer = None;
    for name in names {
        if cfg!(not(feature = "misdeeds")) {
            return Err(Refusal::usage(
                format!("misdeed {name}: this build has none"),
                "build with --features misdeeds",
            ));
        }
        let declared = misdeed::ALL.iter().find(|declared| declared.name == name);
        let role = declared
            .and_then(|declared| Role::ALL.into_iter().find(|role| role.name() == declared.role));
        let Some(role) = role else {
            let known: Vec<&str> = misdeed::ALL.iter().map(|declared| declared.name).collect();
            return Err(Refusal::usage(
                format!("no misdeed is called `{name}`"),
                format!("one of {}", known.join(", ")),
            ));
        };
        if misdoer.replace(role).is_some_and(|before| before != role) {
            return Err(Refusal::usage(
                "these misdeeds are of different roles",
                "name those of one role: a purpose has one subject",
            ));
        }
    }
    Ok(misdoer)
}
