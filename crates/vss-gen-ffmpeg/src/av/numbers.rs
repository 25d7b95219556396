//! Enumerations of FFmpeg as the numbers that they are: a file may claim any number, and a library
//! may have more of them than it was compiled against. A Rust enumeration of a number that it has
//! no name for would be undefined behaviour, so that none is ever read from what FFmpeg filled in.

use std::ffi::{CStr, c_char, c_int};

use ffmpeg_next::ffi;

/// FFmpeg's functions that take such numbers, which refuse those that they do not know. They
/// are declared here once more because the bindings want enumerations.
mod tables {
    use super::{c_char, c_int, ffi};

    unsafe extern "C" {
        pub(super) fn av_get_pix_fmt_name(number: c_int) -> *const c_char;
        pub(super) fn av_pix_fmt_desc_get(number: c_int) -> *const ffi::AVPixFmtDescriptor;
        pub(super) fn av_get_sample_fmt_name(number: c_int) -> *const c_char;
        pub(super) fn av_color_space_name(number: c_int) -> *const c_char;
        pub(super) fn av_color_range_name(number: c_int) -> *const c_char;
        pub(super) fn av_color_transfer_name(number: c_int) -> *const c_char;
        pub(super) fn av_color_primaries_name(number: c_int) -> *const c_char;
        pub(super) fn av_samples_set_silence(
            planes: *const *mut u8,
            offset: c_int,
            samples: c_int,
            channels: c_int,
            number: c_int,
        ) -> c_int;
        pub(super) fn avcodec_get_name(number: c_int) -> *const c_char;
        pub(super) fn avcodec_find_decoder(number: c_int) -> *const ffi::AVCodec;
    }
}

/// How a frame says that its colours are coded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Colours {
    pub(super) matrix: c_int,
    pub(super) range: c_int,
    pub(super) transfer: c_int,
    pub(super) primaries: c_int,
}

impl Colours {
    /// What a frame says.
    pub(super) const fn of(frame: &ffi::AVFrame) -> Self {
        // SAFETY: fields of a frame that is borrowed; each is an enumeration of C, which is as
        // large as a number, and any number is one.
        unsafe {
            Self {
                matrix: (&raw const frame.colorspace).cast::<c_int>().read(),
                range: (&raw const frame.color_range).cast::<c_int>().read(),
                transfer: (&raw const frame.color_trc).cast::<c_int>().read(),
                primaries: (&raw const frame.color_primaries).cast::<c_int>().read(),
            }
        }
    }

    /// Lets a frame say nothing where it says what this FFmpeg has no name for.
    pub(super) fn doubt(frame: &mut ffi::AVFrame) {
        let said = Self::of(frame);
        // SAFETY: lookups in constant tables.
        let unknown = unsafe {
            [
                tables::av_color_space_name(said.matrix).is_null(),
                tables::av_color_range_name(said.range).is_null(),
                tables::av_color_transfer_name(said.transfer).is_null(),
                tables::av_color_primaries_name(said.primaries).is_null(),
            ]
        };
        let [matrix, range, transfer, primaries] = unknown;
        if matrix {
            frame.colorspace = ffi::AVColorSpace::AVCOL_SPC_UNSPECIFIED;
        }
        if range {
            frame.color_range = ffi::AVColorRange::AVCOL_RANGE_UNSPECIFIED;
        }
        if transfer {
            frame.color_trc = ffi::AVColorTransferCharacteristic::AVCOL_TRC_UNSPECIFIED;
        }
        if primaries {
            frame.color_primaries = ffi::AVColorPrimaries::AVCOL_PRI_UNSPECIFIED;
        }
    }
}

/// How the colours of ordinary films are coded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Coding {
    /// BT.709, as films in HD are.
    Hd,
    /// BT.601 with the colours of 525 lines.
    Sd525,
    /// BT.601 with the colours of 625 lines.
    Sd625,
}

impl Coding {
    /// How a stream says that it is coded, and how its frames are taken to be when it says nothing.
    pub(super) fn of(par: &ffi::AVCodecParameters) -> Self {
        // SAFETY: a field of parameters that are borrowed, an enumeration of C as above.
        let matrix = unsafe { (&raw const par.color_space).cast::<c_int>().read() };
        let height = u32::try_from(par.height).unwrap_or(0);
        match says(matrix) {
            true => Self::by_number(matrix).unwrap_or(Self::Hd),
            false => Self::unsaid(height),
        }
    }

    /// How a frame is coded; `None` when in another way than ordinary films.
    pub(super) fn of_frame(frame: &ffi::AVFrame) -> Option<Self> {
        let matrix = Colours::of(frame).matrix;
        let rgb = u64::from(ffi::AV_PIX_FMT_FLAG_RGB.unsigned_abs());
        if flags_of_pixels(frame.format) & rgb != 0 {
            return None;
        }
        match says(matrix) {
            true => Self::by_number(matrix),
            false => Some(Self::unsaid(u32::try_from(frame.height).unwrap_or(0))),
        }
    }

    /// How pictures are coded that do not say it: large ones as HD is.
    pub(crate) const fn unsaid(height: u32) -> Self {
        match height {
            720.. => Self::Hd,
            _ => Self::Sd525,
        }
    }

    fn by_number(matrix: c_int) -> Option<Self> {
        use ffi::AVColorSpace::{AVCOL_SPC_BT470BG, AVCOL_SPC_BT709, AVCOL_SPC_SMPTE170M};
        let known = [
            (AVCOL_SPC_BT709, Self::Hd),
            (AVCOL_SPC_SMPTE170M, Self::Sd525),
            (AVCOL_SPC_BT470BG, Self::Sd625),
        ];
        let mut known = known.into_iter();
        let found = known.find(|(number, _)| *number as c_int == matrix);
        found.map(|(_, coding)| coding)
    }

    /// Whether both have the same matrix.
    pub(super) const fn is_like(self, other: Self) -> bool {
        matches!(self, Self::Hd) == matches!(other, Self::Hd)
    }

    /// Its matrix as filters name it.
    pub(crate) const fn matrix(self) -> &'static str {
        match self {
            Self::Hd => "bt709",
            Self::Sd525 => "smpte170m",
            Self::Sd625 => "bt470bg",
        }
    }

    /// Lets an encoder say it.
    pub(super) const fn tell(self, encoder: &mut ffi::AVCodecContext) {
        use ffi::AVColorPrimaries as Primaries;
        use ffi::AVColorSpace as Matrix;
        use ffi::AVColorTransferCharacteristic as Transfer;
        let (matrix, primaries, transfer) = match self {
            Self::Hd => (
                Matrix::AVCOL_SPC_BT709,
                Primaries::AVCOL_PRI_BT709,
                Transfer::AVCOL_TRC_BT709,
            ),
            Self::Sd525 => (
                Matrix::AVCOL_SPC_SMPTE170M,
                Primaries::AVCOL_PRI_SMPTE170M,
                Transfer::AVCOL_TRC_SMPTE170M,
            ),
            Self::Sd625 => (
                Matrix::AVCOL_SPC_BT470BG,
                Primaries::AVCOL_PRI_BT470BG,
                Transfer::AVCOL_TRC_SMPTE170M,
            ),
        };
        encoder.colorspace = matrix;
        encoder.color_primaries = primaries;
        encoder.color_trc = transfer;
        encoder.color_range = ffi::AVColorRange::AVCOL_RANGE_MPEG;
    }
}

/// Whether the number of a matrix says anything.
pub(super) const fn says(matrix: c_int) -> bool {
    use ffi::AVColorSpace::{AVCOL_SPC_RESERVED, AVCOL_SPC_UNSPECIFIED};
    matrix != AVCOL_SPC_UNSPECIFIED as c_int && matrix != AVCOL_SPC_RESERVED as c_int
}

/// The number of a stream's codec.
pub(super) const fn codec(par: &ffi::AVCodecParameters) -> c_int {
    // SAFETY: a field of parameters that are borrowed, an enumeration of C as above.
    unsafe { (&raw const par.codec_id).cast::<c_int>().read() }
}

/// The number of what a stream is.
pub(super) const fn media(par: &ffi::AVCodecParameters) -> c_int {
    // SAFETY: as above.
    unsafe { (&raw const par.codec_type).cast::<c_int>().read() }
}

/// The number of how a layout names its channels.
const fn order(layout: &ffi::AVChannelLayout) -> c_int {
    // SAFETY: as above.
    unsafe { (&raw const layout.order).cast::<c_int>().read() }
}

/// How a layout names its channels, and which it has where that is a set of usual ones.
pub(super) const fn channels(layout: &ffi::AVChannelLayout) -> (c_int, u64) {
    let order = order(layout);
    let set = match order == ffi::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE as c_int {
        // SAFETY: in this order the union holds the set.
        true => unsafe { layout.u.mask },
        false => 0,
    };
    (order, set)
}

/// Whether a layout has channels without names.
pub(super) const fn is_unnamed(layout: &ffi::AVChannelLayout) -> bool {
    order(layout) == ffi::AVChannelOrder::AV_CHANNEL_ORDER_UNSPEC as c_int
}

/// The name of a codec; FFmpeg has one for every number.
pub(super) fn name_of_codec(number: c_int) -> String {
    // SAFETY: a lookup in a constant table.
    name_at(unsafe { tables::avcodec_get_name(number) }).unwrap_or_default()
}

/// The decoder that FFmpeg prefers for a codec, or null.
pub(super) fn decoder(codec: c_int) -> *const ffi::AVCodec {
    // SAFETY: a lookup in a constant table.
    unsafe { tables::avcodec_find_decoder(codec) }
}

/// The name of a pixel format.
pub(super) fn name_of_pixels(number: c_int) -> Option<String> {
    // SAFETY: a lookup in a constant table.
    name_at(unsafe { tables::av_get_pix_fmt_name(number) })
}

/// What FFmpeg says of a pixel format, in flags; none for one that it does not know.
pub(super) fn flags_of_pixels(number: c_int) -> u64 {
    // SAFETY: a lookup in a constant table.
    let known = unsafe { tables::av_pix_fmt_desc_get(number).as_ref() };
    known.map_or(0, |known| known.flags)
}

/// The name of a sample format.
pub(super) fn name_of_samples(number: c_int) -> Option<String> {
    // SAFETY: a lookup in a constant table.
    name_at(unsafe { tables::av_get_sample_fmt_name(number) })
}

/// Fills samples of a format with silence, and answers a code.
///
/// # Safety
/// The planes are those of so many samples of so many channels in that format, and nobody else's.
pub(super) unsafe fn silence(
    planes: *const *mut u8,
    samples: c_int,
    channels: c_int,
    number: c_int,
) -> c_int {
    // SAFETY: as the caller says; a format that is not known is refused.
    unsafe { tables::av_samples_set_silence(planes, 0, samples, channels, number) }
}

fn name_at(name: *const c_char) -> Option<String> {
    if name.is_null() {
        return None;
    }
    // SAFETY: a constant of FFmpeg, ended with a zero.
    let name = unsafe { CStr::from_ptr(name) };
    name.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::av::Frame;

    #[test]
    fn numbers_that_nobody_knows_have_no_name() {
        assert_eq!(name_of_pixels(0).as_deref(), Some("yuv420p"));
        assert_eq!(name_of_samples(1).as_deref(), Some("s16"));
        for number in [-2, 9_999, c_int::MAX, c_int::MIN] {
            assert_eq!(name_of_pixels(number), None);
            assert_eq!(name_of_samples(number), None);
            assert_eq!(flags_of_pixels(number), 0);
            assert!(decoder(number).is_null());
            assert!(!name_of_codec(number).is_empty());
        }
    }

    #[test]
    fn colours_that_nobody_knows_are_not_said() {
        let mut frame = Frame::new().unwrap();
        let raw = frame.raw_mut();
        // SAFETY: writes numbers where C has numbers.
        unsafe {
            (&raw mut raw.colorspace).cast::<c_int>().write(200);
            (&raw mut raw.color_range).cast::<c_int>().write(77);
            (&raw mut raw.color_trc).cast::<c_int>().write(-5);
            (&raw mut raw.color_primaries).cast::<c_int>().write(9);
        }
        Colours::doubt(raw);
        let expected = Colours {
            matrix: 2,
            range: 0,
            transfer: 2,
            primaries: 9,
        };
        assert_eq!(Colours::of(raw), expected);
    }
}
