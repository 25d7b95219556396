//! What files say of themselves, as rows hold it.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult};
use vss_core::Timestamp;
use vss_core::companion::{ByteRange, CaptureTime, LiveId, MediaFacts};

use crate::bind::List;
use crate::database::sql;
use crate::original::{Found, Reading};

/// Notes what the contents of a batch say; those that say nothing have no row.
pub(crate) async fn insert(
    write: &DatabaseTransaction,
    read: &[(Found, Reading)],
) -> Result<(), DbErr> {
    let readings = read.iter().map(|(_, reading)| reading);
    let said: Vec<_> = readings
        .filter(|reading| !reading.facts.is_empty())
        .collect();
    if said.is_empty() {
        return Ok(());
    }
    let list = List::of(said, |list, reading| {
        list.row(|row| {
            row.hex(reading.content.as_bytes());
            write_facts(row, &reading.facts);
        });
    });
    let upsert = "INSERT INTO content_facts (content_id, live_id, captured_ms, captured_as,
             captured_zone, duration_ms, motion_offset, motion_length)
         SELECT c.id, unhex(j.value ->> 1), j.value ->> 2, j.value ->> 3, j.value ->> 4,
                j.value ->> 5, j.value ->> 6, j.value ->> 7
         FROM json_each(?1) AS j
         CROSS JOIN contents AS c ON c.content_uuid = unhex(j.value ->> 0)
         WHERE true
         ON CONFLICT (content_id) DO UPDATE SET
             live_id = excluded.live_id, captured_ms = excluded.captured_ms,
             captured_as = excluded.captured_as, captured_zone = excluded.captured_zone,
             duration_ms = excluded.duration_ms, motion_offset = excluded.motion_offset,
             motion_length = excluded.motion_length";
    write.execute_raw(sql(upsert, [list])).await?;
    Ok(())
}

fn write_facts(row: &mut List, facts: &MediaFacts) {
    match &facts.live_id {
        Some(id) => row.hex(id.as_bytes()),
        None => row.null(),
    };
    let captured = facts.captured.map(|time| match time {
        CaptureTime::Wall(ms) => (ms, 0, None),
        CaptureTime::Moment(moment) => (moment.as_millis(), 1, None),
        CaptureTime::Zoned {
            moment,
            offset_minutes,
        } => (moment.as_millis(), 2, Some(i64::from(offset_minutes))),
    });
    // What no row can hold was no length of anything.
    let number = |number: u64| i64::try_from(number).ok();
    let motion = facts.motion.and_then(|range| {
        let place = number(range.offset).zip(number(range.length))?;
        (place.0 > 0 && place.1 > 0).then_some(place)
    });
    for value in [
        captured.map(|captured| captured.0),
        captured.map(|captured| captured.1),
        captured.and_then(|captured| captured.2),
        facts.duration_ms.and_then(number),
        motion.map(|motion| motion.0),
        motion.map(|motion| motion.1),
    ] {
        match value {
            Some(value) => row.number(value),
            None => row.null(),
        };
    }
}

/// The columns that [`read`] reads, of `content_facts AS f`.
pub(crate) const COLUMNS: &str = "f.live_id, f.captured_ms, f.captured_as, f.captured_zone,
     f.duration_ms, f.motion_offset, f.motion_length";

/// Reads the columns of a row; `Err` with the column that holds what none can.
pub(crate) fn read(row: &QueryResult) -> Result<Result<MediaFacts, &'static str>, DbErr> {
    let number = |column: &str| row.try_get::<Option<i64>>("", column);
    let live_id = match row.try_get::<Option<Vec<u8>>>("", "live_id")? {
        None => None,
        Some(bytes) => match <[u8; 16]>::try_from(bytes) {
            Ok(bytes) => Some(LiveId::from_bytes(bytes)),
            Err(_) => return Ok(Err("live_id")),
        },
    };
    let moment = Timestamp::from_millis;
    let captured = match (number("captured_ms")?, number("captured_as")?) {
        (None, _) => None,
        (Some(ms), Some(0)) => Some(CaptureTime::Wall(ms)),
        (Some(ms), Some(1)) => Some(CaptureTime::Moment(moment(ms))),
        (Some(ms), Some(2)) => match number("captured_zone")?.map(i16::try_from) {
            Some(Ok(offset_minutes)) => Some(CaptureTime::Zoned {
                moment: moment(ms),
                offset_minutes,
            }),
            _ => return Ok(Err("captured_zone")),
        },
        _ => return Ok(Err("captured_as")),
    };
    let duration_ms = match number("duration_ms")?.map(u64::try_from) {
        None => None,
        Some(Ok(ms)) => Some(ms),
        Some(Err(_)) => return Ok(Err("duration_ms")),
    };
    let place = number("motion_offset")?.zip(number("motion_length")?);
    let motion = match place.map(|(offset, length)| (u64::try_from(offset), u64::try_from(length)))
    {
        None => None,
        Some((Ok(offset), Ok(length))) => Some(ByteRange { offset, length }),
        Some(_) => return Ok(Err("motion_offset")),
    };
    Ok(Ok(MediaFacts {
        live_id,
        captured,
        duration_ms,
        motion,
    }))
}
