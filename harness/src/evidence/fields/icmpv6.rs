//! Fields of ICMPv6 messages.

use roamproof_wire::{Fault, WireError, checksum};

use super::{Dissection, Ends, hex};
use crate::evidence::layer::Layer;

impl Dissection {
    pub(super) fn icmpv6(&mut self, ends: Ends, octets: &[u8]) {
        let Some(&[kind, code, high, low]) = octets.first_chunk::<4>() else {
            self.note(Err(WireError::truncated("ICMPv6 message", 0, 4, octets.len())));
            return;
        };
        let carried = u16::from_be_bytes([high, low]);
        let mut layer = Layer::new("icmpv6")
            .fixed("message", name(kind))
            .fixed("type", kind)
            .fixed("code", code)
            .verified("checksum", format!("0x{carried:04x}"));
        let body = &octets[4..];
        let word = body.first_chunk::<4>().copied();
        match (kind, word) {
            (1 | 3, Some(_)) => layer = layer.fixed("quotes", true),
            (2, Some(mtu)) => {
                layer = layer.fixed("mtu", u32::from_be_bytes(mtu)).fixed("quotes", true)
            }
            (4, Some(pointer)) => {
                layer = layer.fixed("pointer", u32::from_be_bytes(pointer)).fixed("quotes", true);
            }
            (128 | 129 | 144..=147, Some([a, b, c, d])) => {
                let identifier = u16::from_be_bytes([a, b]);
                layer = layer.varies("identifier", identifier, "ICMPv6 identifier");
                if kind < 130 {
                    layer = layer.fixed("sequence-number", u16::from_be_bytes([c, d]));
                }
            }
            (135 | 136, Some(flags)) => {
                let target = body.get(4..20).map(hex).unwrap_or_default();
                layer = layer.fixed("flags", format!("0x{:02x}", flags[0])).fixed("target", target);
            }
            _ => {}
        }
        self.push(layer);
        self.note(verify(ends, octets, carried));
    }
}

fn verify(ends: Ends, octets: &[u8], carried: u16) -> Result<(), WireError> {
    let kind = roamproof_wire::ipv6::protocol::ICMPV6;
    if checksum::upper_layer(ends.source, ends.destination, kind, octets) == 0 {
        return Ok(());
    }
    let mut zeroed = octets.to_vec();
    zeroed[2..4].fill(0);
    let right = checksum::upper_layer(ends.source, ends.destination, kind, &zeroed);
    Err(WireError {
        within: "ICMPv6 message",
        offset: 2,
        fault: Fault::Checksum { carried, right },
    })
}

/// What a message is called (RFC 4443, 4861, 3810, 6275).
fn name(kind: u8) -> String {
    let name = match kind {
        1 => "Destination Unreachable",
        2 => "Packet Too Big",
        3 => "Time Exceeded",
        4 => "Parameter Problem",
        128 => "Echo Request",
        129 => "Echo Reply",
        130 => "Multicast Listener Query",
        131 => "Multicast Listener Report",
        132 => "Multicast Listener Done",
        133 => "Router Solicitation",
        134 => "Router Advertisement",
        135 => "Neighbor Solicitation",
        136 => "Neighbor Advertisement",
        137 => "Redirect",
        143 => "Version 2 Multicast Listener Report",
        144 => "Home Agent Address Discovery Request",
        145 => "Home Agent Address Discovery Reply",
        146 => "Mobile Prefix Solicitation",
        147 => "Mobile Prefix Advertisement",
        other => return format!("ICMPv6 type {other}"),
    };
    name.to_owned()
}
