//! What must hold of any octets read as SIP.

use roamproof_wire::sip::{Fields, Message, MessageView, StreamItem, StreamReader};

use crate::edits::lies_within;
use crate::printed::print;

/// Any octets can be looked at; a message that is accepted is written back as it came, and what is
/// written is accepted again.
pub(crate) fn message(octets: &[u8]) {
    if let Ok(view) = MessageView::read(octets) {
        print(view);
        read_every_field(&view);
        assert!(view.octets().len() <= octets.len(), "a view lies within what it was given");
        let _ = Message::from_view(&view).to_vec();
    }
    let message = match Message::parse(octets) {
        Ok(message) => message,
        Err(error) => return lies_within(&error, octets),
    };
    read_every_field(&message);
    let written = message.to_vec();
    let view = MessageView::datagram(octets).expect("what the value accepts the view accepts");
    assert_eq!(written, view.octets(), "not written back as it came");
    assert_eq!(Message::parse(&written), Ok(message), "not read back as it was written");
}

/// However a stream is cut into pieces, the same messages come out.
///
/// The first octet is the length of the pieces.
pub(crate) fn stream(octets: &[u8]) {
    let Some((piece, octets)) = octets.split_first() else { return };
    let piece = usize::from(*piece).max(1);
    let whole = items([octets]);
    assert_eq!(items(octets.chunks(piece)), whole, "cut into pieces of {piece}");
}

fn items<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<StreamItem> {
    let mut reader = StreamReader::new();
    let mut items = Vec::new();
    for piece in pieces {
        reader.push(piece);
        while let Some(item) = reader.next_item() {
            items.push(item);
        }
    }
    items
}

fn read_every_field(message: &impl Fields) {
    let _ = (message.method(), message.status(), message.start_line(), message.body());
    let _ = (message.vias().count(), message.record_routes().count(), message.headers().count());
    let _ = (message.from(), message.to(), message.call_id(), message.cseq(), message.contact());
    let _ = (message.max_forwards(), message.expires(), message.content_length());
    let _ = (message.content_type(), message.has_sdp(), message.check());
}
