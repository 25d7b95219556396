//! Develops what a sensor saw, as much of it as the stills need: the claims are held against the limits
//! first, then the memory is asked for, then the data is unpacked.

use vss_core::plan::DecodeLimits;
use vss_ports::CancelToken;
use vss_raster::failure::{Outcome, too_large, unsupported};
use vss_raster::limits::{bytes_of, check_bytes, check_size};
use vss_raster::{Decoded, Layout, Scratch, Source};

use crate::once::Once;
use crate::shim::{LibRaw, Picture, Sizes};

/// LibRaw holds four colours of two bytes for each pixel, and writes three or one.
const BYTES_A_PIXEL: u64 = 8;
const BYTES_A_COPY: u64 = 3;
/// What decoders hold beside that: tables, lines and blocks.
const BESIDE: u64 = 24 << 20;

/// One file, and what is wanted of it.
pub(crate) struct Wanted<'a> {
    pub(crate) source: &'a Source<'a>,
    pub(crate) limits: &'a DecodeLimits,
    pub(crate) host: &'a Once<'a>,
    pub(crate) cancel: &'a CancelToken,
    /// Pixels of the longer side of the largest still.
    pub(crate) largest: u32,
    /// Pixels of the longer side of what there is without developing.
    pub(crate) side: u32,
}

/// Whether a picture is good enough for stills of this size: half of what is wanted still looks like
/// the picture; a thumbnail for the camera's own screen does not.
pub(crate) const fn is_enough(side: u32, wanted: u32) -> bool {
    side as u64 * 2 >= wanted as u64
}

/// Develops into the scratch; its pixels are touched when the picture is whole, and not before.
/// `None` when the sensor has no more than what there is without.
///
/// # Errors
/// `unsupported`, `corrupt_source`, `too_large`, `transient_io`, `out_of_memory`, `timeout` once
/// cancelled; the host's failure when it refuses the memory.
pub(crate) fn develop(wanted: &Wanted<'_>, scratch: &mut Scratch) -> Outcome<Option<Decoded>> {
    let limits = wanted.limits;
    if wanted.source.size() > limits.max_decoded_bytes {
        return Err(too_large(format!(
            "a camera file of {} bytes: its picture may have {}",
            wanted.source.size(),
            limits.max_decoded_bytes
        )));
    }
    let mut bytes = Vec::new();
    wanted.source.read_whole(&mut bytes)?;
    let go_on = || {
        // Whoever waits is told nothing before memory was asked for.
        if wanted.host.has_granted() {
            vss_ports::JobHost::progressed(wanted.host);
        }
        !wanted.cancel.is_cancelled()
    };
    let megabytes = u32::try_from(limits.max_decoded_bytes >> 20).unwrap_or(u32::MAX);
    let opened = LibRaw::open(&bytes, megabytes.max(1), go_on)?;
    let sizes = opened.sizes();
    check_size(limits, sizes.raw_width, sizes.raw_height)?;
    check_size(limits, sizes.width, sizes.height)?;
    let longer = sizes.width.max(sizes.height);
    if wanted.side > 0 && is_enough(wanted.side, longer) {
        return Ok(None);
    }
    // Two by two places have all colours, or nearly (Fujifilm's six by six): little has to be guessed.
    let half = sizes.shrinks != 0 && longer.div_ceil(2) >= wanted.largest;
    let needed = needed(sizes, half);
    check_bytes(limits, needed.places.saturating_add(needed.pixels))?;
    vss_ports::JobHost::reserve(wanted.host, needed.with(wanted.source.size()))?;
    let developed = opened.unpack(half)?.develop()?;
    drop(bytes);
    let picture = developed.picture();
    let layout = match picture.colours {
        1 => Layout::Gray,
        3 => Layout::Rgb,
        other => return Err(unsupported(format!("a picture of {other} colours"))),
    };
    check_size(limits, picture.width, picture.height)?;
    let length = bytes_of(picture.width, picture.height, picture.colours.into());
    let length = check_bytes(limits, length)?;
    developed.copy(scratch.canvas(length)?)?;
    let faults = developed.faults();
    Ok(Some(Decoded {
        degraded: (faults > 0).then(|| "the sensor's data is damaged".to_owned()),
        ..described(sizes, picture, layout)
    }))
}

/// Bytes of the sensor's data, and of the picture that is made of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Needed {
    places: u64,
    pixels: u64,
}

impl Needed {
    /// All that is held at once: some makers' files are read until they are developed.
    fn with(self, file: u64) -> u64 {
        let data = self.places.saturating_add(file);
        data.saturating_add(self.pixels).saturating_add(BESIDE)
    }
}

fn needed(sizes: Sizes, half: bool) -> Needed {
    // LibRaw adds eight rows.
    let rows = sizes.raw_height.saturating_add(8);
    let places = bytes_of(sizes.raw_width, rows, sizes.bytes_a_place.into());
    let side = |side: u32| if half { side.div_ceil(2) } else { side };
    let (width, height) = (side(sizes.width), side(sizes.height));
    Needed {
        places,
        pixels: bytes_of(width, height, BYTES_A_PIXEL + BYTES_A_COPY),
    }
}

/// What the pixels are: the picture's own size is that of all its places, unless LibRaw changed the
/// shape (pixels that are not square, sensors that stand on a corner).
fn described(sizes: Sizes, picture: Picture, layout: Layout) -> Decoded {
    let decoded = Decoded::unscaled(picture.width, picture.height, layout);
    let halved = [(sizes.width, picture.width), (sizes.height, picture.height)];
    match halved.iter().all(|(all, half)| all.div_ceil(2) == *half) {
        true => Decoded {
            width: sizes.width,
            height: sizes.height,
            ..decoded
        },
        false => decoded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes {
        raw_width: 1_000,
        raw_height: 792,
        width: 999,
        height: 700,
        bytes_a_place: 2,
        shrinks: 1,
    };

    #[test]
    fn half_of_what_is_wanted_is_enough() {
        assert!(is_enough(512, 1_024) && is_enough(600, 1_024));
        assert!(!is_enough(511, 1_024) && !is_enough(0, 1));
        assert!(is_enough(u32::MAX, u32::MAX));
    }

    #[test]
    fn memory_is_counted_for_the_sensor_and_the_picture() {
        let all = needed(SIZES, false);
        assert_eq!((all.places, all.pixels), (1_600_000, 999 * 700 * 11));
        assert_eq!(needed(SIZES, true).pixels, 500 * 350 * 11);
        assert_eq!(
            all.with(9_000_000),
            1_600_000 + all.pixels + 9_000_000 + BESIDE
        );
        let boast = Sizes {
            raw_width: u32::MAX,
            raw_height: u32::MAX,
            ..SIZES
        };
        assert!(needed(boast, true).places > 1 << 62);
    }

    #[test]
    fn half_a_picture_has_the_size_of_the_whole_one() {
        let of = |width, height| {
            let picture = Picture {
                width,
                height,
                colours: 3,
            };
            let decoded = described(SIZES, picture, Layout::Rgb);
            (decoded.width, decoded.height, decoded.stored_width)
        };
        assert_eq!(of(500, 350), (999, 700, 500));
        assert_eq!(of(999, 700), (999, 700, 999));
        assert_eq!(of(600, 350), (600, 350, 600));
    }
}
