//! The worker's half: start-up, then one job after another until the parent is gone.
#![expect(unsafe_code, reason = "the socket arrives as a bare number")]

use std::fs::File;
use std::io::Write;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::exit;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use vss_core::FailureClass;
use vss_ports::{
    CancelToken, GenerateFailure, GenerateJob, Generator, JobHost, JobOutput, JobUsage,
};

use crate::channel::{Channel, Frame};
use crate::confine;
use crate::profile::Profile;
use crate::start::SOCKET;
use crate::wire::{Answer, FromWorker, Order, PROTOCOL, Ready, ToWorker, decode, encode};

/// How a worker ends that has nothing more to do, or nobody to do it for.
const DONE: i32 = 0;
const NOT_STARTED_BY_US: i32 = 2;
const BROKEN: i32 = 3;

/// Serves a generator on descriptor 3 until the parent closes its end. What the generator needs to
/// load has to be loaded: afterwards this process opens nothing any more.
///
/// Never returns; a panic of the generator ends the process, which is the parent's answer.
pub fn serve(generator: &dyn Generator, profile: Profile) -> ! {
    let Some(channel) = inherited() else {
        say("this program is a worker: vss starts it and hands it a socket");
        exit(NOT_STARTED_BY_US)
    };
    let start = match channel.receive_alone() {
        Ok(Some(frame)) => match decode(&frame) {
            Some(ToWorker::Start(start)) => start,
            _ => broken("the first message is not of this version"),
        },
        Ok(None) => exit(DONE),
        Err(error) => broken(&error.to_string()),
    };
    let layers = confine::lock(profile, &start);
    let host = Host(Mutex::new(channel));
    host.tell(&FromWorker::Ready(Ready {
        protocol: PROTOCOL,
        generator: generator.descriptor().generator.clone(),
        layers,
    }));
    loop {
        let Frame { bytes, descriptors } = host.hear();
        let Some(ToWorker::Job(order)) = decode(&bytes) else {
            broken("a message that is no job");
        };
        let answer = run(generator, order, descriptors, &host);
        host.tell(&FromWorker::Done(answer));
    }
}

fn run(generator: &dyn Generator, order: Order, descriptors: Vec<OwnedFd>, host: &Host) -> Answer {
    let mut files = descriptors.into_iter().map(File::from);
    let source = files.next();
    let files: Vec<_> = files.collect();
    let (Some(source), true) = (source, files.len() == order.outputs.len()) else {
        broken("a job without its descriptors");
    };
    let outputs: Vec<_> = order
        .outputs
        .iter()
        .zip(&files)
        .map(|((format, recipe), file)| JobOutput {
            format,
            recipe,
            file,
        })
        .collect();
    let answers = generator.generate(&GenerateJob {
        source: &source,
        source_size: order.source_size,
        media_type: &order.media_type,
        limits: order.limits,
        outputs: &outputs,
        host,
        // The parent ends the process; there is nobody here to use it.
        cancel: CancelToken::new(),
    });
    let answers = answers?.into_iter();
    Ok(answers.map(|answer| Ok(answer?.into())).collect())
}

/// The parent at the other end of the socket.
struct Host(Mutex<Channel>);

impl Host {
    fn tell(&self, message: &FromWorker) {
        let channel = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = encode(message).and_then(|frame| channel.send(&frame, &[]));
        if sent.is_err() {
            exit(DONE)
        }
    }

    fn hear(&self) -> Frame {
        let channel = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match channel.receive() {
            Ok(Some(frame)) => frame,
            Ok(None) => exit(DONE),
            Err(error) => broken(&error.to_string()),
        }
    }
}

impl JobHost for Host {
    fn reserve(&self, bytes: u64) -> Result<(), GenerateFailure> {
        self.tell(&FromWorker::Reserve(bytes));
        match decode(&self.hear().bytes) {
            Some(ToWorker::Granted) => Ok(()),
            Some(ToWorker::Refused) => {
                let why = "the memory was refused";
                Err(GenerateFailure::new(FailureClass::OutOfMemory, why))
            }
            _ => broken("no answer to a request for memory"),
        }
    }

    fn progressed(&self) {
        self.tell(&FromWorker::Progress);
    }

    fn plays(&self, length: Duration) {
        let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        self.tell(&FromWorker::Plays(millis));
    }

    fn used(&self, _: JobUsage) {
        // The parent sees for itself what this process has used.
    }
}

/// The socket, when there is one.
fn inherited() -> Option<Channel> {
    // SAFETY: only looked at; nothing in this process has opened anything under this number and
    // kept it, as `serve` is the first that does.
    let borrowed = unsafe { std::os::fd::BorrowedFd::borrow_raw(SOCKET) };
    rustix::net::sockopt::socket_type(borrowed).ok()?;
    rustix::io::fcntl_setfd(borrowed, rustix::io::FdFlags::CLOEXEC).ok()?;
    // SAFETY: it is open, as was just seen, and the parent gave it to us alone.
    Some(Channel::new(unsafe { OwnedFd::from_raw_fd(SOCKET) }))
}

fn broken(why: &str) -> ! {
    say(why);
    exit(BROKEN)
}

fn say(why: &str) {
    // Nobody may be there to read it.
    let _unread = writeln!(std::io::stderr(), "worker: {why}");
}
