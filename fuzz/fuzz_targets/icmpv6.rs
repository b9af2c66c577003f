//! The fuzz target `icmpv6`: its oracle is in `src/`.
#![cfg_attr(fuzzing, no_main)]

roamproof_fuzz::fuzz!("icmpv6");
