//! c=: where media is to be sent (RFC 8866 5.7), told apart as route optimization needs it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::WireError;
use crate::ipv6::address::from_groups;

/// A connection address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionAddress {
    /// IPv6, none of the forms below; it may still be multicast, link-local or loopback.
    Ipv6(Ipv6Addr),
    /// IPv4.
    Ipv4(Ipv4Addr),
    /// IPv4 in the clothes of IPv6: `::ffff:192.0.2.1`.
    Mapped(Ipv4Addr),
    /// `::` or `0.0.0.0`: no media for now, an old way to say hold (RFC 3264 8.4).
    Unspecified,
    /// A name to be resolved.
    Name(String),
}

impl ConnectionAddress {
    /// Reads the value of a c= line: `IN IP6 2001:db8:c::c`.
    ///
    /// # Errors
    ///
    /// Where network type, address type or address are none, or do not agree. Brackets and zone
    /// identifiers are none of SDP's.
    pub fn parse(value: &[u8]) -> Result<Self, WireError> {
        let text =
            std::str::from_utf8(value).map_err(|error| refuse(error.valid_up_to(), "UTF-8"))?;
        let rest = text.strip_prefix("IN ").ok_or_else(|| refuse(0, "network type IN"))?;
        let (kind, address) = rest.split_once(' ').unwrap_or((rest, ""));
        let (address, _ttl_or_count) = address.split_once('/').unwrap_or((address, ""));
        // Where nothing follows the type, at its end.
        let at = (KIND_AT + kind.len() + 1).min(value.len());
        let literal = from_groups(address.as_bytes())
            .map_or_else(|| address.parse(), |address| Ok(IpAddr::V6(address)));
        match (kind, literal) {
            ("IP6", Ok(IpAddr::V6(address))) => Ok(Self::from(address)),
            ("IP4", Ok(IpAddr::V4(address))) if address.is_unspecified() => Ok(Self::Unspecified),
            ("IP4", Ok(IpAddr::V4(address))) => Ok(Self::Ipv4(address)),
            ("IP6", Ok(IpAddr::V4(_))) => Err(refuse(at, "an IPv6 address")),
            ("IP4", Ok(IpAddr::V6(_))) => Err(refuse(at, "an IPv4 address")),
            ("IP4" | "IP6", Err(_)) if is_name(address) => Ok(Self::Name(address.to_owned())),
            ("IP4" | "IP6", Err(_)) => Err(refuse(at, "an address or a name")),
            _ => Err(refuse(KIND_AT, "address type IP4 or IP6")),
        }
    }

    /// The IPv6 address to which media can go, `None` for all other forms.
    pub const fn ipv6(&self) -> Option<Ipv6Addr> {
        match self {
            Self::Ipv6(address) => Some(*address),
            Self::Ipv4(_) | Self::Mapped(_) | Self::Unspecified | Self::Name(_) => None,
        }
    }
}

impl From<Ipv6Addr> for ConnectionAddress {
    fn from(address: Ipv6Addr) -> Self {
        match address.to_ipv4_mapped() {
            Some(mapped) => Self::Mapped(mapped),
            None if address.is_unspecified() => Self::Unspecified,
            None => Self::Ipv6(address),
        }
    }
}

impl fmt::Display for ConnectionAddress {
    /// The address alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv6(address) => write!(f, "{address}"),
            Self::Ipv4(address) => write!(f, "{address}"),
            Self::Mapped(address) => write!(f, "::ffff:{address}"),
            Self::Unspecified => f.write_str("::"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A name has letters; an address that failed to be one is not taken for a name.
fn is_name(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_'))
        && text.bytes().any(|octet| octet.is_ascii_alphabetic())
}

const fn refuse(offset: usize, expected: &'static str) -> WireError {
    WireError::grammar("SDP c=", offset, expected)
}

const KIND_AT: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::ipv6("IN IP6 2001:DB8:C:0::C", ConnectionAddress::Ipv6("2001:db8:c::c".parse().unwrap()))]
    #[case::multicast("IN IP6 ff15::101/3", ConnectionAddress::Ipv6("ff15::101".parse().unwrap()))]
    #[case::ipv4("IN IP4 192.0.2.17/127", ConnectionAddress::Ipv4(Ipv4Addr::new(192, 0, 2, 17)))]
    #[case::mapped(
        "IN IP6 ::ffff:192.0.2.18",
        ConnectionAddress::Mapped(Ipv4Addr::new(192, 0, 2, 18))
    )]
    #[case::hold("IN IP4 0.0.0.0", ConnectionAddress::Unspecified)]
    #[case::hold_ipv6("IN IP6 ::", ConnectionAddress::Unspecified)]
    #[case::name("IN IP6 relay.example.com", ConnectionAddress::Name("relay.example.com".to_owned()))]
    fn an_address_is_told_apart(#[case] value: &str, #[case] address: ConnectionAddress) {
        assert_eq!(ConnectionAddress::parse(value.as_bytes()), Ok(address));
    }

    #[rstest]
    #[case::network("TN IP6 ::1", 0, "network type IN")]
    #[case::kind("IN IP5 ::1", 3, "address type IP4 or IP6")]
    #[case::no_address("IN IP6", 6, "an address or a name")]
    #[case::brackets("IN IP6 [2001:db8::1]", 7, "an address or a name")]
    #[case::zone("IN IP6 fe80::1%eth0", 7, "an address or a name")]
    #[case::ipv4_as_ipv6("IN IP6 192.0.2.1", 7, "an IPv6 address")]
    #[case::ipv6_as_ipv4("IN IP4 2001:db8::1", 7, "an IPv4 address")]
    #[case::numbers("IN IP4 192.0.2", 7, "an address or a name")]
    fn what_is_none_is_refused(
        #[case] value: &str,
        #[case] offset: usize,
        #[case] expected: &'static str,
    ) {
        let error = WireError::grammar("SDP c=", offset, expected);
        assert_eq!(ConnectionAddress::parse(value.as_bytes()), Err(error));
    }
}
