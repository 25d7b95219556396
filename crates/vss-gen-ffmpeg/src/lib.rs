//! Generator for video and audio on FFmpeg: everything wanted of an original from one decode of
//! each of its streams.
//!
//! A job goes through this crate in a straight line. `passes` says, without looking at a byte, how
//! the original will be read; `streams` chooses what is looked at in it and holds its claims
//! against the limits; `seek` looks single frames up, `through` decodes from beginning to end and
//! hands every frame to all who want it: `poster`, `strip`, `proxy`, `waveform`, `wav`. The folder
//! `av` is FFmpeg as this crate needs it, and the only place with unsafe code.
//!
//! Three things keep a file from leading anywhere else: FFmpeg opens nothing (it reads through the
//! job's descriptor, and every other open is refused), it tries only the containers and decoders
//! that `allowed` names, and the process it runs in may open nothing either.
//!
//! Without the feature `engine` there are only the descriptor and the plan of passes.

mod descriptor;
mod passes;

#[cfg(feature = "engine")]
mod allowed;
#[cfg(feature = "engine")]
mod av;
#[cfg(feature = "engine")]
mod beat;
#[cfg(feature = "engine")]
mod chain;
#[cfg(feature = "engine")]
mod cover;
#[cfg(feature = "engine")]
mod draw;
#[cfg(feature = "engine")]
mod ear;
#[cfg(feature = "engine")]
mod gaps;
#[cfg(feature = "engine")]
mod generator;
#[cfg(feature = "engine")]
mod joints;
#[cfg(feature = "engine")]
mod keys;
#[cfg(feature = "engine")]
mod lane;
#[cfg(feature = "engine")]
mod looks;
#[cfg(feature = "engine")]
mod pictures;
#[cfg(feature = "engine")]
mod poster;
#[cfg(feature = "engine")]
mod proxy;
#[cfg(feature = "engine")]
mod resampling;
#[cfg(feature = "engine")]
mod seek;
#[cfg(feature = "engine")]
mod sound;
#[cfg(feature = "engine")]
mod streams;
#[cfg(feature = "engine")]
mod strip;
#[cfg(feature = "engine")]
mod through;
#[cfg(feature = "engine")]
mod timeline;
#[cfg(feature = "engine")]
#[cfg(feature = "engine")]
mod turn;
#[cfg(feature = "engine")]
mod view;
#[cfg(feature = "engine")]
mod vtt;
#[cfg(feature = "engine")]
mod wanted;
#[cfg(feature = "engine")]
mod wav;
#[cfg(feature = "engine")]
mod waveform;

pub use descriptor::descriptor;
pub use passes::{Pass, Passes};

#[cfg(feature = "engine")]
pub use generator::FfmpegGenerator;
