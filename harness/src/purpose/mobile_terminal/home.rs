//! The stage at home, and the terminal's own answer time: what bounds in time are counted from.

use std::time::Duration;

use roamproof_wire::sip::{Fields, Message, Method};

use super::setting::{ANSWER, ATTACHMENT, home_router, updates};
use super::stage::Stage;
use crate::tester::Tester;
use crate::tester::template::{sip_final_response, sip_request};
use crate::verdict::Stop;

impl Stage {
    /// Everyone around a terminal that will be switched on at home.
    pub(super) fn going_home(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let mut stage = Self::with(t, |_| {})?;
        stage.router = home_router(t)?;
        stage.scene().agent.home = Some(t.plan.hoa);
        Ok(stage)
    }

    /// The terminal is switched on at home and registers with the SIP server: all of it `given`.
    pub(super) fn at_home(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let stage = Self::going_home(t)?;
        t.given("the terminal is switched on at home and registers with the SIP server");
        t.attaches("home")?;
        let register = sip_request(Method::Register).from(t.plan.hoa).to(t.plan.ss);
        let register = t.hears(&register, ATTACHMENT)?;
        if stage.scene().contact.is_none() {
            return Err(t.stop("a contact".to_owned(), "none".to_owned(), vec![register]));
        }
        stage.lives(t, "it answers OPTIONS at home")?;
        Ok(stage)
    }

    /// The same; then the time is taken from an INVITE at home to its response, and the terminal
    /// attaches to the first visited link: all of it `given`.
    pub(super) fn measured(t: &mut Tester<'_>) -> Result<(Self, Duration), Stop> {
        let mut stage = Self::at_home(t)?;
        t.given("the time is taken that it needs for a response at home");
        let begin = t.bench.capture().frames.len();
        let invite = stage.invites(t)?;
        let response = stage.responds(t, &invite)?;
        let own = t.captured_at(response).saturating_sub(t.captured_at(begin));
        stage.abandons(t, &invite)?;

        t.given("it attaches to a visited link and registers with its home agent");
        stage.router = super::setting::access_router(t, 1)?;
        t.attaches("visited-1")?;
        t.hears(&updates(t.plan.ha), ATTACHMENT)?;
        stage.lives(t, "it answers OPTIONS that come through the tunnel")?;
        Ok((stage, own))
    }

    /// The caller takes its INVITE back, or ends the call where it was answered meanwhile.
    fn abandons(&self, t: &mut Tester<'_>, invite: &Message) -> Result<(), Stop> {
        let cancel = self.scene().server.cancels(invite);
        self.says_made(t, cancel)?;
        let last = t.hears(&sip_final_response(invite).by_any_way(), ANSWER)?;
        let last = t.sip(last)?;
        if last.status().is_some_and(|status| status >= 300) {
            let ack = self.scene().server.acknowledgement(invite, &last);
            return self.says_made(t, ack).map(drop);
        }
        self.confirms(t, invite, &last)?;
        let bye = self.scene().server.ends(invite, &last);
        self.says_made(t, bye).map(drop)
    }
}
