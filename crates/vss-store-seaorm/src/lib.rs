//! SidecarStore, SidecarQueue and QueueControl on SQLite through sea-orm: one file, one writer, a few readers.
//!
//! Every write is one `BEGIN IMMEDIATE` transaction on the only writing connection, so that what a
//! statement has seen still holds when the next one writes. Two shapes of change exist: sets of
//! rows that one statement can describe (enqueue, claim, release, requeue) are changed where they
//! are; single rows whose new state has to be decided (commit, fail, adopt, invalidate) are loaded,
//! decided in Rust by the table in vss-core, and written back. Both keep `counters` exact in the
//! same transaction.
//!
//! | file | what is there |
//! |---|---|
//! | `open` | connections, pragmas, migrations |
//! | `convert` | how values are spelled in rows |
//! | `record` | reading rows, refusing bad ones |
//! | `change` | writing decided rows back |
//! | `counters` | the running totals |
//! | `store`, `presence` | the port SidecarStore |
//! | `queue`, `enqueue`, `claim`, `finish` | the port SidecarQueue |
//! | `attempts` | what became of attempts |
//! | `control`, `requeue`, `cancel`, `listing` | the port QueueControl |

mod attempts;
mod cancel;
mod change;
mod claim;
mod control;
mod convert;
mod counters;
mod enqueue;
mod error;
mod finish;
mod listing;
mod open;
mod presence;
mod queue;
mod record;
mod requeue;
mod store;
mod watermark;

pub use open::{Durability, SeaOrmStore, StoreOptions};
