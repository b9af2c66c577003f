//! What is refused, at which octet and why; and what hostile edits through a view make of a message.

use std::net::Ipv6Addr;

use rstest::rstest;

use super::golden::golden;
use super::*;
use crate::{Fault, WireError};

type Octets = Vec<u8>;

/// Edits one golden message and names what is then wrong with it.
#[rstest]
#[case::payload_proto("bu", |octets: &mut Octets| octets[0] = 58, "Binding Update: octet 0: 0x3a has no meaning here")]
#[case::update_too_short("bu", |octets: &mut Octets| octets[1] = 0, "Binding Update: octet 1: 0x00 has no meaning here")]
#[case::acknowledgement_too_short("ba", |octets: &mut Octets| octets[1] = 0, "Binding Acknowledgement: octet 1: 0x00 has no meaning here")]
#[case::error_too_short("be", |octets: &mut Octets| octets[1] = 1, "Binding Error: octet 1: 0x01 has no meaning here")]
#[case::home_test_init_too_short("hoti", |octets: &mut Octets| octets[1] = 0, "Home Test Init: octet 1: 0x00 has no meaning here")]
#[case::care_of_test_init_too_short("coti", |octets: &mut Octets| octets[1] = 0, "Care-of Test Init: octet 1: 0x00 has no meaning here")]
#[case::home_test_too_short("hot", |octets: &mut Octets| octets[1] = 1, "Home Test: octet 1: 0x01 has no meaning here")]
#[case::care_of_test_too_short("cot", |octets: &mut Octets| octets[1] = 1, "Care-of Test: octet 1: 0x01 has no meaning here")]
#[case::lookup_too_short("bq", |octets: &mut Octets| octets[1] = 7, "binding lookup: octet 1: 0x07 has no meaning here")]
#[case::header_len_past_the_end("bu", |octets: &mut Octets| octets[1] = 2, "Mobility Header: octet 1: needs 24 octets, has 16")]
#[case::below_eight_octets("brr", |octets: &mut Octets| octets.truncate(7), "Mobility Header: octet 0: needs 8 octets, has 7")]
#[case::option_past_the_end("bu", |octets: &mut Octets| octets[13] = 3, "Binding Update: octet 13: needs 5 octets, has 4")]
#[case::option_without_length("bu", |octets: &mut Octets| octets[12..].copy_from_slice(&[0, 0, 0, 200]), "Binding Update: octet 16: needs 2 octets, has 1")]
#[case::advice_of_one_octet("bu", |octets: &mut Octets| octets[12..].copy_from_slice(&[2, 1, 9, 0]), "Binding Update: octet 13: 0x01 has no meaning here")]
#[case::indices_of_two_octets("bu", |octets: &mut Octets| octets[12..].copy_from_slice(&[4, 2, 9, 9]), "Binding Update: octet 13: 0x02 has no meaning here")]
#[case::care_of_address_of_two_octets("bu", |octets: &mut Octets| octets[12..].copy_from_slice(&[3, 2, 9, 9]), "Binding Update: octet 13: 0x02 has no meaning here")]
#[case::time_stamp_of_two_octets("bu", |octets: &mut Octets| octets[12..].copy_from_slice(&[10, 2, 9, 9]), "Binding Update: octet 13: 0x02 has no meaning here")]
#[case::identifier_of_no_octet("bu", |octets: &mut Octets| octets[12..].copy_from_slice(&[8, 1, 1, 0]), "Binding Update: octet 13: 0x01 has no meaning here")]
#[case::vendor_of_two_octets("bu", |octets: &mut Octets| octets[12..].copy_from_slice(&[19, 2, 9, 9]), "Binding Update: octet 13: 0x02 has no meaning here")]
#[case::authentication_of_two_octets("bu", |octets: &mut Octets| octets[12..].copy_from_slice(&[9, 2, 1, 9]), "Binding Update: octet 13: 0x02 has no meaning here")]
#[case::authorization_of_two_octets("bu", |octets: &mut Octets| octets[12..].copy_from_slice(&[5, 2, 9, 9]), "Binding Update: octet 13: 0x02 has no meaning here")]
#[case::mn_ha_authenticator_too_short("bu-home", |octets: &mut Octets| { octets[62] = 16; octets[79] = 0; }, "Binding Update: octet 62: 0x10 has no meaning here")]
#[case::padding_after_authorization("ba-correspondent", |octets: &mut Octets| append(octets, &[1, 6, 0, 0, 0, 0, 0, 0]), "Binding Acknowledgement: octet 32: 8 octets too many")]
#[case::option_after_authorization("bu-correspondent", |octets: &mut Octets| append(octets, &[18, 6, 1, 2, 3, 4, 5, 6]), "Binding Update: octet 56: 8 octets too many")]
#[case::lookup_home_address_kind("bq", |octets: &mut Octets| octets[22] = 2, "binding lookup: octet 22: 0x02 has no meaning here")]
#[case::lookup_second_address_kind("br", |octets: &mut Octets| octets[46] = 1, "binding lookup: octet 46: 0x01 has no meaning here")]
#[case::lookup_address_length("bq", |octets: &mut Octets| octets[21] = 17, "binding lookup: octet 21: 0x11 has no meaning here")]
#[case::lookup_without_address("bq", |octets: &mut Octets| octets[20] = 200, "binding lookup: octet 20: 0xc8 has no meaning here")]
#[case::lookup_without_time_stamp("bq", |octets: &mut Octets| octets[42] = 200, "binding lookup: octet 42: 0xc8 has no meaning here")]
#[case::lookup_without_authentication("bq", |octets: &mut Octets| octets[53] = 200, "binding lookup: octet 53: 0xc8 has no meaning here")]
#[case::lookup_of_padding("bq", |octets: &mut Octets| octets[16..].fill(0), "binding lookup: octet 72: home address is missing")]
#[case::lookup_subtype("bq", |octets: &mut Octets| octets[55] = 1, "binding lookup: octet 55: 0x01 has no meaning here")]
#[case::padding_after_lookup("bq", |octets: &mut Octets| append(octets, &[1, 6, 0, 0, 0, 0, 0, 0]), "binding lookup: octet 72: 8 octets too many")]
#[case::notification_with_status("han", |octets: &mut Octets| octets[9] = 1, "binding lookup: octet 9: 0x01 has no meaning here")]
#[case::query_with_status("bq", |octets: &mut Octets| octets[9] = 128, "binding lookup: octet 9: 0x80 has no meaning here")]
#[case::query_with_lifetime("bq", |octets: &mut Octets| octets[13] = 7, "binding lookup: octet 12: 0x07 has no meaning here")]
#[case::notification_of_a_care_of_address("han", |octets: &mut Octets| octets[46] = 3, "binding lookup: octet 44: home agent address is missing")]
#[case::reply_of_a_home_agent("br", |octets: &mut Octets| octets[46] = 2, "binding lookup: octet 44: care-of address is missing")]
#[case::bound_without_care_of_address("br-without", |octets: &mut Octets| octets[9] = 0, "binding lookup: octet 44: care-of address is missing")]
#[case::unbound_with_care_of_address("br", |octets: &mut Octets| octets[9] = 1, "binding lookup: octet 44: more than 1")]
#[case::query_with_care_of_address("br", |octets: &mut Octets| { octets[8] = 3; octets[12..14].fill(0); }, "binding lookup: octet 44: more than 1")]
fn what_is_wrong_is_named(#[case] name: &str, #[case] edit: fn(&mut Octets), #[case] error: &str) {
    let mut octets = golden(name).octets;
    edit(&mut octets);
    let found = Message::parse(&octets).map_err(|error| error.to_string());
    assert_eq!(found, Err(error.to_owned()));
}

#[test]
fn a_wrong_checksum_names_the_right_one() {
    let golden = golden("hot");
    let mut octets = golden.octets;
    octets[4..6].copy_from_slice(&[0x12, 0x34]);
    let fault = Fault::Checksum { carried: 0x1234, right: 0x1837 };
    assert_eq!(
        verify(golden.source, golden.destination, &octets),
        Err(WireError { within: "Mobility Header", offset: 4, fault })
    );
}

/// RFC 6275 §9.2 judges the type before the payload protocol: a Binding Error goes back.
#[test]
fn an_unknown_type_is_unknown_whatever_follows_it() {
    let mut octets = golden("unknown").octets;
    octets[0] = 58;
    let known = Message::parse(&golden("unknown").octets);
    assert_eq!(Message::parse(&octets), known);
}

#[test]
fn an_unknown_kind_of_lookup_is_read_to_be_authenticated() {
    let mut octets = golden("br").octets;
    octets[8] = 7;
    let Ok(Message::BindingLookup(value)) = Message::parse(&octets) else { panic!("refused") };
    assert_eq!(value.kind, LookupKind::Unknown(7));
    assert_eq!(
        value.to_string(),
        "BL kind=7 tid=21862 status=0 hoa=2001:db8:a::100 coa=2001:db8:f1::1f2e life=122400s"
    );
}

/// RFC 6275 §6.2.3: a receiver ignores what padding holds, and how it is made up.
#[rstest]
#[case::of_ones(&[1, 2, 0xff, 0xff])]
#[case::by_single_octets(&[0, 0, 0, 0])]
#[case::empty(&[1, 0, 1, 0])]
fn padding_is_ignored(#[case] padding: &[u8]) {
    let mut octets = golden("bu").octets;
    let value = Message::parse(&octets);
    octets[12..].copy_from_slice(padding);
    assert_eq!(Message::parse(&octets), value);
}

/// RFC 6275 §6.2.1: options of unknown type are skipped wherever they stand.
#[rstest]
#[case::empty(200, 0)]
#[case::short(253, 1)]
#[case::long(200, 250)]
fn unknown_options_are_skipped(#[case] kind: u8, #[case] length: usize) {
    let unknown = MobilityOption::Unknown { kind, data: vec![0xe1; length].into() };
    let known = MobilityOption::AlternateCareOfAddress(Ipv6Addr::LOCALHOST);
    let options = Options::new().with(unknown.clone()).with(known).with(unknown);
    let update = BindingUpdate { options, ..BindingUpdate::new(Sequence(7), Lifetime(9)) };
    let octets = update.to_vec(Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED);
    let Ok(Message::BindingUpdate(read)) = Message::parse(&octets) else { panic!("refused") };
    assert_eq!(read.alternate_care_of(), Some(Ipv6Addr::LOCALHOST));
    assert_eq!(read, update);
}

/// However many options of unknown type there are, those that matter are found.
#[test]
fn a_flood_of_unknown_options_hides_nothing() {
    let mut octets = vec![NO_NEXT_HEADER, 255, mh_type::BINDING_UPDATE, 0, 0, 0, 0, 7, 0, 0, 0, 9];
    octets.extend([200, 0].repeat((MESSAGE_LEN_MAX - 12 - 6) / 2));
    octets.extend([4, 4, 0, 3, 0, 5]);
    let Ok(Message::BindingUpdate(read)) = Message::parse(&octets) else {
        panic!("{:?}", Message::parse(&octets))
    };
    assert_eq!(read.nonce_indices(), Some(NonceIndices { home: 3, care_of: 5 }));
    assert_eq!(read.options.len(), OPTIONS_MAX / 2 + 1);
}

#[test]
fn two_kilobytes_of_padding_are_padding() {
    let mut octets = vec![NO_NEXT_HEADER, 255, mh_type::BINDING_UPDATE, 0, 0, 0, 0, 7, 0, 0, 0, 9];
    octets.resize(MESSAGE_LEN_MAX, 0);
    let update = BindingUpdate::new(Sequence(7), Lifetime(9));
    assert_eq!(Message::parse(&octets), Ok(update.into()));
}

/// An option that has no meaning in a message does not become one.
#[test]
fn options_have_no_effect_where_they_do_not_belong() {
    let options = Options::new().with(MobilityOption::BindingAuthorizationData([7; 12]));
    let init = HomeTestInit { options: options.with(MobilityOption::nai("mt")), cookie: [9; 8] };
    let octets = Message::from(init.clone()).to_vec(Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED);
    assert_eq!(Message::parse(&octets), Ok(init.into()));
}

/// Options after the MN-HA authentication option are not proved by it.
#[test]
fn mn_ha_authentication_must_come_last() {
    let care_of: Ipv6Addr = "2001:db8:f2::3d4c".parse().unwrap();
    let home: Ipv6Addr = "2001:db8:a::100".parse().unwrap();
    let key = b"mobile and home agent";
    let octets = golden("bu-home").octets;
    assert!(verify_mn_ha(key, care_of, home, &octets));
    let mut longer = octets;
    append(&mut longer, &[18, 6, 1, 2, 3, 4, 5, 6]);
    assert!(!verify_mn_ha(key, care_of, home, &longer));
    let mh_data = &longer[..68];
    let right = mn_ha_authenticator(key, care_of, home, mh_data);
    longer[68..80].copy_from_slice(&right);
    assert!(!verify_mn_ha(key, care_of, home, &longer), "right, but not last");
    longer[80..].copy_from_slice(&[1, 6, 0, 0, 0, 0, 0, 0]);
    assert!(verify_mn_ha(key, care_of, home, &longer), "padding may follow");
}

/// The SPI of the first would be read and the authenticator of the last verified.
#[test]
fn two_mn_ha_authentications_prove_nothing() {
    let (care_of, home) = (Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED);
    let key = b"mobile and home agent";
    let shared = MnHaAuthentication { spi: 0x0102_0304, key, timestamp: NtpTimestamp(7) };
    let first = MobilityOption::Authentication(MessageAuthentication {
        subtype: MessageAuthentication::MN_HA,
        spi: 0x0506_0708,
        authenticator: [9; 12],
    });
    let mut update = BindingUpdate::new(Sequence(7), Lifetime(9));
    for (options, proved) in [(Options::new(), true), (Options::new().with(first), false)] {
        update.options = options;
        let octets = update.to_vec_authorized(home, care_of, care_of, Authorization::MnHa(shared));
        assert_eq!(verify_mn_ha(key, care_of, home, &octets), proved);
    }
}

#[test]
fn options_are_bounded() {
    let mut options = Options::new();
    for _ in 0..OPTIONS_MAX {
        options.push(MobilityOption::nai("mt")).unwrap();
    }
    let many = options.push(MobilityOption::nai("mt")).unwrap_err();
    assert_eq!(many.fault, Fault::TooMany { bound: OPTIONS_MAX });

    let long = MobilityOption::Experimental(vec![0; 256].into());
    let long = Options::new().push(long).unwrap_err();
    assert_eq!(long.fault, Fault::TooMany { bound: 255 });

    let mut full = Options::new();
    let longest = MobilityOption::Experimental(vec![0xe1; 255].into());
    while full.push(longest.clone()).is_ok() {}
    assert_eq!(full.len(), 3);
    let longest = MobilityOption::nai(&"m".repeat(254));
    while full.push(longest.clone()).is_ok() {}
    assert_eq!(full.len(), 7);
    let error = BindingError { options: full, ..BindingError::unrecognised_mh_type(None) };
    let octets = Message::from(error).to_vec(Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED);
    assert!(octets.len() <= MESSAGE_LEN_MAX);
}

#[test]
fn views_edit_what_values_cannot_say() {
    let mut octets = golden("bu").octets;
    let mut header = HeaderView::new(&mut octets).unwrap();
    header.set_payload_proto(17);
    header.set_header_len(9);
    header.set_mh_type(250);
    header.set_reserved(0xa5);
    header.set_checksum(0xb6c7);
    assert_eq!(header.to_string(), "MH type=250 len=80 proto=17");
    assert_eq!((header.reserved(), header.checksum(), header.data().len()), (0xa5, 0xb6c7, 10));
    let mut update = BindingUpdateView::new(&mut octets).unwrap();
    update.set_sequence(Sequence(0xd8e9));
    update.set_flags(0x5f);
    update.set_reserved(0x6e);
    update.set_lifetime(Lifetime(0x7d8c));
    assert_eq!(update.to_string(), "BU seq=55529 HK life=128560s");
    assert_eq!(
        octets,
        [17, 9, 250, 0xa5, 0xb6, 0xc7, 0xd8, 0xe9, 0x5f, 0x6e, 0x7d, 0x8c, 1, 2, 0, 0]
    );
}

#[test]
fn views_edit_answers_and_errors() {
    let mut octets = golden("ba").octets;
    let mut answer = BindingAcknowledgementView::new(&mut octets).unwrap();
    answer.set_status(Status(0xa1));
    answer.set_flags(0xb2);
    answer.set_sequence(Sequence(0xc3d4));
    answer.set_lifetime(Lifetime(0xe5f6));
    assert_eq!(answer.to_string(), "BA seq=50132 status=161 K life=235480s");
    assert_eq!(octets[6..12], [0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6]);

    let mut octets = golden("be").octets;
    let mut error = BindingErrorView::new(&mut octets).unwrap();
    error.set_status(BindingErrorStatus(0xa1));
    error.set_reserved(0xb2);
    error.set_home_address(Ipv6Addr::LOCALHOST);
    assert_eq!(error.to_string(), "BE status=161 hoa=::1");
    assert_eq!(octets[6..9], [0xa1, 0xb2, 0]);
}

#[test]
fn views_edit_tests_and_lookups() {
    let mut octets = golden("hoti").octets;
    let mut init = TestInitView::new(&mut octets).unwrap();
    init.set_reserved(0xa1b2);
    init.set_cookie(*b"12345678");
    assert_eq!(init.to_string(), "Test Init cookie=3132333435363738");
    assert_eq!(octets[6..], *b"\xa1\xb212345678");

    let mut octets = golden("hot").octets;
    let mut test = TestView::new(&mut octets).unwrap();
    test.set_nonce_index(0xa1b2);
    test.set_cookie(*b"12345678");
    test.set_token(*b"ABCDEFGH");
    assert_eq!(test.to_string(), "Test nonce=41394 cookie=3132333435363738 token=4142434445464748");
    assert_eq!(octets[6..], *b"\xa1\xb212345678ABCDEFGH");

    let mut octets = golden("bq").octets;
    let mut lookup = BindingLookupView::new(&mut octets).unwrap();
    lookup.set_magic(0xa1b2);
    lookup.set_kind(LookupKind::Unknown(0xc3));
    lookup.set_status(LookupStatus(0xd4));
    lookup.set_transaction(0xe5f6);
    lookup.set_lifetime(Lifetime(0x1728));
    lookup.set_reserved(0x394a);
    assert_eq!(lookup.to_string(), "BL kind=195 tid=58870 status=212 life=23712s");
    assert_eq!(lookup.magic(), 0xa1b2);
    assert_eq!(octets[6..16], [0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x17, 0x28, 0x39, 0x4a]);
}

/// Adds octets, a multiple of eight, and keeps Header Len right.
fn append(octets: &mut Vec<u8>, more: &[u8]) {
    octets.extend(more);
    octets[1] = u8::try_from(octets.len() / 8 - 1).unwrap();
}
