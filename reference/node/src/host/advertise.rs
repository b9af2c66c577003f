//! A router's advertisements: answers to solicitations, and unasked ones (RFC 4861 §6.2, RFC 6275
//! §7).

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::icmpv6::{
    Message, NeighbourOption, Preference, PrefixInformation, RouterAdvertisement,
};
use roamproof_wire::ipv6::address::ALL_NODES;

use super::Host;
use super::config::{AdvertiseConfig, HostConfig};
use crate::{Instant, Interface, Wakeup};

/// What a router advertises on its interfaces, and when next.
#[derive(Debug)]
pub(crate) struct Advertiser {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    interface: Interface,
    config: AdvertiseConfig,
    next_at: Option<Instant>,
    last_at: Option<Instant>,
}

/// MinDelayBetweenRAs as RFC 6275 §7.5 lets mobile-friendly routers lower it.
const MIN_DELAY: Duration = Duration::from_millis(30);

impl Advertiser {
    pub(crate) fn new(config: &HostConfig) -> Self {
        let entries = config.interfaces.iter().enumerate().filter_map(|(index, one)| {
            let interface = Interface(u8::try_from(index).ok()?);
            let config = one.advertise.clone()?;
            Some(Entry { interface, config, next_at: None, last_at: None })
        });
        Self { entries: entries.collect() }
    }

    /// Begins where the link came up, stops where it went down.
    pub(crate) fn link(&mut self, now: Instant, interface: Interface, up: bool) {
        for entry in self.entries.iter_mut().filter(|entry| entry.interface == interface) {
            entry.next_at = up.then_some(now);
        }
    }

    /// Answers a Router Solicitation, by multicast and not more often than allowed.
    pub(crate) fn asked(&mut self, now: Instant, interface: Interface) {
        for entry in self.entries.iter_mut().filter(|entry| entry.interface == interface) {
            let earliest = entry.last_at.map_or(now, |last| (last + MIN_DELAY).max(now));
            entry.next_at = entry.next_at.map(|next| next.min(earliest));
        }
    }

    /// Sends what is due by now.
    pub(crate) fn run(&mut self, now: Instant, host: &mut Host) {
        for entry in &mut self.entries {
            if entry.next_at.is_none_or(|next| next > now) {
                continue;
            }
            entry.last_at = Some(now);
            entry.next_at = Some(now + entry.interval(host));
            let message = Message::RouterAdvertisement(entry.message(host));
            let from = host.link_local(entry.interface);
            host.send_discovery(entry.interface, from, ALL_NODES, &message);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Wakeup> {
        let at = self.entries.iter().filter_map(|entry| entry.next_at).min()?;
        Some(Wakeup { at, why: "router advertisement" })
    }
}

impl Entry {
    /// Between three quarters of the configured interval and all of it.
    fn interval(&self, host: &mut Host) -> Duration {
        let longest = self.config.interval_ms.max(40);
        let jitter = host.entropy.below(longest / 4 + 1);
        Duration::from_millis(longest - jitter)
    }

    fn message(&self, host: &Host) -> RouterAdvertisement {
        let AdvertiseConfig { prefix, router_lifetime, home_agent, .. } = self.config;
        // With the R flag the whole address of the router stands in the prefix (RFC 6275 §7.2).
        let address: Ipv6Addr = if home_agent { prefix.address } else { prefix.network() };
        let information = PrefixInformation {
            prefix_length: prefix.length,
            on_link: true,
            autonomous: true,
            router_address: home_agent,
            valid_lifetime: self.config.valid_lifetime,
            preferred_lifetime: self.config.preferred_lifetime,
            prefix: address,
        };
        let interval_ms = u32::try_from(self.config.interval_ms).unwrap_or(u32::MAX);
        RouterAdvertisement {
            hop_limit: 64,
            managed: false,
            other: false,
            home_agent,
            preference: Preference::Medium,
            router_lifetime,
            reachable_time: 0,
            retrans_timer: 0,
            options: vec![
                NeighbourOption::SourceLinkLayer(host.mac(self.interface)),
                NeighbourOption::Prefix(information),
                NeighbourOption::AdvertisementInterval(interval_ms),
            ],
        }
    }
}
