//! Questions to a home agent.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::icmpv6::Message as IcmpMessage;
use roamproof_wire::mobility::{BindingLookup, LookupKind, Message};

use super::hands::{ANSWER, core_router, is_there, sequence};
use super::{Question, Seen};
use crate::tester::home_agent::HomeAgent;
use crate::tester::mobile::MobileNode;
use crate::tester::template::{binding_acknowledgement, binding_lookup, message_in};
use crate::tester::{StationId, Template, Tester};
use crate::topology::Role;
use crate::topology::claimed::Wanted;
use crate::verdict::Stop;

/// What it does with home registrations.
pub(super) const REGISTRATION: Question = Question {
    id: "home-registration",
    role: Role::HomeAgent,
    what: "A home registration that nothing authenticates, then one with the option of RFC 4285",
    tells: &["authentication", "duplicate_address_detection"],
    wants: home_agent_alone,
    asks: registration,
};

/// Whether it speaks binding lookup.
pub(super) const BINDING_LOOKUP: Question = Question {
    id: "binding-query",
    role: Role::HomeAgent,
    what: "A binding query of the SIP server for a home address that is bound",
    tells: &["binding_lookup"],
    wants: home_agent_alone,
    asks: asks_binding,
};

/// Where the tester's mobile node claims to be: this host on the first visited link.
const CARE_OF: u64 = 0x1234_5678;
/// Duplicate address detection for the home address takes 1 to 1.5 s the first time.
const DETECTION: Duration = Duration::from_secs(4);
/// Nothing of a probing is left for long.
const LIFETIME: Duration = Duration::from_secs(40);

fn home_agent_alone() -> Wanted {
    Wanted { nodes: vec!["ha"], direct: true, ..Wanted::default() }
}

fn registration(t: &mut Tester<'_>) -> Result<Vec<Seen>, Stop> {
    let router = core_router(t, "home", 0)?;
    is_there(t, router, t.plan.ha, 1)?;
    let (mut mobile, seen) = registers(t, router)?;
    leaves(t, router, &mut mobile)?;
    is_there(t, router, t.plan.ha, 2)?;
    Ok(seen)
}

/// Registers by what the home agent wants.
///
/// # Errors
///
/// Where it accepts no registration.
fn registers(t: &mut Tester<'_>, router: StationId) -> Result<(MobileNode, Vec<Seen>), Stop> {
    let care_of = t.plan.address("visited-1", CARE_OF);
    let mut mobile = MobileNode::new(&t.plan, care_of, sequence(t));
    for (value, proof) in
        [("none", "without authentication"), ("rfc4285", "authenticated by RFC 4285")]
    {
        t.given(format!("a home registration comes {proof}"));
        let since = t.bench.capture().frames.len();
        let unix = t.unix_time();
        let update = match value {
            "none" => mobile.registers_unproved(LIFETIME),
            _ => mobile.registers(LIFETIME, unix),
        };
        t.sends(router, &update)?;
        let number = mobile.sequence();
        let answer = binding_acknowledgement().that("of it", move |packet| {
            matches!(message_in(packet), Some(Message::BindingAcknowledgement(one))
                if one.sequence.0 == number && one.status.0 <= 1)
        });
        let Some(frame) = t.hears_perhaps(&answer, DETECTION)? else { continue };
        let took = t.captured_at(frame).saturating_sub(t.captured_at(since));
        let probed = t.captured_since(since, &detection(t.plan.hoa));
        let detection = if probed.is_empty() {
            let words =
                format!("acknowledges the first registration after {took:.1?}, defending nothing");
            Seen::value("duplicate_address_detection", "no", words)
        } else {
            let words = format!(
                "asks whether the home address is taken, and acknowledges after {took:.1?}"
            );
            Seen::value("duplicate_address_detection", "yes", words)
        };
        let words = format!("accepts a home registration {proof}");
        return Ok((mobile, vec![Seen::value("authentication", value, words), detection]));
    }
    let seen = "none was acknowledged with status 0 or 1".to_owned();
    Err(t.stop("a home registration that is accepted".to_owned(), seen, vec![]))
}

fn asks_binding(t: &mut Tester<'_>) -> Result<Vec<Seen>, Stop> {
    let router = core_router(t, "home", 0)?;
    is_there(t, router, t.plan.ha, 1)?;
    let (mut mobile, _) = registers(t, router)?;

    t.given("the SIP server asks where the home address is");
    let query = BindingLookup::query(0x5052, t.plan.hoa);
    let query = HomeAgent::at(t.plan.ss, &t.plan).tells(t.plan.ha, &query, t.unix_time());
    t.sends(router, &query)?;
    let reply = binding_lookup(LookupKind::BindingReply).from(t.plan.ha).to(t.plan.ss);
    let seen = match t.hears_perhaps(&reply, ANSWER)? {
        Some(_) => Seen::value("binding_lookup", "yes", "answers the SIP server's binding query"),
        None => {
            Seen::value("binding_lookup", "no", "does not answer the SIP server's binding query")
        }
    };
    leaves(t, router, &mut mobile)?;
    is_there(t, router, t.plan.ha, 2)?;
    Ok(vec![seen])
}

/// The mobile node takes its registration back, so that the next is the first again.
fn leaves(t: &mut Tester<'_>, router: StationId, mobile: &mut MobileNode) -> Result<(), Stop> {
    t.given("the mobile node takes its registration back");
    let update = mobile.deregisters(t.unix_time());
    t.sends(router, &update)?;
    t.hears_perhaps(&binding_acknowledgement(), ANSWER).map(drop)
}

/// A Neighbour Solicitation of duplicate address detection for an address (RFC 4862 section 5.4.2).
fn detection(address: Ipv6Addr) -> Template {
    Template::new("Neighbour Solicitation", move |packet| {
        packet.source().is_unspecified()
            && matches!(IcmpMessage::parse(packet),
                Ok(IcmpMessage::NeighbourSolicitation(asked)) if asked.target == address)
    })
}
