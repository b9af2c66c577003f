//! Purposes for a mobile terminal: the tester plays every peer of it, by one hand.

mod forgery;
mod setting;

pub(super) use forgery::{ACKNOWLEDGEMENT_OF_ANOTHER, FORGED_ACKNOWLEDGEMENT};
