//! A requirement: one row of the catalogue in `specs/`, in our words.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One row of the catalogue: what a role has to do, and how that shows on the wire.
///
/// The id is given once and never changes meaning; code cites it as `//= ID`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its name: `CL-RO-01`, `HA-BU-07`.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// Whom it binds; it is judged for each of them.
    pub roles: Vec<Role>,
    /// The document it is filed under: `RFC 6275`, or `claims`.
    #[serde(skip_deserializing)]
    pub document: String,
    /// The section of that document, where there is one; a last part beyond the document's own numbering is a step of a numbered list.
    pub section: Option<String>,
    /// Further places that say the same or bound it: `RFC 6275 §9.3.3`.
    #[serde(default)]
    pub see: Vec<String>,
    /// The group of rows it belongs to; the title of its file where the row names none.
    #[serde(default)]
    pub topic: String,
    /// The claims it makes concrete, by number.
    #[serde(default)]
    pub claims: Vec<u8>,
    /// The decisions that shape it, by name (`D5`); where they differ from the document, they stand.
    #[serde(default)]
    pub decisions: Vec<String>,
    /// Where the document is unclear, and what is done about it, by name (`AMB-07`).
    #[serde(default)]
    pub ambiguities: Vec<String>,
    /// Whether it is judged whatever protocol carries it, or only for the encoding a device declares.
    #[serde(default)]
    pub marks: Vec<Mark>,
    /// What a device must declare for the row to apply at all.
    pub declared: Option<String>,
    /// The only transport it applies to.
    pub transport: Option<Transport>,
    /// The only edition of Mobile IPv6 that wants it.
    pub edition: Option<Edition>,
    /// The row whose stimulus this one's goes on from.
    pub follows: Option<String>,
    /// What the tester does.
    pub stimulus: String,
    /// What a correct device shows.
    pub expected: String,
    /// What a broken device does: each is a mutant that must be caught.
    #[serde(default)]
    pub misdeeds: Vec<String>,
    /// The same run with one thing changed, and what must be seen then.
    pub control: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// The tests of the TAHI suite (RFC 3775) with the same intent, by name.
    #[serde(default)]
    pub tahi: Vec<String>,
}

impl Requirement {
    /// Whether an edition of Mobile IPv6 wants it.
    #[must_use]
    pub fn holds_in(&self, edition: Edition) -> bool {
        self.edition.is_none_or(|only| only == edition)
    }

    /// Where it is said: `RFC 6275 §9.5.1`, or `claims 3, 8`.
    #[must_use]
    pub fn source(&self) -> String {
        match &self.section {
            Some(section) => format!("{} §{section}", self.document),
            None if self.claims.is_empty() => self.document.clone(),
            None => {
                let claims: Vec<String> = self.claims.iter().map(u8::to_string).collect();
                format!("{} {}", self.document, claims.join(", "))
            }
        }
    }
}

/// How binding a requirement is, in the words of RFC 2119.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema,
)]
pub enum Level {
    /// Broken: FAIL.
    #[serde(rename = "MUST")]
    Must,
    /// Broken: FAIL.
    #[serde(rename = "MUST NOT")]
    MustNot,
    /// Broken: WARN.
    #[serde(rename = "SHOULD")]
    Should,
    /// Broken: WARN.
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    /// Observed and recorded.
    #[serde(rename = "MAY")]
    May,
    /// Robustness or observation without a keyword behind it.
    #[serde(rename = "INFO")]
    Info,
}

impl Level {
    /// Every level, the most binding first.
    pub const ALL: [Self; 6] =
        [Self::Must, Self::MustNot, Self::Should, Self::ShouldNot, Self::May, Self::Info];

    /// Its keyword.
    #[must_use]
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::MustNot => "MUST NOT",
            Self::Should => "SHOULD",
            Self::ShouldNot => "SHOULD NOT",
            Self::May => "MAY",
            Self::Info => "INFO",
        }
    }

    /// The level called `word`, in any case, with `-`, `_` or a space between two words.
    #[must_use]
    pub fn called(word: &str) -> Option<Self> {
        let word = word.replace(['-', '_'], " ").to_uppercase();
        Self::ALL.into_iter().find(|level| level.keyword() == word)
    }

    /// Whether breaking it fails a device.
    #[must_use]
    pub const fn is_binding(self) -> bool {
        matches!(self, Self::Must | Self::MustNot)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.keyword())
    }
}

/// An edition of Mobile IPv6 that a device can be built to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Edition {
    /// RFC 6275, of 2011.
    #[default]
    Rfc6275,
    /// RFC 3775, of 2004.
    Rfc3775,
}

impl Edition {
    /// Its short name: `rfc6275`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rfc6275 => "rfc6275",
            Self::Rfc3775 => "rfc3775",
        }
    }

    /// The edition with this short name.
    #[must_use]
    pub fn called(name: &str) -> Option<Self> {
        [Self::Rfc6275, Self::Rfc3775].into_iter().find(|edition| edition.name() == name)
    }
}

/// Whom a requirement binds, in the words of the document it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// The claims' mobile terminal: a mobile node and a user agent.
    Mt,
    /// A home agent.
    Ha,
    /// A correspondent node; in the claims, the caller too.
    Cn,
    /// The claims' SIP server: a registrar and a proxy.
    Ss,
    /// The claims' second server under H.323, a gatekeeper.
    Gk,
    /// A mobile node.
    Mn,
    /// Any other IPv6 node.
    Node,
    /// A local mobility anchor.
    Lma,
    /// A mobile access gateway.
    Mag,
    /// A SIP user agent that is called.
    Uas,
    /// A SIP user agent that calls.
    Uac,
    /// A SIP registrar.
    Registrar,
    /// A stateful SIP proxy.
    Proxy,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 13] = [
        Self::Mt,
        Self::Ha,
        Self::Cn,
        Self::Ss,
        Self::Gk,
        Self::Mn,
        Self::Node,
        Self::Lma,
        Self::Mag,
        Self::Uas,
        Self::Uac,
        Self::Registrar,
        Self::Proxy,
    ];

    /// Its short name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mt => "MT",
            Self::Ha => "HA",
            Self::Cn => "CN",
            Self::Ss => "SS",
            Self::Gk => "GK",
            Self::Mn => "MN",
            Self::Node => "NODE",
            Self::Lma => "LMA",
            Self::Mag => "MAG",
            Self::Uas => "UAS",
            Self::Uac => "UAC",
            Self::Registrar => "REGISTRAR",
            Self::Proxy => "PROXY",
        }
    }

    /// The role called `word`, in any case.
    #[must_use]
    pub fn called(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a row is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// By what it brings about, whatever protocol a device uses.
    Effect,
    /// By its octets, for a device that declares the encoding of `binding_lookup = "experimental-mh"`.
    Encoding,
}

/// The transport of SIP a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Unreliable: UDP.
    Udp,
    /// A stream: TCP.
    Tcp,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::as_written("MUST NOT", Some(Level::MustNot))]
    #[case::as_typed("should-not", Some(Level::ShouldNot))]
    #[case::unknown("SHALL", None)]
    fn a_level_is_found_by_its_keyword(#[case] word: &str, #[case] level: Option<Level>) {
        assert_eq!(Level::called(word), level);
    }

    #[rstest]
    #[case::lower("uas", Some(Role::Uas))]
    #[case::unknown("XY", None)]
    fn a_role_is_found_by_its_name(#[case] word: &str, #[case] role: Option<Role>) {
        assert_eq!(Role::called(word), role);
    }

    #[test]
    fn what_only_one_edition_wants_holds_in_no_other() {
        let rows = &crate::Catalogue::embedded().requirements;
        let of_one: Vec<&Requirement> = rows.iter().filter(|row| row.edition.is_some()).collect();
        assert!(of_one.iter().any(|row| row.id == "HA-DER-10"), "{of_one:?}");
        for row in of_one {
            let holds = [Edition::Rfc6275, Edition::Rfc3775].map(|edition| row.holds_in(edition));
            assert_ne!(holds[0], holds[1], "{}", row.id);
        }
        let of_both = rows.iter().find(|row| row.id == "CL-RO-01").unwrap();
        assert!(of_both.holds_in(Edition::Rfc6275) && of_both.holds_in(Edition::Rfc3775));
        assert_eq!(Edition::called("rfc3775"), Some(Edition::Rfc3775));
        assert_eq!(Edition::called("rfc2002"), None);
    }
}
