//! The home agent's side of binding lookup (binding-lookup.md): whom it tells what, and until when.

use roamproof_wire::ipv6::Problem;
use roamproof_wire::mobility::{
    BindingError, BindingLookup, LookupAddress, LookupKind, verify_lookup,
};
use rstest::rstest;

use super::*;

const SS: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x5, 0, 0, 0, 0, 0x5);
const SS2: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x5, 0, 0, 0, 0, 0x52);
const HOA_FOREIGN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 0x100);
const KEY: &[u8] = b"home-agent-server k1";
const KEY2: &[u8] = b"home-agent-server k2";
const SPI: u32 = 2000;

/// A message to the home agent, and what may be wrong with it.
#[derive(Debug, Clone)]
struct Saying {
    from: Ipv6Addr,
    message: BindingLookup,
    key: Vec<u8>,
    spi: u32,
    off_ms: i64,
    home_address: Option<Ipv6Addr>,
}

impl Saying {
    fn new(from: Ipv6Addr, message: BindingLookup) -> Self {
        let key = if from == SS2 { KEY2 } else { KEY };
        Self { from, message, key: key.to_vec(), spi: SPI, off_ms: 0, home_address: None }
    }

    fn packet(&self, now: Instant) -> Vec<u8> {
        let wall = EPOCH + now.since_start();
        let off = Duration::from_millis(self.off_ms.unsigned_abs());
        let wall = if self.off_ms < 0 { wall - off } else { wall + off };
        let timestamp = NtpTimestamp::from_unix(wall);
        let source = self.home_address.unwrap_or(self.from);
        let octets = self.message.to_vec_authorized(source, HA, self.spi, &self.key, timestamp);
        let outgoing = Outgoing::new(self.from, HA, protocol::MOBILITY);
        Outgoing { home_address: self.home_address, ..outgoing }.to_vec(&octets)
    }
}

impl Bench {
    /// A home agent that two SIP servers may ask.
    fn asked(misdeeds: &[&str]) -> Self {
        let lines = format!(
            "[[sip_server]]\naddress = \"{SS}\"\nspi = {SPI}\nkey = \"{}\"\n\
             [[sip_server]]\naddress = \"{SS2}\"\nspi = {SPI}\nkey = \"{}\"\n",
            hex(KEY),
            hex(KEY2)
        );
        Self::plugged(&lines, misdeeds)
    }

    /// The same, the mobile node registered for 400 s, both servers have acknowledged that.
    fn registered(misdeeds: &[&str]) -> Self {
        let mut bench = Self::asked(misdeeds);
        bench.update(CARE_OF, 100);
        bench.wait(1500);
        bench.acknowledge_all();
        bench
    }

    fn say(&mut self, from: Ipv6Addr, message: BindingLookup) {
        let packet = Saying::new(from, message).packet(self.now);
        self.receive(&packet);
    }

    /// The binding lookup messages that left since the last time, proved.
    fn lookups(&mut self) -> Vec<(Sent, BindingLookup)> {
        let mobility = self.drain().into_iter().filter(|sent| sent.protocol == protocol::MOBILITY);
        let read = |sent: Sent| {
            let Ok(Message::BindingLookup(lookup)) = Message::parse(&sent.payload) else {
                return None;
            };
            let key = if sent.destination == SS2 { KEY2 } else { KEY };
            assert!(verify_lookup(key, HA, sent.destination, &sent.payload));
            Some((sent, lookup))
        };
        mobility.filter_map(read).collect()
    }

    /// Acknowledges every notification and change; what they were.
    fn acknowledge_all(&mut self) -> Vec<BindingLookup> {
        let lookups = self.lookups();
        let status = roamproof_wire::mobility::LookupStatus::BOUND;
        for (sent, lookup) in &lookups {
            let (number, home) = (lookup.transaction, lookup.home_address);
            let ack = if lookup.kind == LookupKind::BindingChange {
                BindingLookup::change_ack(number, home, status)
            } else {
                assert_eq!(lookup.kind, LookupKind::HomeAgentNotification);
                BindingLookup::notification_ack(number, home, status)
            };
            self.say(sent.destination, ack);
        }
        lookups.into_iter().map(|(_, lookup)| lookup).collect()
    }

    /// The answer to a query of the first server.
    fn ask(&mut self, transaction: u16, home: Ipv6Addr) -> Option<BindingLookup> {
        self.drain();
        self.say(SS, BindingLookup::query(transaction, home));
        self.lookups().pop().map(|(_, lookup)| lookup)
    }

    fn dropped(&self, why: &str) -> usize {
        self.log.lines().filter(|line| *line == format!("discarded: {why}")).count()
    }
}

fn times(lookups: &[(Sent, BindingLookup)]) -> Vec<u128> {
    lookups.iter().map(|(sent, _)| sent.at.as_millis()).collect()
}

#[test]
fn every_server_is_notified_after_the_acknowledgement_until_it_acknowledges() {
    let mut bench = Bench::asked(&[]);
    bench.update(CARE_OF, 100);
    assert_eq!(bench.lookups(), [], "not before duplicate address detection");
    bench.wait(1500);
    let sent = bench.drain();
    let order: Vec<&str> = sent
        .iter()
        .filter(|sent| sent.protocol == protocol::MOBILITY)
        .map(|sent| {
            let message = Message::parse(&sent.payload).unwrap();
            if matches!(message, Message::BindingLookup(_)) { "HAN" } else { message.name() }
        })
        .collect();
    assert_eq!(order, ["Binding Acknowledgement", "HAN", "HAN"]);
    let bound_at = sent.iter().find(|sent| sent.destination == SS).unwrap().at;
    bench.wait(60_000);
    let again = bench.lookups();
    let to_first: Vec<_> =
        again.iter().filter(|(sent, _)| sent.destination == SS).cloned().collect();
    let after: Vec<u128> = times(&to_first).iter().map(|at| at - bound_at.as_millis()).collect();
    assert_eq!(after, [1000, 3000, 7000, 15_000, 31_000]);
    let (_, last) = &to_first[4];
    assert_eq!(last.told, Some(LookupAddress::HomeAgent(HA)));
    assert_eq!((last.home_address, last.lifetime), (HOA, Lifetime(92)), "369 s remain");
    let transactions: Vec<u16> = to_first.iter().map(|(_, one)| one.transaction).collect();
    assert!(transactions.iter().all(|one| *one == transactions[0]));
    assert!(to_first.windows(2).all(|pair| pair[1].1.timestamp.is_after(pair[0].1.timestamp)));
}

#[test]
fn an_acknowledgement_ends_the_notice_to_its_server_alone() {
    let mut bench = Bench::asked(&[]);
    bench.update(CARE_OF, 100);
    bench.wait(1500);
    let lookups = bench.lookups();
    let status = roamproof_wire::mobility::LookupStatus::BOUND;
    let (_, to_first) = lookups.iter().find(|(sent, _)| sent.destination == SS).unwrap();
    let number = to_first.transaction;
    bench.say(SS, BindingLookup::notification_ack(number ^ 0x40, HOA, status));
    bench.say(SS2, BindingLookup::notification_ack(number, HOA, status));
    bench.say(SS, BindingLookup::notification_ack(number, CARE_OF, status));
    bench.wait(1000);
    assert_eq!(bench.lookups().len(), 2, "none of these is an answer");
    bench.say(SS, BindingLookup::notification_ack(number, HOA, status));
    bench.wait(60_000);
    assert!(bench.lookups().iter().all(|(sent, _)| sent.destination == SS2));
}

#[test]
fn every_refresh_is_notified_anew() {
    let mut bench = Bench::registered(&[]);
    bench.wait(100_000);
    bench.update(CARE_OF, 50);
    let [one, other] = &bench.acknowledge_all()[..] else { panic!("{}", bench.log) };
    assert_eq!((one.kind, one.lifetime), (LookupKind::HomeAgentNotification, Lifetime(50)));
    assert_ne!(one.transaction, other.transaction);
}

#[test]
fn a_notice_for_a_binding_that_is_gone_says_so() {
    let mut bench = Bench::asked(&[]);
    bench.update(CARE_OF, 100);
    bench.wait(1500);
    bench.update(CARE_OF, 0);
    bench.drain();
    bench.wait(2000);
    let lookups = bench.lookups();
    assert!(!lookups.is_empty());
    assert!(lookups.iter().all(|(_, one)| one.lifetime == Lifetime::ZERO), "{lookups:?}");
}

/// The binding began 1.0 s after the update, which came 1.5 s ago, and lasts 400 s.
#[rstest]
#[case::at_once(0, 99)]
#[case::later(100_000, 74)]
#[case::near_its_end(396_000, 0)]
fn a_query_is_answered_with_what_remains(#[case] later_ms: u64, #[case] units: u16) {
    let mut bench = Bench::registered(&[]);
    bench.wait(later_ms);
    let reply = bench.ask(77, HOA).expect("an answer");
    assert_eq!((reply.kind, reply.status.0, reply.transaction), (LookupKind::BindingReply, 0, 77));
    assert_eq!((reply.home_address, reply.care_of()), (HOA, Some(CARE_OF)));
    assert_eq!(reply.lifetime, Lifetime(units));
}

#[rstest]
#[case::unregistered(Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x101), 1)]
#[case::foreign(HOA_FOREIGN, 2)]
fn a_query_about_somebody_else_is_answered_without_a_care_of_address(
    #[case] home: Ipv6Addr,
    #[case] status: u8,
) {
    let mut bench = Bench::registered(&[]);
    let reply = bench.ask(78, home).expect("an answer");
    assert_eq!((reply.status.0, reply.told, reply.lifetime), (status, None, Lifetime::ZERO));
}

#[rstest]
#[case::of_a_stranger(|one: &mut Saying| one.from = CN, "binding lookup from a stranger")]
#[case::with_a_wrong_key(|one: &mut Saying| one.key[0] ^= 1, "binding lookup with a wrong authenticator")]
#[case::with_the_key_of_another(|one: &mut Saying| one.key = KEY2.to_vec(), "binding lookup with a wrong authenticator")]
#[case::with_another_index(|one: &mut Saying| one.spi += 1, "binding lookup with a wrong authenticator")]
#[case::too_old(|one: &mut Saying| one.off_ms = -7001, "binding lookup with an old time stamp")]
#[case::from_the_future(|one: &mut Saying| one.off_ms = 7001, "binding lookup with an old time stamp")]
#[case::by_way_of_a_care_of_address(
    |one: &mut Saying| (one.from, one.home_address) = (CARE_OF, Some(SS)),
    "binding lookup by way of a care-of address"
)]
#[case::of_an_unknown_kind(
    |one: &mut Saying| one.message.kind = LookupKind::Unknown(99),
    "binding lookup message that is not for a home agent"
)]
fn a_query_that_is_not_genuine_is_not_answered(#[case] spoil: fn(&mut Saying), #[case] why: &str) {
    let mut bench = Bench::registered(&[]);
    let mut saying = Saying::new(SS, BindingLookup::query(79, HOA));
    spoil(&mut saying);
    bench.receive(&saying.packet(bench.now));
    assert_eq!(bench.drain(), []);
    assert_eq!(bench.dropped(why), 1, "{}", bench.log);
    assert!(bench.ask(80, HOA).is_some(), "the genuine one is");
}

#[test]
fn a_replayed_query_is_not_answered_and_a_repeated_one_is() {
    let mut bench = Bench::registered(&[]);
    let packet = Saying::new(SS, BindingLookup::query(80, HOA)).packet(bench.now);
    bench.receive(&packet);
    assert_eq!(bench.lookups().len(), 1);
    bench.wait(100);
    bench.receive(&packet);
    assert_eq!(bench.lookups(), []);
    assert_eq!(bench.dropped("binding lookup replayed"), 1);
    assert!(bench.ask(80, HOA).is_some(), "a fresh time stamp, the same transaction");
}

#[test]
fn a_move_is_told_to_whoever_asked_until_it_is_acknowledged() {
    let mut bench = Bench::registered(&[]);
    bench.ask(81, HOA).expect("an answer");
    bench.wait(1000);
    bench.update(OTHER_CARE_OF, 100);
    let lookups = bench.lookups();
    let changes: Vec<_> =
        lookups.iter().filter(|(_, one)| one.kind == LookupKind::BindingChange).collect();
    let [(sent, change)] = changes[..] else { panic!("{lookups:?}") };
    assert_eq!((sent.destination, change.status.0), (SS, 0), "the other server never asked");
    assert_eq!((change.care_of(), change.lifetime), (Some(OTHER_CARE_OF), Lifetime(100)));
    let (began, number) = (sent.at.as_millis(), change.transaction);
    bench.wait(7000);
    let status = roamproof_wire::mobility::LookupStatus::BOUND;
    bench.say(SS, BindingLookup::change_ack(number, HOA, status));
    bench.wait(60_000);
    let again = bench.lookups();
    let again: Vec<_> =
        again.into_iter().filter(|(_, one)| one.kind == LookupKind::BindingChange).collect();
    let after: Vec<u128> = times(&again).iter().map(|at| at - began).collect();
    assert_eq!(after, [1000, 3000, 7000]);
}

#[rstest]
#[case::taken_back(true)]
#[case::run_out(false)]
fn the_end_of_a_binding_is_told_to_whoever_asked(#[case] taken_back: bool) {
    let mut bench = Bench::registered(&[]);
    bench.ask(82, HOA).expect("an answer");
    if taken_back {
        bench.update(CARE_OF, 0);
    } else {
        bench.wait(399_600);
    }
    let changes = bench.acknowledge_all();
    let [change] = &changes[..] else { panic!("{changes:?} {}", bench.log) };
    assert_eq!((change.kind, change.status.0), (LookupKind::BindingChange, 1));
    assert_eq!((change.told, change.lifetime), (None, Lifetime::ZERO));
    assert_eq!(bench.ask(83, HOA).map(|reply| reply.status.0), Some(1));
    assert_eq!(bench.probe(), None);
}

/// Where time is real, nothing happens at the moment for which it was due.
#[test]
fn the_end_of_a_binding_is_told_however_late_it_is_noticed() {
    let mut bench = Bench::registered(&[]);
    bench.ask(85, HOA).expect("an answer");
    bench.wait(398_000);
    bench.drain();
    bench.now += Duration::from_secs(3);
    bench.input(Input::Time);
    let [change] = &bench.acknowledge_all()[..] else { panic!("{}", bench.log) };
    assert_eq!((change.kind, change.status.0), (LookupKind::BindingChange, 1));
}

#[test]
fn a_move_after_what_was_told_has_run_out_is_not_told() {
    let mut bench = Bench::registered(&[]);
    bench.ask(84, HOA).expect("an answer");
    bench.wait(390_000);
    bench.update(CARE_OF, 100);
    bench.acknowledge_all();
    bench.wait(100_000);
    bench.update(OTHER_CARE_OF, 100);
    let kinds: Vec<_> = bench.acknowledge_all().into_iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [LookupKind::HomeAgentNotification; 2]);
}

#[derive(Debug, Clone, Copy)]
enum Complaint {
    BindingError,
    ParameterProblem,
}

#[rstest]
#[case::binding_error(Complaint::BindingError)]
#[case::parameter_problem(Complaint::ParameterProblem)]
fn a_server_that_does_not_understand_is_left_alone_until_the_next_registration(
    #[case] complaint: Complaint,
) {
    let mut bench = Bench::asked(&[]);
    bench.update(CARE_OF, 100);
    bench.wait(1500);
    let lookups = bench.lookups();
    let (notice, _) = lookups.iter().find(|(sent, _)| sent.destination == SS).unwrap();
    for from in [CN, SS] {
        match complaint {
            Complaint::BindingError => {
                let error = Message::BindingError(BindingError::unrecognised_mh_type(None));
                let octets = error.to_vec(from, HA);
                bench.receive(&Outgoing::new(from, HA, protocol::MOBILITY).to_vec(&octets));
            }
            Complaint::ParameterProblem => {
                let problem = Problem { code: Problem::UNRECOGNIZED_NEXT_HEADER, pointer: 6 };
                bench.complain(from, &notice.octets, Reason::ParameterProblem(problem));
            }
        }
        bench.wait(1000);
        let to: Vec<_> = bench.lookups().iter().map(|(sent, _)| sent.destination).collect();
        assert_eq!(to.contains(&SS), from == CN, "a stranger's word changes nothing: {to:?}");
        bench.wait(1500);
        bench.drain();
    }
    bench.wait(60_000);
    bench.drain();
    bench.update(CARE_OF, 100);
    assert_eq!(bench.lookups().len(), 2, "both are told of the refresh");
}

#[test]
fn another_experiment_is_answered_by_a_binding_error() {
    let mut bench = Bench::registered(&[]);
    let message = Message::Unknown { mh_type: 11, data: b"XY other experiment".to_vec() };
    let octets = message.to_vec(CN, HA);
    bench.receive(&Outgoing::new(CN, HA, protocol::MOBILITY).to_vec(&octets));
    let [sent] = &bench.drain()[..] else { panic!("{}", bench.log) };
    let Ok(Message::BindingError(error)) = Message::parse(&sent.payload) else { panic!() };
    assert_eq!((error.status.0, sent.destination), (2, CN));
}
