//! A watch under a storm of changes, and a watch of very many files in which nothing happens.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::program::{Library, content_of, files_below, picture};
use crate::watching::{Staying, wait_for};

const OPERATIONS: u32 = 10_000;
/// Pictures that there can be: few, so that the storm is one of files and not of decoding.
const PICTURES: u32 = 48;
/// How soon everything agrees after the storm.
const QUIET: Duration = Duration::from_secs(5);

/// Random numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        (!of.is_empty()).then(|| &of[self.below(of.len())])
    }
}

/// Somebody who does one thing after the other.
struct Storm<'a> {
    library: &'a Library,
    pictures: Vec<Vec<u8>>,
    dice: Dice,
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
    made: u32,
}

impl<'a> Storm<'a> {
    fn over(library: &'a Library) -> Self {
        let picture = |seed| {
            let mut bytes = Vec::new();
            let jpeg = image::ImageFormat::Jpeg;
            let into = &mut std::io::Cursor::new(&mut bytes);
            picture(seed, 48, 32).write_to(into, jpeg).unwrap();
            bytes
        };
        Self {
            library,
            pictures: (0..PICTURES).map(picture).collect(),
            dice: Dice(0x9e37_79b9_7f4a_7c15),
            folders: vec![library.originals()],
            files: Vec::new(),
            made: 0,
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        match self.dice.below(4) {
            0 => format!("text {}", self.dice.below(1_000_000)).into_bytes(),
            _ => self.dice.one(&self.pictures).unwrap().clone(),
        }
    }

    fn new_name(&mut self) -> PathBuf {
        self.made += 1;
        let folder = self.dice.one(&self.folders).unwrap();
        folder.join(self.made.to_string())
    }

    /// One operation; some of them come to nothing because what they are about is gone.
    fn operate(&mut self) {
        match self.dice.below(20) {
            0..=6 => {
                let (file, bytes) = (self.new_name(), self.bytes());
                if fs::write(&file, bytes).is_ok() {
                    self.files.push(file);
                }
            }
            7..=8 => {
                let bytes = self.bytes();
                if let Some(file) = self.dice.one(&self.files).filter(|file| file.exists()) {
                    fs::write(file, bytes).unwrap();
                }
            }
            9 => {
                // As an editor writes.
                let (beside, bytes) = (self.new_name(), self.bytes());
                if let Some(file) = self.dice.one(&self.files).filter(|file| file.exists())
                    && fs::write(&beside, bytes).is_ok()
                {
                    fs::rename(beside, file).unwrap();
                }
            }
            10..=11 => {
                let to = self.new_name();
                if let Some(from) = self.dice.one(&self.files)
                    && fs::rename(from, &to).is_ok()
                {
                    self.files.push(to);
                }
            }
            12..=15 => {
                if let Some(file) = self.dice.one(&self.files) {
                    let _ = fs::remove_file(file);
                }
            }
            16 => {
                self.made += 1;
                let parent = self.dice.one(&self.folders).unwrap();
                let folder = parent.join(format!("d{}", self.made));
                if fs::create_dir(&folder).is_ok() {
                    self.folders.push(folder);
                }
            }
            17 => self.move_folder(),
            18 => {
                if let Some(folder) = self.dice.one(&self.folders[1..])
                    && self.dice.0.is_multiple_of(3)
                {
                    let _ = fs::remove_dir_all(folder);
                }
            }
            _ => self.harm_the_vault(),
        }
    }

    fn move_folder(&mut self) {
        self.made += 1;
        let Some(from) = self.dice.one(&self.folders[1..]).cloned() else {
            return;
        };
        let parent = self.dice.one(&self.folders).unwrap();
        let to = parent.join(format!("m{}", self.made));
        if fs::rename(&from, &to).is_ok() {
            let moved = |path: &PathBuf| {
                let below = path.strip_prefix(&from).ok()?;
                Some(to.join(below))
            };
            let folders: Vec<_> = self.folders.iter().filter_map(moved).collect();
            let files: Vec<_> = self.files.iter().filter_map(moved).collect();
            self.folders.extend(folders);
            self.files.extend(files);
        }
    }

    fn harm_the_vault(&mut self) {
        if !self.made.is_multiple_of(4) {
            return;
        }
        let files = files_below(&self.library.sidecars().join("content"));
        let is_sidecar = |file: &&PathBuf| file.extension().is_some_and(|ending| ending == "webp");
        let files: Vec<_> = files.iter().filter(is_sidecar).collect();
        let how = self.dice.below(3);
        let Some(file) = self.dice.one(&files) else {
            return;
        };
        let _ = match how {
            0 => fs::remove_file(file),
            1 => fs::write(file, b"RIFF....WEBP no more"),
            _ => fs::File::options()
                .write(true)
                .open(file)
                .and_then(|file| file.set_len(9)),
        };
    }
}

/// What keeps disk, catalog, rows and vault from agreeing.
fn disagreement(library: &Library) -> Option<String> {
    let root = library.originals().canonicalize().unwrap();
    let there = files_below(&root);
    let known = library.catalog();
    if known.len() != there.len() {
        return Some(format!(
            "{} files are known, {} are there",
            known.len(),
            there.len()
        ));
    }
    for (path, size, content) in &known {
        match fs::read(path) {
            Ok(bytes) if bytes.len() as u64 == *size && content_of(&bytes) == *content => {}
            Ok(_) => return Some(format!("{path} is another content")),
            Err(error) => return Some(format!("{path}: {error}")),
        }
    }
    // Rows of contents that are nobody's any more wait for one to come back.
    let contents: std::collections::BTreeSet<_> = known.iter().map(|known| &known.2).collect();
    let sql = "SELECT replace(content_uuid, '-', '') AS content, status FROM sidecars_view";
    for row in library.query(sql) {
        let text = |column: &str| row.try_get::<String>("", column).unwrap();
        let (content, status) = (text("content"), text("status"));
        if contents.contains(&content) && status != "ready" {
            return Some(format!("a sidecar of {content} is {status}"));
        }
    }
    let rows = library.ready_rows();
    for row in &rows {
        let bytes = fs::read(library.sidecars().join(&row.rel_path));
        let is_whole = |bytes: &Vec<u8>| blake3::hash(bytes).to_hex().as_str() == row.checksum;
        if !bytes.as_ref().is_ok_and(is_whole) {
            return Some(format!("{} is not what its row says", row.rel_path));
        }
    }
    let files = library.sidecar_files().len();
    (files != rows.len()).then(|| format!("{} rows for {files} files", rows.len()))
}

fn storm(seconds: u32) {
    let library = Library::new();
    let daemon = Staying::daemon(&library, &[&library.originals()], &[]);
    let mut storm = Storm::over(&library);
    let started = Instant::now();
    for number in 0..OPERATIONS {
        storm.operate();
        let due = Duration::from_millis(u64::from(number) * u64::from(seconds) / 10);
        std::thread::sleep(due.saturating_sub(started.elapsed()));
    }
    let took = started.elapsed();
    let quiet = Instant::now();
    let why = std::cell::RefCell::new(None);
    wait_for("all agrees", || {
        let found = disagreement(&library);
        let agrees = found.is_none();
        if !agrees && quiet.elapsed() > QUIET {
            panic!("after {:?}: {found:?}", quiet.elapsed());
        }
        why.replace(found);
        agrees
    });
    let agreed = quiet.elapsed();
    eprintln!(
        "{OPERATIONS} operations in {took:.1?}; {} originals in {} folders, {} sidecars; disk, \
         catalog, rows and vault agreed {agreed:.2?} later; {} looks at what changed, {} at the \
         vault, {} overflows",
        library.catalog().len(),
        storm
            .folders
            .iter()
            .filter(|folder| folder.exists())
            .count(),
        library.ready_rows().len(),
        daemon.count("indexed what changed"),
        daemon.count("the vault was touched"),
        daemon.count("more happened"),
    );
    let index = library.json([Path::new("index"), &library.originals()]);
    for what in ["hashed", "moved", "vanished"] {
        assert_eq!(index[what], 0, "a look at everything finds more: {index}");
    }
}

#[test]
fn ten_thousand_operations_in_ten_seconds_are_followed() {
    storm(10);
}

#[test]
fn ten_thousand_operations_in_a_minute_are_followed() {
    storm(60);
}

#[cfg(target_os = "linux")]
fn cpu_of(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    // After the name: utime is the 12th, stime the 13th, in hundredths of a second.
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

#[cfg(target_os = "linux")]
#[test]
fn a_watch_of_a_hundred_thousand_files_in_which_nothing_happens_costs_nothing() {
    const FILES: u32 = 100_000;
    const WATCHED_FOR: Duration = Duration::from_secs(20);
    let library = Library::new();
    for number in 0..FILES {
        let folder = library.originals().join(format!("{}", number / 100));
        if number % 100 == 0 {
            fs::create_dir(&folder).unwrap();
        }
        fs::write(
            folder.join(format!("{number}.txt")),
            format!("text {number}"),
        )
        .unwrap();
    }
    let started = Instant::now();
    let daemon = Staying::daemon(&library, &[&library.originals()], &[]);
    let began = started.elapsed();
    // What a daemon costs that watches nothing: it looks for work now and then.
    let other = Library::new();
    let idle = Staying::unwatching(&other, &[]);
    // Whatever they still have to put in order.
    std::thread::sleep(Duration::from_secs(3));
    let before = [cpu_of(daemon.pid()), cpu_of(idle.pid())];
    std::thread::sleep(WATCHED_FOR);
    let spent = cpu_of(daemon.pid()) - before[0];
    let idle = cpu_of(idle.pid()) - before[1];
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let memory = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    eprintln!(
        "{FILES} files in {} folders: watched and indexed after {began:.1?}; in {WATCHED_FOR:?} of \
         nothing {spent:?} of CPU, of a daemon that watches nothing {idle:?}; {memory}",
        FILES / 100
    );
    assert!(
        spent < idle + WATCHED_FOR / 100,
        "a hundredth of a core for nothing: {spent:?}"
    );
    fs::write(library.originals().join("500/new.txt"), "new").unwrap();
    let took = wait_for("it still listens", || {
        library.catalog().len() as u64 == u64::from(FILES) + 1
    });
    eprintln!("a new file among them was known {took:.2?} later");
}
