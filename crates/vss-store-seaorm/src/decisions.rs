//! What people linked and unlinked.

use sea_orm::ConnectionTrait;
use vss_core::companion::Decision;
use vss_core::{EntryId, Timestamp};
use vss_ports::PortResult;

use crate::convert::as_json;
use crate::dialect::statement;
use crate::error::failed;
use crate::open::SeaOrmStore;
use crate::record::Cells;
use crate::transaction::Alone;

/// Keeps a decision instead of an earlier one about the same two originals.
pub(crate) async fn decide(
    store: &SeaOrmStore,
    catalog: &str,
    decision: &Decision,
    now: Timestamp,
) -> PortResult<()> {
    const OPERATION: &str = "keep a decision";
    let forget =
        "DELETE FROM decisions WHERE catalog = ?1 AND of_entry = ?2 AND companion_entry = ?3";
    let keep = "INSERT INTO decisions (catalog, of_entry, companion_entry, of_content, \
        companion_content, relation, decided_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let relation = decision.linked.as_ref().map(as_json).transpose()?;
    let relation = &relation;
    store
        .write(OPERATION, Alone::Calls, |tx| async move {
            let about = [
                catalog.into(),
                decision.of.0.into(),
                decision.companion.0.into(),
            ];
            let said = [
                decision.of_content.as_bytes().to_vec().into(),
                decision.companion_content.as_bytes().to_vec().into(),
                relation.clone().into(),
                now.as_millis().into(),
            ];
            let gone = tx.execute_raw(statement(&*tx, forget, about.clone())).await;
            gone.map_err(failed(OPERATION))?;
            let values = about.into_iter().chain(said);
            let kept = tx.execute_raw(statement(&*tx, keep, values)).await;
            kept.map_err(failed(OPERATION)).map(|_| ())
        })
        .await
}

/// Every decision, the oldest first.
pub(crate) async fn all(store: &SeaOrmStore) -> PortResult<Vec<(String, Decision)>> {
    let sql = r#"SELECT catalog AS "decisions.catalog", of_entry AS "decisions.of_entry",
            of_content AS "decisions.of_content",
            companion_entry AS "decisions.companion_entry",
            companion_content AS "decisions.companion_content",
            relation AS "decisions.relation"
        FROM decisions ORDER BY id"#;
    let rows = store
        .read()
        .query_all_raw(statement(store.read(), sql, []))
        .await;
    let rows = rows.map_err(failed("read decisions"))?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let cells = Cells::of(row);
        let decision = Decision {
            of: EntryId(cells.get("decisions.of_entry")?),
            of_content: cells.content("decisions.of_content")?,
            companion: EntryId(cells.get("decisions.companion_entry")?),
            companion_content: cells.content("decisions.companion_content")?,
            linked: match cells.get::<Option<String>>("decisions.relation")? {
                None => None,
                Some(_) => Some(cells.json("decisions.relation")?),
            },
        };
        all.push((cells.get("decisions.catalog")?, decision));
    }
    Ok(all)
}
