//! A capture: every frame of a run, once each, as it entered its link.

use std::time::Duration;

use crate::link::LinkId;

/// What crossed the links of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capture {
    /// The names of the links; the index is the [`LinkId`].
    pub links: Vec<String>,
    /// The frames, in the order in which they were seen.
    pub frames: Vec<Frame>,
    /// The Unix time of the start of the run. A constant in the lab, so that a capture of the lab
    /// carries no date of the day it was made.
    pub epoch: Duration,
}

/// One frame on one link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its place in the capture, counted from 1 as tshark counts.
    pub number: usize,
    /// When it entered the link, since the start of the run.
    pub at: Duration,
    /// The link.
    pub link: LinkId,
    /// From the Ethernet destination address on, without a frame check sequence.
    pub octets: Vec<u8>,
    /// How many octets of its end the capture does not hold: zero in every capture of ours.
    pub missing: usize,
    /// Whether the link lost it: it was sent and nobody received it.
    pub lost: bool,
    /// Remarks, one line each: steps, verdicts.
    pub comments: Vec<String>,
}

/// The comment that marks a lost frame in a capture file.
pub const LOST: &str = "lost on the link";

impl Capture {
    /// An empty capture of these links, whose time zero is `epoch` after 1970.
    pub fn new(links: impl IntoIterator<Item = impl Into<String>>, epoch: Duration) -> Self {
        Self { links: links.into_iter().map(Into::into).collect(), frames: Vec::new(), epoch }
    }

    /// Several captures of one run as one, in the order of time: each with the name that its links
    /// bear then, where it has more than one link before theirs.
    pub fn merged(captures: Vec<(String, Self)>) -> Self {
        let of_some = captures.iter().filter(|(_, capture)| !capture.frames.is_empty());
        let epoch = of_some.map(|(_, capture)| capture.epoch).min().unwrap_or_default();
        let mut merged = Self { epoch, ..Self::default() };
        for (name, capture) in captures {
            let before = merged.links.len();
            let single = capture.links.len() == 1;
            let called =
                |link: String| if single { name.clone() } else { format!("{name} {link}") };
            merged.links.extend(capture.links.into_iter().map(called));
            let since = capture.epoch.saturating_sub(epoch);
            merged.frames.extend(capture.frames.into_iter().map(|frame| Frame {
                at: since + frame.at,
                link: LinkId(before + frame.link.0),
                ..frame
            }));
        }
        merged.frames.sort_by_key(|frame| frame.at);
        for (index, frame) in merged.frames.iter_mut().enumerate() {
            frame.number = index + 1;
        }
        merged
    }

    /// Records a frame as it enters `link`, `at` since the start of the run; returns its index in
    /// [`frames`](Self::frames).
    ///
    /// # Panics
    ///
    /// Where the capture has no such link.
    pub fn record(&mut self, at: Duration, link: LinkId, octets: impl Into<Vec<u8>>) -> usize {
        assert!(link.0 < self.links.len(), "a capture of {:?} has no link {}", self.links, link.0);
        let index = self.frames.len();
        self.frames.push(Frame {
            number: index + 1,
            at,
            link,
            octets: octets.into(),
            missing: 0,
            lost: false,
            comments: Vec::new(),
        });
        index
    }

    /// Records a frame that the link loses.
    ///
    /// # Panics
    ///
    /// As [`record`](Self::record).
    pub fn record_lost(&mut self, at: Duration, link: LinkId, octets: impl Into<Vec<u8>>) -> usize {
        let index = self.record(at, link, octets);
        self.frames[index].lost = true;
        index
    }

    /// Adds a remark to the frame at `index`.
    ///
    /// # Panics
    ///
    /// Where there is no such frame.
    pub fn comment(&mut self, index: usize, text: impl Into<String>) {
        self.frames[index].comments.push(text.into());
    }

    /// The name of a link.
    pub fn link_name(&self, link: LinkId) -> &str {
        self.links.get(link.0).map_or("?", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_of_one_run_are_one_in_the_order_of_time() {
        let mut one = Capture::new(["eth0"], Duration::from_secs(10));
        one.record(Duration::from_secs(1), LinkId(0), vec![1; 14]);
        one.record(Duration::from_secs(5), LinkId(0), vec![2; 14]);
        let mut other = Capture::new(["a", "b"], Duration::from_secs(12));
        other.record(Duration::from_secs(1), LinkId(1), vec![3; 14]);
        let merged = Capture::merged(vec![("one".to_owned(), one), ("other".to_owned(), other)]);
        assert_eq!(merged.links, ["one", "other a", "other b"]);
        let told: Vec<(usize, u64, usize, u8)> = merged
            .frames
            .iter()
            .map(|frame| (frame.number, frame.at.as_secs(), frame.link.0, frame.octets[0]))
            .collect();
        assert_eq!(told, [(1, 1, 0, 1), (2, 3, 2, 3), (3, 5, 0, 2)]);
    }

    #[test]
    fn frames_are_numbered_as_tshark_numbers_them() {
        let mut capture = Capture::new(["home", "visited-1"], Duration::from_secs(1_000_000_000));
        let first = capture.record(Duration::from_millis(1), LinkId(0), vec![0xa5; 14]);
        let second = capture.record_lost(Duration::from_millis(2), LinkId(1), vec![0x5a; 14]);
        capture.comment(first, "given: the mobile terminal is at home");
        assert_eq!((first, second), (0, 1));
        assert_eq!(capture.frames.iter().map(|f| f.number).collect::<Vec<_>>(), [1, 2]);
        assert!(!capture.frames[0].lost && capture.frames[1].lost);
        assert_eq!(capture.frames[0].comments, ["given: the mobile terminal is at home"]);
        assert_eq!(capture.link_name(LinkId(1)), "visited-1");
    }
}
