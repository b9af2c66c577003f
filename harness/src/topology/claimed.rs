//! The claimed system's network (ARCHITECTURE.md): links, addresses, and the configuration of
//! each reference node.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use super::{InterfaceSpec, LinkSpec, NodeSpec, Role, Topology};

/// The links, in the order of the captures.
pub const LINKS: [(&str, Ipv6Addr); 7] = [
    ("home", Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0)),
    ("home-2", Ipv6Addr::new(0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 0)),
    ("visited-1", Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0, 0)),
    ("visited-2", Ipv6Addr::new(0x2001, 0xdb8, 0xf2, 0, 0, 0, 0, 0)),
    ("server", Ipv6Addr::new(0x2001, 0xdb8, 0x5, 0, 0, 0, 0, 0)),
    ("correspondent", Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0)),
    ("backbone", Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0)),
];

/// The home agent.
pub const HA: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0xa);
/// The second home agent.
pub const HA2: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 0xb);
/// The SIP server.
pub const SS: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x5, 0, 0, 0, 0, 0x5);
/// The correspondent.
pub const CN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
/// The address that the correspondent's media comes from where it differs from its own.
pub const CN_MEDIA: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xbb);
/// The second correspondent.
pub const CN2: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc2);
/// The mobile terminal's home address.
pub const HOA: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
/// The second mobile terminal's home address, at the second home agent.
pub const HOA2: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 0x100);

/// The key between a mobile terminal and its home agent (RFC 4285), hexadecimal digits.
pub const MN_HA_KEY: &str = "6d6f62696c652d686f6d652d6167656e742d6b31";
/// Its security parameter index.
pub const MN_HA_SPI: u32 = 1000;
/// The key between a home agent and the SIP server (binding lookup), hexadecimal digits.
pub const HA_SS_KEY: &str = "686f6d652d6167656e742d736572766572206b31";
/// Its security parameter index.
pub const HA_SS_SPI: u32 = 2000;

/// What of the network a sequence or a purpose wants.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The nodes, by name: `core`, `ar1`, `ar2`, `ha`, `ha2`, `ss`, `cn`, `cn2`, `mt`, `mt2`.
    pub nodes: Vec<&'static str>,
    /// Where the mobile terminals are at the start: a link, or nowhere.
    pub start: Option<&'static str>,
    /// Whether the SIP server learns care-of addresses and tunnels to them (claims 10 and 11).
    pub direct: bool,
    /// Whether the correspondent knows Mobile IPv6.
    pub mobile_ipv6: bool,
    /// `udp` or `tcp`.
    pub transport: &'static str,
    /// Whether the correspondent's media comes from an address of its own ([`CN_MEDIA`]).
    pub media_apart: bool,
    /// Milliseconds that the called party rings; `None` = until it is told to answer.
    pub answer_after_ms: Option<u64>,
    /// Whether the mobile terminal is always busy.
    pub busy: bool,
    /// Whether the mobile terminal sends 100 before the route is optimized (decision D1).
    pub early_100: &'static str,
    /// Misdeeds, by node and name.
    pub misdeeds: Vec<(String, String)>,
    /// Nodes that lend their address to ordinary programs.
    pub lends: Vec<&'static str>,
    /// Fixes every random draw.
    pub seed: u64,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            nodes: vec!["core", "ar1", "ar2", "ha", "ss", "cn", "mt"],
            start: None,
            direct: false,
            mobile_ipv6: true,
            transport: "udp",
            media_apart: false,
            answer_after_ms: Some(200),
            busy: false,
            early_100: "never",
            misdeeds: Vec::new(),
            lends: Vec::new(),
            seed: 1,
        }
    }
}

/// The link-layer address of a node's interface, by the node's number and the interface's.
pub const fn mac(node: u8, interface: u8) -> [u8; 6] {
    [0x02, 0x00, 0x5e, 0x10, node, interface]
}

/// The link-local address formed from a link-layer address of [`mac`].
pub const fn link_local(node: u8, interface: u8) -> Ipv6Addr {
    let low = (node as u16) << 8 | interface as u16;
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0x0000, 0x5eff, 0xfe10, low)
}

/// The topology that `wanted` asks for.
pub fn topology(wanted: &Wanted) -> Topology {
    let links = LINKS
        .iter()
        .map(|(name, prefix)| LinkSpec { name: (*name).to_owned(), prefix: *prefix })
        .collect();
    let mut topology = Topology { links, nodes: Vec::new(), seed: wanted.seed };
    let specs: Vec<NodeSpec> =
        wanted.nodes.iter().map(|name| node(&topology, name, wanted)).collect();
    topology.nodes = specs;
    topology
}

fn node(topology: &Topology, name: &str, wanted: &Wanted) -> NodeSpec {
    let (role, number, links): (Role, u8, &[&str]) = match name {
        "core" => (Role::Router, 0x01, &["home", "home-2", "server", "correspondent", "backbone"]),
        "ar1" => (Role::Router, 0x11, &["visited-1", "backbone"]),
        "ar2" => (Role::Router, 0x12, &["visited-2", "backbone"]),
        "ha" => (Role::HomeAgent, 0x0a, &["home"]),
        "ha2" => (Role::HomeAgent, 0x0b, &["home-2"]),
        "ss" => (Role::SipServer, 0x05, &["server"]),
        "cn" => (Role::Correspondent, 0x0c, &["correspondent"]),
        "cn2" => (Role::Correspondent, 0x0d, &["correspondent"]),
        "mt" => (Role::MobileTerminal, 0xa1, &[""]),
        "mt2" => (Role::MobileTerminal, 0xa2, &[""]),
        other => panic!("the claimed network has no node {other}"),
    };
    let interfaces = links
        .iter()
        .zip(0_u8..)
        .map(|(link, index)| InterfaceSpec {
            name: format!("eth{index}"),
            mac: mac(number, index),
            link: if role == Role::MobileTerminal {
                wanted.start.and_then(|start| topology.link(start))
            } else {
                topology.link(link)
            },
        })
        .collect();
    let misdeeds = wanted.misdeeds.iter().filter(|(node, _)| node == name);
    NodeSpec {
        name: name.to_owned(),
        role,
        config: config(name, number, wanted),
        interfaces,
        misdeeds: misdeeds.map(|(_, misdeed)| misdeed.clone()).collect(),
        lends: wanted.lends.contains(&name).then(|| if name == "mt" { HOA } else { CN }),
    }
}

fn config(name: &str, number: u8, wanted: &Wanted) -> String {
    match name {
        "core" => core_config(number),
        "ar1" => access_config(number, "2001:db8:f1::1", "2001:db8::f1"),
        "ar2" => access_config(number, "2001:db8:f2::1", "2001:db8::f2"),
        "ha" => home_agent_config(number, HA, HOA, 0, wanted),
        "ha2" => home_agent_config(number, HA2, HOA2, 1, wanted),
        "ss" => server_config(number, wanted),
        "cn" => correspondent_config(number, CN, "cn", wanted),
        "cn2" => correspondent_config(number, CN2, "cn2", wanted),
        "mt" => mobile_config(number, HOA, HA, "mt", wanted),
        _ => mobile_config(number, HOA2, HA2, "mt2", wanted),
    }
}

/// `[[interface]]` with its static addresses, and a default route through the core router.
fn host_config(number: u8, addresses: &[Ipv6Addr], core_interface: u8) -> String {
    let addresses: Vec<String> = addresses.iter().map(|one| format!("\"{one}/64\"")).collect();
    format!(
        "[[interface]]\nname = \"eth0\"\nmac = \"{}\"\naddresses = [{}]\n\n\
         [[route]]\nprefix = \"::/0\"\nvia = \"{}\"\ninterface = \"eth0\"\n\n",
        mac_text(mac(number, 0)),
        addresses.join(", "),
        link_local(0x01, core_interface),
    )
}

fn core_config(number: u8) -> String {
    let mut text = String::new();
    let prefixes =
        ["2001:db8:a::1", "2001:db8:b::1", "2001:db8:5::1", "2001:db8:c::1", "2001:db8::1"];
    for (address, index) in prefixes.into_iter().zip(0_u8..) {
        let mac = mac_text(mac(number, index));
        writeln!(
            text,
            "[[interface]]\nname = \"eth{index}\"\nmac = \"{mac}\"\naddresses = [\"{address}/64\"]\n"
        )
        .expect("a String takes everything");
    }
    for (prefix, access) in [("2001:db8:f1::/64", 0x11), ("2001:db8:f2::/64", 0x12)] {
        let via = link_local(access, 1);
        writeln!(text, "[[route]]\nprefix = \"{prefix}\"\nvia = \"{via}\"\ninterface = \"eth4\"\n")
            .expect("a String takes everything");
    }
    text
}

fn access_config(number: u8, visited: &str, backbone: &str) -> String {
    format!(
        "[[interface]]\nname = \"eth0\"\nmac = \"{}\"\naddresses = [\"{visited}/64\"]\n\
         advertise = {{ prefix = \"{visited}/64\" }}\n\n\
         [[interface]]\nname = \"eth1\"\nmac = \"{}\"\naddresses = [\"{backbone}/64\"]\n\n\
         [[route]]\nprefix = \"::/0\"\nvia = \"{}\"\ninterface = \"eth1\"\n",
        mac_text(mac(number, 0)),
        mac_text(mac(number, 1)),
        link_local(0x01, 4),
    )
}

fn home_agent_config(
    number: u8,
    own: Ipv6Addr,
    home: Ipv6Addr,
    core_interface: u8,
    wanted: &Wanted,
) -> String {
    let mut text = format!(
        "[[interface]]\nname = \"eth0\"\nmac = \"{}\"\naddresses = [\"{own}/64\"]\n\
         advertise = {{ prefix = \"{own}/64\", home_agent = true }}\n\n\
         [[route]]\nprefix = \"::/0\"\nvia = \"{}\"\ninterface = \"eth0\"\n\n\
         [home_agent]\naddress = \"{own}\"\nprefixes = [\"{own}/64\"]\n\n\
         [[mobile]]\nhome_address = \"{home}\"\nspi = {MN_HA_SPI}\nkey = \"{MN_HA_KEY}\"\n",
        mac_text(mac(number, 0)),
        link_local(0x01, core_interface),
    );
    if wanted.direct {
        write!(
            text,
            "\n[[sip_server]]\naddress = \"{SS}\"\nspi = {HA_SS_SPI}\nkey = \"{HA_SS_KEY}\"\n"
        )
        .expect("a String takes everything");
    }
    text
}

fn server_config(number: u8, wanted: &Wanted) -> String {
    let mut text = host_config(number, &[SS], 2);
    write!(text, "[sip_server]\naddress = \"{SS}\"\ndomain = \"example.com\"\n")
        .expect("a String takes everything");
    if wanted.direct {
        for agent in [HA, HA2] {
            write!(
                text,
                "\n[[home_agent]]\naddress = \"{agent}\"\nprefixes = [\"{agent}/64\"]\n\
                 spi = {HA_SS_SPI}\nkey = \"{HA_SS_KEY}\"\n"
            )
            .expect("a String takes everything");
        }
    }
    text
}

fn correspondent_config(number: u8, own: Ipv6Addr, user: &str, wanted: &Wanted) -> String {
    let mut addresses = vec![own];
    let apart = wanted.media_apart && own == CN;
    addresses.extend(apart.then_some(CN_MEDIA));
    let mut text = host_config(number, &addresses, 3);
    writeln!(text, "[correspondent]\naddress = \"{own}\"\nmobile_ipv6 = {}", wanted.mobile_ipv6)
        .expect("a String takes everything");
    if apart {
        writeln!(text, "media_address = \"{CN_MEDIA}\"").expect("a String takes everything");
    }
    if wanted.lends.contains(&user) {
        text.push_str("lends = true\n");
    }
    text.push_str(&sip_config(user, wanted));
    text
}

fn mobile_config(
    number: u8,
    home: Ipv6Addr,
    home_agent: Ipv6Addr,
    user: &str,
    wanted: &Wanted,
) -> String {
    let mut text = format!(
        "[[interface]]\nname = \"eth0\"\nmac = \"{}\"\n\n\
         [mobile]\nhome_address = \"{home}/64\"\nhome_agent = \"{home_agent}\"\n\
         spi = {MN_HA_SPI}\nkey = \"{MN_HA_KEY}\"\n",
        mac_text(mac(number, 0)),
    );
    if wanted.direct {
        writeln!(text, "tunnels_from = [\"{SS}\"]").expect("a String takes everything");
    }
    if wanted.early_100 != "never" {
        writeln!(text, "early_100 = \"{}\"", wanted.early_100).expect("a String takes everything");
    }
    if wanted.lends.contains(&user) {
        text.push_str("lends = true\n");
    }
    text.push_str(&sip_config(user, wanted));
    if wanted.busy {
        text.push_str("calls_max = 0\n");
    }
    text
}

fn sip_config(user: &str, wanted: &Wanted) -> String {
    let mut text = format!(
        "\n[sip]\nidentifier = \"sip:{user}@example.com\"\nserver = \"{SS}\"\ntransport = \"{}\"\n",
        wanted.transport
    );
    if let Some(after) = wanted.answer_after_ms {
        writeln!(text, "answer_after_ms = {after}").expect("a String takes everything");
    }
    text
}

fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|octet| format!("{octet:02x}")).join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_can_be_asked_for() {
        let nodes = vec!["core", "ar1", "ar2", "ha", "ha2", "ss", "cn", "cn2", "mt", "mt2"];
        let topology = topology(&Wanted { nodes, direct: true, ..Wanted::default() });
        assert_eq!(topology.ports().count(), 16);
        for node in &topology.nodes {
            toml::from_str::<toml::Table>(&node.config)
                .unwrap_or_else(|why| panic!("{}: {why}\n{}", node.name, node.config));
        }
    }

    #[test]
    fn link_local_addresses_follow_from_the_mac() {
        assert_eq!(link_local(0x0a, 0x03), "fe80::5eff:fe10:a03".parse::<Ipv6Addr>().unwrap());
    }
}
