//! The use cases over in-memory adapters that keep the same contracts as the real ones: what they
//! do, and what they leave behind when anything fails at any moment.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod collecting;
mod converting;
mod dispatching;
mod evicting;
mod faults;
mod judging;
mod making;
mod paths;
mod reconciling;
mod referring;
mod returning;
mod scrubbing;
mod verifying;
mod watching;
mod world;
