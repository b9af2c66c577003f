//! Two telephones on a wire that takes a millisecond: whole calls.

use std::fmt::Write as _;
use std::time::Duration;

use roamproof_wire::sip::{Fields, Method};
use rstest::rstest;

use super::*;

const ONE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
const ONE_MEDIA: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xbb);
const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const LATENCY: Duration = Duration::from_millis(1);

#[rstest]
#[case::udp("udp")]
#[case::tcp("tcp")]
fn a_call_is_answered_talked_and_ended(#[case] transport: &str) {
    let lines = format!("transport = \"{transport}\"\nanswer_after_ms = 200\ntalk_packets = 5");
    let mut pair = Pair::new(&lines);
    pair.command("call sip:other@example.com");
    pair.run_for(Duration::from_secs(2));
    insta::allow_duplicates! {
        insta::assert_snapshot!(pair.story, @"
        one: calling
        other: incoming
        other: INVITE released
        other: ringing
        one: progress 180
        other: answered
        one: answered
        one: ended: hung up
        one: media: 5 sent, 5 received, 0 lost, 0 reordered, 0 repeated
        other: ended: the other side hung up
        other: media: 5 sent, 5 received, 0 lost, 0 reordered, 0 repeated
        ");
    }
    assert!(!pair.one.is_talking() && !pair.other.is_talking());
}

#[rstest]
#[case::after_half_a_minute("", false)]
#[case::never("silence_max_s = 0", true)]
fn a_call_whose_other_side_is_silent_ends(#[case] lines: &str, #[case] talking: bool) {
    let mut pair = Pair::new(&format!("answer_after_ms = 0\n{lines}"));
    pair.command("call sip:other@example.com");
    pair.run_for(Duration::from_secs(2));
    assert!(pair.other.is_talking());
    pair.one.restart();
    pair.run_for(crate::sip::TIMEOUT - Duration::from_secs(1));
    assert!(pair.other.is_talking(), "{}", pair.story);
    pair.run_for(Duration::from_secs(4));
    assert_eq!(pair.other.is_talking(), talking, "{}", pair.story);
}

#[test]
fn nothing_leaves_before_the_owner_releases() {
    let mut pair = Pair::new("answer_after_ms = 0");
    pair.hold = true;
    pair.command("call sip:other@example.com");
    pair.run_for(Duration::from_secs(6));
    assert_eq!(pair.from_other, 0, "{}", pair.story);
    pair.hold = false;
    let call = pair.held.pop().expect("a call is held");
    pair.other.release(pair.now, call);
    pair.run_for(Duration::from_millis(100));
    assert!(pair.story.ends_with("other: answered\none: answered\n"), "{}", pair.story);
    let count = pair.other.media_count(call).unwrap();
    assert!(count.sent > 3 && count.received > 3, "{count}");
}

#[rstest]
#[case::busy("calls_max = 0", "refused 486")]
#[case::nobody_answers("", "progress 180")]
fn a_call_may_not_be_answered(#[case] lines: &str, #[case] last: &str) {
    let mut pair = Pair::new(lines);
    pair.command("call sip:other@example.com");
    pair.run_for(Duration::from_secs(2));
    assert!(pair.story.ends_with(&format!("one: {last}\n")), "{}", pair.story);
}

#[test]
fn a_user_answers_and_hangs_up() {
    let mut pair = Pair::new("");
    pair.command("call sip:other@example.com");
    pair.run_for(Duration::from_millis(50));
    pair.other.command(pair.now, &Command::Answer);
    pair.run_for(Duration::from_millis(50));
    assert!(pair.one.is_talking());
    pair.other.command(pair.now, &Command::Hangup);
    pair.run_for(Duration::from_millis(50));
    assert!(!pair.one.is_talking() && !pair.other.is_talking(), "{}", pair.story);
}

#[test]
fn a_caller_gives_up() {
    let mut pair = Pair::new("");
    pair.command("call sip:other@example.com");
    pair.run_for(Duration::from_millis(50));
    pair.command("hangup");
    pair.run_for(Duration::from_millis(50));
    assert!(pair.story.contains("other: cancelled\n"), "{}", pair.story);
    assert!(pair.story.contains("one: refused 487\n"), "{}", pair.story);
    assert!(!pair.one.is_talking() && !pair.other.is_talking());
}

#[test]
fn media_comes_from_its_own_address_and_signalling_from_the_contact() {
    let mut pair = Pair::new("answer_after_ms = 0\ntalk_packets = 2");
    pair.command("call sip:other@example.com");
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.media_from, [ONE_MEDIA, OTHER]);
    let invite = pair.invite.expect("an INVITE came");
    assert_eq!(invite.method(), Some(Method::Invite));
    let body = String::from_utf8(invite.body().to_vec()).unwrap();
    assert!(body.contains("c=IN IP6 2001:db8:c::bb\r\n"), "{body}");
    let contact = invite.contacts().next().unwrap().unwrap();
    assert_eq!(contact.uri.host.to_string(), "[2001:db8:c::c]");
}

#[rstest]
#[case::instead(InviteWay::Instead(OTHER), &[OTHER])]
#[case::also(InviteWay::Also(ONE_MEDIA), &[ONE_MEDIA, OTHER])]
fn an_invite_can_be_sent_astray(#[case] way: InviteWay, #[case] to: &[Ipv6Addr]) {
    let mut pair = Pair::new("");
    pair.one.set_invite_way(way);
    pair.one.command(pair.now, &"call sip:other@example.com".parse().unwrap());
    let sent: Vec<Ipv6Addr> =
        std::iter::from_fn(|| pair.one.poll_packet()).map(|packet| packet.destination).collect();
    assert_eq!(sent, to);
}

#[test]
fn a_restart_forgets_calls() {
    let mut pair = Pair::new("answer_after_ms = 0");
    pair.command("call sip:other@example.com");
    pair.run_for(Duration::from_millis(100));
    pair.command("restart");
    assert!(!pair.one.is_talking());
    assert_eq!(pair.one.poll_timeout(), None);
}

/// Two telephones, each the other's server.
struct Pair {
    one: Phone,
    other: Phone,
    now: Instant,
    wire: VecDeque<(Instant, UpperPacket)>,
    story: String,
    hold: bool,
    held: Vec<CallHandle>,
    invite: Option<Message>,
    media_from: Vec<Ipv6Addr>,
    from_other: usize,
}

impl Pair {
    fn new(lines: &str) -> Self {
        let phone = |name: &str, server: Ipv6Addr, address, media, seed| {
            let text = format!(
                "identifier = \"sip:{name}@example.com\"\nserver = \"{server}\"\n{lines}\n"
            );
            let config = toml::from_str(&text).unwrap();
            Phone::new(config, address, media, Early100::Never, Entropy::new(seed))
        };
        Self {
            one: phone("one", OTHER, ONE, ONE_MEDIA, 1),
            other: phone("other", ONE, OTHER, OTHER, 2),
            now: Instant::at(Duration::from_millis(500)),
            wire: VecDeque::new(),
            story: String::new(),
            hold: false,
            held: Vec::new(),
            invite: None,
            media_from: Vec::new(),
            from_other: 0,
        }
    }

    /// The first telephone's user says something.
    fn command(&mut self, line: &str) {
        let command = line.parse().unwrap();
        self.one.command(self.now, &command);
        self.drain();
    }

    fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        self.drain();
        loop {
            let due = [self.one.poll_timeout(), self.other.poll_timeout()];
            let wire = self.wire.front().map(|(at, _)| *at);
            let next = due.into_iter().flatten().map(|wakeup| wakeup.at).chain(wire).min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            while self.wire.front().is_some_and(|(at, _)| *at <= self.now) {
                let (_, packet) = self.wire.pop_front().unwrap();
                let UpperPacket { source, destination, protocol, payload } = packet;
                let to = if destination == OTHER { &mut self.other } else { &mut self.one };
                assert!(to.receive(self.now, source, destination, protocol, &payload).unwrap());
            }
            self.one.run(self.now);
            self.other.run(self.now);
            self.drain();
        }
        self.now = until;
    }

    fn drain(&mut self) {
        let at = self.now + LATENCY;
        for (name, phone) in [("one", &mut self.one), ("other", &mut self.other)] {
            while let Some(event) = phone.poll_event() {
                let line = match event {
                    PhoneEvent::Told(Event::Call { state }) => state,
                    PhoneEvent::Told(event) => event.to_string(),
                    PhoneEvent::Incoming { call, invite } if self.hold => {
                        self.held.push(call);
                        format!("{} held", invite.method().unwrap())
                    }
                    PhoneEvent::Incoming { call, invite } => {
                        phone.release(self.now, call);
                        let line = format!("{} released", invite.method().unwrap());
                        self.invite = Some(invite);
                        line
                    }
                    PhoneEvent::Offer { call, .. } => {
                        phone.release(self.now, call);
                        "offer released".to_owned()
                    }
                    PhoneEvent::Confirmed { .. }
                    | PhoneEvent::Answered { .. }
                    | PhoneEvent::Over { .. } => continue,
                };
                writeln!(self.story, "{name}: {line}").unwrap();
            }
            while let Some(packet) = phone.poll_packet() {
                self.from_other += usize::from(name == "other");
                self.wire.push_back((at, packet));
            }
            while let Some(MediaDatagram { source, destination, octets }) =
                phone.poll_media(self.now)
            {
                let payload = octets.to_vec();
                let packet = UpperPacket { source, destination, protocol: protocol::UDP, payload };
                if !self.media_from.contains(&source) {
                    self.media_from.push(source);
                    self.media_from.sort_by_key(|address| *address == OTHER);
                }
                self.wire.push_back((at, packet));
            }
        }
    }
}
