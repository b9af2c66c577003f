//! Binding lookup between home agent and SIP server (Experimental Mobility Header, RFC 5096 §3).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------+---------------+---------------+---------------+
//! | Payload Proto |  Header Len   | MH Type = 11  |   Reserved    |
//! +---------------+---------------+---------------+---------------+
//! |           Checksum            |   Magic = 0x424C ("BL")       |
//! +---------------+---------------+-------------------------------+
//! |     Kind      |    Status     |          Transaction          |
//! +---------------+---------------+-------------------------------+
//! |   Lifetime (units of 4 s)     |           Reserved            |
//! +-------------------------------+-------------------------------+
//! |  home address; second address; replay protection; authentication
//! +---------------------------------------------------------------+
//! ```
//!
//! 72 octets with one address, 96 with two.

use std::fmt;
use std::net::Ipv6Addr;

use super::authenticator::lookup_authenticator;
use super::body::check_header;
use super::header::{address_at, array_at, bounded, mh_type, put, seal, u16_at, write_header};
use super::option::{AUTHENTICATOR_LEN, RawOption, RawOptions, kind as option_kind};
use super::options::OptionWriter;
use super::{Lifetime, MessageAuthentication, NtpTimestamp};
use crate::{Fault, WireError};

mod field {
    pub(super) const MAGIC: usize = 6;
    pub(super) const KIND: usize = 8;
    pub(super) const STATUS: usize = 9;
    pub(super) const TRANSACTION: usize = 10;
    pub(super) const LIFETIME: usize = 12;
    pub(super) const RESERVED: usize = 14;
    pub(super) const OPTIONS: usize = 16;
}

mod address {
    pub(super) const HOME: u8 = 1;
    pub(super) const HOME_AGENT: u8 = 2;
    pub(super) const CARE_OF: u8 = 3;
    /// Octets of an address option's data: kind, reserved, address.
    pub(super) const DATA_LEN: usize = 18;
    pub(super) const ALIGNMENT: (usize, usize) = (8, 4);
}

const WITHIN: &str = "binding lookup";
const MAGIC: u16 = 0x424c;
const LEN_WITH_ONE_ADDRESS: usize = 72;
const LEN_WITH_TWO_ADDRESSES: usize = 96;

/// A well-formed binding lookup message.
///
/// `authenticator` is what the octets held; only [`verify_lookup`](super::verify_lookup) says
/// whether it is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingLookup {
    /// What the message says.
    pub kind: LookupKind,
    /// How the question or notification was taken; [`LookupStatus::BOUND`] in those themselves.
    pub status: LookupStatus,
    /// Chosen by who asks or notifies, echoed in the answer.
    pub transaction: u16,
    /// What remains of the binding; zero in questions and acknowledgements.
    pub lifetime: Lifetime,
    /// The home address in question.
    pub home_address: Ipv6Addr,
    /// The address that a notification, reply or change tells.
    pub told: Option<LookupAddress>,
    /// When this copy of the message was made.
    pub timestamp: NtpTimestamp,
    /// Which key, above 255.
    pub spi: u32,
    /// The first 96 bits of the MAC.
    pub authenticator: [u8; AUTHENTICATOR_LEN],
}

/// The Kind field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupKind {
    /// A home agent tells which home address it serves.
    HomeAgentNotification,
    /// The SIP server has noted it.
    HomeAgentNotificationAck,
    /// The SIP server asks for a care-of address.
    BindingQuery,
    /// The home agent answers.
    BindingReply,
    /// The home agent tells that an answer no longer holds.
    BindingChange,
    /// The SIP server has noted it.
    BindingChangeAck,
    /// None of these: dropped and counted once it authenticates.
    Unknown(u8),
}

/// The Status field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookupStatus(pub u8);

/// The second address of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupAddress {
    /// Of the home agent that sends a notification.
    HomeAgent(Ipv6Addr),
    /// Where the home address is bound to.
    CareOf(Ipv6Addr),
}

impl BindingLookup {
    /// `home_agent` serves `home` for as long as `remaining`; zero: no longer.
    pub const fn notification(
        transaction: u16,
        home: Ipv6Addr,
        home_agent: Ipv6Addr,
        remaining: Lifetime,
    ) -> Self {
        let told = Some(LookupAddress::HomeAgent(home_agent));
        let blank = Self::blank(LookupKind::HomeAgentNotification, transaction, home);
        Self { lifetime: remaining, told, ..blank }
    }

    /// The answer to a notification.
    pub const fn notification_ack(transaction: u16, home: Ipv6Addr, status: LookupStatus) -> Self {
        Self { status, ..Self::blank(LookupKind::HomeAgentNotificationAck, transaction, home) }
    }

    /// Asks where `home` is.
    pub const fn query(transaction: u16, home: Ipv6Addr) -> Self {
        Self::blank(LookupKind::BindingQuery, transaction, home)
    }

    /// Answers that `home` is at `care_of` for as long as `remaining`.
    pub const fn reply(
        transaction: u16,
        home: Ipv6Addr,
        care_of: Ipv6Addr,
        remaining: Lifetime,
    ) -> Self {
        let told = Some(LookupAddress::CareOf(care_of));
        let blank = Self::blank(LookupKind::BindingReply, transaction, home);
        Self { lifetime: remaining, told, ..blank }
    }

    /// Answers that there is no care-of address to tell; `status` says why and is not
    /// [`LookupStatus::BOUND`].
    pub const fn reply_without(transaction: u16, home: Ipv6Addr, status: LookupStatus) -> Self {
        Self { status, ..Self::blank(LookupKind::BindingReply, transaction, home) }
    }

    /// Tells that `home` is now at `care_of` for as long as `remaining`.
    pub const fn change(
        transaction: u16,
        home: Ipv6Addr,
        care_of: Ipv6Addr,
        remaining: Lifetime,
    ) -> Self {
        let reply = Self::reply(transaction, home, care_of, remaining);
        Self { kind: LookupKind::BindingChange, ..reply }
    }

    /// Tells that the binding of `home` is gone.
    pub const fn change_gone(transaction: u16, home: Ipv6Addr) -> Self {
        let status = LookupStatus::NO_BINDING;
        Self { status, ..Self::blank(LookupKind::BindingChange, transaction, home) }
    }

    /// The answer to a change.
    pub const fn change_ack(transaction: u16, home: Ipv6Addr, status: LookupStatus) -> Self {
        Self { status, ..Self::blank(LookupKind::BindingChangeAck, transaction, home) }
    }

    /// The home agent's address that the message tells.
    pub const fn home_agent(&self) -> Option<Ipv6Addr> {
        match self.told {
            Some(LookupAddress::HomeAgent(address)) => Some(address),
            Some(LookupAddress::CareOf(_)) | None => None,
        }
    }

    /// The care-of address that the message tells.
    pub const fn care_of(&self) -> Option<Ipv6Addr> {
        match self.told {
            Some(LookupAddress::CareOf(address)) => Some(address),
            Some(LookupAddress::HomeAgent(_)) | None => None,
        }
    }

    /// Octets that the message takes.
    pub const fn buffer_len(&self) -> usize {
        if self.told.is_some() { LEN_WITH_TWO_ADDRESSES } else { LEN_WITH_ONE_ADDRESS }
    }

    /// The message as octets of its own, made at `timestamp` and proved by `key`, which `spi`
    /// names. `source` and `destination` are those of the IPv6 header.
    pub fn to_vec_authorized(
        &self,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        spi: u32,
        key: &[u8],
        timestamp: NtpTimestamp,
    ) -> Vec<u8> {
        let mut octets = vec![0; self.buffer_len()];
        Self { spi, timestamp, ..self.clone() }.write(&mut octets);
        let at = octets.len() - AUTHENTICATOR_LEN;
        let authenticator = lookup_authenticator(key, source, destination, &octets[..at]);
        put(&mut octets, at, &authenticator);
        seal(source, destination, &mut octets);
        octets
    }

    const fn blank(kind: LookupKind, transaction: u16, home_address: Ipv6Addr) -> Self {
        Self {
            kind,
            status: LookupStatus::BOUND,
            transaction,
            lifetime: Lifetime::ZERO,
            home_address,
            told: None,
            timestamp: NtpTimestamp(0),
            spi: 0,
            authenticator: [0; AUTHENTICATOR_LEN],
        }
    }

    /// Whether this is a binding lookup message and not another experiment's.
    pub(super) fn has_magic(octets: &[u8]) -> bool {
        u16_at(octets, field::MAGIC) == MAGIC
    }

    /// Reads the message at the front of `octets`, as long as its Header Len says.
    ///
    /// # Errors
    ///
    /// Where a field of the header, an option, or the addresses for this kind are not as they
    /// should be.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        let octets = bounded(octets)?;
        check_header(WITHIN, LEN_WITH_ONE_ADDRESS, octets)?;
        if octets[2] != mh_type::EXPERIMENTAL {
            return Err(WireError::illegal(WITHIN, 2, octets[2].into()));
        }
        if !Self::has_magic(octets) {
            let found = u16_at(octets, field::MAGIC);
            return Err(WireError::illegal(WITHIN, field::MAGIC, found.into()));
        }
        let view = BindingLookupView { octets };
        let mut options = Tail::new(octets);
        let home_address = options.home_address()?;
        let told = options.told()?;
        let timestamp = options.timestamp()?;
        let authentication = options.authentication()?;
        let message = Self {
            kind: view.kind(),
            status: view.status(),
            transaction: view.transaction(),
            lifetime: view.lifetime(),
            home_address,
            told,
            timestamp,
            spi: authentication.spi,
            authenticator: authentication.authenticator,
        };
        message.check()?;
        Ok(message)
    }

    /// Refuses what a message of this kind cannot say.
    fn check(&self) -> Result<(), WireError> {
        let answers = match self.kind {
            LookupKind::HomeAgentNotification | LookupKind::BindingQuery => false,
            LookupKind::HomeAgentNotificationAck
            | LookupKind::BindingReply
            | LookupKind::BindingChange
            | LookupKind::BindingChangeAck => true,
            LookupKind::Unknown(_) => return Ok(()),
        };
        if !answers && self.status != LookupStatus::BOUND {
            return Err(WireError::illegal(WITHIN, field::STATUS, self.status.0.into()));
        }
        let tells = match self.kind {
            LookupKind::HomeAgentNotification => Tells::HomeAgent,
            LookupKind::BindingReply | LookupKind::BindingChange => {
                if self.status == LookupStatus::BOUND { Tells::CareOf } else { Tells::Nothing }
            }
            LookupKind::HomeAgentNotificationAck
            | LookupKind::BindingQuery
            | LookupKind::BindingChangeAck => {
                if self.lifetime != Lifetime::ZERO {
                    let found = self.lifetime.0.into();
                    return Err(WireError::illegal(WITHIN, field::LIFETIME, found));
                }
                Tells::Nothing
            }
            LookupKind::Unknown(_) => return Ok(()),
        };
        match (tells, self.told) {
            (Tells::Nothing, None)
            | (Tells::HomeAgent, Some(LookupAddress::HomeAgent(_)))
            | (Tells::CareOf, Some(LookupAddress::CareOf(_))) => Ok(()),
            (Tells::HomeAgent, _) => Err(WireError::missing(WITHIN, SECOND, "home agent address")),
            (Tells::CareOf, _) => Err(WireError::missing(WITHIN, SECOND, "care-of address")),
            (Tells::Nothing, Some(_)) => {
                let fault = Fault::TooMany { bound: 1 };
                Err(WireError { within: WITHIN, offset: SECOND, fault })
            }
        }
    }

    /// Writes the whole message, its checksum left zero and the authenticator as it is.
    pub(super) fn write(&self, octets: &mut [u8]) {
        write_header(octets, mh_type::EXPERIMENTAL);
        put(octets, field::MAGIC, &MAGIC.to_be_bytes());
        put(octets, field::KIND, &[self.kind.number(), self.status.0]);
        put(octets, field::TRANSACTION, &self.transaction.to_be_bytes());
        put(octets, field::LIFETIME, &self.lifetime.0.to_be_bytes());
        put(octets, field::RESERVED, &[0, 0]);
        let mut writer = OptionWriter::new(octets, field::OPTIONS);
        write_address(&mut writer, address::HOME, self.home_address);
        match self.told {
            Some(LookupAddress::HomeAgent(one)) => {
                write_address(&mut writer, address::HOME_AGENT, one);
            }
            Some(LookupAddress::CareOf(one)) => write_address(&mut writer, address::CARE_OF, one),
            None => {}
        }
        writer.align((8, 2));
        let timestamp = self.timestamp.0.to_be_bytes();
        writer.option(option_kind::REPLAY_PROTECTION, 8).copy_from_slice(&timestamp);
        writer.align((8, 5));
        let authentication = MessageAuthentication {
            subtype: MessageAuthentication::BINDING_LOOKUP,
            spi: self.spi,
            authenticator: self.authenticator,
        };
        let data = writer.option(option_kind::AUTHENTICATION, MessageAuthentication::DATA_LEN);
        authentication.write_data(data);
        writer.finish();
    }
}

/// Where the second address stands in a message with two.
const SECOND: usize = 44;

enum Tells {
    Nothing,
    HomeAgent,
    CareOf,
}

fn write_address(writer: &mut OptionWriter<'_>, kind: u8, address: Ipv6Addr) {
    writer.align(address::ALIGNMENT);
    let data = writer.option(option_kind::EXPERIMENTAL, address::DATA_LEN);
    data[..2].copy_from_slice(&[kind, 0]);
    data[2..].copy_from_slice(&address.octets());
}

/// The options, which come in one order and end the message.
struct Tail<'a> {
    octets: &'a [u8],
    options: RawOptions<'a>,
    /// The option after the home address, once that was read and this is no address.
    ahead: Option<RawOption<'a>>,
}

impl<'a> Tail<'a> {
    fn new(octets: &'a [u8]) -> Self {
        Self { octets, options: RawOptions::new(WITHIN, octets, field::OPTIONS), ahead: None }
    }

    fn home_address(&mut self) -> Result<Ipv6Addr, WireError> {
        let option = self.next(option_kind::EXPERIMENTAL, "home address")?;
        match address_option(&option)? {
            (address::HOME, home) => Ok(home),
            (kind, _) => Err(WireError::illegal(WITHIN, option.offset + 2, kind.into())),
        }
    }

    fn told(&mut self) -> Result<Option<LookupAddress>, WireError> {
        let Some(option) = self.pull()? else { return Ok(None) };
        if option.kind != option_kind::EXPERIMENTAL {
            self.ahead = Some(option);
            return Ok(None);
        }
        match address_option(&option)? {
            (address::HOME_AGENT, one) => Ok(Some(LookupAddress::HomeAgent(one))),
            (address::CARE_OF, one) => Ok(Some(LookupAddress::CareOf(one))),
            (kind, _) => Err(WireError::illegal(WITHIN, option.offset + 2, kind.into())),
        }
    }

    fn timestamp(&mut self) -> Result<NtpTimestamp, WireError> {
        let option = self.next(option_kind::REPLAY_PROTECTION, "replay protection")?;
        expect_len(&option, 8)?;
        Ok(NtpTimestamp(u64::from_be_bytes(array_at(option.data, 0))))
    }

    fn authentication(&mut self) -> Result<MessageAuthentication, WireError> {
        let option = self.next(option_kind::AUTHENTICATION, "authentication")?;
        expect_len(&option, MessageAuthentication::DATA_LEN)?;
        let subtype = option.data[0];
        if subtype != MessageAuthentication::BINDING_LOOKUP {
            return Err(WireError::illegal(WITHIN, option.offset + 2, subtype.into()));
        }
        let end = option.offset + 2 + MessageAuthentication::DATA_LEN;
        if end != self.octets.len() {
            let fault = Fault::Trailing { octets: self.octets.len() - end };
            return Err(WireError { within: WITHIN, offset: end, fault });
        }
        let spi = u32::from_be_bytes(array_at(option.data, 1));
        Ok(MessageAuthentication { subtype, spi, authenticator: array_at(option.data, 5) })
    }

    /// The next option that is not padding, which must be of this kind.
    fn next(&mut self, kind: u8, what: &'static str) -> Result<RawOption<'a>, WireError> {
        match self.pull()? {
            Some(option) if option.kind == kind => Ok(option),
            Some(option) => Err(WireError::illegal(WITHIN, option.offset, option.kind.into())),
            None => Err(WireError::missing(WITHIN, self.octets.len(), what)),
        }
    }

    fn pull(&mut self) -> Result<Option<RawOption<'a>>, WireError> {
        if let Some(option) = self.ahead.take() {
            return Ok(Some(option));
        }
        for option in self.options.by_ref() {
            let option = option?;
            if !option.is_padding() {
                return Ok(Some(option));
            }
        }
        Ok(None)
    }
}

fn address_option(option: &RawOption<'_>) -> Result<(u8, Ipv6Addr), WireError> {
    expect_len(option, address::DATA_LEN)?;
    Ok((option.data[0], address_at(option.data, 2)))
}

fn expect_len(option: &RawOption<'_>, length: usize) -> Result<(), WireError> {
    if option.data.len() == length {
        return Ok(());
    }
    let found = u32::try_from(option.data.len()).unwrap_or(u32::MAX);
    Err(WireError::illegal(WITHIN, option.offset + 1, found))
}

impl LookupKind {
    /// The kind that `number` stands for.
    pub const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::HomeAgentNotification,
            2 => Self::HomeAgentNotificationAck,
            3 => Self::BindingQuery,
            4 => Self::BindingReply,
            5 => Self::BindingChange,
            6 => Self::BindingChangeAck,
            other => Self::Unknown(other),
        }
    }

    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::HomeAgentNotification => 1,
            Self::HomeAgentNotificationAck => 2,
            Self::BindingQuery => 3,
            Self::BindingReply => 4,
            Self::BindingChange => 5,
            Self::BindingChangeAck => 6,
            Self::Unknown(number) => number,
        }
    }

    /// The name of the message.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HomeAgentNotification => "Home Agent Notification",
            Self::HomeAgentNotificationAck => "Home Agent Notification Ack",
            Self::BindingQuery => "Binding Query",
            Self::BindingReply => "Binding Reply",
            Self::BindingChange => "Binding Change",
            Self::BindingChangeAck => "Binding Change Ack",
            Self::Unknown(_) => "binding lookup of unknown kind",
        }
    }

    const fn letters(self) -> &'static str {
        match self {
            Self::HomeAgentNotification => "HAN",
            Self::HomeAgentNotificationAck => "HAA",
            Self::BindingQuery => "BQ",
            Self::BindingReply => "BR",
            Self::BindingChange => "BC",
            Self::BindingChangeAck => "BCA",
            Self::Unknown(_) => "BL",
        }
    }

    const fn is_answer(self) -> bool {
        !matches!(self, Self::HomeAgentNotification | Self::BindingQuery)
    }
}

impl LookupStatus {
    /// The home address is bound, or the notification or change was noted.
    pub const BOUND: Self = Self(0);
    /// There is no binding.
    pub const NO_BINDING: Self = Self(1);
    /// The home agent does not serve this home address.
    pub const NOT_MY_HOME_ADDRESS: Self = Self(2);
    /// Refused.
    pub const REFUSED: Self = Self(128);
}

/// A binding lookup message as it lies in the packet: any 16 octets.
#[derive(Debug, Clone, Copy)]
pub struct BindingLookupView<T> {
    octets: T,
}

impl<T: AsRef<[u8]>> BindingLookupView<T> {
    /// Views `octets`, from Payload Proto on.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`] where the fixed part is not all there.
    pub fn new(octets: T) -> Result<Self, WireError> {
        let have = octets.as_ref().len();
        if have < field::OPTIONS {
            return Err(WireError::truncated(WITHIN, 0, field::OPTIONS, have));
        }
        Ok(Self { octets })
    }

    /// The Magic field: 0x424C.
    pub fn magic(&self) -> u16 {
        u16_at(self.octets.as_ref(), field::MAGIC)
    }

    /// The Kind field.
    pub fn kind(&self) -> LookupKind {
        LookupKind::from_number(self.octets.as_ref()[field::KIND])
    }

    /// The Status field.
    pub fn status(&self) -> LookupStatus {
        LookupStatus(self.octets.as_ref()[field::STATUS])
    }

    /// The Transaction field.
    pub fn transaction(&self) -> u16 {
        u16_at(self.octets.as_ref(), field::TRANSACTION)
    }

    /// The Lifetime field.
    pub fn lifetime(&self) -> Lifetime {
        Lifetime(u16_at(self.octets.as_ref(), field::LIFETIME))
    }

    /// The Reserved field.
    pub fn reserved(&self) -> u16 {
        u16_at(self.octets.as_ref(), field::RESERVED)
    }
}

impl<T: AsMut<[u8]>> BindingLookupView<T> {
    /// Sets the Magic field.
    pub fn set_magic(&mut self, value: u16) {
        put(self.octets.as_mut(), field::MAGIC, &value.to_be_bytes());
    }

    /// Sets the Kind field.
    pub fn set_kind(&mut self, value: LookupKind) {
        self.octets.as_mut()[field::KIND] = value.number();
    }

    /// Sets the Status field.
    pub fn set_status(&mut self, value: LookupStatus) {
        self.octets.as_mut()[field::STATUS] = value.0;
    }

    /// Sets the Transaction field.
    pub fn set_transaction(&mut self, value: u16) {
        put(self.octets.as_mut(), field::TRANSACTION, &value.to_be_bytes());
    }

    /// Sets the Lifetime field.
    pub fn set_lifetime(&mut self, value: Lifetime) {
        put(self.octets.as_mut(), field::LIFETIME, &value.0.to_be_bytes());
    }

    /// Sets the Reserved field.
    pub fn set_reserved(&mut self, value: u16) {
        put(self.octets.as_mut(), field::RESERVED, &value.to_be_bytes());
    }
}

impl fmt::Display for BindingLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_letters(f, self.kind, self.transaction)?;
        if self.kind.is_answer() {
            write!(f, " status={}", self.status.0)?;
        }
        write!(f, " hoa={}", self.home_address)?;
        match self.told {
            Some(LookupAddress::HomeAgent(one)) => {
                write!(f, " ha={one} life={}", self.lifetime)
            }
            Some(LookupAddress::CareOf(one)) => write!(f, " coa={one} life={}", self.lifetime),
            None => Ok(()),
        }
    }
}

impl<T: AsRef<[u8]>> fmt::Display for BindingLookupView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_letters(f, self.kind(), self.transaction())?;
        write!(f, " status={} life={}", self.status().0, self.lifetime())
    }
}

fn write_letters(f: &mut fmt::Formatter<'_>, kind: LookupKind, transaction: u16) -> fmt::Result {
    f.write_str(kind.letters())?;
    if let LookupKind::Unknown(number) = kind {
        write!(f, " kind={number}")?;
    }
    write!(f, " tid={transaction}")
}
