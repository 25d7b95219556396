//! What must not read the whole table of sidecars, nine million rows, is asked how it would.

use sea_orm::{ConnectionTrait, QueryResult, Value};
use vss_core::{Event, Status};

use crate::convert::transition;
use crate::dialect::statement;
use crate::enqueue::any_in;
use crate::lease::{hasten_sql, later};
use crate::listing::{depths_sql, from, is_met_soon, page};
use crate::open::{SeaOrmStore, StoreOptions};

/// The steps in which SQLite would run a statement.
async fn plan(sql: &str, values: impl IntoIterator<Item = Value>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecars.db");
    let options = StoreOptions::default();
    let store = SeaOrmStore::open(&path, &options).await.unwrap();
    let explain = format!("EXPLAIN QUERY PLAN {sql}");
    let asked = statement(store.read(), explain, values);
    let rows = store.read().query_all_raw(asked).await;
    let detail = |row: &QueryResult| row.try_get_by_index::<String>(3).unwrap();
    rows.unwrap().iter().map(detail).collect()
}

fn reads_all(plan: &[String]) -> bool {
    plan.iter().any(|step| step == "SCAN sidecars")
}

#[tokio::test]
async fn the_depth_of_the_queue_is_read_from_the_index_of_due_rows_alone() {
    let plan = plan(&depths_sql(), [0.into()]).await;
    let due = "SCAN sidecars USING COVERING INDEX sidecars_due";
    assert!(plan.iter().any(|step| step == due), "{plan:#?}");
    assert!(!reads_all(&plan), "{plan:#?}");
}

#[tokio::test]
async fn whether_planning_may_revive_anything_is_read_from_an_index() {
    for event in [Event::GeneratorChanged, Event::SourceReturned, Event::Want] {
        for from in transition(event).unwrap().0 {
            let plan = plan(&any_in(from), []).await;
            let index = format!("SCAN sidecars USING COVERING INDEX sidecars_{from}");
            assert_eq!(plan, [index], "{event:?}");
        }
    }
}

#[tokio::test]
async fn what_waits_beyond_any_time_is_looked_for_among_what_is_pending() {
    let plan = plan(&hasten_sql(&later()), [0.into(), 0.into()]).await;
    let index = "INDEX sidecars_due";
    assert!(plan.iter().any(|step| step.contains(index)), "{plan:#?}");
    assert!(!reads_all(&plan), "{plan:#?}");
}

#[tokio::test]
async fn a_page_of_very_many_failed_rows_reads_no_more_than_lies_on_the_way() {
    let million = 1_000_000;
    let bound = || -> [Value; 4] { [Vec::<u8>::new().into(), "".into(), "".into(), 256.into()] };
    assert!(is_met_soon(Status::Failed, million, million, 256));
    let sql = page(
        from(true),
        "status = 3 AND failure_class = 'missing_source'",
    );
    let many = plan(&sql, bound()).await;
    let steps = [
        "SEARCH c USING COVERING INDEX sqlite_autoindex_contents_1 (content_uuid>?)",
        "SEARCH s USING PRIMARY KEY (content_id=?)",
    ];
    for step in steps {
        assert!(many.iter().any(|found| found == step), "{many:#?}");
    }
    let sorts = |step: &String| step.starts_with("USE TEMP B-TREE FOR ORDER BY");
    assert!(!many.iter().any(sorts), "{many:#?}");
    // A few are sooner found by their index.
    assert!(!is_met_soon(Status::Failed, 1_000, million, 256));
    let few = plan(&page(from(false), "status = 3"), bound()).await;
    let index = "INDEX sidecars_failed";
    assert!(few.iter().any(|step| step.contains(index)), "{few:#?}");
    // Of a kind with hardly a ready row, the table is read once.
    assert!(!is_met_soon(Status::Ready, 3, million, 64));
    assert!(is_met_soon(Status::Ready, 9 * million, million, 64));
}
