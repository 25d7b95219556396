//! The house rules that the compiler does not know, one module a rule's subject, each rule a pure function over (path, text).
//!
//! # Conventions that the rules read
//!
//! * A source file opens with `//!` on its first line and stays at 400 lines, not counting
//!   `#[cfg(test)] mod .. { }` at its end, files below `tests/` or `benches/`, and `tests.rs`.
//! * A port's contract is a list: each sentence is one `/// - ` bullet under `/// # Contract`, until
//!   the next heading or the end of the doc comment. A bullet may wrap; an indented one belongs to
//!   the sentence above it.
//! * `crates/vss-ports/src/NAME.rs` has its checks in `crates/vss-conformance/src/NAME.rs`, in a list
//!   `const CHECKS: &[..] = &[ .. ];` with one element a sentence. Elements are separated by commas
//!   outside of brackets and strings; none may stand twice.
//! * Every adapter crate runs them from `tests/conformance.rs`, a `[[test]]` with `harness = false`.
//! * `docs/adr` holds `NNNN-title.md` from 0001 on, without holes; `README.md` may lie beside them.
//! * A paragraph of ARCHITECTURE.md with `Invariant:` names what holds it: test `path::of::name`.

mod contract;
mod docs;
mod invariant;
mod lex;
mod manifest;
mod paths;
mod source;
mod tree;

use std::fmt;

use anyhow::{Result, bail};

use crate::workspace;
use tree::File;

/// One thing to mend, at one place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    path: String,
    /// From 1; 0 is the file as a whole.
    line: usize,
    message: String,
}

impl Violation {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// Prints every violation in the checkout, and fails when there is one.
pub(crate) fn run() -> Result<()> {
    let files = tree::read(&workspace::root()?)?;
    let wrong = check(&files);
    for violation in &wrong {
        println!("{violation}");
    }
    if !wrong.is_empty() {
        bail!("{} thing(s) to tidy", wrong.len());
    }
    println!("tidy: {} files, nothing to mend", files.len());
    Ok(())
}

/// Every rule over every file.
fn check(files: &[File]) -> Vec<Violation> {
    let mut wrong = Vec::new();
    for File { path, text } in files {
        wrong.extend(paths::no_machine_paths(path, text));
        if path.ends_with(".rs") {
            wrong.extend(source::check(path, text));
        }
        if path.ends_with(".md") {
            wrong.extend(docs::links(path, text, &|target| {
                tree::exists(files, target)
            }));
        }
    }
    wrong.extend(manifest::check(files));
    wrong.extend(contract::check(files));
    wrong.extend(docs::decisions(files));
    wrong.extend(docs::front_pages(files));
    wrong.extend(invariant::check(files));
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_checkout_is_tidy() {
        let wrong = check(&tree::read(&workspace::root().unwrap()).unwrap());
        let lines: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "{}", lines.join("\n"));
    }
}
