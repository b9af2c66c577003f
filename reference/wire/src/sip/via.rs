//! Via: the way a request came and its responses go back (RFC 3261 20.42, 18.2; RFC 3581).

use std::fmt;
use std::net::IpAddr;

use super::host::{Host, HostView};
use super::parameters::Parameters;
use super::text::Cursor;
use super::uri::is_parameter_text;
use crate::WireError;

/// What carries messages here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams; messages may be lost.
    Udp,
    /// A stream.
    Tcp,
}

/// One Via value, borrowed from a message.
#[derive(Debug, Clone, Copy)]
pub struct ViaView<'a> {
    /// The transport as written: `UDP`, `TCP`, `TLS` …
    pub transport: &'a str,
    /// Who wrote it.
    pub host: HostView<'a>,
    /// Its port, where one is named.
    pub port: Option<u16>,
    /// branch, received, rport …
    pub parameters: Parameters<'a>,
}

/// One Via value, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// What the request is sent over.
    pub transport: Transport,
    /// The sender's own host.
    pub host: Host,
    /// The port on which it takes responses.
    pub port: Option<u16>,
    /// The transaction; begins with [`BRANCH_COOKIE`](super::BRANCH_COOKIE).
    pub branch: String,
    /// Whether the response shall come to the port the request left from (RFC 3581).
    pub rport: bool,
}

impl Transport {
    /// As a Via names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }

    /// The transport that `token` names in any letter case, `None` where it is not one of ours.
    pub fn from_token(token: &str) -> Option<Self> {
        [Self::Udp, Self::Tcp].into_iter().find(|known| known.as_str().eq_ignore_ascii_case(token))
    }

    /// Whether what is sent arrives, so that nothing is sent twice.
    pub const fn is_reliable(self) -> bool {
        matches!(self, Self::Tcp)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'a> ViaView<'a> {
    /// Reads one Via value.
    ///
    /// # Errors
    ///
    /// Where it does not follow the grammar.
    pub fn parse(value: &'a [u8]) -> Result<Self, WireError> {
        let mut cursor = Cursor::new("Via", value);
        cursor.skip_space();
        let at = cursor;
        if !cursor.token_octets("SIP")?.eq_ignore_ascii_case(b"SIP") {
            return Err(at.error("SIP"));
        }
        slash(&mut cursor)?;
        let at = cursor;
        if cursor.token_octets("2.0")? != b"2.0" {
            return Err(at.error("2.0"));
        }
        slash(&mut cursor)?;
        let transport = cursor.token("a transport")?;
        let at = cursor;
        cursor.skip_space();
        if at.position() == cursor.position() {
            return Err(at.error("white space"));
        }
        let (host, port) = HostView::read_with_port(&mut cursor)?;
        let parameters = Parameters::read(&mut cursor)?;
        cursor.skip_space();
        cursor.end("a semicolon or the end")?;
        Ok(Self { transport, host, port, parameters })
    }

    /// The transaction's branch, where there is one.
    pub fn branch(&self) -> Option<&'a str> {
        self.parameters.value("branch")
    }

    /// Whether the branch was made by RFC 3261 and names the transaction by itself (17.2.3).
    pub fn has_magic_cookie(&self) -> bool {
        let cookie = super::BRANCH_COOKIE.as_bytes();
        self.branch().is_some_and(|branch| {
            branch.len() > cookie.len()
                && branch.as_bytes()[..cookie.len()].eq_ignore_ascii_case(cookie)
        })
    }

    /// The address the request came from, as the next hop saw it; brackets are tolerated.
    pub fn received(&self) -> Option<IpAddr> {
        self.parameters.value("received").and_then(HostView::from_text).and_then(HostView::address)
    }

    /// `Some(None)` where the sender asks for it, `Some(Some(port))` where it was filled in.
    pub fn rport(&self) -> Option<Option<u16>> {
        self.parameters.find("rport").map(|value| value.and_then(|port| port.parse().ok()))
    }

    /// Where responses shall go instead, where it says so.
    pub fn maddr(&self) -> Option<HostView<'a>> {
        self.parameters.value("maddr").and_then(HostView::from_text)
    }

    /// The port on which the sender takes responses: the one named or the default.
    pub fn effective_port(&self) -> u16 {
        self.port.unwrap_or(super::DEFAULT_PORT)
    }
}

impl fmt::Display for ViaView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.parameters.text())
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        debug_assert!(is_parameter_text(&self.branch), "a branch of ours is a token");
        write!(f, ";branch={}", self.branch)?;
        if self.rport { f.write_str(";rport") } else { Ok(()) }
    }
}

fn slash(cursor: &mut Cursor<'_>) -> Result<(), WireError> {
    cursor.skip_space();
    cursor.expect(b'/', "a slash")?;
    cursor.skip_space();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain(
        "SIP/2.0/UDP [2001:db8:c::c]:5062;branch=z9hG4bKa1",
        "SIP/2.0/UDP [2001:db8:c::c]:5062;branch=z9hG4bKa1"
    )]
    #[case::spaced(
        "SIP / 2.0\r\n / TCP  proxy.example : 5061 ; branch=z9hG4bKb2",
        "SIP/2.0/TCP proxy.example:5061; branch=z9hG4bKb2"
    )]
    #[case::lower(
        "sip/2.0/tls 192.0.2.7;branch=z9hG4bKc3",
        "SIP/2.0/tls 192.0.2.7;branch=z9hG4bKc3"
    )]
    #[case::whole_is_the_address("SIP/2.0/UDP [2001:db8::9:70]", "SIP/2.0/UDP [2001:db8::9:70]")]
    fn a_via_is_read_and_written(#[case] value: &str, #[case] written: &str) {
        assert_eq!(ViaView::parse(value.as_bytes()).unwrap().to_string(), written);
    }

    #[test]
    fn its_parameters_say_where_responses_go() {
        let via = ViaView::parse(
            b"SIP/2.0/UDP host.example;branch=Z9HG4BKd4;received=[2001:db8:c::7];rport=5077;maddr=2001:db8::5",
        )
        .unwrap();
        assert!(via.has_magic_cookie());
        assert_eq!(via.received(), Some("2001:db8:c::7".parse().unwrap()));
        assert_eq!(via.rport(), Some(Some(5077)));
        assert_eq!(via.maddr(), HostView::from_text("2001:db8::5"));
        assert_eq!(via.effective_port(), 5060);
    }

    #[rstest]
    #[case::cookie_alone("SIP/2.0/UDP a;branch=z9hG4bK;rport", false, Some(None))]
    #[case::none("SIP/2.0/UDP a", false, None)]
    fn a_branch_needs_more_than_its_cookie(
        #[case] value: &str,
        #[case] magic: bool,
        #[case] rport: Option<Option<u16>>,
    ) {
        let via = ViaView::parse(value.as_bytes()).unwrap();
        assert_eq!((via.has_magic_cookie(), via.rport()), (magic, rport));
    }

    #[rstest]
    #[case::protocol("SAP/2.0/UDP a", 0, "SIP")]
    #[case::version("SIP/7.0/UDP a", 4, "2.0")]
    #[case::slash("SIP 2.0/UDP a", 4, "a slash")]
    #[case::transport("SIP/2.0/ ;", 9, "a transport")]
    #[case::space("SIP/2.0/UDP;branch=a", 11, "white space")]
    #[case::host("SIP/2.0/UDP ;branch=a", 12, "a host")]
    #[case::port("SIP/2.0/UDP a:b", 14, "a port")]
    #[case::bracket("SIP/2.0/UDP [2001:db8::1", 24, "a closing bracket")]
    #[case::end("SIP/2.0/UDP a b", 14, "a semicolon or the end")]
    fn what_is_none_is_refused(
        #[case] value: &str,
        #[case] offset: usize,
        #[case] expected: &'static str,
    ) {
        assert_eq!(
            ViaView::parse(value.as_bytes()).map(|via| via.to_string()),
            Err(WireError::grammar("Via", offset, expected))
        );
    }

    #[test]
    fn ours_is_written_with_brackets_and_rport() {
        let via = Via {
            transport: Transport::Udp,
            host: Host::from("2001:db8:a::100".parse::<std::net::Ipv6Addr>().unwrap()),
            port: Some(5063),
            branch: "z9hG4bK1f2e".to_owned(),
            rport: true,
        };
        assert_eq!(via.to_string(), "SIP/2.0/UDP [2001:db8:a::100]:5063;branch=z9hG4bK1f2e;rport");
    }
}
