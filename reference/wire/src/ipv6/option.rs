//! Options of Hop-by-Hop and Destination Options headers (RFC 8200 §4.2, RFC 6275 §6.3, RFC 2473
//! §4.1.1, RFC 2711).
//!
//! ```text
//! +---------------+---------------+-------- - - -     type: action (2 bits), may change (1), rest (5)
//! |  Option Type  |  Data Length  |  Option Data
//! +---------------+---------------+-------- - - -     Pad1 is a type octet alone: 0
//! ```

use std::net::Ipv6Addr;

use crate::WireError;

use super::extension::Extension;

/// Option Type of a Home Address option: action 11, so that no node that does not know it takes
/// the packet.
pub const HOME_ADDRESS: u8 = 0xc9;
/// Option Type of a single octet of padding.
pub const PAD1: u8 = 0;
/// Option Type of two octets of padding or more.
pub const PADN: u8 = 1;
/// Option Type of a Tunnel Encapsulation Limit.
pub const TUNNEL_ENCAPSULATION_LIMIT: u8 = 4;
/// Option Type of a Router Alert.
pub const ROUTER_ALERT: u8 = 5;
/// Router Alert value of a packet that holds an MLD message.
pub const ROUTER_ALERT_MLD: u16 = 0;
/// The octets of a Destination Options header that holds a Home Address option and nothing else.
pub const HOME_ADDRESS_HEADER_LEN: usize = 24;

/// One option as it lies in its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawOption<'a> {
    /// The Option Type.
    pub kind: u8,
    /// Octets from the start of the IPv6 header to the Option Type.
    pub offset: usize,
    /// The Option Data; empty in a Pad1.
    pub data: &'a [u8],
}

/// What a node does that does not know an option (RFC 8200 §4.2): the two high bits of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// 00: go on with the next option.
    Skip,
    /// 01: discard the packet silently.
    Discard,
    /// 10: discard it and send Parameter Problem code 2, whatever its destination.
    Report,
    /// 11: discard it and send Parameter Problem code 2 unless its destination is a group.
    ReportUnicast,
}

/// Walks the options of one header.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    octets: &'a [u8],
    /// Octets from the start of the IPv6 header to the options header.
    offset: usize,
    at: usize,
}

impl RawOption<'_> {
    /// What a node does that does not know the option.
    pub const fn action(&self) -> Action {
        match self.kind >> 6 {
            0 => Action::Skip,
            1 => Action::Discard,
            2 => Action::Report,
            _ => Action::ReportUnicast,
        }
    }
}

impl<'a> Options<'a> {
    /// Walks the options of `extension`, a Hop-by-Hop or Destination Options header.
    pub const fn new(extension: &Extension<'a>) -> Self {
        Self { octets: extension.octets, offset: extension.offset, at: 2 }
    }

    /// The next option, padding included, `None` at the end.
    ///
    /// # Errors
    ///
    /// Where an option goes on beyond its header; the offset counts from the IPv6 header.
    pub fn step(&mut self) -> Result<Option<RawOption<'a>>, WireError> {
        const WITHIN: &str = "IPv6 option";
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let offset = self.offset + self.at;
        match rest {
            [] => Ok(None),
            [PAD1, ..] => {
                self.at += 1;
                Ok(Some(RawOption { kind: PAD1, offset, data: &[] }))
            }
            [_] => Err(WireError::truncated(WITHIN, offset, 2, 1)),
            [kind, length, data @ ..] => {
                let length = usize::from(*length);
                let Some(data) = data.get(..length) else {
                    return Err(WireError::truncated(WITHIN, offset + 1, length, data.len()));
                };
                self.at += 2 + length;
                Ok(Some(RawOption { kind: *kind, offset, data }))
            }
        }
    }
}

/// A Destination Options header that holds the Home Address option of `home`, at 8n+6 as RFC 6275
/// §6.3 wants it, with four octets of PadN before it.
pub fn home_address_header(next_header: u8, home: Ipv6Addr) -> [u8; HOME_ADDRESS_HEADER_LEN] {
    let mut octets = [0; HOME_ADDRESS_HEADER_LEN];
    octets[..8].copy_from_slice(&[next_header, 2, PADN, 2, 0, 0, HOME_ADDRESS, 16]);
    octets[8..].copy_from_slice(&home.octets());
    octets
}

/// A Hop-by-Hop Options header that holds a Router Alert of `value` and two octets of PadN.
pub const fn router_alert_header(next_header: u8, value: u16) -> [u8; 8] {
    let [high, low] = value.to_be_bytes();
    [next_header, 0, ROUTER_ALERT, 2, high, low, PADN, 0]
}

/// A Destination Options header that holds a Tunnel Encapsulation Limit and three octets of PadN
/// (RFC 2473 §4.1.1).
pub const fn tunnel_limit_header(next_header: u8, limit: u8) -> [u8; 8] {
    [next_header, 0, TUNNEL_ENCAPSULATION_LIMIT, 1, limit, PADN, 1, 0]
}
