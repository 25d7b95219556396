//! The databases of a library: opened, examined, and what to do about one that does not answer.

use std::path::Path;
use std::time::Duration;

use vss_catalog_seaorm::{CatalogSettings, SeaOrmCatalog};
use vss_core::Timestamp;
use vss_ports::{Clock, PortError, PortErrorKind};
use vss_store_seaorm::{DatabaseFault, SeaOrmStore, StoreOptions, Trouble};
use vss_system::SystemClock;

use crate::config::{Config, Durability};
use crate::failure::{Exit, Failure};
use crate::library::Library;

const ROWS: &str = "sidecars.db";
const CATALOG: &str = "catalog.db";

/// The rows: on the server that is configured, else in the library.
pub(crate) async fn open_rows(library: &Library, config: &Config) -> Result<SeaOrmStore, Failure> {
    let options = store_options(config);
    if let Some(url) = &config.database {
        let opened = SeaOrmStore::open_url(url, &options).await.map_err(|error| {
            let message = format!(
                "the database of {} cannot be used: {error}",
                library.root.display()
            );
            let remedy = match error.kind {
                PortErrorKind::Unavailable => {
                    "is the server running? `database` in vss.toml says where it is"
                }
                _ => "`database` in vss.toml says where it is, and as whom vss asks there",
            };
            Failure::new(Exit::Library, message)
                .because(error.source)
                .remedy(remedy)
        });
        let store = opened?;
        compare_clocks(&store, config).await?;
        return Ok(store);
    }
    let place = library.sidecars_db();
    refuse_emptied(library, &place, ROWS)?;
    let store = SeaOrmStore::open(&place, &options).await;
    store.map_err(|error| unopened(error, &place))
}

/// Says so when this machine's clock is far from the server's: by it this machine judges whose work
/// was left, and the others judge its own.
async fn compare_clocks(store: &SeaOrmStore, config: &Config) -> Result<(), Failure> {
    let here = SystemClock.now();
    if let Some(there) = store.server_time().await?
        && let Some(seconds) = too_far_apart(here, there, config.settings().lease)
    {
        tracing::warn!(
            seconds,
            "the clocks of this machine and of the server differ too much for `lease`: set them, \
             or work is done twice"
        );
    }
    Ok(())
}

/// How many seconds two clocks differ, if that is more than a third of a lease.
fn too_far_apart(here: Timestamp, there: Timestamp, lease: Duration) -> Option<u64> {
    let apart = here.since(there).max(there.since(here));
    (apart > lease / 3).then_some(apart.as_secs())
}

/// The catalog, which is always in the library.
pub(crate) async fn open_catalog(library: &Library) -> Result<SeaOrmCatalog, Failure> {
    let place = library.catalog_db();
    refuse_emptied(library, &place, CATALOG)?;
    let catalog = SeaOrmCatalog::open(&place, CatalogSettings::default()).await;
    catalog.map_err(|error| unopened(error, &place))
}

/// Reads both databases from end to end, where they are files; what is the matter with each.
pub(crate) async fn examine(library: &Library, config: &Config) -> Vec<Failure> {
    let rows = async { Ok::<_, Failure>(open_rows(library, config).await?.examine().await?) };
    let catalog = async { Ok::<_, Failure>(open_catalog(library).await?.examine().await?) };
    let found = [rows.await.err(), catalog.await.err()];
    found.into_iter().flatten().collect()
}

fn store_options(config: &Config) -> StoreOptions {
    let durability = match config.durability {
        Durability::Strict | Durability::Group => vss_store_seaorm::Durability::Strict,
        Durability::Fast => vss_store_seaorm::Durability::Fast,
    };
    StoreOptions {
        durability,
        ..StoreOptions::default()
    }
}

/// A file without a byte would pass for a new database, and all that was made be made again. It is
/// one as long as nothing was made.
fn refuse_emptied(library: &Library, place: &Path, database: &'static str) -> Result<(), Failure> {
    let is_emptied = place.metadata().is_ok_and(|file| file.len() == 0);
    let content = library.sidecars_root().join("content");
    let is_used = || std::fs::read_dir(content).is_ok_and(|mut within| within.next().is_some());
    if !is_emptied || !is_used() {
        return Ok(());
    }
    let fault = DatabaseFault::damaged(database, "the file is empty");
    let error = PortError::new(PortErrorKind::Corrupt, "open it", fault);
    Err(unopened(error, place))
}

/// A part of the library that does not open, with what to do about that part.
pub(crate) fn unopened(error: PortError, part: &Path) -> Failure {
    let part = part.display();
    if let Some(fault) = error.source.downcast_ref::<DatabaseFault>() {
        let (trouble, detail) = (fault.trouble, &fault.detail);
        let message = match trouble {
            Trouble::NotOpened => format!("{part} cannot be opened ({detail})"),
            _ => format!("{part} cannot be opened: {trouble} ({detail})"),
        };
        let exit = match error.kind {
            PortErrorKind::Rejected => Exit::Library,
            _ => exit_of(fault),
        };
        let failure = Failure::new(exit, message).about(about(fault));
        return match remedy(fault) {
            Some(remedy) => failure.remedy(remedy),
            None => failure,
        };
    }
    let exit = match error.kind {
        PortErrorKind::Rejected => Exit::Library,
        _ => Exit::Failure,
    };
    let damaged = error.kind == PortErrorKind::Corrupt;
    let failure = Failure::new(exit, format!("{part} cannot be opened: {error}"));
    let failure = failure.because(error.source);
    match damaged {
        true => failure.remedy("restore it from a backup"),
        false => failure,
    }
}

/// What is the matter with which database.
pub(crate) fn about(fault: &DatabaseFault) -> String {
    format!("{}: {}", fault.database, fault.trouble)
}

/// A database that somebody else keeps is in use, as a library is.
pub(crate) fn exit_of(fault: &DatabaseFault) -> Exit {
    match fault.trouble {
        Trouble::Held => Exit::Library,
        _ => Exit::Failure,
    }
}

/// What to do about it.
pub(crate) fn remedy(fault: &DatabaseFault) -> Option<String> {
    let database = fault.database;
    Some(match fault.trouble {
        Trouble::Held => format!(
            "`fuser {database}` in the library says who it is: wait for it, or end it, then do \
             this again; nothing is lost"
        ),
        Trouble::Damaged => {
            let then = match database {
                ROWS => {
                    "`vss reconcile`, which makes every row again from the files, and \
                         `vss index FOLDER..`; no sidecar is made again"
                }
                _ => "`vss index FOLDER..` with all your folders; no sidecar is made again",
            };
            format!(
                "end every vss that works on the library, move {database}, {database}-wal and \
                 {database}-shm out of it, as far as they are there, then {then}"
            )
        }
        Trouble::Disk => format!(
            "look at the disk, its cable, its mount and the room on it, and do this again when it answers; nothing \
             says that {database} is damaged: remove nothing"
        ),
        Trouble::ReadOnly => {
            "make the library's file system and this file writable, after a look at why they are \
             not"
            .to_owned()
        }
        Trouble::Full => "free space where the library is, then do it again".to_owned(),
        Trouble::NotOpened => format!(
            "is the library's folder there, and may you read and write it, {database} and what \
             lies beside it?"
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_by_a_third_of_a_lease_either_way() {
        let lease = Duration::from_secs(30);
        let noon = Timestamp::from_millis(43_200_000);
        let near = noon.plus(Duration::from_secs(10));
        let far = noon.plus(Duration::from_secs(11));
        for (one, other, said) in [(noon, near, None), (noon, far, Some(11))] {
            assert_eq!(too_far_apart(one, other, lease), said);
            assert_eq!(too_far_apart(other, one, lease), said);
        }
    }
}
