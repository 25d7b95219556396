//! Photoshop documents: the picture of all layers together, which Photoshop stores for those who
//! know nothing of layers (Adobe Photoshop File Formats Specification, November 2019).

use crate::bytes::Bytes;
use crate::decoded::{Decoded, Layout, fit};
use crate::failure::{Outcome, corrupt, unsupported};
use crate::limits::{self, Room};
use crate::scratch::Scratch;
use crate::source::Source;

/// Bytes of the file header.
const HEADER: u64 = 26;

/// Image resources: the colour profile, and whether the picture was stored at all.
const ICC_PROFILE: u16 = 1039;
const VERSION_INFO: u16 = 1057;

/// The most bytes of image resources that are looked at.
const LONGEST_RESOURCES: u64 = 16 << 20;

/// Decodes into the scratch's `decoded` buffer.
///
/// # Errors
/// `corrupt_source`, `unsupported` (Lab, 32 bits), `too_large`, `transient_io`.
pub(crate) fn decode(
    source: &Source<'_>,
    room: &Room<'_>,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let document = Document::read(source, room, &mut scratch.source)?;
    let (width, height) = (document.width, document.height);
    let layout = document.layout();
    let bytes = limits::bytes_of(width, height, layout.channels() as u64);
    let bytes = limits::check_bytes(room.limits, bytes)?;
    let packed = source.size().saturating_sub(document.pixels_at);
    // Each row of each channel may take its own bytes and a little more, or it was not packed.
    let most = document.row_bytes() as u64 * 2 + 16;
    let packed = packed.min(most * u64::from(height) * document.channels as u64 + 2);
    limits::check_bytes(room.limits, packed)?;
    // An index takes one byte, then its colour takes three.
    let painted = if document.mode == Mode::Indexed {
        3 * bytes as u64
    } else {
        0
    };
    room.host.reserve(packed + painted + bytes as u64)?;
    source.read_range(document.pixels_at, packed, &mut scratch.source)?;
    let canvas = fit(&mut scratch.decoded, bytes)?;
    canvas.fill(0);
    let mut degraded = document.unpack(&scratch.source, layout, canvas)?;
    if !document.stored && canvas.iter().all(|sample| Some(sample) == canvas.first()) {
        degraded = Some("its layers were stored without a picture of all of them".into());
    }
    if document.mode == Mode::Indexed {
        paint(
            &document.palette,
            &mut scratch.decoded,
            &mut scratch.between,
        )?;
    }
    if layout.has_alpha() {
        take_white_away(layout, &mut scratch.decoded);
    }
    let layout = if document.mode == Mode::Indexed {
        Layout::Rgb
    } else {
        layout
    };
    Ok(Decoded {
        icc: document.icc,
        degraded,
        ..Decoded::unscaled(width, height, layout)
    })
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Bitmap,
    Gray,
    Indexed,
    Rgb,
    Cmyk,
}

struct Document {
    /// Whether it is a large document (PSB), with wider lengths.
    large: bool,
    width: u32,
    height: u32,
    depth: u16,
    channels: usize,
    mode: Mode,
    /// All red, then all green, then all blue entries.
    palette: Vec<u8>,
    icc: Option<Vec<u8>>,
    transparent: bool,
    /// Whether it says that the picture of all layers was stored; others may be there too.
    stored: bool,
    /// Where the compression of the picture is said, in front of its pixels.
    pixels_at: u64,
}

impl Document {
    fn read(source: &Source<'_>, room: &Room<'_>, buffer: &mut Vec<u8>) -> Outcome<Self> {
        source.read_range(0, HEADER, buffer)?;
        let header = Bytes(buffer);
        let version = header.short(4);
        if !buffer.starts_with(b"8BPS") || !matches!(version, Some(1 | 2)) {
            return Err(corrupt("does not begin as a Photoshop document"));
        }
        let short = |at| {
            header
                .short(at)
                .ok_or_else(|| corrupt("ends in its header"))
        };
        let long = |at| header.long(at).ok_or_else(|| corrupt("ends in its header"));
        let (channels, depth) = (usize::from(short(12)?), short(22)?);
        let (height, width) = (long(14)?, long(18)?);
        let mode = match short(24)? {
            0 => Mode::Bitmap,
            1 | 8 => Mode::Gray,
            2 => Mode::Indexed,
            3 => Mode::Rgb,
            4 => Mode::Cmyk,
            other => return Err(unsupported(format!("a Photoshop document of mode {other}"))),
        };
        limits::check_size(room.limits, width, height)?;
        let known = match mode {
            Mode::Bitmap => depth == 1,
            Mode::Indexed => depth == 8,
            Mode::Gray | Mode::Rgb | Mode::Cmyk => matches!(depth, 8 | 16),
        };
        if !known {
            return Err(unsupported(format!("a Photoshop document of {depth} bits")));
        }
        let mut at = HEADER;
        let mut section = |wide: bool, longest: u64, into: &mut Vec<u8>| -> Outcome<u64> {
            let field = if wide { 8 } else { 4 };
            source.read_range(at, field, into)?;
            let length = if wide {
                Bytes(into).wide(0)
            } else {
                Bytes(into).long(0).map(u64::from)
            };
            let length = length.ok_or_else(|| corrupt("ends before its picture"))?;
            let begin = at + field;
            at = begin.saturating_add(length);
            source.read_range(begin, length.min(longest), into)?;
            Ok(at)
        };
        section(false, 768, buffer)?;
        let palette = if mode == Mode::Indexed {
            buffer.clone()
        } else {
            Vec::new()
        };
        section(false, LONGEST_RESOURCES, buffer)?;
        let icc = resource(buffer, ICC_PROFILE).map(<[u8]>::to_vec);
        let stored = resource(buffer, VERSION_INFO).and_then(|info| info.get(4)) != Some(&0);
        let large = version == Some(2);
        let pixels_at = section(large, 10, buffer)?;
        // A negative number of layers says that the first channel too many is transparency.
        let count = Bytes(buffer).short(if large { 8 } else { 4 });
        Ok(Self {
            large,
            width,
            height,
            depth,
            channels,
            mode,
            palette,
            icc,
            transparent: count.is_some_and(|count| count & 0x8000 != 0),
            stored,
            pixels_at,
        })
    }

    /// What a pixel becomes; an index is grey until it is painted.
    fn layout(&self) -> Layout {
        let extra = |colours: usize| self.transparent && self.channels > colours;
        match self.mode {
            Mode::Bitmap | Mode::Indexed => Layout::Gray,
            Mode::Gray if extra(1) => Layout::GrayAlpha,
            Mode::Gray => Layout::Gray,
            Mode::Rgb if extra(3) => Layout::Rgba,
            Mode::Rgb => Layout::Rgb,
            Mode::Cmyk => Layout::Cmyk,
        }
    }

    fn row_bytes(&self) -> usize {
        let bits = u64::from(self.width) * u64::from(self.depth);
        usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX)
    }

    /// Puts the channels side by side. Says what is missing.
    fn unpack(&self, data: &[u8], layout: Layout, canvas: &mut [u8]) -> Outcome<Option<String>> {
        let wanted = layout.channels();
        if self.channels < wanted {
            return Err(corrupt(format!(
                "has {} channels of {wanted}",
                self.channels
            )));
        }
        let packed = match Bytes(data).short(0) {
            Some(0) => false,
            Some(1) => true,
            Some(other) => return Err(unsupported(format!("Photoshop compression {other}"))),
            None => return Err(corrupt("holds no picture")),
        };
        let (rows, width) = (self.height as usize, self.width as usize);
        let field = if self.large { 4 } else { 2 };
        let mut at = if packed {
            2 + field * rows * self.channels
        } else {
            2
        };
        let mut row = vec![0; self.row_bytes()];
        for index in 0..rows * wanted {
            let (channel, y) = (index / rows, index % rows);
            let length = if packed {
                let place = 2 + field * index;
                let short = || Bytes(data).short(place).map(usize::from);
                let long = || Bytes(data).long(place).map(|length| length as usize);
                if self.large { long() } else { short() }.unwrap_or(0)
            } else {
                row.len()
            };
            let Some(bytes) = data.get(at..at + length).filter(|b| !b.is_empty()) else {
                let place = format!("row {y} of channel {channel}");
                return if index == 0 {
                    Err(corrupt("holds no picture"))
                } else {
                    Ok(Some(format!("ends in {place}")))
                };
            };
            at += length;
            if packed {
                unpack_bits(bytes, &mut row);
            } else {
                row.copy_from_slice(bytes);
            }
            let line = canvas.get_mut(y * width * wanted..(y + 1) * width * wanted);
            let to = line
                .unwrap_or_default()
                .iter_mut()
                .skip(channel)
                .step_by(wanted);
            for (x, to) in to.enumerate() {
                *to = self.sample(&row, x);
            }
        }
        Ok(None)
    }

    fn sample(&self, row: &[u8], x: usize) -> u8 {
        let byte = |at: usize| row.get(at).copied().unwrap_or(0);
        match self.depth {
            // Ones are black.
            1 if byte(x / 8) << (x % 8) & 0x80 != 0 => 0,
            1 => 255,
            depth => {
                let value = byte(if depth == 16 { 2 * x } else { x });
                // Ink is stored upside down.
                if self.mode == Mode::Cmyk {
                    255 - value
                } else {
                    value
                }
            }
        }
    }
}

/// Unpacks a row of Apple's `PackBits`; what is missing stays as it was.
fn unpack_bits(mut packed: &[u8], mut row: &mut [u8]) {
    while let [head, rest @ ..] = packed {
        let count = match *head {
            0..=127 => usize::from(*head) + 1,
            128 => {
                packed = rest;
                continue;
            }
            _ => 257 - usize::from(*head),
        };
        let repeated = *head > 128;
        let taken = if repeated { 1 } else { count }.min(rest.len());
        let (bytes, rest) = rest.split_at(taken);
        let (to, left) = row.split_at_mut(count.min(row.len()));
        for (to, from) in to.iter_mut().zip(bytes.iter().cycle()) {
            *to = *from;
        }
        (packed, row) = (rest, left);
    }
}

/// The data of an image resource.
fn resource(mut block: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let bytes = Bytes(block);
        if !block.starts_with(b"8BIM") {
            return None;
        }
        let id = bytes.short(4)?;
        // A name with its length in front, and a byte more where that is odd.
        let name = usize::from(*block.get(6)?) + 1;
        let at = 6 + name + name % 2;
        let length = usize::try_from(bytes.long(at)?).ok()?;
        let data = block.get(at + 4..)?.get(..length)?;
        if id == wanted {
            return Some(data);
        }
        block = block.get(at + 4 + length + length % 2..)?;
    }
}

/// Turns indices into colours.
fn paint(palette: &[u8], pixels: &mut Vec<u8>, between: &mut Vec<u8>) -> Outcome<()> {
    let entries = palette.len() / 3;
    let to = fit(between, pixels.len() * 3)?;
    let (to, _) = to.as_chunks_mut::<3>();
    for (index, to) in pixels.iter().zip(to) {
        let channel = |of: usize| palette.get(of * entries + usize::from(*index)).copied();
        *to = [0, 1, 2].map(|of| channel(of).unwrap_or(0));
    }
    std::mem::swap(pixels, between);
    Ok(())
}

/// Photoshop mixes what is transparent with white; gives the colours back as they were.
fn take_white_away(layout: Layout, pixels: &mut [u8]) {
    for pixel in pixels.chunks_exact_mut(layout.channels()) {
        if let [colours @ .., alpha @ 1..=u8::MAX] = pixel {
            let alpha = u16::from(*alpha);
            for colour in colours {
                let seen = u16::from(*colour).saturating_sub(255 - alpha);
                *colour = u8::try_from((seen * 255 + alpha / 2) / alpha).unwrap_or(u8::MAX);
            }
        }
    }
}
