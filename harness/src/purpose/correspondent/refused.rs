//! Binding Updates that a correspondent does not take (RFC 6275 §9.5.1).

use std::time::Duration;

use roamproof_wire::mobility::{BindingManagementKey, NonceIndices, Sequence};

use super::setting::{ANSWER, KNOWS_MOBILE_IPV6, LONG, SILENCE, Setting, correspondent_alone};
use crate::purpose::Purpose;
use crate::tester::Tester;
use crate::tester::mobile::Draft;
use crate::tester::template::{acknowledgement_in, binding_acknowledgement};
use crate::topology::Role;
use crate::verdict::Stop;

/// Nonces that the correspondent never gave out.
pub(in crate::purpose) const UNKNOWN_NONCES: Purpose = Purpose {
    id: "CN-RR-19",
    version: 1,
    title: "An update with nonces never issued is refused with 136, 137 or 138, without a proof, asked or not",
    verifies: &["CN-RR-19", "CN-RR-20", "CN-RR-21", "CN-RR-22", "CN-RR-23"],
    role: Role::Correspondent,
    applies: KNOWS_MOBILE_IPV6,
    triggers: &[],
    waits_max: Duration::from_secs(12),
    wants: correspondent_alone,
    body: unknown_nonces,
};

/// Sequence numbers of the past.
pub(in crate::purpose) const OLD_SEQUENCE: Purpose = Purpose {
    id: "CN-BU-10",
    version: 1,
    title: "An update whose sequence number is not newer is refused with 135 and the last one, proved, asked or not",
    verifies: &["CN-BU-10", "CN-BU-11", "CN-BU-12"],
    waits_max: Duration::from_secs(13),
    body: old_sequence,
    ..UNKNOWN_NONCES
};

/// Sequence numbers at which a careless comparison fails.
pub(in crate::purpose) const NEW_SEQUENCE: Purpose = Purpose {
    id: "CN-BU-09",
    version: 1,
    title: "Sequence numbers are compared modulo 65536: the next and the farthest newer one are accepted",
    verifies: &["CN-BU-08", "CN-BU-09"],
    waits_max: Duration::from_secs(12),
    body: new_sequence,
    ..UNKNOWN_NONCES
};

/// An authenticator that is wrong in one bit.
pub(in crate::purpose) const WRONG_AUTHENTICATOR: Purpose = Purpose {
    id: "CN-RR-12",
    version: 1,
    title: "An update with a wrong authenticator is dropped in silence and binds nothing",
    verifies: &["CN-RR-12", "CN-BU-41"],
    waits_max: Duration::from_secs(13),
    body: |t| {
        is_dropped(t, "with a wrong authenticator", |draft| {
            if let Some(BindingManagementKey(key)) = &mut draft.key {
                key[7] ^= 0x10;
            }
        })
    },
    ..UNKNOWN_NONCES
};

/// No authenticator at all.
pub(in crate::purpose) const NO_AUTHENTICATOR: Purpose = Purpose {
    id: "CN-BU-15",
    version: 1,
    title: "An update without authorization is dropped in silence and binds nothing",
    verifies: &["CN-BU-15", "CN-BU-41"],
    waits_max: Duration::from_secs(13),
    body: |t| is_dropped(t, "without authorization", |draft| draft.key = None),
    ..UNKNOWN_NONCES
};

/// Nothing that says which tokens prove it.
pub(in crate::purpose) const NO_NONCES: Purpose = Purpose {
    id: "CN-BU-14",
    version: 1,
    title: "An update without nonce indices is dropped in silence and binds nothing",
    verifies: &["CN-BU-14", "CN-BU-41"],
    waits_max: Duration::from_secs(13),
    body: |t| is_dropped(t, "without nonce indices", |draft| draft.indices = None),
    ..UNKNOWN_NONCES
};

/// A home registration with the wrong node.
pub(in crate::purpose) const HOME_REGISTRATION: Purpose = Purpose {
    id: "CN-BU-17",
    version: 1,
    title: "A home registration is refused with 131 by who is no home agent, and binds nothing",
    verifies: &["CN-BU-17"],
    waits_max: Duration::from_secs(9),
    body: home_registration,
    ..UNKNOWN_NONCES
};

/// As far from a nonce in use as an index can be.
const FAR: u16 = 0x8000;

fn unknown_nonces(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::tested(t)?;
    for (status, home, care_of) in [(136, true, false), (137, false, true), (138, true, true)] {
        for asked in [true, false] {
            t.when(format!(
                "an update comes with nonces never issued, acknowledgement asked: {asked}"
            ));
            let update = setting.mobile.updates_but(setting.own, LONG, |draft| {
                draft.update.acknowledge = asked;
                if let Some(NonceIndices { home: one, care_of: other }) = &mut draft.indices {
                    *one = one.wrapping_add(if home { FAR } else { 0 });
                    *other = other.wrapping_add(if care_of { FAR } else { 0 });
                }
            });
            t.answers(setting.router, update)?;

            t.then(format!("it is refused with status {status}, and nothing proves that"));
            let refused = setting
                .acknowledgement()
                .status("of these nonces", move |one| one == status)
                .with("without authorization", |packet| {
                    acknowledgement_in(packet).is_some_and(|one| one.authorization_data().is_none())
                });
            t.hears(&refused, ANSWER)?;
        }
    }
    t.then("there is no binding");
    setting.is_not_bound(t, 3)?;
    Ok(())
}

fn old_sequence(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::bound(t, LONG)?;
    let last = setting.mobile.sequence();
    for (behind, asked) in [(0, true), (1, true), (FAR, true), (0, false)] {
        let number = Sequence(last.wrapping_sub(behind));
        t.when(format!(
            "an update comes with number {} after {last}, acknowledgement asked: {asked}",
            number.0
        ));
        let update = setting.mobile.updates_but(setting.own, LONG, |draft| {
            draft.update.sequence = number;
            draft.update.acknowledge = asked;
        });
        t.answers(setting.router, update)?;

        t.then("it is refused with status 135, the last number, and a proof");
        let refused = binding_acknowledgement()
            .status("135", |status| status == 135)
            .sequence(last)
            .from(setting.own)
            .to(setting.mobile.care_of);
        let heard = t.hears(&refused, ANSWER)?;
        if !setting.mobile.proves(&t.packet(heard)) {
            let expected = "an authenticator made with both tokens".to_owned();
            return Err(t.stop(expected, "another, or none".to_owned(), vec![heard]));
        }
    }
    t.then("the binding is as it was");
    setting.is_bound(t, 3)?;
    Ok(())
}

fn new_sequence(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::tested(t)?;
    // From none to 0, across the wrap, and as far as a newer number can be.
    for number in [0_u16, 1, 0x8000, 0xffff, 0, 0x7fff] {
        t.when(format!("an update comes with number {number}"));
        let update = setting.mobile.updates_but(setting.own, LONG, |draft| {
            draft.update.sequence = Sequence(number);
        });
        t.answers(setting.router, update)?;

        t.then("it is accepted");
        let accepted = binding_acknowledgement()
            .status("below 128", |status| status < 128)
            .sequence(number)
            .from(setting.own)
            .to(setting.mobile.care_of);
        t.hears(&accepted, ANSWER)?;
    }
    setting.lives(t, 2)
}

fn is_dropped(t: &mut Tester<'_>, what: &str, change: fn(&mut Draft)) -> Result<(), Stop> {
    let mut setting = Setting::tested(t)?;

    t.when(format!("an update comes {what}"));
    let update = setting.mobile.updates_but(setting.own, LONG, change);
    t.answers(setting.router, update)?;

    t.then("nothing answers it");
    t.hears_none(&setting.any_answer(), SILENCE)?;

    t.then("there is no binding");
    setting.is_not_bound(t, 3)?;

    t.given("an update that is right in every part is accepted");
    setting.updates(t, LONG)?;
    setting.is_accepted(t)?;
    Ok(())
}

fn home_registration(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::tested(t)?;

    t.when("a home registration comes");
    let update = setting.mobile.updates_but(setting.own, LONG, |draft| {
        draft.update.home_registration = true;
        (draft.indices, draft.key) = (None, None);
    });
    t.answers(setting.router, update)?;

    t.then("it is refused with status 131");
    t.hears(&setting.acknowledgement().status("131", |status| status == 131), ANSWER)?;

    t.then("there is no binding");
    setting.is_not_bound(t, 3)?;
    Ok(())
}
