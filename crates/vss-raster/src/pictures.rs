//! The pictures that a page of a PDF shows, also inside of forms and as masks of other pictures: held
//! against the limits before a renderer decodes them, which it does without any.

use hayro::hayro_syntax::object::{Dict, Name, Stream};
use hayro::hayro_syntax::page::{Page, Resources};
use vss_core::plan::DecodeLimits;

use crate::failure::Outcome;
use crate::limits;

/// Bytes that a picture of the page takes for each of its pixels.
const HELD: u64 = 4;

/// How many objects are looked at for their pictures, and how deep: a page may share them, and
/// even hold itself.
const OBJECTS: usize = 10_000;
const DEPTH: usize = 8;

/// Bytes that the largest picture of a page takes once it is decoded; 0 where there is none.
///
/// # Errors
/// `too_large` for a page that shows a picture beyond the limits.
pub fn held_by_pictures(limits: &DecodeLimits, page: &Page<'_>) -> Outcome<u64> {
    let mut pictures = Pictures::default();
    pictures.add(limits, page.resources(), 0)?;
    Ok(pictures.largest.saturating_mul(HELD))
}

/// The pictures that drawing a page may decode.
#[derive(Default)]
struct Pictures {
    seen: usize,
    /// Pixels of the largest.
    largest: u64,
}

impl Pictures {
    fn add(&mut self, limits: &DecodeLimits, of: &Resources<'_>, depth: usize) -> Outcome<()> {
        for name in of.x_objects.keys() {
            self.seen += 1;
            if self.seen > OBJECTS || depth > DEPTH {
                return Ok(());
            }
            if let Some(object) = of.x_objects.get::<Stream<'_>>(&*name) {
                self.add_object(limits, object.dict(), depth)?;
            }
        }
        Ok(())
    }

    fn add_object(&mut self, limits: &DecodeLimits, dict: &Dict<'_>, depth: usize) -> Outcome<()> {
        let subtype = dict.get::<Name<'_>>("Subtype");
        if subtype.is_some_and(|subtype| subtype.as_str() == "Form") {
            let inner = dict.get::<Dict<'_>>("Resources").unwrap_or_default();
            return self.add(limits, &Resources::new(inner), depth + 1);
        }
        let side = |name: &str| dict.get::<u32>(name).unwrap_or(0);
        let (width, height) = (side("Width"), side("Height"));
        if width > 0 && height > 0 {
            limits::check_size(limits, width, height)?;
            self.largest = self.largest.max(limits::bytes_of(width, height, 1));
        }
        match dict.get::<Stream<'_>>("SMask") {
            Some(mask) if depth <= DEPTH => self.add_object(limits, mask.dict(), depth + 1),
            _ => Ok(()),
        }
    }
}
