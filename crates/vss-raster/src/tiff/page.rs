//! What the directory of a TIFF's first page says, checked for being something that can be read.

use tiff::TiffError;
use tiff::decoder::Decoder;
use tiff::decoder::ifd::Value;
use tiff::tags::{ByteOrder, Tag};
use vss_ports::GenerateFailure;

use crate::decoded::Layout;
use crate::failure::{Outcome, corrupt, unsupported};
use crate::orientation::Orientation;
use crate::source::Source;

/// How chunks are packed (TIFF 6.0, tag 259, and its supplements).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Compression {
    /// 1.
    None,
    /// 3, one-dimensional.
    Group3,
    /// 4.
    Group4,
    /// 5.
    Lzw,
    /// 7.
    Jpeg,
    /// 8 and 32946.
    Deflate,
    /// 32773.
    PackBits,
}

/// What samples mean (tag 262).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Photometric {
    /// 0: grey, 0 is white.
    WhiteIsZero,
    /// 1: grey, 0 is black.
    BlackIsZero,
    /// 2.
    Rgb,
    /// 3: an index into the colour map.
    Palette,
    /// 5.
    Cmyk,
    /// 6.
    YCbCr,
    /// 8: a and b signed.
    CieLab,
    /// 9: a and b with an offset.
    IccLab,
}

impl Photometric {
    /// Samples a pixel that carry colour.
    pub(super) const fn colours(self) -> usize {
        match self {
            Self::WhiteIsZero | Self::BlackIsZero | Self::Palette => 1,
            Self::Rgb | Self::YCbCr | Self::CieLab | Self::IccLab => 3,
            Self::Cmyk => 4,
        }
    }
}

/// What the sample after the colours is (tag 338).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Alpha {
    /// Nothing that is looked at.
    None,
    /// Colours were multiplied by it.
    Premultiplied,
    /// Colours were left alone.
    Straight,
}

/// The first page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bits a sample.
    pub(super) bits: u16,
    /// Whether samples are 32-bit floating point, 0 to 1.
    pub(super) float: bool,
    /// Samples a pixel.
    pub(super) samples: usize,
    /// Whether each sample has its own chunks.
    pub(super) planar: bool,
    pub(super) compression: Compression,
    pub(super) photometric: Photometric,
    /// Whether samples are stored as differences.
    pub(super) predictor: bool,
    pub(super) little_endian: bool,
    /// Whether the first pixel is in the lowest bit of a byte.
    pub(super) reversed_bits: bool,
    pub(super) alpha: Alpha,
    /// Red, then green, then blue entries.
    pub(super) palette: Vec<u16>,
    /// How many columns and rows share one chroma sample.
    pub(super) subsampling: (u32, u32),
    /// Weights of red, green and blue in luma.
    pub(super) luma: [f32; 3],
    /// Footroom and headroom of luma, Cb and Cr.
    pub(super) reference: [f32; 6],
    /// What all JPEG chunks share.
    pub(super) jpeg_tables: Vec<u8>,
    pub(super) orientation: Orientation,
    icc: Option<Vec<u8>>,
    pub(super) chunk_size: (u32, u32),
    pub(super) tiled: bool,
    pub(super) offsets: Vec<u64>,
    pub(super) lengths: Vec<u64>,
}

/// Group 3 options (tag 292); bit 0 means two-dimensional coding.
const T4_OPTIONS: u16 = 292;
const LUMA_WEIGHTS: u16 = 529;
const REFERENCE_BLACK_WHITE: u16 = 532;

impl Page {
    /// Reads the first directory.
    ///
    /// # Errors
    /// `corrupt_source`, `unsupported`.
    pub(super) fn read(source: &Source<'_>) -> Outcome<Self> {
        let mut directory = Decoder::new(source.reader()).map_err(failure)?;
        let (width, height) = directory.dimensions().map_err(failure)?;
        let little_endian = matches!(directory.byte_order(), ByteOrder::LittleEndian);
        // Tags that are absent or unreadable take their default.
        let mut list = |tag: Tag| {
            let value = directory.find_tag(tag).ok().flatten();
            value.and_then(|value| value.into_u64_vec().ok())
        };
        let mut first = |tag: Tag, default: u64| {
            list(tag)
                .and_then(|list| list.first().copied())
                .unwrap_or(default)
        };
        let compression = match first(Tag::Compression, 1) {
            1 => Compression::None,
            3 if first(Tag::Unknown(T4_OPTIONS), 0) & 1 == 0 => Compression::Group3,
            4 => Compression::Group4,
            5 => Compression::Lzw,
            7 => Compression::Jpeg,
            8 | 32_946 => Compression::Deflate,
            32_773 => Compression::PackBits,
            other => return Err(unsupported(format!("TIFF compression {other}"))),
        };
        let photometric = match first(Tag::PhotometricInterpretation, 1) {
            0 => Photometric::WhiteIsZero,
            1 => Photometric::BlackIsZero,
            2 => Photometric::Rgb,
            3 => Photometric::Palette,
            5 => Photometric::Cmyk,
            6 => Photometric::YCbCr,
            8 => Photometric::CieLab,
            9 => Photometric::IccLab,
            other => return Err(unsupported(format!("TIFF pixels of the sort {other}"))),
        };
        let bits = small(first(Tag::BitsPerSample, 1))?;
        let format = first(Tag::SampleFormat, 1);
        let float = format == 3 && bits == 32;
        if !(float || matches!(format, 1 | 4) && matches!(bits, 1..=16 | 32)) {
            let lab = photometric == Photometric::CieLab && format == 2 && matches!(bits, 8 | 16);
            if !lab {
                return Err(unsupported(format!(
                    "TIFF samples of {bits} bits, {format}"
                )));
            }
        }
        let predictor = match first(Tag::Predictor, 1) {
            1 => false,
            2 if matches!(bits, 8 | 16) => true,
            other => return Err(unsupported(format!("TIFF predictor {other}, {bits} bits"))),
        };
        let samples = usize::from(small(first(Tag::SamplesPerPixel, 1))?);
        if samples < photometric.colours() {
            return Err(corrupt(format!("{samples} samples a pixel are too few")));
        }
        let alpha = match first(Tag::ExtraSamples, 0) {
            1 if samples > photometric.colours() => Alpha::Premultiplied,
            2 if samples > photometric.colours() => Alpha::Straight,
            _ => Alpha::None,
        };
        let planar = first(Tag::PlanarConfiguration, 1) == 2 && samples > 1;
        let mixes = matches!(
            photometric,
            Photometric::YCbCr | Photometric::CieLab | Photometric::IccLab | Photometric::Palette
        );
        if planar && mixes {
            return Err(unsupported("a TIFF with a plane for each part of a colour"));
        }
        let reversed_bits = first(Tag::FillOrder, 1) == 2;
        let orientation = first(Tag::Orientation, 1);
        let orientation = Orientation::from_tag(u32::try_from(orientation).unwrap_or(0));
        let strip_rows = side(first(Tag::RowsPerStrip, u64::from(height))).clamp(1, height.max(1));
        let tile = (
            side(first(Tag::TileWidth, 0)),
            side(first(Tag::TileLength, 0)),
        );
        let tiled = tile.0 > 0 && tile.1 > 0;
        let subsampling = match list(Tag::ChromaSubsampling).as_deref() {
            Some(&[h @ 1..=4, v @ 1..=4]) => (side(h), side(v)),
            Some(_) => return Err(corrupt("its chroma is subsampled in no known way")),
            None => (2, 2),
        };
        let (offsets, lengths) = if tiled {
            (list(Tag::TileOffsets), list(Tag::TileByteCounts))
        } else {
            (list(Tag::StripOffsets), list(Tag::StripByteCounts))
        };
        let palette = list(Tag::ColorMap).unwrap_or_default();
        let palette = palette
            .into_iter()
            .map(|v| u16::try_from(v).unwrap_or(u16::MAX));
        let mut bytes = |tag: Tag| directory.find_tag(tag).ok().flatten()?.into_u8_vec().ok();
        let icc = bytes(Tag::IccProfile);
        let jpeg_tables = bytes(Tag::JPEGTables).unwrap_or_default();
        let mut ratios = |tag: u16| {
            let value = directory.find_tag(Tag::Unknown(tag)).ok().flatten();
            value.map(fractions).unwrap_or_default()
        };
        Ok(Self {
            width,
            height,
            bits,
            float,
            samples,
            planar,
            compression,
            photometric,
            predictor,
            little_endian,
            reversed_bits,
            alpha,
            palette: palette.collect(),
            subsampling,
            luma: ratios(LUMA_WEIGHTS)
                .try_into()
                .unwrap_or([0.299, 0.587, 0.114]),
            reference: ratios(REFERENCE_BLACK_WHITE)
                .try_into()
                .unwrap_or([0.0, 255.0, 128.0, 255.0, 128.0, 255.0]),
            jpeg_tables,
            orientation,
            icc,
            chunk_size: if tiled { tile } else { (width, strip_rows) },
            tiled,
            offsets: offsets.unwrap_or_default(),
            lengths: lengths.unwrap_or_default(),
        })
    }

    /// What a pixel becomes.
    pub(super) fn layout(&self) -> Layout {
        let alpha = self.alpha != Alpha::None;
        match self.photometric {
            Photometric::WhiteIsZero | Photometric::BlackIsZero if alpha => Layout::GrayAlpha,
            Photometric::WhiteIsZero | Photometric::BlackIsZero => Layout::Gray,
            Photometric::Rgb if alpha => Layout::Rgba,
            Photometric::Cmyk => Layout::Cmyk,
            _ => Layout::Rgb,
        }
    }

    /// The colour profile; what was converted here is sRGB already.
    pub(super) fn profile(&self) -> Option<Vec<u8>> {
        let converted = matches!(self.photometric, Photometric::CieLab | Photometric::IccLab);
        self.icc.clone().filter(|_| !converted)
    }

    /// Whether chroma is stored once for several pixels, in a layout of its own. JPEG chunks have
    /// theirs inside.
    pub(super) fn is_subsampled(&self) -> bool {
        self.photometric == Photometric::YCbCr
            && self.compression != Compression::Jpeg
            && self.subsampling != (1, 1)
    }

    /// Samples that stand side by side in a chunk.
    pub(super) fn interleaved(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }
}

fn side(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn small(value: u64) -> Outcome<u16> {
    u16::try_from(value).map_err(corrupt)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "weights and levels have few digits"
)]
fn fractions(value: Value) -> Vec<f32> {
    let values = match value {
        Value::List(values) => values,
        value => vec![value],
    };
    let fraction = |value| match value {
        Value::Rational(n, d) if d != 0 => n as f32 / d as f32,
        Value::Short(n) => f32::from(n),
        Value::Unsigned(n) => n as f32,
        _ => 0.0,
    };
    values.into_iter().map(fraction).collect()
}

fn failure(error: TiffError) -> GenerateFailure {
    match error {
        TiffError::UnsupportedError(_) => unsupported(error),
        _ => corrupt(error),
    }
}
