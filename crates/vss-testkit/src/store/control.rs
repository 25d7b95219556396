//! The port QueueControl in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use vss_core::{Event, FailureClass, Kind, Priority, SidecarKey, SidecarSource, Status, Timestamp};
use vss_ports::{
    AttemptOutcome, FailureNote, Maker, PortResult, QueueControl, QueueDepth, Selection,
    SidecarRecord,
};

use super::{MemoryStore, Rows};

#[async_trait]
impl QueueControl for MemoryStore {
    async fn pause(&self, kinds: &[Kind], now: Timestamp) -> PortResult<u64> {
        let pause = |rows: &mut Rows| {
            let before = rows.paused.len();
            for kind in kinds {
                rows.paused.entry(kind.clone()).or_insert(now);
            }
            (rows.paused.len() - before) as u64
        };
        Ok(self.write(pause).await)
    }

    async fn resume(&self, kinds: &[Kind]) -> PortResult<u64> {
        let resume = |rows: &mut Rows| {
            let held = kinds
                .iter()
                .filter(|kind| rows.paused.remove(kind).is_some());
            held.count() as u64
        };
        Ok(self.write(resume).await)
    }

    async fn paused(&self) -> PortResult<Vec<(Kind, Timestamp)>> {
        let paused = |rows: &Rows| rows.paused.clone().into_iter().collect();
        Ok(self.read(paused))
    }

    async fn requeue(
        &self,
        selection: &Selection,
        priority: Priority,
        now: Timestamp,
    ) -> PortResult<u64> {
        let requeue = |rows: &mut Rows| {
            let meant = rows
                .records
                .values_mut()
                .filter(|row| means(selection, row) && is_made(&row.source));
            let moved = meant.filter_map(|row| {
                let events = [Event::Retry, Event::Invalidate, Event::Want];
                let to = events.iter().find_map(|e| row.status.after(*e).ok())?;
                // Of what is pending, only what waits out a failure is moved, in its own place.
                let priority = match row.status {
                    Status::Pending => row.priority.filter(|_| waits(row, now))?,
                    _ => priority,
                };
                for successor in selection.stale_against.iter().flatten() {
                    if is_of(row, successor) {
                        row.version = Some(successor.generator.version.clone());
                    }
                }
                pend(row, to, priority, now);
                Some(())
            });
            moved.count() as u64
        };
        Ok(self.write(requeue).await)
    }

    async fn cancel(&self, selection: &Selection, now: Timestamp) -> PortResult<u64> {
        let cancel = |rows: &mut Rows| {
            let meant = rows.records.values().filter(|row| means(selection, row));
            let meant = meant.filter(|row| row.status.after(Event::Cancel).is_ok());
            let meant: Vec<_> = meant.map(|row| row.key.clone()).collect();
            for key in &meant {
                rows.cancel(key, now);
            }
            meant.len() as u64
        };
        Ok(self.write(cancel).await)
    }

    async fn depths(&self, now: Timestamp) -> PortResult<Vec<QueueDepth>> {
        Ok(self.read(|rows| {
            let mut depths: BTreeMap<(Kind, Priority), QueueDepth> = BTreeMap::new();
            for row in rows.records.values() {
                let Some(priority) = row.priority else {
                    continue;
                };
                let kind = row.key.kind.clone();
                let depth = depths.entry((kind.clone(), priority));
                let depth = depth.or_insert(QueueDepth {
                    kind,
                    priority,
                    due: 0,
                    later: 0,
                    running: 0,
                });
                match row.not_before {
                    None => depth.running += 1,
                    Some(at) if at <= now => depth.due += 1,
                    Some(_) => depth.later += 1,
                }
            }
            depths.into_values().collect()
        }))
    }

    async fn list(
        &self,
        selection: &Selection,
        after: Option<&SidecarKey>,
        limit: usize,
    ) -> PortResult<Vec<SidecarRecord>> {
        Ok(self.read(|rows| {
            let meant = rows.records.values().filter(|row| means(selection, row));
            let later = meant.filter(|row| after.is_none_or(|after| row.key > *after));
            later.take(limit).map(|row| rows.shown(row)).collect()
        }))
    }
}

impl Rows {
    fn cancel(&mut self, key: &SidecarKey, now: Timestamp) {
        let class = FailureClass::Cancelled;
        let running = self.records[key].status == Status::Running;
        if running {
            self.end(key, AttemptOutcome::Failed(class), "", None, now);
        }
        let row = self.records.get_mut(key).unwrap();
        row.status = row.status.after(Event::Cancel).unwrap();
        row.fence += u64::from(running);
        row.priority = None;
        row.not_before = None;
        row.lease = None;
        let detail = String::new();
        row.failure = Some(FailureNote { class, detail });
        row.updated_at = now;
    }
}

/// Nobody makes an original, wherever it is.
fn is_made(source: &SidecarSource) -> bool {
    !matches!(
        source,
        SidecarSource::Reference | SidecarSource::Converted | SidecarSource::Adopted
    )
}

fn means(selection: &Selection, row: &SidecarRecord) -> bool {
    let contents = selection.contents.as_ref();
    let stale = selection.stale_against.as_ref().is_none_or(|makers| {
        makers.iter().any(|maker| {
            is_of(row, maker) && row.version.as_ref() != Some(&maker.generator.version)
        })
    });
    selection.statuses.contains(&row.status)
        && contents.is_none_or(|contents| contents.contains(&row.key.content))
        && selection
            .kind
            .as_ref()
            .is_none_or(|kind| *kind == row.key.kind)
        && selection
            .class
            .is_none_or(|class| row.failure.as_ref().is_some_and(|f| f.class == class))
        && stale
}

/// Whether a row is what this maker makes, at whatever version.
fn is_of(row: &SidecarRecord, maker: &Maker) -> bool {
    row.key.kind == maker.kind
        && row.key.variant == maker.variant
        && row.source == SidecarSource::Generator(maker.generator.id.clone())
}

/// Whether it failed and is tried again later.
fn waits(row: &SidecarRecord, now: Timestamp) -> bool {
    row.failure.is_some() && row.not_before.is_some_and(|at| at > now)
}

/// Makes a row pending by a decision from outside.
pub(super) fn pend(row: &mut SidecarRecord, to: Status, priority: Priority, now: Timestamp) {
    row.status = to;
    row.attempt = 0;
    row.priority = Some(priority);
    row.not_before = Some(now);
    row.failure = None;
    row.updated_at = now;
}
