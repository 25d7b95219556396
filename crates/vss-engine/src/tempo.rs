//! How far ahead work is claimed: not at all while jobs are long, so that what is urgent waits for
//! one job at most; by the handful while they are short, so that claiming does not cost more than
//! working.

use std::time::Duration;

/// What is claimed ahead should be begun within this time.
const AHEAD: Duration = Duration::from_millis(5);
/// Claims ahead, at most.
const MOST: usize = 64;
/// The newest job's share in the average, as a divisor.
const WEIGHT: u32 = 8;

/// A job that shows no sign of life for this many times the usual length gives up its place.
const SILENT: u32 = 10;
/// The shortest and the longest such silence.
const SILENCE: (Duration, Duration) = (Duration::from_millis(25), Duration::from_secs(10));
/// The silence that is borne before anything is known.
const UNKNOWN: Duration = Duration::from_secs(2);

/// One job counts at most as this many times the usual length, so that a few that hang do not make
/// the engine patient with more of them.
const OUTLIER: u32 = 2;
/// What is short is not told apart any further.
const SHORT: Duration = Duration::from_millis(1);

/// Moving averages of how long jobs take.
#[derive(Debug, Default)]
pub(crate) struct Tempo {
    average: Option<Duration>,
    /// The same without outliers.
    usual: Option<Duration>,
}

impl Tempo {
    /// Notes how long a job took.
    pub(crate) fn note(&mut self, took: Duration) {
        let moved = |average: Duration, took| (average * (WEIGHT - 1) + took) / WEIGHT;
        let within = |usual: Duration| took.min(usual.max(SHORT) * OUTLIER);
        self.average = Some(self.average.map_or(took, |average| moved(average, took)));
        self.usual = Some(self.usual.map_or(took, |usual| moved(usual, within(usual))));
    }

    /// How long a job may show no sign of life before another one gets its place.
    pub(crate) fn patience(&self) -> Duration {
        let (shortest, longest) = SILENCE;
        self.usual.map_or(UNKNOWN, |usual| {
            usual.saturating_mul(SILENT).clamp(shortest, longest)
        })
    }

    /// How many claims to hold beyond those that begin at once.
    pub(crate) fn ahead(&self, workers: usize) -> usize {
        // Without experience nothing is known to be short.
        let Some(average) = self.average else {
            return 0;
        };
        let rounds = AHEAD.as_micros() / average.as_micros().max(1);
        usize::try_from(rounds)
            .unwrap_or(MOST)
            .saturating_mul(workers)
            .min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(took: Duration) -> Tempo {
        let mut tempo = Tempo::default();
        (0..100).for_each(|_| tempo.note(took));
        tempo
    }

    #[test]
    fn long_jobs_are_claimed_one_by_one_and_short_ones_ahead() {
        assert_eq!(Tempo::default().ahead(8), 0);
        assert_eq!(after(Duration::from_millis(10)).ahead(8), 0);
        assert_eq!(after(Duration::from_millis(2)).ahead(2), 4);
        assert_eq!(after(Duration::ZERO).ahead(8), MOST);
    }

    #[test]
    fn patience_follows_the_usual_length_within_bounds() {
        let millis = Duration::from_millis;
        assert_eq!(Tempo::default().patience(), millis(2_000));
        assert_eq!(after(millis(70)).patience(), millis(700));
        assert_eq!(after(millis(1)).patience(), millis(25));
        assert_eq!(after(Duration::from_secs(600)).patience(), millis(10_000));
    }

    #[test]
    fn one_slow_job_among_fast_ones_soon_counts() {
        let mut tempo = after(Duration::from_millis(1));
        tempo.note(Duration::from_secs(1));
        assert_eq!(tempo.ahead(2), 0);
    }

    #[test]
    fn a_few_that_hang_do_not_make_it_patient_and_a_lasting_change_does() {
        let mut tempo = after(Duration::from_millis(4));
        (0..3).for_each(|_| tempo.note(Duration::from_secs(60)));
        assert!(tempo.patience() < Duration::from_millis(60));
        (0..100).for_each(|_| tempo.note(Duration::from_millis(400)));
        assert!(tempo.patience() > Duration::from_secs(3));
    }
}
