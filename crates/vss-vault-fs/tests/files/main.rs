//! FsVault on real file systems: hostile ones, full ones, shared ones, and after a kill.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed; it plays whoever else can write to the vault's \
              folder, and starts itself anew"
)]

mod concurrent;
mod emptied;
mod full_disk;
mod hostile;
mod killed;
mod moving;
mod support;
