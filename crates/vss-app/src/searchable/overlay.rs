//! A document whose pages are pictures, with the words that were recognised behind each of them.
//!
//! Nothing of the document is written anew: what changes is appended, as PDF provides for
//! (ISO 32000-1, 7.5.6), so its pictures, links, forms and titles are what they were.

use std::collections::BTreeMap;

use lopdf::{Dictionary, Document, IncrementalDocument, LoadOptions, Object, ObjectId, Stream};
use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Name, Pdf, Ref};
use vss_core::text::{TextDocument, TextPage, TextSource};

use super::document::{letters, pixels, write_font};

/// What the font of the words is called on each page: a name that no document uses.
const FONT: &str = "VssWords";

/// The most that a single stream of the document may unfold to, in bytes.
const LARGEST_STREAM: usize = 32 << 20;

/// So many ancestors a page may have in the tree of pages.
const DEEPEST: usize = 64;

/// A4 in units, for a page that has no area.
const A4: Sheet = Sheet {
    x: 0.0,
    y: 0.0,
    width: 595.276,
    height: 841.89,
};

/// Why a document gets no words.
#[derive(Debug, thiserror::Error)]
pub(super) enum OverlayError {
    /// It is locked.
    #[error("it is encrypted")]
    Encrypted,
    /// Its pages are not those whose words are known.
    #[error("it has {0} pages here, and {1} when it was read")]
    OtherPages(usize, u32),
    /// Its places are counted from where it begins, and that is not where the file does.
    #[error("the file has something else before the document begins")]
    Preceded,
    /// Its table of objects is missing or wrong.
    #[error("it is damaged: its table of objects had to be guessed")]
    Damaged,
    /// It is no document, or not one that can be added to.
    #[error("it cannot be added to")]
    Unreadable(#[from] lopdf::Error),
    /// What was added could not be written.
    #[error("what was added could not be written")]
    Unwritten(#[from] std::io::Error),
}

/// The document with the words of its recognised pages; as it is where there are none.
pub(super) fn write(bytes: Vec<u8>, text: &TextDocument) -> Result<Vec<u8>, OverlayError> {
    let recognised =
        |page: &&TextPage| page.source == TextSource::Ocr && page.words().next().is_some();
    let pages: Vec<_> = text.pages.iter().filter(recognised).collect();
    if pages.is_empty() {
        return Ok(bytes);
    }
    if !bytes.starts_with(b"%PDF-") {
        return Err(OverlayError::Preceded);
    }
    let options = LoadOptions::with_max_decompressed_size(LARGEST_STREAM);
    let known = Document::load_mem_with_options(&bytes, options)?;
    if known.is_encrypted() || known.was_encrypted() {
        return Err(OverlayError::Encrypted);
    }
    if known.xref_recovery.is_some() {
        return Err(OverlayError::Damaged);
    }
    let places = known.get_pages();
    if u32::try_from(places.len()) != Ok(text.page_count) {
        return Err(OverlayError::OtherPages(places.len(), text.page_count));
    }
    let mut document = IncrementalDocument::create_from(bytes, known);
    let letters = letters(pages.iter().copied());
    let font = add_font(&mut document, &letters)?;
    for page in pages {
        if let Some(place) = places.get(&page.number) {
            add_words(&mut document, *place, page, &letters, font)?;
        }
    }
    let mut written = Vec::new();
    document.save_to(&mut written)?;
    Ok(written)
}

/// Adds the font to the document; its number.
fn add_font(
    document: &mut IncrementalDocument,
    letters: &BTreeMap<char, u16>,
) -> Result<ObjectId, OverlayError> {
    let mut alone = Pdf::new();
    let (catalog, pages, font) = (Ref::new(1), Ref::new(2), Ref::new(3));
    alone
        .catalog(catalog)
        .pages(pages)
        .pair(Name(FONT.as_bytes()), font);
    alone.pages(pages).count(0).kids([]);
    write_font(&mut alone, letters, font);
    let mut alone = Document::load_mem(&alone.finish())?;
    let next = document.new_document.max_id + 1;
    alone.renumber_objects_with(next);
    let font = alone.catalog()?.get(FONT.as_bytes())?.as_reference()?;
    let is_tree = |object: &Object| {
        let sort = object.as_dict().and_then(Dictionary::get_type);
        sort.is_ok_and(|sort| sort == b"Catalog" || sort == b"Pages")
    };
    document.new_document.max_id = alone.max_id;
    let objects = alone
        .objects
        .into_iter()
        .filter(|(_, object)| !is_tree(object));
    document.new_document.objects.extend(objects);
    Ok(font)
}

/// Puts the words of a page behind what it shows.
fn add_words(
    document: &mut IncrementalDocument,
    place: ObjectId,
    page: &TextPage,
    letters: &BTreeMap<char, u16>,
    font: ObjectId,
) -> Result<(), OverlayError> {
    let matrix = matrix(document.get_prev_documents(), place, page)?;
    let mut words = Content::new();
    words.save_state();
    words.transform(matrix);
    words.begin_text();
    words.set_text_rendering_mode(TextRenderingMode::Invisible);
    for line in page.blocks.iter().flat_map(|block| &block.lines) {
        super::document::place(&mut words, FONT, line, letters, 1.0, pixels(page.height));
    }
    words.end_text();
    words.restore_state();
    let mut shown = shown_by(document.get_prev_documents(), place)?;
    let new = &mut document.new_document;
    // Whatever the page leaves behind of its state is not for the words.
    let before = new.add_object(Stream::new(Dictionary::new(), b"q\n".to_vec()));
    let mut after = b"\nQ\n".to_vec();
    after.extend_from_slice(&words.finish());
    let mut after = Stream::new(Dictionary::new(), after);
    after.compress()?;
    let after = new.add_object(after);
    shown.insert(0, Object::Reference(before));
    shown.push(Object::Reference(after));
    add_resource(document, place, font)?;
    let page = document.new_document.get_dictionary_mut(place)?;
    page.set("Contents", Object::Array(shown));
    Ok(())
}

/// The streams that a page shows, one after the other.
fn shown_by(document: &Document, place: ObjectId) -> Result<Vec<Object>, OverlayError> {
    let page = document.get_dictionary(place)?;
    let Ok(contents) = page.get(b"Contents") else {
        return Ok(Vec::new());
    };
    Ok(match document.dereference(contents)? {
        (_, Object::Array(several)) => several.clone(),
        (_, Object::Stream(_)) => vec![contents.clone()],
        _ => Vec::new(),
    })
}

/// Makes the font known to a page.
fn add_resource(
    document: &mut IncrementalDocument,
    place: ObjectId,
    font: ObjectId,
) -> Result<(), OverlayError> {
    let resources = document.get_or_create_resources(place)?.as_dict_mut()?;
    if !resources.has(b"Font") {
        resources.set("Font", Dictionary::new());
    }
    let fonts = match resources.get_mut(b"Font")? {
        Object::Reference(elsewhere) => {
            let elsewhere = *elsewhere;
            document.opt_clone_object_to_new_document(elsewhere)?;
            document.new_document.get_object_mut(elsewhere)?
        }
        here => here,
    };
    fonts.as_dict_mut()?.set(FONT, Object::Reference(font));
    Ok(())
}

/// The part of a page's plane that is shown, in units.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Sheet {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

/// From pixels of the upright page, counted from below, to units of the page's plane.
fn matrix(document: &Document, place: ObjectId, page: &TextPage) -> Result<[f32; 6], OverlayError> {
    let media = inherited(document, place, b"MediaBox").and_then(|object| area(document, object));
    let crop = inherited(document, place, b"CropBox").and_then(|object| area(document, object));
    let sheet = shown_part(media, crop);
    let turned = inherited(document, place, b"Rotate").and_then(|object| object.as_i64().ok());
    let turned = u16::try_from(turned.unwrap_or(0).rem_euclid(360)).unwrap_or(0);
    Ok(onto(sheet, turned, page))
}

fn onto(sheet: Sheet, turned: u16, page: &TextPage) -> [f32; 6] {
    // In shares of each side, from the left and the top: back as the words lie, then as the page is
    // shown.
    let at = |u: f32, v: f32| {
        let (u, v) = turned_back((u, v), page.rotation);
        let (u, v) = turned_back((u, v), turned);
        (
            sheet.x + u * sheet.width,
            sheet.y + (1.0 - v) * sheet.height,
        )
    };
    let (corner, right, up) = (at(0.0, 1.0), at(1.0, 1.0), at(0.0, 0.0));
    let (width, height) = (pixels(page.width).max(1.0), pixels(page.height).max(1.0));
    [
        (right.0 - corner.0) / width,
        (right.1 - corner.1) / width,
        (up.0 - corner.0) / height,
        (up.1 - corner.1) / height,
        corner.0,
        corner.1,
    ]
}

/// Where a point was before a turn to the right by so many degrees.
fn turned_back((u, v): (f32, f32), degrees: u16) -> (f32, f32) {
    match degrees {
        90 => (v, 1.0 - u),
        180 => (1.0 - u, 1.0 - v),
        270 => (1.0 - v, u),
        _ => (u, v),
    }
}

/// What is shown of a page: what its crop leaves of its medium (ISO 32000-1, 14.11.2).
fn shown_part(media: Option<Sheet>, crop: Option<Sheet>) -> Sheet {
    let media = media.unwrap_or(A4);
    let crop = crop.unwrap_or(media);
    let (left, below) = (media.x.max(crop.x), media.y.max(crop.y));
    let right = (media.x + media.width).min(crop.x + crop.width);
    let above = (media.y + media.height).min(crop.y + crop.height);
    let (width, height) = (right - left, above - below);
    match width > 0.0 && height > 0.0 {
        true => Sheet {
            x: left,
            y: below,
            width,
            height,
        },
        false => A4,
    }
}

/// A rectangle by any two opposite corners.
fn area(document: &Document, object: &Object) -> Option<Sheet> {
    let corners = object.as_array().ok()?;
    let side = |n: usize| {
        let (_, side) = document.dereference(corners.get(n)?).ok()?;
        side.as_float().ok()
    };
    let (a, b, c, d) = (side(0)?, side(1)?, side(2)?, side(3)?);
    Some(Sheet {
        x: a.min(c),
        y: b.min(d),
        width: (c - a).abs(),
        height: (d - b).abs(),
    })
}

/// What a page says of itself, or the nearest of its ancestors that says it.
fn inherited<'a>(document: &'a Document, place: ObjectId, key: &[u8]) -> Option<&'a Object> {
    let mut node = document.get_dictionary(place).ok()?;
    for _ in 0..DEEPEST {
        if let Ok(said) = node.get(key) {
            return document.dereference(said).ok().map(|(_, object)| object);
        }
        node = node.get_deref(b"Parent", document).ok()?.as_dict().ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use pdf_writer::Finish;

    use super::*;

    fn page(width: u32, height: u32, rotation: u16) -> TextPage {
        TextPage {
            number: 1,
            source: TextSource::Ocr,
            width,
            height,
            dpi: None,
            rotation,
            confidence: None,
            blocks: Vec::new(),
        }
    }

    /// Where the upper left and the upper right corner of the upright page lie in the plane.
    fn corners(turned: u16, rotation: u16) -> [(f32, f32); 2] {
        let sheet = Sheet {
            x: 10.0,
            y: 20.0,
            width: 100.0,
            height: 200.0,
        };
        let swaps = (turned % 180 == 90) != (rotation % 180 == 90);
        let (width, height) = if swaps { (400, 200) } else { (200, 400) };
        let [a, b, c, d, e, f] = onto(sheet, turned, &page(width, height, rotation));
        let at = |x: f32, y: f32| ((a * x + c * y + e).round(), (b * x + d * y + f).round());
        [at(0.0, pixels(height)), at(pixels(width), pixels(height))]
    }

    #[test]
    fn words_lie_where_the_page_shows_them_however_it_is_turned() {
        let (tl, tr, bl, br) = ((10.0, 220.0), (110.0, 220.0), (10.0, 20.0), (110.0, 20.0));
        assert_eq!(corners(0, 0), [tl, tr]);
        // Shown a quarter to the right, its left side is on top.
        assert_eq!(corners(90, 0), [bl, tl]);
        assert_eq!(corners(180, 0), [br, bl]);
        assert_eq!(corners(270, 0), [tr, br]);
        // The page lies upside down on the medium, or on its side.
        assert_eq!(corners(0, 180), [br, bl]);
        assert_eq!(corners(0, 90), [bl, tl]);
        assert_eq!(corners(90, 270), [tl, tr]);
        assert_eq!(corners(90, 90), [br, bl]);
    }

    #[test]
    fn a_page_shows_what_its_crop_leaves_of_its_medium() {
        let sheet = |x, y, width, height| Sheet {
            x,
            y,
            width,
            height,
        };
        let media = sheet(0.0, 0.0, 100.0, 100.0);
        assert_eq!(shown_part(None, None), A4);
        assert_eq!(shown_part(Some(media), None), media);
        let crop = sheet(-10.0, 50.0, 60.0, 100.0);
        assert_eq!(
            shown_part(Some(media), Some(crop)),
            sheet(0.0, 50.0, 50.0, 50.0)
        );
        let elsewhere = sheet(500.0, 500.0, 10.0, 10.0);
        assert_eq!(shown_part(Some(media), Some(elsewhere)), A4);
    }

    /// A page of 200 by 100 units, and a word on it.
    fn one_page() -> (Vec<u8>, TextDocument) {
        let mut pdf = Pdf::new();
        let [catalog, pages, only] = [1, 2, 3].map(Ref::new);
        pdf.catalog(catalog).pages(pages);
        pdf.pages(pages).count(1).kids([only]);
        let mut written = pdf.page(only);
        written.parent(pages);
        written.media_box(pdf_writer::Rect::new(0.0, 0.0, 200.0, 100.0));
        written.finish();
        let text = serde_json::json!({
            "version": 1, "engine": {"name": "none", "version": "1"}, "languages": ["eng"],
            "page_count": 1, "empty": false, "pages": [{
                "number": 1, "source": "ocr", "width": 400, "height": 200, "rotation": 0,
                "blocks": [{"box": [40, 40, 80, 20], "lines": [{
                    "box": [40, 40, 80, 20], "paragraph": 1,
                    "words": [{"box": [40, 40, 80, 20], "text": "words", "confidence": 0.9}],
                }]}],
            }],
        });
        (pdf.finish(), serde_json::from_value(text).unwrap())
    }

    #[test]
    fn a_document_behind_something_else_is_refused_since_its_places_are_not_those_of_the_file() {
        let (document, text) = one_page();
        let written = write(document.clone(), &text).unwrap();
        assert!(written.starts_with(&document) && written.len() > document.len());
        let preceded = [b"a mail\n", document.as_slice()].concat();
        // It can be read, so it would be written to.
        assert!(Document::load_mem(&preceded).is_ok());
        let refused = write(preceded, &text);
        assert!(
            matches!(refused, Err(OverlayError::Preceded)),
            "{refused:?}"
        );
    }
}
