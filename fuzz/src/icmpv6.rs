//! What must hold of any octets read as an ICMPv6 message.

use std::net::Ipv6Addr;

use roamproof_wire::icmpv6::header::MESSAGE_LEN_MIN;
use roamproof_wire::icmpv6::{Icmpv6View, Message};

use crate::edits::lies_within;
use crate::printed::print;

/// Any octets can be looked at; a message that is accepted is written, every octet of it, and read
/// back the same.
///
/// The checksum is not asked for here, or nothing random would get past it.
pub(crate) fn message(octets: &[u8]) {
    let view = Icmpv6View::new(octets);
    assert_eq!(view.is_ok(), octets.len() >= MESSAGE_LEN_MIN, "a view wants eight octets");
    if let Ok(view) = view {
        let _ = (
            view.verify(SOURCE, DESTINATION),
            view.kind(),
            view.code(),
            view.is_error(),
            view.body(),
        );
    }
    let message = match Message::read(octets) {
        Ok(message) => message,
        Err(error) => return lies_within(&error, octets),
    };
    print(format_args!("{message:?}"));
    let [clean, dirty] = [0x00, 0xff].map(|fill| {
        let mut buffer = vec![fill; message.buffer_len()];
        message.emit(SOURCE, DESTINATION, &mut buffer);
        buffer
    });
    assert_eq!(clean, dirty, "octets left as they were");
    let read = Message::read(&clean).expect("our own message can be read");
    // These two are views, and so show the checksum that the message came with.
    if !matches!(message, Message::MldQuery(_) | Message::Redirect(_)) {
        assert_eq!(read, message, "not read back as it was written");
    }
    let view = Icmpv6View::new(&clean).expect("our own message has a header");
    assert_eq!(view.verify(SOURCE, DESTINATION), Ok(()), "our own checksum is right");
}

const SOURCE: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x5054, 0xff, 0xfe12, 0x3456);
const DESTINATION: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
