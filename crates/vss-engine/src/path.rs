//! Path: where a sidecar's file is, or the promise that it will be there.

use vss_core::companion::ByteRange;
use vss_core::plan::{self, PlanError};
use vss_core::{
    ContentUuid, FailureClass, Format, Kind, Priority, SidecarKey, SidecarSource, SidecarUuid,
    Status, Variant,
};
use vss_ports::{
    EnqueueBatch, EnqueueItem, Invalidation, LocalFile, PortError, PortErrorKind, SidecarRecord,
};

use crate::Engine;

/// Where a sidecar is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PathAnswer {
    /// Here.
    Ready {
        /// The file.
        file: LocalFile,
        /// Its format.
        format: Format,
        /// Which part of the file it is; all of it when `None`.
        part: Option<ByteRange>,
        /// Whether it is a file of the vault, and not an original.
        managed: bool,
    },
    /// On its way; the ticket is the uuid of its row.
    Pending {
        /// Names the row.
        ticket: SidecarUuid,
    },
    /// It cannot be made as things are.
    Failed {
        /// Why.
        class: FailureClass,
        /// For a person.
        detail: String,
        /// How often it was tried.
        attempts: u32,
    },
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The catalog knows no such content.
    #[error("content {0} is not known here: `vss index` the folder it is in")]
    UnknownContent(ContentUuid),
    /// The policy has no such kind or variant.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A port failed.
    #[error("the sidecar could not be looked up")]
    Port(#[from] PortError),
}

impl Engine {
    /// The local path of a sidecar. When its file is there, no database is touched. When it is
    /// not, it is queued before everything else; a row that wrongly says ready is repaired.
    ///
    /// # Errors
    /// [`PathError`] when the content or the variant is unknown, or a port fails.
    pub async fn path(
        &self,
        content: ContentUuid,
        kind: &Kind,
        variant: &Variant,
    ) -> Result<PathAnswer, PathError> {
        let key = SidecarKey::new(content, kind.clone(), variant.clone());
        let usual = self.settings.policy.format_of(kind, variant);
        if let Some(format) = &usual
            && let Some(ready) = self.located(&key, format)?
        {
            return Ok(ready);
        }
        match self.ports.store.find(&key).await? {
            Some(row) => self.path_by_row(key, row, usual).await,
            None => self.order_first(key).await,
        }
    }

    fn located(&self, key: &SidecarKey, format: &Format) -> Result<Option<PathAnswer>, PortError> {
        let file = self.ports.vault.locate(key, format)?;
        Ok(file.map(|file| PathAnswer::Ready {
            file,
            format: format.clone(),
            part: None,
            managed: true,
        }))
    }

    /// There is no file in the usual format, but a row.
    async fn path_by_row(
        &self,
        key: SidecarKey,
        row: SidecarRecord,
        usual: Option<Format>,
    ) -> Result<PathAnswer, PathError> {
        // Adopted or fetched in another format than the policy's.
        if usual.as_ref() != Some(&row.format)
            && let Some(ready) = self.located(&key, &row.format)?
        {
            return Ok(ready);
        }
        if row.source == SidecarSource::Reference {
            return Ok(self.referenced(&row).await?);
        }
        match row.status {
            Status::Ready => {
                tracing::warn!(sidecar = %key, "a ready row has no file: it is made again");
                self.send_back(&key).await?;
                Ok(PathAnswer::Pending {
                    ticket: key.row_uuid(),
                })
            }
            Status::Pending | Status::Running => match self.order_first(key.clone()).await {
                // What is pending stays promised even if nobody could plan it any more; running
                // it will say so.
                Err(PathError::UnknownContent(_) | PathError::Plan(_))
                | Ok(PathAnswer::Failed { .. }) => Ok(PathAnswer::Pending {
                    ticket: key.row_uuid(),
                }),
                answer => answer,
            },
            Status::Failed | Status::Quarantined => match row.failure {
                Some(failure) => Ok(PathAnswer::Failed {
                    class: failure.class,
                    detail: failure.detail,
                    attempts: row.attempt,
                }),
                None => {
                    let why = format!("{key} is {} without a reason", row.status);
                    let what = "read the row of a failed sidecar";
                    Err(PortError::new(PortErrorKind::Corrupt, what, why).into())
                }
            },
        }
    }

    /// A ready row without a file: wanted at once, and no longer said to be there.
    async fn send_back(&self, key: &SidecarKey) -> Result<(), PortError> {
        let (keys, now) = (std::slice::from_ref(key), self.ports.clock.now());
        let gone = Invalidation::FileGone;
        self.ports
            .store
            .invalidate(keys, gone, Priority::Interactive, now)
            .await?;
        Ok(())
    }

    /// Queues a sidecar before everything else.
    async fn order_first(&self, key: SidecarKey) -> Result<PathAnswer, PathError> {
        let known = self.ports.catalog.find(&[key.content]).await?;
        let record = known
            .first()
            .ok_or(PathError::UnknownContent(key.content))?;
        let (policy, media_type) = (&self.settings.policy, &record.media_type);
        let planned = plan::plan_one(
            media_type,
            &key.kind,
            &key.variant,
            policy,
            &self.descriptors,
        );
        let output = match planned {
            Ok(output) => output,
            Err(nobody @ PlanError::NoGenerator { .. }) => {
                let class = FailureClass::Unsupported;
                return Ok(PathAnswer::Failed {
                    class,
                    detail: nobody.to_string(),
                    attempts: 0,
                });
            }
            Err(unknown) => return Err(unknown.into()),
        };
        let item = EnqueueItem {
            content: key.content,
            priority: Priority::Interactive,
            outputs: vec![output],
        };
        let batch = EnqueueBatch {
            items: vec![item],
            watermark: None,
        };
        self.ports
            .queue
            .enqueue(&batch, self.ports.clock.now())
            .await?;
        Ok(PathAnswer::Pending {
            ticket: key.row_uuid(),
        })
    }
}
