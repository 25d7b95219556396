//! A TrueType font of one glyph without a shape: invisible words need a font that is there.

/// Units of the em square.
pub(super) const UNITS: u16 = 1_000;
/// How wide a letter is, in units.
pub(super) const WIDTH: u16 = 500;
/// How far letters reach above the base line, in units.
pub(super) const ASCENT: i16 = 800;
/// How far letters reach below it, in units.
pub(super) const DESCENT: i16 = -200;

/// The file. It has the tables that a font inside of a PDF needs (ISO 32000-1, 9.9), as the
/// OpenType specification lays them out.
pub(super) fn file() -> Vec<u8> {
    let tables: [(&[u8; 4], Vec<u8>); 6] = [
        // No contours, an empty box, no instructions.
        (b"glyf", vec![0; 12]),
        (b"head", head()),
        (b"hhea", hhea()),
        (b"hmtx", [WIDTH.to_be_bytes(), [0, 0]].concat()),
        // In units of two bytes: where the glyph begins and ends.
        (b"loca", vec![0, 0, 0, 6]),
        (b"maxp", maxp()),
    ];
    // Six tables: search range 64, 2 bits, 32 left over.
    let mut file = vec![0, 1, 0, 0, 0, 6, 0, 64, 0, 2, 0, 32];
    let mut at: u32 = 12 + 16 * 6;
    for (tag, table) in &tables {
        let length = u32::try_from(table.len()).unwrap_or(0);
        file.extend(*tag);
        file.extend(checksum(table).to_be_bytes());
        file.extend(at.to_be_bytes());
        file.extend(length.to_be_bytes());
        at += length.next_multiple_of(4);
    }
    let head_at = file.len() + 12;
    for (_, table) in &tables {
        file.extend(table);
        file.resize(file.len().next_multiple_of(4), 0);
    }
    let adjustment = 0xB1B0_AFBA_u32.wrapping_sub(checksum(&file)).to_be_bytes();
    if let Some(place) = file.get_mut(head_at + 8..head_at + 12) {
        place.copy_from_slice(&adjustment);
    }
    file
}

fn head() -> Vec<u8> {
    let mut table = vec![0, 1, 0, 0, 0, 1, 0, 0];
    // Filled in when the file stands.
    table.extend([0; 4]);
    table.extend(0x5F0F_3CF5_u32.to_be_bytes());
    table.extend([0, 0]);
    table.extend(UNITS.to_be_bytes());
    // Made and changed at no known time, in a box of nothing, of no style.
    table.extend([0; 16 + 8 + 2]);
    // Readable from 8 pixels; left to right; short offsets.
    table.extend([0, 8, 0, 2, 0, 0, 0, 0]);
    table
}

fn hhea() -> Vec<u8> {
    let mut table = vec![0, 1, 0, 0];
    table.extend(ASCENT.to_be_bytes());
    table.extend(DESCENT.to_be_bytes());
    table.extend([0, 0]);
    table.extend(WIDTH.to_be_bytes());
    table.extend([0; 6]);
    // An upright caret.
    table.extend([0, 1, 0, 0, 0, 0]);
    table.extend([0; 10]);
    // One width.
    table.extend([0, 1]);
    table
}

fn maxp() -> Vec<u8> {
    // One glyph; one zone; nothing else.
    let mut table = vec![0, 1, 0, 0, 0, 1];
    table.extend([0; 8]);
    table.extend([0, 1]);
    table.extend([0; 16]);
    table
}

/// The sum of big-endian words.
fn checksum(bytes: &[u8]) -> u32 {
    let word = |chunk: &[u8]| {
        let mut word = [0; 4];
        word.iter_mut()
            .zip(chunk)
            .for_each(|(to, from)| *to = *from);
        u32::from_be_bytes(word)
    };
    bytes.chunks(4).map(word).fold(0, u32::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_the_lengths_of_the_specification_and_the_file_sums_up() {
        assert_eq!((head().len(), hhea().len(), maxp().len()), (54, 36, 32));
        let file = file();
        assert_eq!(checksum(&file), 0xB1B0_AFBA);
        assert_eq!(file.len() % 4, 0);
        // The directory points to each table in turn, the last one ends the file.
        let last = &file[12 + 16 * 5..12 + 16 * 6];
        assert_eq!(&last[..4], b"maxp");
        let number = |at: usize| u32::from_be_bytes(last[at..at + 4].try_into().unwrap());
        assert_eq!(number(8) + number(12), u32::try_from(file.len()).unwrap());
    }
}
