//! Several stores on one server share the queue: none answers another's rows, and none waits for
//! another's files.
#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod server;
mod work;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use tokio::sync::Barrier;
use vss_core::{Kind, Priority, Status, Variant};
use vss_ports::{
    CommitOutcome, Invalidation, LeaseOwner, PortErrorKind, PortResult, Publisher, QueueControl,
    Recovery, Selection, SidecarQueue, SidecarStore,
};
use vss_store_seaorm::{SeaOrmStore, StoreOptions};
use work::{NOW, Nowhere, batch, commits, keys, request};

/// What must not wait is given this long; it takes milliseconds.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    let within = tokio::time::timeout(Duration::from_secs(30), what);
    // An error: it waits for the other.
    within.await.unwrap()
}

async fn open(url: &str) -> SeaOrmStore {
    let options = StoreOptions::default();
    SeaOrmStore::open_url(url, &options).await.unwrap()
}

async fn ready(store: &SeaOrmStore) -> u64 {
    let counts = store.counts().await.unwrap();
    let of_kind = counts.rows.get(&Kind::THUMB);
    let rows = of_kind.and_then(|rows| rows.get(&Status::Ready));
    rows.copied().unwrap_or(0)
}

async fn number(db: &DatabaseConnection, sql: &str) -> i64 {
    let query = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(query).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn a_server_says_what_time_it_is() {
    let Some(server) = server::url() else { return };
    let store = open(&server::schema(&server).await).await;
    let there = store.server_time().await.unwrap().unwrap();
    let later = store.server_time().await.unwrap().unwrap();
    assert!(there <= later && later.since(there) < Duration::from_secs(30));
    assert!(there > NOW, "{there:?}");
}

#[tokio::test]
async fn more_rows_than_one_step_takes_are_cancelled_and_queued_again() {
    let Some(server) = server::url() else { return };
    let store = open(&server::schema(&server).await).await;
    store.enqueue(&batch(60_000), NOW).await.unwrap();
    let of = |status| Selection {
        statuses: vec![status],
        ..Selection::default()
    };
    let (pending, failed) = (of(Status::Pending), of(Status::Failed));
    let cancelled = store.cancel(&pending, NOW).await;
    assert_eq!(cancelled.unwrap(), 120_000);
    let queued = store.requeue(&failed, Priority::Missing, NOW).await;
    assert_eq!(queued.unwrap(), 120_000);
    let counts = store.counts().await.unwrap();
    let expected = [(Status::Pending, 120_000)].into();
    assert_eq!(counts.rows[&Kind::THUMB], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn four_claimers_take_each_of_two_thousand_rows_once_and_leave_none() {
    let Some(server) = server::url() else { return };
    let url = server::schema(&server).await;
    // Both apply the migrations, at the same time.
    let (one, two) = tokio::join!(open(&url), open(&url));
    one.enqueue(&batch(1_000), NOW).await.unwrap();
    let drain = async |store: &SeaOrmStore, name: &str| {
        let (mut taken, request) = (Vec::new(), request(name, 7));
        loop {
            let claims = store.claim(&request).await.unwrap();
            if claims.is_empty() {
                return taken;
            }
            assert!(claims.iter().all(|claim| claim.outputs.len() == 2), "split");
            let commits = commits(&claims);
            let outcomes = store.commit(&commits, &Nowhere, NOW).await.unwrap();
            let committed = |outcome| matches!(outcome, &CommitOutcome::Committed);
            assert!(outcomes.iter().all(committed), "{outcomes:?}");
            taken.extend(keys(&claims));
        }
    };
    let (a, b, c, d) = soon(async {
        tokio::join!(
            drain(&one, "a"),
            drain(&one, "b"),
            drain(&two, "c"),
            drain(&two, "d")
        )
    })
    .await;
    let all: Vec<_> = [a, b, c, d].concat();
    assert_eq!(all.len(), 2_000);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 2_000);
    assert_eq!(ready(&one).await, 2_000);
    // The numbers of slots are bits of a mask: none is lost on a row that was there already.
    let mut more = batch(1);
    more.items[0].outputs[0].variant = Variant::GRID_2X;
    one.enqueue(&more, NOW).await.unwrap();
    let db = server::connect(&url).await;
    assert_eq!(number(&db, "SELECT max(id) FROM slots").await, 3);
}

/// Goes on once somebody waits for a lock in this schema, or `done` says that nobody will.
async fn until_waiting(db: &DatabaseConnection, done: impl Fn() -> bool) -> bool {
    let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
        WHERE NOT l.granted AND a.application_name = 'vss' AND EXISTS (SELECT 1 FROM pg_locks h \
            WHERE h.pid = l.pid \
            AND h.relation IN ('fence_floor'::regclass, 'sidecars'::regclass))";
    while !done() {
        if number(db, waiting).await > 0 {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_that_others_work_on_are_passed_over_but_never_said_not_to_be_due() {
    let Some(server) = server::url() else { return };
    let url = server::schema(&server).await;
    let store = open(&url).await;
    store.enqueue(&batch(4), NOW).await.unwrap();
    let db = server::connect(&url).await;
    // One content that another claim is at, one whose rows somebody else changes.
    let lock = "BEGIN; SELECT 1 FROM sidecars WHERE content_id = 2 FOR UPDATE; \
        SELECT pg_advisory_xact_lock(hashtext('vss.claim ' || current_schema()), hashint8(1))";
    db.execute_unprepared(lock).await.unwrap();
    let claims = soon(store.claim(&request("a", 9))).await.unwrap();
    assert_eq!(claims.len(), 2, "two are free");
    // The others are due all the same: to answer nothing would say that they are not.
    let watcher = server::connect(&url).await;
    let taken = AtomicUsize::new(0);
    soon(async {
        let claiming = async {
            let claims = store.claim(&request("a", 9)).await.unwrap();
            taken.store(1, Ordering::Relaxed);
            claims
        };
        let freeing = async {
            let done = || taken.load(Ordering::Relaxed) > 0;
            assert!(until_waiting(&watcher, done).await, "it did not wait");
            db.execute_unprepared("ROLLBACK").await.unwrap();
        };
        let (claims, ()) = tokio::join!(claiming, freeing);
        assert!(!claims.is_empty());
        assert!(claims.iter().all(|claim| claim.outputs.len() == 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rare_calls_wait_for_each_other_while_claims_and_commits_go_on() {
    let Some(server) = server::url() else { return };
    let url = server::schema(&server).await;
    let (one, two) = (open(&url).await, open(&url).await);
    one.enqueue(&batch(2), NOW).await.unwrap();
    let (db, watcher) = (server::connect(&url).await, server::connect(&url).await);
    // As a call of that kind has it.
    let lock = "BEGIN; LOCK TABLE fence_floor IN EXCLUSIVE MODE";
    db.execute_unprepared(lock).await.unwrap();
    let ended = AtomicUsize::new(0);
    soon(async {
        let enqueue = async {
            let report = one.enqueue(&batch(3), NOW).await.unwrap();
            ended.store(1, Ordering::Relaxed);
            report
        };
        let others = async {
            let done = || ended.load(Ordering::Relaxed) > 0;
            assert!(until_waiting(&watcher, done).await, "it did not wait");
            let claims = two.claim(&request("b", 9)).await.unwrap();
            let outcomes = two.commit(&commits(&claims), &Nowhere, NOW).await;
            assert_eq!(outcomes.unwrap().len(), 4);
            db.execute_unprepared("ROLLBACK").await.unwrap();
        };
        let (report, ()) = tokio::join!(enqueue, others);
        assert_eq!(report.inserted, 2);
    })
    .await;
    assert_eq!(ready(&two).await, 4);
}

/// Lets others go on while it publishes, and publishes when they are done.
struct Gate {
    inside: Barrier,
    leave: Barrier,
}

#[async_trait]
impl Publisher for Gate {
    async fn publish(&self, positions: &[usize]) -> Vec<PortResult<()>> {
        self.inside.wait().await;
        self.leave.wait().await;
        Nowhere.publish(positions).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_publishes_keeps_nobody_from_claiming_and_committing() {
    let Some(server) = server::url() else { return };
    let url = server::schema(&server).await;
    let (one, two) = (open(&url).await, open(&url).await);
    one.enqueue(&batch(3), NOW).await.unwrap();
    let mine = one.claim(&request("a", 1)).await.unwrap();
    let gate = Gate {
        inside: Barrier::new(2),
        leave: Barrier::new(2),
    };
    let mine = commits(&mine);
    let committing = one.commit(&mine, &gate, NOW);
    let others = async {
        gate.inside.wait().await;
        let theirs = two.claim(&request("b", 1)).await.unwrap();
        assert_eq!(theirs.len(), 1);
        let outcomes = two.commit(&commits(&theirs), &Nowhere, NOW).await.unwrap();
        assert!(matches!(
            outcomes[..],
            [CommitOutcome::Committed, CommitOutcome::Committed]
        ));
        assert_eq!(ready(&two).await, 2);
        // The last content is claimed by who is committing the first one; both keep their leases.
        assert_eq!(one.claim(&request("a", 1)).await.unwrap().len(), 1);
        let (a, later) = (LeaseOwner::new("a"), NOW.plus(Duration::from_secs(60)));
        assert_eq!(one.renew(&a, later).await.unwrap(), 2);
        let expired = two.release(&Recovery::Expired, NOW.plus(Duration::from_secs(40)));
        assert_eq!(
            expired.await.unwrap(),
            0,
            "what is being committed is nobody else's"
        );
        gate.leave.wait().await;
    };
    let (outcomes, ()) = soon(async { tokio::join!(committing, others) }).await;
    let outcomes = outcomes.unwrap();
    assert!(matches!(
        outcomes[..],
        [CommitOutcome::Committed, CommitOutcome::Committed]
    ));
    assert_eq!(ready(&one).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_originals_of_one_content_are_not_both_its_first() {
    let Some(server) = server::url() else { return };
    let url = server::schema(&server).await;
    let (one, two) = (open(&url).await, open(&url).await);
    one.enqueue(&batch(1), NOW).await.unwrap();
    let claims = one.claim(&request("a", 1)).await.unwrap();
    let [first, mut second] = commits(&claims).try_into().unwrap();
    second.original.1 = vss_core::Digest::of(b"another file");
    let gate = Gate {
        inside: Barrier::new(2),
        leave: Barrier::new(2),
    };
    let (first, second) = ([first], [second]);
    let watcher = server::connect(&url).await;
    let ended = AtomicUsize::new(0);
    let outcomes = soon(async {
        tokio::join!(one.commit(&first, &gate, NOW), async {
            gate.inside.wait().await;
            let late = async {
                let outcomes = two.commit(&second, &Nowhere, NOW).await;
                ended.store(1, Ordering::Relaxed);
                outcomes
            };
            let let_go = async {
                until_waiting(&watcher, || ended.load(Ordering::Relaxed) > 0).await;
                gate.leave.wait().await;
            };
            tokio::join!(late, let_go).0
        })
    })
    .await;
    assert!(matches!(
        outcomes.0.unwrap()[..],
        [CommitOutcome::Committed]
    ));
    assert!(matches!(
        outcomes.1.unwrap()[..],
        [CommitOutcome::SourceConflict]
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_stay_exact_while_rows_come_go_and_are_folded() {
    let Some(server) = server::url() else { return };
    let url = server::schema(&server).await;
    let (one, two) = (open(&url).await, open(&url).await);
    one.enqueue(&batch(200), NOW).await.unwrap();
    let work = async |store: &SeaOrmStore, name: &str| {
        for _ in 0..40 {
            let claims = store.claim(&request(name, 3)).await.unwrap();
            let outcomes = store.commit(&commits(&claims), &Nowhere, NOW).await;
            outcomes.unwrap();
        }
    };
    let disturb = async {
        let all = Selection {
            statuses: Status::ALL.to_vec(),
            ..Selection::default()
        };
        for round in 0..20_usize {
            two.requeue(&all, Priority::Missing, NOW).await.unwrap();
            let some = keys_of(&two, round).await;
            let how = Invalidation::FileGone;
            two.invalidate(&some, how, Priority::New, NOW)
                .await
                .unwrap();
            one.forget(&some).await.unwrap();
            two.cancel(&all, NOW).await.unwrap();
            one.enqueue(&batch(200), NOW).await.unwrap();
            two.release(&Recovery::Owner(LeaseOwner::new("a")), NOW)
                .await
                .unwrap();
        }
    };
    soon(async { tokio::join!(work(&one, "a"), work(&two, "b"), work(&two, "c"), disturb) }).await;
    let db = server::connect(&url).await;
    let differ = "SELECT count(*) FROM (SELECT kind, status, count(*) AS n FROM sidecars \
            JOIN slots ON id = slot_id GROUP BY 1, 2) r \
        FULL JOIN (SELECT kind, status, sum(row_count) AS n FROM counters GROUP BY 1, 2 \
            HAVING sum(row_count) <> 0) c USING (kind, status) WHERE r.n IS DISTINCT FROM c.n";
    assert_eq!(number(&db, differ).await, 0);
    // A thousand rows of totals are folded by the next call that is not in a hurry.
    let many =
        "INSERT INTO counters SELECT 'thumb', 2, n % 3 - 1, 0 FROM generate_series(1, 3000) n";
    db.execute_unprepared(many).await.unwrap();
    let before = ready(&one).await;
    one.renew(&LeaseOwner::new("a"), NOW).await.unwrap();
    assert!(number(&db, "SELECT count(*) FROM counters").await < 10);
    assert_eq!(ready(&one).await, before);
}

async fn keys_of(store: &SeaOrmStore, round: usize) -> Vec<vss_core::SidecarKey> {
    let page = store.page(None, None, 50).await.unwrap();
    let some = page.into_iter().skip(round).step_by(7);
    some.map(|record| record.key).collect()
}

/// Counts how often it is asked.
#[derive(Default)]
struct Counting(AtomicUsize);

#[async_trait]
impl Publisher for Counting {
    async fn publish(&self, positions: &[usize]) -> Vec<PortResult<()>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Nowhere.publish(positions).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_came_in_anothers_way_is_tried_again_but_published_once() {
    let Some(server) = server::url() else { return };
    let url = server::schema(&server).await;
    let store = open(&url).await;
    store.enqueue(&batch(2), NOW).await.unwrap();
    // A number that is drawn is not given back when the transaction is.
    let hiccups = "CREATE SEQUENCE hiccups;
        CREATE FUNCTION hiccup() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('hiccups') < 4 THEN RAISE EXCEPTION 'hiccup' USING ERRCODE = TG_ARGV[0]; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER hiccup BEFORE INSERT ON counters EXECUTE FUNCTION hiccup('40P01')";
    let db = server::connect(&url).await;
    db.execute_unprepared(hiccups).await.unwrap();
    // Three hiccups, then it goes through.
    let claims = store.claim(&request("a", 2)).await.unwrap();
    assert_eq!(claims.len(), 2);
    assert_eq!(claims[0].outputs[0].attempt, 1);
    let again = "ALTER SEQUENCE hiccups RESTART";
    db.execute_unprepared(again).await.unwrap();
    let publisher = Counting::default();
    let error = store.commit(&commits(&claims), &publisher, NOW).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Unavailable, "{error:?}");
    assert_eq!(publisher.0.load(Ordering::Relaxed), 1);
    assert_eq!(ready(&store).await, 0, "nothing of it was recorded");
    // More of them than tries: the caller may come again.
    let lasting = "ALTER SEQUENCE hiccups RESTART WITH -99 MINVALUE -99";
    db.execute_unprepared(lasting).await.unwrap();
    let owner = Recovery::Owner(LeaseOwner::new("a"));
    let error = store.release(&owner, NOW).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Unavailable);
    assert!(error.is_retryable());
    let tries = number(&db, "SELECT last_value + 100 FROM hiccups").await;
    assert_eq!(tries, 5);
}

#[tokio::test]
async fn opening_an_existing_schema_makes_no_tables_and_a_wrong_address_is_refused() {
    let Some(server) = server::url() else { return };
    let url = server::schema(&server).await;
    let options = StoreOptions::default();
    let refused = SeaOrmStore::open_existing_url(&url, &options).await;
    assert_eq!(refused.unwrap_err().kind, PortErrorKind::Rejected);
    let db = server::connect(&url).await;
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()";
    assert_eq!(number(&db, tables).await, 0);
    open(&url).await.close().await.unwrap();
    let opened = SeaOrmStore::open_existing_url(&url, &options).await;
    opened.unwrap().close().await.unwrap();
    for wrong in ["sqlite:///somewhere", "postgres://[", "nothing"] {
        let error = SeaOrmStore::open_url(wrong, &options).await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Rejected, "{wrong}");
    }
    let elsewhere = url.replace("/postgres?", "/no_such_database?");
    let error = SeaOrmStore::open_url(&elsewhere, &options)
        .await
        .unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Rejected, "{error:?}");
    assert!(error.to_string().contains("no_such_database"), "{error}");
}
