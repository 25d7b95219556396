//! What comes out of films and songs, beyond the contract of the port.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "what a test cannot set up, it has not shown"
)]

mod attacks;
mod changes;
mod clocks;
mod colours;
mod corpus;
mod fields;
mod films;
mod hosts;
mod job;
mod jumps;
mod media;
mod parts;
mod plays;
mod silence;
mod tracks;
