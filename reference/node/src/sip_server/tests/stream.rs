//! Direct server tunnelling over TCP: the way changes beneath the connection (D11).

use roamproof_wire::mobility::{BindingLookup, Lifetime};
use roamproof_wire::tcp::Flags;

use super::peers::*;
use super::*;
use crate::sip::Hop;
use crate::sip_transport::{SipReceived, SipTransport};

/// The terminal's end of TCP, and how the server's segments come to it.
struct Terminal {
    transport: SipTransport,
    /// Where it is: segments by another way do not arrive.
    at: Option<Ipv6Addr>,
}

impl Terminal {
    fn new(at: Option<Ipv6Addr>) -> Self {
        Self { transport: SipTransport::new(HOA, PORT, 11), at }
    }

    /// Passes segments to and fro until neither side has one; the server's: when, what, by which
    /// way.
    fn talk(&mut self, bench: &mut Bench) -> Vec<(u128, &'static str, String)> {
        let mut seen = Vec::new();
        loop {
            let mut moved = false;
            let (segments, others): (Vec<Sent>, Vec<Sent>) =
                bench.drain().into_iter().partition(|sent| sent.protocol == protocol::TCP);
            bench.sent = others;
            for sent in segments {
                moved = true;
                seen.push((sent.at.as_millis(), what(&sent), sent.way()));
                let end = sent.tunnel.map(|(_, care_of)| care_of);
                // What comes to the home address is tunnelled on by the home agent.
                if end.is_none() || end == self.at {
                    let Sent { source, destination, protocol, payload, .. } = &sent;
                    self.transport
                        .receive(bench.now, *source, *destination, *protocol, payload)
                        .unwrap();
                }
            }
            while let Some(packet) = self.transport.poll_packet() {
                moved = true;
                let outgoing = Outgoing::new(HOA, SS, protocol::TCP);
                bench.receive(&outgoing.to_vec(&packet.payload));
            }
            if !moved {
                return seen;
            }
        }
    }

    fn heard(&mut self) -> Vec<(Hop, Sip)> {
        let mut heard = Vec::new();
        while let Some(received) = self.transport.poll_received() {
            if let SipReceived::Message { from, octets, .. } = received {
                heard.push((from, Sip::parse(&octets).unwrap()));
            }
        }
        heard
    }

    fn say(&mut self, bench: &Bench, to: Hop, message: &[u8]) {
        let transmit = crate::sip::Transmit {
            to,
            fallback: None,
            kind: crate::sip::TransmitKind::Response,
            octets: message.to_vec(),
        };
        self.transport.send(bench.now, &transmit);
    }
}

fn what(sent: &Sent) -> &'static str {
    let segment = TcpView::new(&sent.payload).unwrap();
    match (segment.flags().has(Flags::SYN), segment.payload().is_empty()) {
        (true, _) => "SYN",
        (false, false) => "data",
        (false, true) => "ACK",
    }
}

/// A server whose terminal takes SIP by TCP; its call has been asked about and answered.
fn called() -> Bench {
    let mut bench = Bench::notified(&[]);
    let contact = format!("<sip:mt@[{HOA}];transport=tcp>");
    let text = String::from_utf8(register("mt", HOA, &contact)).unwrap();
    let text = text
        .replace("branch=z9hG4bKregistermt", "branch=z9hG4bKagain")
        .replace("CSeq: 1", "CSeq: 2000");
    // The contact by UDP ends: one call goes to one contact.
    let other = format!("Contact: <sip:mt@[{HOA}]>;expires=0, ");
    bench.hear(HOA, text.replace("Contact: ", &other).as_bytes());
    bench.drain();
    bench.call("a");
    bench
}

fn tunnelled() -> Bench {
    let mut bench = called();
    let query = bench.query();
    assert!(bench.drain().iter().all(|sent| sent.protocol != protocol::TCP), "no SYN before");
    bench.reply(&query, CARE_OF);
    bench
}

#[test]
fn a_connection_is_tunnelled_from_its_first_segment() {
    let (mut bench, mut terminal) = (tunnelled(), Terminal::new(Some(CARE_OF)));
    let seen = terminal.talk(&mut bench);
    assert_eq!(seen[0], (1000, "SYN", tunnel(CARE_OF)));
    assert!(seen.iter().all(|(_, _, way)| *way == tunnel(CARE_OF)), "{seen:?}");
    let [(from, invite)] = &terminal.heard()[..] else { panic!("{}", bench.log) };
    assert_eq!(invite.method(), Some(Method::Invite));
    terminal.say(&bench, *from, &response(invite, 180));
    terminal.talk(&mut bench);
    let statuses: Vec<_> = bench.drain_sip().iter().map(|(_, one)| one.status()).collect();
    assert_eq!(statuses, [Some(180)]);
}

#[test]
fn no_answer_in_time_means_a_plain_connection() {
    let (mut bench, mut terminal) = (called(), Terminal::new(None));
    bench.wait(500);
    let seen = terminal.talk(&mut bench);
    assert_eq!(seen[0], (1500, "SYN", HOA.to_string()));
    assert!(seen.iter().all(|(_, _, way)| *way == HOA.to_string()), "{seen:?}");
    assert_eq!(terminal.heard().len(), 1);
}

#[test]
fn unanswered_syns_ask_again_and_then_go_home() {
    let (mut bench, mut terminal) = (tunnelled(), Terminal::new(None));
    let mut seen = terminal.talk(&mut bench);
    for _ in 0..100 {
        bench.wait(100);
        seen.extend(terminal.talk(&mut bench));
    }
    let syns: Vec<_> = seen.iter().filter(|(_, what, _)| *what == "SYN").collect();
    let ways: Vec<&str> = syns.iter().map(|(_, _, way)| way.as_str()).collect();
    assert_eq!(ways, [tunnel(CARE_OF), tunnel(CARE_OF), HOA.to_string()], "{seen:?}");
    let asked: Vec<u128> =
        bench.drain_lookups().iter().map(|(sent, _)| sent.at.as_millis()).collect();
    assert_eq!(asked, [syns[1].0, syns[1].0 + 250], "at the first retransmission");
    assert_eq!(terminal.heard().len(), 1, "the INVITE arrives on that connection");
}

#[test]
fn a_home_agent_that_confirms_keeps_the_connection_in_the_tunnel() {
    let (mut bench, mut terminal) = (tunnelled(), Terminal::new(None));
    let mut seen = terminal.talk(&mut bench);
    for _ in 0..80 {
        bench.wait(100);
        seen.extend(terminal.talk(&mut bench));
        for (_, query) in bench.drain_lookups() {
            bench.reply(&query, CARE_OF);
        }
    }
    assert!(seen.len() >= 3, "{seen:?}");
    assert!(seen.iter().all(|(_, _, way)| *way == tunnel(CARE_OF)), "{seen:?}");
}

#[test]
fn a_change_takes_unacknowledged_segments_to_the_new_care_of_address_at_once() {
    let (mut bench, mut terminal) = (tunnelled(), Terminal::new(Some(OTHER_CARE_OF)));
    terminal.talk(&mut bench);
    bench.wait(100);
    bench.say(HA, BindingLookup::change(7, HOA, OTHER_CARE_OF, Lifetime(100)));
    let seen = terminal.talk(&mut bench);
    assert_eq!(seen[0], (1100, "SYN", tunnel(OTHER_CARE_OF)));
    assert_eq!(terminal.heard().len(), 1);
}

#[test]
fn an_error_about_the_tunnel_takes_them_home_at_once() {
    let (mut bench, mut terminal) = (tunnelled(), Terminal::new(None));
    let syn = bench.drain().into_iter().find(|sent| sent.protocol == protocol::TCP).unwrap();
    bench.wait(30);
    bench.complain(ROUTER, &syn.octets, Reason::DestinationUnreachable { code: 3 });
    let seen = terminal.talk(&mut bench);
    assert_eq!(seen[0], (1030, "SYN", HOA.to_string()));
    assert_eq!(terminal.heard().len(), 1);
}

#[test]
fn data_that_is_lost_on_an_open_connection_goes_home_in_the_end() {
    let (mut bench, mut terminal) = (tunnelled(), Terminal::new(Some(CARE_OF)));
    terminal.talk(&mut bench);
    terminal.heard();
    terminal.at = None;
    bench.call("b");
    let query = bench.query();
    bench.reply(&query, CARE_OF);
    let mut seen = terminal.talk(&mut bench);
    for _ in 0..100 {
        bench.wait(100);
        seen.extend(terminal.talk(&mut bench));
    }
    let data: Vec<&str> = seen
        .iter()
        .filter(|(_, what, _)| *what == "data")
        .map(|(_, _, way)| way.as_str())
        .collect();
    assert_eq!(data, [tunnel(CARE_OF), tunnel(CARE_OF), HOA.to_string()], "{seen:?}");
    assert!(seen.iter().all(|(_, what, _)| *what != "SYN"), "the same connection: {seen:?}");
    assert_eq!(terminal.heard().len(), 1);
}

#[test]
fn what_the_terminal_connected_is_answered_plainly() {
    let mut bench = tunnelled();
    let mut terminal = Terminal::new(Some(CARE_OF));
    terminal.talk(&mut bench);
    let contact = format!("<sip:mt@[{HOA}];transport=tcp>");
    let text = String::from_utf8(register("mt", HOA, &contact)).unwrap();
    let text =
        text.replace("UDP", "TCP").replace("registermt", "third").replace("CSeq: 1", "CSeq: 3000");
    let mut other = Terminal { transport: SipTransport::new(HOA, PORT + 1, 12), at: None };
    other.say(&bench, Hop::tcp(SS, PORT), text.as_bytes());
    let seen = other.talk(&mut bench);
    assert!(seen.iter().any(|(_, what, _)| *what == "data"), "{seen:?} {}", bench.log);
    assert!(seen.iter().all(|(_, _, way)| *way == HOA.to_string()), "{seen:?}");
    assert_eq!(other.heard()[0].1.status(), Some(200));
}
