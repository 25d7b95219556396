//! The contract of Vault as checks.

use std::path::PathBuf;
use std::sync::Arc;

use libtest_mimic::Trial;
use vss_core::ContentUuid;
use vss_ports::Vault;

use crate::{Check, check, trials_of};

mod amending;
mod fixture;
mod publishing;
mod reading;
mod removing;
mod scanning;

use amending::{
    a_scan_tells_whether_sums_are_in_step, an_amendment_is_written_once_and_touches_no_file,
    nothing_is_amended_where_nothing_is, sums_follow_the_manifest,
};
use publishing::{
    a_failing_publication_harms_no_other, a_publication_is_added_to_the_manifest,
    a_published_file_is_located_and_opened, an_empty_file_is_not_sealed,
    publishing_the_same_bytes_again_changes_nothing,
    seal_answers_size_and_digest_of_what_was_written,
    what_a_publication_does_not_replace_is_set_aside, what_a_publication_replaces_is_replaced,
    what_is_only_staged_or_sealed_is_not_seen,
};
use reading::{
    a_quarantined_file_is_out_of_the_way_and_kept, a_stamp_stays_until_the_file_is_touched,
    there_is_nothing_to_quarantine_where_nothing_is, traps_are_neither_located_nor_opened,
    what_is_not_there_is_none,
};
use removing::{
    a_removed_file_is_gone_with_its_entry, there_is_nothing_to_remove_where_nothing_is,
    what_was_touched_since_is_not_removed, with_its_last_file_a_content_is_gone,
};
use scanning::{
    a_scan_answers_strangers_as_such, a_scan_is_limited_and_ends,
    a_scan_names_each_sidecar_and_the_manifest, contents_are_scanned_in_order_each_once,
    inspecting_answers_what_a_scan_would, strays_outside_of_contents_are_named,
};

/// Makes vaults.
pub trait VaultHarness: Send + Sync {
    /// A new empty vault that nobody else uses.
    fn fresh(&self) -> Box<dyn VaultUnderTest>;
}

/// One vault, and what somebody who is not the vault can do to it. Dropping it removes it.
pub trait VaultUnderTest: Send + Sync {
    /// The vault.
    fn vault(&self) -> Arc<dyn Vault>;

    /// The bytes of every file that was set aside or quarantined.
    fn set_aside(&self) -> Vec<Vec<u8>>;

    /// Puts a file at a path below the vault, with the folders it needs.
    fn plant(&self, path: &str, bytes: &[u8]);

    /// Makes every publication for a content fail from now on.
    fn block(&self, content: ContentUuid);

    /// What the sums beside the manifest of a content say; nothing where there are none.
    fn sums(&self, content: ContentUuid) -> String;

    /// Loses the sums of a content, as somebody else would; false for a vault that cannot.
    fn lose_sums(&self, content: ContentUuid) -> bool;

    /// The capability to hold folders and symbolic links: the folder `sidecars/`. `None` for a
    /// vault that is not on a file system.
    fn root(&self) -> Option<PathBuf>;
}

const CHECKS: &[Check<dyn VaultHarness>] = &[
    check!(what_is_only_staged_or_sealed_is_not_seen),
    check!(seal_answers_size_and_digest_of_what_was_written),
    check!(an_empty_file_is_not_sealed),
    check!(a_published_file_is_located_and_opened),
    check!(a_publication_is_added_to_the_manifest),
    check!(publishing_the_same_bytes_again_changes_nothing),
    check!(what_a_publication_replaces_is_replaced),
    check!(what_a_publication_does_not_replace_is_set_aside),
    check!(a_failing_publication_harms_no_other),
    check!(what_is_not_there_is_none),
    check!(a_stamp_stays_until_the_file_is_touched),
    check!(traps_are_neither_located_nor_opened),
    check!(contents_are_scanned_in_order_each_once),
    check!(a_scan_is_limited_and_ends),
    check!(a_scan_names_each_sidecar_and_the_manifest),
    check!(a_scan_answers_strangers_as_such),
    check!(a_scan_tells_whether_sums_are_in_step),
    check!(inspecting_answers_what_a_scan_would),
    check!(strays_outside_of_contents_are_named),
    check!(a_quarantined_file_is_out_of_the_way_and_kept),
    check!(a_removed_file_is_gone_with_its_entry),
    check!(with_its_last_file_a_content_is_gone),
    check!(there_is_nothing_to_remove_where_nothing_is),
    check!(what_was_touched_since_is_not_removed),
    check!(an_amendment_is_written_once_and_touches_no_file),
    check!(nothing_is_amended_where_nothing_is),
    check!(sums_follow_the_manifest),
    check!(there_is_nothing_to_quarantine_where_nothing_is),
];

/// The checks for one adapter.
pub fn trials(adapter: &str, harness: Arc<dyn VaultHarness>) -> Vec<Trial> {
    trials_of("vault", adapter, &harness, CHECKS)
}
