//! Purposes for a mobile terminal: the tester plays every peer of it, by one hand.

mod forgery;
mod interception;
mod pending;
mod registration;
mod setting;
mod stage;

pub(super) use forgery::{ACKNOWLEDGEMENT_OF_ANOTHER, FORGED_ACKNOWLEDGEMENT};
pub(super) use interception::{
    CALLERS_TUNNEL, FOREIGN_TUNNEL, NO_SECOND_WAY, RESPONSES_TO_SERVER, TUNNELLED_INVITE,
};
pub(super) use pending::{
    CARE_OF_NONCE_EXPIRED, FORGED_ERROR, FORGED_HOME_TEST, HOME_NONCE_EXPIRED, HOME_TEST_LOST_ONCE,
    NONCES_EXPIRED, OPTIONS_MEANWHILE, STRAY_BYE_MEANWHILE,
};
pub(super) use registration::{
    AT_HOME, BINDS_AT_HOME_AGENT, HANDOVER, POWER_CYCLE, REGISTERS_HOME_ADDRESS,
};
