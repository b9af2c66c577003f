//! The mobile terminal among scripted peers: what leaves it, in which order and when.

mod calls;
mod hostile;
#[cfg(feature = "misdeeds")]
mod misdeeds;
mod moves;
mod registrations;
mod world;
