//! Captures before outside judges, and the judges before spoiled captures, which they must refuse.
//!
//! A judge that this machine does not have is left out by name; under `CI=true` that is a failure.
#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, which clippy cannot know of a test with its own main"
)]

#[path = "oracle/mod.rs"]
mod oracle;

use std::path::PathBuf;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use oracle::Oracle;
use roamproof_harness::evidence::{Capture, pcapng};
use serde_json::Value;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials =
        vec![Trial::test("decode/prints_what_the_library_says", decode_is_the_library)];
    for oracle in Oracle::ALL {
        trials.push(trial(oracle, "agrees_with_every_capture", move || agrees(oracle)));
    }
    for spoiled in SPOILED {
        let name = format!("refuses_{}", spoiled.name);
        trials.push(trial(spoiled.oracle, &name, || refuses(spoiled)));
    }
    trials.push(trial(Oracle::Tshark, "refuses_another_count", another_count));
    trials.push(trial(Oracle::Tshark, "refuses_another_field", || another_field(Oracle::Tshark)));
    trials.push(trial(Oracle::Scapy, "refuses_another_field", || another_field(Oracle::Scapy)));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A trial of a judge; left out, visibly, where it is missing and nobody demands it.
fn trial(
    oracle: Oracle,
    name: &str,
    test: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let name = format!("{}/{name}", oracle.name());
    let Some(missing) = oracle.missing() else { return Trial::test(name, test) };
    let demanded = std::env::var_os("CI").is_some_and(|value| value == "true");
    let why = format!("not run: this machine lacks {missing}");
    let kind = "left out";
    if !demanded {
        eprintln!("*** {name} is left out: this machine lacks {missing}");
    }
    Trial::test(name, move || Err(why.into())).with_kind(kind).with_ignored_flag(!demanded)
}

/// Every capture is fine, and the judge had something to judge in them together.
fn agrees(oracle: Oracle) -> Result<(), Failed> {
    let captures = oracle::captures();
    let counts = oracle.judge(&captures)?;
    if counts.len() != captures.len() {
        return Err(format!("{} captures, {} judged", captures.len(), counts.len()).into());
    }
    let counted = match oracle {
        Oracle::Checksums => &["mobility", "udp", "tcp", "icmpv6"][..],
        Oracle::Authenticators => &["bu", "ba"],
        Oracle::Tshark => &["packets", "udp", "tcp", "icmpv6", "compared"],
        Oracle::Scapy => &["mobility"],
    };
    for name in counted {
        let total: u64 = counts.iter().filter_map(|counts| counts[name].as_u64()).sum();
        if total == 0 {
            return Err(format!("nothing was judged: {name} is 0 in all captures").into());
        }
    }
    Ok(())
}

/// A way to spoil the capture that scapy made, and what the judge must say of it.
struct Spoiled {
    oracle: Oracle,
    name: &'static str,
    spoil: fn(&mut Capture),
    says: &'static str,
}

/// Frames of the capture by their indices: 6 is the correspondent's Binding Update, 7 its answer.
const SPOILED: &[Spoiled] = &[
    Spoiled {
        oracle: Oracle::Checksums,
        name: "a_mobility_header_with_a_wrong_cookie",
        spoil: |capture| flip(capture, 2, -1),
        says: "frame 3: mobility checksum is ",
    },
    Spoiled {
        oracle: Oracle::Checksums,
        name: "a_home_address_that_the_checksum_does_not_cover",
        spoil: |capture| flip(capture, 6, 14 + 40 + 23),
        says: "frame 7: mobility checksum is ",
    },
    Spoiled {
        oracle: Oracle::Checksums,
        name: "a_wrong_udp_checksum",
        spoil: |capture| flip(capture, 8, -1),
        says: "frame 9: udp checksum is ",
    },
    Spoiled {
        oracle: Oracle::Checksums,
        name: "a_wrong_tcp_checksum",
        spoil: |capture| flip(capture, 9, -1),
        says: "frame 10: tcp checksum is ",
    },
    Spoiled {
        oracle: Oracle::Checksums,
        name: "a_wrong_icmpv6_checksum",
        spoil: |capture| flip(capture, 10, -1),
        says: "frame 11: icmpv6 checksum is ",
    },
    Spoiled {
        oracle: Oracle::Checksums,
        name: "a_mobility_header_shorter_than_it_says",
        spoil: |capture| flip(capture, 3, 14 + 40 + 1),
        says: "frame 4: Mobility Header",
    },
    Spoiled {
        oracle: Oracle::Authenticators,
        name: "an_update_with_a_wrong_authenticator",
        spoil: |capture| flip(capture, 6, -1),
        says: "frame 7: BU authenticator is ",
    },
    Spoiled {
        oracle: Oracle::Authenticators,
        name: "an_acknowledgement_with_a_wrong_authenticator",
        spoil: |capture| flip(capture, 7, -1),
        says: "frame 8: BA authenticator is ",
    },
    Spoiled {
        oracle: Oracle::Authenticators,
        name: "a_home_test_with_another_token",
        spoil: |capture| flip(capture, 4, -1),
        says: "frame 7: BU authenticator is ",
    },
    Spoiled {
        oracle: Oracle::Authenticators,
        name: "an_update_whose_tokens_nobody_saw",
        spoil: |capture| drop(capture.frames.remove(5)),
        says: "no tokens were seen for this BU",
    },
    Spoiled {
        oracle: Oracle::Tshark,
        name: "a_wrong_udp_checksum",
        spoil: |capture| flip(capture, 8, -1),
        says: "frame 9: udp checksum status is ",
    },
    Spoiled {
        oracle: Oracle::Tshark,
        name: "a_wrong_icmpv6_checksum",
        spoil: |capture| flip(capture, 10, -1),
        says: "frame 11: icmpv6 checksum status is ",
    },
    Spoiled {
        oracle: Oracle::Tshark,
        name: "a_malformed_packet",
        spoil: |capture| capture.frames[6].octets.truncate(14 + 40 + 24 + 9),
        says: "frame 7: tshark ",
    },
    Spoiled {
        oracle: Oracle::Scapy,
        name: "a_wrong_checksum",
        spoil: |capture| flip(capture, 6, 14 + 40 + 24 + 4),
        says: "frame 7: built by scapy it is ",
    },
];

fn refuses(spoiled: &Spoiled) -> Result<(), Failed> {
    let mut capture = made_by_scapy();
    (spoiled.spoil)(&mut capture);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spoiled.pcapng");
    pcapng::write_file(&path, &capture).unwrap();
    expect_said(spoiled.oracle.judge(&[path]), spoiled.says)
}

fn another_count() -> Result<(), Failed> {
    with_decoded(Oracle::Tshark, "packets, decode", |decoded| drop(decoded.pop()))
}

fn another_field(oracle: Oracle) -> Result<(), Failed> {
    let says = match oracle {
        Oracle::Tshark => "frame 7: mip6.bu.lifetime: tshark ['105'], decode ['75']",
        Oracle::Scapy => "frame 7: lifetime: scapy 105, decode 75",
        Oracle::Checksums | Oracle::Authenticators => return Err("reads no fields of ours".into()),
    };
    with_decoded(oracle, says, |decoded| {
        let layers = decoded[6]["layers"].as_array_mut().unwrap();
        let update = layers.iter_mut().find(|layer| layer["layer"] == "mobility").unwrap();
        update["lifetime"] = 75.into();
    })
}

/// The judge must say `says` of the good capture beside what `change` makes of its decoding.
fn with_decoded(
    oracle: Oracle,
    says: &str,
    change: impl FnOnce(&mut Vec<Value>),
) -> Result<(), Failed> {
    let capture = scapy_capture();
    let mut decoded: Vec<Value> = serde_json::from_slice(&oracle::decode(&capture).stdout)?;
    change(&mut decoded);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("decoded.json");
    std::fs::write(&path, serde_json::to_string(&decoded)?)?;
    let mut words = vec![capture, path];
    if oracle == Oracle::Tshark {
        words.insert(0, oracle::root().join("captures/README.md"));
    }
    expect_said(oracle.judge_with(&words), says)
}

fn expect_said(verdict: Result<Vec<Value>, String>, says: &str) -> Result<(), Failed> {
    match verdict {
        Ok(counts) => Err(format!("accepted: {counts:?}").into()),
        Err(said) if said.contains(says) => Ok(()),
        Err(said) => Err(format!("expected `{says}`, said:\n{said}").into()),
    }
}

fn decode_is_the_library() -> Result<(), Failed> {
    for path in oracle::captures() {
        let capture = pcapng::read_file(&path)?;
        let decoded = roamproof_harness::evidence::decode::Decoded::of_capture(&capture);
        let output = oracle::decode(&path);
        let printed: Value = serde_json::from_slice(&output.stdout)?;
        if printed != serde_json::to_value(&decoded)? {
            return Err(format!("{}: the program prints something else", path.display()).into());
        }
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
    }
    Ok(())
}

/// Flips a bit of an octet of a frame, counted from its end where negative.
fn flip(capture: &mut Capture, index: usize, octet: isize) {
    let octets = &mut capture.frames[index].octets;
    let at = usize::try_from(octet).unwrap_or_else(|_| octets.len() - octet.unsigned_abs());
    octets[at] ^= 0x01;
}

fn made_by_scapy() -> Capture {
    pcapng::read_file(&scapy_capture()).unwrap()
}

fn scapy_capture() -> PathBuf {
    oracle::root().join("captures/scapy-route-optimization.pcapng")
}
