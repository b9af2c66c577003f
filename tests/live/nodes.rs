//! The nodes of these tests: they answer in ways that are easy to foretell.

use std::collections::VecDeque;
use std::time::Duration;

use roamproof_node::{Event, Held, Input, Instant, Interface, Node, Output, Wakeup};

/// Makes the node of a test: by its configuration it echoes, lends its address, dies, or is one of
/// the reference.
pub(crate) fn build(
    role: &str,
    config: &str,
    epoch: Duration,
    seed: u64,
    misdeeds: &[String],
) -> Result<Box<dyn Node>, String> {
    match config {
        "echo" => Ok(Box::new(Echo::default())),
        "lend" => Ok(Box::new(Lender::default())),
        "die" => Ok(Box::new(Mortal)),
        "fly" => Err("no node can fly".to_owned()),
        _ => roamproof::node::build(role, config, epoch, seed, misdeeds),
    }
}

/// Sends every frame back where it came from, with its addresses swapped; notes commands, links
/// and, every 50 ms, the time.
#[derive(Default)]
struct Echo {
    outputs: VecDeque<Output>,
    tick: Duration,
}

impl Node for Echo {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        let output = match input {
            Input::Frame { interface, octets } => {
                let mut octets = octets.to_vec();
                let (destination, rest) = octets.split_at_mut(6);
                destination.swap_with_slice(&mut rest[..6]);
                Output::Frame { interface, octets }
            }
            Input::Command(command) => Output::Event(Event::Note(format!("told to {command}"))),
            Input::Link { interface, up } => {
                Output::Event(Event::Note(format!("interface {} up: {up}", interface.0)))
            }
            Input::Time if now.since_start() >= self.tick => {
                self.tick = now.since_start() + Duration::from_millis(50);
                Output::Event(Event::Note("tick".to_owned()))
            }
            Input::Time | Input::Local(_) => return,
        };
        self.outputs.push_back(output);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Wakeup> {
        Some(Wakeup { at: Instant::at(self.tick), why: "tick" })
    }

    fn held(&self) -> Held {
        Held::default()
    }
}

/// Puts local packets into frames and takes packets out of frames, and does nothing else.
#[derive(Default)]
struct Lender {
    outputs: VecDeque<Output>,
}

impl Node for Lender {
    fn handle_input(&mut self, _now: Instant, input: Input<'_>) {
        match input {
            Input::Frame { octets, .. } => {
                self.outputs.extend(octets.get(14..).map(|packet| Output::Local(packet.to_vec())));
            }
            Input::Local(packet) => {
                let mut octets = vec![0x02, 0, 0, 0, 0, 0xfe, 0x02, 0, 0, 0, 0, 1, 0x86, 0xdd];
                octets.extend_from_slice(packet);
                self.outputs.push_back(Output::Frame { interface: Interface(0), octets });
            }
            Input::Command(_) | Input::Link { .. } | Input::Time => {}
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Wakeup> {
        None
    }

    fn held(&self) -> Held {
        Held::default()
    }
}

/// Panics at the first frame.
struct Mortal;

impl Node for Mortal {
    fn handle_input(&mut self, _now: Instant, input: Input<'_>) {
        assert!(!matches!(input, Input::Frame { .. }), "frames are too much for this node");
    }

    fn poll_output(&mut self) -> Option<Output> {
        None
    }

    fn poll_timeout(&self) -> Option<Wakeup> {
        None
    }

    fn held(&self) -> Held {
        Held::default()
    }
}
