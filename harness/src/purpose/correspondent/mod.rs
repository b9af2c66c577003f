//! Purposes for a correspondent: the tester plays the SIP server and the mobile terminal.

mod call;
mod media;
mod setting;

pub(super) use call::{CALL_BY_ONE_WAY, CALLS_THE_SERVER};
pub(super) use media::{
    MEDIA_AFTER_HANDOVER, MEDIA_BEYOND_THE_LIFETIME, MEDIA_BY_ONE_WAY, MEDIA_TO_THE_CARE_OF_ADDRESS,
};
