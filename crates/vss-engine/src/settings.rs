//! What an engine is told: the library's policy and how hard to work.

use std::time::Duration;

use vss_core::plan::Policy;

/// Settings of an engine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which sidecars are wanted, and the limits on originals.
    pub policy: Policy,
    /// Jobs side by side, at least one.
    pub workers: usize,
    /// How long a claim holds without being renewed.
    pub lease: Duration,
    /// How often claims are renewed; a third of the lease leaves room for two misses.
    pub renew_every: Duration,
    /// Files published by one commit, at most.
    pub group_files: usize,
    /// How long a finished file waits for others to share its commit.
    pub group_wait: Duration,
}

impl Settings {
    /// Leases of 30 s renewed every 10 s; commits of up to 128 files or 20 ms.
    pub fn new(policy: Policy, workers: usize) -> Self {
        Self {
            policy,
            workers: workers.max(1),
            lease: Duration::from_secs(30),
            renew_every: Duration::from_secs(10),
            group_files: 128,
            group_wait: Duration::from_millis(20),
        }
    }
}
