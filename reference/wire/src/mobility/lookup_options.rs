//! The options of binding lookup: addresses, replay protection, authentication, in this order.

use std::net::Ipv6Addr;

use super::binding_lookup::{WITHIN, field};
use super::header::{address_at, array_at};
use super::option::{RawOption, RawOptions, kind as option_kind};
use super::options::OptionWriter;
use super::{BindingLookup, LookupAddress, MessageAuthentication, NtpTimestamp};
use crate::{Fault, WireError};

mod address {
    pub(super) const HOME: u8 = 1;
    pub(super) const HOME_AGENT: u8 = 2;
    pub(super) const CARE_OF: u8 = 3;
    /// Octets of an address option's data: kind, reserved, address.
    pub(super) const DATA_LEN: usize = 18;
    pub(super) const ALIGNMENT: (usize, usize) = (8, 4);
}

/// Writes the options from octet 16 to the end of the message.
pub(super) fn write(message: &BindingLookup, octets: &mut [u8]) {
    let mut writer = OptionWriter::new(octets, field::OPTIONS);
    write_address(&mut writer, address::HOME, message.home_address);
    match message.told {
        Some(LookupAddress::HomeAgent(one)) => {
            write_address(&mut writer, address::HOME_AGENT, one);
        }
        Some(LookupAddress::CareOf(one)) => write_address(&mut writer, address::CARE_OF, one),
        None => {}
    }
    writer.align((8, 2));
    let timestamp = message.timestamp.0.to_be_bytes();
    writer.option(option_kind::REPLAY_PROTECTION, 8).copy_from_slice(&timestamp);
    writer.align((8, 5));
    let authentication = MessageAuthentication {
        subtype: MessageAuthentication::BINDING_LOOKUP,
        spi: message.spi,
        authenticator: message.authenticator,
    };
    let data = writer.option(option_kind::AUTHENTICATION, MessageAuthentication::DATA_LEN);
    authentication.write_data(data);
    writer.finish();
}

fn write_address(writer: &mut OptionWriter<'_>, kind: u8, address: Ipv6Addr) {
    writer.align(address::ALIGNMENT);
    let data = writer.option(option_kind::EXPERIMENTAL, address::DATA_LEN);
    data[..2].copy_from_slice(&[kind, 0]);
    data[2..].copy_from_slice(&address.octets());
}

/// The options, which come in one order and end the message.
pub(super) struct LookupOptions<'a> {
    octets: &'a [u8],
    options: RawOptions<'a>,
    /// The option after the home address, once that was read and this is no address.
    ahead: Option<RawOption<'a>>,
}

impl<'a> LookupOptions<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self { octets, options: RawOptions::new(WITHIN, octets, field::OPTIONS), ahead: None }
    }

    pub(super) fn home_address(&mut self) -> Result<Ipv6Addr, WireError> {
        let option = self.next(option_kind::EXPERIMENTAL, "home address")?;
        match address_option(&option)? {
            (address::HOME, home) => Ok(home),
            (kind, _) => Err(WireError::illegal(WITHIN, option.offset + 2, kind.into())),
        }
    }

    pub(super) fn told(&mut self) -> Result<Option<LookupAddress>, WireError> {
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

    pub(super) fn timestamp(&mut self) -> Result<NtpTimestamp, WireError> {
        let option = self.next(option_kind::REPLAY_PROTECTION, "replay protection")?;
        expect_len(&option, 8)?;
        Ok(NtpTimestamp(u64::from_be_bytes(array_at(option.data, 0))))
    }

    pub(super) fn authentication(&mut self) -> Result<MessageAuthentication, WireError> {
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
