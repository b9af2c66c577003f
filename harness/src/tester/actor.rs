//! Actors: whom the tester plays, as far as they answer by themselves.
//!
//! A device may ask again, in another order, or for more than a purpose is about; what belongs to
//! the scene and not to the purpose is an actor's affair.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use roamproof_wire::ethernet::Ethernet;
use roamproof_wire::ipv6::Packet;

use super::{StationId, Tester};
use crate::bench::Heard;
use crate::verdict::Stop;

/// Somebody who answers what the subject sends.
pub trait Actor {
    /// The packets that are sent because the subject sent this one; each is heard once.
    fn hear(&mut self, heard: &Sent<'_>) -> Vec<Vec<u8>>;
}

/// A packet that the subject sent.
#[derive(Debug)]
pub struct Sent<'a> {
    /// The time since the start of the run.
    pub now: Duration,
    /// Its index in the capture.
    pub frame: usize,
    /// It, as it stands on the link.
    pub packet: Packet<'a>,
}

impl Tester<'_> {
    /// From now on `actor` hears every packet of the subject on a link with a station; what he
    /// answers leaves from the first station there.
    pub fn plays(&mut self, actor: Rc<RefCell<dyn Actor>>) {
        self.cast.push(actor);
    }

    /// Lets the actors answer a frame.
    pub(super) fn act(&mut self, heard: Heard) -> Result<(), Stop> {
        let station = self.stations.iter().position(|station| station.link == heard.link);
        let Some(station) = station.map(StationId) else { return Ok(()) };
        let octets = self.bench.capture().frames[heard.frame].octets.clone();
        let Ok((ethernet, octets)) = Ethernet::parse(&octets) else { return Ok(()) };
        let Ok(packet) = Packet::parse(octets) else { return Ok(()) };
        for actor in self.cast.clone() {
            let sent = Sent { now: self.bench.now(), frame: heard.frame, packet };
            let answers = actor.borrow_mut().hear(&sent);
            for answer in answers {
                self.sends_to(ethernet.source, station, &answer)?;
            }
        }
        Ok(())
    }
}
