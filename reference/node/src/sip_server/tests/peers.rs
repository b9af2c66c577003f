//! Scripted home agents, made of messages with the right key or a wrong one.

use roamproof_wire::mobility::{
    BindingLookup, Lifetime, LookupKind, Message as MobilityMessage, NtpTimestamp, verify_lookup,
};

use super::*;

pub(super) const HA: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0xa);
pub(super) const HA2: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 0xb);
pub(super) const HOA2: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 0x100);
pub(super) const CARE_OF: Ipv6Addr =
    Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0x5eff, 0xfe10, 0xa100);
pub(super) const OTHER_CARE_OF: Ipv6Addr =
    Ipv6Addr::new(0x2001, 0xdb8, 0xf2, 0, 0, 0x5eff, 0xfe10, 0xa100);
pub(super) const ROUTER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xf1);
const KEY: &[u8] = b"home-agent-server k1";
const KEY2: &[u8] = b"home-agent-server k2";
const SPI: u32 = 2000;
const SPI2: u32 = 2001;

/// What a home agent says, and what may be wrong with it.
#[derive(Debug, Clone)]
pub(super) struct Saying {
    pub(super) from: Ipv6Addr,
    pub(super) message: BindingLookup,
    pub(super) key: Vec<u8>,
    pub(super) spi: u32,
    /// Milliseconds that its clock is off.
    pub(super) off_ms: i64,
}

impl Saying {
    pub(super) fn new(from: Ipv6Addr, message: BindingLookup) -> Self {
        let (key, spi) = if from == HA2 { (KEY2, SPI2) } else { (KEY, SPI) };
        Self { from, message, key: key.to_vec(), spi, off_ms: 0 }
    }

    pub(super) fn packet(&self, now: Instant) -> Vec<u8> {
        let wall = EPOCH + now.since_start();
        let off = Duration::from_millis(self.off_ms.unsigned_abs());
        let wall = if self.off_ms < 0 { wall - off } else { wall + off };
        let timestamp = NtpTimestamp::from_unix(wall);
        let octets = self.message.to_vec_authorized(self.from, SS, self.spi, &self.key, timestamp);
        Outgoing::new(self.from, SS, protocol::MOBILITY).to_vec(&octets)
    }
}

impl Bench {
    /// A server that may ask both home agents, with the terminals registered.
    pub(super) fn direct(misdeeds: &[&str]) -> Self {
        let mut bench = Self::plugged(&both_home_agents(), misdeeds);
        bench.register("mt", HOA);
        bench.register("mt2", HOA2);
        bench
    }

    /// The same, and the first home agent has notified the first terminal for 400 s.
    pub(super) fn notified(misdeeds: &[&str]) -> Self {
        let mut bench = Self::direct(misdeeds);
        bench.say(HA, BindingLookup::notification(1, HOA, HA, Lifetime(100)));
        let [(ack, haa)] = &bench.drain_lookups()[..] else { panic!("{}", bench.log) };
        assert_eq!((ack.destination, haa.kind), (HA, LookupKind::HomeAgentNotificationAck));
        assert_eq!((haa.status.0, haa.transaction, haa.home_address), (0, 1, HOA));
        bench
    }

    /// The same, a call has been asked about, answered and tunnelled to the care-of address.
    pub(super) fn tunnelled(misdeeds: &[&str]) -> Self {
        let mut bench = Self::notified(misdeeds);
        bench.call("a");
        let query = bench.query();
        bench.reply(&query, CARE_OF);
        assert_eq!(bench.ways(Method::Invite), [(1000, tunnel(CARE_OF))], "{}", bench.log);
        bench
    }

    pub(super) fn say(&mut self, from: Ipv6Addr, message: BindingLookup) {
        let packet = Saying::new(from, message).packet(self.now);
        self.receive(&packet);
    }

    /// The binding lookup messages that left since the last time, proved.
    pub(super) fn drain_lookups(&mut self) -> Vec<(Sent, BindingLookup)> {
        let (lookups, others): (Vec<Sent>, Vec<Sent>) =
            self.drain().into_iter().partition(|sent| sent.protocol == protocol::MOBILITY);
        self.sent = others;
        let read = |sent: Sent| match MobilityMessage::parse(&sent.payload) {
            Ok(MobilityMessage::BindingLookup(lookup)) => {
                let key = if sent.destination == HA2 { KEY2 } else { KEY };
                assert!(verify_lookup(key, SS, sent.destination, &sent.payload));
                assert_eq!((sent.source, sent.tunnel), (SS, None));
                Some((sent, lookup))
            }
            Ok(_) | Err(_) => None,
        };
        lookups.into_iter().filter_map(read).collect()
    }

    /// The one query that left since the last time.
    pub(super) fn query(&mut self) -> BindingLookup {
        let mut lookups = self.drain_lookups();
        assert_eq!(lookups.len(), 1, "{lookups:?} {}", self.log);
        let (_, query) = lookups.remove(0);
        assert_eq!(query.kind, LookupKind::BindingQuery);
        query
    }

    /// The home agent of the first terminal answers that it is at `care_of` for 400 s.
    pub(super) fn reply(&mut self, query: &BindingLookup, care_of: Ipv6Addr) {
        let (transaction, home) = (query.transaction, query.home_address);
        self.say(HA, BindingLookup::reply(transaction, home, care_of, Lifetime(100)));
    }

    /// How often something was dropped for this reason.
    pub(super) fn dropped(&self, why: &str) -> usize {
        self.log.lines().filter(|line| *line == format!("discarded: {why}")).count()
    }
}

pub(super) fn tunnel(care_of: Ipv6Addr) -> String {
    format!("{HOA} in {care_of}")
}

pub(super) fn both_home_agents() -> String {
    let hex = |key: &[u8]| key.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    format!(
        "[[home_agent]]\naddress = \"{HA}\"\nprefixes = [\"{HA}/64\"]\nspi = {SPI}\n\
         key = \"{}\"\n[[home_agent]]\naddress = \"{HA2}\"\nprefixes = [\"{HA2}/64\"]\n\
         spi = {SPI2}\nkey = \"{}\"\n",
        hex(KEY),
        hex(KEY2)
    )
}
