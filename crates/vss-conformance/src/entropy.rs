//! The contract of Entropy as checks.

use std::sync::Arc;

use libtest_mimic::Trial;
use vss_ports::Entropy;

use crate::{Check, check, trials_of};

/// Makes sources of randomness.
pub trait EntropyHarness: Send + Sync {
    /// A source of its own.
    fn fresh(&self) -> Arc<dyn Entropy>;
}

const CHECKS: &[Check<dyn EntropyHarness>] = &[
    check!(the_whole_buffer_is_filled),
    check!(no_two_calls_give_the_same),
];

/// The checks for one adapter.
pub fn trials(adapter: &str, harness: Arc<dyn EntropyHarness>) -> Vec<Trial> {
    trials_of("entropy", adapter, &harness, CHECKS)
}

async fn the_whole_buffer_is_filled(harness: &dyn EntropyHarness) {
    let source = harness.fresh();
    for length in [0, 1, 7, 16, 100] {
        // A position that stays zero sixteen times over was not filled (1 in 2^128).
        let mut seen = vec![0_u8; length];
        for _ in 0..16 {
            let mut buffer = vec![0; length];
            source.fill(&mut buffer);
            seen.iter_mut()
                .zip(buffer)
                .for_each(|(seen, byte)| *seen |= byte);
        }
        assert!(seen.iter().all(|byte| *byte != 0), "{length}: {seen:?}");
    }
}

async fn no_two_calls_give_the_same(harness: &dyn EntropyHarness) {
    let (one, other) = (harness.fresh(), harness.fresh());
    let draw = |source: &dyn Entropy| {
        let mut bytes = [0; 16];
        source.fill(&mut bytes);
        bytes
    };
    let drawn = [draw(&*one), draw(&*one), draw(&*other), draw(&*other)];
    for (i, a) in drawn.iter().enumerate() {
        assert!(drawn.iter().skip(i + 1).all(|b| a != b), "{drawn:?}");
    }
}
