//! Eviction: what there is above a quota makes room, the cheapest to make again and the oldest
//! first. What goes is made again as soon as somebody asks for it, and not before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::Notify;
use vss_core::eviction::{Eviction, Held};
use vss_core::worth::{can_be_made_again, is_precious};
use vss_core::{ContentUuid, Digest, Kind, SidecarKey, SidecarSource, Status};
use vss_ports::{Adoption, Event, LocalFile, LocationRecord, PortError, PortResult, SidecarRecord};

use crate::Engine;
use crate::empty_vault::EmptyVault;
use crate::gc::Amount;
use crate::pages::Pages;

/// Sidecars that go in one step, for which commits wait.
const TOGETHER: usize = 32;

/// How often a run looks whether there is room, which costs a look at the totals.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// How long it rests when what may go was not enough: looking again reads every row.
const REST: Duration = Duration::from_secs(3_600);

/// How to make room.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EvictOptions {
    /// Evict, instead of looking what would be.
    pub apply: bool,
    /// Also last copies of what takes minutes or more to make again.
    pub precious: bool,
}

/// What made room, or would.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EvictReport {
    /// What goes, by kind.
    pub evicted: BTreeMap<Kind, Amount>,
    /// Bytes above the quotas of kinds that stay.
    pub short: BTreeMap<Kind, u64>,
    /// Bytes above the quota of all kinds that stay.
    pub short_in_all: u64,
    /// Files that could not be removed, and are kept with their rows.
    pub stuck: u64,
}

/// Why no room was made, or not enough.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvictError {
    /// A port failed.
    #[error("no room could be made")]
    Port(#[from] PortError),
    /// There is no file at all and there should be.
    #[error(transparent)]
    Empty(#[from] EmptyVault),
}

impl EvictReport {
    /// All that goes.
    pub fn total(&self) -> Amount {
        Amount::sum(self.evicted.values())
    }

    /// Whether less goes than the quotas demand.
    pub fn is_short(&self) -> bool {
        self.short_in_all > 0 || !self.short.is_empty()
    }
}

impl Engine {
    /// Makes room where there is more than the quotas allow, down to 95 % of them. Reads every row
    /// twice, and nothing where no quota is exceeded.
    ///
    /// What goes can be made again: a generator made it, and of its content there is an original
    /// on a disk that is there. What takes minutes to make again stays unless it is asked for.
    ///
    /// # Errors
    /// [`EvictError`] when the vault is empty and should not be, or a port fails; what went until
    /// then stays evicted, and doing it again goes on. A file that cannot be removed is no error:
    /// it is counted and keeps its row.
    pub async fn evict(&self, options: &EvictOptions) -> Result<EvictReport, EvictError> {
        let quotas = &self.settings.quotas;
        let mut report = EvictReport::default();
        let counts = self.ports.store.counts().await?;
        if !quotas.exceeded_by(&counts.bytes) {
            return Ok(report);
        }
        if let Some(empty) = self.empty_vault().await? {
            return Err(empty.into());
        }
        let missing = self.missing_locations().await?;
        let mut held: BTreeMap<Kind, Held> = BTreeMap::new();
        let mut pages = Pages::default();
        while let Some(rows) = pages.next(self).await? {
            let safe = self.at_hand(contents_of(&rows), &missing).await?;
            for row in rows.iter().filter(|row| is_file_of_vault(row)) {
                let of_kind = held.entry(row.key.kind.clone()).or_default();
                let may_go = safe.contains(&row.key.content) && may_go(row, options);
                of_kind.count(row.size.unwrap_or_default(), row.updated_at, may_go);
            }
        }
        let mut eviction = quotas.evict(&held);
        report.short.clone_from(&eviction.short);
        report.short_in_all = eviction.short_in_all;
        let mut pages = Pages::default();
        while let Some(rows) = pages.next(self).await? {
            if eviction.is_none() {
                break;
            }
            let gone = self.taken(&rows, &missing, options, &mut eviction).await?;
            for few in gone.chunks(TOGETHER) {
                for row in self.make_room(few, options, &mut report).await? {
                    let kind = row.key.kind.clone();
                    report.evicted.entry(kind).or_default().add(&row);
                }
            }
        }
        Ok(report)
    }

    /// The rows among these that make room.
    async fn taken(
        &self,
        rows: &[SidecarRecord],
        missing: &[LocationRecord],
        options: &EvictOptions,
        eviction: &mut Eviction,
    ) -> PortResult<Vec<SidecarRecord>> {
        let safe = self.at_hand(contents_of(rows), missing).await?;
        let may_go = |row: &&SidecarRecord| {
            is_file_of_vault(row) && safe.contains(&row.key.content) && may_go(row, options)
        };
        let mut takes = |row: &&SidecarRecord| {
            eviction.takes(&row.key.kind, row.size.unwrap_or_default(), row.updated_at)
        };
        let taken = rows.iter().filter(may_go).filter(|row| takes(row));
        Ok(taken.cloned().collect())
    }

    /// Evicts: rows first, since a file without a row is adopted and a ready row without a file is
    /// a lie. A file that cannot be removed gets its row back. Those that went.
    async fn make_room(
        &self,
        gone: &[SidecarRecord],
        options: &EvictOptions,
        report: &mut EvictReport,
    ) -> PortResult<Vec<SidecarRecord>> {
        if !options.apply {
            return Ok(gone.to_vec());
        }
        // Nobody publishes or compares in between.
        let _alone = self.shared.commits.write().await;
        let mut files: Vec<(SidecarRecord, Option<LocalFile>)> = Vec::with_capacity(gone.len());
        for row in gone {
            let file = self.ports.vault.locate(&row.key, &row.format)?;
            files.push((row.clone(), file));
        }
        let said: Vec<(SidecarKey, Digest)> = files
            .iter()
            .filter_map(|(row, _)| Some((row.key.clone(), row.digest?)))
            .collect();
        let evicted = self
            .ports
            .store
            .evict(&said, self.ports.clock.now())
            .await?;
        let evicted = said.into_iter().zip(evicted).filter(|(_, went)| *went);
        let evicted: BTreeSet<SidecarKey> = evicted.map(|((key, _), _)| key).collect();
        files.retain(|(row, _)| evicted.contains(&row.key));
        let (mut went, mut kept) = (Vec::with_capacity(files.len()), Vec::new());
        for (row, file) in files {
            // One that another process published meanwhile has another stamp.
            if let Some(file) = file
                && let only = Some(file.stamp)
                && let Err(error) = self.ports.vault.remove(&row.key, &row.format, only).await
            {
                let (sidecar, error) = (row.key.to_string(), error.in_full());
                tracing::warn!(sidecar, error, "could not be removed to make room");
                let now = self.ports.vault.locate(&row.key, &row.format)?;
                if now.is_some_and(|now| now.stamp == file.stamp) {
                    kept.extend(vouched(&row));
                    continue;
                }
            }
            self.ports.events.emit(Event::SidecarEvicted {
                key: row.key.clone(),
                size: row.size.unwrap_or_default(),
            });
            went.push(row);
        }
        report.stuck += kept.len() as u64;
        if !kept.is_empty() {
            self.ports
                .store
                .adopt(&kept, self.ports.clock.now())
                .await?;
        }
        Ok(went)
    }

    /// Makes room now and then until it is told to end, and once more then.
    pub(crate) async fn keep_room(&self, end: &Notify) {
        if self.settings.quotas.is_none() {
            return;
        }
        let mut pause = LOOK_EVERY;
        loop {
            let ends = tokio::select! {
                () = end.notified() => true,
                () = self.ports.clock.sleep(pause) => false,
            };
            let options = EvictOptions {
                apply: true,
                precious: false,
            };
            pause = LOOK_EVERY;
            match self.evict(&options).await {
                Ok(report) => {
                    let Amount { sidecars, bytes } = report.total();
                    if sidecars > 0 {
                        tracing::info!(sidecars, bytes, "made room: more than the quotas allow");
                    }
                    if report.stuck > 0 {
                        pause = REST;
                    }
                    if report.is_short() {
                        let kinds = report.short.iter();
                        let kinds: Vec<_> =
                            kinds.map(|(kind, by)| format!("{kind} by {by}")).collect();
                        let (kinds, in_all) = (kinds.join(", "), report.short_in_all);
                        tracing::warn!(
                            kinds,
                            in_all,
                            "more bytes than the quotas allow, and nothing more that may go: raise \
                             [quota] in vss.toml, or look at `vss gc --precious`"
                        );
                        pause = REST;
                    }
                }
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, cause, "tries again in an hour");
                    pause = REST;
                }
            }
            if ends {
                return;
            }
        }
    }
}

fn contents_of(rows: &[SidecarRecord]) -> BTreeSet<ContentUuid> {
    rows.iter().map(|row| row.key.content).collect()
}

/// What a row says of its file, as a file that was found says it.
fn vouched(row: &SidecarRecord) -> Option<Adoption> {
    Some(Adoption {
        key: row.key.clone(),
        format: row.format.clone(),
        size: row.size?,
        digest: row.digest?,
        source: row.source.clone(),
        version: row.version.clone(),
        original: None,
    })
}

/// A ready sidecar whose file is in the vault: what quotas count.
fn is_file_of_vault(row: &SidecarRecord) -> bool {
    row.status == Status::Ready && row.source != SidecarSource::Reference
}

fn may_go(row: &SidecarRecord, options: &EvictOptions) -> bool {
    let spared = is_precious(&row.key.kind, &row.source) && !options.precious;
    can_be_made_again(&row.source) && !spared
}
