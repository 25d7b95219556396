//! The Vault port on a file system: stage, hash, publish atomically, scan.
//!
//! `FsVault` works below one descriptor of `{library}/sidecars` and never by an absolute path. On
//! Linux each path is resolved by `openat2` without symbolic links and without leaving the folder;
//! elsewhere it is walked part by part. Only regular files with something in them are sidecars.
//!
//! ```text
//! stage    O_TMPFILE, or a named file in .staging/
//! seal     BLAKE3 over positional reads
//! settle   fdatasync each, or one syncfs
//! publish  lock the content's folder -> link without overwrite, or exchange -> sync names ->
//!          rename the manifest and its sums -> sync it; on any failure all of it is taken back
//! ```
//!
//! Names change in single steps: a reader finds the old file or the new one, never neither. What
//! nobody vouches for is moved to `.quarantine/`, never overwritten. A process that is killed
//! leaves whole files, at worst one without its line in the manifest, and leftovers in `.staging/`
//! that the next owner sweeps at open.
//!
//! An original that somebody has converted is moved, not staged (`moving`): it waits in `.moving/`,
//! which nothing sweeps, until it is proved to be the file that was meant.
//!
//! Two processes may publish into one content: the folder's `flock` is held around the change of
//! the manifest, and contents are locked in the order of their uuid.
//!
//! # Cost
//!
//! Medians of `cargo bench -p vss-vault-fs` on a virtual machine with two cores and ext4, while
//! other builds ran on it; read them as orders of magnitude. `locate` of a file that is there: 7.4
//! us (fastest sample 5.3 us), of one that is not: 2.8 us. Settling and publishing files of 12 KB,
//! each of a content of its own, files a second:
//!
//! | batch | strict | group | fast |
//! |---|---|---|---|
//! | 1 | 180 | 64 | 212 |
//! | 16 | 191 | 808 | 362 |
//! | 128 | 160 | 820 | 892 |
//!
//! A single file takes the same steps under `strict` and `group`; the difference between the two
//! figures shows how much the other load swayed them.

#[cfg(not(unix))]
compile_error!("FsVault needs a Unix: it works below descriptors of folders");

mod amend;
mod content_work;
mod durability;
mod folders;
mod listing;
mod manifest_file;
#[cfg(test)]
mod move_failure_tests;
mod moving;
mod native;
mod placing;
mod problem;
mod publish;
mod quarantine;
mod remove;
mod scan;
mod staging;
#[cfg(test)]
mod sync_failure_tests;
mod tree;
#[cfg(all(test, target_os = "linux"))]
mod unreadable_tests;
mod vault;

pub use durability::Durability;
pub use vault::{FsVault, FsVaultOptions};
