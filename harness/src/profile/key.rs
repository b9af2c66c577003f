//! Keys of a profile: read from a file or an environment variable, never printed.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;

use super::error::Fault;
use super::raw::{RawKey, RawPassword};
use crate::plan::{Key, Password, Plan};
use crate::text;

/// The keys that a profile puts in place of the reference's.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// Between the mobile terminal and its home agent.
    pub mn_ha: Option<Shared>,
    /// Between home agents and the SIP server.
    pub ha_ss: Option<Shared>,
    /// What whoever registers or calls proves to the SIP server.
    pub sip_password: Option<Password>,
}

/// One key, or its index alone.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The security parameter index, where the profile says one.
    pub spi: Option<u32>,
    /// The key itself; its own index is not used.
    pub key: Key,
}

impl Keys {
    /// Changes a plan accordingly.
    pub(super) fn put_into(&self, plan: &mut Plan) {
        for (said, planned) in [(&self.mn_ha, &mut plan.mn_ha), (&self.ha_ss, &mut plan.ha_ss)] {
            if let Some(said) = said {
                let spi = said.spi.unwrap_or(planned.spi);
                *planned = Key { spi, octets: said.key.octets.clone() };
            }
        }
        if self.sip_password.is_some() {
            plan.sip_password.clone_from(&self.sip_password);
        }
    }
}

/// Reads the key that `raw` names.
pub(super) fn read(
    raw: &Spanned<RawKey>,
    folder: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Shared, Fault> {
    let RawKey { spi, file, environment: variable } = raw.get_ref();
    let place =
        Place { file, variable, whole: raw.span(), what: "a key", how: " in hexadecimal digits" };
    let (digits, span) = place.read(folder, environment)?;
    let octets = octets_of(digits.trim()).ok_or_else(|| {
        Fault::at(span, "expected a key of hexadecimal digits, two an octet, in what this names")
            .cure("write it as in 6d6f62696c65, without spaces or a prefix")
    })?;
    let spi = spi.as_ref().map(|spi| *spi.get_ref());
    Ok(Shared { spi, key: Key { spi: spi.unwrap_or_default(), octets } })
}

/// Reads the password that `raw` names: what stands there, without the line's end.
pub(super) fn read_password(
    raw: &Spanned<RawPassword>,
    folder: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Password, Fault> {
    let RawPassword { file, environment: variable } = raw.get_ref();
    let place = Place { file, variable, whole: raw.span(), what: "a password", how: "" };
    let (password, span) = place.read(folder, environment)?;
    let password = password.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Fault::at(span, "expected a password in what this names, which is empty")
            .cure("write the password there, on one line"));
    }
    Ok(Password(password.to_owned()))
}

/// Where a secret is.
struct Place<'a> {
    file: &'a Option<Spanned<String>>,
    variable: &'a Option<Spanned<String>>,
    /// The table that says so.
    whole: Range<usize>,
    what: &'static str,
    /// How it is written there.
    how: &'static str,
}

impl Place<'_> {
    /// What stands there, and where that is said.
    fn read(
        &self,
        folder: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(String, Range<usize>), Fault> {
        let Place { what, how, .. } = self;
        match (self.file, self.variable) {
            (Some(file), None) => {
                let path = folder.join(file.get_ref());
                let read = text::read(&path, text::WRITTEN_OCTETS_MAX).map_err(|error| {
                    let told = format!("expected a file with {what}: {}: {error}", path.display());
                    Fault::at(file.span(), told)
                        .cure(format!("write {what} there{how}, readable for you alone"))
                })?;
                Ok((read, file.span()))
            }
            (None, Some(variable)) => {
                let name = variable.get_ref();
                let read = environment(name).ok_or_else(|| {
                    let told = format!(
                        "expected {what} in the environment variable {name}, which is not set"
                    );
                    Fault::at(variable.span(), told).cure(format!("set {name} to {what}{how}"))
                })?;
                Ok((read, variable.span()))
            }
            (None, None) | (Some(_), Some(_)) => Err(Fault::at(
                self.whole.clone(),
                format!("expected either `file` or `environment`, which says where {what} is"),
            )),
        }
    }
}

fn octets_of(digits: &str) -> Option<Vec<u8>> {
    let even = !digits.is_empty() && digits.len().is_multiple_of(2);
    if !even || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect()
}
