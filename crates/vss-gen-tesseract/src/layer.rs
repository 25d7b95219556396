//! The text that a page of a document says itself.
//!
//! Glyphs come in the order in which they are drawn, each with its place. They are joined to words
//! and lines by where they lie, whatever direction they run in.

use hayro::hayro_interpret::font::GlyphRun;
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, SoftMask, interpret_page,
};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{Affine, BezPath, Point, Rect, Vec2};
use vss_core::text::{PixelBox, TextBlock, TextLine, TextWord};

/// Characters that a page needs for its text to be believed.
const ENOUGH: usize = 20;
/// Of so many glyphs one may be unknown.
const ONE_UNKNOWN_IN: usize = 20;
/// Characters of a page that are kept: a dense newspaper page has a fifth of it.
const MOST: usize = 200_000;
/// How far letters reach above and below their base line, in thousandths of their size.
const ASCENT: f64 = 780.0;
const DESCENT: f64 = -220.0;

/// The text of a page whose pixels `transform` makes of its units; `None` when it has too little
/// of it, or too much that nobody knows.
pub(crate) fn text_of(
    page: &Page<'_>,
    transform: Affine,
    size: (u32, u32),
) -> Option<Vec<TextBlock>> {
    let whole = Rect::new(0.0, 0.0, f64::from(size.0), f64::from(size.1));
    let cache = InterpreterCache::new();
    let settings = InterpreterSettings::default();
    let mut context = Context::new(transform, whole, &cache, page.xref(), settings);
    let mut glyphs = Glyphs::default();
    interpret_page(page, &mut context, &mut glyphs);
    let readable = glyphs.known.iter().map(|glyph| glyph.text.trim());
    let characters: usize = readable.map(|text| text.chars().count()).sum();
    let all = glyphs.known.len() + glyphs.unknown;
    if characters < ENOUGH || glyphs.unknown * ONE_UNKNOWN_IN >= all {
        return None;
    }
    Some(blocks(&glyphs.known, whole))
}

/// A glyph with its characters.
struct Glyph {
    text: String,
    /// Where it begins on its base line, and where the next would.
    begin: Point,
    end: Point,
    /// From the base line upwards, as long as its letters are large.
    up: Vec2,
    area: Rect,
}

#[derive(Default)]
struct Glyphs {
    known: Vec<Glyph>,
    unknown: usize,
}

impl Device<'_> for Glyphs {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, mode: &DrawMode) {
        // Letters that are filled and stroked come twice.
        let again = matches!(mode, DrawMode::Stroke(_))
            && run.glyphs().first().is_some_and(|first| {
                let begin = props.transform * first.transform() * Point::ZERO;
                let same = |glyph: &Glyph| (glyph.begin - begin).hypot() < 1e-3;
                let last = self.known.len().saturating_sub(run.glyphs().len());
                self.known.get(last).is_some_and(same)
            });
        if again || self.known.len() >= MOST {
            return;
        }
        for glyph in run.glyphs() {
            let text = match glyph.as_unicode() {
                Some(BfString::Char(one)) => one.to_string(),
                Some(BfString::String(several)) => several,
                None => String::new(),
            };
            let strange = |c: char| {
                c == '\u{FFFD}' || (c.is_control() && !c.is_whitespace()) || is_private(c)
            };
            if text.is_empty() || text.contains(strange) {
                self.unknown += 1;
                continue;
            }
            let advance = match &**glyph {
                hayro::hayro_interpret::font::Glyph::Outline(outline) => outline.advance_width(),
                hayro::hayro_interpret::font::Glyph::Type3(drawn) => drawn.advance_width(),
            };
            let advance = f64::from(advance.unwrap_or(500.0));
            let place = props.transform * glyph.transform();
            let corners = Rect::new(0.0, DESCENT, advance, ASCENT);
            self.known.push(Glyph {
                text,
                begin: place * Point::ZERO,
                end: place * Point::new(advance, 0.0),
                up: place * Point::new(0.0, 1_000.0) - place * Point::ZERO,
                area: place.transform_rect_bbox(corners),
            });
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'_>, _: &DrawMode) {}

    fn push_clip_path(&mut self, _: &ClipPath) {}

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}

    fn draw_image(&mut self, _: Image<'_, '_>, _: ImageDrawProps<'_>) {}

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}

/// Characters without a meaning that others share: Unicode, 23.5.
fn is_private(character: char) -> bool {
    matches!(character, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..)
}

/// How a glyph follows another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Step {
    /// In the same word.
    Word,
    /// In the same line.
    Line,
    /// In a line below it.
    Paragraph,
    /// In a line further below it.
    Block,
    /// Somewhere else.
    Elsewhere,
}

/// Distances are in sizes of the letters.
fn step(before: &Glyph, line: &Glyph, next: &Glyph) -> Step {
    let size = before.up.hypot().max(f64::MIN_POSITIVE);
    let up = before.up / size;
    let along = Vec2::new(-up.y, up.x);
    let turned = next.up.hypot().max(f64::MIN_POSITIVE);
    if (next.up / turned).dot(up) < 0.97 {
        return Step::Elsewhere;
    }
    let gap = next.begin - before.end;
    let (ahead, rise) = (gap.dot(along) / size, gap.dot(up) / size);
    if rise.abs() < 0.4 && (-0.7..3.0).contains(&ahead) {
        return if ahead > 0.17 { Step::Line } else { Step::Word };
    }
    // From where the line begins: the next one is below it when it begins near that.
    let below = -(next.begin - line.begin).dot(up) / size;
    let aside = (next.begin - line.begin).dot(along).abs() / size;
    match below {
        0.4..1.7 if aside < 12.0 => Step::Paragraph,
        1.7..2.8 if aside < 12.0 => Step::Block,
        _ => Step::Elsewhere,
    }
}

fn blocks(glyphs: &[Glyph], whole: Rect) -> Vec<TextBlock> {
    let mut blocks: Vec<TextBlock> = Vec::new();
    let mut line: Vec<Vec<&Glyph>> = Vec::new();
    let mut paragraph = 1;
    let mut before: Option<(&Glyph, &Glyph)> = None;
    let mut blank = false;
    for glyph in glyphs {
        if glyph.text.trim().is_empty() {
            blank = true;
            continue;
        }
        if !overlaps(glyph.area, whole) {
            continue;
        }
        let step = match before {
            Some((last, first)) => step(last, first, glyph),
            None => Step::Elsewhere,
        };
        if step >= Step::Paragraph {
            finish(&mut blocks, &mut line, paragraph, whole);
        }
        match step {
            Step::Elsewhere => {
                paragraph = 1;
                blocks.push(TextBlock {
                    area: PixelBox::default(),
                    lines: Vec::new(),
                });
            }
            Step::Block => paragraph += 1,
            _ => {}
        }
        match line.last_mut() {
            Some(word) if step == Step::Word && !blank => word.push(glyph),
            _ => line.push(vec![glyph]),
        }
        let first = match before {
            Some((_, first)) if step < Step::Paragraph => first,
            _ => glyph,
        };
        before = Some((glyph, first));
        blank = false;
    }
    finish(&mut blocks, &mut line, paragraph, whole);
    blocks.retain(|block| !block.lines.is_empty());
    for block in &mut blocks {
        block.area = PixelBox::around(block.lines.iter().map(|line| line.area));
    }
    blocks
}

/// Moves a line that is complete into the last block.
fn finish(blocks: &mut [TextBlock], line: &mut Vec<Vec<&Glyph>>, paragraph: u32, whole: Rect) {
    let word = |glyphs: Vec<&Glyph>| TextWord {
        area: pixels(glyphs.iter().map(|glyph| glyph.area), whole),
        text: glyphs.iter().map(|glyph| glyph.text.trim()).collect(),
        confidence: 100.0,
        language: None,
    };
    let words: Vec<_> = line.drain(..).map(word).collect();
    if let (false, Some(block)) = (words.is_empty(), blocks.last_mut()) {
        block.lines.push(TextLine {
            area: PixelBox::around(words.iter().map(|word| word.area)),
            paragraph,
            words,
        });
    }
}

fn overlaps(area: Rect, whole: Rect) -> bool {
    area.x0 < whole.x1 && area.x1 > whole.x0 && area.y0 < whole.y1 && area.y1 > whole.y0
}

/// The pixels that rectangles touch, as far as they are on the page.
fn pixels(areas: impl Iterator<Item = Rect>, whole: Rect) -> PixelBox {
    let all = areas.reduce(|a, b| a.union(b)).unwrap_or_default();
    let (x, right) = (
        pixel(all.x0.floor(), whole.x1),
        pixel(all.x1.ceil(), whole.x1),
    );
    let (y, bottom) = (
        pixel(all.y0.floor(), whole.y1),
        pixel(all.y1.ceil(), whole.y1),
    );
    PixelBox {
        x,
        y,
        width: right - x.min(right),
        height: bottom - y.min(bottom),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is between 0 and the side of a page, which was a u32"
)]
fn pixel(at: f64, side: f64) -> u32 {
    at.clamp(0.0, side) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters of 10 pixels, each 6 wide, from a place on.
    fn letters(text: &str, x: f64, y: f64) -> Vec<Glyph> {
        let mut at = x;
        let glyph = |character: char| {
            let begin = Point::new(at, y);
            at += 6.0;
            Glyph {
                text: character.to_string(),
                begin,
                end: Point::new(at, y),
                up: Vec2::new(0.0, -10.0),
                area: Rect::new(at - 6.0, y - 8.0, at, y + 2.0),
            }
        };
        text.chars().map(glyph).collect()
    }

    fn read(runs: Vec<Vec<Glyph>>) -> Vec<Vec<(u32, String)>> {
        let glyphs: Vec<_> = runs.into_iter().flatten().collect();
        let line = |line: &TextLine| {
            let words: Vec<_> = line.words.iter().map(|word| word.text.as_str()).collect();
            (line.paragraph, words.join(" "))
        };
        blocks(&glyphs, Rect::new(0.0, 0.0, 500.0, 500.0))
            .iter()
            .map(|block| block.lines.iter().map(line).collect())
            .collect()
    }

    #[test]
    fn blanks_and_gaps_end_a_word_and_kerning_does_not() {
        let blocks = read(vec![
            letters("one two", 10.0, 50.0),
            letters("three", 55.0, 50.0),
            letters("four", 85.5, 50.0),
        ]);
        assert_eq!(blocks, [vec![(1, "one two threefour".to_owned())]]);
    }

    #[test]
    fn lines_below_each_other_are_a_block_and_a_column_is_another() {
        let blocks = read(vec![
            letters("first line", 10.0, 50.0),
            letters("second", 10.0, 62.0),
            letters("third", 12.0, 86.0),
            letters("aside", 300.0, 50.0),
        ]);
        let line = |paragraph, text: &str| (paragraph, text.to_owned());
        assert_eq!(
            blocks,
            [
                vec![line(1, "first line"), line(1, "second"), line(2, "third")],
                vec![line(1, "aside")]
            ]
        );
    }

    #[test]
    fn letters_beside_the_page_are_left_out_and_boxes_end_at_its_edge() {
        let glyphs: Vec<_> = letters("ab", -20.0, 50.0)
            .into_iter()
            .chain(letters("cd", 494.0, 50.0))
            .collect();
        let found = blocks(&glyphs, Rect::new(0.0, 0.0, 500.0, 500.0));
        let words: Vec<_> = found[0].lines[0].words.iter().collect();
        assert_eq!((words.len(), words[0].text.as_str()), (1, "c"));
        assert_eq!(<[u32; 4]>::from(words[0].area), [494, 42, 6, 10]);
    }
}
