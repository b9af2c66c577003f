//! The fuzz target `mobility_option`: its oracle is in `src/`.
#![cfg_attr(fuzzing, no_main)]

roamproof_fuzz::fuzz!("mobility_option");
