//! A scripted mobile node against a correspondent.

use roamproof_wire::mobility::{
    Authorization, BindingAcknowledgement, BindingErrorStatus, BindingManagementKey, BindingUpdate,
    CareOfTestInit, HomeTestInit, Lifetime, MobilityOption, NonceIndices, Sequence, Status, verify,
    verify_binding_authorization,
};
use rstest::rstest;

use super::*;

const CN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
const HOME: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0x5eff, 0xfe10, 0xa100);
const OTHER_CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf2, 0, 0, 0x5eff, 0xfe10, 0xa100);

#[test]
fn a_mobile_node_is_bound_and_reached_by_its_care_of_address() {
    let mut bench = Bench::new();
    let tokens = bench.tokens(CARE_OF);
    let (status, sequence, lifetime) = bench.update(&tokens, 41, 105).expect("an answer");
    assert_eq!((status, sequence, lifetime), (0, 41, 105));
    let mut outgoing = Outgoing::new(CN, HOME, protocol::UDP);
    bench.cn.route(bench.now, &mut outgoing);
    assert_eq!(outgoing.destination, CARE_OF);
    assert_eq!(outgoing.type_2_routing, Some(HOME));
    let bound = CorrespondenceEvent::Bound {
        local: CN,
        home: HOME,
        care_of: CARE_OF,
        lifetime: Duration::from_secs(420),
        fresh: true,
    };
    assert_eq!(bench.cn.poll_event(), Some(bound));
}

/// The numbers were computed once by Python's hmac and hashlib from the node key and nonce of
/// this seed: token = HMAC-SHA1(Kcn, address | nonce | 0 or 1)[..8], Kbm = SHA1(tokens),
/// authenticator = HMAC-SHA1(Kbm, care-of | correspondent | message)[..12].
#[test]
fn tokens_and_authenticators_are_as_computed_elsewhere() {
    let mut bench = Bench::new();
    let tokens = bench.tokens(CARE_OF);
    assert_eq!(hex(&tokens.home), "2384f202b7ada676");
    assert_eq!(hex(&tokens.care_of), "081fb1479b38823f");
    let update = bench.message(&tokens, 41, 105, true);
    assert_eq!(hex(&update), "3b03050077a00029800000690404326b326b050c9118e74db92008bc0179c0eb");
    let answer = bench.deliver(&packet(CARE_OF, Some(HOME), &update)).expect("an answer");
    assert_eq!(
        hex(&answer.payload),
        "3b0306001b1b000000290069010400000000050ce2d7d56de02f093ea094fdbb"
    );
}

#[rstest]
#[case::shorter(1, 1)]
#[case::longest(105, 105)]
#[case::longer(106, 105)]
#[case::far_longer(0xffff, 105)]
fn no_binding_lives_longer_than_420_seconds(#[case] asked: u16, #[case] granted: u16) {
    let mut bench = Bench::new();
    let tokens = bench.tokens(CARE_OF);
    assert_eq!(bench.update(&tokens, 1, asked), Some((0, 1, granted)));
    bench.wait(u64::from(granted) * 4 - 1);
    assert_eq!(bench.cn.care_of(bench.now, CN, HOME), Some(CARE_OF));
    bench.wait(1);
    assert_eq!(bench.cn.care_of(bench.now, CN, HOME), None);
}

#[rstest]
#[case::next(10, 11, 0, 11)]
#[case::half_way(10, 10 + 0x7fff, 0, 10 + 0x7fff)]
#[case::around_the_end(65535, 0, 0, 0)]
#[case::same(10, 10, 135, 10)]
#[case::one_before(10, 9, 135, 10)]
#[case::half_way_back(10, 10 + 0x8000, 135, 10)]
#[case::zero_after_10000(10_000, 0, 135, 10_000)]
fn sequence_numbers_must_grow(
    #[case] first: u16,
    #[case] second: u16,
    #[case] status: u8,
    #[case] named: u16,
) {
    let mut bench = Bench::new();
    let tokens = bench.tokens(CARE_OF);
    assert!(bench.update(&tokens, first, 100).is_some());
    let (got, sequence, _) = bench.update(&tokens, second, 50).expect("an answer");
    assert_eq!((got, sequence), (status, named));
}

#[test]
fn nobody_is_told_the_last_sequence_number_without_proof() {
    let mut bench = Bench::new();
    let mut tokens = bench.tokens(CARE_OF);
    assert!(bench.update(&tokens, 10, 100).is_some());
    tokens.home[7] ^= 1;
    assert_eq!(bench.update(&tokens, 9, 100), None);
}

#[rstest]
#[case::home_too_old(235, true, false, 136)]
#[case::care_of_too_old(235, false, true, 137)]
#[case::both_too_old(235, true, true, 138)]
fn old_nonces_are_refused_without_proof(
    #[case] seconds: u64,
    #[case] old_home: bool,
    #[case] old_care_of: bool,
    #[case] status: u8,
) {
    let mut bench = Bench::new();
    let old = bench.tokens(CARE_OF);
    bench.wait(seconds + 6);
    let fresh = bench.tokens(CARE_OF);
    let home_from = if old_home { &old } else { &fresh };
    let care_of_from = if old_care_of { &old } else { &fresh };
    let tokens = Tokens {
        home: home_from.home,
        care_of: care_of_from.care_of,
        indices: NonceIndices {
            home: home_from.indices.home,
            care_of: care_of_from.indices.care_of,
        },
        at: CARE_OF,
    };
    let message = bench.message(&tokens, 7, 100, false);
    let answer = bench.deliver(&packet(CARE_OF, Some(HOME), &message)).expect("even without A");
    let Ok(Message::BindingAcknowledgement(acknowledgement)) = Message::parse(&answer.payload)
    else {
        panic!("{answer:?}")
    };
    assert_eq!(acknowledgement.status, Status(status));
    assert_eq!(acknowledgement.authorization_data(), None);
}

#[test]
fn every_bit_of_the_authenticator_counts() {
    for bit in 0..96 {
        let mut bench = Bench::new();
        let tokens = bench.tokens(CARE_OF);
        let mut update = bench.message(&tokens, 41, 105, true);
        let at = update.len() - 12 + bit / 8;
        update[at] ^= 1 << (bit % 8);
        reseal(&mut update);
        assert_eq!(bench.deliver(&packet(CARE_OF, Some(HOME), &update)), None, "bit {bit}");
        assert_eq!(bench.cn.care_of(bench.now, CN, HOME), None, "bit {bit}");
    }
}

#[test]
fn an_alternate_care_of_address_is_bound_and_the_answer_goes_to_the_source() {
    let mut bench = Bench::new();
    let tokens = bench.tokens(OTHER_CARE_OF);
    let update = bench.message(&tokens, 41, 105, true);
    let answer = bench.deliver(&packet(CARE_OF, Some(HOME), &update));
    assert_eq!(answer, None, "tokens of another address than the source, without the option");
    let mut message = bench.value(&tokens, 41, 105, true);
    message.options = {
        let alternate = MobilityOption::AlternateCareOfAddress(OTHER_CARE_OF);
        message.options.clone().with(alternate)
    };
    let update = bench.sign(&message, &tokens);
    let answer = bench.deliver(&packet(CARE_OF, Some(HOME), &update)).expect("an answer");
    assert_eq!(answer.outgoing.destination, CARE_OF);
    assert_eq!(bench.cn.care_of(bench.now, CN, HOME), Some(OTHER_CARE_OF));
}

#[rstest]
#[case::from_the_care_of_address(CARE_OF, Some(HOME), Some(HOME))]
#[case::from_home(HOME, None, None)]
#[case::from_home_with_the_option(HOME, Some(HOME), None)]
fn a_binding_is_removed_by_the_home_nonce_alone(
    #[case] source: Ipv6Addr,
    #[case] option: Option<Ipv6Addr>,
    #[case] routed: Option<Ipv6Addr>,
) {
    let mut bench = Bench::new();
    let mut tokens = bench.tokens(CARE_OF);
    assert!(bench.update(&tokens, 41, 105).is_some());
    tokens.indices.care_of = 0;
    let update = bench.deletion(&tokens, 42);
    let answer = bench.deliver(&packet(source, option, &update)).expect("an answer");
    assert_eq!(answer.outgoing.type_2_routing, routed);
    assert_eq!(answer.outgoing.destination, source);
    assert_eq!(bench.judge(&answer), (0, 42, 0));
    assert_eq!(bench.cn.care_of(bench.now, CN, HOME), None);
    let mut outgoing = Outgoing::new(CN, HOME, protocol::UDP);
    bench.cn.route(bench.now, &mut outgoing);
    assert_eq!((outgoing.destination, outgoing.type_2_routing), (HOME, None));
}

#[test]
fn what_was_removed_is_not_made_anew_by_old_nonces() {
    let mut bench = Bench::new();
    let tokens = bench.tokens(CARE_OF);
    let first = bench.message(&tokens, 41, 105, true);
    assert!(bench.deliver(&packet(CARE_OF, Some(HOME), &first)).is_some());
    let deletion = bench.deletion(&tokens, 42);
    assert!(bench.deliver(&packet(CARE_OF, Some(HOME), &deletion)).is_some());
    bench.wait(2);
    let replayed = bench.deliver(&packet(CARE_OF, Some(HOME), &first)).expect("an answer");
    assert_eq!(bench.judge(&replayed), (135, 42, 0));
    let (status, ..) = bench.update(&tokens, 43, 105).expect("an answer");
    assert_eq!(status, 138);
    assert_eq!(bench.cn.care_of(bench.now, CN, HOME), None);
    let fresh = bench.tokens(CARE_OF);
    assert_ne!(fresh.indices.home, tokens.indices.home);
    let (status, ..) = bench.update(&fresh, 5, 105).expect("an answer");
    assert_eq!(status, 0, "fresh nonces, any sequence number");
}

#[rstest]
#[case::home_registration(true, false, Some(131))]
#[case::home_registration_with_nonces(true, true, None)]
fn no_home_registration_is_taken(
    #[case] home_registration: bool,
    #[case] with_nonces: bool,
    #[case] status: Option<u8>,
) {
    let mut bench = Bench::new();
    let tokens = bench.tokens(CARE_OF);
    let mut message = bench.value(&tokens, 41, 105, true);
    message.home_registration = home_registration;
    let octets = if with_nonces {
        bench.sign(&message, &tokens)
    } else {
        message.options = Default::default();
        message.to_vec(HOME, CN)
    };
    let answer = bench.deliver(&packet(CARE_OF, Some(HOME), &octets));
    assert_eq!(answer.map(|answer| bench.judge(&answer).0), status);
}

#[test]
fn a_binding_is_not_turned_into_a_home_registration() {
    let mut bench = Bench::new();
    let tokens = bench.tokens(CARE_OF);
    assert!(bench.update(&tokens, 41, 105).is_some());
    let mut message = bench.value(&tokens, 42, 105, true);
    (message.home_registration, message.options) = (true, Default::default());
    let octets = message.to_vec(HOME, CN);
    let answer = bench.deliver(&packet(CARE_OF, Some(HOME), &octets)).expect("an answer");
    assert_eq!(bench.judge(&answer).0, 139);
    assert_eq!(bench.cn.care_of(bench.now, CN, HOME), Some(CARE_OF));
}

#[rstest]
#[case::multicast_home("ff0e::1", None)]
#[case::link_local_home("fe80::1", None)]
#[case::multicast_care_of("2001:db8:a::100", Some("ff0e::1"))]
#[case::loopback_care_of("2001:db8:a::100", Some("::1"))]
#[case::unspecified_care_of("2001:db8:a::100", Some("::"))]
fn addresses_that_cannot_be_bound_draw_silence(
    #[case] home: Ipv6Addr,
    #[case] alternate: Option<&str>,
) {
    let mut bench = Bench::new();
    let at = alternate.map_or(CARE_OF, |text| text.parse().unwrap());
    // The key is the right one for these addresses: nothing but they can be the reason.
    let home_nonce = bench.cn.routability.home_token(bench.now, home);
    let care_of_nonce = bench.cn.routability.care_of_token(bench.now, at);
    let tokens = Tokens {
        home: home_nonce.1,
        care_of: care_of_nonce.1,
        indices: NonceIndices { home: home_nonce.0, care_of: care_of_nonce.0 },
        at,
    };
    let mut message = bench.value(&tokens, 41, 105, true);
    if alternate.is_some() {
        message.options = message.options.clone().with(MobilityOption::AlternateCareOfAddress(at));
    }
    let key = BindingManagementKey::new(tokens.home, tokens.care_of);
    let octets = message.to_vec_authorized(home, CN, at, Authorization::ReturnRoutability(&key));
    assert_eq!(bench.deliver(&packet(CARE_OF, Some(home), &octets)), None);
    assert_eq!(bench.cn.care_of(bench.now, CN, home), None);
}

#[rstest]
#[case::home_test(true)]
#[case::care_of_test(false)]
fn a_test_with_a_home_address_option_draws_silence(#[case] of_home: bool) {
    let mut bench = Bench::new();
    let message = if of_home {
        Message::HomeTestInit(HomeTestInit::new([1, 2, 3, 4, 5, 6, 7, 8]))
    } else {
        Message::CareOfTestInit(CareOfTestInit::new([1, 2, 3, 4, 5, 6, 7, 8]))
    };
    let octets = message.to_vec(HOME, CN);
    assert_eq!(bench.deliver(&packet(CARE_OF, Some(HOME), &octets)), None);
}

#[test]
fn an_unknown_message_type_draws_a_binding_error() {
    let mut bench = Bench::new();
    let message = Message::Unknown { mh_type: 77, data: vec![1, 2] };
    let octets = message.to_vec(CARE_OF, CN);
    let answer = bench.deliver(&packet(CARE_OF, None, &octets)).expect("an answer");
    let Ok(Message::BindingError(error)) = Message::parse(&answer.payload) else {
        panic!("{answer:?}")
    };
    assert_eq!(error.status, BindingErrorStatus::UNRECOGNISED_MH_TYPE);
    assert_eq!(answer.outgoing.destination, CARE_OF);
}

#[rstest]
#[case::bound(CARE_OF, protocol::UDP, true)]
#[case::from_elsewhere(OTHER_CARE_OF, protocol::UDP, false)]
#[case::proved_by_itself(OTHER_CARE_OF, protocol::MOBILITY, true)]
fn a_home_address_option_needs_a_binding(
    #[case] source: Ipv6Addr,
    #[case] next_header: u8,
    #[case] admitted: bool,
) {
    let mut bench = Bench::new();
    let tokens = bench.tokens(CARE_OF);
    assert!(bench.update(&tokens, 41, 105).is_some());
    let outgoing = Outgoing { home_address: Some(HOME), ..Outgoing::new(source, CN, next_header) };
    let octets = outgoing.to_vec(&[0xa5; 16]);
    let packet = Packet::parse(&octets).unwrap();
    assert_eq!(bench.cn.admits(bench.now, &packet), admitted);
    let answer = bench.cn.poll_answer();
    assert_eq!(answer.is_some(), !admitted);
    if let Some(Answer { outgoing, payload }) = answer {
        let Ok(Message::BindingError(error)) = Message::parse(&payload) else { panic!() };
        assert_eq!(error.status, BindingErrorStatus::UNKNOWN_BINDING);
        assert_eq!((outgoing.destination, error.home_address), (source, HOME));
    }
}

#[test]
fn binding_errors_are_limited() {
    let mut bench = Bench::new();
    let outgoing =
        Outgoing { home_address: Some(HOME), ..Outgoing::new(CARE_OF, CN, protocol::UDP) };
    let octets = outgoing.to_vec(&[0xa5; 16]);
    let packet = Packet::parse(&octets).unwrap();
    for _ in 0..1000 {
        assert!(!bench.cn.admits(bench.now, &packet));
    }
    assert_eq!(std::iter::from_fn(|| bench.cn.poll_answer()).count(), 10);
    bench.wait(1);
    assert!(!bench.cn.admits(bench.now, &packet));
    assert!(bench.cn.poll_answer().is_some());
}

#[test]
fn bindings_are_bounded_and_those_that_are_there_stay() {
    let mut bench = Bench::new();
    for one in 0..=binding_cache::BINDINGS_MAX {
        let home = Ipv6Addr::from(u128::from(HOME) + 1 + u128::try_from(one).unwrap());
        let ends = Ends { local: CN, home };
        let what = (CARE_OF, Sequence(1), NonceIndices { home: 1, care_of: 1 });
        if !bench.cn.cache.is_full() {
            bench.cn.cache.bind(bench.now, ends, what, Duration::from_secs(420));
        }
    }
    let tokens = bench.tokens(CARE_OF);
    assert_eq!(bench.update(&tokens, 41, 105).map(|answer| answer.0), Some(130));
}

#[test]
fn a_refresh_request_goes_to_the_home_address() {
    let mut bench = Bench::new();
    let tokens = bench.tokens(CARE_OF);
    assert!(bench.update(&tokens, 41, 105).is_some());
    bench.wait(389);
    bench.cn.route(bench.now, &mut Outgoing::new(CN, HOME, protocol::UDP));
    bench.wait(1);
    let Answer { outgoing, payload } = bench.cn.poll_answer().expect("a refresh request");
    assert!(matches!(Message::parse(&payload), Ok(Message::BindingRefreshRequest(_))));
    assert_eq!(outgoing, Outgoing::new(CN, HOME, protocol::MOBILITY));
}

#[test]
fn persistent_failures_to_deliver_end_a_binding() {
    let mut bench = Bench::new();
    let tokens = bench.tokens(CARE_OF);
    assert!(bench.update(&tokens, 41, 105).is_some());
    let mut outgoing = Outgoing::new(CN, HOME, protocol::UDP);
    bench.cn.route(bench.now, &mut outgoing);
    let sent = outgoing.to_vec(&[0xa5; 300]);
    for (second, bound) in [(1, true), (2, true), (3, false)] {
        bench.wait(1);
        bench.cn.on_unreachable(bench.now, &sent[..100]);
        let care_of = bench.cn.care_of(bench.now, CN, HOME);
        assert_eq!(care_of.is_some(), bound, "complaint {second}");
    }
}

/// A correspondent, and the time.
struct Bench {
    cn: Correspondence,
    now: Instant,
}

/// What a mobile node has after return routability.
#[derive(Debug, Clone)]
struct Tokens {
    home: [u8; 8],
    care_of: [u8; 8],
    indices: NonceIndices,
    at: Ipv6Addr,
}

impl Bench {
    fn new() -> Self {
        let cn = Correspondence::new(Entropy::new(77), &Misdeeds::default());
        Self { cn, now: Instant::at(Duration::from_secs(1)) }
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.cn.run(self.now);
    }

    /// Return routability for `at`.
    fn tokens(&mut self, at: Ipv6Addr) -> Tokens {
        let cookie = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
        let init = Message::HomeTestInit(HomeTestInit::new(cookie)).to_vec(HOME, CN);
        let answer = self.deliver(&packet(HOME, None, &init)).expect("a Home Test");
        assert_eq!(answer.outgoing, Outgoing::new(CN, HOME, protocol::MOBILITY));
        let Ok(Message::HomeTest(home)) = Message::parse(&answer.payload) else { panic!() };
        let init = Message::CareOfTestInit(CareOfTestInit::new(cookie)).to_vec(at, CN);
        let answer = self.deliver(&packet(at, None, &init)).expect("a Care-of Test");
        assert_eq!(answer.outgoing, Outgoing::new(CN, at, protocol::MOBILITY));
        let Ok(Message::CareOfTest(care_of)) = Message::parse(&answer.payload) else { panic!() };
        assert_eq!((home.cookie, care_of.cookie), (cookie, cookie));
        let indices = NonceIndices { home: home.nonce_index, care_of: care_of.nonce_index };
        Tokens { home: home.token, care_of: care_of.token, indices, at }
    }

    fn value(&self, tokens: &Tokens, sequence: u16, lifetime: u16, ack: bool) -> BindingUpdate {
        let mut update = BindingUpdate::new(Sequence(sequence), Lifetime(lifetime));
        update.acknowledge = ack;
        update.options = update.options.clone().with(MobilityOption::NonceIndices(tokens.indices));
        update
    }

    fn sign(&self, update: &BindingUpdate, tokens: &Tokens) -> Vec<u8> {
        let key = BindingManagementKey::new(tokens.home, tokens.care_of);
        update.to_vec_authorized(HOME, CN, tokens.at, Authorization::ReturnRoutability(&key))
    }

    fn message(&self, tokens: &Tokens, sequence: u16, lifetime: u16, ack: bool) -> Vec<u8> {
        self.sign(&self.value(tokens, sequence, lifetime, ack), tokens)
    }

    fn deletion(&self, tokens: &Tokens, sequence: u16) -> Vec<u8> {
        let update = self.value(tokens, sequence, 0, true);
        let key = BindingManagementKey::for_deletion(tokens.home);
        update.to_vec_authorized(HOME, CN, HOME, Authorization::ReturnRoutability(&key))
    }

    /// Sends an update from where its tokens are from; status, sequence and lifetime of the answer,
    /// whose authenticator must be right.
    fn update(&mut self, tokens: &Tokens, sequence: u16, lifetime: u16) -> Option<(u8, u16, u16)> {
        let octets = self.message(tokens, sequence, lifetime, true);
        let answer = self.deliver(&packet(tokens.at, Some(HOME), &octets))?;
        assert_eq!(answer.outgoing.type_2_routing, Some(HOME));
        let key = BindingManagementKey::new(tokens.home, tokens.care_of);
        assert!(verify_binding_authorization(&key, tokens.at, CN, &answer.payload));
        Some(self.judge(&answer))
    }

    fn judge(&self, answer: &Answer) -> (u8, u16, u16) {
        assert_eq!(verify(CN, HOME, &answer.payload), Ok(()));
        let Ok(Message::BindingAcknowledgement(acknowledgement)) = Message::parse(&answer.payload)
        else {
            panic!("{answer:?}")
        };
        let BindingAcknowledgement { status, sequence, lifetime, .. } = acknowledgement;
        (status.0, sequence.0, lifetime.0)
    }

    fn deliver(&mut self, octets: &[u8]) -> Option<Answer> {
        let packet = Packet::parse(octets).unwrap();
        let message = Message::parse(packet.payload).unwrap();
        assert!(self.cn.on_message(self.now, &packet, &message));
        let answer = self.cn.poll_answer();
        assert_eq!(self.cn.poll_answer(), None);
        answer
    }
}

fn packet(source: Ipv6Addr, home_address: Option<Ipv6Addr>, payload: &[u8]) -> Vec<u8> {
    let outgoing = Outgoing { home_address, ..Outgoing::new(source, CN, protocol::MOBILITY) };
    outgoing.to_vec(payload)
}

/// Makes the checksum right again.
fn reseal(octets: &mut [u8]) {
    octets[4..6].copy_from_slice(&[0, 0]);
    let sum = roamproof_wire::checksum::upper_layer(HOME, CN, protocol::MOBILITY, octets);
    octets[4..6].copy_from_slice(&sum.to_be_bytes());
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
