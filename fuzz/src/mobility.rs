//! What must hold of any octets read as a Mobility Header.

use std::net::Ipv6Addr;

use roamproof_wire::mobility::{
    self, BindingAcknowledgementView, BindingErrorView, BindingLookupView, BindingManagementKey,
    BindingUpdateView, HeaderView, Message, TestInitView, TestView,
};

use crate::edits::lies_within;
use crate::printed::print;

/// Any octets can be looked at; a message that is accepted is written, every octet of it, and read
/// back the same.
///
/// Neither checksum nor authenticator is asked for before that, or nothing random would get past.
pub(crate) fn message(octets: &[u8]) {
    look_at(octets);
    let message = match Message::parse(octets) {
        Ok(message) => message,
        Err(error) => return lies_within(&error, octets),
    };
    print(&message);
    let [clean, dirty] = [0x00, 0xff].map(|fill| {
        let mut buffer = vec![fill; message.buffer_len()];
        message.emit(SOURCE, DESTINATION, &mut buffer);
        buffer
    });
    assert_eq!(clean, dirty, "octets left as they were");
    assert_eq!(mobility::verify(SOURCE, DESTINATION, &clean), Ok(()), "our own checksum is right");
    assert_eq!(Message::parse(&clean), Ok(message), "not read back as it was written");
}

/// Every view, which there is wherever the fixed part is, and everything that judges, over the same
/// octets.
fn look_at(octets: &[u8]) {
    let views = [
        (8, HeaderView::new(octets).map(print)),
        (12, BindingUpdateView::new(octets).map(print)),
        (12, BindingAcknowledgementView::new(octets).map(print)),
        (24, BindingErrorView::new(octets).map(print)),
        (16, TestInitView::new(octets).map(print)),
        (24, TestView::new(octets).map(print)),
        (16, BindingLookupView::new(octets).map(print)),
    ];
    for (fixed, view) in views {
        assert_eq!(view.is_ok(), octets.len() >= fixed, "a view of {fixed} octets");
    }
    let _ = mobility::verify(SOURCE, DESTINATION, octets);
    let kbm = BindingManagementKey([0x5a; 20]);
    assert!(!mobility::verify_binding_authorization(&kbm, SOURCE, DESTINATION, octets));
    assert!(!mobility::verify_mn_ha(b"a key", SOURCE, DESTINATION, octets));
    assert!(!mobility::verify_lookup(b"a key", SOURCE, DESTINATION, octets));
}

const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const DESTINATION: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
