//! From the text of a profile to what it says: everything that types alone do not hold.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::path::Path;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use sha2::{Digest, Sha256};
use toml::Spanned;

use super::error::Fault;
use super::raw::{
    RawAddresses, RawAttach, RawFeature, RawInterface, RawKeys, RawMode, RawProfile, RawRoles,
    RawTimers, RawTrigger, RawTriggers,
};
use super::{
    Addresses, Attach, BOOT_LIMIT, CommandLine, Interface, Keys, Mode, Profile, TRIGGER_LIMIT,
    Timers, key, links_of,
};
use crate::feature::{self, Feature, Features};
use crate::topology::{Role, claimed};
use crate::trigger::Trigger;

/// Reads and checks a profile's text.
pub(super) fn read(
    text: &str,
    file: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Profile, Fault> {
    let raw: RawProfile = toml::from_str(text).map_err(|error| Fault::of_toml(&error))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).to_owned();
    let attach = attach(&raw.attach)?;
    let roles = roles(&raw.roles, &attach)?;
    let version = raw.device.version.as_ref().map(not_empty).transpose()?;
    Ok(Profile {
        name: not_empty(&raw.device.name)?,
        sha256: sha256(text),
        version,
        attach,
        roles,
        features: features(&raw.features)?,
        addresses: addresses(&raw.addresses)?,
        keys: keys(&raw.keys, &folder, environment)?,
        timers: timers(&raw.timers)?,
        triggers: triggers(&raw.triggers)?,
        folder,
    })
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|octet| format!("{octet:02x}")).collect()
}

fn not_empty(text: &Spanned<String>) -> Result<String, Fault> {
    if text.get_ref().trim().is_empty() {
        return Err(Fault::at(text.span(), "expected some text, found none"));
    }
    Ok(text.get_ref().clone())
}

fn attach(raw: &RawAttach) -> Result<Attach, Fault> {
    let command_only = [
        ("commands", raw.commands.as_ref().map(Spanned::span)),
        ("kernel_ipv6", raw.kernel_ipv6.as_ref().map(Spanned::span)),
        ("parallel", raw.parallel.as_ref().map(Spanned::span)),
    ];
    let mode = match raw.mode.get_ref() {
        RawMode::Command => {
            if let Some(namespace) = &raw.namespace {
                return Err(misplaced(namespace.span(), "namespace", "interface"));
            }
            Mode::Command {
                commands: commands(raw)?,
                kernel_ipv6: raw.kernel_ipv6.as_ref().is_some_and(|on| *on.get_ref()),
                parallel: raw.parallel.as_ref().is_none_or(|may| *may.get_ref()),
            }
        }
        RawMode::Interface => {
            for (name, span) in command_only {
                if let Some(span) = span {
                    return Err(misplaced(span, name, "command"));
                }
            }
            Mode::Interface { namespace: raw.namespace.as_ref().map(namespace).transpose()? }
        }
    };
    if raw.interface.get_ref().is_empty() {
        return Err(Fault::at(raw.interface.span(), "expected at least one interface"));
    }
    let mut interfaces: Vec<Interface> = Vec::new();
    for one in raw.interface.get_ref() {
        let interface = interface(one, raw)?;
        if let Some(other) = interfaces.iter().find(|other| other.name == interface.name)
            && (other.vlan.is_none() || interface.vlan.is_none() || other.vlan == interface.vlan)
        {
            let what = format!(
                "expected another name: {} is there already, and only VLANs of different numbers \
                 share an interface",
                interface.name
            );
            return Err(Fault::at(one.name.span(), what));
        }
        interfaces.push(interface);
    }
    Ok(Attach { mode, interfaces })
}

fn misplaced(span: std::ops::Range<usize>, key: &str, mode: &str) -> Fault {
    Fault::at(span, format!("expected no `{key}` here: it is for mode = \"{mode}\""))
        .cure(format!("take `{key}` away, or say mode = \"{mode}\""))
}

fn commands(raw: &RawAttach) -> Result<Vec<String>, Fault> {
    let Some(lines) = &raw.commands else {
        return Err(Fault::at(
            raw.mode.span(),
            "expected `commands` beside mode = \"command\": the shell lines that start the device",
        ));
    };
    if lines.get_ref().is_empty() {
        return Err(Fault::at(lines.span(), "expected at least one shell line"));
    }
    lines.get_ref().iter().map(not_empty).collect()
}

fn namespace(name: &Spanned<String>) -> Result<String, Fault> {
    let text = not_empty(name)?;
    if text.contains('/') && !text.starts_with('/') {
        return Err(Fault::at(
            name.span(),
            "expected a name of `ip netns list`, or a path from the root such as /proc/42/ns/net",
        ));
    }
    Ok(text)
}

fn interface(raw: &RawInterface, attach: &RawAttach) -> Result<Interface, Fault> {
    let name = not_empty(&raw.name)?;
    if name.len() > NAME_OCTETS_MAX || name.contains(['/', ' ', ':']) || name == "lo" {
        return Err(Fault::at(
            raw.name.span(),
            format!("expected the name of an interface, at most {NAME_OCTETS_MAX} octets"),
        ));
    }
    if raw.links.get_ref().is_empty() {
        return Err(Fault::at(
            raw.links.span(),
            format!("expected at least one link of {}", links()),
        ));
    }
    let mut names = Vec::new();
    for link in raw.links.get_ref() {
        if !claimed::LINKS.iter().any(|(known, _)| known == link.get_ref()) {
            let what = format!("expected one of {}, found \"{}\"", links(), link.get_ref());
            return Err(Fault::at(link.span(), what));
        }
        names.push(link.get_ref().clone());
    }
    let mac = raw.mac.as_ref().map(mac).transpose()?;
    if mac.is_none() && *attach.mode.get_ref() == RawMode::Interface {
        return Err(Fault::at(
            raw.name.span(),
            "expected `mac` beside it: the device's link-layer address on this interface",
        )
        .cure("say mac = \"…\" as `ip link` prints it on the device"));
    }
    let vlan = raw.vlan.as_ref().map(vlan).transpose()?;
    Ok(Interface { name, links: names, mac, vlan })
}

fn mac(text: &Spanned<String>) -> Result<Mac, Fault> {
    let wrong = || {
        let what = format!(
            "expected the link-layer address of one interface such as 02:00:5e:10:0a:00, found \"{}\"",
            text.get_ref()
        );
        Fault::at(text.span(), what)
    };
    let octets: Option<Vec<u8>> = text
        .get_ref()
        .split(':')
        .map(|octet| (octet.len() == 2).then(|| u8::from_str_radix(octet, 16).ok()).flatten())
        .collect();
    let octets: [u8; 6] = octets.and_then(|octets| octets.try_into().ok()).ok_or_else(wrong)?;
    // The lowest bit of the first octet marks a group address (IEEE 802).
    if octets[0] & 1 == 1 || octets == [0; 6] { Err(wrong()) } else { Ok(Mac(octets)) }
}

fn vlan(number: &Spanned<u16>) -> Result<u16, Fault> {
    match number.get_ref() {
        1..=4094 => Ok(*number.get_ref()),
        other => {
            Err(Fault::at(number.span(), format!("expected a VLAN from 1 to 4094, found {other}")))
        }
    }
}

fn roles(raw: &RawRoles, attach: &Attach) -> Result<Vec<Role>, Fault> {
    if raw.plays.get_ref().is_empty() {
        return Err(Fault::at(raw.plays.span(), format!("expected at least one of {ROLES}")));
    }
    let mut roles = Vec::new();
    for word in raw.plays.get_ref() {
        let role = Role::ALL
            .into_iter()
            .find(|role| role.name() == word.get_ref() && *role != Role::Router)
            .ok_or_else(|| {
                let what = format!("expected one of {ROLES}, found \"{}\"", word.get_ref());
                Fault::at(word.span(), what)
            })?;
        if roles.contains(&role) {
            return Err(Fault::at(
                word.span(),
                format!("expected \"{role}\" once, found it twice"),
            ));
        }
        let missing = links_of(role)
            .iter()
            .find(|link| !attach.interfaces.iter().any(|one| one.links.iter().any(|l| l == *link)));
        if let Some(link) = missing {
            let what = format!("expected an interface on the link {link}, where a {role} stands");
            let cure = format!("name \"{link}\" among the links of an [[attach.interface]]");
            return Err(Fault::at(word.span(), what).cure(cure));
        }
        let serves =
            |one: &&Interface| one.links.iter().any(|link| links_of(role).contains(&link.as_str()));
        let mut macs = attach.interfaces.iter().filter(serves).map(|one| one.mac);
        let first = macs.next().flatten();
        if macs.any(|mac| mac != first) {
            let what = format!("expected one `mac` on all interfaces on the links of a {role}");
            let cure = "say the same mac on each of them: the testers send to one address";
            return Err(Fault::at(word.span(), what).cure(cure));
        }
        roles.push(role);
    }
    Ok(roles)
}

fn features(raw: &BTreeMap<Spanned<String>, Spanned<RawFeature>>) -> Result<Features, Fault> {
    let mut features = Features::default();
    for (name, value) in raw {
        let Some(feature) = Feature::called(name.get_ref()) else {
            let known: Vec<&str> = feature::ALL.iter().map(|feature| feature.name).collect();
            let what = format!(
                "unknown feature `{}`, expected one of {}",
                name.get_ref(),
                known.join(", ")
            );
            return Err(Fault::at(name.span(), what));
        };
        let said = match value.get_ref() {
            RawFeature::Word(word) => word.clone(),
            RawFeature::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            RawFeature::Whole(number) => number.to_string(),
            RawFeature::Number(number) => number.to_string(),
        };
        if said != "unknown" && !feature.values.allow(&said) {
            let what = format!("expected {}, found \"{said}\"", feature.values);
            return Err(Fault::at(value.span(), what).cure(format!("it says: {}", feature.what)));
        }
        features.say(feature.name, &said);
    }
    Ok(features)
}

fn addresses(raw: &RawAddresses) -> Result<Addresses, Fault> {
    let unicast = |text: &Option<Spanned<String>>| text.as_ref().map(address).transpose();
    let identifier = |text: &Option<Spanned<String>>| text.as_ref().map(identifier).transpose();
    Ok(Addresses {
        home_agent: unicast(&raw.home_agent)?,
        sip_server: unicast(&raw.sip_server)?,
        correspondent: unicast(&raw.correspondent)?,
        correspondent_media: unicast(&raw.correspondent_media)?,
        home_address: unicast(&raw.home_address)?,
        identifier: identifier(&raw.identifier)?,
        correspondent_identifier: identifier(&raw.correspondent_identifier)?,
        domain: raw.domain.as_ref().map(domain).transpose()?,
    })
}

fn address(text: &Spanned<String>) -> Result<Ipv6Addr, Fault> {
    let global = text.get_ref().parse().ok().filter(|address: &Ipv6Addr| {
        !(address.is_unspecified()
            || address.is_multicast()
            || address.is_loopback()
            || address.is_unicast_link_local())
    });
    global.ok_or_else(|| {
        let what = format!(
            "expected a global IPv6 address such as 2001:db8:a::a, found \"{}\"",
            text.get_ref()
        );
        Fault::at(text.span(), what)
    })
}

fn identifier(text: &Spanned<String>) -> Result<String, Fault> {
    let right = text.get_ref().strip_prefix("sip:").and_then(|rest| rest.split_once('@'));
    match right {
        Some((user, domain)) if !user.is_empty() && is_domain(domain) => Ok(text.get_ref().clone()),
        Some(_) | None => {
            let what = format!("expected sip:USER@DOMAIN, found \"{}\"", text.get_ref());
            Err(Fault::at(text.span(), what))
        }
    }
}

fn domain(text: &Spanned<String>) -> Result<String, Fault> {
    if is_domain(text.get_ref()) {
        return Ok(text.get_ref().clone());
    }
    let what = format!("expected a domain such as example.com, found \"{}\"", text.get_ref());
    Err(Fault::at(text.span(), what))
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
    };
    text.split('.').all(label)
}

fn keys(
    raw: &RawKeys,
    folder: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Keys, Fault> {
    let read = |raw: &Option<Spanned<_>>| {
        raw.as_ref().map(|raw| key::read(raw, folder, environment)).transpose()
    };
    let sip_password = raw.sip_password.as_ref();
    let sip_password =
        sip_password.map(|raw| key::read_password(raw, folder, environment)).transpose()?;
    Ok(Keys { mn_ha: read(&raw.mn_ha)?, ha_ss: read(&raw.ha_ss)?, sip_password })
}

fn timers(raw: &RawTimers) -> Result<Timers, Fault> {
    let read = |raw: &Option<Spanned<f64>>, otherwise| {
        raw.as_ref().map_or(Ok(otherwise), |raw| seconds(*raw.get_ref(), raw.span(), true))
    };
    Ok(Timers {
        boot: read(&raw.boot_s, BOOT_LIMIT)?,
        settle: read(&raw.settle_s, Duration::ZERO)?,
    })
}

fn seconds(value: f64, span: std::ops::Range<usize>, zero: bool) -> Result<Duration, Fault> {
    let right = value.is_finite() && value <= SECONDS_MAX && (value > 0.0 || zero && value == 0.0);
    if right {
        return Ok(Duration::from_secs_f64(value));
    }
    let least = if zero { "from 0" } else { "above 0" };
    let what = format!("expected seconds {least} up to {SECONDS_MAX}, found {value}");
    Err(Fault::at(span, what))
}

fn triggers(raw: &RawTriggers) -> Result<BTreeMap<Trigger, CommandLine>, Fault> {
    let all = [
        (Trigger::Attach, &raw.attach),
        (Trigger::Move, &raw.moves),
        (Trigger::Call, &raw.call),
        (Trigger::Answer, &raw.answer),
        (Trigger::Hangup, &raw.hangup),
        (Trigger::Reset, &raw.reset),
        (Trigger::Health, &raw.health),
    ];
    let mut triggers = BTreeMap::new();
    for (trigger, raw) in all {
        if let Some(raw) = raw {
            triggers.insert(trigger, command_line(raw)?);
        }
    }
    Ok(triggers)
}

fn command_line(raw: &Spanned<RawTrigger>) -> Result<CommandLine, Fault> {
    let (command, limit) = match raw.get_ref() {
        RawTrigger::Line(command) => (command, None),
        RawTrigger::Limited(limited) => (&limited.command, limited.limit_s),
    };
    if command.trim().is_empty() {
        return Err(Fault::at(raw.span(), "expected a shell line, found none")
            .cure("take the trigger away where the device has no way to do it"));
    }
    let limit = limit.map_or(Ok(TRIGGER_LIMIT), |limit| seconds(limit, raw.span(), false))?;
    Ok(CommandLine { command: command.clone(), limit })
}

fn links() -> String {
    let names: Vec<&str> = claimed::LINKS.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

/// Octets of an interface's name, as Linux has it.
const NAME_OCTETS_MAX: usize = 15;

/// The longest time that a profile may say, seconds: a day.
const SECONDS_MAX: f64 = 86_400.0;

/// The roles that a device can take.
const ROLES: &str = "mobile-terminal, home-agent, correspondent, sip-server";
