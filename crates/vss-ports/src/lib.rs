//! The ports of the Virtual Sidecar System: what the use cases need of the world, one role a file.
//!
//! A port is a trait, the plain records it passes and a `# Contract`: a list in which every
//! sentence is one check in `vss-conformance`, run by every adapter. To add a port: write the
//! trait in a file named after the role, give it a contract, write the file of the same name in
//! `vss-conformance`, give `vss-testkit` an in-memory adapter, and only then a real one.
//!
//! No port names a database, a runtime or an engine, so that a host can bring its own adapters.
//! Methods are one atomic intention each. Absence is `Option`; a failure is a [`PortError`] whose
//! kind says what the caller may do. Time is handed in by the caller, who asks the [`Clock`].

mod attempt;
mod catalog;
mod clock;
mod control;
mod conversion;
mod entropy;
mod error;
mod event_sink;
mod generator;
mod job_host;
mod mover;
mod ports;
mod queue;
mod reference;
mod store;
mod vault;
mod watcher;

pub use attempt::{AttemptOutcome, AttemptRecord, AttemptUsage};
pub use catalog::{
    CatalogCounts, ChangeSeq, ContentCatalog, ContentRecord, EntryRecord, FolderRecord, HalfRecord,
    Identified, LocationRecord, OpenOriginal, OriginalRecord, RefreshObserver, RefreshOptions,
    RefreshProblem, RefreshReport, Revisit,
};
pub use clock::Clock;
pub use control::{Maker, QueueControl, QueueDepth, Selection};
pub use conversion::{Conversion, ConversionJournal, MoveEnd, MovePhase};
pub use entropy::Entropy;
pub use error::{PortError, PortErrorKind, PortResult};
pub use event_sink::{Event, EventSink};
pub use generator::{CancelToken, GenerateFailure, GenerateJob, Generator, JobOutput, Produced};
pub use job_host::{JobHost, JobUsage, Unlimited};
pub use mover::{FileIdentity, Move, MoveError, Mover, OriginalPlace, OriginalPlaceError};
pub use ports::Ports;
pub use queue::{
    Claim, ClaimOrder, ClaimRequest, ClaimedOutput, Commit, CommitOutcome, EnqueueBatch,
    EnqueueItem, EnqueueReport, Failure, LeaseOwner, Publisher, Recovery, SidecarQueue, Watermark,
};
pub use reference::{Reference, ReferenceRecord, ReferenceStore, ReferenceTarget, Referral};
pub use store::{
    Adoption, ContentOutline, FailureNote, Invalidation, Lease, PresenceRow, RowOutline,
    SidecarCounts, SidecarRecord, SidecarStore,
};
pub use vault::{
    Amendment, FileStamp, LocalFile, Publication, ScannedContent, ScannedStranger, Sealed, Staged,
    Vault,
};
pub use watcher::{Change, Coverage, Watch, WatchRequest, Watcher};
