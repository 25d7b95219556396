//! All ports of the rows in memory, and a decorator that fails when a test says so.
//!
//! One writer at a time and any number of readers, like the databases that it stands in for: a
//! commit keeps the others from writing while its publisher works, and readers see what was there
//! before.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tokio::sync::Mutex as Turn;
use vss_core::companion::Decision;
use vss_core::{ContentUuid, Digest, Kind, SidecarKey, Timestamp};
use vss_ports::{AttemptRecord, Conversion, ReferenceTarget, SidecarRecord};

mod attempts;
mod control;
mod conversions;
mod faulty;
mod queue;
mod records;
mod references;

pub use faulty::{Call, FaultyStore};

/// Rows in memory.
#[derive(Default)]
pub struct MemoryStore {
    /// Held by whoever writes, across the publisher of a commit too.
    turn: Turn<()>,
    rows: Mutex<Rows>,
}

#[derive(Clone, Default)]
struct Rows {
    /// What a database would hold; `source_digest` is left to `contents` and `own_sources`.
    records: BTreeMap<SidecarKey, SidecarRecord>,
    contents: BTreeMap<ContentUuid, Content>,
    /// Originals that differ from the one of their content.
    own_sources: BTreeMap<SidecarKey, Digest>,
    /// What rows refer to.
    targets: BTreeMap<SidecarKey, ReferenceTarget>,
    decisions: Vec<(String, Decision)>,
    /// What is being moved or was, in the order in which it was begun.
    conversions: Vec<Conversion>,
    /// What happened to a row, the newest last.
    attempts: BTreeMap<SidecarKey, Vec<AttemptRecord>>,
    paused: BTreeMap<Kind, Timestamp>,
    watermarks: BTreeMap<String, String>,
    /// What the fence of a new row begins with: the highest of any that was removed.
    fence_floor: u64,
}

#[derive(Clone)]
struct Content {
    /// Contents that are equally urgent are claimed in the order in which they came.
    number: u64,
    source: Option<Digest>,
}

impl MemoryStore {
    /// Changes the rows when nobody else does.
    async fn write<T>(&self, change: impl FnOnce(&mut Rows) -> T) -> T {
        let _turn = self.turn.lock().await;
        change(&mut self.rows.lock().unwrap())
    }

    fn read<T>(&self, look: impl FnOnce(&Rows) -> T) -> T {
        look(&self.rows.lock().unwrap())
    }
}

impl Rows {
    fn record(&self, key: &SidecarKey) -> Option<SidecarRecord> {
        self.records.get(key).map(|row| self.shown(row))
    }

    fn shown(&self, row: &SidecarRecord) -> SidecarRecord {
        let of_content = self.contents.get(&row.key.content);
        let own = self.own_sources.get(&row.key).copied();
        SidecarRecord {
            source_digest: own.or_else(|| of_content.and_then(|content| content.source)),
            ..row.clone()
        }
    }

    fn content(&mut self, content: ContentUuid) -> &mut Content {
        let last = self.contents.values().map(|content| content.number).max();
        let source = None;
        let number = last.map_or(1, |last| last + 1);
        let fresh = Content { number, source };
        self.contents.entry(content).or_insert(fresh)
    }
}
