//! Properties of the whole family: nothing panics, what is written is read back.

use std::net::Ipv6Addr;

use proptest::prelude::*;

use super::option::{MessageAuthentication, NonceIndices, kind};
use super::*;

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in message(), addresses in any::<[u128; 2]>()) {
        let [source, destination] = addresses.map(Ipv6Addr::from_bits);
        let [clean, dirty] = [0x00, 0xff].map(|fill| {
            let mut buffer = vec![fill; value.buffer_len()];
            value.emit(source, destination, &mut buffer);
            buffer
        });
        prop_assert_eq!(&clean, &dirty, "octets left as they were");
        prop_assert_eq!(verify(source, destination, &clean), Ok(()));
        prop_assert_eq!(Message::parse(&clean), Ok(value));
    }

    #[test]
    fn edited_messages_do_no_harm(
        name in 0..golden::all().len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut octets = golden::all().swap_remove(name).octets;
        for (at, value) in edits {
            let at = at.index(octets.len());
            octets[at] = value;
        }
        let cut = octets.len() - cut.index(octets.len()) / 4;
        harmless(&octets[..cut])?;
    }

    #[test]
    fn options_of_any_octets_do_no_harm(
        mh_type in 0..12_u8,
        data in prop::collection::vec(0..24_u8, 0..300),
    ) {
        let mut octets = vec![NO_NEXT_HEADER, 0, mh_type, 0, 0, 0];
        octets.extend(data);
        octets.resize(octets.len().next_multiple_of(8), 0);
        octets[1] = u8::try_from(octets.len() / 8 - 1).unwrap();
        harmless(&octets)?;
    }

    #[test]
    fn any_octets_do_no_harm(octets in prop::collection::vec(any::<u8>(), 0..120)) {
        harmless(&octets)?;
    }
}

/// Everything that looks at received octets, over these.
fn harmless(octets: &[u8]) -> Result<(), TestCaseError> {
    let (one, other) = (Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED);
    let _ = verify(one, other, octets);
    prop_assert!(!verify_mn_ha(b"key", one, other, octets));
    prop_assert!(!verify_lookup(b"key", one, other, octets));
    let kbm = BindingManagementKey([7; 20]);
    prop_assert!(!verify_binding_authorization(&kbm, one, other, octets));
    let views = [
        HeaderView::new(octets).map(|view| view.to_string()),
        BindingUpdateView::new(octets).map(|view| view.to_string()),
        BindingAcknowledgementView::new(octets).map(|view| view.to_string()),
        BindingErrorView::new(octets).map(|view| view.to_string()),
        TestInitView::new(octets).map(|view| view.to_string()),
        TestView::new(octets).map(|view| view.to_string()),
        BindingLookupView::new(octets).map(|view| view.to_string()),
    ];
    prop_assert_eq!(views[0].is_ok(), octets.len() >= HEADER_LEN_MIN);
    match Message::parse(octets) {
        Ok(value) => {
            let again = value.to_vec(one, other);
            prop_assert_eq!(verify(one, other, &again), Ok(()));
            prop_assert_eq!(Message::parse(&again), Ok(value));
        }
        Err(error) => prop_assert!(error.offset <= octets.len(), "{}", error),
    }
    Ok(())
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        options().prop_map(|options| BindingRefreshRequest { options }.into()),
        (any::<[u8; 8]>(), options()).prop_map(|(cookie, options)| HomeTestInit {
            cookie,
            options
        }
        .into()),
        (any::<[u8; 8]>(), options()).prop_map(|(cookie, options)| CareOfTestInit {
            cookie,
            options
        }
        .into()),
        (any::<u16>(), any::<[u8; 8]>(), any::<[u8; 8]>(), options()).prop_map(
            |(nonce_index, cookie, token, options)| {
                HomeTest { nonce_index, cookie, token, options }.into()
            }
        ),
        (any::<u16>(), any::<[u8; 8]>(), any::<[u8; 8]>(), options()).prop_map(
            |(nonce_index, cookie, token, options)| {
                CareOfTest { nonce_index, cookie, token, options }.into()
            }
        ),
        update(),
        acknowledgement(),
        (any::<u8>(), address(), options()).prop_map(|(status, home_address, options)| {
            BindingError { status: BindingErrorStatus(status), home_address, options }.into()
        }),
        lookup(),
        (12..=255_u8, prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(mh_type, mut data)| {
            data.resize((data.len() + 6).next_multiple_of(8) - 6, 0xd1);
            Message::Unknown { mh_type, data }
        }),
    ]
}

fn update() -> impl Strategy<Value = Message> {
    (any::<(u16, u16)>(), any::<[bool; 4]>(), options(), authorization()).prop_map(
        |((sequence, lifetime), flags, options, last)| {
            let [acknowledge, home_registration, link_local_compatibility, key_management] = flags;
            BindingUpdate {
                sequence: Sequence(sequence),
                acknowledge,
                home_registration,
                link_local_compatibility,
                key_management,
                lifetime: Lifetime(lifetime),
                options: ended(options, last),
            }
            .into()
        },
    )
}

fn acknowledgement() -> impl Strategy<Value = Message> {
    (any::<(u16, u16, u8, bool)>(), options(), authorization()).prop_map(
        |((sequence, lifetime, status, key_management), options, last)| {
            BindingAcknowledgement {
                status: Status(status),
                key_management,
                sequence: Sequence(sequence),
                lifetime: Lifetime(lifetime),
                options: ended(options, last),
            }
            .into()
        },
    )
}

fn lookup() -> impl Strategy<Value = Message> {
    let proof = any::<(u64, u32, [u8; 12])>();
    ((any::<u16>(), address(), address(), any::<u16>()), 0..10_u8, 1..=255_u8, proof).prop_map(
        |((transaction, home, told, lifetime), kind, status, (timestamp, spi, authenticator))| {
            let (life, status) = (Lifetime(lifetime), LookupStatus(status));
            let message = match kind {
                0 => BindingLookup::notification(transaction, home, told, life),
                1 => BindingLookup::notification_ack(transaction, home, status),
                2 => BindingLookup::query(transaction, home),
                3 => BindingLookup::reply(transaction, home, told, life),
                4 => BindingLookup::reply_without(transaction, home, status),
                5 => BindingLookup::change(transaction, home, told, life),
                6 => BindingLookup::change_gone(transaction, home),
                7 => BindingLookup::change_ack(transaction, home, status),
                unknown => BindingLookup {
                    kind: LookupKind::Unknown(unknown),
                    ..BindingLookup::reply(transaction, home, told, life)
                },
            };
            let timestamp = NtpTimestamp(timestamp);
            BindingLookup { timestamp, spi, authenticator, ..message }.into()
        },
    )
}

/// Options of every kind but Binding Authorization Data, which only ends a message.
fn options() -> impl Strategy<Value = Options> {
    prop::collection::vec(option(), 0..OPTIONS_MAX).prop_map(|list| {
        let mut options = Options::new();
        for option in list {
            let _ = options.push(option); // Too many of those that are skipped are not kept.
        }
        options
    })
}

fn authorization() -> impl Strategy<Value = Option<[u8; 12]>> {
    any::<Option<[u8; 12]>>()
}

fn ended(options: Options, last: Option<[u8; 12]>) -> Options {
    match last {
        Some(last) => options.with(MobilityOption::BindingAuthorizationData(last)),
        None => options,
    }
}

fn option() -> impl Strategy<Value = MobilityOption> {
    let data = || prop::collection::vec(any::<u8>(), 1..30).prop_map(Vec::into_boxed_slice);
    prop_oneof![
        any::<u16>().prop_map(|units| MobilityOption::BindingRefreshAdvice(Lifetime(units))),
        address().prop_map(MobilityOption::AlternateCareOfAddress),
        any::<(u16, u16)>().prop_map(|(home, care_of)| {
            MobilityOption::NonceIndices(NonceIndices { home, care_of })
        }),
        (any::<u8>(), data()).prop_map(|(subtype, identifier)| {
            MobilityOption::MobileNodeIdentifier { subtype, identifier }
        }),
        any::<(u8, u32, [u8; 12])>().prop_map(|(subtype, spi, authenticator)| {
            MobilityOption::Authentication(MessageAuthentication { subtype, spi, authenticator })
        }),
        any::<u64>().prop_map(|stamp| MobilityOption::ReplayProtection(NtpTimestamp(stamp))),
        data().prop_map(MobilityOption::Experimental),
        (any::<(u32, u8)>(), data()).prop_map(|((vendor, subtype), data)| {
            MobilityOption::VendorSpecific { vendor, subtype, data }
        }),
        (20..=255_u8, data()).prop_map(|(kind, data)| MobilityOption::Unknown { kind, data }),
        (2..=255_u8, prop::collection::vec(any::<u8>(), 24)).prop_map(|(subtype, mut data)| {
            data[0] = subtype;
            MobilityOption::Unknown { kind: kind::AUTHENTICATION, data: data.into() }
        }),
    ]
}

fn address() -> impl Strategy<Value = Ipv6Addr> {
    any::<u128>().prop_map(Ipv6Addr::from_bits)
}
