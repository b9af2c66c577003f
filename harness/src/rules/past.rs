//! What was seen before a message, as far as a rule compares with it.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use roamproof_wire::mobility::mh_type::{CARE_OF_TEST_INIT, HOME_TEST_INIT};

use roamproof_wire::sip::{Fields, Message as SipMessage, Method};

use super::Sent;

/// What was seen before, whoever sent it.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The subject's home address, where it is a mobile terminal whose home address is known.
    home: Option<Ipv6Addr>,
    /// Where tests were asked from, by type and cookie.
    asked: BTreeMap<(u8, [u8; 8]), Ipv6Addr>,
    /// SIP requests by the branch of their topmost Via, the last of each method.
    requests: BTreeMap<String, Vec<SipMessage>>,
    /// The first tag in responses to an INVITE, by whose they are, Call-ID, the caller's tag and number.
    tags: BTreeMap<(Ipv6Addr, String, String, u32), String>,
}

impl Past {
    /// Nothing was seen yet; `home` is the home address of whom rules are judged for, if it has one.
    pub fn new(home: Option<Ipv6Addr>) -> Self {
        Self { home, ..Self::default() }
    }

    /// Takes notice of a packet.
    pub fn note(&mut self, sent: &Sent<'_>) {
        if let Some(message) = sent.sip() {
            self.note_sip(sent.source(), message);
        }
        for kind in [HOME_TEST_INIT, CARE_OF_TEST_INIT] {
            if let Some(octets) = sent.mobility_of(kind, 16)
                && let Some(cookie) = octets[8..].first_chunk()
            {
                self.asked.insert((kind, *cookie), sent.header.source);
            }
        }
    }

    fn note_sip(&mut self, source: Ipv6Addr, message: &SipMessage) {
        if message.is_request() {
            let Some(branch) = message.via().ok().and_then(|via| via.branch().map(str::to_owned))
            else {
                return;
            };
            let requests = self.requests.entry(branch).or_default();
            requests.retain(|other| other.method() != message.method());
            requests.push(message.clone());
        } else if let Some((key, tag)) = key(source, message).zip(tag(message)) {
            self.tags.entry(key).or_insert(tag);
        }
    }

    /// The SIP request with this branch and method that was seen last.
    pub fn request(&self, branch: &str, method: &Method) -> Option<&SipMessage> {
        self.requests(branch).find(|request| request.method().as_ref() == Some(method))
    }

    /// The SIP requests with this branch.
    pub fn requests(&self, branch: &str) -> impl Iterator<Item = &SipMessage> {
        self.requests.get(branch).into_iter().flatten()
    }

    /// The tag that `source` put first into a response to the INVITE that `response` is to.
    pub fn tag(&self, source: Ipv6Addr, response: &SipMessage) -> Option<&str> {
        self.tags.get(&key(source, response)?).map(String::as_str)
    }

    /// The home address of the mobile terminal that is judged.
    pub const fn home(&self) -> Option<Ipv6Addr> {
        self.home
    }

    /// Where the test with this cookie was last asked from, by the type of its Init.
    pub fn asked(&self, kind: u8, cookie: &[u8]) -> Option<Ipv6Addr> {
        self.asked.get(&(kind, cookie.try_into().ok()?)).copied()
    }
}

/// What responses to one INVITE have in common, where this is one to an INVITE above 100.
fn key(source: Ipv6Addr, response: &SipMessage) -> Option<(Ipv6Addr, String, String, u32)> {
    let cseq = response.cseq().ok()?;
    if response.status()? <= 100 || cseq.method != Method::Invite {
        return None;
    }
    let caller = response.from().ok()?.tag()?.to_owned();
    Some((source, response.call_id().ok()?.to_owned(), caller, cseq.number))
}

fn tag(response: &SipMessage) -> Option<String> {
    Some(response.to().ok()?.tag()?.to_owned())
}
