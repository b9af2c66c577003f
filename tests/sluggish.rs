//! A right device may be slow, may say things twice and in another order: every purpose passes it.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use roamproof::lab_arm::LabArm;
use roamproof_harness::link::{Arrival, Clock, Link, Port};
use roamproof_harness::purpose::{self, Purpose};
use roamproof_harness::run::{Setting, run};
use roamproof_harness::topology::{Arm, ArmError, Network, Topology};
use roamproof_harness::verdict::Verdict;
use roamproof_wire::ethernet::Ethernet;
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::Message;
use rstest::rstest;

#[rstest]
#[case::slow("slow", Manner { delays: &[25], repeats_registrations: false })]
#[case::out_of_order("out of order", Manner { delays: &[25, 9, 17, 1], repeats_registrations: false })]
#[case::repetitive("repetitive", Manner { delays: &[1], repeats_registrations: true })]
fn every_purpose_passes_a_right_device(#[case] name: &str, #[case] manner: Manner) {
    let faults: Vec<String> =
        purpose::ALL.iter().filter_map(|purpose| fault(purpose, manner)).collect();
    assert!(faults.is_empty(), "a {name} device:\n{}", faults.join("\n"));
}

/// How a device that is right otherwise behaves.
#[derive(Debug, Clone, Copy)]
struct Manner {
    /// Milliseconds from a stimulus to the answer, in turn.
    delays: &'static [u64],
    /// Whether each home registration is sent twice.
    repeats_registrations: bool,
}

fn fault(purpose: &Purpose, manner: Manner) -> Option<String> {
    let features = purpose.features_of_reference();
    let setting = Setting { seed: 1, features, ..Setting::default() };
    let outcome =
        run(purpose, &mut Sluggish(manner), &setting).expect("the lab takes every purpose");
    let why = outcome.stop.map_or_else(String::new, |stop| stop.to_string());
    (outcome.verdict != Verdict::Pass).then(|| format!("{} {} {why}", outcome.verdict, purpose.id))
}

/// The lab arm, whose subjects are like this.
struct Sluggish(Manner);

struct SlowLink {
    link: Box<dyn Link>,
    manner: Manner,
    turn: usize,
    /// What has been sent and has not arrived, by the time of its arrival.
    under_way: VecDeque<Arrival>,
}

impl Arm for Sluggish {
    fn name(&self) -> &'static str {
        "lab"
    }

    fn set_up(&mut self, topology: &Topology) -> Result<Network, ArmError> {
        let network = LabArm.set_up(topology)?;
        let (manner, turn, under_way) = (self.0, 0, VecDeque::new());
        let link = Box::new(SlowLink { link: network.link, manner, turn, under_way });
        Ok(Network { link, ..network })
    }
}

impl Clock for SlowLink {
    fn now(&self) -> Duration {
        self.link.now()
    }
}

impl Link for SlowLink {
    fn send(&mut self, port: Port, octets: &[u8]) -> io::Result<()> {
        self.link.send(port, octets)
    }

    fn receive(&mut self, until: Duration) -> io::Result<Option<Arrival>> {
        loop {
            let next = self.under_way.front().map(|arrival| arrival.at);
            let wait = next.map_or(until, |at| at.min(until));
            if let Some(sent) = self.link.receive(wait)? {
                self.set_out(sent);
                continue;
            }
            if next.is_some_and(|at| at <= until) {
                return Ok(self.under_way.pop_front());
            }
            return Ok(None);
        }
    }
}

impl SlowLink {
    fn set_out(&mut self, sent: Arrival) {
        let delay = self.manner.delays[self.turn % self.manner.delays.len()];
        self.turn += 1;
        let at = sent.at + Duration::from_millis(delay);
        if self.manner.repeats_registrations && is_home_registration(&sent.octets) {
            let again = at + Duration::from_millis(3);
            self.under_way.push_back(Arrival { at: again, ..sent.clone() });
        }
        self.under_way.push_back(Arrival { at, ..sent });
        self.under_way.make_contiguous().sort_by_key(|arrival| arrival.at);
    }
}

fn is_home_registration(frame: &[u8]) -> bool {
    let Ok((_, octets)) = Ethernet::parse(frame) else { return false };
    let Ok(packet) = Packet::parse(octets) else { return false };
    packet.protocol == protocol::MOBILITY
        && matches!(Message::parse(packet.payload),
            Ok(Message::BindingUpdate(update)) if update.home_registration)
}
