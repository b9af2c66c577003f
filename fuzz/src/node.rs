//! What must hold of a node whatever happens to it: operations read from octets drive one node of the
//! claimed network, alone.
//!
//! | operation | octets | what happens |
//! |---|---|---|
//! | 0, 7 | 0–1f, e0–ff; two octets | milliseconds pass |
//! | 1 | 20–3f; two octets of length, a frame | the frame arrives |
//! | 2 | 40–5f; the same | it arrives with a right checksum, addressed to the node |
//! | 3 | 60–7f; one octet | the link goes down (even) or up (odd) |
//! | 4 | 80–9f; one octet of length, text | a user commands |
//! | 5 | a0–bf; two octets of length, a packet | a program on its host sends |
//! | 6 | c0–df; one octet | that many seconds pass, modulo 64 |
//! | 7 | e0–ff; one octet, an edit | a peer acts by the table of `peers.rs` (the octet modulo 32), its packet edited where the octet is 128 or more |
//!
//! The low bits of an operation name the interface.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

use roamproof_harness::evidence::Names;
use roamproof_harness::plan::Plan;
use roamproof_harness::topology::claimed::{Wanted, topology};
use roamproof_harness::topology::{NodeSpec, Role, Topology};
use roamproof_node::build::Blueprint;
use roamproof_node::{Command, Input, Instant, Interface, Node, Output};
use roamproof_wire::edit::{Edit, mend_checksums};
use roamproof_wire::ethernet::{self, HEADER_LEN, Mac};

use crate::operations::is_right;
use crate::peers::{self, Peers, ROUTER};
use crate::reading::Reading;
use crate::rest::Rest;
use crate::watches::Watches;
use crate::{tally, trace};

/// An access router.
pub(crate) fn router(octets: &[u8]) {
    static ROUTER: Prototype = Prototype::new("ar1");
    drive(&ROUTER, octets);
}

/// A home agent that asks for no authentication, so that random updates reach its binding cache.
pub(crate) fn home_agent(octets: &[u8]) {
    static HOME_AGENT: Prototype = Prototype::new("ha");
    drive(&HOME_AGENT, octets);
}

/// A mobile terminal on a visited link.
pub(crate) fn mobile_terminal(octets: &[u8]) {
    static MOBILE_TERMINAL: Prototype = Prototype::new("mt");
    drive(&MOBILE_TERMINAL, octets);
}

/// A correspondent: return routability, bindings, calls.
pub(crate) fn correspondent(octets: &[u8]) {
    static CORRESPONDENT: Prototype = Prototype::new("cn");
    drive(&CORRESPONDENT, octets);
}

/// A SIP server.
pub(crate) fn sip_server(octets: &[u8]) {
    static SIP_SERVER: Prototype = Prototype::new("ss");
    drive(&SIP_SERVER, octets);
}

/// Nothing makes the node panic, spin, send without bound, amplify, or keep what is over.
fn drive(prototype: &'static Prototype, octets: &[u8]) {
    let at_rest = prototype.at_rest();
    let mut bench = Bench::new(prototype);
    bench.pass(SETTLING);
    let mut rest = Operations(octets);
    while let Some(operation) = rest.take(1) {
        trace::step(bench.now.since_start(), || told(operation[0], rest.0));
        bench.apply(operation[0], &mut rest);
        bench.is_bounded();
    }
    bench.pass(SETTLING);
    trace::step(bench.now.since_start(), || "nothing happens any more".to_owned());
    bench.come_to_rest();
    bench.is_at_rest(at_rest);
    tally::count_events(bench.inputs);
}

/// What the node is to do wrong, where a defect is planted.
fn misdeeds() -> Vec<String> {
    #[cfg(feature = "misdeeds")]
    return crate::defect::misdeeds();
    #[cfg(not(feature = "misdeeds"))]
    Vec::new()
}

/// What an operation does, for people; `rest` is what follows its first octet.
fn told(operation: u8, rest: &[u8]) -> String {
    let interface = operation & 0x1f;
    let u8_at = |at: usize| rest.get(at).copied().unwrap_or_default();
    let u16 = u16::from_be_bytes([u8_at(0), u8_at(1)]);
    match operation >> 5 {
        1 => format!("a frame of {u16} octets arrives on interface {interface}"),
        2 => format!("a frame of {u16} octets, mended, arrives on interface {interface}"),
        3 => format!(
            "the link of interface {interface} goes {}",
            if u8_at(0) & 1 == 1 { "up" } else { "down" }
        ),
        4 => {
            let text = rest.get(1..).unwrap_or_default();
            let text = &text[..text.len().min(u8_at(0).into())];
            format!("command: {}", text.escape_ascii())
        }
        5 => format!("a program on its host sends {u16} octets"),
        6 => format!("{} s pass", u8_at(0) & 0x3f),
        7 => {
            let edited = if u8_at(0) >= 0x80 { ", one fault in it" } else { "" };
            format!("peer: {}{edited}", peers::told(u8_at(0) & 0x1f))
        }
        _ => format!("{u16} ms pass"),
    }
}

/// A node of the claimed network, its configuration read once for all sequences.
struct Prototype {
    name: &'static str,
    read: OnceLock<Read>,
    at_rest: OnceLock<Rest>,
}

/// What all sequences have in common.
struct Read {
    topology: Topology,
    blueprint: Blueprint,
    plan: Plan,
    watches: Watches,
}

impl Prototype {
    const fn new(name: &'static str) -> Self {
        Self { name, read: OnceLock::new(), at_rest: OnceLock::new() }
    }

    /// What it keeps when nothing has happened to it, and it does nothing wrong.
    fn at_rest(&'static self) -> &'static Rest {
        self.at_rest.get_or_init(|| {
            #[cfg(feature = "misdeeds")]
            let mut bench = crate::defect::with(None, || Bench::new(self));
            #[cfg(not(feature = "misdeeds"))]
            let mut bench = Bench::new(self);
            bench.pass(SETTLING);
            bench.come_to_rest();
            bench.rest()
        })
    }

    fn read(&self) -> &Read {
        self.read.get_or_init(|| {
            let wanted = Wanted {
                nodes: vec![self.name],
                start: Some("visited-1"),
                direct: true,
                ..Wanted::default()
            };
            let topology = topology(&wanted);
            let spec = &topology.nodes[0];
            let config = spec
                .config
                .replace("[home_agent]\n", "[home_agent]\nauthentication = \"none\"\n")
                .replace("[mobile]\n", "[mobile]\nauthentication = \"none\"\n")
                // As often as for movement detection it would do little else.
                .replace("advertise = {", "advertise = { interval_ms = 4000,");
            let blueprint = Blueprint::read(spec.role.name(), &config)
                .expect("the claimed network's own configuration can be read");
            let plan = Plan::claimed(Mac(spec.interfaces[0].mac));
            let watches = Watches::over(spec);
            Read { topology, blueprint, plan, watches }
        })
    }
}

struct Operations<'a>(&'a [u8]);

impl<'a> Operations<'a> {
    /// The next `len` octets, `None` at the end.
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> u8 {
        self.take(1).map_or(0, |octets| octets[0])
    }

    fn u16(&mut self) -> u16 {
        self.take(2).map_or(0, |octets| u16::from_be_bytes([octets[0], octets[1]]))
    }

    /// As many octets as the length before them says, or as there are.
    fn counted(&mut self, len: usize) -> &'a [u8] {
        let len = len.min(self.0.len());
        self.take(len).expect("no more than there are")
    }
}

/// A node in the hands of a fuzzer.
pub(crate) struct Bench {
    pub(crate) node: Box<dyn Node>,
    peers: Peers,
    watches: Watches,
    spec: &'static NodeSpec,
    pub(crate) now: Instant,
    /// The interfaces whose link is down: no frame passes them.
    down: BTreeSet<Interface>,
    /// Inputs so far.
    pub(crate) inputs: usize,
}

impl Bench {
    fn new(prototype: &'static Prototype) -> Self {
        let Read { topology, blueprint, plan, watches } = prototype.read();
        let spec = &topology.nodes[0];
        let interfaces = spec.interfaces.iter().map(|one| one.name.clone());
        trace::begin(interfaces, EPOCH, || Names::of_claimed(topology), Some(&spec.name));
        let node = blueprint
            .build(EPOCH, SEED, &misdeeds())
            .expect("the claimed network's own configuration is right");
        let (peers, watches) = (Peers::new(spec.role, plan), watches.clone());
        let (now, down) = (Instant::ZERO, BTreeSet::new());
        let mut bench = Self { node, peers, watches, spec, now, down, inputs: 0 };
        bench.plug_in();
        bench
    }

    /// Every link is up from now on.
    pub(crate) fn plug_in(&mut self) {
        for interface in (0..self.interfaces()).map(Interface) {
            self.put(Input::Link { interface, up: true });
        }
    }

    fn apply(&mut self, operation: u8, rest: &mut Operations<'_>) {
        let number = rest.0.first().copied().unwrap_or_default();
        // Who does not roam loses what it says while its link is down.
        let loses = operation >> 5 == 3 && self.spec.role != Role::MobileTerminal;
        if loses || !is_right(&[operation, number]) {
            self.watches.end();
        }
        let interface = Interface((operation & 0x1f) % self.interfaces());
        match operation >> 5 {
            1 => {
                let len = rest.u16();
                self.put(Input::Frame { interface, octets: rest.counted(len.into()) });
            }
            2 => {
                let len = rest.u16();
                let frame = self.mended(interface, rest.counted(len.into()));
                self.put(Input::Frame { interface, octets: &frame });
            }
            3 => self.put(Input::Link { interface, up: rest.u8() & 1 == 1 }),
            4 => {
                let len = rest.u8();
                let text = rest.counted(len.into());
                if let Ok(Ok(command)) = std::str::from_utf8(text).map(str::parse::<Command>) {
                    // What is forgotten is not kept to.
                    if command == Command::Restart {
                        self.watches.end();
                    }
                    self.watches.asked(text);
                    self.put(Input::Command(&command));
                }
            }
            5 => {
                let len = rest.u16();
                let packet = rest.counted(len.into());
                self.watches.sent_by_program(packet);
                self.put(Input::Local(packet));
            }
            6 => self.pass(Duration::from_secs((rest.u8() & 0x3f).into())),
            7 => self.peer_acts(interface, rest),
            _ => self.pass(Duration::from_millis(rest.u16().into())),
        }
    }

    /// What a right peer sends, or that with one fault in it.
    fn peer_acts(&mut self, interface: Interface, rest: &mut Operations<'_>) {
        let number = rest.u8();
        let edit = Edit::decode(rest.0).filter(|_| number >= 0x80);
        if let Some((_, after)) = edit {
            rest.0 = after;
        }
        let now = EPOCH + self.now.since_start();
        let Some(mut packet) = self.peers.act(number & 0x1f, now) else { return };
        if let Some((edit, _)) = edit {
            edit.apply(&mut packet);
            mend_checksums(&mut packet);
        }
        let mac = Mac(self.spec.interfaces[usize::from(interface.0)].mac);
        let frame = ethernet::frame(mac, ROUTER, &packet);
        self.put(Input::Frame { interface, octets: &frame });
    }

    /// Lets time pass, deadline by deadline.
    pub(crate) fn pass(&mut self, wait: Duration) {
        let until = self.now + wait;
        let mut at_once = 0;
        while let Some(wakeup) = self.node.poll_timeout().filter(|wakeup| wakeup.at <= until) {
            at_once = if wakeup.at > self.now { 0 } else { at_once + 1 };
            assert!(at_once < AT_ONCE_MAX, "spins at {}: {}", self.now, wakeup.why);
            self.now = self.now.max(wakeup.at);
            self.put(Input::Time);
        }
        self.now = until;
    }

    /// Lets time pass at once: the node is late for every deadline until then.
    pub(crate) fn leap(&mut self, wait: Duration) {
        self.now += wait;
        self.put(Input::Time);
        self.pass(Duration::ZERO);
    }

    pub(crate) fn put(&mut self, input: Input<'_>) {
        self.inputs += 1;
        if let Input::Link { interface, up } = input {
            self.watches.detached();
            if up {
                self.down.remove(&interface)
            } else {
                self.down.insert(interface)
            };
        }
        if let Input::Frame { interface, octets } = &input {
            if self.down.contains(interface) {
                return;
            }
            trace::frame(self.now.since_start(), interface.0, octets);
            if let Some(packet) = octets.get(HEADER_LEN..) {
                self.watches.comes(self.now.since_start(), packet);
            }
        }
        self.node.handle_input(self.now, input);
        let mut neighbours = self.drain();
        // A neighbour that answers may be asked again, for the next packet that waits.
        for _ in 0..NEIGHBOURS_MAX {
            let Some((interface, octets)) = neighbours.pop() else { break };
            trace::frame(self.now.since_start(), interface.0, &octets);
            self.node.handle_input(self.now, Input::Frame { interface, octets: &octets });
            neighbours.extend(self.drain());
        }
    }

    /// Takes everything that the node sends; returns what its neighbours answer at once.
    fn drain(&mut self) -> Vec<(Interface, Vec<u8>)> {
        let mut octets_sent = 0;
        let mut answers = Vec::new();
        for outputs in 0.. {
            assert!(outputs < OUTPUTS_MAX, "sends without end");
            match self.node.poll_output() {
                Some(Output::Frame { interface, octets }) => {
                    assert!(interface.0 < self.interfaces(), "sends on an interface it has not");
                    assert!(
                        octets.len() >= HEADER_LEN && octets.len() <= FRAME_MAX,
                        "{} octets",
                        octets.len()
                    );
                    octets_sent += octets.len();
                    if self.down.contains(&interface) {
                        continue;
                    }
                    trace::frame(self.now.since_start(), interface.0, &octets);
                    let Some(reading) = Reading::of(&octets[HEADER_LEN..]) else { continue };
                    self.watches.leaves(self.now.since_start(), &reading);
                    let answer = self.peers.hear(&reading);
                    let to = Mac(self.spec.interfaces[usize::from(interface.0)].mac);
                    answers
                        .extend(answer.map(|one| (interface, ethernet::frame(to, ROUTER, &one))));
                }
                Some(Output::Local(_) | Output::Event(_)) => {}
                None => break,
            }
        }
        assert!(octets_sent <= OCTETS_SENT_MAX, "{octets_sent} octets for one input");
        answers
    }

    /// The frame addressed to the node, its upper layer's checksum right: what random octets never are.
    fn mended(&self, interface: Interface, frame: &[u8]) -> Vec<u8> {
        let mut frame = frame.to_vec();
        let Some((header, packet)) = frame.split_at_mut_checked(HEADER_LEN) else { return frame };
        if header[0] & 1 == 0 {
            header[..6].copy_from_slice(&self.spec.interfaces[usize::from(interface.0)].mac);
        }
        mend_checksums(packet);
        frame
    }

    fn interfaces(&self) -> u8 {
        u8::try_from(self.spec.interfaces.len()).expect("a node has few interfaces")
    }
}

const EPOCH: Duration = Duration::from_secs(1_700_000_000);
const SEED: u64 = 1;
const SETTLING: Duration = Duration::from_secs(2);
const AT_ONCE_MAX: u32 = 1000;
const OUTPUTS_MAX: usize = 10_000;
/// Neighbours that answer between two operations.
const NEIGHBOURS_MAX: usize = 64;
const FRAME_MAX: usize = 1518;
const OCTETS_SENT_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use roamproof_wire::dissect::dissect_packet;

    /// What a node sent last after these operations, the newest first.
    fn sent_by(prototype: &'static Prototype, octets: &[u8]) -> Vec<String> {
        let mut bench = Bench::new(prototype);
        bench.pass(SETTLING);
        let mut rest = Operations(octets);
        while let Some(operation) = rest.take(1) {
            bench.apply(operation[0], &mut rest);
        }
        bench.peers.sent().map(dissect_packet).collect()
    }

    fn sent(octets: &[u8]) -> Vec<String> {
        static TERMINAL: Prototype = Prototype::new("mt");
        sent_by(&TERMINAL, octets)
    }

    /// Without right peers no random octets get that far.
    #[test]
    fn peers_lead_a_terminal_to_a_call() {
        let attached = [0xe0, 26, 0xc0, 3];
        let lines = sent(&attached);
        assert!(lines[0].contains("BU seq="), "{lines:#?}");
        let registered = [&attached[..], &[0xe0, 0, 0x00, 0, 100]].concat();
        let lines = sent(&registered);
        assert!(lines[0].contains("REGISTER"), "{lines:#?}");
        let invited = [&registered[..], &[0xe0, 0, 0xe0, 21]].concat();
        let lines = sent(&invited);
        assert!(lines[0].contains("CoTI") && lines[1].contains("HoTI"), "{lines:#?}");
        let updated = [&invited[..], &[0xe0, 0, 0xe0, 1]].concat();
        let lines = sent(&updated);
        assert!(lines[0].contains("BU seq="), "{lines:#?}");
        let answered = [&updated[..], &[0xe0, 0, 0x00, 3, 0xe8]].concat();
        let lines = sent(&answered);
        assert!(lines.iter().any(|line| line.contains("SIP/2.0 200 OK")), "{lines:#?}");
    }
    /// The frames that pass a node after these operations, one a line.
    fn frames(target: &str, name: &str) -> String {
        let target = crate::target(target);
        let (_, octets) = target.corpus().find(|(one, _)| *one == name).expect("it is committed");
        let trace = target.trace(octets);
        assert_eq!(trace.ended, Ok(()));
        trace.dissection
    }

    /// What the claims are about is reached by the corpus itself.
    #[test]
    fn peers_lead_to_media_and_to_tunnels() {
        let direct = frames("mobile_terminal", "peers-media");
        assert!(direct.lines().any(|one| one.contains("HAO") && one.contains("RTP")), "{direct}");
        let bound = frames("correspondent", "peers-media");
        assert!(bound.lines().any(|one| one.contains("RH2") && one.contains("RTP")), "{bound}");
        let tunnels = frames("home_agent", "peers-two-mobiles");
        let care_ofs: BTreeSet<&str> = tunnels
            .lines()
            .filter(|one| one.contains("2001:db8:a::a > ") && one.contains("Echo Request"))
            .filter_map(|one| one.split(" > ").nth(1)?.split(' ').next())
            .collect();
        assert_eq!(care_ofs.len(), 3, "{tunnels}");
    }
}
