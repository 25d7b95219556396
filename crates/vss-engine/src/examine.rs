//! Examining a sidecar file: its bytes against its format and what its manifest says of it.

use vss_core::reconcile::FoundFile;
use vss_core::{ContentUuid, Digest, Manifest, SidecarKey, SidecarSource};
use vss_ports::{Adoption, PortError, PortErrorKind, PortResult};

use crate::Engine;
use crate::source_digest::digest_of;

impl Engine {
    /// Hashes a file without a row that vouches for it. `None` when it is not what its format or
    /// its manifest says, or went away.
    pub(crate) async fn examine(
        &self,
        content: ContentUuid,
        file: &FoundFile,
        manifest: Option<&Manifest>,
    ) -> PortResult<Option<Adoption>> {
        let key = SidecarKey::new(content, file.kind.clone(), file.variant.clone());
        let Some((size, digest, head)) = self.hash(&key, file).await? else {
            return Ok(None);
        };
        if size == 0 || !file.format.accepts_head(&head) {
            return Ok(None);
        }
        let entry = manifest
            .and_then(|manifest| manifest.entry(&file.kind, &file.variant))
            .filter(|entry| entry.format == file.format);
        let adoption = |source, version, original| Adoption {
            key,
            format: file.format.clone(),
            size,
            digest,
            source,
            version,
            original,
        };
        Ok(match entry {
            Some(entry) if entry.blake3 == digest => {
                let original = manifest.and_then(|m| Some((m.source_size?, m.source_blake3?)));
                let (source, version) = (entry.source.clone(), entry.generator_version.clone());
                Some(adoption(source, version, original))
            }
            Some(_) => None,
            None => Some(adoption(SidecarSource::Adopted, None, None)),
        })
    }

    pub(crate) async fn hash(
        &self,
        key: &SidecarKey,
        file: &FoundFile,
    ) -> PortResult<Option<(u64, Digest, Vec<u8>)>> {
        let Some(open) = self.ports.vault.open(key, &file.format).await? else {
            return Ok(None);
        };
        let hashed = tokio::task::spawn_blocking(move || digest_of(&open)).await;
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            PortError::new(
                PortErrorKind::Unavailable,
                format!("read the sidecar {key}"),
                error,
            )
        };
        match hashed {
            Ok(Ok(hashed)) => Ok(Some(hashed)),
            Ok(Err(error)) => Err(failed(error.into())),
            Err(death) => Err(failed(death.into())),
        }
    }
}
