//! Who plays what in a capture: told, or found out from the messages.

use std::net::Ipv6Addr;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::Message as IcmpMessage;
use roamproof_wire::mobility::Message as MobilityMessage;
use roamproof_wire::sip::{Fields, HeaderName, Method};

use super::reading::Reading;

/// The roles of a capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cast {
    /// The mobile terminals.
    pub terminals: Vec<Terminal>,
    /// The SIP server's address.
    pub server: Option<Ipv6Addr>,
    /// The correspondents' addresses: callers and callees that are no terminals.
    pub correspondents: Vec<Ipv6Addr>,
    /// Whether home agents tell the SIP server where terminals are (claims 10 and 11).
    pub direct: bool,
}

/// A mobile terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    /// Its home address.
    pub home: Ipv6Addr,
    /// Its home agent's address.
    pub home_agent: Ipv6Addr,
    /// Its link-layer address, where known.
    pub mac: Option<[u8; 6]>,
    /// Its identifier: `sip:mt@example.com`.
    pub identifier: Option<String>,
}

impl Cast {
    /// Whether nobody is known.
    pub const fn is_empty(&self) -> bool {
        self.terminals.is_empty()
    }

    /// Whether an address is a mobile terminal's home address.
    pub fn is_home(&self, address: Ipv6Addr) -> bool {
        self.terminals.iter().any(|terminal| terminal.home == address)
    }

    /// Finds out who plays what: whoever sends a home registration is a mobile terminal, whoever
    /// gets it its home agent, whoever gets REGISTER the SIP server.
    pub(crate) fn infer(readings: &[Reading<'_>]) -> Self {
        let mut cast = Self::default();
        for reading in readings {
            cast.learn_registration(reading);
        }
        cast.learn_homes(readings);
        for reading in readings {
            cast.learn_sip(reading);
        }
        cast
    }

    /// Fills in what can be seen and was not told.
    pub(crate) fn complete(&mut self, readings: &[Reading<'_>]) {
        let seen = Self::infer(readings);
        for terminal in &mut self.terminals {
            let found = seen.terminals.iter().find(|one| one.home == terminal.home);
            if let Some(found) = found {
                terminal.mac = terminal.mac.or(found.mac);
                terminal.identifier =
                    terminal.identifier.take().or_else(|| found.identifier.clone());
            }
        }
        self.server = self.server.or(seen.server);
    }

    fn learn_registration(&mut self, reading: &Reading<'_>) {
        match reading.mobility() {
            Some(MobilityMessage::BindingUpdate(update)) if update.home_registration => {
                let Some(home) = reading.packet.home_address else { return };
                if self.terminals.iter().any(|terminal| terminal.home == home) {
                    return;
                }
                self.terminals.push(Terminal {
                    home,
                    home_agent: reading.packet.header.destination,
                    mac: Some(reading.from_mac.0),
                    identifier: None,
                });
            }
            Some(MobilityMessage::BindingLookup(_)) => self.direct = true,
            Some(_) | None => {}
        }
    }

    /// A terminal that never leaves home registers with the SIP server only: it lives in the prefix
    /// that a home agent advertises.
    fn learn_homes(&mut self, readings: &[Reading<'_>]) {
        let homes: Vec<(Ipv6Addr, u8)> = readings
            .iter()
            .filter_map(|reading| match reading.icmp() {
                Some(IcmpMessage::RouterAdvertisement(message)) if message.home_agent => {
                    message.prefixes().next()
                }
                _ => None,
            })
            .map(|prefix| (prefix.prefix, prefix.prefix_length))
            .collect();
        for reading in readings {
            let Some(message) = reading.sip() else { continue };
            if message.method() != Some(Method::Register) || !reading.tunnels.is_empty() {
                continue;
            }
            let home = reading.packet.header.source;
            let agent = homes.iter().find(|(prefix, length)| {
                roamproof_wire::ipv6::address::prefixes_agree(*prefix, home, *length)
            });
            let Some((home_agent, _)) = agent else { continue };
            if self.terminals.iter().all(|terminal| terminal.home != home) {
                self.terminals.push(Terminal {
                    home,
                    home_agent: *home_agent,
                    mac: Some(reading.from_mac.0),
                    identifier: None,
                });
            }
        }
    }

    fn learn_sip(&mut self, reading: &Reading<'_>) {
        let Some(message) = reading.sip() else { return };
        let source = reading.packet.source();
        match message.method() {
            Some(Method::Register) => {
                self.server.get_or_insert(reading.packet.destination());
                let to = message.header(HeaderName::To).map(|to| to.value.to_vec());
                let to = String::from_utf8_lossy(&to.unwrap_or_default()).into_owned();
                if let Some(terminal) = self.terminals.iter_mut().find(|one| one.home == source) {
                    terminal.identifier.get_or_insert_with(|| uri_of(&to));
                } else {
                    self.add_correspondent(source);
                }
            }
            Some(Method::Invite) if reading.tunnels.is_empty() && Some(source) != self.server => {
                self.add_correspondent(source);
            }
            _ => {}
        }
    }

    fn add_correspondent(&mut self, address: Ipv6Addr) {
        let terminal = self.terminals.iter().any(|terminal| terminal.home == address);
        if !terminal && !self.correspondents.contains(&address) {
            self.correspondents.push(address);
        }
    }
}

impl Terminal {
    /// Whether this is its link-layer address.
    pub(crate) fn is_at(&self, mac: Mac) -> bool {
        self.mac == Some(mac.0)
    }
}

/// The URI of a name-addr or addr-spec, without parameters.
pub(crate) fn uri_of(value: &str) -> String {
    let inside = value.split_once('<').map_or(value, |(_, rest)| rest);
    inside.split(['>', ';']).next().unwrap_or_default().trim().to_owned()
}
