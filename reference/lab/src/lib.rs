//! A network of values: nodes on simulated links, and a clock that jumps.
#![forbid(unsafe_code)]
