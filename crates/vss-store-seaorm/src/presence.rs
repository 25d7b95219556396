//! Which of many sidecars there are: the query behind every screenful of thumbnails.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use vss_core::{ContentUuid, Format, Kind, SidecarKey, Status, Variant};
use vss_ports::{PortError, PortErrorKind, PortResult, PresenceRow};

use crate::convert::{contents_json, status_of};
use crate::dialect::statement;
use crate::error::failed;

const OPERATION: &str = "look up the presence of sidecars";

/// Contents a statement. Pieces are looked up side by side, one a reading connection, so that a
/// screenful is answered by more than one core; smaller pieces gain nothing over what a statement
/// costs.
const PIECE: usize = 500;

/// Pieces side by side; more than there are reading connections wait for one.
const AT_ONCE: usize = 4;

/// CROSS JOIN pins the plan: each asked content in turn, then the few rows it has. The plus makes
/// that one step through neighbours instead of a search for each slot.
///
/// All findings come back as one text, `place size` with commas between them, where a place packs
/// position, slot, format and status into one number: a row of its own costs the driver several
/// times what finding it costs SQLite, and every number more costs as much as the search.
const PRESENCE: &str = "
SELECT string_agg((((j.key << 24 | s.slot_id) << 20 | s.format_id) << 4 | s.status)
    || ' ' || coalesce(s.size, -1), ',')
FROM json_each(?1) j
CROSS JOIN contents c ON c.content_uuid = unhex(j.value)
CROSS JOIN sidecars s ON s.content_id = c.id
WHERE +s.slot_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?2))";

/// See [`vss_ports::SidecarStore::presence`].
pub(crate) async fn presence(
    db: &DatabaseConnection,
    contents: &[ContentUuid],
    kind: &Kind,
    variants: &[Variant],
) -> PortResult<Vec<PresenceRow>> {
    let slots = slots(db, kind, variants).await?;
    if slots.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = slots.keys().copied().collect();
    let ids = serde_json::Value::from(ids).to_string();
    let mut wanted = contents.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let mut pieces: Vec<_> = Vec::with_capacity(wanted.len().div_ceil(PIECE));
    pieces.extend(wanted.chunks(PIECE).map(|piece| look_up(db, piece, &ids)));
    // To the end, before anything else waits for a connection that one of them may hold.
    let texts: Vec<Option<String>> = stream::iter(pieces).buffered(AT_ONCE).try_collect().await?;
    let mut formats = Formats::default();
    let mut found = Vec::new();
    for (piece, text) in wanted.chunks(PIECE).zip(&texts) {
        for numbers in text.iter().flat_map(|text| text.split(',')) {
            let seen = Seen::read(numbers, piece, kind, &slots)?;
            let format = formats.get(db, &seen).await?;
            found.push(PresenceRow {
                content: seen.key.content,
                variant: seen.key.variant,
                status: seen.status,
                format,
                size: seen.size,
            });
        }
    }
    Ok(found)
}

/// What [`PRESENCE`] says of these contents.
async fn look_up(
    db: &DatabaseConnection,
    contents: &[ContentUuid],
    slots: &str,
) -> PortResult<Option<String>> {
    let query = statement(db, PRESENCE, [contents_json(contents), slots.into()]);
    let row = db.query_one_raw(query).await.map_err(failed(OPERATION))?;
    let text = row.map(|row| row.try_get_by_index::<Option<String>>(0));
    Ok(text.transpose().map_err(failed(OPERATION))?.flatten())
}

/// The slots of the asked variants that exist, by id.
async fn slots(
    db: &DatabaseConnection,
    kind: &Kind,
    variants: &[Variant],
) -> PortResult<HashMap<i64, Variant>> {
    let names: Vec<&str> = variants.iter().map(Variant::as_str).collect();
    let names = serde_json::Value::from(names).to_string();
    let sql = "SELECT id, variant FROM slots \
               WHERE kind = ?1 AND variant IN (SELECT atom FROM json_each(?2))";
    let query = statement(db, sql, [kind.as_str().into(), names.into()]);
    let rows = db.query_all_raw(query).await.map_err(failed(OPERATION))?;
    let mut slots = HashMap::with_capacity(rows.len());
    for row in rows {
        let (id, name): (i64, String) = row.try_get_many_by_index().map_err(failed(OPERATION))?;
        // Only names that were asked for come back, and these are parsed already.
        if let Some(variant) = variants.iter().find(|variant| variant.as_str() == name) {
            slots.insert(id, variant.clone());
        }
    }
    Ok(slots)
}

/// One finding of [`PRESENCE`].
struct Seen {
    key: SidecarKey,
    status: Status,
    format_id: i64,
    size: Option<u64>,
}

impl Seen {
    fn read(
        numbers: &str,
        asked: &[ContentUuid],
        kind: &Kind,
        slots: &HashMap<i64, Variant>,
    ) -> PortResult<Self> {
        let refuse = || {
            let cause = format!("{numbers:?} is no answer to what was asked");
            PortError::new(PortErrorKind::Unexpected, OPERATION, cause)
        };
        let (place, size) = numbers.split_once(' ').ok_or_else(refuse)?;
        let place: u64 = place.parse().map_err(|_| refuse())?;
        let part = |at: u32, bits: u32| (place >> at) & ((1 << bits) - 1);
        let (position, slot, format_id) = (place >> 48, part(24, 24), part(4, 20));
        let content = usize::try_from(position).ok().and_then(|at| asked.get(at));
        let variant = i64::try_from(slot).ok().and_then(|slot| slots.get(&slot));
        let (Some(content), Some(variant)) = (content, variant) else {
            return Err(refuse());
        };
        let key = SidecarKey::new(*content, kind.clone(), variant.clone());
        let status = part(0, 4);
        let Some(status) = i64::try_from(status).ok().and_then(status_of) else {
            return Err(corrupt("status", &key, format!("{status} is no status")));
        };
        let size = match size {
            "-1" => None,
            size => match size.parse() {
                Ok(size) => Some(size),
                Err(_) => return Err(corrupt("size", &key, format!("{size} is no size"))),
            },
        };
        Ok(Self {
            key,
            status,
            format_id: i64::try_from(format_id).map_err(|_| refuse())?,
            size,
        })
    }
}

/// The formats seen so far, by id.
#[derive(Default)]
struct Formats(HashMap<i64, Format>);

impl Formats {
    async fn get(&mut self, db: &DatabaseConnection, seen: &Seen) -> PortResult<Format> {
        if let Some(format) = self.0.get(&seen.format_id) {
            return Ok(format.clone());
        }
        let sql = "SELECT format FROM formats WHERE id = ?1";
        let row = db
            .query_one_raw(statement(db, sql, [seen.format_id.into()]))
            .await;
        let Some(row) = row.map_err(failed(OPERATION))? else {
            let cause = format!("there is no format {}", seen.format_id);
            return Err(corrupt("format_id", &seen.key, cause));
        };
        let text: String = row.try_get_by_index(0).map_err(failed(OPERATION))?;
        let format: Format = text
            .parse()
            .map_err(|error| corrupt("format_id", &seen.key, format!("{error}")))?;
        self.0.insert(seen.format_id, format.clone());
        Ok(format)
    }
}

fn corrupt(column: &str, key: &SidecarKey, cause: String) -> PortError {
    let operation = format!("read sidecars.{column} of the sidecar {key}");
    PortError::new(PortErrorKind::Corrupt, operation, cause)
}
