//! What every node's configuration says about its interfaces, addresses and routes.

use std::net::Ipv6Addr;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::ipv6::address;
use serde::{Deserialize, Deserializer};

/// The part of a node's configuration that every role has.
///
/// ```toml
/// [[interface]]
/// name = "eth0"
/// mac = "02:00:00:00:0a:0a"
/// addresses = ["2001:db8:a::a/64"]
///
/// [[route]]
/// prefix = "::/0"
/// via = "fe80::ff:fe00:a01"
/// interface = "eth0"
/// ```
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct HostConfig {
    /// The interfaces, in the order that counts them.
    #[serde(rename = "interface")]
    pub interfaces: Vec<InterfaceConfig>,
    /// Routes beside those to the prefixes of the interfaces' own addresses.
    #[serde(rename = "route")]
    pub routes: Vec<RouteConfig>,
}

/// One interface.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterfaceConfig {
    /// Its name.
    pub name: String,
    /// Its link-layer address.
    #[serde(deserialize_with = "from_str")]
    pub mac: Mac,
    /// Static addresses with their prefix lengths; the link-local one is formed from `mac`.
    #[serde(default)]
    pub addresses: Vec<Prefix>,
    /// What a router advertises here, if it does.
    pub advertise: Option<AdvertiseConfig>,
}

/// What Router Advertisements on an interface say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdvertiseConfig {
    /// The prefix, on-link and for address configuration.
    pub prefix: Prefix,
    /// The longest time between two unsolicited ones, milliseconds.
    #[serde(default = "default_interval_ms")]
    pub interval_ms: u64,
    /// How long this router may be a default router, seconds; 0 = never.
    #[serde(default = "default_router_lifetime")]
    pub router_lifetime: u16,
    /// How long the prefix is valid, seconds.
    #[serde(default = "default_prefix_lifetime")]
    pub valid_lifetime: u32,
    /// How long addresses from it are preferred, seconds.
    #[serde(default = "default_prefix_lifetime")]
    pub preferred_lifetime: u32,
    /// Whether it says that it is a home agent (H flag, RFC 6275 §7.1), and its whole address with
    /// the R flag (RFC 6275 §7.2).
    #[serde(default)]
    pub home_agent: bool,
}

/// One route.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// Where to.
    pub prefix: Prefix,
    /// The router on the link, `None` where the destinations are on it themselves.
    pub via: Option<Ipv6Addr>,
    /// Out of which interface.
    pub interface: String,
}

/// An address with the length of its prefix in bits, as in `2001:db8:a::a/64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// The address, host bits kept.
    pub address: Ipv6Addr,
    /// Bits, at most 128.
    pub length: u8,
}

impl Prefix {
    /// Whether `address` begins with this prefix.
    pub fn contains(&self, address: Ipv6Addr) -> bool {
        let shift = 128 - u32::from(self.length.min(128));
        let mask = u128::MAX.checked_shl(shift).unwrap_or(0);
        u128::from(address) & mask == u128::from(self.address) & mask
    }

    /// The address with the host bits zero.
    pub fn network(&self) -> Ipv6Addr {
        let shift = 128 - u32::from(self.length.min(128));
        Ipv6Addr::from(u128::from(self.address) & u128::MAX.checked_shl(shift).unwrap_or(0))
    }

    /// The address with this 64-bit prefix and the interface identifier of `mac` (RFC 4291
    /// appendix A: modified EUI-64).
    pub fn with_interface_identifier(&self, mac: Mac) -> Ipv6Addr {
        address::with_interface_identifier(self.network(), mac)
    }
}

impl std::str::FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no prefix such as 2001:db8:a::a/64");
        let (address, length) = text.split_once('/').ok_or_else(wrong)?;
        let address = address.parse().map_err(|_| wrong())?;
        let length: u8 = length.parse().map_err(|_| wrong())?;
        if length > 128 {
            return Err(wrong());
        }
        Ok(Self { address, length })
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_str(deserializer)
    }
}

fn from_str<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

const fn default_interval_ms() -> u64 {
    1000
}

const fn default_router_lifetime() -> u16 {
    1800
}

const fn default_prefix_lifetime() -> u32 {
    86_400
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2001:db8:a::a/64", "2001:db8:a::ffff", true)]
    #[case("2001:db8:a::a/64", "2001:db8:b::a", false)]
    #[case("::/0", "fe80::1", true)]
    #[case("2001:db8::1/128", "2001:db8::1", true)]
    #[case("2001:db8::1/128", "2001:db8::2", false)]
    fn prefixes_contain(#[case] prefix: Prefix, #[case] address: Ipv6Addr, #[case] inside: bool) {
        assert_eq!(prefix.contains(address), inside);
    }
}
