//! The schema of the two databases of a library, one migration a file, one migrator a database.
//!
//! The DDL is raw SQL: STRICT tables, CHECKs, partial indexes and WITHOUT ROWID are what keeps
//! millions of rows small and whole, and no builder spells them. A migration that was released is
//! never edited; a change is a new file.

pub mod catalog;
mod migrate;
pub mod sidecars;

pub use migrate::{MigrateError, check, migrate};
