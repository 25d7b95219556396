//! What a worker may use before it is stopped.

use std::time::Duration;

use vss_core::plan::Recipe;
use vss_ports::GenerateJob;

/// What a worker may use. Times and file sizes count for one output of a job; times for each page
/// that an output of text may have.
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

/// Time that is granted for each output of a job by how long its original plays. An original of
/// unknown length has [`WorkerLimits::wall`], and none has more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// However short it is.
    pub least: Duration,
    /// For each second that it plays.
    pub factor: u32,
}

impl Pace {
    /// For video and audio: one minute, and four for each that it plays.
    pub const AV: Self = Self {
        least: Duration::from_mins(1),
        factor: 4,
    };

    /// The time for an original of this length, within the limit of all.
    #[cfg(unix)]
    pub(crate) fn wall(self, plays: Duration, most: Duration) -> Duration {
        let granted = plays.saturating_mul(self.factor);
        granted.saturating_add(self.least).min(most)
    }
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

    /// For video and audio: four hours an output at most, which a long film takes on a slow
    /// machine ([`Pace::AV`] has what a shorter one gets), 20 s without progress, 1 GiB, files of 16 GiB, 100 jobs.
    pub const AV: Self = Self {
        wall: Duration::from_hours(4),
        cpu: Duration::from_hours(4),
        no_progress: Duration::from_secs(20),
        address_space: 1 << 30,
        file_size: 16 << 30,
        jobs: 100,
    };

    /// For text: 120 s a page, 60 s without progress, 768 MiB, files of 64 MiB, 100 jobs.
    pub const OCR: Self = Self {
        wall: Duration::from_secs(120),
        cpu: Duration::from_secs(120),
        // Before the first word a page is taken apart.
        no_progress: Duration::from_secs(60),
        address_space: 768 << 20,
        file_size: 64 << 20,
        jobs: 100,
    };
}

/// How many times over the times of a job are granted: once an output, but the text of a document
/// page by page.
pub(crate) fn shares(job: &GenerateJob<'_>) -> u32 {
    let is_picture = job.media_type.as_str().starts_with("image/");
    let share = |recipe: &Recipe| match recipe {
        Recipe::Text(text) if !is_picture => text.max_pages.max(1),
        _ => 1,
    };
    let all = job.outputs.iter().map(|output| share(output.recipe));
    all.fold(0, u32::saturating_add).max(1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn time_grows_with_the_length_and_ends_at_the_limit_of_all() {
        let most = WorkerLimits::AV.wall;
        let wall = |seconds| Pace::AV.wall(Duration::from_secs(seconds), most).as_secs();
        assert_eq!([0, 10, 363].map(wall), [60, 100, 1_512]);
        // What a broken file may claim.
        assert_eq!(wall(143_165), most.as_secs());
        assert_eq!(Pace::AV.wall(Duration::MAX, most), most);
    }
}
