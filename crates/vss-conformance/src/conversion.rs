//! The contract of ConversionJournal as checks.

use std::path::Path;
use std::sync::Arc;

use libtest_mimic::Trial;
use vss_core::companion::{Evidence, Relation};
use vss_core::{Digest, EntryId, Format, Kind, SidecarKey, SidecarSource, Status, Variant};
use vss_ports::{
    Conversion, FileIdentity, Move, MoveEnd, MovePhase, OriginalPlace, PortErrorKind, PortResult,
    Reference, ReferenceTarget,
};

use crate::rows::{Bench, RowsHarness, at, content};
use crate::{Check, check, trials_of};

const CHECKS: &[Check<dyn RowsHarness>] = &[
    check!(begin_writes_down_what_is_not_under_way),
    check!(begin_back_begins_with_what_is_managed),
    check!(taken_makes_the_row_managed),
    check!(given_back_forgets_row_and_conversion),
    check!(undone_leaves_everything_as_it_was),
    check!(unfinished_answers_what_was_begun_here),
    check!(find_answers_the_conversion_of_a_key),
];

/// The checks for one adapter.
pub fn trials(adapter: &str, harness: Arc<dyn RowsHarness>) -> Vec<Trial> {
    trials_of("conversion", adapter, &harness, CHECKS)
}

fn key_of(of: u8) -> SidecarKey {
    SidecarKey::new(content(of), Kind::LIVE, Variant::ORIGINAL)
}

fn conversion(of: u8) -> Conversion {
    // A name that is no UTF-8, where there are such names.
    #[cfg(unix)]
    let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"\xffa b.mov");
    #[cfg(not(unix))]
    let name = "a b.mov";
    let location = Path::new("/photos/2026");
    let path = location.join("in").join(name);
    Conversion {
        file: Move {
            key: key_of(of),
            format: Format::MOV,
            place: OriginalPlace::new(location, &path).unwrap(),
            identity: FileIdentity {
                // Numbers that need all of their bits.
                device: u64::MAX - 1,
                inode: 1 << 63,
                size: 1_000 + u64::from(of),
                modified_ns: -5,
            },
            digest: Digest::of(&[of]),
            created_at: at(1),
        },
        catalog: "here".to_owned(),
        target: target(of),
        phase: MovePhase::Taking,
    }
}

fn target(of: u8) -> ReferenceTarget {
    ReferenceTarget {
        entry: EntryId(i64::from(of) + 40),
        companion: content(of + 100),
        relation: Relation::LivePhoto,
        evidence: Evidence::NameAndTime { apart_ms: 900 },
    }
}

impl Bench {
    /// A reference, and its conversion begun.
    async fn begun(&self, of: u8) -> Conversion {
        let conversion = conversion(of);
        let reference = Reference {
            content: content(of),
            kind: Kind::LIVE,
            variants: vec![Variant::ORIGINAL],
            format: Format::MOV,
            target: target(of),
            size: conversion.file.identity.size,
            digest: conversion.file.digest,
        };
        self.references.refer(&[reference], at(1)).await.unwrap();
        self.conversions.begin(&conversion, at(2)).await.unwrap();
        conversion
    }

    async fn taken(&self, of: u8) -> Conversion {
        let conversion = self.begun(of).await;
        self.finish(of, MoveEnd::Taken).await.unwrap();
        conversion
    }

    async fn finish(&self, of: u8, how: MoveEnd) -> PortResult<()> {
        self.conversions.finish(&key_of(of), how, at(3)).await
    }

    async fn phase(&self, of: u8) -> Option<MovePhase> {
        let found = self.conversions.find(&key_of(of)).await.unwrap();
        found.map(|conversion| conversion.phase)
    }
}

fn conflict<T: std::fmt::Debug>(answer: PortResult<T>) {
    assert_eq!(answer.unwrap_err().kind, PortErrorKind::Conflict);
}

async fn begin_writes_down_what_is_not_under_way(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let begun = bench.begun(1).await;
    conflict(bench.conversions.begin(&begun, at(3)).await);
    bench.finish(1, MoveEnd::Taken).await.unwrap();
    // Its row may be a reference again by now.
    bench.conversions.begin(&begun, at(4)).await.unwrap();
    assert_eq!(bench.phase(1).await, Some(MovePhase::Taking));
    bench.begun(2).await;
    assert_eq!(bench.conversions.unfinished(None).await.unwrap().len(), 2);
}

async fn begin_back_begins_with_what_is_managed(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    conflict(bench.conversions.begin_back(&key_of(1), at(3)).await);
    bench.begun(1).await;
    conflict(bench.conversions.begin_back(&key_of(1), at(3)).await);
    bench.finish(1, MoveEnd::Taken).await.unwrap();
    bench
        .conversions
        .begin_back(&key_of(1), at(4))
        .await
        .unwrap();
    assert_eq!(bench.phase(1).await, Some(MovePhase::GivingBack));
    conflict(bench.conversions.begin_back(&key_of(1), at(5)).await);
}

async fn taken_makes_the_row_managed(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let conversion = bench.taken(1).await;
    let row = bench.store.find(&key_of(1)).await.unwrap().unwrap();
    assert_eq!(
        (row.status, row.source),
        (Status::Ready, SidecarSource::Converted)
    );
    assert_eq!(
        (row.size, row.digest),
        (Some(1_001), Some(conversion.file.digest))
    );
    assert_eq!((row.entry, row.created_at), (None, at(1)));
    assert_eq!(bench.references.references(None, 9).await.unwrap(), []);
    assert_eq!(bench.phase(1).await, Some(MovePhase::Managed));
    conflict(bench.finish(1, MoveEnd::Taken).await);
    conflict(bench.finish(1, MoveEnd::GivenBack).await);
    conflict(bench.finish(2, MoveEnd::Taken).await);
    bench.assert_counts("taking").await;
}

async fn given_back_forgets_row_and_conversion(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.taken(1).await;
    bench
        .conversions
        .begin_back(&key_of(1), at(4))
        .await
        .unwrap();
    conflict(bench.finish(1, MoveEnd::Taken).await);
    bench.finish(1, MoveEnd::GivenBack).await.unwrap();
    assert_eq!(bench.store.find(&key_of(1)).await.unwrap(), None);
    assert_eq!(bench.phase(1).await, None);
    conflict(bench.finish(1, MoveEnd::GivenBack).await);
    bench.assert_counts("giving back").await;
}

async fn undone_leaves_everything_as_it_was(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.begun(1).await;
    let row = bench.store.find(&key_of(1)).await.unwrap();
    bench.finish(1, MoveEnd::Undone).await.unwrap();
    assert_eq!(bench.store.find(&key_of(1)).await.unwrap(), row);
    assert_eq!(bench.phase(1).await, None);
    bench.taken(1).await;
    let row = bench.store.find(&key_of(1)).await.unwrap();
    conflict(bench.finish(1, MoveEnd::Undone).await);
    bench
        .conversions
        .begin_back(&key_of(1), at(4))
        .await
        .unwrap();
    bench.finish(1, MoveEnd::Undone).await.unwrap();
    assert_eq!(bench.store.find(&key_of(1)).await.unwrap(), row);
    assert_eq!(bench.phase(1).await, Some(MovePhase::Managed));
}

async fn unfinished_answers_what_was_begun_here(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let first = bench.begun(3).await;
    bench.taken(2).await;
    let back = bench.taken(1).await;
    bench
        .conversions
        .begin_back(&key_of(1), at(4))
        .await
        .unwrap();
    let back = Conversion {
        phase: MovePhase::GivingBack,
        ..back
    };
    let bench = bench.reopen(harness).await;
    let unfinished = async |catalog| bench.conversions.unfinished(catalog).await.unwrap();
    assert_eq!(unfinished(Some("there")).await, []);
    for catalog in [Some("here"), None] {
        assert_eq!(unfinished(catalog).await, [first.clone(), back.clone()]);
    }
}

async fn find_answers_the_conversion_of_a_key(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let taken = bench.taken(1).await;
    let managed = Conversion {
        phase: MovePhase::Managed,
        ..taken
    };
    let found = bench.conversions.find(&key_of(1)).await.unwrap();
    assert_eq!(found, Some(managed));
    assert_eq!(bench.conversions.find(&key_of(2)).await.unwrap(), None);
}
