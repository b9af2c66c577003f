//! Who is who in a capture: nodes by link-layer address and by IPv6 address.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use crate::topology::{Role, Topology, claimed};

/// The nodes of a network and the addresses by which frames name them.
///
/// The care-of addresses that a known interface forms from its link-layer address are found by
/// themselves; others are learned from the Home Address options that pass.
#[derive(Debug, Clone, Default)]
pub struct Names {
    nodes: Vec<NodeName>,
    macs: BTreeMap<[u8; 6], usize>,
    addresses: BTreeMap<Ipv6Addr, (usize, String)>,
}

#[derive(Debug, Clone)]
struct NodeName {
    name: String,
    passes_on: bool,
}

impl Names {
    /// No names yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The nodes of a topology with their link-layer addresses, in the order in which a call is
    /// told: the first mobile terminal, home agents, SIP servers, correspondents, other mobile
    /// terminals. Routers only pass packets on. IPv6 addresses are for the caller to add.
    pub fn of(topology: &Topology) -> Self {
        let mut names = Self::new();
        let of_role = |role| topology.nodes.iter().filter(move |spec| spec.role == role);
        let (mobile, others) = (of_role(Role::MobileTerminal), of_role(Role::MobileTerminal));
        let middle = [Role::HomeAgent, Role::SipServer, Role::Correspondent];
        let order =
            mobile.take(1).chain(middle.into_iter().flat_map(of_role)).chain(others.skip(1));
        for spec in order {
            names.node(&spec.name);
        }
        for spec in &topology.nodes {
            if spec.role == Role::Router {
                names.router(&spec.name);
            }
            for interface in &spec.interfaces {
                names.mac(&spec.name, interface.mac);
            }
        }
        names
    }

    /// The nodes of the claimed call's network with all their addresses.
    pub fn of_claimed(topology: &Topology) -> Self {
        let mut names = Self::of(topology);
        for (name, address, label) in [
            ("mt", claimed::HOA, "hoa"),
            ("mt2", claimed::HOA2, "hoa2"),
            ("ha", claimed::HA, "ha"),
            ("ha2", claimed::HA2, "ha2"),
            ("ss", claimed::SS, "ss"),
            ("cn", claimed::CN, "cn"),
            ("cn", claimed::CN_MEDIA, "cn-media"),
            ("cn2", claimed::CN2, "cn2"),
        ] {
            if names.find(name).is_some() {
                names.address(name, address, label);
            }
        }
        names
    }

    /// Adds a node, to stand as a column of ladders in the order of adding.
    pub fn node(&mut self, name: &str) -> &mut Self {
        self.index(name, false);
        self
    }

    /// Adds a node that passes packets on and is no column of its own.
    pub fn router(&mut self, name: &str) -> &mut Self {
        self.index(name, true);
        self
    }

    /// Gives the node called `name` (added where it is new) a link-layer address.
    pub fn mac(&mut self, name: &str, mac: [u8; 6]) -> &mut Self {
        let node = self.index(name, false);
        self.macs.insert(mac, node);
        self
    }

    /// Gives the node called `name` (added where it is new) an IPv6 address, called `label` where
    /// addresses are told: `hoa`, `ha` …
    pub fn address(&mut self, name: &str, address: Ipv6Addr, label: &str) -> &mut Self {
        let node = self.index(name, false);
        self.addresses.insert(address, (node, label.to_owned()));
        self
    }

    /// The name of a node.
    pub(super) fn name(&self, node: usize) -> &str {
        &self.nodes[node].name
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The number of the node called `name`.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// Whether a node only passes packets on.
    pub(super) fn passes_on(&self, node: usize) -> bool {
        self.nodes[node].passes_on
    }

    /// The node with this link-layer address.
    pub(super) fn by_mac(&self, mac: [u8; 6]) -> Option<usize> {
        self.macs.get(&mac).copied()
    }

    /// The node with this IPv6 address: named, learned, or formed from a known link-layer address.
    pub(super) fn by_address(&self, address: Ipv6Addr) -> Option<usize> {
        if let Some((node, _)) = self.addresses.get(&address) {
            return Some(*node);
        }
        self.by_mac(mac_within(address)?)
    }

    /// The node with this address, added under the address as its name where nobody knows it.
    pub(super) fn by_address_or_new(&mut self, address: Ipv6Addr) -> usize {
        self.by_address(address).unwrap_or_else(|| {
            let name = address.to_string();
            let node = self.index(&name, false);
            self.addresses.insert(address, (node, name));
            node
        })
    }

    /// Notes that whoever has the address `home` also has `care_of`.
    pub(super) fn learn(&mut self, home: Ipv6Addr, care_of: Ipv6Addr) {
        let Some(node) = self.by_address(home) else { return };
        if self.addresses.len() < LEARNED_MAX && !self.addresses.contains_key(&care_of) {
            self.addresses.insert(care_of, (node, self.care_of_label(node)));
        }
    }

    /// What an address is called: its label, `coa` where a known interface formed it, else itself.
    pub(super) fn label(&self, address: Ipv6Addr) -> String {
        if let Some((_, label)) = self.addresses.get(&address) {
            return label.clone();
        }
        match mac_within(address).and_then(|mac| self.by_mac(mac)) {
            Some(node) if !is_link_local(address) => self.care_of_label(node),
            Some(node) => self.name(node).to_owned(),
            None => address.to_string(),
        }
    }

    /// A line with every address that has a label in its place: `alt=coa`, `sip:mt@[hoa]`.
    pub(super) fn relabelled(&self, line: &str) -> String {
        let mut out = String::with_capacity(line.len());
        let of_address = |c: char| c.is_ascii_hexdigit() || c == ':';
        let mut rest = line;
        while !rest.is_empty() {
            let length = rest.find(|c| !of_address(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(length);
            match word.parse::<Ipv6Addr>() {
                Ok(address) => out.push_str(&self.label(address)),
                Err(_) => out.push_str(word),
            }
            let length = after.find(of_address).unwrap_or(after.len());
            out.push_str(&after[..length]);
            rest = &after[length..];
        }
        out
    }

    fn care_of_label(&self, node: usize) -> String {
        match self.name(node) {
            "mt" => "coa".to_owned(),
            other => format!("{other}-coa"),
        }
    }

    fn index(&mut self, name: &str, passes_on: bool) -> usize {
        self.find(name).unwrap_or_else(|| {
            self.nodes.push(NodeName { name: name.to_owned(), passes_on });
            self.nodes.len() - 1
        })
    }
}

/// The link-layer address from which an interface identifier was formed (RFC 4291 appendix A).
fn mac_within(address: Ipv6Addr) -> Option<[u8; 6]> {
    let octets = address.octets();
    let [.., a, b, c, 0xff, 0xfe, d, e, f] = octets else { return None };
    Some([a ^ 0x02, b, c, d, e, f])
}

fn is_link_local(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfe80
}

/// A hostile capture cannot teach more addresses than this.
const LEARNED_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::named("2001:db8:a::100", Some("mt"), "hoa")]
    #[case::formed_from_the_mac("2001:db8:f1::ff:fe00:1001", Some("mt"), "coa")]
    #[case::link_local("fe80::ff:fe00:1001", Some("mt"), "mt")]
    #[case::learned("2001:db8:f2::77", Some("mt"), "coa")]
    #[case::unknown("2001:db8:9::9", None, "2001:db8:9::9")]
    fn addresses_name_nodes(
        #[case] address: &str,
        #[case] node: Option<&str>,
        #[case] label: &str,
    ) {
        let mut names = Names::new();
        let home = "2001:db8:a::100".parse().unwrap();
        names.node("mt").mac("mt", [0x02, 0, 0, 0, 0x10, 0x01]).address("mt", home, "hoa");
        names.learn(home, "2001:db8:f2::77".parse().unwrap());
        let address = address.parse().unwrap();
        assert_eq!(names.by_address(address).map(|node| names.name(node)), node);
        assert_eq!(names.label(address), label);
    }

    #[test]
    fn the_claimed_network_is_named_in_the_order_of_a_call() {
        let nodes = vec!["core", "ar1", "cn", "ss", "ha2", "ha", "mt", "mt2"];
        let wanted = claimed::Wanted { nodes, ..claimed::Wanted::default() };
        let names = Names::of_claimed(&claimed::topology(&wanted));
        let columns = (0..names.len()).filter(|node| !names.passes_on(*node));
        let columns: Vec<&str> = columns.map(|node| names.name(node)).collect();
        assert_eq!(columns, ["mt", "ha2", "ha", "ss", "cn", "mt2"]);
        assert_eq!(names.label(claimed::HOA), "hoa");
    }

    #[rstest]
    #[case("BU seq=7 A life=420s alt=2001:db8:f1::ff:fe00:1001", "BU seq=7 A life=420s alt=coa")]
    #[case("INVITE sip:mt@[2001:db8:a::100]:5060", "INVITE sip:mt@[hoa]:5060")]
    #[case("REGISTER sip:example.com → 2001:db8:9::9", "REGISTER sip:example.com → 2001:db8:9::9")]
    #[case("", "")]
    fn addresses_in_a_line_are_told_by_their_labels(#[case] line: &str, #[case] told: &str) {
        let mut names = Names::new();
        let home = "2001:db8:a::100".parse().unwrap();
        names.node("mt").mac("mt", [0x02, 0, 0, 0, 0x10, 0x01]).address("mt", home, "hoa");
        assert_eq!(names.relabelled(line), told);
    }

    #[test]
    fn a_stranger_gets_his_address_as_name() {
        let mut names = Names::new();
        let node = names.by_address_or_new("2001:db8:9::9".parse().unwrap());
        assert_eq!(names.name(node), "2001:db8:9::9");
        assert_eq!(names.by_address_or_new("2001:db8:9::9".parse().unwrap()), node);
    }
}
