//! What it costs to find the companions among a million entries, in memory and in time:
//! `cargo xtask bench companions`.
//!
//! The entries are made before the clock starts, folder by folder: a photo library of Live Photos,
//! RAW + JPEG with settings, films with subtitles and photos on their own. CPU seconds are those of
//! the whole process while the rules run, memory is what the peak grew by (VmHWM).
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "it reads what the system says of this process and prints what it found"
)]

use std::hint::black_box;

use vss_core::companion::{CaptureTime, Decisions, Entry, LiveId, MediaFacts, across, in_folder};
use vss_core::{ContentUuid, EntryId};

const ENTRIES: u32 = 1_000_000;

/// The names of one in twelve entries each, and their types.
const SORTS: [(&str, &str); 12] = [
    ("HEIC", "image/heic"),
    ("MOV", "video/quicktime"),
    ("HEIC", "image/heic"),
    ("MOV", "video/quicktime"),
    ("NEF", "image/x-nikon-nef"),
    ("JPG", "image/jpeg"),
    ("xmp", "application/rdf+xml"),
    ("mkv", "video/x-matroska"),
    ("en.srt", "application/x-subrip"),
    ("pt-BR.forced.srt", "application/x-subrip"),
    ("JPG", "image/jpeg"),
    ("PNG", "image/png"),
];

/// The stem that each of twelve entries has.
const STEMS: [u32; 12] = [0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 5];

fn entry(number: u32) -> Entry {
    let place = usize::try_from(number % 12).expect("a small number");
    let (ending, media_type) = SORTS[place];
    let shot = number / 12 * 6 + STEMS[place];
    let mut content = [0; 16];
    content[..4].copy_from_slice(&number.to_be_bytes());
    let live = place < 2;
    // Every other pair of these has two names.
    let renamed = live && shot.is_multiple_of(2) && place == 1;
    let mut id = [1; 16];
    id[..4].copy_from_slice(&shot.to_be_bytes());
    let name = match renamed {
        true => format!("renamed {shot:06}.{ending}"),
        false => format!("IMG_{shot:06}.{ending}"),
    };
    Entry {
        entry: EntryId(i64::from(number)),
        content: ContentUuid::from_bytes(content),
        name: name.into_bytes(),
        media_type: media_type.parse().expect("a media type"),
        facts: MediaFacts {
            live_id: live.then(|| LiveId::from_bytes(id)),
            captured: Some(CaptureTime::Wall(i64::from(shot) * 10_000)),
            duration_ms: media_type.starts_with("video").then_some(2_900),
            motion: None,
        },
    }
}

/// Whether its folder is not that of its photo, where videos lie apart.
fn is_apart(entry: &Entry) -> bool {
    entry.entry.0 % 12 == 1
}

/// User and system seconds of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("the process's times");
    let after_name = stat.rsplit(')').next().expect("fields after the name");
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("ticks");
    // Fields 14 and 15 of proc(5), counted from the one after the name; 100 ticks a second.
    (ticks(11) + ticks(12)) / 100.0
}

fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the process's memory");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("a peak");
    let kib = line.split_whitespace().nth(1).expect("a number");
    kib.parse::<f64>().expect("a number") / 1_024.0
}

/// Goes through all entries with so many in a folder. Making a folder's entries is counted apart.
fn measure(a_folder: u32, apart: bool) {
    let none = Decisions::default();
    let (mut making, mut finding, mut found, mut lonely) = (0.0, 0.0, 0, Vec::new());
    let mut start = 0;
    let before = peak_mib();
    while start < ENTRIES {
        let end = start.saturating_add(a_folder).min(ENTRIES);
        let clock = cpu_seconds();
        let mut entries: Vec<_> = (start..end).map(entry).collect();
        if apart {
            entries.sort_by_key(is_apart);
        }
        making += cpu_seconds() - clock;
        let clock = cpu_seconds();
        let folders: Vec<&[Entry]> = match apart {
            true => entries
                .chunk_by(|one, other| is_apart(one) == is_apart(other))
                .collect(),
            false => vec![&entries],
        };
        for folder in folders {
            let mut pairs = in_folder(black_box(folder), &none);
            found += pairs.companions.len();
            lonely.append(&mut pairs.lonely);
        }
        finding += cpu_seconds() - clock;
        start = end;
    }
    let (clock, left) = (cpu_seconds(), lonely.len());
    let renamed = across(lonely, &none).len();
    finding += cpu_seconds() - clock;
    println!(
        "{ENTRIES} entries, {a_folder} a folder{}: {finding:.2} CPU s (aim 2), \
         {found} companions, {renamed} of {left} left across folders; \
         peak {:.0} MiB, {before:.0} before (making the entries: {making:.2} CPU s)",
        if apart { ", videos apart" } else { "" },
        peak_mib(),
    );
}

fn main() {
    measure(1_000, false);
    measure(1_000, true);
    measure(ENTRIES, false);
}
