//! Moving an original into its managed place, and back: the port Mover.
//!
//! ```text
//! one volume    original ─ rename ─> .moving/ ─ same file? same bytes? ─ rename ─> place ─> manifest
//! two volumes   original ─ copy, sync, read back ─> nameless ─ link ─> place ─> manifest ─> original away
//! back          place ─ rename ─> original's place ─> line out of the manifest
//!               place ─ copy, sync, read back ─> link ─> sidecar away ─> line out of the manifest
//! ```
//!
//! Everything that needs room is made before the original is touched: folders, the manifest's
//! draft. Names are only ever given where there is none, so that nothing is overwritten; what was
//! swapped in for the original is seen after its rename and goes back.

mod across;
mod inside;
mod outside;

use std::os::fd::AsFd;

use async_trait::async_trait;
use rustix::io::Errno;
use vss_core::layout;
use vss_ports::{FileIdentity, Move, MoveError, Mover, OriginalPlace, PortErrorKind, PortResult};

use crate::FsVault;
use crate::folders::Folders;
use crate::placing::{self, Aside, Occupant, QuarantineName};
use crate::problem::{During, Problem, Step};
use inside::Inside;
use outside::Outside;

/// A move that ended early.
pub(crate) struct Stop {
    problem: Problem,
    /// Whether the file is where it was before the move.
    stays: bool,
}

pub(crate) type Moved = Result<(), Stop>;

/// Says of a failed step where the file is.
pub(crate) trait Whether<T> {
    /// It is where it was.
    fn it_stays(self) -> Result<T, Stop>;
    /// It may be at either place.
    fn it_may_have_moved(self) -> Result<T, Stop>;
}

impl<T> Whether<T> for Step<T> {
    fn it_stays(self) -> Result<T, Stop> {
        self.map_err(|problem| Stop {
            problem,
            stays: true,
        })
    }

    fn it_may_have_moved(self) -> Result<T, Stop> {
        self.map_err(|problem| Stop {
            problem,
            stays: false,
        })
    }
}

#[async_trait]
impl Mover for FsVault {
    async fn take(&self, file: &Move) -> Result<(), MoveError> {
        let operation = format!("move {} into the vault", file.place.path().display());
        let wanted = file.clone();
        let moved = self.run(move |folders| {
            Ok(take(folders, &wanted).map_err(|stop| looked_at(folders, &wanted, Way::In, stop)))
        });
        told(moved.await, operation)
    }

    async fn give_back(&self, file: &Move) -> Result<(), MoveError> {
        let operation = format!("move a sidecar back to {}", file.place.path().display());
        let wanted = file.clone();
        let moved = self.run(move |folders| {
            Ok(give_back(folders, &wanted)
                .map_err(|stop| looked_at(folders, &wanted, Way::Back, stop)))
        });
        told(moved.await, operation)
    }

    async fn identity(&self, place: &OriginalPlace) -> PortResult<Option<FileIdentity>> {
        let operation = format!("look at {}", place.path().display());
        let place = place.clone();
        let looked = self.run(move |_| {
            let Some(outside) = Outside::open(&place)? else {
                return Ok(None);
            };
            let found = outside.open_file()?;
            Ok(found.map(|(_, identity)| identity))
        });
        looked.await.map_err(|problem| problem.during(operation))
    }
}

fn told(moved: Step<Moved>, operation: String) -> Result<(), MoveError> {
    moved
        .it_may_have_moved()
        .flatten()
        .map_err(|stop| MoveError {
            source: stop.problem.during(operation),
            stays: stop.stays,
        })
}

/// Where a file is moved to.
#[derive(Clone, Copy)]
enum Way {
    /// Its managed place.
    In,
    /// The place that it had as an original.
    Back,
}

/// Looks where the file is, after a failure that does not tell. It stays when it is where the move
/// began and nowhere else; where the move leads to, it is on its way still.
fn looked_at(folders: &Folders, file: &Move, way: Way, stop: Stop) -> Stop {
    let look = || -> Step<bool> {
        let moving = folders.moving()?;
        let waits = outside::open_in(moving.as_fd(), held_name(file).as_ref())?.is_some();
        let managed = match Inside::open(folders, file)? {
            Some(inside) => !matches!(inside.what_is()?, Occupant::Nothing),
            None => false,
        };
        let original = match Outside::open(&file.place)? {
            Some(outside) => outside.open_file()?.map(|(_, identity)| identity),
            None => None,
        };
        let is_where_it_was = match way {
            Way::In => original == Some(file.identity) && !managed,
            Way::Back => original.is_none() && managed,
        };
        Ok(is_where_it_was && !waits)
    };
    let stays = stop.stays || look().unwrap_or(false);
    Stop { stays, ..stop }
}

/// A refusal after which everything is as it was.
fn refused(kind: PortErrorKind, reason: impl Into<String>) -> Stop {
    Stop {
        problem: Problem::refused(kind, reason),
        stays: true,
    }
}

fn take(folders: &Folders, file: &Move) -> Moved {
    let moving = folders.moving().it_may_have_moved()?;
    let held = held_name(file);
    let outside = Outside::open(&file.place).it_may_have_moved()?;
    let inside = Inside::prepare(folders, file).it_may_have_moved()?;
    // An earlier move was interrupted between its two renames.
    if outside::open_in(moving.as_fd(), held.as_ref())
        .it_may_have_moved()?
        .is_some()
    {
        return settle(folders, file, inside, outside.as_ref());
    }
    match inside.what_is().it_may_have_moved()? {
        Occupant::Bytes(there, managed) if there == (file.identity.size, file.digest) => {
            // Whoever put it there may not have seen to it that it stays.
            let synced = folders.syncer.data(&managed);
            synced.during("sync the sidecar").it_may_have_moved()?;
            inside.note(folders).it_may_have_moved()?;
            match &outside {
                Some(outside) => outside.remove(folders, file).it_may_have_moved(),
                None => Ok(()),
            }
        }
        Occupant::Bytes(..) | Occupant::Stranger => {
            inside.discard(folders);
            let path = layout::sidecar_path(&file.key, &file.format);
            let reason = format!("its place in the vault, {path}, has another file");
            // Where there is no original any more, it may be just that one, and unreadable for now.
            let stays = match &outside {
                Some(outside) => outside.open_file().it_may_have_moved()?.is_some(),
                None => false,
            };
            let problem = Problem::refused(PortErrorKind::Rejected, reason);
            Err(Stop { problem, stays })
        }
        Occupant::Nothing => fresh(folders, file, inside, outside),
    }
}

/// Nothing was moved yet.
fn fresh(folders: &Folders, file: &Move, inside: Inside, outside: Option<Outside>) -> Moved {
    let gone = |inside: &Inside| {
        inside.discard(folders);
        let reason = "it is not the file that was indexed: index again, then look again";
        refused(PortErrorKind::Conflict, reason)
    };
    let Some(outside) = outside else {
        return Err(gone(&inside));
    };
    let original = match outside.open_file().it_stays()? {
        Some((original, identity)) if identity == file.identity => original,
        _ => return Err(gone(&inside)),
    };
    let prepared = folders
        .syncer
        .data(&original)
        .during("sync the original")
        .and_then(|()| folders.moving());
    let moving = match prepared {
        Ok(moving) => moving,
        Err(problem) => {
            inside.discard(folders);
            return Err(problem).it_stays();
        }
    };
    let held = held_name(file);
    let from = (outside.folder(), outside.name());
    match placing::rename_to_own(folders, from, (moving.as_fd(), held.as_str())) {
        Ok(()) => settle(folders, file, inside, Some(&outside)),
        Err(Errno::XDEV) => across::take(folders, file, inside, &outside, &original),
        Err(errno) => {
            inside.discard(folders);
            Err(errno).during("rename the original").it_stays()
        }
    }
}

/// Something is in the waiting folder: the file that was meant goes to its place, anything else
/// goes back.
fn settle(folders: &Folders, file: &Move, inside: Inside, outside: Option<&Outside>) -> Moved {
    let moving = folders.moving().it_may_have_moved()?;
    let held = held_name(file);
    let proved = outside::open_in(moving.as_fd(), held.as_ref()).and_then(|found| match found {
        Some((found, identity)) if same_file(&identity, &file.identity) => {
            Ok(crate::staging::digest_of(&found)? == (file.identity.size, file.digest))
        }
        _ => Ok(false),
    });
    match proved {
        Ok(true) => {}
        Ok(false) => {
            inside.discard(folders);
            put_back(folders, file, outside)?;
            let reason = "it changed while it was moved: it was put back; index again";
            return Err(refused(PortErrorKind::Conflict, reason));
        }
        Err(problem) => {
            inside.discard(folders);
            put_back(folders, file, outside)?;
            return Err(problem).it_stays();
        }
    }
    if let Err(problem) = inside.place(folders, (moving.as_fd(), &held)) {
        inside.discard(folders);
        put_back(folders, file, outside)?;
        return Err(problem).it_stays();
    }
    let durable = || -> Step<()> {
        if let Some(outside) = outside {
            // Killed while it was put back, it may have both names.
            outside.remove(folders, file)?;
        }
        inside.note(folders)
    };
    durable().it_may_have_moved()
}

/// What waits goes back to where it was; if that place has something by now, into quarantine.
fn put_back(folders: &Folders, file: &Move, outside: Option<&Outside>) -> Moved {
    let moving = folders.moving().it_may_have_moved()?;
    let held = held_name(file);
    let from = (moving.as_fd(), held.as_str());
    let back = match outside {
        Some(outside) => placing::rename_new(folders, from, (outside.folder(), outside.name())),
        None => Err(Errno::NOENT),
    };
    match back {
        Ok(()) => {
            let synced = outside.map_or(Ok(()), |outside| folders.syncer.folder(outside.folder()));
            synced.during("sync the original's folder").it_stays()
        }
        Err(Errno::EXIST | Errno::NOENT) => {
            let name = QuarantineName {
                content: file.key.content,
                stem: format!("{}.{}", file.key.kind, file.key.variant),
                extension: file.format.as_str(),
            };
            let kept = Aside::ForGood(&name).with_free_name(folders, |free| {
                let quarantine = folders.quarantine()?;
                placing::rename_new(folders, from, (quarantine.as_fd(), free))
            });
            let kept = kept.during("keep a file").it_may_have_moved()?;
            let reason = format!(
                "another file came to its place while it was moved: one of them is kept in \
                 .quarantine/{kept}"
            );
            Err(refused(PortErrorKind::Conflict, reason))
        }
        Err(errno) => Err(errno).during("put a file back").it_may_have_moved(),
    }
}

fn give_back(folders: &Folders, file: &Move) -> Moved {
    let no_folder = || {
        let path = file.place.path();
        let reason = format!("the folder of {} is not there", path.display());
        refused(PortErrorKind::Rejected, reason)
    };
    let outside = Outside::open(&file.place).it_stays()?;
    let outside = outside.ok_or_else(no_folder)?;
    let Some(inside) = Inside::open(folders, file).it_stays()? else {
        return given_already(file, &outside);
    };
    let managed = match inside.what_is().it_stays()? {
        Occupant::Bytes(there, managed) if there == (file.identity.size, file.digest) => managed,
        Occupant::Bytes(..) | Occupant::Stranger => {
            let reason = "the sidecar is not what was moved: run `vss scrub`";
            return Err(refused(PortErrorKind::Corrupt, reason));
        }
        Occupant::Nothing => {
            given_already(file, &outside)?;
            return inside.drop_line(folders).it_may_have_moved();
        }
    };
    if outside.has(file).it_stays()? {
        // An earlier copy was interrupted before the sidecar went, or somebody copied it there: it
        // may be in memory only.
        outside.settle(folders).it_stays()?;
        return inside.remove(folders).it_may_have_moved();
    }
    let to = (outside.folder(), outside.name());
    match placing::rename_new(folders, inside.name(), to) {
        Ok(()) => {
            let durable = folders.syncer.folder(outside.folder());
            durable
                .during("sync the original's folder")
                .and_then(|()| inside.drop_line(folders))
                .it_may_have_moved()
        }
        Err(Errno::XDEV) => across::give_back(folders, file, &inside, &outside, &managed),
        Err(Errno::EXIST) => Err(taken(file)),
        Err(errno) => Err(errno).during("rename the sidecar").it_stays(),
    }
}

/// There is no sidecar: fine, if the file is back where it was.
fn given_already(file: &Move, outside: &Outside) -> Moved {
    if outside.has(file).it_stays()? {
        return Ok(());
    }
    Err(Stop {
        problem: Problem::refused(
            PortErrorKind::Corrupt,
            "it is neither in the vault nor where it was",
        ),
        stays: false,
    })
}

fn taken(file: &Move) -> Stop {
    let path = file.place.path();
    let reason = format!(
        "{} has something else by now: move that away",
        path.display()
    );
    refused(PortErrorKind::Rejected, reason)
}

/// What a file is called while it waits: the same after a restart.
fn held_name(file: &Move) -> String {
    file.key.row_uuid().to_string()
}

/// Whether it is the same file, not written to. Devices are numbered anew at a restart, and a
/// rename has just shown that it is the same one.
fn same_file(one: &FileIdentity, other: &FileIdentity) -> bool {
    (one.inode, one.size, one.modified_ns) == (other.inode, other.size, other.modified_ns)
}
