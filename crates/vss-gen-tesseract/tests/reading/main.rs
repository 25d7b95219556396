//! What is read, of pages that were made for it and of the scans of the corpus.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "what a test cannot set up, it has not shown"
)]

mod corpus;
mod job;
#[expect(dead_code, reason = "the other test binary needs more of it")]
mod media;
mod pages;
mod score;
