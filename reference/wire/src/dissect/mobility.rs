//! Mobility Headers (RFC 6275 §6.1) and their options (§6.2, RFC 4285, RFC 5096), for the eye.
//!
//! They are read field by field as far as they go, not as values: what a node must refuse is what a
//! reader wants to see most.

use std::fmt::Write as _;

use crate::ipv6::protocol;
use crate::{Fault, Reader, WireError, checksum};

use super::network::Ends;
use super::{Layer, Layers};

impl Layers {
    /// Reads a Mobility Header; without addresses its checksum is not verified.
    pub(super) fn mobility(&mut self, octets: &[u8], ends: Option<Ends>) {
        let mut reader = Reader::new(WITHIN, octets);
        let head = |reader: &mut Reader<'_>| {
            let payload_protocol = reader.u8()?;
            let header_length = reader.u8()?;
            let kind = reader.u8()?;
            reader.u8()?;
            Ok((payload_protocol, header_length, kind, reader.u16()?))
        };
        let read = head(&mut reader);
        let Some((payload_protocol, header_length, kind, carried)) = self.keep(read) else {
            return;
        };
        let (message, abbreviation) = title(kind);
        let layer = Layer::new("mobility header", abbreviation)
            .with("message", message)
            .with("payload protocol", u64::from(payload_protocol))
            .with("header length", u64::from(header_length))
            .with("type", u64::from(kind))
            .with("checksum", u64::from(carried));
        let length = (usize::from(header_length) + 1) * 8;
        let whole = ends.is_none_or(|ends| ends.whole);
        if length > octets.len() {
            self.note(Err(WireError::truncated(WITHIN, 1, length, octets.len())));
        } else if length < octets.len() && whole {
            let fault = Fault::Trailing { octets: octets.len() - length };
            self.note(Err(WireError { within: WITHIN, offset: length, fault }));
        }
        let octets = &octets[..length.min(octets.len())];
        let mut mobility = Mobility { layer, reader: Reader::new(WITHIN, octets) };
        let read = mobility.reader.take(FIXED).and_then(|_| mobility.body(kind));
        self.push(mobility.layer);
        self.note(read);
        if let Some(ends) = ends.filter(|ends| ends.whole && octets.len() == length) {
            self.note(verify(ends, octets, carried));
        }
    }
}

/// A message on its way into a layer.
struct Mobility<'a> {
    layer: Layer,
    reader: Reader<'a>,
}

impl Mobility<'_> {
    fn add(&mut self, name: &'static str, value: impl Into<super::Value>) {
        let layer = std::mem::replace(&mut self.layer, Layer::new("", String::new()));
        self.layer = layer.with(name, value);
    }

    fn say(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = write!(self.layer.summary, " {text}");
    }

    fn body(&mut self, kind: u8) -> Result<(), WireError> {
        match kind {
            0 => drop(self.reader.u16()?),
            1 | 2 => {
                self.reader.u16()?;
                let cookie = hex(self.reader.take(8)?);
                self.add("cookie", cookie);
            }
            3 | 4 => self.test()?,
            5 => self.update()?,
            6 => self.acknowledgement()?,
            7 => {
                let status = self.reader.u8()?;
                self.reader.u8()?;
                let home = self.reader.address()?;
                self.add("status", u64::from(status));
                self.add("home address", home);
                self.say(format_args!("status={status} {home}"));
            }
            11 => return self.experimental(),
            _ => {
                let data = hex(self.reader.rest());
                self.add("data", data);
                return Ok(());
            }
        }
        self.options()
    }

    fn test(&mut self) -> Result<(), WireError> {
        let index = self.reader.u16()?;
        let (cookie, token) = (hex(self.reader.take(8)?), hex(self.reader.take(8)?));
        self.add("nonce index", u64::from(index));
        self.add("cookie", cookie);
        self.add("keygen token", token);
        self.say(format_args!("nonce={index}"));
        Ok(())
    }

    fn update(&mut self) -> Result<(), WireError> {
        let (sequence, flags) = (self.reader.u16()?, self.reader.u16()?);
        let lifetime = self.reader.u16()?;
        self.add("sequence", u64::from(sequence));
        let mut letters = String::new();
        for (name, letter, bit) in [
            ("acknowledge", 'A', 0x8000),
            ("home registration", 'H', 0x4000),
            ("link-local compatibility", 'L', 0x2000),
            ("key management", 'K', 0x1000),
        ] {
            self.add(name, flags & bit != 0);
            letters.extend((flags & bit != 0).then_some(letter));
        }
        let space = if letters.is_empty() { "" } else { " " };
        self.say(format_args!("seq={sequence}{space}{letters}"));
        self.lifetime(lifetime);
        Ok(())
    }

    fn acknowledgement(&mut self) -> Result<(), WireError> {
        let (status, flags) = (self.reader.u8()?, self.reader.u8()?);
        let (sequence, lifetime) = (self.reader.u16()?, self.reader.u16()?);
        self.add("status", u64::from(status));
        self.add("key management", flags & 0x80 != 0);
        self.add("sequence", u64::from(sequence));
        self.say(format_args!("seq={sequence} status={status}"));
        self.lifetime(lifetime);
        Ok(())
    }

    /// A lifetime in units of four seconds.
    fn lifetime(&mut self, units: u16) {
        let seconds = u64::from(units) * 4;
        self.add("lifetime", u64::from(units));
        self.add("lifetime seconds", seconds);
        self.say(format_args!("life={seconds}s"));
    }

    /// Binding lookup in an Experimental header, or anyone else's experiment.
    fn experimental(&mut self) -> Result<(), WireError> {
        let magic = self.reader.u16()?;
        self.add("magic", format!("{magic:#06x}"));
        if magic != BINDING_LOOKUP {
            let data = hex(self.reader.rest());
            self.add("data", data);
            self.say(format_args!("magic={magic:#06x}"));
            return Ok(());
        }
        let (kind, status) = (self.reader.u8()?, self.reader.u8()?);
        let (transaction, lifetime) = (self.reader.u16()?, self.reader.u16()?);
        self.reader.u16()?;
        self.layer.summary = lookup(kind).to_owned();
        self.add("lookup", lookup(kind).to_owned());
        self.add("kind", u64::from(kind));
        self.add("status", u64::from(status));
        self.add("transaction", u64::from(transaction));
        self.say(format_args!("status={status}"));
        self.lifetime(lifetime);
        self.options()
    }

    fn options(&mut self) -> Result<(), WireError> {
        while !self.reader.is_empty() {
            let at = self.reader.position();
            let kind = self.reader.u8()?;
            if kind == PAD1 {
                continue;
            }
            let length = usize::from(self.reader.u8()?);
            let data = self.reader.take(length)?;
            self.option(kind, data).map_err(|error| WireError { offset: at + 1, ..error })?;
        }
        Ok(())
    }

    fn option(&mut self, kind: u8, data: &[u8]) -> Result<(), WireError> {
        let mut reader = Reader::new("mobility option", data);
        match kind {
            PADN => return Ok(()),
            2 => {
                let advice = reader.u16()?;
                self.add("refresh advice", u64::from(advice));
            }
            3 => {
                let address = reader.address()?;
                self.add("alternate care-of address", address);
                self.say(format_args!("alt={address}"));
            }
            4 => {
                let (home, care_of) = (reader.u16()?, reader.u16()?);
                self.add("home nonce index", u64::from(home));
                self.add("care-of nonce index", u64::from(care_of));
            }
            5 => {
                let authenticator = hex(reader.take(12)?);
                self.add("authenticator", authenticator);
            }
            9 => {
                let (subtype, spi) = (reader.u8()?, reader.u32()?);
                let authenticator = hex(reader.take(data.len().saturating_sub(5))?);
                self.add("authentication subtype", u64::from(subtype));
                self.add("spi", u64::from(spi));
                self.add("message authenticator", authenticator);
            }
            10 => {
                let timestamp = hex(reader.take(8)?);
                self.add("replay protection", timestamp);
            }
            18 if data.len() == 18 => {
                let name = match reader.u8()? {
                    1 => "home address",
                    2 => "home agent address",
                    3 => "care-of address",
                    _ => "address",
                };
                reader.u8()?;
                let address = reader.address()?;
                self.add(name, address);
                self.say(format_args!("{address}"));
            }
            other => {
                self.add("option type", u64::from(other));
                self.add("option data", hex(reader.take(data.len())?));
            }
        }
        reader.end()
    }
}

fn verify(ends: Ends, message: &[u8], carried: u16) -> Result<(), WireError> {
    let (source, destination) = (ends.source, ends.destination);
    let left = checksum::upper_layer(source, destination, protocol::MOBILITY, message);
    if left == 0 {
        return Ok(());
    }
    let right = crate::udp::without(carried, left);
    Err(WireError { within: WITHIN, offset: 4, fault: Fault::Checksum { carried, right } })
}

/// What a message is called, and how a line abbreviates it.
fn title(kind: u8) -> (String, String) {
    let (message, abbreviation) = match kind {
        0 => ("Binding Refresh Request", "BRR"),
        1 => ("Home Test Init", "HoTI"),
        2 => ("Care-of Test Init", "CoTI"),
        3 => ("Home Test", "HoT"),
        4 => ("Care-of Test", "CoT"),
        5 => ("Binding Update", "BU"),
        6 => ("Binding Acknowledgement", "BA"),
        7 => ("Binding Error", "BE"),
        11 => ("Experimental", "Experimental"),
        other => return (format!("MH type {other}"), format!("MH type {other}")),
    };
    (message.to_owned(), abbreviation.to_owned())
}

const fn lookup(kind: u8) -> &'static str {
    match kind {
        1 => "Home Agent Notification",
        2 => "Home Agent Notification Ack",
        3 => "Binding Query",
        4 => "Binding Reply",
        5 => "Binding Change",
        6 => "Binding Change Ack",
        _ => "binding lookup of unknown kind",
    }
}

fn hex(octets: &[u8]) -> String {
    let mut digits = String::with_capacity(octets.len() * 2);
    for octet in octets {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{octet:02x}");
    }
    digits
}

const WITHIN: &str = "Mobility Header";
/// Octets up to and including the Checksum.
const FIXED: usize = 6;
/// "BL": what binding lookup puts first.
const BINDING_LOOKUP: u16 = 0x424c;
const PAD1: u8 = 0;
const PADN: u8 = 1;

#[cfg(test)]
mod tests {
    use super::super::{Layers, Value};
    use crate::{Fault, WireError};
    use rstest::rstest;

    #[rstest]
    #[case::refresh_request("3b00 0001 c1c2 0000", "BRR")]
    #[case::home_test_init("3b01 0100 c1c2 0000 a1a2a3a4a5a6a7a8", "HoTI")]
    #[case::care_of_test("3b02 0400 c1c2 0102 a1a2a3a4a5a6a7a8 b1b2b3b4b5b6b7b8", "CoT nonce=258")]
    #[case::update(
        "3b04 0500 c1c2 1234 c000 0096 0102 0000 0310 20010db800f10000 0000000000000001 0404 0102 0304",
        "BU seq=4660 AH life=600s alt=2001:db8:f1::1"
    )]
    #[case::acknowledgement(
        "3b01 0600 c1c2 8701 1234 0069 0000 0000",
        "BA seq=4660 status=135 life=420s"
    )]
    #[case::error(
        "3b02 0700 c1c2 0200 20010db8000a0000 0000000000000100",
        "BE status=2 2001:db8:a::100"
    )]
    #[case::binding_query(
        "3b04 0b00 c1c2 424c 0300 1234 0000 0000 0102 0000 1212 0100 20010db8000a0000 0000000000000100",
        "Binding Query status=0 life=0s 2001:db8:a::100"
    )]
    #[case::another_experiment("3b00 0b00 c1c2 4d4d", "Experimental magic=0x4d4d")]
    #[case::unknown("3b00 0c00 c1c2 4d4d", "MH type 12")]
    fn every_message_is_one_line(#[case] digits: &str, #[case] line: &str) {
        assert_eq!(Layers::of_mobility_header(&octets(digits)).to_string(), line);
    }

    #[rstest]
    #[case::header_cut("3b01", WireError::truncated("Mobility Header", 2, 1, 0))]
    #[case::shorter_than_it_says(
        "3b01 0100 c1c2 0000",
        WireError::truncated("Mobility Header", 1, 16, 8)
    )]
    #[case::goes_on("3b00 0000 c1c2 0000 99", WireError { within: "Mobility Header", offset: 8, fault: Fault::Trailing { octets: 1 } })]
    #[case::option_cut(
        "3b01 0600 c1c2 0000 1234 0069 0310 0000",
        WireError::truncated("Mobility Header", 14, 16, 2)
    )]
    #[case::option_too_short(
        "3b01 0600 c1c2 0000 1234 0069 0402 0001",
        WireError::truncated("mobility option", 13, 2, 0)
    )]
    fn what_is_wrong_is_kept_and_the_rest_is_read(#[case] digits: &str, #[case] error: WireError) {
        assert_eq!(Layers::of_mobility_header(&octets(digits)).stopped, Some(error));
    }

    #[test]
    fn a_binding_update_has_all_its_fields() {
        let update =
            octets("3b03 0500 c1c2 1234 8000 0069 0404 0102 0304 050c a1a2a3a4 a5a6a7a8 a9aaabac");
        let layers = Layers::of_mobility_header(&update);
        let value = |name: &str| layers.layers[0].field(name).cloned();
        assert_eq!(layers.stopped, None, "{layers}");
        assert_eq!(value("sequence"), Some(Value::Number(0x1234)));
        assert_eq!(value("home registration"), Some(Value::Flag(false)));
        assert_eq!(value("home nonce index"), Some(Value::Number(0x0102)));
        assert_eq!(value("care-of nonce index"), Some(Value::Number(0x0304)));
        assert_eq!(
            value("authenticator"),
            Some(Value::Text("a1a2a3a4a5a6a7a8a9aaabac".to_owned()))
        );
    }

    fn octets(digits: &str) -> Vec<u8> {
        let digits: Vec<char> = digits.chars().filter(|digit| *digit != ' ').collect();
        let octet = |pair: &[char]| {
            u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hexadecimal digits")
        };
        digits.chunks(2).map(octet).collect()
    }
}
