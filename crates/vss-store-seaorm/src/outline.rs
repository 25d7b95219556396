//! All rows of many contents in few words: what a reconcile compares with files. A row of its own
//! costs the driver several times what finding it costs the database, and wakes a thread, so a page
//! of them comes as one text, in numbers of the dictionaries.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DatabaseConnection, Value};
use vss_core::{ContentUuid, Digest, Format, Kind, SidecarSource, Variant};
use vss_ports::{ContentOutline, PortError, PortErrorKind, PortResult, RowOutline};

use crate::convert::status_of;
use crate::dialect::{on_server, statement};
use crate::error::failed;
use crate::record::Cells;

const OPERATION: &str = "outline sidecars";

/// A page as one text: contents with semicolons between them, each `uuid=rows` with commas between
/// the rows, each `slot format status generator size digest`.
fn sql(db: &DatabaseConnection) -> String {
    let hex = |column: &str| match on_server(db) {
        true => format!("encode({column}, 'hex')"),
        false => format!("lower(hex({column}))"),
    };
    let (uuid, checksum) = (hex("c.content_uuid"), hex("s.checksum"));
    format!(
        r#"SELECT string_agg(o.uuid || '=' || o.texts, ';') AS "sidecars.rows" FROM (
            SELECT {uuid} AS uuid,
                (SELECT string_agg(s.slot_id || ' ' || s.format_id || ' ' || s.status || ' ' ||
                    s.generator_id || ' ' || coalesce(s.size, -1) || ' ' ||
                    coalesce({checksum}, ''), ',')
                 FROM sidecars s WHERE s.content_id = c.id) AS texts
            FROM contents c WHERE c.content_uuid > ?1 AND c.content_uuid <= ?2
                AND EXISTS (SELECT 1 FROM sidecars WHERE content_id = c.id)
            ORDER BY c.content_uuid LIMIT ?3) o"#
    )
}

/// See [`vss_ports::SidecarStore::outline`]; the bounds are those of a page.
pub(crate) async fn outline(
    db: &DatabaseConnection,
    bounds: [Value; 3],
) -> PortResult<Vec<ContentOutline>> {
    let query = statement(db, sql(db), bounds);
    let found = db.query_one_raw(query).await.map_err(failed(OPERATION))?;
    let text: Option<String> = match &found {
        Some(row) => Cells::of(row).get("sidecars.rows")?,
        None => None,
    };
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let names = Names::read(db).await?;
    let outline = |text: &str| {
        let (uuid, rows) = text
            .split_once('=')
            .ok_or_else(|| corrupt("a content", text))?;
        let content = content(uuid).ok_or_else(|| corrupt("a content", uuid))?;
        let row = |text| {
            let row = names.row(text);
            row.ok_or_else(|| corrupt(&format!("a row of content {content}"), text))
        };
        let mut rows = rows.split(',').map(row).collect::<PortResult<Vec<_>>>()?;
        rows.sort_by(|a, b| (&a.kind, &a.variant).cmp(&(&b.kind, &b.variant)));
        Ok(ContentOutline { content, rows })
    };
    let mut outlines = text
        .split(';')
        .map(outline)
        .collect::<PortResult<Vec<_>>>()?;
    // No database promises an order inside of an aggregate.
    outlines.sort_by_key(|outline| outline.content);
    Ok(outlines)
}

/// The content of 32 hex digits.
fn content(digits: &str) -> Option<ContentUuid> {
    let number = u128::from_str_radix(digits, 16).ok();
    let number = number.filter(|_| digits.len() == 32);
    number.map(|number| ContentUuid::from_bytes(number.to_be_bytes()))
}

fn corrupt(what: &str, text: &str) -> PortError {
    let cause = format!("{text:?} names something that is not there or cannot be");
    PortError::new(PortErrorKind::Corrupt, format!("read {what}"), cause)
}

/// What the numbers in a row stand for.
struct Names {
    slots: HashMap<i64, (Kind, Variant)>,
    formats: HashMap<i64, Format>,
    sources: HashMap<i64, SidecarSource>,
}

impl Names {
    /// Read each time: they are few, and another process may add to them.
    async fn read(db: &DatabaseConnection) -> PortResult<Self> {
        let all = async |sql: &str| {
            let rows = db.query_all_raw(statement(db, sql, [])).await;
            rows.map_err(failed(OPERATION))
        };
        let mut names = Self {
            slots: HashMap::new(),
            formats: HashMap::new(),
            sources: HashMap::new(),
        };
        let slots =
            r#"SELECT id AS "id", kind AS "slots.kind", variant AS "slots.variant" FROM slots"#;
        for row in all(slots).await? {
            let cells = Cells::of(&row);
            let slot = (cells.text("slots.kind")?, cells.text("slots.variant")?);
            names.slots.insert(cells.get("id")?, slot);
        }
        let formats = r#"SELECT id AS "id", format AS "formats.format" FROM formats"#;
        for row in all(formats).await? {
            let cells = Cells::of(&row);
            let format = cells.text("formats.format")?;
            names.formats.insert(cells.get("id")?, format);
        }
        let sources = r#"SELECT id AS "id", source AS "generators.source" FROM generators"#;
        for row in all(sources).await? {
            let cells = Cells::of(&row);
            let source = cells.text("generators.source")?;
            names.sources.insert(cells.get("id")?, source);
        }
        Ok(names)
    }

    /// One row; nothing when it cannot be one.
    fn row(&self, text: &str) -> Option<RowOutline> {
        let mut parts = text.split(' ');
        let mut number = || parts.next()?.parse::<i64>().ok();
        let (slot, format, status) = (number()?, number()?, number()?);
        let (source, size) = (number()?, number()?);
        let digest: Option<Digest> = match parts.next()? {
            "" => None,
            digest => Some(digest.parse().ok()?),
        };
        let (kind, variant) = self.slots.get(&slot)?.clone();
        Some(RowOutline {
            kind,
            variant,
            format: self.formats.get(&format)?.clone(),
            status: status_of(status)?,
            source: self.sources.get(&source)?.clone(),
            size: match size {
                -1 => None,
                size => Some(u64::try_from(size).ok()?),
            },
            digest,
        })
    }
}
