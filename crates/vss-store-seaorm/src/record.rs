//! Reads rows into records. A value that cannot have been written is reported with its table,
//! column and row, never defaulted: what it stood for is not ours to guess.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, TryGetable};
use serde::de::DeserializeOwned;
use serde_json::json;
use vss_core::{
    ContentUuid, Digest, EntryId, FailureClass, Priority, SidecarKey, Status, Timestamp,
};
use vss_ports::{
    FailureNote, Lease, LeaseOwner, PortError, PortErrorKind, PortResult, ReferenceTarget,
    SidecarRecord,
};

use crate::convert::{hex, priority_of, status_of};
use crate::dialect::{on_server, statement};
use crate::error::failed;

/// Every column of a record, under the name of its table and column.
const COLUMNS: &str = r#"
    c.content_uuid AS "contents.content_uuid", l.kind AS "slots.kind",
    l.variant AS "slots.variant", f.format AS "formats.format", s.status AS "sidecars.status",
    g.source AS "generators.source", g.version AS "generators.version", s.size AS "sidecars.size",
    s.checksum AS "sidecars.checksum", s.created_at AS "sidecars.created_at",
    s.updated_at AS "sidecars.updated_at", s.priority AS "sidecars.priority",
    s.attempt AS "sidecars.attempt", s.not_before AS "sidecars.not_before",
    s.fence AS "sidecars.fence", o.owner AS "lease_owners.owner",
    s.lease_until AS "sidecars.lease_until", s.failure_class AS "sidecars.failure_class",
    d.failure_detail AS "sidecar_details.failure_detail",
    d.source_entry_id AS "sidecar_details.source_entry_id",
    d.companion_uuid AS "sidecar_details.companion_uuid",
    d.relation AS "sidecar_details.relation", d.evidence AS "sidecar_details.evidence",
    d.source_digest AS "sidecar_details.source_digest",
    c.source_digest AS "contents.source_digest""#;

/// The tables that are looked up once content, slot and sidecar are known.
const LOOK_UPS: &str = "
    LEFT JOIN formats f ON f.id = s.format_id
    LEFT JOIN generators g ON g.id = s.generator_id
    LEFT JOIN lease_owners o ON o.id = s.lease_owner
    LEFT JOIN sidecar_details d ON d.content_id = s.content_id AND d.slot_id = s.slot_id";

/// A query for records; `from` brings in `contents c`, `slots l` and `sidecars s`.
pub(crate) fn select(from: &str, tail: &str) -> String {
    format!("SELECT {COLUMNS} FROM {from} {LOOK_UPS} {tail}")
}

/// A record and what only this adapter needs of its row.
#[derive(Clone)]
pub(crate) struct Row {
    /// The record.
    pub(crate) record: SidecarRecord,
    /// The digest of an original that differs from the one of the content.
    pub(crate) own_source: Option<Digest>,
    /// What it refers to, if it is a reference.
    pub(crate) target: Option<ReferenceTarget>,
}

/// Reads one row of a query by [`select`].
pub(crate) fn read(row: &QueryResult) -> PortResult<Row> {
    let cells = Cells::of(row);
    let own_source = cells.digest("sidecar_details.source_digest")?;
    let content_source = cells.digest("contents.source_digest")?;
    let key = SidecarKey::new(
        cells.content("contents.content_uuid")?,
        cells.text("slots.kind")?,
        cells.text("slots.variant")?,
    );
    let failure = match cells.optional_text::<FailureClass>("sidecars.failure_class")? {
        None => None,
        Some(class) => Some(FailureNote {
            class,
            detail: cells
                .get::<Option<String>>("sidecar_details.failure_detail")?
                .unwrap_or_default(),
        }),
    };
    let entry: Option<i64> = cells.get("sidecar_details.source_entry_id")?;
    let target = match entry.map(EntryId) {
        None => None,
        Some(entry) => Some(ReferenceTarget {
            entry,
            companion: cells.content("sidecar_details.companion_uuid")?,
            relation: cells.json("sidecar_details.relation")?,
            evidence: cells.json("sidecar_details.evidence")?,
        }),
    };
    let owner: Option<String> = cells.get("lease_owners.owner")?;
    let until: Option<i64> = cells.get("sidecars.lease_until")?;
    let record = SidecarRecord {
        key,
        format: cells.text("formats.format")?,
        status: cells.status("sidecars.status")?,
        source: cells.text("generators.source")?,
        version: cells.version("generators.version")?,
        size: cells.optional_number("sidecars.size")?,
        digest: cells.digest("sidecars.checksum")?,
        entry: target.as_ref().map(|target| target.entry),
        source_digest: own_source.or(content_source),
        created_at: cells.time("sidecars.created_at")?,
        updated_at: cells.time("sidecars.updated_at")?,
        priority: cells.priority("sidecars.priority")?,
        attempt: cells.number("sidecars.attempt")?,
        not_before: cells
            .get::<Option<i64>>("sidecars.not_before")?
            .map(Timestamp::from_millis),
        fence: cells.number("sidecars.fence")?,
        lease: owner.zip(until).map(|(owner, until)| Lease {
            owner: LeaseOwner::new(owner),
            until: Timestamp::from_millis(until),
        }),
        failure,
    };
    Ok(Row {
        record,
        own_source,
        target,
    })
}

/// Loads the rows of keys, to be changed in the same transaction; those that are not there are
/// missing from the answer.
pub(crate) async fn load<'a>(
    tx: &DatabaseTransaction,
    keys: impl IntoIterator<Item = &'a SidecarKey>,
) -> PortResult<HashMap<SidecarKey, Row>> {
    let from = "json_each(?1) j
        CROSS JOIN contents c ON c.content_uuid = unhex(j.value ->> 0)
        CROSS JOIN slots l ON l.kind = j.value ->> 1 AND l.variant = j.value ->> 2
        CROSS JOIN sidecars s ON s.content_id = c.id AND s.slot_id = l.id";
    let keys = keys_json(keys);
    if on_server(tx) {
        // By itself: one statement that locks and joins would join what stood there before the wait.
        let lock = format!("SELECT 1 FROM {from} ORDER BY s.content_id, s.slot_id FOR UPDATE OF s");
        let locked = tx
            .execute_raw(statement(tx, lock, [keys.as_str().into()]))
            .await;
        locked.map_err(failed("lock sidecars"))?;
    }
    let rows = tx
        .query_all_raw(statement(tx, select(from, ""), [keys.into()]))
        .await
        .map_err(failed("load sidecars"))?;
    let mut loaded = HashMap::with_capacity(rows.len());
    for row in &rows {
        let row = read(row)?;
        loaded.insert(row.record.key.clone(), row);
    }
    Ok(loaded)
}

/// A JSON array of `[content in hex, kind, variant]`.
pub(crate) fn keys_json<'a>(keys: impl IntoIterator<Item = &'a SidecarKey>) -> String {
    let keys: Vec<_> = keys
        .into_iter()
        .map(|key| {
            let content = hex(key.content.as_bytes());
            json!([content, key.kind.as_str(), key.variant.as_str()])
        })
        .collect();
    serde_json::Value::from(keys).to_string()
}

/// The cells of a row, whose columns are called `table.column`.
pub(crate) struct Cells<'a> {
    row: &'a QueryResult,
}

impl<'a> Cells<'a> {
    /// The cells of a row.
    pub(crate) fn of(row: &'a QueryResult) -> Self {
        Self { row }
    }

    /// A value as the driver has it.
    pub(crate) fn get<T: TryGetable>(&self, column: &str) -> PortResult<T> {
        let value = self.row.try_get("", column);
        value.map_err(|error| self.corrupt(column, error.to_string()))
    }

    /// A text that a type of the domain parses.
    pub(crate) fn text<T: FromStr<Err: Display>>(&self, column: &str) -> PortResult<T> {
        self.parse(column, &self.get::<String>(column)?)
    }

    /// A value that is kept as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> PortResult<T> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(|error| self.corrupt(column, error.to_string()))
    }

    /// A content.
    pub(crate) fn content(&self, column: &str) -> PortResult<ContentUuid> {
        let bytes: Vec<u8> = self.get(column)?;
        let length = bytes.len();
        let bytes = bytes.try_into();
        bytes
            .map(ContentUuid::from_bytes)
            .map_err(|_| self.corrupt(column, format!("{length} bytes, not 16")))
    }

    /// A digest, or none.
    pub(crate) fn digest(&self, column: &str) -> PortResult<Option<Digest>> {
        let Some(bytes) = self.get::<Option<Vec<u8>>>(column)? else {
            return Ok(None);
        };
        let length = bytes.len();
        match bytes.try_into() {
            Ok(bytes) => Ok(Some(Digest::from_bytes(bytes))),
            Err(_) => Err(self.corrupt(column, format!("{length} bytes, not 32"))),
        }
    }

    /// A status.
    pub(crate) fn status(&self, column: &str) -> PortResult<Status> {
        let code: i64 = self.get(column)?;
        status_of(code).ok_or_else(|| self.corrupt(column, format!("{code} is no status")))
    }

    /// A number that cannot be negative.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &str) -> PortResult<T> {
        let number: i64 = self.get(column)?;
        let converted = T::try_from(number);
        converted.map_err(|_| self.corrupt(column, format!("{number} is out of range")))
    }

    /// The version of a generator, or none.
    pub(crate) fn version<T: FromStr<Err: Display>>(&self, column: &str) -> PortResult<Option<T>> {
        match self.get::<String>(column)?.as_str() {
            "" => Ok(None),
            text => self.parse(column, text).map(Some),
        }
    }

    /// A number that cannot be negative, or none.
    pub(crate) fn optional_number(&self, column: &str) -> PortResult<Option<u64>> {
        match self.get::<Option<i64>>(column)? {
            None => Ok(None),
            Some(_) => self.number(column).map(Some),
        }
    }

    fn optional_text<T: FromStr<Err: Display>>(&self, column: &str) -> PortResult<Option<T>> {
        match self.get::<Option<String>>(column)? {
            None => Ok(None),
            Some(text) => self.parse(column, &text).map(Some),
        }
    }

    /// A priority, or none.
    pub(crate) fn priority(&self, column: &str) -> PortResult<Option<Priority>> {
        let Some(code) = self.get::<Option<i64>>(column)? else {
            return Ok(None);
        };
        let refuse = || self.corrupt(column, format!("{code} is no priority"));
        priority_of(code).map(Some).ok_or_else(refuse)
    }

    /// A time.
    pub(crate) fn time(&self, column: &str) -> PortResult<Timestamp> {
        self.get(column).map(Timestamp::from_millis)
    }

    fn parse<T: FromStr<Err: Display>>(&self, column: &str, text: &str) -> PortResult<T> {
        let parsed = text.parse::<T>();
        parsed.map_err(|error| self.corrupt(column, error.to_string()))
    }

    /// What is reported of a value that cannot have been written.
    pub(crate) fn corrupt(&self, column: &str, cause: String) -> PortError {
        // The name of the row as far as it can be read, whatever state its parts are in.
        let text = |column: &str| self.row.try_get::<String>("", column).unwrap_or_default();
        let content = self.row.try_get::<Vec<u8>>("", "contents.content_uuid");
        let row = format!(
            "{}|{}|{}",
            content
                .map(|bytes| hex(&bytes).to_lowercase())
                .unwrap_or_default(),
            text("slots.kind"),
            text("slots.variant"),
        );
        PortError::new(
            PortErrorKind::Corrupt,
            format!("read {column} of the sidecar {row}"),
            cause,
        )
    }
}
