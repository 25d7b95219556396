//! Making sidecars from the bytes of an original.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vss_core::plan::{DecodeLimits, GeneratorDescriptor, Recipe};
use vss_core::{FailureClass, Format, MediaType};

use crate::JobHost;

/// Makes every wanted output of one original from one pass over it.
///
/// It gets descriptors, never paths, so that it can run in a process that may open nothing. It
/// blocks: the caller owns the thread and runs as many jobs side by side as it likes. The position
/// of the descriptors is unspecified; use positional reads and writes or seek first.
///
/// # Contract
/// - Every output is answered, in the order of the job's outputs.
/// - An output that was produced is a whole file of its format and at least one byte long.
/// - The source is not changed.
/// - A source of a media type that the descriptor does not list fails as `unsupported`.
/// - A source that is not what its media type says fails as `corrupt_source` or `unsupported`.
/// - An empty source fails as `corrupt_source`.
/// - A source beyond the limits fails as `too_large` before its pixels are decoded.
/// - Memory for a good original's pixels is reserved once, before anything is made of it.
/// - A refused reservation fails the job with the host's failure and produces nothing.
/// - Progress is told at least once for each output that was made.
/// - What the job cost is told at most once, after everything else.
/// - A recipe it does not know fails that output as `unsupported` and no other.
/// - The same job gives the same bytes again.
/// - A job whose token is cancelled before it starts produces nothing and fails as `timeout`.
/// - Jobs may run side by side.
/// - A failed job leaves the generator usable.
pub trait Generator: Send + Sync {
    /// What it reads and makes, under which name and version.
    fn descriptor(&self) -> &GeneratorDescriptor;

    /// Makes the outputs; blocks until done.
    ///
    /// # Errors
    /// [`GenerateFailure`] when the source as a whole cannot be used. Otherwise one result an
    /// output.
    fn generate(
        &self,
        job: &GenerateJob<'_>,
    ) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure>;
}

/// One original and what is wanted of it.
#[derive(Debug)]
pub struct GenerateJob<'a> {
    /// The original, open for reading.
    pub source: &'a File,
    /// Its size in bytes.
    pub source_size: u64,
    /// What it is, by its content.
    pub media_type: &'a MediaType,
    /// What it may claim to be at most.
    pub limits: DecodeLimits,
    /// What is wanted.
    pub outputs: &'a [JobOutput<'a>],
    /// Whom it asks for memory and tells how it goes.
    pub host: &'a dyn JobHost,
    /// Stops the work early.
    pub cancel: CancelToken,
}

/// One wanted output.
#[derive(Debug)]
pub struct JobOutput<'a> {
    /// Its file format.
    pub format: &'a Format,
    /// How it is made.
    pub recipe: &'a Recipe,
    /// Where it goes: an empty file, open for reading and writing.
    pub file: &'a File,
}

/// One output that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Produced {
    /// Width in pixels, for pictures.
    pub width: u32,
    /// Height in pixels, for pictures.
    pub height: u32,
    /// What was lost, when the source was damaged but something could be made of it.
    pub degraded: Option<String>,
}

/// Why something could not be made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{class}: {detail}")]
pub struct GenerateFailure {
    /// The class that decides what happens next.
    pub class: FailureClass,
    /// For a person: a lower-case fragment without the file's name.
    pub detail: String,
}

impl GenerateFailure {
    /// A failure of a class.
    pub fn new(class: FailureClass, detail: impl Into<String>) -> Self {
        Self {
            class,
            detail: detail.into(),
        }
    }
}

/// Says "stop" to a running job, from any thread.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that nobody has used yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the job to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the job should stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
