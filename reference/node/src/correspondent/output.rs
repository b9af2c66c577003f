//! What a correspondent sends: by the care-of address where the destination is bound.

use std::net::Ipv6Addr;

use roamproof_wire::icmpv6::{self, Echo};
use roamproof_wire::ipv6::{Outgoing, protocol};

use super::Correspondent;
use crate::Instant;
use crate::command::echo_data;
use crate::correspondence::CorrespondenceEvent;
use crate::misdeed::Misdeed;
use crate::phone::MediaDatagram;
use crate::upper::UpperPacket;

/// Media packets that the misdeed sends through the home agent at the start.
const FIRST_PACKETS: u32 = 3;
/// Those in the middle of a call.
const SWITCHED_PACKETS: std::ops::Range<u32> = 45..48;

impl Correspondent {
    /// Sends what the correspondent in this node answers; its ways are settled.
    pub(super) fn send_answers(&mut self, now: Instant) {
        while let Some(answer) = self.correspondence.poll_answer() {
            self.host.send(now, &answer.outgoing, &answer.payload);
        }
        while let Some(event) = self.correspondence.poll_event() {
            if let CorrespondenceEvent::Bound { fresh: true, .. } = event {
                self.media_sent = 0;
            }
            self.host.event(event.into());
        }
    }

    /// Sends what the telephone has to send, and deals with what it says.
    pub(super) fn send_calls(&mut self, now: Instant) {
        while let Some(event) = self.phone.as_mut().and_then(|phone| phone.poll_event()) {
            self.on_phone(now, event);
        }
        let Some(phone) = &mut self.phone else { return };
        while let Some(UpperPacket { source, destination, protocol, payload }) = phone.poll_packet()
        {
            let mut outgoing = Outgoing::new(source, destination, protocol);
            self.correspondence.route(now, &mut outgoing);
            self.host.send(now, &outgoing, &payload);
        }
        while let Some(MediaDatagram { source, destination, octets }) = phone.poll_media(now) {
            let mut outgoing = Outgoing::new(source, destination, protocol::UDP);
            let astray = (self.misdeeds.does(Misdeed::FirstPacketsThroughHomeAgent)
                && self.media_sent < FIRST_PACKETS)
                || (self.misdeeds.does(Misdeed::PathSwitch)
                    && SWITCHED_PACKETS.contains(&self.media_sent));
            self.media_sent = self.media_sent.saturating_add(1);
            //= CL-RO-06
            //# the first media packet and every later one goes to the care-of address
            if !astray {
                self.correspondence.route(now, &mut outgoing);
            }
            self.host.send(now, &outgoing, octets);
        }
    }

    pub(super) fn send_echo(&mut self, now: Instant, to: Ipv6Addr, octets: u16) {
        self.echoes = self.echoes.wrapping_add(1);
        let from = self.config.address;
        let data = echo_data(octets);
        let (identifier, sequence) = (IDENTIFIER, self.echoes);
        let echo = Echo { reply: false, identifier, sequence, data: &data };
        let message = icmpv6::Message::Echo(echo);
        let mut payload = vec![0; message.buffer_len()];
        message.emit(from, to, &mut payload);
        let mut outgoing = Outgoing::new(from, to, protocol::ICMPV6);
        self.correspondence.route(now, &mut outgoing);
        self.host.send(now, &outgoing, &payload);
    }
}

/// Of every Echo Request: one node has one user.
const IDENTIFIER: u16 = 0xc0de;
