//! Extract: copies the video out of a Motion Photo into the vault. The photo stays as it is.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use vss_core::companion::ByteRange;
use vss_core::{ContentUuid, Kind, ManifestEntry, SidecarKey, SidecarSource, Status, Variant};
use vss_ports::{Adoption, Event, PortError, PortErrorKind, PortResult, Publication};

use crate::references::part_of;
use crate::{Engine, PathAnswer, PathError};

impl Engine {
    /// As [`path`](Self::path), but what is only a part of an original becomes a file of its own
    /// first, which is managed from then on.
    ///
    /// # Errors
    /// [`PathError`] when the content or the variant is unknown, the original changed, or a port
    /// fails.
    pub async fn extract(
        &self,
        content: ContentUuid,
        kind: &Kind,
        variant: &Variant,
    ) -> Result<PathAnswer, PathError> {
        let key = SidecarKey::new(content, kind.clone(), variant.clone());
        if let Some(row) = self.ports.store.find(&key).await?
            && row.status == Status::Ready
            && let Some(reference) = self.reference_of(&row).await?
            && let Some(part) = part_of(&reference.target.relation)
            && let Some(opened) = self
                .ports
                .catalog
                .open_entry(reference.target.entry)
                .await?
        {
            let staged = self.ports.vault.stage().await?;
            let target = staged.file.try_clone().map_err(unreadable)?;
            copy(opened.file, target, part).await?;
            let sealed = self.ports.vault.seal(staged).await?;
            if row.digest != Some(sealed.digest) {
                let cause = "the photo changed since it was indexed: index its folder";
                return Err(PortError::new(PortErrorKind::Conflict, "extract", cause).into());
            }
            self.ports.vault.settle(&[&sealed]).await?;
            let now = self.ports.clock.now();
            let (size, digest) = (sealed.size, sealed.digest);
            let publication = Publication {
                content,
                entry: ManifestEntry {
                    kind: kind.clone(),
                    variant: variant.clone(),
                    format: row.format.clone(),
                    size,
                    blake3: digest,
                    source: SidecarSource::Converted,
                    generator_version: None,
                    created_at: now,
                },
                source: None,
                sealed,
                replaces: None,
            };
            for published in self.ports.vault.publish(&[&publication]).await {
                published?;
            }
            let adoption = Adoption {
                key: key.clone(),
                format: row.format,
                size,
                digest,
                source: SidecarSource::Converted,
                version: None,
                original: None,
            };
            self.ports.store.adopt(&[adoption], now).await?;
            self.ports.events.emit(Event::SidecarReady { key, size });
        }
        self.path(content, kind, variant).await
    }
}

fn unreadable(error: io::Error) -> PortError {
    PortError::new(
        PortErrorKind::Unavailable,
        "copy a part of an original",
        error,
    )
}

async fn copy(mut from: File, mut to: File, part: ByteRange) -> PortResult<()> {
    let copied = tokio::task::spawn_blocking(move || {
        from.seek(SeekFrom::Start(part.offset))?;
        io::copy(&mut from.take(part.length), &mut to)
    });
    match copied.await {
        Ok(Ok(copied)) if copied == part.length => Ok(()),
        Ok(Ok(_)) => Err(unreadable(io::ErrorKind::UnexpectedEof.into())),
        Ok(Err(error)) => Err(unreadable(error)),
        Err(died) => Err(PortError::new(
            PortErrorKind::Unexpected,
            "copy a part",
            died,
        )),
    }
}
