//! Misdeeds: what a node can be told to do wrong, so that a purpose can be seen to fail.
//!
//! They are compiled only with feature `misdeeds`. Each is declared once, with the row of the
//! catalogue that it breaks and the rows that fall with it.

use std::collections::BTreeSet;

use crate::build::ConfigError;

/// One misdeed, as declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// Which.
    pub misdeed: Misdeed,
    /// Its name for users: `ack-without-binding`.
    pub name: &'static str,
    /// The role that can do it.
    pub role: &'static str,
    /// The row that it breaks.
    pub breaks: &'static str,
    /// The sequences in which it shows: `s4`, `s4-tcp` …; a purpose's id where only a purpose sees it.
    pub shows_in: &'static [&'static str],
    /// The further rows that fall with it there.
    pub falls_with_it: &'static [&'static str],
}

macro_rules! misdeeds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $role:literal, $breaks:literal, [$($shows:literal),*], [$($with:literal),*];)+) => {
        /// What a node can be told to do wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Misdeed {
            $($(#[doc = $doc])+ $variant,)+
        }

        /// Every misdeed, the one list.
        pub const ALL: &[Declared] = &[
            $(Declared {
                misdeed: Misdeed::$variant,
                name: $name,
                role: $role,
                breaks: $breaks,
                shows_in: &[$($shows),*],
                falls_with_it: &[$($with),*],
            },)+
        ];
    };
}

misdeeds! {
    /// Answers status 0 to a Binding Update and binds nothing.
    AckWithoutBinding = "ack-without-binding", "home-agent", "CL-REG-02", ["CL-REG-02", "s1"], ["CL-INT-03"];

    /// Sends the first media packets to the home address although it is bound.
    FirstPacketsThroughHomeAgent = "first-packets-through-home-agent", "correspondent", "CL-RO-06", ["CL-RO-06", "s4"], ["CL-RO-07"];
    /// Sends a few packets in the middle of a call to the home address.
    PathSwitch = "path-switch", "correspondent", "CL-RO-07", ["s4"], ["CL-RO-06"];
    /// Goes on sending to the care-of address of the first Binding Update.
    KeepsOldCareOf = "keeps-old-care-of", "correspondent", "CL-RO-27", ["s7"], [];
    /// Acknowledges a renewal and lets the binding run out at its old end.
    RefreshWithoutEffect = "refresh-without-effect", "correspondent", "CL-RO-28", ["CL-RO-28"], [];
    /// Sends its INVITE to the home address, not to the SIP server.
    CallsHomeAddress = "calls-home-address", "correspondent", "CL-INT-11", ["s2"], [];
    /// Sends its INVITE to the home agent, not to the SIP server.
    CallsHomeAgent = "calls-home-agent", "correspondent", "CL-INT-11", ["s2"], [];
    /// Sends a second copy of its INVITE to the home address.
    SecondInviteCopy = "second-invite-copy", "correspondent", "CL-INT-12", ["s4"], ["CL-INT-11", "CL-RO-02", "CL-RO-18"];
    /// Notifies SIP servers of a home address the first time only, not at refreshes.
    NotifiesOnlyOnce = "notifies-only-once", "home-agent", "CL-REG-06", ["s5"], [];
    /// Names another home agent in its notifications.
    NamesAnotherHomeAgent = "names-another-home-agent", "home-agent", "CL-REG-06", ["s5"], [];
    /// Sends a notification once, whether it arrives or not.
    NotifiesWithoutRetry = "notifies-without-retry", "home-agent", "CL-REG-07", [], [];
    /// Sends the notification before the Binding Acknowledgement.
    NotifiesBeforeAcknowledging = "notifies-before-acknowledging", "home-agent", "CL-REG-07", ["s5"], [];
    /// Does not tell SIP servers that a binding changed or is gone.
    KeepsChangesToItself = "keeps-changes-to-itself", "home-agent", "CL-REG-08", ["s5"], [];
    /// Answers Neighbour Solicitations for no home address.
    NoProxyAdvertisement = "no-proxy-advertisement", "home-agent", "CL-INT-02", ["s2"], ["CL-REG-02"];
    /// Alters the packet that it tunnels.
    AltersTheInnerPacket = "alters-the-inner-packet", "home-agent", "CL-INT-03", ["s2"], [];
    /// Tunnels from an address that is not its own.
    TunnelsFromAnotherAddress = "tunnels-from-another-address", "home-agent", "CL-INT-03", ["s2"], ["CL-REG-02"];
    /// Drops what does not fit into the tunnel without a word.
    BlackHole = "black-hole", "home-agent", "CL-INT-04", ["s3"], [];
    /// Says Packet Too Big with less than every link takes.
    TooBigBelowTheMinimum = "too-big-below-the-minimum", "home-agent", "CL-INT-04", ["s3"], [];
    /// Goes on tunnelling after the binding is gone.
    TunnelsToTheLastCareOfAddress = "tunnels-to-the-last-care-of-address", "home-agent", "CL-INT-05", ["CL-INT-05"], [];
    /// Forwards whatever is tunnelled to it, from wherever.
    OpenRelay = "open-relay", "home-agent", "CL-INT-08", [], [];
    /// Tells the whole lifetime of a binding, not what remains.
    TellsTheFullLifetime = "tells-the-full-lifetime", "home-agent", "CL-DST-05", ["s5"], [];
    /// Does not answer queries.
    SilentToQueries = "silent-to-queries", "home-agent", "CL-DST-06", [], [];
    /// Answers a query for an unregistered home address with an address that nobody has.
    InventsACareOfAddress = "invents-a-care-of-address", "home-agent", "CL-DST-06", [], [];
    /// Answers queries whoever they come from.
    AnswersAnyQuery = "answers-any-query", "home-agent", "CL-DST-07", [], [];
    /// Binds an identifier to the source of its REGISTER, not to the Contact.
    BindsThePacketSource = "binds-the-packet-source", "sip-server", "CL-REG-04", [], [];
    /// Binds an identifier to the Via of its REGISTER, not to the Contact.
    BindsTheVia = "binds-the-via", "sip-server", "CL-REG-04", [], [];
    /// Drops a notification about a home address that no identifier is bound to yet.
    ForgetsEarlyNotifications = "forgets-early-notifications", "sip-server", "CL-REG-11", ["s5"], ["CL-DST-01"];
    /// Sends an INVITE to the care-of address without a tunnel; where it knows none, to a neighbour.
    SendsToTheCareOfAddressPlainly = "sends-to-the-care-of-address-plainly", "sip-server", "CL-INT-01", ["s2"], [];
    /// Forwards responses with its own Via still on top.
    KeepsItsVia = "keeps-its-via", "sip-server", "CL-INT-10", ["s2"], [];
    /// Alters the session description in responses.
    AltersTheBody = "alters-the-body", "sip-server", "CL-INT-10", ["s2"], [];
    /// Sends a second copy of an INVITE to a neighbour of the home address.
    SendsASecondCopy = "sends-a-second-copy", "sip-server", "CL-INT-12", ["s2"], [];
    /// Does not tell the caller that it is trying.
    SaysNoTrying = "says-no-trying", "sip-server", "CL-INT-13", ["s2"], [];
    /// Sends a CANCEL before any provisional response.
    CancelsIntoSilence = "cancels-into-silence", "sip-server", "CL-RO-17", ["s9"], [];
    /// Asks where the terminal is and sends to the home address all the same.
    IgnoresBindings = "ignores-bindings", "sip-server", "CL-DST-01", ["s5"], ["CL-REG-11"];
    /// Tunnels to the home address.
    TunnelsToTheHomeAddress = "tunnels-to-the-home-address", "sip-server", "CL-DST-01", ["s5"], ["CL-DST-02"];
    /// Asks nobody and makes a care-of address up.
    GuessesCareOfAddresses = "guesses-care-of-addresses", "sip-server", "CL-DST-02", ["s5"], ["CL-DST-01"];
    /// Asks the first home agent of its configuration, whosever home address it is.
    AsksTheFirstHomeAgent = "asks-the-first-home-agent", "sip-server", "CL-DST-03", ["s5-two-home-agents"], ["CL-DST-01"];
    /// Asks every home agent for a home address that none has notified.
    AsksEverybody = "asks-everybody", "sip-server", "CL-DST-04", [], [];
    /// Sends no INVITE to a home address that no home agent has notified.
    FailsWithoutNotification = "fails-without-notification", "sip-server", "CL-DST-04", [], [];
    /// Takes notifications, replies and changes for genuine whoever sends them.
    BelievesForgedLookups = "believes-forged-lookups", "sip-server", "CL-DST-08", ["CL-DST-08"], [];
    /// Counts complaints about queries that were never sent.
    SwitchedOffByStrangers = "switched-off-by-strangers", "sip-server", "CL-DST-08", ["CL-DST-08"], [];
    /// Goes on sending to a care-of address where nobody answers.
    NeverFallsBack = "never-falls-back", "sip-server", "CL-DST-11", [], [];
    /// Holds an INVITE until the home agent answers, however long that takes.
    WaitsForTheHomeAgent = "waits-for-the-home-agent", "sip-server", "CL-DST-12", [], [];
    /// Loses what has to be cut to fit the path.
    LosesLargePackets = "loses-large-packets", "sip-server", "CL-DST-14", [], [];
    /// Goes on using the first care-of address that it was told.
    KeepsTheFirstCareOfAddress = "keeps-the-first-care-of-address", "sip-server", "CL-DST-15", ["s5"], ["CL-DST-01", "CL-DST-02"];
    /// Believes any home agent about any home address.
    TrustsForeignHomeAgents = "trusts-foreign-home-agents", "sip-server", "CL-DST-16", [], [];
    /// Never tunnels again once it was restarted.
    NeverDirectAfterRestart = "never-direct-after-restart", "sip-server", "CL-DST-17", [], [];
    /// Sends a CANCEL and the acknowledgement of a refusal to the home address, its INVITE not.
    CancelsByAnotherWay = "cancels-by-another-way", "sip-server", "CL-DST-18", [], [];
}

/// What one node is to do wrong.
#[derive(Debug, Clone, Default)]
pub struct Misdeeds {
    chosen: BTreeSet<Misdeed>,
}

impl Misdeeds {
    /// The misdeeds of `role` called `names`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Misdeed`] for a name that the role does not have, and for any name in a build
    /// without the feature.
    pub fn named(role: &str, names: &[String]) -> Result<Self, ConfigError> {
        let mut chosen = BTreeSet::new();
        for name in names {
            if !cfg!(feature = "misdeeds") {
                let why =
                    format!("misdeed {name}: this build has none; build with --features misdeeds");
                return Err(ConfigError::Misdeed(why));
            }
            let of_role = || ALL.iter().filter(|declared| declared.role == role);
            let Some(found) = of_role().find(|declared| declared.name == name) else {
                let known: Vec<&str> = of_role().map(|declared| declared.name).collect();
                let why = format!("no misdeed {name:?} of {role}; known are: {}", known.join(", "));
                return Err(ConfigError::Misdeed(why));
            };
            chosen.insert(found.misdeed);
        }
        Ok(Self { chosen })
    }

    /// Whether the node does `misdeed`; never in a build without the feature.
    pub fn does(&self, misdeed: Misdeed) -> bool {
        cfg!(feature = "misdeeds") && self.chosen.contains(&misdeed)
    }
}
