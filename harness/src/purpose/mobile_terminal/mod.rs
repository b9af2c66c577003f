//! Purposes for a mobile terminal: the tester plays every peer of it, by one hand.

mod crowd;
mod direct;
mod forgery;
mod given_up;
mod handover;
mod interception;
mod peer;
mod pending;
mod registration;
mod session;
mod setting;
mod stage;
mod talking;
mod targets;

pub(super) use crowd::{FIFTY_CALLERS, SECOND_CALL};
pub(super) use direct::{DIRECT_INVITE, DIRECT_RESPONSE, FOREIGN_PACKET};
pub(super) use forgery::{ACKNOWLEDGEMENT_OF_ANOTHER, FORGED_ACKNOWLEDGEMENT};
pub(super) use given_up::{
    BAD_EXTENSION, CANCELLED_AT_FIRST_RESPONSE, CANCELLED_WHILE_PENDING, NO_COMMON_CODEC,
};
pub(super) use handover::{
    HANDOVER_WHILE_PENDING, INVITE_BEFORE_HOME_ACKNOWLEDGEMENT, RETURN_WHILE_PENDING,
};
pub(super) use interception::{
    CALLERS_TUNNEL, FOREIGN_TUNNEL, NO_SECOND_WAY, RESPONSES_TO_SERVER, TUNNELLED_INVITE,
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
