//! Purposes for a mobile terminal: the tester plays every peer of it, by one hand.

mod forgery;
mod registration;
mod setting;

pub(super) use forgery::{ACKNOWLEDGEMENT_OF_ANOTHER, FORGED_ACKNOWLEDGEMENT};
pub(super) use registration::{
    AT_HOME, BINDS_AT_HOME_AGENT, HANDOVER, POWER_CYCLE, REGISTERS_HOME_ADDRESS,
};
