//! The port SidecarQueue in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use async_trait::async_trait;
use vss_core::plan::WantedOutput;
use vss_core::{
    ContentUuid, Digest, Disposition, Event, FailureClass, GeneratorId, Priority, SidecarKey,
    SidecarSource, Status, Timestamp,
};
use vss_ports::{
    Claim, ClaimOrder, ClaimRequest, ClaimedOutput, Commit, CommitOutcome, EnqueueBatch,
    EnqueueReport, Failure, Lease, LeaseOwner, PortError, PortErrorKind, PortResult, Publisher,
    Recovery, SidecarQueue, SidecarRecord,
};

use super::attempts::refusal;
use super::control::pend;
use super::{MemoryStore, Rows};

#[async_trait]
impl SidecarQueue for MemoryStore {
    async fn enqueue(&self, batch: &EnqueueBatch, now: Timestamp) -> PortResult<EnqueueReport> {
        let enqueue = |rows: &mut Rows| {
            let mut report = EnqueueReport::default();
            for item in &batch.items {
                for wanted in &item.outputs {
                    rows.want(item.content, item.priority, wanted, now, &mut report);
                }
            }
            if let Some(mark) = &batch.watermark {
                rows.watermarks
                    .insert(mark.name.clone(), mark.value.clone());
            }
            report
        };
        Ok(self.write(enqueue).await)
    }

    async fn watermark(&self, name: &str) -> PortResult<Option<String>> {
        Ok(self.read(|rows| rows.watermarks.get(name).cloned()))
    }

    async fn claim(&self, request: &ClaimRequest) -> PortResult<Vec<Claim>> {
        Ok(self.write(|rows| rows.claim(request)).await)
    }

    async fn renew(&self, owner: &LeaseOwner, until: Timestamp) -> PortResult<u64> {
        let renew = |rows: &mut Rows| {
            let leases = rows
                .records
                .values_mut()
                .filter_map(|row| row.lease.as_mut());
            let owned = leases.filter(|lease| lease.owner == *owner);
            owned.map(|lease| lease.until = until).count() as u64
        };
        Ok(self.write(renew).await)
    }

    async fn release(&self, which: &Recovery, now: Timestamp) -> PortResult<u64> {
        let ends = |lease: &Lease| match which {
            Recovery::Expired => lease.until <= now,
            Recovery::Owner(owner) => lease.owner == *owner,
            Recovery::AllBut(owner) => lease.owner != *owner,
            Recovery::Ahead(latest) => lease.until > *latest,
        };
        let release = |rows: &mut Rows| {
            let mut released = rows.release(ends, now);
            if let Recovery::Ahead(latest) = which {
                for row in rows.records.values_mut() {
                    if row.not_before.is_some_and(|due| due > *latest) {
                        row.not_before = Some(now);
                        released += 1;
                    }
                }
            }
            released
        };
        Ok(self.write(release).await)
    }

    async fn commit(
        &self,
        commits: &[Commit],
        publisher: &dyn Publisher,
        now: Timestamp,
    ) -> PortResult<Vec<CommitOutcome>> {
        let _turn = self.turn.lock().await;
        let mut rows = self.read(Rows::clone);
        let mut outcomes = Vec::new();
        let mut positions = Vec::new();
        let mut seen = BTreeSet::new();
        let mut sources: BTreeMap<ContentUuid, Digest> = BTreeMap::new();
        for (position, commit) in commits.iter().enumerate() {
            let held = rows.held(&commit.key, commit.fence) && seen.insert(&commit.key);
            if !held {
                outcomes.push(CommitOutcome::Fenced);
                continue;
            }
            let found = commit.original.1;
            let known = rows.contents.get(&commit.key.content);
            let known = known.and_then(|content| content.source);
            let expected = *sources
                .entry(commit.key.content)
                .or_insert(known.unwrap_or(found));
            if expected == found {
                positions.push(position);
                outcomes.push(CommitOutcome::Committed);
            } else {
                let detail = format!(
                    "two different files have this content's identity: its sidecars were made \
                     from the one with BLAKE3 {expected}, this one has {found}"
                );
                rows.fail(&refusal(commit, FailureClass::Policy, detail), now);
                outcomes.push(CommitOutcome::SourceConflict);
            }
        }
        let results = match positions.is_empty() {
            true => Vec::new(),
            false => publisher.publish(&positions).await,
        };
        if results.len() != positions.len() {
            let (kind, cause) = (PortErrorKind::Unexpected, "one result an item was due");
            return Err(PortError::new(kind, "commit sidecars", cause));
        }
        for (position, result) in positions.into_iter().zip(results) {
            let commit = &commits[position];
            if let Err(error) = result {
                let class = match error.kind {
                    PortErrorKind::Full => FailureClass::DiskFull,
                    PortErrorKind::ReadOnly => FailureClass::ReadOnly,
                    _ => FailureClass::TransientIo,
                };
                rows.fail(&refusal(commit, class, chain(&error)), now);
                outcomes[position] = CommitOutcome::Unpublished(error);
            } else {
                rows.commit(commit, now);
            }
        }
        *self.rows.lock().unwrap() = rows;
        Ok(outcomes)
    }

    async fn fail(
        &self,
        failures: &[Failure],
        now: Timestamp,
    ) -> PortResult<Vec<Option<Disposition>>> {
        let fail = |rows: &mut Rows| {
            let each = failures.iter().map(|one| {
                let held = rows.held(&one.key, one.fence);
                held.then(|| rows.fail(one, now))
            });
            each.collect()
        };
        Ok(self.write(fail).await)
    }
}

fn chain(error: &PortError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

impl Rows {
    fn want(
        &mut self,
        content: ContentUuid,
        priority: Priority,
        wanted: &WantedOutput,
        now: Timestamp,
        report: &mut EnqueueReport,
    ) {
        let key = SidecarKey::new(content, wanted.kind.clone(), wanted.variant.clone());
        let source = SidecarSource::Generator(wanted.generator.id.clone());
        let version = Some(wanted.generator.version.clone());
        let Some(row) = self.records.get_mut(&key) else {
            self.content(content);
            let record = SidecarRecord {
                key: key.clone(),
                format: wanted.format.clone(),
                status: Status::Pending,
                source,
                version,
                size: None,
                digest: None,
                entry: None,
                source_digest: None,
                created_at: now,
                updated_at: now,
                priority: Some(priority),
                attempt: 0,
                not_before: Some(now),
                fence: self.fence_floor,
                lease: None,
                failure: None,
            };
            self.records.insert(key, record);
            report.inserted += 1;
            return;
        };
        let changed = (&row.source, &row.version) != (&source, &version);
        let event = match changed {
            true => Event::GeneratorChanged,
            false => Event::SourceReturned,
        };
        let class = row.failure.as_ref().map(|failure| failure.class);
        let (event, yields) = match row.status {
            Status::Evicted => (Event::Want, priority.is_awaited()),
            _ => (event, class.is_some_and(|class| class.yields_to(event))),
        };
        match row.status.after(event) {
            Ok(to) if yields => {
                row.format = wanted.format.clone();
                row.source = source;
                row.version = version;
                pend(row, to, priority, now);
                report.revived += 1;
            }
            Ok(_) | Err(_) => raise(row, priority),
        }
    }

    fn claim(&mut self, request: &ClaimRequest) -> Vec<Claim> {
        let paused = self.paused.clone();
        let due = |row: &SidecarRecord| -> Option<GeneratorId> {
            let SidecarSource::Generator(id) = &row.source else {
                return None;
            };
            let held = paused.contains_key(&row.key.kind) || request.except.contains(&row.key.kind);
            let may =
                row.status.after(Event::Claim).is_ok() && !held && request.generators.contains(id);
            let now = row.not_before.is_some_and(|at| at <= request.now);
            (may && now).then(|| id.clone())
        };
        let mut urgent: Vec<_> = self
            .records
            .values()
            .filter_map(|row| {
                let number = self.contents.get(&row.key.content)?.number;
                let urgency = match request.order {
                    ClaimOrder::Urgent => row.priority,
                    ClaimOrder::Oldest => None,
                };
                Some(((urgency, row.not_before, number), row, due(row)?))
            })
            .collect();
        urgent.sort_by(|a, b| (a.0, &a.2).cmp(&(b.0, &b.2)));
        let mut chosen: Vec<(ContentUuid, GeneratorId)> = Vec::new();
        for (_, row, generator) in urgent {
            let pair = (row.key.content, generator);
            if chosen.len() < request.limit && !chosen.contains(&pair) {
                chosen.push(pair);
            }
        }
        let mut claims = Vec::new();
        for (content, generator) in chosen {
            let mut outputs = Vec::new();
            let rows = self.records.values_mut();
            for row in rows.filter(|row| row.key.content == content) {
                if due(row).as_ref() == Some(&generator) {
                    outputs.push(take(row, request));
                }
            }
            claims.push(Claim {
                content,
                generator,
                outputs,
            });
        }
        claims
    }

    fn held(&self, key: &SidecarKey, fence: u64) -> bool {
        let row = self.records.get(key);
        row.is_some_and(|row| row.status == Status::Running && row.fence == fence)
    }

    fn commit(&mut self, commit: &Commit, now: Timestamp) {
        self.end_ready(commit, now);
        let content = self.content(commit.key.content);
        content.source.get_or_insert(commit.original.1);
        self.own_sources.remove(&commit.key);
        let row = self.records.get_mut(&commit.key).unwrap();
        row.status = row.status.after(Event::Commit).unwrap();
        row.format = commit.format.clone();
        row.source = SidecarSource::Generator(commit.generator.id.clone());
        row.version = Some(commit.generator.version.clone());
        row.size = Some(commit.size);
        row.digest = Some(commit.digest);
        row.entry = None;
        row.priority = None;
        row.attempt = 0;
        row.not_before = None;
        row.lease = None;
        row.failure = None;
        row.updated_at = now;
    }
}

fn raise(row: &mut SidecarRecord, priority: Priority) {
    if row.status == Status::Pending {
        // The more urgent priority is the lesser one.
        row.priority = row.priority.min(Some(priority));
    }
}

fn take(row: &mut SidecarRecord, request: &ClaimRequest) -> ClaimedOutput {
    row.status = row.status.after(Event::Claim).unwrap();
    row.attempt += 1;
    row.fence += 1;
    row.not_before = None;
    row.updated_at = request.now;
    row.lease = Some(Lease {
        owner: request.owner.clone(),
        until: request.lease_until,
    });
    ClaimedOutput {
        key: row.key.clone(),
        format: row.format.clone(),
        fence: row.fence,
        attempt: row.attempt,
        priority: row.priority.unwrap(),
        replaces: row.digest,
    }
}
