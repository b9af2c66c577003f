//! Registration: what the home agent and the SIP server are told, where and when (CL-REG).

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::Message as MobilityMessage;
use roamproof_wire::sip::{Fields, HostView, Method};

use super::super::Purpose;
use super::setting::{ANSWER, ATTACHMENT, access_router, binds, budget, terminal_alone};
use super::stage::{Stage, updates_from};
use crate::tester::home_agent::HomeAgent;
use crate::tester::template::{
    binding_update, innermost, message_in, sip_in, sip_request, sip_response,
};
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// The home registration of claims 3 and 8.
pub(in crate::purpose) const BINDS_AT_HOME_AGENT: Purpose = Purpose {
    id: "CL-REG-01",
    version: 1,
    title: "A terminal that attaches to a visited link binds its home address to an address there",
    verifies: &["CL-REG-01"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(8),
    wants: terminal_alone,
    body: binds_at_home_agent,
};

/// The SIP registration of claims 3 and 8.
pub(in crate::purpose) const REGISTERS_HOME_ADDRESS: Purpose = Purpose {
    id: "CL-REG-03",
    version: 1,
    title: "Once bound, a terminal registers its home address with the SIP server, by the tunnel",
    verifies: &["CL-REG-03"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(16),
    wants: terminal_alone,
    body: registers_home_address,
};

/// A handover is the home agent's affair, not the SIP server's.
pub(in crate::purpose) const HANDOVER: Purpose = Purpose {
    id: "CL-REG-05",
    version: 1,
    title: "After a handover the home agent learns the new care-of address, the SIP server nothing",
    verifies: &["CL-REG-05"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach, Trigger::Move],
    waits_max: Duration::from_secs(29),
    wants: terminal_alone,
    body: handover,
};

/// At home a terminal is an ordinary host.
pub(in crate::purpose) const AT_HOME: Purpose = Purpose {
    id: "CL-REG-09",
    version: 1,
    title: "A terminal switched on at home registers and is called without a binding",
    verifies: &["CL-REG-09"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(13),
    wants: terminal_alone,
    body: at_home,
};

/// What a power cycle does not change.
pub(in crate::purpose) const POWER_CYCLE: Purpose = Purpose {
    id: "CL-REG-10",
    version: 1,
    title: "After a power cycle in a visited network, home address and identifier are the same",
    verifies: &["CL-REG-10"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach, Trigger::Reset],
    waits_max: Duration::from_secs(55),
    wants: terminal_alone,
    body: power_cycle,
};

/// What a device may need to come up again.
const RESTART: Duration = Duration::from_secs(30);
/// A terminal that registers where it should not does so as soon as it is bound.
const SETTLING: Duration = Duration::from_secs(2);

fn binds_at_home_agent(t: &mut Tester<'_>) -> Result<(), Stop> {
    access_router(t, 1)?;
    t.when("the terminal attaches to a visited link where a router advertises a prefix");
    t.attaches("visited-1")?;

    t.then("it asks its home agent to bind its home address to an address of that prefix");
    t.hears(&home_registration(t, "visited-1"), ATTACHMENT)?;
    Ok(())
}

fn registers_home_address(t: &mut Tester<'_>) -> Result<(), Stop> {
    let (router, mut agent) = (access_router(t, 1)?, HomeAgent::new(&t.plan));
    t.given("the terminal attaches to a visited link and asks its home agent for a binding");
    t.attaches("visited-1")?;
    let update = t.hears(&home_registration(t, "visited-1"), ATTACHMENT)?;

    t.when("the home agent acknowledges it");
    let acknowledgement = agent.acknowledges(&t.packet(update));
    t.answers(router, acknowledgement)?;

    t.then("it registers its identifier with its home address as contact, by the reverse tunnel");
    t.hears(&registration(t, agent.care_of), ATTACHMENT)?;
    Ok(())
}

fn handover(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut stage = Stage::away(t)?;
    t.when("it attaches to another visited link");
    stage.moves_on(t)?;

    t.then("it asks its home agent to bind its home address to an address of the new link");
    let update = t.hears(&updates_from(t, t.plan.ha, "visited-2"), ATTACHMENT)?;
    t.finds(&home_registration(t, "visited-2"), update)?;

    t.then("it registers no other contact with the SIP server");
    t.hears_none(&registration_of_another(t).by_any_way(), SETTLING)?;

    t.then("it stays reachable: OPTIONS through the new tunnel is answered");
    stage.answers_options(t)
}

fn at_home(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::going_home(t)?;
    let begin = t.bench.capture().frames.len();
    t.when("the terminal is switched on at home");
    t.attaches("home")?;

    t.then("it registers its home address with the SIP server, natively");
    t.hears(&registration(t, None), ATTACHMENT)?;

    t.then("it asks for no binding at its home agent");
    t.captured_none_since(begin, &binding_asked())?;
    t.hears_none(&binding_asked(), SETTLING)?;

    t.when("a call comes");
    let invite = stage.invites(t)?;

    t.then("it responds without a tunnel");
    let response = sip_response(&invite).by_any_way().from(t.plan.hoa).to(t.plan.ss);
    t.hears(&response, budget(t) + ANSWER)?;
    Ok(())
}

fn power_cycle(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    t.when("it is switched off and on where it is");
    t.restarts()?;

    t.then("it asks its home agent to bind the same home address");
    t.hears(&home_registration(t, "visited-1"), RESTART)?;

    t.then("it registers the same identifier with the SIP server");
    t.hears(&registration(t, Some(stage.care_of())), ATTACHMENT)?;
    Ok(())
}

/// A Binding Update of any kind, which must be the home registration from this link.
fn home_registration(t: &Tester<'_>, link: &str) -> Template {
    let (home, prefix) = (t.plan.hoa, t.plan.prefix(link));
    binding_update()
        .to(t.plan.ha)
        .home_address(home)
        .with("A and H set", |packet| {
            matches!(message_in(packet), Some(MobilityMessage::BindingUpdate(update))
                if update.acknowledge && update.home_registration)
        })
        .with("a lifetime", binds)
        .with(format!("a care-of address of {prefix}/64"), move |packet| {
            let Some(MobilityMessage::BindingUpdate(update)) = message_in(packet) else {
                return false;
            };
            let care_of = update.alternate_care_of().unwrap_or(packet.header.source);
            care_of.segments()[..4] == prefix.segments()[..4] && care_of != home
        })
}

/// A REGISTER by any way, which must be the one from the home address: by the reverse tunnel from
/// this care-of address, natively where there is none.
fn registration(t: &Tester<'_>, care_of: Option<Ipv6Addr>) -> Template {
    let (home, agent, identifier) = (t.plan.hoa, t.plan.ha, t.plan.mt_identifier.clone());
    let register = sip_request(Method::Register)
        .from(home)
        .to(t.plan.ss)
        .with(format!("To {identifier}"), move |packet| {
            sip_in(packet).is_some_and(|register| {
                register.to().is_ok_and(|to| to.uri.to_string() == identifier)
            })
        })
        .with(format!("Contact {home}"), move |packet| contacts(packet, home))
        .by_any_way();
    match care_of {
        Some(care_of) => register
            .with("by the reverse tunnel", move |packet| {
                packet.protocol == protocol::IPV6 && packet.header.destination == agent
            })
            .from(care_of)
            .with(format!("naming {care_of} nowhere"), move |packet| {
                !names(&innermost(packet), care_of)
            }),
        None => register.with("in no tunnel", |packet| packet.protocol != protocol::IPV6),
    }
}

/// A REGISTER whose contact is somewhere else than at the home address.
fn registration_of_another(t: &Tester<'_>) -> Template {
    let home = t.plan.hoa;
    sip_request(Method::Register).that("of another contact", move |packet| !contacts(packet, home))
}

/// A Binding Update by any way that asks for a binding.
fn binding_asked() -> Template {
    binding_update().that("that asks for a binding", binds).by_any_way()
}

fn contacts(packet: &Packet<'_>, address: Ipv6Addr) -> bool {
    let Some(register) = sip_in(packet) else { return false };
    let all = register
        .contacts()
        .all(|contact| contact.is_ok_and(|contact| contact.uri.host == HostView::Ipv6(address)));
    all && register.contacts().next().is_some()
}

/// Whether the SIP message in a packet names an address in a Via or a Contact.
fn names(packet: &Packet<'_>, address: Ipv6Addr) -> bool {
    let Some(message) = sip_in(packet) else { return false };
    let host = HostView::Ipv6(address);
    message.vias().flatten().any(|via| via.host == host)
        || message.contacts().flatten().any(|contact| contact.uri.host == host)
}
