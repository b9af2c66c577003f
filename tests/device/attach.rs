//! The same daemon behind interfaces that a script has made: a veth pair, a TAP with a bridge in user
//! space behind it, a VLAN.

use std::path::Path;
use std::process::{Command, Stdio};

use roamproof_harness::profile::Profile;
use roamproof_harness::topology::claimed::{self, Wanted};

use crate::program::{PROGRAM, Ran, shipped, text};
use crate::{Test, not_run};

pub(crate) const TESTS: &[Test] = &[
    ("by_a_veth_in_a_named_namespace", || attached("veth", None)),
    ("by_a_tap_with_a_bridge_behind_it", || attached("tap", None)),
    ("by_a_tap_in_a_vlan", || attached("tap", Some("7"))),
    ("it_can_be_probed_by_its_interface_alone", probed_by_its_interface),
    ("an_interface_that_is_not_fit_is_told_with_the_fix", an_interface_that_is_not_fit),
];

/// Purposes that are played by each way; with `ROAMPROOF_REPEATS` all of the role's are.
const HOME_AGENT: &[&str] = &["--only", "CL-REG-02", "--only", "CL-INT-05/de-registered"];
const TERMINAL: &[&str] = &["--only", "CL-REG-05", "--only", "CL-RO-15/bad-authenticator"];
const CORRESPONDENT: &[&str] = &["--only", "CL-RO-06", "--only", "CL-INT-11"];
const SERVER: &[&str] = &["--only", "CL-INT-01", "--only", "CL-DST-01"];

/// Each role, and what of its purposes is played.
const ROLES: [(&str, &[&str]); 4] = [
    ("home-agent", HOME_AGENT),
    ("mobile-terminal", TERMINAL),
    ("correspondent", CORRESPONDENT),
    ("sip-server", SERVER),
];

fn attached(kind: &str, vlan: Option<&str>) {
    for (role, some) in ROLES {
        let words = match std::env::var("ROAMPROOF_REPEATS") {
            Ok(_) => &["--all"][..],
            Err(_) => some,
        };
        let Some(ran) = on_bench(kind, vlan, role, words) else { return };
        let verdicts = ran.verdicts();
        assert!(!verdicts.is_empty(), "{kind} {role}: {}", ran.trouble());
        let late = ran.trouble().contains("this host was");
        let right = |verdict| verdict == "PASS" || late && verdict == "INCONC";
        let all = verdicts.iter().all(|(_, verdict)| right(*verdict));
        assert!(all, "{kind} {role}: {}", ran.trouble());
        if words.contains(&"--all") {
            eprintln!("{kind} {vlan:?} {role}: {} cases PASS", verdicts.len());
        }
    }
}

/// Nothing is known of it but where it is, which address it has there, and what it plays.
fn probed_by_its_interface() {
    let wanted = Wanted { nodes: vec!["ha"], direct: true, ..Wanted::default() };
    let config = &claimed::topology(&wanted).nodes[0].config;
    let instead = format!(
        r#"
cat >/run/device/node.toml <<'END'
{config}
END
ip netns exec device "$ROAMPROOF" node home-agent --config /run/device/node.toml --interface eth0=eth0 \
    --control /run/device/control --epoch $(date +%s%N) >/run/device/log 2>&1 </dev/null &
until "$ROAMPROOF" node --tell /run/device/control ready >/run/device/log 2>&1; do :; done
exec "$ROAMPROOF" probe --attach dev0 --namespace bench --mac $mac --role HA --format json
"#
    );
    let Some(ran) = on_spoilt_bench("veth", None, "home-agent", &[], &instead) else { return };
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    let written = text(&ran.result, "profile");
    let profile = Profile::parse(written, Path::new("written.toml"), &|_| None);
    let profile = profile.unwrap_or_else(|why| panic!("{why}\n{}", written));
    let found = |feature: &str| profile.features.value(feature).map(str::to_owned);
    assert_eq!(found("authentication").as_deref(), Some("rfc4285"), "{}", written);
    assert_eq!(found("duplicate_address_detection").as_deref(), Some("yes"), "{}", written);
    assert_eq!(found("binding_lookup").as_deref(), Some("yes"), "{}", written);
}

fn an_interface_that_is_not_fit() {
    for (spoil, fix) in [
        ("ip -n bench link set dev0 down", "ip link set dev0 up"),
        (
            "ip netns exec bench sysctl -qw net.ipv6.conf.dev0.disable_ipv6=0",
            "sysctl -w net.ipv6.conf.dev0.disable_ipv6=1",
        ),
        ("ip -n bench link set dev0 name other0", "name one that `ip link` shows"),
        ("ip netns delete bench", "name one that `ip netns list` shows"),
    ] {
        let words = ["--only", "CL-REG-02"];
        let Some(ran) = on_spoilt_bench("veth", None, "home-agent", &words, spoil) else { return };
        assert_eq!(ran.code, Some(3), "{spoil}: {}", ran.trouble());
        assert!(ran.told.contains(fix), "{spoil}: {}", ran.told);
    }
}

fn on_bench(kind: &str, vlan: Option<&str>, role: &str, words: &[&str]) -> Option<Ran> {
    on_spoilt_bench(kind, vlan, role, words, "true")
}

/// Runs purposes against a device on a bench that a script makes in namespaces of its own; `None`
/// where this machine cannot have such a bench.
#[expect(clippy::disallowed_methods, reason = "a test starts the program under test")]
fn on_spoilt_bench(
    kind: &str,
    vlan: Option<&str>,
    role: &str,
    words: &[&str],
    spoil: &str,
) -> Option<Ran> {
    if kind == "tap" && std::fs::File::open("/dev/net/tun").is_err() {
        not_run("a TAP: /dev/net/tun cannot be opened");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/device/bench.sh");
    let mut command = Command::new("unshare");
    // Who is root already stays so; anyone else becomes root of a namespace.
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh"]);
    command.arg(script).args(words);
    command.env("ROAMPROOF", PROGRAM).env("KIND", kind).env("VLAN", vlan.unwrap_or_default());
    command.env("ROLE", role).env("SPOIL", spoil);
    command
        .env("BASE", shipped(""))
        .env("SOURCE", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/device"));
    command.stdin(Stdio::null());
    let ran = Ran::of(&command.output().unwrap());
    if ran.code == Some(77) {
        not_run(&format!("a bench with a {kind}: {}", ran.told));
        return None;
    }
    Some(ran)
}
