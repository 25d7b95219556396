//! Unpacks one strip or tile. What is missing at its end stays zero: one damaged strip does not
//! cost the others.

use std::io::Read;

use fax::Color;
use fax::decoder::{DecodeStatus, Group3Decoder, Group4Decoder, pels};
use flate2::read::ZlibDecoder;
use vss_core::plan::DecodeLimits;
use weezl::BitOrder;

use super::chunks::Chunk;
use super::page::{Compression, Page, Photometric};
use super::samples;
use crate::decoded::fit;
use crate::failure::{Outcome, corrupt, unsupported};
use crate::jpeg;
use crate::jpeg::turbo::Turbo;
use crate::limits;

/// How much of a chunk there was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Filled {
    /// All.
    Whole,
    /// The rest is zero, for this reason.
    Part(String),
}

/// What decodes JPEG chunks.
pub(super) struct Jpeg<'a> {
    pub(super) limits: &'a DecodeLimits,
    pub(super) turbo: &'a mut Turbo,
}

/// Unpacks `packed` into `out`, which gets the length that the chunk has by its geometry.
///
/// # Errors
/// `unsupported`, `too_large`, `out_of_memory`. Damage is no error.
pub(super) fn unpack(
    page: &Page,
    chunk: &Chunk,
    packed: &mut Vec<u8>,
    out: &mut Vec<u8>,
    jpeg: &mut Jpeg<'_>,
) -> Outcome<Filled> {
    let length = limits::check_bytes(jpeg.limits, page.bytes_of(chunk))?;
    if page.compression == Compression::Jpeg {
        return unpack_jpeg(page, chunk, packed, out, jpeg);
    }
    let to = fit(out, length)?;
    to.fill(0);
    if page.reversed_bits {
        packed
            .iter_mut()
            .for_each(|byte| *byte = byte.reverse_bits());
    }
    let filled = match page.compression {
        Compression::Group3 | Compression::Group4 => unpack_fax(page, chunk, packed, to)?,
        Compression::Lzw => unpack_lzw(packed, to),
        Compression::Deflate => read_into(ZlibDecoder::new(packed.as_slice()), to),
        Compression::PackBits => unpack_bits(packed, to),
        Compression::None | Compression::Jpeg => read_into(packed.as_slice(), to),
    };
    if page.predictor && !page.is_subsampled() {
        let row = page.row_bytes(chunk).max(1);
        let rows = to.chunks_mut(row);
        rows.for_each(|row| {
            samples::sum_up(row, page.interleaved(), page.bits, page.little_endian);
        });
    }
    Ok(if filled >= to.len() {
        Filled::Whole
    } else {
        Filled::Part(format!("{filled} of {} bytes of a strip", to.len()))
    })
}

fn read_into(mut from: impl Read, to: &mut [u8]) -> usize {
    let mut filled = 0;
    while let Some(rest) = to.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(read @ 1..) => filled += read,
            Ok(0) | Err(_) => break,
        }
    }
    filled
}

fn unpack_lzw(packed: &[u8], to: &mut [u8]) -> usize {
    // Codes from before TIFF 6 begin with the low bit: 0 and then an odd byte (libtiff tells them
    // apart the same way).
    let old = matches!(packed, [0, second, ..] if second & 1 == 1);
    let mut decoder = if old {
        weezl::decode::Decoder::new(BitOrder::Lsb, 8)
    } else {
        weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8)
    };
    let (mut read, mut filled) = (0, 0);
    loop {
        let (Some(from), Some(rest)) = (packed.get(read..), to.get_mut(filled..)) else {
            return filled;
        };
        let step = decoder.decode_bytes(from, rest);
        read += step.consumed_in;
        filled += step.consumed_out;
        let moved = step.consumed_in + step.consumed_out > 0;
        if filled == to.len() || !moved || !matches!(step.status, Ok(weezl::LzwStatus::Ok)) {
            return filled;
        }
    }
}

/// PackBits (TIFF 6.0, section 9).
fn unpack_bits(mut packed: &[u8], to: &mut [u8]) -> usize {
    let mut filled = 0;
    while let [head, rest @ ..] = packed {
        let head = usize::from(*head);
        let (run, used): (&[u8], usize) = match (head, rest) {
            (128, _) => (&[], 0),
            (0..128, literal) => {
                let literal = literal.get(..=head).unwrap_or(literal);
                (literal, literal.len())
            }
            (_, [byte, ..]) => {
                let run = to.get_mut(filled..).unwrap_or_default();
                let run = run.iter_mut().take(257 - head);
                filled += run.map(|to| *to = *byte).count();
                (&[], 1)
            }
            (_, []) => (&[], 0),
        };
        let room = to.get_mut(filled..).unwrap_or_default();
        filled += room
            .iter_mut()
            .zip(run)
            .map(|(to, from)| *to = *from)
            .count();
        packed = rest.get(used..).unwrap_or_default();
        if filled == to.len() {
            break;
        }
    }
    filled
}

/// Fax of one bit a pixel: rows as ITU-T T.4 (one-dimensional) or T.6 has them. White is 0, as
/// the photometric interpretation then says.
fn unpack_fax(page: &Page, chunk: &Chunk, packed: &[u8], to: &mut [u8]) -> Outcome<usize> {
    if page.bits != 1 || page.interleaved() != 1 {
        return Err(unsupported("fax of more than one bit a pixel"));
    }
    let width = u16::try_from(chunk.width).map_err(unsupported)?;
    let mut rows = to.chunks_mut(page.row_bytes(chunk).max(1));
    let mut filled = 0;
    let mut put = |line: &[u16]| {
        let Some(row) = rows.next() else {
            return false;
        };
        for (x, pel) in pels(line, width).enumerate() {
            if let (Color::Black, Some(byte)) = (pel, row.get_mut(x / 8)) {
                *byte |= 0x80 >> (x % 8);
            }
        }
        filled += row.len();
        true
    };
    let bytes = packed
        .iter()
        .map(|byte| Ok::<u8, std::convert::Infallible>(*byte));
    if page.compression == Compression::Group3 {
        let Ok(mut decoder) = Group3Decoder::new(bytes) else {
            return Ok(0);
        };
        loop {
            let status = decoder.advance();
            // The last row of a strip may end with the strip, without an end-of-line code.
            let whole = status.is_ok() || decoder.transitions().last() == Some(&width);
            if !whole
                || !put(decoder.transitions())
                || !matches!(status, Ok(DecodeStatus::Incomplete))
            {
                break;
            }
        }
    } else {
        let Ok(mut decoder) = Group4Decoder::new(bytes, width);
        while let Ok(DecodeStatus::Incomplete) = decoder.advance() {
            if !put(decoder.transition()) {
                break;
            }
        }
    }
    Ok(filled)
}

/// A JPEG chunk: its tables may be in the directory, and what its components are is said there
/// too, not in the JPEG.
fn unpack_jpeg(
    page: &Page,
    chunk: &Chunk,
    packed: &[u8],
    out: &mut Vec<u8>,
    jpeg: &mut Jpeg<'_>,
) -> Outcome<Filled> {
    let transform = u8::from(page.photometric == Photometric::YCbCr);
    // Adobe's marker tells libjpeg-turbo whether colours were transformed.
    let adobe = [
        b"\xFF\xD8\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0".as_slice(),
        &[transform],
    ];
    let tables = page.jpeg_tables.as_slice();
    let tables = tables.strip_prefix(b"\xFF\xD8").unwrap_or(tables);
    let tables = tables.strip_suffix(b"\xFF\xD9").unwrap_or(tables);
    let body = packed.strip_prefix(b"\xFF\xD8").unwrap_or(packed);
    let whole = [&adobe.concat(), tables, body].concat();
    let decoded = jpeg::decode_embedded(&whole, jpeg.limits, jpeg.turbo, out);
    let length = usize::try_from(page.bytes_of(chunk)).map_err(corrupt)?;
    let loss = match decoded {
        Ok((width, height, channels))
            if width == chunk.width && channels == page.interleaved() && page.bits == 8 =>
        {
            (height < chunk.height).then(|| "a strip ends early".to_owned())
        }
        Ok(_) => Some("a strip holds a JPEG of another size".to_owned()),
        Err(failure) => Some(failure.detail),
    };
    if loss.is_some() {
        let kept = out.len().min(length);
        fit(out, length)?;
        out.get_mut(kept..).unwrap_or_default().fill(0);
    } else {
        out.truncate(length);
    }
    Ok(loss.map_or(Filled::Whole, Filled::Part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packbits_unpacks_the_example_of_the_standard() {
        // Apple's Technical Note TN1023, "Understanding PackBits".
        let packed = [
            0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7,
            0xAA,
        ];
        let mut to = [0; 24];
        assert_eq!(unpack_bits(&packed, &mut to), 24);
        let whole = [
            0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0x22,
            0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA,
        ];
        assert_eq!(to, whole);
        for cut in 0..packed.len() {
            let mut to = [0; 24];
            let filled = unpack_bits(&packed[..cut], &mut to);
            assert_eq!(to[..filled], whole[..filled], "{cut}");
        }
    }

    #[test]
    fn lzw_unpacks_what_was_packed_and_stops_where_it_is_cut() {
        let plain: Vec<u8> = (0..5_000_u32).map(|i| (i / 7 % 251) as u8).collect();
        let packed = weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8)
            .encode(&plain)
            .unwrap();
        let mut to = vec![0; plain.len()];
        assert_eq!(unpack_lzw(&packed, &mut to), plain.len());
        assert_eq!(to, plain);
        let filled = unpack_lzw(&packed[..packed.len() / 2], &mut to);
        assert!(filled > 0 && filled < plain.len());
    }
}
