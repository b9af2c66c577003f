//! The fuzz target `correspondent`: its oracle is in `src/`.
#![cfg_attr(fuzzing, no_main)]

roamproof_fuzz::fuzz!("correspondent");
