//! Fields of Mobility Headers (RFC 6275 6.1) and their options (6.2; RFC 4285, 5096).

use std::net::Ipv6Addr;

use roamproof_wire::{Fault, Reader, WireError, checksum};

use super::{Dissection, Ends, hex};
use crate::evidence::layer::Layer;

impl Dissection {
    /// A Mobility Header; without `ends` its checksum is not verified.
    pub(super) fn mobility(&mut self, ends: Option<Ends>, octets: &[u8]) {
        let mut reader = Reader::new(WITHIN, octets);
        let layer = header(&mut reader, ends);
        let Some((layer, kind, carried, length)) = self.keep(layer) else { return };
        let message = &octets[..length.min(octets.len())];
        if length != octets.len() {
            let fault = if length > octets.len() {
                Fault::Truncated { need: length, have: octets.len() }
            } else {
                Fault::Trailing { octets: octets.len() - length }
            };
            self.note(Err(WireError { within: WITHIN, offset: 1, fault }));
        }
        let mut reader = Reader::new(WITHIN, message);
        let read = reader.take(6).map(|_| ());
        self.note(read);
        let mut layer = layer;
        let read = body(&mut layer, kind, ends, &mut reader);
        self.push(layer);
        self.note(read);
        if let Some(ends) = ends {
            self.note(verify(ends, message, carried));
        }
    }
}

type Head = (Layer, u8, u16, usize);

fn header(reader: &mut Reader<'_>, _ends: Option<Ends>) -> Result<Head, WireError> {
    let proto = reader.u8()?;
    let length = reader.u8()?;
    let kind = reader.u8()?;
    reader.u8()?;
    let carried = reader.u16()?;
    let layer = Layer::new("mobility")
        .fixed("message", name(kind))
        .fixed("type", kind)
        .fixed("payload-proto", proto)
        .verified("header-len", length)
        .verified("checksum", format!("0x{carried:04x}"));
    Ok((layer, kind, carried, (usize::from(length) + 1) * 8))
}

/// What follows the checksum.
fn body(
    layer: &mut Layer,
    kind: u8,
    ends: Option<Ends>,
    reader: &mut Reader<'_>,
) -> Result<(), WireError> {
    let peers = ends.map_or(String::new(), |ends| {
        let (low, high) = (ends.source.min(ends.destination), ends.source.max(ends.destination));
        format!(" {low} ↔ {high}")
    });
    let mut add = |change: &dyn Fn(Layer) -> Layer| {
        let taken = std::mem::replace(layer, Layer::new("mobility"));
        *layer = change(taken);
    };
    match kind {
        0 => drop(reader.u16()?),
        1 | 2 => {
            reader.u16()?;
            let cookie = hex(reader.take(8)?);
            add(&|layer| layer.varies("cookie", cookie.as_str(), "cookie"));
        }
        3 | 4 => {
            let index = reader.u16()?;
            let (cookie, token) = (hex(reader.take(8)?), hex(reader.take(8)?));
            let correspondent = ends.map_or(String::new(), |ends| ends.source.to_string());
            add(&|layer| {
                layer
                    .varies("nonce-index", index, nonce_class(&correspondent))
                    .varies("cookie", cookie.as_str(), "cookie")
                    .varies("keygen-token", token.as_str(), "token")
            });
        }
        5 => {
            let (sequence, flags, lifetime) = (reader.u16()?, reader.u16()?, reader.u16()?);
            add(&|layer| {
                layer
                    .varies("sequence", sequence, format!("sequence{peers}"))
                    .fixed("acknowledge", flags & 0x8000 != 0)
                    .fixed("home-registration", flags & 0x4000 != 0)
                    .fixed("link-local-compatibility", flags & 0x2000 != 0)
                    .fixed("key-management", flags & 0x1000 != 0)
                    .fixed("lifetime", lifetime)
                    .fixed("lifetime-seconds", u32::from(lifetime) * 4)
            });
        }
        6 => {
            let (status, flags) = (reader.u8()?, reader.u8()?);
            let (sequence, lifetime) = (reader.u16()?, reader.u16()?);
            add(&|layer| {
                layer
                    .fixed("status", status)
                    .fixed("key-management", flags & 0x80 != 0)
                    .varies("sequence", sequence, format!("sequence{peers}"))
                    .fixed("lifetime", lifetime)
                    .fixed("lifetime-seconds", u32::from(lifetime) * 4)
            });
        }
        7 => {
            let status = reader.u8()?;
            reader.u8()?;
            let home = reader.address()?;
            add(&|layer| layer.fixed("status", status).fixed("home-address", home.to_string()));
        }
        11 => return experimental(layer, reader),
        _ => {
            let data = hex(reader.rest());
            add(&|layer| layer.fixed("data", data.as_str()));
            return Ok(());
        }
    }
    let correspondent = ends.map_or(String::new(), |ends| ends.destination.to_string());
    options(layer, &correspondent, reader)
}

/// Nonces are the correspondent's, so are their indices.
fn nonce_class(correspondent: &str) -> String {
    format!("nonce index of {correspondent}")
}

/// The binding lookup in an Experimental header (`specs/`, binding lookup), or anyone else's.
fn experimental(layer: &mut Layer, reader: &mut Reader<'_>) -> Result<(), WireError> {
    let magic = reader.u16()?;
    let mut taken =
        std::mem::replace(layer, Layer::new("mobility")).fixed("magic", format!("0x{magic:04x}"));
    if magic != BINDING_LOOKUP {
        *layer = taken.fixed("data", hex(reader.rest()));
        return Ok(());
    }
    let (kind, status) = (reader.u8()?, reader.u8()?);
    let (transaction, lifetime) = (reader.u16()?, reader.u16()?);
    reader.u16()?;
    taken = taken
        .fixed("lookup", lookup_name(kind))
        .fixed("kind", kind)
        .fixed("status", status)
        .varies("transaction", transaction, "transaction")
        .fixed("lifetime", lifetime);
    *layer = taken;
    options(layer, "", reader)
}

fn options(
    layer: &mut Layer,
    correspondent: &str,
    reader: &mut Reader<'_>,
) -> Result<(), WireError> {
    while !reader.is_empty() {
        let at = reader.position();
        let kind = reader.u8()?;
        if kind == 0 {
            continue;
        }
        let length = usize::from(reader.u8()?);
        let data = reader.take(length)?;
        let taken = std::mem::replace(layer, Layer::new("mobility"));
        *layer = option(taken, correspondent, kind, data)
            .map_err(|e| WireError { offset: at + 1, ..e })?;
    }
    Ok(())
}

fn option(layer: Layer, correspondent: &str, kind: u8, data: &[u8]) -> Result<Layer, WireError> {
    let mut reader = Reader::new("mobility option", data);
    let layer =
        match kind {
            1 => return Ok(layer),
            2 => layer.fixed("refresh-advice", reader.u16()?),
            3 => layer.fixed("alternate-care-of-address", reader.address()?.to_string()),
            4 => layer
                .varies("home-nonce-index", reader.u16()?, nonce_class(correspondent))
                .varies("care-of-nonce-index", reader.u16()?, nonce_class(correspondent)),
            5 => layer.verified("authenticator", hex(reader.take(12)?)),
            9 => layer
                .fixed("authentication-subtype", reader.u8()?)
                .fixed("spi", reader.u32()?)
                .verified("message-authenticator", hex(reader.take(data.len().saturating_sub(5))?)),
            10 => layer.varies("timestamp", hex(reader.take(8)?), "timestamp"),
            18 if data.len() == 18 => {
                let kind = reader.u8()?;
                reader.u8()?;
                let name = match kind {
                    1 => "home-address",
                    2 => "home-agent-address",
                    3 => "care-of-address",
                    _ => "address",
                };
                layer.fixed(name, reader.address()?.to_string())
            }
            other => layer.fixed(&format!("option-{other}"), hex(reader.take(data.len())?)),
        };
    reader.end()?;
    Ok(layer)
}

fn verify(ends: Ends, octets: &[u8], carried: u16) -> Result<(), WireError> {
    let (source, destination): (Ipv6Addr, Ipv6Addr) = (ends.source, ends.destination);
    let kind = roamproof_wire::ipv6::protocol::MOBILITY;
    if checksum::upper_layer(source, destination, kind, octets) == 0 {
        return Ok(());
    }
    let mut zeroed = octets.to_vec();
    zeroed[4..6].fill(0);
    let right = checksum::upper_layer(source, destination, kind, &zeroed);
    Err(WireError { within: WITHIN, offset: 4, fault: Fault::Checksum { carried, right } })
}

/// What a message is called (RFC 6275 6.1, 5096).
fn name(kind: u8) -> String {
    let name = match kind {
        0 => "Binding Refresh Request",
        1 => "Home Test Init",
        2 => "Care-of Test Init",
        3 => "Home Test",
        4 => "Care-of Test",
        5 => "Binding Update",
        6 => "Binding Acknowledgement",
        7 => "Binding Error",
        11 => "Experimental",
        other => return format!("Mobility Header type {other}"),
    };
    name.to_owned()
}

fn lookup_name(kind: u8) -> String {
    let name = match kind {
        1 => "Home Agent Notification",
        2 => "Home Agent Notification Ack",
        3 => "Binding Query",
        4 => "Binding Reply",
        5 => "Binding Change",
        6 => "Binding Change Ack",
        other => return format!("kind {other}"),
    };
    name.to_owned()
}

const WITHIN: &str = "Mobility Header";
const BINDING_LOOKUP: u16 = 0x424c;
