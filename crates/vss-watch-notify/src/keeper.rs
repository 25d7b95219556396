//! The thread of a watch: sleeps until there are notices or it is time for a look, and sees to both.

mod heed;

use std::collections::{HashMap, HashSet, VecDeque};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::oneshot;
use vss_ports::{Coverage, WatchRequest};

use crate::folders::{FolderId, Folders};
use crate::mounts::Mounts;
use crate::notice::Notice;
use crate::notices::Notices;
use crate::outbox::Outbox;
use crate::survey::Rules;
use crate::watcher::{Root, WatchSettings};

/// Notices of one burst are taken together: the kernel makes one of equal ones that wait.
const GATHER: Duration = Duration::from_millis(10);
/// How long the other end of a move is waited for. The kernel tells both in one breath.
const IN_TRANSIT: Duration = Duration::from_millis(100);

/// Everything that the thread knows.
pub(crate) struct Keeper {
    pub(crate) settings: WatchSettings,
    pub(crate) rules: Rules,
    pub(crate) roots: Vec<Root>,
    pub(crate) notices: Notices,
    pub(crate) folders: Folders,
    pub(crate) mounts: Mounts,
    pub(crate) outbox: Arc<Outbox>,
    /// Taken from the system and not looked at yet.
    pub(crate) backlog: VecDeque<Notice>,
    /// Folders of which one end of a move was told, and when.
    transit: HashMap<u32, (FolderId, Instant)>,
    /// The system lets no more be watched, as far as is known.
    pub(crate) is_full: bool,
    /// What is known may be wrong: everything is watched anew.
    overflowed: bool,
    /// Something happened to a root itself.
    pub(crate) roots_in_doubt: bool,
    pub(crate) next_roots: Instant,
}

/// Tells whoever listens that there is nothing more to come.
struct EndsIt(Arc<Outbox>);

impl Drop for EndsIt {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Keeper {
    pub(crate) fn new(
        settings: &WatchSettings,
        request: &WatchRequest,
        notices: Notices,
        outbox: Arc<Outbox>,
    ) -> Self {
        let root = |asked: &PathBuf| Root {
            asked: asked.clone(),
            ..Root::default()
        };
        let excluded = request.excluded.iter();
        // What is not there cannot be met either.
        let excluded: HashSet<_> = excluded
            .filter_map(|path| path.canonicalize().ok())
            .collect();
        Self {
            settings: settings.clone(),
            rules: Rules {
                hidden: request.hidden,
                excluded,
            },
            roots: request.roots.iter().map(root).collect(),
            notices,
            folders: Folders::default(),
            mounts: Mounts::begin(),
            outbox,
            backlog: VecDeque::new(),
            transit: HashMap::new(),
            is_full: false,
            overflowed: false,
            roots_in_doubt: true,
            next_roots: Instant::now(),
        }
    }

    /// Watches until the other end of `stopped` closes.
    pub(crate) fn run(mut self, stopped: &UnixStream, begun: oneshot::Sender<()>) {
        // Also where this thread dies: nobody waits for ever.
        let _end = EndsIt(Arc::clone(&self.outbox));
        self.look_for_mounts(true);
        self.look_for_roots(true);
        self.settle();
        // Whoever asked may have gone; then the other end is closed as well.
        let _ = begun.send(());
        while self.sleep(stopped) {
            self.notices.drain(&mut self.backlog);
            self.settle();
        }
    }

    /// Sleeps until there is something to do; false when it is time to end.
    fn sleep(&mut self, stopped: &UnixStream) -> bool {
        let mut until = self.next_roots;
        for there in self.roots.iter().filter_map(|root| root.there.as_ref()) {
            if self.is_looked_at(there) {
                until = until.min(there.next_look);
            }
        }
        if !self.transit.is_empty() {
            until = until.min(Instant::now() + IN_TRANSIT);
        }
        let timeout = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(timeout + Duration::from_millis(1)).ok();
        let mut waited = vec![PollFd::from_borrowed_fd(stopped.as_fd(), PollFlags::IN)];
        let readable = self.notices.readable();
        waited.extend(readable.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        let table = self.mounts.table();
        let at_table = waited.len();
        waited.extend(table.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::PRI)));
        // Interrupted or not: what there is to do is looked at.
        let woken = poll(&mut waited, timeout.as_ref()).unwrap_or(0);
        let has_news = |at: usize| waited.get(at).is_some_and(|fd| !fd.revents().is_empty());
        let (is_over, is_mounted) = (has_news(0), has_news(at_table));
        self.roots_in_doubt |= is_mounted;
        self.mounts.are_in_doubt |= is_mounted;
        if woken > 0 && !is_over {
            std::thread::sleep(GATHER);
        }
        !is_over
    }

    /// Does what there is to do until there is nothing.
    fn settle(&mut self) {
        loop {
            while let Some(notice) = self.backlog.pop_front() {
                self.heed(notice);
                if self.overflowed {
                    self.begin_anew();
                }
            }
            self.end_transit();
            let now = Instant::now();
            if self.roots_in_doubt || now >= self.next_roots {
                self.look_for_roots(false);
            }
            if self.mounts.are_in_doubt {
                self.look_for_mounts(false);
            }
            self.patrol(now);
            self.outbox.cover(self.coverage());
            // Looking takes time, in which more may have happened.
            if self.backlog.is_empty() {
                return;
            }
        }
    }

    /// Watches a folder, and what is below it, no longer.
    pub(crate) fn forget(&mut self, id: FolderId) {
        for number in self.folders.remove(id) {
            self.notices.leave(number);
            self.is_full = false;
        }
    }

    /// Notices were lost, so that nobody knows which folders there are and how they are called.
    fn begin_anew(&mut self) {
        self.overflowed = false;
        tracing::warn!("more happened than the system keeps: everything is looked at again");
        match Notices::begin() {
            Ok(notices) => self.notices = notices,
            // The old ones still tell what happens from now on.
            Err(error) => tracing::warn!(%error, "watching could not begin anew"),
        }
        self.folders = Folders::default();
        self.transit.clear();
        self.backlog.clear();
        self.is_full = false;
        for root in 0..self.roots.len() {
            if let Some(there) = self.there_mut(root) {
                let path = there.path.clone();
                there.prints.clear();
                there.swept = 0;
                self.cover(root, &path, None);
                self.outbox.missed(root);
            }
        }
    }

    /// Where a root is, if it is there.
    pub(crate) fn path_of(&self, root: usize) -> Option<PathBuf> {
        let there = self.roots.get(root)?.there.as_ref()?;
        Some(there.path.clone())
    }

    fn coverage(&self) -> Vec<Coverage> {
        let coverage = |(index, root): (usize, &Root)| Coverage {
            root: root.asked.clone(),
            is_there: root.there.is_some(),
            watched: self.folders.count(index),
            swept: root.there.as_ref().map_or(0, |there| there.swept),
            polled: root.there.as_ref().and_then(|there| there.polled.clone()),
        };
        self.roots.iter().enumerate().map(coverage).collect()
    }
}

/// The time by which file systems stamp folders.
pub(crate) fn unix_seconds() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use vss_ports::Change;

    use super::*;
    use crate::notice::What;

    fn watching(root: &Path, settings: &WatchSettings) -> Keeper {
        let request = WatchRequest {
            roots: vec![root.to_path_buf()],
            ..WatchRequest::default()
        };
        let outbox = Arc::new(Outbox::new(&request.roots, 1_000));
        let notices = Notices::begin().unwrap();
        let mut keeper = Keeper::new(settings, &request, notices, outbox);
        keeper.look_for_mounts(true);
        keeper.look_for_roots(true);
        keeper.settle();
        keeper
    }

    async fn hear(keeper: &mut Keeper) -> Vec<Change> {
        keeper.notices.drain(&mut keeper.backlog);
        keeper.settle();
        let mut told = keeper.outbox.take().await.unwrap();
        told.sort();
        told
    }

    #[tokio::test]
    async fn after_the_system_lost_notices_everything_is_watched_anew_and_told_as_missed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        let mut keeper = watching(&root, &WatchSettings::default());
        // Folders that nobody was told of, one of them in the place of another.
        std::fs::rename(root.join("a"), root.join("c")).unwrap();
        std::fs::create_dir_all(root.join("a/new")).unwrap();
        let unheard = &mut VecDeque::new();
        keeper.notices.drain(unheard);
        keeper.backlog.push_back(Notice {
            folder: -1,
            what: What::Overflow,
            is_folder: false,
            cookie: 0,
            name: None,
        });
        assert_eq!(hear(&mut keeper).await, [Change::Missed(root.clone())]);
        assert_eq!(keeper.folders.len(), 5);
        for place in ["a/new/file", "c/b/file"] {
            std::fs::write(root.join(place), "file").unwrap();
        }
        let expected = ["a/new/file", "c/b/file"].map(|place| Change::Changed(root.join(place)));
        assert_eq!(hear(&mut keeper).await, expected);
    }

    #[tokio::test]
    async fn the_folders_in_which_something_changed_last_are_watched() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["old", "older", "oldest"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        let age = |name: &str, seconds: u64| {
            let at = std::time::SystemTime::now() - Duration::from_secs(seconds);
            std::fs::File::open(root.join(name))
                .unwrap()
                .set_modified(at)
                .unwrap();
        };
        for (name, seconds) in [("old", 1_000), ("older", 2_000), ("oldest", 3_000)] {
            age(name, seconds);
        }
        let settings = WatchSettings {
            most_watches: Some(3),
            ..WatchSettings::default()
        };
        let mut keeper = watching(&root, &settings);
        let watched = |keeper: &Keeper, name: &str| {
            let top = keeper.root_folder(0).unwrap();
            keeper.folders.named(top, name.as_ref()).is_some()
        };
        let names = ["old", "older", "oldest"];
        assert_eq!(
            names.map(|name| watched(&keeper, name)),
            [true, true, false]
        );
        assert_eq!(keeper.there(0).unwrap().swept, 1);
        // What happens in the third is found by the next look, and it takes a place.
        std::fs::write(root.join("oldest/file"), "file").unwrap();
        keeper.there_mut(0).unwrap().next_look = Instant::now();
        assert_eq!(
            hear(&mut keeper).await,
            [Change::Changed(root.join("oldest"))]
        );
        assert_eq!(
            names.map(|name| watched(&keeper, name)),
            [true, false, true]
        );
        std::fs::write(root.join("oldest/other"), "other").unwrap();
        let told = hear(&mut keeper).await;
        assert_eq!(
            told,
            [Change::Changed(root.join("oldest/other"))],
            "at once"
        );
        // One that is new is warmer than any.
        std::fs::create_dir(root.join("new")).unwrap();
        hear(&mut keeper).await;
        assert_eq!(
            names.map(|name| watched(&keeper, name)),
            [false, false, true]
        );
        assert!(watched(&keeper, "new"));
        assert_eq!(keeper.folders.len(), 3);
        assert_eq!(keeper.there(0).unwrap().swept, 2);
    }

    #[tokio::test]
    async fn what_was_told_of_a_folder_before_it_lost_its_place_is_not_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("old")).unwrap();
        let settings = WatchSettings {
            most_watches: Some(2),
            ..WatchSettings::default()
        };
        let mut keeper = watching(&root, &settings);
        let top = keeper.root_folder(0).unwrap();
        assert!(keeper.folders.named(top, "old".as_ref()).is_some());
        // The new folder takes the place of the other one before that one's file is heeded.
        std::fs::create_dir(root.join("new")).unwrap();
        std::fs::write(root.join("old/file"), "file").unwrap();
        let told = hear(&mut keeper).await;
        assert!(keeper.folders.named(top, "old".as_ref()).is_none());
        let expected = ["new", "old"].map(|place| Change::Changed(root.join(place)));
        assert_eq!(told, expected);
    }
}
