//! Workers that are hostile, broken, missing or killed: the parent stays whole and says why.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "what a test cannot set up, it has not shown"
)]

mod bench;
mod escapes;
mod heavy;
mod letters;
mod lifetimes;
mod poisons;
mod refusals;
