//! The mobile terminal among scripted peers: what leaves it, in which order and when.

mod calls;
mod hostile;
mod misdeeds;
mod moves;
mod registrations;
mod world;
