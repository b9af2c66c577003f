//! The options of a message: kept in order, bounded, padded as each of them wants (RFC 6275 §6.2).

use std::fmt;

use arrayvec::ArrayVec;

use super::NtpTimestamp;
use super::header::MESSAGE_LEN_MAX;
use super::option::{AUTHENTICATOR_LEN, MessageAuthentication, MobilityOption, RawOptions, kind};
use crate::{Fault, WireError};

/// The options of a message in their order, without padding.
///
/// Padding is not a value: reading skips it and writing puts the least of it that the options'
/// alignment asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    list: ArrayVec<MobilityOption, OPTIONS_MAX>,
    /// Octets that the options take at most, each with the longest padding before it.
    reserved: usize,
}

/// Options that a message can have, padding not counted, and half as many of kinds that a receiver
/// skips. More of those are not read, so that no flood of them hides an option that matters.
pub const OPTIONS_MAX: usize = 12;
/// Octets for options, whatever message they are in and however they are padded: the longest fixed
/// part is 24 octets, and 8 more may end the message.
const ROOM: usize = MESSAGE_LEN_MAX - 24 - 8;
/// The longest padding before an option.
const PADDING_MAX: usize = 7;

impl Options {
    /// No options.
    pub const fn new() -> Self {
        Self { list: ArrayVec::new_const(), reserved: 0 }
    }

    /// Adds an option at the end.
    ///
    /// # Errors
    ///
    /// [`Fault::TooMany`] past [`OPTIONS_MAX`] options, past the octets that a message has, or
    /// past the 255 octets that an option has.
    pub fn push(&mut self, option: MobilityOption) -> Result<(), WireError> {
        if option.data_len() > usize::from(u8::MAX) {
            return Err(too_many(u8::MAX.into()));
        }
        self.check_room(option.kind(), option.data_len())?;
        self.reserved += PADDING_MAX + 2 + option.data_len();
        self.list.push(option);
        Ok(())
    }

    /// The same options and one more at the end.
    ///
    /// # Panics
    ///
    /// Where [`push`](Self::push) fails: for the few short options that a node sends.
    #[must_use]
    pub fn with(mut self, option: MobilityOption) -> Self {
        self.push(option).expect("a node sends a few short options");
        self
    }

    /// The options in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, MobilityOption> {
        self.list.iter()
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What `pick` takes out of the first option that it takes anything out of.
    pub(super) fn find<'a, T>(
        &'a self,
        pick: impl FnMut(&'a MobilityOption) -> Option<T>,
    ) -> Option<T> {
        self.list.iter().find_map(pick)
    }

    /// The authenticator of Binding Authorization Data.
    pub(super) fn authorization_data(&self) -> Option<[u8; AUTHENTICATOR_LEN]> {
        self.find(|option| {
            if let MobilityOption::BindingAuthorizationData(one) = option {
                Some(*one)
            } else {
                None
            }
        })
    }

    /// The first MN-HA authentication option.
    pub(super) fn mn_ha_authentication(&self) -> Option<MessageAuthentication> {
        self.find(|option| {
            if let MobilityOption::Authentication(one) = option
                && one.subtype == MessageAuthentication::MN_HA
            {
                return Some(*one);
            }
            None
        })
    }

    /// The first time stamp.
    pub(super) fn replay_protection(&self) -> Option<NtpTimestamp> {
        self.find(|option| {
            if let MobilityOption::ReplayProtection(one) = option { Some(*one) } else { None }
        })
    }

    /// Reads the options that begin at `start` of the whole message `octets` into these, which are
    /// empty: in place, for a copy of them takes as long as reading them.
    pub(super) fn read(
        &mut self,
        within: &'static str,
        octets: &[u8],
        start: usize,
    ) -> Result<(), WireError> {
        for raw in RawOptions::new(within, octets, start) {
            let raw = raw?;
            if raw.is_padding() {
                continue;
            }
            //= MH-IN-13
            let room = self.check_room(raw.kind, raw.data.len());
            if room.is_err() && is_skipped(raw.kind) {
                continue;
            }
            room.map_err(|error| WireError { within, offset: raw.offset, ..error })?;
            if let Some(option) = raw.value(within)? {
                self.reserved += PADDING_MAX + 2 + raw.data.len();
                self.list.push(option);
            }
        }
        Ok(())
    }

    /// Reads options as [`read`](Self::read) does, and refuses any after Binding Authorization
    /// Data, padding too (RFC 6275 §6.2.7).
    pub(super) fn read_authorized(
        &mut self,
        within: &'static str,
        octets: &[u8],
        start: usize,
    ) -> Result<(), WireError> {
        self.read(within, octets, start)?;
        if self.authorization_data().is_none() {
            return Ok(());
        }
        //= CN-BU-16
        for raw in RawOptions::new(within, octets, start) {
            let raw = raw?;
            let end = raw.offset + 2 + AUTHENTICATOR_LEN;
            if raw.kind == kind::BINDING_AUTHORIZATION_DATA && end != octets.len() {
                let fault = Fault::Trailing { octets: octets.len().saturating_sub(end) };
                return Err(WireError { within, offset: end, fault });
            }
        }
        Ok(())
    }

    /// Refuses one more option of this kind and length where that would be too many.
    fn check_room(&self, kind: u8, data_len: usize) -> Result<(), WireError> {
        let skipped = is_skipped(kind);
        let (options, room) =
            if skipped { (OPTIONS_MAX / 2, ROOM / 2) } else { (OPTIONS_MAX, ROOM) };
        if self.list.len() >= options {
            return Err(too_many(options));
        }
        if self.reserved + PADDING_MAX + 2 + data_len > room {
            return Err(too_many(room));
        }
        Ok(())
    }

    /// Octets of a message whose options begin at `start`.
    pub(super) fn end(&self, start: usize) -> usize {
        let end = self
            .list
            .iter()
            .fold(start, |at, option| at + padding(at, option.alignment()) + 2 + option.data_len());
        end.next_multiple_of(8)
    }

    /// Writes the options from `start` to the end of `octets`, which is a multiple of eight.
    pub(super) fn write(&self, octets: &mut [u8], start: usize) {
        let mut writer = OptionWriter { octets, at: start };
        for option in &self.list {
            writer.align(option.alignment());
            option.write_data(writer.option(option.kind(), option.data_len()));
        }
        writer.finish();
    }
}

/// Writes options one after the other, padding between them.
pub(super) struct OptionWriter<'a> {
    octets: &'a mut [u8],
    at: usize,
}

impl<'a> OptionWriter<'a> {
    /// Writes from `at` of the message on.
    pub(super) const fn new(octets: &'a mut [u8], at: usize) -> Self {
        Self { octets, at }
    }

    /// Pads up to the next offset that is `.1` modulo `.0`.
    pub(super) fn align(&mut self, alignment: (usize, usize)) {
        self.pad(padding(self.at, alignment));
    }

    /// Begins an option, and lends its data to be written, every octet.
    pub(super) fn option(&mut self, kind: u8, data_len: usize) -> &mut [u8] {
        let start = self.at + 2;
        self.octets[self.at] = kind;
        self.octets[self.at + 1] = u8::try_from(data_len).expect("push refuses longer data");
        self.at = start + data_len;
        &mut self.octets[start..start + data_len]
    }

    /// Pads to the end of the message.
    pub(super) fn finish(mut self) {
        self.pad(self.octets.len() - self.at);
    }

    //= MH-OUT-08
    fn pad(&mut self, octets: usize) {
        let padding = &mut self.octets[self.at..self.at + octets];
        match padding {
            [] => {}
            [one] => *one = kind::PAD1,
            [kind, length, zeros @ ..] => {
                *kind = kind::PADN;
                *length = u8::try_from(zeros.len()).expect("padding is shorter than eight octets");
                zeros.fill(0);
            }
        }
        self.at += octets;
    }
}

const fn too_many(bound: usize) -> WireError {
    WireError { within: "mobility options", offset: 0, fault: Fault::TooMany { bound } }
}

/// Octets of padding between `at` and the next offset that is `remainder` modulo `modulus`, a power
/// of two: a division for each option would be what takes longest in reading and writing a message.
const fn padding(at: usize, (modulus, remainder): (usize, usize)) -> usize {
    remainder.wrapping_sub(at) & (modulus - 1)
}

/// Whether a receiver skips options of this kind without harm.
const fn is_skipped(kind: u8) -> bool {
    !matches!(
        kind,
        kind::BINDING_REFRESH_ADVICE
            | kind::ALTERNATE_CARE_OF_ADDRESS
            | kind::NONCE_INDICES
            | kind::BINDING_AUTHORIZATION_DATA
            | kind::MOBILE_NODE_IDENTIFIER
            | kind::AUTHENTICATION
            | kind::REPLAY_PROTECTION
    )
}

impl<'a> IntoIterator for &'a Options {
    type Item = &'a MobilityOption;
    type IntoIter = std::slice::Iter<'a, MobilityOption>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A space and the option in a word or two, for each.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list.iter().try_for_each(|option| write!(f, " {option}"))
    }
}
