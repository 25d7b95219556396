//! Originals that serve as sidecars: found, followed, lost, found again, and left to what people
//! say. XMP files stand for all companions here; the others differ in the rules alone.
#![expect(
    clippy::disallowed_methods,
    reason = "the test is the user whose files these are"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use vss_core::companion::Relation;
use vss_core::{ContentUuid, Digest, EntryId, FailureClass, Kind, SidecarSource, Status, Variant};
use vss_engine::{LinkError, PathAnswer, ReconcileOptions, ReferenceReport, RegenScope};
use vss_ports::{ContentCatalog, SidecarRecord};
use vss_testkit::catalog::MemoryCatalog;

use crate::world::World;

/// A world with a folder of files.
pub(crate) struct Folder {
    pub(crate) world: World,
    pub(crate) folder: TempDir,
}

/// Bytes that pass for a JPEG.
pub(crate) fn photo(text: &str) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0];
    bytes.extend(text.as_bytes());
    bytes
}

impl Folder {
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = Self {
            world: World::new(),
            folder: tempfile::tempdir().unwrap(),
        };
        for (name, bytes) in files {
            folder.write(name, bytes);
        }
        folder
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        let to = self.path(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::rename(self.path(from), to).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).unwrap();
    }

    pub(crate) async fn index(&self) -> ReferenceReport {
        self.world.index(&self.root()).await.references
    }

    pub(crate) async fn content(&self, name: &str) -> ContentUuid {
        let path = self.path(name);
        let identified = self.world.catalog.identify(&path).await.unwrap();
        identified.unwrap().content
    }

    pub(crate) async fn entry(&self, name: &str) -> EntryId {
        let content = self.content(name).await;
        let at = self
            .world
            .engine()
            .entry_at(content, &self.path(name))
            .await;
        at.unwrap().unwrap()
    }

    /// The XMP sidecars of a file's content.
    pub(crate) async fn references(&self, name: &str) -> Vec<SidecarRecord> {
        let content = self.content(name).await;
        let rows = self.world.rows().await.into_iter();
        rows.filter(|row| row.key.content == content && row.key.kind == Kind::XMP)
            .collect()
    }

    pub(crate) async fn reference(&self, name: &str) -> SidecarRecord {
        let mut all = self.references(name).await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    pub(crate) async fn answer(&self, content: ContentUuid) -> PathAnswer {
        let engine = self.world.engine();
        let answer = engine.path(content, &Kind::XMP, &Variant::ORIGINAL).await;
        answer.unwrap()
    }

    async fn is_at(&self, name: &str, expected: &Path) {
        match self.answer(self.content(name).await).await {
            PathAnswer::Ready {
                file,
                part: None,
                managed: false,
                ..
            } => {
                assert_eq!(file.path, expected);
                assert_eq!(file.size, expected.metadata().unwrap().len());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_companion_that_could_not_be_read_is_looked_at_again_though_nothing_changed() {
    let files: [(&str, &[u8]); 4] = [
        ("a/1.jpg", &photo("1")),
        ("a/1.xmp", b"<x:xmpmeta of='1'/>"),
        ("b/2.jpg", &photo("2")),
        ("b/2.xmp", b"<x:xmpmeta of='2'/>"),
    ];
    let folder = Folder::new(&files);
    folder.world.catalog.miss_next();
    let report = folder.index().await;
    assert_eq!((report.changed, report.unread), (1, 1));
    assert_eq!(folder.index().await.changed, 1);
    for name in ["a/1.jpg", "b/2.jpg"] {
        folder.reference(name).await;
    }
    assert_eq!(folder.index().await, ReferenceReport::default());
}

#[tokio::test]
async fn a_companion_is_a_ready_row_that_points_at_its_original() {
    let photo = photo("a");
    let folder = Folder::new(&[("a.jpg", &photo), ("a.xmp", b"<x/>"), ("b.xmp", b"<y/>")]);
    let report = folder.index().await;
    assert_eq!((report.changed, report.lost, report.ended), (1, 0, 0));
    let row = folder.reference("a.jpg").await;
    assert_eq!(
        (row.status, &row.source),
        (Status::Ready, &SidecarSource::Reference)
    );
    assert_eq!((row.size, row.digest), (Some(4), Some(Digest::of(b"<x/>"))));
    assert_eq!(row.entry, Some(folder.entry("a.xmp").await));
    folder.is_at("a.jpg", &folder.path("a.xmp")).await;
    let content = row.key.content;
    let engine = folder.world.engine();
    let listed = engine.ls(content).await.unwrap();
    let place = listed.iter().find(|(row, _)| row.key.kind == Kind::XMP);
    assert_eq!(place.unwrap().1, Some(folder.path("a.xmp")));
    let asked = engine
        .presence(&[content], &Kind::XMP, &[Variant::ORIGINAL], true)
        .await
        .unwrap();
    let present = &asked[&content][&Variant::ORIGINAL];
    assert!(
        present.local && present.path == Some(folder.path("a.xmp")),
        "{present:?}"
    );
    let explained = engine.explain(content).await.unwrap();
    let xmp = explained
        .sidecars
        .iter()
        .find(|one| one.kind == Kind::XMP)
        .unwrap();
    assert!(!xmp.managed && xmp.remedy.is_none());
    assert!(
        xmp.reason.contains("a.xmp") && xmp.reason.contains("likely"),
        "{xmp:?}"
    );
    // Again, it reads and changes nothing.
    let before = folder.world.rows().await;
    assert_eq!(folder.index().await, ReferenceReport::default());
    folder.world.run().await;
    let references = |rows: Vec<SidecarRecord>| {
        let rows = rows.into_iter();
        rows.filter(|row| row.key.kind == Kind::XMP)
            // Making thumbnails tells which original the content's sidecars are made from.
            .map(|row| SidecarRecord {
                source_digest: None,
                ..row
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(references(folder.world.rows().await), references(before));
}

#[tokio::test]
async fn a_reference_follows_its_original() {
    let photo = photo("a");
    let folder = Folder::new(&[("a.jpg", &photo), ("a.xmp", b"<x/>"), ("far/c.jpg", b"c")]);
    folder.index().await;
    let before = folder.reference("a.jpg").await;
    // Moved to where no rule would look for it.
    folder.rename("a.xmp", "far/other.xmp");
    assert_eq!(folder.index().await, ReferenceReport::default());
    assert_eq!(folder.reference("a.jpg").await, before);
    folder.is_at("a.jpg", &folder.path("far/other.xmp")).await;
    folder.rename("far/other.xmp", "a.xmp");
    folder.index().await;
    // Edited.
    folder.write("a.xmp", b"<edited/>");
    assert_eq!(folder.index().await.changed, 1);
    let edited = folder.reference("a.jpg").await;
    assert_eq!(
        (edited.size, edited.digest),
        (Some(9), Some(Digest::of(b"<edited/>")))
    );
    assert_eq!(edited.key, before.key);
    // Gone: first not where it was, then not known any more.
    folder.rename("a.xmp", "../gone.xmp");
    let content = before.key.content;
    let failed = |answer: PathAnswer| match answer {
        PathAnswer::Failed { class, detail, .. } => (class, detail),
        other => panic!("{other:?}"),
    };
    let (class, detail) = failed(folder.answer(content).await);
    assert!(
        class == FailureClass::MissingSource && detail.contains("mount"),
        "{detail}"
    );
    assert_eq!(folder.reference("a.jpg").await.status, Status::Ready);
    assert_eq!(folder.index().await.lost, 1);
    let (class, detail) = failed(folder.answer(content).await);
    assert!(
        class == FailureClass::MissingSource && detail.contains("gone"),
        "{detail}"
    );
    let lost = folder.reference("a.jpg").await;
    assert_eq!((lost.status, lost.size), (Status::Failed, None));
    // Nobody tries to make it.
    let engine = folder.world.engine();
    assert_eq!(engine.retry(None, Some(Kind::XMP), None).await.unwrap(), 0);
    // Back.
    folder.rename("../gone.xmp", "a.xmp");
    assert_eq!(folder.index().await.changed, 1);
    let back = folder.reference("a.jpg").await;
    assert_eq!((back.status, back.digest), (Status::Ready, edited.digest));
    let engine = folder.world.engine();
    assert_eq!(
        engine
            .regen(RegenScope::All, None, Some(Kind::XMP))
            .await
            .unwrap(),
        0
    );
}

#[tokio::test]
async fn a_reference_ends_with_the_last_original_of_its_content() {
    let photo = photo("a");
    let folder = Folder::new(&[
        ("a.jpg", &photo),
        ("a.xmp", b"<x/>"),
        ("copy/b.jpg", &photo),
    ]);
    folder.index().await;
    let content = folder.content("a.jpg").await;
    folder.remove("a.jpg");
    assert_eq!(folder.index().await, ReferenceReport::default());
    assert_eq!(folder.reference("copy/b.jpg").await.status, Status::Ready);
    folder.remove("copy/b.jpg");
    assert_eq!(folder.index().await.ended, 1);
    assert!(matches!(
        folder
            .world
            .engine()
            .path(content, &Kind::XMP, &Variant::ORIGINAL)
            .await,
        Ok(PathAnswer::Failed { .. }) | Err(_)
    ));
    folder.write("a.jpg", &photo);
    folder.index().await;
    assert_eq!(folder.reference("a.jpg").await.status, Status::Ready);
}

#[tokio::test]
async fn another_file_under_the_name_is_no_companion_any_more() {
    let (first, second) = (photo("a"), photo("b"));
    let folder = Folder::new(&[("a.jpg", &first), ("a.xmp", b"<x/>")]);
    folder.index().await;
    // Settings of the one become a picture, so that nothing is left that could be a sidecar.
    folder.write("a.xmp", &second);
    assert_eq!(folder.index().await.ended, 1);
    assert_eq!(folder.references("a.jpg").await, []);
}

#[tokio::test]
async fn what_a_person_said_is_never_overridden() {
    let (a, b) = (photo("a"), photo("b"));
    let folder = Folder::new(&[("a.jpg", &a), ("b.jpg", &b), ("a.xmp", b"<x/>")]);
    folder.index().await;
    let (of_a, of_b) = (folder.entry("a.jpg").await, folder.entry("b.jpg").await);
    let xmp = folder.entry("a.xmp").await;
    let engine = folder.world.engine();
    assert_eq!(engine.unlink(of_a, xmp).await.unwrap(), 1);
    let linked = engine.link(of_b, xmp).await.unwrap();
    assert_eq!(linked, Relation::Xmp { first: true });
    let hold = async |what: &str| {
        folder.index().await;
        assert_eq!(folder.references("a.jpg").await, [], "{what}");
        assert_eq!(
            folder.reference("b.jpg").await.status,
            Status::Ready,
            "{what}"
        );
        let explained = folder
            .world
            .engine()
            .explain(folder.content("b.jpg").await)
            .await;
        let explained = explained.unwrap();
        let xmp = explained
            .sidecars
            .iter()
            .find(|one| one.kind == Kind::XMP)
            .unwrap();
        assert!(xmp.reason.contains("by hand (certain)"), "{what}: {xmp:?}");
    };
    hold("at once").await;
    folder.write("c.jpg", &photo("c"));
    hold("the folder changed").await;
    folder.write("a.xmp", b"<edited/>");
    hold("the file was edited").await;
    assert_eq!(folder.reference("b.jpg").await.size, Some(9));
    folder.rename("a.xmp", "far/a.xmp");
    hold("the file was moved").await;
    // What makes no sense is refused, and what is not known.
    let engine = folder.world.engine();
    let refused = engine.link(xmp, of_a).await.unwrap_err();
    assert!(matches!(refused, LinkError::NoRelation { .. }), "{refused}");
    let unknown = engine.link(of_a, EntryId(1 << 40)).await.unwrap_err();
    assert!(matches!(unknown, LinkError::Unknown(_)), "{unknown}");
    // And said otherwise again.
    assert_eq!(engine.unlink(of_b, xmp).await.unwrap(), 1);
    folder.index().await;
    assert_eq!(folder.references("b.jpg").await, []);
}

#[tokio::test]
async fn one_file_may_be_text_for_several() {
    let (a, b) = (photo("a"), photo("b"));
    let folder = Folder::new(&[("a.jpg", &a), ("a.jpeg", &b), ("a.xmp", b"<x/>")]);
    assert_eq!(folder.index().await.changed, 2);
    assert_eq!(
        folder.reference("a.jpg").await.entry,
        folder.reference("a.jpeg").await.entry
    );
}

#[tokio::test]
async fn a_new_catalog_finds_every_reference_again_and_every_decision() {
    let (a, b) = (photo("a"), photo("b"));
    let mut folder = Folder::new(&[
        ("a.jpg", &a),
        ("a.xmp", b"<x/>"),
        ("b.jpg", &b),
        ("b.xmp", b"<y/>"),
    ]);
    folder.index().await;
    let (of, xmp) = (folder.entry("b.jpg").await, folder.entry("b.xmp").await);
    folder.world.engine().unlink(of, xmp).await.unwrap();
    let before = folder.reference("a.jpg").await;
    // Its entries have other numbers.
    folder.world.catalog = Arc::new(MemoryCatalog::new());
    for _ in 0..3 {
        folder
            .world
            .catalog
            .add(b"something else", "image/png".parse().unwrap());
    }
    let report = folder.index().await;
    assert_eq!((report.lost, report.changed), (1, 1));
    let after = folder.reference("a.jpg").await;
    assert_eq!((&after.key, after.digest), (&before.key, before.digest));
    assert_eq!(after.entry, Some(folder.entry("a.xmp").await));
    assert_eq!(folder.references("b.jpg").await, []);
}

#[tokio::test]
async fn what_another_catalog_has_under_the_same_number_is_nobodys_sidecar() {
    let (a, b) = (photo("a"), photo("b"));
    let mut folder = Folder::new(&[("a.jpg", &a), ("a.xmp", b"<x/>")]);
    folder.index().await;
    let row = folder.reference("a.jpg").await;
    let elsewhere = Folder::new(&[("b.jpg", &b), ("b.xmp", b"<y/>"), ("c.xmp", b"<z/>")]);
    elsewhere.index().await;
    // The catalog was lost, and the new one has not been told of this folder yet.
    folder.world.catalog = Arc::clone(&elsewhere.world.catalog);
    let entry = row.entry.unwrap();
    let known = folder.world.catalog.entries(&[entry]).await.unwrap();
    assert_eq!(known.len(), 1, "the number means something");
    let content = row.key.content;
    match folder.answer(content).await {
        PathAnswer::Failed { class, .. } => assert_eq!(class, FailureClass::MissingSource),
        other => panic!("{other:?}"),
    }
    let engine = folder.world.engine();
    let listed = engine.ls(content).await.unwrap();
    let place = listed.iter().find(|(row, _)| row.key.kind == Kind::XMP);
    assert_eq!(place.unwrap().1, None);
    folder.index().await;
    folder.is_at("a.jpg", &folder.path("a.xmp")).await;
}

#[tokio::test]
async fn lost_rows_are_found_again_by_reconcile() {
    let photo = photo("a");
    let mut folder = Folder::new(&[("a.jpg", &photo), ("a.xmp", b"<x/>")]);
    folder.index().await;
    let catalog = Arc::clone(&folder.world.catalog);
    folder.world = World::new();
    folder.world.catalog = catalog;
    let engine = folder.world.engine();
    let report = engine.reconcile(Default::default()).await.unwrap();
    assert_eq!(report.references.changed, 1);
    assert_eq!(folder.reference("a.jpg").await.status, Status::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_was_made_yet_references_do_not_speak_of_a_disk_that_is_missing() {
    let folder = Folder::new(&[("a.jpg", &photo("a")), ("a.xmp", b"of a")]);
    assert_eq!(folder.index().await.changed, 1);
    let engine = folder.world.engine();
    let reconciled = engine.reconcile(ReconcileOptions::default()).await;
    assert!(reconciled.is_ok(), "{reconciled:?}");
}
