//! Purposes for a correspondent: the tester plays the SIP server and the mobile terminal.

mod binding;
mod call;
mod home_address;
mod media;
mod refused;
mod return_routability;
mod setting;

pub(super) use binding::{
    ACKNOWLEDGES, ENDS_WITH_ITS_LIFETIME, ENDS_WITH_ITS_REMOVAL, FOLLOWS_THE_TERMINAL,
    GRANTS_NO_MORE, REPLAY_BINDS_NOTHING,
};
pub(super) use call::{CALL_BY_ONE_WAY, CALLS_THE_SERVER};
pub(super) use home_address::{BOUND_IS_ANSWERED, ROUTED_TO_NOBODY, UNBOUND_IS_TOLD, UNKNOWN_TYPE};
pub(super) use media::{
    MEDIA_AFTER_HANDOVER, MEDIA_BEYOND_THE_LIFETIME, MEDIA_BY_ONE_WAY, MEDIA_TO_THE_CARE_OF_ADDRESS,
};
pub(super) use refused::{
    HOME_REGISTRATION, NEW_SEQUENCE, NO_AUTHENTICATOR, NO_NONCES, OLD_SEQUENCE, UNKNOWN_NONCES,
    WRONG_AUTHENTICATOR,
};
pub(super) use return_routability::{ANSWERS_TESTS, SILENT_TO_TESTS_BY_BINDING, TOKENS_DIFFER};
