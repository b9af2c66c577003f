//! Where the cable of a port was plugged in, and when: frames are taken some time after they were sent.

use std::time::Duration;

use super::LinkId;

/// The cable of one port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cable {
    /// Since when it is plugged in where; the last is the present, and the first was for ever.
    plugs: Vec<(Duration, Option<LinkId>)>,
}

impl Cable {
    /// A cable that was always plugged into `link`, or nowhere.
    pub fn new(link: Option<LinkId>) -> Self {
        Self { plugs: vec![(Duration::ZERO, link)] }
    }

    /// From now on it is plugged in here, or nowhere.
    pub fn plug(&mut self, now: Duration, link: Option<LinkId>) {
        self.plugs.push((now, link));
    }

    /// Where it is plugged in.
    pub fn link(&self) -> Option<LinkId> {
        self.plugs.last().and_then(|(_, link)| *link)
    }

    /// Where it was plugged in `at` that time: the link that saw a frame sent then.
    pub fn link_at(&self, at: Duration) -> Option<LinkId> {
        self.plugs.iter().rev().find(|(since, _)| *since <= at).and_then(|(_, link)| *link)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::at_the_start(0, Some(3))]
    #[case::just_before_it_was_pulled(9, Some(3))]
    #[case::pulled(10, None)]
    #[case::in_the_hand(11, None)]
    #[case::plugged_in_elsewhere(12, Some(5))]
    #[case::now(99, Some(5))]
    fn a_frame_belongs_to_the_link_that_it_was_sent_into(
        #[case] at: u64,
        #[case] link: Option<usize>,
    ) {
        let mut cable = Cable::new(Some(LinkId(3)));
        cable.plug(Duration::from_millis(10), None);
        cable.plug(Duration::from_millis(12), Some(LinkId(5)));
        assert_eq!(cable.link_at(Duration::from_millis(at)), link.map(LinkId));
        assert_eq!(cable.link(), Some(LinkId(5)));
    }
}
