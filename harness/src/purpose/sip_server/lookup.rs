//! Home agents that are asked where a terminal is, and the requests that wait for it.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::mobility::{BindingLookup, Lifetime, LookupStatus, Message};
use roamproof_wire::sip::{Fields, Message as SipMessage, Method};

use super::peers::{ANSWER, LIFETIME, Peers, Terminal, hijacker, is_query};
use crate::tester::home_agent::HomeAgent;
use crate::tester::template::{innermost, message_in, sip_in};
use crate::tester::{Template, Tester};
use crate::verdict::Stop;

/// What a home agent says when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// Where the terminal is.
    CareOf,
    /// The same, for as long as this.
    CareOfFor(Lifetime),
    /// The same, after a forger has said that it is elsewhere.
    CareOfAfterForger,
    /// Nothing.
    Nothing,
}

/// An INVITE that the server passed on, and what it asked before.
pub(super) struct Delivered {
    /// The INVITE's frame.
    pub(super) frame: usize,
    /// The frames of the queries.
    pub(super) queries: Vec<usize>,
}

impl Peers {
    /// A request of a call as it leaves the server, by whatever way; what the server asks before is
    /// answered as `says` tells.
    pub(super) fn deliver(
        &self,
        t: &mut Tester<'_>,
        one: &Terminal,
        method: Method,
        call: &SipMessage,
        says: Says,
    ) -> Result<Delivered, Stop> {
        let mut queries = Vec::new();
        loop {
            let frame = t.hears(&request_or_query(method.clone(), call), ANSWER)?;
            if !self.is_answered(t, one, frame, says)? {
                return Ok(Delivered { frame, queries });
            }
            queries.push(frame);
        }
    }

    /// The next copy of a call's INVITE before `until`; queries are answered as `says` tells.
    pub(super) fn next_copy(
        &self,
        t: &mut Tester<'_>,
        one: &Terminal,
        call: &SipMessage,
        says: Says,
        until: Duration,
    ) -> Result<Option<usize>, Stop> {
        loop {
            let left = until.saturating_sub(t.bench.now());
            let copy = request_or_query(Method::Invite, call);
            let Some(frame) = t.hears_perhaps(&copy, left)? else { return Ok(None) };
            if !self.is_answered(t, one, frame, says)? {
                return Ok(Some(frame));
            }
        }
    }

    /// Waits until a copy of a call's INVITE fits `wanted`, for as long as `patience`; copies that
    /// do not may come before.
    pub(super) fn settle(
        &self,
        t: &mut Tester<'_>,
        one: &Terminal,
        call: &SipMessage,
        says: Says,
        (wanted, patience): (&Template, Duration),
    ) -> Result<usize, Stop> {
        let until = t.bench.now() + patience;
        let mut others = Vec::new();
        while let Some(frame) = self.next_copy(t, one, call, says, until)? {
            if t.finds(wanted, frame).is_ok() {
                return Ok(frame);
            }
            others.push(frame);
        }
        let seen = format!("{} other copies of it in {patience:?}", others.len());
        Err(t.stop(wanted.to_string(), seen, others))
    }

    /// Answers a query, if the frame is one.
    pub(super) fn is_answered(
        &self,
        t: &mut Tester<'_>,
        one: &Terminal,
        frame: usize,
        says: Says,
    ) -> Result<bool, Stop> {
        let Some(Message::BindingLookup(query)) = message_in(&t.packet(frame)) else {
            return Ok(false);
        };
        let asked = t.packet(frame).destination();
        self.answer(t, one, asked, &query, says)?;
        Ok(true)
    }

    /// Answers a query as `says` tells; a home agent that is not the terminal's says so.
    fn answer(
        &self,
        t: &mut Tester<'_>,
        one: &Terminal,
        asked: Ipv6Addr,
        query: &BindingLookup,
        says: Says,
    ) -> Result<(), Stop> {
        let (number, home) = (query.transaction, query.home_address);
        if asked != one.agent.address || home != one.home() {
            let reply =
                BindingLookup::reply_without(number, home, LookupStatus::NOT_MY_HOME_ADDRESS);
            self.tell(t, &HomeAgent::at(asked, &t.plan), &reply)?;
            return Ok(());
        }
        let lifetime = match says {
            Says::Nothing => return Ok(()),
            Says::CareOf => LIFETIME,
            Says::CareOfFor(lifetime) => lifetime,
            Says::CareOfAfterForger => {
                let forgery = BindingLookup::reply(number, home, hijacker(t), LIFETIME);
                let forgery = one.agent.forges(self.server, &forgery, t.unix_time());
                self.send(t, &forgery)?;
                LIFETIME
            }
        };
        let reply = BindingLookup::reply(number, home, one.care_of, lifetime);
        self.tell(t, &one.agent, &reply)?;
        Ok(())
    }
}

fn request_or_query(method: Method, call: &SipMessage) -> Template {
    let id = call.call_id().unwrap_or_default().to_owned();
    let what = format!("{} of this call, or a Binding Query before it", method.as_str());
    Template::new(what, move |packet| {
        is_query(packet)
            || sip_in(&innermost(packet)).is_some_and(|message| {
                message.method().as_ref() == Some(&method)
                    && message.call_id().is_ok_and(|one| one == id)
            })
    })
}
