//! Each port's contract as checks that every adapter and every decorator runs.
//!
//! One file a port, named like the port's. Each sentence of the port's `# Contract` is one private
//! async function, reachable only through that file's `CHECKS` list, so that a forgotten check is
//! a dead-code warning; `cargo xtask tidy` compares the number of sentences with the number of
//! checks. An adapter implements the file's harness trait, which makes fresh instances, and hands
//! it to the file's `trials` from a `tests/conformance.rs` without libtest's harness:
//!
//! ```ignore
//! fn main() {
//!     vss_conformance::run(vss_conformance::vault::trials("fs", Arc::new(MyHarness)));
//! }
//! ```
//!
//! What an adapter cannot show is a capability flag of its harness, never an omission.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a check that cannot go on has failed; the panic is the report"
)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

pub mod catalog;
pub mod clock;
pub mod control;
pub mod conversion;
pub mod entropy;
pub mod event_sink;
pub mod generator;
pub mod job_host;
pub mod mover;
pub mod queue;
pub mod reference;
pub mod rows;
pub mod store;
pub mod vault;
pub mod watcher;

/// A check of a contract against what a harness makes.
struct Check<H: ?Sized> {
    name: &'static str,
    run: for<'a> fn(&'a H) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
}

/// Names an async function as a check.
macro_rules! check {
    ($name:ident) => {
        $crate::Check {
            name: stringify!($name),
            run: |harness| Box::pin($name(harness)),
        }
    };
}
use check;

/// One trial a check, each on a multi-thread runtime of its own.
fn trials_of<H: ?Sized + Send + Sync + 'static>(
    port: &str,
    adapter: &str,
    harness: &Arc<H>,
    checks: &'static [Check<H>],
) -> Vec<Trial> {
    let trial = |check: &'static Check<H>| {
        let harness = Arc::clone(harness);
        Trial::test(format!("{port}::{adapter}::{}", check.name), move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()?;
            runtime.block_on((check.run)(&harness));
            Ok(())
        })
    };
    checks.iter().map(trial).collect()
}

/// Runs trials as a test binary: takes libtest's arguments and ends the process.
pub fn run(trials: Vec<Trial>) -> ! {
    libtest_mimic::run(&Arguments::from_args(), trials).exit()
}
