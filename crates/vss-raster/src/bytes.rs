//! Numbers as most picture formats store them, wherever they are in a block.

/// Numbers with their high byte first.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    /// 16 bits.
    pub fn short(self, at: usize) -> Option<u16> {
        let bytes = self.0.get(at..)?.first_chunk();
        bytes.map(|b| u16::from_be_bytes(*b))
    }

    /// 32 bits.
    pub fn long(self, at: usize) -> Option<u32> {
        let bytes = self.0.get(at..)?.first_chunk();
        bytes.map(|b| u32::from_be_bytes(*b))
    }

    /// 64 bits.
    pub fn wide(self, at: usize) -> Option<u64> {
        let bytes = self.0.get(at..)?.first_chunk();
        bytes.map(|b| u64::from_be_bytes(*b))
    }
}
