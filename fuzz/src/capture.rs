//! What must hold of any octets read as a capture file.

use roamproof_harness::evidence::decode::Decoded;
use roamproof_harness::evidence::pcapng;

/// A file is refused in one line that points into it, or it is a capture that is written and read
/// as it is, and that can be decoded.
pub(crate) fn file(octets: &[u8]) {
    let capture = match pcapng::read("input", octets) {
        Ok(capture) => capture,
        Err(error) => {
            let line = error.to_string();
            assert!(!line.contains('\n'), "one line: {line:?}");
            let octet = error.place.map_or(0, |place| place.octet);
            assert!(octet <= octets.len(), "points behind the end: {line}");
            return;
        }
    };
    for (index, frame) in capture.frames.iter().enumerate() {
        assert_eq!(frame.number, index + 1, "frames are counted");
        assert!(frame.link.0 < capture.links.len(), "a frame is on a link");
    }
    let decoded = Decoded::of_capture(&capture);
    assert_eq!(decoded.packets.len(), capture.frames.len());
    assert!(decoded.text(true).lines().count() >= capture.frames.len());
    // A foreign file can name times that ours cannot.
    let Ok(written) = pcapng::octets(&capture) else { return };
    assert_eq!(pcapng::read("written", &written).as_ref(), Ok(&capture), "not read as written");
}
