//! All ports of an engine in one place. A plain struct, so that a missing one is a compile error
//! and a test replaces one and takes the others from `vss_testkit`.

use std::sync::Arc;

use crate::{
    Clock, ContentCatalog, ConversionJournal, Entropy, EventSink, Generator, Mover, QueueControl,
    ReferenceStore, SidecarQueue, SidecarStore, Vault,
};

/// What an engine is wired to.
#[derive(Clone)]
pub struct Ports {
    /// The rows.
    pub store: Arc<dyn SidecarStore>,
    /// The work side of the same rows.
    pub queue: Arc<dyn SidecarQueue>,
    /// A person's side of the same rows.
    pub control: Arc<dyn QueueControl>,
    /// Those of the rows that refer to originals.
    pub references: Arc<dyn ReferenceStore>,
    /// What is being moved.
    pub conversions: Arc<dyn ConversionJournal>,
    /// Moves it.
    pub mover: Arc<dyn Mover>,
    /// The managed files.
    pub vault: Arc<dyn Vault>,
    /// The originals.
    pub catalog: Arc<dyn ContentCatalog>,
    /// The engines, the preferred one first.
    pub generators: Vec<Arc<dyn Generator>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Whoever wants to hear of it.
    pub events: Arc<dyn EventSink>,
}
