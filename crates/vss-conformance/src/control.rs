//! The contract of QueueControl as checks, grouped by what a person wants.

use std::sync::Arc;

use libtest_mimic::Trial;

use crate::rows::RowsHarness;
use crate::{Check, check, trials_of};

mod cancelling;
mod looking;
mod pausing;
mod requeuing;

use cancelling::{
    a_cancelled_row_comes_back_by_requeue_alone, cancel_fails_pending_and_running_rows,
    cancel_fences_off_workers_and_keeps_old_files,
};
use looking::{depths_count_due_later_and_running, list_answers_a_selection_by_pages};
use pausing::{
    a_paused_kind_is_otherwise_as_any_other, pause_keeps_kinds_from_being_claimed_until_resume,
    paused_answers_kinds_and_when_they_were_first_paused,
};
use requeuing::{
    requeue_ends_the_wait_after_a_failure, requeue_moves_what_was_selected_and_may_move,
};

const CHECKS: &[Check<dyn RowsHarness>] = &[
    check!(pause_keeps_kinds_from_being_claimed_until_resume),
    check!(paused_answers_kinds_and_when_they_were_first_paused),
    check!(a_paused_kind_is_otherwise_as_any_other),
    check!(requeue_moves_what_was_selected_and_may_move),
    check!(requeue_ends_the_wait_after_a_failure),
    check!(cancel_fails_pending_and_running_rows),
    check!(cancel_fences_off_workers_and_keeps_old_files),
    check!(a_cancelled_row_comes_back_by_requeue_alone),
    check!(depths_count_due_later_and_running),
    check!(list_answers_a_selection_by_pages),
];

/// The checks for one adapter.
pub fn trials(adapter: &str, harness: Arc<dyn RowsHarness>) -> Vec<Trial> {
    trials_of("control", adapter, &harness, CHECKS)
}
