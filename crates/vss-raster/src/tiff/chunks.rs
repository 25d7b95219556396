//! The strips or tiles of a page: where they are, and how much of memory each of them takes.

use super::page::{Compression, Page};
use crate::failure::{Outcome, corrupt};
use crate::limits;

/// What is not packed is read in parts of about so many bytes, in whole rows.
const PART: u64 = 1 << 20;

/// A strip or a tile, or some rows of one that is not packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Chunk {
    /// Where its bytes are.
    pub(super) offset: u64,
    /// How many it says it has.
    pub(super) length: u64,
    /// Which sample it holds, where each has chunks of its own.
    pub(super) plane: usize,
    /// Its left column in the picture.
    pub(super) x: u32,
    /// Its top row in the picture.
    pub(super) y: u32,
    /// Its columns, also those beyond the picture's edge.
    pub(super) width: u32,
    /// Its rows, also those beyond the picture's edge.
    pub(super) height: u32,
}

impl Page {
    /// Bytes a row of a chunk takes, where chroma is not subsampled.
    pub(super) fn row_bytes(&self, chunk: &Chunk) -> usize {
        let bits = u64::from(chunk.width) * self.interleaved() as u64 * u64::from(self.bits);
        usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX)
    }

    /// Bytes a chunk unpacks to.
    pub(super) fn bytes_of(&self, chunk: &Chunk) -> u64 {
        if self.is_subsampled() {
            let (h, v) = self.subsampling;
            let blocks = limits::bytes_of(chunk.width.div_ceil(h), chunk.height.div_ceil(v), 1);
            return blocks.saturating_mul(u64::from(h * v + 2));
        }
        (self.row_bytes(chunk) as u64).saturating_mul(u64::from(chunk.height))
    }

    /// Bytes of a chunk that are read: whatever it says of its length, no packing makes it so much
    /// longer. It may be the whole file, for each of its chunks.
    pub(super) fn packed(&self, chunk: &Chunk) -> u64 {
        let (times, more) = match self.compression {
            Compression::None => (1, 0),
            // Each black pixel between white ones takes 12 bits for two.
            Compression::Group3 | Compression::Group4 => (8, 1 << 10),
            Compression::Lzw | Compression::Deflate | Compression::PackBits => (2, 1 << 10),
            // It may bring tables and a profile of its own.
            Compression::Jpeg => (2, 1 << 16),
        };
        let most = self.bytes_of(chunk).saturating_mul(times);
        chunk.length.min(most.saturating_add(more))
    }

    /// Bytes that unpacking a chunk holds beside the picture.
    pub(super) fn held_by(&self, chunk: Chunk) -> u64 {
        let Some(part) = self.in_parts(chunk).next() else {
            return 0;
        };
        // A JPEG is put together with its tables first.
        let copies = if self.compression == Compression::Jpeg {
            2
        } else {
            1
        };
        let packed = self.packed(&part).saturating_mul(copies);
        packed.saturating_add(self.bytes_of(&part))
    }

    /// All strips or tiles, plane by plane.
    ///
    /// # Errors
    /// `corrupt_source` when there are not as many as the picture needs.
    pub(super) fn chunks(&self) -> Outcome<Vec<Chunk>> {
        let (width, height) = self.chunk_size;
        if width == 0 || height == 0 {
            return Err(corrupt("has strips or tiles without pixels"));
        }
        let (across, down) = (self.width.div_ceil(width), self.height.div_ceil(height));
        let planes = if self.planar { self.samples as u64 } else { 1 };
        let needed = limits::bytes_of(across, down, planes);
        if self.offsets.len() as u64 != needed || self.lengths.len() as u64 != needed {
            return Err(corrupt(format!(
                "needs {needed} strips or tiles and lists {}",
                self.offsets.len()
            )));
        }
        let places = (0..if self.planar { self.samples } else { 1 }).flat_map(|plane| {
            (0..down).flat_map(move |row| (0..across).map(move |column| (plane, row, column)))
        });
        let ranges = self.offsets.iter().zip(&self.lengths);
        let chunk = |((plane, row, column), (&offset, &length))| {
            let y: u32 = row * height;
            Chunk {
                offset,
                length,
                plane,
                x: column * width,
                y,
                width,
                // The last strip is as long as the picture, the last tile is whole.
                height: if self.tiled {
                    height
                } else {
                    height.min(self.height - y)
                },
            }
        };
        Ok(places.zip(ranges).map(chunk).collect())
    }

    /// A chunk in the parts in which it is read, the largest first. There are many of one that was not
    /// held against the limits.
    pub(super) fn in_parts(&self, chunk: Chunk) -> impl Iterator<Item = Chunk> + use<> {
        let together = if self.is_subsampled() {
            self.subsampling.1
        } else {
            1
        };
        let together = together.max(1);
        let several = self.bytes_of(&Chunk {
            height: together,
            ..chunk
        });
        let rows = match self.compression {
            Compression::None => {
                let times = u32::try_from(PART / several.max(1)).unwrap_or(u32::MAX);
                times.max(1).saturating_mul(together)
            }
            _ => chunk.height.max(1),
        };
        (0..chunk.height.div_ceil(rows)).map(move |part| {
            let above = part * rows;
            let skipped = several.saturating_mul(u64::from(above / together));
            Chunk {
                offset: chunk.offset.saturating_add(skipped),
                length: chunk.length.saturating_sub(skipped),
                y: chunk.y.saturating_add(above),
                height: rows.min(chunk.height - above),
                ..chunk
            }
        })
    }
}
