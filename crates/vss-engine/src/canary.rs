//! Work that a generator did well before: given to it again when it only dies, it tells a broken
//! generator from a row of bad files.

use std::sync::PoisonError;

use vss_core::plan::GeneratorDescriptor;
use vss_core::{GeneratorId, Priority, SidecarSource, Status};
use vss_ports::{Claim, ClaimedOutput, PortResult, Selection, SidecarRecord};

use crate::Engine;

/// Rows looked at, at most, for one that the generator made.
const LOOKED_AT: usize = 64;

impl Engine {
    /// Remembers work that was done well.
    pub(crate) fn remember_canary(&self, claim: &Claim) {
        let canaries = self.shared.canaries.lock();
        let mut canaries = canaries.unwrap_or_else(PoisonError::into_inner);
        canaries.insert(claim.generator.clone(), claim.clone());
    }

    /// Work that the generator did well, in this run or in an earlier one; never to be committed.
    pub(crate) async fn canary(&self, generator: &GeneratorId) -> PortResult<Option<Claim>> {
        let remembered = {
            let canaries = self.shared.canaries.lock();
            let canaries = canaries.unwrap_or_else(PoisonError::into_inner);
            canaries.get(generator).cloned()
        };
        if remembered.is_some() {
            return Ok(remembered);
        }
        let by_it = |row: &SidecarRecord| matches!(&row.source, SidecarSource::Generator(id) if id == generator);
        let descriptors = self.descriptors.iter();
        let kinds = descriptors
            .filter(|descriptor| descriptor.generator.id == *generator)
            .flat_map(GeneratorDescriptor::kinds);
        for kind in kinds {
            let ready = Selection {
                statuses: vec![Status::Ready],
                kind: Some(kind.clone()),
                ..Selection::default()
            };
            let rows = self.ports.control.list(&ready, None, LOOKED_AT).await?;
            if let Some(row) = rows.into_iter().find(by_it) {
                return Ok(Some(claim_of(row, generator)));
            }
        }
        Ok(None)
    }
}

fn claim_of(row: SidecarRecord, generator: &GeneratorId) -> Claim {
    Claim {
        content: row.key.content,
        generator: generator.clone(),
        outputs: vec![ClaimedOutput {
            key: row.key,
            format: row.format,
            fence: row.fence,
            attempt: row.attempt,
            priority: Priority::Regenerate,
            replaces: row.digest,
        }],
    }
}
