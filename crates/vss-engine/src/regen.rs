//! Regen and retry: somebody wants sidecars made again.

use vss_core::plan;
use vss_core::{ContentUuid, FailureClass, Kind, Priority, Status};
use vss_ports::{Maker, PortError, Selection};

use crate::Engine;

/// Which sidecars are to be made again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RegenScope {
    /// What failed or was set aside.
    Failed,
    /// What another version of its generator made, or another recipe.
    Stale,
    /// Whatever is ready; the old files are served until the new ones are there. Of contents that
    /// are named, also what made room.
    All,
}

/// Why nothing was queued.
#[derive(Debug, thiserror::Error)]
#[error("the sidecars could not be queued again")]
pub struct RegenError(#[from] PortError);

impl Engine {
    /// Queues sidecars again, of some contents or of all, of one kind or of all.
    ///
    /// # Errors
    /// [`RegenError`] when the store fails; what was queued until then stays.
    pub async fn regen(
        &self,
        scope: RegenScope,
        contents: Option<Vec<ContentUuid>>,
        kind: Option<Kind>,
    ) -> Result<u64, RegenError> {
        let statuses = match scope {
            RegenScope::Failed => vec![Status::Failed, Status::Quarantined],
            // Named, it is asked for, so what made room comes back.
            RegenScope::All if contents.is_some() => vec![Status::Ready, Status::Evicted],
            RegenScope::Stale | RegenScope::All => vec![Status::Ready],
        };
        let stale_against = (scope == RegenScope::Stale).then(|| self.makers());
        let selection = Selection {
            statuses,
            contents,
            kind,
            class: None,
            stale_against,
        };
        Ok(self.requeue(&selection, Priority::Regenerate).await?)
    }

    /// Queues failed sidecars again, those of a class or all, and has what waits out its back-off
    /// tried now.
    ///
    /// # Errors
    /// [`RegenError`] when the store fails; what was queued until then stays.
    pub async fn retry(
        &self,
        contents: Option<Vec<ContentUuid>>,
        kind: Option<Kind>,
        class: Option<FailureClass>,
    ) -> Result<u64, RegenError> {
        let selection = Selection {
            statuses: vec![Status::Failed, Status::Quarantined, Status::Pending],
            contents,
            kind,
            class,
            stale_against: None,
        };
        Ok(self.requeue(&selection, Priority::Missing).await?)
    }

    /// By whom each variant would be made now; several, where several generators make its kind
    /// from different sorts of file.
    fn makers(&self) -> Vec<Maker> {
        let mut makers = Vec::new();
        for (kind, presets) in &self.settings.policy.kinds {
            for by in self
                .descriptors
                .iter()
                .filter(|d| d.kinds().any(|k| k == kind))
            {
                makers.extend(presets.iter().map(|(variant, preset)| Maker {
                    kind: kind.clone(),
                    variant: variant.clone(),
                    generator: plan::maker(&by.generator, &preset.format, &preset.recipe),
                }));
            }
        }
        makers
    }

    async fn requeue(&self, selection: &Selection, priority: Priority) -> Result<u64, PortError> {
        self.ports
            .control
            .requeue(selection, priority, self.ports.clock.now())
            .await
    }
}
