//! What the system lets be watched, for whoever has to say what to raise.

use std::path::Path;

/// inotify's limits. Each holds for all programs of a user together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Folders that can be watched.
    pub watches: u64,
    /// Watches that programs can begin.
    pub instances: u64,
    /// Notices that wait for a program before the newest are lost.
    pub queued: u64,
}

impl Limits {
    /// What this machine lets; `None` where there is no inotify.
    pub fn read() -> Option<Self> {
        Self::below(Path::new("/proc/sys/fs/inotify"))
    }

    fn below(folder: &Path) -> Option<Self> {
        let read = |name: &str| -> Option<u64> {
            let text = std::fs::read_to_string(folder.join(name)).ok()?;
            text.trim().parse().ok()
        };
        Some(Self {
            watches: read("max_user_watches")?,
            instances: read("max_user_instances")?,
            queued: read("max_queued_events")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_read_and_absent_without_inotify() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Limits::below(folder.path()), None);
        for (name, text) in [
            ("max_user_watches", "65536\n"),
            ("max_user_instances", "128\n"),
            ("max_queued_events", "16384\n"),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let expected = Limits {
            watches: 65_536,
            instances: 128,
            queued: 16_384,
        };
        assert_eq!(Limits::below(folder.path()), Some(expected));
    }
}
