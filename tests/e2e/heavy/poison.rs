//! Files that abort, loop, allocate, fork, write without end and overflow their stack, among good
//! ones, in a library that is wired as the program is: real rows, real files, real workers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vss_core::plan::{Ability, GeneratorDescriptor, Policy};
use vss_core::{ContentUuid, FailureClass, Kind, Status};
use vss_engine::{Engine, RunOptions, Settings};
use vss_ports::{
    Clock, Event, LeaseOwner, Ports, RefreshObserver, RefreshProblem, SidecarRecord, SidecarStore,
};
use vss_sandbox::{SandboxedGenerator, WorkerLimits, WorkerSettings};
use vss_store_seaorm::{SeaOrmStore, StoreOptions};
use vss_system::{BroadcastSink, OsEntropy, SystemClock};
use vss_testkit::catalog::MemoryCatalog;
use vss_testkit::poison::PoisonGenerator;
use vss_vault_fs::{FsVault, FsVaultOptions};

use super::{rounds, say_pairs};
use crate::program::built;

const GOOD: u32 = 3_000;
/// What kills, hangs or starves its worker.
const HARMFUL: [&str; 7] = [
    "abort",
    "loop",
    "allocate",
    "overflow_stack",
    "panic",
    "sleep",
    "segfault",
];
/// What is found out and refused without harm.
const REFUSED: [&str; 4] = ["write_forever", "fork", "lie", "babble"];

struct Deaf;

impl RefreshObserver for Deaf {
    fn progress(&self, _: u64, _: u64) {}

    fn problem(&self, problem: RefreshProblem) {
        panic!("{problem:?}");
    }
}

/// What became of a library with good files and with these words.
struct Outcome {
    rows: Vec<SidecarRecord>,
    poison: BTreeSet<ContentUuid>,
    /// Until the last good file was made.
    good_after: Duration,
}

async fn outcome(words: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let catalog = MemoryCatalog::new();
    let input: vss_core::MediaType = PoisonGenerator::INPUT.parse().unwrap();
    // Files of no work at all are over so soon that starting a worker anew counts for many.
    let good = if rounds(1) == 1 { "good" } else { "work" };
    let mut poison = BTreeSet::new();
    for number in 0..GOOD {
        catalog.add(format!("{good} {number}").as_bytes(), input.clone());
        // Spread among the good ones.
        if let Some(word) = words
            .get(number as usize / 20)
            .filter(|_| number % 20 == 10)
        {
            poison.insert(catalog.add(format!("{word} {number}").as_bytes(), input.clone()));
        }
    }
    let descriptor = GeneratorDescriptor {
        generator: vss_core::GeneratorRef {
            id: "probe".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
        },
        abilities: vec![Ability {
            inputs: vec![input],
            kinds: vec![Kind::THUMB],
        }],
    };
    let worker = WorkerSettings {
        limits: WorkerLimits {
            wall: Duration::from_millis(500),
            cpu: Duration::from_secs(1),
            no_progress: Duration::from_millis(500),
            file_size: 1 << 20,
            ..WorkerLimits::IMAGE
        },
        ..WorkerSettings::image(descriptor, built("vss-worker-probe"))
    };
    let rows = folder.path().join("sidecars.db");
    let store = SeaOrmStore::open(&rows, &StoreOptions::default()).await;
    let store = Arc::new(store.unwrap());
    let files = folder.path().join("sidecars");
    std::fs::create_dir(&files).unwrap();
    let files = Arc::new(FsVault::open(&files, FsVaultOptions::default()).unwrap());
    let events = BroadcastSink::new(1 << 16);
    let mut heard = events.listen();
    let expected = GOOD as usize * 3;
    let clock = Arc::new(SystemClock);
    let ports = Ports {
        store: Arc::clone(&store) as _,
        queue: Arc::clone(&store) as _,
        control: Arc::clone(&store) as _,
        references: Arc::clone(&store) as _,
        conversions: Arc::clone(&store) as _,
        mover: Arc::clone(&files) as _,
        vault: files,
        catalog: Arc::new(catalog),
        generators: vec![Arc::new(SandboxedGenerator::new(worker))],
        clock: Arc::clone(&clock) as _,
        entropy: Arc::new(OsEntropy),
        events: Arc::new(events),
    };
    let settings = Settings::new(Policy::standard(), 2);
    let engine = Arc::new(Engine::new(ports, settings, LeaseOwner::new("poison")));
    engine.index(&[], &Default::default(), &Deaf).await.unwrap();
    let started = Instant::now();
    let good_after = tokio::spawn(async move {
        let mut ready = 0;
        while ready < expected {
            if let Event::SidecarReady { .. } = heard.recv().await.unwrap() {
                ready += 1;
            }
        }
        started.elapsed()
    });
    loop {
        let options = RunOptions {
            sole_owner: true,
            ..RunOptions::default()
        };
        engine.run(&options).await.unwrap();
        let rows = store.page(None, None, usize::MAX).await.unwrap();
        // What backs off is due in a few seconds.
        let next = rows.iter().filter_map(|row| row.not_before).min();
        let Some(next) = next else {
            return Outcome {
                rows,
                poison,
                good_after: good_after.await.unwrap(),
            };
        };
        clock.sleep(next.since(clock.now())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_poison_is_set_aside_and_everything_else_is_made() {
    let words: Vec<&str> = HARMFUL
        .into_iter()
        .chain(REFUSED)
        .cycle()
        .take(22)
        .collect();
    let mut pairs = Vec::new();
    for round in 0..rounds(1).div_ceil(2) {
        // In turns, so that neither always has the quieter half of the time.
        let (alone, among) = if round % 2 == 0 {
            let alone = outcome(&[]).await;
            (alone, outcome(&words).await)
        } else {
            let among = outcome(&words).await;
            (outcome(&[]).await, among)
        };
        pairs.push((alone.good_after, among.good_after));
        exactly_the_poison_is_aside(&among, &words);
    }
    let label = format!(
        "{GOOD} good files: by themselves, among {} poisoned",
        words.len()
    );
    say_pairs(&label, &pairs);
}

fn exactly_the_poison_is_aside(among: &Outcome, words: &[&str]) {
    let Outcome { rows, poison, .. } = among;
    assert_eq!(poison.len(), words.len());
    assert_eq!(rows.len(), (GOOD as usize + poison.len()) * 3);
    for row in rows {
        let class = row.failure.as_ref().map(|failure| failure.class);
        let harmful = class.is_some_and(FailureClass::is_harmful);
        match (poison.contains(&row.key.content), harmful) {
            (false, _) => assert_eq!(row.status, Status::Ready, "{}", row.key),
            (true, true) => assert_eq!(row.status, Status::Quarantined, "{}", row.key),
            (true, false) => assert_eq!(row.status, Status::Failed, "{} {class:?}", row.key),
        }
    }
    let aside = rows.iter().filter(|row| row.status == Status::Quarantined);
    assert!(aside.count() >= HARMFUL.len() * 3, "all that harms");
}
