//! What the benchmarks share: contents, batches, a store, and the CPU time of this process.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark looks at files and sizes itself"
)]

use std::ops::Range;
use std::path::Path;

use tokio::runtime::Runtime;
use vss_core::plan::{Recipe, StillRecipe, WantedOutput};
use vss_core::{ContentUuid, Digest, Format, GeneratorRef, Kind, Priority, Timestamp, Variant};
use vss_ports::{EnqueueBatch, EnqueueItem};
use vss_store_seaorm::{SeaOrmStore, StoreOptions};

/// The time of everything: 2026-01-01T00:00:00Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// The variants of every content.
pub const VARIANTS: [Variant; 3] = [Variant::GRID_1X, Variant::GRID_2X, Variant::DETAIL_1X];

/// The generator of every row.
pub fn generator() -> GeneratorRef {
    GeneratorRef {
        id: "image".parse().unwrap(),
        version: "1.0.0".parse().unwrap(),
    }
}

/// Contents as random as real ones.
pub fn content(number: u32) -> ContentUuid {
    let digest = Digest::of(&number.to_le_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    ContentUuid::from_bytes(bytes)
}

/// Contents that want three thumbnails each.
pub fn batch(contents: Range<u32>) -> EnqueueBatch {
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
pub async fn store_at(path: &Path) -> SeaOrmStore {
    let options = StoreOptions::default();
    SeaOrmStore::open(path, &options).await.unwrap()
}

/// A runtime like the program's.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// User and system CPU time of all threads so far, in seconds.
pub fn cpu_seconds() -> f64 {
    let usage = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    usage.tv_sec as f64 + usage.tv_nsec as f64 / 1e9
}

/// Size of a file.
pub fn bytes(path: &Path) -> f64 {
    std::fs::metadata(path).unwrap().len() as f64
}
