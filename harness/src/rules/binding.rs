//! What Binding Updates, Binding Acknowledgements and tests hold, as far as one message tells.

use roamproof_wire::mobility::mh_type::{
    BINDING_ACKNOWLEDGEMENT, BINDING_UPDATE, CARE_OF_TEST_INIT,
};
use roamproof_wire::mobility::option::kind;

use super::{CORRESPONDENT, Finding, Past, Rule, Sent, TERMINAL};

pub(super) const RULES: &[Rule] = &[
    Rule { row: "MN-HR-01", of: TERMINAL, check: home_registration },
    Rule { row: "MN-HR-02", of: TERMINAL, check: alternate_care_of },
    Rule { row: "MN-CR-01", of: TERMINAL, check: correspondent_registration },
    Rule { row: "MN-RR-03", of: TERMINAL, check: care_of_test_init },
    Rule { row: "MN-AUT-01", of: TERMINAL, check: shared_key },
    Rule { row: "CN-RR-22", of: CORRESPONDENT, check: expired_nonces },
    Rule { row: "CN-BU-44", of: CORRESPONDENT, check: no_refresh_advice },
];

/// Octets of a Binding Update or Binding Acknowledgement without options.
const FIXED: usize = 12;
/// The flags of a Binding Update.
const ACKNOWLEDGE: u8 = 0x80;
const HOME_REGISTRATION: u8 = 0x40;
const KEY_MANAGEMENT: u8 = 0x10;
/// Where the flags and the lifetime stand in a Binding Update.
const FLAGS: usize = 8;
const LIFETIME: usize = 10;

/// A Binding Update with the H bit as wanted; with its flags.
fn update<'a>(sent: &Sent<'a>, home_registration: bool) -> Option<(u8, &'a [u8])> {
    let octets = sent.mobility_of(BINDING_UPDATE, FIXED)?;
    let flags = octets[FLAGS];
    ((flags & HOME_REGISTRATION != 0) == home_registration).then_some((flags, octets))
}

/// A home registration from away that takes nothing back.
fn registration<'a>(sent: &Sent<'a>) -> Option<(u8, &'a [u8])> {
    let (flags, octets) = update(sent, true)?;
    (octets[LIFETIME..FIXED] != [0, 0]).then_some((flags, octets))
}

fn home_registration(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let (flags, _) = registration(sent)?;
    if flags & ACKNOWLEDGE == 0 {
        let (octet, what) = (sent.payload_offset + FLAGS, "H is set and A is not".to_owned());
        return Some(Finding::Breaks { octet, what });
    }
    Finding::unless(sent.home_address().is_some(), 6, || {
        "a home registration without Home Address option".to_owned()
    })
}

fn alternate_care_of(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    registration(sent)?;
    let care_of = sent.header.source;
    let Some((offset, data)) = sent.mobility_option(kind::ALTERNATE_CARE_OF_ADDRESS) else {
        let what = "a home registration without Alternate Care-of Address option".to_owned();
        return Some(Finding::Breaks { octet: sent.payload_offset + FIXED, what });
    };
    Finding::unless(data == care_of.octets(), sent.payload_offset + offset + 2, || {
        format!("the alternate care-of address is not the care-of address {care_of}")
    })
}

fn correspondent_registration(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let (flags, octets) = update(sent, false)?;
    if flags & KEY_MANAGEMENT != 0 {
        let (octet, what) = (sent.payload_offset + FLAGS, "K is set and H is not".to_owned());
        return Some(Finding::Breaks { octet, what });
    }
    let at_home = octets[LIFETIME..FIXED] == [0, 0];
    if sent.home_address().is_none() && !at_home {
        let what = "a Binding Update to a correspondent without Home Address option".to_owned();
        return Some(Finding::Breaks { octet: 6, what });
    }
    let wanted = [
        (kind::NONCE_INDICES, "Nonce Indices"),
        (kind::BINDING_AUTHORIZATION_DATA, "Binding Authorization Data"),
    ];
    let missing = wanted.iter().find(|(kind, _)| sent.mobility_option(*kind).is_none());
    Finding::unless(missing.is_none(), sent.payload_offset + FIXED, || {
        format!("no {} option", missing.map(|(_, name)| *name).unwrap_or_default())
    })
}

fn care_of_test_init(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    sent.mobility_of(CARE_OF_TEST_INIT, 16)?;
    if let Some((at, _)) = sent.home_address() {
        let what = "a Home Address option before Care-of Test Init".to_owned();
        return Some(Finding::Breaks { octet: at - 2, what });
    }
    Finding::unless(sent.depth == 0, 0, || "Care-of Test Init in a tunnel".to_owned())
}

/// Of a registration that a shared key authenticates (RFC 4285 §5): that option is the last, its
/// index above 255, and the mobile node says who it is.
fn shared_key(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    update(sent, true)?;
    let (offset, data) = sent.mobility_option(kind::AUTHENTICATION)?;
    let at = sent.payload_offset + offset;
    let spi = data.get(1..5).and_then(|spi| Some(u32::from_be_bytes(spi.try_into().ok()?)))?;
    if spi <= 255 {
        return Some(Finding::Breaks { octet: at + 3, what: format!("the SPI is {spi}") });
    }
    if sent.mobility_option(kind::MOBILE_NODE_IDENTIFIER).is_none() {
        let what = "no mobile node identifier option".to_owned();
        return Some(Finding::Breaks { octet: sent.payload_offset + FIXED, what });
    }
    let end = offset + 2 + data.len();
    let beyond = sent.payload.len().saturating_sub(end);
    Finding::unless(beyond == 0, sent.payload_offset + end, || {
        format!("{beyond} octets follow the authentication option")
    })
}

/// Status 136 to 138: the sender has no key to prove anything with.
fn expired_nonces(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let status = sent.mobility_of(BINDING_ACKNOWLEDGEMENT, FIXED)?[6];
    if !(136..=138).contains(&status) {
        return None;
    }
    let option = sent.mobility_option(kind::BINDING_AUTHORIZATION_DATA);
    Finding::unless(option.is_none(), sent.payload_offset + FIXED, || {
        format!("Binding Authorization Data with status {status}")
    })
}

fn no_refresh_advice(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    sent.mobility_of(BINDING_ACKNOWLEDGEMENT, FIXED)?;
    let advice = sent.mobility_option(kind::BINDING_REFRESH_ADVICE).map(|(at, _)| at);
    Finding::unless(advice.is_none(), sent.payload_offset + advice.unwrap_or_default(), || {
        "Binding Refresh Advice from a correspondent".to_owned()
    })
}
