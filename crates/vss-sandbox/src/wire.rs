//! What parent and worker say to each other. A frame is one message of the socket, at most
//! [`LONGEST_FRAME`] bytes of postcard.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vss_core::plan::{DecodeLimits, Recipe};
use vss_core::{FailureClass, Format, GeneratorRef, MediaType};
use vss_ports::{GenerateFailure, Produced};

use crate::Layers;

/// The version of these messages. Any change of their shape is a new one.
pub(crate) const PROTOCOL: u32 = 2;
/// The longest frame, in bytes.
pub(crate) const LONGEST_FRAME: usize = 64 << 10;
/// The most outputs of a job: the kernel passes 253 descriptors at once, one is the original.
pub(crate) const MOST_OUTPUTS: usize = 200;
/// The longest text in a message, in characters.
const LONGEST_TEXT: usize = 240;

/// From the parent.
#[derive(PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum ToWorker {
    /// The first message.
    Start(Start),
    /// A job; the descriptors of source and outputs come with it.
    Job(Order),
    /// The memory is the job's.
    Granted,
    /// It is not; the job is to end.
    Refused,
}

/// What a worker has to know before it locks itself in.
#[derive(PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    /// The parent's process id.
    pub(crate) parent: u32,
    /// Bytes.
    pub(crate) address_space: u64,
    /// Bytes.
    pub(crate) file_size: u64,
}

/// A job without its descriptors.
#[derive(PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) source_size: u64,
    pub(crate) media_type: MediaType,
    pub(crate) limits: DecodeLimits,
    pub(crate) outputs: Vec<(Format, Recipe)>,
}

/// From the worker.
#[derive(PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum FromWorker {
    /// It is locked in and waits for jobs.
    Ready(Ready),
    /// The job asks for memory.
    Reserve(u64),
    /// The job goes on.
    Progress,
    /// The job ended.
    Done(Answer),
    /// The original plays so many milliseconds, as far as is known.
    Plays(u64),
}

/// Who the worker is. The protocol stays first in every version.
#[derive(PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) protocol: u32,
    pub(crate) generator: GeneratorRef,
    pub(crate) layers: Layers,
}

/// What a job came to.
pub(crate) type Answer = Result<Vec<Result<Made, Failed>>, Failed>;

/// An output that was made.
#[derive(PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Made {
    width: u32,
    height: u32,
    degraded: Option<String>,
}

/// Why something could not be made.
#[derive(PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Failed {
    class: FailureClass,
    detail: String,
}

impl From<Produced> for Made {
    fn from(produced: Produced) -> Self {
        Self {
            width: produced.width,
            height: produced.height,
            degraded: produced.degraded.as_deref().map(one_line),
        }
    }
}

impl From<Made> for Produced {
    fn from(made: Made) -> Self {
        Self {
            width: made.width,
            height: made.height,
            degraded: made.degraded.as_deref().map(one_line),
        }
    }
}

impl From<GenerateFailure> for Failed {
    fn from(failure: GenerateFailure) -> Self {
        Self {
            class: failure.class,
            detail: one_line(&failure.detail),
        }
    }
}

impl From<Failed> for GenerateFailure {
    fn from(failed: Failed) -> Self {
        Self::new(failed.class, one_line(&failed.detail))
    }
}

/// A text that is fit for a terminal and a row: one line, bounded, no control characters.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if !word.is_empty() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    match line.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}..", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// A message as a frame.
///
/// # Errors
/// What does not fit into a frame.
pub(crate) fn encode<T: Serialize>(message: &T) -> std::io::Result<Vec<u8>> {
    let frame = postcard::to_stdvec(message).map_err(std::io::Error::other)?;
    if frame.len() > LONGEST_FRAME {
        return Err(std::io::Error::other("a message is too long for a frame"));
    }
    Ok(frame)
}

/// The message of a frame; `None` when it is none, or has something behind it.
pub(crate) fn decode<T: DeserializeOwned>(frame: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(frame) {
        Ok((message, [])) => Some(message),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_round_trip_and_what_is_longer_or_shorter_is_none() {
        let order = ToWorker::Job(Order {
            source_size: 7,
            media_type: "image/jpeg".parse().unwrap(),
            limits: DecodeLimits::default(),
            outputs: vec![(
                Format::WEBP,
                Recipe::Still(vss_core::plan::StillRecipe {
                    max_side: 256,
                    quality: 85,
                }),
            )],
        });
        let mut frame = encode(&order).unwrap();
        assert_eq!(decode(&frame), Some(order));
        frame.push(0);
        assert_eq!(decode::<ToWorker>(&frame), None);
        frame.truncate(9);
        assert_eq!(decode::<ToWorker>(&frame), None);
        assert_eq!(decode::<FromWorker>(b""), None);
        assert_eq!(decode::<FromWorker>(&[9, 9, 9]), None);
    }

    #[test]
    fn a_text_becomes_one_bounded_line_without_control_characters() {
        assert_eq!(one_line("a\n\tb\u{1b}[31m  c\0"), "a b [31m c");
        assert_eq!(one_line(&"x".repeat(9_999)).chars().count(), 242);
        assert_eq!(one_line("\r\n"), "");
    }

    #[test]
    fn a_frame_has_room_for_every_answer() {
        let long = || GenerateFailure::new(FailureClass::CorruptSource, "\u{10348}".repeat(9_999));
        let answers = (0..MOST_OUTPUTS / 4).map(|_| Err(Failed::from(long())));
        assert!(encode(&FromWorker::Done(Ok(answers.collect()))).is_ok());
        let short = GenerateFailure::new(FailureClass::CorruptSource, "x".repeat(9_999));
        let answers = (0..MOST_OUTPUTS).map(|_| Err(Failed::from(short.clone())));
        assert!(encode(&FromWorker::Done(Ok(answers.collect()))).is_ok());
    }

    #[test]
    fn the_protocol_comes_first_whatever_else_is_said() {
        let ready = FromWorker::Ready(Ready {
            protocol: 77,
            generator: GeneratorRef {
                id: "image".parse().unwrap(),
                version: "1.0.0".parse().unwrap(),
            },
            layers: Layers::none("a test"),
        });
        assert_eq!(encode(&ready).unwrap()[..2], [0, 77]);
    }
}
