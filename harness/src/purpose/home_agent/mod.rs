//! Purposes for a home agent: the tester plays the mobile node, its callers and the SIP server.

mod call;
mod change;
mod defence;
mod interception;
mod neighbour;
mod notification;
mod query;
mod registration;
mod reverse_tunnel;
mod setting;
mod too_big;
mod update;
mod withheld;

pub(super) use call::{CALL_BY_ONE_WAY, RESPONSE_IN_DIRECT_MODE};
pub(super) use change::{CHANGE_ENDS_WITH_ACKNOWLEDGEMENT, DEREGISTRATION_IS_TOLD, END_IS_TOLD};
pub(super) use defence::{
    ANNOUNCES, ANSWERS_WHO_ASKS_ALONE, DEFENDS, DEFENDS_NO_LONGER, DETECTS_DUPLICATES,
    DETECTS_ONCE, DUPLICATE_IS_REFUSED,
};
pub(super) use interception::{
    HOP_LIMIT_ENDS, INNER_PACKET_AS_IT_WAS, NO_TUNNEL_AFTER_DEREGISTRATION,
    NO_TUNNEL_AFTER_LIFETIME, UNKNOWN_TYPE,
};
pub(super) use neighbour::{ANSWERS_FOR_THE_REGISTERED, SILENT_FOR_THE_UNREGISTERED};
pub(super) use notification::{
    NOTIFICATION_AFTER_ACKNOWLEDGEMENT, NOTIFICATION_AT_EACH_REGISTRATION,
    NOTIFICATION_ENDS_WITH_ACKNOWLEDGEMENT, NOTIFICATION_IS_GENUINE, NOTIFICATION_IS_REPEATED,
    SERVER_CAN_ASK,
};
pub(super) use query::{CURRENT_CARE_OF_ADDRESS, NO_BINDING, REMAINING_LIFETIME};
pub(super) use registration::REGISTRATION_BINDS;
pub(super) use reverse_tunnel::{
    FOLLOWS_THE_TERMINAL, FOREIGN_INNER_SOURCE, FOREIGN_OUTER_SOURCE, NOBODYS_TUNNEL,
    TALKS_BY_THE_BINDING,
};
pub(super) use too_big::{LARGE_IS_TOLD, SHORT_PATH};
pub(super) use update::{
    ACKNOWLEDGES_UNASKED, GRANTS_NO_MORE, NEW_SEQUENCE, NOTHING_TO_REMOVE, OLD_SEQUENCE, REMOVES,
    UNKNOWN_KEY, WRONG_AUTHENTICATOR,
};
pub(super) use withheld::{
    EARLY_QUERY, LATE_QUERY, QUERY_WITH_ANOTHER_KEY, QUERY_WITHOUT_PROOF, REPLAYED_QUERY,
    STRANGERS_QUERY,
};
