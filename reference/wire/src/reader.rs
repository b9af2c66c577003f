//! The one cursor that cuts octets, counting as it goes.

use std::net::Ipv6Addr;

use crate::{Fault, WireError};

/// Cuts octets from the front of a message and remembers where it stands in it.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    within: &'static str,
    octets: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads `octets`, the message called `within`.
    pub const fn new(within: &'static str, octets: &'a [u8]) -> Self {
        Self { within, octets, at: 0 }
    }

    /// Octets read so far.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        &self.octets[self.at..]
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.at == self.octets.len()
    }

    /// The next `n` octets.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`] where fewer are left.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], WireError> {
        let rest = self.rest();
        let Some(taken) = rest.get(..n) else {
            return Err(WireError::truncated(self.within, self.at, n, rest.len()));
        };
        self.at += n;
        Ok(taken)
    }

    /// The next octet.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`] at the end.
    pub fn u8(&mut self) -> Result<u8, WireError> {
        Ok(self.take(1)?[0])
    }

    /// The next two octets, in network order.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`] where fewer are left.
    pub fn u16(&mut self) -> Result<u16, WireError> {
        let taken = self.take(2)?;
        Ok(u16::from_be_bytes([taken[0], taken[1]]))
    }

    /// The next four octets, in network order.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`] where fewer are left.
    pub fn u32(&mut self) -> Result<u32, WireError> {
        let taken = self.take(4)?;
        Ok(u32::from_be_bytes([taken[0], taken[1], taken[2], taken[3]]))
    }

    /// The next sixteen octets, as an IPv6 address.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`] where fewer are left.
    pub fn address(&mut self) -> Result<Ipv6Addr, WireError> {
        let taken = self.take(16)?;
        let mut octets = [0; 16];
        octets.copy_from_slice(taken);
        Ok(Ipv6Addr::from(octets))
    }

    /// Refuses a message that goes on where it should have ended.
    ///
    /// # Errors
    ///
    /// [`Fault::Trailing`] where octets are left.
    pub fn end(&self) -> Result<(), WireError> {
        let octets = self.rest().len();
        if octets == 0 {
            return Ok(());
        }
        Err(WireError { within: self.within, offset: self.at, fault: Fault::Trailing { octets } })
    }
}
