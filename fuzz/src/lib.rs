//! Oracles: what must hold of any octets whatever.
