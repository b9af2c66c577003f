//! The tester as a registrar that takes whoever registers, and as often.

use super::actor::{Actor, Sent};
use super::sip::SipPeer;
use super::template::{innermost, sip_in};
use roamproof_wire::sip::{Fields, Method};

/// A registrar: an actor, because a device registers when it pleases, or did before.
#[derive(Debug)]
pub struct Registrar {
    server: SipPeer,
}

impl Registrar {
    /// The registrar at the address of this element.
    pub const fn new(server: SipPeer) -> Self {
        Self { server }
    }
}

impl Actor for Registrar {
    fn hear(&mut self, heard: &Sent<'_>) -> Vec<Vec<u8>> {
        let packet = innermost(&heard.packet);
        if packet.destination() != self.server.address {
            return Vec::new();
        }
        let register = sip_in(&packet).filter(|message| message.method() == Some(Method::Register));
        let answer = register.and_then(|register| self.server.registers(&register));
        answer.map(|answer| self.server.packet(packet.source(), &answer)).into_iter().collect()
    }
}
