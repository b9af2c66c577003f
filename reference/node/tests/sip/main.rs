//! SIP between elements without links: ladders of whole calls, and answers to what a tester sends.
#![expect(clippy::unwrap_used, reason = "an integration test")]

mod bench;
mod calls;
mod proxying;
mod registering;
mod requests;
mod storms;
mod timers;
