//! What the two databases of a library have in common: the schema, one migration a file and one
//! migrator a database, what their files say, which connections stay, and what a failure of SQLite
//! means.
//!
//! The DDL is raw SQL: STRICT tables, CHECKs, partial indexes and WITHOUT ROWID are what keeps
//! millions of rows small and whole, and no builder spells them. A migration that was released is
//! never edited; a change is a new file.

pub mod catalog;
mod fault;
mod file;
mod migrate;
mod pool;
pub mod sidecars;

pub use fault::{DatabaseFault, Trouble};
pub use file::{is_new, read_only};
pub use migrate::{MigrateError, check, migrate};
pub use pool::without_lost_transactions;
