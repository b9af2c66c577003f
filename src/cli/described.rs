//! A test purpose as `list` and `explain` tell it: whom it judges, by which rows, and what it takes.

use roamproof::kill_matrix::kept;
use roamproof_harness::purpose::Purpose;
use roamproof_harness::requirement::Level;
use serde::Serialize;

/// What is declared of a purpose, and what it is seen to kill.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Described {
    /// Its id.
    pub(super) id: &'static str,
    /// Raised whenever its verdict may change for the same device.
    pub(super) version: u32,
    /// The behaviour that is right.
    pub(super) title: &'static str,
    /// The role under test.
    pub(super) role: &'static str,
    /// The most binding level of the rows that it judges.
    pub(super) level: Level,
    /// The rows that it judges.
    pub(super) verifies: &'static [&'static str],
    /// What must be so of a device, or be unknown, for it to make sense.
    pub(super) applies: Vec<String>,
    /// What must be asked of a device beside the wire.
    pub(super) triggers: Vec<&'static str>,
    /// The longest that it can wait in real time, in seconds.
    pub(super) waits_max: f64,
    /// The misdeeds that it kills.
    pub(super) kills: Vec<&'static str>,
}

impl Described {
    /// What is known of `purpose` without running it.
    pub(super) fn of(purpose: &'static Purpose) -> Self {
        Self {
            id: purpose.id,
            version: purpose.version,
            title: purpose.title,
            role: purpose.role.name(),
            level: purpose.level(),
            verifies: purpose.verifies,
            applies: purpose.applies.iter().map(ToString::to_string).collect(),
            triggers: purpose.triggers.iter().map(|trigger| trigger.name()).collect(),
            waits_max: purpose.waits_max.as_secs_f64(),
            kills: kept::kills(purpose.id),
        }
    }

    /// One line of a table.
    pub(super) fn line(&self) -> String {
        let Self { id, role, level, waits_max, triggers, applies, .. } = self;
        let triggers = if triggers.is_empty() { "-".to_owned() } else { triggers.join(" ") };
        let applies = if applies.is_empty() { "-".to_owned() } else { applies.join("; ") };
        format!("{id:40} {role:15} {level:10} {waits_max:4} s  {triggers:22} {applies}\n")
    }
}
