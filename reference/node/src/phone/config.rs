//! What a terminal's telephone is configured with: the `[sip]` table.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::sip::{Scheme, Transport, Uri};
use serde::{Deserialize, Deserializer};

/// The `[sip]` table of a terminal.
///
/// ```toml
/// [sip]
/// identifier = "sip:mt@example.com"
/// server = "2001:db8:5::5"
/// transport = "udp"
/// answer_after_ms = 200
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SipConfig {
    /// Under which it is called.
    #[serde(deserialize_with = "uri")]
    pub identifier: Uri,
    /// Where it registers and sends requests to.
    pub server: Ipv6Addr,
    /// The server's port.
    #[serde(default = "sip_port")]
    pub server_port: u16,
    /// `udp` or `tcp`.
    #[serde(default = "udp", deserialize_with = "transport")]
    pub transport: Transport,
    /// The port on which it takes messages.
    #[serde(default = "sip_port")]
    pub port: u16,
    /// For how many seconds it asks to be registered.
    #[serde(default = "expires")]
    pub expires: u32,
    /// How long it rings before it answers, 0 = it answers without ringing; without, it rings until
    /// it is told to answer.
    pub answer_after_ms: Option<u64>,
    /// The first port for media; each call takes the next even one.
    #[serde(default = "media_port")]
    pub media_port: u16,
    /// How many media packets it sends in a call; whoever called hangs up then. Without, media goes
    /// on until somebody is told to hang up.
    pub talk_packets: Option<u32>,
    /// Seconds after which a call is over whose other side sends no media: its BYE may be lost for
    /// good. 0 = never.
    #[serde(default = "silence_max_s")]
    pub silence_max_s: u64,
    /// Calls at once; more are refused with 486. 0 = it is always busy.
    #[serde(default = "calls_max")]
    pub calls_max: usize,
    /// Names it can resolve.
    #[serde(default)]
    pub names: BTreeMap<String, Ipv6Addr>,
}

impl SipConfig {
    /// How long it rings before it answers.
    pub fn answer_after(&self) -> Option<Duration> {
        self.answer_after_ms.map(Duration::from_millis)
    }

    /// How long the other side of a call may send no media.
    pub(super) fn silence_max(&self) -> Option<Duration> {
        (self.silence_max_s > 0).then(|| Duration::from_secs(self.silence_max_s))
    }

    /// The domain of the identifier: where it registers.
    pub(super) fn registrar(&self) -> Uri {
        let text = format!("sip:{}", self.identifier.view().host);
        Uri::parse(&text).expect("the host of a SIP URI makes one")
    }
}

fn uri<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uri, D::Error> {
    let text = String::deserialize(deserializer)?;
    let uri = Uri::parse(&text)
        .map_err(|error| serde::de::Error::custom(format!("{text:?}: {error}")))?;
    if uri.view().scheme != Scheme::Sip {
        return Err(serde::de::Error::custom(format!("{text:?} is no SIP URI")));
    }
    Ok(uri)
}

fn transport<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Transport, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || serde::de::Error::custom(format!("{text:?} is neither \"udp\" nor \"tcp\""));
    Transport::from_token(&text).ok_or_else(wrong)
}

const fn udp() -> Transport {
    Transport::Udp
}

const fn sip_port() -> u16 {
    roamproof_wire::sip::DEFAULT_PORT
}

const fn expires() -> u32 {
    3600
}

const fn media_port() -> u16 {
    40_000
}

/// As long as a transaction waits for its end.
const fn silence_max_s() -> u64 {
    crate::sip::TIMEOUT.as_secs()
}

const fn calls_max() -> usize {
    128
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn what_is_left_out_has_a_value() {
        let config: SipConfig = parse("").unwrap();
        assert_eq!(config.registrar().as_str(), "sip:example.com");
        assert_eq!(
            (config.port, config.server_port, config.transport),
            (5060, 5060, Transport::Udp)
        );
        assert_eq!(config.answer_after(), None);
    }

    #[rstest]
    #[case::transport("transport = \"sctp\"", "neither \"udp\" nor \"tcp\"")]
    #[case::unknown("answer_after = 3", "unknown field `answer_after`")]
    #[case::number("talk_packets = -1", "invalid value")]
    fn faults_are_named(#[case] line: &str, #[case] fault: &str) {
        let error = parse(line).unwrap_err().to_string();
        assert!(error.contains(fault), "{error}");
    }

    fn parse(line: &str) -> Result<SipConfig, toml::de::Error> {
        let text =
            format!("identifier = \"sip:mt@example.com\"\nserver = \"2001:db8:5::5\"\n{line}\n");
        toml::from_str(&text)
    }
}
