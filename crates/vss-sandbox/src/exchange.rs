//! One job over a worker's socket, against the deadlines.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use vss_ports::{GenerateFailure, GenerateJob};

use crate::WorkerLimits;
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
    /// It took too long.
    Wall,
    /// It showed no sign of life for too long.
    NoProgress,
    /// It said what cannot be.
    Lied(String),
}

/// Serves the worker until its job ends in one way or the other. The job was sent already.
pub(crate) fn attend(
    worker: &mut WorkerProcess,
    job: &GenerateJob<'_>,
    limits: &WorkerLimits,
) -> Outcome {
    let outputs = shares(job);
    let mut wall = deadline::now() + limits.wall.saturating_mul(outputs);
    let mut alive = deadline::now() + limits.no_progress;
    let mut reserved = false;
    let suspicious = limits.no_progress / SUSPICION;
    loop {
        if job.cancel.is_cancelled() {
            return Outcome::Stop(Stop::Cancelled);
        }
        if deadline::until(wall).is_zero() {
            return Outcome::Stop(Stop::Wall);
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
                alive = deadline::now() + limits.no_progress;
                job.host.progressed();
            }
            Message::Said(FromWorker::Reserve(bytes)) => {
                if reserved || bytes > limits.address_space {
                    let lie = "asked for memory twice, or for more than it may have";
                    return Outcome::Stop(Stop::Lied(lie.into()));
                }
                reserved = true;
                let asked = deadline::now();
                let granted = job.host.reserve(bytes);
                // Waiting for memory is not the worker's fault.
                wall += deadline::now().saturating_duration_since(asked);
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
            Message::Said(FromWorker::Done(answer)) => return Outcome::Answered(answer),
            Message::Said(FromWorker::Ready(_)) | Message::Babble => {
                let lie = "said something that is no message of a job";
                return Outcome::Stop(Stop::Lied(lie.into()));
            }
        }
    }
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
