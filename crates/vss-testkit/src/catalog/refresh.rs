//! How the memory catalog looks at folders.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use vss_core::Timestamp;
use vss_ports::{PortResult, RefreshObserver, RefreshOptions, RefreshProblem, RefreshReport};

use super::{Known, Stat, identity, rejected, said, sniff};

/// Roots as they are called without links.
pub(super) fn resolve(roots: &[PathBuf]) -> PortResult<BTreeSet<PathBuf>> {
    let resolve = |root: &PathBuf| {
        root.canonicalize()
            .map_err(|error| rejected(root, error.to_string()))
    };
    roots.iter().map(resolve).collect()
}

/// A refresh while it goes on.
pub(super) struct Refresh<'a> {
    options: &'a RefreshOptions,
    roots: BTreeSet<PathBuf>,
    excluded: BTreeSet<PathBuf>,
    files: Vec<(PathBuf, Stat)>,
    problems: Vec<RefreshProblem>,
    unread: Vec<PathBuf>,
    ignored: u64,
    now: Timestamp,
}

impl<'a> Refresh<'a> {
    pub(super) fn new(
        roots: BTreeSet<PathBuf>,
        options: &'a RefreshOptions,
        now: Timestamp,
    ) -> Self {
        let excluded = options.excluded.iter();
        Self {
            options,
            roots,
            excluded: excluded
                .filter_map(|path| path.canonicalize().ok())
                .collect(),
            files: Vec::new(),
            problems: Vec::new(),
            unread: Vec::new(),
            ignored: 0,
            now,
        }
    }

    pub(super) fn roots(&self) -> BTreeSet<PathBuf> {
        self.roots.clone()
    }

    /// Looks at a root, or at something that no rule leaves out.
    pub(super) fn look(&mut self, path: PathBuf) {
        match path.symlink_metadata().map(|metadata| metadata.file_type()) {
            Ok(kind) if kind.is_dir() => self.walk(&path),
            Ok(kind) if kind.is_file() => self.file(path),
            Ok(_) | Err(_) => {}
        }
    }

    /// Looks at single places, and answers which those are: a file with rules stands for its
    /// folder, and one below none of the roots for nothing.
    pub(super) fn revisit(&mut self, places: &[PathBuf]) -> BTreeSet<PathBuf> {
        let folder = |place: &PathBuf| match place.ends_with(".vssignore") {
            true => place.parent().unwrap().to_path_buf(),
            false => place.clone(),
        };
        let mut places: BTreeSet<_> = places.iter().map(folder).collect();
        let inner = self.roots.iter();
        let inner = inner.filter(|root| places.iter().any(|place| root.starts_with(place)));
        let inner: Vec<_> = inner.cloned().collect();
        places.retain(|place| place.ancestors().any(|part| self.roots.contains(part)));
        places.extend(inner);
        let all = places.clone();
        places.retain(|place| {
            let mut above = place.ancestors().skip(1);
            self.roots.contains(place) || !above.any(|part| all.contains(part))
        });
        for place in &places {
            let root = place.ancestors().find(|part| self.roots.contains(*part));
            let way = place.ancestors().take_while(|part| Some(*part) != root);
            if way.into_iter().all(|part| self.leads_on(part)) {
                self.look(place.clone());
            }
        }
        places
    }

    /// Whether nothing at this path keeps a walk from it.
    fn leads_on(&self, path: &Path) -> bool {
        let linked = path.parent().is_some_and(Path::is_symlink);
        !linked && !self.leaves_out(path)
    }

    fn leaves_out(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap().to_string_lossy();
        // Names only: the memory catalog knows no patterns but a plain name a line.
        let listed = path.with_file_name(".vssignore");
        let left_out = match listed.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => std::fs::read_to_string(listed).unwrap(),
            _ => String::new(),
        };
        (name.starts_with('.') && !self.options.hidden)
            || name == ".vssignore"
            || left_out.lines().any(|line| line == name)
            || self.excluded.contains(path)
    }

    fn walk(&mut self, folder: &Path) {
        let names = match folder
            .read_dir()
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        {
            Ok(names) => names,
            Err(error) => {
                self.unread.push(folder.to_path_buf());
                return self.problem(folder, &error);
            }
        };
        for name in names {
            let path = name.path();
            let kind = path.symlink_metadata().unwrap().file_type();
            if self.roots.contains(&path) {
                continue;
            }
            let ignored = self.leaves_out(&path);
            match () {
                () if !ignored && kind.is_dir() => self.walk(&path),
                () if !ignored && kind.is_file() => self.file(path),
                () => {
                    assert!(ignored || kind.is_symlink() || kind.is_fifo() || kind.is_socket());
                    self.ignored += 1;
                }
            }
        }
    }

    fn file(&mut self, path: PathBuf) {
        let stat = Stat::of(&path.symlink_metadata().unwrap());
        self.files.push((path, stat));
    }

    fn is_young(&self, stat: Stat) -> bool {
        let (seconds, nanoseconds) = stat.mtime;
        let changed = seconds * 1_000 + nanoseconds / 1_000_000;
        let since = self.now.as_millis() - changed;
        let still_for = i64::try_from(self.options.still_for.as_millis()).unwrap();
        (0..still_for).contains(&since)
    }

    fn problem(&mut self, path: &Path, error: &io::Error) {
        let class = match error.kind() {
            io::ErrorKind::PermissionDenied => "permission",
            io::ErrorKind::NotFound => "vanished",
            _ => "io",
        };
        self.told(path, class, error.to_string());
    }

    fn told(&mut self, path: &Path, class: &'static str, detail: String) {
        self.problems.push(RefreshProblem {
            path: path.to_path_buf(),
            class,
            detail,
        });
    }

    /// Compares what was met with what is known at and below places.
    pub(super) fn apply(
        mut self,
        known: &mut Known,
        places: &BTreeSet<PathBuf>,
        observer: &dyn RefreshObserver,
    ) -> RefreshReport {
        let mut report = RefreshReport {
            files: self.files.len() as u64,
            ignored: self.ignored,
            ..RefreshReport::default()
        };
        let mut met = BTreeSet::new();
        // Moves first, and all at once: they may form a chain or a ring.
        let mut moved = Vec::new();
        for (path, stat) in &self.files {
            let unchanged = known.entries.get(path).is_some_and(|e| e.stat == *stat);
            if !unchanged && let Some(from) = known.moved_from(*stat) {
                let entry = known.entries.remove(&from).unwrap();
                known.touch(&from);
                moved.push((path.clone(), entry));
            }
        }
        report.moved = moved.len() as u64;
        for (path, entry) in moved {
            report.vanished += u64::from(known.take(&path).is_some());
            met.insert(path.clone());
            known.touch(&path);
            known.entries.insert(path, entry);
        }
        for (path, stat) in std::mem::take(&mut self.files) {
            if met.contains(&path) {
                continue;
            }
            if known.entries.get(&path).is_some_and(|e| e.stat == stat) {
                report.unchanged += 1;
                met.insert(path);
                continue;
            }
            if self.is_young(stat) {
                self.told(&path, "changing", "it was changed a moment ago".into());
                self.unread.push(path);
                continue;
            }
            let look = |bytes: Vec<u8>| {
                let sort = sniff(&bytes);
                (identity(&bytes), said(&bytes, &sort), sort)
            };
            match std::fs::read(&path).map(look) {
                Ok((Some(content), facts, sort)) => {
                    known.facts.insert(content, facts);
                    report.hashed += 1;
                    met.insert(path.clone());
                    report.new_contents += u64::from(known.put(path, content, stat, sort));
                }
                Ok((None, ..)) => self.told(&path, "empty", "it has no bytes".into()),
                Err(error) => {
                    self.problem(&path, &error);
                    self.unread.push(path);
                }
            }
        }
        let below = |path: &PathBuf| places.iter().any(|place| path.starts_with(place));
        let unread = |path: &PathBuf| self.unread.iter().any(|top| path.starts_with(top));
        let gone = known.entries.keys().filter(|path| below(path));
        let gone = gone.filter(|path| !met.contains(*path) && !unread(path));
        for path in gone.cloned().collect::<Vec<_>>() {
            known.take(&path);
            report.vanished += 1;
        }
        report.problems = self.problems.len() as u64;
        self.problems
            .into_iter()
            .for_each(|problem| observer.problem(problem));
        observer.progress(report.files, report.hashed);
        report
    }
}
