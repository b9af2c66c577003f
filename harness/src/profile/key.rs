//! Keys of a profile: read from a file or an environment variable, never printed.

use std::fs;
use std::path::Path;

use toml::Spanned;

use super::error::Fault;
use super::raw::RawKey;
use crate::plan::{Key, Plan};

/// The keys that a profile puts in place of the reference's.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// Between the mobile terminal and its home agent.
    pub mn_ha: Option<Shared>,
    /// Between home agents and the SIP server.
    pub ha_ss: Option<Shared>,
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
    }
}

/// Reads the key that `raw` names.
pub(super) fn read(
    raw: &Spanned<RawKey>,
    folder: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Shared, Fault> {
    let RawKey { spi, file, environment: variable } = raw.get_ref();
    let (digits, span) = match (file, variable) {
        (Some(file), None) => {
            let path = folder.join(file.get_ref());
            let read = fs::read_to_string(&path).map_err(|error| {
                Fault::at(
                    file.span(),
                    format!("expected a file with a key: {}: {error}", path.display()),
                )
                .cure("write the key there in hexadecimal digits, readable for you alone")
            })?;
            (read, file.span())
        }
        (None, Some(variable)) => {
            let name = variable.get_ref();
            let read = environment(name).ok_or_else(|| {
                Fault::at(
                    variable.span(),
                    format!("expected a key in the environment variable {name}, which is not set"),
                )
                .cure(format!("set {name} to the key in hexadecimal digits"))
            })?;
            (read, variable.span())
        }
        (None, None) | (Some(_), Some(_)) => {
            return Err(Fault::at(
                raw.span(),
                "expected either `file` or `environment`, which says where the key is",
            ));
        }
    };
    let octets = octets_of(digits.trim()).ok_or_else(|| {
        Fault::at(span, "expected a key of hexadecimal digits, two an octet, in what this names")
            .cure("write it as in 6d6f62696c65, without spaces or a prefix")
    })?;
    let spi = spi.as_ref().map(|spi| *spi.get_ref());
    Ok(Shared { spi, key: Key { spi: spi.unwrap_or_default(), octets } })
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
