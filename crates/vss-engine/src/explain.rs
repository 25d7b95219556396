//! Explain: for each sidecar of a content why it is there, missing, failed or queued, and what to
//! do.

use std::path::PathBuf;

use vss_core::companion;
use vss_core::plan::WantedOutput;
use vss_core::{
    ContentUuid, FailureClass, Kind, MediaType, SidecarSource, Status, Timestamp, Variant,
};
use vss_ports::{AttemptRecord, ContentRecord, PortError, SidecarRecord};

use crate::{Engine, PathAnswer};

/// All about one content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The content.
    pub content: ContentUuid,
    /// What it is; `None` when the catalog does not know it.
    pub media_type: Option<MediaType>,
    /// Its size in bytes, if the catalog knows it.
    pub size: Option<u64>,
    /// Where its originals are.
    pub originals: Vec<PathBuf>,
    /// Its sidecars: those that exist and those that should.
    pub sidecars: Vec<ExplainedSidecar>,
    /// In a word.
    pub verdict: Verdict,
}

/// What a content's sidecars come to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// All that it should have is there.
    Complete,
    /// Something is still to be made.
    Working,
    /// Something failed.
    Failed,
    /// Nothing makes sidecars from such a file.
    Unsupported,
    /// The catalog does not know it.
    Unknown,
}

/// All about one sidecar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExplainedSidecar {
    /// Its kind.
    pub kind: Kind,
    /// Its variant.
    pub variant: Variant,
    /// Whether it is a file of the vault, or is to be one; else it is an original.
    pub managed: bool,
    /// Its state; `None` when it is wanted and was never queued.
    pub status: Option<Status>,
    /// Why it is as it is.
    pub reason: String,
    /// What to do, when there is something to do.
    pub remedy: Option<String>,
    /// The class of its failure.
    pub class: Option<FailureClass>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, when it waits.
    pub next_attempt: Option<Timestamp>,
    /// Since when its kind is held, when it is to be made and therefore is not.
    pub held_since: Option<Timestamp>,
    /// The attempts that the queue remembers, the newest last.
    pub history: Vec<AttemptRecord>,
}

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
#[error("the content could not be looked up")]
pub struct ExplainError(#[from] PortError);

impl Engine {
    /// Explains one content.
    ///
    /// # Errors
    /// [`ExplainError`] when a port fails.
    pub async fn explain(&self, content: ContentUuid) -> Result<Explanation, ExplainError> {
        let record = self
            .ports
            .catalog
            .find(&[content])
            .await?
            .into_iter()
            .next();
        let originals = self.ports.catalog.originals(content).await?;
        let rows = self.ports.store.of_content(content).await?;
        let wanted = record
            .as_ref()
            .map(|r| self.wanted_outputs(&r.media_type))
            .unwrap_or_default();
        let held = self.ports.control.paused().await?;
        let mut sidecars = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut sidecar = match row.source {
                SidecarSource::Reference => self.explain_reference(row).await?,
                _ => self.explain_row(row)?,
            };
            sidecar.history = self.ports.store.attempts(&row.key).await?;
            if row.status == Status::Pending {
                sidecar.hold(&held);
            }
            sidecars.push(sidecar);
        }
        let missing = wanted
            .iter()
            .filter(|w| !rows.iter().any(|row| is_row_of(row, w)));
        sidecars.extend(missing.map(never_queued));
        let verdict = verdict(record.as_ref(), &sidecars);
        Ok(Explanation {
            content,
            media_type: record.as_ref().map(|r| r.media_type.clone()),
            size: record.as_ref().map(|r| r.size),
            originals: originals.into_iter().map(|o| o.path).collect(),
            sidecars,
            verdict,
        })
    }

    pub(crate) fn explain_row(&self, row: &SidecarRecord) -> Result<ExplainedSidecar, PortError> {
        let file = self.ports.vault.locate(&row.key, &row.format)?;
        let maker = match &row.version {
            Some(version) => format!("{} {version}", row.source),
            None => row.source.to_string(),
        };
        let (reason, remedy) = match (row.status, &row.failure) {
            (Status::Ready, _) if file.is_some() => (format!("made by {maker}"), None),
            (Status::Ready, _) => (
                "its row says ready, but the file is gone".into(),
                Some("`vss reconcile`, then `vss run`".into()),
            ),
            (Status::Running, _) => (format!("being made by {maker}"), None),
            (Status::Pending, Some(last)) => (
                format!("waits after a failure ({}): {}", last.class, last.detail),
                Some(last.class.remedy().to_owned()),
            ),
            (Status::Pending, None) if !matches!(row.source, SidecarSource::Generator(_)) => (
                format!("its file is gone, and no generator made it ({maker})"),
                Some("put a copy of it in its place and `vss reconcile`".to_owned()),
            ),
            (Status::Pending, None) if !self.has(&row.source) => (
                format!("queued for {maker}, which is not part of this program"),
                Some("use the program that queued it, or `vss queue cancel` it".to_owned()),
            ),
            (Status::Pending, None) => {
                (format!("queued for {maker}"), Some("`vss run`".to_owned()))
            }
            (Status::Evicted, _) => (
                format!("was made by {maker}, and made room for others"),
                Some(
                    "`vss path` brings it back; [quota] in vss.toml says how much may stay".into(),
                ),
            ),
            (status, Some(last)) => (
                format!("{status} ({}): {}", last.class, last.detail),
                Some(last.class.remedy().to_owned()),
            ),
            (status, None) => (
                format!("{status} for no known reason"),
                Some("`vss retry`".into()),
            ),
        };
        Ok(ExplainedSidecar {
            kind: row.key.kind.clone(),
            variant: row.key.variant.clone(),
            managed: true,
            status: Some(row.status),
            reason,
            remedy,
            class: row.failure.as_ref().map(|failure| failure.class),
            attempts: row.attempt,
            next_attempt: row.not_before.filter(|_| row.failure.is_some()),
            held_since: None,
            history: Vec::new(),
        })
    }

    async fn explain_reference(&self, row: &SidecarRecord) -> Result<ExplainedSidecar, PortError> {
        let target = self.reference_of(row).await?.map(|one| one.target);
        let why = match target {
            Some(target) => {
                let relation = target.relation.as_str();
                let confidence = companion::confidence(&target.relation, target.evidence).as_str();
                format!("{relation} by {} ({confidence})", target.evidence)
            }
            None => "nothing".to_owned(),
        };
        let (reason, remedy) = match self.referenced(row).await? {
            PathAnswer::Ready { file, part, .. } => {
                let path = file.path.display();
                let part = part.map_or_else(String::new, |part| {
                    format!(", bytes {} to {}", part.offset, part.offset + part.length)
                });
                (format!("is {path}{part}: {why}"), None)
            }
            PathAnswer::Failed { detail, .. } => (format!("{why}; {detail}"), None),
            PathAnswer::Pending { .. } => (why, None),
        };
        Ok(ExplainedSidecar {
            kind: row.key.kind.clone(),
            variant: row.key.variant.clone(),
            managed: false,
            status: Some(row.status),
            reason,
            remedy,
            class: row.failure.as_ref().map(|failure| failure.class),
            attempts: 0,
            next_attempt: None,
            held_since: None,
            history: Vec::new(),
        })
    }

    /// Whether whoever is to make it is here.
    fn has(&self, source: &SidecarSource) -> bool {
        let generators = self.descriptors.iter().map(|d| &d.generator.id);
        match source {
            SidecarSource::Generator(id) => generators.into_iter().any(|here| here == id),
            _ => true,
        }
    }
}

impl ExplainedSidecar {
    /// Says that its kind is held, if it is among these.
    fn hold(&mut self, held: &[(Kind, Timestamp)]) {
        let Some((kind, since)) = held.iter().find(|(kind, _)| *kind == self.kind) else {
            return;
        };
        self.held_since = Some(*since);
        self.reason = format!("{}; {kind} is held", self.reason);
        self.remedy = Some(format!("`vss queue resume {kind}`"));
    }
}

pub(crate) fn is_row_of(row: &SidecarRecord, wanted: &WantedOutput) -> bool {
    row.key.kind == wanted.kind && row.key.variant == wanted.variant
}

fn never_queued(wanted: &WantedOutput) -> ExplainedSidecar {
    ExplainedSidecar {
        kind: wanted.kind.clone(),
        variant: wanted.variant.clone(),
        managed: true,
        status: None,
        reason: "wanted, but not queued yet".into(),
        remedy: Some("`vss index` the folder, then `vss run`".into()),
        class: None,
        attempts: 0,
        next_attempt: None,
        held_since: None,
        history: Vec::new(),
    }
}

/// Whether it was made, and nothing more is to be done.
fn is_settled(status: Status) -> bool {
    matches!(status, Status::Ready | Status::Evicted)
}

fn verdict(record: Option<&ContentRecord>, sidecars: &[ExplainedSidecar]) -> Verdict {
    let any = |wanted: fn(Status) -> bool| sidecars.iter().any(|s| s.status.is_some_and(wanted));
    match record {
        None if sidecars.is_empty() => Verdict::Unknown,
        Some(_) if sidecars.is_empty() => Verdict::Unsupported,
        _ if any(|s| matches!(s, Status::Failed | Status::Quarantined)) => Verdict::Failed,
        _ if sidecars.iter().all(|s| s.status.is_some_and(is_settled)) => Verdict::Complete,
        _ => Verdict::Working,
    }
}
