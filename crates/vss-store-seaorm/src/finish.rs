//! How claimed work ends: committed, fenced off, in conflict, unpublished or failed.

use std::collections::HashMap;
use std::error::Error;

use sea_orm::DatabaseTransaction;
use vss_core::{
    ContentUuid, Digest, Disposition, Event, FailureClass, SidecarKey, SidecarSource, Status,
    Timestamp,
};
use vss_ports::{
    Commit, CommitOutcome, Failure, FailureNote, PortError, PortErrorKind, PortResult, Publisher,
    SidecarRecord,
};

use crate::change::{Change, note_originals, originals, write};
use crate::record::{self, Row};

/// The state after an event.
///
/// # Errors
/// `Unexpected` when the state does not allow it.
pub(crate) fn step(status: Status, event: Event) -> PortResult<Status> {
    let next = status.after(event);
    next.map_err(|error| PortError::new(PortErrorKind::Unexpected, "change a sidecar", error))
}

/// The running row of a claim; `None` when the claim is no longer the last one.
fn held(rows: &mut HashMap<SidecarKey, Row>, key: &SidecarKey, fence: u64) -> Option<Row> {
    let holds = |row: &Row| row.record.status == Status::Running && row.record.fence == fence;
    // Removed, so that the second of two commits of one claim is fenced off.
    rows.get(key).is_some_and(holds).then(|| rows.remove(key))?
}

/// See [`vss_ports::SidecarQueue::commit`].
pub(crate) async fn commit(
    tx: &DatabaseTransaction,
    commits: &[Commit],
    publisher: &dyn Publisher,
    now: Timestamp,
) -> PortResult<Vec<CommitOutcome>> {
    let keys = commits.iter().map(|commit| &commit.key);
    let mut rows = record::load(tx, keys).await?;
    let contents = rows.keys().map(|key| &key.content);
    let mut known = originals(tx, contents).await?;
    let mut outcomes: Vec<CommitOutcome> = Vec::with_capacity(commits.len());
    let mut changes = Vec::new();
    let mut positions = Vec::new();
    let mut holding = Vec::new();
    for (position, commit) in commits.iter().enumerate() {
        let Some(row) = held(&mut rows, &commit.key, commit.fence) else {
            outcomes.push(CommitOutcome::Fenced);
            continue;
        };
        let of_content = known.entry(commit.key.content).or_insert(commit.original.1);
        if *of_content == commit.original.1 {
            positions.push(position);
            holding.push((commit, row));
            outcomes.push(CommitOutcome::Committed);
        } else {
            let detail = conflict(of_content, &commit.original.1);
            changes.push(failed(row, FailureClass::Policy, detail, 0, now)?);
            outcomes.push(CommitOutcome::SourceConflict);
        }
    }
    let results = publish(publisher, &positions).await?;
    let mut sources: Vec<(ContentUuid, (u64, Digest))> = Vec::new();
    for ((position, (commit, row)), result) in positions.iter().zip(holding).zip(results) {
        match result {
            Ok(()) => {
                sources.push((commit.key.content, commit.original));
                changes.push(committed(commit, row, now)?);
            }
            Err(error) => {
                let class = match error.kind {
                    PortErrorKind::Full => FailureClass::DiskFull,
                    _ => FailureClass::TransientIo,
                };
                let detail = chain(&error);
                let jitter = jitter(&commit.digest);
                changes.push(failed(row, class, detail, jitter, now)?);
                if let Some(outcome) = outcomes.get_mut(*position) {
                    *outcome = CommitOutcome::Unpublished(error);
                }
            }
        }
    }
    note_originals(tx, &sources).await?;
    write(tx, &changes).await?;
    Ok(outcomes)
}

async fn publish(
    publisher: &dyn Publisher,
    positions: &[usize],
) -> PortResult<Vec<PortResult<()>>> {
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let results = publisher.publish(positions).await;
    if results.len() == positions.len() {
        return Ok(results);
    }
    Err(PortError::new(
        PortErrorKind::Unexpected,
        "commit sidecars",
        format!("{} results for {} items", results.len(), positions.len()),
    ))
}

/// See [`vss_ports::SidecarQueue::fail`].
pub(crate) async fn fail(
    tx: &DatabaseTransaction,
    failures: &[Failure],
    now: Timestamp,
) -> PortResult<Vec<bool>> {
    let keys = failures.iter().map(|failure| &failure.key);
    let mut rows = record::load(tx, keys).await?;
    let mut answers = Vec::with_capacity(failures.len());
    let mut changes = Vec::new();
    for failure in failures {
        let row = held(&mut rows, &failure.key, failure.fence);
        answers.push(row.is_some());
        if let Some(row) = row {
            let detail = failure.detail.clone();
            changes.push(failed(row, failure.class, detail, failure.jitter, now)?);
        }
    }
    write(tx, &changes).await?;
    Ok(answers)
}

fn committed(commit: &Commit, before: Row, now: Timestamp) -> PortResult<Change> {
    let record = SidecarRecord {
        key: commit.key.clone(),
        format: commit.format.clone(),
        status: step(before.record.status, Event::Commit)?,
        source: SidecarSource::Generator(commit.generator.id.clone()),
        version: Some(commit.generator.version.clone()),
        size: Some(commit.size),
        digest: Some(commit.digest),
        entry: None,
        source_digest: Some(commit.original.1),
        created_at: before.record.created_at,
        updated_at: now,
        priority: None,
        attempt: 0,
        not_before: None,
        fence: before.record.fence,
        lease: None,
        failure: None,
    };
    let own_source = None;
    Ok(Change {
        before: Some(before),
        after: Row { record, own_source },
    })
}

fn failed(
    before: Row,
    class: FailureClass,
    detail: String,
    jitter: u64,
    now: Timestamp,
) -> PortResult<Change> {
    let mut after = before.clone();
    let record = &mut after.record;
    let (event, not_before) = match class.disposition(record.attempt, jitter) {
        Disposition::Failed => (Event::FailFinal, None),
        Disposition::RetryAfter(delay) => (Event::FailRetry, Some(now.plus(delay))),
        Disposition::Quarantined => (Event::FailQuarantine, None),
    };
    record.status = step(record.status, event)?;
    record.not_before = not_before;
    record.priority = record.priority.filter(|_| not_before.is_some());
    record.lease = None;
    record.updated_at = now;
    record.failure = Some(FailureNote { class, detail });
    Ok(Change {
        before: Some(before),
        after,
    })
}

fn conflict(known: &Digest, found: &Digest) -> String {
    format!(
        "two different files have this content's identity: its sidecars were made from the one \
         with BLAKE3 {known}, this one has {found}"
    )
}

/// A digest is as good as a random number to spread a back-off by.
fn jitter(digest: &Digest) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}

/// An error with all its causes, for the row.
fn chain(error: &PortError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
