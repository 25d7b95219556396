//! Decides for files that are new or edited which content they are: that of an entry whose file was
//! moved here, or what their bytes say.

use std::io;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::Semaphore;
use vss_core::EntryId;
use vss_ports::{PortError, PortErrorKind, PortResult, RefreshProblem};

use crate::lookup::OldPlace;
use crate::original::{self, FileStat, Found, Reading};
use crate::refresh::blocking;

/// Files that one thread reads before it hands on what it knows.
const CHUNK: usize = 64;

/// What a file turned out to be.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The file of this entry, which is not where it was.
    Moved(EntryId),
    /// A content, by its bytes.
    Read(Reading),
    /// Nothing that can be indexed.
    Failed(RefreshProblem),
}

/// Settles all of them, in order, with as many threads as `readers` has permits.
pub(crate) async fn settle(
    readers: &Arc<Semaphore>,
    files: Vec<(Found, Vec<OldPlace>)>,
) -> PortResult<Vec<(Found, Outcome)>> {
    let mut files = files.into_iter();
    let chunks = std::iter::from_fn(|| {
        let chunk: Vec<_> = files.by_ref().take(CHUNK).collect();
        (!chunk.is_empty()).then_some(chunk)
    });
    let read = |chunk: Vec<(Found, Vec<OldPlace>)>| async move {
        let permit = Arc::clone(readers).acquire_owned().await.map_err(|error| {
            PortError::new(PortErrorKind::Unexpected, "wait for a reader", error)
        })?;
        blocking(move || {
            let mut buffer = Vec::new();
            let settled = chunk
                .into_iter()
                .map(|(found, places)| {
                    let outcome = one(&found, &places, &mut buffer);
                    (found, outcome)
                })
                .collect::<Vec<_>>();
            drop(permit);
            settled
        })
        .await
    };
    // More than there are threads, so that none of them waits for this task.
    let ahead = 2 * readers.available_permits().max(1) + 2;
    stream::iter(chunks.map(read))
        .buffered(ahead)
        .try_concat()
        .await
}

fn one(found: &Found, places: &[OldPlace], buffer: &mut Vec<u8>) -> Outcome {
    if let Some(place) = places.iter().find(|place| has_left(place, &found.stat)) {
        return Outcome::Moved(place.entry);
    }
    let path = found.path();
    match original::read(&path, buffer) {
        Ok(reading) => Outcome::Read(reading),
        Err(unread) => Outcome::Failed(unread.problem(path)),
    }
}

/// Whether a file is not at a place any more. Where that cannot be told, it may be.
fn has_left(place: &OldPlace, stat: &FileStat) -> bool {
    match place.path.symlink_metadata() {
        Ok(metadata) => {
            let there = FileStat::of(&metadata);
            (there.device, there.inode) != (stat.device, stat.inode)
        }
        Err(error) => matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        ),
    }
}
