//! What a tester waits for, and what it wants not to hear.

use std::time::Duration;

use roamproof_wire::dissect::dissect;
use roamproof_wire::edit::PACKET_MAX;
use roamproof_wire::ethernet::Ethernet;
use roamproof_wire::ipv6::{Packet, Reassembly};

use super::{LATENESS_MAX, Template, Tester};
use crate::bench::Heard;
use crate::verdict::Stop;

enum Judged {
    OtherKind,
    Fits,
    Wrong,
}

impl Tester<'_> {
    /// Waits for the first packet of the template's kind since the last stimulus, for as long as
    /// `patience`; returns its index in the capture. Each packet is heard once.
    ///
    /// # Errors
    ///
    /// Where it does not come, or something in it is not so.
    pub fn hears(&mut self, wanted: &Template, patience: Duration) -> Result<usize, Stop> {
        match self.hears_perhaps(wanted, patience)? {
            Some(frame) => Ok(frame),
            None => {
                self.missed(wanted);
                let seen = format!("nothing of the kind in {patience:?}");
                Err(self.stop(wanted.to_string(), seen, vec![]))
            }
        }
    }

    /// As [`hears`](Self::hears), where the packet may as well not come.
    ///
    /// # Errors
    ///
    /// Where something in it is not so.
    pub fn hears_perhaps(
        &mut self,
        wanted: &Template,
        patience: Duration,
    ) -> Result<Option<usize>, Stop> {
        let until = self.bench.now() + patience;
        self.bench.lateness();
        if let Some(at) = self.passed_by.iter().position(|heard| self.is_of_kind(wanted, *heard))
            && let Some(heard) = self.passed_by.remove(at)
        {
            return self.fitting(wanted, heard).map(Some);
        }
        while let Some(heard) = self.next(until)? {
            if self.is_of_kind(wanted, heard) {
                return self.fitting(wanted, heard).map(Some);
            }
            self.passed_by.push_back(heard);
        }
        self.punctual(wanted)?;
        Ok(None)
    }

    /// Waits for the first packet of the kind of any of the templates; returns which template that
    /// is and the packet's index in the capture, or nothing when `patience` is over.
    ///
    /// # Errors
    ///
    /// Where something in it is not so.
    pub fn hears_one_of(
        &mut self,
        wanted: &[Template],
        patience: Duration,
    ) -> Result<Option<(usize, usize)>, Stop> {
        let until = self.bench.now() + patience;
        self.bench.lateness();
        let which = |tester: &Self, heard| {
            wanted.iter().position(|template| tester.is_of_kind(template, heard))
        };
        let passed = self.passed_by.iter().enumerate();
        let passed = passed.filter_map(|(at, heard)| Some((at, which(self, *heard)?))).next();
        if let Some((at, template)) = passed
            && let Some(heard) = self.passed_by.remove(at)
        {
            return Ok(Some((template, self.fitting(&wanted[template], heard)?)));
        }
        while let Some(heard) = self.next(until)? {
            if let Some(template) = which(self, heard) {
                return Ok(Some((template, self.fitting(&wanted[template], heard)?)));
            }
            self.passed_by.push_back(heard);
        }
        if let Some(first) = wanted.first() {
            self.punctual(first)?;
        }
        Ok(None)
    }

    /// The frames captured from `since` on that fit the template, whoever sent them.
    pub fn captured_since(&self, since: usize, wanted: &Template) -> Vec<usize> {
        let frames = self.bench.capture().frames.len();
        (since..frames)
            .filter(|frame| matches!(self.judge_frame(wanted, *frame), Judged::Fits))
            .collect()
    }

    /// Wants no packet that fits the template among those captured from `since` on: it is about
    /// what came before what was heard last, and waits for nothing.
    ///
    /// # Errors
    ///
    /// Where there is one.
    pub fn captured_none_since(&self, since: usize, unwanted: &Template) -> Result<(), Stop> {
        let Some(first) = self.captured_since(since, unwanted).first().copied() else {
            return Ok(());
        };
        let seen = dissect(&self.bench.capture().frames[first].octets);
        Err(self.stop(format!("no {unwanted}"), seen, vec![first]))
    }

    /// Wants a captured frame to come no later than `within` after another.
    ///
    /// # Errors
    ///
    /// Where it came later: inconclusive where this host was late meanwhile.
    pub fn is_within(
        &mut self,
        what: &str,
        since: usize,
        frame: usize,
        within: Duration,
    ) -> Result<(), Stop> {
        let passed = self.captured_at(frame).saturating_sub(self.captured_at(since));
        if passed <= within {
            return Ok(());
        }
        self.punctual_for(what)?;
        let expected = format!("{what} within {within:?}");
        Err(self.stop(expected, format!("it took {passed:?}"), vec![frame]))
    }

    /// Wants this host to have been punctual since the last wait for a packet began.
    ///
    /// # Errors
    ///
    /// Where it was late: nothing follows then from what is missing.
    pub fn is_punctual(&mut self, what: &str) -> Result<(), Stop> {
        self.punctual_for(what)
    }

    /// When a frame was captured, since the start of the run.
    pub fn captured_at(&self, frame: usize) -> Duration {
        self.bench.capture().frames[frame].at
    }

    /// Wants a packet that was heard to fit the template.
    ///
    /// # Errors
    ///
    /// Where it is of another kind, or something in it is not so.
    pub fn finds(&self, wanted: &Template, frame: usize) -> Result<(), Stop> {
        let packet = self.packet(frame);
        let mismatch =
            if wanted.is_kind(&packet) { wanted.mismatch(&packet) } else { Some("that") };
        let Some(mismatch) = mismatch else { return Ok(()) };
        let seen = dissect(&self.bench.capture().frames[frame].octets);
        Err(self.stop(wanted.to_string(), format!("{seen}: not {mismatch}"), vec![frame]))
    }

    /// As [`hears`](Self::hears), where no packet that fits `unwanted` may come first.
    ///
    /// # Errors
    ///
    /// Where one does, or the wanted one does not come, or something in it is not so.
    pub fn hears_before(
        &mut self,
        wanted: &Template,
        unwanted: &Template,
        patience: Duration,
    ) -> Result<usize, Stop> {
        let until = self.bench.now() + patience;
        self.bench.lateness();
        for at in 0..self.passed_by.len() {
            let heard = self.passed_by[at];
            self.unheard(unwanted, heard)?;
            if self.is_of_kind(wanted, heard) {
                self.passed_by.remove(at);
                return self.fitting(wanted, heard);
            }
        }
        while let Some(heard) = self.next(until)? {
            self.unheard(unwanted, heard)?;
            if self.is_of_kind(wanted, heard) {
                return self.fitting(wanted, heard);
            }
            self.passed_by.push_back(heard);
        }
        self.punctual(wanted)?;
        self.missed(wanted);
        let seen = format!("nothing of the kind in {patience:?}");
        Err(self.stop(wanted.to_string(), seen, vec![]))
    }

    /// Waits until `look` finds in what the actors know what is waited for; `what` says it.
    ///
    /// # Errors
    ///
    /// Where it does not come.
    pub fn waits_for<T>(
        &mut self,
        what: &str,
        patience: Duration,
        mut look: impl FnMut() -> Option<T>,
    ) -> Result<T, Stop> {
        let until = self.bench.now() + patience;
        self.bench.lateness();
        loop {
            if let Some(found) = look() {
                return Ok(found);
            }
            let Some(heard) = self.next(until)? else { break };
            self.passed_by.push_back(heard);
        }
        self.punctual_for(what)?;
        let seen = format!("nothing of the kind in {patience:?}");
        Err(self.stop(what.to_owned(), seen, vec![]))
    }

    /// Waits for `count` packets of the template's kind, each of which must fit, the first after
    /// the last stimulus included.
    ///
    /// # Errors
    ///
    /// Where fewer come in `patience`, or something in one is not so.
    pub fn hears_every(
        &mut self,
        wanted: &Template,
        count: usize,
        patience: Duration,
    ) -> Result<Vec<usize>, Stop> {
        let until = self.bench.now() + patience;
        let mut frames = Vec::new();
        while frames.len() < count {
            let left = until.saturating_sub(self.bench.now());
            let heard = self.hears(wanted, left).map_err(|stop| Stop {
                seen: format!("{} (after {} that fit)", stop.seen, frames.len()),
                ..stop
            })?;
            frames.push(heard);
        }
        Ok(frames)
    }

    /// For as long as `duration`, each packet of the template's kind must fit; returns those that
    /// came.
    ///
    /// # Errors
    ///
    /// Where something in one is not so, or none comes at all.
    pub fn hears_only(
        &mut self,
        wanted: &Template,
        duration: Duration,
    ) -> Result<Vec<usize>, Stop> {
        let until = self.bench.now() + duration;
        let mut frames = Vec::new();
        loop {
            let left = until.saturating_sub(self.bench.now());
            match self.hears_perhaps(wanted, left)? {
                Some(frame) => frames.push(frame),
                None if frames.is_empty() => {
                    let seen = format!("nothing of the kind in {duration:?}");
                    return Err(self.stop(wanted.to_string(), seen, vec![]));
                }
                None => return Ok(frames),
            }
        }
    }

    /// Waits for a packet that comes in fragments, each of which must fit; returns it whole, and the
    /// fragments.
    ///
    /// # Errors
    ///
    /// Where it does not come whole in `patience`, or something in a fragment is not so.
    pub fn hears_fragments(
        &mut self,
        wanted: &Template,
        patience: Duration,
    ) -> Result<(Vec<u8>, Vec<usize>), Stop> {
        let until = self.bench.now() + patience;
        let mut pieces = Reassembly::new(1, PACKET_MAX);
        let mut frames = Vec::new();
        loop {
            let frame = self.hears(wanted, until.saturating_sub(self.bench.now()))?;
            frames.push(frame);
            match pieces.push(Duration::ZERO, &self.packet(frame)) {
                Ok(Some(whole)) => return Ok((whole, frames)),
                Ok(None) => {}
                Err(rejected) => {
                    let expected = "fragments that make a packet".to_owned();
                    return Err(self.stop(expected, rejected.error.to_string(), frames));
                }
            }
        }
    }

    /// Wants no packet that fits the template from the last stimulus on until `patience` is over.
    ///
    /// # Errors
    ///
    /// Where one comes.
    pub fn hears_none(&mut self, unwanted: &Template, patience: Duration) -> Result<(), Stop> {
        let until = self.bench.now() + patience;
        self.bench.lateness();
        self.unwanted(unwanted);
        for heard in self.passed_by.clone() {
            self.unheard(unwanted, heard)?;
        }
        while let Some(heard) = self.next(until)? {
            self.passed_by.push_back(heard);
            self.unheard(unwanted, heard)?;
        }
        self.punctual(unwanted)
    }

    /// A stimulus that was to be judged while less than `within` had passed since `since`: where
    /// more has, the host was too slow for the purpose and nothing follows.
    ///
    /// # Errors
    ///
    /// Where more has passed.
    pub fn in_time(&self, what: &str, since: Duration, within: Duration) -> Result<(), Stop> {
        let passed = self.bench.now().saturating_sub(since);
        if passed <= within {
            return Ok(());
        }
        Err(self.late(format!("{what} within {within:?}"), format!("this host took {passed:?}")))
    }

    /// Wants a packet that was heard to have come no later than `within` after another.
    ///
    /// # Errors
    ///
    /// Where it came later: INCONC where this host was late itself.
    pub fn came_within(
        &mut self,
        within: Duration,
        since: usize,
        frame: usize,
    ) -> Result<(), Stop> {
        let after = self.captured_at(frame).saturating_sub(self.captured_at(since));
        if after <= within {
            return Ok(());
        }
        let (expected, seen) = (format!("within {within:?}"), format!("after {after:?}"));
        if self.bench.lateness() > LATENESS_MAX {
            return Err(self.late(expected, seen));
        }
        Err(self.stop(expected, seen, vec![since, frame]))
    }

    fn fitting(&self, wanted: &Template, heard: Heard) -> Result<usize, Stop> {
        self.expected(wanted, heard.frame);
        match self.judge(wanted, heard) {
            Judged::Fits | Judged::OtherKind => Ok(heard.frame),
            Judged::Wrong => self.finds(wanted, heard.frame).map(|()| heard.frame),
        }
    }

    fn unheard(&self, unwanted: &Template, heard: Heard) -> Result<(), Stop> {
        match self.judge(unwanted, heard) {
            Judged::Fits => {
                let seen = dissect(&self.bench.capture().frames[heard.frame].octets);
                Err(self.stop(format!("no {unwanted}"), seen, vec![heard.frame]))
            }
            Judged::OtherKind | Judged::Wrong => Ok(()),
        }
    }

    fn is_of_kind(&self, wanted: &Template, heard: Heard) -> bool {
        !matches!(self.judge(wanted, heard), Judged::OtherKind)
    }

    fn judge(&self, wanted: &Template, heard: Heard) -> Judged {
        self.judge_frame(wanted, heard.frame)
    }

    fn judge_frame(&self, wanted: &Template, frame: usize) -> Judged {
        let octets = &self.bench.capture().frames[frame].octets;
        let Ok((_, octets)) = Ethernet::parse(octets) else { return Judged::OtherKind };
        let Ok(packet) = Packet::parse(octets) else { return Judged::OtherKind };
        if !wanted.is_kind(&packet) {
            return Judged::OtherKind;
        }
        match wanted.mismatch(&packet) {
            None => Judged::Fits,
            Some(_) => Judged::Wrong,
        }
    }

    /// A deadline that the host itself missed says nothing about the subject.
    fn punctual(&mut self, waited_for: &Template) -> Result<(), Stop> {
        self.punctual_for(&waited_for.to_string())
    }

    fn punctual_for(&mut self, waited_for: &str) -> Result<(), Stop> {
        let lateness = self.bench.lateness();
        if lateness <= LATENESS_MAX {
            return Ok(());
        }
        let seen = format!("this host was {lateness:?} late ({LATENESS_MAX:?} is tolerated)");
        Err(self.late(waited_for.to_owned(), seen))
    }
}
