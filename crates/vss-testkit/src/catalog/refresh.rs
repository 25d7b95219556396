//! How the memory catalog looks at folders.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use vss_ports::{RefreshObserver, RefreshOptions, RefreshProblem, RefreshReport};

use super::{Known, Stat, identity, said, sniff};

/// A refresh while it goes on.
pub(super) struct Refresh<'a> {
    options: &'a RefreshOptions,
    roots: BTreeSet<PathBuf>,
    excluded: BTreeSet<PathBuf>,
    files: Vec<(PathBuf, Stat)>,
    problems: Vec<RefreshProblem>,
    unread: Vec<PathBuf>,
    ignored: u64,
}

impl<'a> Refresh<'a> {
    pub(super) fn new(roots: BTreeSet<PathBuf>, options: &'a RefreshOptions) -> Self {
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
        }
    }

    pub(super) fn roots(&self) -> BTreeSet<PathBuf> {
        self.roots.clone()
    }

    pub(super) fn walk(&mut self, folder: &Path) {
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
        // Names only: the memory catalog knows no patterns but a plain name a line.
        let listed = folder.join(".vssignore");
        let left_out = match listed.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => std::fs::read_to_string(listed).unwrap(),
            _ => String::new(),
        };
        for name in names {
            let (path, name) = (name.path(), name.file_name());
            let name = name.to_string_lossy();
            let kind = path.symlink_metadata().unwrap().file_type();
            let hidden = name.starts_with('.') && !self.options.hidden;
            if self.roots.contains(&path) {
                continue;
            }
            let ignored = hidden
                || name == ".vssignore"
                || left_out.lines().any(|line| line == name)
                || self.excluded.contains(&path);
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

    pub(super) fn file(&mut self, path: PathBuf) {
        let stat = Stat::of(&path.symlink_metadata().unwrap());
        self.files.push((path, stat));
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

    /// Compares what was met with what is known.
    pub(super) fn apply(
        mut self,
        known: &mut Known,
        observer: &dyn RefreshObserver,
    ) -> RefreshReport {
        let mut report = RefreshReport {
            files: self.files.len() as u64,
            ignored: self.ignored,
            ..RefreshReport::default()
        };
        known.roots.extend(self.roots.iter().cloned());
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
                Err(error) => self.problem(&path, &error),
            }
        }
        let below = |path: &PathBuf| self.roots.iter().any(|root| path.starts_with(root));
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
