//! Protocol numbers that a Next Header field names (RFC 8200 §3, IANA "Protocol Numbers").

/// Hop-by-Hop Options header.
pub const HOP_BY_HOP: u8 = 0;
/// TCP.
pub const TCP: u8 = 6;
/// UDP.
pub const UDP: u8 = 17;
/// An IPv6 packet: the inner one of a tunnel.
pub const IPV6: u8 = 41;
/// Routing header.
pub const ROUTING: u8 = 43;
/// Fragment header.
pub const FRAGMENT: u8 = 44;
/// Encapsulating Security Payload.
pub const ESP: u8 = 50;
/// Authentication Header.
pub const AH: u8 = 51;
/// ICMPv6.
pub const ICMPV6: u8 = 58;
/// Nothing follows.
pub const NONE: u8 = 59;
/// Destination Options header.
pub const DESTINATION: u8 = 60;
/// Mobility Header.
pub const MOBILITY: u8 = 135;

/// The protocol's name, as reports print it.
pub const fn name(protocol: u8) -> Option<&'static str> {
    Some(match protocol {
        HOP_BY_HOP => "hop-by-hop options",
        TCP => "TCP",
        UDP => "UDP",
        IPV6 => "IPv6",
        ROUTING => "routing header",
        FRAGMENT => "fragment header",
        ESP => "ESP",
        AH => "AH",
        ICMPV6 => "ICMPv6",
        NONE => "no next header",
        DESTINATION => "destination options",
        MOBILITY => "mobility header",
        _ => return None,
    })
}
