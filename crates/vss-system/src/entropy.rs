//! The operating system's random bytes.

use vss_ports::Entropy;

/// Random bytes from the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// # Panics
    /// When the operating system has no random bytes, which no supported one lacks once it runs.
    #[expect(
        clippy::panic,
        reason = "a nonce that is not random must never be used"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        if let Err(error) = getrandom::fill(buffer) {
            panic!("the operating system gives no random bytes: {error}");
        }
    }
}
