//! The roots that were looked at, and the disk each was on: an empty folder where another disk used
//! to be is a disk that is not mounted, not a collection that was deleted.

use std::os::unix::ffi::OsStrExt;

use sea_orm::ConnectionTrait;
use vss_core::Timestamp;
use vss_ports::{PortError, PortErrorKind, PortResult};

use crate::bind::List;
use crate::database::{Database, failed, rows, sql};
use crate::roots::Root;

/// Refuses a root that looks like a mount point without its disk.
///
/// # Errors
/// `Rejected` then; otherwise when the database fails.
pub(crate) async fn check(db: &Database, roots: &[Root]) -> PortResult<()> {
    for root in roots.iter().filter(|root| root.is_bare) {
        let operation = format!("look at {}", root.path.display());
        let known = rows(
            &db.readers,
            "SELECT 1 AS known FROM locations WHERE path = ?1 AND device <> ?2",
            [
                root.path.as_os_str().as_bytes().to_vec().into(),
                root.device.into(),
            ],
        )
        .await
        .map_err(|error| failed(operation.clone(), error))?;
        if !known.is_empty() {
            return Err(PortError::new(
                PortErrorKind::Rejected,
                operation,
                "it is empty and on another disk than before: mount the disk it was on, or put \
                 any file into it if it is meant to be empty",
            ));
        }
    }
    Ok(())
}

/// Notes that the roots were looked at.
///
/// # Errors
/// When the database fails.
pub(crate) async fn note(db: &Database, roots: &[Root], now: Timestamp) -> PortResult<()> {
    let list = List::of(roots, |list, root| {
        list.row(|row| {
            row.hex(root.path.as_os_str().as_bytes())
                .number(root.device);
        });
    });
    let upsert = "INSERT INTO locations (path, device, refreshed_at)
         SELECT unhex(j.value ->> 0), j.value ->> 1, ?2 FROM json_each(?1) AS j WHERE true
         ON CONFLICT (path) DO UPDATE SET
             device = excluded.device, refreshed_at = excluded.refreshed_at";
    let noted = async {
        let write = db.write().await?;
        write
            .execute_raw(sql(upsert, [list, now.as_millis().into()]))
            .await?;
        write.commit().await
    };
    noted.await.map_err(|error| failed("note the roots", error))
}
