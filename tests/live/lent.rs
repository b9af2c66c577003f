//! Ordinary programs on the hosts of nodes that lend their address: `ping` becomes mobile, SIPp
//! becomes a correspondent with a direct route, and neither knows.

use std::fs;
use std::net::Ipv6Addr;
use std::process::Output;

use roamproof::live_arm::Live;
use roamproof_harness::evidence::decode::Decoded;
use roamproof_harness::evidence::{Kind, Sight};
use roamproof_harness::judge::judge;
use roamproof_harness::topology::claimed::{CN, HA, HOA, SS, Wanted};
use roamproof_harness::verdict::Verdict;

use crate::stage::Stage;
use crate::{Test, not_run};

pub(crate) const TESTS: &[Test] = &[
    ("ping_becomes_mobile", ping_becomes_mobile),
    ("a_sipp_caller_gets_a_direct_route", a_sipp_caller_gets_a_direct_route),
];

/// Through the tunnel first; straight, once the correspondent holds a binding.
fn ping_becomes_mobile(live: &Live) {
    let mut stage = Stage::set_up(live, &Wanted { lends: vec!["mt"], ..Wanted::default() });
    stage.attach("visited-1");
    let from = stage.turn_page();
    let Some(output) = ping(&mut stage) else { return };
    assert_answered(&output, &stage);
    let (requests, replies) = echoes(&stage, "visited-1", from);
    let care_of = requests[0].headers[0].0;
    for request in &requests {
        assert_eq!(request.headers, [(care_of, HA), (HOA, CN)], "{}", stage.ladder());
    }
    for reply in &replies {
        assert_eq!(reply.headers, [(HA, care_of), (CN, HOA)], "{}", stage.ladder());
    }
    assert_eq!((requests.len(), replies.len()), (PINGS, PINGS), "{}", stage.ladder());

    stage.tell("mt", &format!("optimize {CN}"));
    stage.wait("Binding Acknowledgement of the correspondent", "visited-1", |sight| {
        sight.line.starts_with("BA") && sight.headers == [(CN, care_of)]
    });
    let from = stage.turn_page();
    let Some(output) = ping(&mut stage) else { return };
    assert_answered(&output, &stage);
    for link in ["visited-1", "backbone", "correspondent"] {
        let (requests, replies) = echoes(&stage, link, from);
        for request in &requests {
            let way = (&request.headers[..], request.home_source);
            assert_eq!(way, (&[(care_of, CN)][..], Some(HOA)), "{}", stage.ladder());
        }
        for reply in &replies {
            let way = (&reply.headers[..], reply.home_destination);
            assert_eq!(way, (&[(CN, care_of)][..], Some(HOA)), "{}", stage.ladder());
        }
        // Every router's own sending counts, and each router stands between two links only once.
        assert_eq!((requests.len(), replies.len()), (PINGS, PINGS), "{link}: {}", stage.ladder());
    }
    let (requests, replies) = echoes(&stage, "home", from);
    assert_eq!((requests.len(), replies.len()), (0, 0), "{}", stage.ladder());
    assert_readable(&stage);
}

/// SIPp speaks SIP and nothing else; the node beneath it is the correspondent.
fn a_sipp_caller_gets_a_direct_route(live: &Live) {
    let mut stage = Stage::set_up(live, &Wanted { lends: vec!["cn"], ..Wanted::default() });
    stage.register("visited-1");
    let from = stage.turn_page();
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("caller.xml");
    fs::write(&scenario, SCENARIO).unwrap();
    let own = CN.to_string();
    let server = format!("[{SS}]:5060");
    let words = [
        &["-sf", scenario.to_str().unwrap(), "-i", &own, "-p", "5060", "-mi", &own][..],
        &["-mp", "42000", "-rtp_echo", "-m", "1", "-timeout", "30", "-nostdin", &server],
    ]
    .concat();
    let Some(output) = stage.run_on("cn", "sipp", &words) else {
        return not_run("sipp is missing: apt-get install sip-tester");
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}\n{}", stage.ladder());

    let sights = stage.sights("visited-1", from);
    let first = |what: &str, fits: &dyn Fn(&Sight) -> bool| {
        let found = sights.iter().find(|(_, sight)| fits(sight));
        found.map_or_else(|| panic!("no {what}:\n{}", stage.ladder()), |(index, _)| *index)
    };
    let of_peer = |sight: &Sight, start: &str| {
        let (source, destination) = sight.innermost().unwrap_or((HA, HA));
        sight.line.starts_with(start) && (source == CN || destination == CN)
    };
    let from_home = |sight: &Sight| sight.innermost().is_some_and(|(source, _)| source == HOA);
    let order = [
        first("INVITE", &|sight| sight.kind == Kind::Sip && sight.line.starts_with("INVITE")),
        first("HoTI", &|sight| of_peer(sight, "HoTI")),
        first("HoT", &|sight| of_peer(sight, "HoT ")),
        first("BU", &|sight| of_peer(sight, "BU")),
        first("BA", &|sight| of_peer(sight, "BA")),
        first("response", &|sight| sight.kind == Kind::Sip && from_home(sight)),
    ];
    assert!(order.is_sorted(), "{order:?}\n{}", stage.ladder());
    for test in ["CoTI", "CoT "] {
        let index = first(test, &|sight| of_peer(sight, test));
        assert!(order[0] < index && index < order[3], "{test}: {}", stage.ladder());
    }
    assert_media_is_direct(&stage, from);
    assert_rows(&stage, &["CL-RO-01", "CL-RO-05", "CL-RO-06", "CL-RO-07"]);
    assert_readable(&stage);
}

/// Every packet of media on the terminal's link is without a tunnel, both ways, in the headers of
/// route optimization.
fn assert_media_is_direct(stage: &Stage, from: usize) {
    let mut ways = [0, 0];
    for (_, sight) in stage.sights("visited-1", from) {
        if sight.kind != Kind::Media {
            continue;
        }
        assert_eq!(sight.tunnels(), [], "{}", stage.ladder());
        let sent = sight.home_source == Some(HOA);
        let received = sight.home_destination == Some(HOA);
        assert!(sent != received, "{sight:?}\n{}", stage.ladder());
        ways[usize::from(received)] += 1;
    }
    assert!(ways.iter().all(|count| *count >= MEDIA_MIN), "{ways:?}\n{}", stage.ladder());
}

/// The oracle of the sequences, which knows nothing of SIPp, gives a PASS for these rows and
/// breaks no other.
fn assert_rows(stage: &Stage, rows: &[&str]) {
    let judgements = judge(stage.bench.capture(), None);
    let broken: Vec<_> = judgements.iter().filter(|judgement| judgement.is_broken()).collect();
    assert!(broken.is_empty(), "{broken:?}\n{}", stage.ladder());
    for row in rows {
        let found = judgements.iter().find(|judgement| judgement.row == *row);
        let verdict = found.and_then(|judgement| judgement.verdict);
        assert_eq!(verdict, Some(Verdict::Pass), "{row}\n{}", stage.ladder());
    }
}

/// Octets that programs made are whole on the links: lengths and checksums right, through TUN
/// device and veth pair.
fn assert_readable(stage: &Stage) {
    let decoded = Decoded::of_capture(stage.bench.capture());
    assert_eq!(decoded.unreadable(), 0, "{}", decoded.text(false));
}

fn ping(stage: &mut Stage) -> Option<Output> {
    let (count, to) = (PINGS.to_string(), CN.to_string());
    let output = stage.run_on("mt", "ping", &["-6", "-c", &count, "-i", "0.2", "-W", "5", &to]);
    if output.is_none() {
        not_run("ping is missing: apt-get install iputils-ping");
    }
    output
}

fn assert_answered(output: &Output, stage: &Stage) {
    let printed = String::from_utf8_lossy(&output.stdout);
    let all = format!("{PINGS} received");
    let is_answered = output.status.success() && printed.contains(&all);
    assert!(is_answered, "{output:?}\n{}", stage.ladder());
}

/// Echo Requests and Echo Replies on a link.
fn echoes(stage: &Stage, link: &str, from: usize) -> (Vec<Sight>, Vec<Sight>) {
    let of = |pair: (Ipv6Addr, Ipv6Addr)| {
        move |sight: &Sight| {
            let (source, destination) = sight.innermost().unwrap_or((HA, HA));
            let (source, destination) = (
                sight.home_source.unwrap_or(source),
                sight.home_destination.unwrap_or(destination),
            );
            sight.line.contains("Echo Re") && (source, destination) == pair
        }
    };
    let all: Vec<Sight> = stage.sights(link, from).into_iter().map(|(_, sight)| sight).collect();
    let (requests, replies) = (of((HOA, CN)), of((CN, HOA)));
    (
        all.iter().filter(|sight| requests(sight)).cloned().collect(),
        all.iter().filter(|sight| replies(sight)).cloned().collect(),
    )
}

/// The scenario, in the test itself: an ordinary user may not see the folder of the sources.
const SCENARIO: &str = include_str!("../sipp/caller.xml");

/// Echo Requests that a `ping` sends.
const PINGS: usize = 3;

/// Packets of media that a call of a second and a half has each way, at the very least.
const MEDIA_MIN: u32 = 20;
