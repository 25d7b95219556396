//! How claimed work ends: committed, fenced off, in conflict, unpublished or failed.

use std::collections::HashMap;
use std::error::Error;

use sea_orm::DatabaseTransaction;
use vss_core::{
    ContentUuid, Digest, Disposition, Event, FailureClass, Priority, SidecarKey, SidecarSource,
    Status, Timestamp,
};
use vss_ports::{
    AttemptOutcome, AttemptUsage, Commit, CommitOutcome, Failure, FailureNote, PortError,
    PortErrorKind, PortResult, Publisher, SidecarRecord,
};

use crate::attempts::{self, Ended};
use crate::change::{Change, note_originals, originals, write};
use crate::record::{self, Row};
use crate::{dialect, error};

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
    let mut ends = Vec::new();
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
            ends.push(ended(
                &row,
                FailureClass::Policy,
                &detail,
                &commit.usage,
                now,
            )?);
            changes.push(failed(row, FailureClass::Policy, detail, (0, 0), now)?.0);
            outcomes.push(CommitOutcome::SourceConflict);
        }
    }
    let patient = dialect::take_time(tx).await;
    patient.map_err(error::failed("commit sidecars"))?;
    let results = publish(publisher, &positions).await?;
    let mut sources: Vec<(ContentUuid, (u64, Digest))> = Vec::new();
    for ((position, (commit, row)), result) in positions.iter().zip(holding).zip(results) {
        match result {
            Ok(()) => {
                sources.push((commit.key.content, commit.original));
                // Ten million easy ones need no story.
                if row.record.attempt > 1 {
                    let end = Ended {
                        row: &row,
                        made_by: Some(&commit.generator),
                        outcome: AttemptOutcome::Ready,
                        detail: "",
                        usage: &commit.usage,
                    };
                    ends.push(end.json(now)?);
                }
                changes.push(committed(commit, row, now)?);
            }
            Err(error) => {
                let class = match error.kind {
                    PortErrorKind::Full => FailureClass::DiskFull,
                    PortErrorKind::ReadOnly => FailureClass::ReadOnly,
                    _ => FailureClass::TransientIo,
                };
                let detail = chain(&error);
                let jitter = jitter(&commit.digest);
                ends.push(ended(&row, class, &detail, &commit.usage, now)?);
                changes.push(failed(row, class, detail, (0, jitter), now)?.0);
                if let Some(outcome) = outcomes.get_mut(*position) {
                    *outcome = CommitOutcome::Unpublished(error);
                }
            }
        }
    }
    let noted = note_originals(tx, &sources).await;
    noted.map_err(published)?;
    write(tx, &changes).await.map_err(published)?;
    let ends = ends.into_iter().flatten().collect();
    attempts::record(tx, ends).await.map_err(published)?;
    Ok(outcomes)
}

/// An error after the publisher was called: whatever it is, the call is not made again by itself.
fn published(error: PortError) -> PortError {
    PortError::new(error.kind, "record published sidecars", error)
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
) -> PortResult<Vec<Option<Disposition>>> {
    let keys = failures.iter().map(|failure| &failure.key);
    let mut rows = record::load(tx, keys).await?;
    let harmful = failures.iter().filter(|failure| failure.class.is_harmful());
    let harmful: Vec<_> = harmful.map(|failure| &failure.key).collect();
    let strikes = match harmful.is_empty() {
        true => HashMap::new(),
        false => attempts::strikes(tx, harmful).await?,
    };
    let mut answers = Vec::with_capacity(failures.len());
    let mut changes = Vec::new();
    let mut ends = Vec::new();
    for failure in failures {
        let Some(row) = held(&mut rows, &failure.key, failure.fence) else {
            answers.push(None);
            continue;
        };
        let (class, detail) = (failure.class, failure.detail.clone());
        ends.push(ended(&row, class, &detail, &failure.usage, now)?);
        let strikes = strikes.get(&failure.key).copied().unwrap_or(0);
        let strikes = strikes.saturating_add(u32::from(class.is_harmful()));
        let (change, disposition) = failed(row, class, detail, (strikes, failure.jitter), now)?;
        changes.push(change);
        answers.push(Some(disposition));
    }
    write(tx, &changes).await?;
    attempts::record(tx, ends.into_iter().flatten().collect()).await?;
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
        after: Row {
            record,
            own_source,
            target: None,
        },
    })
}

fn failed(
    before: Row,
    class: FailureClass,
    detail: String,
    (strikes, jitter): (u32, u64),
    now: Timestamp,
) -> PortResult<(Change, Disposition)> {
    let mut after = before.clone();
    let record = &mut after.record;
    let disposition = class.disposition(record.attempt, strikes, jitter);
    let (event, not_before) = match disposition {
        Disposition::Failed => (Event::FailFinal, None),
        Disposition::RetryAfter(delay) => (Event::FailRetry, Some(now.plus(delay))),
        Disposition::Quarantined => (Event::FailQuarantine, None),
    };
    record.status = step(record.status, event)?;
    record.not_before = not_before;
    record.priority = match not_before {
        // What harms its worker comes after everything else, so that it delays nobody again.
        Some(_) if class.is_harmful() => Some(Priority::Regenerate),
        Some(_) => record.priority,
        None => None,
    };
    record.lease = None;
    record.updated_at = now;
    record.failure = Some(FailureNote { class, detail });
    let change = Change {
        before: Some(before),
        after,
    };
    Ok((change, disposition))
}

/// The end of a failed attempt, for the record.
fn ended(
    row: &Row,
    class: FailureClass,
    detail: &str,
    usage: &AttemptUsage,
    now: Timestamp,
) -> PortResult<Option<serde_json::Value>> {
    let end = Ended {
        row,
        made_by: None,
        outcome: AttemptOutcome::Failed(class),
        detail,
        usage,
    };
    end.json(now)
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
