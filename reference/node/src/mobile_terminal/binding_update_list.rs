//! The Binding Update List: every correspondent that the terminal deals with (RFC 6275 §11.1).

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use roamproof_wire::mobility::{Lifetime, Sequence, Status};

use super::optimization::{Optimization, Trigger};
use super::peer::{Asked, Peer, ToSend, Token, Whereabouts};
use crate::entropy::Entropy;
use crate::{Held, Instant, Wakeup};

/// The correspondents, by address.
#[derive(Debug, Default)]
pub(super) struct BindingUpdateList {
    peers: BTreeMap<Ipv6Addr, Peer>,
}

/// How far route optimization with a peer is, for a call that waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// A fresh binding is in force.
    Bound,
    /// It is being made.
    UnderWay,
    /// It will not be.
    Failed,
}

/// An answer of a peer to one of the two tests.
#[derive(Debug, Clone, Copy)]
pub(super) struct TestAnswer {
    pub(super) cookie: [u8; 8],
    pub(super) token: [u8; 8],
    pub(super) nonce_index: u16,
}

/// An acknowledgement of a peer.
#[derive(Debug, Clone, Copy)]
pub(super) struct PeerAnswer {
    pub(super) status: Status,
    pub(super) sequence: Sequence,
    pub(super) lifetime: Lifetime,
}

/// What an acknowledgement led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The direct route is there.
    Bound,
    /// The peer has forgotten the binding, as it was asked.
    Forgotten,
    /// The peer refuses.
    Refused(Status),
    /// The exchange goes on.
    GoesOn,
    /// Not taken, for this reason.
    Ignored(&'static str),
}

/// Which of the terminal's messages another node complains about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoted {
    HomeTestInit([u8; 8]),
    CareOfTestInit([u8; 8]),
    Update(Sequence),
}

/// Correspondents at once; beyond it those that nobody needs go, then strangers are left out.
const PEERS_MAX: usize = 256;

impl BindingUpdateList {
    pub(super) fn get(&self, peer: Ipv6Addr) -> Option<&Peer> {
        self.peers.get(&peer)
    }

    pub(super) fn get_mut(&mut self, peer: Ipv6Addr) -> Option<&mut Peer> {
        self.peers.get_mut(&peer)
    }

    /// Asks for the direct route to `peer` until `deadline`; false where there is no room for one
    /// more peer.
    pub(super) fn want(
        &mut self,
        now: Instant,
        peer: Ipv6Addr,
        deadline: Option<Instant>,
        entropy: &mut Entropy,
    ) -> bool {
        if !self.peers.contains_key(&peer) && !self.make_room(now) {
            return false;
        }
        //= MN-CR-07
        let new = || Peer::new(peer, Sequence(entropy.next_u16()));
        self.peers.entry(peer).or_insert_with(new).want(now, deadline);
        true
    }

    /// One more call or wish keeps the route to `peer` alive.
    pub(super) fn hold(&mut self, peer: Ipv6Addr) {
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.holders += 1;
        }
    }

    /// One less.
    pub(super) fn release(&mut self, now: Instant, peer: Ipv6Addr) {
        let Some(peer) = self.peers.get_mut(&peer) else { return };
        peer.holders = peer.holders.saturating_sub(1);
        //= CL-RO-17
        //# no Binding Update for a call that is over
        if peer.holders == 0 && !peer.may_be_bound(now) {
            peer.on(now, Trigger::Dropped);
        }
    }

    pub(super) fn progress(&self, now: Instant, peer: Ipv6Addr, at: &Whereabouts) -> Progress {
        match self.peers.get(&peer) {
            Some(peer) if peer.is_fresh(now, at) => Progress::Bound,
            Some(peer) if peer.state.is_under_way() => Progress::UnderWay,
            Some(_) | None => Progress::Failed,
        }
    }

    /// The terminal is somewhere else now.
    pub(super) fn moved(&mut self, now: Instant) {
        for peer in self.peers.values_mut() {
            peer.moved(now);
        }
    }

    /// Takes in a Home Test that came through the tunnel.
    pub(super) fn home_test(&mut self, now: Instant, from: Ipv6Addr, answer: &TestAnswer) -> bool {
        self.peers.get_mut(&from).is_some_and(|peer| peer.home_test.answered(now, answer))
    }

    /// Takes in a Care-of Test that came to the present care-of address.
    pub(super) fn care_of_test(
        &mut self,
        now: Instant,
        from: Ipv6Addr,
        answer: &TestAnswer,
    ) -> bool {
        self.peers.get_mut(&from).is_some_and(|peer| peer.care_of_test.answered(now, answer))
    }

    /// Takes in an acknowledgement; `genuine` says whether it is authenticated by the key of one
    /// update.
    pub(super) fn acknowledged(
        &mut self,
        now: Instant,
        from: Ipv6Addr,
        answer: &PeerAnswer,
        genuine: impl Fn(&Asked) -> bool,
    ) -> Outcome {
        let Some(peer) = self.peers.get_mut(&from) else {
            return Outcome::Ignored("acknowledgement from a node that was never asked");
        };
        if peer.state != Optimization::Updating {
            return Outcome::Ignored("acknowledgement that nobody waits for");
        }
        if answer.status == Status::SEQUENCE_OUT_OF_WINDOW {
            return peer.renumber(now, answer, genuine);
        }
        let named = peer.asked.iter().find(|asked| asked.sequence == answer.sequence);
        let Some(asked) = named.copied() else {
            return Outcome::Ignored("acknowledgement of an update never sent");
        };
        if peer.tokens_expired(now, answer.status) {
            return Outcome::GoesOn;
        }
        if !genuine(&asked) {
            return Outcome::Ignored("acknowledgement with a wrong authenticator");
        }
        peer.settle(now, &asked, answer)
    }

    /// The peer said, about a message that is outstanding, that it knows nothing of it: true where
    /// it did.
    pub(super) fn incapable(
        &mut self,
        now: Instant,
        peer: Ipv6Addr,
        quoted: Option<Quoted>,
    ) -> bool {
        let Some(peer) = self.peers.get_mut(&peer) else { return false };
        if !peer.awaits(quoted) {
            return false;
        }
        peer.incapable_until = Some(now + super::peer::INCAPABLE);
        peer.on(now, Trigger::Hopeless);
        true
    }

    /// Forgets a peer and whatever it may hold: a misdeed.
    pub(super) fn remove(&mut self, peer: Ipv6Addr) {
        self.peers.remove(&peer);
    }

    pub(super) fn peers(&self) -> impl Iterator<Item = &Peer> {
        self.peers.values()
    }

    pub(super) fn peers_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        self.peers.values_mut()
    }

    /// Does what is due by now with every peer.
    pub(super) fn run(
        &mut self,
        now: Instant,
        at: &Whereabouts,
        entropy: &mut Entropy,
    ) -> Vec<ToSend> {
        let mut out = Vec::new();
        for peer in self.peers.values_mut() {
            peer.run(now, at, entropy, &mut out);
        }
        out
    }

    pub(super) fn poll_timeout(&self) -> Option<Wakeup> {
        let at = self.peers.values().filter_map(Peer::next_at).min()?;
        Some(Wakeup { at, why: "route optimization" })
    }

    /// Counts what is kept; a user wants so many routes, whatever calls there are.
    pub(super) fn held(&self, held: &mut Held, wishes: usize) {
        held.for_room("correspondents", self.peers.len(), PEERS_MAX);
        let holders: usize = self.peers.values().map(|peer| peer.holders as usize).sum();
        held.in_time("holds of calls on routes", holders.saturating_sub(wishes), None);
    }

    fn make_room(&mut self, now: Instant) -> bool {
        if self.peers.len() >= PEERS_MAX {
            self.peers.retain(|_, peer| {
                peer.holders > 0 || peer.state.is_under_way() || peer.may_be_bound(now)
            });
        }
        self.peers.len() < PEERS_MAX
    }
}

impl super::peer::Test {
    /// Takes the token of an answer to the newest message; the first one counts (MN-RR-23).
    fn answered(&mut self, now: Instant, answer: &TestAnswer) -> bool {
        if self.cookie != Some(answer.cookie) {
            return false;
        }
        self.cookie = None;
        let (octets, nonce_index) = (answer.token, answer.nonce_index);
        self.token = Some(Token { octets, nonce_index, obtained_at: now });
        true
    }
}

impl Peer {
    /// Status 135: the peer knows a higher number.
    fn renumber(
        &mut self,
        now: Instant,
        answer: &PeerAnswer,
        genuine: impl Fn(&Asked) -> bool,
    ) -> Outcome {
        let Some(newest) = self.asked.back().copied().filter(|asked| genuine(asked)) else {
            return Outcome::Ignored("sequence refusal with a wrong authenticator");
        };
        if newest.sequence.is_after(answer.sequence) {
            return Outcome::Ignored("sequence refusal of an update before the last");
        }
        //= MN-CR-16
        self.sequence = answer.sequence;
        self.update_again(now);
        Outcome::GoesOn
    }

    /// Status 136, 137, 138: fetches the tokens that the peer does not take any more.
    fn tokens_expired(&mut self, now: Instant, status: Status) -> bool {
        let (home, care_of) = match status {
            Status::EXPIRED_HOME_NONCE_INDEX => (true, false),
            Status::EXPIRED_CARE_OF_NONCE_INDEX => (false, true),
            Status::EXPIRED_NONCES => (true, true),
            _ => return false,
        };
        //= CL-RO-14
        //# refetching the token, or both, and updating again
        if home {
            self.home_test.token = None;
        }
        if care_of {
            self.care_of_test.token = None;
        }
        self.asked.clear();
        self.on(now, Trigger::TokensExpired);
        true
    }

    fn settle(&mut self, now: Instant, asked: &Asked, answer: &PeerAnswer) -> Outcome {
        self.asked.clear();
        if answer.status.is_refusal()
            || (asked.lifetime != Lifetime::ZERO && answer.lifetime == Lifetime::ZERO)
        {
            self.binding = None;
            self.believed = None;
            self.on(now, Trigger::Hopeless);
            return Outcome::Refused(answer.status);
        }
        self.believed = None;
        self.on(now, Trigger::Acknowledged);
        if asked.lifetime == Lifetime::ZERO {
            self.binding = None;
            return Outcome::Forgotten;
        }
        self.binding = Some(asked.binding(answer.lifetime));
        self.ever_bound = true;
        Outcome::Bound
    }

    /// Whether the terminal waits for the answer to the message `quoted`, or to any at all.
    fn awaits(&self, quoted: Option<Quoted>) -> bool {
        match quoted {
            Some(Quoted::HomeTestInit(cookie)) => self.home_test.cookie == Some(cookie),
            Some(Quoted::CareOfTestInit(cookie)) => self.care_of_test.cookie == Some(cookie),
            Some(Quoted::Update(sequence)) => {
                self.state == Optimization::Updating
                    && self.asked.iter().any(|asked| asked.sequence == sequence)
            }
            None => {
                self.home_test.cookie.is_some()
                    || self.care_of_test.cookie.is_some()
                    || (self.state == Optimization::Updating && !self.asked.is_empty())
            }
        }
    }
}
