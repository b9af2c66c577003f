//! What a demo leaves behind: a capture, a ladder and the verdicts of each sequence.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use roamproof_harness::evidence::{LadderStyle, Names, ladder, ladder_svg, pcapng};
use roamproof_harness::sequence::{Played, RowVerdict, Sequence};
use roamproof_harness::topology::claimed;

use crate::cli::Refusal;
use crate::cli::folder::{make_ready, unusable};

/// Where it goes.
pub(super) struct Folder {
    path: PathBuf,
}

/// Folders made without being asked for one by name are numbered up to this.
const NUMBERED_MAX: u32 = 10_000;

impl Folder {
    /// The folder that the user named, if it is empty or may be overwritten; else a new one in `out`.
    pub(super) fn make(named: Option<&Path>, force: bool) -> anyhow::Result<Self> {
        let Some(path) = named else { return Self::numbered() };
        make_ready(path, force)?;
        Ok(Self { path: path.to_owned() })
    }

    fn numbered() -> anyhow::Result<Self> {
        let parent = Path::new("out");
        fs::create_dir_all(parent).map_err(|error| unusable(parent, &error))?;
        for number in 1..NUMBERED_MAX {
            let path = parent.join(format!("demo-{number}"));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(unusable(&path, &error).into()),
            }
        }
        Err(Refusal::usage("out holds too many demos", "remove some, or say --out DIR").into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps what came of a sequence; returns where its capture is.
    pub(super) fn keep(
        &self,
        arm: &str,
        sequence: &Sequence,
        played: &Played,
        rows: &[RowVerdict],
    ) -> anyhow::Result<PathBuf> {
        let folder = self.path.join(arm);
        fs::create_dir_all(&folder).map_err(|error| unusable(&folder, &error))?;
        let file = |ending: &str| folder.join(format!("{}.{ending}", sequence.file));
        let mut capture = played.capture.clone();
        for row in rows {
            let why = row.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            if let Some(packet) = row.packets.last() {
                capture.comment(packet - 1, format!("{} {}{why}", row.verdict, row.row));
            }
        }
        let names = Names::of_claimed(&claimed::topology(&(sequence.wants)()));
        let style = LadderStyle::default();
        let path = file("pcapng");
        pcapng::write_file(&path, &capture).with_context(|| path.display().to_string())?;
        let title = format!("{} {}", sequence.id.to_uppercase(), sequence.title);
        let texts = [
            ("ladder.txt", ladder(&capture, &names, &style)),
            ("ladder.svg", ladder_svg(&capture, &names, &title, &style)),
            ("rows.json", serde_json::to_string_pretty(rows)?),
        ];
        for (ending, text) in texts {
            let path = file(ending);
            fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        Ok(path)
    }
}
