//! Home registrations in detail: sequence numbers, acknowledgements, removals, proofs (RFC 6275
//! §10.3, RFC 4285).

use std::time::Duration;

use roamproof_wire::mobility::{Lifetime, Sequence};

use super::setting::{ANSWER, DETECTION, LONG, SILENCE, Setting, home_agent_alone};
use crate::feature::Condition;
use crate::purpose::Purpose;
use crate::tester::Tester;
use crate::tester::template::{acknowledgement_in, binding_acknowledgement};
use crate::topology::Role;
use crate::verdict::Stop;

/// Whether it was asked for or not.
pub(in crate::purpose) const ACKNOWLEDGES_UNASKED: Purpose = Purpose {
    id: "HA-BU-02",
    version: 1,
    title: "A home registration is acknowledged although no acknowledgement was asked for",
    verifies: &["HA-BU-02"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(5),
    wants: home_agent_alone,
    body: acknowledges_unasked,
};

/// For how long.
pub(in crate::purpose) const GRANTS_NO_MORE: Purpose = Purpose {
    id: "HA-BU-03",
    version: 1,
    title: "A home registration is granted for no longer than was asked",
    verifies: &["HA-BU-03"],
    waits_max: Duration::from_secs(7),
    body: grants_no_more,
    ..ACKNOWLEDGES_UNASKED
};

/// Sequence numbers at which a careless comparison fails.
pub(in crate::purpose) const NEW_SEQUENCE: Purpose = Purpose {
    id: "HA-BU-25",
    version: 1,
    title: "Sequence numbers are compared modulo 65536: the next and the farthest newer one are accepted",
    verifies: &["HA-BU-24", "HA-BU-25"],
    waits_max: Duration::from_secs(12),
    body: new_sequence,
    ..ACKNOWLEDGES_UNASKED
};

/// Sequence numbers of the past.
pub(in crate::purpose) const OLD_SEQUENCE: Purpose = Purpose {
    id: "HA-BU-26",
    version: 1,
    title: "A registration whose sequence number is not newer is refused with 135 and the last one, and changes nothing",
    verifies: &["HA-BU-26"],
    waits_max: Duration::from_secs(11),
    body: old_sequence,
    ..ACKNOWLEDGES_UNASKED
};

/// A registration that nobody could have made.
pub(in crate::purpose) const WRONG_AUTHENTICATOR: Purpose = Purpose {
    id: "HA-AUT-03",
    version: 1,
    title: "A registration with a wrong authenticator is refused with 146 and binds nothing",
    verifies: &["HA-AUT-03"],
    applies: RFC_4285,
    waits_max: Duration::from_secs(7),
    body: wrong_authenticator,
    ..ACKNOWLEDGES_UNASKED
};

/// A key that was never agreed on.
pub(in crate::purpose) const UNKNOWN_KEY: Purpose = Purpose {
    id: "HA-AUT-04",
    version: 1,
    title: "A registration proved by an association that there is not is not accepted",
    verifies: &["HA-AUT-04"],
    applies: RFC_4285,
    waits_max: Duration::from_secs(7),
    body: unknown_key,
    ..ACKNOWLEDGES_UNASKED
};

/// The terminal takes its registration back.
pub(in crate::purpose) const REMOVES: Purpose = Purpose {
    id: "HA-DER-01",
    version: 1,
    title: "A registration that is taken back is acknowledged with lifetime zero, and nothing is left of it",
    verifies: &["HA-DER-01", "HA-DER-08", "HA-DER-09"],
    waits_max: Duration::from_secs(9),
    body: removes,
    ..ACKNOWLEDGES_UNASKED
};

/// There was none.
pub(in crate::purpose) const NOTHING_TO_REMOVE: Purpose = Purpose {
    id: "HA-DER-05",
    version: 1,
    title: "Taking back what was never registered is refused",
    verifies: &["HA-DER-05"],
    waits_max: Duration::from_secs(4),
    body: nothing_to_remove,
    ..ACKNOWLEDGES_UNASKED
};

const RFC_4285: &[Condition] = &[Condition { feature: "authentication", is: &["rfc4285"] }];
/// As far from a number in use as a number can be.
const FAR: u16 = 0x8000;
/// No association of the tester's.
const OTHER_SPI: u32 = 0x0001_2345;

fn acknowledges_unasked(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;

    t.when("a home registration comes that asks for no acknowledgement");
    let unix = t.unix_time();
    let update = setting.mobile.updates_home_but(Lifetime::from_duration(LONG), unix, |draft| {
        draft.update.acknowledge = false;
    });
    setting.sends(t, &update)?;

    t.then("it is acknowledged all the same");
    t.hears(&setting.accepted(), DETECTION)?;
    Ok(())
}

fn grants_no_more(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::registered(t, LONG)?;
    for asked in [Lifetime(2), Lifetime(105)] {
        t.when(format!("a registration asks for {asked}"));
        let update = setting.mobile.updates_home_but(asked, t.unix_time(), |_| {});
        setting.sends(t, &update)?;

        t.then("it is granted no more");
        let accepted = setting.accepted().with(format!("for {asked} at most"), move |packet| {
            acknowledgement_in(packet).is_some_and(|one| one.lifetime <= asked)
        });
        t.hears(&accepted, ANSWER)?;
    }
    Ok(())
}

fn new_sequence(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;
    // From none to 0, across the wrap, and as far as a newer number can be.
    for number in [0_u16, 1, 0x8000, 0xffff, 0, 0x7fff] {
        t.when(format!("a registration comes with number {number}"));
        let unix = t.unix_time();
        let lifetime = Lifetime::from_duration(LONG);
        let update = setting.mobile.updates_home_but(lifetime, unix, |draft| {
            draft.update.sequence = Sequence(number);
        });
        setting.sends(t, &update)?;

        t.then("it is accepted");
        let accepted = binding_acknowledgement()
            .status("0 or 1", |status| status <= 1)
            .sequence(number)
            .to(setting.mobile.care_of);
        t.hears(&accepted, DETECTION)?;
    }
    setting.lives(t, 2)
}

fn old_sequence(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::registered(t, LONG)?;
    let last = setting.mobile.sequence();
    let home = setting.mobile.care_of;
    // From elsewhere: what is refused must not move the binding.
    for behind in [0, 1, FAR] {
        let number = last.wrapping_sub(behind);
        t.when(format!("a registration comes with number {number} after {last}, from elsewhere"));
        setting.mobile.moves(t.plan.address("visited-2", SECOND));
        let unix = t.unix_time();
        let lifetime = Lifetime::from_duration(LONG);
        let update = setting.mobile.updates_home_but(lifetime, unix, |draft| {
            draft.update.sequence = Sequence(number);
        });
        setting.sends(t, &update)?;

        t.then("it is refused with status 135 and the last number");
        let refused = binding_acknowledgement()
            .status("135", |status| status == 135)
            .sequence(last)
            .to(setting.mobile.care_of);
        t.hears(&refused, ANSWER)?;
    }
    t.then("packets to the home address go where they went");
    setting.mobile.moves(home);
    setting.is_tunnelled(t, 4)?;
    Ok(())
}

/// The interface identifier of the second care-of address.
const SECOND: u64 = 0x2345_6789;

fn wrong_authenticator(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;

    t.when("a registration comes with a wrong authenticator");
    let unix = t.unix_time();
    let update = setting.mobile.updates_home_but(Lifetime::from_duration(LONG), unix, |draft| {
        draft.key.octets.reverse();
    });
    setting.sends(t, &update)?;

    t.then("it is refused with status 146");
    t.hears(&setting.answered(146), DETECTION)?;
    binds_nothing(t, &setting)
}

fn unknown_key(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;

    t.when("a registration comes that names an association that there is not");
    let unix = t.unix_time();
    let update = setting.mobile.updates_home_but(Lifetime::from_duration(LONG), unix, |draft| {
        draft.key.spi = OTHER_SPI;
    });
    setting.sends(t, &update)?;

    t.then("nothing answers it");
    t.hears_none(&binding_acknowledgement(), DETECTION)?;
    binds_nothing(t, &setting)
}

fn binds_nothing(t: &mut Tester<'_>, setting: &Setting) -> Result<(), Stop> {
    t.then("a packet to the home address leaves in no tunnel");
    setting.asks_home(t, 3)?;
    t.hears_none(&setting.tunnelled_home(), SILENCE)?;
    setting.lives(t, 4)
}

fn removes(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::registered(t, LONG)?;
    let neighbour = super::neighbour::Neighbour::on_the_home_link(t)?;
    let home = setting.mobile.home;
    t.given("a neighbour that solicits the home address is answered");
    neighbour.solicits(t, home)?;
    t.hears(&neighbour.answer(home), ANSWER)?;

    t.when("the mobile node takes its registration back");
    let update = setting.mobile.deregisters(t.unix_time());
    setting.sends(t, &update)?;

    t.then("that is acknowledged with status 0 and lifetime 0, and no advice to refresh");
    let accepted = setting.answered(0).with("with lifetime 0, without advice", |packet| {
        acknowledgement_in(packet)
            .is_some_and(|one| one.lifetime == Lifetime::ZERO && one.refresh_advice().is_none())
    });
    t.hears(&accepted, ANSWER)?;

    t.when("a neighbour solicits the home address, and a packet for it comes");
    neighbour.solicits(t, home)?;
    setting.asks_home(t, 3)?;

    t.then("the home agent does not answer for it any more");
    t.hears_none(&neighbour.answer(home), SILENCE)?;

    t.then("it tunnels nothing any more");
    t.hears_none(&setting.tunnelled_home(), Duration::ZERO)?;
    setting.lives(t, 4)
}

fn nothing_to_remove(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;

    t.when("a mobile node that never registered takes its registration back");
    let update = setting.mobile.deregisters(t.unix_time());
    setting.sends(t, &update)?;

    t.then("nothing says that it was done");
    let done = binding_acknowledgement().that("that accepts", |packet| {
        acknowledgement_in(packet).is_some_and(|one| !one.status.is_refusal())
    });
    t.hears_none(&done, SILENCE)?;
    setting.lives(t, 2)
}
