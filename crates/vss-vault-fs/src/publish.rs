//! Publishing a batch: contents beside each other, with as few syncs as their number allows, and
//! none of them harmed by another's failure.

use std::collections::BTreeMap;

use vss_core::ContentUuid;

use crate::content_work::{ContentWork, Failures, Job, begin};
use crate::folders::Folders;
use crate::problem::{During, Step};

/// Publications that are worked on together at most: each holds a few descriptors.
pub(crate) const TOGETHER: usize = 128;

/// Publishes jobs; answers the failed ones.
///
/// Contents are locked in the order of their uuid, so that two processes cannot wait for each
/// other.
pub(crate) fn publish(folders: &Folders, jobs: Vec<Job>) -> Failures {
    let at_once = folders.syncer.at_once(jobs.len());
    let mut contents: BTreeMap<ContentUuid, Vec<Job>> = BTreeMap::new();
    for job in jobs {
        contents.entry(job.content).or_default().push(job);
    }
    let mut failures = Failures::new();
    if at_once {
        let begun = contents
            .into_iter()
            .filter_map(|(content, jobs)| begin(folders, content, jobs, &mut failures))
            .collect();
        together(folders, begun, &mut failures);
    } else {
        for (content, jobs) in contents {
            if let Some(work) = begin(folders, content, jobs, &mut failures) {
                alone(folders, work, &mut failures);
            }
        }
    }
    failures
}

/// Each folder is synced by itself.
fn alone(folders: &Folders, mut work: ContentWork, failures: &mut Failures) {
    let step = work
        .sync_before(folders)
        .and_then(|()| work.install(folders))
        .and_then(|()| work.sync_after(folders));
    match step {
        Ok(()) => work.finish(folders),
        Err(problem) => work.take_back(folders, &problem, failures),
    }
}

/// The whole file system is synced: once, and once before if manifests are replaced, because a
/// rename may reach the disk before the bytes it names and would lose lines that were vouched for.
fn together(folders: &Folders, begun: Vec<ContentWork>, failures: &mut Failures) {
    let sync = || -> Step<()> {
        let synced = folders.syncer.everything(folders.tree.root());
        synced.during("sync the vault's file system")
    };
    if begun.iter().any(ContentWork::replaces_manifest)
        && let Err(problem) = sync()
    {
        for work in begun {
            work.take_back(folders, &problem, failures);
        }
        return;
    }
    let mut installed = Vec::with_capacity(begun.len());
    for mut work in begun {
        match work.install(folders) {
            Ok(()) => installed.push(work),
            Err(problem) => work.take_back(folders, &problem, failures),
        }
    }
    let synced = sync();
    for work in installed {
        match &synced {
            Ok(()) => work.finish(folders),
            Err(problem) => work.take_back(folders, problem, failures),
        }
    }
}
