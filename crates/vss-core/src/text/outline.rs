//! Blocks, paragraphs and lines of a page with the numbers that exports give them.

use super::{PixelBox, TextBlock, TextLine};

/// Some lines of a block that belong together.
pub(super) struct Paragraph<'a> {
    /// Within its block, counted from 1.
    pub(super) number: usize,
    pub(super) area: PixelBox,
    pub(super) lines: Vec<&'a TextLine>,
}

/// The paragraphs of a block, in their order.
pub(super) fn paragraphs(block: &TextBlock) -> impl Iterator<Item = Paragraph<'_>> {
    let together = |a: &TextLine, b: &TextLine| a.paragraph == b.paragraph;
    let chunks = block.lines.chunk_by(together);
    chunks.zip(1..).map(|(lines, number)| Paragraph {
        number,
        area: PixelBox::around(lines.iter().map(|line| line.area)),
        lines: lines.iter().collect(),
    })
}
