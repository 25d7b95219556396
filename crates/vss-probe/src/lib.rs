//! What media files say of themselves that tells which of them belong together: Apple's identifier
//! of a Live Photo, when something was taken, how long it plays, and where in a photo a video is.
//!
//! The files are anybody's, and this runs beside the index, not in a worker. So nothing is decoded
//! and there is no native code: containers are walked by their lengths, each of which is held
//! against the file and against [`Limits`]. What cannot be read says nothing; nothing here fails.

mod boxes;
mod container;
mod exif;
mod heif;
mod jpeg;
mod moment;
mod motion;
mod movie;
mod source;

use vss_core::MediaType;
use vss_core::companion::MediaFacts;

use source::Reader;
pub use source::{Limits, Source};

/// How a file is laid out, as far as it is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Layout {
    Jpeg,
    Heif,
    Movie,
    Tiff,
    CanonRaw3,
    FujiRaw,
}

fn layout(media_type: &MediaType) -> Option<Layout> {
    Some(match media_type.as_str() {
        "image/jpeg" => Layout::Jpeg,
        "image/heic" | "image/heif" | "image/avif" => Layout::Heif,
        "video/quicktime" | "video/mp4" | "video/x-m4v" => Layout::Movie,
        "image/x-canon-cr3" => Layout::CanonRaw3,
        "image/x-fuji-raf" => Layout::FujiRaw,
        camera if MediaType::CAMERA_FILES.contains(&camera) => Layout::Tiff,
        _ => return None,
    })
}

/// Whether a file of this type may say anything.
pub fn may_say(media_type: &MediaType) -> bool {
    layout(media_type).is_some()
}

/// What a file says. Reads a few kilobytes of most, and never more than the limits.
pub fn probe(media_type: &MediaType, source: &mut dyn Source, limits: Limits) -> MediaFacts {
    let mut facts = MediaFacts::default();
    let Some(layout) = layout(media_type) else {
        return facts;
    };
    let mut reader = Reader::new(source, limits);
    let all = reader.all();
    match layout {
        Layout::Jpeg => jpeg::read(&mut reader, all, &mut facts),
        Layout::Heif => heif::read(&mut reader, &mut facts),
        Layout::Movie => movie::read(&mut reader, all, &mut facts),
        Layout::Tiff => exif::read(&mut reader, all, &mut facts),
        Layout::CanonRaw3 => container::canon(&mut reader, &mut facts),
        Layout::FujiRaw => container::fuji(&mut reader, &mut facts),
    }
    facts
}
