//! Golden octets of every mobility message, made by scapy and Python's hmac, read and written back.
//!
//! `golden.txt` is what `tests/oracle/mobility_messages.py` prints (scapy 2.8.0): it shares nothing
//! with this package.

use std::net::Ipv6Addr;

use insta::assert_snapshot;
use rstest::rstest;

use super::option::NonceIndices;
use super::*;
use crate::{Fault, WireError};

/// A golden message and the addresses under its checksum.
pub(super) struct Golden {
    pub(super) name: &'static str,
    pub(super) source: Ipv6Addr,
    pub(super) destination: Ipv6Addr,
    pub(super) octets: Vec<u8>,
}

const HOME: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const HOME_AGENT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0xa);
const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0, 0x1f2e);
const ALTERNATE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf2, 0, 0, 0, 0, 0x3d4c);
const CORRESPONDENT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);

const HOME_COOKIE: [u8; 8] = *b"abcdefgh";
const CARE_OF_COOKIE: [u8; 8] = *b"qrstuvwx";
const MN_HA_KEY: &[u8] = b"mobile and home agent";
const LOOKUP_KEY: &[u8] = b"home agent and SIP server";
const MN_HA_SPI: u32 = 0x0102_0304;
const LOOKUP_SPI: u32 = 0x0506_0708;
const TIMESTAMP: NtpTimestamp = NtpTimestamp(0xec9b_2d01_89ab_cdef);

#[rstest]
#[case::bu("bu", update())]
#[case::bu_home("bu-home", home_update())]
#[case::bu_correspondent("bu-correspondent", correspondent_update())]
#[case::ba("ba", acknowledgement())]
#[case::be("be", BindingError::unknown_binding(HOME))]
#[case::brr("brr", BindingRefreshRequest::default())]
#[case::brr_options("brr-options", refresh_with_foreign_options())]
#[case::hoti("hoti", HomeTestInit::new(HOME_COOKIE))]
#[case::coti("coti", CareOfTestInit::new(CARE_OF_COOKIE))]
#[case::hot("hot", HomeTest::new(0x0708, HOME_COOKIE, token("home-keygen-token")))]
#[case::cot("cot", CareOfTest::new(0x090a, CARE_OF_COOKIE, token("care-of-keygen-token")))]
#[case::unknown("unknown", Message::Unknown { mh_type: 200, data: (0xb1..=0xba).collect() })]
#[case::experiment("other-experiment", Message::Unknown { mh_type: 11, data: (0xc1..=0xca).collect() })]
#[case::han(
    "han",
    proved("han", BindingLookup::notification(0x1122, HOME, HOME_AGENT, Lifetime(0x3344)))
)]
#[case::haa(
    "haa",
    proved("haa", BindingLookup::notification_ack(0x1122, HOME, LookupStatus::REFUSED))
)]
#[case::bq("bq", proved("bq", BindingLookup::query(0x5566, HOME)))]
#[case::br("br", proved("br", BindingLookup::reply(0x5566, HOME, CARE_OF, Lifetime(0x7788))))]
#[case::br_without(
    "br-without",
    proved(
        "br-without",
        BindingLookup::reply_without(0x5566, HOME, LookupStatus::NOT_MY_HOME_ADDRESS)
    )
)]
#[case::bc("bc", proved("bc", BindingLookup::change(0x99aa, HOME, ALTERNATE, Lifetime(0x0b0c))))]
#[case::bc_gone("bc-gone", proved("bc-gone", BindingLookup::change_gone(0x99aa, HOME)))]
#[case::bca(
    "bca",
    proved("bca", BindingLookup::change_ack(0x99aa, HOME, LookupStatus::NO_BINDING))
)]
fn golden_octets_are_this_value(#[case] name: &str, #[case] value: impl Into<Message>) {
    let (golden, value) = (golden(name), value.into());
    assert_eq!(Message::parse(&golden.octets), Ok(value.clone()));
    assert_eq!(value.to_vec(golden.source, golden.destination), golden.octets);
}

#[test]
fn every_golden_checksum_is_right_and_every_message_written_back() {
    for Golden { name, source, destination, octets } in all() {
        assert_eq!(verify(source, destination, &octets), Ok(()), "{name}");
        let value = Message::parse(&octets).unwrap_or_else(|error| panic!("{name}: {error}"));
        let [clean, dirty] = [0x00, 0xff].map(|fill| {
            let mut buffer = vec![fill; value.buffer_len()];
            value.emit(source, destination, &mut buffer);
            buffer
        });
        assert_eq!(clean, octets, "{name}");
        assert_eq!(dirty, octets, "{name}: an octet was left as it was");
    }
}

#[test]
fn golden_messages_print_in_one_line() {
    let lines: Vec<String> = all()
        .iter()
        .map(|golden| format!("{:16} {}", golden.name, Message::parse(&golden.octets).unwrap()))
        .collect();
    assert_snapshot!(lines.join("\n"), @"
    bu               BU seq=4660 A life=88544s
    bu-home          BU seq=9029 AHLK life=600s mn=mt@example.com alt-coa=2001:db8:f2::3d4c stamp=ec9b2d01.89abcdef auth=spi16909060
    bu-correspondent BU seq=13398 A life=420s alt-coa=2001:db8:f1::1f2e nonces=1800/2314 auth=kbm
    bu-deletion      BU seq=17767 A life=0s nonces=2828/3342 auth=kbm
    ba               BA seq=26505 status=135 K life=123496s
    ba-home          BA seq=9029 status=1 K life=596s refresh=400s stamp=ec9b2d01.89abcdef auth=spi16909060
    ba-correspondent BA seq=13398 status=137 life=416s auth=kbm
    be               BE status=1 hoa=2001:db8:a::100
    brr              BRR
    brr-options      BRR experimental[3] vendor37266[2] option200[5]
    hoti             HoTI cookie=6162636465666768
    coti             CoTI cookie=7172737475767778
    hot              HoT nonce=1800 cookie=6162636465666768 token=6f4ce6b17c3be1bb
    cot              CoT nonce=2314 cookie=7172737475767778 token=4af2c34d292f0908
    unknown          MH type=200 len=16
    other-experiment MH type=11 len=16
    han              HAN tid=4386 hoa=2001:db8:a::100 ha=2001:db8:a::a life=52496s
    haa              HAA tid=4386 status=128 hoa=2001:db8:a::100
    bq               BQ tid=21862 hoa=2001:db8:a::100
    br               BR tid=21862 status=0 hoa=2001:db8:a::100 coa=2001:db8:f1::1f2e life=122400s
    br-without       BR tid=21862 status=2 hoa=2001:db8:a::100
    bc               BC tid=39338 status=0 hoa=2001:db8:a::100 coa=2001:db8:f2::3d4c life=11312s
    bc-gone          BC tid=39338 status=1 hoa=2001:db8:a::100
    bca              BCA tid=39338 status=1 hoa=2001:db8:a::100
    ");
}

#[test]
fn tokens_and_keys_are_those_of_another_program() {
    let kcn: [u8; 20] = std::array::from_fn(|at| 0x21 + u8::try_from(at).unwrap());
    let home = home_keygen_token(&kcn, HOME, *b"ABCDEFGH");
    let care_of = care_of_keygen_token(&kcn, CARE_OF, *b"QRSTUVWX");
    assert_eq!(home.as_slice(), secret("home-keygen-token"));
    assert_eq!(care_of.as_slice(), secret("care-of-keygen-token"));
    assert_eq!(BindingManagementKey::new(home, care_of).0.as_slice(), secret("kbm"));
    assert_eq!(BindingManagementKey::for_deletion(home).0.as_slice(), secret("kbm-deletion"));
}

#[rstest]
#[case::update("bu-correspondent", "kbm", CARE_OF)]
#[case::deletion("bu-deletion", "kbm-deletion", HOME)]
#[case::acknowledgement("ba-correspondent", "kbm", CARE_OF)]
fn authorization_data_is_verified(
    #[case] name: &str,
    #[case] key: &str,
    #[case] care_of: Ipv6Addr,
) {
    let kbm = BindingManagementKey(secret(key).try_into().unwrap());
    let octets = golden(name).octets;
    assert!(verify_binding_authorization(&kbm, care_of, CORRESPONDENT, &octets));
    assert!(!verify_binding_authorization(&kbm, care_of, HOME_AGENT, &octets));
    assert!(!verify_binding_authorization(&kbm, ALTERNATE, CORRESPONDENT, &octets));
    let other = BindingManagementKey([0x97; 20]);
    assert!(!verify_binding_authorization(&other, care_of, CORRESPONDENT, &octets));
    no_flip_outside_the_checksum_passes(&octets, |octets| {
        verify_binding_authorization(&kbm, care_of, CORRESPONDENT, octets)
    });
}

#[rstest]
#[case::update("bu-home", ALTERNATE)]
#[case::acknowledgement("ba-home", CARE_OF)]
fn mn_ha_authentication_is_verified(#[case] name: &str, #[case] care_of: Ipv6Addr) {
    let octets = golden(name).octets;
    assert!(verify_mn_ha(MN_HA_KEY, care_of, HOME, &octets));
    assert!(!verify_mn_ha(MN_HA_KEY, care_of, HOME_AGENT, &octets));
    assert!(!verify_mn_ha(MN_HA_KEY, HOME_AGENT, HOME, &octets));
    assert!(!verify_mn_ha(LOOKUP_KEY, care_of, HOME, &octets));
    no_flip_outside_the_checksum_passes(&octets, |octets| {
        verify_mn_ha(MN_HA_KEY, care_of, HOME, octets)
    });
}

#[rstest]
fn lookup_authentication_is_verified(
    #[values("han", "haa", "bq", "br", "br-without", "bc", "bc-gone", "bca")] name: &str,
) {
    let Golden { source, destination, octets, .. } = golden(name);
    assert!(verify_lookup(LOOKUP_KEY, source, destination, &octets));
    assert!(!verify_lookup(LOOKUP_KEY, destination, source, &octets));
    assert!(!verify_lookup(MN_HA_KEY, source, destination, &octets));
    no_flip_outside_the_checksum_passes(&octets, |octets| {
        verify_lookup(LOOKUP_KEY, source, destination, octets)
    });
}

#[test]
fn authorized_messages_are_written_as_another_program_does() {
    let kbm = BindingManagementKey(secret("kbm").try_into().unwrap());
    let by_both_paths = Authorization::ReturnRoutability(&kbm);
    let shared = MnHaAuthentication { spi: MN_HA_SPI, key: MN_HA_KEY, timestamp: TIMESTAMP };

    let mut update = correspondent_update();
    update.options = update
        .options
        .iter()
        .filter(|option| option.kind() != option::kind::BINDING_AUTHORIZATION_DATA)
        .fold(Options::new(), |options, option| options.with(option.clone()));
    let octets = update.to_vec_authorized(HOME, CORRESPONDENT, CARE_OF, by_both_paths);
    assert_eq!(octets, golden("bu-correspondent").octets);

    let update = BindingUpdate { options: home_options(), ..home_update() };
    let octets = update.to_vec_authorized(HOME, HOME_AGENT, ALTERNATE, Authorization::MnHa(shared));
    assert_eq!(octets, golden("bu-home").octets);

    let answer = BindingAcknowledgement::new(
        Status::EXPIRED_CARE_OF_NONCE_INDEX,
        Sequence(0x3456),
        Lifetime(0x0068),
    );
    let octets = answer.to_vec_authorized(CORRESPONDENT, HOME, CARE_OF, by_both_paths);
    assert_eq!(octets, golden("ba-correspondent").octets);

    let answer = BindingAcknowledgement {
        key_management: true,
        options: Options::new().with(MobilityOption::BindingRefreshAdvice(Lifetime(0x0064))),
        ..BindingAcknowledgement::new(
            Status::ACCEPTED_PREFIX_DISCOVERY_NECESSARY,
            Sequence(0x2345),
            Lifetime(0x0095),
        )
    };
    let octets = answer.to_vec_authorized(HOME_AGENT, HOME, CARE_OF, Authorization::MnHa(shared));
    assert_eq!(octets, golden("ba-home").octets);
}

#[test]
fn lookup_messages_are_proved_as_another_program_does() {
    for name in ["han", "haa", "bq", "br", "br-without", "bc", "bc-gone", "bca"] {
        let Golden { source, destination, octets, .. } = golden(name);
        let Ok(Message::BindingLookup(value)) = Message::parse(&octets) else { panic!("{name}") };
        let blank =
            BindingLookup { authenticator: [0; 12], spi: 0, timestamp: NtpTimestamp(0), ..value };
        let proved =
            blank.to_vec_authorized(source, destination, LOOKUP_SPI, LOOKUP_KEY, TIMESTAMP);
        assert_eq!(proved, octets, "{name}");
    }
}

#[test]
fn no_truncation_passes() {
    for Golden { name, source, destination, octets } in all() {
        for cut in 0..octets.len() {
            let octets = &octets[..cut];
            let (need, offset) = if cut < 8 { (8, 0) } else { (promised(octets), 1) };
            let error = WireError::truncated("Mobility Header", offset, need, cut);
            assert_eq!(Message::parse(octets), Err(error), "{name} cut at {cut}");
            assert_eq!(verify(source, destination, octets), Err(error), "{name} cut at {cut}");
        }
    }
}

/// One's complement sums tell every flip of one bit.
#[test]
fn no_flip_of_a_bit_passes_the_checksum() {
    for Golden { name, source, destination, octets } in all() {
        for_every_flip(&octets, |at, flipped| {
            let error = verify(source, destination, flipped).expect_err(name);
            let checksum = matches!(error.fault, Fault::Checksum { .. });
            assert!(checksum || at == 1, "{name}: octet {at}: {error}");
            if let Ok(value) = Message::parse(flipped) {
                let again = value.to_vec(source, destination);
                assert_eq!(Message::parse(&again), Ok(value), "{name}: octet {at}");
            }
        });
    }
}

#[test]
fn octets_beyond_header_len_do_not_count() {
    for Golden { name, source, destination, mut octets } in all() {
        let value = Message::parse(&octets);
        octets.extend([0xee; 11]);
        assert_eq!(verify(source, destination, &octets), Ok(()), "{name}");
        assert_eq!(Message::parse(&octets), value, "{name}");
    }
}

/// Every reserved bit is ignored on receipt (RFC 6275 §6.1).
#[rstest]
#[case::refresh("brr", &[(3, 0xff), (6, 0xff), (7, 0xff)])]
#[case::home_test_init("hoti", &[(3, 0xff), (6, 0xff), (7, 0xff)])]
#[case::care_of_test_init("coti", &[(3, 0xff), (6, 0xff), (7, 0xff)])]
#[case::home_test("hot", &[(3, 0xff)])]
#[case::update("bu", &[(3, 0xff), (8, 0x0f), (9, 0xff)])]
#[case::acknowledgement("ba", &[(3, 0xff), (7, 0x7f)])]
#[case::error("be", &[(3, 0xff), (7, 0xff)])]
#[case::lookup("bq", &[(3, 0xff), (14, 0xff), (15, 0xff), (23, 0xff)])]
fn reserved_bits_are_ignored(#[case] name: &str, #[case] reserved: &[(usize, u8)]) {
    let octets = golden(name).octets;
    let mut set = octets.clone();
    for (at, bits) in reserved {
        set[*at] |= bits;
    }
    assert_ne!(set, octets);
    assert_eq!(Message::parse(&set), Message::parse(&octets));
}

fn for_every_flip(octets: &[u8], mut check: impl FnMut(usize, &[u8])) {
    let mut flipped = octets.to_vec();
    for at in 0..octets.len() {
        for bit in 0..8 {
            flipped[at] ^= 1 << bit;
            check(at, &flipped);
            flipped[at] ^= 1 << bit;
        }
    }
}

fn no_flip_outside_the_checksum_passes(octets: &[u8], passes: impl Fn(&[u8]) -> bool) {
    for_every_flip(octets, |at, flipped| {
        assert_eq!(passes(flipped), (4..6).contains(&at), "octet {at}");
    });
}

fn promised(octets: &[u8]) -> usize {
    8 * (usize::from(octets[1]) + 1)
}

fn update() -> BindingUpdate {
    BindingUpdate { acknowledge: true, ..BindingUpdate::new(Sequence(0x1234), Lifetime(0x5678)) }
}

fn home_options() -> Options {
    Options::new()
        .with(MobilityOption::nai("mt@example.com"))
        .with(MobilityOption::AlternateCareOfAddress(ALTERNATE))
}

fn home_update() -> BindingUpdate {
    let authenticator = last_12(&golden("bu-home").octets);
    let subtype = MessageAuthentication::MN_HA;
    let authentication = MessageAuthentication { subtype, spi: MN_HA_SPI, authenticator };
    BindingUpdate {
        sequence: Sequence(0x2345),
        acknowledge: true,
        home_registration: true,
        link_local_compatibility: true,
        key_management: true,
        lifetime: Lifetime(150),
        options: home_options()
            .with(MobilityOption::ReplayProtection(TIMESTAMP))
            .with(MobilityOption::Authentication(authentication)),
    }
}

fn correspondent_update() -> BindingUpdate {
    let authenticator = last_12(&golden("bu-correspondent").octets);
    BindingUpdate {
        acknowledge: true,
        options: Options::new()
            .with(MobilityOption::AlternateCareOfAddress(CARE_OF))
            .with(MobilityOption::NonceIndices(NonceIndices { home: 0x0708, care_of: 0x090a }))
            .with(MobilityOption::BindingAuthorizationData(authenticator)),
        ..BindingUpdate::new(Sequence(0x3456), Lifetime::MAX_RR_BINDING)
    }
}

fn acknowledgement() -> BindingAcknowledgement {
    let status = Status::SEQUENCE_OUT_OF_WINDOW;
    BindingAcknowledgement {
        key_management: true,
        ..BindingAcknowledgement::new(status, Sequence(0x6789), Lifetime(0x789a))
    }
}

fn refresh_with_foreign_options() -> BindingRefreshRequest {
    let options = Options::new()
        .with(MobilityOption::Experimental([0x81, 0x82, 0x83].into()))
        .with(MobilityOption::VendorSpecific {
            vendor: 0x9192,
            subtype: 0x93,
            data: [0x94, 0x95].into(),
        })
        .with(MobilityOption::Unknown { kind: 200, data: (0xa1..=0xa5).collect() });
    BindingRefreshRequest { options }
}

fn proved(name: &str, message: BindingLookup) -> BindingLookup {
    let authenticator = last_12(&golden(name).octets);
    BindingLookup { timestamp: TIMESTAMP, spi: LOOKUP_SPI, authenticator, ..message }
}

fn token(name: &str) -> [u8; 8] {
    secret(name).try_into().unwrap()
}

fn last_12(octets: &[u8]) -> [u8; 12] {
    octets[octets.len() - 12..].try_into().unwrap()
}

pub(super) fn golden(name: &str) -> Golden {
    all().into_iter().find(|golden| golden.name == name).expect("a line of golden.txt")
}

/// Every golden message.
pub(super) fn all() -> Vec<Golden> {
    lines()
        .filter_map(|fields| {
            let [name, source, destination, octets] = fields[..] else { return None };
            let [source, destination] =
                [source, destination].map(|address| address.parse().expect("an address"));
            Some(Golden { name, source, destination, octets: hex(octets) })
        })
        .collect()
}

/// A token or key.
fn secret(name: &str) -> Vec<u8> {
    let fields = lines().find(|fields| fields[0] == name).expect("a line of golden.txt");
    hex(fields[1])
}

fn lines() -> impl Iterator<Item = Vec<&'static str>> {
    include_str!("golden.txt").lines().map(|line| line.split(' ').collect())
}

fn hex(digits: &str) -> Vec<u8> {
    let octet = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("two digits");
    (0..digits.len()).step_by(2).map(octet).collect()
}
