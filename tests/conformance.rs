//! Every applicable purpose as a cargo test, against the reference.

use std::process::ExitCode;

fn main() -> ExitCode {
    roamproof::conformance_of_reference()
}
