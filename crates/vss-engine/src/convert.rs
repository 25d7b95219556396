//! Convert: moves originals that serve as sidecars into the vault, and back, because a person asked
//! for it.
//!
//! ```text
//! conversions.begin (durable) ─> mover.take ─> conversions.finish: the row is managed
//!                                    └─ refused, the file stays ─> conversions.finish: undone
//! ```
//!
//! Whatever ends it in between, [`Engine::finish_moves`] finishes it: the mover goes on from
//! wherever the file is.

use std::path::PathBuf;

use vss_core::companion::Relation;
use vss_core::{ContentUuid, Kind, SidecarKey, SidecarSource, Status};
use vss_ports::{
    Conversion, Event, Move, MoveEnd, MoveError, MovePhase, OriginalPlace, PortError,
    PortErrorKind, PortResult, Reference, ReferenceRecord,
};

use crate::Engine;

/// Originals looked at in one step.
const PAGE: usize = 256;

/// Which references are meant; everything that is given must hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConvertScope {
    /// Of these contents; of any when `None`.
    pub contents: Option<Vec<ContentUuid>>,
    /// Of this kind.
    pub kind: Option<Kind>,
}

impl ConvertScope {
    fn means(&self, key: &SidecarKey) -> bool {
        let content = self.contents.as_ref();
        content.is_none_or(|contents| contents.contains(&key.content))
            && self.kind.as_ref().is_none_or(|kind| *kind == key.kind)
    }
}

/// One sidecar that was moved, or would be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Converted {
    /// Which.
    pub key: SidecarKey,
    /// Where it is as an original.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
}

/// One sidecar that was not moved.
#[derive(Debug)]
pub struct ConvertRefusal {
    /// Which.
    pub key: SidecarKey,
    /// Where its original is, where that is known.
    pub path: Option<PathBuf>,
    /// For a person, with what to do.
    pub detail: String,
    /// Whether the file may be on its way still, and the next start finishes the move.
    pub unfinished: bool,
}

/// What became of several.
#[derive(Debug, Default)]
pub struct ConvertReport {
    /// Moved, or to be moved.
    pub converted: Vec<Converted>,
    /// Left where they are.
    pub refused: Vec<ConvertRefusal>,
}

/// Why converting stopped. A file that cannot be moved does not stop it.
#[derive(Debug, thiserror::Error)]
#[error("the sidecars could not be looked up")]
pub struct ConvertError(#[from] PortError);

/// Why one file is not moved.
struct Refusal {
    path: Option<PathBuf>,
    detail: String,
    unfinished: bool,
}

impl Refusal {
    fn new(path: Option<PathBuf>, detail: impl Into<String>) -> Self {
        Self {
            path,
            detail: detail.into(),
            unfinished: false,
        }
    }
}

impl Engine {
    /// Moves the originals of references into the vault; with `dry_run` only says which.
    ///
    /// # Errors
    /// [`ConvertError`]; what was moved until then is managed.
    pub async fn convert(
        &self,
        scope: &ConvertScope,
        dry_run: bool,
        moved: &(dyn Fn(&Converted) + Sync),
    ) -> Result<ConvertReport, ConvertError> {
        let mut report = ConvertReport::default();
        let mut after = None;
        loop {
            let page = self.ports.references.references(after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(report);
            };
            after = Some(last.target.entry);
            for one in page.iter().filter(|one| scope.means(&one.row.key)) {
                match self.convert_one(one, dry_run).await? {
                    Ok(converted) => {
                        moved(&converted);
                        report.converted.push(converted);
                    }
                    Err(refusal) => report.refused.push(told(&one.row.key, refusal)),
                }
            }
        }
    }

    async fn convert_one(
        &self,
        reference: &ReferenceRecord,
        dry_run: bool,
    ) -> PortResult<Result<Converted, Refusal>> {
        let conversion = match self.intended(reference).await? {
            Ok(conversion) => conversion,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let path = conversion.file.place.path();
        let converted = Converted {
            key: reference.row.key.clone(),
            path: path.clone(),
            size: conversion.file.identity.size,
        };
        if dry_run {
            return Ok(self.would_move(&conversion).await?.map(|()| converted));
        }
        let now = self.ports.clock.now();
        match self.ports.conversions.begin(&conversion, now).await {
            Ok(()) => {}
            Err(error) if error.kind == PortErrorKind::Conflict => {
                let detail = "it is being moved already";
                return Ok(Err(Refusal::new(Some(path), detail)));
            }
            Err(error) => return Err(error),
        }
        let taken = self.ports.mover.take(&conversion.file).await;
        let end = self.end(&conversion, taken, MoveEnd::Taken).await?;
        Ok(end.map(|()| {
            let (key, size) = (converted.key.clone(), converted.size);
            self.ports.events.emit(Event::SidecarReady { key, size });
            converted
        }))
    }

    /// What is to be written down before the move, or why there is none.
    async fn intended(
        &self,
        reference: &ReferenceRecord,
    ) -> PortResult<Result<Conversion, Refusal>> {
        let refuse = |path, detail: &str| Ok(Err(Refusal::new(path, detail)));
        let (row, target) = (&reference.row, &reference.target);
        let entry = self.ports.catalog.entries(&[target.entry]).await?.pop();
        let path = entry.as_ref().map(|record| record.path.clone());
        let (Some(record), Status::Ready, Some(digest)) = (entry, row.status, row.digest) else {
            return refuse(
                path,
                "its original is gone: bring it back, then index its folder",
            );
        };
        if matches!(target.relation, Relation::MotionPhoto(_)) {
            let detail = "it is a part of the photo and cannot be moved: `vss path --extract` copies it into the library";
            return refuse(path, detail);
        }
        if record.entry.content != target.companion {
            return refuse(path, "it changed: index its folder, then look again");
        }
        let others = self.ports.references.referring(&[target.entry]).await?;
        if let Some(other) = others.iter().find(|one| one.row.key != row.key) {
            let detail = format!(
                "it also belongs to {} as {}: unlink it from one of them first",
                other.row.key.content, other.row.key.kind
            );
            return refuse(path, &detail);
        }
        let Ok(place) = OriginalPlace::new(&record.location, &record.path) else {
            return refuse(path, "its path cannot be walked safely");
        };
        Ok(Ok(Conversion {
            file: Move {
                key: row.key.clone(),
                format: row.format.clone(),
                place,
                identity: record.identity,
                digest,
                created_at: row.created_at,
            },
            catalog: self.ports.catalog.instance().await?,
            target: target.clone(),
            phase: MovePhase::Taking,
        }))
    }

    /// What a move would come to, as far as that can be seen without moving anything.
    async fn would_move(&self, conversion: &Conversion) -> PortResult<Result<(), Refusal>> {
        let file = &conversion.file;
        let path = Some(file.place.path());
        let now = self.ports.mover.identity(&file.place).await?;
        if now != Some(file.identity) {
            let detail = "it is not the file that was indexed: index again, then look again";
            return Ok(Err(Refusal::new(path, detail)));
        }
        if self.ports.vault.locate(&file.key, &file.format)?.is_some() {
            let detail = "there is a file at its place in the vault: run `vss reconcile` first";
            return Ok(Err(Refusal::new(path, detail)));
        }
        Ok(Ok(()))
    }

    /// Writes down how a move ended.
    async fn end(
        &self,
        conversion: &Conversion,
        moved: Result<(), MoveError>,
        end: MoveEnd,
    ) -> PortResult<Result<(), Refusal>> {
        let (key, path) = (&conversion.file.key, conversion.file.place.path());
        let (how, refusal) = match moved {
            Ok(()) => (end, None),
            Err(error) if error.stays => {
                let refusal = Refusal::new(Some(path), why(&error));
                (MoveEnd::Undone, Some(refusal))
            }
            Err(error) => {
                tracing::error!(sidecar = %key, path = %path.display(), error = why(&error), "a move is unfinished");
                return Ok(Err(Refusal {
                    path: Some(path),
                    detail: why(&error),
                    unfinished: true,
                }));
            }
        };
        let now = self.ports.clock.now();
        self.ports.conversions.finish(key, how, now).await?;
        Ok(refusal.map_or(Ok(()), Err))
    }

    /// Moves converted sidecars of contents back to where they were. Where the catalog still knows
    /// them there they are references again, elsewhere indexing finds them.
    ///
    /// # Errors
    /// [`ConvertError`]; what was moved until then is back.
    pub async fn revert(
        &self,
        contents: &[ContentUuid],
        kind: Option<&Kind>,
    ) -> Result<ConvertReport, ConvertError> {
        let mut report = ConvertReport::default();
        for content in contents {
            for row in self.ports.store.of_content(*content).await? {
                let meant = kind.is_none_or(|kind| row.key.kind == *kind);
                if row.source != SidecarSource::Converted || !meant {
                    continue;
                }
                match self.revert_one(&row.key).await? {
                    Ok(converted) => report.converted.push(converted),
                    Err(refusal) => report.refused.push(told(&row.key, refusal)),
                }
            }
        }
        Ok(report)
    }

    async fn revert_one(&self, key: &SidecarKey) -> PortResult<Result<Converted, Refusal>> {
        let Some(conversion) = self.ports.conversions.find(key).await? else {
            let detail = "it is not known where it was: it was copied out of a photo, or the database was made again";
            return Ok(Err(Refusal::new(None, detail)));
        };
        let path = conversion.file.place.path();
        let now = self.ports.clock.now();
        match self.ports.conversions.begin_back(key, now).await {
            Ok(()) => {}
            Err(error) if error.kind == PortErrorKind::Conflict => {
                let detail = "it is being moved already";
                return Ok(Err(Refusal::new(Some(path), detail)));
            }
            Err(error) => return Err(error),
        }
        let given = self.ports.mover.give_back(&conversion.file).await;
        if let Err(refusal) = self.end(&conversion, given, MoveEnd::GivenBack).await? {
            return Ok(Err(refusal));
        }
        self.refer_again(&conversion).await?;
        Ok(Ok(Converted {
            key: key.clone(),
            path,
            size: conversion.file.identity.size,
        }))
    }

    /// What was given back is a reference again, if its entry was not forgotten meanwhile.
    async fn refer_again(&self, conversion: &Conversion) -> PortResult<()> {
        let target = &conversion.target;
        let known = self.ports.catalog.entries(&[target.entry]).await?;
        let here = self.ports.catalog.instance().await? == conversion.catalog;
        let same = |record: &vss_ports::EntryRecord| record.entry.content == target.companion;
        if !here || !known.first().is_some_and(same) {
            return Ok(());
        }
        let file = &conversion.file;
        let reference = Reference {
            content: file.key.content,
            kind: file.key.kind.clone(),
            variants: vec![file.key.variant.clone()],
            format: file.format.clone(),
            target: target.clone(),
            size: file.identity.size,
            digest: file.digest,
        };
        let now = self.ports.clock.now();
        self.ports.references.refer(&[reference], now).await?;
        Ok(())
    }

    /// Finishes what an earlier process began to move; answers what is still unfinished. Only for
    /// whoever knows that nobody moves anything right now. Who has the rows to himself finishes also
    /// what was begun under a catalog that was lost; on a server that is another machine's.
    ///
    /// # Errors
    /// [`ConvertError`]; asking again goes on.
    pub async fn finish_moves(&self, sole_owner: bool) -> Result<ConvertReport, ConvertError> {
        let here = self.ports.catalog.instance().await?;
        let catalog = (!sole_owner).then_some(here.as_str());
        let mut report = ConvertReport::default();
        for conversion in self.ports.conversions.unfinished(catalog).await? {
            let file = &conversion.file;
            let ended = match conversion.phase {
                MovePhase::GivingBack => {
                    let given = self.ports.mover.give_back(file).await;
                    let ended = self.end(&conversion, given, MoveEnd::GivenBack).await?;
                    if ended.is_ok() {
                        self.refer_again(&conversion).await?;
                    }
                    ended
                }
                MovePhase::Taking | MovePhase::Managed => {
                    let taken = self.ports.mover.take(file).await;
                    self.end(&conversion, taken, MoveEnd::Taken).await?
                }
            };
            tracing::info!(sidecar = %file.key, done = ended.is_ok(), "an interrupted move was gone on with");
            match ended {
                Ok(()) => report.converted.push(Converted {
                    key: file.key.clone(),
                    path: file.place.path(),
                    size: file.identity.size,
                }),
                Err(refusal) => report.refused.push(told(&file.key, refusal)),
            }
        }
        Ok(report)
    }
}

fn told(key: &SidecarKey, refusal: Refusal) -> ConvertRefusal {
    ConvertRefusal {
        key: key.clone(),
        path: refusal.path,
        detail: refusal.detail,
        unfinished: refusal.unfinished,
    }
}

/// What a mover said, to the cause.
fn why(error: &MoveError) -> String {
    let mut text = error.source.source.to_string();
    let mut cause = error.source.source.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
