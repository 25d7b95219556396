//! The vault's own folders may be emptied by hand, and removed, while it is open.

use std::fs::remove_dir_all;
use std::os::unix::fs::symlink;

use vss_core::{Digest, Format};
use vss_ports::Vault;

use crate::support::{FAST, Library, PORTABLE, bytes_of, prepared, publish, thumb};

#[tokio::test]
async fn what_is_set_aside_after_the_quarantine_was_removed_is_there() {
    for options in [FAST, PORTABLE] {
        let library = Library::new(options);
        let vault = &library.vault;
        for n in 0..2 {
            publish(vault, &thumb(n), b"old").await.unwrap();
        }
        let quarantine = library.sidecars().join(".quarantine");
        for n in 0..2 {
            remove_dir_all(&quarantine).unwrap();
            let kept = vault.quarantine(&thumb(n), &Format::WEBP).await.unwrap();
            let kept = kept.expect("there was a file");
            assert_eq!(std::fs::read(kept).unwrap(), b"old");
            assert_eq!(bytes_of(vault, &thumb(n)).await, None);
        }
        // A file that nobody vouches for is set aside there, too.
        remove_dir_all(&quarantine).unwrap();
        std::fs::write(library.place(&thumb(0)), b"stranger").unwrap();
        publish(vault, &thumb(0), b"new").await.unwrap();
        assert_eq!(library.names(".quarantine").len(), 1);
        assert_eq!(bytes_of(vault, &thumb(0)).await.unwrap(), b"new");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_set_aside_is_an_error_and_not_gone() {
    let library = Library::new(FAST);
    publish(&library.vault, &thumb(1), b"ours").await.unwrap();
    let quarantine = library.sidecars().join(".quarantine");
    remove_dir_all(&quarantine).unwrap();
    symlink(library.folder.path(), &quarantine).unwrap();
    let moved = library.vault.quarantine(&thumb(1), &Format::WEBP).await;
    assert!(moved.is_err(), "{moved:?}");
    assert_eq!(bytes_of(&library.vault, &thumb(1)).await.unwrap(), b"ours");
}

#[tokio::test]
async fn files_are_staged_after_their_folder_was_removed() {
    for options in [FAST, PORTABLE] {
        let library = Library::new(options);
        let vault = &library.vault;
        let staging = library.sidecars().join(".staging");
        remove_dir_all(&staging).unwrap();
        publish(vault, &thumb(1), b"old").await.unwrap();
        remove_dir_all(&staging).unwrap();
        let mut newer = prepared(vault, &thumb(1), b"newer").await.unwrap();
        newer.replaces = Some(Digest::of(b"old"));
        vault.publish(&[&newer]).await.remove(0).unwrap();
        assert_eq!(bytes_of(vault, &thumb(1)).await.unwrap(), b"newer");
        assert_eq!(library.names(".staging"), [""; 0]);
        assert_eq!(library.names(".quarantine"), [""; 0]);
    }
}
