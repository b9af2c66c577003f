//! The fuzz target `mobile_terminal`: its oracle is in `src/`.
#![cfg_attr(fuzzing, no_main)]

roamproof_fuzz::fuzz!("mobile_terminal");
