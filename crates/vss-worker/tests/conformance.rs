//! The sandboxed generator keeps the contract of its port over the worker that is shipped.
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot set up, it has not shown"
)]

#[path = "../../vss-sandbox/tests/harness/mod.rs"]
mod harness;

fn main() {
    harness::run(env!("CARGO_BIN_EXE_vss-worker-image").as_ref(), &[])
}
