//! What the messages of the Mobility Header family have in common: a fixed part, then options.

use std::net::Ipv6Addr;

use super::Options;
use super::header::{NO_NEXT_HEADER, field, seal, write_header};
use crate::WireError;

/// A message that is a fixed part and options.
pub(super) trait Body: Sized {
    /// What the RFC calls the message.
    const NAME: &'static str;
    /// The MH Type field.
    const MH_TYPE: u8;
    /// Octets up to the options.
    const FIXED: usize;

    /// A message to read into: it says nothing and has no options.
    fn blank() -> Self;
    /// Reads a message whose fixed part is there into this one, which is blank.
    fn read(&mut self, octets: &[u8]) -> Result<(), WireError>;
    /// Writes the fixed part from octet 6 on, every octet of it.
    fn write(&self, octets: &mut [u8]);
    /// The options.
    fn options(&self) -> &Options;
}

/// Reads a message that fills `octets` into `body`, which is blank, once its header allows it.
pub(super) fn read<B: Body>(body: &mut B, octets: &[u8]) -> Result<(), WireError> {
    check_header(B::NAME, B::FIXED, octets)?;
    body.read(octets)
}

/// Refuses a Payload Proto that is not 59 and a Header Len that is too short for `fixed` octets, in
/// the order of RFC 6275 §9.2.
pub(super) fn check_header(
    within: &'static str,
    fixed: usize,
    octets: &[u8],
) -> Result<(), WireError> {
    //= MH-IN-07
    let payload_proto = octets[field::PAYLOAD_PROTO];
    if payload_proto != NO_NEXT_HEADER {
        return Err(WireError::illegal(within, field::PAYLOAD_PROTO, payload_proto.into()));
    }
    //= MH-IN-09
    if octets.len() < fixed {
        let header_len = octets[field::HEADER_LEN];
        return Err(WireError::illegal(within, field::HEADER_LEN, header_len.into()));
    }
    Ok(())
}

/// Octets that the message takes.
pub(super) fn buffer_len<B: Body>(body: &B) -> usize {
    body.options().end(B::FIXED)
}

/// Writes the whole message into `octets`, its checksum left zero.
pub(super) fn write<B: Body>(body: &B, octets: &mut [u8]) {
    write_header(octets, B::MH_TYPE);
    body.write(octets);
    body.options().write(octets, B::FIXED);
}

/// The message as octets of its own, its checksum right.
pub(super) fn to_vec<B: Body>(body: &B, source: Ipv6Addr, destination: Ipv6Addr) -> Vec<u8> {
    let mut octets = vec![0; buffer_len(body)];
    write(body, &mut octets);
    seal(source, destination, &mut octets);
    octets
}
