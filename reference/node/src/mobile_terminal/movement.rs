//! Where the terminal is: movement detection and the care-of address (RFC 6275 §11.5, RFC 4862 §5.5).
//!
//! What a link's routers advertise is all that is known of it. A link that came up is another one
//! until its prefix says otherwise; without such a sign, a router that falls silent or whose
//! neighbour entry dies, or that changes its prefixes under the same address, says that the link
//! is another one.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::icmpv6::{Message, PrefixInformation, RouterAdvertisement, RouterSolicitation};
use roamproof_wire::ipv6::address::ALL_ROUTERS;

use crate::host::config::Prefix;
use crate::host::{Host, Standing};
use crate::{Event, Instant, Interface, Wakeup};

/// Where the terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// No link, no router heard, or no address yet.
    Nowhere,
    /// On its home link.
    Home,
    /// Elsewhere, reachable at this care-of address.
    Away(Ipv6Addr),
}

/// Movement detection on one interface.
#[derive(Debug)]
pub(super) struct Movement {
    interface: Interface,
    home: Prefix,
    probes: u8,
    up: bool,
    solicit: Option<Solicit>,
    router: Option<Router>,
    candidate: Option<Candidate>,
    care_of: Option<CareOf>,
    place: Place,
    /// Further interface identifiers tried on this link because others were taken.
    retries: u8,
}

/// Router Solicitations that are still to be sent.
#[derive(Debug, Clone, Copy)]
struct Solicit {
    left: u8,
    at: Instant,
}

/// The default router.
#[derive(Debug, Clone)]
struct Router {
    address: Ipv6Addr,
    /// Its global address, where it sets the R flag (RFC 6275 §7.2).
    global: Option<Ipv6Addr>,
    /// When it is no default router any more unless heard again.
    expires_at: Instant,
    /// When it has been silent for longer than it announced, and that time.
    silent: Option<(Instant, Duration)>,
}

/// A router that is not the default router, as last heard.
#[derive(Debug, Clone)]
struct Candidate {
    address: Ipv6Addr,
    advertisement: RouterAdvertisement,
    heard_at: Instant,
}

#[derive(Debug, Clone, Copy)]
struct CareOf {
    address: Ipv6Addr,
    prefix: Prefix,
    valid_until: Instant,
    tentative: bool,
}

/// MAX_RTR_SOLICITATIONS (RFC 4861 §10).
const SOLICITATIONS_MAX: u8 = 3;
/// RTR_SOLICITATION_INTERVAL (RFC 4861 §10).
const SOLICITATION_INTERVAL: Duration = Duration::from_secs(4);
/// Advertisements that may get lost before the router's silence means something.
const SILENT_INTERVALS: u32 = 3;
/// How long what a router said remains a reason to turn to it.
const CANDIDATE_LIFETIME: Duration = Duration::from_secs(30);
/// Interface identifiers tried on one link.
const RETRIES_MAX: u8 = 3;

impl Movement {
    /// A terminal of `home`, its home address with the length of its prefix, that probes a new
    /// address `probes` times.
    pub(super) const fn new(interface: Interface, home: Prefix, probes: u8) -> Self {
        Self {
            interface,
            home,
            probes,
            up: false,
            solicit: None,
            router: None,
            candidate: None,
            care_of: None,
            place: Place::Nowhere,
            retries: 0,
        }
    }

    /// Where the terminal is.
    pub(super) const fn place(&self) -> Place {
        self.place
    }

    /// How long the care-of address is valid.
    pub(super) fn valid_for(&self, now: Instant) -> Option<Duration> {
        self.care_of.map(|care_of| care_of.valid_until - now)
    }

    /// The link came up or went down: what was known of it is forgotten.
    pub(super) fn on_link(&mut self, now: Instant, host: &mut Host, up: bool) {
        self.up = up;
        self.candidate = None;
        self.leave(host);
        if !up {
            self.solicit = None;
            return;
        }
        if self.probes > 0 {
            let link_local = host.link_local(self.interface);
            host.add_address(now, self.interface, link_local, Standing::Own, self.probes);
        }
        self.look_for_routers(now);
    }

    /// A router advertised itself (its hop limit and source were checked).
    pub(super) fn on_advertisement(
        &mut self,
        now: Instant,
        host: &mut Host,
        from: Ipv6Addr,
        advertisement: &RouterAdvertisement,
    ) {
        if !self.up {
            return;
        }
        self.solicit = None;
        match &self.router {
            Some(router) if router.address == from && !router.became_another(advertisement) => {
                self.heard_again(now, host, advertisement);
            }
            Some(router) if router.address != from && router.expires_at > now => {
                let present = router.address;
                // MN-MD-02, MN-MD-07: the present router stays while it answers.
                if !self.is_of_this_link(advertisement) {
                    host.suspect(now, self.interface, present);
                }
                let advertisement = advertisement.clone();
                self.candidate = Some(Candidate { address: from, advertisement, heard_at: now });
            }
            Some(_) | None => self.adopt(now, host, from, advertisement),
        }
    }

    /// Duplicate address detection found `address` free.
    pub(super) fn on_address_ready(&mut self, address: Ipv6Addr) {
        if let Some(care_of) = &mut self.care_of
            && care_of.address == address
        {
            care_of.tentative = false;
            self.place = Place::Away(address);
        }
    }

    /// Somebody else has `address`: another interface identifier is tried (RFC 4862 §5.4.5 asks
    /// not to use it).
    pub(super) fn on_address_taken(&mut self, now: Instant, host: &mut Host, address: Ipv6Addr) {
        let Some(care_of) = self.care_of.filter(|care_of| care_of.address == address) else {
            return;
        };
        host.remove_address(self.interface, address);
        self.care_of = None;
        self.place = Place::Nowhere;
        if self.retries < RETRIES_MAX {
            self.retries += 1;
            let identifier = host.entropy.next_u64() & !UNIVERSAL;
            self.form(now, host, care_of.prefix, care_of.valid_until, identifier);
        }
    }

    /// A neighbour does not answer; where it is the router, it is given up.
    pub(super) fn on_unreachable(&mut self, now: Instant, host: &mut Host, neighbour: Ipv6Addr) {
        if self.router.as_ref().is_none_or(|router| router.address != neighbour) {
            return;
        }
        self.leave(host);
        let fresh = |one: &Candidate| now - one.heard_at < CANDIDATE_LIFETIME;
        match self.candidate.take().filter(fresh) {
            Some(Candidate { address, advertisement, .. }) => {
                self.adopt(now, host, address, &advertisement);
            }
            None => self.look_for_routers(now),
        }
    }

    /// Does what is due by now.
    pub(super) fn run(&mut self, now: Instant, host: &mut Host) {
        if let Some(Solicit { left, at }) = self.solicit
            && at <= now
        {
            self.solicit =
                (left > 1).then_some(Solicit { left: left - 1, at: now + SOLICITATION_INTERVAL });
            self.send_solicitation(host);
        }
        if let Some(router) = &mut self.router {
            if router.expires_at <= now {
                let gone = router.address;
                return self.on_unreachable(now, host, gone);
            }
            if let Some((at, patience)) = router.silent
                && at <= now
            {
                router.silent = Some((now + patience, patience));
                let suspect = router.address;
                host.suspect(now, self.interface, suspect);
            }
        }
        if self.care_of.is_some_and(|care_of| care_of.valid_until <= now) {
            self.leave(host);
            self.look_for_routers(now);
        }
    }

    /// When [`run`](Self::run) has something to do.
    pub(super) fn poll_timeout(&self) -> Option<Wakeup> {
        let solicit = self.solicit.map(|one| one.at);
        let router = self.router.as_ref();
        let expires = router.map(|router| router.expires_at);
        let silent = router.and_then(|router| router.silent.map(|(at, _)| at));
        let valid = self.care_of.map(|care_of| care_of.valid_until);
        let at = [solicit, expires, silent, valid].into_iter().flatten().min()?;
        Some(Wakeup { at, why: "movement detection" })
    }

    fn look_for_routers(&mut self, now: Instant) {
        self.solicit = Some(Solicit { left: SOLICITATIONS_MAX, at: now });
    }

    /// MN-MD-11: the source is never the home address.
    fn send_solicitation(&self, host: &mut Host) {
        let link_local = host.link_local(self.interface);
        let ready = host.is_mine(link_local);
        let from = if ready { link_local } else { Ipv6Addr::UNSPECIFIED };
        let source_link_layer = ready.then(|| host.mac(self.interface));
        let message = Message::RouterSolicitation(RouterSolicitation { source_link_layer });
        host.send_discovery(self.interface, from, ALL_ROUTERS, &message);
    }

    /// Turns to a router: this link is where the terminal is now.
    fn adopt(
        &mut self,
        now: Instant,
        host: &mut Host,
        from: Ipv6Addr,
        advertisement: &RouterAdvertisement,
    ) {
        let at_home = advertisement.prefixes().any(|one| self.is_home(one));
        if advertisement.router_lifetime == 0 && !at_home {
            return;
        }
        self.leave(host);
        self.router = Some(Router {
            address: from,
            global: global_address(advertisement),
            expires_at: expiry(now, advertisement),
            silent: silence(now, advertisement),
        });
        if advertisement.router_lifetime > 0 {
            host.add_route(EVERYTHING, Some(from), self.interface);
        }
        for one in advertisement.prefixes().filter(|one| one.on_link) {
            host.add_route(prefix_of(one), None, self.interface);
        }
        if at_home {
            self.place = Place::Home;
            return;
        }
        if let Some(best) = best_prefix(advertisement) {
            let valid_until = now + Duration::from_secs(best.valid_lifetime.into());
            let identifier = u64::from_be_bytes(host.mac(self.interface).interface_identifier());
            self.form(now, host, prefix_of(&best), valid_until, identifier);
        }
    }

    /// The default router is still here.
    fn heard_again(&mut self, now: Instant, host: &mut Host, advertisement: &RouterAdvertisement) {
        if let Some(router) = &mut self.router {
            router.expires_at = expiry(now, advertisement);
            router.silent = silence(now, advertisement);
        }
        if self.place == Place::Home {
            return;
        }
        let Some(care_of) = &mut self.care_of else {
            let from = self.router.as_ref().map(|router| router.address);
            if let (Some(from), true) = (from, self.retries == 0) {
                self.adopt(now, host, from, advertisement);
            }
            return;
        };
        let own = advertisement.prefixes().find(|one| prefix_of(one) == care_of.prefix).copied();
        if let Some(own) = own {
            care_of.valid_until = now + Duration::from_secs(own.valid_lifetime.into());
        }
        // MN-MD-14: a deprecated address gives way where there is a better one.
        let deprecated = own.is_some_and(|own| own.preferred_lifetime == 0);
        if let (true, Some(better)) = (deprecated, best_prefix(advertisement)) {
            let old = care_of.address;
            host.remove_address(self.interface, old);
            let valid_until = now + Duration::from_secs(better.valid_lifetime.into());
            let identifier = u64::from_be_bytes(host.mac(self.interface).interface_identifier());
            self.form(now, host, prefix_of(&better), valid_until, identifier);
        }
    }

    fn form(
        &mut self,
        now: Instant,
        host: &mut Host,
        prefix: Prefix,
        valid_until: Instant,
        identifier: u64,
    ) {
        let address = Ipv6Addr::from(u128::from(prefix.network()) | u128::from(identifier));
        let tentative = self.probes > 0;
        self.care_of = Some(CareOf { address, prefix, valid_until, tentative });
        self.place = if tentative { Place::Nowhere } else { Place::Away(address) };
        host.add_address(now, self.interface, address, Standing::Own, self.probes);
        if tentative {
            host.event(Event::Note(format!("care-of address formed: {address}")));
        }
    }

    /// Forgets the link: router, routes, care-of address.
    fn leave(&mut self, host: &mut Host) {
        if let Some(care_of) = self.care_of.take() {
            host.remove_address(self.interface, care_of.address);
        }
        host.clear_routes(self.interface);
        self.router = None;
        self.place = Place::Nowhere;
        self.retries = 0;
    }

    fn is_home(&self, prefix: &PrefixInformation) -> bool {
        prefix.prefix_length == self.home.length
            && prefix.valid_lifetime > 0
            && prefix_of(prefix) == Prefix { address: self.home.network(), ..self.home }
    }

    /// Whether a router with another address is on the present link too: it advertises the prefix
    /// of the present address.
    fn is_of_this_link(&self, advertisement: &RouterAdvertisement) -> bool {
        advertisement.prefixes().any(|one| match self.care_of {
            Some(care_of) => prefix_of(one) == care_of.prefix,
            None => self.place == Place::Home && self.is_home(one),
        })
    }
}

impl Router {
    /// Whether another router answers to the same link-local address (MN-MD-04): their global
    /// addresses differ.
    fn became_another(&self, advertisement: &RouterAdvertisement) -> bool {
        match (self.global, global_address(advertisement)) {
            (Some(known), Some(heard)) => known != heard,
            (Some(_) | None, None) | (None, Some(_)) => false,
        }
    }
}

/// Every address.
const EVERYTHING: Prefix = Prefix { address: Ipv6Addr::UNSPECIFIED, length: 0 };
/// The universal bit of an interface identifier, zero in one that is made up.
const UNIVERSAL: u64 = 0x0200_0000_0000_0000;
/// The only prefix length that takes 64-bit interface identifiers (RFC 4862 §5.5.3).
const PREFIX_LENGTH: u8 = 64;

fn prefix_of(information: &PrefixInformation) -> Prefix {
    let whole = Prefix { address: information.prefix, length: information.prefix_length };
    Prefix { address: whole.network(), ..whole }
}

/// The prefix to form a care-of address from: preferred, global before unique local (MN-MD-16).
fn best_prefix(advertisement: &RouterAdvertisement) -> Option<PrefixInformation> {
    advertisement
        .prefixes()
        .filter(|one| one.autonomous && one.prefix_length == PREFIX_LENGTH)
        .filter(|one| one.valid_lifetime > 0 && one.preferred_lifetime > 0)
        .filter(|one| !one.prefix.is_unicast_link_local() && !one.prefix.is_multicast())
        .min_by_key(|one| one.prefix.is_unique_local())
        .copied()
}

fn global_address(advertisement: &RouterAdvertisement) -> Option<Ipv6Addr> {
    advertisement.prefixes().find(|one| one.router_address).map(|one| one.prefix)
}

fn expiry(now: Instant, advertisement: &RouterAdvertisement) -> Instant {
    // A home agent that is no default router is still heard of for as long as its prefix lives.
    let lifetime = match advertisement.router_lifetime {
        0 => advertisement.prefixes().map(|one| one.valid_lifetime).max().unwrap_or(0),
        lifetime => lifetime.into(),
    };
    now + Duration::from_secs(lifetime.into())
}

/// When the router has missed so many announced advertisements that it may be gone (MN-MD-06).
fn silence(now: Instant, advertisement: &RouterAdvertisement) -> Option<(Instant, Duration)> {
    let interval = Duration::from_millis(advertisement.advertisement_interval()?.into());
    let patience = interval * SILENT_INTERVALS;
    (!patience.is_zero()).then(|| (now + patience, patience))
}
