//! What somebody else put into the vault's folder is never followed, waited for or destroyed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use vss_core::{Digest, Format, MANIFEST_VERSION, Manifest, layout};
use vss_ports::{PortErrorKind, Vault};
use vss_vault_fs::{FsVault, FsVaultOptions};

use crate::support::{FAST, Library, PORTABLE, bytes_of, content, names, prepared, publish, thumb};

const BOTH: [FsVaultOptions; 2] = [FAST, PORTABLE];

fn make_fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
}

fn make_parents(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
}

async fn is_absent(library: &Library, n: u64) {
    let key = thumb(n);
    assert_eq!(library.vault.locate(&key, &Format::WEBP).unwrap(), None);
    assert!(bytes_of(&library.vault, &key).await.is_none());
}

#[tokio::test]
async fn nothing_is_published_through_a_link_to_a_folder() {
    for options in BOTH {
        for depth in 1..=4 {
            let library = Library::new(options);
            let outside = tempfile::tempdir().unwrap();
            let path = layout::sidecar_path(&thumb(1), &Format::WEBP);
            let link: Vec<&str> = path.parts().take(depth + 1).collect();
            let link = library.sidecars().join(link.join("/"));
            make_parents(&link);
            symlink(outside.path(), &link).unwrap();
            let refused = publish(&library.vault, &thumb(1), b"secret").await;
            let refused = refused.unwrap_err();
            assert_eq!(refused.kind, PortErrorKind::Corrupt, "{link:?}");
            assert_eq!(names(outside.path()), [""; 0], "{link:?}");
            is_absent(&library, 1).await;
        }
    }
}

#[tokio::test]
async fn whatever_has_the_place_of_a_file_is_set_aside_whole() {
    for options in BOTH {
        let library = Library::new(options);
        let outside = tempfile::tempdir().unwrap();
        let victim = outside.path().join("victim");
        std::fs::write(&victim, b"untouched").unwrap();
        for n in 0..4 {
            make_parents(&library.place(&thumb(n)));
        }
        symlink(&victim, library.place(&thumb(0))).unwrap();
        make_fifo(&library.place(&thumb(1)));
        std::fs::create_dir(library.place(&thumb(2))).unwrap();
        std::fs::write(library.place(&thumb(2)).join("inside"), b"kept").unwrap();
        let _socket = UnixListener::bind(library.place(&thumb(3)))
            .or_else(|_| UnixListener::bind(outside.path().join("s")));
        for n in 0..4 {
            // Nothing hangs on the FIFO; the test runner would stop it if it did.
            is_absent(&library, n).await;
            publish(&library.vault, &thumb(n), b"ours").await.unwrap();
            assert_eq!(bytes_of(&library.vault, &thumb(n)).await.unwrap(), b"ours");
        }
        assert_eq!(std::fs::read(&victim).unwrap(), b"untouched");
        let aside = library.sidecars().join(".quarantine");
        let kept: Vec<_> = names(&aside);
        assert!(kept.len() >= 3, "{kept:?}");
        let folder = kept
            .iter()
            .map(|name| aside.join(name))
            .find(|p| p.symlink_metadata().unwrap().is_dir());
        let inside = folder.expect("the folder was kept").join("inside");
        assert_eq!(std::fs::read(inside).unwrap(), b"kept");
        assert_eq!(library.names(".staging"), [""; 0]);
    }
}

#[tokio::test]
async fn a_manifest_that_is_none_is_set_aside_and_one_that_is_newer_is_respected() {
    for options in BOTH {
        let library = Library::new(options);
        let manifest_of = |n| {
            library
                .sidecars()
                .join(layout::manifest_path(content(n)).as_str())
        };
        let newer = MANIFEST_VERSION + 1;
        let newer = format!(r#"{{"version":{newer},"content_uuid":"?","later":1}}"#);
        let foreign = serde_json_of(&Manifest::empty(content(99)));
        let oversized = vec![b' '; 4 * 1024 * 1024 + 1];
        let bad: [(u64, &[u8]); 3] = [(0, b"{ torn"), (1, foreign.as_bytes()), (2, &oversized)];
        for (n, bytes) in bad {
            make_parents(&manifest_of(n));
            std::fs::write(manifest_of(n), bytes).unwrap();
        }
        make_parents(&manifest_of(3));
        make_fifo(&manifest_of(3));
        make_parents(&manifest_of(4));
        std::fs::write(manifest_of(4), &newer).unwrap();

        for scanned in library.vault.scan(None, 10).await.unwrap() {
            assert_eq!(scanned.manifest, None);
            let [stranger] = &scanned.strangers[..] else {
                panic!("{scanned:?}");
            };
            assert_eq!(stranger.name, "manifest.json");
        }
        for n in 0..4 {
            publish(&library.vault, &thumb(n), b"ours").await.unwrap();
            let page = library.vault.scan(None, 10).await.unwrap();
            let scanned = page.into_iter().find(|s| s.content == content(n)).unwrap();
            assert_eq!(scanned.manifest.unwrap().sidecars.len(), 1);
            assert_eq!(scanned.strangers, []);
        }
        assert_eq!(library.names(".quarantine").len(), 4);

        let refused = publish(&library.vault, &thumb(4), b"ours")
            .await
            .unwrap_err();
        assert_eq!(refused.kind, PortErrorKind::Unsupported);
        assert_eq!(std::fs::read_to_string(manifest_of(4)).unwrap(), newer);
        is_absent(&library, 4).await;
    }
}

fn serde_json_of(manifest: &Manifest) -> String {
    format!(
        r#"{{"version":{},"content_uuid":"{}","sidecars":[]}}"#,
        manifest.version, manifest.content_uuid
    )
}

#[tokio::test]
async fn names_that_are_not_utf_8_are_reported_and_do_not_stop_a_scan() {
    let library = Library::new(FAST);
    publish(&library.vault, &thumb(1), b"ours").await.unwrap();
    publish(&library.vault, &thumb(2), b"ours").await.unwrap();
    let odd = OsStr::from_bytes(b"odd-\xff\xfe.webp");
    let place = library.place(&thumb(1));
    let kind = place.parent().unwrap();
    let folder = kind.parent().unwrap();
    let shard = folder.parent().unwrap();
    std::fs::write(kind.join(odd), b"?").unwrap();
    std::fs::create_dir(folder.join(odd)).unwrap();
    std::fs::create_dir(shard.join(odd)).unwrap();
    std::fs::write(library.sidecars().join(odd), b"?").unwrap();
    make_fifo(&kind.join("pipe@1x.webp"));
    symlink("/", kind.join("link@1x.webp")).unwrap();

    let page = library.vault.scan(None, 10).await.unwrap();
    assert_eq!(page.len(), 2);
    let odd = page.iter().find(|s| s.content == content(1)).unwrap();
    assert_eq!(odd.files.len(), 1);
    let mut strangers: Vec<_> = odd.strangers.iter().map(|s| s.name.as_str()).collect();
    strangers.sort_unstable();
    let lossy = "odd-\u{fffd}\u{fffd}.webp";
    let in_kind = format!("thumbs/{lossy}");
    let all = [
        lossy,
        "thumbs/link@1x.webp",
        &in_kind,
        "thumbs/pipe@1x.webp",
    ];
    assert_eq!(strangers, all);
    // The rows that knew of its move may be gone.
    std::fs::create_dir_all(library.sidecars().join(".moving")).unwrap();
    std::fs::write(library.sidecars().join(".moving/an original"), "x").unwrap();
    let strays = library.vault.strays(10).await.unwrap();
    assert_eq!(strays.iter().filter(|s| s.name.ends_with(lossy)).count(), 2);
    let moving = strays.iter().find(|s| s.name == ".moving/an original");
    assert!(moving.unwrap().reason.contains("vss run"));
}

#[tokio::test]
async fn names_of_any_length_that_parses_fit_everywhere() {
    for options in BOTH {
        let library = Library::new(options);
        let mut key = thumb(1);
        key.kind = "k".repeat(32).parse().unwrap();
        key.variant = "v".repeat(64).parse().unwrap();
        publish(&library.vault, &key, b"first").await.unwrap();
        publish(&library.vault, &key, b"second").await.unwrap();
        let kept = library.vault.quarantine(&key, &Format::WEBP).await.unwrap();
        assert!(kept.is_some_and(|kept| kept.exists()));
        assert_eq!(library.names(".quarantine").len(), 2);
        // Longer names than any sidecar's are strangers, and no obstacle.
        let kind = library.place(&key).parent().unwrap().to_owned();
        std::fs::write(kind.join("x".repeat(255)), b"?").unwrap();
        let page = library.vault.scan(None, 10).await.unwrap();
        assert_eq!(page[0].strangers.len(), 1);
    }
}

#[tokio::test]
async fn a_staged_file_is_believed_only_where_it_was_staged() {
    let library = Library::new(PORTABLE);
    let victim = library.folder.path().join("victim");
    std::fs::write(&victim, b"untouched").unwrap();
    publish(&library.vault, &thumb(7), b"theirs").await.unwrap();
    let mut other = prepared(&library.vault, &thumb(1), b"ours").await.unwrap();
    for name in ["../../victim", "../content", "nothing", ".", ""] {
        let own = other.sealed.staged.name.replace(name.to_owned());
        let refused = library.vault.publish(&[&other]).await.pop().unwrap();
        assert_eq!(refused.unwrap_err().kind, PortErrorKind::Rejected, "{name}");
        other.sealed.staged.name = own;
    }
    // An empty file is taken away when it is refused; this one is not where it says.
    let mut empty = library.vault.stage().await.unwrap();
    empty.name = Some("../../victim".to_owned());
    assert!(library.vault.seal(empty).await.is_err());
    assert_eq!(std::fs::read(&victim).unwrap(), b"untouched");
    is_absent(&library, 1).await;
    library
        .vault
        .publish(&[&other])
        .await
        .pop()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn an_entry_that_is_not_of_the_file_is_rejected() {
    let library = Library::new(FAST);
    let mut lying = prepared(&library.vault, &thumb(1), b"ours").await.unwrap();
    lying.entry.blake3 = Digest::of(b"something else");
    let refused = library.vault.publish(&[&lying]).await.pop().unwrap();
    assert_eq!(refused.unwrap_err().kind, PortErrorKind::Rejected);
    is_absent(&library, 1).await;
}

#[test]
fn a_vault_that_is_not_there_is_an_error_and_not_an_empty_vault() {
    let folder = tempfile::tempdir().unwrap();
    let opened = FsVault::open(&folder.path().join("sidecars"), FAST);
    let Err(refused) = opened else {
        panic!("opened a vault out of nothing");
    };
    assert_eq!(refused.kind, PortErrorKind::Rejected);
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn only_the_owner_sweeps_and_media_scanners_are_kept_out() {
    let library = Library::new(FAST);
    assert!(library.sidecars().join(".nomedia").is_file());
    let left = library.sidecars().join(".staging/left-over");
    std::fs::write(&left, b"?").unwrap();
    FsVault::open(&library.sidecars(), FAST).unwrap();
    assert!(left.exists());
    let sweep = FsVaultOptions {
        sweep: true,
        ..FAST
    };
    FsVault::open(&library.sidecars(), sweep).unwrap();
    assert!(!left.exists());
}
