//! The networks that sequences run in, their configuration read once.

use std::sync::OnceLock;

use roamproof_harness::topology::Topology;
use roamproof_harness::topology::claimed::{Wanted, topology};
use roamproof_node::build::Blueprint;

/// Which network: four bits, each of them one difference from the claimed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Variant(u8);

/// A network to build.
pub(super) struct Plan {
    pub(super) topology: Topology,
    /// Of each node, in the topology's order.
    pub(super) blueprints: Vec<Blueprint>,
}

impl Variant {
    /// The variant that a sequence asks for by its first operation.
    pub(super) fn first_in(octets: &[u8]) -> Self {
        match octets.first() {
            Some(first) if first >> 4 == 0xb => Self(first & 0x0f),
            Some(_) | None => Self::default(),
        }
    }

    /// Whether the SIP server tunnels to the care-of address by itself.
    const fn is_direct(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether parties answer when they are told to, and not by themselves.
    pub(super) const fn answers_by_hand(self) -> bool {
        self.0 & 2 != 0
    }

    /// Whether SIP goes over TCP.
    const fn is_stream(self) -> bool {
        self.0 & 4 != 0
    }

    /// Whether the correspondent knows no Mobile IPv6.
    pub(super) const fn is_plain(self) -> bool {
        self.0 & 8 != 0
    }

    /// The network of this variant.
    pub(super) fn plan(self) -> &'static Plan {
        static PLANS: [OnceLock<Plan>; 16] = [const { OnceLock::new() }; 16];
        PLANS[usize::from(self.0)].get_or_init(|| {
            let topology = topology(&Wanted {
                start: Some("visited-1"),
                direct: self.is_direct(),
                mobile_ipv6: !self.is_plain(),
                transport: if self.is_stream() { "tcp" } else { "udp" },
                answer_after_ms: (!self.answers_by_hand()).then_some(200),
                ..Wanted::default()
            });
            let blueprints = topology
                .nodes
                .iter()
                .map(|spec| Blueprint::read(spec.role.name(), &spec.config))
                .collect::<Result<_, _>>()
                .expect("the claimed network's own configuration can be read");
            Plan { topology, blueprints }
        })
    }
}
