//! Whether a file is what its row says, and what is done when it is not: it is set aside and its
//! row sent back, so that nobody is given it any more and it is made again.

use std::path::PathBuf;

use vss_core::integrity::{Damage, Examined, Recorded, judge};
use vss_core::reconcile::FoundFile;
use vss_core::{Format, Priority, SidecarKey, SidecarSource, Status, layout};
use vss_ports::{
    EnqueueBatch, EnqueueItem, Event, Invalidation, LocalFile, PortError, PortErrorKind,
    PortResult, SidecarRecord,
};

use crate::Engine;
use crate::examine::Verdict;

/// What a look at the file of a row found.
#[derive(Debug)]
pub(crate) enum Checked {
    /// It is what the row says.
    Whole(LocalFile),
    /// It is not there.
    Gone,
    /// It is not.
    Damaged(Damage),
}

/// What became of a damaged file.
#[derive(Debug)]
pub(crate) enum Withdrawn {
    /// It is here now, unless there was nothing left to set aside.
    Done(Option<PathBuf>),
    /// It is where it was, and so is its row; why.
    Left(PortError),
}

/// Why a file is left that cannot be read.
pub(crate) fn irreplaceable(row: &SidecarRecord) -> PortError {
    let place = layout::sidecar_path(&row.key, &row.format);
    let reason = "the disk does not give it back and nobody can make it again, so it is left where \
                  it is: look at the disk, then ask again";
    PortError::new(PortErrorKind::Unavailable, format!("read {place}"), reason)
}

impl Engine {
    /// The file that a row vouches for, if it is there and whole; one that is damaged is set aside,
    /// if it can be, and its row is sent back. Hashes it unless this engine did so before and nobody
    /// touched it since ([`Settings::verify_up_to`](crate::Settings::verify_up_to) says when it does
    /// not).
    ///
    /// # Errors
    /// When a port fails.
    pub async fn whole_file(&self, row: &SidecarRecord) -> PortResult<Option<LocalFile>> {
        match self.check(row).await? {
            Checked::Whole(file) => Ok(Some(file)),
            Checked::Gone => Ok(None),
            Checked::Damaged(damage) => {
                self.withdraw(row, damage, Priority::Missing).await?;
                Ok(None)
            }
        }
    }

    /// Looks at the file of a row that vouches for one, and hashes it where that is due.
    pub(crate) async fn check(&self, row: &SidecarRecord) -> PortResult<Checked> {
        let Some(file) = self.ports.vault.locate(&row.key, &row.format)? else {
            return Ok(Checked::Gone);
        };
        if self.shared.verified.knows(&row.key, &file.stamp) {
            return Ok(Checked::Whole(file));
        }
        let untouched = row.size == Some(file.size) && file.stamp.modified() <= row.updated_at;
        if untouched && file.size > self.settings.verify_up_to {
            return Ok(Checked::Whole(file));
        }
        self.check_bytes(row, file).await
    }

    /// Hashes the file of a row, whatever is remembered of it.
    pub(crate) async fn check_bytes(
        &self,
        row: &SidecarRecord,
        file: LocalFile,
    ) -> PortResult<Checked> {
        let (Some(size), Some(digest)) = (row.size, row.digest) else {
            return Ok(Checked::Damaged(Damage::Unvouched));
        };
        let now = match self.hash(&row.key, &row.format).await? {
            None => return Ok(Checked::Gone),
            Some(Ok((size, digest, _))) => Examined {
                size,
                digest,
                modified: file.stamp.modified(),
            },
            Some(Err(error)) => {
                tracing::warn!(sidecar = %row.key, %error, "a sidecar could not be read");
                return Ok(Checked::Damaged(Damage::Unreadable));
            }
        };
        let recorded = Recorded {
            size,
            digest,
            at: row.updated_at,
        };
        match judge(&recorded, &now) {
            None => {
                self.shared.verified.remember(&row.key, file.stamp);
                Ok(Checked::Whole(file))
            }
            Some(damage) => Ok(Checked::Damaged(damage)),
        }
    }

    /// Sets the damaged file of a row aside and sends the row back. Nothing is done when the row is
    /// another one by now, or is being made: then it was looked at too late, or its file is about to
    /// be replaced. What the disk does not give back today it may give back tomorrow: where nobody
    /// can make it again, that is left as it is.
    ///
    /// # Errors
    /// When a port fails, unless it is the vault that cannot set this one file aside.
    pub(crate) async fn withdraw(
        &self,
        row: &SidecarRecord,
        damage: Damage,
        priority: Priority,
    ) -> PortResult<Withdrawn> {
        let now = self.ports.store.find(&row.key).await?;
        let same = now.is_some_and(|now| {
            now.digest == row.digest && now.format == row.format && now.status != Status::Running
        });
        if !same {
            return Ok(Withdrawn::Done(None));
        }
        if damage == Damage::Unreadable && self.plan_again(&row.key).await?.is_none() {
            return Ok(Withdrawn::Left(irreplaceable(row)));
        }
        let kept = match self.ports.vault.quarantine(&row.key, &row.format).await {
            Ok(kept) => kept,
            Err(error) => {
                let why = error.in_full();
                tracing::warn!(sidecar = %row.key, %damage, why, "a damaged sidecar cannot be set aside");
                return Ok(Withdrawn::Left(error));
            }
        };
        let place = kept.as_deref().map(std::path::Path::display);
        let place = place.map(tracing::field::display);
        tracing::warn!(sidecar = %row.key, %damage, kept = place, "a damaged sidecar was set aside");
        self.send_back(row, priority).await?;
        let key = row.key.clone();
        self.ports.events.emit(Event::SidecarCorrupt { key });
        Ok(Withdrawn::Done(kept))
    }

    /// A row whose file is gone is wanted anew. One that no generator made (it was adopted) would
    /// wait for ever for whoever made it, so it is planned as if it had never been there.
    pub(crate) async fn send_back(
        &self,
        row: &SidecarRecord,
        priority: Priority,
    ) -> PortResult<()> {
        let (keys, now) = (std::slice::from_ref(&row.key), self.ports.clock.now());
        let made_by_nobody = !matches!(row.source, SidecarSource::Generator(_));
        if made_by_nobody && let Some(output) = self.plan_again(&row.key).await? {
            self.ports.store.forget(keys).await?;
            let item = EnqueueItem {
                content: row.key.content,
                priority,
                outputs: vec![output],
            };
            let batch = EnqueueBatch {
                items: vec![item],
                watermark: None,
            };
            self.ports.queue.enqueue(&batch, now).await?;
            return Ok(());
        }
        let gone = Invalidation::FileGone;
        self.ports
            .store
            .invalidate(keys, gone, priority, now)
            .await?;
        Ok(())
    }

    /// What would be made for a key, if its content has an original and somebody makes it.
    pub(crate) async fn plan_again(
        &self,
        key: &SidecarKey,
    ) -> PortResult<Option<vss_core::plan::WantedOutput>> {
        let known = self.ports.catalog.find(&[key.content]).await?;
        let Some(record) = known.first().filter(|record| record.originals > 0) else {
            return Ok(None);
        };
        let (policy, media_type) = (&self.settings.policy, &record.media_type);
        let planned = vss_core::plan::plan_one(
            media_type,
            &key.kind,
            &key.variant,
            policy,
            &self.descriptors,
        );
        Ok(planned.ok())
    }

    /// Takes in a file that no row vouches for, if it is what its format and its manifest say; one
    /// that is not is set aside. Whether it may be served.
    pub(crate) async fn take_in(
        &self,
        key: &SidecarKey,
        format: &Format,
    ) -> PortResult<Option<LocalFile>> {
        let vault = &self.ports.vault;
        let Some(file) = vault.locate(key, format)? else {
            return Ok(None);
        };
        let found = FoundFile {
            kind: key.kind.clone(),
            variant: key.variant.clone(),
            format: format.clone(),
            size: file.size,
        };
        let folder = vault.inspect(&[key.content]).await?.pop();
        let manifest = folder.as_ref().and_then(|folder| folder.manifest.as_ref());
        match self.examine(key.content, &found, manifest).await? {
            Verdict::Good(adoption) => {
                let (found, now) = ([*adoption], self.ports.clock.now());
                let adopted = self.ports.store.adopt(&found, now).await?;
                if adopted.first() != Some(&true) {
                    return Ok(None);
                }
                self.shared.verified.remember(key, file.stamp);
                return Ok(Some(file));
            }
            Verdict::Unreadable(why) => {
                tracing::warn!(sidecar = %key, why, "a sidecar could not be read");
                return Ok(None);
            }
            Verdict::Bad => {}
        }
        if let Some(kept) = vault.quarantine(key, format).await? {
            let (damage, kept) = (Damage::Unvouched, kept.display());
            tracing::warn!(sidecar = %key, %damage, %kept, "a damaged sidecar was set aside");
            let key = key.clone();
            self.ports.events.emit(Event::SidecarCorrupt { key });
        }
        Ok(None)
    }
}
