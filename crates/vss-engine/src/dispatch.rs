//! Hands out work: claims what is due as workers become free, within the limits of kinds and the
//! breakers of generators, and gives old work its turn.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use vss_core::{GeneratorId, Kind};
use vss_ports::{Claim, ClaimOrder, ClaimRequest, PortResult};

use crate::Engine;
use crate::breaker::Admits;
use crate::job::{Ended, Made};
use crate::outage::{Outage, PAUSE};
use crate::run::{RunOptions, Until};
use crate::tempo::Tempo;

/// Every so many claims, one takes what has been due longest instead of what is most urgent. So
/// bulk work always moves, and what is urgent never waits behind all of it.
const OLDEST_EVERY: u64 = 8;

/// The handing-out side of a run.
pub(crate) struct Dispatcher {
    engine: Arc<Engine>,
    until: Until,
    finished: mpsc::Sender<Made>,
    jobs: JoinSet<Ended>,
    /// Claimed and not begun: ahead of time, or of a generator that gets nothing now.
    claimed: VecDeque<Claim>,
    /// Claims that make a kind, claimed or under way.
    busy: BTreeMap<Kind, usize>,
    tempo: Tempo,
    turns: u64,
    outage: Outage,
}

impl Dispatcher {
    pub(crate) fn new(
        engine: Arc<Engine>,
        options: &RunOptions,
        finished: mpsc::Sender<Made>,
    ) -> Self {
        let outage = engine.outage(options.until);
        Self {
            engine,
            until: options.until,
            finished,
            jobs: JoinSet::new(),
            claimed: VecDeque::new(),
            busy: BTreeMap::new(),
            tempo: Tempo::default(),
            turns: 0,
            outage,
        }
    }

    /// One round: gives free workers work, or waits until something changes. `false` when nothing
    /// is due and nothing under way that could change that.
    pub(crate) async fn step(&mut self) -> PortResult<bool> {
        let workers = self.places();
        while self.jobs.len() < workers {
            let Some(claim) = self.next() else { break };
            self.begin(claim);
        }
        if self.jobs.len() < workers && self.claim(workers - self.jobs.len()).await? {
            return Ok(true);
        }
        if self.jobs.is_empty() && self.until == Until::Drained {
            return Ok(false);
        }
        self.wait().await
    }

    /// Jobs side by side: as many as there are workers, and another for each that shows no sign of
    /// life, at most as many again.
    fn places(&self) -> usize {
        let workers = self.engine.settings.workers;
        let silent = self.engine.shared.active.silent(self.tempo.patience());
        workers + silent.min(workers)
    }

    /// Lets the jobs under way end; nothing new begins.
    pub(crate) async fn finish(mut self) {
        while let Some(ended) = self.jobs.join_next().await {
            if let Ok(ended) = ended {
                self.note(&ended);
            }
        }
    }

    /// The next claim whose generator may work.
    fn next(&mut self) -> Option<Claim> {
        let now = self.engine.ports.clock.now();
        let breakers = &self.engine.shared.breakers;
        let may = |claim: &Claim| breakers.admits(&claim.generator, now) == Admits::All;
        let at = self.claimed.iter().position(may)?;
        self.claimed.remove(at)
    }

    fn begin(&mut self, claim: Claim) {
        let (engine, finished) = (Arc::clone(&self.engine), self.finished.clone());
        self.jobs.spawn(async move {
            let (made, ended) = engine.make(claim).await;
            // The committer only goes away when the store failed, which ends the run.
            let _ = finished.send(made).await;
            ended
        });
    }

    /// Lets a generator that only dies do again what it did well before, for nothing but to see
    /// whether it lives. `false` when it did nothing well yet.
    async fn try_canary(&mut self, generator: &GeneratorId) -> PortResult<bool> {
        let claim = match self.engine.canary(generator).await {
            Ok(Some(claim)) => claim,
            Ok(None) => return Ok(false),
            // The store is away: it is asked again when there is something to claim.
            Err(error) if error.is_retryable() => return Ok(false),
            Err(error) => return Err(error),
        };
        self.engine.shared.breakers.began(generator);
        let engine = Arc::clone(&self.engine);
        self.jobs.spawn(async move {
            let (_unpublished, ended) = engine.make(claim).await;
            Ended {
                canary: true,
                ..ended
            }
        });
        Ok(true)
    }

    /// Waits for a job to end, for a call, or until it is time to look again.
    async fn wait(&mut self) -> PortResult<bool> {
        let mut pause = self.engine.settings.poll_every;
        if self.jobs.len() >= self.places() {
            // Somebody may fall silent meanwhile.
            pause = pause.min(self.tempo.patience());
        }
        let look_again = self.engine.ports.clock.sleep(pause);
        let ended = tokio::select! {
            Some(ended) = self.jobs.join_next() => ended,
            () = self.engine.shared.wake.notified() => return Ok(true),
            () = look_again => return Ok(true),
        };
        let ended = match ended {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        let generator = &ended.claim.generator;
        if self.note(&ended) {
            match self.try_canary(generator).await? {
                true => tracing::warn!(%generator, "it died ten times in a row: trying it out"),
                false => tracing::error!(%generator, "it only dies: it gets nothing for a minute"),
            }
        }
        Ok(true)
    }

    /// Notes how a job ended; whether that opened its generator's breaker.
    fn note(&mut self, ended: &Ended) -> bool {
        let (generator, now) = (&ended.claim.generator, self.engine.ports.clock.now());
        if !ended.canary {
            for kind in kinds(&ended.claim) {
                if let Some(busy) = self.busy.get_mut(kind) {
                    *busy = busy.saturating_sub(1);
                }
            }
            self.tempo.note(ended.took);
        }
        let Some(health) = ended.health else {
            return false;
        };
        if ended.well {
            self.engine.remember_canary(&ended.claim);
        }
        let breakers = &self.engine.shared.breakers;
        breakers.ended(generator, health, now)
    }

    /// Claims for so many free workers, and a little ahead; whether there was anything.
    async fn claim(&mut self, free: usize) -> PortResult<bool> {
        let (open, trial) = self.generators();
        for generator in trial {
            if self.put_on_trial(&generator).await? {
                return Ok(true);
            }
        }
        if open.is_empty() {
            return Ok(false);
        }
        let ahead = self.tempo.ahead(self.engine.settings.workers);
        self.claim_of(open, free + ahead).await
    }

    /// Gives a generator that had its rest one job.
    async fn put_on_trial(&mut self, generator: &GeneratorId) -> PortResult<bool> {
        if self.try_canary(generator).await? {
            return Ok(true);
        }
        let held = |claim: &Claim| claim.generator == *generator;
        if !self.claimed.iter().any(held) && !self.claim_of(vec![generator.clone()], 1).await? {
            return Ok(false);
        }
        let at = self.claimed.iter().position(held);
        if let Some(claim) = at.and_then(|at| self.claimed.remove(at)) {
            self.engine.shared.breakers.began(generator);
            self.begin(claim);
        }
        Ok(true)
    }

    async fn claim_of(&mut self, generators: Vec<GeneratorId>, most: usize) -> PortResult<bool> {
        let (except, limit) = self.room(most);
        let engine = &self.engine;
        let now = engine.ports.clock.now();
        self.turns += 1;
        let request = ClaimRequest {
            owner: engine.owner.clone(),
            now,
            lease_until: now.plus(engine.settings.lease),
            limit,
            generators,
            except,
            order: match self.turns.is_multiple_of(OLDEST_EVERY) {
                true => ClaimOrder::Oldest,
                false => ClaimOrder::Urgent,
            },
        };
        match engine.ports.queue.claim(&request).await {
            Ok(claims) => {
                self.outage.over();
                let any = !claims.is_empty();
                for kind in claims.iter().flat_map(kinds) {
                    *self.busy.entry(kind.clone()).or_default() += 1;
                }
                self.claimed.extend(claims);
                Ok(any)
            }
            Err(error) if self.outage.bears(&error, now) => {
                engine.ports.clock.sleep(PAUSE).await;
                // Not "nothing is due": it is not known.
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// The kinds at their limit, and how many claims keep every other kind within its own.
    fn room(&self, most: usize) -> (Vec<Kind>, usize) {
        let (mut except, mut limit) = (Vec::new(), most);
        for (kind, most) in &self.engine.settings.kind_limits {
            let busy = self.busy.get(kind).copied().unwrap_or(0);
            match most.saturating_sub(busy) {
                0 => except.push(kind.clone()),
                room => limit = limit.min(room),
            }
        }
        (except, limit)
    }

    /// The generators that may have any work, and those that may have one job each.
    fn generators(&self) -> (Vec<GeneratorId>, Vec<GeneratorId>) {
        let now = self.engine.ports.clock.now();
        let (mut open, mut trial) = (Vec::new(), Vec::new());
        for descriptor in &self.engine.descriptors {
            let id = descriptor.generator.id.clone();
            match self.engine.shared.breakers.admits(&id, now) {
                Admits::All => open.push(id),
                Admits::Trial => trial.push(id),
                Admits::Nothing => {}
            }
        }
        (open, trial)
    }
}

impl Engine {
    /// How long a run puts up with a store that does not answer.
    pub(crate) fn outage(&self, until: Until) -> Outage {
        Outage::new(match until {
            Until::Drained => Some(self.settings.patience),
            Until::Stopped => None,
        })
    }
}

/// The kinds that a claim makes, each once.
fn kinds(claim: &Claim) -> impl Iterator<Item = &Kind> {
    let outputs = &claim.outputs;
    let first_of_its_kind = move |(at, output): &(usize, &vss_ports::ClaimedOutput)| {
        let earlier = outputs.iter().take(*at);
        earlier.into_iter().all(|o| o.key.kind != output.key.kind)
    };
    let each = outputs.iter().enumerate().filter(first_of_its_kind);
    each.map(|(_, output)| &output.key.kind)
}
