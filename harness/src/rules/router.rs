//! Router Advertisements of a home agent on its home link (RFC 6275 section 7).

use roamproof_wire::icmpv6::{Message, NeighbourOption, RouterAdvertisement};

use super::{AGENT, Finding, Past, Rule, Sent};

pub(super) const RULES: &[Rule] = &[
    Rule { row: "HA-RA-01", of: AGENT, check: says_that_it_is_one },
    Rule { row: "HA-RA-02", of: AGENT, check: says_its_link_layer_address },
    Rule { row: "HA-RA-03", of: AGENT, check: home_agent_information },
];

/// Where the flags and the options stand in a Router Advertisement.
const FLAGS: usize = 5;
const OPTIONS: usize = 16;

fn says_that_it_is_one(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let advertisement = advertisement(sent)?;
    if !advertisement.home_agent {
        let (octet, what) = (sent.payload_offset + FLAGS, "H is not set".to_owned());
        return Some(Finding::Breaks { octet, what });
    }
    let whole = advertisement.options.iter().any(|option| {
        matches!(option, NeighbourOption::Prefix(prefix)
            if prefix.router_address && prefix.prefix.to_bits() & u128::from(u64::MAX) != 0)
    });
    Finding::unless(whole, sent.payload_offset + OPTIONS, || {
        "no prefix option with R set and the whole address of the home agent".to_owned()
    })
}

fn says_its_link_layer_address(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let advertisement = advertisement(sent)?;
    let is_one = |option: &NeighbourOption| matches!(option, NeighbourOption::SourceLinkLayer(_));
    let there = advertisement.options.iter().any(is_one);
    Finding::unless(there, sent.payload_offset + OPTIONS, || {
        "no Source Link-Layer Address option".to_owned()
    })
}

/// Type 8 has Length 1, Reserved 0, and a lifetime that is not 0. It is looked at as octets: a
/// reader takes another length for another option.
fn home_agent_information(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    advertisement(sent)?;
    let mut at = OPTIONS;
    while let Some([kind, units, ..]) = sent.payload.get(at..) {
        let length = usize::from(*units) * 8;
        if *kind != 8 {
            at += length.max(8);
            continue;
        }
        let octet = sent.payload_offset + at;
        if *units != 1 {
            let what = format!("Length is {units}, not 1");
            return Some(Finding::Breaks { octet: octet + 1, what });
        }
        let [_, _, reserved @ .., life_high, life_low] = sent.payload.get(at..at + 8)? else {
            return None;
        };
        if reserved[..2] != [0, 0] {
            let what = "Reserved is not 0".to_owned();
            return Some(Finding::Breaks { octet: octet + 2, what });
        }
        return Finding::unless([*life_high, *life_low] != [0, 0], octet + 6, || {
            "Home Agent Lifetime is 0".to_owned()
        });
    }
    None
}

fn advertisement(sent: &Sent<'_>) -> Option<RouterAdvertisement> {
    match sent.icmpv6()?.1 {
        Message::RouterAdvertisement(advertisement) => Some(advertisement),
        Message::Error(_)
        | Message::Echo(_)
        | Message::MldQuery(_)
        | Message::RouterSolicitation(_)
        | Message::NeighbourSolicitation(_)
        | Message::NeighbourAdvertisement(_)
        | Message::Redirect(_)
        | Message::MldReport(_)
        | Message::HomeAgentDiscoveryRequest(_)
        | Message::HomeAgentDiscoveryReply(_)
        | Message::MobilePrefixSolicitation(_)
        | Message::MobilePrefixAdvertisement(_)
        | Message::Other { .. } => None,
    }
}
