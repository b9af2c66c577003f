//! The setting of a mobile terminal's purposes: its links, what it sends there, and how long it may
//! take.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::ipv6::Packet;
use roamproof_wire::mobility::{Lifetime, Message as MobilityMessage};

use crate::tester::template::{binding_update, message_in};
use crate::tester::{Station, StationId, Template, Tester};
use crate::topology::claimed::{Wanted, link_local, mac};
use crate::verdict::Stop;

/// Where the caller takes media.
pub(super) const CALLER_MEDIA: u16 = 0x7e5c;
/// A router is found, two addresses are detected as unique, and updates have their back-off.
pub(super) const ATTACHMENT: Duration = Duration::from_secs(8);
/// What comes without a wait of the protocol's own.
pub(super) const ANSWER: Duration = Duration::from_secs(1);
/// A terminal that takes what it should not take responds at once; L + 200 ms is far below.
pub(super) const SILENCE: Duration = Duration::from_millis(800);
/// What a terminal may take beyond its own answer time before it is not at once any more.
pub(super) const AT_ONCE: Duration = Duration::from_millis(200);
/// Decision D6: at 7 s the terminal may respond without optimization.
pub(super) const BUDGET: Duration = Duration::from_secs(7);

/// The terminal alone; the tester plays all others.
pub(super) fn terminal_alone() -> Wanted {
    Wanted { nodes: vec!["mt"], ..Wanted::default() }
}

/// An access router on visited link 1 or 2.
pub(super) fn access_router(t: &mut Tester<'_>, visited: u8) -> Result<StationId, Stop> {
    let number = 0x10 + visited;
    let link = format!("visited-{visited}");
    let prefix = t.plan.prefix(&link);
    let router = Station::router(Mac(mac(number, 0)), [link_local(number, 0)]).advertising(prefix);
    t.station(&link, router)
}

/// The home agent on the home link, its only router.
pub(super) fn home_router(t: &mut Tester<'_>) -> Result<StationId, Stop> {
    let own = link_local(0x0a, 0);
    let router = Station::router(Mac(mac(0x0a, 0)), [own, t.plan.ha]).serving(t.plan.ha);
    t.station("home", router)
}

/// Whether a packet is a Binding Update that asks for a binding.
pub(super) fn binds(packet: &Packet<'_>) -> bool {
    matches!(message_in(packet), Some(MobilityMessage::BindingUpdate(update)) if update.lifetime != Lifetime::ZERO)
}

/// The time after which the terminal gives the optimization up (decision D6).
pub(super) fn budget(t: &Tester<'_>) -> Duration {
    let declared = t.features.value("route_optimization_budget").and_then(|one| one.parse().ok());
    declared.map_or(BUDGET, Duration::from_secs_f64)
}

/// From the home address to `to`, through the home agent.
pub(super) fn tunnelled_home(t: &Tester<'_>, template: Template, to: Ipv6Addr) -> Template {
    template.from(t.plan.hoa).to(to).in_a_tunnel().to(t.plan.ha)
}

/// A Binding Update to this correspondent.
pub(super) fn updates(correspondent: Ipv6Addr) -> Template {
    binding_update().that(format!("to {correspondent}"), move |packet| {
        packet.header.destination == correspondent
    })
}
