//! The Status fields of Binding Acknowledgement and Binding Error (RFC 6275 §6.1.8, §6.1.9).

use std::fmt;

/// The Status field of a Binding Acknowledgement; 128 and above are refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u8);

/// The Status field of a Binding Error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BindingErrorStatus(pub u8);

impl Status {
    /// The update was taken.
    pub const ACCEPTED: Self = Self(0);
    /// Taken, but a prefix of the home link has changed: prefix discovery is needed.
    pub const ACCEPTED_PREFIX_DISCOVERY_NECESSARY: Self = Self(1);
    /// Refused without a reason.
    pub const REASON_UNSPECIFIED: Self = Self(128);
    /// Policy forbids it.
    pub const ADMINISTRATIVELY_PROHIBITED: Self = Self(129);
    /// No room for another binding.
    pub const INSUFFICIENT_RESOURCES: Self = Self(130);
    /// The node is no home agent.
    pub const HOME_REGISTRATION_NOT_SUPPORTED: Self = Self(131);
    /// The home address is not on a link the node serves.
    pub const NOT_HOME_SUBNET: Self = Self(132);
    /// There is no binding to remove.
    pub const NOT_HOME_AGENT_FOR_MOBILE_NODE: Self = Self(133);
    /// Somebody else on the home link has the home address.
    pub const DUPLICATE_ADDRESS_DETECTION_FAILED: Self = Self(134);
    /// The sequence number was not after the last one taken.
    pub const SEQUENCE_OUT_OF_WINDOW: Self = Self(135);
    /// The home nonce is too old.
    pub const EXPIRED_HOME_NONCE_INDEX: Self = Self(136);
    /// The care-of nonce is too old.
    pub const EXPIRED_CARE_OF_NONCE_INDEX: Self = Self(137);
    /// Both nonces are too old.
    pub const EXPIRED_NONCES: Self = Self(138);
    /// A binding cannot change between home and correspondent registration.
    pub const REGISTRATION_TYPE_CHANGE_DISALLOWED: Self = Self(139);
    /// The time stamp is off or was seen before (RFC 4285 §5.3).
    pub const MIPV6_ID_MISMATCH: Self = Self(144);
    /// A time stamp is wanted and missing (RFC 4285 §5.3).
    pub const MIPV6_MESG_ID_REQD: Self = Self(145);
    /// The authenticator is wrong (RFC 4285 §5.3).
    pub const MIPV6_AUTH_FAIL: Self = Self(146);
    /// The care-of address cannot be one.
    pub const INVALID_CARE_OF_ADDRESS: Self = Self(174);

    /// Whether the update was refused.
    pub const fn is_refusal(self) -> bool {
        self.0 >= 128
    }

    /// What the number means, `None` where it has no meaning here.
    pub const fn meaning(self) -> Option<&'static str> {
        Some(match self {
            Self::ACCEPTED => "accepted",
            Self::ACCEPTED_PREFIX_DISCOVERY_NECESSARY => "accepted, prefix discovery necessary",
            Self::REASON_UNSPECIFIED => "reason unspecified",
            Self::ADMINISTRATIVELY_PROHIBITED => "administratively prohibited",
            Self::INSUFFICIENT_RESOURCES => "insufficient resources",
            Self::HOME_REGISTRATION_NOT_SUPPORTED => "home registration not supported",
            Self::NOT_HOME_SUBNET => "not home subnet",
            Self::NOT_HOME_AGENT_FOR_MOBILE_NODE => "not home agent for this mobile node",
            Self::DUPLICATE_ADDRESS_DETECTION_FAILED => "duplicate address detection failed",
            Self::SEQUENCE_OUT_OF_WINDOW => "sequence number out of window",
            Self::EXPIRED_HOME_NONCE_INDEX => "expired home nonce index",
            Self::EXPIRED_CARE_OF_NONCE_INDEX => "expired care-of nonce index",
            Self::EXPIRED_NONCES => "expired nonces",
            Self::REGISTRATION_TYPE_CHANGE_DISALLOWED => "registration type change disallowed",
            Self::MIPV6_ID_MISMATCH => "identification mismatch",
            Self::MIPV6_MESG_ID_REQD => "identification required",
            Self::MIPV6_AUTH_FAIL => "authentication failed",
            Self::INVALID_CARE_OF_ADDRESS => "invalid care-of address",
            Self(_) => return None,
        })
    }
}

impl BindingErrorStatus {
    /// A Home Address option came without a binding for it.
    pub const UNKNOWN_BINDING: Self = Self(1);
    /// The MH Type is not known.
    pub const UNRECOGNISED_MH_TYPE: Self = Self(2);

    /// What the number means, `None` where it has no meaning here.
    pub const fn meaning(self) -> Option<&'static str> {
        match self {
            Self::UNKNOWN_BINDING => Some("unknown binding for Home Address option"),
            Self::UNRECOGNISED_MH_TYPE => Some("unrecognised MH type"),
            Self(_) => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for BindingErrorStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers that have a meaning, as the registry has them.
    #[test]
    fn every_status_has_its_number() {
        let known: Vec<u8> = (0..=255).filter(|value| Status(*value).meaning().is_some()).collect();
        let registered: Vec<u8> =
            [0, 1].into_iter().chain(128..=139).chain(144..=146).chain([174]).collect();
        assert_eq!(known, registered);
        assert_eq!(Status::SEQUENCE_OUT_OF_WINDOW.meaning(), Some("sequence number out of window"));
    }

    #[test]
    fn refusals_begin_at_128() {
        assert!(!Status(127).is_refusal());
        assert!(Status(128).is_refusal());
    }

    #[test]
    fn a_binding_error_has_two_reasons() {
        let known: Vec<u8> =
            (0..=255).filter(|value| BindingErrorStatus(*value).meaning().is_some()).collect();
        assert_eq!(known, [1, 2]);
    }
}
