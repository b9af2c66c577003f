//! Proxy neighbour discovery on the home link (claim 8).

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::{Message, NeighbourAdvertisement, NeighbourSolicitation};
use roamproof_wire::ipv6::address::{ALL_NODES, solicited_node};
use roamproof_wire::ipv6::{Outgoing, protocol};

use super::setting::{ANSWER, LONG, SILENCE, Setting, home_agent_alone};
use crate::purpose::Purpose;
use crate::purpose::packets::echo_request;
use crate::tester::template::neighbour_advertisement;
use crate::tester::{Station, StationId, Template, Tester};
use crate::topology::Role;
use crate::verdict::Stop;

/// The home agent stands in for a terminal that is away.
pub(in crate::purpose) const ANSWERS_FOR_THE_REGISTERED: Purpose = Purpose {
    id: "CL-INT-02/registered",
    version: 1,
    title: "The home agent answers Neighbour Solicitations for a registered home address with its own link-layer address",
    verifies: &["CL-INT-02", "HA-ND-04", "HA-FWD-02"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(6),
    wants: home_agent_alone,
    body: answers_for_the_registered,
};

/// And for nobody else.
pub(in crate::purpose) const SILENT_FOR_THE_UNREGISTERED: Purpose = Purpose {
    id: "CL-INT-02/unregistered",
    version: 1,
    title: "The home agent answers no Neighbour Solicitation for an address that nobody registered",
    verifies: &["CL-INT-02", "HA-ND-09"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(7),
    wants: home_agent_alone,
    body: silent_for_the_unregistered,
};

/// Somebody else on the home link.
pub(super) struct Neighbour {
    pub(super) station: StationId,
    pub(super) address: Ipv6Addr,
}

const NEIGHBOUR_MAC: Mac = Mac([0x02, 0x00, 0x5e, 0x10, 0x7e, 0x57]);
/// The interface identifiers of the neighbour, and of an address that nobody has.
const NEIGHBOUR: u64 = 0x7e57;
const NOBODY: u64 = 0x0bad_0bad;

fn answers_for_the_registered(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::registered(t, LONG)?;
    let neighbour = Neighbour::on_the_home_link(t)?;
    let home = setting.mobile.home;

    t.when("a neighbour solicits the registered home address");
    neighbour.solicits(t, home)?;

    t.then("the home agent answers with its own link-layer address");
    t.hears(&neighbour.answer(home).naming(t.plan.subject).flags(Some(false), true, None), ANSWER)?;

    t.when("the neighbour sends a packet there");
    let probe = echo_request(neighbour.address, home, 5);
    t.sends(neighbour.station, &probe)?;

    t.then("the home agent takes it, and it leaves in the tunnel to the care-of address");
    t.hears(&setting.tunnel().carrying(&probe), ANSWER)?;
    Ok(())
}

fn silent_for_the_unregistered(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::registered(t, LONG)?;
    let neighbour = Neighbour::on_the_home_link(t)?;
    let (home, nobody) = (setting.mobile.home, t.plan.address("home", NOBODY));

    t.given("the home agent answers a neighbour that solicits the registered home address");
    neighbour.solicits(t, home)?;
    t.hears(&neighbour.answer(home), ANSWER)?;

    t.when("the neighbour solicits an address of the home link that nobody registered");
    neighbour.solicits(t, nobody)?;

    t.then("the home agent does not answer for it");
    t.hears_none(&neighbour_advertisement(nobody), SILENCE)?;

    t.given("it goes on answering for the registered home address");
    neighbour.solicits(t, home)?;
    t.hears(&neighbour.answer(home), ANSWER)?;
    Ok(())
}

impl Neighbour {
    pub(super) fn on_the_home_link(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let address = t.plan.address("home", NEIGHBOUR);
        let station = t.station("home", Station::host(NEIGHBOUR_MAC, [address]))?;
        Ok(Self { station, address })
    }

    /// What answers it: an announcement to all nodes does not.
    pub(super) fn answer(&self, target: Ipv6Addr) -> Template {
        let asked = self.address;
        neighbour_advertisement(target)
            .that(format!("to {asked}"), move |packet| packet.header.destination == asked)
    }

    /// RFC 4861 §7.2.2: to the solicited-node group of the target.
    pub(super) fn solicits(&self, t: &mut Tester<'_>, target: Ipv6Addr) -> Result<usize, Stop> {
        let group = solicited_node(target);
        let solicitation = NeighbourSolicitation { target, source_link_layer: Some(NEIGHBOUR_MAC) };
        let outgoing = Outgoing::new(self.address, group, protocol::ICMPV6);
        let packet = Message::NeighbourSolicitation(solicitation)
            .packet(&Outgoing { hop_limit: 255, ..outgoing });
        t.sends_to(Mac::multicast(group), self.station, &packet)
    }

    /// RFC 4861 §7.3.3: to the address itself, whether it is still there.
    pub(super) fn asks_alone(&self, t: &mut Tester<'_>, target: Ipv6Addr) -> Result<usize, Stop> {
        let solicitation = NeighbourSolicitation { target, source_link_layer: Some(NEIGHBOUR_MAC) };
        let outgoing = Outgoing::new(self.address, target, protocol::ICMPV6);
        let packet = Message::NeighbourSolicitation(solicitation)
            .packet(&Outgoing { hop_limit: 255, ..outgoing });
        t.sends(self.station, &packet)
    }

    /// RFC 4862 §5.4.2: whether somebody has the address that it wants to take.
    pub(super) fn wants(&self, t: &mut Tester<'_>, target: Ipv6Addr) -> Result<usize, Stop> {
        let group = solicited_node(target);
        let solicitation = NeighbourSolicitation { target, source_link_layer: None };
        let outgoing = Outgoing::new(Ipv6Addr::UNSPECIFIED, group, protocol::ICMPV6);
        let packet = Message::NeighbourSolicitation(solicitation)
            .packet(&Outgoing { hop_limit: 255, ..outgoing });
        t.sends_to(Mac::multicast(group), self.station, &packet)
    }

    /// It has the address, and says so to all (RFC 4861 §7.2.5).
    pub(super) fn defends(&self, t: &mut Tester<'_>, target: Ipv6Addr) -> Result<usize, Stop> {
        let advertisement = NeighbourAdvertisement {
            router: false,
            solicited: false,
            overrides: true,
            target,
            target_link_layer: Some(NEIGHBOUR_MAC),
        };
        let outgoing = Outgoing::new(target, ALL_NODES, protocol::ICMPV6);
        let packet = Message::NeighbourAdvertisement(advertisement)
            .packet(&Outgoing { hop_limit: 255, ..outgoing });
        t.sends_to(Mac::multicast(ALL_NODES), self.station, &packet)
    }
}
