//! The power fails. A whole home (library, databases, vault, originals, this device's name) is on
//! a disk of the test that forgets what was not flushed ([`disk`]), other originals on another one.
//! The program works until the disks have had so many more requests; then it is dead, and what
//! survived is mounted.
//!
//! Acknowledged is what the database said before the cut to another connection: SQLite shows a
//! commit to others when it is durable, or believes so. All of it has to be there afterwards, and
//! the program has to go on from there as if nothing had happened.

mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use crate::integrity::{check_sums, rot};
use crate::program::{Library, ask, files_below, write_jpeg};
use disk::{Cache, Chance, Disks};

/// Cuts in one test run, and with `VSS_CHAOS`.
const CUTS: [usize; 2] = [8, 200];
/// Pictures at first, and each time that new ones come.
const PICTURES: u32 = 14;
/// Photos with an XMP file that can be moved into the library, as many on its disk as on another.
const PAIRS: u32 = 6;
const XMP: usize = 150_000;

/// How the file systems are mounted: as most are, and so that they keep no more than they must.
const OPTIONS: [&str; 2] = ["rw", "rw,data=writeback,noauto_da_alloc"];

/// What the power cut finds under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Work {
    Index,
    Run,
    Convert,
    RemakeByDaemon,
    Init,
    Daemon,
    Revert,
    Scrub,
}

impl Work {
    /// On one library as many as on another one.
    const LIBRARIES: [[Self; 4]; 2] = [
        [Self::Index, Self::Run, Self::Convert, Self::RemakeByDaemon],
        [Self::Init, Self::Daemon, Self::Revert, Self::Scrub],
    ];

    /// Writes and flushes that it comes to, as seen; now and then it ends before the cut.
    fn requests(self) -> u64 {
        match self {
            Self::Index => 100,
            Self::Init => 150,
            Self::Convert | Self::Revert => 250,
            Self::Run | Self::RemakeByDaemon | Self::Daemon | Self::Scrub => 500,
        }
    }
}

/// Ready rows whose files are managed: the place of each, and its digest.
type Ready = BTreeMap<String, String>;

/// A library on a disk, and originals on it and on another one.
struct Scene {
    /// Unmounted before the folders below go.
    disks: Disks,
    library: Library,
    outside: TempDir,
    durability: &'static str,
    pictures: u32,
}

impl Scene {
    /// Originals, and no library yet.
    fn new(options: &'static str, durability: &'static str) -> Result<Self, String> {
        let library = Library::unmade();
        let home = library.root().parent().unwrap().to_owned();
        let outside = tempfile::tempdir().unwrap();
        let mut scene = Self {
            disks: Disks::mounted(&[&home, outside.path()], options)?,
            outside,
            library,
            durability,
            pictures: 0,
        };
        fs::create_dir(scene.library.originals()).unwrap();
        for (number, (photo, xmp)) in (1_000..).zip(scene.pairs()) {
            write_jpeg(&photo, number);
            fs::write(xmp, said_in_xmp(number)).unwrap();
        }
        scene.photograph();
        Ok(scene)
    }

    /// New pictures come, and are durable: what the user does is no business of ours.
    fn photograph(&mut self) {
        let originals = self.library.originals();
        for seed in self.pictures..self.pictures + PICTURES {
            write_jpeg(&originals.join(format!("{seed}.jpg")), seed);
        }
        self.pictures += PICTURES;
        for folder in [originals.as_path(), self.outside.path()] {
            let files = files_below(folder);
            for place in files.iter().map(PathBuf::as_path).chain([folder]) {
                fs::File::open(place).unwrap().sync_all().unwrap();
            }
        }
    }

    /// Photos and what belongs to them.
    fn pairs(&self) -> Vec<(PathBuf, PathBuf)> {
        let place = |number: u32| {
            let folder = match number % 2 {
                0 => self.library.originals(),
                _ => self.outside.path().to_owned(),
            };
            ["jpg", "xmp"].map(|extension| folder.join(format!("pair-{number}.{extension}")))
        };
        (0..PAIRS).map(|number| place(number).into()).collect()
    }

    fn index(&self) {
        let folders = [self.library.originals(), self.outside.path().to_owned()];
        let index = Path::new("index");
        self.library
            .json([index, folders[0].as_path(), folders[1].as_path()]);
    }

    fn originals(&self) -> usize {
        (self.pictures + 2 * PAIRS) as usize
    }

    /// Thumbnails in all.
    fn thumbs(&self) -> usize {
        (self.pictures + PAIRS) as usize * 3
    }

    /// Starts something.
    fn start(&self, work: Work) -> Writer {
        let mut command = match work {
            Work::Init => self.library.command(["init"]),
            Work::Index => {
                let mut command = self.library.command(["index"]);
                command
                    .arg(self.library.originals())
                    .arg(self.outside.path());
                command
            }
            Work::Run => self.library.command(["run", "--workers", "2"]),
            Work::Daemon | Work::RemakeByDaemon => {
                self.library.command(["daemon", "--workers", "2"])
            }
            Work::Convert => self.library.command(["convert", "--all"]),
            Work::Revert => {
                let mut command = self.library.command(["convert", "--revert"]);
                command.args(self.pairs().iter().map(|(photo, _)| photo));
                command
            }
            Work::Scrub => self.library.command(["scrub", "--all"]),
        };
        command.env("VSS_DURABILITY", self.durability);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Writer(command.spawn().unwrap())
    }

    fn ready(&self) -> Ready {
        let rows = self.library.ready_rows().into_iter();
        rows.map(|row| (row.rel_path, row.checksum)).collect()
    }

    /// All rows that have a file: also those that keep serving it while it is made anew.
    fn vouched(&self) -> Ready {
        let sql = "SELECT rel_path, checksum FROM sidecars_view \
                   WHERE checksum IS NOT NULL AND source <> 'reference'";
        let rows = self.library.query(sql);
        let text = |row: &sea_orm::QueryResult, column| row.try_get::<String>("", column).unwrap();
        let row = |row| (text(row, "rel_path"), text(row, "checksum"));
        rows.iter().map(row).collect()
    }

    /// All files of the library, databases too, as they can be read now.
    fn files(&self) -> BTreeMap<PathBuf, blake3::Hash> {
        let digest = |path: &Path| blake3::hash(&fs::read(path).unwrap());
        // The one beside a database that is shared memory says nothing of what was written.
        let files = files_below(&self.library.root()).into_iter();
        let files = files.filter(|path| !path.to_string_lossy().ends_with("-shm"));
        files.map(|path| (path.clone(), digest(&path))).collect()
    }

    /// Which rows have no file, and which another one.
    fn damaged(&self, rows: &Ready) -> [Vec<String>; 2] {
        let (mut missing, mut corrupt) = (Vec::new(), Vec::new());
        for (path, checksum) in rows {
            match fs::read(self.library.sidecars().join(path)) {
                Ok(bytes) if blake3::hash(&bytes).to_hex().as_str() == checksum => {}
                Ok(bytes) => corrupt.push(format!("{path} ({} bytes)", bytes.len())),
                Err(error) => missing.push(format!("{path} ({error})")),
            }
        }
        [missing, corrupt]
    }

    /// What SQLite says of both databases.
    fn databases(&self) -> Vec<String> {
        ["sidecars.db", "catalog.db"]
            .map(|name| {
                let file = self.library.root().join(name);
                let url = format!("sqlite://{}?mode=rw", file.display());
                let rows = ask(&url, "PRAGMA integrity_check");
                rows[0].try_get::<String>("", "integrity_check").unwrap()
            })
            .into()
    }

    /// Each XMP file is whole at one place: where it was, or in the vault.
    fn assert_that_what_moves_is_whole_at_one_place(&self, what: &str) {
        let mut managed = BTreeSet::new();
        for file in files_below(&self.library.sidecars()) {
            if file.extension().is_some_and(|extension| extension == "xmp") {
                managed.insert(fs::read(file).unwrap());
            }
        }
        for (number, (_, xmp)) in (1_000..).zip(self.pairs()) {
            let bytes = said_in_xmp(number);
            let outside = fs::read(&xmp);
            let is_outside = outside.as_ref().is_ok_and(|found| *found == bytes);
            assert!(is_outside || outside.is_err(), "{what}: {xmp:?} is damaged");
            assert_ne!(is_outside, managed.remove(&bytes), "{what}: {xmp:?}");
        }
        assert!(
            managed.is_empty(),
            "{what}: a file in the vault is none of ours"
        );
    }

    /// The program goes on after a cut, and in the end all is there. So many sidecars may need
    /// mending, or any number.
    fn goes_on(&self, what: &str, rotten: Option<usize>) -> u64 {
        self.index();
        let first = self.library.json(["reconcile", "--verify"]);
        let count = |document: &serde_json::Value, field: &str| document[field].as_u64().unwrap();
        let mended = count(&first, "missing") + count(&first, "repaired");
        if let Some(rotten) = rotten {
            assert!(mended <= rotten as u64, "{what}: {first}");
            assert_eq!(first["unknown"], 0, "{what}: {first}");
        }
        let ran = self.library.vss(["run", "--json", "-v"]);
        let run = ran.json();
        for bad in ["failed", "quarantined"] {
            assert_eq!(run[bad], 0, "{what}: {run}");
        }
        self.assert_that_what_moves_is_whole_at_one_place(what);
        let rows = self.ready();
        assert_eq!(
            self.damaged(&rows),
            [Vec::<String>::new(), Vec::new()],
            "{what}"
        );
        let unready = self.library.json(["queue", "ls", "--status", "pending"]);
        assert_eq!(
            thumbs(&rows),
            self.thumbs(),
            "{what}: first {first}, then {run}; {unready}; {}",
            ran.err
        );
        assert_eq!(check_sums(&self.library), Ok(rows.len()), "{what}");
        let last = self.library.json(["reconcile", "--verify"]);
        for nothing in [
            "adopted", "missing", "repaired", "amended", "enqueued", "unknown",
        ] {
            assert_eq!(last[nothing], 0, "{what}: {nothing} in {last}");
        }
        for folder in [".staging", ".moving"] {
            let left = files_below(&self.library.sidecars().join(folder));
            assert!(left.is_empty(), "{what}: {left:?}");
        }
        count(&first, "adopted")
    }
}

fn is_thumb(path: &str) -> bool {
    path.contains("/thumbs/")
}

fn thumbs(rows: &Ready) -> usize {
    rows.keys().filter(|path| is_thumb(path)).count()
}

/// What an XMP file of the test holds.
fn said_in_xmp(number: u32) -> Vec<u8> {
    let line = format!("<!-- of pair {number} -->\n").into_bytes();
    line.into_iter().cycle().take(XMP).collect()
}

/// A program at work, dead when it is dropped.
struct Writer(Child);

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A scene, or why there is none, which is a failure where power cuts are all that was asked for.
fn scene(options: &'static str, durability: &'static str) -> Option<Scene> {
    match Scene::new(options, durability) {
        Ok(scene) => Some(scene),
        Err(lacking) => {
            let only = std::env::var_os("VSS_CHAOS").is_some_and(|what| what == "power");
            assert!(!only, "no power cuts: {lacking}");
            eprintln!("skipped: power cuts need root, loop devices and FUSE on Linux ({lacking})");
            None
        }
    }
}

/// Does something in a thread of its own, because what it mounts belongs to the thread.
fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let ended = scope.spawn(work).join();
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[test]
fn eight_power_cuts_lose_nothing_that_was_acknowledged() {
    let cuts = CUTS[usize::from(std::env::var_os("VSS_CHAOS").is_some())];
    let mut seen = Vec::new();
    for library in 0.. {
        if seen.len() == cuts {
            break;
        }
        let Some(of_this) = alone(|| cuts_of(library)) else {
            return;
        };
        seen.extend(of_this);
    }
    let acknowledged: usize = seen.iter().map(|cut| cut.acknowledged).sum();
    let at_work = seen.iter().filter(|cut| cut.at_work).count();
    let in_flight = seen.iter().filter(|cut| cut.in_flight).count();
    eprintln!(
        "{cuts} power cuts: 0 missing, 0 corrupt, 0 of {acknowledged} acknowledged lost; {at_work} \
         hit a program at work, {in_flight} took something that it had written"
    );
    assert!(at_work > cuts / 2, "most cuts came too late");
}

/// Half of the work on one library, cut off again and again.
fn cuts_of(library: usize) -> Option<Vec<Seen>> {
    // Each half of the work on each file system, with each durability.
    let durability = ["group", "strict"][(library + library / 4) % 2];
    let mut scene = scene(OPTIONS[(library + library / 2) % 2], durability)?;
    let half = Work::LIBRARIES[library % 2];
    let numbered = half.into_iter().zip(library * half.len()..);
    let cut = numbered.map(|(work, cut)| cut_once(&mut scene, work, cut as u64));
    Some(cut.collect())
}

#[test]
fn a_power_cut_may_damage_what_fast_durability_made_and_that_is_given_to_nobody() {
    alone(cuts_of_a_fast_library);
}

fn cuts_of_a_fast_library() {
    let mut harmed = 0;
    let Some(mut scene) = scene(OPTIONS[0], "fast") else {
        return;
    };
    scene.library.json(["init"]);
    for cache in Cache::ALL {
        scene.photograph();
        scene.index();
        scene.disks.cut_after(u64::MAX, cache, 1);
        scene.start(Work::Run).0.wait().unwrap();
        scene.disks.cut_now();
        scene.disks.power_on();
        let what = format!("cache {cache:?}");
        assert_eq!(scene.databases(), ["ok", "ok"], "{what}");
        let rows = scene.ready();
        let damaged = scene.damaged(&rows).concat();
        harmed += damaged.len();
        let contents: BTreeSet<_> = rows
            .keys()
            .filter_map(|path| path.split('/').nth(3))
            .collect();
        let mut asked = vec!["presence", "--kind", "thumb"];
        for variant in ["grid@1x", "grid@2x", "detail@1x"] {
            asked.extend(["--variant", variant]);
        }
        asked.extend(&contents);
        let presence = if contents.is_empty() {
            serde_json::json!({})
        } else {
            scene.library.json(asked)
        };
        let answers = presence.as_object().unwrap().values();
        let answers = answers.flat_map(|variants| variants.as_object().unwrap().values());
        let given: Vec<_> = answers
            .filter_map(|answer| answer["path"].as_str())
            .collect();
        // Where nothing was lost there is something to give.
        assert!(!matches!(cache, Cache::Kept) || !given.is_empty(), "{what}");
        let root = scene.library.sidecars().canonicalize().unwrap();
        for path in &given {
            let name = Path::new(path).strip_prefix(&root).unwrap();
            let sum = &rows[name.to_str().unwrap()];
            let found = blake3::hash(&fs::read(path).unwrap());
            assert_eq!(found.to_hex().as_str(), sum, "{what}: {path} was given");
        }
        eprintln!(
            "fast, {what}: {} ready rows, {} damaged, {} given",
            rows.len(),
            damaged.len(),
            given.len()
        );
        scene.goes_on(&what, None);
    }
    assert!(harmed > 0, "if this loses nothing, the cuts are none");
}

/// What one cut did.
struct Seen {
    at_work: bool,
    in_flight: bool,
    acknowledged: usize,
}

/// What has to be there before some work; what of the vault it damages.
fn prepare(scene: &mut Scene, work: Work) -> BTreeSet<String> {
    match work {
        Work::Init | Work::Convert => {}
        Work::Index => {
            scene.library.json(["init"]);
        }
        Work::Run | Work::Daemon => {
            scene.photograph();
            scene.index();
        }
        Work::RemakeByDaemon => {
            scene.library.json(["regen", "--all", "--kind", "thumb"]);
        }
        Work::Revert => {
            scene.library.json(["convert", "--all"]);
        }
        Work::Scrub => {
            let thumbs = scene.ready().into_keys().filter(|path| is_thumb(path));
            let rotten: BTreeSet<_> = thumbs.step_by(3).collect();
            for path in &rotten {
                let file = scene.library.sidecars().join(path);
                rot(&file);
                fs::File::open(file).unwrap().sync_all().unwrap();
            }
            return rotten;
        }
    }
    BTreeSet::new()
}

fn cut_once(scene: &mut Scene, work: Work, cut: u64) -> Seen {
    let began = Instant::now();
    let rotten = prepare(scene, work);
    // Of these it is open how far they are.
    let is_open =
        |path: &String| rotten.contains(path) || (work == Work::Revert && path.ends_with(".xmp"));
    let has_rows = !matches!(work, Work::Init | Work::Index);

    let cache = Cache::ALL[usize::try_from(cut).unwrap() % Cache::ALL.len()];
    let left = Chance::new(cut).below(work.requests());
    scene.disks.cut_after(left, cache, cut);
    let before = scene.disks.requests();
    let mut writer = scene.start(work);
    let mut acknowledged = Ready::new();
    let mut at_work = true;
    loop {
        let ended = writer.0.try_wait().unwrap();
        let rows = if has_rows {
            scene.ready()
        } else {
            Ready::new()
        };
        if scene.disks.are_off() {
            break;
        }
        acknowledged = rows;
        let is_idle = matches!(work, Work::Daemon | Work::RemakeByDaemon)
            && thumbs(&acknowledged) == scene.thumbs();
        acknowledged.retain(|path, _| !is_open(path));
        if ended.is_some() || is_idle {
            assert!(
                ended.is_none_or(|status| status.success()),
                "{work:?} failed"
            );
            at_work = false;
            scene.disks.cut_now();
        }
    }
    let requests = scene.disks.requests() - before;
    drop(writer);
    let known = scene.files();
    let loss = scene.disks.power_on();

    let what = format!("cut {cut}, {work:?} after {requests} requests, cache {cache:?}");
    if work == Work::Init && scene.library.vss(["status"]).code != 0 {
        assert!(at_work, "{what}: the library that was made is gone");
        scene.library.json(["init"]);
    }
    assert_eq!(scene.databases(), ["ok", "ok"], "{what}");
    if work == Work::Index && !at_work {
        let known = scene.library.catalog().len();
        assert_eq!(
            known,
            scene.originals(),
            "{what}: what was indexed is forgotten"
        );
    }
    let mut vouched = scene.vouched();
    vouched.retain(|path, _| !is_open(path));
    let [missing, corrupt] = scene.damaged(&vouched);
    let rows = scene.ready();
    let is_lost = |(path, sum): &(&String, &String)| rows.get(*path) != Some(*sum);
    let lost: Vec<_> = acknowledged.iter().filter(is_lost).collect();
    assert!(
        missing.is_empty() && corrupt.is_empty() && lost.is_empty(),
        "{what}: missing {missing:#?}, corrupt {corrupt:#?}, acknowledged and lost {lost:#?}"
    );
    let survived = scene.files();
    let gone = known
        .iter()
        .filter(|(path, sum)| survived.get(*path) != Some(*sum));
    let gone = gone.count();
    let adopted = scene.goes_on(&what, Some(rotten.len()));
    eprintln!(
        "{what}: {} acknowledged, {gone} files not as the program left them, {} of {} unflushed blocks lost; {adopted} adopted; \
         at work {at_work}, {:.1?}",
        acknowledged.len(),
        loss.lost,
        loss.unflushed,
        began.elapsed()
    );
    Seen {
        at_work,
        in_flight: gone > 0 || loss.lost > 0,
        acknowledged: acknowledged.len(),
    }
}
