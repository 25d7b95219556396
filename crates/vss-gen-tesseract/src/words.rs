//! How sure a page is of its words.

use vss_core::text::TextBlock;

/// One digit after the point: more is noise, and every digit is a byte a word.
pub(crate) fn rounded(confidence: f32) -> f32 {
    (confidence.clamp(0.0, 100.0) * 10.0).round() / 10.0
}

/// The mean over all words; none without words.
pub(crate) fn mean_confidence(blocks: &[TextBlock]) -> Option<f32> {
    let lines = blocks.iter().flat_map(|block| &block.lines);
    let words = lines.flat_map(|line| &line.words);
    let (sum, count) = words.fold((0.0, 0_u16), |(sum, count), word| {
        (sum + word.confidence, count.saturating_add(1))
    });
    (count > 0).then(|| rounded(sum / f32::from(count)))
}
