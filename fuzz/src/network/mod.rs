//! What must hold of the whole claimed network whatever happens in it: operations read from octets
//! are done to terminal, home agent, correspondent, SIP server and routers, joined by lossy links.
//!
//! | operation | octets | what happens |
//! |---|---|---|
//! | 0 | 00–0f; two octets | milliseconds pass |
//! | 1 | 10–1f; one octet | that many seconds pass, modulo 64 |
//! | 2 | 20–2f | a user acts: [`USERS`](operation::USERS) by the low bits; eight calls are begun at most, for their media take time |
//! | 3 | 30–3f | the node of that number has its power cut and comes back |
//! | 4 | 40–4f | the terminal goes home, to visited link 1, 2, or nowhere |
//! | 5 | 50–5f; one octet | a link: calm, silent, its carrier gone, its carrier back |
//! | 6 | 60–6f; one octet | the next packet of a [class](packet_class), or one behind it, has a fate |
//! | 7 | 70–7f | no fault is left: links carry, no fate is pending |
//! | 8 | 80–8f; one octet, an edit | an attacker on the path sends an edited copy of a packet of a class |
//! | 9 | 90–9f; three octets | it sends a packet of the family of packets on a link |
//! | 10 | a0–af; one octet, two of length, a packet | it sends this packet, its checksums mended |
//! | 11 | b0–bf | which network it is, where it comes first: [`Variant`](plan::Variant) |
//! | 12 | c0–cf; one octet | that many times 10 ms pass |
//! | 13–15 | d0–ff | nothing |
//!
//! Afterwards all faults end, and the network must [recover](recovery).

mod air;
mod operation;
mod packet_class;
mod plan;
mod recovery;
mod watch;
mod world;

pub(crate) use operation::GRAMMAR;

use std::time::Duration;

use operation::Operation;
use plan::Variant;
use world::World;

use crate::operations::operations;
use crate::{tally, trace};

/// The whole claimed network.
pub(crate) fn network(octets: &[u8]) {
    let mut world = World::new(Variant::first_in(octets));
    world.pass(SETTLING);
    for range in operations(&GRAMMAR, octets) {
        let operation = Operation::read(&octets[range]);
        trace::step(world.now(), || operation.to_string());
        world.apply(&operation);
    }
    recovery::check(&mut world);
    tally::count_events(world.inputs());
}

/// The terminal attaches, registers with its home agent and with the SIP server.
const SETTLING: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    #[cfg(feature = "misdeeds")]
    use crate::defect;
    use crate::target;

    /// The same octets give the same frames at the same times, or no finding could be replayed.
    #[test]
    fn a_sequence_is_the_same_each_time() {
        for (name, octets) in target("network").corpus() {
            let told = target("network").trace(octets).to_string();
            assert!(told.len() > 1000, "{name}: {told}");
            assert_eq!(told, target("network").trace(octets).to_string(), "{name}");
        }
    }

    /// Each check over the network is seen to fail, on the call of the corpus and a node that does wrong.
    #[cfg(feature = "misdeeds")]
    #[test]
    fn misdeeds_are_seen_in_a_call() {
        let cases = [
            ("care-of-address-in-sdp", "a care-of address stands in SIP"),
            ("responds-from-care-of-address", "# outside of the tunnel"),
            ("rings-before-optimization", "# before the route is optimized"),
            ("media-in-tunnel", "media in the tunnel while a binding stands"),
            ("path-switch", "the correspondent's media to the home address while a binding stands"),
            ("updates-for-another-home-address", "the terminal does not register"),
            ("ignores-tunnelled-invite", "no answer although nothing is wrong any more"),
            ("never-ends-calls", "a call does not end: Party"),
            ("talks-on", "# packets of media without a call"),
            ("renews-all-the-time", "# frames in #s of rest"),
            ("alters-cookies", "no media by the right way: [#, #, #, #]"),
        ];
        let network = target("network");
        let (_, call) = network.corpus().find(|(name, _)| *name == "call").expect("it is there");
        for (misdeed, message) in cases {
            let planted = Box::leak(Box::new(defect::node(misdeed, network.name, misdeed)));
            let failure = defect::with(Some(planted), || network.run(call)).expect_err(misdeed);
            let told = failure.message;
            assert!(told.starts_with(message), "{misdeed}: {told}");
        }
    }
}
