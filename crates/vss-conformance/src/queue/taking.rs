//! Checks of claim.

use std::collections::BTreeSet;
use std::sync::Arc;

use vss_core::{Digest, Kind, Priority, SidecarKey, Status, Variant};
use vss_ports::{Claim, ClaimOrder, ClaimRequest};

use crate::rows::{
    Bench, RowsHarness, at, content, image_only, item, key, owner, request, wanted, wanted_kind,
    wanted_text,
};

const GRID: Variant = Variant::GRID_1X;

fn contents(claims: &[Claim]) -> Vec<u8> {
    let first = |claim: &Claim| claim.content.as_bytes()[0];
    claims.iter().map(first).collect()
}

pub(super) async fn claim_answers_due_rows_the_more_urgent_first(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    for (number, priority) in (1..).zip(Priority::ALL.into_iter().rev()) {
        let one = vec![item(number, priority, vec![wanted(&GRID, "1.0.0")])];
        bench.plan_at(one, at(10)).await;
    }
    let later = vec![item(9, Priority::Interactive, vec![wanted(&GRID, "1.0.0")])];
    bench.plan_at(later, at(20)).await;
    bench.failed_once(8).await;
    assert_eq!(bench.claim("a", at(9), 99).await, [], "nothing is due yet");
    assert_eq!(bench.claim("a", at(10), 0).await, []);
    assert_eq!(contents(&bench.claim("a", at(10), 2).await), [5, 4]);
    assert_eq!(contents(&bench.claim("a", at(20), 2).await), [9, 3]);
    assert_eq!(contents(&bench.claim("a", at(20), 99).await), [2, 1]);
    assert_eq!(bench.claim("a", at(20), 99).await, []);
}

pub(super) async fn claim_of_the_oldest_asks_no_priority(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let plan = async |number, priority, output, due| {
        let one = vec![item(number, priority, vec![output])];
        bench.plan_at(one, at(due)).await;
    };
    plan(1, Priority::Interactive, wanted(&GRID, "1.0.0"), 30).await;
    plan(2, Priority::Regenerate, wanted(&GRID, "1.0.0"), 10).await;
    plan(3, Priority::Visible, wanted_text(), 20).await;
    plan(4, Priority::Missing, wanted(&GRID, "1.0.1"), 25).await;
    plan(5, Priority::Missing, wanted(&GRID, "1.0.1"), 99).await;
    let oldest = async |limit| {
        let request = ClaimRequest {
            order: ClaimOrder::Oldest,
            ..request("a", at(50), limit)
        };
        contents(&bench.queue.claim(&request).await.unwrap())
    };
    assert_eq!(oldest(2).await, [2, 3]);
    assert_eq!(contents(&bench.claim("a", at(50), 1).await), [1]);
    assert_eq!(oldest(9).await, [4]);
    // Of a content whose outputs are due since different times, the oldest counts.
    plan(6, Priority::New, wanted(&GRID, "1.0.0"), 41).await;
    plan(7, Priority::Interactive, wanted(&GRID, "1.0.0"), 42).await;
    plan(
        7,
        Priority::Regenerate,
        wanted(&Variant::ICON_1X, "1.0.0"),
        40,
    )
    .await;
    assert_eq!(oldest(1).await, [7]);
    assert_eq!(oldest(9).await, [6]);
}

pub(super) async fn claim_leaves_out_excepted_kinds(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let proxy = wanted_kind(&Kind::PROXY);
    let all = vec![wanted(&GRID, "1.0.0"), proxy.clone(), wanted_text()];
    bench.plan(vec![item(1, Priority::New, all)]).await;
    let urgent = vec![item(2, Priority::Interactive, vec![proxy])];
    bench.plan(urgent).await;
    let ask = async |except: &[Kind], limit| {
        let request = ClaimRequest {
            except: except.to_vec(),
            ..request("a", at(0), limit)
        };
        let claims = bench.queue.claim(&request).await.unwrap();
        let outputs = claims.into_iter().flat_map(|claim| claim.outputs);
        let name = |key: SidecarKey| (key.content.as_bytes()[0], key.kind);
        outputs.map(|output| name(output.key)).collect::<Vec<_>>()
    };
    let every = [Kind::PROXY, Kind::THUMB, Kind::OCR, Kind::EMBEDDINGS];
    assert_eq!(ask(&every, 9).await, []);
    // What is left out takes no place of what is not.
    let some = [Kind::PROXY, Kind::OCR];
    assert_eq!(ask(&some, 1).await, [(1, Kind::THUMB)]);
    assert_eq!(ask(&some, 9).await, []);
    assert_eq!(ask(&[Kind::PROXY], 9).await, [(1, Kind::OCR)]);
    let proxies = [(2, Kind::PROXY), (1, Kind::PROXY)];
    assert_eq!(ask(&[Kind::THUMB], 9).await, proxies);
}

pub(super) async fn claim_answers_outputs_of_a_content_together(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let variants = [Variant::GRID_2X, Variant::DETAIL_1X, Variant::GRID_1X];
    for number in [1, 2, 3] {
        let mut outputs: Vec<_> = variants.iter().map(|v| wanted(v, "1.0.0")).collect();
        outputs.push(wanted_text());
        bench.plan(vec![item(number, Priority::New, outputs)]).await;
    }
    // Planned at another priority by another version: made in the same go all the same.
    let urgent = vec![wanted(&Variant::ICON_1X, "2.0.0")];
    bench
        .plan(vec![item(3, Priority::Interactive, urgent)])
        .await;
    let first = bench.claim("a", at(0), 1).await;
    assert_eq!(first.len(), 1, "one claim was asked for");
    let claim = &first[0];
    assert_eq!(
        (claim.content, claim.generator.as_str()),
        (content(3), "image")
    );
    let names = claim
        .outputs
        .iter()
        .map(|output| output.key.variant.clone());
    let expected = [
        Variant::DETAIL_1X,
        Variant::GRID_1X,
        Variant::GRID_2X,
        Variant::ICON_1X,
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    let rest = bench.claim("a", at(0), 99).await;
    let mut sizes: Vec<_> = rest
        .iter()
        .map(|claim| (claim.generator.as_str(), claim.outputs.len()))
        .collect();
    sizes.sort_unstable();
    let (images, texts) = (("image", 3), ("text", 1));
    assert_eq!(sizes, [images, images, texts, texts, texts]);
}

pub(super) async fn claim_answers_only_the_asked_generators(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let both = vec![wanted(&GRID, "1.0.0"), wanted_text()];
    bench.plan(vec![item(1, Priority::New, both)]).await;
    let ask = async |generators| {
        let request = ClaimRequest {
            generators,
            ..request("a", at(0), 9)
        };
        bench.queue.claim(&request).await.unwrap()
    };
    assert_eq!(ask(Vec::new()).await, []);
    assert_eq!(ask(vec!["unheard-of".parse().unwrap()]).await, []);
    let images = ask(image_only()).await;
    assert_eq!(images.len(), 1);
    assert_eq!(images[0].outputs[0].key, key(1, &GRID));
    let text = SidecarKey::new(content(1), Kind::OCR, "ocr".parse().unwrap());
    let row = bench.store.find(&text).await.unwrap().unwrap();
    assert_eq!(row.status, Status::Pending);
    assert_eq!(ask(image_only()).await, []);
}

pub(super) async fn a_claimed_row_is_running_and_not_claimed_again(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let claimed = bench.claimed(1, &GRID).await;
    assert_eq!((claimed.attempt, claimed.fence), (1, 1));
    assert_eq!(claimed.replaces, None);
    let row = bench.row(1, &GRID).await;
    assert_eq!(row.status, Status::Running);
    assert_eq!((row.attempt, row.fence), (1, 1));
    let lease = row.lease.unwrap();
    assert_eq!((lease.owner, lease.until), (owner("a"), at(30_000)));
    assert_eq!(row.priority, Some(Priority::New));
    assert_eq!(claimed.priority, Priority::New);
    assert_eq!(row.not_before, None);
    // Not even when its lease ran out: that takes a release.
    assert_eq!(bench.claim("b", at(99_000), 9).await, []);
}

pub(super) async fn claims_side_by_side_never_answer_the_same_row(harness: &dyn RowsHarness) {
    let bench = Arc::new(Bench::fresh(harness).await);
    let items = (0..=255).map(|n| {
        let outputs = vec![wanted(&GRID, "1.0.0"), wanted(&Variant::GRID_2X, "1.0.0")];
        item(n, Priority::New, outputs)
    });
    bench.plan(items.collect()).await;
    let workers = (0..4).map(|worker| {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move {
            let mut keys = Vec::new();
            loop {
                let claims = bench.claim(&format!("w{worker}"), at(0), 3).await;
                if claims.is_empty() {
                    return keys;
                }
                let outputs = claims.into_iter().flat_map(|claim| claim.outputs);
                keys.extend(outputs.map(|output| output.key));
                tokio::task::yield_now().await;
            }
        })
    });
    let mut taken = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        taken.extend(worker.await.unwrap());
    }
    let distinct: BTreeSet<_> = taken.iter().collect();
    assert_eq!((taken.len(), distinct.len()), (512, 512));
}

impl Bench {
    /// A row that failed at the very start and waits for a time long after this check.
    async fn failed_once(&self, number: u8) {
        let one = vec![item(number, Priority::Interactive, vec![wanted_text()])];
        self.plan_at(one, at(0)).await;
        let claims = self.claim("f", at(0), 1).await;
        let output = &claims[0].outputs[0];
        assert_eq!(output.key.content, content(number));
        let class = vss_core::FailureClass::TransientIo;
        let mut failure = crate::rows::failure_of(output, class);
        failure.jitter = u64::from(Digest::of(b"any").as_bytes()[0]);
        assert!(self.fail(failure, at(0)).await.is_some());
    }
}
