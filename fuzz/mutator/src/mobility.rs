//! Mobility Headers: made as values, edited by field and by option, their Header Len and checksum
//! put right.

use std::net::Ipv6Addr;
use std::ops::Range;

use fastrand::Rng;
use roamproof_wire::checksum;
use roamproof_wire::edit::Edit;
use roamproof_wire::ipv6::{HEADER_LEN, Outgoing, protocol};
use roamproof_wire::mobility::{
    BindingAcknowledgement, BindingError, BindingErrorStatus, BindingLookup, BindingRefreshRequest,
    BindingUpdate, CareOfTest, CareOfTestInit, HEADER_LEN_MIN, HomeTest, HomeTestInit, Lifetime,
    LookupStatus, MESSAGE_LEN_MAX, Message, MessageAuthentication, MobilityOption, NonceIndices,
    NtpTimestamp, Options, Sequence, Status, option,
};

use crate::random;

/// The addresses under the checksum of a header that comes without a packet.
pub(crate) const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
pub(crate) const DESTINATION: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);

/// Any message of the family.
pub(crate) fn make(random: &mut Rng) -> Vec<u8> {
    message(random).to_vec(SOURCE, DESTINATION)
}

/// One edit of the fields, the options or the lengths.
pub(crate) fn edit(octets: &mut Vec<u8>, random: &mut Rng) {
    match random.u8(..9) {
        0 => put_field(octets, random),
        1 => put_option(octets, random),
        2 => with_option(octets, random, |octets, option, _| {
            let again = octets[option.clone()].to_vec();
            octets.splice(option.end..option.end, again);
        }),
        3 => with_option(octets, random, |octets, option, _| drop(octets.drain(option))),
        4 => with_option(octets, random, |octets, option, random| {
            if let Some(length) = octets.get_mut(option.start + 1) {
                *length = length.wrapping_add(random.u8(..5).wrapping_sub(2));
            }
        }),
        5 => with_option(octets, random, |octets, option, random| {
            octets[option.start] = random.u8(..);
        }),
        6 => pad(octets, random),
        7 => as_packet(octets, |packet| {
            if let Some((edit, _)) = Edit::decode(&any_edit(packet.len(), random)) {
                edit.apply(packet);
            }
        }),
        _ => random::flip(octets, random),
    }
}

/// Header Len says what is there, in whole units, and the checksum is right.
pub(crate) fn mend(octets: &mut Vec<u8>) {
    octets.truncate(MESSAGE_LEN_MAX);
    if octets.len() < HEADER_LEN_MIN {
        return;
    }
    let surplus = octets.len() % 8;
    if surplus > 0 {
        octets.resize((octets.len() + 8 - surplus).min(MESSAGE_LEN_MAX), 0);
    }
    octets[HEADER_LEN_FIELD] = u8::try_from(octets.len() / 8 - 1).unwrap_or(u8::MAX);
    octets[CHECKSUM_FIELD].fill(0);
    let sum = checksum::upper_layer(SOURCE, DESTINATION, protocol::MOBILITY, octets);
    octets[CHECKSUM_FIELD].copy_from_slice(&sum.to_be_bytes());
}

/// Where Header Len stands: units of eight octets, the first not counted.
const HEADER_LEN_FIELD: usize = 1;
const CHECKSUM_FIELD: Range<usize> = 4..6;

/// The types of messages and options, and what stands in fixed places.
pub(crate) fn tokens() -> Vec<Vec<u8>> {
    let mut tokens: Vec<Vec<u8>> = (0..=11).map(|mh_type| vec![59, 1, mh_type, 0]).collect();
    let mut random = Rng::with_seed(1);
    for kind in 0..OPTION_KINDS {
        let mut options = Options::new();
        if options.push(any_option(kind, &mut random)).is_ok() {
            let refresh = BindingRefreshRequest { options };
            let octets = Message::from(refresh).to_vec(SOURCE, DESTINATION);
            tokens.push(octets[HEADER_LEN_MIN..].to_vec());
        }
    }
    tokens.push(b"\x01\x00".to_vec());
    tokens.push(SOURCE.octets().to_vec());
    tokens.push(DESTINATION.octets().to_vec());
    tokens
}

pub(crate) fn message(random: &mut Rng) -> Message {
    let sequence = Sequence(u16::from_be_bytes(random::octets(random)));
    let lifetime = Lifetime(u16::from_be_bytes(random::octets(random)));
    let home = random::address(random);
    let (cookie, token) = (random::octets(random), random::octets(random));
    let nonce_index = u16::from_be_bytes(random::octets(random));
    match random.u8(..10) {
        0 => Message::from(BindingRefreshRequest { options: options(random) }),
        1 => HomeTestInit { options: options(random), ..HomeTestInit::new(cookie) }.into(),
        2 => CareOfTestInit { options: options(random), ..CareOfTestInit::new(cookie) }.into(),
        3 => HomeTest { options: options(random), ..HomeTest::new(nonce_index, cookie, token) }
            .into(),
        4 => CareOfTest { options: options(random), ..CareOfTest::new(nonce_index, cookie, token) }
            .into(),
        5 => BindingUpdate {
            acknowledge: random.bool(),
            home_registration: random.bool(),
            link_local_compatibility: random.bool(),
            key_management: random.bool(),
            options: options(random),
            ..BindingUpdate::new(sequence, lifetime)
        }
        .into(),
        6 => BindingAcknowledgement {
            key_management: random.bool(),
            options: options(random),
            ..BindingAcknowledgement::new(Status(random.u8(..)), sequence, lifetime)
        }
        .into(),
        7 => {
            let status = BindingErrorStatus(random.u8(..4));
            BindingError { status, home_address: home, options: options(random) }.into()
        }
        8 => lookup(random).into(),
        _ => {
            let data = random::some_octets(random, 9);
            let data = [data, vec![0; 16]].concat()[..10].to_vec();
            Message::Unknown { mh_type: random.u8(12..), data }
        }
    }
}

fn lookup(random: &mut Rng) -> BindingLookup {
    let (home, told) = (random::address(random), random::address(random));
    let transaction = u16::from_be_bytes(random::octets(random));
    let lifetime = Lifetime(u16::from_be_bytes(random::octets(random)));
    let status = LookupStatus::BOUND;
    let lookup = match random.u8(..7) {
        0 => BindingLookup::notification(transaction, home, told, lifetime),
        1 => BindingLookup::notification_ack(transaction, home, status),
        2 => BindingLookup::query(transaction, home),
        3 => BindingLookup::reply(transaction, home, told, lifetime),
        4 => BindingLookup::change(transaction, home, told, lifetime),
        5 => BindingLookup::change_gone(transaction, home),
        _ => BindingLookup::change_ack(transaction, home, status),
    };
    let timestamp = NtpTimestamp(u64::from_be_bytes(random::octets(random)));
    BindingLookup {
        timestamp,
        spi: 256 + random.u32(..),
        authenticator: random::octets(random),
        ..lookup
    }
}

const OPTION_KINDS: u8 = 10;

fn options(random: &mut Rng) -> Options {
    let mut options = Options::new();
    for _ in 0..random.u8(..5) {
        let kind = random.u8(..OPTION_KINDS);
        // The authenticator of return routability ends a message, so it is put last, below.
        if kind != 3 && options.push(any_option(kind, random)).is_err() {
            break;
        }
    }
    if random.u8(..3) == 0 {
        // No room is no option.
        let _ = options.push(any_option(3, random));
    }
    options
}

fn any_option(kind: u8, random: &mut Rng) -> MobilityOption {
    match kind {
        0 => MobilityOption::BindingRefreshAdvice(Lifetime(u16::from_be_bytes(random::octets(
            random,
        )))),
        1 => MobilityOption::AlternateCareOfAddress(random::address(random)),
        2 => MobilityOption::NonceIndices(NonceIndices {
            home: random.u16(..),
            care_of: random.u16(..),
        }),
        3 => MobilityOption::BindingAuthorizationData(random::octets(random)),
        4 => MobilityOption::MobileNodeIdentifier {
            subtype: option::NAI,
            identifier: (*b"mt@example.com").into(),
        },
        5 => MobilityOption::Authentication(MessageAuthentication {
            subtype: MessageAuthentication::MN_HA,
            spi: 256 + u32::from(random.u16(..)),
            authenticator: random::octets(random),
        }),
        6 => MobilityOption::ReplayProtection(NtpTimestamp(u64::from_be_bytes(random::octets(
            random,
        )))),
        7 => MobilityOption::Experimental(random::some_octets(random, 12).into()),
        8 => MobilityOption::VendorSpecific {
            vendor: random.u32(..),
            subtype: random.u8(..),
            data: random::some_octets(random, 12).into(),
        },
        _ => MobilityOption::Unknown {
            kind: random.u8(100..),
            data: random::some_octets(random, 20).into(),
        },
    }
}

/// Writes a number near an edge over two, four or eight octets that are aligned to as many.
fn put_field(octets: &mut [u8], random: &mut Rng) {
    let width = random.choice([1, 2, 4, 8]).expect("there are some");
    if octets.len() < HEADER_LEN_MIN + width {
        return;
    }
    // Payload Proto, Header Len and checksum are others' affair.
    let place = random.usize(HEADER_LEN_MIN..=octets.len() - width) / width * width;
    let number = random::number(random).to_be_bytes();
    octets[place..place + width].copy_from_slice(&number[8 - width..]);
}

/// Writes an option between others, with the padding that its alignment asks for or without.
fn put_option(octets: &mut Vec<u8>, random: &mut Rng) {
    let mut options = Options::new();
    if options.push(any_option(random.u8(..OPTION_KINDS), random)).is_err() {
        return;
    }
    let message = Message::from(BindingRefreshRequest { options }).to_vec(SOURCE, DESTINATION);
    let places: Vec<usize> = options_of(octets).map(|option| option.start).collect();
    let at = random.choice(places).unwrap_or(octets.len());
    octets.splice(at..at, message[8..].iter().copied());
}

/// Pad1 or PadN of any length, anywhere between options.
fn pad(octets: &mut Vec<u8>, random: &mut Rng) {
    let places: Vec<usize> = options_of(octets).map(|option| option.start).collect();
    let at = random.choice(places).unwrap_or(octets.len());
    let length = random.u8(..10);
    let padding =
        if length == 0 { vec![0] } else { [vec![1, length], vec![0; length.into()]].concat() };
    octets.splice(at..at, padding);
}

fn with_option(
    octets: &mut Vec<u8>,
    random: &mut Rng,
    edit: fn(&mut Vec<u8>, Range<usize>, &mut Rng),
) {
    let all: Vec<_> = options_of(octets).collect();
    if let Some(option) = random.choice(all) {
        edit(octets, option, random);
    }
}

/// Where the options lie, padding too, as a lenient reader would walk them.
fn options_of(octets: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let first = match octets.get(2) {
        Some(0) => 8,
        Some(1 | 2) => 16,
        Some(3 | 4 | 7) => 24,
        Some(_) => 12,
        None => usize::MAX,
    };
    let mut at = first;
    std::iter::from_fn(move || {
        let start = at;
        let kind = *octets.get(start)?;
        let length = if kind == 0 { 1 } else { 2 + usize::from(*octets.get(start + 1)?) };
        at = (start + length).min(octets.len());
        (at > start).then_some(start..at)
    })
}

/// Lets `edit` have the header in a packet, where lengths and checksums mean something.
fn as_packet(octets: &mut Vec<u8>, edit: impl FnOnce(&mut Vec<u8>)) {
    let mut packet = Outgoing::new(SOURCE, DESTINATION, protocol::MOBILITY).to_vec(octets);
    edit(&mut packet);
    *octets = packet.split_off(HEADER_LEN.min(packet.len()));
}

/// Octets that stand for an edit somewhere in the message.
fn any_edit(packet: usize, random: &mut Rng) -> Vec<u8> {
    let at = random.usize(HEADER_LEN.min(packet)..=packet);
    let [.., high, low] = at.to_be_bytes();
    let mut octets =
        vec![random.u8(..13), high, low, random.u8(..32), random.u8(..), random.u8(..16)];
    octets.extend(random::some_octets(random, 16));
    octets
}
