//! The contract of ReferenceStore as checks.

use std::sync::Arc;

use libtest_mimic::Trial;
use vss_core::companion::{ByteRange, Decision, Evidence, LiveId, Relation};
use vss_core::{
    ContentUuid, Digest, EntryId, FailureClass, Format, Kind, Priority, SidecarKey, SidecarSource,
    Status, Variant,
};
use vss_ports::{
    Adoption, Invalidation, Reference, ReferenceRecord, ReferenceTarget, Referral, Selection,
    SidecarRecord,
};

use crate::rows::{Bench, RowsHarness, at, content, item, wanted};
use crate::{Check, check, trials_of};

const CHECKS: &[Check<dyn RowsHarness>] = &[
    check!(refer_makes_a_row_ready_with_what_was_found),
    check!(refer_to_a_known_original_changes_its_row),
    check!(refer_to_a_copy_keeps_the_row),
    check!(refer_takes_the_first_free_variant_until_there_is_none),
    check!(refer_leaves_managed_sidecars_alone),
    check!(lose_fails_ready_references_for_want_of_an_original),
    check!(a_lost_reference_comes_back_under_its_variant),
    check!(references_come_in_the_order_of_their_originals),
    check!(referring_answers_every_reference_to_an_original),
    check!(forget_and_adopt_end_a_reference),
    check!(other_calls_leave_references_alone),
    check!(decisions_are_kept_and_the_later_one_counts),
];

/// The checks for one adapter.
pub fn trials(adapter: &str, harness: Arc<dyn RowsHarness>) -> Vec<Trial> {
    trials_of("reference", adapter, &harness, CHECKS)
}

const THREE: [&str; 3] = ["original", "original-mov", "original-05050505"];

/// What content `of` has in the original `entry`, whose content is `companion`.
fn reference(of: u8, entry: i64, companion: u8) -> Reference {
    let id = LiveId::read("3D388205-9B11-4690-ABFB-3DB8CE42A984").unwrap();
    Reference {
        content: content(of),
        kind: Kind::LIVE,
        variants: THREE.map(|text| text.parse().unwrap()).to_vec(),
        format: Format::MOV,
        target: ReferenceTarget {
            entry: EntryId(entry),
            companion: content(companion),
            relation: Relation::LivePhoto,
            evidence: Evidence::SameId { id },
        },
        size: 1_000 + u64::from(companion),
        digest: Digest::of(&[companion]),
    }
}

fn key_of(of: u8, variant: &str) -> SidecarKey {
    SidecarKey::new(content(of), Kind::LIVE, variant.parse().unwrap())
}

fn ready(of: u8, variant: &str, changed: bool) -> Referral {
    let key = key_of(of, variant);
    Referral::Ready { key, changed }
}

impl Bench {
    async fn refer(&self, found: &Reference, millis: u64) -> Referral {
        let referred = self
            .references
            .refer(std::slice::from_ref(found), at(millis));
        let mut referred = referred.await.unwrap();
        assert_eq!(referred.len(), 1);
        referred.remove(0)
    }

    async fn all_references(&self) -> Vec<ReferenceRecord> {
        self.references.references(None, 999).await.unwrap()
    }

    async fn live(&self, of: u8, variant: &str) -> Option<SidecarRecord> {
        self.store.find(&key_of(of, variant)).await.unwrap()
    }
}

async fn refer_makes_a_row_ready_with_what_was_found(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let range = ByteRange {
        offset: 70,
        length: 30,
    };
    let mut inside = reference(2, 8, 2);
    inside.target.relation = Relation::MotionPhoto(range);
    inside.target.evidence = Evidence::Inside;
    let both = [reference(1, 7, 5), inside];
    let referred = bench.references.refer(&both, at(3)).await.unwrap();
    let expected = [ready(1, "original", true), ready(2, "original", true)];
    assert_eq!(referred, expected);
    let row = bench.live(1, "original").await.unwrap();
    assert_eq!(
        (row.status, row.source),
        (Status::Ready, SidecarSource::Reference)
    );
    assert_eq!((row.format, row.version), (Format::MOV, None));
    assert_eq!(
        (row.size, row.digest),
        (Some(1_005), Some(Digest::of(&[5])))
    );
    assert_eq!(row.entry, Some(EntryId(7)));
    assert_eq!((row.created_at, row.updated_at), (at(3), at(3)));
    assert_eq!(
        (row.priority, row.not_before, row.failure),
        (None, None, None)
    );
    let all = bench.all_references().await;
    let targets: Vec<_> = all.iter().map(|one| &one.target).collect();
    assert_eq!(targets, [&both[0].target, &both[1].target]);
    assert_eq!(all[0].row.key, key_of(1, "original"));
    bench.assert_counts("referring").await;
    let bench = bench.reopen(harness).await;
    assert_eq!(bench.all_references().await, all);
}

async fn refer_to_a_known_original_changes_its_row(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.refer(&reference(1, 6, 4), 1).await;
    let second = bench.refer(&reference(1, 7, 5), 1).await;
    assert_eq!(second, ready(1, "original-mov", true));
    assert_eq!(
        bench.refer(&reference(1, 7, 5), 2).await,
        ready(1, "original-mov", false)
    );
    assert_eq!(
        bench.live(1, "original-mov").await.unwrap().updated_at,
        at(1)
    );
    // Edited; its variant would be another one now.
    let edited = reference(1, 7, 9);
    assert_eq!(
        bench.refer(&edited, 3).await,
        ready(1, "original-mov", true)
    );
    let row = bench.live(1, "original-mov").await.unwrap();
    assert_eq!((row.size, row.digest), (Some(1_009), Some(edited.digest)));
    assert_eq!((row.created_at, row.updated_at), (at(1), at(3)));
    assert_eq!(bench.all_references().await.len(), 2);
    bench.assert_counts("changing").await;
}

async fn refer_to_a_copy_keeps_the_row(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.refer(&reference(1, 7, 5), 1).await;
    assert_eq!(
        bench.refer(&reference(1, 8, 5), 2).await,
        ready(1, "original", false)
    );
    let row = bench.live(1, "original").await.unwrap();
    assert_eq!((row.entry, row.updated_at), (Some(EntryId(7)), at(1)));
    // A lost one goes to the copy.
    bench
        .references
        .lose(&[key_of(1, "original")], at(3))
        .await
        .unwrap();
    assert_eq!(
        bench.refer(&reference(1, 8, 5), 4).await,
        ready(1, "original", true)
    );
    let row = bench.live(1, "original").await.unwrap();
    assert_eq!((row.entry, row.status), (Some(EntryId(8)), Status::Ready));
}

async fn refer_takes_the_first_free_variant_until_there_is_none(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    // All in one call: the later ones see the earlier.
    let four = [6, 7, 8, 9].map(|entry| reference(1, entry, entry.try_into().unwrap()));
    let referred = bench.references.refer(&four, at(1)).await.unwrap();
    let expected = [
        ready(1, THREE[0], true),
        ready(1, THREE[1], true),
        ready(1, THREE[2], true),
        Referral::Taken,
    ];
    assert_eq!(referred, expected);
    assert_eq!(bench.all_references().await.len(), 3);
}

async fn refer_leaves_managed_sidecars_alone(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let adopted = |digest| Adoption {
        key: key_of(1, "original"),
        format: Format::MOV,
        size: 1_005,
        digest,
        source: SidecarSource::Converted,
        version: None,
        original: None,
    };
    let found = reference(1, 7, 5);
    bench
        .store
        .adopt(&[adopted(found.digest)], at(1))
        .await
        .unwrap();
    let row = bench.live(1, "original").await;
    let managed = Referral::Managed(key_of(1, "original"));
    assert_eq!(bench.refer(&found, 2).await, managed);
    assert_eq!(bench.live(1, "original").await, row);
    assert_eq!(bench.all_references().await, []);
    let other = reference(1, 8, 6);
    assert_eq!(bench.refer(&other, 3).await, ready(1, "original-mov", true));
}

async fn lose_fails_ready_references_for_want_of_an_original(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.refer(&reference(1, 7, 5), 1).await;
    bench.ready(1, &Variant::GRID_1X).await;
    let thumb = SidecarKey::new(content(1), Kind::THUMB, Variant::GRID_1X);
    let keys = [key_of(1, "original"), key_of(2, "original"), thumb];
    assert_eq!(bench.references.lose(&keys, at(5)).await.unwrap(), 1);
    let row = bench.live(1, "original").await.unwrap();
    assert_eq!(
        (row.status, row.size, row.digest),
        (Status::Failed, None, None)
    );
    assert_eq!(row.failure.unwrap().class, FailureClass::MissingSource);
    assert_eq!((row.entry, row.updated_at), (Some(EntryId(7)), at(5)));
    assert_eq!(bench.status(1, &Variant::GRID_1X).await, Status::Ready);
    assert_eq!(bench.references.lose(&keys, at(6)).await.unwrap(), 0);
    bench.assert_counts("losing").await;
}

async fn a_lost_reference_comes_back_under_its_variant(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.refer(&reference(1, 6, 4), 1).await;
    bench.refer(&reference(1, 7, 5), 1).await;
    bench
        .references
        .lose(&[key_of(1, "original-mov")], at(2))
        .await
        .unwrap();
    let back = bench.refer(&reference(1, 7, 5), 3).await;
    assert_eq!(back, ready(1, "original-mov", true));
    let row = bench.live(1, "original-mov").await.unwrap();
    assert_eq!((row.status, row.failure), (Status::Ready, None));
    assert_eq!(row.size, Some(1_005));
    bench.assert_counts("coming back").await;
}

async fn references_come_in_the_order_of_their_originals(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    for (of, entry) in [(3, 4), (1, 9), (2, 4), (4, 1)] {
        bench.refer(&reference(of, entry, 5), 1).await;
    }
    bench.ready(7, &Variant::GRID_1X).await;
    bench
        .references
        .lose(&[key_of(4, "original")], at(2))
        .await
        .unwrap();
    let page = async |after: Option<i64>, limit| {
        let page = bench.references.references(after.map(EntryId), limit).await;
        let entries = page.unwrap().into_iter();
        entries
            .map(|one| (one.target.entry.0, one.row.key.content.as_bytes()[0]))
            .collect::<Vec<_>>()
    };
    assert_eq!(page(None, 99).await, [(1, 4), (4, 2), (4, 3), (9, 1)]);
    assert_eq!(page(None, 2).await, [(1, 4), (4, 2), (4, 3)]);
    assert_eq!(page(Some(4), 9).await, [(9, 1)]);
    assert_eq!(page(Some(9), 9).await, []);
}

async fn referring_answers_every_reference_to_an_original(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    for (of, entry) in [(1, 7), (2, 7), (3, 8)] {
        bench.refer(&reference(of, entry, 5), 1).await;
    }
    let asked = [EntryId(7), EntryId(7), EntryId(99)];
    let mut found = bench.references.referring(&asked).await.unwrap();
    found.sort_by_key(|one| one.row.key.clone());
    let contents: Vec<ContentUuid> = found.iter().map(|one| one.row.key.content).collect();
    assert_eq!(contents, [content(1), content(2)]);
    assert_eq!(bench.references.referring(&[]).await.unwrap(), []);
}

async fn forget_and_adopt_end_a_reference(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.refer(&reference(1, 7, 5), 1).await;
    bench.refer(&reference(2, 8, 6), 1).await;
    let forgotten = bench.store.forget(&[key_of(1, "original")]).await;
    assert_eq!(forgotten.unwrap(), 1);
    assert_eq!(bench.live(1, "original").await, None);
    let adoption = Adoption {
        key: key_of(2, "original"),
        format: Format::MOV,
        size: 1_006,
        digest: Digest::of(&[6]),
        source: SidecarSource::Converted,
        version: None,
        original: None,
    };
    bench.store.adopt(&[adoption], at(2)).await.unwrap();
    let row = bench.live(2, "original").await.unwrap();
    assert_eq!((row.source, row.entry), (SidecarSource::Converted, None));
    assert_eq!(bench.all_references().await, []);
    bench.assert_counts("ending").await;
}

async fn other_calls_leave_references_alone(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.refer(&reference(1, 7, 5), 1).await;
    bench.refer(&reference(2, 8, 6), 1).await;
    bench
        .references
        .lose(&[key_of(2, "original")], at(2))
        .await
        .unwrap();
    let before = bench.all_references().await;
    let keys = [key_of(1, "original"), key_of(2, "original")];
    for how in [Invalidation::FileGone, Invalidation::KeepServing] {
        let changed = bench.store.invalidate(&keys, how, Priority::Missing, at(3));
        assert_eq!(changed.await.unwrap(), 0, "{how:?}");
    }
    let everything = Selection {
        statuses: Status::ALL.to_vec(),
        ..Selection::default()
    };
    let moved = bench
        .control
        .requeue(&everything, Priority::New, at(4))
        .await;
    assert_eq!(moved.unwrap(), 0);
    assert_eq!(bench.control.cancel(&everything, at(5)).await.unwrap(), 0);
    // A content that comes back revives what failed for want of it, but not these.
    let outputs = vec![wanted(&Variant::GRID_1X, "1.0.0")];
    bench.plan(vec![item(2, Priority::New, outputs)]).await;
    assert_eq!(bench.all_references().await, before);
    bench.assert_counts("leaving alone").await;
}

async fn decisions_are_kept_and_the_later_one_counts(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let decision = |companion: i64, linked: Option<Relation>| Decision {
        of: EntryId(1),
        of_content: content(1),
        companion: EntryId(companion),
        companion_content: content(2),
        linked,
    };
    let decide = async |catalog: &str, decision: &Decision, millis| {
        let decided = bench.references.decide(catalog, decision, at(millis)).await;
        decided.unwrap();
    };
    decide("here", &decision(2, Some(Relation::LivePhoto)), 1).await;
    decide("here", &decision(3, Some(Relation::Rendition)), 2).await;
    decide("here", &decision(2, None), 3).await;
    decide(
        "there",
        &decision(2, Some(Relation::Xmp { first: true })),
        4,
    )
    .await;
    let bench = bench.reopen(harness).await;
    let named = |catalog: &str, decision| (catalog.to_owned(), decision);
    let expected = [
        named("here", decision(3, Some(Relation::Rendition))),
        named("here", decision(2, None)),
        named("there", decision(2, Some(Relation::Xmp { first: true }))),
    ];
    assert_eq!(bench.references.decisions().await.unwrap(), expected);
}
