//! A binding lookup message as it lies in the packet, to be printed and edited.

use std::fmt;

use super::binding_lookup::{WITHIN, field};
use super::header::{put, u16_at};
use super::lookup_kind::write_letters;
use super::{Lifetime, LookupKind, LookupStatus};
use crate::WireError;

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
    /// [`Fault::Truncated`](crate::Fault::Truncated) where the fixed part is not all there.
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

impl<T: AsRef<[u8]>> fmt::Display for BindingLookupView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_letters(f, self.kind(), self.transaction())?;
        write!(f, " status={} life={}", self.status().0, self.lifetime())
    }
}
