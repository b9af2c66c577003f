//! The catalogue: all requirements, decisions and exceptions of `specs/`, embedded in the binary.

use std::fmt;
use std::sync::OnceLock;

use globset::{Glob, GlobMatcher};
use serde::Deserialize;

use crate::requirement::Requirement;

/// Every file of `specs/`, as (path below it, text).
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/specs.rs"));

/// Everything that `specs/` says.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// All requirements: the claims' first, then document by document.
    pub requirements: Vec<Requirement>,
    /// What the claims leave open and how it is settled.
    pub decisions: Vec<Decision>,
    /// Where a document is unclear and what a fair harness does.
    pub ambiguities: Vec<Ambiguity>,
    /// Requirements that are not judged, each with its reason.
    pub exceptions: Vec<Exception>,
}

/// What the claims leave open, settled by the project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Its name: `D5`.
    pub id: String,
    /// What was open.
    pub question: String,
    /// What holds here.
    pub answer: String,
}

/// A place where a document can be read in two ways.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ambiguity {
    /// Its name: `AMB-07`.
    pub id: String,
    /// What is unclear.
    pub question: String,
    /// How a device is judged all the same.
    pub treatment: String,
}

/// Requirements that are not judged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// An id, or a glob over ids.
    pub ids: Pattern,
    /// Whether they will be judged later or never.
    pub kind: ExceptionKind,
    /// Why.
    pub reason: String,
}

/// Why requirements are not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExceptionKind {
    /// A suite to come judges them.
    Planned,
    /// Nothing on the wire shows them, or a decision of the project sets them aside.
    NotJudged,
}

/// No requirement has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no requirement is called `{id}`{}", did_you_mean(nearest))]
pub struct UnknownId {
    /// What was asked for.
    pub id: String,
    /// The names most like it, the likest first.
    pub nearest: Vec<String>,
}

impl Catalogue {
    /// The catalogue this program was built with.
    pub fn embedded() -> &'static Self {
        static EMBEDDED: OnceLock<Catalogue> = OnceLock::new();
        EMBEDDED.get_or_init(|| Self::read(FILES).expect("a test reads every embedded file"))
    }

    /// Reads the texts of a catalogue, each given with its name.
    ///
    /// # Errors
    ///
    /// Where a text is not TOML of the form that `specs/README.md` describes; the error names the text.
    pub fn read(files: &[(&str, &str)]) -> Result<Self, CatalogueError> {
        let mut catalogue = Self::default();
        for (name, text) in files {
            let file: SpecFile = toml::from_str(text)
                .map_err(|error| CatalogueError { file: (*name).to_owned(), error })?;
            let (document, title) =
                (file.document.unwrap_or_default(), file.title.unwrap_or_default());
            catalogue.requirements.extend(file.requirement.into_iter().map(|mut requirement| {
                requirement.document.clone_from(&document);
                if requirement.topic.is_empty() {
                    requirement.topic.clone_from(&title);
                }
                requirement
            }));
            catalogue.decisions.extend(file.decision);
            catalogue.ambiguities.extend(file.ambiguity);
            catalogue.exceptions.extend(file.exception);
        }
        Ok(catalogue)
    }

    /// The requirement called `id`.
    ///
    /// # Errors
    ///
    /// Where there is none; the error names the ones most like it.
    pub fn requirement(&self, id: &str) -> Result<&Requirement, UnknownId> {
        self.requirements
            .iter()
            .find(|requirement| requirement.id == id)
            .ok_or_else(|| self.unknown(id))
    }

    /// The decision called `id`, if there is one.
    #[must_use]
    pub fn decision(&self, id: &str) -> Option<&Decision> {
        self.decisions.iter().find(|decision| decision.id == id)
    }

    /// The ambiguity called `id`, if there is one.
    #[must_use]
    pub fn ambiguity(&self, id: &str) -> Option<&Ambiguity> {
        self.ambiguities.iter().find(|ambiguity| ambiguity.id == id)
    }

    /// The requirements that an id or a glob such as `CL-RO-*` names, in the catalogue's order.
    ///
    /// # Errors
    ///
    /// Where it names none.
    pub fn matching(&self, pattern: &str) -> Result<Vec<&Requirement>, UnknownId> {
        let ids = Pattern::new(pattern);
        let found: Vec<&Requirement> =
            self.requirements.iter().filter(|row| ids.names(&row.id)).collect();
        if found.is_empty() { Err(self.unknown(pattern)) } else { Ok(found) }
    }

    /// That neither a requirement nor one of `others` is called `id`, with those most like it.
    pub fn unknown_among<'a>(
        &'a self,
        id: &str,
        others: impl IntoIterator<Item = &'a str>,
    ) -> UnknownId {
        let rows = self.requirements.iter().map(|row| row.id.as_str());
        UnknownId::new(id, others.into_iter().chain(rows))
    }

    /// The exception that excuses `id` from being judged, if one does.
    #[must_use]
    pub fn exception(&self, id: &str) -> Option<&Exception> {
        self.exceptions.iter().find(|exception| exception.ids.names(id))
    }

    fn unknown(&self, id: &str) -> UnknownId {
        UnknownId::new(id, self.requirements.iter().map(|row| row.id.as_str()))
    }
}

impl UnknownId {
    fn new<'a>(id: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let wanted = id.to_uppercase();
        let mut ranked: Vec<(usize, &str)> =
            known.map(|known| (distance(&wanted, &known.to_uppercase()), known)).collect();
        ranked.sort_unstable();
        // A purpose may bear the name of the row that it judges.
        ranked.dedup();
        let nearest = ranked
            .into_iter()
            .take_while(|(distance, _)| *distance <= DISTANCE_MAX)
            .take(NEAREST_MAX)
            .map(|(_, id)| id.to_owned())
            .collect();
        Self { id: id.to_owned(), nearest }
    }
}

/// A text of the catalogue that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("specs/{file}: {error}")]
pub struct CatalogueError {
    /// Which.
    pub file: String,
    /// Where and why.
    pub error: toml::de::Error,
}

/// An id, or a glob over ids such as `CL-RO-*` or `{CN,HA}-*`.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
pub struct Pattern {
    text: String,
    glob: Option<GlobMatcher>,
}

impl Pattern {
    /// Reads it; what is no glob names itself alone.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let glob = Glob::new(text).ok().map(|glob| glob.compile_matcher());
        Self { text: text.to_owned(), glob }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it names `id`.
    #[must_use]
    pub fn names(&self, id: &str) -> bool {
        self.text == id || self.glob.as_ref().is_some_and(|glob| glob.is_match(id))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpecFile {
    document: Option<String>,
    title: Option<String>,
    #[serde(default)]
    requirement: Vec<Requirement>,
    #[serde(default)]
    decision: Vec<Decision>,
    #[serde(default)]
    ambiguity: Vec<Ambiguity>,
    #[serde(default)]
    exception: Vec<Exception>,
}

fn did_you_mean(nearest: &[String]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; nearest: {}", nearest.join(", ")) }
}

/// How many characters to insert, delete or replace to make `a` of `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

const DISTANCE_MAX: usize = 3;
const NEAREST_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use rstest::rstest;

    use super::*;
    use crate::requirement::Level;

    #[test]
    fn every_embedded_file_can_be_read() {
        if let Err(error) = Catalogue::read(FILES) {
            panic!("{error}");
        }
    }

    #[test]
    fn no_row_is_lost() {
        let mut counts: BTreeMap<&str, [usize; 6]> = BTreeMap::new();
        for row in &Catalogue::embedded().requirements {
            let group = row.id.rsplit_once('-').expect("an id ends in a number").0;
            let level = Level::ALL
                .iter()
                .position(|level| *level == row.level)
                .expect("ALL holds every level");
            counts.entry(group).or_default()[level] += 1;
        }
        let mut table =
            String::from("group        MUST  MUST NOT  SHOULD  SHOULD NOT  MAY  INFO\n");
        for (group, [must, must_not, should, should_not, may, info]) in &counts {
            table += &format!(
                "{group:12} {must:4} {must_not:9} {should:7} {should_not:11} {may:4} {info:5}\n"
            );
        }
        table += &format!("{} rows", counts.values().flatten().sum::<usize>());
        insta::assert_snapshot!(table);
    }

    #[test]
    fn an_id_is_given_once() {
        let mut seen = BTreeSet::new();
        for row in &Catalogue::embedded().requirements {
            assert!(seen.insert(&row.id), "{} twice", row.id);
        }
    }

    #[test]
    fn what_a_row_points_at_exists() {
        let catalogue = Catalogue::embedded();
        for row in &catalogue.requirements {
            for id in &row.decisions {
                assert!(catalogue.decision(id).is_some(), "{}: no decision {id}", row.id);
            }
            for id in &row.ambiguities {
                assert!(catalogue.ambiguity(id).is_some(), "{}: no ambiguity {id}", row.id);
            }
            if let Some(id) = &row.follows {
                catalogue.requirement(id).unwrap();
            }
            assert!(!row.document.is_empty() && !row.roles.is_empty(), "{}", row.id);
            assert!(!row.stimulus.is_empty() && !row.expected.is_empty(), "{}", row.id);
        }
    }

    #[test]
    fn an_exception_excuses_something_and_says_why() {
        let catalogue = Catalogue::embedded();
        for exception in &catalogue.exceptions {
            catalogue.matching(exception.ids.as_str()).unwrap();
            assert!(
                exception.reason.len() > 10,
                "{}: {:?} is no reason",
                exception.ids,
                exception.reason
            );
        }
    }

    #[rstest]
    #[case::a_digit_off(
        "CL-RO-99",
        "no requirement is called `CL-RO-99`; nearest: CL-RO-09, CL-RO-19, CL-RO-29"
    )]
    #[case::lower_case(
        "cl-ro-01",
        "no requirement is called `cl-ro-01`; nearest: CL-RO-01, CL-RO-02, CL-RO-03"
    )]
    #[case::nothing_like_it("nonsense-at-all", "no requirement is called `nonsense-at-all`")]
    fn an_unknown_id_is_answered_with_the_nearest(#[case] id: &str, #[case] message: &str) {
        assert_eq!(Catalogue::embedded().requirement(id).unwrap_err().to_string(), message);
    }

    #[test]
    fn a_glob_names_rows_in_order() {
        let rows = Catalogue::embedded().matching("CL-REG-0[1-3]").unwrap();
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["CL-REG-01", "CL-REG-02", "CL-REG-03"]);
    }

    #[test]
    fn a_text_that_cannot_be_read_is_named() {
        let error = Catalogue::read(&[("rfc6275/x.toml", "document = 7")]).unwrap_err();
        assert!(error.to_string().starts_with("specs/rfc6275/x.toml: "), "{error}");
    }
}
