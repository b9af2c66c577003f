//! ICMPv6 answers of a host: echo replies and errors (RFC 4443).

use std::time::Duration;

use roamproof_wire::icmpv6::{self, Echo, Message, Reason};
use roamproof_wire::ipv6::{Header, Outgoing, Packet, Problem, protocol};

use super::Host;
use crate::Instant;

/// A bucket of error messages (RFC 4443 §2.4 (f)): ten at once, ten a second.
#[derive(Debug)]
pub(crate) struct ErrorLimit {
    tokens: u32,
    filled_at: Instant,
}

const TOKENS_MAX: u32 = 10;
const TOKEN_EVERY: Duration = Duration::from_millis(100);

impl Default for ErrorLimit {
    fn default() -> Self {
        Self { tokens: TOKENS_MAX, filled_at: Instant::ZERO }
    }
}

impl ErrorLimit {
    /// Whether another error may be sent now.
    pub(crate) fn allows(&mut self, now: Instant) -> bool {
        let earned = (now - self.filled_at).as_nanos() / TOKEN_EVERY.as_nanos();
        if earned > 0 {
            let earned = u32::try_from(earned).unwrap_or(u32::MAX);
            self.tokens = self.tokens.saturating_add(earned).min(TOKENS_MAX);
            self.filled_at = now;
        }
        let allowed = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        allowed
    }
}

impl Host {
    /// Parameter Problem, code 1: the upper-layer protocol is not understood here.
    pub(crate) fn answer_unknown_protocol(&mut self, now: Instant, packet: &Packet<'_>) {
        let problem = packet.unrecognized().problem;
        self.answer_problem(now, packet.octets, problem);
    }

    /// Parameter Problem about a packet that could not be accepted, where one is due.
    pub(crate) fn answer_problem(&mut self, now: Instant, octets: &[u8], problem: Option<Problem>) {
        if let Some(problem) = problem {
            self.answer_error(now, octets, Reason::ParameterProblem(problem));
        }
    }

    /// Tells the sender of the packet `octets` what went wrong with it, where RFC 4443 allows it and
    /// not too often.
    pub(crate) fn answer_error(&mut self, now: Instant, octets: &[u8], reason: Reason) {
        let Ok(Header { source, destination, .. }) = Header::parse(octets) else { return };
        if self.is_mine(source) {
            return;
        }
        let Some(own) = self.source_for(source) else { return };
        // An error about a packet to this node comes from the address that it was sent to.
        let from = if self.is_mine(destination) { destination } else { own };
        let Some(answer) = icmpv6::answer(from, octets, reason) else { return };
        if self.error_limit.allows(now) {
            self.send_packet(now, &answer);
        }
    }
}

impl Host {
    /// Whether one more ICMPv6 error may leave now (RFC 4443 §2.4 f); it counts as sent.
    pub(crate) fn may_answer_error(&mut self, now: Instant) -> bool {
        self.error_limit.allows(now)
    }
}

/// The headers and the message that answer an Echo Request to one of this node's addresses.
pub(crate) fn echo_reply(packet: &Packet<'_>) -> Option<(Outgoing, Vec<u8>)> {
    let Ok(Message::Echo(echo)) = Message::parse(packet) else { return None };
    if echo.reply {
        return None;
    }
    let (from, to) = (packet.destination(), packet.source());
    let reply = Message::Echo(Echo { reply: true, ..echo });
    let mut octets = vec![0; reply.buffer_len()];
    reply.emit(from, to, &mut octets);
    Some((Outgoing::new(from, to, protocol::ICMPV6), octets))
}
