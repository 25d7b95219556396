//! Small files with what cameras and phones write into them, and nothing to look at.

pub(crate) const ID: &str = "3D388205-9B11-4690-ABFB-3DB8CE42A984";

/// A directory of a TIFF structure that begins at `base`, its values behind it. Big-endian, as
/// Apple writes.
fn directory(base: usize, fields: &[(u16, u16, &[u8])]) -> Vec<u8> {
    let mut values = Vec::new();
    let mut bytes = u16::try_from(fields.len()).unwrap().to_be_bytes().to_vec();
    let behind = base + 2 + 12 * fields.len() + 4;
    for (tag, kind, value) in fields {
        let count = match kind {
            4 => value.len() / 4,
            _ => value.len(),
        };
        bytes.extend(tag.to_be_bytes());
        bytes.extend(kind.to_be_bytes());
        bytes.extend(u32::try_from(count).unwrap().to_be_bytes());
        if value.len() <= 4 {
            let mut here = value.to_vec();
            here.resize(4, 0);
            bytes.extend(here);
        } else {
            let offset = u32::try_from(behind + values.len()).unwrap();
            bytes.extend(offset.to_be_bytes());
            values.extend_from_slice(value);
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(values);
    bytes
}

fn apple_note(id: &str) -> Vec<u8> {
    let text = format!("{id}\0");
    let mut note = b"Apple iOS\0\0\x01MM".to_vec();
    let fields: [(u16, u16, &[u8]); 2] =
        [(0x0001, 4, &[0, 0, 0, 14]), (0x0011, 2, text.as_bytes())];
    note.extend(directory(14, &fields));
    note
}

/// A TIFF structure with a time, and Apple's note where there is an identifier.
pub(crate) fn tiff(taken: &str, zone: Option<&str>, id: Option<&str>) -> Vec<u8> {
    let taken = format!("{taken}\0");
    let zone = zone.map(|zone| format!("{zone}\0"));
    let note = id.map(apple_note);
    let mut fields: Vec<(u16, u16, &[u8])> = vec![(0x9003, 2, taken.as_bytes())];
    if let Some(zone) = &zone {
        fields.push((0x9011, 2, zone.as_bytes()));
    }
    if let Some(note) = &note {
        fields.push((0x927c, 7, note));
    }
    let mut bytes = b"MM\0*\0\0\0\x08".to_vec();
    let behind = 8 + 2 + 12 + 4;
    let offset = u32::try_from(behind).unwrap().to_be_bytes();
    bytes.extend(directory(8, &[(0x8769, 4, &offset)]));
    bytes.extend(directory(behind, &fields));
    bytes
}

fn segment(body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let length = u16::try_from(body.len() + 2).unwrap();
    [&b"\xff\xe1"[..], &length.to_be_bytes(), &body].concat()
}

/// A JPEG of no picture.
pub(crate) fn jpeg(exif: Option<&[u8]>, xmp: Option<&str>) -> Vec<u8> {
    let mut bytes = b"\xff\xd8".to_vec();
    if let Some(tiff) = exif {
        bytes.extend(segment(&[b"Exif\0\0", tiff]));
    }
    if let Some(xmp) = xmp {
        let space = b"http://ns.adobe.com/xap/1.0/\0";
        bytes.extend(segment(&[space, xmp.as_bytes()]));
    }
    bytes.extend(b"\xff\xdb\0\x04\0\0\xff\xda\0\x02pixels\xff\xd9");
    bytes
}

pub(crate) fn atom(name: &[u8; 4], body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let length = u32::try_from(body.len() + 8).unwrap();
    [&length.to_be_bytes(), &name[..], &body].concat()
}

fn key(name: &str) -> Vec<u8> {
    let length = u32::try_from(name.len() + 8).unwrap();
    [&length.to_be_bytes(), &b"mdta"[..], name.as_bytes()].concat()
}

fn value(number: u32, text: &str) -> Vec<u8> {
    let data = atom(b"data", &[&[0, 0, 0, 1, 0, 0, 0, 0], text.as_bytes()]);
    atom(&number.to_be_bytes(), &[&data])
}

/// A film as an iPhone writes it: its head at the end, of so many milliseconds. `made` counts
/// seconds from 1904.
pub(crate) fn movie(made: u32, ms: u32, said: &[(&str, &str)]) -> Vec<u8> {
    let numbers = [0, made, made, 600, ms * 6 / 10];
    let header: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
    let mut movie = atom(b"mvhd", &[&header, &[0; 80]]);
    movie.extend(atom(b"trak", &[&[0; 64]]));
    if !said.is_empty() {
        let count = u32::try_from(said.len()).unwrap().to_be_bytes();
        let keys: Vec<_> = said.iter().flat_map(|(name, _)| key(name)).collect();
        let values: Vec<_> = (1..)
            .zip(said)
            .flat_map(|(n, (_, text))| value(n, text))
            .collect();
        let handler = atom(b"hdlr", &[&[0; 8], b"mdta", &[0; 14]]);
        let keys = atom(b"keys", &[&[0; 4], &count, &keys]);
        movie.extend(atom(
            b"meta",
            &[&handler, &keys, &atom(b"ilst", &[&values])],
        ));
    }
    [
        atom(b"ftyp", &[b"qt  \0\0\0\0qt  "]),
        atom(b"wide", &[]),
        atom(b"mdat", &[&[7; 3_000]]),
        atom(b"moov", &[&movie]),
    ]
    .concat()
}

/// A HEIF of no picture, its EXIF at its end and what else is given behind it.
pub(crate) fn heif(tiff: &[u8], xmp: &str, behind: &[u8]) -> Vec<u8> {
    let entry = |id: u16, kind: &[u8; 4], rest: &[u8]| {
        atom(
            b"infe",
            &[&[2, 0, 0, 0], &id.to_be_bytes(), &[0, 0], kind, b"\0", rest],
        )
    };
    let entries = [
        entry(1, b"hvc1", b""),
        entry(2, b"Exif", b""),
        entry(3, b"mime", b"application/rdf+xml\0"),
    ]
    .concat();
    let info = atom(b"iinf", &[&[0, 0, 0, 0, 0, 3], &entries]);
    let block = [&[0, 0, 0, 6][..], b"Exif\0\0", tiff].concat();
    let make = |start: u32| {
        let place = |id: u16, offset: u32, length: usize| {
            let length = u32::try_from(length).unwrap().to_be_bytes();
            let offset = offset.to_be_bytes();
            [&id.to_be_bytes()[..], &[0, 0], &[0, 1], &offset, &length].concat()
        };
        let end = start + u32::try_from(block.len()).unwrap();
        let places = [place(2, start, block.len()), place(3, end, xmp.len())].concat();
        // Offsets and lengths of four bytes, no base.
        let places = atom(b"iloc", &[&[0, 0, 0, 0, 0x44, 0, 0, 2], &places]);
        let handler = atom(b"hdlr", &[&[0; 8], b"pict", &[0; 13]]);
        let meta = atom(b"meta", &[&[0; 4], &handler, &info, &places]);
        [atom(b"ftyp", &[b"heic\0\0\0\0mif1heic"]), meta].concat()
    };
    let head = u32::try_from(make(0).len()).unwrap() + 8;
    let media = atom(b"mdat", &[&block, xmp.as_bytes()]);
    [&make(head)[..], &media, behind].concat()
}

/// What Google writes into a photo whose video is so long, with another part behind it if that has
/// a length.
pub(crate) fn google(video: usize, behind: usize) -> String {
    let part = |semantic: &str, length: usize| {
        format!(
            r#"<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="video/mp4"
             Item:Semantic="{semantic}" Item:Length="{length}" Item:Padding="0"/></rdf:li>"#
        )
    };
    let behind = match behind {
        0 => String::new(),
        length => part("GainMap", length),
    };
    format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/">
        <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
        xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"
        xmlns:Container="http://ns.google.com/photos/1.0/container/"
        xmlns:Item="http://ns.google.com/photos/1.0/container/item/"
        GCamera:MotionPhoto="1"><Container:Directory><rdf:Seq>{}{}{behind}
        </rdf:Seq></Container:Directory></rdf:Description></rdf:RDF></x:xmpmeta>"#,
        part("Primary", 0),
        part("MotionPhoto", video),
    )
}

/// What Google wrote before, as elements.
pub(crate) fn micro_video(video: usize) -> String {
    format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/">
        <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
        xmlns:G="http://ns.google.com/photos/1.0/camera/">
        <G:MicroVideo>1</G:MicroVideo><G:MicroVideoOffset> {video} </G:MicroVideoOffset>
        </rdf:Description></rdf:RDF></x:xmpmeta>"#
    )
}

/// A photo as Samsung writes it, and where its video begins.
pub(crate) fn samsung(photo: &[u8], video: &[u8]) -> (Vec<u8>, usize) {
    let block = |kind: u16, name: &str, data: &[u8]| {
        let length = u32::try_from(name.len()).unwrap().to_le_bytes();
        [
            &[0, 0][..],
            &kind.to_le_bytes(),
            &length,
            name.as_bytes(),
            data,
        ]
        .concat()
    };
    let blocks = [
        block(0x0a01, "Image_UTC_Data", b"1481111098000"),
        block(0x0a30, "MotionPhoto_Data", video),
    ];
    let mut directory = b"SEFH\x6a\0\0\0\x02\0\0\0".to_vec();
    let mut before: usize = blocks.iter().map(Vec::len).sum();
    for (block, kind) in blocks.iter().zip([0x0a01_u16, 0x0a30]) {
        directory.extend([0, 0]);
        directory.extend(kind.to_le_bytes());
        directory.extend(u32::try_from(before).unwrap().to_le_bytes());
        directory.extend(u32::try_from(block.len()).unwrap().to_le_bytes());
        before -= block.len();
    }
    let length = u32::try_from(directory.len()).unwrap().to_le_bytes();
    let start = photo.len() + blocks[0].len() + 8 + "MotionPhoto_Data".len();
    let file = [photo, &blocks.concat(), &directory, &length, b"SEFT"].concat();
    (file, start)
}
