//! What the host may want to hear: sidecars that became ready or failed, and how far a job is.

use vss_core::{ContentUuid, FailureClass, SidecarKey};

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A sidecar's file and row are durable.
    SidecarReady {
        /// Which.
        key: SidecarKey,
        /// Its size in bytes.
        size: u64,
    },
    /// A sidecar could not be made this time.
    SidecarFailed {
        /// Which.
        key: SidecarKey,
        /// Why.
        class: FailureClass,
        /// What the engine said.
        detail: String,
        /// Whether it is tried again by itself.
        will_retry: bool,
    },
    /// A sidecar's file was found to be other than its row says, and was set aside.
    SidecarCorrupt {
        /// Which.
        key: SidecarKey,
    },
    /// A sidecar makes room for others: its file goes, and is made again when somebody asks for it.
    SidecarEvicted {
        /// Which.
        key: SidecarKey,
        /// The bytes that become free.
        size: u64,
    },
    /// Sidecars were hashed by a scrub.
    ScrubProgress {
        /// Files hashed so far.
        checked: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// Files were looked at while indexing.
    IndexProgress {
        /// Files seen so far.
        files: u64,
        /// Of these, read and hashed.
        hashed: u64,
    },
    /// Work was planned for a content.
    Planned {
        /// Which.
        content: ContentUuid,
        /// How many sidecars it should have.
        wanted: usize,
    },
}

/// Takes events. Losing one must not matter: the store is the truth.
///
/// # Contract
/// - `emit` returns without waiting for whoever listens.
/// - `emit` is never an error, even when nobody listens.
/// - A listener sees the events of one caller in the order in which they were emitted.
pub trait EventSink: Send + Sync {
    /// Takes one event.
    fn emit(&self, event: Event);
}
