//! Queries of those who may not ask: where a terminal is, is its own affair.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::Packet;
use roamproof_wire::mobility::LookupKind;

use super::setting::{LONG, SILENCE, SPEAKS_LOOKUP, Setting, home_agent_with_server};
use crate::purpose::Purpose;
use crate::tester::lookup::{LookupServer, Query};
use crate::tester::template::lookup_in;
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::verdict::Stop;

/// Without authentication.
pub(in crate::purpose) const QUERY_WITHOUT_PROOF: Purpose = Purpose {
    id: "CL-DST-07/unauthenticated",
    version: 1,
    title: "A query without authentication is not answered",
    verifies: &["CL-DST-07"],
    role: Role::HomeAgent,
    applies: SPEAKS_LOOKUP,
    triggers: &[],
    waits_max: Duration::from_secs(8),
    wants: home_agent_with_server,
    body: |t| {
        is_withheld(t, "a query comes without authentication", |setting, unix| {
            setting.server.asks_without_proof(setting.mobile.home, unix)
        })
    },
};

/// From somebody who has not the key.
pub(in crate::purpose) const QUERY_WITH_ANOTHER_KEY: Purpose = Purpose {
    id: "CL-DST-07/wrong-key",
    version: 1,
    title: "A query proved by another key is not answered",
    body: |t| {
        is_withheld(t, "a query comes that another key proves", |setting, unix| {
            setting.server.asks_with_another_key(setting.mobile.home, unix)
        })
    },
    ..QUERY_WITHOUT_PROOF
};

/// Stamped too long ago.
pub(in crate::purpose) const LATE_QUERY: Purpose = Purpose {
    id: "CL-DST-07/late",
    version: 1,
    title: "A query that was made more than 7 s ago is not answered",
    body: |t| {
        is_withheld(t, "a query comes that was stamped 12 s ago", |setting, unix| {
            setting.server.asks(setting.mobile.home, unix.saturating_sub(OFF))
        })
    },
    ..QUERY_WITHOUT_PROOF
};

/// Stamped in times to come.
pub(in crate::purpose) const EARLY_QUERY: Purpose = Purpose {
    id: "CL-DST-07/early",
    version: 1,
    title: "A query that will be made more than 7 s from now is not answered",
    body: |t| {
        is_withheld(t, "a query comes that was stamped 12 s from now", |setting, unix| {
            setting.server.asks(setting.mobile.home, unix + OFF)
        })
    },
    ..QUERY_WITHOUT_PROOF
};

/// From somebody whom the home agent does not know.
pub(in crate::purpose) const STRANGERS_QUERY: Purpose = Purpose {
    id: "CL-DST-07/stranger",
    version: 1,
    title: "A query of a stranger is not answered",
    body: strangers_query,
    ..QUERY_WITHOUT_PROOF
};

/// One that was answered before.
pub(in crate::purpose) const REPLAYED_QUERY: Purpose = Purpose {
    id: "CL-DST-07/replayed",
    version: 1,
    title: "A query that is sent again as it was is not answered again",
    body: replayed_query,
    ..QUERY_WITHOUT_PROOF
};

/// Beyond 7 s by more than a device's clock may be off.
const OFF: Duration = Duration::from_secs(12);
/// The interface identifier of somebody on the server's link who is not the server.
const STRANGER: u64 = 0xbad5;

fn is_withheld(
    t: &mut Tester<'_>,
    what: &str,
    asks: fn(&mut Setting, Duration) -> Query,
) -> Result<(), Stop> {
    let mut setting = Setting::asked(t, LONG)?;

    t.when(what);
    let query = asks(&mut setting, t.unix_time());
    setting.sends(t, &query.packet)?;
    is_not_answered(t, &mut setting, None)
}

fn strangers_query(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::asked(t, LONG)?;
    let address = t.plan.address("server", STRANGER);

    t.when("a query comes from an address that the home agent does not know, proved by the key");
    let query = LookupServer::at(address, &t.plan).asks(setting.mobile.home, t.unix_time());
    setting.sends(t, &query.packet)?;
    is_not_answered(t, &mut setting, Some(address))
}

fn replayed_query(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::notified(t, LONG)?;
    t.given("the home agent answers the SIP server's query with the care-of address");
    let query = setting.asks(t)?;
    t.hears(&setting.reply_with_care_of(t, &query), super::setting::ANSWER)?;

    t.when("the same packet comes again");
    setting.sends(t, &query.packet)?;
    is_not_answered(t, &mut setting, None)
}

/// No answer goes to whoever asked, and the care-of address to nobody; the server is still answered.
fn is_not_answered(
    t: &mut Tester<'_>,
    setting: &mut Setting,
    asker: Option<Ipv6Addr>,
) -> Result<(), Stop> {
    let asker = asker.unwrap_or(setting.server.address);

    t.then("nothing is answered, and the care-of address is told to nobody");
    t.hears_none(&answer_to(asker, setting), SILENCE)?;

    t.given("the home agent answers a query that is right");
    setting.is_answered(t)?;
    Ok(())
}

/// Whatever the home agent sends to who asked, but what it sends by itself; and whatever message of
/// binding lookup holds the care-of address.
fn answer_to(asker: Ipv6Addr, setting: &Setting) -> Template {
    let (agent, care_of) = (setting.mobile.home_agent, setting.mobile.care_of);
    Template::new(format!("answer to {asker}, and no care-of address"), move |packet| {
        let told = lookup_in(packet);
        let by_itself = told.as_ref().is_some_and(|message| {
            matches!(message.kind, LookupKind::HomeAgentNotification | LookupKind::BindingChange)
        });
        let reveals = told.is_some_and(|message| message.care_of() == Some(care_of));
        reveals || (is_between(packet, agent, asker) && !by_itself)
    })
}

fn is_between(packet: &Packet<'_>, from: Ipv6Addr, to: Ipv6Addr) -> bool {
    (packet.header.source, packet.header.destination) == (from, to)
}
