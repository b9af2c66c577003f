//! How a correspondent calls (claims 3, 7, 8 and 10).

use std::time::Duration;

use roamproof_wire::sip::{Method, Uri};

use super::setting::{ANSWER, Call, SILENCE, START, Setting, correspondent_alone};
use crate::purpose::Purpose;
use crate::tester::template::{innermost, sip_in, sip_request};
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// An identifier is asked for at the server, and nowhere else.
pub(in crate::purpose) const CALLS_THE_SERVER: Purpose = Purpose {
    id: "CL-INT-11",
    version: 1,
    title: "A call for an identifier goes to the SIP server and names the identifier",
    verifies: &["CL-INT-11"],
    role: Role::Correspondent,
    applies: &[],
    triggers: &[Trigger::Call],
    waits_max: Duration::from_secs(7),
    wants: correspondent_alone,
    body: calls_the_server,
};

/// One call, one way.
pub(in crate::purpose) const CALL_BY_ONE_WAY: Purpose = Purpose {
    id: "CL-INT-12/correspondent",
    version: 1,
    title: "Every request of an answered call goes to the SIP server, and no copy goes elsewhere",
    verifies: &["CL-INT-12"],
    waits_max: Duration::from_secs(12),
    body: call_by_one_way,
    ..CALLS_THE_SERVER
};

fn calls_the_server(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::registered(t)?;
    setting.lives(t, 1)?;
    let identifier = t.plan.mt_identifier.clone();
    let uri = Uri::parse(&identifier)
        .map_err(|error| t.stop(identifier.clone(), error.to_string(), vec![]))?;

    t.when("it is asked to call the mobile terminal's identifier");
    t.calls(&identifier)?;

    t.then("its INVITE goes to the SIP server and asks for the identifier");
    t.hears(&setting.invite().requesting(uri), START)?;
    Ok(())
}

fn call_by_one_way(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::registered(t)?;
    setting.lives(t, 1)?;
    let identifier = t.plan.mt_identifier.clone();
    let server = setting.server.address;

    t.when("it calls the mobile terminal, which rings and answers");
    let since = t.bench.capture().frames.len();
    t.calls(&identifier)?;

    t.then("its INVITE goes to the SIP server");
    let call = t.hears(&setting.invite(), START)?;
    let call = Call::of(t, call)?;
    setting.tries(t, &call)?;
    setting.rings(t, &call)?;
    setting.answers_call(t, &call)?;

    t.then("its ACK goes to the SIP server");
    t.hears(&sip_request(Method::Ack).of_call(&call.invite).to(server), ANSWER)?;

    t.then("no message of the call goes anywhere else, by whatever way");
    let own = setting.own;
    let elsewhere = Template::new("SIP message", |packet| sip_in(packet).is_some())
        .of_call(&call.invite)
        .by_any_way()
        .with("of the correspondent to somebody else", move |packet| {
            let packet = innermost(packet);
            packet.source() == own && packet.destination() != server
        });
    t.captured_none_since(since, &elsewhere)?;
    t.hears_none(&elsewhere, SILENCE)?;
    setting.lives(t, 2)
}
