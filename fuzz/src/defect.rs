//! Seeded defects: what a fuzzer must find. Nodes have misdeeds for it; parsers are followed by a
//! second one that goes wrong on what few inputs hold.
//!
//! Compiled only with feature `misdeeds`, and at work only while a thread asks for one.

use std::cell::Cell;
use std::net::Ipv6Addr;

use roamproof_node::misdeed::{ALL, FLAWS};
use roamproof_wire::icmpv6::Icmpv6View;
use roamproof_wire::ipv6::Packet;
use roamproof_wire::mobility::{self, Message, MobilityOption};
use roamproof_wire::rtp::RtpView;
use roamproof_wire::sip::{Fields, HeaderName, Message as SipMessage};

/// One seeded defect.
#[derive(Debug, Clone, Copy)]
pub struct Defect {
    /// Its name: of its regression case in `defects/` too.
    pub name: &'static str,
    /// The target that must find it.
    pub target: &'static str,
    /// Whether a checksum, an authenticator or a state lies before it.
    pub behind_structure: bool,
    plant: Plant,
}

#[derive(Debug, Clone, Copy)]
enum Plant {
    /// A parser that goes wrong.
    Parser(fn(&[u8])),
    /// The misdeed of this name, of the target's node, or of the node of the network that has it.
    Node(&'static str),
}

/// Every seeded defect, the one list.
pub const DEFECTS: &[Defect] = &[
    parser("mobility-nonces-before-care-of", "mobility", true, nonces_before_care_of),
    parser("mobility-empty-padding-loops", "mobility", true, empty_padding_loops),
    parser("mobility-advice-of-zero", "mobility", true, advice_of_zero),
    parser("packet-home-address-twice", "packet", false, home_address_twice),
    parser("packet-atomic-fragment-in-tunnel", "packet", true, atomic_fragment_in_tunnel),
    parser("icmpv6-prefix-too-long", "icmpv6", true, prefix_too_long),
    parser("sip-quadratic-vias", "sip", true, quadratic_vias),
    parser("sip-memory-by-length", "sip", false, memory_by_length),
    parser("sdp-ports-overflow", "sdp", false, ports_overflow),
    parser("rtp-extension-past-end", "rtp", false, extension_past_end),
    node("terminal-rings-early", "mobile_terminal", "rings-before-optimization"),
    node("terminal-answers-early", "mobile_terminal", "answers-before-optimization"),
    node("terminal-answers-on-expired-binding", "mobile_terminal", "answers-on-expired-binding"),
    node("terminal-care-of-in-sdp", "mobile_terminal", "care-of-address-in-sdp"),
    node("terminal-registers-outside-tunnel", "mobile_terminal", "registers-outside-tunnel"),
    node("terminal-switches-media-path", "mobile_terminal", "media-path-switch"),
    node("correspondent-switches-media-path", "correspondent", "path-switch"),
    node("correspondent-keeps-old-care-of", "correspondent", "keeps-old-care-of"),
    node("home-agent-keeps-tunnel", "home_agent", "tunnels-to-the-last-care-of-address"),
    node("terminal-presumes-binding", "mobile_terminal", "presumes-binding-after-handover"),
    node("terminal-leaks-routes", "mobile_terminal", "keeps-routes-of-dead-calls"),
    node("correspondent-amplifies", "correspondent", "repeats-refusals"),
    node("correspondent-forgets-others", "correspondent", "forgets-other-bindings"),
    node("home-agent-confuses-nodes", "home_agent", "confuses-mobile-nodes"),
    node("server-leaks-cancelled", "sip_server", "keeps-cancelled-requests"),
    node("server-spins-on-query", "sip_server", "never-cancels-a-query-timer"),
    node("terminal-trusts-binding-of-before", "mobile_terminal", "trusts-binding-of-before"),
    node("network-leaves-binding-at-home", "network", "leaves-binding-at-home"),
    node("network-gives-up-at-first-loss", "network", "gives-up-at-first-loss"),
    node("network-keeps-old-care-of", "network", "keeps-old-care-of"),
];

impl Defect {
    /// The defect called `name`.
    #[must_use]
    pub fn called(name: &str) -> Option<&'static Self> {
        DEFECTS.iter().find(|defect| defect.name == name)
    }
}

/// While `body` runs in this thread, the defect is at work.
pub fn with<T>(defect: Option<&'static Defect>, body: impl FnOnce() -> T) -> T {
    let before = PLANTED.replace(defect);
    let done = body();
    PLANTED.set(before);
    done
}

thread_local! {
    static PLANTED: Cell<Option<&'static Defect>> = const { Cell::new(None) };
}

/// Lets a defective parser of this target have the input, where one is planted.
pub(crate) fn strike(target: &str, octets: &[u8]) {
    if let Some(Defect { plant: Plant::Parser(parse), .. }) =
        PLANTED.get().filter(|defect| defect.target == target)
    {
        parse(octets);
    }
}

/// The misdeeds of the node that is built next.
pub(crate) fn misdeeds() -> Vec<String> {
    match PLANTED.get().map(|defect| defect.plant) {
        Some(Plant::Node(misdeed)) => vec![misdeed.to_owned()],
        Some(Plant::Parser(_)) | None => Vec::new(),
    }
}

/// The misdeeds of a node of this role, in a network.
pub(crate) fn misdeeds_of(role: &str) -> Vec<String> {
    let does = |name: &String| {
        ALL.iter().any(|one| one.role == role && one.name == name)
            || FLAWS.iter().any(|one| one.role == role && one.name == name)
    };
    misdeeds().into_iter().filter(does).collect()
}

const fn parser(
    name: &'static str,
    target: &'static str,
    behind_structure: bool,
    parse: fn(&[u8]),
) -> Defect {
    Defect { name, target, behind_structure, plant: Plant::Parser(parse) }
}

pub(crate) const fn node(
    name: &'static str,
    target: &'static str,
    misdeed: &'static str,
) -> Defect {
    Defect { name, target, behind_structure: true, plant: Plant::Node(misdeed) }
}

/// The message, if its checksum is right.
fn message(octets: &[u8]) -> Option<Message> {
    mobility::verify(SOURCE, DESTINATION, octets).ok()?;
    Message::parse(octets).ok()
}

fn nonces_before_care_of(octets: &[u8]) {
    let Some(Message::BindingUpdate(update)) = message(octets) else { return };
    let options: Vec<&MobilityOption> = update.options.iter().collect();
    let nonces = options.iter().position(|one| matches!(one, MobilityOption::NonceIndices(_)));
    let care_of =
        options.iter().position(|one| matches!(one, MobilityOption::AlternateCareOfAddress(_)));
    if let (Some(nonces), Some(care_of)) = (nonces, care_of) {
        assert!(nonces > care_of, "an option is looked for behind the end");
    }
}

fn empty_padding_loops(octets: &[u8]) {
    if message(octets).is_none() || octets[2] != 5 {
        return;
    }
    let mut at = 12;
    while let [kind, length, ..] = octets[at.min(octets.len())..] {
        // The bug: a PadN of no octets is stepped over by nothing.
        at += match (kind, length) {
            (0, _) => 1,
            (1, 0) => 0,
            (_, length) => 2 + usize::from(length),
        };
    }
}

fn advice_of_zero(octets: &[u8]) {
    let Some(Message::BindingAcknowledgement(answer)) = message(octets) else { return };
    if let Some(advice) = answer.refresh_advice() {
        let times = answer.lifetime.0.checked_div(advice.0);
        assert!(times.is_some(), "divided by an advice of zero");
    }
}

fn home_address_twice(octets: &[u8]) {
    // A Home Address option, its length and the first octets of a documentation prefix.
    let option = [0xc9, 16, 0x20, 0x01];
    let found = octets.windows(option.len()).filter(|window| *window == option).count();
    assert!(found < 2 || octets[0] >> 4 != 6, "a slot is taken twice");
}

fn atomic_fragment_in_tunnel(octets: &[u8]) {
    let Ok(outer) = Packet::parse(octets) else { return };
    let Some(inner) = outer.decapsulated() else { return };
    let Ok(inner) = Packet::parse(inner) else { return };
    assert!(inner.fragment.is_none(), "a fragment that nobody expects");
}

fn prefix_too_long(octets: &[u8]) {
    let Ok(view) = Icmpv6View::new(octets) else { return };
    if view.verify(LINK_LOCAL, ALL_NODES).is_err() || octets[0] != 134 {
        return;
    }
    let mut at = 16;
    while let [kind, units, length, ..] = octets[at.min(octets.len())..] {
        let bits = u32::from(length);
        assert!(kind != 3 || 1_u128.checked_shl(128 - bits.min(128)).is_some() || bits == 0);
        assert!(kind != 3 || bits <= 128, "a prefix of more bits than there are");
        at += usize::from(units).max(1) * 8;
    }
}

fn quadratic_vias(octets: &[u8]) {
    let Ok(message) = SipMessage::parse(octets) else { return };
    let vias = message.headers().filter(|header| header.name == HeaderName::Via).count();
    // Each is compared with each.
    assert!(vias * vias < STEPS_MAX, "more steps than an input of this length may take");
}

fn memory_by_length(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets).to_ascii_lowercase();
    let said = text.split("content-length:").nth(1).and_then(|rest| rest.lines().next());
    if let Some(length) = said.and_then(|said| said.trim().parse::<usize>().ok()) {
        let room: Vec<u8> = Vec::with_capacity(length.min(isize::MAX.unsigned_abs()));
        std::hint::black_box(&room);
    }
}

fn ports_overflow(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    for line in text.lines().filter_map(|line| line.strip_prefix("m=")) {
        let ports = line.split(' ').nth(1).and_then(|ports| ports.split_once('/'));
        if let Some((first, count)) = ports
            && let (Ok(first), Ok(count)) = (first.parse::<u16>(), count.parse::<u16>())
        {
            let last = count.checked_mul(2).and_then(|octets| first.checked_add(octets));
            assert!(last.is_some(), "a port behind the last");
        }
    }
}

fn extension_past_end(octets: &[u8]) {
    if RtpView::new(octets).is_err() || octets[0] & 0x10 == 0 {
        return;
    }
    let at = 12 + 4 * usize::from(octets[0] & 0x0f);
    let Some([_, _, high, low]) = octets.get(at..at + 4) else { return };
    let end = at + 4 + 4 * usize::from(u16::from_be_bytes([*high, *low]));
    assert!(end <= octets.len(), "an extension behind the end");
}

const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const DESTINATION: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x5054, 0xff, 0xfe12, 0x3456);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Steps that an input may take.
const STEPS_MAX: usize = 144;
