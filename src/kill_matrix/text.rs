//! The kill matrix as people read it, and as it is kept in the repository: a line for each purpose
//! and each misdeed, so that two changes of it meet in the same line only where they are about the
//! same thing.

use std::fmt::{self, Write as _};

use roamproof_harness::verdict::Verdict;

use super::{Fate, KillMatrix, Proven, RoleMatrix, Tried};

impl fmt::Display for KillMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, role) in self.roles.iter().enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            write_role(f, role)?;
        }
        Ok(())
    }
}

impl KillMatrix {
    /// All of it, what is wrong with it, and the summary: what `prove` prints, and `specs/kills.txt`
    /// keeps.
    pub fn told(&self) -> String {
        let faults = self.faults().into_iter().map(|fault| format!("FAIL   {fault}\n"));
        format!("{self}\n{}{}", faults.collect::<String>(), self.summary())
    }

    /// How much was tried and how it ended, one line.
    fn summary(&self) -> String {
        let purposes = || self.roles.iter().flat_map(|role| &role.purposes);
        let misdeeds = || self.roles.iter().flat_map(|role| &role.misdeeds);
        let fates = |fate: Fate| misdeeds().filter(|one| one.fate == fate).count();
        let mut text = format!(
            "{}, {} with a kill; {}, {} killed",
            counted(purposes().count(), "purpose"),
            purposes().filter(|one| !one.kills.is_empty()).count(),
            counted(misdeeds().count(), "misdeed"),
            fates(Fate::Killed),
        );
        for (fate, word) in [(Fate::Coarse, "coarse"), (Fate::Survives, "surviving")] {
            let count = fates(fate);
            if count > 0 {
                write!(text, ", {count} {word}").expect("a string takes any text");
            }
        }
        text.push('\n');
        text
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn write_role(f: &mut fmt::Formatter<'_>, role: &RoleMatrix) -> fmt::Result {
    if !role.purposes.is_empty() {
        write_line(f, &format!("{}: purposes", role.role), "kills", "")?;
        for purpose in &role.purposes {
            write_line(f, &format!("  {}", purpose.id), &kills(purpose), "")?;
        }
    }
    if !role.misdeeds.is_empty() {
        write_line(f, &format!("{}: misdeeds", role.role), "breaks", "killed by")?;
        for misdeed in &role.misdeeds {
            write_line(f, &format!("  {}", misdeed.name), misdeed.breaks, &caught(misdeed))?;
        }
    }
    Ok(())
}

fn write_line(f: &mut fmt::Formatter<'_>, name: &str, second: &str, third: &str) -> fmt::Result {
    let line = if third.is_empty() {
        format!("{name:NAME$} {second}")
    } else {
        format!("{name:NAME$} {second:ROW$} {third}")
    };
    writeln!(f, "{}", line.trim_end())
}

fn kills(purpose: &Proven) -> String {
    if purpose.unharmed != Verdict::Pass {
        return format!("{} with no misdeed", purpose.unharmed);
    }
    match (purpose.kills.is_empty(), purpose.binding) {
        (true, true) => "NONE".to_owned(),
        (true, false) => "none, and judges no MUST".to_owned(),
        (false, _) => purpose.kills.join(", "),
    }
}

fn caught(misdeed: &Tried) -> String {
    let Tried { killed_by, fails, .. } = misdeed;
    let mut text = match (misdeed.fate, misdeed.shows_in) {
        (_, Some(sequence)) => format!("sequence {sequence}"),
        (Fate::Killed, None) => killed_by.join(", "),
        (Fate::Coarse, None) => format!("COARSE: fails {}", fails.join(", ")),
        (Fate::Survives, None) => "SURVIVES".to_owned(),
    };
    if misdeed.fate != Fate::Coarse && !fails.is_empty() {
        write!(text, "; fails {}", fails.join(", ")).expect("a string takes any text");
    }
    text
}

/// Columns of a name, with two spaces before it.
const NAME: usize = 42;
/// Columns of a row's id.
const ROW: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_proven_is_said_and_why() {
        let matrix = KillMatrix {
            roles: vec![RoleMatrix {
                role: "home-agent",
                purposes: vec![
                    proven("CL-REG-02", true, Verdict::Pass, &["ack-without-binding"]),
                    proven("CL-INT-05/run-out", true, Verdict::Pass, &[]),
                    proven("CL-INT-99", false, Verdict::Inconc, &[]),
                ],
                misdeeds: vec![
                    tried("ack-without-binding", &["CL-REG-02"], &["CL-INT-99"], Fate::Killed),
                    tried("drops-everything", &[], &["CL-REG-02", "CL-INT-99"], Fate::Coarse),
                    tried("sleeps", &[], &[], Fate::Survives),
                ],
            }],
        };
        insta::assert_snapshot!(matrix, @r"
        home-agent: purposes                       kills
          CL-REG-02                                ack-without-binding
          CL-INT-05/run-out                        NONE
          CL-INT-99                                INCONC with no misdeed
        home-agent: misdeeds                       breaks     killed by
          ack-without-binding                      CL-REG-02  CL-REG-02; fails CL-INT-99
          drops-everything                         CL-REG-02  COARSE: fails CL-REG-02, CL-INT-99
          sleeps                                   CL-REG-02  SURVIVES
        ");
        insta::assert_snapshot!(matrix.faults().join("\n"), @r"
        CL-INT-05/run-out: judges a MUST and kills no misdeed: declare one that breaks a row it verifies
        CL-INT-99: INCONC for a home-agent that does nothing wrong: no Binding Acknowledgement came
        drops-everything: coarse: fails 2 of the purposes of its role: break CL-REG-02 alone
        sleeps: survives: no purpose that verifies CL-REG-02 fails, and no sequence shows it
        ");
        insta::assert_snapshot!(matrix.summary(), @"3 purposes, 1 with a kill; 3 misdeeds, 1 killed, 1 coarse, 1 surviving");
    }

    fn proven(
        id: &'static str,
        binding: bool,
        unharmed: Verdict,
        kills: &[&'static str],
    ) -> Proven {
        let why = (unharmed != Verdict::Pass).then(|| "no Binding Acknowledgement came".to_owned());
        Proven { id, binding, unharmed, why, kills: kills.to_vec() }
    }

    fn tried(
        name: &'static str,
        killed_by: &[&'static str],
        fails: &[&'static str],
        fate: Fate,
    ) -> Tried {
        let (killed_by, fails) = (killed_by.to_vec(), fails.to_vec());
        Tried { name, breaks: "CL-REG-02", killed_by, fails, shows_in: None, fate }
    }
}
