//! The text of a picture or a document with its place on each page: the shape of an `ocr` sidecar.
//!
//! `docs/reference/ocr.md` describes it for readers. The exports are projections of it; nothing is
//! recognised here.

use serde::{Deserialize, Serialize};

mod alto;
mod hocr;
mod markup;
mod outline;
mod plain;
mod tsv;

pub use alto::alto;
pub use hocr::hocr;
pub use plain::plain;
pub use tsv::tsv;

/// The version of the shape below. Readers refuse greater ones.
pub const TEXT_VERSION: u32 = 1;

/// The text of all pages that were read.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TextDocument {
    /// [`TEXT_VERSION`] when it was written.
    pub version: u32,
    /// Who recognised it.
    pub engine: TextEngine,
    /// The languages that were expected, as ISO 639-2/T codes with the engine's suffixes.
    pub languages: Vec<String>,
    /// Pages that the original has; `pages` may be fewer.
    pub page_count: u32,
    /// Whether there is no word on any page.
    pub empty: bool,
    /// The pages that were read, in their order.
    pub pages: Vec<TextPage>,
}

/// The engine that recognised a text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TextEngine {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// One page, upright.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TextPage {
    /// Counted from 1.
    pub number: u32,
    /// Where its text comes from.
    pub source: TextSource,
    /// Width of the upright page in pixels.
    pub width: u32,
    /// Height of the upright page in pixels.
    pub height: u32,
    /// Pixels an inch, where that is known or was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpi: Option<u32>,
    /// Degrees by which the page had to be turned clockwise to stand upright: 0, 90, 180 or 270.
    pub rotation: u16,
    /// The mean confidence of its words, 0 to 100; none for a page without words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// Its blocks in reading order.
    pub blocks: Vec<TextBlock>,
}

/// Where the text of a page comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextSource {
    /// The document says it itself.
    Text,
    /// It was recognised in the picture of the page.
    Ocr,
}

/// Lines that belong together, such as a column.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TextBlock {
    /// Its place.
    #[serde(rename = "box")]
    pub area: PixelBox,
    /// Its lines in reading order.
    pub lines: Vec<TextLine>,
}

/// One line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TextLine {
    /// Its place.
    #[serde(rename = "box")]
    pub area: PixelBox,
    /// The paragraph of its block that it belongs to, counted from 1; never less than that of the
    /// line before.
    pub paragraph: u32,
    /// Its words in reading order.
    pub words: Vec<TextWord>,
}

/// One word.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TextWord {
    /// Its place.
    #[serde(rename = "box")]
    pub area: PixelBox,
    /// Its characters; never empty, without blanks.
    pub text: String,
    /// How sure the engine is, 0 to 100; 100 where the document says it itself.
    pub confidence: f32,
    /// Its language, where the engine had several to choose from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// A rectangle in pixels of the upright page; in JSON `[x, y, width, height]` from the top left.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "[u32; 4]", into = "[u32; 4]")]
pub struct PixelBox {
    /// Its left side.
    pub x: u32,
    /// Its upper side.
    pub y: u32,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

impl TextDocument {
    /// A document of the current version.
    pub fn new(
        engine: TextEngine,
        languages: Vec<String>,
        page_count: u32,
        pages: Vec<TextPage>,
    ) -> Self {
        Self {
            version: TEXT_VERSION,
            engine,
            languages,
            page_count,
            empty: pages.iter().all(|page| page.words().next().is_none()),
            pages,
        }
    }
}

impl TextPage {
    /// All of its words in reading order.
    pub fn words(&self) -> impl Iterator<Item = &TextWord> {
        let lines = self.blocks.iter().flat_map(|block| &block.lines);
        lines.flat_map(|line| &line.words)
    }
}

impl PixelBox {
    /// The column after its last.
    pub fn right(&self) -> u32 {
        self.x.saturating_add(self.width)
    }

    /// The row below its last.
    pub fn bottom(&self) -> u32 {
        self.y.saturating_add(self.height)
    }

    /// The smallest one that holds all of these; an empty one for none.
    pub fn around(all: impl IntoIterator<Item = Self>) -> Self {
        let join = |a: Self, b: Self| {
            let (x, y) = (a.x.min(b.x), a.y.min(b.y));
            Self {
                x,
                y,
                width: a.right().max(b.right()) - x,
                height: a.bottom().max(b.bottom()) - y,
            }
        };
        all.into_iter().reduce(join).unwrap_or_default()
    }
}

impl From<[u32; 4]> for PixelBox {
    fn from([x, y, width, height]: [u32; 4]) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }
}

impl From<PixelBox> for [u32; 4] {
    fn from(area: PixelBox) -> Self {
        [area.x, area.y, area.width, area.height]
    }
}

#[cfg(test)]
mod tests;
