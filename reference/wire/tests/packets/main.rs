//! The network layer against packets that another implementation made, and against any octets.

mod any;
mod dissect;
mod fragment;
mod golden;
mod icmpv6;
mod ipv6;
mod upper;
