//! Purposes for a correspondent.

use std::net::Ipv6Addr;
use std::rc::Rc;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::mobility::Sequence;
use roamproof_wire::sip::Method;

use super::Purpose;
use crate::tester::mobile::MobileNode;
use crate::tester::sip::SipPeer;
use crate::tester::template::{
    binding_acknowledgement, care_of_test, home_test, media, sip_request,
};
use crate::tester::{Station, StationId, Tester};
use crate::topology::Role;
use crate::topology::claimed::{Wanted, link_local, mac};
use crate::verdict::Stop;

/// Media follows the binding from its first packet on.
pub(super) const MEDIA_TO_THE_CARE_OF_ADDRESS: Purpose = Purpose {
    id: "CL-RO-06",
    version: 1,
    title: "Once a terminal is bound, every media packet goes to its care-of address, the first too",
    verifies: &["CL-RO-06"],
    role: Role::Correspondent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(8),
    wants: correspondent_alone,
    body: media_to_the_care_of_address,
};

/// Where the tester's mobile terminal is.
const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0x1234, 0x5678);
/// Where the tester's mobile terminal takes media.
const MEDIA_PORT: u16 = 0x7e58;
/// Media packets looked at: at 20 ms each about a second of talk.
const PACKETS: usize = 50;
/// An answer on the same link.
const ANSWER: Duration = Duration::from_secs(1);
/// A node that came up may look for neighbours first.
const START: Duration = Duration::from_secs(3);
const LIFETIME: Duration = Duration::from_secs(420);

fn correspondent_alone() -> Wanted {
    Wanted { nodes: vec!["cn"], ..Wanted::default() }
}

fn media_to_the_care_of_address(t: &mut Tester<'_>) -> Result<(), Stop> {
    let router = core_router(t)?;
    let plan = Rc::clone(&t.plan);
    let (server, terminal) = (SipPeer::new(plan.ss), plan.mt(MEDIA_PORT));
    register(t, router, &server)?;

    t.given("it calls the mobile terminal");
    t.calls(&plan.mt_identifier)?;
    let invite = t.hears(&sip_request(Method::Invite).from(t.plan.cn).to(t.plan.ss), START)?;
    let invite = t.sip(invite)?;
    let trying = server.response(&invite, &terminal, 100, "Trying");
    t.sends(router, &server.packet(t.plan.cn, &trying))?;

    let mut mobile = MobileNode::new(&t.plan, CARE_OF, Sequence(0x1232));
    is_tested(t, router, &mut mobile)?;

    t.given("it acknowledges the Binding Update that the tokens prove");
    let update = mobile.updates(t.plan.cn, LIFETIME);
    t.answers(router, update)?;
    let accepted = binding_acknowledgement()
        .status("below 128", |status| status < 128)
        .sequence(mobile.sequence())
        .from(t.plan.cn)
        .to(CARE_OF)
        .routed_home(t.plan.hoa);
    t.hears(&accepted, ANSWER)?;

    t.when("the call is answered");
    let answer = server.answer(&invite, &terminal).map(|answer| server.packet(t.plan.cn, &answer));
    t.answers(router, answer)?;

    t.then("the first and every later media packet goes to the care-of address, routed home");
    let direct = media(MEDIA_PORT).from(t.plan.cn).to(CARE_OF).routed_home(t.plan.hoa);
    t.hears_every(&direct, PACKETS, START)?;
    Ok(())
}

fn register(t: &mut Tester<'_>, router: StationId, server: &SipPeer) -> Result<(), Stop> {
    t.given("the correspondent registers with the SIP server");
    let register = t.hears(&sip_request(Method::Register).from(t.plan.cn).to(t.plan.ss), START)?;
    let answer =
        server.registers(&t.sip(register)?).map(|answer| server.packet(t.plan.cn, &answer));
    t.answers(router, answer)?;
    Ok(())
}

/// Both tests of return routability, through the tester's own hands.
fn is_tested(t: &mut Tester<'_>, router: StationId, mobile: &mut MobileNode) -> Result<(), Stop> {
    t.given("it answers a Home Test Init and a Care-of Test Init");
    for (init, answer) in [
        (mobile.tests_home(t.plan.cn), home_test().from(t.plan.cn).to(t.plan.hoa)),
        (mobile.tests_care_of(t.plan.cn), care_of_test().from(t.plan.cn).to(CARE_OF)),
    ] {
        t.sends(router, &init)?;
        let heard = t.hears(&answer, ANSWER)?;
        if !mobile.takes_test(&t.packet(heard)) {
            let expected = "the cookie that was sent".to_owned();
            return Err(t.stop(expected, "another".to_owned(), vec![heard]));
        }
    }
    Ok(())
}

/// The tester's station as the router on the correspondent's link, beyond which everyone else is.
fn core_router(t: &mut Tester<'_>) -> Result<StationId, Stop> {
    t.station("correspondent", Station::router(Mac(mac(0x01, 3)), [link_local(0x01, 3)]))
}
