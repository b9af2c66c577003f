//! Keygen tokens and the nonces behind them (RFC 6275 §5.2): nothing is kept for any mobile node.

use std::collections::VecDeque;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::mobility::{
    BindingManagementKey, NonceIndices, Status, care_of_keygen_token, home_keygen_token,
};

use crate::entropy::Entropy;
use crate::{Held, Instant};

/// A correspondent's node key, Kcn, and its nonces.
#[derive(Debug)]
pub(super) struct ReturnRoutability {
    kcn: [u8; 20],
    /// The oldest first.
    nonces: VecDeque<Nonce>,
    next_index: u16,
    /// A binding made with the newest nonce was removed: the next token is made with another.
    spent: bool,
    entropy: Entropy,
}

#[derive(Debug, Clone, Copy)]
struct Nonce {
    index: u16,
    octets: [u8; 8],
    made_at: Instant,
}

/// How long one nonce is given out (RFC 6275 §5.2.2 speaks of about 30 s).
const NONCE_INTERVAL: Duration = Duration::from_secs(30);
/// How soon a spent nonce makes room for the next: a mobile node that registers and leaves all the
/// time must not age everybody's nonces.
const SPENT_INTERVAL: Duration = Duration::from_secs(1);
/// MAX_NONCE_LIFETIME (RFC 6275 §12).
pub(super) const MAX_NONCE_LIFETIME: Duration = Duration::from_secs(240);
/// One a second at most for as long as one lives, and the next.
const NONCES_MAX: usize = 241;

impl ReturnRoutability {
    /// A fresh node key, so that no token from before is worth anything.
    pub(super) fn new(mut entropy: Entropy) -> Self {
        let kcn = entropy.octets();
        let next_index = entropy.next_u16();
        Self { kcn, nonces: VecDeque::new(), next_index, spent: false, entropy }
    }

    /// The home keygen token for `home`, and the index of its nonce.
    pub(super) fn home_token(&mut self, now: Instant, home: Ipv6Addr) -> (u16, [u8; 8]) {
        let nonce = self.newest(now);
        (nonce.index, home_keygen_token(&self.kcn, home, nonce.octets))
    }

    /// The care-of keygen token for `care_of`, and the index of its nonce.
    pub(super) fn care_of_token(&mut self, now: Instant, care_of: Ipv6Addr) -> (u16, [u8; 8]) {
        let nonce = self.newest(now);
        (nonce.index, care_of_keygen_token(&self.kcn, care_of, nonce.octets))
    }

    /// The key of an update that registers `care_of`.
    ///
    /// # Errors
    ///
    /// Status 136, 137 or 138 where the home nonce, the care-of nonce or both are too old or were
    /// never given out.
    pub(super) fn key(
        &self,
        now: Instant,
        home: Ipv6Addr,
        care_of: Ipv6Addr,
        indices: NonceIndices,
    ) -> Result<BindingManagementKey, Status> {
        //= CN-RR-16
        //= CN-RR-19
        match (self.nonce(now, indices.home), self.nonce(now, indices.care_of)) {
            (Some(for_home), Some(for_care_of)) => Ok(BindingManagementKey::new(
                home_keygen_token(&self.kcn, home, for_home.octets),
                care_of_keygen_token(&self.kcn, care_of, for_care_of.octets),
            )),
            (None, Some(_)) => Err(Status::EXPIRED_HOME_NONCE_INDEX),
            (Some(_), None) => Err(Status::EXPIRED_CARE_OF_NONCE_INDEX),
            (None, None) => Err(Status::EXPIRED_NONCES),
        }
    }

    /// The key of an update that removes a binding: the care-of nonce is not looked at.
    ///
    /// # Errors
    ///
    /// Status 136 where the home nonce is too old or was never given out.
    pub(super) fn key_for_deletion(
        &self,
        now: Instant,
        home: Ipv6Addr,
        indices: NonceIndices,
    ) -> Result<BindingManagementKey, Status> {
        //= CN-RR-24
        //= CN-RR-25
        let nonce = self.nonce(now, indices.home).ok_or(Status::EXPIRED_HOME_NONCE_INDEX)?;
        Ok(BindingManagementKey::for_deletion(home_keygen_token(&self.kcn, home, nonce.octets)))
    }

    /// Whether both nonces were made by `then`.
    pub(super) fn are_from_before(&self, now: Instant, then: Instant, of: NonceIndices) -> bool {
        [of.home, of.care_of]
            .into_iter()
            .all(|index| self.nonce(now, index).is_none_or(|nonce| nonce.made_at <= then))
    }

    /// A binding was removed: tokens given out from now on come from another nonce, so that the
    /// mobile node can come back (RFC 6275 §9.5.3 forbids the old ones).
    pub(super) const fn spend(&mut self) {
        self.spent = true;
    }

    /// Counts what is kept.
    pub(super) fn held(&self, held: &mut Held) {
        held.for_room("nonces", self.nonces.len(), NONCES_MAX);
    }

    /// The nonce that tokens are made with now; made when it is first needed.
    fn newest(&mut self, now: Instant) -> Nonce {
        let age_max = if self.spent { SPENT_INTERVAL } else { NONCE_INTERVAL };
        if let Some(nonce) = self.nonces.back().filter(|nonce| now - nonce.made_at < age_max) {
            return *nonce;
        }
        self.nonces.retain(|nonce| now - nonce.made_at < MAX_NONCE_LIFETIME);
        let nonce = Nonce { index: self.next_index, octets: self.entropy.octets(), made_at: now };
        self.next_index = self.next_index.wrapping_add(1);
        self.spent = false;
        self.nonces.push_back(nonce);
        nonce
    }

    fn nonce(&self, now: Instant, index: u16) -> Option<&Nonce> {
        self.nonces
            .iter()
            .find(|nonce| nonce.index == index && now - nonce.made_at < MAX_NONCE_LIFETIME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const HOME: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
    const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0x5eff, 0xfe10, 0xa100);

    #[test]
    fn tokens_depend_on_address_nonce_and_purpose_alone() {
        let mut routability = ReturnRoutability::new(Entropy::new(5));
        let (index, token) = routability.home_token(at(1), HOME);
        assert_eq!(routability.home_token(at(2), HOME), (index, token));
        assert_ne!(routability.home_token(at(2), CARE_OF), (index, token));
        assert_ne!(routability.care_of_token(at(2), HOME), (index, token));
        let mut rebooted = ReturnRoutability::new(Entropy::new(6));
        assert_ne!(rebooted.home_token(at(1), HOME).1, token);
    }

    #[rstest]
    #[case::same_nonce(29, 0)]
    #[case::next_nonce(30, 1)]
    #[case::much_later(3000, 1)]
    fn a_nonce_is_given_out_for_30_seconds(#[case] seconds: u64, #[case] steps: u16) {
        let mut routability = ReturnRoutability::new(Entropy::new(5));
        let (first, _) = routability.home_token(at(0), HOME);
        let (then, _) = routability.care_of_token(at(seconds), CARE_OF);
        assert_eq!(then, first.wrapping_add(steps));
    }

    #[rstest]
    #[case::fresh(0, 1, 0, None)]
    #[case::old_enough(239, 1, 0, None)]
    #[case::home_too_old(240, 0, 239, Some(136))]
    #[case::care_of_too_old(240, 239, 0, Some(137))]
    #[case::both_too_old(240, 0, 0, Some(138))]
    fn nonces_live_for_240_seconds(
        #[case] now: u64,
        #[case] home_at: u64,
        #[case] care_of_at: u64,
        #[case] status: Option<u8>,
    ) {
        let mut routability = ReturnRoutability::new(Entropy::new(5));
        let mut indices = [0; 2];
        let mut asked = [(home_at, 0), (care_of_at, 1)];
        asked.sort_unstable();
        for (when, which) in asked {
            indices[which] = routability.home_token(at(when), HOME).0;
        }
        let indices = NonceIndices { home: indices[0], care_of: indices[1] };
        let key = routability.key(at(now), HOME, CARE_OF, indices);
        assert_eq!(key.err().map(|status| status.0), status);
    }

    #[rstest]
    #[case::home(7, 0, 136)]
    #[case::care_of(0, 7, 137)]
    #[case::both(7, 7, 138)]
    fn nonces_never_given_out_are_refused(
        #[case] home_off: u16,
        #[case] care_of_off: u16,
        #[case] status: u8,
    ) {
        let mut routability = ReturnRoutability::new(Entropy::new(5));
        let (index, _) = routability.home_token(at(0), HOME);
        let indices = NonceIndices {
            home: index.wrapping_add(home_off),
            care_of: index.wrapping_add(care_of_off),
        };
        assert_eq!(routability.key(at(1), HOME, CARE_OF, indices), Err(Status(status)));
        let deletion = routability.key_for_deletion(at(1), HOME, indices);
        assert_eq!(deletion.is_ok(), home_off == 0);
    }

    #[test]
    fn a_spent_nonce_gives_way_but_not_faster_than_one_a_second() {
        let mut routability = ReturnRoutability::new(Entropy::new(5));
        let (first, _) = routability.home_token(at(0), HOME);
        routability.spend();
        assert_eq!(routability.home_token(Instant::at(Duration::from_millis(999)), HOME).0, first);
        assert_eq!(routability.home_token(at(1), HOME).0, first.wrapping_add(1));
        assert_eq!(routability.home_token(at(3), HOME).0, first.wrapping_add(1));
    }

    #[test]
    fn a_flood_does_not_age_nonces() {
        let mut routability = ReturnRoutability::new(Entropy::new(5));
        let (first, _) = routability.home_token(at(0), HOME);
        for one in 0..5000_u128 {
            routability.care_of_token(at(1), Ipv6Addr::from(one << 64));
        }
        assert_eq!(routability.nonces.len(), 1);
        let indices = NonceIndices { home: first, care_of: first };
        assert!(routability.key(at(2), HOME, CARE_OF, indices).is_ok());
    }

    fn at(seconds: u64) -> Instant {
        Instant::at(Duration::from_secs(seconds))
    }
}
