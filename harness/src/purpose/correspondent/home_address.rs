//! Home Address options, routing headers and messages that a correspondent does not know
//! (RFC 6275 §9.2, §9.3).

use std::time::Duration;

use roamproof_wire::icmpv6::{Echo, Message as IcmpMessage};
use roamproof_wire::ipv6::{Outgoing, protocol};
use roamproof_wire::mobility::Message;

use super::setting::{ANSWER, KNOWS_MOBILE_IPV6, LONG, SILENCE, Setting, correspondent_alone};
use crate::purpose::Purpose;
use crate::tester::template::{binding_error, echo_reply};
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::verdict::Stop;

/// Whoever says that he is somebody else.
pub(in crate::purpose) const UNBOUND_IS_TOLD: Purpose = Purpose {
    id: "CN-HAO-01",
    version: 1,
    title: "A packet with a Home Address option and no binding is dropped, and its sender told so",
    verifies: &["CN-HAO-01", "CN-HAO-11"],
    role: Role::Correspondent,
    applies: KNOWS_MOBILE_IPV6,
    triggers: &[],
    waits_max: Duration::from_secs(7),
    wants: correspondent_alone,
    body: unbound_is_told,
};

/// Whoever proved that he is.
pub(in crate::purpose) const BOUND_IS_ANSWERED: Purpose = Purpose {
    id: "CN-HAO-02",
    version: 1,
    title: "A packet by a binding is taken as from the home address, and answered by the binding",
    verifies: &["CN-HAO-02", "CN-RH2-03"],
    waits_max: Duration::from_secs(9),
    body: bound_is_answered,
    ..UNBOUND_IS_TOLD
};

/// What only a mobile node takes.
pub(in crate::purpose) const ROUTED_TO_NOBODY: Purpose = Purpose {
    id: "CN-RH2-05",
    version: 1,
    title: "A packet by a type 2 routing header to who is no mobile node is dropped in silence",
    verifies: &["CN-RH2-05"],
    waits_max: Duration::from_secs(8),
    body: routed_to_nobody,
    ..UNBOUND_IS_TOLD
};

/// What nobody knows.
pub(in crate::purpose) const UNKNOWN_TYPE: Purpose = Purpose {
    id: "MH-IN-02/correspondent",
    version: 1,
    title: "A mobility message of an unknown type is answered by a Binding Error, status 2, to where it came from",
    verifies: &["MH-IN-02", "MH-IN-03", "MH-IN-04"],
    waits_max: Duration::from_secs(8),
    body: unknown_type,
    ..UNBOUND_IS_TOLD
};

/// A type that nobody was given.
const UNASSIGNED: u8 = 200;

fn unbound_is_told(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::new(t)?;
    setting.lives(t, 1)?;

    t.when("an echo comes as from a home address that is not bound");
    setting.sends(t, &setting.mobile.asks_echo(setting.own, 2))?;

    t.then("a Binding Error, status 1, names the home address to the sender");
    let error = binding_error(1, Some(setting.mobile.home));
    t.hears(&error.from(setting.own).to(setting.mobile.care_of), ANSWER)?;

    t.then("the echo is not answered");
    t.hears_none(&echo_reply(), SILENCE)?;
    setting.lives(t, 3)
}

fn bound_is_answered(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::tested(t)?;
    t.given("it acknowledges the Binding Update that the tokens prove");
    setting.updates(t, LONG)?;
    setting.is_accepted(t)?;

    t.when("an echo comes by the binding");
    t.then("it is answered to the care-of address, routed home");
    setting.is_bound(t, 2)?;
    Ok(())
}

fn routed_to_nobody(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::new(t)?;
    setting.lives(t, 1)?;
    let (own, stranger) = (setting.own, setting.stranger);
    for (what, home) in [("its own", own), ("another", setting.mobile.home)] {
        t.when(format!("an echo comes by a type 2 routing header with {what} address"));
        let echo = Echo { reply: false, identifier: 0x5248, sequence: 2, data: b"by a detour" };
        let plain = Outgoing::new(stranger, own, protocol::ICMPV6);
        let outgoing = Outgoing { type_2_routing: Some(home), ..plain };
        setting.sends(t, &IcmpMessage::Echo(echo).packet(&outgoing))?;

        t.then("nothing answers it, and it goes nowhere");
        let answer = echo_reply().by_any_way();
        t.hears_none(&answer, SILENCE / 2)?;
        let to_sender = Template::new("packet to the sender", move |packet| {
            (packet.header.source, packet.header.destination) == (own, stranger)
        });
        t.hears_none(&to_sender, SILENCE / 2)?;
    }
    setting.lives(t, 3)
}

fn unknown_type(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::new(t)?;
    setting.lives(t, 1)?;
    let message = Message::Unknown { mh_type: UNASSIGNED, data: vec![0x5a; 10] };
    let (own, stranger) = (setting.own, setting.stranger);

    t.when("a mobility message of an unassigned type comes");
    let octets = message.to_vec(stranger, own);
    setting.sends(t, &Outgoing::new(stranger, own, protocol::MOBILITY).to_vec(&octets))?;

    t.then("a Binding Error, status 2, names no home address");
    t.hears(&binding_error(2, None).from(own).to(stranger), ANSWER)?;

    t.when("one comes with a Home Address option");
    setting.sends(t, &setting.mobile.says(own, &message))?;

    t.then("a Binding Error, status 2, names the home address, to the care-of address");
    let error = binding_error(2, Some(setting.mobile.home));
    t.hears(&error.from(own).to(setting.mobile.care_of), ANSWER)?;
    Ok(())
}
