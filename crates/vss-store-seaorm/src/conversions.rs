//! The port ConversionJournal: what is being moved into the vault, or was, or back.

use std::path::Path;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Value};
use vss_core::{Digest, EntryId, SidecarKey, SidecarSource, Timestamp};
use vss_ports::{
    Adoption, Conversion, ConversionJournal, FileIdentity, Move, MoveEnd, MovePhase, OriginalPlace,
    PortError, PortErrorKind, PortResult, ReferenceTarget,
};

use crate::convert::{as_json, path_bytes, path_of, size_value};
use crate::dialect::statement;
use crate::error::failed;
use crate::open::SeaOrmStore;
use crate::record::Cells;
use crate::store::{adopt, forget};
use crate::transaction::Alone;

const COLUMNS: &str = r#"content_uuid AS "contents.content_uuid", kind AS "slots.kind",
    variant AS "slots.variant", format AS "conversions.format", phase AS "conversions.phase",
    location AS "conversions.location", below AS "conversions.below",
    device AS "conversions.device", inode AS "conversions.inode", size AS "conversions.size",
    modified_ns AS "conversions.modified_ns", checksum AS "conversions.checksum",
    created_at AS "conversions.created_at", catalog AS "conversions.catalog",
    entry_id AS "conversions.entry_id", companion_uuid AS "conversions.companion_uuid",
    relation AS "conversions.relation", evidence AS "conversions.evidence""#;

const BEGIN: &str = "INSERT INTO conversions (content_uuid, kind, variant, format, phase, location,
    below, device, inode, size, modified_ns, checksum, created_at, begun_at, catalog, entry_id,
    companion_uuid, relation, evidence)
    VALUES (?1, ?2, ?3, ?4, 'taking', ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
    ON CONFLICT DO NOTHING";

/// Ends a WHERE that means one conversion.
const OF_KEY: &str = "content_uuid = ?1 AND kind = ?2 AND variant = ?3";

#[async_trait]
impl ConversionJournal for SeaOrmStore {
    async fn begin(&self, conversion: &Conversion, now: Timestamp) -> PortResult<()> {
        const OPERATION: &str = "begin a conversion";
        let values = &begun(conversion, now)?;
        let earlier = &format!("DELETE FROM conversions WHERE {OF_KEY} AND phase = 'managed'");
        let key = &conversion.file.key;
        let changed = self
            .write(OPERATION, Alone::Calls, |tx| async move {
                run(&tx, OPERATION, earlier, named(key)).await?;
                run(&tx, OPERATION, BEGIN, values.clone()).await
            })
            .await?;
        exactly_one(changed, OPERATION)
    }

    async fn begin_back(&self, key: &SidecarKey, now: Timestamp) -> PortResult<()> {
        const OPERATION: &str = "begin to give back";
        let sql = &format!(
            "UPDATE conversions SET phase = 'giving_back', begun_at = ?4 \
             WHERE {OF_KEY} AND phase = 'managed'"
        );
        let changed = self
            .write(OPERATION, Alone::Calls, |tx| async move {
                let mut values = named(key);
                values.push(now.as_millis().into());
                run(&tx, OPERATION, sql, values).await
            })
            .await?;
        exactly_one(changed, OPERATION)
    }

    async fn finish(&self, key: &SidecarKey, how: MoveEnd, now: Timestamp) -> PortResult<()> {
        self.write("finish a conversion", Alone::Calls, |tx| async move {
            finish(&tx, key, how, now).await
        })
        .await
    }

    async fn unfinished(&self, catalog: Option<&str>) -> PortResult<Vec<Conversion>> {
        let (of, values) = match catalog {
            Some(catalog) => ("AND catalog = ?1", vec![catalog.into()]),
            None => ("", Vec::new()),
        };
        let tail = format!("WHERE phase <> 'managed' {of} ORDER BY id");
        select(self.read(), &tail, values).await
    }

    async fn find(&self, key: &SidecarKey) -> PortResult<Option<Conversion>> {
        let found = select(self.read(), &format!("WHERE {OF_KEY}"), named(key)).await;
        Ok(found?.pop())
    }
}

async fn finish(
    tx: &DatabaseTransaction,
    key: &SidecarKey,
    how: MoveEnd,
    now: Timestamp,
) -> PortResult<()> {
    const OPERATION: &str = "finish a conversion";
    let found = select(tx, &format!("WHERE {OF_KEY}"), named(key)).await?;
    let Some(conversion) = found.first() else {
        return exactly_one(0, OPERATION);
    };
    let gone = format!("DELETE FROM conversions WHERE {OF_KEY}");
    let managed = format!("UPDATE conversions SET phase = 'managed' WHERE {OF_KEY}");
    let sql = match (conversion.phase, how) {
        (MovePhase::Taking, MoveEnd::Taken) => {
            adopt(tx, &[adoption(conversion)], now).await?;
            managed
        }
        (MovePhase::GivingBack, MoveEnd::GivenBack) => {
            forget(tx, std::slice::from_ref(key)).await?;
            gone
        }
        (MovePhase::Taking, MoveEnd::Undone) => gone,
        (MovePhase::GivingBack, MoveEnd::Undone) => managed,
        _ => return exactly_one(0, OPERATION),
    };
    let changed = run(tx, OPERATION, &sql, named(key)).await?;
    exactly_one(changed, OPERATION)
}

fn adoption(conversion: &Conversion) -> Adoption {
    let file = &conversion.file;
    Adoption {
        key: file.key.clone(),
        format: file.format.clone(),
        size: file.identity.size,
        digest: file.digest,
        source: SidecarSource::Converted,
        version: None,
        original: None,
    }
}

async fn run(
    tx: &DatabaseTransaction,
    operation: &str,
    sql: &str,
    values: Vec<Value>,
) -> PortResult<u64> {
    let done = tx.execute_raw(statement(tx, sql, values)).await;
    Ok(done.map_err(failed(operation))?.rows_affected())
}

fn exactly_one(changed: u64, operation: &str) -> PortResult<()> {
    if changed == 1 {
        return Ok(());
    }
    let cause = "somebody else moves it, or nobody does";
    Err(PortError::new(PortErrorKind::Conflict, operation, cause))
}

fn named(key: &SidecarKey) -> Vec<Value> {
    vec![
        key.content.as_bytes().to_vec().into(),
        key.kind.as_str().into(),
        key.variant.as_str().into(),
    ]
}

fn begun(conversion: &Conversion, now: Timestamp) -> PortResult<Vec<Value>> {
    let (file, target) = (&conversion.file, &conversion.target);
    let below: std::path::PathBuf = file.place.below().iter().collect();
    let identity = &file.identity;
    let mut values = named(&file.key);
    values.extend([
        file.format.as_str().into(),
        path_bytes(file.place.location()).into(),
        path_bytes(&below).into(),
        identity.device.cast_signed().into(),
        identity.inode.cast_signed().into(),
        size_value(identity.size)?.into(),
        identity.modified_ns.into(),
        file.digest.as_bytes().to_vec().into(),
        file.created_at.as_millis().into(),
        now.as_millis().into(),
        conversion.catalog.as_str().into(),
        target.entry.0.into(),
        target.companion.as_bytes().to_vec().into(),
        as_json(&target.relation)?.into(),
        as_json(&target.evidence)?.into(),
    ]);
    Ok(values)
}

async fn select<C: ConnectionTrait>(
    db: &C,
    tail: &str,
    values: Vec<Value>,
) -> PortResult<Vec<Conversion>> {
    let sql = format!("SELECT {COLUMNS} FROM conversions {tail}");
    let rows = db.query_all_raw(statement(db, sql, values)).await;
    let rows = rows.map_err(failed("read conversions"))?;
    rows.iter().map(read).collect()
}

fn read(row: &QueryResult) -> PortResult<Conversion> {
    let cells = Cells::of(row);
    let phase: String = cells.get("conversions.phase")?;
    let phase = MovePhase::ALL
        .into_iter()
        .find(|known| known.as_str() == phase)
        .ok_or_else(|| cells.corrupt("conversions.phase", format!("{phase:?} is no phase")))?;
    let digest = cells.digest("conversions.checksum")?;
    let digest: Digest =
        digest.ok_or_else(|| cells.corrupt("conversions.checksum", "there is none".to_owned()))?;
    let key = SidecarKey::new(
        cells.content("contents.content_uuid")?,
        cells.text("slots.kind")?,
        cells.text("slots.variant")?,
    );
    let number = |column: &str| cells.get::<i64>(column).map(i64::cast_unsigned);
    Ok(Conversion {
        file: Move {
            key,
            format: cells.text("conversions.format")?,
            place: place(&cells)?,
            identity: FileIdentity {
                device: number("conversions.device")?,
                inode: number("conversions.inode")?,
                size: cells.number("conversions.size")?,
                modified_ns: cells.get("conversions.modified_ns")?,
            },
            digest,
            created_at: cells.time("conversions.created_at")?,
        },
        catalog: cells.get("conversions.catalog")?,
        target: ReferenceTarget {
            entry: EntryId(cells.get("conversions.entry_id")?),
            companion: cells.content("conversions.companion_uuid")?,
            relation: cells.json("conversions.relation")?,
            evidence: cells.json("conversions.evidence")?,
        },
        phase,
    })
}

/// Parsed again, since it will be walked.
fn place(cells: &Cells<'_>) -> PortResult<OriginalPlace> {
    let path = |column: &str| {
        let bytes: Vec<u8> = cells.get(column)?;
        path_of(bytes).ok_or_else(|| cells.corrupt(column, "it is no path".to_owned()))
    };
    let location = path("conversions.location")?;
    let below = path("conversions.below")?;
    let whole = location.join(Path::new(&below));
    OriginalPlace::new(&location, &whole)
        .map_err(|error| cells.corrupt("conversions.below", error.to_string()))
}
