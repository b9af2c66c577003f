//! What a device may or may not do: the features a profile declares and purposes depend on.

use std::collections::BTreeMap;
use std::fmt;

/// One thing in which right devices differ, and what a profile may say of it.
///
/// `unknown`, or nothing, is always allowed: every purpose is then applicable.
#[derive(Debug, Clone, Copy)]
pub struct Feature {
    /// Its key in a profile's `[features]`.
    pub name: &'static str,
    /// What it means, as one sentence.
    pub what: &'static str,
    /// What a profile may say of it.
    pub values: Values,
    /// What the reference does.
    pub reference: &'static str,
}

/// What a profile may say of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// `"yes"` or `"no"`.
    YesNo,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A duration in seconds.
    Seconds,
}

/// What a device does, as far as its profile says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features(BTreeMap<String, String>);

/// What must be so for a purpose to make sense: the feature has one of these values, or is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// The feature's name.
    pub feature: &'static str,
    /// The values with which the purpose makes sense.
    pub is: &'static [&'static str],
}

/// Every feature, the one list.
pub const ALL: &[Feature] = &[
    Feature {
        name: "authentication",
        what: "How home registrations are authenticated: by the option of RFC 4285, or not at all",
        values: Values::Words(&["rfc4285", "none"]),
        reference: "rfc4285",
    },
    Feature {
        name: "mobile_ipv6",
        what: "Whether a correspondent knows Mobile IPv6: return routability and bindings (RFC 6275 section 9)",
        values: Values::YesNo,
        reference: "yes",
    },
    Feature {
        name: "early_100",
        what: "Whether a mobile terminal sends 100 Trying before the route is optimized (decision D1)",
        values: Values::Words(&["never", "allowed", "required"]),
        reference: "never",
    },
    Feature {
        name: "on_ro_failure",
        what: "What a mobile terminal does with a call whose route cannot be optimized (decision D5)",
        values: Values::Words(&["tunnel", "refuse"]),
        reference: "tunnel",
    },
    Feature {
        name: "ro_with_server",
        what: "Whether a mobile terminal optimizes the route to the SIP server too (decision D12)",
        values: Values::Words(&["never", "allowed"]),
        reference: "never",
    },
    Feature {
        name: "route_optimization_budget",
        what: "After how many seconds a mobile terminal gives the optimization up (decision D6)",
        values: Values::Seconds,
        reference: "7",
    },
    Feature {
        name: "binding_lookup",
        what: "Whether home agent and SIP server speak binding lookup, for direct tunnels (claims 10 and 11)",
        values: Values::YesNo,
        reference: "yes",
    },
    Feature {
        name: "sip_tcp",
        what: "Whether SIP goes over TCP as well as over UDP",
        values: Values::YesNo,
        reference: "yes",
    },
    Feature {
        name: "answers_by_itself",
        what: "Whether a telephone answers a call without the trigger `answer`",
        values: Values::YesNo,
        reference: "yes",
    },
    Feature {
        name: "duplicate_address_detection",
        what: "Whether a home agent defends a home address before it acknowledges the first registration",
        values: Values::YesNo,
        reference: "yes",
    },
];

impl Feature {
    /// The feature called `name`.
    pub fn called(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|feature| feature.name == name)
    }
}

impl Values {
    /// Whether a profile may say this.
    pub fn allow(self, value: &str) -> bool {
        match self {
            Self::YesNo => matches!(value, "yes" | "no"),
            Self::Words(words) => words.contains(&value),
            Self::Seconds => value.parse::<f64>().is_ok_and(|seconds| seconds > 0.0),
        }
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::YesNo => f.write_str("\"yes\", \"no\" or \"unknown\""),
            Self::Words(words) => write!(f, "\"{}\" or \"unknown\"", words.join("\", \"")),
            Self::Seconds => f.write_str("a number of seconds, or \"unknown\""),
        }
    }
}

impl Features {
    /// What the reference does.
    pub fn reference() -> Self {
        let said = ALL.iter().map(|one| (one.name.to_owned(), one.reference.to_owned()));
        Self(said.collect())
    }

    /// Notes what a profile says; `unknown` takes back what was known.
    pub fn say(&mut self, name: &str, value: &str) {
        if value == "unknown" {
            self.0.remove(name);
        } else {
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }

    /// What is known of a feature; `None` where it is unknown.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether it is known that a feature has this value.
    pub fn is(&self, name: &str, value: &str) -> bool {
        self.value(name) == Some(value)
    }

    /// What is known, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl Condition {
    /// Whether it is so, or may be.
    pub fn may_hold(&self, features: &Features) -> bool {
        features.value(self.feature).is_none_or(|value| self.is.contains(&value))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.feature, self.is.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purpose;

    const NEVER: Condition = Condition { feature: "early_100", is: &["never"] };

    #[test]
    fn what_is_unknown_may_hold() {
        let mut features = Features::default();
        assert!(NEVER.may_hold(&features));
        features.say("early_100", "allowed");
        assert!(!NEVER.may_hold(&features));
        features.say("early_100", "unknown");
        assert!(NEVER.may_hold(&features));
        assert_eq!(NEVER.to_string(), "early_100 = never");
    }

    #[test]
    fn the_reference_says_what_may_be_said() {
        for feature in ALL {
            assert!(feature.values.allow(feature.reference), "{}", feature.name);
        }
    }

    #[test]
    fn purposes_depend_on_features_that_there_are() {
        for purpose in purpose::ALL {
            for condition in purpose.applies {
                let feature = Feature::called(condition.feature);
                let feature = feature.unwrap_or_else(|| panic!("{}: {condition}", purpose.id));
                assert!(condition.is.iter().all(|value| feature.values.allow(value)));
            }
        }
    }
}
