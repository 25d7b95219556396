//! SidecarStore and the other ports of its rows through sea-orm: on a SQLite file with one writer
//! and a few readers, or on a PostgreSQL server that several programs share.
//!
//! In a file every write is one `BEGIN IMMEDIATE` transaction on the only writing connection, so
//! that what a statement has seen still holds when the next one writes. On a server the rows are
//! locked that a decision rests on; see `transaction`. Two shapes of change exist: sets of
//! rows that one statement can describe (enqueue, claim, release, requeue, cancel) are changed where they
//! are; single rows whose new state has to be decided (commit, fail, adopt, invalidate) are loaded,
//! decided in Rust by the table in vss-core, and written back. Both keep `counters` exact in the
//! same transaction.
//!
//! | file | what is there |
//! |---|---|
//! | `open` | connections to a file, pragmas, migrations |
//! | `server` | connections to a server, timeouts, migrations |
//! | `dialect` | what is spelled differently on a server |
//! | `transaction` | what a write has to itself, and trying it again |
//! | `convert` | how values are spelled in rows |
//! | `record` | reading rows, refusing bad ones |
//! | `change` | writing decided rows back |
//! | `counters` | the running totals |
//! | `store`, `presence`, `outline` | the port SidecarStore |
//! | `queue`, `enqueue`, `claim`, `lease`, `finish` | the port SidecarQueue |
//! | `attempts` | what became of attempts |
//! | `control`, `requeue`, `cancel`, `listing` | the port QueueControl |
//! | `steps` | changes of very many rows, a part at a time |
//! | `references`, `decisions` | the port ReferenceStore |
//! | `conversions` | the port ConversionJournal |

mod attempts;
mod cancel;
mod change;
mod claim;
mod control;
mod conversions;
mod convert;
mod counters;
mod decisions;
mod dialect;
mod enqueue;
mod error;
mod finish;
mod lease;
mod listing;
mod open;
mod outline;
#[cfg(test)]
mod plans;
mod presence;
mod queue;
mod record;
mod references;
mod requeue;
#[cfg(feature = "postgres")]
mod server;
mod steps;
mod store;
mod transaction;
mod watermark;

pub use open::{Durability, SeaOrmStore, StoreOptions};
pub use vss_migrations::{DatabaseFault, Trouble};
