//! Problems: contents that do not have all they should have, or of which something that somebody asked
//! for failed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use vss_core::plan::WantedOutput;
use vss_core::{ContentUuid, FailureClass, Kind, MediaType, SidecarSource, Status, Variant};
use vss_ports::{ChangeSeq, ContentRecord, PortError, PortResult, Selection, SidecarRecord};

use crate::Engine;
use crate::explain::{ExplainError, is_row_of};

/// Rows that are looked at in one step.
const PAGE: usize = 512;

/// A content that does not have all it should have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The content.
    pub content: ContentUuid,
    /// Its originals.
    pub originals: Vec<PathBuf>,
    /// What it is.
    pub media_type: MediaType,
    /// The class of the first failure, or `unsupported`; `None` when it is only not made yet.
    pub class: Option<FailureClass>,
    /// For a person.
    pub detail: String,
}

impl Engine {
    /// Contents after a change number that do not have all they should have, at most `limit`
    /// contents looked at; with the number to go on from, `None` at the end.
    ///
    /// # Errors
    /// [`ExplainError`] when a port fails.
    pub async fn problems(
        &self,
        after: ChangeSeq,
        limit: usize,
    ) -> Result<(Vec<Problem>, Option<ChangeSeq>), ExplainError> {
        let records = self.ports.catalog.changes(after, limit).await?;
        let mut by_kind: BTreeMap<Kind, (Vec<ContentUuid>, Vec<Variant>)> = BTreeMap::new();
        let mut lacking: BTreeMap<ContentUuid, usize> = BTreeMap::new();
        for record in &records {
            let wanted = self.wanted_outputs(&record.media_type);
            // What nothing reads lacks all it could have.
            lacking.insert(record.content, wanted.len().max(1));
            for output in wanted {
                let (contents, variants) = by_kind.entry(output.kind).or_default();
                contents.push(record.content);
                if !variants.contains(&output.variant) {
                    variants.push(output.variant);
                }
            }
        }
        for (kind, (contents, variants)) in &by_kind {
            for row in self.ports.store.presence(contents, kind, variants).await? {
                if row.status == Status::Ready
                    && let Some(left) = lacking.get_mut(&row.content)
                {
                    *left = left.saturating_sub(1);
                }
            }
        }
        let gone_wrong = self.gone_wrong(&records).await?;
        let is_suspect = |record: &&ContentRecord| {
            let content = &record.content;
            lacking.get(content) > Some(&0) || gone_wrong.contains(content)
        };
        let mut problems = Vec::new();
        for record in records.iter().filter(is_suspect) {
            problems.extend(self.problem(record).await?);
        }
        Ok((problems, records.last().map(|record| record.seq)))
    }

    /// Those of the contents of which something failed, also of what is only made when somebody asks.
    async fn gone_wrong(&self, records: &[ContentRecord]) -> PortResult<BTreeSet<ContentUuid>> {
        let selection = Selection {
            statuses: vec![Status::Failed, Status::Quarantined],
            contents: Some(records.iter().map(|record| record.content).collect()),
            ..Selection::default()
        };
        let (mut found, mut after) = (BTreeSet::new(), None);
        loop {
            let control = &self.ports.control;
            let rows = control.list(&selection, after.as_ref(), PAGE).await?;
            let Some(last) = rows.last() else {
                return Ok(found);
            };
            after = Some(last.key.clone());
            let wrong = rows.iter().filter(|row| has_gone_wrong(row));
            found.extend(wrong.map(|row| row.key.content));
        }
    }

    /// What a content lacks; `None` when it has all that it can have: something, and for the rest
    /// there is nothing in it, as in a song without a cover.
    async fn problem(&self, record: &ContentRecord) -> Result<Option<Problem>, PortError> {
        let originals = self.ports.catalog.originals(record.content).await?;
        let rows = self.ports.store.of_content(record.content).await?;
        let ready = |row: &&SidecarRecord| row.status == Status::Ready;
        let made_room = |row: &SidecarRecord| row.status == Status::Evicted;
        let nothing_in_it = |row: &SidecarRecord| {
            let class = row.failure.as_ref().map(|failure| failure.class);
            row.status == Status::Failed && class == Some(FailureClass::Unsupported)
        };
        let wanted = self.wanted_outputs(&record.media_type);
        let settled = |wanted: &WantedOutput| {
            let mut own = rows.iter().filter(|row| is_row_of(row, wanted));
            own.any(|row| ready(&row) || made_room(row) || nothing_in_it(row))
        };
        let had = |row: &SidecarRecord| ready(&row) || made_room(row);
        let wrong = rows.iter().find(|row| has_gone_wrong(row));
        if wrong.is_none() && rows.iter().any(had) && wanted.iter().all(settled) {
            return Ok(None);
        }
        let told = wrong.or_else(|| rows.iter().find(|row| row.failure.is_some()));
        let failure = told.and_then(|row| row.failure.clone());
        let unread = wanted.is_empty();
        let (class, detail) = match failure {
            Some(failure) => (Some(failure.class), failure.detail),
            None if unread => {
                let why = format!("no generator reads {}", record.media_type);
                (Some(FailureClass::Unsupported), why)
            }
            None => (None, "not made yet: `vss run`".to_owned()),
        };
        Ok(Some(Problem {
            content: record.content,
            originals: originals.into_iter().map(|o| o.path).collect(),
            media_type: record.media_type.clone(),
            class,
            detail,
        }))
    }
}

/// Whether it cannot be made for a reason that somebody may want to know: there is something to make
/// it of, and nobody called it off.
fn has_gone_wrong(row: &SidecarRecord) -> bool {
    let settled = [FailureClass::Unsupported, FailureClass::Cancelled];
    let class = row.failure.as_ref().map(|failure| failure.class);
    matches!(row.status, Status::Failed | Status::Quarantined)
        && row.source != SidecarSource::Reference
        && !class.is_some_and(|class| settled.contains(&class))
}
