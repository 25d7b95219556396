//! Randomness that a test can repeat.

use std::sync::atomic::{AtomicU64, Ordering};

use vss_core::Digest;
use vss_ports::Entropy;

/// Bytes that follow from a seed: BLAKE3 of seed and counter.
pub struct SeededEntropy {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededEntropy {
    /// A source that gives the same bytes for the same seed.
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            drawn: AtomicU64::new(0),
        }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
            let mut seed = self.seed.to_le_bytes().to_vec();
            seed.extend(drawn.to_le_bytes());
            let bytes = Digest::of(&seed);
            chunk.copy_from_slice(&bytes.as_bytes()[..chunk.len()]);
        }
    }
}
