//! How the memory catalog lists contents, in one order or the other.

use std::collections::BTreeSet;

use vss_core::ContentUuid;
use vss_ports::{ChangeSeq, ContentRecord};

use super::Known;

impl Known {
    /// Those of the asked contents that are known.
    pub(super) fn find(&self, contents: &[ContentUuid]) -> Vec<ContentRecord> {
        let asked: BTreeSet<_> = contents.iter().collect();
        let found = asked.into_iter().filter_map(|c| self.contents.get(c));
        found.cloned().collect()
    }

    /// Contents that have originals by their change number.
    pub(super) fn changes(&self, after: ChangeSeq, limit: usize) -> Vec<ContentRecord> {
        let changed = |record: &&ContentRecord| record.seq > after && record.originals > 0;
        let mut found: Vec<_> = self.contents.values().filter(changed).cloned().collect();
        found.sort_by_key(|record| record.seq);
        found.truncate(limit);
        found
    }

    /// Contents by their uuid.
    pub(super) fn page(
        &self,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
        limit: usize,
    ) -> Vec<ContentRecord> {
        let within = |record: &&ContentRecord| {
            let content = record.content;
            after.is_none_or(|after| content > after) && until.is_none_or(|until| content <= until)
        };
        let mut found: Vec<_> = self.contents.values().filter(within).cloned().collect();
        found.sort_by_key(|record| record.content);
        found.truncate(limit);
        found
    }
}
