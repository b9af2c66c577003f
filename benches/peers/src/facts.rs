//! What is read out of the INVITE: every field that route optimization and a dialog need.

use std::net::Ipv6Addr;

/// What a reader found, without text of its own, so that nobody pays for copying it here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Octets of the Request-URI's user; the method was INVITE.
    pub target_len: usize,
    /// Where a response goes: the topmost Via.
    pub via: (Ipv6Addr, u16),
    /// Octets of the topmost Via's branch.
    pub branch_len: usize,
    /// Octets of From's user and of its tag.
    pub from_len: (usize, usize),
    /// Octets of To's user; it had no tag.
    pub to_len: usize,
    /// Octets of Call-ID.
    pub call_id_len: usize,
    /// The number of CSeq; its method was INVITE.
    pub cseq: u32,
    /// The address and port of Contact.
    pub contact: (Ipv6Addr, u16),
    /// c= and m=: where media goes.
    pub media: (Ipv6Addr, u16),
}

/// The facts of the INVITE, read by eye.
pub const FACTS: Facts = Facts {
    target_len: 2,
    via: (Ipv6Addr::new(0x2001, 0xdb8, 5, 0, 0, 0, 0, 5), 5060),
    branch_len: 23,
    from_len: (2, 10),
    to_len: 2,
    call_id_len: 32,
    cseq: 4711,
    contact: (CALLER, 5062),
    media: (CALLER, 40_002),
};

const CALLER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
