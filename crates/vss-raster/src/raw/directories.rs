//! Finds previews and the sensor's data in camera files that are TIFF structures: CR2, NEF, ARW, DNG,
//! PEF, SRW, ORF, RW2 and others. Every directory that is reachable is walked once.

use super::Named;
use super::tree::Tree;
use crate::failure::Outcome;
use crate::orientation::Orientation;

/// Directories and values that are looked at; files have about ten.
const DIRECTORIES: usize = 64;
const VALUES: u32 = 64;

/// What the pixels of the sensor are called (DNG, tag 262): a mosaic, or all colours at each place.
const MOSAIC: u64 = 32_803;
const LINEAR: u64 = 34_892;

/// All previews that directories name, and the largest picture of a sensor.
///
/// # Errors
/// `transient_io`, `out_of_memory`.
pub(super) fn walk(tree: &mut Tree<'_, '_>) -> Outcome<Named> {
    let mut named = Named::default();
    let mut waiting = vec![tree.first()?];
    let mut seen = Vec::new();
    while let Some(at) = waiting.pop() {
        if at != 0 && !seen.contains(&at) && seen.len() < DIRECTORIES {
            directory(tree, at, seen.is_empty(), &mut named, &mut waiting)?;
            seen.push(at);
        }
    }
    Ok(named)
}

/// The tags of one directory that matter.
#[derive(Default)]
struct Found {
    width: u64,
    height: u64,
    photometric: u64,
    compression: u64,
    strips: Vec<u64>,
    lengths: Vec<u64>,
    jpeg_at: u64,
    jpeg_length: u64,
}

fn directory(
    tree: &mut Tree<'_, '_>,
    at: u64,
    main: bool,
    named: &mut Named,
    waiting: &mut Vec<u64>,
) -> Outcome<()> {
    let Some(directory) = tree.directory(at)? else {
        return Ok(());
    };
    if main {
        named.main = at;
    }
    let mut found = Found::default();
    for entry in &directory.entries {
        match entry.tag {
            0x0100 => found.width = tree.whole(entry)?,
            0x0101 => found.height = tree.whole(entry)?,
            0x0103 => found.compression = tree.whole(entry)?,
            0x0106 => found.photometric = tree.whole(entry)?,
            0x0111 => found.strips = tree.wholes(entry, VALUES)?,
            0x0117 => found.lengths = tree.wholes(entry, VALUES)?,
            0x0112 if main => {
                let tag = u32::try_from(tree.whole(entry)?).unwrap_or(0);
                named.orientation = Orientation::from_tag(tag);
            }
            0x0201 => found.jpeg_at = tree.whole(entry)?,
            0x0202 => found.jpeg_length = tree.whole(entry)?,
            // Panasonic keeps a whole JPEG as a value.
            0x002E => named.previews.push((tree.place(entry), entry.count.into())),
            // Directories below this one, and EXIF's.
            0x014A | 0x8769 => waiting.extend(tree.wholes(entry, VALUES)?),
            _ => {}
        }
    }
    waiting.push(directory.next);
    if found.jpeg_at != 0 {
        let preview = (found.jpeg_at, found.jpeg_length);
        named.previews.push(preview);
    }
    let sensor = matches!(found.photometric, MOSAIC | LINEAR);
    if let (false, 6 | 7, [at], [length]) =
        (sensor, found.compression, &*found.strips, &*found.lengths)
    {
        named.previews.push((*at, *length));
    }
    let size = found.width.saturating_mul(found.height);
    if sensor && size > named.sensor.map_or(0, |(size, _)| size) {
        named.sensor = Some((size, at));
    }
    Ok(())
}
