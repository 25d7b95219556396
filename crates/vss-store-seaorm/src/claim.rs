//! Takes due work: the most urgent contents, or the longest due, each with all its due outputs of
//! one generator.
//!
//! The number of a generator implies the kind, so a kind that is paused or excepted is left out by
//! not asking for its numbers. Every priority and generator is probed by itself at the head of its stretch of the partial
//! index, so that a hundred thousand rows that wait for their time cost nothing.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Value};
use serde_json::json;
use vss_core::{Event, GeneratorId, Priority, SidecarKey, Timestamp};
use vss_ports::{Claim, ClaimOrder, ClaimRequest, ClaimedOutput, PortResult};

use crate::convert::{codes, kinds_json, priority_code, status_code, transition};
use crate::counters::Delta;
use crate::dialect::{Locked, hold, on_server, statement};
use crate::error::failed;
use crate::record::Cells;

const OPERATION: &str = "claim sidecars";

/// Terms that SQLite allows in one compound SELECT (SQLITE_LIMIT_COMPOUND_SELECT).
const TERMS: usize = 500;

/// Contents that one claim locks at most: a server has room for some thousand such locks in all.
const MOST: usize = 256;

/// See [`vss_ports::SidecarQueue::claim`]. `None` where work is due but others are taking all of it
/// right now, which an answer of nothing would deny; only on a server.
pub(crate) async fn claim(
    tx: &DatabaseTransaction,
    request: &ClaimRequest,
    locked: Locked,
) -> PortResult<Option<Vec<Claim>>> {
    let generators = generators(tx, request).await?;
    if !on_server(tx) {
        let chosen = most_urgent(tx, &generators, request).await?;
        return take(tx, &generators, &chosen, request, locked)
            .await
            .map(Some);
    }
    // Others look at the same rows: more than is wanted, so that enough is left.
    let wide = ClaimRequest {
        limit: request.limit.saturating_mul(4),
        ..request.clone()
    };
    let mut chosen = most_urgent(tx, &generators, &wide).await?;
    if chosen.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let free = own_contents(tx, &chosen, request.limit, locked).await?;
    chosen.retain(|(content, _)| free.contains(content));
    chosen.truncate(request.limit);
    let claims = take(tx, &generators, &chosen, request, locked).await?;
    Ok((!claims.is_empty()).then_some(claims))
}

/// The first pairs of content and generator, as many as are wanted and there are.
async fn most_urgent(
    tx: &DatabaseTransaction,
    generators: &BTreeMap<i64, String>,
    request: &ClaimRequest,
) -> PortResult<Vec<(i64, String)>> {
    let mut depth = request.limit;
    loop {
        let (chosen, complete) = choose(tx, generators, request, depth).await?;
        if complete || chosen.len() >= request.limit {
            return Ok(chosen);
        }
        depth = depth.saturating_mul(2);
    }
}

/// The numbers of the asked generators at any version, for the kinds that may be claimed.
async fn generators(
    tx: &DatabaseTransaction,
    request: &ClaimRequest,
) -> PortResult<BTreeMap<i64, String>> {
    let names: Vec<&str> = request.generators.iter().map(GeneratorId::as_str).collect();
    let names = serde_json::Value::from(names).to_string();
    let sql = "SELECT id, source FROM generators \
               WHERE source IN (SELECT atom FROM json_each(?1)) \
               AND kind NOT IN (SELECT atom FROM json_each(?2)) \
               AND kind NOT IN (SELECT kind FROM paused_kinds)";
    let values = [names.into(), kinds_json(&request.except)];
    let rows = tx.query_all_raw(statement(tx, sql, values)).await;
    let rows = rows.map_err(failed(OPERATION))?;
    let pairs = rows.iter().map(QueryResult::try_get_many_by_index);
    pairs.collect::<Result<_, _>>().map_err(failed(OPERATION))
}

/// The first contents that no other claim is at: the rows of a content are locked one after the
/// other, and two claims that began at once would split them. Waits for no more than one.
async fn own_contents(
    tx: &DatabaseTransaction,
    chosen: &[(i64, String)],
    limit: usize,
    locked: Locked,
) -> PortResult<BTreeSet<i64>> {
    let mut contents: Vec<i64> = chosen.iter().map(|(content, _)| *content).collect();
    contents.dedup();
    let key = "hashtext('vss.claim ' || current_schema()), hashint8(content)";
    let (limit, lock) = match locked {
        Locked::Skip => (limit.min(MOST), format!("pg_try_advisory_xact_lock({key})")),
        Locked::Wait => (1, format!("pg_advisory_xact_lock({key}) IS NOT NULL")),
    };
    // OFFSET keeps the lock out of the inner query: nothing is locked that is not taken.
    let sql = format!(
        "SELECT content FROM (SELECT CAST(value AS BIGINT) AS content FROM json_each(?1) \
         ORDER BY key OFFSET 0) AS contents WHERE {lock} LIMIT ?2"
    );
    let contents = serde_json::Value::from(contents).to_string();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = tx.query_all_raw(statement(tx, sql, [contents.into(), limit.into()]));
    let rows = rows.await.map_err(failed(OPERATION))?;
    let ids = rows.iter().map(|row| row.try_get_by_index(0));
    ids.collect::<Result<_, _>>().map_err(failed(OPERATION))
}

/// What orders due rows: priority (the same for all where it does not count), time, content.
type Urgency = (i64, i64, i64);

/// A row that is due: the head of a stretch of the index, which one priority and generator have.
struct Due {
    urgency: Urgency,
    priority: i64,
    generator: i64,
}

/// The first pairs of content and generator; and whether there are no more than these.
async fn choose(
    tx: &DatabaseTransaction,
    generators: &BTreeMap<i64, String>,
    request: &ClaimRequest,
    depth: usize,
) -> PortResult<(Vec<(i64, String)>, bool)> {
    let (from, _) = transition(Event::Claim)?;
    let mut probes = Vec::new();
    for status in from.iter().copied().map(status_code) {
        for priority in Priority::ALL.into_iter().map(priority_code) {
            for generator in generators.keys() {
                probes.push(format!(
                    "SELECT * FROM (SELECT DISTINCT CAST({priority} AS BIGINT) AS priority, \
                        not_before, content_id, CAST({generator} AS BIGINT) AS generator_id \
                     FROM sidecars INDEXED BY sidecars_due \
                     WHERE status = {status} AND priority = {priority} \
                     AND generator_id = {generator} AND not_before <= ?1 \
                     ORDER BY not_before, content_id LIMIT ?2) AS probe"
                ));
            }
        }
    }
    let limit = i64::try_from(depth).unwrap_or(i64::MAX);
    let mut due: Vec<Due> = Vec::new();
    for probes in probes.chunks(TERMS) {
        let sql = probes.join(" UNION ALL ");
        let values: [Value; 2] = [request.now.as_millis().into(), limit.into()];
        let rows = tx.query_all_raw(statement(tx, sql, values)).await;
        for row in rows.map_err(failed(OPERATION))? {
            let cells: (i64, i64, i64, i64) =
                row.try_get_many_by_index().map_err(failed(OPERATION))?;
            let (priority, since, content, generator) = cells;
            let rank = match request.order {
                ClaimOrder::Urgent => priority,
                ClaimOrder::Oldest => 0,
            };
            due.push(Due {
                urgency: (rank, since, content),
                priority,
                generator,
            });
        }
    }
    // Generators that are equally urgent for a content go by name, whatever their numbers.
    due.sort_unstable_by_key(|due| (due.urgency, generators.get(&due.generator)));
    // Beyond the last row of a stretch that was cut off, more urgent ones may be missing.
    let mut stretches: BTreeMap<(i64, i64), (usize, Urgency)> = BTreeMap::new();
    for due in &due {
        let stretch = stretches.entry((due.priority, due.generator));
        let (length, last) = stretch.or_insert((0, due.urgency));
        *length += 1;
        *last = due.urgency;
    }
    let cut = stretches.values().filter(|(length, _)| *length >= depth);
    let cut = cut.map(|(_, last)| *last).min();
    let mut seen = BTreeSet::new();
    let mut chosen = Vec::new();
    for due in due {
        if cut.is_some_and(|cut| due.urgency > cut) || chosen.len() >= request.limit {
            break;
        }
        if let Some(source) = generators.get(&due.generator) {
            let pair = (due.urgency.2, source.clone());
            if seen.insert(pair.clone()) {
                chosen.push(pair);
            }
        }
    }
    Ok((chosen, cut.is_none()))
}

/// Marks all due outputs of the chosen pairs as running.
async fn take(
    tx: &DatabaseTransaction,
    generators: &BTreeMap<i64, String>,
    chosen: &[(i64, String)],
    request: &ClaimRequest,
    locked: Locked,
) -> PortResult<Vec<Claim>> {
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let owner = "INSERT INTO lease_owners (owner) VALUES (?1) ON CONFLICT DO NOTHING";
    let owner = statement(tx, owner, [request.owner.as_str().into()]);
    tx.execute_raw(owner).await.map_err(failed(OPERATION))?;
    let (from, to) = transition(Event::Claim)?;
    // The plus keeps the planner on the primary key: the partial index would be scanned.
    let due = format!(
        "content_id IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each(?1)) \
         AND (content_id, generator_id) IN (SELECT CAST(value ->> 0 AS BIGINT), \
             CAST(value ->> 1 AS BIGINT) FROM json_each(?1)) \
         AND +status IN ({}) AND not_before <= ?4",
        codes(&from)
    );
    let mut pairs = Vec::new();
    for (content, source) in chosen {
        let same = generators.iter().filter(|(_, name)| *name == source);
        pairs.extend(same.map(|(id, _)| json!([content, id])));
    }
    let values = [
        serde_json::Value::from(pairs).to_string().into(),
        request.owner.as_str().into(),
        Timestamp::as_millis(request.lease_until).into(),
        request.now.as_millis().into(),
    ];
    let due = hold(tx, &due, &values, locked).await;
    let sql = format!(
        r#"UPDATE sidecars SET status = {}, attempt = attempt + 1, fence = fence + 1,
            lease_owner = (SELECT id FROM lease_owners WHERE owner = ?2), lease_until = ?3,
            not_before = NULL, updated_at = ?4
        WHERE {}
        RETURNING content_id, generator_id,
            (SELECT content_uuid FROM contents WHERE id = content_id) AS "contents.content_uuid",
            (SELECT kind FROM slots WHERE id = slot_id) AS "slots.kind",
            (SELECT variant FROM slots WHERE id = slot_id) AS "slots.variant",
            (SELECT format FROM formats WHERE id = format_id) AS "formats.format",
            (SELECT source FROM generators WHERE id = generator_id) AS "generators.source",
            fence AS "sidecars.fence", attempt AS "sidecars.attempt",
            priority AS "sidecars.priority", checksum AS "sidecars.checksum""#,
        status_code(to),
        due.map_err(failed(OPERATION))?,
    );
    let rows = tx.query_all_raw(statement(tx, sql, values)).await;
    let mut delta = Delta::default();
    let mut taken: BTreeMap<(i64, String), Vec<ClaimedOutput>> = BTreeMap::new();
    for row in rows.map_err(failed(OPERATION))? {
        let cells = Cells::of(&row);
        let key = SidecarKey::new(
            cells.content("contents.content_uuid")?,
            cells.text("slots.kind")?,
            cells.text("slots.variant")?,
        );
        for from in &from {
            delta.shift(key.kind.as_str(), *from, to, 1);
        }
        let priority = cells.priority("sidecars.priority")?;
        let unset = || cells.corrupt("sidecars.priority", "a pending row has none".into());
        let pair = (cells.get("content_id")?, cells.get("generators.source")?);
        taken.entry(pair).or_default().push(ClaimedOutput {
            key,
            format: cells.text("formats.format")?,
            fence: cells.number("sidecars.fence")?,
            attempt: cells.number("sidecars.attempt")?,
            priority: priority.ok_or_else(unset)?,
            replaces: cells.digest("sidecars.checksum")?,
        });
    }
    delta.apply(tx).await?;
    Ok(in_order(chosen, taken, &request.generators))
}

/// The claims in the order in which they were chosen.
fn in_order(
    chosen: &[(i64, String)],
    mut taken: BTreeMap<(i64, String), Vec<ClaimedOutput>>,
    asked: &[GeneratorId],
) -> Vec<Claim> {
    let mut claims = Vec::with_capacity(chosen.len());
    for pair in chosen {
        let generator = asked.iter().find(|id| id.as_str() == pair.1);
        let (Some(mut outputs), Some(generator)) = (taken.remove(pair), generator) else {
            continue;
        };
        outputs.sort_by(|a, b| a.key.cmp(&b.key));
        if let Some(first) = outputs.first() {
            claims.push(Claim {
                content: first.key.content,
                generator: generator.clone(),
                outputs,
            });
        }
    }
    claims
}
