//! One packet, read once for all who watch it and answer it: each layer when the first of them asks.

use std::cell::OnceCell;

use roamproof_harness::tester::template::{innermost, message_in, sip_in};
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::Message;
use roamproof_wire::sip::Message as SipMessage;
use roamproof_wire::udp;

/// A packet that can be read, and what is in it.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    /// All of it.
    pub(crate) octets: &'a [u8],
    /// It.
    pub(crate) packet: Packet<'a>,
    /// The one inside all tunnels; itself where it is in none.
    pub(crate) inner: Packet<'a>,
    message: OnceCell<Option<Message>>,
    inner_message: OnceCell<Option<Message>>,
    sip: OnceCell<Option<SipMessage>>,
}

impl<'a> Reading<'a> {
    /// Of these octets; `None` where they are no packet.
    pub(crate) fn of(octets: &'a [u8]) -> Option<Self> {
        let packet = Packet::parse(octets).ok()?;
        Some(Self {
            octets,
            packet,
            inner: innermost(&packet),
            message: OnceCell::new(),
            inner_message: OnceCell::new(),
            sip: OnceCell::new(),
        })
    }

    /// The mobility message in it.
    pub(crate) fn message(&self) -> Option<&Message> {
        self.message.get_or_init(|| message_in(&self.packet)).as_ref()
    }

    /// The mobility message in the innermost packet.
    pub(crate) fn inner_message(&self) -> Option<&Message> {
        self.inner_message.get_or_init(|| message_in(&self.inner)).as_ref()
    }

    /// Whether the innermost packet may hold a SIP message that begins so: to read all of it costs more than
    /// all else that is asked of most packets.
    pub(crate) fn may_say(&self, beginning: &[u8]) -> bool {
        let text = self.inner.payload.get(udp::HEADER_LEN..).unwrap_or_default();
        let said = text.trim_ascii_start().get(..beginning.len());
        self.inner.protocol == protocol::UDP
            && said.is_some_and(|said| said.eq_ignore_ascii_case(beginning))
    }

    /// The SIP message in the innermost packet.
    pub(crate) fn sip(&self) -> Option<&SipMessage> {
        self.sip.get_or_init(|| sip_in(&self.inner)).as_ref()
    }
}
