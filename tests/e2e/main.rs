//! The `vss` program as people use it: real processes, files, databases and media. ONE test
//! binary; a module a theme. Heavy tests stand below a module named `heavy`, which the test
//! runner takes one at a time.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may, and it owns the folders it makes"
)]

mod bad_input;
mod camera;
mod cli_shapes;
mod commands;
mod companions;
mod corpus;
mod daemon;
mod documents;
mod heavy;
mod integrity;
mod lifecycle;
#[expect(dead_code, reason = "the tests of the generator need more of it")]
#[path = "../../crates/vss-gen-libraw/tests/developing/media.rs"]
mod media;
mod program;
mod quotas;
mod text;
mod watching;
