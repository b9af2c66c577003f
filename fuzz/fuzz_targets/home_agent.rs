//! The fuzz target `home_agent`: its oracle is in `src/`.
#![cfg_attr(fuzzing, no_main)]

roamproof_fuzz::fuzz!("home_agent");
