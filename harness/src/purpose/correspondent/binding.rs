//! Binding Updates that a correspondent takes (RFC 6275 §9.5.1 to §9.5.4).

use std::time::Duration;

use super::setting::{ANSWER, KNOWS_MOBILE_IPV6, LONG, Setting, correspondent_alone};
use crate::purpose::Purpose;
use crate::tester::Tester;
use crate::tester::template::{acknowledgement_in, binding_error};
use crate::topology::Role;
use crate::verdict::Stop;

/// What an update is answered with.
pub(in crate::purpose) const ACKNOWLEDGES: Purpose = Purpose {
    id: "CN-BU-01",
    version: 1,
    title: "A right Binding Update is acknowledged to where it came from, routed home and proved",
    verifies: &["CN-BU-01", "CN-RR-09", "CN-RR-11", "CN-BU-42"],
    role: Role::Correspondent,
    applies: KNOWS_MOBILE_IPV6,
    triggers: &[],
    waits_max: Duration::from_secs(9),
    wants: correspondent_alone,
    body: acknowledges,
};

/// For how long.
pub(in crate::purpose) const GRANTS_NO_MORE: Purpose = Purpose {
    id: "CN-BU-04",
    version: 1,
    title: "A binding is granted for no longer than asked, and for 420 s at most",
    verifies: &["CN-BU-03", "CN-BU-04"],
    waits_max: Duration::from_secs(10),
    body: grants_no_more,
    ..ACKNOWLEDGES
};

/// Until when.
pub(in crate::purpose) const ENDS_WITH_ITS_LIFETIME: Purpose = Purpose {
    id: "CN-BU-05",
    version: 1,
    title: "A binding whose lifetime is over is there no more, whatever went by it",
    verifies: &["CN-BU-05"],
    waits_max: Duration::from_secs(20),
    body: ends_with_its_lifetime,
    ..ACKNOWLEDGES
};

/// Until it is taken back.
pub(in crate::purpose) const ENDS_WITH_ITS_REMOVAL: Purpose = Purpose {
    id: "CN-BU-29",
    version: 1,
    title: "A Binding Update of lifetime zero, proved by the home token alone, removes the binding",
    verifies: &["CN-BU-29", "CN-RR-10"],
    waits_max: Duration::from_secs(11),
    body: ends_with_its_removal,
    ..ACKNOWLEDGES
};

/// And not again by the same octets.
pub(in crate::purpose) const REPLAY_BINDS_NOTHING: Purpose = Purpose {
    id: "CN-RR-28",
    version: 1,
    title: "The update of a binding that was removed, sent again as it was, binds nothing",
    verifies: &["CN-RR-28"],
    waits_max: Duration::from_secs(12),
    body: replay_binds_nothing,
    ..ACKNOWLEDGES
};

/// Where the terminal is now.
pub(in crate::purpose) const FOLLOWS_THE_TERMINAL: Purpose = Purpose {
    id: "CN-BU-33",
    version: 1,
    title: "After an update from another place packets go there, and the place before is unknown",
    verifies: &["CN-BU-33", "CN-HAO-03"],
    waits_max: Duration::from_secs(13),
    body: follows_the_terminal,
    ..ACKNOWLEDGES
};

/// A lifetime whose end can be waited for, seconds: two units.
const SHORT: Duration = Duration::from_secs(8);
/// Longer than any correspondent may grant.
const VERY_LONG: Duration = Duration::from_secs(3600);
/// The interface identifier of the second care-of address.
const SECOND: u64 = 0x2345_6789;

fn acknowledges(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::tested(t)?;

    t.when("a Binding Update comes that the tokens prove");
    setting.updates(t, LONG)?;

    t.then("it is acknowledged to the care-of address, routed home, with its sequence number");
    let heard = t.hears(&setting.accepted(), ANSWER)?;

    t.then("the acknowledgement is proved by the same tokens");
    if !setting.mobile.proves(&t.packet(heard)) {
        let expected = "an authenticator made with both tokens".to_owned();
        return Err(t.stop(expected, "another, or none".to_owned(), vec![heard]));
    }

    t.then("the home address is bound");
    setting.is_bound(t, 3)?;
    Ok(())
}

fn grants_no_more(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::tested(t)?;
    for (asked, most) in [(VERY_LONG, LONG), (SHORT, SHORT)] {
        t.when(format!("a Binding Update asks for {asked:?}"));
        setting.updates(t, asked)?;

        t.then(format!("it is granted {most:?} at most"));
        let accepted = setting.accepted().with(format!("for {most:?} at most"), move |packet| {
            acknowledgement_in(packet).is_some_and(|one| one.lifetime.duration() <= most)
        });
        t.hears(&accepted, ANSWER)?;
    }
    Ok(())
}

fn ends_with_its_lifetime(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::bound(t, SHORT)?;

    t.given("an echo goes by the binding meanwhile");
    t.lets_pass(SHORT / 2)?;
    setting.is_bound(t, 3)?;

    t.when("its lifetime is over");
    t.lets_pass(SHORT / 2 + ANSWER)?;

    t.then("an echo as from the home address is answered by a Binding Error: no binding");
    setting.is_not_bound(t, 4)?;
    setting.lives(t, 5)
}

fn ends_with_its_removal(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::bound(t, LONG)?;

    t.when("a Binding Update of lifetime zero comes");
    setting.updates(t, Duration::ZERO)?;

    t.then("it is accepted");
    t.hears(&setting.accepted(), ANSWER)?;

    t.then("there is no binding any more");
    setting.is_not_bound(t, 3)?;
    setting.lives(t, 4)
}

fn replay_binds_nothing(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::tested(t)?;
    t.given("a Binding Update is accepted, and the binding removed again");
    let update = setting.mobile.updates(setting.own, LONG);
    t.answers(setting.router, update.clone())?;
    setting.is_accepted(t)?;
    setting.updates(t, Duration::ZERO)?;
    setting.is_accepted(t)?;
    setting.is_not_bound(t, 3)?;

    t.when("the first update comes again, octet for octet");
    t.answers(setting.router, update)?;

    t.then("it binds nothing");
    t.lets_pass(ANSWER)?;
    setting.is_not_bound(t, 4)?;
    setting.lives(t, 5)
}

fn follows_the_terminal(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::bound(t, LONG)?;
    let before = setting.mobile.clone();
    t.given("the mobile terminal is in another visited network");
    setting.mobile.moves(t.plan.address("visited-2", SECOND));
    setting.is_tested_away(t)?;

    t.when("it sends a Binding Update from there");
    setting.updates(t, LONG)?;

    t.then("it is accepted, and an echo from there is answered there");
    t.hears(&setting.accepted(), ANSWER)?;
    setting.is_bound(t, 3)?;

    t.then("an echo from the place before is answered by a Binding Error");
    setting.sends(t, &before.asks_echo(setting.own, 4))?;
    let error = binding_error(1, Some(before.home)).from(setting.own).to(before.care_of);
    t.hears(&error, ANSWER)?;

    t.then("which changes nothing about the binding");
    setting.is_bound(t, 5)?;
    Ok(())
}
