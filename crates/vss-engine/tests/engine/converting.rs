//! Originals that become managed because a person asked for it, and originals again.
#![expect(
    clippy::disallowed_methods,
    reason = "the test is the user whose files these are"
)]

use std::sync::Arc;

use vss_core::{Kind, SidecarSource, Status};
use vss_engine::{ConvertReport, ConvertScope, PathAnswer};
use vss_ports::{PortErrorKind, Vault};
use vss_testkit::catalog::MemoryCatalog;
use vss_testkit::store::Call;
use vss_testkit::vault::Unreadable;

use crate::referring::{Folder, photo};

const XMP: &[u8] = b"<settings/>";

async fn one() -> Folder {
    let folder = Folder::new(&[("a.jpg", &photo("a")), ("a.xmp", XMP)]);
    folder.index().await;
    folder
}

impl Folder {
    async fn convert(&self, dry_run: bool) -> ConvertReport {
        let scope = ConvertScope::default();
        let engine = self.world.engine();
        engine.convert(&scope, dry_run, &|_| {}).await.unwrap()
    }

    /// Where the bytes are: outside, inside.
    async fn whereabouts(&self) -> (bool, bool) {
        let outside = std::fs::read(self.path("a.xmp")).is_ok_and(|bytes| bytes == XMP);
        let row = self.reference("a.jpg").await;
        let located = self.world.vault.locate(&row.key, &row.format).unwrap();
        (outside, located.is_some())
    }
}

#[tokio::test]
async fn converting_moves_the_original_and_reverting_moves_it_back() {
    let folder = one().await;
    let dry = folder.convert(true).await;
    assert_eq!((dry.converted.len(), dry.refused.len()), (1, 0));
    assert_eq!(dry.converted[0].path, folder.path("a.xmp"));
    assert_eq!(folder.whereabouts().await, (true, false));
    let done = folder.convert(false).await;
    assert_eq!((done.converted.len(), done.refused.len()), (1, 0));
    assert_eq!(folder.whereabouts().await, (false, true));
    let row = folder.reference("a.jpg").await;
    assert_eq!(
        (row.source, row.status),
        (SidecarSource::Converted, Status::Ready)
    );
    let answer = folder.answer(row.key.content).await;
    assert!(
        matches!(answer, PathAnswer::Ready { managed: true, .. }),
        "{answer:?}"
    );
    assert_eq!(folder.convert(false).await.converted, []);
    folder.index().await;
    assert_eq!(
        folder.reference("a.jpg").await.source,
        SidecarSource::Converted
    );
    let content = [row.key.content];
    let back = folder.world.engine().revert(&content, None).await.unwrap();
    assert_eq!((back.converted.len(), back.refused.len()), (1, 0));
    assert!(folder.path("a.xmp").exists());
    // Its entry was forgotten when it was indexed without it; the next time finds it.
    folder.index().await;
    assert_eq!(folder.whereabouts().await, (true, false));
    assert_eq!(
        folder.reference("a.jpg").await.source,
        SidecarSource::Reference
    );
}

#[tokio::test]
async fn what_is_reverted_before_it_was_forgotten_is_a_reference_at_once() {
    let folder = one().await;
    let before = folder.reference("a.jpg").await;
    folder.convert(false).await;
    let content = [before.key.content];
    folder
        .world
        .engine()
        .revert(&content, Some(&Kind::XMP))
        .await
        .unwrap();
    let after = folder.reference("a.jpg").await;
    assert_eq!((after.key, after.entry), (before.key, before.entry));
    assert_eq!(folder.whereabouts().await, (true, false));
}

#[tokio::test]
async fn the_place_outside_must_be_free_for_reverting() {
    let folder = one().await;
    folder.convert(false).await;
    folder.write("a.xmp", b"another one");
    let content = [folder.content("a.jpg").await];
    let report = folder.world.engine().revert(&content, None).await.unwrap();
    assert_eq!(report.converted, []);
    assert!(!report.refused[0].unfinished, "{report:?}");
    assert_eq!(folder.whereabouts().await, (false, true));
    folder.remove("a.xmp");
    let report = folder.world.engine().revert(&content, None).await.unwrap();
    assert_eq!(report.converted.len(), 1);
}

#[tokio::test]
async fn a_file_that_belongs_to_two_is_refused_and_the_rest_goes_on() {
    let folder = Folder::new(&[
        ("a.jpg", &photo("a")),
        ("a.jpeg", &photo("b")),
        ("a.xmp", XMP),
        ("c.jpg", &photo("c")),
        ("c.xmp", b"<c/>"),
        ("d.jpg", &photo("d")),
        ("d.xmp", b"<d/>"),
    ]);
    folder.index().await;
    folder.write("d.xmp", b"<changed/>");
    for dry_run in [true, false] {
        let report = folder.convert(dry_run).await;
        let moved: Vec<_> = report
            .converted
            .iter()
            .map(|one| one.path.clone())
            .collect();
        assert_eq!(moved, [folder.path("c.xmp")]);
        let refused = report.refused.iter();
        let refused: Vec<_> = refused.map(|one| one.detail.as_str()).collect();
        assert_eq!(refused.len(), 3, "{refused:?}");
        assert_eq!(
            refused
                .iter()
                .filter(|why| why.contains("also belongs to"))
                .count(),
            2
        );
        let mut places = report.refused.iter().filter_map(|one| one.path.clone());
        assert!(
            places.any(|path| path == folder.path("d.xmp")),
            "{report:?}"
        );
    }
    assert_eq!(std::fs::read(folder.path("d.xmp")).unwrap(), b"<changed/>");
    assert_eq!(std::fs::read(folder.path("a.xmp")).unwrap(), XMP);
}

#[tokio::test]
async fn a_converted_companion_is_managed_wherever_its_content_appears() {
    let folder = one().await;
    folder.convert(false).await;
    folder.write("again/a.jpg", &photo("a"));
    folder.write("again/a.xmp", XMP);
    assert_eq!(folder.index().await.changed, 0);
    let row = folder.reference("again/a.jpg").await;
    assert_eq!(row.source, SidecarSource::Converted);
    let engine = folder.world.engine();
    let listed = engine.ls(row.key.content).await.unwrap();
    assert_eq!(
        listed
            .iter()
            .filter(|(row, _)| row.key.kind == Kind::XMP)
            .count(),
        1
    );
    // Another companion is another sidecar.
    folder.write("third/a.jpg", &photo("a"));
    folder.write("third/a.xmp", b"<other/>");
    assert_eq!(folder.index().await.changed, 1);
    assert_eq!(folder.references("a.jpg").await.len(), 2);
}

#[tokio::test]
async fn whatever_fails_the_file_is_whole_at_one_place_and_the_next_start_says_where() {
    let calls = [Call::BeginMove, Call::FinishMove];
    let back = [Call::BeginBack, Call::FinishMove, Call::Refer];
    for takes_effect in [false, true] {
        for call in calls {
            let folder = one().await;
            arm(&folder, call, takes_effect);
            let scope = ConvertScope::default();
            let engine = folder.world.engine();
            let _ = engine.convert(&scope, false, &|_| {}).await;
            settled(&folder, &format!("convert, {call:?}, {takes_effect}")).await;
        }
        for call in back {
            let folder = one().await;
            folder.convert(false).await;
            arm(&folder, call, takes_effect);
            let content = [folder.content("a.jpg").await];
            let _ = folder.world.engine().revert(&content, None).await;
            settled(&folder, &format!("revert, {call:?}, {takes_effect}")).await;
        }
    }
}

#[tokio::test]
async fn a_move_that_was_left_half_way_is_finished_though_its_catalog_was_lost() {
    let mut folder = one().await;
    arm(&folder, Call::FinishMove, false);
    let scope = ConvertScope::default();
    let engine = folder.world.engine();
    let _ = engine.convert(&scope, false, &|_| {}).await;
    folder.world.catalog = Arc::new(MemoryCatalog::new());
    let engine = folder.world.engine();
    // On a server it may be on another machine.
    assert_eq!(engine.finish_moves(false).await.unwrap().converted, []);
    let report = engine.finish_moves(true).await.unwrap();
    assert_eq!((report.converted.len(), report.refused.len()), (1, 0));
    let rows = folder.world.rows().await;
    let moved = rows.iter().filter(|row| row.key.kind == Kind::XMP);
    let moved: Vec<_> = moved.map(|row| (row.status, &row.source)).collect();
    assert_eq!(moved, [(Status::Ready, &SidecarSource::Converted)]);
}

fn arm(folder: &Folder, call: Call, takes_effect: bool) {
    let store = &folder.world.store;
    match takes_effect {
        true => store.lose_answer(call, 0, PortErrorKind::Unavailable),
        false => store.refuse(call, 0, PortErrorKind::Unavailable),
    }
}

async fn settled(folder: &Folder, what: &str) {
    let engine = folder.world.engine();
    let report = engine.finish_moves(false).await.unwrap();
    assert!(report.refused.is_empty(), "{what}: {report:?}");
    // Indexing finds what came back under a new entry.
    folder.write("c.jpg", &photo("c"));
    folder.index().await;
    let row = folder.reference("a.jpg").await;
    assert_eq!(row.status, Status::Ready, "{what}");
    let managed = row.source == SidecarSource::Converted;
    assert_eq!(folder.whereabouts().await, (!managed, managed), "{what}");
    assert_eq!(
        engine.finish_moves(false).await.unwrap().converted,
        [],
        "{what}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_converted_is_not_set_aside_because_the_disk_hiccups() {
    let folder = one().await;
    folder.convert(false).await;
    let row = folder.reference("a.jpg").await;
    let content = row.key.content;
    folder
        .world
        .files
        .make_unreadable(content, Unreadable::Bytes);
    let engine = folder.world.engine();
    let asked = engine.path(content, &Kind::XMP, &row.key.variant).await;
    assert!(asked.is_err(), "{asked:?}");
    assert!(folder.world.files.set_aside().is_empty());
    assert_eq!(folder.reference("a.jpg").await, row);
    folder.world.files.make_readable(content);
    let answer = folder.answer(content).await;
    assert!(matches!(answer, PathAnswer::Ready { .. }), "{answer:?}");
}
