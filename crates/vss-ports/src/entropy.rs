//! Randomness.

/// A source of random bytes: jitter, nonces.
///
/// # Contract
/// - `fill` fills the whole buffer.
/// - Two sources, or two calls of one, do not give the same 16 bytes.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);

    /// Eight random bytes as a number.
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}
