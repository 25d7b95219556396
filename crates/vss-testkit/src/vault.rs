//! Vault in memory.

mod mover;
mod state;

use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use vss_core::layout::{self};
use vss_core::{ContentUuid, Digest, Format, Manifest, SidecarKey, Timestamp};
use vss_ports::{
    Amendment, FileStamp, LocalFile, PortError, PortErrorKind, PortResult, Publication,
    ScannedContent, ScannedStranger, Sealed, Staged, Vault,
};

use state::{Kept, State, read_all, size_of};

/// Where a vault in memory says that its files are. Nothing is there.
const NOWHERE: &str = "/in-memory/sidecars";

/// Keeps the bytes of published files in memory. Staged files are nameless temporary files,
/// because generators write to files.
#[derive(Default)]
pub struct MemoryVault(Mutex<State>);

/// What of a content cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreadable {
    /// Its folder cannot be looked into.
    Folder,
    /// Its files can be opened, and end in an error when they are read.
    Bytes,
    /// The same, but only once.
    BytesOnce,
    /// Its files are there and may not be opened.
    Files,
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

    /// Loses the sums beside the manifest of a content; whether there were any.
    pub fn lose_sums(&self, content: ContentUuid) -> bool {
        !self.sums(content).is_empty() && self.state().lost_sums.insert(content)
    }

    /// What `B3SUMS` of a content would hold: it follows from the manifest.
    pub fn sums(&self, content: ContentUuid) -> String {
        let state = self.state();
        let manifest = state.manifests.get(&content);
        let manifest = manifest.filter(|_| !state.lost_sums.contains(&content));
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

#[async_trait]
impl Vault for MemoryVault {
    fn locate(&self, key: &SidecarKey, format: &Format) -> PortResult<Option<LocalFile>> {
        let place = layout::sidecar_path(key, format);
        let state = self.state();
        if state.unreadable.get(&key.content) == Some(&Unreadable::Folder) {
            let (kind, doing) = (PortErrorKind::Unavailable, "look at a sidecar");
            return Err(PortError::new(kind, doing, "Permission denied"));
        }
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
        let unreadable = self.state().unreadable.get(&key.content).copied();
        if unreadable == Some(Unreadable::Files) && bytes.is_some() {
            let (kind, doing) = (PortErrorKind::Unavailable, "open a sidecar");
            return Err(PortError::new(kind, doing, "Permission denied"));
        }
        if unreadable == Some(Unreadable::BytesOnce) {
            self.make_readable(key.content);
        }
        if let Some(Unreadable::Bytes | Unreadable::BytesOnce) = unreadable {
            #[expect(
                clippy::disallowed_methods,
                reason = "a folder: what every system refuses to read from"
            )]
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
        state.drop_line(key, format);
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
        state.drop_line(key, format);
        let manifest = state.manifests.get(&key.content);
        if manifest.is_some_and(|manifest| manifest.sidecars.is_empty()) {
            state.manifests.remove(&key.content);
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
            return Ok(state.lost_sums.remove(&content));
        }
        state.lost_sums.remove(&content);
        state.manifests.insert(content, after);
        Ok(true)
    }
}
