//! The patch panel: which of a device's interfaces, in which VLAN, serves a port now.

use roamproof_harness::link::{Arrival, Port};

/// One way to a device: an interface of its, in a VLAN or untagged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    /// The port that it serves.
    pub(crate) port: Port,
    /// The links that it can be plugged into.
    pub(crate) links: Vec<String>,
    /// The packet socket's port.
    pub(crate) socket: Port,
    /// Its VLAN.
    pub(crate) vlan: Option<u16>,
    /// Whether it is plugged in.
    pub(crate) plugged: bool,
}

/// All ways to a device.
#[derive(Debug, Default)]
pub(crate) struct Panel {
    pub(crate) ways: Vec<Way>,
}

impl Panel {
    /// Plugs `port` into `link` by the first way that leads there, and all its other ways out.
    /// False where no way leads there.
    pub(crate) fn plug(&mut self, port: Port, link: Option<&str>) -> bool {
        let leads = |way: &Way| link.is_some_and(|link| way.links.iter().any(|one| one == link));
        let chosen = self.ways.iter().position(|way| way.port == port && leads(way));
        for (place, way) in self.ways.iter_mut().enumerate() {
            if way.port == port {
                way.plugged = Some(place) == chosen;
            }
        }
        link.is_none() || chosen.is_some()
    }

    /// Whether a packet socket's port has a way that is plugged in.
    pub(crate) fn has_carrier(&self, socket: Port) -> bool {
        self.ways.iter().any(|way| way.socket == socket && way.plugged)
    }

    /// Where a frame into `port` goes, and how it looks there. `None` where this panel has no way to
    /// that port at all, an inner `None` where it is plugged out.
    pub(crate) fn outward(&self, port: Port, octets: &[u8]) -> Option<Option<(Port, Vec<u8>)>> {
        let mut ways = self.ways.iter().filter(|way| way.port == port).peekable();
        ways.peek()?;
        Some(ways.find(|way| way.plugged).map(|way| (way.socket, tagged(octets, way.vlan))))
    }

    /// A frame that came from a packet socket's port, as it comes out of the port that it serves.
    /// `None` where it is none of a way that is plugged in.
    pub(crate) fn inward(&self, arrival: Arrival) -> Option<Arrival> {
        let mut ways = self.ways.iter().filter(|way| way.socket == arrival.port).peekable();
        if ways.peek().is_none() {
            return Some(arrival);
        }
        let Arrival { at, octets, .. } = arrival;
        let (vlan, octets) = untagged(octets, ways.clone().all(|way| way.vlan.is_none()));
        let way = ways.find(|way| way.plugged && way.vlan == vlan)?;
        Some(Arrival { at, port: way.port, octets })
    }
}

/// The frame with a tag (IEEE 802.1Q) after its addresses, priority 0.
fn tagged(octets: &[u8], vlan: Option<u16>) -> Vec<u8> {
    let (Some(vlan), Some((addresses, rest))) = (vlan, octets.split_at_checked(ADDRESSES)) else {
        return octets.to_vec();
    };
    let mut frame = addresses.to_vec();
    frame.extend_from_slice(&TAG);
    frame.extend_from_slice(&(vlan & VLAN).to_be_bytes());
    frame.extend_from_slice(rest);
    frame
}

/// The VLAN and the frame without its tag; a frame that must stay as it is has none.
fn untagged(mut octets: Vec<u8>, stays: bool) -> (Option<u16>, Vec<u8>) {
    if stays || octets.get(ADDRESSES..ADDRESSES + 2) != Some(&TAG) {
        return (None, octets);
    }
    let Some([high, low]) = octets.get(ADDRESSES + 2..ADDRESSES + 4).and_then(|two| two.as_array())
    else {
        return (None, octets);
    };
    let vlan = u16::from_be_bytes([*high, *low]) & VLAN;
    octets.drain(ADDRESSES..ADDRESSES + 4);
    // Number 0 is a priority without a VLAN.
    ((vlan != 0).then_some(vlan), octets)
}

/// Octets of the two addresses before a tag.
const ADDRESSES: usize = 12;

/// The type of a tag.
const TAG: [u8; 2] = [0x81, 0x00];

/// The VLAN's bits in a tag.
const VLAN: u16 = 0x0fff;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A trunk with two VLANs, and an interface of its own for the home link.
    fn panel() -> Panel {
        let way = |links: &[&str], socket, vlan| Way {
            port: Port(0),
            links: links.iter().map(|link| (*link).to_owned()).collect(),
            socket: Port(socket),
            vlan,
            plugged: false,
        };
        let ways = vec![
            way(&["home"], 7, None),
            way(&["visited-1"], 8, Some(11)),
            way(&["visited-2"], 8, Some(12)),
        ];
        Panel { ways }
    }

    fn frame(tag: &[u8]) -> Vec<u8> {
        [b"destinsource".as_slice(), tag, b"\x86\xddpayload"].concat()
    }

    fn arrival(port: usize, octets: Vec<u8>) -> Arrival {
        Arrival { at: Duration::from_secs(1), port: Port(port), octets }
    }

    #[test]
    fn a_frame_is_tagged_on_its_way_out_and_untagged_on_its_way_in() {
        let mut panel = panel();
        assert!(panel.plug(Port(0), Some("visited-2")));
        let (socket, octets) = panel.outward(Port(0), &frame(b"")).unwrap().unwrap();
        assert_eq!((socket, &octets), (Port(8), &frame(b"\x81\x00\x00\x0c")));
        let inward = panel.inward(arrival(8, octets)).unwrap();
        assert_eq!((inward.port, inward.octets), (Port(0), frame(b"")));
        assert!(panel.has_carrier(Port(8)) && !panel.has_carrier(Port(7)));
    }

    #[test]
    fn what_is_plugged_out_is_heard_by_nobody() {
        let mut panel = panel();
        assert!(panel.plug(Port(0), Some("visited-1")));
        assert_eq!(panel.inward(arrival(8, frame(b"\x81\x00\x20\x0c"))), None, "another VLAN");
        assert_eq!(panel.inward(arrival(8, frame(b""))), None, "no VLAN at all");
        assert_eq!(panel.inward(arrival(7, frame(b""))), None, "another interface");
        assert!(!panel.plug(Port(0), Some("server")), "no way leads there");
        assert_eq!(panel.outward(Port(0), &frame(b"")), Some(None));
    }

    #[test]
    fn ports_of_others_and_tags_within_are_left_alone() {
        let mut panel = panel();
        assert_eq!(panel.outward(Port(3), &frame(b"")), None);
        let other = arrival(3, frame(b"\x81\x00\x00\x0c"));
        assert_eq!(panel.inward(other.clone()), Some(other));
        assert!(panel.plug(Port(0), Some("home")));
        let inward = panel.inward(arrival(7, frame(b"\x81\x00\x00\x0c"))).unwrap();
        assert_eq!(inward.octets, frame(b"\x81\x00\x00\x0c"), "a device's own tag is judged");
    }
}
