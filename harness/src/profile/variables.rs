//! The environment variables by which a device's command lines are told what a case wants.

/// A variable's name, and what it says.
pub const VARIABLES: &[(&str, &str)] = &[
    ("ROAMPROOF_ROLE", "the role that the device plays in this case"),
    ("ROAMPROOF_INTERFACE", "the first of its interfaces over which it plays it"),
    ("ROAMPROOF_INTERFACES", "all of them, separated by spaces"),
    ("ROAMPROOF_MAC", "the link-layer address that the testers send to"),
    (
        "ROAMPROOF_ADDRESS",
        "its own IPv6 address, /64; not for a mobile terminal, which makes its own",
    ),
    ("ROAMPROOF_PREFIX", "the /64 prefix of its link"),
    (
        "ROAMPROOF_ROUTER",
        "the link-local address of its default router; a mobile terminal hears of it",
    ),
    ("ROAMPROOF_HOME_ADDRESS", "the mobile terminal's home address"),
    ("ROAMPROOF_HOME_PREFIX", "the /64 prefix of the home link"),
    ("ROAMPROOF_HOME_AGENT", "the home agent's address"),
    ("ROAMPROOF_SIP_SERVER", "the SIP server's address"),
    ("ROAMPROOF_CORRESPONDENT", "the correspondent's address"),
    ("ROAMPROOF_DOMAIN", "the SIP domain"),
    ("ROAMPROOF_IDENTIFIER", "the SIP identifier of a terminal: sip:mt@example.com"),
    (
        "ROAMPROOF_DIRECT",
        "yes: SIP server and home agents speak binding lookup, for direct tunnels",
    ),
    ("ROAMPROOF_TRANSPORT", "udp or tcp: what a terminal's SIP goes over"),
    (
        "ROAMPROOF_ANSWER_AFTER_MS",
        "milliseconds a terminal rings before it answers; empty: until told",
    ),
    ("ROAMPROOF_BUSY", "yes: a terminal refuses every call as busy"),
    ("ROAMPROOF_MOBILE_IPV6", "no: a correspondent knows no Mobile IPv6"),
    ("ROAMPROOF_MEDIA_ADDRESS", "where a correspondent's media comes from; empty: its own address"),
    ("ROAMPROOF_FOLDER", "a folder of this case's own, for whatever the device writes"),
    ("ROAMPROOF_CONFIG", "a file with the configuration, TOML, of a reference node in its place"),
    ("ROAMPROOF_SEED", "a number that differs from round to round"),
    ("ROAMPROOF_PROGRAM", "this program"),
    ("ROAMPROOF_TRIGGER", "triggers only: which one"),
    (
        "ROAMPROOF_LINK",
        "triggers only: the link that the device is plugged into; empty before the first",
    ),
    ("ROAMPROOF_CALLED", "the trigger call only: the SIP identifier to call"),
];
