//! Attempts in memory: how they are recorded, and the strikes that follow from them.

use std::time::Duration;

use vss_core::{
    Disposition, Event, FailureClass, Priority, SidecarKey, SidecarSource, Status, Timestamp,
};
use vss_ports::{
    AttemptOutcome, AttemptRecord, AttemptUsage, Commit, Failure, FailureNote, Lease, SidecarRecord,
};

use super::Rows;

/// A database keeps whole milliseconds and microseconds.
fn kept(usage: AttemptUsage) -> AttemptUsage {
    AttemptUsage {
        duration: Duration::from_millis(usage.duration.as_millis().try_into().unwrap()),
        cpu: usage
            .cpu
            .map(|cpu| Duration::from_micros(cpu.as_micros().try_into().unwrap())),
        ..usage
    }
}

impl Rows {
    /// Records how the claim of a running row ends, which must still be as it was claimed.
    pub(super) fn end(
        &mut self,
        key: &SidecarKey,
        outcome: AttemptOutcome,
        detail: &str,
        usage: Option<AttemptUsage>,
        now: Timestamp,
    ) {
        let row = &self.records[key];
        let (Some(lease), SidecarSource::Generator(generator)) = (&row.lease, &row.source) else {
            unreachable!("only claims run, and only a generator's rows are claimed");
        };
        // Nothing but its claim changes a running row.
        let since_claim = AttemptUsage::between(row.updated_at, now);
        let record = AttemptRecord {
            fence: row.fence,
            attempt: row.attempt,
            generator: generator.clone(),
            version: row.version.clone(),
            owner: lease.owner.clone(),
            ended_at: now,
            outcome,
            detail: detail.to_owned(),
            usage: kept(usage.unwrap_or(since_claim)),
        };
        self.attempts.entry(key.clone()).or_default().push(record);
    }

    /// Records a success, unless it was the first attempt.
    pub(super) fn end_ready(&mut self, commit: &Commit, now: Timestamp) {
        if self.records[&commit.key].attempt > 1 {
            let usage = Some(commit.usage);
            self.end(&commit.key, AttemptOutcome::Ready, "", usage, now);
            let last = self.attempts.get_mut(&commit.key).unwrap().last_mut();
            let last = last.unwrap();
            last.generator = commit.generator.id.clone();
            last.version = Some(commit.generator.version.clone());
        }
    }

    /// Takes back the running rows whose lease ends; how many.
    pub(super) fn release(&mut self, ends: impl Fn(&Lease) -> bool, now: Timestamp) -> u64 {
        let ended = |row: &&SidecarRecord| row.lease.as_ref().is_some_and(&ends);
        let ended = self.records.values().filter(ended);
        let ended: Vec<_> = ended.map(|row| row.key.clone()).collect();
        for key in &ended {
            self.end(key, AttemptOutcome::Released, "", None, now);
            let row = self.records.get_mut(key).unwrap();
            row.status = row.status.after(Event::Release).unwrap();
            row.lease = None;
            row.not_before = Some(now);
            row.updated_at = now;
        }
        ended.len() as u64
    }

    /// Records a failure of a running row and moves it as the class says.
    pub(super) fn fail(&mut self, failure: &Failure, now: Timestamp) -> Disposition {
        let (key, class) = (&failure.key, failure.class);
        let outcome = AttemptOutcome::Failed(class);
        self.end(key, outcome, &failure.detail, Some(failure.usage), now);
        let strikes = self.strikes(key);
        let row = self.records.get_mut(key).unwrap();
        let disposition = class.disposition(row.attempt, strikes, failure.jitter);
        let (event, not_before) = match disposition {
            Disposition::Failed => (Event::FailFinal, None),
            Disposition::Quarantined => (Event::FailQuarantine, None),
            Disposition::RetryAfter(delay) => (Event::FailRetry, Some(now.plus(delay))),
        };
        row.status = row.status.after(event).unwrap();
        row.not_before = not_before;
        row.priority = match row.status {
            Status::Pending if class.is_harmful() => Some(Priority::Regenerate),
            Status::Pending => row.priority,
            _ => None,
        };
        row.lease = None;
        let detail = failure.detail.clone();
        row.failure = Some(FailureNote { class, detail });
        row.updated_at = now;
        disposition
    }

    /// The harmful attempts of the row's generator at its version since the row last became
    /// pending by a decision from outside: each claim since then raised both fence and attempt.
    fn strikes(&self, key: &SidecarKey) -> u32 {
        let row = &self.records[key];
        let before = row.fence - u64::from(row.attempt);
        let harmful = |one: &&AttemptRecord| {
            let by = SidecarSource::Generator(one.generator.clone());
            let harmful = matches!(one.outcome, AttemptOutcome::Failed(c) if c.is_harmful());
            harmful && one.fence > before && (&by, &one.version) == (&row.source, &row.version)
        };
        let attempts = self.attempts.get(key).into_iter().flatten();
        attempts.filter(harmful).count().try_into().unwrap()
    }
}

/// A failure that the store itself decides on at commit.
pub(super) fn refusal(commit: &Commit, class: FailureClass, detail: String) -> Failure {
    let jitter = commit.digest.as_bytes()[..8].try_into().unwrap();
    Failure {
        key: commit.key.clone(),
        fence: commit.fence,
        class,
        detail,
        jitter: u64::from_le_bytes(jitter),
        usage: commit.usage,
    }
}
