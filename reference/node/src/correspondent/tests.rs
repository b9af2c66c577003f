//! A correspondent behind a scripted router: what it answers, and by which way its packets go.

use std::fmt::Write as _;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::checksum;
use roamproof_wire::ethernet::{self, Ethernet, Mac};
use roamproof_wire::icmpv6::{Echo, NeighbourAdvertisement, Reason};
use roamproof_wire::ipv6::address::link_local;
use roamproof_wire::ipv6::{HEADER_LEN, Outgoing};
use roamproof_wire::mobility::{
    Authorization, BindingManagementKey, BindingUpdate, CareOfTestInit, HomeTestInit, Lifetime,
    MobilityOption, NonceIndices, Sequence,
};
use roamproof_wire::sdp::LocalMedia;
use roamproof_wire::sip::{Fields, HeaderName, Message as Sip, Method};
use roamproof_wire::udp::{self, Udp};
use rstest::rstest;

use super::*;

const CN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
const MEDIA: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xbb);
const SERVER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x5, 0, 0, 0, 0, 0x5);
const HOME: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0x5eff, 0xfe10, 0xa100);
const OTHER_CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf2, 0, 0, 0x5eff, 0xfe10, 0xa100);
const OWN_MAC: Mac = Mac([0x02, 0x00, 0x5e, 0x10, 0x0c, 0x00]);
const ROUTER_MAC: Mac = Mac([0x02, 0x00, 0x5e, 0x10, 0x01, 0x03]);

#[test]
fn it_registers_when_it_is_plugged_in() {
    let mut bench = Bench::plugged("", &[]);
    let sent = bench.drain();
    assert_eq!(sent.len(), 1, "{sent:?}");
    let register = sent[0].sip();
    assert_eq!(register.method(), Some(Method::Register));
    assert_eq!((sent[0].source, sent[0].destination), (CN, SERVER));
    assert_eq!(
        register.contacts().next().unwrap().unwrap().uri.host.to_string(),
        "[2001:db8:c::c]"
    );
}

#[test]
fn an_echo_by_the_care_of_address_is_answered_by_it_once_bound() {
    let mut bench = Bench::plugged("", &[]);
    bench.drain();
    bench.receive(&echo(CARE_OF, Some(HOME)));
    let [error] = &bench.drain()[..] else { panic!("no Binding Error") };
    assert_eq!((error.destination, error.protocol), (CARE_OF, protocol::MOBILITY));
    bench.bind(CN, CARE_OF, 1);
    bench.receive(&echo(CARE_OF, Some(HOME)));
    let [reply] = &bench.drain()[..] else { panic!("no reply") };
    assert_eq!((reply.destination, reply.routing), (CARE_OF, Some(HOME)));
    assert_eq!(reply.payload[0], 129);
}

/// Found by a fuzzer: the answer went to the unspecified address, which is nobody's.
#[test]
fn who_sends_from_the_unspecified_address_gets_no_answer() {
    let mut bench = Bench::plugged("", &[]);
    bench.drain();
    bench.receive(&echo(Ipv6Addr::UNSPECIFIED, None));
    assert!(bench.drain().is_empty());
    bench.receive(&echo(CARE_OF, None));
    assert_eq!(bench.drain().len(), 1);
}

#[test]
fn an_echo_of_its_own_takes_the_direct_way_once_bound() {
    let mut bench = Bench::plugged("", &[]);
    bench.drain();
    let command = Command::Echo { to: HOME, octets: 32 };
    bench.input(Input::Command(&command));
    assert_eq!(bench.drain()[0].way(), (HOME, None));
    bench.bind(CN, CARE_OF, 1);
    bench.input(Input::Command(&command));
    assert_eq!(bench.drain()[0].way(), (CARE_OF, Some(HOME)));
}

/// The pointers count from the start of the packet: 6 is its Next Header, 46 the type of the Home
/// Address option behind four octets of padding, 42 the Routing Type.
#[rstest]
#[case::mobility_header(mobility_packet(), 1, 6)]
#[case::home_address_option(echo(CARE_OF, Some(HOME)), 2, 46)]
#[case::routing_header(routed(CN), 0, 42)]
fn without_mobile_ipv6_it_is_any_ipv6_node(
    #[case] packet: Vec<u8>,
    #[case] code: u8,
    #[case] pointer: u32,
) {
    let mut bench = Bench::plugged("mobile_ipv6 = false", &[]);
    bench.drain();
    bench.receive(&packet);
    let [answer] = &bench.drain()[..] else { panic!("no Parameter Problem") };
    let problem = Reason::ParameterProblem(Problem { code, pointer });
    assert_eq!(answer.reason(), problem);
    assert_eq!(answer.destination, CARE_OF);
    bench.receive(&echo(CARE_OF, None));
    assert_eq!(bench.drain()[0].payload[0], 129, "ordinary traffic still works");
}

#[rstest]
#[case::routing_header(routed(CN), "")]
#[case::not_listening(datagram(CARE_OF, 9), "unreachable 4")]
#[case::unknown_protocol(Outgoing::new(CARE_OF, CN, 200).to_vec(&[1; 8]), "problem 1 at 6")]
#[case::piggybacked_payload(mutated(0, 17), "problem 0 at 40")]
#[case::short_header(mutated(1, 0), "problem 0 at 41")]
#[case::wrong_checksum(mutated(4, 0xee), "")]
#[case::not_for_a_correspondent(of_type(6), "")]
fn what_it_does_not_take_is_answered_as_due(#[case] packet: Vec<u8>, #[case] expected: &str) {
    let mut bench = Bench::plugged("", &[]);
    bench.drain();
    bench.receive(&packet);
    let answers: Vec<String> = bench
        .drain()
        .iter()
        .map(|sent| match sent.reason() {
            Reason::DestinationUnreachable { code } => format!("unreachable {code}"),
            Reason::ParameterProblem(Problem { code, pointer }) => {
                format!("problem {code} at {pointer}")
            }
            Reason::PacketTooBig { .. } | Reason::TimeExceeded { .. } => "another".to_owned(),
        })
        .collect();
    assert_eq!(answers.join(", "), expected);
}

#[rstest]
#[case::by_the_book(&[], "direct direct direct direct direct")]
#[cfg_attr(
    feature = "misdeeds",
    case::first_packets(&["first-packets-through-home-agent"], "home home home direct direct")
)]
fn media_takes_the_direct_way_from_the_first_packet(
    #[case] misdeeds: &[&str],
    #[case] expected: &str,
) {
    let mut bench = Bench::plugged(&media_apart(), misdeeds);
    bench.drain();
    let invite = bench.call();
    let offer = String::from_utf8(invite.body().to_vec()).unwrap();
    assert!(offer.contains("c=IN IP6 2001:db8:c::bb\r\n"), "{offer}");
    assert_eq!(invite.contacts().next().unwrap().unwrap().uri.host.to_string(), "[2001:db8:c::c]");
    bench.bind(MEDIA, CARE_OF, 1);
    bench.answer(&invite);
    assert_eq!(bench.ways(5), expected);
}

#[cfg(feature = "misdeeds")]
#[test]
fn a_path_can_be_told_to_switch_in_the_middle() {
    let mut bench = Bench::plugged(&media_apart(), &["path-switch"]);
    bench.drain();
    let invite = bench.call();
    bench.bind(MEDIA, CARE_OF, 1);
    bench.answer(&invite);
    let ways = bench.ways(55);
    assert_eq!(ways.matches("home").count(), 3);
    assert!(ways.starts_with("direct") && ways.ends_with("direct"), "{ways}");
}

#[rstest]
#[case::by_the_book(&[], OTHER_CARE_OF)]
#[cfg_attr(feature = "misdeeds", case::keeps_old(&["keeps-old-care-of"], CARE_OF))]
fn packets_follow_the_newest_binding(#[case] misdeeds: &[&str], #[case] expected: Ipv6Addr) {
    let mut bench = Bench::plugged("", misdeeds);
    bench.drain();
    bench.bind(CN, CARE_OF, 1);
    bench.bind(CN, OTHER_CARE_OF, 2);
    bench.input(Input::Command(&Command::Echo { to: HOME, octets: 32 }));
    assert_eq!(bench.drain()[0].way(), (expected, Some(HOME)));
}

#[rstest]
#[case::by_the_book(&[], (CARE_OF, Some(HOME)))]
#[cfg_attr(feature = "misdeeds", case::no_effect(&["refresh-without-effect"], (HOME, None)))]
fn a_renewal_prolongs_the_binding(
    #[case] misdeeds: &[&str],
    #[case] expected: (Ipv6Addr, Option<Ipv6Addr>),
) {
    let mut bench = Bench::plugged("", misdeeds);
    bench.drain();
    bench.bind(CN, CARE_OF, 1);
    bench.wait(Duration::from_secs(400));
    bench.bind(CN, CARE_OF, 2);
    bench.wait(Duration::from_secs(30));
    bench.drain();
    bench.input(Input::Command(&Command::Echo { to: HOME, octets: 32 }));
    assert_eq!(bench.drain()[0].way(), expected);
}

#[rstest]
#[case::by_the_book(&[], &[SERVER])]
#[cfg_attr(feature = "misdeeds", case::home_address(&["calls-home-address"], &[HOME]))]
#[cfg_attr(feature = "misdeeds", case::home_agent(&["calls-home-agent"], &[AGENT]))]
#[cfg_attr(feature = "misdeeds", case::copy(&["second-invite-copy"], &[HOME, SERVER]))]
fn an_invite_goes_to_the_server(#[case] misdeeds: &[&str], #[case] to: &[Ipv6Addr]) {
    let mut bench = Bench::plugged("", misdeeds);
    bench.drain();
    bench.input(Input::Command(&"call sip:mt@example.com".parse().unwrap()));
    let sent = bench.drain();
    let invites: Vec<Ipv6Addr> = sent.iter().map(|sent| sent.destination).collect();
    assert_eq!(invites, to);
    assert!(sent.iter().all(|sent| sent.sip().uri_text() == Some("sip:mt@example.com")));
}

#[test]
fn programs_use_a_lent_address_without_knowing_of_bindings() {
    let mut bench = Bench::plugged("lends = true", &[]);
    assert!(bench.drain().is_empty(), "its own telephone is off");
    bench.bind(CN, CARE_OF, 1);
    let out = datagram_between(CN, HOME, 7);
    bench.input(Input::Local(&out));
    let [sent] = &bench.drain()[..] else { panic!("nothing left") };
    assert_eq!(sent.way(), (CARE_OF, Some(HOME)));
    assert_eq!(sent.payload, out[HEADER_LEN..]);
    let headers =
        Outgoing { home_address: Some(HOME), ..Outgoing::new(CARE_OF, CN, protocol::UDP) };
    let back = datagram_between(HOME, CN, 7);
    bench.receive(&headers.to_vec(&back[HEADER_LEN..]));
    assert_eq!(bench.local.pop(), Some(back));
    bench.receive(&echo(HOME, None));
    assert_eq!(bench.local.pop(), Some(echo(HOME, None)), "programs answer echoes too");
    bench.receive(&mobility_packet());
    assert_eq!(bench.local.pop(), None, "mobility stays beneath");
    assert_eq!(bench.drain().len(), 1, "and is answered");
}

#[rstest]
#[case::foreign_source(datagram_between(SERVER, HOME, 7))]
#[case::to_a_group(datagram_between(CN, "ff02::2".parse().unwrap(), 7))]
#[case::cut_short(datagram_between(CN, HOME, 7)[..44].to_vec())]
#[case::no_packet(vec![0x45; 20])]
fn not_everything_of_a_program_leaves(#[case] packet: Vec<u8>) {
    let mut bench = Bench::plugged("lends = true", &[]);
    bench.input(Input::Local(&packet));
    assert_eq!(bench.drain().len(), 0);
}

#[test]
fn a_restart_forgets_bindings_and_tokens() {
    let mut bench = Bench::plugged("", &[]);
    bench.drain();
    let tokens = bench.tokens(CN, CARE_OF);
    bench.bind(CN, CARE_OF, 1);
    bench.input(Input::Command(&Command::Restart));
    assert_eq!(bench.drain()[0].sip().method(), Some(Method::Register));
    bench.input(Input::Command(&Command::Echo { to: HOME, octets: 32 }));
    assert_eq!(bench.drain()[0].way(), (HOME, None));
    let answer = bench.update(CN, &tokens, CARE_OF, 2);
    assert_eq!(answer.payload[6], 138, "nonces of before are unknown");
}

#[rstest]
#[case::address("address = \"2001:db8:c::d\"", "correspondent.address")]
#[case::media(
    "address = \"2001:db8:c::c\"\nmedia_address = \"::1\"",
    "correspondent.media_address"
)]
fn an_address_that_it_has_not_is_named(#[case] lines: &str, #[case] key: &str) {
    let error = crate::build("correspondent", &config(lines), Duration::ZERO, 1, &[]);
    let error = error.err().expect("refused").to_string();
    assert!(error.starts_with(key), "{error}");
}

#[cfg(feature = "misdeeds")]
const AGENT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0xa);

/// A correspondent, its router, and what crossed the link.
struct Bench {
    node: Correspondent,
    now: Instant,
    sent: Vec<Sent>,
    local: Vec<Vec<u8>>,
    log: String,
}

/// A packet of the correspondent's.
#[derive(Debug)]
struct Sent {
    source: Ipv6Addr,
    destination: Ipv6Addr,
    routing: Option<Ipv6Addr>,
    protocol: u8,
    payload: Vec<u8>,
}

impl Bench {
    fn plugged(lines: &str, misdeeds: &[&str]) -> Self {
        let names: Vec<String> = misdeeds.iter().map(|name| (*name).to_owned()).collect();
        let misdeeds = Misdeeds::named("correspondent", &names).unwrap();
        let start = Start { epoch: Duration::from_secs(1_700_000_000), seed: 9, misdeeds };
        let lines = format!("address = \"{CN}\"\n{lines}");
        let config = toml::from_str(&config(&lines)).unwrap();
        let node = Correspondent::new(&config, &start).unwrap();
        let now = Instant::at(Duration::from_secs(1));
        let mut bench = Self { node, now, sent: Vec::new(), local: Vec::new(), log: String::new() };
        bench.input(Input::Link { interface: Interface(0), up: true });
        bench
    }

    fn input(&mut self, input: Input<'_>) {
        self.node.handle_input(self.now, input);
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Frame { octets, .. } => self.on_frame(&octets),
                Output::Local(packet) => self.local.push(packet),
                Output::Event(event) => writeln!(self.log, "{event}").unwrap(),
            }
        }
    }

    /// The router answers for itself; what is for others is noted.
    fn on_frame(&mut self, frame: &[u8]) {
        let (_, octets) = Ethernet::parse(frame).unwrap();
        let packet = Packet::parse(octets).unwrap();
        if packet.protocol != protocol::ICMPV6 || packet.payload[0] < 130 {
            return self.sent.push(Sent {
                source: packet.header.source,
                destination: packet.header.destination,
                routing: packet.routing.map(|routing| routing.home_address),
                protocol: packet.protocol,
                payload: packet.payload.to_vec(),
            });
        }
        let Ok(icmpv6::Message::NeighbourSolicitation(asked)) = icmpv6::Message::parse(&packet)
        else {
            return;
        };
        let answer = icmpv6::Message::NeighbourAdvertisement(NeighbourAdvertisement {
            router: true,
            solicited: true,
            overrides: true,
            target: asked.target,
            target_link_layer: Some(ROUTER_MAC),
        });
        let (from, to) = (link_local(ROUTER_MAC), packet.header.source);
        let mut payload = vec![0; answer.buffer_len()];
        answer.emit(from, to, &mut payload);
        let outgoing = Outgoing { hop_limit: 255, ..Outgoing::new(from, to, protocol::ICMPV6) };
        self.receive(&outgoing.to_vec(&payload));
    }

    fn receive(&mut self, packet: &[u8]) {
        let frame = ethernet::frame(OWN_MAC, ROUTER_MAC, packet);
        self.input(Input::Frame { interface: Interface(0), octets: &frame });
    }

    fn drain(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(wakeup) = self.node.poll_timeout().filter(|wakeup| wakeup.at <= until) {
            self.now = self.now.max(wakeup.at);
            self.input(Input::Time);
        }
        self.now = until;
    }

    fn one_answer(&mut self) -> Sent {
        let mut sent = self.drain();
        sent.retain(|sent| sent.protocol == protocol::MOBILITY);
        assert_eq!(sent.len(), 1, "{sent:?} {}", self.log);
        sent.remove(0)
    }

    fn tokens(
        &mut self,
        local: Ipv6Addr,
        care_of: Ipv6Addr,
    ) -> (BindingManagementKey, NonceIndices) {
        let init = Message::HomeTestInit(HomeTestInit::new([0x31; 8])).to_vec(HOME, local);
        self.receive(&Outgoing::new(HOME, local, protocol::MOBILITY).to_vec(&init));
        let Ok(Message::HomeTest(home)) = Message::parse(&self.one_answer().payload) else {
            panic!("no Home Test")
        };
        let init = Message::CareOfTestInit(CareOfTestInit::new([0x32; 8])).to_vec(care_of, local);
        self.receive(&Outgoing::new(care_of, local, protocol::MOBILITY).to_vec(&init));
        let Ok(Message::CareOfTest(test)) = Message::parse(&self.one_answer().payload) else {
            panic!("no Care-of Test")
        };
        let indices = NonceIndices { home: home.nonce_index, care_of: test.nonce_index };
        (BindingManagementKey::new(home.token, test.token), indices)
    }

    fn update(
        &mut self,
        local: Ipv6Addr,
        tokens: &(BindingManagementKey, NonceIndices),
        care_of: Ipv6Addr,
        sequence: u16,
    ) -> Sent {
        let mut update = BindingUpdate::new(Sequence(sequence), Lifetime(105));
        update.acknowledge = true;
        update.options = update.options.clone().with(MobilityOption::NonceIndices(tokens.1));
        let authorization = Authorization::ReturnRoutability(&tokens.0);
        let octets = update.to_vec_authorized(HOME, local, care_of, authorization);
        let headers = Outgoing {
            home_address: Some(HOME),
            ..Outgoing::new(care_of, local, protocol::MOBILITY)
        };
        self.receive(&headers.to_vec(&octets));
        self.one_answer()
    }

    /// Return routability and an accepted Binding Update.
    fn bind(&mut self, local: Ipv6Addr, care_of: Ipv6Addr, sequence: u16) {
        let tokens = self.tokens(local, care_of);
        let answer = self.update(local, &tokens, care_of, sequence);
        assert_eq!(answer.payload[6], 0, "{}", self.log);
        assert_eq!(answer.way(), (care_of, Some(HOME)));
    }

    fn call(&mut self) -> Sip {
        self.input(Input::Command(&"call sip:mt@example.com".parse().unwrap()));
        self.drain().pop().expect("an INVITE").sip()
    }

    /// The mobile terminal answers; the correspondent's ACK and media follow.
    fn answer(&mut self, invite: &Sip) {
        let mut response = Sip::response_to(invite, 200, "OK");
        response.set_to_tag("mobile");
        response.push(HeaderName::Contact, format_args!("<sip:mt@[{HOME}]>"));
        let offer = roamproof_wire::sdp::SessionDescription::parse(invite.body()).unwrap();
        let answer = LocalMedia::audio(HOME, 40_000, 12).answer(&offer).unwrap();
        response.set_body("application/sdp", answer.to_vec());
        let payload = udp::datagram(SERVER, CN, 5060, 5060, &response.to_vec());
        self.receive(&Outgoing::new(SERVER, CN, protocol::UDP).to_vec(&payload));
    }

    /// By which way so many media packets go.
    fn ways(&mut self, count: usize) -> String {
        self.wait(Duration::from_millis(20) * u32::try_from(count).unwrap());
        let media = self.drain().into_iter().filter(|sent| sent.source == MEDIA);
        let ways = media.take(count).map(|sent| match sent.way() {
            (CARE_OF, Some(HOME)) => "direct",
            (HOME, None) => "home",
            other => panic!("{other:?}"),
        });
        ways.collect::<Vec<_>>().join(" ")
    }
}

impl Sent {
    fn way(&self) -> (Ipv6Addr, Option<Ipv6Addr>) {
        (self.destination, self.routing)
    }

    fn sip(&self) -> Sip {
        let destination = self.routing.unwrap_or(self.destination);
        let datagram = Udp::parse(self.source, destination, &self.payload).unwrap();
        Sip::parse(datagram.payload).unwrap()
    }

    fn reason(&self) -> Reason {
        assert_eq!(self.protocol, protocol::ICMPV6, "{self:?}");
        icmpv6::ErrorMessage::parse(&self.payload).unwrap().reason
    }
}

fn config(lines: &str) -> String {
    format!(
        "[[interface]]\nname = \"eth0\"\nmac = \"02:00:5e:10:0c:00\"\n\
         addresses = [\"{CN}/64\", \"{MEDIA}/64\"]\n\
         [[route]]\nprefix = \"::/0\"\nvia = \"{}\"\ninterface = \"eth0\"\n\
         [correspondent]\n{lines}\n\
         [sip]\nidentifier = \"sip:cn@example.com\"\nserver = \"{SERVER}\"\n",
        link_local(ROUTER_MAC)
    )
}

fn media_apart() -> String {
    format!("media_address = \"{MEDIA}\"")
}

fn echo(source: Ipv6Addr, home_address: Option<Ipv6Addr>) -> Vec<u8> {
    let outgoing = Outgoing { home_address, ..Outgoing::new(source, CN, protocol::ICMPV6) };
    let echo = Echo { reply: false, identifier: 0x1234, sequence: 0x5678, data: b"hello" };
    let message = icmpv6::Message::Echo(echo);
    let mut payload = vec![0; message.buffer_len()];
    message.emit(outgoing.upper_source(), CN, &mut payload);
    outgoing.to_vec(&payload)
}

/// A packet with a type 2 routing header.
fn routed(to: Ipv6Addr) -> Vec<u8> {
    let headers =
        Outgoing { type_2_routing: Some(HOME), ..Outgoing::new(CARE_OF, to, protocol::UDP) };
    headers.to_vec(&udp::datagram(CARE_OF, HOME, 7, 8, b"x"))
}

fn mobility_packet() -> Vec<u8> {
    let init = Message::CareOfTestInit(CareOfTestInit::new([0x33; 8])).to_vec(CARE_OF, CN);
    Outgoing::new(CARE_OF, CN, protocol::MOBILITY).to_vec(&init)
}

/// A Care-of Test Init with one octet changed, its checksum right unless that is the octet.
fn mutated(at: usize, value: u8) -> Vec<u8> {
    let mut packet = mobility_packet();
    packet[HEADER_LEN + at] = value;
    // The checksum covers what Header Len says.
    let end = if at == 1 { 8 * (usize::from(value) + 1) } else { packet.len() - HEADER_LEN };
    let message = &mut packet[HEADER_LEN..][..end];
    if at != 4 {
        message[4..6].copy_from_slice(&[0, 0]);
        let sum = checksum::upper_layer(CARE_OF, CN, protocol::MOBILITY, message);
        message[4..6].copy_from_slice(&sum.to_be_bytes());
    }
    packet
}

/// A well-formed message of a type that only mobile nodes take.
fn of_type(kind: u8) -> Vec<u8> {
    mutated(2, kind)
}

fn datagram(source: Ipv6Addr, port: u16) -> Vec<u8> {
    datagram_between(source, CN, port)
}

fn datagram_between(source: Ipv6Addr, destination: Ipv6Addr, port: u16) -> Vec<u8> {
    let payload = udp::datagram(source, destination, 4321, port, b"a datagram");
    Outgoing::new(source, destination, protocol::UDP).to_vec(&payload)
}
