//! A folder that may not be read is one folder, and the others are read; what may not be deleted is
//! not said to be gone.
#![expect(
    clippy::disallowed_methods,
    reason = "the test plays whoever else writes there"
)]
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot set up, it has not shown"
)]

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

use rustix::process::{Uid, geteuid};
use tokio::runtime::{Builder, Runtime};
use vss_core::{Format, layout};
use vss_ports::{PortErrorKind, Vault};

use crate::Durability;
use crate::sync_failure_tests::{key, opened, prepared};

/// Does something as somebody who may not read everything. Root may, so this thread and those that
/// it starts are somebody else meanwhile.
fn unprivileged<T>(act: impl FnOnce() -> T) -> T {
    let become_one = |uid: Uid| {
        rustix::thread::set_thread_res_uid(None, uid, None).unwrap();
    };
    let own = geteuid();
    if !own.is_root() {
        return act();
    }
    become_one(Uid::from_raw(65_534));
    let done = act();
    become_one(own);
    done
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

#[test]
fn what_cannot_be_read_is_said_of_its_content_and_nothing_else() {
    let (folder, vault) = opened(Durability::Fast, true);
    runtime().block_on(async {
        for n in 1..=3 {
            let publication = prepared(&vault, n, b"RIFF....WEBP").await;
            vault.publish(&[&publication]).await.remove(0).unwrap();
        }
    });
    let of = |n| {
        let path = layout::content_folder(key(n).content);
        folder.path().join("sidecars").join(path.as_str())
    };
    let may = |n, what: &str, mode| {
        set_permissions(of(n).join(what), Permissions::from_mode(mode)).unwrap();
    };
    for (what, usual) in [("", 0o755), ("thumbs", 0o755), ("manifest.json", 0o644)] {
        may(2, what, 0);
        let all = [1, 2, 3].map(|n| key(n).content);
        let (scanned, inspected) = unprivileged(|| {
            runtime().block_on(async {
                let scanned = vault.scan(None, 10).await.unwrap();
                (scanned, vault.inspect(&all).await.unwrap())
            })
        });
        may(2, what, usual);
        assert_eq!(scanned, inspected, "{what:?}");
        let [first, second, third] = &scanned[..] else {
            panic!("{scanned:?}");
        };
        for read in [first, third] {
            assert_eq!((read.files.len(), &read.unreadable), (1, &None), "{what:?}");
        }
        let why = second.unreadable.as_deref().unwrap();
        assert!(why.contains("Permission denied"), "{why}");
        assert_eq!(second.content, key(2).content);
    }
}

#[test]
fn what_may_not_be_deleted_is_an_error_and_stays() {
    if !geteuid().is_root() {
        println!("skipped: only root can make files of somebody else");
        return;
    }
    let (folder, vault) = opened(Durability::Fast, true);
    runtime().block_on(async {
        let publication = prepared(&vault, 1, b"RIFF....WEBP").await;
        vault.publish(&[&publication]).await.remove(0).unwrap();
    });
    let content = layout::content_folder(key(1).content);
    let thumbs = folder.path().join("sidecars").join(content.as_str());
    let thumbs = thumbs.join("thumbs");
    // As in /tmp: who may write there still deletes nothing of others.
    set_permissions(&thumbs, Permissions::from_mode(0o1777)).unwrap();
    let remove = || runtime().block_on(vault.remove(&key(1), &Format::WEBP, None));
    let refused = unprivileged(remove).unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Unavailable);
    assert!(vault.locate(&key(1), &Format::WEBP).unwrap().is_some());
    assert!(remove().unwrap(), "its owner may");
}
