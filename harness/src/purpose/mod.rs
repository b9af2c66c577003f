//! Test purposes: what a peer must see of a role, as sentences that are also the check.

mod correspondent;
mod home_agent;
mod mobile_terminal;
mod packets;
mod sip_server;

use std::time::Duration;

use crate::catalogue::Catalogue;
use crate::feature::{Condition, Features};
use crate::requirement::{Edition, Level, Requirement};
use crate::tester::Tester;
use crate::topology::Role;
use crate::topology::claimed::Wanted;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// One test purpose: declared once; listings, reports and cargo tests derive from it.
#[derive(Clone, Copy)]
pub struct Purpose {
    /// The first row it judges, with a word where the row has several; for ever.
    pub id: &'static str,
    /// Raised whenever its verdict may change for the same device.
    pub version: u32,
    /// The behaviour that is right, as one sentence.
    pub title: &'static str,
    /// The rows of the catalogue that it judges.
    pub verifies: &'static [&'static str],
    /// The role under test.
    pub role: Role,
    /// The features without which it makes no sense; all of them must be so, or be unknown.
    pub applies: &'static [Condition],
    /// What must be asked of the subject beside the wire.
    pub triggers: &'static [Trigger],
    /// The longest that its waits can take in real time.
    pub waits_max: Duration,
    /// The network that it wants: the subject, and where the tester's stations stand.
    pub wants: fn() -> Wanted,
    /// What the tester does and wants to see.
    pub body: fn(&mut Tester<'_>) -> Result<(), Stop>,
}

/// Every purpose, the one list.
pub const ALL: &[&Purpose] = &[
    &home_agent::REGISTRATION_BINDS,
    &home_agent::NO_TUNNEL_AFTER_DEREGISTRATION,
    &home_agent::NO_TUNNEL_AFTER_LIFETIME,
    &home_agent::ANSWERS_FOR_THE_REGISTERED,
    &home_agent::SILENT_FOR_THE_UNREGISTERED,
    &home_agent::INNER_PACKET_AS_IT_WAS,
    &home_agent::LARGE_IS_TOLD,
    &home_agent::SHORT_PATH,
    &home_agent::FOREIGN_OUTER_SOURCE,
    &home_agent::FOREIGN_INNER_SOURCE,
    &home_agent::CALL_BY_ONE_WAY,
    &home_agent::SERVER_CAN_ASK,
    &home_agent::NOTIFICATION_AT_EACH_REGISTRATION,
    &home_agent::NOTIFICATION_IS_GENUINE,
    &home_agent::NOTIFICATION_AFTER_ACKNOWLEDGEMENT,
    &home_agent::NOTIFICATION_IS_REPEATED,
    &home_agent::NOTIFICATION_ENDS_WITH_ACKNOWLEDGEMENT,
    &home_agent::DEREGISTRATION_IS_TOLD,
    &home_agent::END_IS_TOLD,
    &home_agent::CHANGE_ENDS_WITH_ACKNOWLEDGEMENT,
    &home_agent::REMAINING_LIFETIME,
    &home_agent::CURRENT_CARE_OF_ADDRESS,
    &home_agent::NO_BINDING,
    &home_agent::QUERY_WITHOUT_PROOF,
    &home_agent::QUERY_WITH_ANOTHER_KEY,
    &home_agent::LATE_QUERY,
    &home_agent::EARLY_QUERY,
    &home_agent::STRANGERS_QUERY,
    &home_agent::REPLAYED_QUERY,
    &home_agent::RESPONSE_IN_DIRECT_MODE,
    &home_agent::NOBODYS_TUNNEL,
    &home_agent::ACKNOWLEDGES_UNASKED,
    &home_agent::GRANTS_NO_MORE,
    &home_agent::NEW_SEQUENCE,
    &home_agent::OLD_SEQUENCE,
    &home_agent::FOLLOWS_THE_TERMINAL,
    &home_agent::WRONG_AUTHENTICATOR,
    &home_agent::UNKNOWN_KEY,
    &home_agent::DETECTS_DUPLICATES,
    &home_agent::DUPLICATE_IS_REFUSED,
    &home_agent::DETECTS_ONCE,
    &home_agent::REMOVES,
    &home_agent::NOTHING_TO_REMOVE,
    &home_agent::ANNOUNCES,
    &home_agent::ANSWERS_WHO_ASKS_ALONE,
    &home_agent::DEFENDS,
    &home_agent::DEFENDS_NO_LONGER,
    &home_agent::TALKS_BY_THE_BINDING,
    &home_agent::HOP_LIMIT_ENDS,
    &home_agent::UNKNOWN_TYPE,
    &correspondent::CALLS_THE_SERVER,
    &correspondent::CALL_BY_ONE_WAY,
    &correspondent::MEDIA_TO_THE_CARE_OF_ADDRESS,
    &correspondent::MEDIA_BY_ONE_WAY,
    &correspondent::MEDIA_AFTER_HANDOVER,
    &correspondent::MEDIA_BEYOND_THE_LIFETIME,
    &correspondent::ANSWERS_TESTS,
    &correspondent::SILENT_TO_TESTS_BY_BINDING,
    &correspondent::TOKENS_DIFFER,
    &correspondent::UNKNOWN_NONCES,
    &correspondent::WRONG_AUTHENTICATOR,
    &correspondent::REPLAY_BINDS_NOTHING,
    &correspondent::ACKNOWLEDGES,
    &correspondent::GRANTS_NO_MORE,
    &correspondent::ENDS_WITH_ITS_LIFETIME,
    &correspondent::NEW_SEQUENCE,
    &correspondent::OLD_SEQUENCE,
    &correspondent::NO_NONCES,
    &correspondent::NO_AUTHENTICATOR,
    &correspondent::HOME_REGISTRATION,
    &correspondent::ENDS_WITH_ITS_REMOVAL,
    &correspondent::FOLLOWS_THE_TERMINAL,
    &correspondent::UNBOUND_IS_TOLD,
    &correspondent::BOUND_IS_ANSWERED,
    &correspondent::ROUTED_TO_NOBODY,
    &correspondent::UNKNOWN_TYPE,
    &mobile_terminal::BINDS_AT_HOME_AGENT,
    &mobile_terminal::REGISTERS_HOME_ADDRESS,
    &mobile_terminal::HANDOVER,
    &mobile_terminal::AT_HOME,
    &mobile_terminal::POWER_CYCLE,
    &mobile_terminal::TUNNELLED_INVITE,
    &mobile_terminal::LIMITED_TUNNEL,
    &mobile_terminal::FOREIGN_TUNNEL,
    &mobile_terminal::CALLERS_TUNNEL,
    &mobile_terminal::RESPONSES_TO_SERVER,
    &mobile_terminal::NO_SECOND_WAY,
    &mobile_terminal::BEFORE_RESPONSE,
    &mobile_terminal::NO_EARLY_TRYING,
    &mobile_terminal::ADDRESS_OF_OFFER,
    &mobile_terminal::ADDRESS_OF_STREAM,
    &mobile_terminal::TWO_ADDRESSES,
    &mobile_terminal::HELD_ACKNOWLEDGEMENT,
    &mobile_terminal::RESPONSE_AT_ONCE,
    &mobile_terminal::COPIES_MEANWHILE,
    &mobile_terminal::COPY_AFTERWARDS,
    &mobile_terminal::DIRECT_MEDIA,
    &mobile_terminal::NO_MEDIA_THROUGH_HOME_AGENT,
    &mobile_terminal::NOTHING_AT_HOME,
    &mobile_terminal::CALL_ON_FRESH_BINDING,
    &mobile_terminal::BINDING_LOST,
    &mobile_terminal::BINDING_EXPIRED,
    &mobile_terminal::HOME_TEST_UNKNOWN,
    &mobile_terminal::CARE_OF_TEST_UNKNOWN,
    &mobile_terminal::BINDING_ERROR,
    &mobile_terminal::UPDATE_REFUSED,
    &mobile_terminal::FALLBACK_AT_ONCE,
    &mobile_terminal::HOME_TEST_LOST,
    &mobile_terminal::CARE_OF_TEST_LOST,
    &mobile_terminal::ACKNOWLEDGEMENT_LOST,
    &mobile_terminal::UNACKNOWLEDGED_BINDING_MOVES,
    &mobile_terminal::FORGED_ACKNOWLEDGEMENT,
    &mobile_terminal::ACKNOWLEDGEMENT_OF_ANOTHER,
    &mobile_terminal::HOME_TEST_LOST_ONCE,
    &mobile_terminal::HOME_NONCE_EXPIRED,
    &mobile_terminal::CARE_OF_NONCE_EXPIRED,
    &mobile_terminal::NONCES_EXPIRED,
    &mobile_terminal::FORGED_HOME_TEST,
    &mobile_terminal::FORGED_ERROR,
    &mobile_terminal::CANCELLED_AT_FIRST_RESPONSE,
    &mobile_terminal::CANCELLED_WHILE_PENDING,
    &mobile_terminal::CANCELLED_BESIDE_ANOTHER,
    &mobile_terminal::NO_COMMON_CODEC,
    &mobile_terminal::BAD_EXTENSION,
    &mobile_terminal::HANDOVER_WHILE_PENDING,
    &mobile_terminal::BUDGET_ACROSS_HANDOVER,
    &mobile_terminal::SECOND_CALL,
    &mobile_terminal::FIFTY_CALLERS,
    &mobile_terminal::IPV4_OFFER,
    &mobile_terminal::MAPPED_OFFER,
    &mobile_terminal::UNSPECIFIED_OFFER,
    &mobile_terminal::MULTICAST_OFFER,
    &mobile_terminal::LINK_LOCAL_OFFER,
    &mobile_terminal::LOOPBACK_OFFER,
    &mobile_terminal::HOME_ADDRESS_OFFER,
    &mobile_terminal::CARE_OF_ADDRESS_OFFER,
    &mobile_terminal::HOME_AGENT_OFFER,
    &mobile_terminal::OFFERLESS_INVITE,
    &mobile_terminal::ANSWER_IN_ACK,
    &mobile_terminal::OPTIONS_MEANWHILE,
    &mobile_terminal::STRAY_BYE_MEANWHILE,
    &mobile_terminal::CARE_OF_ADDRESS_UNSAID,
    &mobile_terminal::NEW_CARE_OF_ADDRESS_UNSAID,
    &mobile_terminal::REINVITE,
    &mobile_terminal::UPDATE,
    &mobile_terminal::UPDATE_IN_VAIN,
    &mobile_terminal::HANDOVER_IN_CALL,
    &mobile_terminal::SHORT_BINDING,
    &mobile_terminal::LONG_CALL,
    &mobile_terminal::CALLED_BY_A_MOBILE,
    &mobile_terminal::CALLS_A_MOBILE,
    &mobile_terminal::RETURN_WHILE_PENDING,
    &mobile_terminal::RETURN_IN_CALL,
    &mobile_terminal::INVITE_BEFORE_HOME_ACKNOWLEDGEMENT,
    &mobile_terminal::CALL_OVER_TCP,
    &mobile_terminal::DIRECT_INVITE,
    &mobile_terminal::FOREIGN_PACKET,
    &mobile_terminal::DIRECT_RESPONSE,
    &sip_server::registrar::BINDS_THE_CONTACT,
    &sip_server::registrar::KEEPS_AN_EARLY_NOTIFICATION,
    &sip_server::proxy::INVITE_TO_THE_HOME_ADDRESS,
    &sip_server::proxy::RESPONSE_BY_THE_VIA,
    &sip_server::answered::ONE_COPY_OF_EVERYTHING,
    &sip_server::proxy::TRYING_AT_ONCE,
    &sip_server::cancelled::HOLDS_THE_CANCEL,
    &sip_server::cancelled::PASSES_THE_CANCEL_ON,
    &sip_server::cancelled::PASSES_A_LATE_ANSWER_ON,
    &sip_server::direct::INVITE_TO_THE_CARE_OF_ADDRESS,
    &sip_server::direct::BINDING_FROM_THE_HOME_AGENT,
    &sip_server::dialog::BINDING_RUN_OUT,
    &sip_server::direct::BINDING_OF_NO_LIFETIME,
    &sip_server::direct::HOME_AGENT_OF_EACH,
    &sip_server::direct::HOME_ADDRESS_WITHOUT_NOTIFICATION,
    &sip_server::forgery::FORGED_LOOKUP,
    &sip_server::forgery::ERRORS_UNASKED,
    &sip_server::stale::UNREACHABLE,
    &sip_server::stale::REFUSED,
    &sip_server::stale::MOVED,
    &sip_server::stale::CONFIRMED,
    &sip_server::stale::NOBODY_ANSWERS,
    &sip_server::stale::NOBODY_ANSWERS_TCP,
    &sip_server::stale::HOME_AGENT_IS_SILENT,
    &sip_server::dialog::RESPONSES_COME_BACK,
    &sip_server::large::LARGER_THAN_A_LINK,
    &sip_server::large::LARGER_THAN_THE_PATH,
    &sip_server::direct::FOLLOWS_THE_TERMINAL,
    &sip_server::direct::FOREIGN_HOME_AGENT,
    &sip_server::restart::DIRECT_AGAIN,
    &sip_server::dialog::REFUSAL,
    &sip_server::dialog::CANCEL,
    &sip_server::dialog::REQUESTS_IN_THE_DIALOG,
    &sip_server::dialog::RESPONSES_TO_THE_TERMINAL,
];

impl Purpose {
    /// The purpose called `id`.
    pub fn find(id: &str) -> Option<&'static Self> {
        ALL.iter().find(|purpose| purpose.id == id).copied()
    }

    /// The most binding level among the rows it judges: what a breach weighs.
    ///
    /// # Panics
    ///
    /// Where it judges no row of the catalogue, which a test forbids.
    pub fn level(&self) -> Level {
        let levels = self.rows().map(|row| row.level);
        levels.min().expect("a test holds every purpose to rows that there are")
    }

    /// Whether it judges a row that an edition of Mobile IPv6 wants.
    pub fn holds_in(&self, edition: Edition) -> bool {
        self.rows().any(|row| row.holds_in(edition))
    }

    fn rows(&self) -> impl Iterator<Item = &'static Requirement> {
        self.verifies.iter().filter_map(|row| Catalogue::embedded().requirement(row).ok())
    }

    /// What the reference does where it is configured as this purpose wants it.
    pub fn features_of_reference(&self) -> Features {
        let mut features = Features::reference();
        features.say("early_100", (self.wants)().early_100);
        features
    }

    /// The first of its conditions that a device does not meet, if any: it is then not applicable.
    pub fn excluded_by(&self, features: &Features) -> Option<Condition> {
        self.applies.iter().copied().find(|condition| !condition.may_hold(features))
    }
}
