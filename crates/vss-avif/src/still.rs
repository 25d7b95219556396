//! A whole picture: one item or a grid of them, with its alpha, cropped.

use re_rav1d::dav1d::Picture;
use vss_raster::failure::{corrupt, unsupported};
use vss_raster::limits::{self, Room};
use vss_raster::{Decoded, Layout, Outcome, Scratch, Source, Tone, divide_by_alpha, profile_of};

use crate::container::Container;
use crate::fields::Fields;
use crate::properties::Crop;
use crate::{picture, rgb};

/// Bytes that decoding holds for each pixel of a tile: the decoder's planes and its tables, planes of
/// 8 bits, RGB.
const HELD: u64 = 6 + 3 + 3;
/// Auxiliary pictures that are looked at for transparency: depth and gain maps are such as well.
const MOST_AUXILIARY: usize = 16;

/// Decodes the primary item.
pub(crate) fn decode(
    source: &Source<'_>,
    room: &Room<'_>,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let container = Container::read(source)?;
    let item = container.primary();
    let said = container.properties(item);
    let tiles = Tiles::of(&container, item, room)?;
    let (width, height) = tiles.whole;
    let alpha = container.referring(b"auxl", item).into_iter();
    let mut alpha = alpha.take(MOST_AUXILIARY);
    let alpha = alpha.find(|item| container.properties(*item).is_alpha);
    let alpha = match alpha {
        Some(item) => Some((item, Tiles::of(&container, item, room)?)),
        None => None,
    };
    if alpha
        .as_ref()
        .is_some_and(|(_, alpha)| alpha.whole != tiles.whole)
    {
        return Err(unsupported("its transparency has another size"));
    }
    let layout = match alpha {
        Some(_) => Layout::Rgba,
        None => Layout::Rgb,
    };
    let bytes = limits::bytes_of(width, height, layout.channels() as u64);
    let length = limits::check_bytes(room.limits, bytes)?;
    let held = tiles
        .held()
        .max(alpha.as_ref().map_or(0, |(_, alpha)| alpha.held()));
    room.host.reserve(bytes.saturating_add(held))?;

    let mut canvas = Canvas {
        pixels: scratch.canvas(length)?,
        width: width as usize,
        height: height as usize,
        channels: layout.channels(),
    };
    let of_tiles = || container.properties(*tiles.items.first()?).nclx;
    let colours = said.nclx.or_else(of_tiles);
    tiles.for_each(&container, &mut |tile, at| {
        let pixels = rgb::rgb(&tile, colours)?;
        canvas.put(&Tile::new(pixels, tile.width(), tile.height(), 3), 0..3, at);
        Ok(())
    })?;
    if let Some((alpha, tiles)) = alpha {
        let said = container.properties(alpha).nclx;
        tiles.for_each(&container, &mut |tile, at| {
            let visible = rgb::alpha(&tile, said)?;
            canvas.put(
                &Tile::new(visible, tile.width(), tile.height(), 1),
                3..4,
                at,
            );
            Ok(())
        })?;
        if !container.references(b"prem", item).is_empty() {
            divide_by_alpha(layout, canvas.pixels);
        }
    }
    let (width, height) = match said.crop(width, height) {
        Some(crop) => {
            canvas.crop(crop);
            (crop.width, crop.height)
        }
        None => (width, height),
    };
    // A profile says what its colours are, whatever the range of light is said to be.
    let by_number = colours.filter(|_| said.icc.is_none());
    let tone = by_number.and_then(|nclx| Tone::of(nclx.transfer, nclx.primaries));
    if let Some(tone) = tone {
        tone.show(canvas.pixels, canvas.channels);
    }
    let by_number = by_number.filter(|_| tone.is_none());
    let profile = || by_number.and_then(|nclx| profile_of(nclx.primaries));
    Ok(Decoded {
        icc: said.icc.clone().or_else(profile),
        orientation: said.orientation(),
        ..Decoded::unscaled(width, height, layout)
    })
}

/// The pictures that an item consists of, row by row; they cover all of it.
struct Tiles {
    items: Vec<u32>,
    columns: u32,
    /// Width and height of each.
    each: (u32, u32),
    /// Width and height of what they are put together to.
    whole: (u32, u32),
}

impl Tiles {
    /// Holds what the container claims against the limits, and its parts against each other.
    fn of(container: &Container<'_, '_>, item: u32, room: &Room<'_>) -> Outcome<Self> {
        let size = |item| {
            let size = container.properties(item).size;
            let size = size.ok_or_else(|| corrupt("it does not say how large it is"));
            size.and_then(|(width, height)| {
                limits::check_size(room.limits, width, height)?;
                Ok((width, height))
            })
        };
        match container.sort(item) {
            Some(sort) if sort == *b"av01" => {
                let whole = size(item)?;
                Ok(Self {
                    items: vec![item],
                    columns: 1,
                    each: whole,
                    whole,
                })
            }
            Some(sort) if sort == *b"grid" => {
                let grid = Grid::parse(&container.bytes(item)?)?;
                limits::check_size(room.limits, grid.width, grid.height)?;
                let items = container.references(b"dimg", item);
                let places = grid.rows * grid.columns;
                let first = items
                    .first()
                    .filter(|_| items.len() as u64 == u64::from(places));
                let first = first
                    .ok_or_else(|| corrupt("its grid has more or fewer pictures than places"))?;
                let each = size(*first)?;
                // The last row and column may reach beyond, and no others.
                let fits = |each: u32, count: u32, whole: u32| {
                    let covered = u64::from(each) * u64::from(count);
                    covered >= u64::from(whole) && covered - u64::from(each) < u64::from(whole)
                };
                if !fits(each.0, grid.columns, grid.width) || !fits(each.1, grid.rows, grid.height)
                {
                    return Err(corrupt("the pictures of its grid do not make it up"));
                }
                Ok(Self {
                    columns: grid.columns,
                    each,
                    whole: (grid.width, grid.height),
                    items,
                })
            }
            _ => Err(unsupported("its primary picture is not AV1")),
        }
    }

    /// Bytes that are held while one is decoded.
    fn held(&self) -> u64 {
        limits::bytes_of(self.each.0, self.each.1, HELD)
    }

    /// Decodes one after the other, and says where each begins.
    fn for_each(
        &self,
        container: &Container<'_, '_>,
        put: &mut dyn FnMut(Picture, (usize, usize)) -> Outcome<()>,
    ) -> Outcome<()> {
        for (number, item) in (0_u32..).zip(&self.items) {
            let (column, row) = (number % self.columns, number / self.columns);
            let at = (
                column as usize * self.each.0 as usize,
                row as usize * self.each.1 as usize,
            );
            put(picture::decode(container.bytes(*item)?, self.each)?, at)?;
        }
        Ok(())
    }
}

/// A picture put together of others (ISO/IEC 23008-12, 6.6.2.3).
struct Grid {
    rows: u32,
    columns: u32,
    width: u32,
    height: u32,
}

impl Grid {
    fn parse(bytes: &[u8]) -> Outcome<Self> {
        let parsed = || {
            let mut fields = Fields::new(bytes);
            let (_version, flags) = (fields.byte()?, fields.byte()?);
            let (rows, columns) = (fields.byte()?, fields.byte()?);
            let is_long = flags & 1 == 1;
            Some(Self {
                rows: u32::from(rows) + 1,
                columns: u32::from(columns) + 1,
                width: fields.id(is_long)?,
                height: fields.id(is_long)?,
            })
        };
        parsed().ok_or_else(|| corrupt("its grid is cut off"))
    }
}

/// Pixels of a part.
struct Tile {
    pixels: Vec<u8>,
    width: usize,
    height: usize,
    channels: usize,
}

impl Tile {
    fn new(pixels: Vec<u8>, width: u32, height: u32, channels: usize) -> Self {
        Self {
            pixels,
            width: width as usize,
            height: height as usize,
            channels,
        }
    }
}

/// Where a picture is put together.
struct Canvas<'c> {
    pixels: &'c mut [u8],
    width: usize,
    height: usize,
    channels: usize,
}

impl Canvas<'_> {
    /// Copies a tile into some channels, with its top left corner at a place; what reaches beyond
    /// is left out.
    fn put(&mut self, tile: &Tile, channels: std::ops::Range<usize>, (x, y): (usize, usize)) {
        let width = tile.width.min(self.width.saturating_sub(x));
        let rows = self.pixels.chunks_exact_mut(self.width * self.channels);
        let from = tile.pixels.chunks_exact(tile.width * tile.channels);
        for (to, from) in rows.skip(y).zip(from).take(tile.height) {
            let to = to.get_mut(x * self.channels..).unwrap_or_default();
            let to = to.chunks_exact_mut(self.channels).take(width);
            for (to, from) in to.zip(from.chunks_exact(tile.channels)) {
                if let Some(to) = to.get_mut(channels.clone()) {
                    to.copy_from_slice(from);
                }
            }
        }
    }

    /// Moves a part to the beginning.
    fn crop(&mut self, crop: Crop) {
        let row = crop.width as usize * self.channels;
        for y in 0..crop.height as usize {
            let from = ((y + crop.y as usize) * self.width + crop.x as usize) * self.channels;
            if from + row <= self.pixels.len() {
                self.pixels.copy_within(from..from + row, y * row);
            }
        }
        (self.width, self.height) = (crop.width as usize, crop.height as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_put_in_their_places_and_cut_off_at_the_edge() {
        let mut pixels = [0; 3 * 2 * 4];
        let mut canvas = Canvas {
            pixels: &mut pixels,
            width: 3,
            height: 2,
            channels: 4,
        };
        canvas.put(&Tile::new(vec![7; 2 * 2 * 3], 2, 2, 3), 0..3, (2, 1));
        canvas.put(&Tile::new(vec![9], 1, 1, 1), 3..4, (0, 0));
        let mut expected = [0; 24];
        expected[3] = 9;
        expected[20..23].fill(7);
        assert_eq!(pixels, expected);
    }

    #[test]
    fn a_part_is_moved_to_the_beginning() {
        let mut pixels: Vec<u8> = (0..12).collect();
        let mut canvas = Canvas {
            pixels: &mut pixels,
            width: 4,
            height: 3,
            channels: 1,
        };
        canvas.crop(Crop {
            x: 1,
            y: 1,
            width: 2,
            height: 2,
        });
        assert_eq!(pixels[..4], [5, 6, 9, 10]);
    }
}
