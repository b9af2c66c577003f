//! Purposes for a home agent: the tester plays the mobile node, its callers and the SIP server.

mod call;
mod change;
mod interception;
mod neighbour;
mod notification;
mod query;
mod registration;
mod reverse_tunnel;
mod setting;
mod too_big;
mod withheld;

pub(super) use call::{CALL_BY_ONE_WAY, RESPONSE_IN_DIRECT_MODE};
pub(super) use change::{CHANGE_ENDS_WITH_ACKNOWLEDGEMENT, DEREGISTRATION_IS_TOLD, END_IS_TOLD};
pub(super) use interception::{
    INNER_PACKET_AS_IT_WAS, NO_TUNNEL_AFTER_DEREGISTRATION, NO_TUNNEL_AFTER_LIFETIME,
};
pub(super) use neighbour::{ANSWERS_FOR_THE_REGISTERED, SILENT_FOR_THE_UNREGISTERED};
pub(super) use notification::{
    NOTIFICATION_AFTER_ACKNOWLEDGEMENT, NOTIFICATION_AT_EACH_REGISTRATION,
    NOTIFICATION_ENDS_WITH_ACKNOWLEDGEMENT, NOTIFICATION_IS_GENUINE, NOTIFICATION_IS_REPEATED,
    SERVER_CAN_ASK,
};
pub(super) use query::{CURRENT_CARE_OF_ADDRESS, NO_BINDING, REMAINING_LIFETIME};
pub(super) use registration::REGISTRATION_BINDS;
pub(super) use reverse_tunnel::{FOREIGN_INNER_SOURCE, FOREIGN_OUTER_SOURCE};
pub(super) use too_big::{LARGE_IS_TOLD, SHORT_PATH};
pub(super) use withheld::{
    EARLY_QUERY, LATE_QUERY, QUERY_WITH_ANOTHER_KEY, QUERY_WITHOUT_PROOF, REPLAYED_QUERY,
    STRANGERS_QUERY,
};
