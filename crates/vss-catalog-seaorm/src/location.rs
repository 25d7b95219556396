//! The roots that were looked at, and the disk each was on: an empty folder where another disk used
//! to be is a disk that is not mounted, not a collection that was deleted.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait, DbErr};
use vss_core::Timestamp;
use vss_ports::{LocationRecord, PortError, PortErrorKind, PortResult};

use crate::bind::List;
use crate::database::{Database, failed, rows, sql};
use crate::refresh::blocking;
use crate::roots::Root;

/// What is wrong with a folder whose disk is not mounted.
pub(crate) const BARE: &str = "it is empty and on another disk than before: mount the disk it was \
     on, or put any file into it if it is meant to be empty";

/// Notes the time at which a refresh begins: contents that lose their last original get it.
///
/// # Errors
/// When the database fails.
pub(crate) async fn begin(db: &Database, now: Timestamp) -> PortResult<()> {
    let noted = async {
        let write = db.write().await?;
        let update = "UPDATE catalog SET now = ?1";
        write
            .execute_raw(sql(update, [now.as_millis().into()]))
            .await?;
        write.commit().await
    };
    noted.await.map_err(|error| failed("note the time", error))
}

/// Every root that was looked at, and whether it is there now.
///
/// # Errors
/// When the database fails.
pub(crate) async fn all(db: &Database) -> PortResult<Vec<LocationRecord>> {
    let operation = "list the roots";
    let text = "SELECT path, device FROM locations ORDER BY path";
    let found = rows(&db.readers, text, []).await;
    let mut known = Vec::new();
    for row in found.map_err(|error| failed(operation, error))? {
        let read = || -> Result<(Vec<u8>, i64), DbErr> {
            Ok((row.try_get("", "path")?, row.try_get("", "device")?))
        };
        let (path, device) = read().map_err(|error| failed(operation, error))?;
        known.push((PathBuf::from(OsString::from_vec(path)), device));
    }
    let look = |(path, device): (PathBuf, i64)| LocationRecord {
        missing: missing(&path, device),
        path,
    };
    blocking(move || known.into_iter().map(look).collect()).await
}

/// Why a root that was on a device is not there now, if it is not. Touches the disk.
fn missing(path: &Path, device: i64) -> Option<String> {
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Some("it is not there: is its disk mounted?".into());
        }
        Err(error) => return Some(format!("it cannot be reached: {error}")),
    };
    if metadata.dev().cast_signed() != device && is_bare(path) {
        return Some(BARE.into());
    }
    let unread = || path.read_dir().err().filter(|_| metadata.is_dir());
    unread().map(|error| format!("it cannot be read: {error}"))
}

/// Whether there is a folder with nothing in it.
pub(crate) fn is_bare(path: &Path) -> bool {
    path.read_dir()
        .is_ok_and(|mut names| names.next().is_none())
}

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
            return Err(PortError::new(PortErrorKind::Rejected, operation, BARE));
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
