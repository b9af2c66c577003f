//! The Mobility Header family (RFC 6275 §6.1, §6.2), RFC 4285 and binding lookup.
//!
//! [`verify`] the checksum, then [`Message::parse`]; write with [`Message::emit`]. Updates,
//! acknowledgements and binding lookup messages that must be proved are written by their own
//! `to_vec_authorized` and judged by [`verify_binding_authorization`], [`verify_mn_ha`] and
//! [`verify_lookup`], which take the octets as they arrived.
//!
//! The order of the files: [`header`](HeaderView); one message a file; [`option`] and
//! [`Options`]; tokens and authenticators.

mod authenticator;
mod binding_acknowledgement;
mod binding_error;
mod binding_lookup;
mod binding_refresh_request;
mod binding_update;
mod body;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod golden;
mod header;
mod lookup_kind;
mod lookup_options;
mod lookup_view;
mod message;
pub mod option;
mod options;
#[cfg(test)]
mod properties;
mod return_routability;
mod sequence;
mod status;
mod timestamp;
mod token;

pub use authenticator::{
    Authorization, MnHaAuthentication, binding_authenticator, lookup_authenticator,
    mn_ha_authenticator, verify_binding_authorization, verify_lookup, verify_mn_ha,
};
pub use binding_acknowledgement::{BindingAcknowledgement, BindingAcknowledgementView};
pub use binding_error::{BindingError, BindingErrorView};
pub use binding_lookup::{BindingLookup, LookupAddress};
pub use binding_refresh_request::BindingRefreshRequest;
pub use binding_update::{BindingUpdate, BindingUpdateView};
pub use header::{
    HEADER_LEN_MIN, HeaderView, MESSAGE_LEN_MAX, NO_NEXT_HEADER, PROTOCOL, mh_type, verify,
};
pub use lookup_kind::{LookupKind, LookupStatus};
pub use lookup_view::BindingLookupView;
pub use message::Message;
pub use option::{MessageAuthentication, MobilityOption, NonceIndices, RawOption, RawOptions};
pub use options::{OPTIONS_MAX, Options};
pub use return_routability::{
    CareOfTest, CareOfTestInit, HomeTest, HomeTestInit, TestInitView, TestView,
};
pub use sequence::{Lifetime, Sequence};
pub use status::{BindingErrorStatus, Status};
pub use timestamp::NtpTimestamp;
pub use token::{BindingManagementKey, care_of_keygen_token, home_keygen_token};
