//! Damaged files say something or nothing, and never take long.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use vss_core::companion::MediaFacts;
use vss_probe::{Limits, Source, probe};

use crate::made::{self, ID};

/// One of each layout.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let exif = made::tiff("2016:12:07 11:44:58", Some("-06:00"), Some(ID));
    let video = made::movie(
        3_563_955_898,
        3_000,
        &[
            ("com.apple.quicktime.content.identifier", ID),
            (
                "com.apple.quicktime.creationdate",
                "2016-12-07T11:44:59-0600",
            ),
        ],
    );
    let google = made::google(video.len(), 0);
    let photo = made::jpeg(Some(&exif), Some(&google));
    vec![
        ("image/jpeg", [&photo[..], &video].concat()),
        ("image/jpeg", made::samsung(&photo, &video).0),
        (
            "image/heic",
            made::heif(&exif, &google, &made::atom(b"mpvd", &[&video])),
        ),
        ("image/heic", made::heif(&exif, &google, &video)),
        ("image/x-nikon-nef", exif),
        ("video/quicktime", video.clone()),
        ("image/x-canon-cr3", video.clone()),
        ("image/x-fuji-raf", photo),
    ]
}

/// What is done to some bytes at a place.
#[derive(Clone, Debug)]
enum Harm {
    Set(u8),
    Number(u32),
    Cut,
    Remove(usize),
    Insert(Vec<u8>),
}

fn harm() -> impl Strategy<Value = Harm> {
    let extreme = prop_oneof![
        Just(0),
        Just(1),
        Just(7),
        Just(u32::MAX),
        Just(1 << 31),
        any::<u32>()
    ];
    prop_oneof![
        4 => any::<u8>().prop_map(Harm::Set),
        4 => extreme.prop_map(Harm::Number),
        1 => Just(Harm::Cut),
        1 => (1_usize..40).prop_map(Harm::Remove),
        1 => proptest::collection::vec(any::<u8>(), 1..20).prop_map(Harm::Insert),
    ]
}

fn apply(bytes: &mut Vec<u8>, at: prop::sample::Index, harm: Harm) {
    if bytes.is_empty() {
        return;
    }
    let at = at.index(bytes.len());
    match harm {
        Harm::Set(byte) => bytes[at] = byte,
        Harm::Number(number) => {
            let number = number.to_be_bytes();
            bytes
                .iter_mut()
                .skip(at)
                .zip(number)
                .for_each(|(to, from)| *to = from);
        }
        Harm::Cut => bytes.truncate(at),
        Harm::Remove(length) => drop(bytes.drain(at..bytes.len().min(at + length))),
        Harm::Insert(more) => drop(bytes.splice(at..at, more)),
    }
}

/// Counts how much is read.
struct Counted<'a> {
    bytes: &'a [u8],
    read: u64,
    reads: u32,
}

impl Source for Counted<'_> {
    fn size(&self) -> u64 {
        self.bytes.size()
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.reads += 1;
        self.read += u64::try_from(buffer.len()).unwrap();
        self.bytes.read_at(offset, buffer)
    }
}

#[test]
fn ten_thousand_damaged_files_neither_panic_nor_are_read_beyond_the_limits() {
    let files = files();
    let mut runner = TestRunner::new(Config {
        cases: 10_000,
        failure_persistence: None,
        ..Config::default()
    });
    let harms = proptest::collection::vec((any::<prop::sample::Index>(), harm()), 1..6);
    let limits = Limits::default();
    runner
        .run(&(0..files.len(), harms), |(which, harms)| {
            let (media_type, mut bytes) = files[which].clone();
            for (at, harm) in harms {
                apply(&mut bytes, at, harm);
            }
            let mut counted = Counted {
                bytes: &bytes,
                read: 0,
                reads: 0,
            };
            let facts = probe(&media_type.parse().unwrap(), &mut counted, limits);
            prop_assert!(counted.read <= limits.bytes && counted.reads <= limits.reads);
            if let Some(range) = facts.motion {
                let size = bytes.as_slice().size();
                prop_assert!(range.offset.checked_add(range.length).unwrap() <= size);
                let at = usize::try_from(range.offset).unwrap();
                prop_assert_eq!(&bytes[at + 4..at + 8], b"ftyp");
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn tables_that_claim_to_be_endless_end() {
    let items = |version: u8, body: &[u8]| {
        let places = made::atom(b"iloc", &[&[version, 0, 0, 0], body]);
        let entry = made::atom(b"infe", &[&[2, 0, 0, 0, 0, 9, 0, 0], b"Exif\0"]);
        let info = made::atom(b"iinf", &[&[0, 0, 0, 0, 0, 1], &entry]);
        let meta = made::atom(b"meta", &[&[0; 4], &info, &places]);
        [made::atom(b"ftyp", &[b"heic\0\0\0\0"]), meta].concat()
    };
    // No widths, as many items and pieces as can be said.
    let mut body = vec![0, 0, 0xff, 0xff];
    for _ in 0..20_000 {
        body.extend([0, 1, 0, 0, 0xff, 0xff]);
    }
    let endless = items(0, &body);
    let mut boxes = made::atom(b"ftyp", &[b"qt  \0\0\0\0"]);
    boxes.extend(made::atom(b"free", &[]).repeat(200_000));
    let mut jpeg = b"\xff\xd8".to_vec();
    jpeg.extend(b"\xff\xe1\0\x02".repeat(200_000));
    let filled = [b"\xff\xd8".to_vec(), vec![0xff; 1_000_000]].concat();
    for (media_type, bytes) in [
        ("image/heic", endless),
        ("video/mp4", boxes),
        ("image/jpeg", jpeg),
        ("image/jpeg", filled),
    ] {
        let media_type = media_type.parse().unwrap();
        let said = probe(&media_type, &mut bytes.as_slice(), Limits::default());
        assert_eq!(said, MediaFacts::default());
    }
}
