//! Every applicable purpose as a cargo test, against the reference; with `ROAMPROOF_DEVICE=device.toml`
//! against that device.

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    match env::var_os("ROAMPROOF_DEVICE") {
        Some(profile) => roamproof::conformance(profile),
        None => roamproof::conformance_of_reference(),
    }
}
