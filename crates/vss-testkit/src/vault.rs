//! Vault in memory.

mod mover;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use vss_core::layout::{self, CONTENT_ROOT};
use vss_core::reconcile::FoundFile;
use vss_core::{ContentUuid, Digest, Format, Manifest, SidecarKey, Timestamp};
use vss_ports::{
    Amendment, FileStamp, LocalFile, PortError, PortErrorKind, PortResult, Publication,
    ScannedContent, ScannedStranger, Sealed, Staged, Vault,
};

/// Where a vault in memory says that its files are. Nothing is there.
const NOWHERE: &str = "/in-memory/sidecars";

/// Keeps the bytes of published files in memory. Staged files are nameless temporary files,
/// because generators write to files.
#[derive(Default)]
pub struct MemoryVault(Mutex<State>);

#[derive(Default)]
struct State {
    files: BTreeMap<(SidecarKey, Format), Kept>,
    manifests: BTreeMap<ContentUuid, Manifest>,
    /// Paths below the vault that are no sidecars.
    strangers: BTreeSet<String>,
    set_aside: Vec<Vec<u8>>,
    blocked: BTreeSet<ContentUuid>,
    unreadable: BTreeMap<ContentUuid, Unreadable>,
    /// How many stamps were given out.
    stamped: u64,
}

/// What of a content cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreadable {
    /// Its folder cannot be looked into.
    Folder,
    /// Its files can be opened, and end in an error when they are read.
    Bytes,
}

/// A file.
struct Kept {
    bytes: Vec<u8>,
    stamp: FileStamp,
}

impl MemoryVault {
    /// An empty vault.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of a sidecar.
    pub fn bytes(&self, key: &SidecarKey, format: &Format) -> Option<Vec<u8>> {
        let at = (key.clone(), format.clone());
        self.state().files.get(&at).map(|kept| kept.bytes.clone())
    }

    /// Puts a file at a path below the vault, as somebody else would: no manifest says so.
    pub fn plant(&self, path: &str, bytes: &[u8]) {
        let mut state = self.state();
        match layout::parse_sidecar_path(path) {
            Ok(at) => state.put(at, bytes.to_vec()),
            Err(_) => drop(state.strangers.insert(path.to_owned())),
        }
    }

    /// Sets when a file was last written to; as it is published, that is the beginning of time.
    pub fn touch(&self, key: &SidecarKey, format: &Format, modified: Timestamp) {
        let at = (key.clone(), format.clone());
        let mut state = self.state();
        state.stamped += 1;
        let file = state.stamped;
        if let Some(kept) = state.files.get_mut(&at) {
            kept.stamp = FileStamp {
                modified_ns: modified.as_millis() * 1_000_000,
                file,
                ..FileStamp::default()
            };
        }
    }

    /// Loses a file, as somebody else would: the manifest still says that it is there.
    pub fn lose(&self, key: &SidecarKey, format: &Format) -> bool {
        let at = (key.clone(), format.clone());
        self.state().files.remove(&at).is_some()
    }

    /// Loses the manifest of a content.
    pub fn lose_manifest(&self, content: ContentUuid) -> bool {
        self.state().manifests.remove(&content).is_some()
    }

    /// What `B3SUMS` of a content would hold: it follows from the manifest.
    pub fn sums(&self, content: ContentUuid) -> String {
        let state = self.state();
        let manifest = state.manifests.get(&content);
        manifest.map(Manifest::b3sums).unwrap_or_default()
    }

    /// Makes every publication for a content fail from now on.
    pub fn block(&self, content: ContentUuid) {
        self.state().blocked.insert(content);
    }

    /// Makes a part of a content unreadable from now on.
    pub fn make_unreadable(&self, content: ContentUuid, what: Unreadable) {
        self.state().unreadable.insert(content, what);
    }

    /// Makes all of it readable again.
    pub fn make_readable(&self, content: ContentUuid) {
        self.state().unreadable.remove(&content);
    }

    /// The bytes of every file that was set aside or quarantined, the first one first.
    pub fn set_aside(&self) -> Vec<Vec<u8>> {
        self.state().set_aside.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn put(&mut self, at: (SidecarKey, Format), bytes: Vec<u8>) {
        self.stamped += 1;
        let stamp = FileStamp {
            file: self.stamped,
            ..FileStamp::default()
        };
        self.files.insert(at, Kept { bytes, stamp });
    }

    fn publish(&mut self, publication: &Publication) -> PortResult<()> {
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
        }
        Ok(())
    }

    /// Why a path below the vault is no sidecar, if it lies in the folder of a content: the
    /// content, the path below its folder and the reason.
    fn stranger_of(path: &str) -> Option<(ContentUuid, ScannedStranger)> {
        let mut parts = path.splitn(5, '/');
        let (root, h0, h1) = (parts.next()?, parts.next()?, parts.next()?);
        let content = layout::parse_content_folder(parts.next()?).ok()?;
        let name = parts.next()?.to_owned();
        let belongs = root == CONTENT_ROOT && layout::shard(content) == (h0.into(), h1.into());
        let reason = layout::parse_sidecar_path(path).err()?.to_string();
        belongs.then_some((content, ScannedStranger { name, reason }))
    }

    /// Contents that have a folder.
    fn contents(&self) -> BTreeSet<ContentUuid> {
        let mut contents: BTreeSet<ContentUuid> = self.manifests.keys().copied().collect();
        contents.extend(self.files.keys().map(|(key, _)| key.content));
        let strangers = self.strangers.iter().filter_map(|p| Self::stranger_of(p));
        contents.extend(strangers.map(|(content, _)| content));
        contents
    }

    fn scan_one(&self, content: ContentUuid) -> ScannedContent {
        if self.unreadable.get(&content) == Some(&Unreadable::Folder) {
            return ScannedContent {
                unreadable: Some("the folder cannot be read (Permission denied)".into()),
                ..ScannedContent::new(content)
            };
        }
        let mut scanned = ScannedContent {
            manifest: self.manifests.get(&content).cloned(),
            sums: true,
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

#[async_trait]
impl Vault for MemoryVault {
    fn locate(&self, key: &SidecarKey, format: &Format) -> PortResult<Option<LocalFile>> {
        let place = layout::sidecar_path(key, format);
        let state = self.state();
        let kept = state.files.get(&(key.clone(), format.clone()));
        let kept = kept.filter(|kept| !kept.bytes.is_empty());
        Ok(kept.map(|kept| LocalFile {
            path: Path::new(NOWHERE).join(place.as_str()),
            size: size_of(&kept.bytes),
            stamp: kept.stamp,
        }))
    }

    async fn open(&self, key: &SidecarKey, format: &Format) -> PortResult<Option<File>> {
        let bytes = self.bytes(key, format).filter(|bytes| !bytes.is_empty());
        if self.state().unreadable.get(&key.content) == Some(&Unreadable::Bytes) {
            // What every system refuses to read from.
            return Ok(bytes.map(|_| File::open("/").unwrap()));
        }
        Ok(bytes.map(|bytes| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            file.rewind().unwrap();
            file
        }))
    }

    async fn stage(&self) -> PortResult<Staged> {
        let file = tempfile::tempfile().unwrap();
        Ok(Staged { file, name: None })
    }

    async fn seal(&self, staged: Staged) -> PortResult<Sealed> {
        let bytes = read_all(&staged.file);
        if bytes.is_empty() {
            let (kind, doing) = (PortErrorKind::Rejected, "seal a staged file");
            return Err(PortError::new(kind, doing, "the file is empty"));
        }
        Ok(Sealed {
            staged,
            size: size_of(&bytes),
            digest: Digest::of(&bytes),
        })
    }

    async fn settle(&self, _: &[&Sealed]) -> PortResult<()> {
        Ok(())
    }

    async fn publish(&self, batch: &[&Publication]) -> Vec<PortResult<()>> {
        let mut state = self.state();
        batch.iter().map(|one| state.publish(one)).collect()
    }

    async fn scan(
        &self,
        after: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<ScannedContent>> {
        let state = self.state();
        let wanted = state.contents();
        let wanted = wanted.into_iter().filter(|c| after.is_none_or(|a| *c > a));
        Ok(wanted.take(limit).map(|c| state.scan_one(c)).collect())
    }

    async fn inspect(&self, contents: &[ContentUuid]) -> PortResult<Vec<ScannedContent>> {
        let state = self.state();
        let mut there = state.contents();
        there.retain(|content| contents.contains(content));
        Ok(there.into_iter().map(|c| state.scan_one(c)).collect())
    }

    async fn strays(&self, limit: usize) -> PortResult<Vec<ScannedStranger>> {
        let state = self.state();
        let stray = |path: &&String| !path.starts_with('.') && State::stranger_of(path).is_none();
        let strays = state.strangers.iter().filter(stray).take(limit);
        let named = strays.map(|path| ScannedStranger {
            name: path.clone(),
            reason: "not in the folder of a content".into(),
        });
        Ok(named.collect())
    }

    async fn quarantine(&self, key: &SidecarKey, format: &Format) -> PortResult<Option<PathBuf>> {
        let mut state = self.state();
        let at = (key.clone(), format.clone());
        let Some(file) = state.files.remove(&at) else {
            return Ok(None);
        };
        state.set_aside.push(file.bytes);
        let kept = format!("{NOWHERE}/.quarantine/{}", state.set_aside.len());
        if let Some(manifest) = state.manifests.get_mut(&key.content) {
            let said = manifest.entry(&key.kind, &key.variant);
            if said.is_some_and(|said| said.format == *format) {
                manifest.remove(&key.kind, &key.variant);
            }
        }
        Ok(Some(kept.into()))
    }

    async fn remove(
        &self,
        key: &SidecarKey,
        format: &Format,
        only: Option<FileStamp>,
    ) -> PortResult<bool> {
        let mut state = self.state();
        let at = (key.clone(), format.clone());
        let meant = |kept: &Kept| only.is_none_or(|stamp| stamp == kept.stamp);
        if !state.files.get(&at).is_some_and(meant) {
            return Ok(false);
        }
        state.files.remove(&at);
        if let Some(manifest) = state.manifests.get_mut(&key.content) {
            let said = manifest.entry(&key.kind, &key.variant);
            if said.is_some_and(|said| said.format == *format) {
                manifest.remove(&key.kind, &key.variant);
            }
            if manifest.sidecars.is_empty() {
                state.manifests.remove(&key.content);
            }
        }
        Ok(true)
    }

    async fn amend(&self, content: ContentUuid, amendment: &Amendment) -> PortResult<bool> {
        let mut state = self.state();
        let has_folder = state.manifests.contains_key(&content)
            || state.files.keys().any(|(key, _)| key.content == content);
        if !has_folder {
            return Ok(false);
        }
        let before = state.manifests.get(&content).cloned();
        let mut after = before.clone().unwrap_or_else(|| Manifest::empty(content));
        amendment.apply(&mut after);
        let nothing = before.is_none() && after == Manifest::empty(content);
        if nothing || before.as_ref() == Some(&after) {
            return Ok(false);
        }
        state.manifests.insert(content, after);
        Ok(true)
    }
}

/// The whole file from its beginning, wherever its writer stopped.
fn read_all(mut file: &File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

fn size_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}
