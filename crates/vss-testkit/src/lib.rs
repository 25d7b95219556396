//! In-memory adapters for tests: they pass the same conformance checks as the real ones, so that
//! a test of a use case may trust them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a fake that cannot go on has found a broken test; the panic is the report"
)]

pub mod catalog;
pub mod clock;
pub mod entropy;
pub mod event_sink;
pub mod faulty_vault;
pub mod generator;
pub mod poison;
pub mod store;
pub mod vault;
pub mod watcher;
