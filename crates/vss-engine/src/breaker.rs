//! Stops giving work to a generator that only dies, so that a broken engine does not quarantine a
//! library while the other generators go on.
//!
//! A file that kills its worker is no reason to stop: as long as other files succeed in between,
//! the breaker stays closed, and the file is quarantined by itself. Nor are ten such files in a
//! row: before it rests, the generator is given a file that it made something of before.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vss_core::{GeneratorId, Timestamp};

/// Deaths within [`WINDOW`], not one success among them, that open a breaker.
const DEATHS: usize = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// How long a generator gets nothing, before each trial.
const REST: Duration = Duration::from_secs(60);

/// How a job ended, as far as its generator's health goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Health {
    /// It answered, be it with a failure of the file's.
    Alive,
    /// It crashed, hung or ran out of memory.
    Died,
}

/// What a generator may be given now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admits {
    /// Any number of jobs.
    All,
    /// One job, to see whether it works again.
    Trial,
    /// None.
    Nothing,
}

/// One breaker a generator.
#[derive(Debug, Default)]
pub(crate) struct Breakers(Mutex<BTreeMap<GeneratorId, Breaker>>);

#[derive(Debug, Default)]
struct Breaker {
    deaths: VecDeque<Timestamp>,
    open: Option<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    until: Timestamp,
    /// Whether the one job is under way.
    trying: bool,
}

impl Breakers {
    /// What `generator` may be given.
    pub(crate) fn admits(&self, generator: &GeneratorId, now: Timestamp) -> Admits {
        match self.lock().get(generator).and_then(|breaker| breaker.open) {
            None => Admits::All,
            Some(open) if open.trying || now < open.until => Admits::Nothing,
            Some(_) => Admits::Trial,
        }
    }

    /// The generators that get nothing or next to nothing now.
    pub(crate) fn open(&self) -> Vec<GeneratorId> {
        let state = self.lock();
        let open = state.iter().filter(|(_, breaker)| breaker.open.is_some());
        open.map(|(generator, _)| generator.clone()).collect()
    }

    /// Notes that a trial of an open generator begins.
    pub(crate) fn began(&self, generator: &GeneratorId) {
        let mut state = self.lock();
        if let Some(open) = state.get_mut(generator).and_then(|b| b.open.as_mut()) {
            open.trying = true;
        }
    }

    /// Notes how a job ended; whether that opened the breaker.
    pub(crate) fn ended(&self, generator: &GeneratorId, health: Health, now: Timestamp) -> bool {
        let mut state = self.lock();
        let breaker = state.entry(generator.clone()).or_default();
        match (health, breaker.open) {
            (Health::Alive, _) => {
                *breaker = Breaker::default();
                false
            }
            (Health::Died, Some(_)) => {
                breaker.open = Some(Open::at(now));
                false
            }
            (Health::Died, None) => {
                breaker.deaths.push_back(now);
                breaker.deaths.retain(|death| now.since(*death) <= WINDOW);
                let opens = breaker.deaths.len() >= DEATHS;
                if opens {
                    breaker.open = Some(Open::at(now));
                }
                opens
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<GeneratorId, Breaker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn at(now: Timestamp) -> Self {
        Self {
            until: now.plus(REST),
            trying: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn image() -> GeneratorId {
        "image".parse().unwrap()
    }

    fn dead_after(deaths: u64, apart: Duration) -> Breakers {
        let breakers = Breakers::default();
        for death in 0..deaths {
            let at = START.plus(apart * u32::try_from(death).unwrap());
            breakers.ended(&image(), Health::Died, at);
        }
        breakers
    }

    #[test]
    fn ten_deaths_within_a_minute_open_it_and_nine_do_not() {
        let at = START.plus(Duration::from_secs(20));
        let nine = dead_after(9, Duration::from_secs(1));
        assert_eq!(nine.admits(&image(), at), Admits::All);
        let ten = dead_after(10, Duration::from_secs(1));
        assert_eq!(ten.admits(&image(), at), Admits::Nothing);
        assert_eq!(ten.admits(&"av".parse().unwrap(), at), Admits::All);
    }

    #[test]
    fn deaths_far_apart_do_not_open_it() {
        let slow = dead_after(30, Duration::from_secs(7));
        let at = START.plus(Duration::from_secs(7 * 30));
        assert_eq!(slow.admits(&image(), at), Admits::All);
    }

    #[test]
    fn one_success_among_the_deaths_keeps_it_closed() {
        let breakers = dead_after(9, Duration::ZERO);
        breakers.ended(&image(), Health::Alive, START);
        for _ in 0..9 {
            breakers.ended(&image(), Health::Died, START);
        }
        assert_eq!(breakers.admits(&image(), START), Admits::All);
    }

    #[test]
    fn after_its_rest_it_admits_one_trial_whose_end_decides() {
        let breakers = dead_after(10, Duration::ZERO);
        let later = START.plus(REST);
        assert_eq!(breakers.admits(&image(), later), Admits::Trial);
        breakers.began(&image());
        assert_eq!(breakers.admits(&image(), later), Admits::Nothing);
        breakers.ended(&image(), Health::Died, later);
        assert_eq!(breakers.admits(&image(), later), Admits::Nothing);
        let much_later = later.plus(REST);
        assert_eq!(breakers.admits(&image(), much_later), Admits::Trial);
        breakers.began(&image());
        breakers.ended(&image(), Health::Alive, much_later);
        assert_eq!(breakers.admits(&image(), much_later), Admits::All);
    }
}
