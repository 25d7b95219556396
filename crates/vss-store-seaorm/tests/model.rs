//! The store, in a file or on a server, and the in-memory one answer any sequence of calls alike.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(feature = "postgres")]
mod server;

use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use vss_core::plan::{Recipe, StillRecipe, WantedOutput};
use vss_core::{
    ContentUuid, Digest, FailureClass, Format, GeneratorRef, Kind, Priority, SidecarKey,
    SidecarSource, Status, Timestamp, Variant,
};
use vss_ports::{
    Adoption, AttemptUsage, Claim, ClaimOrder, ClaimRequest, Commit, EnqueueBatch, EnqueueItem,
    Failure, Invalidation, LeaseOwner, Maker, PortError, PortErrorKind, PortResult, Publisher,
    QueueControl, Recovery, Selection, SidecarQueue, SidecarStore,
};
use vss_store_seaorm::{Durability, SeaOrmStore, StoreOptions};
use vss_testkit::store::MemoryStore;

/// One call. Small numbers pick contents, variants, versions and earlier claims.
#[derive(Clone, Debug)]
enum Step {
    Enqueue(Vec<(u8, u8)>, u8, u8),
    Claim(u8, usize, u8),
    Commit(Vec<(usize, u8)>, bool),
    Fail(usize, u8),
    Release(u8),
    Renew(u8),
    Requeue(u8, u8, u8),
    Cancel(u8, u8),
    Pause(u8),
    Resume(u8),
    List(u8, u8, Option<(u8, u8)>, usize),
    Depths,
    Adopt(u8, u8, u8),
    Invalidate(u8, u8, bool),
    Forget(u8, u8),
    Evict(u8, u8, bool),
    Wait(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let slot = || (0..6_u8, 0..4_u8);
    prop_oneof![
        4 => (prop::collection::vec(slot(), 1..9), 0..5_u8, 0..2_u8)
            .prop_map(|(slots, priority, version)| Step::Enqueue(slots, priority, version)),
        4 => (0..3_u8, 1..4_usize, any::<u8>()).prop_map(|(o, n, how)| Step::Claim(o, n, how)),
        4 => (prop::collection::vec((0..99_usize, 0..8_u8), 1..5), any::<bool>())
            .prop_map(|(which, refuse)| Step::Commit(which, refuse)),
        3 => (0..99_usize, 0..12_u8).prop_map(|(claim, class)| Step::Fail(claim, class)),
        1 => (0..7_u8).prop_map(Step::Release),
        1 => (0..3_u8).prop_map(Step::Renew),
        1 => (0..64_u8, 0..8_u8, 0..5_u8).prop_map(|(s, f, p)| Step::Requeue(s, f, p)),
        1 => (0..64_u8, 0..8_u8).prop_map(|(s, f)| Step::Cancel(s, f)),
        1 => (0..8_u8).prop_map(Step::Pause),
        1 => (0..8_u8).prop_map(Step::Resume),
        1 => (0..64_u8, 0..8_u8, prop::option::of(slot()), 0..9_usize)
            .prop_map(|(s, f, after, limit)| Step::List(s, f, after, limit)),
        1 => Just(Step::Depths),
        1 => (slot(), 0..6_u8).prop_map(|((c, v), from)| Step::Adopt(c, v, from)),
        2 => (slot(), any::<bool>()).prop_map(|((c, v), gone)| Step::Invalidate(c, v, gone)),
        1 => slot().prop_map(|(c, v)| Step::Forget(c, v)),
        2 => (slot(), prop::bool::weighted(0.9))
            .prop_map(|((c, v), current)| Step::Evict(c, v, current)),
        2 => (0..4_000_000_u32).prop_map(Step::Wait),
    ]
}

fn content(number: u8) -> ContentUuid {
    // Far apart and not in the order of their numbers.
    ContentUuid::from_bytes([number.wrapping_mul(97).wrapping_add(13); 16])
}

fn key(number: u8, variant: u8) -> SidecarKey {
    let (kind, variant) = match variant {
        0 => (Kind::THUMB, Variant::GRID_1X),
        1 => (Kind::THUMB, Variant::DETAIL_1X),
        2 => (Kind::PROXY, "scrub".parse().unwrap()),
        _ => ("my-kind".parse().unwrap(), Variant::GRID_1X),
    };
    SidecarKey::new(content(number), kind, variant)
}

fn generator(kind: &Kind, version: u8) -> GeneratorRef {
    let id = if *kind == Kind::THUMB {
        "image"
    } else {
        "video"
    };
    GeneratorRef {
        id: id.parse().unwrap(),
        version: format!("1.{version}.0").parse().unwrap(),
    }
}

fn owner(number: u8) -> LeaseOwner {
    LeaseOwner::new(format!("owner-{number}"))
}

fn usage(number: u8, now: Timestamp) -> AttemptUsage {
    AttemptUsage {
        cpu: (number > 3).then(|| Duration::from_micros(u64::from(number))),
        peak_memory: (number > 5).then_some(1 << number),
        ..AttemptUsage::between(now, now.plus(Duration::from_millis(u64::from(number))))
    }
}

/// Some of the states by the bits of one number, narrowed by the bits of another.
fn selection(states: u8, filter: u8) -> Selection {
    let chosen = (0_u8..).zip(Status::ALL);
    let chosen = chosen.filter(|(bit, _)| states >> bit & 1 == 1);
    Selection {
        statuses: chosen.map(|(_, status)| status).collect(),
        contents: (filter & 1 == 1).then(|| vec![content(0), content(1), content(77)]),
        kind: (filter & 2 == 2).then_some(Kind::THUMB),
        class: (filter & 6 == 6).then_some(FailureClass::CorruptSource),
        stale_against: (filter & 4 == 4).then(|| (0..3).map(maker).collect()),
    }
}

fn maker(variant: u8) -> Maker {
    let SidecarKey { kind, variant, .. } = key(0, variant);
    Maker {
        generator: generator(&kind, 1),
        kind,
        variant,
    }
}

/// Some of the kinds by the bits of a number.
fn kinds(bits: u8) -> Vec<Kind> {
    let kinds = (0..3).map(|variant| key(0, variant + 1).kind);
    let chosen = (0_u8..).zip(kinds).filter(|(bit, _)| bits >> bit & 1 == 1);
    chosen.map(|(_, kind)| kind).collect()
}

/// Refuses every other item when it is told to.
struct Moody(bool);

#[async_trait]
impl Publisher for Moody {
    async fn publish(&self, positions: &[usize]) -> Vec<PortResult<()>> {
        let full = || PortError::new(PortErrorKind::Full, "publish", "no space");
        let each = positions.iter().map(|at| match self.0 && at % 2 == 0 {
            true => Err(full()),
            false => Ok(()),
        });
        each.collect()
    }
}

/// What a call answered, as text, and what it claimed.
type Answer = (String, Vec<Claim>);

async fn run<S: SidecarStore + SidecarQueue + QueueControl>(
    store: &S,
    step: &Step,
    now: Timestamp,
    claims: &[Claim],
) -> Answer {
    let output = |number: usize| {
        let outputs: Vec<_> = claims.iter().flat_map(|claim| &claim.outputs).collect();
        (!outputs.is_empty()).then(|| outputs[number % outputs.len()].clone())
    };
    let priority = |number: u8| Priority::ALL[usize::from(number)];
    let answer = match step {
        Step::Enqueue(slots, urgency, version) => {
            let items = slots.iter().map(|(number, variant)| {
                let key = key(*number, *variant);
                let output = WantedOutput {
                    format: key.kind.default_format().unwrap_or(Format::JSON),
                    generator: generator(&key.kind, *version),
                    recipe: Recipe::Still(StillRecipe {
                        max_side: 1,
                        quality: 1,
                    }),
                    kind: key.kind,
                    variant: key.variant,
                };
                EnqueueItem {
                    content: key.content,
                    priority: priority(*urgency),
                    outputs: vec![output],
                }
            });
            let batch = EnqueueBatch {
                items: items.collect(),
                watermark: None,
            };
            format!("{:?}", store.enqueue(&batch, now).await.unwrap())
        }
        Step::Claim(by, limit, how) => {
            let mut generators = vec!["image".parse().unwrap()];
            if how & 1 == 1 {
                generators.push("video".parse().unwrap());
            }
            let request = ClaimRequest {
                owner: owner(*by),
                now,
                lease_until: now.plus(Duration::from_secs(30)),
                limit: *limit,
                generators,
                // Mostly none.
                except: kinds((how >> 1) & (how >> 4)),
                order: match how & 128 {
                    0 => ClaimOrder::Urgent,
                    _ => ClaimOrder::Oldest,
                },
            };
            let claims = store.claim(&request).await.unwrap();
            return (format!("{claims:?}"), claims);
        }
        Step::Commit(which, refuse) => {
            let commits = which.iter().filter_map(|(number, bytes)| {
                let output = output(*number)?;
                Some(Commit {
                    generator: generator(&output.key.kind, 1),
                    key: output.key,
                    fence: output.fence,
                    format: output.format,
                    size: u64::from(*bytes) * 1_000,
                    digest: Digest::of(&[*bytes]),
                    // Once in a while another original.
                    original: (9, Digest::of(if *bytes == 0 { b"b" } else { b"a" })),
                    usage: usage(*bytes, now),
                })
            });
            let commits: Vec<_> = commits.collect();
            let outcomes = store.commit(&commits, &Moody(*refuse), now).await;
            format!("{:?}", outcomes.unwrap())
        }
        Step::Fail(number, class) => {
            let failures: Vec<_> = output(*number)
                .map(|output| Failure {
                    key: output.key,
                    fence: output.fence,
                    class: FailureClass::ALL[usize::from(*class)],
                    detail: format!("'{class}' \"\u{1F600}\""),
                    jitter: u64::from(*class) * 77,
                    usage: usage(*class, now),
                })
                .into_iter()
                .collect();
            format!("{:?}", store.fail(&failures, now).await.unwrap())
        }
        Step::Release(which) => {
            let which = match which {
                0 => Recovery::Expired,
                1 | 2 => Recovery::Owner(owner(*which)),
                3..6 => Recovery::AllBut(owner(which - 3)),
                _ => Recovery::Ahead(now.plus(Duration::from_secs(20))),
            };
            format!("{}", store.release(&which, now).await.unwrap())
        }
        Step::Renew(by) => {
            let until = now.plus(Duration::from_secs(90));
            format!("{}", store.renew(&owner(*by), until).await.unwrap())
        }
        Step::Requeue(states, filter, urgency) => {
            let selection = selection(*states, *filter);
            let moved = store.requeue(&selection, priority(*urgency), now).await;
            format!("{}", moved.unwrap())
        }
        Step::Cancel(states, filter) => {
            let selection = selection(*states, *filter);
            format!("{}", store.cancel(&selection, now).await.unwrap())
        }
        Step::Pause(bits) => format!("{}", store.pause(&kinds(*bits), now).await.unwrap()),
        Step::Resume(bits) => format!("{}", store.resume(&kinds(*bits)).await.unwrap()),
        Step::List(states, filter, after, limit) => {
            let selection = selection(*states, *filter);
            let after = after.map(|(number, variant)| key(number, variant));
            let found = store.list(&selection, after.as_ref(), *limit).await;
            format!("{:?}", found.unwrap())
        }
        Step::Depths => format!("{:?}", store.depths(now).await.unwrap()),
        Step::Adopt(number, variant, from) => {
            let found = Adoption {
                key: key(*number, *variant),
                format: Format::WEBP,
                size: 10,
                digest: Digest::of(b"found"),
                source: match from {
                    0 => SidecarSource::Reference,
                    1 => SidecarSource::Generator("image".parse().unwrap()),
                    _ => SidecarSource::Adopted,
                },
                version: (*from == 1).then(|| "0.9.0".parse().unwrap()),
                original: (*from > 2).then(|| (9, Digest::of(&[b'x', *from]))),
            };
            format!("{:?}", store.adopt(&[found], now).await.unwrap())
        }
        Step::Invalidate(number, variant, gone) => {
            let how = match gone {
                true => Invalidation::FileGone,
                false => Invalidation::KeepServing,
            };
            let keys = [key(*number, *variant), key(5, 0)];
            let changed = store.invalidate(&keys, how, Priority::Missing, now).await;
            format!("{}", changed.unwrap())
        }
        Step::Forget(number, variant) => {
            let keys = [key(*number, *variant)];
            format!("{}", store.forget(&keys).await.unwrap())
        }
        Step::Evict(number, variant, current) => {
            let key = key(*number, *variant);
            let row = store.find(&key).await.unwrap();
            let digest = row.and_then(|row| row.digest).filter(|_| *current);
            let sidecar = (key, digest.unwrap_or_else(|| Digest::of(b"another")));
            format!("{:?}", store.evict(&[sidecar], now).await.unwrap())
        }
        Step::Wait(_) => String::new(),
    };
    (answer, Vec::new())
}

async fn all_rows<S: SidecarStore + QueueControl>(store: &S) -> String {
    let rows = store.page(None, None, 99).await.unwrap();
    let counts = store.counts().await.unwrap();
    let contents: Vec<_> = (0..6).map(content).collect();
    let variants = [Variant::GRID_1X, Variant::DETAIL_1X];
    let mut seen = store
        .presence(&contents, &Kind::THUMB, &variants)
        .await
        .unwrap();
    seen.sort_by(|a, b| (a.content, &a.variant).cmp(&(b.content, &b.variant)));
    let mut stories = Vec::new();
    for row in &rows {
        stories.push(store.attempts(&row.key).await.unwrap());
    }
    let paused = store.paused().await.unwrap();
    format!("{rows:#?} {counts:#?} {seen:#?} {stories:#?} {paused:?}")
}

/// Gives both the same calls and compares every answer, then all rows.
async fn compare(steps: &[Step], real: &SeaOrmStore) -> Result<(), TestCaseError> {
    let model = MemoryStore::default();
    let mut now = Timestamp::from_millis(1_767_225_600_000);
    let mut claims = Vec::new();
    for step in steps {
        now = now.plus(Duration::from_millis(match step {
            Step::Wait(millis) => u64::from(*millis),
            _ => 1,
        }));
        let (expected, _) = run(&model, step, now, &claims).await;
        let (found, taken) = run(real, step, now, &claims).await;
        prop_assert_eq!(expected, found, "{:?}", step);
        claims.extend(taken);
    }
    prop_assert_eq!(all_rows(&model).await, all_rows(real).await);
    Ok(())
}

fn options() -> StoreOptions {
    StoreOptions {
        durability: Durability::Fast,
        ..StoreOptions::default()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap()
}

/// So many histories, or a hundred times as many in `cargo xtask chaos`.
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told how long to go on"
)]
fn histories(usual: u32) -> ProptestConfig {
    let cases = match std::env::var_os("VSS_CHAOS") {
        Some(_) => 100 * usual,
        None => usual,
    };
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(histories(1_000))]

    #[test]
    fn any_sequence_of_calls_is_answered_alike(steps in prop::collection::vec(step(), 1..40)) {
        runtime().block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("sidecars.db");
            let real = SeaOrmStore::open(&path, &options()).await.unwrap();
            compare(&steps, &real).await?;
            real.close().await.unwrap();
            Ok::<_, TestCaseError>(())
        })?;
    }
}

#[cfg(feature = "postgres")]
proptest! {
    #![proptest_config(histories(48))]

    #[test]
    fn any_sequence_of_calls_is_answered_alike_by_a_server(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let Some(server) = server::url() else { return Ok(()) };
        runtime().block_on(async {
            let url = server::schema(&server).await;
            let real = SeaOrmStore::open_url(&url, &options()).await.unwrap();
            compare(&steps, &real).await?;
            real.close().await.unwrap();
            Ok::<_, TestCaseError>(())
        })?;
    }
}
