//! A PDF of one page: the picture, and over it the words that nobody sees.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, TextRenderingMode, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use vss_core::text::{TextLine, TextPage};

use super::font;
use super::jpeg::Jpeg;

/// What a page has that does not say its dots an inch: those of a screen.
const DPI: u16 = 96;
/// Units of a page are so many of an inch (ISO 32000-1, 8.3.2.3).
const UNITS: f32 = 72.0;
/// The longest side that a page may have, in units (ISO 32000-1, C.2).
const LONGEST_SIDE: f32 = 14_400.0;

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const PICTURE: Ref = Ref::new(4);
const CONTENT: Ref = Ref::new(5);
const INFO: Ref = Ref::new(6);
/// And the five after it.
const FONT: Ref = Ref::new(7);

/// What the font is called on the page.
const FONT_KEY: &str = "F";

const FONT_NAME: Name<'static> = Name(b"Invisible");
const ROMAN: SystemInfo<'static> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};

/// Writes it.
pub(super) fn write(page: &TextPage, picture: &Jpeg) -> Vec<u8> {
    let scale = scale_of(page);
    let size = (pixels(page.width) * scale, pixels(page.height) * scale);
    let letters = letters([page]);
    let mut pdf = Pdf::new();
    pdf.catalog(CATALOG).pages(PAGES);
    pdf.pages(PAGES).kids([PAGE]).count(1);
    pdf.document_info(INFO).producer(TextStr("vss"));
    let mut leaf = pdf.page(PAGE);
    leaf.parent(PAGES)
        .media_box(Rect::new(0.0, 0.0, size.0, size.1))
        .contents(CONTENT);
    let mut resources = leaf.resources();
    resources.x_objects().pair(Name(b"I"), PICTURE);
    resources.fonts().pair(Name(FONT_KEY.as_bytes()), FONT);
    resources.finish();
    leaf.finish();

    let mut image = pdf.image_xobject(PICTURE, &picture.bytes);
    image.filter(Filter::DctDecode);
    let side = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
    image
        .width(side(picture.width))
        .height(side(picture.height));
    match picture.gray {
        true => image.color_space().device_gray(),
        false => image.color_space().device_rgb(),
    }
    image.bits_per_component(8);
    image.finish();

    let mut content = Content::new();
    content.save_state();
    content.transform(matrix(picture.orientation, page.rotation, size));
    content.x_object(Name(b"I"));
    content.restore_state();
    content.begin_text();
    content.set_text_rendering_mode(TextRenderingMode::Invisible);
    for line in page.blocks.iter().flat_map(|block| &block.lines) {
        place(&mut content, FONT_KEY, line, &letters, scale, size.1);
    }
    content.end_text();
    let content = deflated(&content.finish());
    pdf.stream(CONTENT, &content).filter(Filter::FlateDecode);
    write_font(&mut pdf, &letters, FONT);
    pdf.finish()
}

/// Units a pixel.
fn scale_of(page: &TextPage) -> f32 {
    let dpi = page
        .dpi
        .and_then(|dpi| u16::try_from(dpi).ok())
        .filter(|dpi| *dpi > 0);
    let longer = pixels(page.width.max(page.height)).max(1.0);
    (UNITS / f32::from(dpi.unwrap_or(DPI))).min(LONGEST_SIDE / longer)
}

/// No engine sees a side that is longer than 16 bits.
pub(super) fn pixels(count: u32) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX))
}

/// A number for each character of some pages; 0 stays free for what is unknown.
pub(super) fn letters<'a>(pages: impl IntoIterator<Item = &'a TextPage>) -> BTreeMap<char, u16> {
    let words = pages.into_iter().flat_map(TextPage::words);
    let of_words = words.flat_map(|word| word.text.chars());
    let mut letters: BTreeMap<char, u16> = of_words.chain([' ']).map(|c| (c, 0)).collect();
    for (number, letter) in (1..=u16::MAX).zip(letters.values_mut()) {
        *letter = number;
    }
    letters
}

/// Puts the unit square of the picture as it is stored upright onto the page.
fn matrix(orientation: u32, rotation: u16, (width, height): (f32, f32)) -> [f32; 6] {
    // From the left and the top: first as EXIF says, then as the words lie.
    let at = |u: f32, v: f32| {
        let (u, v) = match orientation {
            2 => (1.0 - u, v),
            3 => (1.0 - u, 1.0 - v),
            4 => (u, 1.0 - v),
            5 => (v, u),
            6 => (1.0 - v, u),
            7 => (1.0 - v, 1.0 - u),
            8 => (v, 1.0 - u),
            _ => (u, v),
        };
        let (u, v) = match rotation {
            90 => (1.0 - v, u),
            180 => (1.0 - u, 1.0 - v),
            270 => (v, 1.0 - u),
            _ => (u, v),
        };
        (u * width, (1.0 - v) * height)
    };
    let (corner, right, up) = (at(0.0, 1.0), at(1.0, 1.0), at(0.0, 0.0));
    [
        right.0 - corner.0,
        right.1 - corner.1,
        up.0 - corner.0,
        up.1 - corner.1,
        corner.0,
        corner.1,
    ]
}

/// Stretches each word over its box, with a blank behind it for who copies. All of a line have one
/// size and stand on one base, or programs would take a dot for a line of its own.
pub(super) fn place(
    content: &mut Content,
    name: &str,
    line: &TextLine,
    letters: &BTreeMap<char, u16>,
    scale: f32,
    top: f32,
) {
    let tallest = line.words.iter().map(|word| word.area.height).max();
    let tallest = tallest.unwrap_or(0).max(1);
    // One that is much taller than its words climbs or falls.
    let is_level = line.area.height <= tallest + tallest / 2;
    let size = pixels(tallest) * scale;
    let em = f32::from(font::UNITS);
    content.set_font(Name(name.as_bytes()), size);
    for word in &line.words {
        let letter = |c: char| letters.get(&c).copied().unwrap_or(0).to_be_bytes();
        let codes: Vec<u8> = word.text.chars().chain([' ']).flat_map(letter).collect();
        let count = f32::from(u16::try_from(word.text.chars().count()).unwrap_or(u16::MAX));
        let natural = count * size * f32::from(font::WIDTH) / em;
        let width = pixels(word.area.width).max(1.0) * scale;
        let bottom = match is_level {
            true => line.area.bottom(),
            false => word.area.bottom(),
        };
        let base = top - pixels(bottom) * scale - size * f32::from(font::DESCENT) / em;
        content.set_horizontal_scaling(100.0 * width / natural.max(f32::MIN_POSITIVE));
        content.set_text_matrix([1.0, 0.0, 0.0, 1.0, pixels(word.area.x) * scale, base]);
        content.show(Str(&codes));
    }
}

/// The font of the words: every letter is the one glyph, and says which character it stands for.
/// It takes the number that is given and the five after it.
pub(super) fn write_font(pdf: &mut Pdf, letters: &BTreeMap<char, u16>, number: Ref) {
    let part = |after: i32| Ref::new(number.get() + after);
    let (cid_font, descriptor, font_file) = (part(1), part(2), part(3));
    let (glyphs, meanings_of) = (part(4), part(5));
    pdf.type0_font(number)
        .base_font(FONT_NAME)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid_font)
        .to_unicode(meanings_of);
    pdf.cid_font(cid_font)
        .subtype(CidFontType::Type2)
        .base_font(FONT_NAME)
        .system_info(ROMAN)
        .font_descriptor(descriptor)
        .default_width(f32::from(font::WIDTH))
        .cid_to_gid_map_stream(glyphs);
    let (ascent, descent) = (f32::from(font::ASCENT), f32::from(font::DESCENT));
    pdf.font_descriptor(descriptor)
        .name(FONT_NAME)
        .flags(FontFlags::FIXED_PITCH | FontFlags::SYMBOLIC)
        .bbox(Rect::new(0.0, descent, f32::from(font::WIDTH), ascent))
        .italic_angle(0.0)
        .ascent(ascent)
        .descent(descent)
        .cap_height(ascent)
        .stem_v(80.0)
        .font_file2(font_file);
    let file = font::file();
    let length = i32::try_from(file.len()).unwrap_or(0);
    pdf.stream(font_file, &file).pair(Name(b"Length1"), length);
    pdf.stream(glyphs, &vec![0; 2 * (letters.len() + 1)]);
    let mut meanings = UnicodeCmap::new(Name(b"Meanings"), ROMAN);
    for (character, letter) in letters {
        meanings.pair(*letter, *character);
    }
    pdf.cmap(meanings_of, &meanings.finish());
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut deflater = ZlibEncoder::new(Vec::new(), Compression::default());
    // A vector takes everything.
    let _always = deflater.write_all(bytes);
    deflater.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the two upper corners of what is stored come to lie, in shares of the page from the
    /// left and the top.
    fn corners(orientation: u32, rotation: u16) -> [(f32, f32); 2] {
        let [a, b, c, d, e, f] = matrix(orientation, rotation, (1.0, 1.0));
        let at = |x: f32, y: f32| (a * x + c * y + e, 1.0 - (b * x + d * y + f));
        [at(0.0, 1.0), at(1.0, 1.0)]
    }

    #[test]
    fn a_picture_is_turned_first_as_it_says_and_then_as_its_words_lie() {
        let (tl, tr, bl, br) = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0));
        // EXIF 2.32, 4.6.4: where row 0 and column 0 are.
        let by_exif = [
            (1, [tl, tr]),
            (2, [tr, tl]),
            (3, [br, bl]),
            (4, [bl, br]),
            (5, [tl, bl]),
            (6, [tr, br]),
            (7, [br, tr]),
            (8, [bl, tl]),
        ];
        for (orientation, expected) in by_exif {
            assert_eq!(corners(orientation, 0), expected, "{orientation}");
        }
        assert_eq!(corners(1, 90), [tr, br]);
        assert_eq!(corners(1, 180), [br, bl]);
        assert_eq!(corners(1, 270), [bl, tl]);
        // A quarter to the right by EXIF, and the rest of the way by the words.
        assert_eq!(corners(6, 270), [tl, tr]);
    }
}
