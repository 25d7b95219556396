//! What a worker may use before it is stopped.

use std::time::Duration;

/// What a worker may use. Times and file sizes count for one output of a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkerLimits {
    /// Time that passes for each output of a job. Waiting for memory does not count.
    pub wall: Duration,
    /// Processor time for each output of a job, in whole seconds.
    pub cpu: Duration,
    /// Time without a sign of progress. Waiting for memory does not count.
    pub no_progress: Duration,
    /// Address space, in bytes.
    pub address_space: u64,
    /// Bytes of a file that it writes.
    pub file_size: u64,
    /// Jobs after which a worker is replaced.
    pub jobs: u32,
}

impl WorkerLimits {
    /// For stills: 30 s an output, 20 s without progress, 1 GiB, files of 256 MiB, 100 jobs.
    pub const IMAGE: Self = Self {
        wall: Duration::from_secs(30),
        cpu: Duration::from_secs(30),
        no_progress: Duration::from_secs(20),
        address_space: 1 << 30,
        file_size: 256 << 20,
        jobs: 100,
    };

    /// For video and audio: four hours an output, which a long film takes on a slow machine, 20 s
    /// without progress, 1 GiB, files of 16 GiB, 100 jobs.
    pub const AV: Self = Self {
        wall: Duration::from_hours(4),
        cpu: Duration::from_hours(4),
        no_progress: Duration::from_secs(20),
        address_space: 1 << 30,
        file_size: 16 << 30,
        jobs: 100,
    };
}
