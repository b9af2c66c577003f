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
    /// What it does, as one sentence.
    pub does: &'static str,
    /// The role that can do it.
    pub role: &'static str,
    /// The row that it breaks.
    pub breaks: &'static str,
    /// The sequences in which it shows: `s4`, `s4-tcp` …; none where it takes a purpose to see it.
    /// Which purposes catch it is nowhere written down: the kill matrix finds out.
    pub shows_in: &'static [&'static str],
    /// The further rows that cannot but fall with it, in those sequences and wherever a purpose judges
    /// them: few, or it proves nothing.
    pub falls_with_it: &'static [&'static str],
}

/// A flaw: a misdeed that breaks no row by itself, for a fuzzer to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flaw {
    /// Which.
    pub misdeed: Misdeed,
    /// Its name for users: `never-cancels-a-query-timer`.
    pub name: &'static str,
    /// What it does, as one sentence.
    pub does: &'static str,
    /// The role that can do it.
    pub role: &'static str,
}

macro_rules! misdeeds {
    (
        $($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $role:literal, $breaks:literal, [$($shows:literal),*], [$($with:literal),*];)+
        flaws: $($(#[doc = $flaw_doc:literal])+ $flaw:ident = $flaw_name:literal, $flaw_role:literal;)+
    ) => {
        /// What a node can be told to do wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Misdeed {
            $($(#[doc = $doc])+ $variant,)+
            $($(#[doc = $flaw_doc])+ $flaw,)+
        }

        /// Every flaw.
        pub const FLAWS: &[Flaw] = &[
            $(Flaw {
                misdeed: Misdeed::$flaw,
                name: $flaw_name,
                does: concat!($($flaw_doc),+),
                role: $flaw_role,
            },)+
        ];

        /// Every misdeed that breaks a row, the one list.
        pub const ALL: &[Declared] = &[
            $(Declared {
                misdeed: Misdeed::$variant,
                name: $name,
                does: concat!($($doc),+),
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
    AckWithoutBinding = "ack-without-binding", "home-agent", "CL-REG-02", ["s1"], ["CL-INT-03"];

    /// Sends the first media packets to the home address although it is bound.
    FirstPacketsThroughHomeAgent = "first-packets-through-home-agent", "correspondent", "CL-RO-06", ["s4"], ["CL-RO-07"];
    /// Sends a few packets in the middle of a call to the home address.
    PathSwitch = "path-switch", "correspondent", "CL-RO-07", ["s4"], ["CL-RO-06"];
    /// Goes on sending to the care-of address of the first Binding Update.
    KeepsOldCareOf = "keeps-old-care-of", "correspondent", "CL-RO-27", ["s7"], [];
    /// Acknowledges a renewal and lets the binding run out at its old end.
    RefreshWithoutEffect = "refresh-without-effect", "correspondent", "CL-RO-28", ["s4-long"], ["CL-RO-07"];
    /// Sends its INVITE to the home address, not to the SIP server.
    CallsHomeAddress = "calls-home-address", "correspondent", "CL-INT-11", ["s2"], ["CL-INT-12"];
    /// Sends its INVITE to the home agent, not to the SIP server.
    CallsHomeAgent = "calls-home-agent", "correspondent", "CL-INT-11", ["s2"], ["CL-INT-12"];
    /// Sends a second copy of its INVITE to the home address.
    SecondInviteCopy = "second-invite-copy", "correspondent", "CL-INT-12", ["s4"], ["CL-INT-11", "CL-RO-02", "CL-RO-18"];
    /// Answers test inits with another cookie.
    AltersCookies = "alters-cookies", "correspondent", "CN-RR-01", [], [];
    /// Answers test inits that carry a Home Address option.
    AnswersTestsByBinding = "answers-tests-by-binding", "correspondent", "CN-RR-03", [], [];
    /// Gives a care-of token that is the home token of the same address.
    OneTokenForBothTests = "one-token-for-both-tests", "correspondent", "CN-RR-05", [], [];
    /// Does not answer updates with nonces that it never gave out.
    SilentToUnknownNonces = "silent-to-unknown-nonces", "correspondent", "CN-RR-19", [], [];
    /// Does not look at the authenticator of an update.
    SkipsTheAuthenticator = "skips-the-authenticator", "correspondent", "CN-RR-12", [], [];
    /// Knows nothing of a binding that was removed.
    ForgetsRemovedBindings = "forgets-removed-bindings", "correspondent", "CN-RR-28", [], [];
    /// Sends Binding Acknowledgements that nothing proves.
    AcknowledgesWithoutProof = "acknowledges-without-proof", "correspondent", "CN-BU-01", [], [];
    /// Grants whatever lifetime is asked for.
    GrantsAnyLifetime = "grants-any-lifetime", "correspondent", "CN-BU-04", [], [];
    /// Keeps a binding beyond its lifetime.
    KeepsBindingsForEver = "keeps-bindings-for-ever", "correspondent", "CN-BU-05", [], [];
    /// Takes updates whatever their sequence number.
    TakesAnySequence = "takes-any-sequence", "correspondent", "CN-BU-10", [], [];
    /// Compares sequence numbers as if they had no wrap.
    ComparesSequencesPlainly = "compares-sequences-plainly", "correspondent", "CN-BU-09", [], [];
    /// Answers updates without nonce indices.
    AnswersWithoutNonces = "answers-without-nonces", "correspondent", "CN-BU-14", [], [];
    /// Takes updates without authorization.
    BindsWithoutAuthorization = "binds-without-authorization", "correspondent", "CN-BU-15", [], [];
    /// Does not answer home registrations.
    SilentToHomeRegistrations = "silent-to-home-registrations", "correspondent", "CN-BU-17", [], [];
    /// Acknowledges that a binding is removed and keeps it.
    KeepsRemovedBindings = "keeps-removed-bindings", "correspondent", "CN-BU-29", [], [];
    /// Takes a Home Address option that is bound, from wherever.
    TakesHomeAddressesFromAnywhere = "takes-home-addresses-from-anywhere", "correspondent", "CN-HAO-03", [], [];
    /// Tells that there is no binding and takes the packet all the same.
    TakesUnboundHomeAddresses = "takes-unbound-home-addresses", "correspondent", "CN-HAO-01", [], [];
    /// Answers echoes past the binding.
    AnswersEchoesPlainly = "answers-echoes-plainly", "correspondent", "CN-HAO-02", [], [];
    /// Takes packets by a type 2 routing header although it is no mobile node.
    TakesRoutingHeaders = "takes-routing-headers", "correspondent", "CN-RH2-05", [], [];
    /// Does not answer mobility messages of unknown types.
    SilentToUnknownTypes = "silent-to-unknown-types", "correspondent", "MH-IN-02", [], [];
    /// Notifies SIP servers of a home address the first time only, not at refreshes.
    NotifiesOnlyOnce = "notifies-only-once", "home-agent", "CL-REG-06", ["s5"], [];
    /// Names another home agent in its notifications.
    NamesAnotherHomeAgent = "names-another-home-agent", "home-agent", "CL-REG-06", ["s5"], ["CL-DST-01", "CL-DST-15", "CL-REG-11"];
    /// Sends a notification once, whether it arrives or not.
    NotifiesWithoutRetry = "notifies-without-retry", "home-agent", "CL-REG-07", ["s5-lost-notice"], ["CL-REG-11"];
    /// Sends the notification before the Binding Acknowledgement.
    NotifiesBeforeAcknowledging = "notifies-before-acknowledging", "home-agent", "CL-REG-07", ["s5"], [];
    /// Proves its notifications by a key that nobody has.
    NotifiesWithoutProof = "notifies-without-proof", "home-agent", "CL-REG-07", [], [];
    /// Goes on sending what was acknowledged.
    IgnoresAcknowledgements = "ignores-acknowledgements", "home-agent", "CL-REG-07", [], [];
    /// Does not tell SIP servers that a binding changed or is gone.
    KeepsChangesToItself = "keeps-changes-to-itself", "home-agent", "CL-REG-08", ["s5"], [];
    /// Tells that a binding is gone once, whether it arrives or not.
    TellsChangesOnce = "tells-changes-once", "home-agent", "CL-REG-08", [], [];
    /// Answers queries with the last care-of address after the binding is gone.
    KeepsAStaleEntry = "keeps-a-stale-entry", "home-agent", "CL-REG-08", [], [];
    /// Answers Neighbour Solicitations for no home address.
    NoProxyAdvertisement = "no-proxy-advertisement", "home-agent", "CL-INT-02", ["s2"], ["CL-REG-02"];
    /// Answers Neighbour Solicitations for every address of the home link.
    AnswersForEverybody = "answers-for-everybody", "home-agent", "CL-INT-02", [], [];
    /// Alters the packet that it tunnels.
    AltersTheInnerPacket = "alters-the-inner-packet", "home-agent", "CL-INT-03", ["s2"], [];
    /// Tunnels from an address that is not its own.
    TunnelsFromAnotherAddress = "tunnels-from-another-address", "home-agent", "CL-INT-03", ["s2"], ["CL-REG-02"];
    /// Drops what does not fit into the tunnel without a word.
    BlackHole = "black-hole", "home-agent", "CL-INT-04", ["s3"], [];
    /// Says Packet Too Big with less than every link takes.
    TooBigBelowTheMinimum = "too-big-below-the-minimum", "home-agent", "CL-INT-04", ["s3"], [];
    /// Goes on tunnelling after the binding is gone.
    TunnelsToTheLastCareOfAddress = "tunnels-to-the-last-care-of-address", "home-agent", "CL-INT-05", [], [];
    /// Forwards whatever is tunnelled to it, from wherever.
    OpenRelay = "open-relay", "home-agent", "CL-INT-08", [], [];
    /// Tunnels a second copy of each packet to another address.
    CopiesToAnotherAddress = "copies-to-another-address", "home-agent", "CL-INT-12", [], [];
    /// Loses what a terminal tunnels for a SIP server that asks for care-of addresses.
    LosesResponses = "loses-responses", "home-agent", "CL-DST-13", [], [];
    /// Tells the whole lifetime of a binding, not what remains.
    TellsTheFullLifetime = "tells-the-full-lifetime", "home-agent", "CL-DST-05", ["s5"], [];
    /// Answers queries with the first care-of address after a handover.
    TellsTheFirstCareOfAddress = "tells-the-first-care-of-address", "home-agent", "CL-DST-05", [], [];
    /// Does not answer queries.
    SilentToQueries = "silent-to-queries", "home-agent", "CL-DST-06", [], [];
    /// Answers a query for an unregistered home address with an address that nobody has.
    InventsACareOfAddress = "invents-a-care-of-address", "home-agent", "CL-DST-06", [], [];
    /// Answers queries whoever they come from.
    AnswersAnyQuery = "answers-any-query", "home-agent", "CL-DST-07", [], [];
    /// Acknowledges home registrations only where that is asked for.
    AcknowledgesOnlyIfAsked = "acknowledges-only-if-asked", "home-agent", "HA-BU-02", [], [];
    /// Grants a longer lifetime than was asked for.
    GrantsMoreThanAsked = "grants-more-than-asked", "home-agent", "HA-BU-03", [], [];
    /// Compares the sequence numbers of registrations as if they had no wrap.
    MisreadsTheWrap = "misreads-the-wrap", "home-agent", "HA-BU-25", [], [];
    /// Takes registrations whatever their sequence number.
    TakesOldRegistrations = "takes-old-registrations", "home-agent", "HA-BU-26", [], [];
    /// Goes on tunnelling to the first care-of address after a handover.
    TunnelsToThePlaceBefore = "tunnels-to-the-place-before", "home-agent", "HA-BU-30", [], [];
    /// Does not look at the authenticator of a registration.
    BelievesAnyMobileNode = "believes-any-mobile-node", "home-agent", "HA-AUT-03", [], [];
    /// Answers registrations that name an association that there is not.
    AnswersUnknownAssociations = "answers-unknown-associations", "home-agent", "HA-AUT-04", [], [];
    /// Binds a home address without asking whether somebody has it.
    DetectsNoDuplicates = "detects-no-duplicates", "home-agent", "HA-DAD-01", [], [];
    /// Binds a home address that somebody else has.
    IgnoresConflicts = "ignores-conflicts", "home-agent", "HA-DAD-04", [], [];
    /// Asks at each refresh anew whether somebody has the home address.
    DetectsAtEachRefresh = "detects-at-each-refresh", "home-agent", "HA-DAD-07", [], [];
    /// Tells the home link nothing of a registration.
    AnnouncesNothing = "announces-nothing", "home-agent", "HA-ND-01", [], [];
    /// Answers no Neighbour Solicitation that goes to the home address itself.
    IgnoresWhoAsksAlone = "ignores-who-asks-alone", "home-agent", "HA-ND-05", [], [];
    /// Lets others take the home address of a terminal that is away.
    DoesNotDefend = "does-not-defend", "home-agent", "HA-ND-06", [], [];
    /// Goes on answering for a home address whose binding has run out.
    DefendsAfterTheEnd = "defends-after-the-end", "home-agent", "HA-ND-12", [], [];
    /// Goes on answering for a home address whose binding was taken back.
    DefendsAfterRemoval = "defends-after-removal", "home-agent", "HA-DER-09", [], [];
    /// Accepts that a registration is taken back that there was not.
    AcceptsAnyRemoval = "accepts-any-removal", "home-agent", "HA-DER-05", [], [];
    /// Sends its own answers to a home address past its binding.
    AnswersPastTheBinding = "answers-past-the-binding", "home-agent", "HA-FWD-03", [], [];
    /// Drops what may cross no more routers without a word.
    SilentToSpentHopLimits = "silent-to-spent-hop-limits", "home-agent", "HA-FWD-18", [], [];
    /// Does not answer mobility messages of unknown types.
    SaysNothingOfUnknownTypes = "says-nothing-of-unknown-types", "home-agent", "MH-IN-02", [], [];
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
    AltersTheBody = "alters-the-body", "sip-server", "CL-INT-10", ["s4"], [];
    /// Sends a second copy of an INVITE to a neighbour of the home address.
    SendsASecondCopy = "sends-a-second-copy", "sip-server", "CL-INT-12", ["s4"], ["CL-INT-01"];
    /// Does not tell the caller that it is trying.
    SaysNoTrying = "says-no-trying", "sip-server", "CL-INT-13", ["s2"], [];
    /// Sends a CANCEL before any provisional response.
    CancelsIntoSilence = "cancels-into-silence", "sip-server", "CL-RO-17", ["s9"], [];
    /// Answers a CANCEL and never sends one.
    KeepsTheCancel = "keeps-the-cancel", "sip-server", "CL-RO-17", [], [];
    /// Does not tell the caller that a call was answered which it had cancelled.
    SwallowsLateAnswers = "swallows-late-answers", "sip-server", "CL-RO-17", [], [];
    /// Asks where the terminal is and sends to the home address all the same.
    IgnoresBindings = "ignores-bindings", "sip-server", "CL-DST-01", ["s5"], ["CL-DST-15", "CL-REG-11"];
    /// Tunnels to the home address.
    TunnelsToTheHomeAddress = "tunnels-to-the-home-address", "sip-server", "CL-DST-01", ["s5"], ["CL-DST-02", "CL-INT-06"];
    /// Asks nobody and makes a care-of address up.
    GuessesCareOfAddresses = "guesses-care-of-addresses", "sip-server", "CL-DST-02", ["s5"], ["CL-DST-01", "CL-DST-15"];
    /// Goes on using a care-of address beyond its lifetime.
    UsesExpiredBindings = "uses-expired-bindings", "sip-server", "CL-DST-02", [], [];
    /// Uses a care-of address that the home agent told with no lifetime.
    UsesBindingsOfNoLifetime = "uses-bindings-of-no-lifetime", "sip-server", "CL-DST-02", [], [];
    /// Asks the first home agent of its configuration, whosever home address it is.
    AsksTheFirstHomeAgent = "asks-the-first-home-agent", "sip-server", "CL-DST-03", ["s5-two-agents"], ["CL-DST-01", "CL-DST-05", "CL-REG-11"];
    /// Asks every home agent for a home address that none has notified.
    AsksEverybody = "asks-everybody", "sip-server", "CL-DST-04", [], [];
    /// Sends no INVITE to a home address that no home agent has notified.
    FailsWithoutNotification = "fails-without-notification", "sip-server", "CL-DST-04", [], [];
    /// Takes notifications, replies and changes for genuine whoever sends them.
    BelievesForgedLookups = "believes-forged-lookups", "sip-server", "CL-DST-08", [], [];
    /// Counts complaints about queries that were never sent.
    SwitchedOffByStrangers = "switched-off-by-strangers", "sip-server", "CL-DST-08", [], [];
    /// Goes on sending to a care-of address where nobody answers.
    NeverFallsBack = "never-falls-back", "sip-server", "CL-DST-11", [], [];
    /// Gives a tunnel up although the home agent has confirmed its care-of address.
    DoubtsTheHomeAgent = "doubts-the-home-agent", "sip-server", "CL-DST-11", [], [];
    /// Holds an INVITE until the home agent answers, however long that takes.
    WaitsForTheHomeAgent = "waits-for-the-home-agent", "sip-server", "CL-DST-12", [], [];
    /// Drops what a terminal answers to an INVITE that went in the tunnel.
    DropsDirectResponses = "drops-direct-responses", "sip-server", "CL-DST-13", [], [];
    /// Loses what has to be cut to fit the path.
    LosesLargePackets = "loses-large-packets", "sip-server", "CL-DST-14", [], [];
    /// Does not send an INVITE into the tunnel for which TCP would be needed.
    LosesLargeInvites = "loses-large-invites", "sip-server", "CL-DST-14", [], [];
    /// Goes on using the first care-of address that it was told.
    KeepsTheFirstCareOfAddress = "keeps-the-first-care-of-address", "sip-server", "CL-DST-15", ["s5"], ["CL-DST-01", "CL-DST-02", "CL-DST-09"];
    /// Believes any home agent about any home address.
    TrustsForeignHomeAgents = "trusts-foreign-home-agents", "sip-server", "CL-DST-16", [], [];
    /// Never tunnels again once it was restarted.
    NeverDirectAfterRestart = "never-direct-after-restart", "sip-server", "CL-DST-17", [], [];
    /// Sends a CANCEL and the acknowledgement of a refusal to the home address, its INVITE not.
    CancelsByAnotherWay = "cancels-by-another-way", "sip-server", "CL-DST-18", ["s5-cancel"], [];
    /// Sends requests in a dialog to the home address although it knows the care-of address.
    SendsDialogsHome = "sends-dialogs-home", "sip-server", "CL-DST-18", [], [];
    /// Answers no terminal of which it knows the care-of address.
    AnswersNoBoundTerminal = "answers-no-bound-terminal", "sip-server", "CL-DST-18", [], [];
    /// Leaves the Home Address option out of the Binding Update to the home agent.
    OmitsHomeAddressOption = "omits-home-address-option", "mobile-terminal", "CL-REG-01", ["s1"], [];
    /// Registers a home address that is not its own.
    UpdatesForAnotherHomeAddress = "updates-for-another-home-address", "mobile-terminal", "CL-REG-01", ["s1"], [];
    /// Registers its care-of address as contact with the SIP server.
    RegistersCareOfAddress = "registers-care-of-address", "mobile-terminal", "CL-REG-03", ["s1"], ["CL-RO-25"];
    /// Sends REGISTER from the care-of address, outside of the tunnel.
    RegistersOutsideTunnel = "registers-outside-tunnel", "mobile-terminal", "CL-REG-03", ["s1"], ["CL-RO-25"];
    /// Registers the new care-of address with the SIP server after a handover.
    RegistersAgainAfterHandover = "registers-again-after-handover", "mobile-terminal", "CL-REG-05", ["s7"], ["CL-REG-03", "CL-RO-25"];
    /// Does not tell the home agent of a handover.
    NoUpdateAfterHandover = "no-update-after-handover", "mobile-terminal", "CL-REG-05", ["s7"], ["CL-RO-27"];
    /// Registers its home address as care-of address while at home.
    UpdatesAtHome = "updates-at-home", "mobile-terminal", "CL-REG-09", ["s8"], [];
    /// Has another identifier after a power cycle.
    ChangesIdentifier = "changes-identifier", "mobile-terminal", "CL-REG-10", ["s3"], ["CL-REG-03"];
    /// Registers nothing after a power cycle until it is at home.
    WaitsForHome = "waits-for-home", "mobile-terminal", "CL-REG-10", ["s3"], [];
    /// Ignores an INVITE that comes through the tunnel.
    IgnoresTunnelledInvite = "ignores-tunnelled-invite", "mobile-terminal", "CL-INT-06", ["s2"], [];
    /// Answers a tunnelled INVITE with an ICMPv6 error, although it takes it.
    AnswersTunnelWithError = "answers-tunnel-with-error", "mobile-terminal", "CL-INT-06", ["s2"], [];
    /// Ignores what comes in a tunnel with a Tunnel Encapsulation Limit.
    IgnoresLimitedTunnel = "ignores-limited-tunnel", "mobile-terminal", "CL-INT-06", [], [];
    /// Takes packets out of a tunnel from anywhere.
    AcceptsAnyTunnel = "accepts-any-tunnel", "mobile-terminal", "CL-INT-07", [], [];
    /// Sends responses straight to the caller.
    RespondsToCaller = "responds-to-caller", "mobile-terminal", "CL-INT-09", ["s6"], ["CL-INT-12"];
    /// Sends responses from the care-of address, outside of the tunnel.
    RespondsFromCareOfAddress = "responds-from-care-of-address", "mobile-terminal", "CL-INT-09", ["s2"], [];
    /// Sends a second copy of each response straight to the caller.
    SecondResponseCopy = "second-response-copy", "mobile-terminal", "CL-INT-12", [], [];
    /// Sends 180 before the route is optimized.
    RingsBeforeOptimization = "rings-before-optimization", "mobile-terminal", "CL-RO-01", ["s4"], ["CL-RO-02"];
    /// Sends 200 before the route is optimized.
    AnswersBeforeOptimization = "answers-before-optimization", "mobile-terminal", "CL-RO-01", ["s4"], ["CL-RO-02", "CL-RO-07"];
    /// Sends 100 before the route is optimized.
    TriesBeforeOptimization = "tries-before-optimization", "mobile-terminal", "CL-RO-01", ["s4"], ["CL-RO-02"];
    /// Answers without optimizing the route at all.
    NeverOptimizes = "never-optimizes", "mobile-terminal", "CL-RO-01", ["s4"], ["CL-RO-02"];
    /// Optimizes the route to the contact although the offer names another address.
    OptimizesContact = "optimizes-contact", "mobile-terminal", "CL-RO-02", ["s4"], ["CL-RO-01"];
    /// Optimizes the route to an address of a Via.
    OptimizesVia = "optimizes-via", "mobile-terminal", "CL-RO-02", ["s4"], ["CL-RO-01"];
    /// Optimizes the route to the session's address although the stream has one of its own.
    OptimizesSessionAddress = "optimizes-session-address", "mobile-terminal", "CL-RO-02", [], [];
    /// Optimizes the route to the first of several addresses and to no other.
    OptimizesFirstAddressOnly = "optimizes-first-address-only", "mobile-terminal", "CL-RO-02", [], [];
    /// Waits 1.5 s for the optimization and no longer.
    AnswersAfter1500Ms = "answers-after-1500-ms", "mobile-terminal", "CL-RO-03", [], [];
    /// Waits for the whole budget although the route is optimized.
    WaitsForBudget = "waits-for-budget", "mobile-terminal", "CL-RO-03", [], [];
    /// Begins return routability anew for each copy of an INVITE.
    RepeatsReturnRoutability = "repeats-return-routability", "mobile-terminal", "CL-RO-04", [], [];
    /// Refuses a copy of an INVITE with 482.
    RefusesCopy = "refuses-copy", "mobile-terminal", "CL-RO-04", [], [];
    /// Takes a copy of an INVITE for a second call.
    MakesTwoCalls = "makes-two-calls", "mobile-terminal", "CL-RO-04", [], [];
    /// Sends media through the home agent although the route is optimized.
    MediaInTunnel = "media-in-tunnel", "mobile-terminal", "CL-RO-05", ["s4"], ["CL-RO-07"];
    /// Sends the first media packets through the home agent, the others directly.
    FirstMediaInTunnel = "first-media-in-tunnel", "mobile-terminal", "CL-RO-07", ["s4"], ["CL-RO-05"];
    /// Sends a few media packets in mid-call through the home agent.
    MediaPathSwitch = "media-path-switch", "mobile-terminal", "CL-RO-07", ["s4"], ["CL-RO-05"];
    /// Begins return routability while at home.
    OptimizesAtHome = "optimizes-at-home", "mobile-terminal", "CL-RO-08", ["s8"], [];
    /// Answers on a binding that the other party said it has lost.
    AnswersAfterBindingLost = "answers-after-binding-lost", "mobile-terminal", "CL-RO-09", ["s4-binding-lost"], ["CL-RO-01"];
    /// Never answers a call whose route is optimized already.
    NeverAnswersOnFreshBinding = "never-answers-on-fresh-binding", "mobile-terminal", "CL-RO-09", [], [];
    /// Answers on a binding that has run out.
    AnswersOnExpiredBinding = "answers-on-expired-binding", "mobile-terminal", "CL-RO-10", ["s4-expired"], ["CL-RO-01"];
    /// Never answers a caller without Mobile IPv6.
    NeverAnswersWithoutMobility = "never-answers-without-mobility", "mobile-terminal", "CL-RO-11", ["s6"], [];
    /// Never answers a caller that refuses to bind it.
    NeverAnswersWhereRefused = "never-answers-where-refused", "mobile-terminal", "CL-RO-11", [], [];
    /// Sends each message of the optimization once.
    TriesOnce = "tries-once", "mobile-terminal", "CL-RO-12", ["s4-silent"], [];
    /// Waits for the optimization for 33 s.
    AnswersAfterTimerB = "answers-after-timer-b", "mobile-terminal", "CL-RO-12", ["s4-silent"], [];
    /// Forgets that a correspondent may hold a binding it never acknowledged.
    ForgetsUnacknowledgedBinding = "forgets-unacknowledged-binding", "mobile-terminal", "CL-RO-12", [], [];
    /// Falls back to the tunnel when one message of the optimization is lost.
    GivesUpAtFirstLoss = "gives-up-at-first-loss", "mobile-terminal", "CL-RO-13", ["s9"], ["CL-RO-01"];
    /// Takes a refused Binding Update for an accepted one.
    TakesRefusalForAcceptance = "takes-refusal-for-acceptance", "mobile-terminal", "CL-RO-14", [], [];
    /// Checks neither authenticator nor sequence number of a Binding Acknowledgement.
    AcceptsAnyAcknowledgement = "accepts-any-acknowledgement", "mobile-terminal", "CL-RO-15", [], [];
    /// Does not look at the cookie of a Home Test.
    AcceptsAnyToken = "accepts-any-token", "mobile-terminal", "CL-RO-16", [], [];
    /// Falls back to the tunnel for an ICMPv6 error about nothing it sent.
    BelievesAnyError = "believes-any-error", "mobile-terminal", "CL-RO-16", [], [];
    /// Goes on optimizing for a call that was cancelled.
    UpdatesForDeadCall = "updates-for-dead-call", "mobile-terminal", "CL-RO-17", [], [];
    /// Answers a call although it was cancelled.
    AnswersCancelledCall = "answers-cancelled-call", "mobile-terminal", "CL-RO-17", ["s9"], [];
    /// Drops the route of a cancelled call although another call waits for it.
    AbandonsSharedRoute = "abandons-shared-route", "mobile-terminal", "CL-RO-17", [], [];
    /// Optimizes the route before it refuses a call.
    OptimizesBeforeRefusing = "optimizes-before-refusing", "mobile-terminal", "CL-RO-18", ["s2"], [];
    /// Names the care-of address before the handover to a correspondent.
    UpdatesWithOldCareOfAddress = "updates-with-old-care-of-address", "mobile-terminal", "CL-RO-19", ["s4-pending-handover"], [];
    /// Begins the budget of a call that waits anew at a handover.
    RestartsBudget = "restarts-budget", "mobile-terminal", "CL-RO-19", [], [];
    /// Responds twice after a handover.
    RespondsTwice = "responds-twice", "mobile-terminal", "CL-RO-19", ["s4-pending-handover"], [];
    /// Answers a second call from a caller whose first still waits.
    AnswersSecondCallEarly = "answers-second-call-early", "mobile-terminal", "CL-RO-20", [], [];
    /// Answers calls in the order in which they came, each only when those before it are answered.
    AnswersInOrder = "answers-in-order", "mobile-terminal", "CL-RO-21", [], [];
    /// Optimizes the route to whatever address an offer names.
    OptimizesAnyAddress = "optimizes-any-address", "mobile-terminal", "CL-RO-22", [], [];
    /// Answers an INVITE without an offer at once.
    NoOptimizationWithoutOffer = "no-optimization-without-offer", "mobile-terminal", "CL-RO-23", [], [];
    /// Optimizes the route to an address of a Via where there is no offer.
    OptimizesViaWithoutOffer = "optimizes-via-without-offer", "mobile-terminal", "CL-RO-23", [], [];
    /// Optimizes no route to the address in an answer that comes with the ACK.
    IgnoresAnswerInAck = "ignores-answer-in-ack", "mobile-terminal", "CL-RO-23", [], [];
    /// Answers OPTIONS, and BYE for no call, only when no response waits.
    AnswersOptionsLate = "answers-options-late", "mobile-terminal", "CL-RO-24", [], [];
    /// Gives up the optimization when OPTIONS, or BYE for no call, comes.
    AbortsOptimizationOnOptions = "aborts-optimization-on-options", "mobile-terminal", "CL-RO-24", [], [];
    /// Writes its care-of address into the session description.
    CareOfAddressInSdp = "care-of-address-in-sdp", "mobile-terminal", "CL-RO-25", ["s4"], [];
    /// Answers an offer within a call before the route to its new address is optimized.
    AnswersOfferAtOnce = "answers-offer-at-once", "mobile-terminal", "CL-RO-26", [], [];
    /// Sends media by the home agent before that has acknowledged the care-of address.
    MediaBeforeHomeAcknowledgement = "media-before-home-acknowledgement", "mobile-terminal", "CL-RO-27", [], [];
    /// Lets an UPDATE wait for its route as long as an INVITE.
    AnswersUpdateLate = "answers-update-late", "mobile-terminal", "CL-RO-26", [], [];
    /// Goes on with correspondents as if there had been no handover.
    MediaFromOldCareOfAddress = "media-from-old-care-of-address", "mobile-terminal", "CL-RO-27", ["s7"], [];
    /// Never refreshes a binding at a correspondent.
    NeverRefreshes = "never-refreshes", "mobile-terminal", "CL-RO-28", ["s4-long"], [];
    /// Takes no mobility messages of a peer while a call waits.
    GatesMobilityByCalls = "gates-mobility-by-calls", "mobile-terminal", "CL-RO-29", [], [];
    /// Does not optimize its route to a peer that has optimized its own, before the call is answered.
    NeverOptimizesBack = "never-optimizes-back", "mobile-terminal", "CL-RO-29", [], [];
    /// Never answers a call that it received away once it is back at home.
    NeverAnswersAfterReturn = "never-answers-after-return", "mobile-terminal", "CL-RO-30", [], [];
    /// Leaves its bindings at correspondents when it returns home.
    KeepsBindingAtHome = "keeps-binding-at-home", "mobile-terminal", "CL-RO-30", ["s7"], [];
    /// Drops an INVITE that comes before the home agent's acknowledgement.
    DropsEarlyInvite = "drops-early-invite", "mobile-terminal", "CL-RO-31", [], [];
    /// Updates a correspondent before the home agent has acknowledged.
    UpdatesBeforeHomeAcknowledgement =
        "updates-before-home-acknowledgement", "mobile-terminal", "CL-RO-31", [], [];
    /// Sends 180 before the route is optimized when SIP comes by TCP.
    RingsEarlyOnTcp = "rings-early-on-tcp", "mobile-terminal", "CL-RO-32", ["s4-tcp"], ["CL-RO-01"];
    /// Drops what the SIP server tunnels to it.
    RefusesServerTunnel = "refuses-server-tunnel", "mobile-terminal", "CL-DST-09", ["s5"], [];
    /// Takes packets of anybody out of the SIP server's tunnel.
    OpensServerTunnel = "opens-server-tunnel", "mobile-terminal", "CL-DST-10", [], [];
    /// Loses the responses to an INVITE that the SIP server tunnelled.
    LosesDirectResponses = "loses-direct-responses", "mobile-terminal", "CL-DST-13", [], [];

    flaws:
    /// Takes the route for optimized where a handover came between its update and the acknowledgement.
    PresumesBindingAfterHandover = "presumes-binding-after-handover", "mobile-terminal";
    /// Trusts the binding of a link that it left and is back at, whatever it asked for meanwhile.
    TrustsBindingOfBefore = "trusts-binding-of-before", "mobile-terminal";
    /// Stops asking a correspondent to forget its binding, at home, after a minute without an answer.
    LeavesBindingAtHome = "leaves-binding-at-home", "mobile-terminal";
    /// Renews its registration with the home agent four times a second.
    RenewsAllTheTime = "renews-all-the-time", "mobile-terminal";
    /// Keeps the routes of a call that is over before it was answered.
    KeepsRoutesOfDeadCalls = "keeps-routes-of-dead-calls", "mobile-terminal";
    /// Answers an update whose nonces it does not know twelve times.
    RepeatsRefusals = "repeats-refusals", "correspondent";
    /// Goes on sending media when a call is over.
    TalksOn = "talks-on", "correspondent";
    /// Does not take notice that a call is over.
    NeverEndsCalls = "never-ends-calls", "correspondent";
    /// Forgets every binding when one is removed.
    ForgetsOtherBindings = "forgets-other-bindings", "correspondent";
    /// Binds a home address where another is, whose duplicate address detection ends later.
    ConfusesMobileNodes = "confuses-mobile-nodes", "home-agent";
    /// Keeps every request that was cancelled.
    KeepsCancelledRequests = "keeps-cancelled-requests", "sip-server";
    /// Does not cancel the timer of a query that was answered at the second time.
    NeverCancelsQueryTimer = "never-cancels-a-query-timer", "sip-server";
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
            let flaw = FLAWS.iter().find(|flaw| (flaw.role, flaw.name) == (role, name.as_str()));
            if let Some(flaw) = flaw {
                chosen.insert(flaw.misdeed);
                continue;
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

    /// Whether the node does anything wrong; never in a build without the feature.
    pub fn any(&self) -> bool {
        cfg!(feature = "misdeeds") && !self.chosen.is_empty()
    }

    /// Whether the node does `misdeed`; never in a build without the feature.
    pub fn does(&self, misdeed: Misdeed) -> bool {
        cfg!(feature = "misdeeds") && self.chosen.contains(&misdeed)
    }
}
