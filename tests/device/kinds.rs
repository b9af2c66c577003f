//! Kinds of devices that are right although they are not like the reference: slow ones, noisy ones.

use std::collections::VecDeque;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_node::{Held, Input, Instant, Interface, Node, Output, Wakeup};
use roamproof_wire::ethernet::{self, Mac};
use roamproof_wire::icmpv6::{MulticastRecord, mld_report_packet};
use roamproof_wire::ipv6::Packet;

use crate::Test;
use crate::program::{changed, run};

pub(crate) const TESTS: &[Test] = &[
    ("a_slow_home_agent_passes", || passes("reference-ha.toml", "slow", "home-agent")),
    ("a_slow_mobile_terminal_passes", || passes("reference-mn.toml", "slow", "mobile-terminal")),
    ("a_slow_sip_server_passes", || passes("reference-sip-server.toml", "slow", "sip-server")),
    ("a_noisy_home_agent_passes", || passes("reference-ha.toml", "noisy", "home-agent")),
    ("a_noisy_mobile_terminal_passes", || passes("reference-mn.toml", "noisy", "mobile-terminal")),
    ("a_noisy_correspondent_passes", || passes("reference-cn.toml", "noisy", "correspondent")),
];

/// A device of this kind passes what the reference passes.
fn passes(profile: &str, kind: &str, role: &str) {
    let (node, other) = (format!("\" node {role}"), format!("\" node {kind}-{role}"));
    let program = "exec \"$DEVICE_PROGRAM";
    let changes = [("exec \"$ROAMPROOF_PROGRAM", program), (node.as_str(), other.as_str())];
    let (_folder, path) = changed(profile, &changes);
    let ran = run(&path, &["--max-wait", "12"]);
    let verdicts = ran.verdicts();
    assert!(!verdicts.is_empty(), "{}", ran.trouble());
    let late = ran.trouble().contains("this host was");
    let right = |verdict| verdict == "PASS" || late && verdict == "INCONC";
    assert!(verdicts.iter().all(|(_, verdict)| right(*verdict)), "{}", ran.trouble());
}

/// A reference node, or one in a shell that makes it slow or noisy.
pub(crate) fn build(
    role: &str,
    config: &str,
    epoch: Duration,
    seed: u64,
    misdeeds: &[String],
) -> Result<Box<dyn Node>, String> {
    let make = |role| roamproof::node::build(role, config, epoch, seed, misdeeds);
    if let Some(role) = role.strip_prefix("slow-") {
        let (node, held, now) = (make(role)?, VecDeque::new(), Instant::at(Duration::ZERO));
        Ok(Box::new(Slow { node, held, now }))
    } else if let Some(role) = role.strip_prefix("noisy-") {
        let (node, said) = (make(role)?, VecDeque::new());
        Ok(Box::new(Noisy { node, said, next: Duration::ZERO, mac: None }))
    } else {
        make(role)
    }
}

/// A node whose frames leave 25 ms after it has made them.
struct Slow {
    node: Box<dyn Node>,
    held: VecDeque<(Instant, Output)>,
    now: Instant,
}

const DELAY: Duration = Duration::from_millis(25);

impl Node for Slow {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.now = now;
        self.node.handle_input(now, input);
        while let Some(output) = self.node.poll_output() {
            self.held.push_back((Instant::at(now.since_start() + DELAY), output));
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        let due = self.held.front().is_some_and(|(at, _)| *at <= self.now);
        due.then(|| self.held.pop_front()).flatten().map(|(_, output)| output)
    }

    fn poll_timeout(&self) -> Option<Wakeup> {
        let held = self.held.front().map(|(at, _)| Wakeup { at: *at, why: "slow" });
        [held, self.node.poll_timeout()].into_iter().flatten().min_by_key(|wakeup| wakeup.at)
    }

    fn held(&self) -> Held {
        self.node.held()
    }
}

/// A node that reports multicast groups all the time, and says every Binding Update twice.
struct Noisy {
    node: Box<dyn Node>,
    said: VecDeque<Output>,
    next: Duration,
    mac: Option<Mac>,
}

const NOISE: Duration = Duration::from_millis(150);

impl Node for Noisy {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.node.handle_input(now, input);
        while let Some(output) = self.node.poll_output() {
            if let Output::Frame { octets, .. } = &output {
                self.mac = ethernet::Ethernet::parse(octets).ok().map(|(head, _)| head.source);
                if is_binding_update(octets) {
                    self.said.push_back(output.clone());
                }
            }
            self.said.push_back(output);
        }
        if let Some(mac) = self.mac
            && now.since_start() >= self.next
        {
            self.next = now.since_start() + NOISE;
            let source = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x5eff, 0xfe10, 0xbad);
            let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
            let report = mld_report_packet(source, vec![MulticastRecord::joins(group)]);
            let to = Mac([0x33, 0x33, 0, 0, 0, 0x16]);
            let octets = ethernet::frame(to, mac, &report);
            self.said.push_back(Output::Frame { interface: Interface(0), octets });
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.said.pop_front()
    }

    fn poll_timeout(&self) -> Option<Wakeup> {
        let noise = self.mac.map(|_| Wakeup { at: Instant::at(self.next), why: "noise" });
        [noise, self.node.poll_timeout()].into_iter().flatten().min_by_key(|wakeup| wakeup.at)
    }

    fn held(&self) -> Held {
        self.node.held()
    }
}

/// Type 5 of a Mobility Header (RFC 6275 §6.1.7), its third octet.
fn is_binding_update(frame: &[u8]) -> bool {
    let Ok((_, octets)) = ethernet::Ethernet::parse(frame) else { return false };
    let Ok(packet) = Packet::parse(octets) else { return false };
    packet.protocol == roamproof_wire::ipv6::protocol::MOBILITY && packet.payload.get(2) == Some(&5)
}
