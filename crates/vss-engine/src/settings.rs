//! What an engine is told: the library's policy and how hard to work.

use std::collections::BTreeMap;
use std::time::Duration;

use vss_core::Kind;
use vss_core::eviction::Quotas;
use vss_core::plan::Policy;

/// Settings of an engine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which sidecars are wanted, and the limits on originals.
    pub policy: Policy,
    /// Jobs side by side, at least one. Jobs that show no sign of life are not counted, up to as
    /// many again.
    pub workers: usize,
    /// Jobs side by side that make a kind, where fewer than `workers`; at least one.
    pub kind_limits: BTreeMap<Kind, usize>,
    /// Decoded pixels in memory at any time, in bytes. A job that needs more runs alone.
    pub memory_budget: u64,
    /// Originals read at once from one volume.
    pub volume_lanes: usize,
    /// How long a claim holds without being renewed.
    pub lease: Duration,
    /// How often claims are renewed; a third of the lease leaves room for two misses.
    pub renew_every: Duration,
    /// How often an idle engine looks for work that another process queued.
    pub poll_every: Duration,
    /// How long a drain puts up with a store that cannot be reached. An engine that stays waits
    /// for as long as it takes.
    pub patience: Duration,
    /// Sidecars larger than this, in bytes, are not hashed when they are first read, unless they
    /// were written to after their row says; only scrub and reconcile find rot in them.
    pub verify_up_to: u64,
    /// How many bytes of sidecars there may be. A run keeps to them as far as what is above can be
    /// made again in seconds.
    pub quotas: Quotas,
    /// Files published by one commit, at most.
    pub group_files: usize,
    /// How long a finished file waits for others to share its commit.
    pub group_wait: Duration,
}

impl Settings {
    /// Leases of 30 s renewed every 10 s; commits of up to 128 files or 20 ms; 1 GiB for pixels;
    /// four readers a volume; a store may be away for 30 s; 64 MiB are hashed at first read; no quotas.
    pub fn new(policy: Policy, workers: usize) -> Self {
        Self {
            policy,
            workers: workers.max(1),
            kind_limits: BTreeMap::new(),
            memory_budget: 1 << 30,
            volume_lanes: 4,
            lease: Duration::from_secs(30),
            renew_every: Duration::from_secs(10),
            poll_every: Duration::from_millis(250),
            patience: Duration::from_secs(30),
            verify_up_to: 64 << 20,
            quotas: Quotas::default(),
            group_files: 128,
            group_wait: Duration::from_millis(20),
        }
    }
}
