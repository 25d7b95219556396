//! Generator over worker processes that may open, start and reach nothing.
//!
//! Decoders meet hostile files, so they run in a process of their own that holds a socket, the
//! original (read-only) and the empty outputs, and nothing else. Both halves are here, and no
//! engine: [`SandboxedGenerator`] is the parent's, [`serve`] the worker's.
//!
//! ```text
//! generator  a job from its first check to its answer
//! pool         idle workers, and the one thread that starts them
//! start        from a program to a worker that said how it is confined
//! process      one worker: its descriptors, its clock, its end
//! exchange     one job over the socket, against the deadlines
//! verify       nobody's word is taken: sizes, heads, dimensions (webp)
//! death        from the way a worker ended to a failure class
//! serve      the worker: start-up, then one job after another
//! confine      the lock, in its order; syscalls has the lists
//! wire, channel  what is said, and how it travels
//! ```
//!
//! On Linux a worker is confined by Landlock and seccomp; on other systems it is a process with
//! deadlines. `SandboxLevel` says which of it holds, and is never guessed.

mod layers;
mod level;
mod limits;
mod settings;

#[cfg(unix)]
mod channel;
#[cfg(target_os = "linux")]
mod confine;
#[cfg(all(unix, not(target_os = "linux")))]
#[path = "confine_elsewhere.rs"]
mod confine;
#[cfg(unix)]
mod deadline;
#[cfg(unix)]
mod death;
#[cfg(unix)]
mod exchange;
#[cfg(unix)]
mod generator;
#[cfg(unix)]
mod pool;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod profile;
#[cfg(unix)]
mod serve;
#[cfg(unix)]
mod start;
#[cfg(target_os = "linux")]
mod syscalls;
#[cfg(unix)]
mod tail;
#[cfg(unix)]
mod verify;
#[cfg(unix)]
mod webp;
#[cfg(unix)]
mod wire;

pub use layers::{Layer, Layers};
pub use level::{SandboxLevel, SandboxLevelError};
pub use limits::{Pace, WorkerLimits};
pub use settings::WorkerSettings;

#[cfg(unix)]
pub use generator::SandboxedGenerator;
#[cfg(unix)]
pub use profile::Profile;
#[cfg(unix)]
pub use serve::serve;
#[cfg(unix)]
pub use start::{WorkerReport, probe};
