//! What is in the vault: a walk in the order of the contents' uuids that holds one shard folder's
//! names at a time.

use std::num::NonZero;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::FileType;
use vss_core::layout::{self, CONTENT_ROOT, MANIFEST_NAME, SUMS_NAME};
use vss_core::reconcile::FoundFile;
use vss_core::{ContentUuid, Kind, Manifest};
use vss_ports::{ScannedContent, ScannedStranger};

use crate::folders::{Folders, MOVING, STAGING};
use crate::listing::{Entry, entries, entries_once, word};
use crate::manifest_file::{self, Found};
use crate::problem::{During, Step};
use crate::tree::{self, folder_in};

/// Folders are read by so many threads at most; a disk with a head is the slower for more.
const MOST_THREADS: usize = 4;

/// Fewer folders are not worth a thread.
const WORTH_A_THREAD: usize = 64;

/// Contents after a given one, at most `limit`.
pub(crate) fn scan(
    folders: &Folders,
    after: Option<ContentUuid>,
    limit: usize,
) -> Step<Vec<ScannedContent>> {
    let mut found = Vec::new();
    let mut after = after;
    // Fewer than were asked for means that there are no more: what vanished between being listed and
    // being read must not look like the end.
    loop {
        let wanted = limit - found.len();
        let listed = next(folders, after, wanted)?;
        found.append(&mut read_all(folders, &listed)?);
        match listed.last() {
            Some(last) if listed.len() == wanted && found.len() < limit => after = Some(*last),
            _ => return Ok(found),
        }
    }
}

/// Which contents come next.
fn next(folders: &Folders, after: Option<ContentUuid>, limit: usize) -> Step<Vec<ContentUuid>> {
    let mut found = Vec::new();
    let (first0, first1) = after.map(layout::shard).unwrap_or_default();
    let opened = folders.tree.open_folder(CONTENT_ROOT);
    let Some(root) = opened.during("open the content folder")? else {
        return Ok(found);
    };
    for h0 in shards(root.as_fd())?.iter().filter(|h0| **h0 >= first0) {
        let Some(outer) = folder_in(root.as_fd(), h0).during("open a shard")? else {
            continue;
        };
        for h1 in shards(outer.as_fd())? {
            if *h0 == first0 && h1 < first1 {
                continue;
            }
            let Some(shard) = folder_in(outer.as_fd(), &h1).during("open a shard")? else {
                continue;
            };
            found.extend(contents(shard.as_fd(), (h0, &h1), after)?);
            if found.len() >= limit {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// Those of these contents that have a folder, in their order.
pub(crate) fn inspect(folders: &Folders, contents: &[ContentUuid]) -> Step<Vec<ScannedContent>> {
    read_all(folders, contents)
}

/// Reads the folders of contents, several at a time: most of it is waiting for the system, even
/// where it has everything in memory.
fn read_all(folders: &Folders, contents: &[ContentUuid]) -> Step<Vec<ScannedContent>> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = contents.len().div_ceil(threads.min(MOST_THREADS));
    if contents.len() < WORTH_A_THREAD {
        return read_one_by_one(folders, contents);
    }
    let shares = std::thread::scope(|scope| {
        let read = |share| {
            let reader = std::thread::Builder::new();
            let reader = reader.spawn_scoped(scope, move || read_one_by_one(folders, share));
            // Where there is no thread to be had, this one does it.
            reader.map_err(|_| share)
        };
        let readers: Vec<_> = contents.chunks(share).map(read).collect();
        let joined = readers.into_iter().map(|reader| match reader {
            Ok(reader) => reader.join(),
            Err(share) => Ok(read_one_by_one(folders, share)),
        });
        joined.collect::<Vec<_>>()
    });
    let mut found = Vec::with_capacity(contents.len());
    for share in shares {
        match share {
            Ok(share) => found.append(&mut share?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    Ok(found)
}

fn read_one_by_one(folders: &Folders, contents: &[ContentUuid]) -> Step<Vec<ScannedContent>> {
    let mut found = Vec::with_capacity(contents.len());
    for content in contents {
        match read_folder(folders, *content) {
            Ok(scanned) => found.extend(scanned),
            // One bad folder is one bad folder.
            Err(problem) if problem.is_of_the_place() => found.push(ScannedContent {
                unreadable: Some(problem.in_full()),
                ..ScannedContent::new(*content)
            }),
            Err(problem) => return Err(problem),
        }
    }
    Ok(found)
}

/// `None` when it is gone by now, or no folder any more.
fn read_folder(folders: &Folders, content: ContentUuid) -> Step<Option<ScannedContent>> {
    let path = layout::content_folder(content);
    let opened = folders.tree.open_folder(path.as_str());
    let opened = opened.during("open a content's folder")?;
    let read = opened.map(|folder| read_content(folder.as_fd(), content));
    read.transpose()
}

/// The shard folders in a folder, sorted.
fn shards(folder: BorrowedFd<'_>) -> Step<Vec<String>> {
    Ok(shards_among(&entries_once(folder).during("list a shard")?))
}

fn shards_among(listed: &[Entry]) -> Vec<String> {
    let shards = listed.iter().filter(|entry| is_shard(entry));
    shards.map(Entry::shown).collect()
}

fn is_shard(entry: &Entry) -> bool {
    let digit = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
    entry.is_folder()
        && entry
            .name()
            .is_some_and(|name| name.len() == 2 && name.as_bytes().iter().all(digit))
}

/// The contents in a shard that belong there, sorted.
fn contents(
    shard: BorrowedFd<'_>,
    (h0, h1): (&str, &str),
    after: Option<ContentUuid>,
) -> Step<Vec<ContentUuid>> {
    let listed = entries_once(shard).during("list a shard")?;
    // The order of the names is the order of the bytes: both are lower-case hex.
    let contents = listed
        .iter()
        .filter_map(|entry| content_of(entry, (h0, h1)).ok())
        .filter(|content| after.is_none_or(|after| *content > after));
    Ok(contents.collect())
}

/// The content whose folder an entry of a shard is, or why it is none.
fn content_of(entry: &Entry, (h0, h1): (&str, &str)) -> Result<ContentUuid, String> {
    if !entry.is_folder() {
        return Err(format!(
            "{} where a content's folder would be",
            word(entry.kind)
        ));
    }
    let name = entry.name().ok_or("its name is not UTF-8")?;
    let content = layout::parse_content_folder(name).map_err(|error| error.to_string())?;
    if layout::shard(content) == (h0.to_owned(), h1.to_owned()) {
        Ok(content)
    } else {
        Err(layout::LayoutError::WrongShard.to_string())
    }
}

fn read_content(folder: BorrowedFd<'_>, content: ContentUuid) -> Step<ScannedContent> {
    let mut scanned = ScannedContent::new(content);
    let mut sums = 0;
    for entry in entries_once(folder).during("list a content's folder")? {
        if entry.name() == Some(MANIFEST_NAME) {
            match manifest_file::read(folder, content)? {
                Found::Manifest(manifest) => scanned.manifest = Some(manifest),
                Found::Absent => {}
                Found::Newer(version) => scanned.strangers.push(stranger(
                    entry.shown(),
                    format!("a manifest of version {version}, which is newer"),
                )),
                Found::Broken(reason) => {
                    let reason = format!("not a manifest of this content: {reason}");
                    scanned.strangers.push(stranger(entry.shown(), reason));
                }
            }
            continue;
        }
        if entry.name() == Some(SUMS_NAME) && entry.kind == FileType::RegularFile {
            let stat = entry.look(folder).during("look at sums")?;
            sums = stat.as_ref().map_or(0, tree::size_of);
            continue;
        }
        match kind_folder(&entry) {
            Ok(name) => {
                let opened = folder_in(folder, name);
                if let Some(inner) = opened.during("open a kind's folder")? {
                    read_kind(&inner, name, &mut scanned)?;
                }
            }
            Err(reason) => scanned.strangers.push(stranger(entry.shown(), reason)),
        }
    }
    let wanted = scanned.manifest.as_ref().map_or(0, Manifest::b3sums_len);
    scanned.sums = u64::try_from(wanted) == Ok(sums);
    Ok(scanned)
}

fn kind_folder(entry: &Entry) -> Result<&str, String> {
    if !entry.is_folder() {
        return Err(format!(
            "{} where a kind's folder would be",
            word(entry.kind)
        ));
    }
    let name = entry.name().ok_or("its name is not UTF-8")?;
    Kind::check_folder(name).map_err(|error| error.to_string())?;
    Ok(name)
}

fn read_kind(folder: &OwnedFd, name: &str, scanned: &mut ScannedContent) -> Step<()> {
    for entry in entries_once(folder.as_fd()).during("list a kind's folder")? {
        match file_of(folder.as_fd(), &entry, name)? {
            Some(Ok(file)) => scanned.files.push(file),
            Some(Err(reason)) => {
                let name = format!("{name}/{}", entry.shown());
                scanned.strangers.push(stranger(name, reason));
            }
            None => {}
        }
    }
    Ok(())
}

/// The sidecar that an entry is, or why it is none; `None` when it is gone by now.
fn file_of(
    folder: BorrowedFd<'_>,
    entry: &Entry,
    kind_folder: &str,
) -> Step<Option<Result<FoundFile, String>>> {
    if entry.kind != FileType::RegularFile {
        let reason = format!("{} where a sidecar would be", word(entry.kind));
        return Ok(Some(Err(reason)));
    }
    let parsed = match entry.name() {
        Some(name) => {
            layout::parse_sidecar_name(kind_folder, name).map_err(|error| error.to_string())
        }
        None => Err("its name is not UTF-8".to_owned()),
    };
    let (kind, variant, format) = match parsed {
        Ok(parsed) => parsed,
        Err(reason) => return Ok(Some(Err(reason))),
    };
    let Some(stat) = entry.look(folder).during("look at a file")? else {
        return Ok(None);
    };
    let size = tree::size_of(&stat);
    if size == 0 {
        return Ok(Some(Err("an empty file is no sidecar".to_owned())));
    }
    Ok(Some(Ok(FoundFile {
        kind,
        variant,
        format,
        size,
    })))
}

/// What lies outside of every content's folder and belongs nowhere, at most `limit`.
pub(crate) fn strays(folders: &Folders, limit: usize) -> Step<Vec<ScannedStranger>> {
    let mut found = Vec::new();
    for entry in entries(folders.tree.root()).during("list the vault")? {
        let own = entry.is_folder() && entry.name() == Some(CONTENT_ROOT);
        if !own && !entry.shown().starts_with('.') {
            found.push(stranger(entry.shown(), "not part of a vault"));
        }
    }
    let staging = folders.staging().during("open the staging folder")?;
    for entry in entries(staging.as_fd()).during("list the staging folder")? {
        // What this process staged is under way.
        if !folders.is_own_name(&entry.shown()) {
            let name = format!("{STAGING}/{}", entry.shown());
            found.push(stranger(
                name,
                "staged by a process that never published it",
            ));
        }
    }
    // Nobody's any more, where the rows that knew of the move are gone.
    let moving = folder_in(folders.tree.root(), MOVING).during("open the folder of moves")?;
    let moving = moving.map(|moving| entries(moving.as_fd()).during("list what is being moved"));
    for entry in moving.transpose()?.into_iter().flatten() {
        let name = format!("{MOVING}/{}", entry.shown());
        let reason = "an original whose move was interrupted: `vss run` finishes it; if it stays, take \
                      it out by hand";
        found.push(stranger(name, reason));
    }
    let opened = folders.tree.open_folder(CONTENT_ROOT);
    if let Some(root) = opened.during("open the content folder")? {
        let listed = entries_once(root.as_fd()).during("list the content folder")?;
        not_shards(&listed, CONTENT_ROOT, &mut found);
        for h0 in shards_among(&listed) {
            if found.len() >= limit {
                break;
            }
            if let Some(outer) = folder_in(root.as_fd(), &h0).during("open a shard")? {
                strays_of_shard(outer.as_fd(), &h0, &mut found)?;
            }
        }
    }
    found.truncate(limit);
    Ok(found)
}

fn strays_of_shard(outer: BorrowedFd<'_>, h0: &str, found: &mut Vec<ScannedStranger>) -> Step<()> {
    let listed = entries_once(outer).during("list a shard")?;
    not_shards(&listed, &format!("{CONTENT_ROOT}/{h0}"), found);
    for h1 in shards_among(&listed) {
        let Some(shard) = folder_in(outer, &h1).during("open a shard")? else {
            continue;
        };
        for entry in entries_once(shard.as_fd()).during("list a shard")? {
            if let Err(reason) = content_of(&entry, (h0, &h1)) {
                let name = format!("{CONTENT_ROOT}/{h0}/{h1}/{}", entry.shown());
                found.push(stranger(name, reason));
            }
        }
    }
    Ok(())
}

fn not_shards(listed: &[Entry], path: &str, found: &mut Vec<ScannedStranger>) {
    for entry in listed.iter().filter(|entry| !is_shard(entry)) {
        let reason = match entry.is_folder() {
            true => "a shard is named by two lower-case hex digits".to_owned(),
            false => format!("{} where a shard would be", word(entry.kind)),
        };
        found.push(stranger(format!("{path}/{}", entry.shown()), reason));
    }
}

fn stranger(name: String, reason: impl Into<String>) -> ScannedStranger {
    ScannedStranger {
        name,
        reason: reason.into(),
    }
}
