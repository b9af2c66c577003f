//! What libFuzzer takes for itself: an oracle that asks nothing, no target of ours, against which `tools/fuzz-bars` holds the others.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|octets: &[u8]| roamproof_fuzz::tally::count(octets, None));

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    roamproof_fuzz::without_fuzzer("empty")
}
