//! Where a correspondent's media goes (claim 6).

use std::time::Duration;

use roamproof_wire::rtp::RtpView;
use roamproof_wire::udp::UdpView;

use super::setting::{Call, KNOWS_MOBILE_IPV6, LONG, START, Setting, correspondent_alone};
use crate::purpose::Purpose;
use crate::tester::Tester;
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// Media follows the binding from its first packet on.
pub(in crate::purpose) const MEDIA_TO_THE_CARE_OF_ADDRESS: Purpose = Purpose {
    id: "CL-RO-06",
    version: 1,
    title: "Once a terminal is bound, every media packet goes to its care-of address, the first too",
    verifies: &["CL-RO-06"],
    role: Role::Correspondent,
    applies: KNOWS_MOBILE_IPV6,
    triggers: &[Trigger::Call],
    waits_max: Duration::from_secs(12),
    wants: correspondent_alone,
    body: media_to_the_care_of_address,
};

/// And stays on it.
pub(in crate::purpose) const MEDIA_BY_ONE_WAY: Purpose = Purpose {
    id: "CL-RO-07/correspondent",
    version: 1,
    title: "In a whole call no media packet goes by the home agent, none is lost and none overtaken",
    verifies: &["CL-RO-07"],
    waits_max: Duration::from_secs(16),
    body: media_by_one_way,
    ..MEDIA_TO_THE_CARE_OF_ADDRESS
};

/// Wherever the terminal goes.
pub(in crate::purpose) const MEDIA_AFTER_HANDOVER: Purpose = Purpose {
    id: "CL-RO-27/correspondent",
    version: 1,
    title: "After a handover in mid call media goes straight to the new care-of address",
    verifies: &["CL-RO-27"],
    waits_max: Duration::from_secs(17),
    body: media_after_handover,
    ..MEDIA_TO_THE_CARE_OF_ADDRESS
};

/// However long the call.
pub(in crate::purpose) const MEDIA_BEYOND_THE_LIFETIME: Purpose = Purpose {
    id: "CL-RO-28/correspondent",
    version: 1,
    title: "A binding that is renewed carries media beyond the end that it had before",
    verifies: &["CL-RO-28"],
    waits_max: Duration::from_secs(40),
    body: media_beyond_the_lifetime,
    ..MEDIA_TO_THE_CARE_OF_ADDRESS
};

/// Media packets looked at: at 20 ms each the better part of a second of talk.
const PACKETS: usize = 40;
/// Those after a handover.
const AFTER_HANDOVER: usize = 30;
/// Those of a whole call.
const WHOLE_CALL: usize = 200;
const WHOLE_CALL_MAX: Duration = Duration::from_secs(8);
/// What the correspondent sent before it took the update in may still be on its way.
const ON_ITS_WAY: Duration = Duration::from_millis(50);
/// The interface identifier of the second care-of address.
const SECOND: u64 = 0x2345_6789;
/// A lifetime whose end can be waited for.
const LIFETIME: Duration = Duration::from_secs(16);
/// How often the terminal says something, so that nobody takes the call for dead.
const PAUSE: Duration = Duration::from_millis(500);

fn media_to_the_care_of_address(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::registered(t)?;
    let call = setting.is_called(t)?;
    setting.binds(t, LONG)?;

    t.when("the call is answered");
    setting.answers_call(t, &call)?;

    t.then("the first and every later media packet goes to the care-of address, routed home");
    t.hears_every(&setting.direct(), PACKETS, START)?;
    Ok(())
}

fn media_by_one_way(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::registered(t)?;
    let call = setting.is_called(t)?;
    setting.binds(t, LONG)?;

    t.when("the call is answered, and the mobile terminal speaks too");
    setting.answers_call(t, &call)?;
    setting.speaks(t, &call)?;

    t.then("every media packet goes to the care-of address, routed home");
    let frames = t.hears_every(&setting.direct(), WHOLE_CALL, WHOLE_CALL_MAX)?;

    t.then("none is lost and none overtaken: their numbers follow one another");
    for pair in frames.windows(2) {
        let (one, next) = (number(t, pair[0]), number(t, pair[1]));
        if next != one.wrapping_add(1) {
            let expected = format!("number {}", one.wrapping_add(1));
            return Err(t.stop(expected, format!("number {next}"), pair.to_vec()));
        }
    }
    Ok(())
}

fn media_after_handover(t: &mut Tester<'_>) -> Result<(), Stop> {
    let (mut setting, call) = Setting::talking(t, LONG)?;
    t.given("the mobile terminal is in another visited network");
    setting.mobile.moves(t.plan.address("visited-2", SECOND));
    setting.is_tested_away(t)?;

    t.when("it sends a Binding Update from there");
    setting.updates(t, LONG)?;

    t.then("the correspondent accepts it");
    setting.is_accepted(t)?;
    t.lets_pass(ON_ITS_WAY)?;

    t.when("the talk goes on");
    setting.speaks(t, &call)?;

    t.then("every media packet goes to the new care-of address, routed home");
    t.hears_every(&setting.direct(), AFTER_HANDOVER, START)?;
    Ok(())
}

fn media_beyond_the_lifetime(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::registered(t)?;
    let call = setting.is_called(t)?;
    let bound = t.bench.now();
    let granted = setting.binds(t, LIFETIME)?.duration();
    t.given("the call is answered, and media goes straight to the mobile terminal");
    setting.answers_call(t, &call)?;
    talks(t, &mut setting, &call, bound + granted / 2)?;

    t.when("the mobile terminal renews its binding in time");
    setting.updates(t, LIFETIME)?;
    t.in_time("an update before the binding's end", bound, granted)?;

    t.then("the correspondent accepts it");
    let renewed = t.bench.now();
    let granted_again = setting.is_accepted(t)?.duration();

    t.then("every media packet goes straight to the mobile terminal, beyond the binding's old end");
    let until = (bound + granted + granted / 4).min(renewed + granted_again * 7 / 8);
    talks(t, &mut setting, &call, until)
}

/// Both sides speak until then, the correspondent always straight to the mobile terminal.
fn talks(
    t: &mut Tester<'_>,
    setting: &mut Setting,
    call: &Call,
    until: Duration,
) -> Result<(), Stop> {
    while t.bench.now() < until {
        setting.speaks(t, call)?;
        t.hears_only(&setting.direct(), PAUSE)?;
    }
    Ok(())
}

/// The RTP sequence number of a media packet heard.
fn number(t: &Tester<'_>, frame: usize) -> u16 {
    let payload = t.packet(frame).payload;
    let rtp = UdpView::new(payload).ok().and_then(|udp| RtpView::new(udp.payload()).ok());
    rtp.map_or(0, |rtp| rtp.sequence())
}
