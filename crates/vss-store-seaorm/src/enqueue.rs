//! Plans work: new rows, raised priorities, revived failures, and how far the planner got, all in
//! one transaction.
//!
//! Contents that want the same are put together, and one statement makes all their rows of one kind,
//! content by content: new rows are then appended to the table, which lies in that order. The number
//! of rows it says it made is the number for that kind, so the totals stay exact without reading
//! anything back.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Value};
use serde_json::json;
use vss_core::plan::WantedOutput;
use vss_core::{
    ContentUuid, Event, FailureClass, Format, GeneratorRef, Kind, Priority, Status, Timestamp,
    Variant,
};
use vss_ports::{EnqueueBatch, EnqueueItem, EnqueueReport, PortResult};

use crate::change::{intern_contents, intern_outputs};
use crate::convert::{
    contents_json, priority_code, priority_of, size_value, status_code, transition,
};
use crate::counters::Delta;
use crate::dialect::statement;
use crate::error::failed;
use crate::store::fence_floor;
use crate::watermark;

const OPERATION: &str = "enqueue sidecars";

/// Contents a statement: a longer one gains nothing and holds more memory.
const CHUNK: usize = 1_000;

/// What makes two outputs the same for a row.
type Output<'a> = (&'a Kind, &'a Variant, &'a Format, &'a GeneratorRef);

fn output(wanted: &WantedOutput) -> Output<'_> {
    let generator = &wanted.generator;
    (&wanted.kind, &wanted.variant, &wanted.format, generator)
}

/// The dictionary's numbers for an output.
#[derive(Clone, Copy)]
struct Ids {
    slot: i64,
    format: i64,
    generator: i64,
}

/// See [`vss_ports::SidecarQueue::enqueue`].
pub(crate) async fn enqueue(
    tx: &DatabaseTransaction,
    batch: &EnqueueBatch,
    now: Timestamp,
) -> PortResult<EnqueueReport> {
    if let Some(watermark) = &batch.watermark {
        watermark::write(tx, watermark).await?;
    }
    if batch.items.is_empty() {
        return Ok(EnqueueReport::default());
    }
    let ids = dictionary(tx, &batch.items)
        .await
        .map_err(failed(OPERATION))?;
    let mut work = Work {
        tx,
        now: now.as_millis(),
        floor: size_value(fence_floor(tx).await?)?,
        revivals: revivals(tx).await?,
        report: EnqueueReport::default(),
        delta: Delta::default(),
    };
    for chunk in batch.items.chunks(CHUNK) {
        // A content that wants nothing gets no row.
        let contents = chunk.iter().filter(|item| !item.outputs.is_empty());
        let contents = contents.map(|item| &item.content);
        intern_contents(tx, contents)
            .await
            .map_err(failed(OPERATION))?;
        for group in groups(chunk) {
            let contents = contents_json(&group.contents);
            for (kind, wanted) in by_kind(&group, &ids) {
                let wanted = Wanted {
                    kind,
                    rank: group.rank,
                    outputs: wanted,
                    contents: &contents,
                    number: group.contents.len(),
                };
                work.put(&wanted).await?;
            }
        }
    }
    work.delta.apply(tx).await?;
    Ok(work.report)
}

/// The changes that may make a failed row pending, as far as there are failed rows at all.
async fn revivals(tx: &DatabaseTransaction) -> PortResult<Vec<(Event, Status, Status)>> {
    let mut revivals = Vec::new();
    for event in [Event::GeneratorChanged, Event::SourceReturned, Event::Want] {
        let (from, to) = transition(event)?;
        for from in from {
            let any = tx.query_one_raw(statement(tx, any_in(from), [])).await;
            if any.map_err(failed(OPERATION))?.is_some() {
                revivals.push((event, from, to));
            }
        }
    }
    Ok(revivals)
}

/// Answers whether any row is in a state; each that may be revived has an index of its own.
pub(crate) fn any_in(status: Status) -> String {
    let code = status_code(status);
    format!("SELECT 1 FROM sidecars WHERE status = {code} LIMIT 1")
}

/// Contents that want the same outputs at the same priority.
struct Group<'a> {
    outputs: Vec<Output<'a>>,
    rank: i64,
    contents: Vec<ContentUuid>,
}

/// Who wants the same, in the order of the first to want it.
fn groups(items: &[EnqueueItem]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places: HashMap<(Vec<Output<'_>>, i64), usize> = HashMap::new();
    let mut previous: Option<(&EnqueueItem, usize)> = None;
    for item in items {
        // Neighbours mostly want the same; comparing is cheaper than hashing.
        let same = previous.filter(|(before, _)| {
            before.priority == item.priority && before.outputs == item.outputs
        });
        let place = match same {
            Some((_, place)) => place,
            None => {
                let outputs: Vec<_> = item.outputs.iter().map(output).collect();
                let rank = priority_code(item.priority);
                *places.entry((outputs, rank)).or_insert_with_key(|key| {
                    groups.push(Group {
                        outputs: key.0.clone(),
                        rank,
                        contents: Vec::new(),
                    });
                    groups.len() - 1
                })
            }
        };
        if let Some(group) = groups.get_mut(place) {
            group.contents.push(item.content);
        }
        previous = Some((item, place));
    }
    groups
}

/// The numbers of a group's outputs by kind, in the order in which rows lie in the table.
fn by_kind<'a>(group: &Group<'a>, ids: &HashMap<Output<'a>, Ids>) -> BTreeMap<&'a str, Vec<Ids>> {
    let mut kinds: BTreeMap<&str, Vec<Ids>> = BTreeMap::new();
    for output in &group.outputs {
        if let Some(ids) = ids.get(output) {
            kinds.entry(output.0.as_str()).or_default().push(*ids);
        }
    }
    for ids in kinds.values_mut() {
        ids.sort_by_key(|ids| ids.slot);
    }
    kinds
}

/// What many contents want of one kind.
struct Wanted<'a> {
    kind: &'a str,
    rank: i64,
    outputs: Vec<Ids>,
    /// A JSON array of them.
    contents: &'a Value,
    number: usize,
}

/// Gives every output its numbers.
async fn dictionary<'a>(
    tx: &DatabaseTransaction,
    items: &'a [EnqueueItem],
) -> Result<HashMap<Output<'a>, Ids>, DbErr> {
    let mut outputs: Vec<Output<'a>> = Vec::new();
    let mut previous: Option<&[WantedOutput]> = None;
    let mut seen = std::collections::HashSet::new();
    for item in items {
        if previous != Some(&item.outputs) {
            let new = item.outputs.iter().map(output);
            outputs.extend(new.filter(|output| seen.insert(*output)));
        }
        previous = Some(&item.outputs);
    }
    if outputs.is_empty() {
        return Ok(HashMap::new());
    }
    let list: Vec<_> = outputs
        .iter()
        .map(|(kind, variant, format, generator)| {
            let version = generator.version.to_string();
            let (kind, variant) = (kind.as_str(), variant.as_str());
            json!([
                null,
                kind,
                variant,
                format.as_str(),
                generator.id.as_str(),
                version
            ])
        })
        .collect();
    let list = serde_json::Value::from(list).to_string();
    intern_outputs(tx, &list).await?;
    let sql = "SELECT j.key, l.id, f.id, g.id FROM json_each(?1) j
        CROSS JOIN slots l ON l.kind = j.value ->> 1 AND l.variant = j.value ->> 2
        CROSS JOIN formats f ON f.format = j.value ->> 3
        CROSS JOIN generators g ON g.source = j.value ->> 4 AND g.version = j.value ->> 5
            AND g.kind = j.value ->> 1";
    let mut ids = HashMap::with_capacity(outputs.len());
    for row in tx.query_all_raw(statement(tx, sql, [list.into()])).await? {
        let (key, slot, format, generator): (i64, i64, i64, i64) = row.try_get_many_by_index()?;
        let output = usize::try_from(key).ok().and_then(|key| outputs.get(key));
        if let Some(output) = output {
            let numbers = Ids {
                slot,
                format,
                generator,
            };
            ids.insert(*output, numbers);
        }
    }
    Ok(ids)
}

struct Work<'a> {
    tx: &'a DatabaseTransaction,
    now: i64,
    floor: i64,
    /// What may revive rows, from which state into which; only states in which there are rows.
    revivals: Vec<(Event, Status, Status)>,
    report: EnqueueReport,
    delta: Delta,
}

impl Work<'_> {
    /// Makes contents want outputs of one kind.
    async fn put(&mut self, wanted: &Wanted<'_>) -> PortResult<()> {
        let outputs = wanted.outputs.iter();
        let outputs: Vec<_> = outputs
            .map(|ids| json!([ids.slot, ids.format, ids.generator]))
            .collect();
        let expected = (wanted.number as u64).saturating_mul(outputs.len() as u64);
        let outputs: Value = serde_json::Value::from(outputs).to_string().into();
        let insert = format!(
            "INSERT INTO sidecars (content_id, slot_id, status, format_id, generator_id, attempt, \
                fence, created_at, updated_at, priority, not_before) \
             WITH o AS MATERIALIZED (SELECT CAST(value ->> 0 AS BIGINT) AS slot, \
                CAST(value ->> 1 AS BIGINT) AS format, \
                CAST(value ->> 2 AS BIGINT) AS generator FROM json_each(?2)) \
             SELECT c.id, o.slot, {}, o.format, o.generator, 0, ?3, ?4, ?4, ?5, ?4 \
             FROM json_each(?1) j CROSS JOIN contents c ON c.content_uuid = unhex(j.value) \
             CROSS JOIN o WHERE true ON CONFLICT DO NOTHING",
            status_code(Status::Pending)
        );
        let values = [
            wanted.contents.clone(),
            outputs.clone(),
            self.floor.into(),
            self.now.into(),
            wanted.rank.into(),
        ];
        let inserted = self.execute(insert, values).await?;
        self.report.inserted += inserted;
        let made = i64::try_from(inserted).unwrap_or(i64::MAX);
        self.delta.add(wanted.kind, Status::Pending, made, 0);
        // What was there already may be pending with less urgency, or have failed.
        if inserted < expected {
            for ids in &wanted.outputs {
                self.revive(wanted.kind, *ids, wanted.rank, wanted.contents)
                    .await?;
            }
            self.raise(wanted, outputs).await?;
        }
        Ok(())
    }

    async fn raise(&self, wanted: &Wanted<'_>, outputs: Value) -> PortResult<()> {
        let less = format!("status = {} AND priority > ", status_code(Status::Pending));
        let any = format!("SELECT 1 FROM sidecars WHERE {less} ?1 LIMIT 1");
        let any = self
            .tx
            .query_one_raw(statement(self.tx, any, [wanted.rank.into()]));
        if any.await.map_err(failed(OPERATION))?.is_none() {
            return Ok(());
        }
        let sql = format!(
            "UPDATE sidecars SET priority = ?3 WHERE {less} ?3 AND content_id IN ({CONTENT_IDS}) \
             AND slot_id IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each(?2))"
        );
        let values = [wanted.contents.clone(), outputs, wanted.rank.into()];
        self.execute(sql, values).await.map(|_| ())
    }

    async fn revive(
        &mut self,
        kind: &str,
        ids: Ids,
        rank: i64,
        contents: &Value,
    ) -> PortResult<()> {
        for (event, from, to) in self.revivals.clone() {
            let reason = match event {
                // What made room is made again for somebody, not by itself.
                Event::Want if !is_awaited(rank) => continue,
                Event::Want => "true".to_owned(),
                Event::GeneratorChanged => format!("{} AND generator_id <> ?4", yielding(event)),
                _ => yielding(event),
            };
            let sql = format!(
                "UPDATE sidecars SET status = {}, format_id = ?3, generator_id = ?4, \
                    attempt = 0, updated_at = ?5, priority = ?6, not_before = ?5, \
                    failure_class = NULL \
                 WHERE slot_id = ?2 AND status = {} AND {reason} \
                 AND content_id IN ({CONTENT_IDS})",
                status_code(to),
                status_code(from),
            );
            let values = [
                contents.clone(),
                ids.slot.into(),
                ids.format.into(),
                ids.generator.into(),
                self.now.into(),
                rank.into(),
            ];
            let revived = self.execute(sql, values).await?;
            self.report.revived += revived;
            let moved = i64::try_from(revived).unwrap_or(i64::MAX);
            self.delta.shift(kind, from, to, moved);
        }
        Ok(())
    }

    async fn execute(
        &self,
        sql: String,
        values: impl IntoIterator<Item = Value>,
    ) -> PortResult<u64> {
        let done = self.tx.execute_raw(statement(self.tx, sql, values)).await;
        done.map(|done| done.rows_affected())
            .map_err(failed(OPERATION))
    }
}

fn is_awaited(rank: i64) -> bool {
    priority_of(rank).is_some_and(Priority::is_awaited)
}

/// The condition that a failed row's class yields to an event.
fn yielding(event: Event) -> String {
    let classes = FailureClass::ALL.into_iter();
    let classes: Vec<_> = classes
        .filter(|class| class.yields_to(event))
        .map(|class| format!("'{class}'"))
        .collect();
    format!("failure_class IN ({})", classes.join(", "))
}

const CONTENT_IDS: &str = "SELECT c.id FROM json_each(?1) j \
    CROSS JOIN contents c ON c.content_uuid = unhex(j.value)";
