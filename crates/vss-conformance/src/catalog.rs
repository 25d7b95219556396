//! The contract of ContentCatalog as checks. They make real files in a folder of their own and let
//! the catalog look at it.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the checks are the user whose files are looked at"
)]

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use libtest_mimic::Trial;
use vss_ports::ContentCatalog;

use crate::{Check, check, trials_of};

mod asking;
mod folders;
mod losing;
#[cfg(target_os = "linux")]
mod opened;
mod refreshing;
mod revisiting;
mod scene;

use asking::{
    a_content_that_comes_back_has_a_new_change_number, an_instance_is_the_catalogs_own,
    changes_come_in_order_and_each_content_once, counts_agree_with_what_was_found,
    find_answers_the_known_ones, identify_goes_by_the_bytes_now,
    open_answers_none_when_no_original_is_as_it_was,
    open_answers_what_was_hashed_and_skips_what_changed, originals_are_every_place_in_order,
    pages_come_in_order_between_their_bounds,
};
use folders::{
    a_folder_has_a_new_number_when_something_in_it_changed,
    entries_answer_where_and_which_file_each_was, folders_come_in_order_whole_and_each_once,
    halves_are_every_place_of_an_identifier, open_entry_opens_the_original_at_one_place,
    what_a_file_says_is_known_of_every_copy,
};
use losing::{
    find_says_when_the_last_original_was_lost, locations_are_every_root_and_say_what_is_missing,
};
use refreshing::{
    a_moved_file_keeps_its_content_without_being_hashed, a_vanished_file_is_no_original_any_more,
    an_edited_file_has_a_new_content, an_unchanged_folder_is_not_hashed_again,
    copies_are_originals_of_one_content, each_file_is_found_once_and_its_content_known,
    empty_and_unreadable_files_are_reported_and_the_rest_is_indexed,
    excluded_and_hidden_files_are_left_out, links_fifos_and_sockets_are_never_opened,
    what_cannot_be_read_keeps_what_is_known,
};
use revisiting::{
    a_file_that_moved_between_two_places_stays_the_same,
    a_file_that_was_just_changed_is_left_for_later,
    a_place_that_is_not_there_is_gone_with_all_below_it,
    a_revisit_finds_what_changed_at_its_places_only, a_revisit_leaves_out_what_a_refresh_does,
    a_revisit_makes_no_place_a_location,
};

/// A catalog that knows nothing yet.
pub struct Fresh {
    /// The catalog.
    pub catalog: Arc<dyn ContentCatalog>,
    /// What it lives on; dropped after it.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Makes catalogs.
#[async_trait]
pub trait CatalogHarness: Send + Sync {
    /// A catalog of its own that can look at any folder.
    async fn fresh(&self) -> Fresh;
}

const CHECKS: &[Check<dyn CatalogHarness>] = &[
    check!(each_file_is_found_once_and_its_content_known),
    check!(an_unchanged_folder_is_not_hashed_again),
    check!(an_edited_file_has_a_new_content),
    check!(a_moved_file_keeps_its_content_without_being_hashed),
    check!(a_vanished_file_is_no_original_any_more),
    check!(copies_are_originals_of_one_content),
    check!(empty_and_unreadable_files_are_reported_and_the_rest_is_indexed),
    check!(what_cannot_be_read_keeps_what_is_known),
    check!(links_fifos_and_sockets_are_never_opened),
    check!(excluded_and_hidden_files_are_left_out),
    check!(a_file_that_was_just_changed_is_left_for_later),
    check!(a_revisit_finds_what_changed_at_its_places_only),
    check!(a_place_that_is_not_there_is_gone_with_all_below_it),
    check!(a_file_that_moved_between_two_places_stays_the_same),
    check!(a_revisit_leaves_out_what_a_refresh_does),
    check!(a_revisit_makes_no_place_a_location),
    check!(changes_come_in_order_and_each_content_once),
    check!(a_content_that_comes_back_has_a_new_change_number),
    check!(find_answers_the_known_ones),
    check!(pages_come_in_order_between_their_bounds),
    check!(find_says_when_the_last_original_was_lost),
    check!(locations_are_every_root_and_say_what_is_missing),
    check!(originals_are_every_place_in_order),
    check!(open_answers_what_was_hashed_and_skips_what_changed),
    check!(open_answers_none_when_no_original_is_as_it_was),
    check!(identify_goes_by_the_bytes_now),
    check!(folders_come_in_order_whole_and_each_once),
    check!(a_folder_has_a_new_number_when_something_in_it_changed),
    check!(what_a_file_says_is_known_of_every_copy),
    check!(halves_are_every_place_of_an_identifier),
    check!(entries_answer_where_and_which_file_each_was),
    check!(open_entry_opens_the_original_at_one_place),
    check!(counts_agree_with_what_was_found),
    check!(an_instance_is_the_catalogs_own),
];

/// The checks for one adapter.
pub fn trials(adapter: &str, harness: Arc<dyn CatalogHarness>) -> Vec<Trial> {
    trials_of("catalog", adapter, &harness, CHECKS)
}
