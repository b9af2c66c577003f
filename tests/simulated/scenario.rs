//! What happens in a run: a sequence of the claimed call under bad weather, and then, once the
//! weather is calm again, one more call.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use roamproof::lab_arm::LAB_EPOCH;
use roamproof::lab_network::LabNetwork;
use roamproof_harness::evidence::Capture;
use roamproof_harness::link::LinkId as CaptureLink;
use roamproof_harness::topology::claimed::{Wanted, topology};
use roamproof_harness::topology::{LinkSpec, Topology};
use roamproof_lab::{NodeId, Weather};
use roamproof_node::entropy::Entropy;
use roamproof_node::{Event, Instant};

use super::watcher::Watcher;

/// Which sequence of the claimed call is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sequence {
    /// Optimization before response, call, media, BYE.
    S4,
    /// The server tunnels to the care-of address; the terminal moves between two calls.
    S5,
    /// The terminal moves in mid call, and then home.
    S7,
}

/// What is played, and under which weather.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) sequence: Sequence,
    pub(crate) seed: u64,
    /// What one node does wrong: its name, and the misdeed's.
    pub(crate) misdeed: Option<(&'static str, &'static str)>,
}

/// What came of a run.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) answered: u32,
    pub(crate) not_answered: u32,
    pub(crate) optimized: u32,
    pub(crate) given_up: u32,
    pub(crate) frames: u64,
    pub(crate) inputs: u64,
}

/// A run under way.
struct Play {
    network: LabNetwork,
    watcher: Rc<RefCell<Watcher>>,
    draws: Entropy,
    terminal: Party,
    correspondent: Party,
    capture: Option<Rc<RefCell<Capture>>>,
    registered: bool,
    outcome: Outcome,
}

/// What a party has said of its calls.
#[derive(Debug)]
struct Party {
    node: NodeId,
    name: &'static str,
    begun: u32,
    over: u32,
    answered: u32,
}

/// 64 × T1: timers B, F and H, and how long a 2xx is repeated (RFC 3261).
const TRANSACTION: Duration = Duration::from_secs(32);
/// Timer C: how long a proxy waits for the end of a call that rings.
const RINGING: Duration = Duration::from_secs(185);
/// How long a call without media lasts.
const SILENCE: Duration = Duration::from_secs(32);
const MARGIN: Duration = Duration::from_secs(10);
/// The longest pause between two attempts to register.
const REGISTRATION: Duration = Duration::from_secs(310);
const TALK: Duration = Duration::from_millis(700);
/// A run of a few calls that needs more is a storm.
const INPUTS_MAX: u64 = 400_000;

impl Run {
    pub(crate) const fn new(sequence: Sequence, seed: u64) -> Self {
        Self { sequence, seed, misdeed: None }
    }

    /// Plays it, and records the frames if there is a capture.
    ///
    /// # Errors
    ///
    /// The first thing that must not be.
    pub(crate) fn play(self, capture: Option<&Rc<RefCell<Capture>>>) -> Result<Outcome, String> {
        let mut play = Play::new(self, capture);
        match self.sequence {
            Sequence::S4 => play.one_call()?,
            Sequence::S5 => play.direct_calls()?,
            Sequence::S7 => play.handover()?,
        }
        play.healed()?;
        play.finish()
    }

    /// The network that it is played in.
    pub(crate) fn topology(self) -> Topology {
        let misdeed = self.misdeed.map(|(node, name)| (node.to_owned(), name.to_owned()));
        topology(&Wanted {
            direct: self.sequence == Sequence::S5,
            transport: if self.seed % 4 == 3 { "tcp" } else { "udp" },
            misdeeds: misdeed.into_iter().collect(),
            seed: self.seed,
            ..Wanted::default()
        })
    }

    /// An empty capture of the network's links.
    pub(crate) fn capture(self) -> Rc<RefCell<Capture>> {
        let links = self.topology().links;
        let names = links.iter().map(|link| link.name.clone());
        Rc::new(RefCell::new(Capture::new(names, LAB_EPOCH)))
    }
}

impl Play {
    fn new(run: Run, capture: Option<&Rc<RefCell<Capture>>>) -> Self {
        let mut draws = Entropy::new(run.seed ^ 0x5eed_0f3d_c0ff_ee00);
        // Calm runs, middling ones and bad ones; what each link does is drawn below that.
        let lost_max = [0, 50, 120, 200][usize::try_from(draws.below(4)).unwrap_or(0)];
        let doubled_max = [0, 50, 200][usize::try_from(draws.below(3)).unwrap_or(0)];
        let jitter_max =
            Duration::from_millis([0, 5, 30][usize::try_from(draws.below(3)).unwrap_or(0)]);
        let delay = Duration::from_micros(100 + draws.below(10_000));
        let mut weather = |_: &LinkSpec| Weather {
            seed: draws.next_u64(),
            lost_permille: permille(&mut draws, lost_max),
            doubled_permille: permille(&mut draws, doubled_max),
            delay,
            jitter_max,
        };
        let mut network =
            LabNetwork::new(run.topology(), &mut weather).expect("the claimed network");
        let watcher = Rc::new(RefCell::new(Watcher::new((delay.min(CALM), delay + jitter_max))));
        let (watching, recording) = (Rc::clone(&watcher), capture.map(Rc::clone));
        network.lab.watch(move |sighting| {
            if let Some(capture) = &recording {
                let (at, link) = (sighting.at.since_start(), CaptureLink(sighting.link.0));
                let capture = &mut *capture.borrow_mut();
                let index = capture.record(at, link, sighting.octets);
                capture.frames[index].lost = sighting.lost;
            }
            watching.borrow_mut().see(sighting);
        });
        let (terminal, correspondent) = (Party::new(&network, "mt"), Party::new(&network, "cn"));
        Self {
            network,
            watcher,
            draws,
            terminal,
            correspondent,
            capture: capture.map(Rc::clone),
            registered: false,
            outcome: Outcome::default(),
        }
    }

    /// S4; now and then the caller gives up before it is answered.
    fn one_call(&mut self) -> Result<(), String> {
        self.attach("visited-1")?;
        self.call("cn", "sip:mt@example.com")?;
        if self.draws.below(8) == 0 {
            let patience = Duration::from_millis(self.draws.below(9_000));
            self.run_for(patience)?;
            self.network.tell("cn", "hangup");
            return self.ended();
        }
        self.answered()?;
        self.run_for(TALK)?;
        self.hang_up()
    }

    fn direct_calls(&mut self) -> Result<(), String> {
        self.attach("visited-1")?;
        self.call("cn", "sip:mt@example.com")?;
        self.answered()?;
        self.run_for(TALK)?;
        self.hang_up()?;
        self.plug("visited-2");
        let pause = Duration::from_millis(self.draws.below(4_000));
        self.run_for(pause)?;
        self.call("cn", "sip:mt@example.com")?;
        self.answered()?;
        self.run_for(TALK)?;
        self.hang_up()
    }

    fn handover(&mut self) -> Result<(), String> {
        self.attach("visited-1")?;
        self.call("cn", "sip:mt@example.com")?;
        self.answered()?;
        self.run_for(TALK)?;
        self.plug("visited-2");
        let stay = Duration::from_millis(500 + self.draws.below(6_000));
        self.run_for(stay)?;
        if self.draws.below(3) > 0 {
            self.plug("home");
            let stay = Duration::from_millis(500 + self.draws.below(6_000));
            self.run_for(stay)?;
        }
        self.hang_up()
    }

    /// Whatever the links did, once they are calm the terminal is reachable and media goes directly.
    fn healed(&mut self) -> Result<(), String> {
        self.network.set_weather(|_| Weather::CALM);
        self.plug("visited-1");
        self.run_for(TRANSACTION * 2)?;
        let patience = self.now() + REGISTRATION;
        self.until(patience, |play| play.registered)?;
        if !self.registered {
            return Err("the terminal does not register although the weather is calm".to_owned());
        }
        let (before, answered) = (self.watcher.borrow().optimized, self.correspondent.answered);
        let (media, at) = (self.watcher.borrow().counts, self.now());
        self.call("cn", "sip:mt@example.com")?;
        self.answered()?;
        self.run_for(TALK)?;
        if self.correspondent.answered == answered {
            return Err("no answer although the weather is calm".to_owned());
        }
        if self.watcher.borrow().optimized == before {
            return Err("the route is not optimized although the weather is calm".to_owned());
        }
        let counts = self.watcher.borrow().counts;
        if counts.tunnelled > media.tunnelled || counts.direct < media.direct + 60 {
            return Err(format!("media since {at}, calm: {media:?}, then {counts:?}"));
        }
        self.hang_up()
    }

    fn finish(mut self) -> Result<Outcome, String> {
        self.check()?;
        for party in [&self.terminal, &self.correspondent] {
            if party.begun != party.over {
                let Party { name, begun, over, .. } = party;
                return Err(format!("{name}: {begun} calls begun, {over} over"));
            }
        }
        let watcher = self.watcher.borrow();
        self.outcome.optimized = watcher.optimized;
        self.outcome.given_up = watcher.given_up;
        self.outcome.frames = self.network.lab.frames();
        self.outcome.inputs = self.network.lab.inputs();
        Ok(self.outcome)
    }

    fn attach(&mut self, link: &str) -> Result<(), String> {
        self.plug(link);
        let patience = self.now() + TRANSACTION * 3;
        self.until(patience, |play| play.registered)
    }

    fn plug(&mut self, link: &str) {
        {
            let mut watcher = self.watcher.borrow_mut();
            watcher.plugged = Some(self.network.link(link));
            watcher.at_home = link == "home";
        }
        self.network.plug("mt", link);
    }

    fn call(&mut self, who: &str, whom: &str) -> Result<(), String> {
        self.network.tell(who, &format!("call {whom}"));
        self.run_for(Duration::ZERO)
    }

    /// Until the caller knows whether its call is answered.
    fn answered(&mut self) -> Result<(), String> {
        let (over, answered) = (self.correspondent.over, self.correspondent.answered);
        let patience = self.now() + TRANSACTION * 2 + RINGING + MARGIN;
        let decided = |play: &Self| {
            let caller = &play.correspondent;
            caller.over > over || caller.answered > answered
        };
        self.until(patience, decided)?;
        if !decided(self) {
            // Every copy of every answer was lost on the way back; the caller rings off.
            self.network.tell("cn", "hangup");
            let patience = self.now() + TRANSACTION + MARGIN;
            self.until(patience, decided)?;
        }
        if !decided(self) {
            return Err("the caller does not learn what became of its call".to_owned());
        }
        if self.correspondent.answered > answered {
            self.outcome.answered += 1;
        } else {
            self.outcome.not_answered += 1;
        }
        Ok(())
    }

    /// One of the two hangs up, if there is still a call.
    fn hang_up(&mut self) -> Result<(), String> {
        let who = if self.draws.below(3) == 0 { "mt" } else { "cn" };
        if self.terminal.is_talking() || self.correspondent.is_talking() {
            self.network.tell(who, "hangup");
        }
        self.ended()
    }

    /// Until nothing of the call can be left, and nothing is.
    fn ended(&mut self) -> Result<(), String> {
        let patience = self.now() + TRANSACTION * 2 + RINGING + SILENCE + MARGIN;
        self.until(patience, |play| {
            !play.terminal.is_talking() && !play.correspondent.is_talking()
        })?;
        for party in [&self.terminal, &self.correspondent] {
            if party.is_talking() {
                return Err(format!("{}: the call does not end", party.name));
            }
        }
        let ended = self.now();
        self.run_for(TRANSACTION + MARGIN)?;
        let (last, now) = (ended + TRANSACTION, self.now());
        let watcher = self.watcher.borrow();
        if let Some(media) = watcher.media_seen.filter(|seen| *seen > last) {
            return Err(format!("at {now}: media at {media}, the call ended at {ended}"));
        }
        if let Some(call) = watcher.sip_since(last) {
            return Err(format!("at {now}: SIP of {call} after {last}, the call ended at {ended}"));
        }
        Ok(())
    }

    fn now(&self) -> Instant {
        self.network.lab.now()
    }

    fn run_for(&mut self, duration: Duration) -> Result<(), String> {
        let until = self.now() + duration;
        self.until(until, |_| false)
    }

    /// Lets time pass until `done`, or `patience` is over.
    fn until(&mut self, patience: Instant, done: impl Fn(&Self) -> bool) -> Result<(), String> {
        loop {
            while let Some((_, node, event)) = self.network.lab.poll_event() {
                self.on_event(node, &event);
            }
            if done(self) {
                return self.check();
            }
            if !self.network.lab.step(patience) {
                self.network.lab.run_until(patience);
                return self.check();
            }
        }
    }

    fn on_event(&mut self, node: NodeId, event: &Event) {
        if let Some(mut capture) = self.capture.as_ref().map(|capture| capture.borrow_mut()) {
            let name = self.network.name_of(node);
            if let Some(frame) = capture.frames.last_mut() {
                frame.comments.push(format!("{name}: {event}"));
            }
        }
        if let Event::Note(note) = event {
            self.registered |= node == self.terminal.node && note.starts_with("registered for");
        }
        if let Event::Call { state } = event {
            for party in [&mut self.terminal, &mut self.correspondent] {
                if party.node == node {
                    party.on(state);
                }
            }
        }
    }

    fn check(&self) -> Result<(), String> {
        let inputs = self.network.lab.inputs();
        if inputs > INPUTS_MAX {
            return Err(format!("{inputs} inputs: a storm"));
        }
        self.watcher.borrow_mut().violation.take().map_or(Ok(()), Err)
    }
}

impl Party {
    fn new(network: &LabNetwork, name: &'static str) -> Self {
        Self { node: network.node(name), name, begun: 0, over: 0, answered: 0 }
    }

    fn on(&mut self, state: &str) {
        match state.split([' ', ':']).next() {
            Some("calling" | "incoming") => self.begun += 1,
            Some("refused" | "cancelled" | "ended") => self.over += 1,
            Some("answered") => self.answered += 1,
            _ => {}
        }
    }

    const fn is_talking(&self) -> bool {
        self.begun > self.over
    }
}

const CALM: Duration = Weather::CALM.delay;

fn permille(draws: &mut Entropy, max: u64) -> u16 {
    u16::try_from(draws.below(max + 1)).unwrap_or(0)
}
