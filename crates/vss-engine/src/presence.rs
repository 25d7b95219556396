//! Presence: which sidecars of many contents are here, in one question.

use std::collections::BTreeMap;
use std::path::PathBuf;

use vss_core::{ContentUuid, DeviceUuid, Format, Kind, SidecarKey, SidecarSource, Status, Variant};
use vss_ports::{PortError, PortResult};

use crate::{Engine, PathAnswer};

/// What is known of one sidecar.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PresenceAnswer {
    /// Whether this device has its file.
    pub local: bool,
    /// Where, if it was asked for and the file is there.
    pub path: Option<PathBuf>,
    /// Its state; `None` when nothing ever wanted it.
    pub status: Option<Status>,
    /// Other devices that have it.
    pub devices: Vec<DeviceUuid>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("presence could not be looked up")]
pub struct PresenceError(#[from] PortError);

impl Engine {
    /// Which of `contents` x `variants` of one kind are here. Every asked pair is answered.
    ///
    /// Without paths it is one query and trusts the rows. With paths each file is looked at (some
    /// microseconds each, more when it is first read and so compared with its row), and what is
    /// not there is answered as not local; `path` repairs it.
    ///
    /// # Errors
    /// [`PresenceError`] when a port fails.
    pub async fn presence(
        &self,
        contents: &[ContentUuid],
        kind: &Kind,
        variants: &[Variant],
        with_paths: bool,
    ) -> Result<BTreeMap<ContentUuid, BTreeMap<Variant, PresenceAnswer>>, PresenceError> {
        let nothing: BTreeMap<_, _> = variants
            .iter()
            .map(|v| (v.clone(), PresenceAnswer::default()))
            .collect();
        let mut answers: BTreeMap<_, _> = contents
            .iter()
            .map(|content| (*content, nothing.clone()))
            .collect();
        for row in self.ports.store.presence(contents, kind, variants).await? {
            let vouched = row.size.is_some();
            let path = match with_paths && vouched {
                true => {
                    let key = SidecarKey::new(row.content, kind.clone(), row.variant.clone());
                    self.path_of(&key, &row.format).await?
                }
                false => None,
            };
            let local = vouched && (path.is_some() || !with_paths);
            let answer = PresenceAnswer {
                local,
                path,
                status: Some(row.status),
                devices: Vec::new(),
            };
            if let Some(of_content) = answers.get_mut(&row.content) {
                of_content.insert(row.variant, answer);
            }
        }
        Ok(answers)
    }

    /// The file of a row that vouches for one, if it is there and whole.
    async fn path_of(&self, key: &SidecarKey, format: &Format) -> PortResult<Option<PathBuf>> {
        if let Some(file) = self.ports.vault.locate(key, format)?
            && self.shared.verified.knows(key, &file.stamp)
        {
            return Ok(Some(file.path));
        }
        Ok(match self.ports.store.find(key).await? {
            Some(row) if row.source == SidecarSource::Reference => {
                match self.referenced(&row).await? {
                    PathAnswer::Ready { file, .. } => Some(file.path),
                    _ => None,
                }
            }
            Some(row) => self.whole_file(&row).await?.map(|file| file.path),
            None => None,
        })
    }
}
