//! Where two captures of one run differ: the packet, and the octet in it.

use crate::evidence::{Capture, Frame};

/// The first packet in which `again` is not what was `recorded`, in one line; remarks do not count.
pub fn difference(recorded: &Capture, again: &Capture) -> Option<String> {
    for (old, new) in recorded.frames.iter().zip(&again.frames) {
        let number = old.number;
        if let Some(what) = of_frames(old, new) {
            return Some(format!("packet {number}: {what}"));
        }
        let (was, is) = (recorded.link_name(old.link), again.link_name(new.link));
        if was != is {
            return Some(format!("packet {number}: recorded on link {was}, now on {is}"));
        }
    }
    let (recorded, again) = (recorded.frames.len(), again.frames.len());
    (recorded != again).then(|| format!("{recorded} packets were recorded, now there are {again}"))
}

fn of_frames(old: &Frame, new: &Frame) -> Option<String> {
    let mut octets = old.octets.iter().zip(&new.octets).enumerate();
    if let Some((at, (was, is))) = octets.find(|(_, (was, is))| was != is) {
        return Some(format!("octet {at} was recorded as {was:02x}, now it is {is:02x}"));
    }
    let (was, is) = (old.octets.len(), new.octets.len());
    if was != is {
        return Some(format!("recorded with {was} octets, now it has {is}"));
    }
    if old.lost != new.lost {
        let was = if old.lost { "lost" } else { "passed on" };
        return Some(format!("recorded as {was}, now it is not"));
    }
    (old.at != new.at).then(|| format!("recorded at {:?}, now at {:?}", old.at, new.at))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;
    use crate::link::LinkId;

    #[rstest]
    #[case::nothing(|_: &mut Capture| {}, None)]
    #[case::a_remark(|capture: &mut Capture| capture.comment(0, "given"), None)]
    #[case::an_octet(
        |capture: &mut Capture| capture.frames[1].octets[3] = 0x77,
        Some("packet 2: octet 3 was recorded as 5a, now it is 77")
    )]
    #[case::a_length(
        |capture: &mut Capture| capture.frames[1].octets.push(0x5a),
        Some("packet 2: recorded with 20 octets, now it has 21")
    )]
    #[case::a_time(
        |capture: &mut Capture| capture.frames[0].at = Duration::from_millis(3),
        Some("packet 1: recorded at 1ms, now at 3ms")
    )]
    #[case::a_link(
        |capture: &mut Capture| capture.frames[0].link = LinkId(1),
        Some("packet 1: recorded on link home, now on visited-1")
    )]
    #[case::a_loss(
        |capture: &mut Capture| capture.frames[1].lost = true,
        Some("packet 2: recorded as passed on, now it is not")
    )]
    #[case::an_end(
        |capture: &mut Capture| capture.frames.truncate(1),
        Some("2 packets were recorded, now there are 1")
    )]
    fn the_first_difference_is_told(
        #[case] change: impl FnOnce(&mut Capture),
        #[case] told: Option<&str>,
    ) {
        let mut recorded = Capture::new(["home", "visited-1"], Duration::from_secs(9));
        recorded.record(Duration::from_millis(1), LinkId(0), vec![0xa5; 20]);
        recorded.record(Duration::from_millis(2), LinkId(1), vec![0x5a; 20]);
        let mut again = recorded.clone();
        change(&mut again);
        assert_eq!(difference(&recorded, &again).as_deref(), told);
    }
}
