//! Every key of a profile wrong in turn: line, key, what was expected.

use std::path::Path;

use super::{Mode, Profile, ProfileError};
use crate::topology::Role;
use crate::trigger::Trigger;

const EXAMPLE: &str = include_str!("../../../profiles/example.toml");

#[test]
fn the_example_says_what_it_means() {
    let profile = read(EXAMPLE).unwrap();
    assert_eq!(profile.roles, [Role::MobileTerminal]);
    assert!(matches!(
        &profile.attach.mode,
        Mode::Command { kernel_ipv6: true, parallel: false, .. }
    ));
    assert!(!profile.is_parallel());
    assert_eq!(profile.attach.interfaces[1].vlan, Some(7));
    assert_eq!(profile.features.value("early_100"), Some("allowed"));
    assert_eq!(profile.features.value("mobile_ipv6"), Some("yes"));
    assert_eq!(profile.features.value("route_optimization_budget"), Some("2.5"));
    assert_eq!(profile.features.value("on_ro_failure"), None);
    assert_eq!(profile.triggers[&Trigger::Call].limit.as_secs(), 3);
    assert_eq!(profile.triggers.len(), Trigger::ALL.len(), "the example shows every trigger");
    let key = profile.keys.mn_ha.unwrap();
    assert_eq!((key.spi, key.key.octets.as_slice()), (Some(77), b"key".as_slice()));
}

#[test]
fn every_key_that_is_wrong_is_told_with_its_line() {
    let mut told = String::new();
    for (from, to) in WRONG {
        assert!(EXAMPLE.contains(from), "the example has no {from:?}");
        let error = read(&EXAMPLE.replacen(from, to, 1)).expect_err(to);
        told.push_str(&format!("{error}\n"));
    }
    insta::assert_snapshot!("wrong", told);
}

#[test]
fn every_error_says_what_to_do() {
    for (from, to) in WRONG {
        let error = read(&EXAMPLE.replacen(from, to, 1)).expect_err(to);
        assert!(!error.cure.is_empty() && error.line.is_some(), "{error}");
        assert!(error.what.contains("expected") || error.what.contains("missing"), "{error}");
    }
}

#[test]
fn the_table_of_wrong_keys_has_every_key_of_the_schema() {
    let schema = super::schema();
    let mut keys = Vec::new();
    collect(&schema, &mut keys);
    assert!(keys.len() > 40, "{keys:?}");
    for key in keys {
        let in_some = |(from, _): &&(&str, &str)| from.contains(&*key);
        assert!(WRONG.iter().any(|one| in_some(&one)), "no line of the table has {key}");
    }
}

#[test]
fn keys_are_in_no_error_and_in_no_print() {
    let secret = "6b6579";
    let text = EXAMPLE.replacen("version = \"2.1\"", "version = 3", 1);
    let error = read(&text).unwrap_err();
    let profile = read(EXAMPLE).unwrap();
    let inline = EXAMPLE.replacen("mn_ha = { spi", "mn_ha = \"6b6579\" # { spi", 1);
    let inline = read(&inline).unwrap_err();
    for printed in [format!("{error:?}"), format!("{profile:?}"), format!("{inline:?}")] {
        assert!(!printed.contains(secret) && !printed.contains("107, 101, 121"), "{printed}");
    }
}

/// Text of the example, and what it becomes.
const WRONG: &[(&str, &str)] = &[
    ("[device]", "device = 3\n[devices]"),
    ("name = \"Example Phone\"", "name = 7"),
    ("name = \"Example Phone\"", "name = \" \""),
    ("name = \"Example Phone\"", "nam = \"Example Phone\""),
    ("version = \"2.1\"", "version = 2.1"),
    ("[attach]", "[attached]"),
    ("mode = \"command\"", "mode = \"comand\""),
    ("mode = \"command\"", "mode = \"interface\""),
    ("commands = [", "commands = [\"\", "),
    ("commands = [", "command = ["),
    ("kernel_ipv6 = true", "kernel_ipv6 = \"on\""),
    ("parallel = false", "parallel = 1"),
    ("# namespace = \"bench\"", "namespace = \"bench\""),
    ("[[attach.interface]]\nname = \"wwan0\"", "[[attach.interfaces]]\nname = \"wwan0\""),
    ("name = \"wlan0\"", "name = \"a-name-that-is-too-long\""),
    ("name = \"wwan0\"", "name = \"wlan0\""),
    ("links = [\"home\"]", "links = [\"hom\"]"),
    ("links = [\"home\"]", "links = []"),
    ("links = [\"home\"]", "links = [\"home-2\"]"),
    ("mac = \"02:00:5e:10:a1:00\"", "mac = \"01:00:5e:10:a1:00\""),
    ("mac = \"02:00:5e:10:a1:00\"", "mac = \"02:00:5e:10:a1\""),
    ("mac = \"02:00:5e:10:a1:00\"", "mac = \"02:00:5e:10:a1:01\""),
    ("vlan = 7", "vlan = 4095"),
    ("[roles]", "[role]"),
    ("plays = [\"mobile-terminal\"]", "plays = [\"phone\"]"),
    ("plays = [\"mobile-terminal\"]", "plays = []"),
    ("plays = [\"mobile-terminal\"]", "plays = [\"home-agent\", \"home-agent\"]"),
    ("plays = [\"mobile-terminal\"]", "plays = [\"sip-server\"]"),
    ("[features]", "[feature]"),
    ("early_100 = \"allowed\"", "early_100 = \"sometimes\""),
    ("early_100 = \"allowed\"", "early_200 = \"allowed\""),
    ("authentication = \"rfc4285\"", "authentication = [1]"),
    ("mobile_ipv6 = true", "mobile_ipv6 = 3"),
    ("route_optimization_budget = 2.5", "route_optimization_budget = -1"),
    ("[addresses]", "[address]"),
    ("home_agent = \"2001:db8:a::a\"", "home_agent = \"192.0.2.1\""),
    ("sip_server = \"2001:db8:5::5\"", "sip_server = \"fe80::5\""),
    ("correspondent = \"2001:db8:c::c\"", "correspondent = \"::\""),
    ("correspondent_media = \"2001:db8:c::bb\"", "correspondent_media = \"ff02::1\""),
    ("home_address = \"2001:db8:a::100\"", "home_address = \"2001:db8:a::100/64\""),
    ("\nidentifier = \"sip:mt@example.com\"", "\nidentifier = \"mt@example.com\""),
    ("correspondent_identifier = \"sip:cn@example.com\"", "correspondent_identifier = \"sip:@x\""),
    ("domain = \"example.com\"", "domain = \"example..com\""),
    ("[keys]", "[key]"),
    ("mn_ha = { spi = 77, environment = \"PHONE_KEY\" }", "mn_ha = \"6b6579\""),
    ("mn_ha = { spi = 77, environment = \"PHONE_KEY\" }", "mn_ha = { environment = \"NO_KEY\" }"),
    ("mn_ha = { spi = 77, environment = \"PHONE_KEY\" }", "mn_ha = { environment = \"ODD_KEY\" }"),
    ("spi = 77", "spi = -1"),
    ("ha_ss = { file = \"lookup.key\" }", "ha_ss = { file = \"missing.key\" }"),
    ("ha_ss = { file = \"lookup.key\" }", "ha_ss = {}"),
    ("sip_password = { environment = \"PHONE_KEY\" }", "sip_password = \"6b6579\""),
    ("sip_password = { environment = \"PHONE_KEY\" }", "sip_password = { file = \"missing.key\" }"),
    (
        "sip_password = { environment = \"PHONE_KEY\" }",
        "sip_password = { environment = \"NOTHING\" }",
    ),
    ("[timers]", "[timer]"),
    ("boot_s = 20", "boot_s = -20"),
    ("settle_s = 0.5", "settle_s = \"short\""),
    ("[triggers]", "[trigger]"),
    ("attach = \"./phone-control rejoin\"", "attach = \"\""),
    ("move = \"./phone-control rejoin\"", "moves = \"./phone-control rejoin\""),
    ("call = { command = \"./phone-control call", "call = { line = \"./phone-control call"),
    ("limit_s = 3", "limit_s = 0"),
    ("answer = \"./phone-control answer\"", "answer = true"),
    ("hangup = \"./phone-control hangup\"", "hangup = []"),
    ("reset = \"./phone-control factory-reset\"", "reset = 7"),
    ("health = \"./phone-control ping\"", "health = { limit_s = 3 }"),
    ("[triggers]", "[triggers"),
];

fn read(text: &str) -> Result<Profile, ProfileError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/profile/testdata");
    let environment = |name: &str| match name {
        "PHONE_KEY" => Some("6b6579\n".to_owned()),
        "NOTHING" => Some("\n".to_owned()),
        "ODD_KEY" => Some("6b657".to_owned()),
        _ => None,
    };
    let read = Profile::parse(text, &folder.join("device.toml"), &environment);
    // Where this was built is not for the snapshot.
    let folder = format!("{}/", folder.display());
    read.map_err(|error| ProfileError {
        file: "device.toml".into(),
        what: error.what.replace(&folder, ""),
        ..error
    })
}

/// The names of all keys in a schema.
fn collect(schema: &serde_json::Value, keys: &mut Vec<String>) {
    if let Some(properties) = schema.get("properties").and_then(serde_json::Value::as_object) {
        keys.extend(properties.keys().filter(|key| !is_feature(key)).cloned());
    }
    match schema {
        serde_json::Value::Object(object) => object.values().for_each(|one| collect(one, keys)),
        serde_json::Value::Array(array) => array.iter().for_each(|one| collect(one, keys)),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

fn is_feature(name: &str) -> bool {
    crate::feature::Feature::called(name).is_some()
}
