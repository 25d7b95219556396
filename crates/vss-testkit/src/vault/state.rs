//! What a vault in memory holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek};

use vss_core::layout::{self, CONTENT_ROOT};
use vss_core::reconcile::FoundFile;
use vss_core::{ContentUuid, Digest, Format, Manifest, SidecarKey};
use vss_ports::{
    FileStamp, PortError, PortErrorKind, PortResult, Publication, ScannedContent, ScannedStranger,
};

use super::Unreadable;

#[derive(Default)]
pub(super) struct State {
    pub(super) files: BTreeMap<(SidecarKey, Format), Kept>,
    pub(super) manifests: BTreeMap<ContentUuid, Manifest>,
    /// Contents whose sums somebody took away.
    pub(super) lost_sums: BTreeSet<ContentUuid>,
    /// Paths below the vault that are no sidecars.
    pub(super) strangers: BTreeSet<String>,
    pub(super) set_aside: Vec<Vec<u8>>,
    pub(super) blocked: BTreeSet<ContentUuid>,
    pub(super) unreadable: BTreeMap<ContentUuid, Unreadable>,
    /// How many stamps were given out.
    pub(super) stamped: u64,
}

/// A file.
pub(super) struct Kept {
    pub(super) bytes: Vec<u8>,
    pub(super) stamp: FileStamp,
}

impl State {
    pub(super) fn put(&mut self, at: (SidecarKey, Format), bytes: Vec<u8>) {
        self.stamped += 1;
        let stamp = FileStamp {
            file: self.stamped,
            ..FileStamp::default()
        };
        self.files.insert(at, Kept { bytes, stamp });
    }

    pub(super) fn publish(&mut self, publication: &Publication) -> PortResult<()> {
        let Publication { entry, sealed, .. } = publication;
        let content = publication.content;
        let refuse = |kind, reason: &str| Err(PortError::new(kind, "publish a file", reason));
        if self.blocked.contains(&content) {
            return refuse(PortErrorKind::Corrupt, "the content is blocked");
        }
        if (entry.size, entry.blake3) != (sealed.size, sealed.digest) {
            return refuse(PortErrorKind::Rejected, "the entry is not that of the file");
        }
        let bytes = read_all(&sealed.staged.file);
        let key = SidecarKey::new(content, entry.kind.clone(), entry.variant.clone());
        let at = (key, entry.format.clone());
        let old = self
            .files
            .get(&at)
            .map(|old| (Digest::of(&old.bytes), old.bytes.clone()));
        let same = old.as_ref().is_some_and(|(old, _)| *old == sealed.digest);
        if let Some((digest, old)) = old
            && !same
            && publication.replaces != Some(digest)
        {
            self.set_aside.push(old);
        }
        if !same {
            self.put(at, bytes);
        }

        let manifests = self.manifests.entry(content);
        let manifest = manifests.or_insert_with(|| Manifest::empty(content));
        if let Some((size, digest)) = publication.source {
            manifest.source_size = Some(size);
            manifest.source_blake3 = Some(digest);
        }
        let said = manifest.entry(&entry.kind, &entry.variant);
        let unchanged = same
            && said.is_some_and(|said| said.format == entry.format && said.blake3 == entry.blake3);
        if !unchanged {
            manifest.set(entry.clone());
            self.lost_sums.remove(&content);
        }
        Ok(())
    }

    /// Takes the line of a file out of the manifest; the sums are written again with it.
    pub(super) fn drop_line(&mut self, key: &SidecarKey, format: &Format) {
        let Some(manifest) = self.manifests.get_mut(&key.content) else {
            return;
        };
        let said = manifest.entry(&key.kind, &key.variant);
        if said.is_some_and(|said| said.format == *format) {
            manifest.remove(&key.kind, &key.variant);
            self.lost_sums.remove(&key.content);
        }
    }

    /// Why a path below the vault is no sidecar, if it lies in the folder of a content: the
    /// content, the path below its folder and the reason.
    pub(super) fn stranger_of(path: &str) -> Option<(ContentUuid, ScannedStranger)> {
        let mut parts = path.splitn(5, '/');
        let (root, h0, h1) = (parts.next()?, parts.next()?, parts.next()?);
        let content = layout::parse_content_folder(parts.next()?).ok()?;
        let name = parts.next()?.to_owned();
        let belongs = root == CONTENT_ROOT && layout::shard(content) == (h0.into(), h1.into());
        let reason = layout::parse_sidecar_path(path).err()?.to_string();
        belongs.then_some((content, ScannedStranger { name, reason }))
    }

    /// Contents that have a folder.
    pub(super) fn contents(&self) -> BTreeSet<ContentUuid> {
        let mut contents: BTreeSet<ContentUuid> = self.manifests.keys().copied().collect();
        contents.extend(self.files.keys().map(|(key, _)| key.content));
        let strangers = self.strangers.iter().filter_map(|p| Self::stranger_of(p));
        contents.extend(strangers.map(|(content, _)| content));
        contents
    }

    pub(super) fn scan_one(&self, content: ContentUuid) -> ScannedContent {
        if self.unreadable.get(&content) == Some(&Unreadable::Folder) {
            return ScannedContent {
                unreadable: Some("the folder cannot be read (Permission denied)".into()),
                ..ScannedContent::new(content)
            };
        }
        let mut scanned = ScannedContent {
            manifest: self.manifests.get(&content).cloned(),
            sums: !self.lost_sums.contains(&content),
            ..ScannedContent::new(content)
        };
        for ((key, format), Kept { bytes, .. }) in &self.files {
            if key.content != content {
                continue;
            }
            if bytes.is_empty() {
                let file = layout::file_name(&key.variant, format);
                scanned.strangers.push(ScannedStranger {
                    name: format!("{}/{file}", key.kind.folder()),
                    reason: "an empty file is no sidecar".into(),
                });
                continue;
            }
            scanned.files.push(FoundFile {
                kind: key.kind.clone(),
                variant: key.variant.clone(),
                format: format.clone(),
                size: size_of(bytes),
            });
        }
        let strangers = self.strangers.iter().filter_map(|p| Self::stranger_of(p));
        let of_content = strangers.filter(|(of, _)| *of == content);
        scanned
            .strangers
            .extend(of_content.map(|(_, stranger)| stranger));
        scanned
    }
}

/// The whole file from its beginning, wherever its writer stopped.
pub(super) fn read_all(mut file: &File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

pub(super) fn size_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}
