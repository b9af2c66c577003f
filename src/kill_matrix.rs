//! The kill matrix: which purpose catches which misdeed of its role, tried one by one in the lab arm.

mod challenge;
pub mod kept;
mod text;

pub use challenge::{Fallen, fallen};

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use roamproof_harness::purpose::{self, Purpose};
use roamproof_harness::sequence::Sequence;
use roamproof_harness::verdict::Verdict;
use roamproof_node::misdeed::{self, Declared};
use serde::Serialize;

use challenge::Challenge;

/// Which purpose kills which misdeed, role by role in the order of the purposes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KillMatrix {
    /// The roles that have a purpose or a misdeed in it.
    pub roles: Vec<RoleMatrix>,
}

/// The purposes and the misdeeds of one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleMatrix {
    /// The role: `home-agent`.
    pub role: &'static str,
    /// Its purposes, in the order of `purpose::ALL`.
    pub purposes: Vec<Proven>,
    /// Its misdeeds, in the order of `misdeed::ALL`.
    pub misdeeds: Vec<Tried>,
}

/// A purpose, and what it kills.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proven {
    /// The purpose.
    pub id: &'static str,
    /// Whether a row that it judges is a MUST or MUST NOT: then it needs a kill.
    pub binding: bool,
    /// What it says of the reference that does nothing wrong.
    pub unharmed: Verdict,
    /// Why, where that is not PASS.
    pub why: Option<String>,
    /// The misdeeds that it kills.
    pub kills: Vec<&'static str>,
}

/// A misdeed, and who catches it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// The misdeed.
    pub name: &'static str,
    /// The row that it breaks.
    pub breaks: &'static str,
    /// The purposes that judge that row and fail in a `then`.
    pub killed_by: Vec<&'static str>,
    /// The other purposes that fail.
    pub fails: Vec<&'static str>,
    /// The sequence in which its row falls, tried where no purpose kills it.
    pub shows_in: Option<&'static str>,
    /// What comes of that.
    pub fate: Fate,
}

/// What comes of a misdeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// A purpose or a sequence catches it.
    Killed,
    /// It fails so many purposes that it proves none of them.
    Coarse,
    /// Nothing catches it.
    Survives,
}

/// What a matrix is about: purposes and misdeeds, each tried against all of its role.
pub struct Selection {
    /// The purposes that must have a kill.
    pub purposes: Vec<&'static Purpose>,
    /// The misdeeds that must be caught.
    pub misdeeds: Vec<&'static Declared>,
}

impl Selection {
    /// Every purpose and every misdeed.
    pub fn all() -> Self {
        Self { purposes: purpose::ALL.to_vec(), misdeeds: misdeed::ALL.iter().collect() }
    }

    /// Whether there is nothing to try.
    pub const fn is_empty(&self) -> bool {
        self.purposes.is_empty() && self.misdeeds.is_empty()
    }
}

impl KillMatrix {
    /// Tries every selected misdeed against every purpose of its role, and every selected purpose
    /// with no misdeed, on all cores; `progress` is told how many of how many tries are over.
    ///
    /// A misdeed that no purpose kills is tried in the sequences that it says it shows in.
    pub fn tried(selection: &Selection, progress: &(dyn Fn(usize, usize) + Sync)) -> Self {
        let challenges = Challenge::of(selection);
        let ended = side_by_side(&challenges, Challenge::run, progress);
        let outcome = |purpose: &Purpose, misdeed: Option<&Declared>| {
            challenges
                .iter()
                .zip(&ended)
                .find(|(challenge, _)| challenge.is(purpose, misdeed))
                .map(|(_, ended)| ended)
        };
        let mut tried: Vec<(&'static Declared, Tried)> = selection
            .misdeeds
            .iter()
            .map(|declared| {
                let failed: Vec<(&'static Purpose, bool)> = of_role(declared.role)
                    .filter_map(|purpose| Some((purpose, outcome(purpose, Some(declared))?)))
                    .filter(|(_, ended)| ended.failed())
                    .map(|(purpose, ended)| (purpose, ended.in_then))
                    .collect();
                (*declared, Tried::of(declared, &failed))
            })
            .collect();
        let survivors: Vec<usize> =
            (0..tried.len()).filter(|index| tried[*index].1.fate != Fate::Killed).collect();
        let shown = side_by_side(&survivors, |index| shows(tried[*index].0), &|_, _| ());
        for (index, shown) in survivors.into_iter().zip(shown) {
            let (_, tried) = &mut tried[index];
            tried.shows_in = shown;
            if shown.is_some() {
                tried.fate = Fate::Killed;
            }
        }
        let proven = selection.purposes.iter().filter_map(|purpose| {
            let unharmed = outcome(purpose, None)?;
            let kills = tried.iter().filter(|(_, one)| one.killed_by.contains(&purpose.id));
            let proven = Proven {
                id: purpose.id,
                binding: is_binding(purpose),
                unharmed: unharmed.verdict,
                why: unharmed.why.clone(),
                kills: kills.map(|(_, one)| one.name).collect(),
            };
            Some((purpose.role.name(), proven))
        });
        Self::by_role(proven.collect(), tried)
    }

    /// Everything that is wrong with it, a line each: none where it is proven.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for role in &self.roles {
            for one in &role.purposes {
                if one.unharmed != Verdict::Pass {
                    let why = one.why.as_deref().unwrap_or_default();
                    let RoleMatrix { role, .. } = role;
                    faults.push(format!(
                        "{}: {} for a {role} that does nothing wrong: {why}",
                        one.id, one.unharmed
                    ));
                }
                if one.binding && one.kills.is_empty() {
                    faults.push(format!(
                        "{}: judges a MUST and kills no misdeed: declare one that breaks a row it verifies",
                        one.id
                    ));
                }
            }
            for one in &role.misdeeds {
                let Tried { name, breaks, fails, killed_by, .. } = one;
                match one.fate {
                    Fate::Killed => {}
                    Fate::Survives => faults.push(format!(
                        "{name}: survives: no purpose that verifies {breaks} fails, and no sequence shows it"
                    )),
                    Fate::Coarse => faults.push(format!(
                        "{name}: coarse: fails {} of the purposes of its role: break {breaks} alone",
                        killed_by.len() + fails.len()
                    )),
                }
            }
        }
        faults
    }

    fn by_role(
        mut purposes: Vec<(&'static str, Proven)>,
        mut misdeeds: Vec<(&'static Declared, Tried)>,
    ) -> Self {
        let mut roles: Vec<&'static str> = Vec::new();
        let named = purposes.iter().map(|(role, _)| *role);
        for role in named.chain(misdeeds.iter().map(|(declared, _)| declared.role)) {
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        let roles = roles.into_iter().map(|role| RoleMatrix {
            role,
            purposes: purposes.extract_if(.., |(of, _)| *of == role).map(|(_, one)| one).collect(),
            misdeeds: misdeeds
                .extract_if(.., |(declared, _)| declared.role == role)
                .map(|(_, one)| one)
                .collect(),
        });
        Self { roles: roles.collect() }
    }
}

impl Tried {
    /// Of the purposes that failed, and whether each did so in a `then`.
    fn of(declared: &Declared, failed: &[(&'static Purpose, bool)]) -> Self {
        let kills = |(purpose, in_then): &(&'static Purpose, bool)| {
            *in_then && purpose.verifies.contains(&declared.breaks)
        };
        let ids = |wanted: bool| {
            let chosen = failed.iter().filter(move |one| kills(one) == wanted);
            chosen.map(|(purpose, _)| purpose.id).collect::<Vec<_>>()
        };
        let (killed_by, fails) = (ids(true), ids(false));
        let all = of_role(declared.role).count();
        // What fails only where its own row is judged, or one that is declared to fall with it,
        // breaks nothing else, however few purposes the role has.
        let is_declared =
            |row: &&str| *row == declared.breaks || declared.falls_with_it.contains(row);
        let beyond = failed.iter().any(|(one, _)| !one.verifies.iter().any(is_declared));
        let is_coarse = failed.len() * COARSE > all && beyond;
        let fate = match (is_coarse, killed_by.is_empty()) {
            (true, _) => Fate::Coarse,
            (false, true) => Fate::Survives,
            (false, false) => Fate::Killed,
        };
        let (killed_by, fails) =
            if is_coarse { (Vec::new(), [killed_by, fails].concat()) } else { (killed_by, fails) };
        let Declared { name, breaks, .. } = *declared;
        Self { name, breaks, killed_by, fails, shows_in: None, fate }
    }
}

/// A misdeed that fails more than one in so many purposes of its role proves none of them.
const COARSE: usize = 4;

/// The purposes of the role called so.
fn of_role(role: &str) -> impl Iterator<Item = &'static Purpose> {
    purpose::ALL.iter().copied().filter(move |purpose| purpose.role.name() == role)
}

/// Whether a purpose judges a row that is a MUST or MUST NOT.
fn is_binding(purpose: &Purpose) -> bool {
    purpose.level().is_binding()
}

/// The first of the sequences that a misdeed names in which its row falls.
fn shows(declared: &'static Declared) -> Option<&'static str> {
    let mut sequences = declared.shows_in.iter().filter_map(|id| Sequence::find(id));
    let shows = |sequence: &&Sequence| {
        fallen(declared, sequence).is_ok_and(|fallen| fallen.rows.contains(declared.breaks))
    };
    sequences.find(shows).map(|sequence| sequence.id)
}

/// What `work` makes of each item, in their order, on all cores.
fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Vec<R> {
    let (next, over) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores.min(items.len()) {
            scope.spawn(|| {
                while let Some((index, item)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    items.get(index).map(|item| (index, item))
                } {
                    let result = work(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                    progress(over.fetch_add(1, Ordering::Relaxed) + 1, items.len());
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
