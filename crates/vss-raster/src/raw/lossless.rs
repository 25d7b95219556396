//! Lossless JPEG (ITU-T T.81, process 14), in which DNG packs what a sensor saw: each sample as the
//! difference from what its neighbours let expect, Huffman coded.

use crate::bytes::Bytes;
use crate::failure::{Outcome, corrupt, out_of_memory, unsupported};

/// Samples of all components side by side, row by row.
#[derive(Debug)]
pub(super) struct Samples {
    /// Samples a row: columns times components.
    pub(super) row: usize,
    pub(super) values: Vec<u16>,
    /// How many there were; the rest is 0.
    pub(super) whole: usize,
}

/// What the header says.
#[derive(Clone, Copy, Debug)]
struct Frame {
    precision: u32,
    rows: usize,
    columns: usize,
    components: usize,
}

/// What the header of the scan says.
#[derive(Debug)]
struct Scan<'a> {
    /// The table of each component.
    tables: Vec<&'a Table>,
    predictor: u8,
    /// Low bits that were left out.
    shift: u32,
    /// Rows after which prediction begins anew; 0 is never.
    restart: usize,
}

/// Unpacks one that has at most `most` samples.
///
/// # Errors
/// `corrupt_source`, `unsupported`, `out_of_memory`. Entropy coded data that ends early or makes no
/// sense is no error.
pub(super) fn unpack(data: &[u8], most: usize) -> Outcome<Samples> {
    let mut tables: [Option<Table>; 4] = Default::default();
    let mut frame = None;
    let mut interval = 0;
    let mut at = 2;
    if !data.starts_with(&[0xFF, 0xD8]) {
        return Err(corrupt("a tile that is no JPEG"));
    }
    loop {
        let bytes = Bytes(data);
        let marker = bytes.short(at).ok_or_else(ends)?;
        let length = usize::from(bytes.short(at + 2).ok_or_else(ends)?);
        let body = data.get(at + 4..at + 2 + length).ok_or_else(ends)?;
        at += 2 + length;
        match marker {
            0xFFC4 => read_tables(body, &mut tables)?,
            0xFFC3 => frame = Some(read_frame(body, most)?),
            0xFFDD => interval = usize::from(Bytes(body).short(0).unwrap_or(0)),
            0xFFDA => {
                let frame = frame.ok_or_else(|| corrupt("a scan without a frame"))?;
                let scan = read_scan(body, &tables, frame, interval)?;
                return unpack_scan(data.get(at..).unwrap_or_default(), frame, &scan);
            }
            0xFFC0..=0xFFCF => return Err(unsupported("a tile of another sort of JPEG")),
            0xFF01..=0xFFFE => {}
            _ => return Err(corrupt("a tile whose markers make no sense")),
        }
    }
}

fn ends() -> vss_ports::GenerateFailure {
    corrupt("a tile ends in its header")
}

fn read_frame(body: &[u8], most: usize) -> Outcome<Frame> {
    let &[precision, high, low, left, right, components, ref each @ ..] = body else {
        return Err(ends());
    };
    let frame = Frame {
        precision: precision.into(),
        rows: u16::from_be_bytes([high, low]).into(),
        columns: u16::from_be_bytes([left, right]).into(),
        components: components.into(),
    };
    let (each, _) = each.as_chunks::<3>();
    let known = (2..=16).contains(&precision) && (1..=4).contains(&components);
    // One sample of each component at each place.
    let even =
        each.len() == frame.components && each.iter().all(|[_, factors, _]| *factors == 0x11);
    if !known || !even {
        return Err(unsupported("a tile whose samples are laid out otherwise"));
    }
    let samples = frame.rows * frame.columns * frame.components;
    if samples == 0 || samples > most {
        return Err(corrupt("a tile of another size"));
    }
    Ok(frame)
}

fn read_scan<'a>(
    body: &[u8],
    tables: &'a [Option<Table>; 4],
    frame: Frame,
    interval: usize,
) -> Outcome<Scan<'a>> {
    let (each, rest) = body
        .split_first()
        .and_then(|(_, rest)| rest.split_at_checked(2 * frame.components))
        .ok_or_else(ends)?;
    let &[predictor, _, low, ..] = rest else {
        return Err(ends());
    };
    let table = |pair: &[u8; 2]| tables.get(usize::from(pair[1] >> 4))?.as_ref();
    let (pairs, _) = each.as_chunks::<2>();
    let found: Option<Vec<_>> = pairs.iter().map(table).collect();
    let shift = u32::from(low & 15);
    if !(1..=7).contains(&predictor) || shift >= frame.precision {
        return Err(unsupported("a tile that is predicted otherwise"));
    }
    if !interval.is_multiple_of(frame.columns) {
        return Err(corrupt("a tile that begins anew within a row"));
    }
    Ok(Scan {
        tables: found.ok_or_else(|| corrupt("a tile without its tables"))?,
        predictor,
        shift,
        restart: interval / frame.columns,
    })
}

fn unpack_scan(data: &[u8], frame: Frame, scan: &Scan<'_>) -> Outcome<Samples> {
    let row = frame.columns * frame.components;
    let mut values = Vec::new();
    values
        .try_reserve_exact(row * frame.rows)
        .map_err(out_of_memory)?;
    values.resize(row * frame.rows, 0);
    let mut bits = Bits::new(data);
    let middle = 1 << (frame.precision - scan.shift - 1);
    let mut begin = true;
    let mut whole = 0;
    for y in 0..frame.rows {
        if scan.restart > 0 && y > 0 && y % scan.restart == 0 {
            bits.restart();
            begin = true;
        }
        let (above, line) = values.split_at_mut(y * row);
        let above = above.get(above.len().saturating_sub(row)..);
        let above = above.filter(|above| !begin && above.len() == row);
        let line = line.get_mut(..row).unwrap_or_default();
        let read = unpack_row(&mut bits, line, above, scan, middle);
        whole += read;
        if read < row {
            break;
        }
        begin = false;
    }
    if scan.shift > 0 {
        values.iter_mut().for_each(|value| *value <<= scan.shift);
    }
    Ok(Samples { row, values, whole })
}

/// Unpacks a row; says how many samples of it there were.
fn unpack_row(
    bits: &mut Bits<'_>,
    line: &mut [u16],
    above: Option<&[u16]>,
    scan: &Scan<'_>,
    middle: u16,
) -> usize {
    let components = scan.tables.len();
    let mut column = 0;
    for x in 0..line.len() {
        let Some(difference) = scan.tables.get(column).and_then(|t| t.difference(bits)) else {
            return x;
        };
        column = if column + 1 == components {
            0
        } else {
            column + 1
        };
        let left = x.checked_sub(components);
        let at = |line: &[u16], x: usize| line.get(x).copied().unwrap_or(0);
        let expected = match (above, left) {
            (None, None) => middle,
            (None, Some(left)) => at(line, left),
            (Some(above), None) => at(above, x),
            (Some(above), Some(left)) => predict(
                scan.predictor,
                at(line, left),
                at(above, x),
                at(above, left),
            ),
        };
        if let Some(value) = line.get_mut(x) {
            *value = expected.wrapping_add(difference);
        }
    }
    line.len()
}

/// What is expected of a sample, from the one to its left, the one above, and the one above that to
/// its left (T.81, table H.1).
fn predict(predictor: u8, left: u16, above: u16, corner: u16) -> u16 {
    let [a, b, c] = [left, above, corner].map(i32::from);
    let expected = match predictor {
        1 => a,
        2 => b,
        3 => c,
        4 => a + b - c,
        5 => a + ((b - c) >> 1),
        6 => b + ((a - c) >> 1),
        _ => (a + b) >> 1,
    };
    // Modulo 2^16, as the standard has it.
    u16::try_from(expected & 0xFFFF).unwrap_or(0)
}

/// A Huffman table of lengths of differences.
#[derive(Debug)]
struct Table {
    /// For each beginning of `longest` bits: how many of them are the code, and what it stands for.
    codes: Vec<(u8, u8)>,
    longest: u32,
}

fn read_tables(mut body: &[u8], tables: &mut [Option<Table>; 4]) -> Outcome<()> {
    while let Some((head, rest)) = body.split_first() {
        let (counts, rest) = rest.split_first_chunk::<16>().ok_or_else(ends)?;
        let symbols = counts.iter().map(|count| usize::from(*count)).sum();
        let (symbols, rest) = rest.split_at_checked(symbols).ok_or_else(ends)?;
        let table = Table::new(counts, symbols)?;
        let slot = tables.get_mut(usize::from(head & 15));
        *slot.ok_or_else(|| corrupt("a tile with too many tables"))? = Some(table);
        body = rest;
    }
    Ok(())
}

impl Table {
    fn new(counts: &[u8; 16], symbols: &[u8]) -> Outcome<Self> {
        let longest = counts.iter().rposition(|count| *count > 0);
        let longest = u32::try_from(longest.map_or(0, |at| at + 1)).unwrap_or(16);
        let mut codes = Vec::with_capacity(1 << longest);
        let mut symbols = symbols.iter();
        for (length, count) in (1..).zip(counts) {
            for symbol in symbols.by_ref().take(usize::from(*count)) {
                if *symbol > 16 {
                    return Err(corrupt("a tile whose table makes no sense"));
                }
                let many = 1 << longest.saturating_sub(u32::from(length));
                codes.extend(std::iter::repeat_n((length, *symbol), many));
                if codes.len() > 1 << longest {
                    return Err(corrupt("a tile whose table makes no sense"));
                }
            }
        }
        // What no code begins with.
        codes.resize(1 << longest, (0, 0));
        Ok(Self { codes, longest })
    }

    /// The next difference; `None` where the data ends or makes no sense.
    fn difference(&self, bits: &mut Bits<'_>) -> Option<u16> {
        let head = usize::try_from(bits.peek(self.longest)).ok()?;
        let &(used, length) = self.codes.get(head)?;
        if used == 0 {
            return None;
        }
        bits.skip(used.into())?;
        match length {
            0 => Some(0),
            16 => Some(0x8000),
            length => {
                let length = u32::from(length);
                let value = u16::try_from(bits.peek(length)).ok()?;
                bits.skip(length)?;
                // Without its first bit it is negative (T.81, F.2.2.1).
                let negative = value >> (length - 1) == 0;
                let offset = if negative { (1 << length) - 1 } else { 0 };
                Some(value.wrapping_sub(offset))
            }
        }
    }
}

/// Bits of entropy coded data, the highest first.
struct Bits<'a> {
    data: &'a [u8],
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    const fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            held: 0,
            count: 0,
        }
    }

    fn fill(&mut self) {
        while self.count <= 56 {
            let (byte, rest) = match self.data {
                // A byte of data that looks like a marker has a zero behind it.
                [0xFF, 0, rest @ ..] => (0xFF, rest),
                [0xFF, ..] | [] => return,
                [byte, rest @ ..] => (*byte, rest),
            };
            self.data = rest;
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next bits, up to 16; zeros behind the end.
    fn peek(&mut self, wanted: u32) -> u64 {
        if self.count < wanted {
            self.fill();
        }
        match wanted {
            0 => 0,
            wanted => self.held >> (64 - wanted),
        }
    }

    /// Goes on by so many bits; `None` when there are not as many.
    fn skip(&mut self, used: u32) -> Option<()> {
        self.count = self.count.checked_sub(used)?;
        self.held <<= used;
        Some(())
    }

    /// Goes on behind the next restart marker.
    fn restart(&mut self) {
        (self.held, self.count) = (0, 0);
        let mut pairs = self.data.windows(2);
        let marker = pairs.position(|pair| matches!(pair, [0xFF, 0xD0..=0xD7]));
        self.data = match marker {
            Some(at) => self.data.get(at + 2..).unwrap_or_default(),
            None => &[],
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_predictor_expects_what_the_standard_says() {
        let of = |predictor| predict(predictor, 10, 7, 4);
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(of), [10, 7, 4, 13, 11, 10, 8]);
        assert_eq!(predict(4, 0, 0, 1), 0xFFFF);
    }

    #[test]
    fn a_header_that_lies_is_an_error() {
        let head = |precision, sides: [u8; 4], components: u8| {
            let mut data = vec![0xFF, 0xD8, 0xFF, 0xC3, 0, 8 + 3 * components, precision];
            data.extend(sides);
            data.push(components);
            data.extend((0..components).flat_map(|number| [number, 0x11, 0]));
            data
        };
        for data in [
            vec![],
            vec![0xFF, 0xD8],
            head(17, [0, 1, 0, 1], 1),
            head(12, [0, 0, 0, 1], 1),
            head(12, [255; 4], 4),
            head(12, [0, 1, 0, 1], 5),
            head(12, [0, 1, 0, 1], 1),
        ] {
            assert!(unpack(&data, 1_000).is_err(), "{data:?}");
        }
    }

    #[test]
    fn a_table_that_claims_more_codes_than_there_are_is_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Table::new(&counts, &[0, 1, 2]).is_err());
        counts[0] = 1;
        assert!(Table::new(&counts, &[17]).is_err());
        assert!(Table::new(&counts, &[3]).is_ok());
    }
}
