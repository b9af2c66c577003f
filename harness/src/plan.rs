//! The plan: who has which address, key, identifier and link-layer address in a run.
//!
//! A purpose names nobody by a constant: it asks the plan, so that a device that cannot take the
//! claimed network's addresses keeps its own.

use std::fmt;
use std::net::Ipv6Addr;

use roamproof_wire::ethernet::Mac;

use crate::tester::sip::Party;
use crate::topology::claimed;

/// Who has which address, key, identifier and link-layer address in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The home agent.
    pub ha: Ipv6Addr,
    /// The second home agent, on a home link of its own.
    pub ha2: Ipv6Addr,
    /// The SIP server.
    pub ss: Ipv6Addr,
    /// The correspondent.
    pub cn: Ipv6Addr,
    /// The second correspondent.
    pub cn2: Ipv6Addr,
    /// Where the correspondent's media comes from, where that is not [`cn`](Self::cn).
    pub cn_media: Ipv6Addr,
    /// The mobile terminal's home address.
    pub hoa: Ipv6Addr,
    /// The second mobile terminal's home address, at the second home agent.
    pub hoa2: Ipv6Addr,
    /// The /64 prefixes of the links, by name.
    pub links: [(&'static str, Ipv6Addr); 7],
    /// The mobile terminal's identifier: `sip:mt@example.com`.
    pub mt_identifier: String,
    /// The second mobile terminal's identifier: `sip:mt2@example.com`.
    pub mt2_identifier: String,
    /// The correspondent's identifier: `sip:cn@example.com`.
    pub cn_identifier: String,
    /// The SIP domain: `example.com`.
    pub domain: String,
    /// What the mobile terminal and its home agent share (RFC 4285).
    pub mn_ha: Key,
    /// What home agents and the SIP server share (binding lookup).
    pub ha_ss: Key,
    /// The password of every identifier, where the SIP server asks for one (RFC 3261 §22). The user
    /// is that of the identifier.
    pub sip_password: Option<Password>,
    /// The subject's link-layer address.
    pub subject: Mac,
}

/// A key and its security parameter index. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// The security parameter index.
    pub spi: u32,
    /// The key's octets.
    pub octets: Vec<u8>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key {{ spi: {}, {} octets }}", self.spi, self.octets.len())
    }
}

/// A password. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

impl Plan {
    /// The claimed network's own, as the reference nodes are configured; `subject` is the
    /// link-layer address of the subject.
    pub fn claimed(subject: Mac) -> Self {
        Self {
            ha: claimed::HA,
            ha2: claimed::HA2,
            ss: claimed::SS,
            cn: claimed::CN,
            cn2: claimed::CN2,
            cn_media: claimed::CN_MEDIA,
            hoa: claimed::HOA,
            hoa2: claimed::HOA2,
            links: claimed::LINKS,
            mt_identifier: "sip:mt@example.com".to_owned(),
            mt2_identifier: "sip:mt2@example.com".to_owned(),
            cn_identifier: "sip:cn@example.com".to_owned(),
            domain: "example.com".to_owned(),
            mn_ha: Key { spi: claimed::MN_HA_SPI, octets: octets_of(claimed::MN_HA_KEY) },
            ha_ss: Key { spi: claimed::HA_SS_SPI, octets: octets_of(claimed::HA_SS_KEY) },
            sip_password: None,
            subject,
        }
    }

    /// The /64 prefix of the link called `name`.
    ///
    /// # Panics
    ///
    /// Where the claimed network has no such link.
    pub fn prefix(&self, name: &str) -> Ipv6Addr {
        let known = self.links.iter().find(|(link, _)| *link == name);
        known.map(|(_, prefix)| *prefix).expect("purposes name links of the claimed network")
    }

    /// The address on a link with this interface identifier.
    pub fn address(&self, link: &str, identifier: u64) -> Ipv6Addr {
        let prefix = self.prefix(link).to_bits() & !u128::from(u64::MAX);
        Ipv6Addr::from_bits(prefix | u128::from(identifier))
    }

    /// The mobile terminal as SIP sees it, at its home address, with media on this port.
    pub fn mt(&self, port: u16) -> Party {
        let (identifier, address) = (self.mt_identifier.clone(), self.hoa);
        Party { identifier, address, media: (address, port) }
    }

    /// The second mobile terminal as SIP sees it, at its home address, with media on this port.
    pub fn mt2(&self, port: u16) -> Party {
        let (identifier, address) = (self.mt2_identifier.clone(), self.hoa2);
        Party { identifier, address, media: (address, port) }
    }

    /// The correspondent as SIP sees it, with media on this port of its own address.
    pub fn cn(&self, port: u16) -> Party {
        let (identifier, address) = (self.cn_identifier.clone(), self.cn);
        Party { identifier, address, media: (address, port) }
    }
}

/// The octets of a key in hexadecimal digits.
fn octets_of(digits: &str) -> Vec<u8> {
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("keys are constants here"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_printed() {
        let plan = Plan::claimed(Mac([2, 0, 0, 0, 0, 1]));
        let printed = format!("{:?}", plan.mn_ha);
        assert_eq!(printed, "Key { spi: 1000, 20 octets }");
        assert_eq!(plan.mn_ha.octets, b"mobile-home-agent-k1");
    }

    #[test]
    fn an_address_is_of_its_link() {
        let plan = Plan::claimed(Mac([2, 0, 0, 0, 0, 1]));
        let care_of = plan.address("visited-1", 0x1234_5678);
        assert_eq!(care_of, "2001:db8:f1::1234:5678".parse::<Ipv6Addr>().unwrap());
        assert_eq!(plan.prefix("home").segments()[2], 0xa);
    }
}
