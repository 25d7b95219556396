//! Somebody who waits for one picture after the other while a bulk job runs.

use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use vss_core::plan::{GeneratorDescriptor, Policy};
use vss_core::{Digest, Kind, Variant};
use vss_engine::{Engine, RunOptions, Settings, Until};
use vss_ports::{
    CancelToken, Event, GenerateFailure, GenerateJob, Generator, LeaseOwner, Ports, Produced,
    RefreshObserver, RefreshProblem,
};
use vss_store_seaorm::{SeaOrmStore, StoreOptions};
use vss_system::{BroadcastSink, OsEntropy, SystemClock};
use vss_testkit::catalog::MemoryCatalog;
use vss_testkit::generator::FakeGenerator;
use vss_vault_fs::{FsVault, FsVaultOptions};

use crate::program::{Library, is_built, write_jpeg};

/// Contents of the bulk job: with three sidecars each, a hundred thousand rows.
const BULK: u32 = 33_334;
const REQUESTS: usize = 1_000;
const JOB: Duration = Duration::from_millis(10);

/// A generator whose jobs take a while, and that notes what it was given.
struct Busy {
    inner: FakeGenerator,
    begun: Mutex<Vec<Digest>>,
}

impl Generator for Busy {
    fn descriptor(&self) -> &GeneratorDescriptor {
        self.inner.descriptor()
    }

    fn generate(
        &self,
        job: &GenerateJob<'_>,
    ) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure> {
        let mut source = Vec::new();
        let mut original = job.source;
        original.seek(SeekFrom::Start(0)).unwrap();
        original.read_to_end(&mut source).unwrap();
        self.begun.lock().unwrap().push(Digest::of(&source));
        // The work, not a wait for anybody.
        std::thread::sleep(JOB);
        self.inner.generate(job)
    }
}

struct Deaf;

impl RefreshObserver for Deaf {
    fn progress(&self, _: u64, _: u64) {}

    fn problem(&self, problem: RefreshProblem) {
        panic!("{problem:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_during_a_bulk_job_wait_for_two_jobs_at_most_in_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = MemoryCatalog::new();
    let jpeg: vss_core::MediaType = "image/jpeg".parse().unwrap();
    let bytes = |number: u32| format!("bulk {number}").into_bytes();
    let contents: Vec<_> = (0..BULK)
        .map(|number| catalog.add(&bytes(number), jpeg.clone()))
        .collect();
    let busy = Arc::new(Busy {
        inner: FakeGenerator::default(),
        begun: Mutex::default(),
    });
    let rows: PathBuf = folder.path().join("sidecars.db");
    let store = SeaOrmStore::open(&rows, &StoreOptions::default()).await;
    let store = Arc::new(store.unwrap());
    std::fs::create_dir(folder.path().join("sidecars")).unwrap();
    let files = FsVault::open(&folder.path().join("sidecars"), FsVaultOptions::default());
    let files = Arc::new(files.unwrap());
    let events = BroadcastSink::new(4_096);
    let ports = Ports {
        store: Arc::clone(&store) as _,
        queue: Arc::clone(&store) as _,
        references: Arc::clone(&store) as _,
        conversions: Arc::clone(&store) as _,
        control: store,
        mover: Arc::clone(&files) as _,
        vault: files,
        catalog: Arc::new(catalog),
        generators: vec![Arc::clone(&busy) as _],
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        events: Arc::new(events.clone()),
    };
    let settings = Settings::new(Policy::standard(), 2);
    let engine = Arc::new(Engine::new(ports, settings, LeaseOwner::new("interactive")));
    let planned = engine.index(&[], &Default::default(), &Deaf).await.unwrap();
    assert_eq!(planned.enqueued, u64::from(BULK) * 3);
    let options = RunOptions {
        stop: CancelToken::new(),
        sole_owner: true,
        until: Until::Stopped,
    };
    let stop = options.stop.clone();
    let running = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { engine.run(&options).await.unwrap() }
    });

    let (mut jobs_before, mut waits) = (Vec::new(), Vec::new());
    // From the far end of the bulk job, so that nobody has been there yet.
    for (number, content) in (0..BULK).zip(contents).rev().take(REQUESTS) {
        let mut heard = events.listen();
        let (asked, begun) = (Instant::now(), busy.begun.lock().unwrap().len());
        engine
            .path(content, &Kind::THUMB, &Variant::DETAIL_2X)
            .await
            .unwrap();
        engine.wake();
        loop {
            match heard.recv().await.unwrap() {
                Event::SidecarReady { key, .. }
                    if key.content == content && key.variant == Variant::DETAIL_2X =>
                {
                    break;
                }
                _ => {}
            }
        }
        waits.push(asked.elapsed());
        let wanted = Digest::of(&bytes(number));
        let log = busy.begun.lock().unwrap();
        jobs_before.push(log[begun..].iter().position(|one| *one == wanted).unwrap());
    }
    stop.cancel();
    engine.wake();
    let report = running.await.unwrap();
    assert!(report.ready > 3 * 100, "the bulk job went on meanwhile");
    jobs_before.sort_unstable();
    waits.sort();
    let middle = waits.len() / 2;
    let worst = jobs_before.last().unwrap();
    eprintln!(
        "{REQUESTS} requests during a bulk job of {} rows, jobs of {JOB:?}: {:?} in the middle, \
         {:?} at most; {} other jobs begun before, at most {worst}",
        BULK * 3,
        waits[middle],
        waits.last().unwrap(),
        jobs_before[middle],
    );
    // With two workers, two other jobs may begin before the one that somebody waits for.
    assert!(jobs_before[middle] <= 2, "{jobs_before:?}");
    assert!(*worst <= 10, "{worst}");
}

#[test]
fn whoever_waits_for_a_thumbnail_does_not_wait_for_the_films_beside_it() {
    let made = Command::new("ffmpeg").arg("-version").output();
    if made.is_err() || !is_built("vss-worker-av") {
        eprintln!("skipped: films beside a thumbnail need ffmpeg and vss-worker-av");
        return;
    }
    let library = Library::new();
    let film = library.originals().join("film.mp4");
    let scene = "-v error -f lavfi -i testsrc2=s=1280x720:r=30:d=60 -c:v libx264 -preset ultrafast";
    let drawn = Command::new("ffmpeg")
        .args(scene.split(' '))
        .arg(&film)
        .status();
    assert!(drawn.unwrap().success());
    let picture = library.originals().join("a.jpg");
    write_jpeg(&picture, 1);
    library.index_and_run();
    // Queued, and nobody makes it.
    let proxy = ["path", film.to_str().unwrap(), "proxy", "edit"];
    assert_eq!(library.vss(proxy).code, 3);
    let thumb = [
        "path",
        picture.to_str().unwrap(),
        "thumb",
        "detail@2x",
        "--wait",
    ];
    let waited = library.vss(thumb);
    assert_eq!(waited.code, 0, "{}", waited.err);
    let proxy = library.listed(&film, "proxy");
    assert_eq!(proxy["status"], "pending", "{proxy}");
}
