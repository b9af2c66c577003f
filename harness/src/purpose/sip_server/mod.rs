//! Purposes for a SIP server: a registrar and proxy (claims 3, 7, 8) that may tunnel to care-of
//! addresses itself (claims 10, 11).

pub(super) mod answered;
pub(super) mod cancelled;
pub(super) mod dialog;
pub(super) mod direct;
pub(super) mod forgery;
pub(super) mod large;
mod lookup;
mod peers;
pub(super) mod proxy;
pub(super) mod registrar;
pub(super) mod restart;
mod setting;
pub(super) mod stale;
