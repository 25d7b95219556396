//! The contract of SidecarQueue as checks, grouped like the life of a row.

use std::sync::Arc;

use libtest_mimic::Trial;

use crate::rows::RowsHarness;
use crate::{Check, check, trials_of};

mod attempting;
mod finishing;
mod planning;
mod recovering;
mod taking;

use attempting::{
    attempts_are_recorded_unless_the_first_succeeds, the_third_harmful_attempt_quarantines,
};
use finishing::{
    a_late_commit_is_fenced_off_and_publishes_nothing,
    commit_publishes_what_holds_before_rows_are_ready,
    commit_puts_back_what_could_not_be_published, commit_refuses_another_original,
    fail_moves_a_row_as_its_class_says_and_is_fenced, what_is_to_be_tried_again_waits_for_its_time,
};
use planning::{
    enqueue_again_changes_nothing_but_raises_priority,
    enqueue_brings_back_what_made_room_for_who_waits, enqueue_leaves_other_failures_alone,
    enqueue_makes_pending_rows_and_counts_them, enqueue_records_a_watermark_in_the_same_step,
    enqueue_revives_failures_of_another_version, enqueue_revives_what_lacked_an_original,
};
use recovering::{
    release_of_all_but_one_owner_keeps_its_rows,
    release_of_an_owner_makes_its_rows_due_and_fences_it_off,
    release_of_expired_leases_spares_those_that_run, release_of_what_lies_ahead_makes_it_due,
    renew_moves_the_owners_leases_and_counts_them,
};
use taking::{
    a_claimed_row_is_running_and_not_claimed_again, claim_answers_due_rows_the_more_urgent_first,
    claim_answers_only_the_asked_generators, claim_answers_outputs_of_a_content_together,
    claim_leaves_out_excepted_kinds, claim_of_the_oldest_asks_no_priority,
    claims_side_by_side_never_answer_the_same_row,
};

const CHECKS: &[Check<dyn RowsHarness>] = &[
    check!(enqueue_makes_pending_rows_and_counts_them),
    check!(enqueue_again_changes_nothing_but_raises_priority),
    check!(enqueue_revives_failures_of_another_version),
    check!(enqueue_revives_what_lacked_an_original),
    check!(enqueue_leaves_other_failures_alone),
    check!(enqueue_brings_back_what_made_room_for_who_waits),
    check!(enqueue_records_a_watermark_in_the_same_step),
    check!(claim_answers_due_rows_the_more_urgent_first),
    check!(claim_of_the_oldest_asks_no_priority),
    check!(claim_answers_outputs_of_a_content_together),
    check!(claim_answers_only_the_asked_generators),
    check!(claim_leaves_out_excepted_kinds),
    check!(a_claimed_row_is_running_and_not_claimed_again),
    check!(claims_side_by_side_never_answer_the_same_row),
    check!(commit_publishes_what_holds_before_rows_are_ready),
    check!(commit_puts_back_what_could_not_be_published),
    check!(a_late_commit_is_fenced_off_and_publishes_nothing),
    check!(commit_refuses_another_original),
    check!(fail_moves_a_row_as_its_class_says_and_is_fenced),
    check!(the_third_harmful_attempt_quarantines),
    check!(attempts_are_recorded_unless_the_first_succeeds),
    check!(what_is_to_be_tried_again_waits_for_its_time),
    check!(release_of_an_owner_makes_its_rows_due_and_fences_it_off),
    check!(release_of_expired_leases_spares_those_that_run),
    check!(release_of_all_but_one_owner_keeps_its_rows),
    check!(release_of_what_lies_ahead_makes_it_due),
    check!(renew_moves_the_owners_leases_and_counts_them),
];

/// The checks for one adapter.
pub fn trials(adapter: &str, harness: Arc<dyn RowsHarness>) -> Vec<Trial> {
    trials_of("queue", adapter, &harness, CHECKS)
}
