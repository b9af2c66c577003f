//! Digest credentials (RFC 7616, RFC 3261 §22): what a tester answers to a challenge.

use md5::Md5;
use roamproof_wire::sip::{Fields, HeaderName, Message};
use sha2::{Digest as _, Sha256};

/// What a challenge asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// Whether the quality of protection `auth` is offered.
    protected: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
}

/// Puts the answer to the challenge in `refusal` (401 or 407) into `request`, which is the refused
/// one but for its Via and number; false where there is no challenge that can be answered.
pub fn proves(request: &mut Message, refusal: &Message, user: &str, password: &str) -> bool {
    for (asked, answered) in [
        (HeaderName::WwwAuthenticate, HeaderName::Authorization),
        (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
    ] {
        let challenges = refusal.headers().filter(|header| header.name == asked);
        let challenges = challenges.map(|header| String::from_utf8_lossy(header.value));
        let challenge = challenges.filter_map(|value| Challenge::parse(&value)).next();
        let (Some(challenge), Some(uri)) = (challenge, request.uri_text().map(str::to_owned))
        else {
            continue;
        };
        let method = request.method().map(|method| method.as_str().to_owned());
        let method = method.unwrap_or_default();
        request.push(answered, challenge.answer(&method, &uri, user, password));
        return true;
    }
    false
}

impl Challenge {
    fn parse(value: &str) -> Option<Self> {
        let (scheme, parameters) = value.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let parameters = parameters_of(parameters);
        let said = |name: &str| {
            let found = parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        let algorithm = match said("algorithm") {
            None => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("MD5") => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("SHA-256") => Algorithm::Sha256,
            Some(_) => return None,
        };
        let offered = said("qop").unwrap_or_default();
        Some(Self {
            realm: said("realm")?,
            nonce: said("nonce")?,
            opaque: said("opaque"),
            algorithm,
            protected: offered.split(',').any(|one| one.trim().eq_ignore_ascii_case("auth")),
        })
    }

    fn answer(&self, method: &str, uri: &str, user: &str, password: &str) -> String {
        let Self { realm, nonce, opaque, algorithm, protected } = self;
        let secret = algorithm.hash(&format!("{user}:{realm}:{password}"));
        let asked = algorithm.hash(&format!("{method}:{uri}"));
        let (between, tail) = if *protected {
            (
                format!("{nonce}:{COUNT}:{CLIENT_NONCE}:auth"),
                format!(", qop=auth, nc={COUNT}, cnonce=\"{CLIENT_NONCE}\""),
            )
        } else {
            (nonce.clone(), String::new())
        };
        let response = algorithm.hash(&format!("{secret}:{between}:{asked}"));
        let opaque = opaque.as_ref().map(|opaque| format!(", opaque=\"{opaque}\""));
        format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm={}{tail}{}",
            algorithm.name(),
            opaque.unwrap_or_default()
        )
    }
}

impl Algorithm {
    const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        let octets = match self {
            Self::Md5 => Md5::digest(text).to_vec(),
            Self::Sha256 => Sha256::digest(text).to_vec(),
        };
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }
}

/// `name=value` and `name="value"`, between commas that are in no quotes.
fn parameters_of(text: &str) -> Vec<(String, String)> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for letter in text.chars() {
        let ends = letter == ',' && !quoted;
        if letter == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = letter == '\\' && !escaped;
        match parts.last_mut() {
            Some(part) if !ends => part.push(letter),
            Some(_) | None => parts.push(String::new()),
        }
    }
    let named = parts.iter().filter_map(|part| part.split_once('='));
    named
        .map(|(name, value)| {
            let value = value.trim();
            let inside = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            (name.trim().to_owned(), inside.unwrap_or(value).to_owned())
        })
        .collect()
}

/// One request to each nonce.
const COUNT: &str = "00000001";
const CLIENT_NONCE: &str = "7e57e5";

#[cfg(test)]
mod tests {
    use roamproof_wire::sip::{Method, Uri};

    use super::*;

    /// The example of RFC 2617 §3.5: its response is known.
    #[test]
    fn a_known_challenge_has_its_known_answer() {
        let challenge = Challenge::parse(
            "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
             nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
        )
        .expect("a challenge");
        let secret = Algorithm::Md5.hash("Mufasa:testrealm@host.com:Circle Of Life");
        assert_eq!(secret, "939e7578ed9e3c518a452acee763bce9");
        let answer = challenge.answer("GET", "/dir/index.html", "Mufasa", "Circle Of Life");
        assert!(answer.contains("qop=auth, nc=00000001"), "{answer}");
        assert!(answer.contains("opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""), "{answer}");
        // Without a quality of protection the response depends on nothing of this side's.
        let bare = Challenge { protected: false, ..challenge };
        let answer = bare.answer("GET", "/dir/index.html", "Mufasa", "Circle Of Life");
        assert!(answer.contains("response=\"670fd8c2df070c60b045671b8b24ff02\""), "{answer}");
    }

    #[test]
    fn the_answer_stands_where_the_challenge_belongs() {
        let uri = Uri::parse("sip:example.com").unwrap();
        for (asked, answered) in [
            (HeaderName::WwwAuthenticate, HeaderName::Authorization),
            (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
        ] {
            let mut request = Message::request(Method::Register, &uri);
            let mut refusal = Message::response(401, "Unauthorized");
            assert!(!proves(&mut request, &refusal, "mt", "secret"), "nothing is asked");
            refusal.push(asked, "Digest realm=\"a, b\", nonce=\"n\", algorithm=SHA-256");
            assert!(proves(&mut request, &refusal, "mt", "secret"));
            let header = request.header(answered).expect("it is there");
            let text = String::from_utf8_lossy(header.value).into_owned();
            assert!(
                text.contains("realm=\"a, b\"") && text.contains("algorithm=SHA-256"),
                "{text}"
            );
        }
    }
}
