//! FFmpeg as this crate needs it: each of its objects with an owner, and no pointer outside.
#![expect(unsafe_code, reason = "FFmpeg is a C library")]

mod bytes;
mod decoder;
mod encoder;
mod error;
mod facts;
mod frame;
mod graph;
mod input;
mod muxer;
mod numbers;
mod packet;

pub(crate) use decoder::Decoder;
pub(crate) use encoder::{AudioSettings, Encoder, VideoSettings};
pub(crate) use error::{AvError, AvResult};
pub(crate) use facts::{Media, StreamFacts};
pub(crate) use frame::{Frame, Transfer};
pub(crate) use graph::{Graph, Mix};
pub(crate) use input::{Input, Look};
pub(crate) use muxer::Muxer;
pub(crate) use numbers::Coding;
pub(crate) use packet::Packet;

use std::sync::Once;

use ffmpeg_next::ffi;

/// Fractions as FFmpeg has them: time bases, rates, shapes of pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ratio {
    /// Above the line.
    pub(crate) num: i32,
    /// Below it.
    pub(crate) den: i32,
}

impl Ratio {
    /// Microseconds, which all times in this crate are counted in outside of streams.
    pub(crate) const MICROS: Self = Self {
        num: 1,
        den: 1_000_000,
    };

    /// Whether it is a positive number.
    pub(crate) const fn is_positive(self) -> bool {
        self.num > 0 && self.den > 0
    }

    /// As a number; 0 when it is none.
    pub(crate) fn value(self) -> f64 {
        if self.den == 0 {
            return 0.0;
        }
        f64::from(self.num) / f64::from(self.den)
    }

    /// A count of this unit as a count of another, rounded to the nearest.
    pub(crate) fn rescale(self, count: i64, to: Self) -> i64 {
        // SAFETY: plain arithmetic on values.
        unsafe { ffi::av_rescale_q(count, self.raw(), to.raw()) }
    }

    const fn raw(self) -> ffi::AVRational {
        ffi::AVRational {
            num: self.num,
            den: self.den,
        }
    }
}

impl From<ffi::AVRational> for Ratio {
    fn from(raw: ffi::AVRational) -> Self {
        Self {
            num: raw.num,
            den: raw.den,
        }
    }
}

/// A time that is not known.
const NO_TIME: i64 = i64::MIN;

/// A time, when it is one.
fn time(raw: i64) -> Option<i64> {
    (raw != NO_TIME).then_some(raw)
}

/// Keeps FFmpeg from writing to standard error; what it has to say, its error codes say too.
pub(crate) fn quiet() {
    static QUIET: Once = Once::new();
    // SAFETY: sets a number that FFmpeg reads atomically.
    QUIET.call_once(|| unsafe { ffi::av_log_set_level(ffi::AV_LOG_QUIET) });
}
