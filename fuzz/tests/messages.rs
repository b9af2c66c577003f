//! Every message, option and header that the readers know is in the committed corpus of its target, and
//! accepted there.
//!
//! Which they are is asked of the readers themselves: a number is known where they make something of
//! its own of it. Whoever teaches them one more has to bring an input of it.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::net::Ipv6Addr;

use roamproof_fuzz::target;
use roamproof_wire::icmpv6::{Message as IcmpMessage, MldReport, NeighbourOption, RecordKind};
use roamproof_wire::ipv6::extension::Chain;
use roamproof_wire::ipv6::option::Options;
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::{LookupKind, Message, MobilityOption, RawOptions};
use roamproof_wire::rtp::{RtpHeader, RtpView};
use roamproof_wire::sdp::{Direction, SessionDescription};
use roamproof_wire::sip::{Fields, HeaderName, Message as SipMessage, Method};

#[test]
fn every_mobility_message_is_in_the_corpus() {
    let is_known = |mh_type: &u8| {
        [8, 16, 24].into_iter().any(|length| {
            let parsed = Message::parse(&mobility_header(*mh_type, length));
            parsed.is_ok_and(|message| !matches!(message, Message::Unknown { .. }))
        })
    };
    let parsed = |octets: &[u8]| Message::parse(octets).ok();
    reached("mobility", (0..=255).filter(is_known).collect(), 8, |octets| {
        let message = parsed(octets)?;
        let other = matches!(message, Message::Unknown { .. } | Message::BindingLookup(_));
        (!other).then(|| vec![message.mh_type()])
    });
    // Of binding lookup, its kinds.
    let is_known = |kind: &u8| !matches!(LookupKind::from_number(*kind), LookupKind::Unknown(_));
    reached("mobility", (0..=255).filter(is_known).collect(), 6, |octets| {
        let Message::BindingLookup(lookup) = parsed(octets)? else { return None };
        Some(vec![lookup.kind.number()])
    });
}

#[test]
fn every_mobility_option_is_in_the_corpus() {
    let is_known = |kind: &u8| {
        (0..=40_u8).any(|length| {
            let mut octets = vec![*kind, length];
            octets.resize(64, 0);
            let option = RawOptions::new("message", &octets, 0).next();
            let option = option.expect("there is one").expect("it fits");
            match option.value("message") {
                Ok(Some(MobilityOption::Unknown { .. })) | Err(_) => false,
                Ok(Some(_) | None) => true,
            }
        })
    };
    let known: BTreeSet<u8> = (0..=255).filter(is_known).collect();
    // In messages of RFC 6275, by their own target, and in whatever message of the family.
    for name in ["mobility_option", "mobility"] {
        reached(name, known.clone(), 11, |octets| {
            let message = Message::parse(octets).ok()?;
            let start = match message.mh_type() {
                0 => 8,
                1 | 2 | 11 => 16,
                3 | 4 | 7 => 24,
                5 | 6 => 12,
                _ => return None,
            };
            let options = RawOptions::new("message", octets, start);
            Some(options.filter_map(Result::ok).map(|option| option.kind).collect())
        });
    }
}

#[test]
fn every_icmpv6_message_is_in_the_corpus() {
    let is_known = |kind: &u8| {
        (8..=64).any(|length| {
            let mut octets = vec![0; length];
            octets[0] = *kind;
            let read = IcmpMessage::read(&octets);
            read.is_ok_and(|message| !matches!(message, IcmpMessage::Other { .. }))
        })
    };
    reached("icmpv6", (0..=255).filter(is_known).collect(), 17, |octets| {
        IcmpMessage::read(octets).ok().map(|_| vec![octets[0]])
    });
}

#[test]
fn every_neighbour_option_is_in_the_corpus() {
    let is_known = |kind: &u8| {
        (1..=4_u8).any(|units| {
            let mut octets = vec![0; 16 + usize::from(units) * 8];
            octets[0] = 134;
            octets[16..18].copy_from_slice(&[*kind, units]);
            match IcmpMessage::read(&octets) {
                Ok(IcmpMessage::RouterAdvertisement(message)) => {
                    !matches!(message.options[..], [NeighbourOption::Other { .. }])
                }
                other => panic!("a Router Advertisement: {other:?}"),
            }
        })
    };
    reached("icmpv6", (0..=255).filter(is_known).collect(), 6, |octets| {
        IcmpMessage::read(octets).ok()?;
        let start = match octets[0] {
            133 | 147 => 8,
            134 => 16,
            135 | 136 => 24,
            _ => return None,
        };
        let mut kinds = Vec::new();
        let mut at = start;
        while let Some([kind, units, ..]) = octets.get(at..) {
            kinds.push(*kind);
            at += usize::from(*units) * 8;
        }
        Some(kinds)
    });
}

#[test]
fn every_multicast_record_is_in_the_corpus() {
    let is_known = |kind: &u8| {
        let mut octets = vec![143, 0, 0, 0, 0, 0, 0, 1, *kind];
        octets.resize(28, 0);
        let report = MldReport::parse(&octets).expect("a report of one record");
        !matches!(report.records[0].kind, RecordKind::Other(_))
    };
    reached("icmpv6", (0..=255).filter(is_known).collect(), 6, |octets| {
        let report = MldReport::parse(octets).ok()?;
        Some(report.records.iter().map(|record| record.kind.octet()).collect())
    });
}

#[test]
fn every_extension_header_is_in_the_corpus() {
    let is_known = |kind: &u8| {
        let packet =
            Outgoing::new(HOME, PEER, *kind).to_vec(&[protocol::NONE, 0, 1, 4, 0, 0, 0, 0]);
        matches!(Chain::new(&packet, *kind).step(), Ok(Some(_)))
    };
    let extensions = |octets: &[u8]| {
        let packet = Packet::parse(octets).ok()?;
        let mut chain = Chain::new(packet.octets, packet.header.next_header);
        let mut kinds = Vec::new();
        while let Ok(Some(extension)) = chain.step() {
            kinds.push(extension.kind);
        }
        Some(kinds)
    };
    reached("packet", (0..=255).filter(is_known).collect(), 4, extensions);
    // A tunnel, in an input of its own target, too.
    reached("tunnel", BTreeSet::from([protocol::IPV6]), 1, |octets| {
        Some(vec![Packet::parse(octets.get(1..)?).ok()?.protocol])
    });
}

#[test]
fn every_routing_header_is_in_the_corpus() {
    let is_known = |kind: &u8| {
        let mut header = vec![protocol::NONE, 2, *kind, 1];
        header.resize(24, 0);
        let packet = Outgoing::new(HOME, PEER, protocol::ROUTING).to_vec(&header);
        Packet::parse(&packet).is_ok()
    };
    reached("packet", (0..=255).filter(is_known).collect(), 1, |octets| {
        Packet::parse(octets).ok()?.routing.map(|_| vec![2])
    });
}

/// Options of Hop-by-Hop and Destination Options headers of which a packet remembers something.
#[test]
fn every_packet_option_is_in_the_corpus() {
    let is_known = |kind: &u8| {
        [protocol::HOP_BY_HOP, protocol::DESTINATION]
            .into_iter()
            .flat_map(|header| (0..=20_u8).map(move |length| (header, length)))
            .any(|(header, length)| {
                let mut octets = vec![protocol::NONE, 2, *kind, length];
                octets.resize(24, 0);
                let packet = Outgoing::new(HOME, PEER, header).to_vec(&octets);
                Packet::parse(&packet).is_ok_and(|packet| {
                    packet.home_address.is_some()
                        || packet.tunnel_limit.is_some()
                        || packet.router_alert.is_some()
                })
            })
    };
    reached("packet", (0..=255).filter(is_known).collect(), 3, |octets| {
        let packet = Packet::parse(octets).ok()?;
        let mut chain = Chain::new(packet.octets, packet.header.next_header);
        let mut kinds = Vec::new();
        while let Ok(Some(extension)) = chain.step() {
            if [protocol::HOP_BY_HOP, protocol::DESTINATION].contains(&extension.kind) {
                let mut options = Options::new(&extension);
                while let Ok(Some(option)) = options.step() {
                    kinds.push(option.kind);
                }
            }
        }
        Some(kinds)
    });
}

/// What a packet carries, and has a name here.
#[test]
fn every_upper_layer_is_in_the_corpus() {
    let is_header = |kind: &u8| {
        let packet =
            Outgoing::new(HOME, PEER, *kind).to_vec(&[protocol::NONE, 0, 1, 4, 0, 0, 0, 0]);
        matches!(Chain::new(&packet, *kind).step(), Ok(Some(_)))
    };
    let known = (0..=255).filter(|kind| protocol::name(*kind).is_some() && !is_header(kind));
    reached("packet", known.collect(), 8, |octets| {
        Packet::parse(octets).ok().map(|packet| vec![packet.protocol])
    });
}

#[test]
fn every_sip_method_and_header_is_in_the_corpus() {
    let parsed = |octets: &[u8]| SipMessage::parse(octets).ok();
    reached("sip", Method::KNOWN.into_iter().collect(), 14, |octets| {
        parsed(octets)?.method().map(|method| vec![method])
    });
    reached("sip", HeaderName::ALL.into_iter().collect(), 41, |octets| {
        Some(parsed(octets)?.headers().map(|header| header.name).collect())
    });
    // A response of each class.
    reached("sip", (1..=6).collect(), 6, |octets| {
        parsed(octets)?.status().map(|status| vec![status / 100])
    });
}

#[test]
fn every_direction_of_media_is_in_the_corpus() {
    reached("sdp", Direction::ALL.into_iter().collect(), 4, |octets| {
        let description = SessionDescription::parse(octets).ok()?;
        Some(description.view().media().flatten().map(|media| media.direction()).collect())
    });
}

/// Sources, an extension, padding, a marker.
#[test]
fn every_part_of_an_rtp_header_is_in_the_corpus() {
    reached("rtp", BTreeSet::from(["sources", "extension", "padding", "marker"]), 4, |octets| {
        let view = RtpView::new(octets).ok()?;
        RtpHeader::parse(view).ok()?;
        let parts = [
            (view.csrc_count() > 0, "sources"),
            (view.extension(), "extension"),
            (view.padding(), "padding"),
            (view.marker(), "marker"),
        ];
        Some(parts.into_iter().filter(|(there, _)| *there).map(|(_, part)| part).collect())
    });
}

/// The target's corpus has, in inputs that are accepted, everything that is known: `count` things at
/// the least, or the readers were not asked as they should be.
fn reached<T: Ord + Debug + Clone>(
    name: &str,
    known: BTreeSet<T>,
    count: usize,
    found: impl Fn(&[u8]) -> Option<Vec<T>>,
) {
    assert!(known.len() >= count, "{name}: only {known:?} are known");
    let there: BTreeSet<T> =
        target(name).corpus().filter_map(|(_, octets)| found(octets)).flatten().collect();
    let missing: Vec<&T> = known.difference(&there).collect();
    assert!(
        missing.is_empty(),
        "fuzz/corpus/{name} has no input with {missing:?} that is accepted"
    );
}

fn mobility_header(mh_type: u8, length: u8) -> Vec<u8> {
    let mut octets = vec![59, length / 8 - 1, mh_type, 0];
    octets.resize(length.into(), 0);
    octets
}

const HOME: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const PEER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
