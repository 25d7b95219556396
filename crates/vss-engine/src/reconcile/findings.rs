//! What a comparison comes to once bytes were looked at, and doing it.

use vss_core::reconcile::{Action, FoundFile};
use vss_core::{ContentUuid, Manifest, SidecarKey, SidecarSource};
use vss_ports::{Adoption, Event, PortResult};

use super::{ReconcileOptions, ReconcileReport, Stranger};
use crate::Engine;

/// What one content's comparison leads to, collected so that the store is asked once a batch.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) adopt: Vec<Adoption>,
    pub(crate) gone: Vec<SidecarKey>,
    pub(crate) forget: Vec<SidecarKey>,
}

/// What an action of a comparison comes to, once bytes were looked at where they had to be.
#[derive(Debug)]
pub(crate) enum Finding {
    /// A row vouches for a file that is not there.
    Missing(SidecarKey),
    /// A whole file without a row.
    Adopt(Box<Adoption>),
    /// A whole file that is another one than its row says.
    Repair(Box<Adoption>),
    /// A file that nothing vouches for.
    Damaged(FoundFile),
    /// Left alone.
    Unknown(FoundFile),
}

impl Engine {
    /// Finds out what an action of a comparison comes to. Reads, and changes nothing.
    pub(crate) async fn find_out(
        &self,
        content: ContentUuid,
        action: Action,
        manifest: Option<&Manifest>,
    ) -> PortResult<Finding> {
        Ok(match action {
            Action::Missing { kind, variant } => {
                Finding::Missing(SidecarKey::new(content, kind, variant))
            }
            Action::Adopt(file) => match self.examine(content, &file, manifest).await? {
                Some(adoption) => Finding::Adopt(Box::new(adoption)),
                None => Finding::Damaged(file),
            },
            Action::Verify(file) => match self.examine(content, &file, manifest).await? {
                // Only a manifest that vouches for it makes a file of an unexpected size good.
                Some(adoption) if adoption.source != SidecarSource::Adopted => {
                    Finding::Repair(Box::new(adoption))
                }
                _ => Finding::Damaged(file),
            },
            Action::Unknown(file) => Finding::Unknown(file),
        })
    }

    /// Does what was found out to be done, but for what the store is told a batch.
    pub(crate) async fn perform(
        &self,
        content: ContentUuid,
        finding: Finding,
        options: ReconcileOptions,
        changes: &mut Changes,
        report: &mut ReconcileReport,
    ) -> PortResult<()> {
        match finding {
            Finding::Missing(key) => {
                report.missing += 1;
                changes.gone.push(key);
            }
            Finding::Adopt(adoption) => {
                report.adopted += 1;
                changes.adopt.push(*adoption);
            }
            Finding::Repair(adoption) => {
                report.repaired += 1;
                changes.adopt.push(*adoption);
            }
            Finding::Damaged(file) => {
                self.set_aside(content, &file, options, changes, report)
                    .await?;
            }
            Finding::Unknown(file) => report.unknown.push(Stranger {
                content: Some(content),
                name: format!("{}/{}.{}", file.kind.folder(), file.variant, file.format),
                reason: "the sidecar is there in another format".into(),
            }),
        }
        Ok(())
    }

    /// Moves a file that is not what it should be out of the way; its row is to be made again.
    pub(super) async fn set_aside(
        &self,
        content: ContentUuid,
        file: &FoundFile,
        options: ReconcileOptions,
        changes: &mut Changes,
        report: &mut ReconcileReport,
    ) -> PortResult<()> {
        report.repaired += 1;
        let key = SidecarKey::new(content, file.kind.clone(), file.variant.clone());
        if !options.dry_run && self.ports.vault.quarantine(&key, &file.format).await? {
            tracing::warn!(sidecar = %key, "a damaged sidecar was set aside");
            self.ports
                .events
                .emit(Event::SidecarCorrupt { key: key.clone() });
        }
        changes.gone.push(key);
        Ok(())
    }
}
