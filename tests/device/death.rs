//! Devices that die, or are not well any more, in each kind of sentence.

use std::net::Ipv6Addr;
use std::path::Path;
use std::time::Duration;

use roamproof::live_arm::Live;
use roamproof_harness::profile::Profile;
use roamproof_harness::purpose::Purpose;
use roamproof_harness::run::{Outcome, Setting, run};
use roamproof_harness::tester::template::echo_reply;
use roamproof_harness::tester::{Station, StationId, Tester};
use roamproof_harness::topology::Role;
use roamproof_harness::topology::claimed::{Wanted, link_local, mac};
use roamproof_harness::verdict::{Stop, Verdict};
use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::{Echo, Message};
use roamproof_wire::ipv6::{Outgoing, protocol};

use crate::program::shipped;

/// A test of its name; it panics where it fails.
type LiveTest = (&'static str, fn(&Live));

pub(crate) const TESTS: &[LiveTest] = &[
    ("a_device_that_lives_passes", |live| {
        let outcome = outcome(live, "true", |t| body(t, None));
        assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.stop);
    }),
    ("killed_in_given", |live| dies(live, KILL, Some("given"), Verdict::Inconc, "signal 9")),
    ("killed_in_when", |live| dies(live, KILL, Some("when"), Verdict::Error, "signal 9")),
    ("killed_in_then", |live| dies(live, KILL, Some("then"), Verdict::Fail, "signal 9")),
    ("killed_at_the_end", |live| dies(live, KILL, Some("end"), Verdict::Fail, "signal 9")),
    ("ended_by_itself", |live| {
        dies(live, "kill $(cat $PID)", Some("then"), Verdict::Fail, "exit status 0")
    }),
    ("aborted", |live| {
        dies(live, "kill -ABRT $(cat $PID)", Some("then"), Verdict::Fail, "signal 6")
    }),
    ("sanitized", |live| dies(live, REPORT, Some("end"), Verdict::Fail, "AddressSanitizer")),
    ("not_well", |live| {
        dies(live, "touch $SICK", Some("end"), Verdict::Fail, "trigger health: exit status 3")
    }),
    ("deaf", |live| {
        dies(live, "kill -STOP $(cat $PID)", Some("end"), Verdict::Fail, "does not answer")
    }),
    ("a_trigger_that_fails_blames_nobody", a_trigger_that_fails_blames_nobody),
    ("a_device_that_does_not_start_is_told", a_device_that_does_not_start_is_told),
];

const KILL: &str = "kill -9 $(cat $PID)";
const REPORT: &str =
    "echo '==7==ERROR: AddressSanitizer: heap-use-after-free' >/proc/$(cat $PID)/fd/2";

/// The home agent of the reference; the trigger `hangup`, which no home agent needs, does it harm.
fn profile(harm: &str) -> Profile {
    let text = std::fs::read_to_string(shipped("reference-ha.toml")).unwrap();
    let text =
        text.replace("exec \"$ROAMPROOF", "echo $$ >\"$ROAMPROOF_FOLDER/pid\"\nexec \"$ROAMPROOF");
    let text = text.replace(
        "health = '",
        "health = '[ ! -e \"$ROAMPROOF_FOLDER/sick\" ] || exit 3\n".replace('\n', "; ").as_str(),
    );
    let files = "PID=\"$ROAMPROOF_FOLDER/pid\"; SICK=\"$ROAMPROOF_FOLDER/sick\"";
    let text = format!("{text}\nhangup = '''{files}; {harm}'''\n");
    Profile::parse(&text, Path::new("device.toml"), &|_| None).unwrap()
}

fn outcome(live: &Live, harm: &str, body: fn(&mut Tester<'_>) -> Result<(), Stop>) -> Outcome {
    let profile = profile(harm);
    let purpose = Purpose {
        id: "CL-REG-02",
        version: 1,
        title: "The home agent answers an echo",
        verifies: &["CL-REG-02"],
        role: Role::HomeAgent,
        applies: &[],
        triggers: &[],
        waits_max: Duration::from_secs(5),
        wants: || Wanted { nodes: vec!["ha"], ..Wanted::default() },
        body,
    };
    let setting = Setting::of_device(&profile, &purpose, 1);
    let mut arm = live.arm().with_device(live.device(profile).unwrap());
    run(&purpose, &mut arm, &setting).unwrap_or_else(|why| panic!("{why}"))
}

/// The device comes to harm in a sentence of this kind, with this verdict and this reason.
fn dies(live: &Live, harm: &str, at: Option<&'static str>, verdict: Verdict, reason: &str) {
    let outcome = match at {
        Some("given") => outcome(live, harm, |t| body(t, Some("given"))),
        Some("when") => outcome(live, harm, |t| body(t, Some("when"))),
        Some("then") => outcome(live, harm, |t| body(t, Some("then"))),
        Some(_) | None => outcome(live, harm, |t| body(t, Some("end"))),
    };
    let stop = outcome.stop.expect("it did not pass");
    assert_eq!(outcome.verdict, verdict, "{stop}");
    assert!(stop.crashed && stop.seen.contains("crash: "), "{stop}");
    assert!(stop.seen.contains(reason), "{stop}");
}

fn body(t: &mut Tester<'_>, harmed: Option<&str>) -> Result<(), Stop> {
    let router = Station::router(Mac(mac(0x01, 0)), [link_local(0x01, 0)]);
    let router = t.station("home", router)?;
    t.given("the home agent answers an echo");
    answers(t, router, 1)?;
    if harmed == Some("given") {
        t.hangs_up()?;
    }
    answers(t, router, 2)?;
    t.when("it answers an echo while it is asked something");
    if harmed == Some("when") {
        t.hangs_up()?;
    }
    answers(t, router, 3)?;
    t.then("the home agent answers an echo still");
    if harmed == Some("then") {
        t.hangs_up()?;
    }
    answers(t, router, 4)?;
    if harmed == Some("end") {
        t.hangs_up()?;
    }
    Ok(())
}

fn answers(t: &mut Tester<'_>, router: StationId, sequence: u16) -> Result<(), Stop> {
    let stranger = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0xbeef, 0x0c);
    let ha = t.plan.ha;
    let echo = Echo { reply: false, identifier: 7, sequence, data: b"is anyone there?" };
    let request = Message::Echo(echo).packet(&Outgoing::new(stranger, ha, protocol::ICMPV6));
    t.sends(router, &request)?;
    t.hears(&echo_reply().from(ha).to(stranger), Duration::from_secs(2))?;
    Ok(())
}

fn a_trigger_that_fails_blames_nobody(live: &Live) {
    let outcome = outcome(live, "exit 4", |t| body(t, Some("then")));
    let stop = outcome.stop.expect("it did not pass");
    assert_eq!(outcome.verdict, Verdict::Inconc, "{stop}");
    assert!(stop.seen.contains("trigger hangup: exit status 4") && !stop.crashed, "{stop}");
}

fn a_device_that_does_not_start_is_told(live: &Live) {
    let mut profile = profile("true");
    if let roamproof_harness::profile::Mode::Command { commands, .. } = &mut profile.attach.mode {
        *commands = vec!["echo no licence >&2; exit 7".to_owned()];
    }
    let mut arm = live.arm().with_device(live.device(profile).unwrap());
    let topology = roamproof_harness::topology::claimed::topology(&Wanted {
        nodes: vec!["ha"],
        ..Wanted::default()
    });
    let Err(why) = roamproof_harness::topology::Arm::set_up(&mut arm, &topology) else {
        panic!("a device that exits is no device");
    };
    let why = why.to_string();
    assert!(why.contains("exit status 7") && why.contains("no licence"), "{why}");
}
