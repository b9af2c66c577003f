//! What a vendor writes: `tests/roamproof.rs` of his own crate, declared with `harness = false`. Here
//! the device is the reference home agent, started by its profile as any other would be.

fn main() -> std::process::ExitCode {
    roamproof::conformance(concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/reference-ha.toml"))
}
