//! The size that the header of a WebP file claims (RFC 9649): read by the parent, who does not
//! decode it.

/// Bytes that [`header`] needs to see.
pub(crate) const HEAD: usize = 30;

/// What a header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    /// Bytes of the whole file.
    pub(crate) length: u64,
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
}

/// Reads the first [`HEAD`] bytes of a file; `None` when they are not those of a WebP picture.
pub(crate) fn header(head: &[u8]) -> Option<Header> {
    let &[
        b'R',
        b'I',
        b'F',
        b'F',
        s0,
        s1,
        s2,
        s3,
        b'W',
        b'E',
        b'B',
        b'P',
        b'V',
        b'P',
        b'8',
        sort,
        ..,
    ] = head
    else {
        return None;
    };
    let length = u64::from(u32::from_le_bytes([s0, s1, s2, s3])) + 8;
    let &[a, b, c, d, e, f, g, h, i, j] = head.get(20..HEAD)? else {
        return None;
    };
    let (width, height) = match sort {
        // A key frame's start code, then 14 bits each with 2 bits of scale above them.
        b' ' if [d, e, f] == [0x9d, 0x01, 0x2a] && a & 1 == 0 => {
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            (side(g, h), side(i, j))
        }
        // A signature, then 14 bits each, both less one.
        b'L' if a == 0x2f => {
            let bits = u32::from_le_bytes([b, c, d, e]);
            ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)
        }
        // Flags, then 24 bits each, both less one.
        b'X' => (
            u32::from_le_bytes([e, f, g, 0]) + 1,
            u32::from_le_bytes([h, i, j, 0]) + 1,
        ),
        _ => return None,
    };
    Some(Header {
        length,
        width,
        height,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(sort: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let mut file = b"RIFF\x40\0\0\0WEBP".to_vec();
        file.extend(sort);
        file.extend([0x20, 0, 0, 0]);
        file.extend(data);
        file.resize(HEAD.max(file.len()), 0);
        file
    }

    #[test]
    fn all_three_sorts_of_headers_are_read() {
        let read = |sort, data: &[u8]| {
            header(&file(sort, data)).map(|header| (header.width, header.height))
        };
        let lossy = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x41, 0x90, 0x80];
        assert_eq!(read(b"VP8 ", &lossy), Some((256, 144)));
        let lossless = (255_u32 | 143 << 14).to_le_bytes();
        assert_eq!(
            read(b"VP8L", &[&[0x2f], &lossless[..]].concat()),
            Some((256, 144))
        );
        let extended = [0x10, 0, 0, 0, 255, 0, 0, 143, 0, 1];
        assert_eq!(read(b"VP8X", &extended), Some((256, 65_536 + 144)));
        assert_eq!(header(&file(b"VP8X", &extended)).unwrap().length, 72);
    }

    #[test]
    fn what_is_not_a_picture_has_no_size() {
        let lossy = [0x10, 0, 0, 0x9d, 0x01, 0x2b, 0x00, 0x01, 0x90, 0x00];
        assert_eq!(header(&file(b"VP8 ", &lossy)), None);
        assert_eq!(header(&file(b"VP8L", &[0x2e])), None);
        assert_eq!(header(&file(b"VP8Z", &[])), None);
        assert_eq!(header(&file(b"VP8X", &[])[..29]), None);
        assert_eq!(header(b""), None);
    }
}
