//! Host names and addresses as SIP writes them (RFC 3261 25.1, RFC 5118, RFC 5954).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::text::{Cursor, decimal, is_address, is_name};
use crate::WireError;
use crate::ipv6::address::from_groups;

/// A host, borrowed from a message.
#[derive(Debug, Clone, Copy)]
pub enum HostView<'a> {
    /// A name, as written.
    Name(&'a str),
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address; brackets belong to the text, not to the value.
    Ipv6(Ipv6Addr),
}

/// A host, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name.
    Name(String),
    /// An address.
    Address(IpAddr),
}

impl<'a> HostView<'a> {
    /// Reads a host that is the whole of `text`, with brackets around IPv6 or without.
    ///
    /// `None` where it is neither a name nor an address.
    pub fn from_text(text: &'a str) -> Option<Self> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        if let Some(address) = bare.or(text.contains(':').then_some(text)) {
            return ipv6(address.as_bytes()).map(Self::Ipv6);
        }
        // Most names are told apart from addresses by their first character.
        if text.starts_with(|first: char| first.is_ascii_digit())
            && let Ok(address) = text.parse()
        {
            return Some(Self::Ipv4(address));
        }
        (!text.is_empty() && text.bytes().all(is_name)).then_some(Self::Name(text))
    }

    /// The address, where it is one.
    pub const fn address(self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::Ipv4(address) => Some(IpAddr::V4(address)),
            Self::Ipv6(address) => Some(IpAddr::V6(address)),
        }
    }

    /// The same host, owned.
    pub fn to_owned(self) -> Host {
        match self {
            Self::Name(name) => Host::Name(name.to_owned()),
            Self::Ipv4(address) => Host::Address(address.into()),
            Self::Ipv6(address) => Host::Address(address.into()),
        }
    }

    /// Reads `host [":" port]` from `cursor`, white space allowed around the colon.
    pub(super) fn read_with_port(
        cursor: &mut Cursor<'a>,
    ) -> Result<(Self, Option<u16>), WireError> {
        let host = Self::read(cursor)?;
        let before = *cursor;
        cursor.skip_space();
        if !cursor.takes(b':') {
            *cursor = before;
            return Ok((host, None));
        }
        cursor.skip_space();
        let at = *cursor;
        let digits = cursor.take_while(|octet| octet.is_ascii_digit());
        let port = decimal(digits).and_then(|port| u16::try_from(port).ok());
        Ok((host, Some(port.ok_or_else(|| at.error("a port"))?)))
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, WireError> {
        let start = *cursor;
        if cursor.takes(b'[') {
            let inside = cursor.take_while(is_address);
            let address = ipv6(inside).ok_or_else(|| start.error("an IPv6 address"))?;
            cursor.expect(b']', "a closing bracket")?;
            return Ok(Self::Ipv6(address));
        }
        let name = cursor.take_while(is_name);
        let text = std::str::from_utf8(name).expect("name characters are ASCII");
        Self::from_text(text).ok_or_else(|| start.error("a host"))
    }
}

impl PartialEq for HostView<'_> {
    /// By value: names without regard to case, addresses whatever their text was.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(one), Self::Name(other)) => one.eq_ignore_ascii_case(other),
            (one, other) => one.address().is_some() && one.address() == other.address(),
        }
    }
}

impl Eq for HostView<'_> {}

impl fmt::Display for HostView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ipv4(address) => write!(f, "{address}"),
            Self::Ipv6(address) => write!(f, "[{address}]"),
        }
    }
}

impl Host {
    /// The same host, borrowed.
    pub fn view(&self) -> HostView<'_> {
        match self {
            Self::Name(name) => HostView::Name(name),
            Self::Address(IpAddr::V4(address)) => HostView::Ipv4(*address),
            Self::Address(IpAddr::V6(address)) => HostView::Ipv6(*address),
        }
    }
}

impl From<Ipv6Addr> for Host {
    fn from(address: Ipv6Addr) -> Self {
        Self::Address(address.into())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

/// Reads an IPv6 address, three colons before a dotted quad tolerated: an early grammar of SIP
/// produced them (RFC 5118 4.10, RFC 5954).
fn ipv6(octets: &[u8]) -> Option<Ipv6Addr> {
    from_groups(octets).or_else(|| {
        let text = std::str::from_utf8(octets).ok()?;
        if let Ok(address) = text.parse() {
            return Some(address);
        }
        let (front, back) = text.split_once(":::")?;
        let quad = !back.contains(':') && back.contains('.');
        quad.then(|| format!("{front}::{back}").parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::name("Example.COM", Some("Example.COM"))]
    #[case::ipv4("192.0.2.7", Some("192.0.2.7"))]
    #[case::ipv6("[2001:DB8:0:0::10]", Some("[2001:db8::10]"))]
    #[case::ipv6_without_brackets("2001:db8::10", Some("[2001:db8::10]"))]
    #[case::mapped("[::ffff:192.0.2.10]", Some("[::ffff:192.0.2.10]"))]
    #[case::three_colons("[2001:db8:::192.0.2.1]", Some("[2001:db8::c000:201]"))]
    #[case::four_colons("[2001:db8::::192.0.2.1]", None)]
    #[case::zone("[fe80::1%eth0]", None)]
    #[case::empty("", None)]
    #[case::underscore("sip_server", Some("sip_server"))]
    fn a_host_is_a_name_or_an_address(#[case] text: &str, #[case] written: Option<&str>) {
        let host = HostView::from_text(text).map(|host| host.to_string());
        assert_eq!(host.as_deref(), written);
    }

    #[rstest]
    #[case("[2001:db8::a]", "[2001:DB8:0::A]", true)]
    #[case("example.com", "EXAMPLE.com", true)]
    #[case("192.0.2.1", "[::ffff:192.0.2.1]", false)]
    #[case("example.com", "192.0.2.1", false)]
    fn hosts_compare_by_value(#[case] one: &str, #[case] other: &str, #[case] equal: bool) {
        assert_eq!(HostView::from_text(one) == HostView::from_text(other), equal);
    }
}
