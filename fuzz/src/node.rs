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
//!
//! The low bits of an operation name the interface.

use std::sync::OnceLock;
use std::time::Duration;

use roamproof_harness::topology::NodeSpec;
use roamproof_harness::topology::claimed::{Wanted, topology};
use roamproof_node::build::Blueprint;
use roamproof_node::{Command, Input, Instant, Interface, Node, Output};
use roamproof_wire::edit::mend_checksums;
use roamproof_wire::ethernet::HEADER_LEN;

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

/// Nothing makes the node panic, spin, or send without bound.
fn drive(prototype: &'static Prototype, octets: &[u8]) {
    let mut bench = Bench::new(prototype);
    bench.pass(SETTLING);
    let mut rest = Operations(octets);
    while let Some(operation) = rest.take(1) {
        bench.apply(operation[0], &mut rest);
    }
    bench.pass(SETTLING);
}

/// A node of the claimed network, its configuration read once for all sequences.
struct Prototype {
    name: &'static str,
    read: OnceLock<(NodeSpec, Blueprint)>,
}

impl Prototype {
    const fn new(name: &'static str) -> Self {
        Self { name, read: OnceLock::new() }
    }

    fn read(&self) -> &(NodeSpec, Blueprint) {
        self.read.get_or_init(|| {
            let wanted = Wanted {
                nodes: vec![self.name],
                start: Some("visited-1"),
                direct: true,
                ..Wanted::default()
            };
            let spec = topology(&wanted).nodes.remove(0);
            let config = spec
                .config
                .replace("[home_agent]\n", "[home_agent]\nauthentication = \"none\"\n")
                .replace("[mobile]\n", "[mobile]\nauthentication = \"none\"\n");
            let blueprint = Blueprint::read(spec.role.name(), &config)
                .expect("the claimed network's own configuration can be read");
            (spec, blueprint)
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

struct Bench {
    node: Box<dyn Node>,
    spec: &'static NodeSpec,
    now: Instant,
}

impl Bench {
    fn new(prototype: &'static Prototype) -> Self {
        let (spec, blueprint) = prototype.read();
        let node = blueprint
            .build(EPOCH, SEED, &[])
            .expect("the claimed network's own configuration is right");
        let mut bench = Self { node, spec, now: Instant::ZERO };
        for interface in 0..bench.interfaces() {
            bench.put(Input::Link { interface: Interface(interface), up: true });
        }
        bench
    }

    fn apply(&mut self, operation: u8, rest: &mut Operations<'_>) {
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
                if let Ok(Ok(command)) =
                    std::str::from_utf8(rest.counted(len.into())).map(str::parse::<Command>)
                {
                    self.put(Input::Command(&command));
                }
            }
            5 => {
                let len = rest.u16();
                self.put(Input::Local(rest.counted(len.into())));
            }
            6 => self.pass(Duration::from_secs((rest.u8() & 0x3f).into())),
            _ => self.pass(Duration::from_millis(rest.u16().into())),
        }
    }

    /// Lets time pass, deadline by deadline.
    fn pass(&mut self, wait: Duration) {
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

    fn put(&mut self, input: Input<'_>) {
        self.node.handle_input(self.now, input);
        let mut octets_sent = 0;
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
                }
                Some(Output::Local(_) | Output::Event(_)) => {}
                None => break,
            }
        }
        assert!(octets_sent <= OCTETS_SENT_MAX, "{octets_sent} octets for one input");
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
const FRAME_MAX: usize = 1518;
const OCTETS_SENT_MAX: usize = 1 << 20;
