//! How verdicts look.

use anstyle::{AnsiColor, Style};
use roamproof_harness::verdict::Verdict;

/// The colour of a verdict.
pub(crate) const fn color(verdict: Verdict) -> Style {
    let color = match verdict {
        Verdict::Pass => AnsiColor::Green,
        Verdict::Fail | Verdict::Error => AnsiColor::Red,
        Verdict::Warn | Verdict::Inconc => AnsiColor::Yellow,
        Verdict::Info | Verdict::NotApplicable | Verdict::Skip => AnsiColor::Blue,
    };
    color.on_default()
}
