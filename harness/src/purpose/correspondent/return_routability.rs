//! Return routability as a correspondent answers it (RFC 6275 §5.2, §9.4).

use std::time::Duration;

use roamproof_wire::mobility::{CareOfTestInit, HomeTestInit, Message};

use super::setting::{ANSWER, KNOWS_MOBILE_IPV6, SILENCE, Setting, correspondent_alone};
use crate::purpose::Purpose;
use crate::tester::Tester;
use crate::tester::template::{care_of_test, home_test};
use crate::topology::Role;
use crate::verdict::Stop;

/// Both tests.
pub(in crate::purpose) const ANSWERS_TESTS: Purpose = Purpose {
    id: "CN-RR-01",
    version: 1,
    title: "A Home Test Init and a Care-of Test Init are answered to where they came from, with their cookies",
    verifies: &["CN-RR-01", "CN-RR-02"],
    role: Role::Correspondent,
    applies: KNOWS_MOBILE_IPV6,
    triggers: &[],
    waits_max: Duration::from_secs(6),
    wants: correspondent_alone,
    body: answers_tests,
};

/// Tokens prove an address, and which test it stood.
pub(in crate::purpose) const TOKENS_DIFFER: Purpose = Purpose {
    id: "CN-RR-05",
    version: 1,
    title: "Tokens for one address differ by their test, tokens of one test by their address",
    verifies: &["CN-RR-05", "CN-RR-06"],
    waits_max: Duration::from_secs(8),
    body: tokens_differ,
    ..ANSWERS_TESTS
};

/// A test that could be answered elsewhere.
pub(in crate::purpose) const SILENT_TO_TESTS_BY_BINDING: Purpose = Purpose {
    id: "CN-RR-03",
    version: 1,
    title: "A test init that carries a Home Address option is not answered",
    verifies: &["CN-RR-03", "CN-RR-04"],
    waits_max: Duration::from_secs(10),
    body: silent_to_tests_by_binding,
    ..ANSWERS_TESTS
};

const COOKIE: [u8; 8] = *b"wrongway";

fn answers_tests(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;
    let (own, home, care_of) = (setting.own, setting.mobile.home, setting.mobile.care_of);
    for (what, init, answer) in [
        ("Home", setting.mobile.tests_home(own), home_test().from(own).to(home)),
        ("Care-of", setting.mobile.tests_care_of(own), care_of_test().from(own).to(care_of)),
    ] {
        t.when(format!("a {what} Test Init comes"));
        setting.sends(t, &init)?;

        t.then(format!("a {what} Test goes back to where it came from, with its cookie"));
        let heard = t.hears(&answer, ANSWER)?;
        if !setting.mobile.takes_test(&t.packet(heard)) {
            let expected = "the cookie that was sent".to_owned();
            return Err(t.stop(expected, "another".to_owned(), vec![heard]));
        }
    }
    Ok(())
}

fn tokens_differ(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;
    // Both tests from the same address: the home address stands for the care-of address too.
    setting.mobile.moves(setting.mobile.home);
    setting.is_tested_at_home(t)?;
    setting.is_tested_away(t)?;
    let (first, same_address) = setting.mobile.tokens();

    t.when("another home address is tested");
    setting.mobile.home = t.plan.address("home", OTHER);
    setting.is_tested_at_home(t)?;
    let (other_address, _) = setting.mobile.tokens();

    t.then("all three tokens differ");
    if first == same_address || first == other_address || same_address == other_address {
        let expected = "three tokens".to_owned();
        return Err(t.stop(expected, "the same token twice".to_owned(), vec![]));
    }
    Ok(())
}

/// The interface identifier of another home address.
const OTHER: u64 = 0x0200;

fn silent_to_tests_by_binding(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::tested(t)?;
    for (what, init) in [
        ("Home", Message::from(HomeTestInit::new(COOKIE))),
        ("Care-of", Message::from(CareOfTestInit::new(COOKIE))),
    ] {
        t.when(format!("a {what} Test Init comes with a Home Address option"));
        setting.sends(t, &setting.mobile.says(setting.own, &init))?;

        t.then("it is not answered");
        t.hears_none(&home_test(), SILENCE / 2)?;
        t.hears_none(&care_of_test(), SILENCE / 2)?;
    }
    setting.is_tested_at_home(t)?;
    setting.is_tested_away(t)
}
