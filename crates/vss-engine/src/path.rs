//! Path: where a sidecar's file is, or the promise that it will be there.

use vss_core::companion::ByteRange;
use vss_core::plan::{self, PlanError};
use vss_core::{
    ContentUuid, FailureClass, Format, Kind, Priority, SidecarKey, SidecarSource, SidecarUuid,
    Status, Variant,
};
use vss_ports::{EnqueueBatch, EnqueueItem, LocalFile, PortError, PortErrorKind, SidecarRecord};

use crate::Engine;
use crate::verify::{Checked, Withdrawn};

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
    /// The local path of a sidecar. A file that this engine found whole and that nobody touched
    /// since is answered without a database; any other is compared with its row first. When there
    /// is none, it is queued before everything else; a row that wrongly says ready is repaired.
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
            && let Some(file) = self.ports.vault.locate(&key, format)?
            && self.shared.verified.knows(&key, &file.stamp)
        {
            return Ok(ready(file, format));
        }
        match self.ports.store.find(&key).await? {
            Some(row) if row.source == SidecarSource::Reference => {
                Ok(self.referenced(&row).await?)
            }
            Some(row) if row.size.is_some() => self.path_by_row(key, row).await,
            // Its file may be there all the same, and be about to be vouched for.
            Some(row) if row.status == Status::Running => self.promise(key, row).await,
            Some(row) => {
                let here = self.take_in(&key, &row.format).await?;
                match here {
                    Some(file) => Ok(ready(file, &row.format)),
                    None => self.promise(key, row).await,
                }
            }
            None => match usual {
                Some(format) => match self.take_in(&key, &format).await? {
                    Some(file) => Ok(ready(file, &format)),
                    None => self.order_first(key).await,
                },
                None => self.order_first(key).await,
            },
        }
    }

    /// There is a row that vouches for a file.
    async fn path_by_row(
        &self,
        key: SidecarKey,
        row: SidecarRecord,
    ) -> Result<PathAnswer, PathError> {
        let damage = match self.check(&row).await? {
            Checked::Whole(file) => return Ok(ready(file, &row.format)),
            Checked::Gone => None,
            Checked::Damaged(damage) => Some(damage),
        };
        if let Some(damage) = damage {
            let withdrawn = self.withdraw(&row, damage, Priority::Interactive).await?;
            if let Withdrawn::Left(why) = withdrawn {
                return Err(why.into());
            }
        } else if row.status == Status::Ready {
            tracing::warn!(sidecar = %key, "a ready row has no file: it is made again");
            self.send_back(&row, Priority::Interactive).await?;
        }
        if row.status == Status::Ready {
            let ticket = key.row_uuid();
            return Ok(PathAnswer::Pending { ticket });
        }
        self.promise(key, row).await
    }

    /// There is no file, but a row.
    async fn promise(&self, key: SidecarKey, row: SidecarRecord) -> Result<PathAnswer, PathError> {
        match (row.status, row.failure) {
            (Status::Pending | Status::Running | Status::Ready, _) => {
                match self.order_first(key.clone()).await {
                    // What is pending stays promised even if nobody could plan it any more; running
                    // it will say so.
                    Err(PathError::UnknownContent(_) | PathError::Plan(_))
                    | Ok(PathAnswer::Failed { .. }) => Ok(PathAnswer::Pending {
                        ticket: key.row_uuid(),
                    }),
                    answer => answer,
                }
            }
            // Somebody asks for it again.
            (Status::Evicted, _) => self.order_first(key).await,
            (Status::Failed | Status::Quarantined, Some(failure)) => Ok(PathAnswer::Failed {
                class: failure.class,
                detail: failure.detail,
                attempts: row.attempt,
            }),
            (status, None) => {
                let why = format!("{key} is {status} without a reason");
                let what = "read the row of a failed sidecar";
                Err(PortError::new(PortErrorKind::Corrupt, what, why).into())
            }
        }
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

fn ready(file: LocalFile, format: &Format) -> PathAnswer {
    PathAnswer::Ready {
        file,
        format: format.clone(),
        part: None,
        managed: true,
    }
}
