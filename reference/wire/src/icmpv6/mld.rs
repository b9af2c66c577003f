//! Multicast Listener Discovery version 2 (RFC 3810): reports of ours, queries of others.
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |      143      |   Reserved    |           Checksum            |
//! +---------------+---------------+-------------------------------+
//! |           Reserved            |   Number of records           |
//! +===============+===============+===============================+
//! |  Record Type  |  Aux Data Len |   Number of sources           |
//! +---------------+---------------+-------------------------------+
//! |         Multicast Address, then sources, 16 octets each       |
//! ```

use std::net::Ipv6Addr;

use crate::WireError;
use crate::ipv6::address::ALL_MLDV2_ROUTERS;
use crate::ipv6::option::{ROUTER_ALERT_MLD, router_alert_header};
use crate::ipv6::{Outgoing, protocol};

use super::header::{self, finish, kind};

/// Says which groups a node listens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MldReport {
    /// One for each group.
    pub records: Vec<MulticastRecord>,
}

/// What a node says of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MulticastRecord {
    /// What is said.
    pub kind: RecordKind,
    /// Of which group.
    pub group: Ipv6Addr,
    /// The sources it is said of.
    pub sources: Vec<Ipv6Addr>,
}

/// The Record Type (RFC 3810 §5.2.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// 1: listens to the sources named.
    ModeIsInclude,
    /// 2: listens to all sources but those named.
    ModeIsExclude,
    /// 3: from now on as 1; without sources the node leaves the group.
    ChangeToInclude,
    /// 4: from now on as 2; without sources the node joins the group.
    ChangeToExclude,
    /// 5: listens to these sources too.
    AllowNewSources,
    /// 6: listens to these sources no more.
    BlockOldSources,
    /// Any other: to be skipped.
    Other(u8),
}

/// A query of either version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MldQueryView<'a> {
    octets: &'a [u8],
    /// Milliseconds within which reports are wanted, below 32768 as they stand (RFC 3810 §5.1.3).
    pub maximum_response_code: u16,
    /// The group asked for; unspecified in a general query.
    pub group: Ipv6Addr,
}

/// A whole packet with a report: from `source` (link-local or unspecified) to all MLDv2 routers,
/// with hop limit 1 and a Router Alert (RFC 3810 §5, §5.2.14).
pub fn mld_report_packet(source: Ipv6Addr, records: Vec<MulticastRecord>) -> Vec<u8> {
    let report = MldReport { records };
    let option = router_alert_header(protocol::ICMPV6, ROUTER_ALERT_MLD);
    let outgoing = Outgoing::new(source, ALL_MLDV2_ROUTERS, protocol::HOP_BY_HOP);
    let outgoing = Outgoing { hop_limit: 1, ..outgoing };
    outgoing.build(option.len() + report.buffer_len(), |payload| {
        let (place, message) = payload.split_at_mut(option.len());
        place.copy_from_slice(&option);
        report.emit(message);
        finish(source, ALL_MLDV2_ROUTERS, message);
    })
}

impl MldReport {
    /// Reads a report; auxiliary data is skipped.
    ///
    /// # Errors
    ///
    /// Where it is of another type, or cut short within a record.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        let mut reader = header::reader("MLDv2 Report", octets, kind::MLD_REPORT)?;
        reader.u16()?;
        let count = reader.u16()?;
        let mut records = Vec::new();
        for _ in 0..count {
            let kind = RecordKind::from_octet(reader.u8()?);
            let auxiliary = usize::from(reader.u8()?) * 4;
            let sources_count = reader.u16()?;
            let group = reader.address()?;
            let mut sources = Vec::new();
            for _ in 0..sources_count {
                sources.push(reader.address()?);
            }
            reader.take(auxiliary)?;
            records.push(MulticastRecord { kind, group, sources });
        }
        Ok(Self { records })
    }

    /// The octets that [`emit`](Self::emit) writes.
    pub fn buffer_len(&self) -> usize {
        8 + self.records.iter().map(MulticastRecord::buffer_len).sum::<usize>()
    }

    /// Writes the message into `buffer`, every octet of it, its checksum as zero.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long; beyond 65535
    /// records, or sources in one.
    pub fn emit(&self, buffer: &mut [u8]) {
        let (head, mut rest) = buffer.split_at_mut(8);
        let count = u16::try_from(self.records.len()).expect("at most 65535 records");
        head[..6].copy_from_slice(&[kind::MLD_REPORT, 0, 0, 0, 0, 0]);
        head[6..].copy_from_slice(&count.to_be_bytes());
        for record in &self.records {
            let (place, after) = rest.split_at_mut(record.buffer_len());
            record.emit(place);
            rest = after;
        }
        assert!(rest.is_empty(), "the buffer ends with the records");
    }
}

impl MulticastRecord {
    /// The node begins to listen to `group`, whatever the source.
    pub const fn joins(group: Ipv6Addr) -> Self {
        Self { kind: RecordKind::ChangeToExclude, group, sources: Vec::new() }
    }

    /// The node stops to listen to `group`.
    pub const fn leaves(group: Ipv6Addr) -> Self {
        Self { kind: RecordKind::ChangeToInclude, group, sources: Vec::new() }
    }

    fn buffer_len(&self) -> usize {
        20 + 16 * self.sources.len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        let count = u16::try_from(self.sources.len()).expect("at most 65535 sources");
        let (head, rest) = buffer.split_at_mut(20);
        head[..2].copy_from_slice(&[self.kind.octet(), 0]);
        head[2..4].copy_from_slice(&count.to_be_bytes());
        head[4..].copy_from_slice(&self.group.octets());
        for (place, source) in rest.chunks_exact_mut(16).zip(&self.sources) {
            place.copy_from_slice(&source.octets());
        }
    }
}

impl RecordKind {
    const fn from_octet(octet: u8) -> Self {
        match octet {
            1 => Self::ModeIsInclude,
            2 => Self::ModeIsExclude,
            3 => Self::ChangeToInclude,
            4 => Self::ChangeToExclude,
            5 => Self::AllowNewSources,
            6 => Self::BlockOldSources,
            other => Self::Other(other),
        }
    }

    /// The Record Type field.
    pub const fn octet(self) -> u8 {
        match self {
            Self::ModeIsInclude => 1,
            Self::ModeIsExclude => 2,
            Self::ChangeToInclude => 3,
            Self::ChangeToExclude => 4,
            Self::AllowNewSources => 5,
            Self::BlockOldSources => 6,
            Self::Other(octet) => octet,
        }
    }
}

impl<'a> MldQueryView<'a> {
    /// Views a query.
    ///
    /// # Errors
    ///
    /// Where it is of another type or cut short.
    pub fn new(octets: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = header::reader("MLD Query", octets, kind::MLD_QUERY)?;
        let maximum_response_code = reader.u16()?;
        reader.u16()?;
        Ok(Self { octets, maximum_response_code, group: reader.address()? })
    }

    /// The whole message.
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// Whether it is of version 2: those go on behind the group (RFC 3810 §8.1).
    pub const fn is_version_2(&self) -> bool {
        self.octets.len() >= 28
    }

    /// How long to spread reports over, in milliseconds (RFC 3810 §5.1.3).
    pub fn maximum_response_delay(&self) -> u32 {
        let code = u32::from(self.maximum_response_code);
        if code < 0x8000 {
            return code;
        }
        let (exponent, mantissa) = (code >> 12 & 7, code & 0x0fff);
        (mantissa | 0x1000) << (exponent + 3)
    }
}
