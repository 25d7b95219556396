//! Watch: keep up with files as they change, as indexing and reconciling would after the fact.
//!
//! What a [`Watcher`](vss_ports::Watcher) tells waits until it stands still; then exactly that is
//! looked at. Whoever drives a watch takes one batch after the other, so that it can hold a lock
//! meanwhile and say what happens:
//!
//! ```text
//! locations:  watch.next -> debounce -> catalog.revisit -> plan_changes
//! vault:      watch.next -> echo of our own? : debounce -> inspect x rows -> diff -> adopt, set aside, invalidate
//! ```

mod debounce;
mod locations;
mod spot;
mod tend;
mod vault;

pub use debounce::Settling;
pub use locations::{LocationBatch, LocationWatch, RevisitReport};
pub use vault::{TendReport, VaultBatch, VaultWatch};
