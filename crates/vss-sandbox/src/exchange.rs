//! One job over a worker's socket, against the deadlines.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use vss_core::FailureClass;
use vss_ports::{GenerateFailure, GenerateJob};

use crate::WorkerSettings;
use crate::deadline;
use crate::limits::shares;
use crate::process::{WorkerProcess, millis};
use crate::wire::{Answer, FromWorker, ToWorker, decode, encode};

/// How often the token is looked at: nothing wakes anybody when it is used.
const TICK: Duration = Duration::from_millis(10);

/// The part of the time without progress, as a divisor, after which a worker gives way to others.
const SUSPICION: u32 = 10;

/// How a job over the socket ended.
pub(crate) enum Outcome {
    /// The worker answered.
    Answered(Answer),
    /// The host refused memory; the worker may still be at it.
    Refused(GenerateFailure),
    /// The worker closed its socket: it is dead, or as good as.
    Died,
    /// It has to be ended.
    Stop(Stop),
}

/// Why a worker is ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// The caller asked for it.
    Cancelled,
    /// It took longer than this for each output.
    Wall(Duration),
    /// It showed no sign of life for too long.
    NoProgress,
    /// It said what cannot be.
    Lied(String),
}

/// A job gets so many times its time without progress for standing in line: on a machine that is
/// busy for good a file that hangs has to end as well.
const PATIENCE: u32 = 2;

/// What of a worker's standing in line is made good.
struct InLine {
    so_far: Duration,
    left: Duration,
}

impl InLine {
    fn new(so_far: Duration, left: Duration) -> Self {
        Self { so_far, left }
    }

    /// What it stood since the last time, as far as it is made good.
    fn since(&mut self, so_far: Duration) -> Duration {
        let stood = so_far.saturating_sub(self.so_far).min(self.left);
        self.so_far = so_far;
        self.left -= stood;
        stood
    }
}

/// Serves the worker until its job ends in one way or the other. The job was sent already.
pub(crate) fn attend(
    worker: &mut WorkerProcess,
    job: &GenerateJob<'_>,
    settings: &WorkerSettings,
) -> Outcome {
    let limits = &settings.limits;
    let shares = shares(job);
    // Moved by what was waited for memory.
    let mut begin = deadline::now();
    let mut granted = limits.wall;
    let mut plays = None;
    let mut alive = deadline::now() + limits.no_progress;
    let mut reserved = false;
    let suspicious = limits.no_progress / SUSPICION;
    let mut in_line = InLine::new(worker.stood_in_line(), limits.no_progress * PATIENCE);
    loop {
        if job.cancel.is_cancelled() {
            return Outcome::Stop(Stop::Cancelled);
        }
        let mut wall = begin + granted.saturating_mul(shares);
        if deadline::until(wall.min(alive)).is_zero() {
            // Others had the processors, which is not its fault either.
            let kept_waiting = in_line.since(worker.stood_in_line());
            begin += kept_waiting;
            wall += kept_waiting;
            alive += kept_waiting;
        }
        if deadline::until(wall).is_zero() {
            return Outcome::Stop(Stop::Wall(granted));
        }
        if deadline::until(alive).is_zero() {
            return Outcome::Stop(Stop::NoProgress);
        }
        if deadline::until(alive) < limits.no_progress.saturating_sub(suspicious) {
            worker.give_way();
        }
        let Some(message) = next(worker, deadline::until(wall.min(alive)).min(TICK)) else {
            continue;
        };
        match message {
            Message::Closed => return Outcome::Died,
            Message::Said(FromWorker::Progress) => {
                begin += in_line.since(worker.stood_in_line());
                alive = deadline::now() + limits.no_progress;
                job.host.progressed();
            }
            Message::Said(FromWorker::Reserve(bytes)) => {
                if reserved {
                    return Outcome::Stop(Stop::Lied("asked for memory twice".into()));
                }
                reserved = true;
                if bytes > limits.address_space {
                    return refuse(worker, beyond(bytes, limits.address_space));
                }
                let asked = deadline::now();
                let granted = job.host.reserve(bytes);
                // Waiting for memory is not the worker's fault.
                begin += deadline::now().saturating_duration_since(asked);
                alive = deadline::now() + limits.no_progress;
                let reply = match granted {
                    Ok(()) => ToWorker::Granted,
                    Err(refusal) => return refuse(worker, refusal),
                };
                let sent = encode(&reply).and_then(|frame| worker.channel.send(&frame, &[]));
                if sent.is_err() {
                    return Outcome::Died;
                }
            }
            Message::Said(FromWorker::Plays(millis)) => {
                plays = plays.max(Some(Duration::from_millis(millis)));
                if let (Some(pace), Some(plays)) = (settings.pace, plays) {
                    granted = pace.wall(plays, limits.wall);
                }
            }
            Message::Said(FromWorker::Done(answer)) => return Outcome::Answered(answer),
            Message::Said(FromWorker::Ready(_)) | Message::Babble => {
                let lie = "said something that is no message of a job";
                return Outcome::Stop(Stop::Lied(lie.into()));
            }
        }
    }
}

/// An honest answer for a picture that no worker has room for: what is within the limits of a job may
/// still take more to decode than a worker may have.
fn beyond(bytes: u64, most: u64) -> GenerateFailure {
    let why = format!(
        "needs {} MiB to be decoded: a worker may have {}, which is no setting",
        bytes.div_ceil(1 << 20),
        most >> 20
    );
    GenerateFailure::new(FailureClass::TooLarge, why)
}

/// Tells the worker; its answer no longer matters.
fn refuse(worker: &WorkerProcess, refusal: GenerateFailure) -> Outcome {
    let sent = encode(&ToWorker::Refused).and_then(|frame| worker.channel.send(&frame, &[]));
    drop(sent);
    Outcome::Refused(refusal)
}

enum Message {
    Said(FromWorker),
    Babble,
    Closed,
}

/// The next message, or `None` when there is none within the time.
fn next(worker: &mut WorkerProcess, patience: Duration) -> Option<Message> {
    let patience = i64::try_from(patience.as_millis()).unwrap_or(1).max(1);
    let mut events = [
        PollFd::new(&worker.channel, PollFlags::IN),
        PollFd::new(&worker.tail.pipe, PollFlags::IN),
    ];
    // Interrupted is as good as nothing: the deadlines are looked at and it is asked again.
    poll(&mut events, Some(&millis(patience))).ok()?;
    let [said, told] = events.map(|event| event.revents());
    let open = told.is_empty() || worker.tail.drain();
    if said.is_empty() {
        // Standard error is closed by who ends, or by who has something to hide.
        return (!open).then_some(Message::Closed);
    }
    Some(match worker.channel.receive_alone() {
        Ok(Some(frame)) => decode(&frame).map_or(Message::Babble, Message::Said),
        Ok(None) => Message::Closed,
        Err(_) => Message::Babble,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_in_line_is_made_good_once_and_not_for_ever() {
        let seconds = Duration::from_secs;
        let mut in_line = InLine::new(seconds(100), seconds(40));
        assert_eq!(in_line.since(seconds(110)), seconds(10));
        assert_eq!(in_line.since(seconds(110)), seconds(0));
        assert_eq!(in_line.since(seconds(135)), seconds(25));
        assert_eq!(in_line.since(seconds(200)), seconds(5));
        assert_eq!(in_line.since(seconds(300)), seconds(0));
    }
}
