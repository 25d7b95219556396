//! Still pictures of every sort through the generator port.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "what a test cannot set up, it has not shown; it reads the corpus itself and says when there is none"
)]

mod claims;
mod colours;
mod corpus;
mod damage;
mod dngs;
mod fonts;
mod formats;
mod heics;
mod job;
mod media;
mod orientations;
mod sensors;
mod tiffs;
