//! Fields of a box, read one after the other.

/// What is left of a box.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    /// The version and the flags that a full box begins with, and what follows.
    pub(crate) fn full(body: &'a [u8]) -> Option<(u8, u32, Self)> {
        let mut fields = Self(body);
        let (version, flags) = (fields.byte()?, fields.number(3)?);
        Some((version, u32::try_from(flags).ok()?, fields))
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of so many bytes, the high one first; one of no bytes is 0.
    pub(crate) fn number(&mut self, bytes: usize) -> Option<u64> {
        let taken = self.take(bytes)?;
        Some(
            taken
                .iter()
                .fold(0, |all, byte| all << 8 | u64::from(*byte)),
        )
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn short(&mut self) -> Option<u16> {
        self.number(2).and_then(|n| u16::try_from(n).ok())
    }

    pub(crate) fn long(&mut self) -> Option<u32> {
        self.number(4).and_then(|n| u32::try_from(n).ok())
    }

    /// 16 bits, or 32 in newer versions of a box.
    pub(crate) fn id(&mut self, is_long: bool) -> Option<u32> {
        match is_long {
            true => self.long(),
            false => self.short().map(u32::from),
        }
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}
