//! A whole picture: one item or a grid of them, with its alpha, cropped.

use vss_raster::failure::{corrupt, unsupported};
use vss_raster::limits::{self, Room};
use vss_raster::{Decoded, Layout, Outcome, Scratch, Source, divide_by_alpha, profile_of};

use crate::container::Container;
use crate::fields::Fields;
use crate::properties::{Crop, Nclx, Properties};
use crate::{picture, rgb};

/// Bytes that decoding holds for each pixel of a tile: the decoder's planes and its tables, planes of
/// 8 bits, RGB.
const HELD: u64 = 6 + 3 + 3;
/// Tiles of a grid, at most: rows and columns are a byte each in the file.
const MOST_TILES: usize = 1 << 12;

/// Decodes the primary item.
pub(crate) fn decode(
    source: &Source<'_>,
    room: &Room<'_>,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let container = Container::read(source)?;
    let item = container.primary();
    let said = container.properties(item);
    let sort = container.sort(item);
    let grid = match sort.as_ref().map(|sort| &sort[..]) {
        Some(b"grid") => Some(Grid::parse(&container.bytes(item)?)?),
        Some(b"av01") => None,
        _ => return Err(unsupported("its primary picture is not AV1")),
    };
    let claimed = grid.as_ref().map(|grid| (grid.width, grid.height));
    let (width, height) = claimed
        .or(said.size)
        .ok_or_else(|| corrupt("it does not say how large it is"))?;
    limits::check_size(room.limits, width, height)?;
    let alpha = container.referring(b"auxl", item).into_iter();
    let mut alpha = alpha.filter(|item| container.properties(*item).is_alpha);
    let alpha = alpha.next();
    let layout = if alpha.is_some() {
        Layout::Rgba
    } else {
        Layout::Rgb
    };
    let bytes = limits::bytes_of(width, height, layout.channels() as u64);
    let length = limits::check_bytes(room.limits, bytes)?;
    let held = grid.as_ref().map_or(1, Grid::tiles);
    let tile = limits::bytes_of(width, height, HELD) / held.max(1) as u64;
    room.host.reserve(bytes.saturating_add(tile))?;

    let mut canvas = Canvas {
        pixels: scratch.canvas(length)?,
        width: width as usize,
        height: height as usize,
        channels: layout.channels(),
    };
    canvas.pixels.fill(0xFF);
    let colours = draw(
        &container,
        item,
        grid.as_ref(),
        &said,
        room,
        &mut |tile, at| {
            canvas.put(&tile, 0..3, at);
        },
    )?;
    if let Some(alpha) = alpha {
        let grid = match container.sort(alpha) {
            Some(sort) if sort == *b"grid" => Some(Grid::parse(&container.bytes(alpha)?)?),
            _ => None,
        };
        let said = container.properties(alpha);
        let mut fits = true;
        for_each_tile(&container, alpha, grid.as_ref(), room, &mut |tile, at| {
            let visible = rgb::alpha(&tile, said.nclx)?;
            let tile = Tile::new(visible, tile.width(), tile.height(), 1);
            fits &= grid.is_some() || (tile.width, tile.height) == (canvas.width, canvas.height);
            canvas.put(&tile, 3..4, at);
            Ok(())
        })?;
        if !fits {
            return Err(unsupported("its transparency has another size"));
        }
        if !container.references(b"prem", item).is_empty() {
            divide_by_alpha(canvas.pixels);
        }
    }
    let (width, height) = match said.crop(width, height) {
        Some(crop) => {
            canvas.crop(crop);
            (crop.width, crop.height)
        }
        None => (width, height),
    };
    let by_number = || colours.and_then(|nclx| profile_of(nclx.primaries));
    Ok(Decoded {
        icc: said.icc.clone().or_else(by_number),
        orientation: said.orientation(),
        ..Decoded::unscaled(width, height, layout)
    })
}

/// Draws an item's tiles in their colours; what the container says of these.
fn draw(
    container: &Container<'_, '_>,
    item: u32,
    grid: Option<&Grid>,
    said: &Properties,
    room: &Room<'_>,
    put: &mut dyn FnMut(Tile, (usize, usize)),
) -> Outcome<Option<Nclx>> {
    let mut tiles = container.references(b"dimg", item).into_iter();
    let of_tiles = || container.properties(tiles.next()?).nclx;
    let colours = said.nclx.or_else(of_tiles);
    for_each_tile(container, item, grid, room, &mut |picture, at| {
        let pixels = rgb::rgb(&picture, colours)?;
        put(Tile::new(pixels, picture.width(), picture.height(), 3), at);
        Ok(())
    })?;
    Ok(colours)
}

/// Decodes the pictures of an item, one after the other, and says where each begins.
fn for_each_tile(
    container: &Container<'_, '_>,
    item: u32,
    grid: Option<&Grid>,
    room: &Room<'_>,
    put: &mut dyn FnMut(re_rav1d::dav1d::Picture, (usize, usize)) -> Outcome<()>,
) -> Outcome<()> {
    let Some(grid) = grid else {
        let picture = picture::decode(container.bytes(item)?, room)?;
        return put(picture, (0, 0));
    };
    let tiles = container.references(b"dimg", item);
    if tiles.len() != grid.tiles() || tiles.len() > MOST_TILES {
        return Err(corrupt("its grid has more or fewer pictures than places"));
    }
    let mut size = None;
    for (number, tile) in tiles.into_iter().enumerate() {
        let picture = picture::decode(container.bytes(tile)?, room)?;
        let this = (picture.width() as usize, picture.height() as usize);
        let (width, height) = *size.get_or_insert(this);
        if this != (width, height) {
            return Err(corrupt("the pictures of its grid have different sizes"));
        }
        let (column, row) = (number % grid.columns, number / grid.columns);
        put(picture, (column * width, row * height))?;
    }
    Ok(())
}

/// A picture put together of others (ISO/IEC 23008-12, 6.6.2.3).
struct Grid {
    rows: usize,
    columns: usize,
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
                rows: usize::from(rows) + 1,
                columns: usize::from(columns) + 1,
                width: fields.id(is_long)?,
                height: fields.id(is_long)?,
            })
        };
        parsed().ok_or_else(|| corrupt("its grid is cut off"))
    }

    fn tiles(&self) -> usize {
        self.rows * self.columns
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
