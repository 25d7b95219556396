//! From words as they were seen to a page that stands upright.

use vss_core::text::{PixelBox, TextBlock, TextLine, TextPage, TextSource, TextWord};

use crate::tess::{Edges, Seen};
use crate::words::{mean_confidence, rounded};

/// A picture of a page: what was recognised, and how large the page is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sheet {
    /// Counted from 1.
    pub(crate) number: u32,
    /// Width and height of the picture that was recognised.
    pub(crate) seen: (u32, u32),
    /// Width and height of the page, in whose pixels the answer is.
    pub(crate) size: (u32, u32),
    /// Pixels of the page an inch.
    pub(crate) dpi: Option<u32>,
    /// Whether a word may be of one of several languages.
    pub(crate) several_languages: bool,
}

/// The page as most of its characters want it to be turned.
pub(crate) fn upright(sheet: Sheet, seen: &[Seen]) -> TextPage {
    let rotation = rotation_of(seen);
    let (width, height) = match rotation {
        90 | 270 => (sheet.size.1, sheet.size.0),
        _ => sheet.size,
    };
    let place = |edges: Edges| turned(scaled(edges, sheet.seen, sheet.size), rotation, sheet.size);
    let mut blocks: Vec<TextBlock> = Vec::new();
    let mut paragraph = 0;
    for word in seen {
        if word.begins.block || blocks.is_empty() {
            paragraph = 0;
            blocks.push(TextBlock {
                area: place(word.block),
                lines: Vec::new(),
            });
        }
        paragraph += u32::from(word.begins.paragraph || paragraph == 0);
        let Some(block) = blocks.last_mut() else {
            continue;
        };
        if word.begins.line || word.begins.block || block.lines.is_empty() {
            block.lines.push(TextLine {
                area: place(word.line),
                paragraph,
                words: Vec::new(),
            });
        }
        let Some(line) = block.lines.last_mut() else {
            continue;
        };
        line.words.push(TextWord {
            area: place(word.area),
            text: word.text.clone(),
            confidence: rounded(word.confidence),
            language: sheet.several_languages.then(|| word.language.clone()),
        });
    }
    TextPage {
        number: sheet.number,
        source: TextSource::Ocr,
        width,
        height,
        dpi: sheet.dpi,
        rotation,
        confidence: mean_confidence(&blocks),
        blocks,
    }
}

/// The direction that most characters have.
fn rotation_of(seen: &[Seen]) -> u16 {
    let count = |rotation: u16| {
        let of = seen.iter().filter(|word| word.rotation == rotation);
        of.map(|word| word.text.chars().count()).sum::<usize>()
    };
    // The first of those that are equal: upright, if in doubt.
    let better = |best: u16, other: u16| match count(other) > count(best) {
        true => other,
        false => best,
    };
    [90, 180, 270].into_iter().fold(0, better)
}

/// Edges in the picture as a box on the page as it lies.
fn scaled(edges: Edges, from: (u32, u32), to: (u32, u32)) -> PixelBox {
    let along = |low: i32, high: i32, from: u32, to: u32| {
        let inside = |at: i32| u64::from(u32::try_from(at).unwrap_or(0).min(from));
        let (from, to) = (u64::from(from.max(1)), u64::from(to));
        let low = inside(low) * to / from;
        let high = (inside(high) * to).div_ceil(from).max(low);
        // Both are at most `to`, which was a number of pixels.
        let pixels = |at: u64| u32::try_from(at).unwrap_or(u32::MAX);
        (pixels(low), pixels(high - low))
    };
    let (x, width) = along(edges.left, edges.right, from.0, to.0);
    let (y, height) = along(edges.top, edges.bottom, from.1, to.1);
    PixelBox {
        x,
        y,
        width,
        height,
    }
}

/// A box on a page of this size after the page was turned clockwise.
fn turned(area: PixelBox, rotation: u16, (width, height): (u32, u32)) -> PixelBox {
    let right = width.saturating_sub(area.right());
    let below = height.saturating_sub(area.bottom());
    match rotation {
        90 => [below, area.x, area.height, area.width].into(),
        180 => [right, below, area.width, area.height].into(),
        270 => [area.y, right, area.height, area.width].into(),
        _ => area,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tess::Begins;

    fn word(text: &str, rotation: u16) -> Seen {
        let area = Edges {
            left: 10,
            top: 20,
            right: 40,
            bottom: 30,
        };
        Seen {
            text: text.into(),
            confidence: 91.26,
            language: "eng".into(),
            rotation,
            area,
            line: area,
            block: area,
            begins: Begins::default(),
        }
    }

    fn sheet() -> Sheet {
        Sheet {
            number: 1,
            seen: (100, 50),
            size: (100, 50),
            dpi: None,
            several_languages: false,
        }
    }

    fn place(page: &TextPage) -> [u32; 4] {
        page.words().next().unwrap().area.into()
    }

    #[test]
    fn boxes_follow_the_page_when_it_is_turned() {
        for (rotation, size, expected) in [
            (0, (100, 50), [10, 20, 30, 10]),
            (90, (50, 100), [20, 10, 10, 30]),
            (180, (100, 50), [60, 20, 30, 10]),
            (270, (50, 100), [20, 60, 10, 30]),
        ] {
            let page = upright(sheet(), &[word("word", rotation)]);
            assert_eq!((page.rotation, (page.width, page.height)), (rotation, size));
            assert_eq!(place(&page), expected, "{rotation}");
        }
    }

    #[test]
    fn a_page_stands_as_most_of_its_characters_do() {
        let words = [word("photo", 90), word("body text", 180), word("and", 180)];
        assert_eq!(upright(sheet(), &words).rotation, 180);
        assert_eq!(upright(sheet(), &[]).rotation, 0);
    }

    #[test]
    fn boxes_are_in_pixels_of_the_page_even_when_a_smaller_picture_was_seen() {
        let page = Sheet {
            size: (200, 100),
            ..sheet()
        };
        assert_eq!(place(&upright(page, &[word("x", 0)])), [20, 40, 60, 20]);
    }

    #[test]
    fn lines_and_paragraphs_begin_where_they_were_seen_to() {
        let begins = |block, paragraph, line| Begins {
            block,
            paragraph,
            line,
        };
        let of = |text, begins| Seen {
            begins,
            ..word(text, 0)
        };
        let words = [
            of("a", begins(true, true, true)),
            of("b", Begins::default()),
            of("c", begins(false, false, true)),
            of("d", begins(false, true, true)),
            of("e", begins(true, true, true)),
        ];
        let page = upright(sheet(), &words);
        let lines = |block: &TextBlock| {
            let line = |line: &TextLine| {
                let words: Vec<_> = line.words.iter().map(|w| w.text.as_str()).collect();
                (line.paragraph, words.concat())
            };
            block.lines.iter().map(line).collect::<Vec<_>>()
        };
        let blocks: Vec<_> = page.blocks.iter().map(lines).collect();
        let first = vec![(1, "ab".into()), (1, "c".into()), (2, "d".into())];
        assert_eq!(blocks, [first, vec![(1, "e".to_owned())]]);
        assert_eq!(page.confidence, Some(91.3));
    }
}
