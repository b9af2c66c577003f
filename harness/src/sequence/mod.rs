//! Sequences: the claimed call in its forms, played by the whole reference network and judged from
//! what crossed the links.

mod judged;
mod script;
mod scripts;
mod table;

pub use judged::RowVerdict;
pub use script::{Play, PlayError};

use std::time::Duration;

use crate::bench::Bench;
use crate::evidence::{Capture, Frame};
use crate::judge::{Cast, Terminal};
use crate::topology::claimed::{self, Wanted};
use crate::topology::{Arm, ArmError};

/// One sequence.
#[derive(Clone, Copy)]
pub struct Sequence {
    /// Its name on the command line: `s4`, `s4-tcp` …
    pub id: &'static str,
    /// The file of its golden capture, without the ending.
    pub file: &'static str,
    /// What happens, in one line.
    pub title: &'static str,
    /// The network that it wants.
    pub wants: fn() -> Wanted,
    /// What happens in it.
    pub script: fn(&mut Play<'_>) -> Result<(), PlayError>,
    /// The rows of the catalogue that it exercises, in groups that sequences share.
    pub exercises: &'static [&'static [&'static str]],
    /// Whether waits of minutes keep it to simulated time.
    pub lab_only: bool,
}

/// Every sequence, the one list.
pub const ALL: &[Sequence] = table::ALL;

/// What came of playing a sequence.
#[derive(Debug)]
pub struct Played {
    /// What crossed the links, as far as it came.
    pub capture: Capture,
    /// Who plays what in it.
    pub cast: Cast,
    /// Why it did not come to its end, if it did not.
    pub trouble: Option<PlayError>,
    /// What each node noted, by name.
    pub output: Vec<(String, Vec<String>)>,
    /// How late the host was in the worst case.
    pub lateness: Duration,
}

/// What may be changed in a sequence without its script.
#[derive(Default)]
pub struct Changes {
    /// Misdeeds, by node and name.
    pub misdeeds: Vec<(String, String)>,
    /// Another seed.
    pub seed: Option<u64>,
}

impl Sequence {
    /// The sequence called `id`, whatever the case of its letters.
    pub fn find(id: &str) -> Option<&'static Self> {
        ALL.iter().find(|sequence| sequence.id.eq_ignore_ascii_case(id))
    }

    /// Plays it in `arm`; every frame is shown to `watch` as it is captured.
    ///
    /// # Errors
    ///
    /// Where the network cannot be set up; what goes wrong later is in [`Played::trouble`].
    pub fn play(
        &self,
        arm: &mut dyn Arm,
        changes: Changes,
        watch: &mut dyn FnMut(&Frame),
    ) -> Result<Played, ArmError> {
        let mut wanted = (self.wants)();
        wanted.misdeeds = changes.misdeeds;
        wanted.seed = changes.seed.unwrap_or(wanted.seed);
        let mut bench = Bench::set_up(arm, claimed::topology(&wanted))?;
        let mut play = Play::new(&mut bench, watch);
        let trouble = (self.script)(&mut play).err();
        play.show();
        let trouble = trouble.or_else(|| bench.check_alive().err().map(PlayError::Bench));
        let names: Vec<String> =
            bench.topology().nodes.iter().map(|node| node.name.clone()).collect();
        let output = names.into_iter().map(|name| (name.clone(), bench.output(&name))).collect();
        let lateness = bench.lateness();
        let cast = cast(&wanted);
        Ok(Played { capture: bench.into_capture(), cast, trouble, output, lateness })
    }
}

/// Who plays what in the network that a sequence wants.
fn cast(wanted: &Wanted) -> Cast {
    let terminal = |name: &str, home, home_agent, number| {
        wanted.nodes.contains(&name).then(|| Terminal {
            home,
            home_agent,
            mac: Some(claimed::mac(number, 0)),
            identifier: Some(format!("sip:{name}@example.com")),
        })
    };
    let terminals = [
        terminal("mt", claimed::HOA, claimed::HA, 0xa1),
        terminal("mt2", claimed::HOA2, claimed::HA2, 0xa2),
    ];
    Cast {
        terminals: terminals.into_iter().flatten().collect(),
        server: wanted.nodes.contains(&"ss").then_some(claimed::SS),
        correspondents: vec![claimed::CN, claimed::CN2],
        direct: wanted.direct,
    }
}
