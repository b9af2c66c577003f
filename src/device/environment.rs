//! What a device's command lines are told, in environment variables.

use std::collections::BTreeMap;
use std::path::Path;

use roamproof_harness::plan::Plan;
use roamproof_harness::profile::Profile;
use roamproof_harness::topology::{NodeSpec, Role};
use toml::{Table, Value};

/// Environment variables by name, all of which begin with `ROAMPROOF_`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Environment(pub(crate) BTreeMap<String, String>);

impl Environment {
    /// What every command line of a device is told that stands in the place of `node`.
    pub(crate) fn of(profile: &Profile, node: &NodeSpec, plan: &Plan) -> Self {
        let mut environment = Self::default();
        let mut say = |name: &str, value: String| environment.say(name, value);
        say("ROLE", node.role.name().to_owned());
        let names: Vec<&str> =
            profile.interfaces_of(node.role).map(|(_, one)| one.name.as_str()).collect();
        say("INTERFACE", names.first().copied().unwrap_or_default().to_owned());
        say("INTERFACES", names.join(" "));
        say("MAC", plan.subject.to_string());
        for (name, address) in [
            ("HOME_AGENT", plan.ha),
            ("SIP_SERVER", plan.ss),
            ("CORRESPONDENT", plan.cn),
            ("HOME_ADDRESS", plan.hoa),
            ("HOME_PREFIX", plan.prefix("home")),
        ] {
            say(name, address.to_string());
        }
        say("DOMAIN", plan.domain.clone());
        if let Some((address, link)) = own_address(node.role, plan) {
            say("ADDRESS", address.to_string());
            say("PREFIX", plan.prefix(link).to_string());
        }
        let identifier = match node.role {
            Role::MobileTerminal => Some(&plan.mt_identifier),
            Role::Correspondent => Some(&plan.cn_identifier),
            Role::HomeAgent | Role::SipServer | Role::Router => None,
        };
        if let Some(identifier) = identifier {
            say("IDENTIFIER", identifier.clone());
        }
        environment.say_wishes(&node.config);
        environment
    }

    /// Sets a variable, whose name begins with `ROAMPROOF_`.
    pub(crate) fn say(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(format!("ROAMPROOF_{name}"), value.into());
    }

    /// With one more variable.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut more = self.clone();
        more.say(name, value);
        more
    }

    /// Where its files are: a folder of the case's own, and in it what a reference node would be
    /// configured with.
    pub(crate) fn say_folder(&mut self, folder: &Path, config: &Path) {
        self.say("FOLDER", folder.display().to_string());
        self.say("CONFIG", config.display().to_string());
    }

    /// What the case wants of the device, as far as scripts ask for it in words.
    fn say_wishes(&mut self, config: &str) {
        let Ok(config) = config.parse::<Table>() else { return };
        let route = config.get("route").and_then(Value::as_array).and_then(|routes| routes.first());
        if let Some(router) = route.and_then(|route| route.get("via")).and_then(Value::as_str) {
            self.say("ROUTER", router);
        }
        let direct = config.contains_key("home_agent") && config.contains_key("sip_server")
            || config.get("mobile").is_some_and(|mobile| mobile.get("tunnels_from").is_some());
        self.say("DIRECT", if direct { "yes" } else { "no" });
        if let Some(sip) = config.get("sip") {
            let transport = sip.get("transport").and_then(Value::as_str).unwrap_or("udp");
            self.say("TRANSPORT", transport);
            let after = sip.get("answer_after_ms").map_or_else(String::new, Value::to_string);
            self.say("ANSWER_AFTER_MS", after);
            let busy = sip.get("calls_max").and_then(Value::as_integer) == Some(0);
            self.say("BUSY", if busy { "yes" } else { "no" });
        }
        if let Some(correspondent) = config.get("correspondent") {
            let knows = correspondent.get("mobile_ipv6").and_then(Value::as_bool).unwrap_or(true);
            self.say("MOBILE_IPV6", if knows { "yes" } else { "no" });
            let media = correspondent.get("media_address").and_then(Value::as_str);
            self.say("MEDIA_ADDRESS", media.unwrap_or_default());
        }
    }
}

/// The address that a node of this role has, and its link. A mobile terminal makes its own.
const fn own_address(role: Role, plan: &Plan) -> Option<(std::net::Ipv6Addr, &'static str)> {
    match role {
        Role::HomeAgent => Some((plan.ha, "home")),
        Role::SipServer => Some((plan.ss, "server")),
        Role::Correspondent => Some((plan.cn, "correspondent")),
        Role::MobileTerminal | Role::Router => None,
    }
}

#[cfg(test)]
mod tests {
    use roamproof_harness::profile::VARIABLES;
    use roamproof_harness::topology::claimed::{Wanted, topology};
    use roamproof_wire::ethernet::Mac;

    use super::*;

    #[test]
    fn a_sip_server_is_told_where_it_stands_and_what_is_wanted() {
        let text = "device.name = \"x\"\nroles.plays = [\"sip-server\"]\n\
                    [attach]\nmode = \"command\"\ncommands = [\"exec x\"]\n\
                    [[attach.interface]]\nname = \"wan0\"\nlinks = [\"server\"]\n";
        let profile = Profile::parse(text, Path::new("device.toml"), &|_| None).unwrap();
        let wanted = Wanted { nodes: vec!["ss"], direct: true, ..Wanted::default() };
        let node = topology(&wanted).nodes.remove(0);
        let plan = profile.plan(node.role, Plan::claimed(Mac(node.interfaces[0].mac)));
        let environment = Environment::of(&profile, &node, &plan).0;
        let lines: Vec<String> =
            environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn what_is_said_is_documented() {
        let text = std::fs::read_to_string("profiles/reference-mn.toml").unwrap();
        let profile = Profile::parse(&text, Path::new("device.toml"), &|_| None).unwrap();
        let mut said = Environment::default();
        for name in ["mt", "ha", "cn", "ss"] {
            let node = topology(&Wanted { nodes: vec![name], ..Wanted::default() }).nodes.remove(0);
            let plan = Plan::claimed(Mac(node.interfaces[0].mac));
            said.0.extend(Environment::of(&profile, &node, &plan).0);
        }
        said.say_folder(Path::new("/run/x"), Path::new("/run/x/node.toml"));
        for name in ["SEED", "PROGRAM", "TRIGGER", "LINK", "CALLED"] {
            said.say(name, "");
        }
        let documented: Vec<&str> = VARIABLES.iter().map(|(name, _)| *name).collect();
        let mut said: Vec<&str> = said.0.keys().map(String::as_str).collect();
        said.sort_by_key(|name| documented.iter().position(|known| known == name));
        assert_eq!(said, documented);
    }
}
