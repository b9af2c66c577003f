//! The fuzz target `sip_server`: its oracle is in `src/`.
#![cfg_attr(fuzzing, no_main)]

roamproof_fuzz::fuzz!("sip_server");
