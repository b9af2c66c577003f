//! Questions to a SIP server.

use roamproof_wire::mobility::{BindingLookup, Lifetime, LookupKind};
use roamproof_wire::sip::{Fields, Method, Uri};

use super::hands::{ANSWER, core_router, is_there, takes_tcp};
use super::{Question, Seen};
use crate::tester::Tester;
use crate::tester::home_agent::HomeAgent;
use crate::tester::sip::{SipPeer, packet};
use crate::tester::template::{binding_lookup, sip_final_response, sip_request};
use crate::topology::Role;
use crate::topology::claimed::Wanted;
use crate::verdict::Stop;

/// What it does as registrar and proxy.
pub(super) const REGISTRAR: Question = Question {
    id: "registrar-and-proxy",
    role: Role::SipServer,
    what: "A REGISTER, OPTIONS, and an INVITE for who registered",
    tells: &[],
    wants: server_alone,
    asks: registrar,
};

/// Whether it speaks binding lookup.
pub(super) const BINDING_LOOKUP: Question = Question {
    id: "home-agent-notification",
    role: Role::SipServer,
    what: "A home agent's notification that it serves a home address",
    tells: &["binding_lookup"],
    wants: server_alone,
    asks: notified,
};

/// Whether SIP goes over TCP.
pub(super) const SIP_TCP: Question = Question {
    id: "sip-tcp",
    role: Role::SipServer,
    what: "A TCP connection to the port of SIP",
    tells: &["sip_tcp"],
    wants: server_alone,
    asks: sip_tcp,
};

/// Where the tester takes media.
const MEDIA_PORT: u16 = 0x7e58;
/// For how long the home agent says that it serves the home address.
const LIFETIME: Lifetime = Lifetime(150);

fn server_alone() -> Wanted {
    Wanted { nodes: vec!["ss"], direct: true, ..Wanted::default() }
}

fn registrar(t: &mut Tester<'_>) -> Result<Vec<Seen>, Stop> {
    let router = core_router(t, "server", 2)?;
    let (ss, cn, hoa) = (t.plan.ss, t.plan.cn, t.plan.hoa);
    is_there(t, router, ss, 1)?;
    let (caller, called) = (t.plan.cn(MEDIA_PORT), t.plan.mt(MEDIA_PORT));
    let (mut terminal, mut peer) =
        (SipPeer::since(hoa, t.unix_time()), SipPeer::since(cn, t.unix_time()));
    let mut seen = Vec::new();

    let domain = uri(t, &format!("sip:{}", t.plan.domain))?;
    let register = terminal.register(&called, &domain);
    let options = peer.request(Method::Options, &caller, &caller.identifier, &domain);
    for (name, from, request) in [("REGISTER", hoa, &register), ("OPTIONS", cn, &options)] {
        t.given(format!("{name} comes"));
        t.sends(router, &packet(from, ss, request))?;
        let status = match t.hears_perhaps(&sip_final_response(request), ANSWER)? {
            Some(frame) => t.sip(frame)?.status().unwrap_or_default().to_string(),
            None => "nothing".to_owned(),
        };
        seen.push(Seen::remark(format!("answers {name} with {status}")));
    }

    t.given("an INVITE comes for who registered");
    let invite = peer.invite(&caller, &called.identifier, &uri(t, &called.identifier)?);
    t.sends(router, &packet(cn, ss, &invite))?;
    let forwarded = sip_request(Method::Invite).of_call(&invite).by_any_way();
    let words = match t.hears_perhaps(&forwarded, ANSWER)? {
        Some(frame) => format!("sends an INVITE to {}", t.packet(frame).destination()),
        None => "sends an INVITE to nobody".to_owned(),
    };
    seen.push(Seen::remark(words));
    is_there(t, router, ss, 2)?;
    Ok(seen)
}

fn notified(t: &mut Tester<'_>) -> Result<Vec<Seen>, Stop> {
    let router = core_router(t, "server", 2)?;
    let (ss, ha, hoa) = (t.plan.ss, t.plan.ha, t.plan.hoa);
    is_there(t, router, ss, 1)?;

    t.given("a home agent says that it serves a home address");
    let mut agent = HomeAgent::new(&t.plan);
    let notification = BindingLookup::notification(agent.next_transaction(), hoa, ha, LIFETIME);
    t.sends(router, &agent.tells(ss, &notification, t.unix_time()))?;
    let taken = binding_lookup(LookupKind::HomeAgentNotificationAck).from(ss).to(ha);
    let seen = match t.hears_perhaps(&taken, ANSWER)? {
        Some(_) => Seen::value("binding_lookup", "yes", "acknowledges a home agent's notification"),
        None => {
            Seen::value("binding_lookup", "no", "does not acknowledge a home agent's notification")
        }
    };
    is_there(t, router, ss, 2)?;
    Ok(vec![seen])
}

fn sip_tcp(t: &mut Tester<'_>) -> Result<Vec<Seen>, Stop> {
    let router = core_router(t, "server", 2)?;
    is_there(t, router, t.plan.ss, 1)?;
    let way = (t.plan.cn, t.plan.ss);
    let seen = takes_tcp(t, router, way, &|packet| Some(packet.to_vec()))?;
    is_there(t, router, t.plan.ss, 2)?;
    Ok(vec![seen])
}

fn uri(t: &Tester<'_>, text: &str) -> Result<Uri, Stop> {
    Uri::parse(text).map_err(|why| t.stop("a SIP URI".to_owned(), why.to_string(), vec![]))
}
