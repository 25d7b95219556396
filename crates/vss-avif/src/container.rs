//! The items of a HEIF file: which there are, where their bytes are, what belongs to which
//! (ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12).

use vss_raster::boxes::{self, find, inside};
use vss_raster::failure::{corrupt, too_large, unsupported};
use vss_raster::{Outcome, Source};

use crate::fields::Fields;
use crate::properties::Properties;

/// The longest `meta` box that is read: pictures of a few megabytes may be inside it.
const LONGEST_META: u64 = 64 << 20;
/// Boxes at the top of a file before `meta`, at most.
const MOST_BOXES: u32 = 64;
/// Items and their pieces together, at most: a table may claim billions in a few bytes.
const MOST_EXTENTS: usize = 1 << 16;

/// A file's items.
pub(crate) struct Container<'s, 'a> {
    source: &'s Source<'a>,
    meta: Vec<u8>,
    primary: u32,
    places: Vec<Place>,
}

/// Where the bytes of an item are.
#[derive(Debug)]
struct Place {
    item: u32,
    /// 0: in the file; 1: in the box `idat`.
    method: u64,
    /// Begin and length; no length is to the end.
    extents: Vec<(u64, u64)>,
}

impl<'s, 'a> Container<'s, 'a> {
    /// Finds the items.
    ///
    /// # Errors
    /// `corrupt_source`, `unsupported` for a file without items, `too_large`, `transient_io`.
    pub(crate) fn read(source: &'s Source<'a>) -> Outcome<Self> {
        let meta = meta(source)?;
        let body = meta.get(4..).unwrap_or_default();
        let primary = find(body, b"pitm").and_then(|body| {
            let (version, _, mut fields) = Fields::full(body)?;
            fields.id(version > 0)
        });
        let primary = primary.ok_or_else(|| unsupported("no picture is named as the primary"))?;
        let places = match find(body, b"iloc") {
            Some(table) => {
                places(table).ok_or_else(|| corrupt("its table of places is cut off"))?
            }
            None => return Err(corrupt("it has no table of places")),
        };
        Ok(Self {
            source,
            meta,
            primary,
            places,
        })
    }

    /// The item that is the picture.
    pub(crate) fn primary(&self) -> u32 {
        self.primary
    }

    fn body(&self) -> &[u8] {
        self.meta.get(4..).unwrap_or_default()
    }

    /// What sort an item is: four letters.
    pub(crate) fn sort(&self, item: u32) -> Option<[u8; 4]> {
        let (version, _, mut fields) = Fields::full(find(self.body(), b"iinf")?)?;
        let _count = fields.id(version > 0)?;
        inside(fields.rest()).find_map(|(_, body)| {
            let (version, _, mut fields) = Fields::full(body)?;
            let is_it = version >= 2 && fields.id(version > 2)? == item;
            let _protection = fields.short()?;
            let sort = fields.take(4)?;
            is_it.then(|| sort.first_chunk().copied())?
        })
    }

    /// The items that an item refers to, in order.
    pub(crate) fn references(&self, sort: &[u8; 4], from: u32) -> Vec<u32> {
        let found = self.all_references(sort);
        let mut found = found.filter(|(item, _)| *item == from);
        found.next().map_or_else(Vec::new, |(_, to)| to)
    }

    /// The items that refer to an item.
    pub(crate) fn referring(&self, sort: &[u8; 4], to: u32) -> Vec<u32> {
        let found = self.all_references(sort);
        let found = found.filter(|(_, items)| items.contains(&to));
        found.map(|(item, _)| item).collect()
    }

    fn all_references<'m>(
        &'m self,
        sort: &'m [u8; 4],
    ) -> impl Iterator<Item = (u32, Vec<u32>)> + 'm {
        let table = find(self.body(), b"iref").and_then(Fields::full);
        let (is_long, body) = table.map_or((false, &[][..]), |(version, _, fields)| {
            (version > 0, fields.rest())
        });
        let wanted = inside(body).filter(move |(kind, _)| kind == sort);
        wanted.filter_map(move |(_, body)| {
            let mut fields = Fields::new(body);
            let from = fields.id(is_long)?;
            let count = fields.short()?;
            let to: Option<Vec<u32>> = (0..count).map(|_| fields.id(is_long)).collect();
            Some((from, to?))
        })
    }

    /// What is said of an item.
    pub(crate) fn properties(&self, item: u32) -> Properties {
        self.collect(item).unwrap_or_default()
    }

    fn collect(&self, item: u32) -> Option<Properties> {
        let tables = find(self.body(), b"iprp")?;
        let all: Vec<_> = inside(find(tables, b"ipco")?).collect();
        let mut properties = Properties::default();
        let associations = inside(tables).filter(|(kind, _)| kind == b"ipma");
        for (_, body) in associations {
            let (version, flags, mut fields) = Fields::full(body)?;
            for _ in 0..fields.long()? {
                let is_it = fields.id(version > 0)? == item;
                for _ in 0..fields.byte()? {
                    // The high bit says that a reader has to understand it.
                    let number = match flags & 1 {
                        1 => fields.short()? & 0x7FFF,
                        _ => u16::from(fields.byte()? & 0x7F),
                    };
                    let at = usize::from(number).checked_sub(1);
                    let found = at.and_then(|at| all.get(at)).filter(|_| is_it);
                    if let Some((kind, body)) = found {
                        properties.add(*kind, body);
                    }
                }
            }
        }
        Some(properties)
    }

    /// The bytes of an item.
    ///
    /// # Errors
    /// `corrupt_source` when they are not there, `too_large`, `transient_io`.
    pub(crate) fn bytes(&self, item: u32) -> Outcome<Vec<u8>> {
        let place = self.places.iter().find(|place| place.item == item);
        let place = place.ok_or_else(|| corrupt(format!("item {item} is nowhere")))?;
        let mut bytes = Vec::new();
        let mut piece = Vec::new();
        for (begin, length) in &place.extents {
            match place.method {
                0 => {
                    let rest = self.source.size().saturating_sub(*begin);
                    let length = if *length == 0 { rest } else { *length };
                    if length > rest {
                        return Err(corrupt(format!("item {item} reaches beyond the end")));
                    }
                    if bytes.len() as u64 + length > LONGEST_META {
                        return Err(too_large(format!("item {item} is very long")));
                    }
                    self.source.read_range(*begin, length, &mut piece)?;
                    bytes.extend_from_slice(&piece);
                }
                1 => {
                    let data = find(self.body(), b"idat").unwrap_or_default();
                    let begin = usize::try_from(*begin).unwrap_or(usize::MAX);
                    let rest = data.get(begin..).unwrap_or_default();
                    let wanted = match *length {
                        0 => Some(rest),
                        length => rest.get(..usize::try_from(length).unwrap_or(usize::MAX)),
                    };
                    let wanted =
                        wanted.ok_or_else(|| corrupt(format!("item {item} is cut off")))?;
                    if bytes.len() + wanted.len() > self.meta.len() {
                        return Err(corrupt(format!("item {item} repeats itself")));
                    }
                    bytes.extend_from_slice(wanted);
                }
                _ => return Err(unsupported("a picture that is made of other items' bytes")),
            }
        }
        Ok(bytes)
    }
}

/// The body of the file's `meta` box.
fn meta(source: &Source<'_>) -> Outcome<Vec<u8>> {
    let (mut at, mut buffer) = (0, Vec::new());
    for _ in 0..MOST_BOXES {
        let Some(header) = boxes::read_header(source, at, &mut buffer)? else {
            break;
        };
        if header.kind == *b"meta" {
            let length = header.length - header.header;
            if length > LONGEST_META {
                return Err(too_large(format!("{length} bytes of tables")));
            }
            source.read_range(at + header.header, length, &mut buffer)?;
            return Ok(buffer);
        }
        at = at.saturating_add(header.length);
    }
    Err(unsupported("AVIF without a still picture"))
}

fn places(table: &[u8]) -> Option<Vec<Place>> {
    let (version, _, mut fields) = Fields::full(table)?;
    let sizes = fields.short()?;
    let size = |shift: u16| usize::from(sizes >> shift & 15);
    let (offset, length, base) = (size(12), size(8), size(4));
    let index = if version == 0 { 0 } else { size(0) };
    let count = fields.id(version > 1)?;
    let mut places = Vec::new();
    let mut extents_in_all = 0;
    for _ in 0..count {
        let item = fields.id(version > 1)?;
        let method = match version {
            0 => 0,
            _ => u64::from(fields.short()? & 15),
        };
        let data_reference = fields.short()?;
        let base = fields.number(base)?;
        let pieces = fields.short()?;
        extents_in_all += usize::from(pieces);
        if extents_in_all + places.len() > MOST_EXTENTS {
            return None;
        }
        let mut extents = Vec::with_capacity(usize::from(pieces));
        for _ in 0..pieces {
            let _index = fields.number(index)?;
            let (offset, length) = (fields.number(offset)?, fields.number(length)?);
            extents.push((base.checked_add(offset)?, length));
        }
        // Another file is never looked into.
        let method = if data_reference == 0 {
            method
        } else {
            u64::MAX
        };
        places.push(Place {
            item,
            method,
            extents,
        });
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_claims_billions_of_pieces_is_refused() {
        let mut table = vec![0, 0, 0, 0, 0, 0, 0xFF, 0xFF];
        for item in 0..200_u16 {
            table.extend(item.to_be_bytes());
            table.extend([0, 0, 0xFF, 0xFF]);
        }
        assert!(places(&table).is_none());
    }

    #[test]
    fn a_table_of_too_many_items_is_refused() {
        let mut table = vec![2, 0, 0, 0, 0, 0, 0, 2, 0, 0];
        table.extend([0; 10 * 0x2_0000]);
        assert!(places(&table).is_none());
        table.truncate(10 + 10 * 100);
        table[4..10].copy_from_slice(&[0, 0, 0, 0, 0, 100]);
        assert_eq!(places(&table).unwrap().len(), 100);
    }

    #[test]
    fn pieces_have_the_sizes_that_the_table_says() {
        let table = [
            1, 0, 0, 0, 0x24, 0x10, 0, 1, 0, 7, 0, 1, 0, 0, 5, 0, 1, 1, 0, 0, 0, 0, 9,
        ];
        let places = places(&table).unwrap();
        assert_eq!((places[0].item, places[0].method), (7, 1));
        assert_eq!(places[0].extents, [(5 + 0x100, 9)]);
    }
}
