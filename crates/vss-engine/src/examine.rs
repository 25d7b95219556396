//! Examining a sidecar file: its bytes against its format and what its manifest says of it.

use std::collections::HashMap;
use std::io;

use vss_core::reconcile::{Action, FoundFile, KnownRow, diff};
use vss_core::{ContentUuid, Digest, Format, Manifest, SidecarKey, SidecarSource};
use vss_ports::{Adoption, FileStamp, PortError, PortErrorKind, PortResult};

use crate::Engine;
use crate::source_digest::digest_of;

/// Size, digest and first bytes of a file.
type Hashed = (u64, Digest, Vec<u8>);

/// What the bytes of a file without a row that vouches for it say.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// They are what its format says, and its manifest, if it says anything.
    Good(Box<Adoption>),
    /// They are not, or the file went away.
    Bad,
    /// They cannot be read, and why.
    Unreadable(String),
}

/// Verdicts, each with the look of the file that it is of.
#[derive(Default)]
pub(crate) struct Verdicts(HashMap<(SidecarKey, Format), (FileStamp, Verdict)>);

impl Verdicts {
    /// The verdict on a file, if it still looks as it did.
    pub(crate) fn of(&self, key: &SidecarKey, format: &Format, now: FileStamp) -> Option<&Verdict> {
        let (stamp, verdict) = self.0.get(&(key.clone(), format.clone()))?;
        (*stamp == now).then_some(verdict)
    }
}

impl Engine {
    /// Hashes those files of a content that a comparison asks for; why the first of those that
    /// cannot be read cannot. Holds nothing off meanwhile.
    pub(crate) async fn examine_asked(
        &self,
        content: ContentUuid,
        files: &[FoundFile],
        rows: &[KnownRow],
        manifest: Option<&Manifest>,
        verdicts: &mut Verdicts,
    ) -> PortResult<Option<String>> {
        let mut unreadable = None;
        for action in diff(files, rows) {
            let (Action::Adopt(file) | Action::Verify(file)) = action else {
                continue;
            };
            let key = SidecarKey::new(content, file.kind.clone(), file.variant.clone());
            // Looked at before it is read: what changes meanwhile has another look.
            let there = match self.ports.vault.locate(&key, &file.format) {
                Ok(Some(there)) => there,
                Ok(None) => continue,
                Err(error) => {
                    unreadable.get_or_insert(error.in_full());
                    continue;
                }
            };
            let verdict = self.examine(content, &file, manifest).await?;
            if let Verdict::Unreadable(why) = &verdict {
                unreadable.get_or_insert_with(|| why.clone());
            }
            verdicts
                .0
                .insert((key, file.format), (there.stamp, verdict));
        }
        Ok(unreadable)
    }

    /// Hashes a file without a row that vouches for it.
    pub(crate) async fn examine(
        &self,
        content: ContentUuid,
        file: &FoundFile,
        manifest: Option<&Manifest>,
    ) -> PortResult<Verdict> {
        let key = SidecarKey::new(content, file.kind.clone(), file.variant.clone());
        let unreadable = |why: &dyn std::fmt::Display| {
            let why = format!("it cannot be read: {why}");
            Ok(Verdict::Unreadable(why))
        };
        let (size, digest, head) = match self.hash(&key, &file.format).await {
            Ok(Some(Ok(hashed))) => hashed,
            Ok(Some(Err(error))) => return unreadable(&error),
            // One file that may not be opened is no reason not to look at the others.
            Err(error) => return unreadable(&error.in_full()),
            Ok(None) => return Ok(Verdict::Bad),
        };
        if size == 0 || !file.format.accepts_head(&head) {
            return Ok(Verdict::Bad);
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
                Verdict::Good(Box::new(adoption(source, version, original)))
            }
            Some(_) => Verdict::Bad,
            None => Verdict::Good(Box::new(adoption(SidecarSource::Adopted, None, None))),
        })
    }

    /// Reads a sidecar to its end; `None` when there is none. What fails is tried once more: a cable
    /// or a network has its hiccups.
    pub(crate) async fn hash(
        &self,
        key: &SidecarKey,
        format: &Format,
    ) -> PortResult<Option<io::Result<Hashed>>> {
        match self.hash_once(key, format).await? {
            Some(Err(_)) => self.hash_once(key, format).await,
            hashed => Ok(hashed),
        }
    }

    async fn hash_once(
        &self,
        key: &SidecarKey,
        format: &Format,
    ) -> PortResult<Option<io::Result<Hashed>>> {
        let Some(open) = self.ports.vault.open(key, format).await? else {
            return Ok(None);
        };
        let hashed = tokio::task::spawn_blocking(move || digest_of(&open)).await;
        let died = |death| PortError::new(PortErrorKind::Unexpected, "hash a sidecar", death);
        hashed.map(Some).map_err(died)
    }
}
