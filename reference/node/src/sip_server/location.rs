//! The location service: which contacts an identifier has, and until when (RFC 3261 10.3).

use std::collections::BTreeMap;
use std::net::IpAddr;

use roamproof_wire::sip::{Scheme, Uri, UriView};

use crate::{Instant, Wakeup};

/// A contact of an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Where the identifier can be reached.
    pub contact: Uri,
    /// Preference in thousandths.
    pub q: u16,
    /// q as written, to be given back so.
    pub q_text: Option<String>,
    /// The Call-ID of the REGISTER that made or renewed it.
    pub call_id: String,
    /// The CSeq of that REGISTER.
    pub cseq: u32,
    /// When it ends.
    pub expires_at: Instant,
}

/// Every identifier and its contacts.
#[derive(Debug, Clone, Default)]
pub struct Location {
    records: BTreeMap<String, Vec<Binding>>,
}

impl Location {
    /// What an identifier is filed under: user without escapes, host in lower case; `None` where
    /// it is no SIP identifier with a user.
    pub fn key_of(identifier: &UriView<'_>) -> Option<String> {
        if identifier.scheme == Scheme::Other {
            return None;
        }
        let user = identifier.user?;
        let port = identifier.port.map(|port| format!(":{port}")).unwrap_or_default();
        let host = identifier.host.to_string().to_ascii_lowercase();
        Some(format!("{}@{host}{port}", unescaped(user)))
    }

    /// Makes an identifier known that has no contact yet.
    pub fn add(&mut self, key: &str) {
        self.records.entry(key.to_owned()).or_default();
    }

    /// Every identifier that is known.
    pub fn keys(&self) -> Vec<String> {
        self.records.keys().cloned().collect()
    }

    /// Whether an identifier is known, with contacts or without.
    pub fn knows(&self, key: &str) -> bool {
        self.records.contains_key(key)
    }

    /// The contacts of an identifier that have not ended at `now`, the preferred first.
    pub fn contacts(&self, now: Instant, key: &str) -> Vec<&Binding> {
        let all = self.records.get(key).into_iter().flatten();
        let mut contacts: Vec<&Binding> = all.filter(|binding| binding.expires_at > now).collect();
        contacts.sort_by_key(|binding| std::cmp::Reverse(binding.q));
        contacts
    }

    /// Replaces all contacts of an identifier.
    pub fn set(&mut self, key: &str, bindings: Vec<Binding>) {
        self.records.insert(key.to_owned(), bindings);
    }

    /// Whether some contact at `address` is registered at `now`.
    pub fn has_contact_at(&self, now: Instant, address: IpAddr) -> bool {
        self.records.values().flatten().any(|binding| {
            binding.expires_at > now && binding.contact.view().host.address() == Some(address)
        })
    }

    /// How many identifiers are known.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// How many contacts there are, of all identifiers.
    pub fn contacts_count(&self) -> usize {
        self.records.values().map(Vec::len).sum()
    }

    /// Whether no identifier is known.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Removes contacts that have ended; the identifiers of the removed ones.
    pub fn expire(&mut self, now: Instant) -> Vec<String> {
        let mut ended = Vec::new();
        for (key, bindings) in &mut self.records {
            let before = bindings.len();
            bindings.retain(|binding| binding.expires_at > now);
            if bindings.len() < before {
                ended.push(key.clone());
            }
        }
        ended
    }

    /// When the next contact ends.
    pub fn wakeup(&self) -> Option<Wakeup> {
        let ends = self.records.values().flatten().map(|binding| binding.expires_at);
        ends.min().map(|at| Wakeup { at, why: "registration ends" })
    }
}

fn unescaped(user: &str) -> String {
    let mut text = String::new();
    let mut rest = user;
    while let Some(character) = rest.chars().next() {
        let escaped = rest.strip_prefix('%').and_then(|rest| rest.get(..2));
        // Letters, digits and marks alone: an escaped separator must stay told apart.
        let plain = escaped
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .map(char::from)
            .filter(|plain| plain.is_ascii_alphanumeric() || "-_.!~*'()".contains(*plain));
        match (plain, escaped) {
            (Some(plain), _) => {
                text.push(plain);
                rest = &rest[3..];
            }
            (None, Some(hex)) => {
                text.push_str(&format!("%{}", hex.to_ascii_uppercase()));
                rest = &rest[3..];
            }
            (None, None) => {
                text.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("sip:mt@Example.COM;transport=tcp", Some("mt@example.com"))]
    #[case("sip:%6dt@example.com", Some("mt@example.com"))]
    #[case("sip:m%40t@example.com:5061", Some("m%40t@example.com:5061"))]
    #[case("sip:m%3bt@example.com", Some("m%3Bt@example.com"))]
    #[case("sip:MT@[2001:DB8::5]", Some("MT@[2001:db8::5]"))]
    #[case("sip:example.com", None)]
    #[case("tel:+15551212", None)]
    fn an_identifier_has_one_key(#[case] identifier: &str, #[case] key: Option<&str>) {
        let uri = Uri::parse(identifier).unwrap();
        assert_eq!(Location::key_of(&uri.view()).as_deref(), key);
    }
}
