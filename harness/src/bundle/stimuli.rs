//! The stimuli of a case: each as octets, and as a text that says what they are.

use std::fmt::Write as _;

use crate::evidence::{Capture, Frame, fields};

/// A stimulus in hexadecimal digits, and what it says, layer by layer.
pub(super) fn told(capture: &Capture, frame: &Frame) -> String {
    let mut text = String::new();
    let Frame { number, at, octets, .. } = frame;
    let (link, seconds, nanoseconds) =
        (capture.link_name(frame.link), at.as_secs(), at.subsec_nanos());
    let dissection = fields::of(octets);
    let mut line = |words: &str| writeln!(text, "{words}").expect("a string takes any text");
    line(&format!(
        "packet {number}, {seconds}.{nanoseconds:09} s, link {link}, {} octets",
        octets.len()
    ));
    line(&dissection.line);
    for layer in &dissection.layers {
        line(&format!("  {layer}"));
    }
    if let Some(error) = &dissection.error {
        line(&format!("  {error}"));
    }
    text.push('\n');
    text.push_str(&hexadecimal(octets));
    text
}

/// Sixteen octets a line, each line with its place, as `decode -` and text2pcap read them.
fn hexadecimal(octets: &[u8]) -> String {
    let mut text = String::new();
    for (row, octets) in octets.chunks(16).enumerate() {
        let digits: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        writeln!(text, "{:06x}  {}", row * 16, digits.join(" ")).expect("a string takes any text");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use roamproof_wire::ethernet::{self, Mac};
    use roamproof_wire::ipv6::{Outgoing, protocol};
    use roamproof_wire::udp;

    use super::*;
    use crate::link::LinkId;
    use crate::topology::claimed::{HA, SS};

    #[test]
    fn a_stimulus_is_told_with_its_octets() {
        let packet = udp::packet(&Outgoing::new(SS, HA, protocol::UDP), 0x1234, 0x5678, b"octets");
        let frame = ethernet::frame(Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 9]), &packet);
        let mut capture = Capture::new(["home"], Duration::from_secs(9));
        capture.record(Duration::from_micros(2_000_157), LinkId(0), frame);
        insta::assert_snapshot!(told(&capture, &capture.frames[0]), @r"
        packet 1, 2.000157000 s, link home, 68 octets
        2001:db8:5::5 > 2001:db8:a::a  UDP 4660 > 22136  6 octets
          ethernet: destination 02:00:00:00:00:01, source 02:00:00:00:00:09, type 34525
          ipv6: traffic-class 0, flow-label 0, payload-length 14, next-header 17, hop-limit 64, source 2001:db8:5::5, destination 2001:db8:a::a
          udp: source-port 4660, destination-port 22136, length 14, checksum 58201
          payload: length 6

        000000  02 00 00 00 00 01 02 00 00 00 00 09 86 dd 60 00
        000010  00 00 00 0e 11 40 20 01 0d b8 00 05 00 00 00 00
        000020  00 00 00 00 00 05 20 01 0d b8 00 0a 00 00 00 00
        000030  00 00 00 00 00 0a 12 34 56 78 00 0e e3 59 6f 63
        000040  74 65 74 73
        ");
    }
}
