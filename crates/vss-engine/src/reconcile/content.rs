//! One content's part of a reconcile: what its comparison asks for is looked into, and what that
//! leads to is collected, so that the store is asked once a batch.

use vss_core::integrity::Damage;
use vss_core::reconcile::{Action, FoundFile, KnownRow, diff, drift};
use vss_core::{
    ContentUuid, Format, Kind, Manifest, ManifestEntry, SidecarKey, SidecarSource, Status, Variant,
};
use vss_ports::{Adoption, Amendment, FileStamp, LocalFile, PortResult, RowOutline, SidecarRecord};

use super::{ReconcileOptions, ReconcileReport, Stranger};
use crate::Engine;
use crate::examine::{Verdict, Verdicts};
use crate::verify::{Checked, irreplaceable};

/// What comparisons lead to.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) adopt: Vec<Adoption>,
    /// Rows whose generator is to make the file again.
    pub(super) gone: Vec<SidecarKey>,
    /// Rows whose file is gone and that no generator made.
    pub(super) unmake: Vec<SidecarKey>,
    /// Files that are not what they should be; none of them has a row that is ready any more.
    pub(super) aside: Vec<(SidecarKey, Format, Damage)>,
    pub(super) forget: Vec<SidecarKey>,
    pub(super) amend: Vec<(ContentUuid, Amendment)>,
}

/// A file that is not what its row says, or may not be.
pub(crate) struct Suspect {
    row: SidecarRecord,
    wrong: Wrong,
}

/// What is wrong with a file.
enum Wrong {
    /// How it looked when that was found out, and what it is.
    Damaged(FileStamp, Damage),
    /// Nobody knows: why it cannot be read. It is left alone.
    Unread(String),
}

impl Suspect {
    pub(super) fn is_unreadable(&self) -> bool {
        matches!(
            self.wrong,
            Wrong::Unread(_) | Wrong::Damaged(_, Damage::Unreadable)
        )
    }
}

impl Engine {
    /// Hashes the files of a content that look right, as far as they are asked for; those that are
    /// not what their rows say, or cannot be read. Changes nothing.
    pub(crate) async fn suspects(
        &self,
        content: ContentUuid,
        is_asked: impl Fn(&SidecarRecord, &LocalFile) -> bool,
    ) -> PortResult<Vec<Suspect>> {
        let mut suspects = Vec::new();
        let rows = self.ports.store.of_content(content).await?.into_iter();
        for row in rows.filter(|row| row.status == Status::Ready && is_managed(row)) {
            let is_looked_at =
                |file: &LocalFile| Some(file.size) == row.size && is_asked(&row, file);
            let wrong = match self.ports.vault.locate(&row.key, &row.format) {
                Ok(located) => match located.filter(is_looked_at) {
                    Some(file) => self.wrong_with(&row, file).await?,
                    None => None,
                },
                Err(error) => Some(Wrong::Unread(error.in_full())),
            };
            suspects.extend(wrong.map(|wrong| Suspect { row, wrong }));
        }
        Ok(suspects)
    }

    async fn wrong_with(&self, row: &SidecarRecord, file: LocalFile) -> PortResult<Option<Wrong>> {
        let stamp = file.stamp;
        let damage = match self.check_bytes(row, file).await {
            Ok(Checked::Damaged(damage)) => damage,
            Ok(Checked::Whole(_) | Checked::Gone) => return Ok(None),
            // One file that may not be opened is no reason not to look at the others.
            Err(error) => return Ok(Some(Wrong::Unread(error.in_full()))),
        };
        let is_left = damage == Damage::Unreadable && self.plan_again(&row.key).await?.is_none();
        Ok(Some(match is_left {
            true => Wrong::Unread(irreplaceable(row).in_full()),
            false => Wrong::Damaged(stamp, damage),
        }))
    }

    /// Hashes what a comparison of these contents asks for. Changes nothing.
    pub(crate) async fn verdicts_on(&self, contents: &[ContentUuid]) -> PortResult<Verdicts> {
        let mut verdicts = Verdicts::default();
        for folder in self.ports.vault.inspect(contents).await? {
            let rows = self.ports.store.of_content(folder.content).await?;
            let rows: Vec<_> = rows.iter().map(|row| known_row(&row.into())).collect();
            let (files, manifest) = (&folder.files, folder.manifest.as_ref());
            self.examine_asked(folder.content, files, &rows, manifest, &mut verdicts)
                .await?;
        }
        Ok(verdicts)
    }
}

/// One content while it is reconciled.
pub(super) struct OneContent<'a> {
    pub(super) engine: &'a Engine,
    pub(super) content: ContentUuid,
    pub(super) rows: &'a [SidecarRecord],
    pub(super) files: &'a [FoundFile],
    pub(super) manifest: Option<&'a Manifest>,
    pub(super) options: ReconcileOptions,
    pub(super) verdicts: &'a Verdicts,
    pub(super) changes: &'a mut Changes,
    pub(super) report: &'a mut ReconcileReport,
}

impl OneContent<'_> {
    /// Compares its rows and files, and sets those aside that were found to be damaged and are
    /// still the same.
    pub(super) async fn reconcile(&mut self, suspects: &[Suspect]) -> PortResult<()> {
        let known: Vec<_> = self.rows.iter().map(|row| known_row(&row.into())).collect();
        for action in diff(self.files, &known) {
            self.act(action).await?;
        }
        let content = self.content;
        let its_own = |suspect: &&Suspect| suspect.row.key.content == content;
        for suspect in suspects.iter().filter(its_own) {
            self.condemn(suspect);
        }
        Ok(())
    }

    /// Without any original nothing is made again: what is missing is no work.
    pub(super) fn give_up(&mut self) {
        // What is on a disk that is away comes back.
        if !self.report.missing_locations.is_empty() {
            return;
        }
        let content = self.content;
        let changes = &mut *self.changes;
        let before = changes.forget.len();
        let lost = |key: &mut SidecarKey| key.content == content;
        changes.forget.extend(changes.gone.extract_if(.., lost));
        changes.forget.extend(changes.unmake.extract_if(.., lost));
        let unmade = self.rows.iter().filter(|row| is_unmade(row, self.files));
        changes.forget.extend(unmade.map(|row| row.key.clone()));
        self.report.removed_rows += (changes.forget.len() - before) as u64;
    }

    async fn act(&mut self, action: Action) -> PortResult<()> {
        match action {
            Action::Missing { kind, variant } => {
                self.report.missing += 1;
                self.gone(SidecarKey::new(self.content, kind, variant));
            }
            Action::Adopt(file) => match self.examine(&file).await? {
                Verdict::Good(adoption) => {
                    self.report.adopted += 1;
                    self.changes.adopt.push(*adoption);
                }
                Verdict::Bad => self.set_aside(&file, Damage::Unvouched),
                Verdict::Unreadable(why) => self.name(&file, why),
            },
            Action::Verify(file) => match self.examine(&file).await? {
                // Only a manifest that vouches for it makes a file of an unexpected size good.
                Verdict::Good(adoption) if adoption.source != SidecarSource::Adopted => {
                    self.report.repaired += 1;
                    self.changes.adopt.push(*adoption);
                }
                Verdict::Good(_) | Verdict::Bad => self.set_aside(&file, Damage::Replaced),
                Verdict::Unreadable(why) => self.name(&file, why),
            },
            Action::Unknown(file) => {
                self.name(&file, "the sidecar is there in another format".into());
            }
        }
        Ok(())
    }

    /// The verdict on a file, which is only read now where it changed since it was examined.
    async fn examine(&self, file: &FoundFile) -> PortResult<Verdict> {
        let key = SidecarKey::new(self.content, file.kind.clone(), file.variant.clone());
        let stamp = match self.engine.ports.vault.locate(&key, &file.format) {
            Ok(there) => there.map(|there| there.stamp),
            Err(error) => return Ok(Verdict::Unreadable(error.in_full())),
        };
        match stamp.and_then(|stamp| self.verdicts.of(&key, &file.format, stamp)) {
            Some(verdict) => Ok(verdict.clone()),
            None => self.engine.examine(self.content, file, self.manifest).await,
        }
    }

    /// Reports a file that is left alone.
    fn name(&mut self, file: &FoundFile, reason: String) {
        self.report.unknown.push(Stranger {
            content: Some(self.content),
            name: format!("{}/{}.{}", file.kind.folder(), file.variant, file.format),
            reason,
        });
    }

    /// Its row is to be made again.
    fn gone(&mut self, key: SidecarKey) {
        let row = self.rows.iter().find(|row| row.key == key);
        match row.map(|row| &row.source) {
            None | Some(SidecarSource::Generator(_)) => self.changes.gone.push(key),
            Some(_) => self.changes.unmake.push(key),
        }
    }

    /// A file that is not what it should be: its row is to be made again.
    fn set_aside(&mut self, file: &FoundFile, damage: Damage) {
        self.report.repaired += 1;
        let (kind, variant) = (file.kind.clone(), file.variant.clone());
        let key = SidecarKey::new(self.content, kind, variant);
        let aside = (key.clone(), file.format.clone(), damage);
        self.changes.aside.push(aside);
        self.gone(key);
    }

    fn condemn(&mut self, suspect: &Suspect) {
        let Suspect { row, wrong } = suspect;
        let is_same = |now: &&SidecarRecord| {
            let same = (&now.key, &now.format, now.digest) == (&row.key, &row.format, row.digest);
            same && now.status == Status::Ready
        };
        let Some(row) = self.rows.iter().find(is_same) else {
            return;
        };
        let Some(file) = self.files.iter().find(|file| is_of(file, row)) else {
            return;
        };
        match wrong {
            Wrong::Unread(why) => self.name(file, why.clone()),
            Wrong::Damaged(stamp, damage) => {
                let located = self.engine.ports.vault.locate(&row.key, &row.format);
                match located {
                    // Somebody who touched it since was told of as well.
                    Ok(now) if now.as_ref().is_some_and(|now| now.stamp == *stamp) => {
                        self.set_aside(file, *damage);
                    }
                    Ok(_) => {}
                    Err(error) => self.name(file, error.in_full()),
                }
            }
        }
    }

    /// Collects what its manifest has to say otherwise; `sums` says whether these are in step with
    /// it.
    pub(super) async fn amend(&mut self, sums: bool) -> PortResult<()> {
        let lost = |key: &SidecarKey| {
            let of = |keys: &[SidecarKey]| keys.contains(key);
            of(&self.changes.gone) || of(&self.changes.unmake)
        };
        let rows = self.rows.iter().filter(|row| !lost(&row.key));
        let mut vouched: Vec<_> = rows.filter_map(|row| self.vouched(row)).collect();
        let adopted = self.changes.adopt.iter().rev();
        let adopted = adopted.take_while(|adoption| adoption.key.content == self.content);
        vouched.extend(adopted.map(|adoption| self.adopted(adoption)));
        let mut drift = drift(self.manifest, &vouched, self.files);
        let running = |(kind, variant): &(Kind, Variant)| {
            self.rows.iter().any(|row| {
                let of = (&row.key.kind, &row.key.variant);
                row.status == Status::Running && of == (kind, variant)
            })
        };
        drift.gone.retain(|entry| !running(entry));
        let in_step = drift.is_none() && sums;
        if self.options.dry_run {
            self.report.amended += u64::from(!in_step);
            return Ok(());
        }
        // Being thorough also means to read the sums.
        if in_step && !self.options.verify_all {
            return Ok(());
        }
        let amendment = Amendment {
            set: drift.set,
            gone: drift.gone,
            source: self.source().await?,
        };
        self.changes.amend.push((self.content, amendment));
        Ok(())
    }

    /// The original, where no manifest names it any more.
    async fn source(&self) -> PortResult<Option<(u64, vss_core::Digest)>> {
        let digest = self.rows.iter().find_map(|row| row.source_digest);
        let (None, Some(digest)) = (self.manifest, digest) else {
            return Ok(None);
        };
        let known = self.engine.ports.catalog.find(&[self.content]).await?;
        Ok(known.first().map(|record| (record.size, digest)))
    }

    /// What the manifest is to say of a row whose file is there.
    fn vouched(&self, row: &SidecarRecord) -> Option<ManifestEntry> {
        let (size, blake3) = (row.size?, row.digest?);
        let is_here = |file: &&FoundFile| is_of(file, row) && file.size == size;
        self.files.iter().find(is_here)?;
        let settled = row.status != Status::Running && is_managed(row);
        settled.then(|| ManifestEntry {
            kind: row.key.kind.clone(),
            variant: row.key.variant.clone(),
            format: row.format.clone(),
            size,
            blake3,
            source: row.source.clone(),
            generator_version: row.version.clone(),
            created_at: row.updated_at,
        })
    }

    /// What it is to say of a file that gets a row.
    fn adopted(&self, adoption: &Adoption) -> ManifestEntry {
        ManifestEntry {
            kind: adoption.key.kind.clone(),
            variant: adoption.key.variant.clone(),
            format: adoption.format.clone(),
            size: adoption.size,
            blake3: adoption.digest,
            source: adoption.source.clone(),
            generator_version: adoption.version.clone(),
            created_at: self.engine.ports.clock.now(),
        }
    }
}

/// A row that waits for a file which only an original can give.
fn is_unmade(row: &SidecarRecord, files: &[FoundFile]) -> bool {
    let waits = matches!(
        row.status,
        Status::Pending | Status::Failed | Status::Quarantined | Status::Evicted
    );
    let has_file = files
        .iter()
        .any(|f| f.kind == row.key.kind && f.variant == row.key.variant);
    waits && !has_file
}

/// Whether its file lies in the vault.
fn is_managed(row: &SidecarRecord) -> bool {
    row.source != SidecarSource::Reference
}

fn is_of(file: &FoundFile, row: &SidecarRecord) -> bool {
    (&file.kind, &file.variant, &file.format) == (&row.key.kind, &row.key.variant, &row.format)
}

/// A row as the comparison needs it.
pub(super) fn known_row(row: &RowOutline) -> KnownRow {
    KnownRow {
        kind: row.kind.clone(),
        variant: row.variant.clone(),
        format: row.format.clone(),
        status: row.status,
        vouched_size: row.size,
        is_reference: row.source == SidecarSource::Reference,
    }
}
