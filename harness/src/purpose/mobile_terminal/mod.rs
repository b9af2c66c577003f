//! Purposes for a mobile terminal: the tester plays every peer of it, by one hand.

mod bindings;
mod crowd;
mod direct;
mod direct_route;
mod fallback;
mod forgery;
mod given_up;
mod handover;
mod home;
mod interception;
mod optimization;
mod peer;
mod pending;
mod registration;
mod session;
mod setting;
mod stage;
mod talking;
mod targets;

pub(super) use bindings::{BINDING_EXPIRED, BINDING_LOST, CALL_ON_FRESH_BINDING};
pub(super) use crowd::{FIFTY_CALLERS, SECOND_CALL};
pub(super) use direct::{DIRECT_INVITE, DIRECT_RESPONSE, FOREIGN_PACKET};
pub(super) use direct_route::{DIRECT_MEDIA, NO_MEDIA_THROUGH_HOME_AGENT, NOTHING_AT_HOME};
pub(super) use fallback::{
    ACKNOWLEDGEMENT_LOST, CARE_OF_TEST_LOST, CARE_OF_TEST_UNKNOWN, FALLBACK_AT_ONCE,
    HOME_TEST_LOST, HOME_TEST_UNKNOWN, UNACKNOWLEDGED_BINDING_MOVES,
};
pub(super) use forgery::{ACKNOWLEDGEMENT_OF_ANOTHER, FORGED_ACKNOWLEDGEMENT};
pub(super) use given_up::{
    BAD_EXTENSION, CANCELLED_AT_FIRST_RESPONSE, CANCELLED_WHILE_PENDING, NO_COMMON_CODEC,
};
pub(super) use handover::{
    HANDOVER_WHILE_PENDING, INVITE_BEFORE_HOME_ACKNOWLEDGEMENT, RETURN_WHILE_PENDING,
};
pub(super) use interception::{
    CALLERS_TUNNEL, FOREIGN_TUNNEL, LIMITED_TUNNEL, NO_SECOND_WAY, RESPONSES_TO_SERVER,
    TUNNELLED_INVITE,
};
pub(super) use optimization::{
    ADDRESS_OF_OFFER, ADDRESS_OF_STREAM, BEFORE_RESPONSE, COPIES_MEANWHILE, COPY_AFTERWARDS,
    HELD_ACKNOWLEDGEMENT, NO_EARLY_TRYING, RESPONSE_AT_ONCE, TWO_ADDRESSES,
};
pub(super) use peer::{CALLED_BY_A_MOBILE, CALLS_A_MOBILE};
pub(super) use pending::{
    CARE_OF_NONCE_EXPIRED, FORGED_ERROR, FORGED_HOME_TEST, HOME_NONCE_EXPIRED, HOME_TEST_LOST_ONCE,
    NONCES_EXPIRED, OPTIONS_MEANWHILE, STRAY_BYE_MEANWHILE,
};
pub(super) use registration::{
    AT_HOME, BINDS_AT_HOME_AGENT, HANDOVER, POWER_CYCLE, REGISTERS_HOME_ADDRESS,
};
pub(super) use session::{
    CALL_OVER_TCP, CARE_OF_ADDRESS_UNSAID, NEW_CARE_OF_ADDRESS_UNSAID, REINVITE, UPDATE,
    UPDATE_IN_VAIN,
};
pub(super) use talking::{HANDOVER_IN_CALL, LONG_CALL, RETURN_IN_CALL, SHORT_BINDING};
pub(super) use targets::{
    ANSWER_IN_ACK, CARE_OF_ADDRESS_OFFER, HOME_ADDRESS_OFFER, HOME_AGENT_OFFER, IPV4_OFFER,
    LINK_LOCAL_OFFER, LOOPBACK_OFFER, MAPPED_OFFER, MULTICAST_OFFER, OFFERLESS_INVITE,
    UNSPECIFIED_OFFER,
};
