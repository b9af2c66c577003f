//! What must hold of any octets read as the options of a mobility message, whatever message they are in.

use roamproof_wire::mobility::option::kind;
use roamproof_wire::mobility::{
    HEADER_LEN_MIN, MESSAGE_LEN_MAX, Message, MobilityOption, NO_NEXT_HEADER, Options, RawOption,
    RawOptions, mh_type,
};
use roamproof_wire::{Fault, WireError};

use crate::mobility;

/// The options of the message `octets` are put into a message of each type, which is then read: what
/// walking them option by option finds is what the message holds, or why it was refused.
pub(crate) fn options(octets: &[u8]) {
    let carried = octets.get(2).copied().unwrap_or_default();
    let start = START.iter().find(|(kind, _)| *kind == carried).map_or(LOOKUP, |(_, at)| *at);
    let area = octets.get(start..).unwrap_or_default();
    for (mh_type, start) in START {
        let message = message(mh_type, start, area);
        mobility::message(&message);
        let walked: Result<Vec<RawOption<'_>>, WireError> =
            RawOptions::new("message", &message, start).collect();
        match (walked, Message::parse(&message)) {
            (Ok(raw), Ok(message)) => agree(&raw, &message),
            (Ok(raw), Err(error)) => has_a_reason(mh_type, &raw, &error),
            (Err(error), Ok(_)) => panic!("an option runs over the end and is accepted\n{error}"),
            (Err(_), Err(_)) => {}
        }
    }
}

/// A message of this type that holds nothing but these options.
fn message(mh_type: u8, start: usize, area: &[u8]) -> Vec<u8> {
    let mut message = vec![NO_NEXT_HEADER, 0, mh_type, 0, 0, 0, 0, 0];
    message.resize(start, 0);
    message.extend_from_slice(area);
    // Pad1 is an option too.
    let length = message.len().next_multiple_of(8).clamp(HEADER_LEN_MIN, MESSAGE_LEN_MAX);
    message.resize(length, 0);
    message[1] = u8::try_from(length / 8 - 1).expect("bounded above");
    message
}

/// What was accepted is what was walked over, in its order; only kinds that a receiver skips are left
/// out, and only of a flood of them.
fn agree(raw: &[RawOption<'_>], message: &Message) {
    let mut kept = options_of(message).iter();
    let mut next = kept.next();
    let mut left_out = 0;
    let raw = raw.iter().filter(|option| !option.is_padding());
    for option in raw {
        let value = option.value("message");
        if let (Some(one), Ok(Some(value))) = (next, &value)
            && one == value
        {
            next = kept.next();
            continue;
        }
        let skipped = matches!(
            value,
            Ok(Some(
                MobilityOption::Unknown { .. }
                    | MobilityOption::Experimental(_)
                    | MobilityOption::VendorSpecific { .. }
            ))
        ) || matches!(option.kind, kind::EXPERIMENTAL | kind::VENDOR_SPECIFIC);
        assert!(skipped, "an option that matters is left out\n{option:?}");
        left_out += 1;
    }
    assert_eq!(next, None, "an option that nobody sent");
    let flood = options_of(message).len() >= FLOOD || octets_of(message) >= FLOOD_OCTETS;
    assert!(left_out == 0 || flood, "left out without need\n{left_out} of {message}");
}

/// A message whose options can be walked is refused for one that has not its length, for too many,
/// or for what follows Binding Authorization Data.
fn has_a_reason(mh_type: u8, raw: &[RawOption<'_>], error: &WireError) {
    let wrong_length = raw
        .iter()
        .any(|option| option.offset + 1 == error.offset && option.value("message").is_err());
    let authorized = raw.iter().any(|option| option.kind == kind::BINDING_AUTHORIZATION_DATA)
        && matches!(mh_type, mh_type::BINDING_UPDATE | mh_type::BINDING_ACKNOWLEDGEMENT);
    let reason = match error.fault {
        Fault::Illegal { .. } => wrong_length,
        Fault::TooMany { .. } => raw.len() >= FLOOD || raw_octets(raw) >= FLOOD_OCTETS,
        Fault::Trailing { .. } => authorized,
        Fault::Truncated { .. }
        | Fault::Checksum { .. }
        | Fault::Grammar { .. }
        | Fault::Missing { .. } => false,
    };
    assert!(reason, "options that are right are refused\n{error}: {raw:?}");
}

fn options_of(message: &Message) -> &Options {
    match message {
        Message::BindingRefreshRequest(one) => &one.options,
        Message::HomeTestInit(one) => &one.options,
        Message::CareOfTestInit(one) => &one.options,
        Message::HomeTest(one) => &one.options,
        Message::CareOfTest(one) => &one.options,
        Message::BindingUpdate(one) => &one.options,
        Message::BindingAcknowledgement(one) => &one.options,
        Message::BindingError(one) => &one.options,
        Message::BindingLookup(_) | Message::Unknown { .. } => {
            panic!("types 0 to 7 are neither: {message}")
        }
    }
}

fn octets_of(message: &Message) -> usize {
    options_of(message).iter().map(|option| 2 + option.data_len()).sum()
}

fn raw_octets(raw: &[RawOption<'_>]) -> usize {
    raw.iter().map(|option| 2 + option.data.len()).sum()
}

/// The messages of RFC 6275, and where their options begin.
const START: [(u8, usize); 8] = [
    (mh_type::BINDING_REFRESH_REQUEST, 8),
    (mh_type::HOME_TEST_INIT, 16),
    (mh_type::CARE_OF_TEST_INIT, 16),
    (mh_type::HOME_TEST, 24),
    (mh_type::CARE_OF_TEST, 24),
    (mh_type::BINDING_UPDATE, 12),
    (mh_type::BINDING_ACKNOWLEDGEMENT, 12),
    (mh_type::BINDING_ERROR, 24),
];
/// Where those of binding lookup begin.
const LOOKUP: usize = 16;
/// So many options, or so many octets of them, may be too many for one more.
const FLOOD: usize = 6;
const FLOOD_OCTETS: usize = 700;
