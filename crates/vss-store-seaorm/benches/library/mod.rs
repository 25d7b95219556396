//! What the benchmarks share: contents, batches, a store, and the CPU time of this process.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark looks at files and sizes itself"
)]

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use tokio::runtime::Runtime;
use vss_core::plan::{Recipe, StillRecipe, WantedOutput};
use vss_core::{ContentUuid, Digest, Format, GeneratorRef, Kind, Priority, Timestamp, Variant};
use vss_ports::{EnqueueBatch, EnqueueItem};
use vss_store_seaorm::{SeaOrmStore, StoreOptions};

/// The time of everything: 2026-01-01T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// The variants of every content.
pub(crate) const VARIANTS: [Variant; 3] = [Variant::GRID_1X, Variant::GRID_2X, Variant::DETAIL_1X];

/// The generator of every row.
pub(crate) fn generator() -> GeneratorRef {
    GeneratorRef {
        id: "image".parse().unwrap(),
        version: "1.0.0".parse().unwrap(),
    }
}

/// Contents as random as real ones.
pub(crate) fn content(number: u32) -> ContentUuid {
    let digest = Digest::of(&number.to_le_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    ContentUuid::from_bytes(bytes)
}

/// Contents that want three thumbnails each.
pub(crate) fn batch(contents: Range<u32>) -> EnqueueBatch {
    let output = |variant| WantedOutput {
        kind: Kind::THUMB,
        variant,
        format: Format::WEBP,
        recipe: Recipe::Still(StillRecipe {
            max_side: 256,
            quality: 80,
        }),
        generator: generator(),
    };
    let items = contents.map(|number| EnqueueItem {
        content: content(number),
        priority: Priority::New,
        outputs: VARIANTS.map(output).to_vec(),
    });
    EnqueueBatch {
        items: items.collect(),
        watermark: None,
    }
}

/// A store with the options of real use.
pub(crate) async fn store_at(path: &Path) -> SeaOrmStore {
    let options = StoreOptions::default();
    SeaOrmStore::open(path, &options).await.unwrap()
}

/// A runtime like the program's.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// User and system CPU time of all threads so far, in seconds.
pub(crate) fn cpu_seconds() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = u64::try_from(used.tv_sec).unwrap();
    Duration::new(seconds, u32::try_from(used.tv_nsec).unwrap()).as_secs_f64()
}

/// Size of a file.
pub(crate) fn bytes(path: &Path) -> f64 {
    f64::from(u32::try_from(std::fs::metadata(path).unwrap().len()).unwrap())
}
