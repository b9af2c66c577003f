//! A call in the home agent's hands: one way each, and no other (claims 3, 7, 8 and 10).

use std::time::Duration;

use roamproof_wire::sip::{Fields, Message, Uri};

use super::setting::{
    ANSWER, LONG, SILENCE, SPEAKS_LOOKUP, Setting, home_agent_alone, home_agent_with_server,
};
use crate::purpose::Purpose;
use crate::tester::sip::{Party, SipPeer};
use crate::tester::template::sip_in;
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::verdict::Stop;

/// Interception mode: in by the tunnel, out by the reverse tunnel.
pub(in crate::purpose) const CALL_BY_ONE_WAY: Purpose = Purpose {
    id: "CL-INT-12/home-agent",
    version: 1,
    title: "Each message of a call leaves the home agent once: requests in the tunnel, responses to the server",
    verifies: &["CL-INT-12"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(14),
    wants: home_agent_alone,
    body: call_by_one_way,
};

/// Direct mode: the response goes by the home agent although the INVITE did not.
pub(in crate::purpose) const RESPONSE_IN_DIRECT_MODE: Purpose = Purpose {
    id: "CL-DST-13/home-agent",
    version: 1,
    title: "In direct mode responses that the terminal tunnels reach the SIP server",
    verifies: &["CL-DST-13"],
    applies: SPEAKS_LOOKUP,
    waits_max: Duration::from_secs(10),
    wants: home_agent_with_server,
    body: response_in_direct_mode,
    ..CALL_BY_ONE_WAY
};

const MEDIA_PORTS: (u16, u16) = (0x7e5c, 0x7e58);
/// What the terminal says to the call.
const RESPONSES: [(u16, &str); 2] = [(180, "Ringing"), (200, "OK")];

/// A call, and who takes part in it.
struct Call {
    server: SipPeer,
    terminal: SipPeer,
    called: Party,
    invite: Message,
}

fn call_by_one_way(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::registered(t, LONG)?;
    let call = Call::new(t)?;

    t.when("an INVITE for the home address comes from the SIP server");
    let invite = call.server.packet(setting.mobile.home, &call.invite);
    setting.sends(t, &invite)?;

    t.then("it leaves in the tunnel to the care-of address as it came, and by no other way");
    t.hears(&call.any().by_any_way().with_tunnel(&setting).carrying(&invite), ANSWER)?;
    t.hears_none(&call.any().by_any_way(), SILENCE)?;

    responses_reach_the_server(t, &setting, &call)?;

    t.when("the ACK comes from the SIP server");
    let ack = call.ack(t)?;
    let ack = call.server.packet(setting.mobile.home, &ack);
    setting.sends(t, &ack)?;

    t.then("it leaves in the tunnel to the care-of address as it came, and by no other way");
    t.hears(&call.any().by_any_way().with_tunnel(&setting).carrying(&ack), ANSWER)?;
    t.hears_none(&call.any().by_any_way(), SILENCE)?;
    setting.lives(t, 9)
}

fn response_in_direct_mode(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::asked(t, LONG)?;
    let call = Call::new(t)?;
    responses_reach_the_server(t, &setting, &call)?;
    setting.lives(t, 9)
}

fn responses_reach_the_server(
    t: &mut Tester<'_>,
    setting: &Setting,
    call: &Call,
) -> Result<(), Stop> {
    for (status, reason) in RESPONSES {
        t.when(format!("the terminal's {status} comes by the reverse tunnel"));
        let response = match status {
            200 => call.terminal.answer(&call.invite, &call.called),
            _ => Some(call.terminal.response(&call.invite, &call.called, status, reason)),
        };
        let response = response.map(|one| call.terminal.packet(call.server.address, &one));
        let Some(response) = response else {
            let expected = "an offer that can be answered".to_owned();
            return Err(t.stop(expected, "another".to_owned(), vec![]));
        };
        setting.sends(t, &setting.mobile.tunnels(&response))?;

        t.then("it goes to the SIP server as it came, and by no other way");
        t.hears(&call.any().by_any_way().passed_on(&response), ANSWER)?;
        t.hears_none(&call.any().by_any_way(), SILENCE)?;
    }
    Ok(())
}

impl Call {
    fn new(t: &Tester<'_>) -> Result<Self, Stop> {
        let mut server = SipPeer::new(t.plan.ss);
        let (caller, called) = (t.plan.cn(MEDIA_PORTS.0), t.plan.mt(MEDIA_PORTS.1));
        let contact = Uri::parse(&called.contact())
            .map_err(|error| t.stop(called.contact(), error.to_string(), vec![]))?;
        let invite = server.invite(&caller, &t.plan.mt_identifier, &contact);
        Ok(Self { server, terminal: SipPeer::new(t.plan.hoa), called, invite })
    }

    /// Any message of the call.
    fn any(&self) -> Template {
        let call = self.invite.call_id().unwrap_or_default().to_owned();
        Template::new("message of the call", move |packet| {
            sip_in(packet).is_some_and(|message| message.call_id().is_ok_and(|id| id == call))
        })
    }

    /// The ACK to its 200.
    fn ack(&self, t: &Tester<'_>) -> Result<Message, Stop> {
        let answer = self.terminal.answer(&self.invite, &self.called);
        let ack = answer.and_then(|answer| self.server.acknowledgement(&self.invite, &answer));
        ack.ok_or_else(|| t.stop("an ACK".to_owned(), "an INVITE without one".to_owned(), vec![]))
    }
}

impl Template {
    /// In the tunnel from the home agent to the care-of address.
    fn with_tunnel(self, setting: &Setting) -> Self {
        self.from(setting.mobile.home_agent).to(setting.mobile.care_of)
    }
}
