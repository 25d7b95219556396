//! FFmpeg's error codes, and which failure each of them is.

use std::ffi::{CStr, c_char, c_int};
use std::fmt;

use ffmpeg_next::ffi;
use vss_core::FailureClass;
use vss_ports::GenerateFailure;

use crate::allowed;

/// What a call into FFmpeg answers.
pub(crate) type AvResult<T> = Result<T, AvError>;

/// A negative number that FFmpeg answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct AvError(c_int);

impl AvError {
    /// Memory was not to be had.
    pub(super) const NO_MEMORY: Self = Self(ffi::AVERROR(ffi::ENOMEM));
    /// There is no decoder, or none that is allowed.
    pub(super) const NO_DECODER: Self = Self(ffi::AVERROR_DECODER_NOT_FOUND);
    /// What was asked for cannot be.
    pub(super) const INVALID: Self = Self(ffi::AVERROR_INVALIDDATA);
    /// There are more streams than are looked at: our own, where FFmpeg would say that it has no
    /// memory.
    pub(super) const TOO_MANY_STREAMS: Self = Self(c_int::MIN);

    /// The answer of a call, when it is no error.
    pub(super) const fn check(code: c_int) -> AvResult<c_int> {
        if code < 0 { Err(Self(code)) } else { Ok(code) }
    }

    /// The next call needs more input first.
    pub(crate) const fn is_again(self) -> bool {
        self.0 == ffi::AVERROR(ffi::EAGAIN)
    }

    /// There is nothing more.
    pub(crate) const fn is_end(self) -> bool {
        self.0 == ffi::AVERROR_EOF
    }

    /// The failure of an original that it means.
    pub(crate) fn of_source(self) -> GenerateFailure {
        let class = match self.0 {
            _ if self == Self::TOO_MANY_STREAMS => FailureClass::TooLarge,
            code if code == ffi::AVERROR(ffi::ENOMEM) => FailureClass::OutOfMemory,
            ffi::AVERROR_EXIT => FailureClass::Timeout,
            ffi::AVERROR_DECODER_NOT_FOUND | ffi::AVERROR_PATCHWELCOME => FailureClass::Unsupported,
            code if code == ffi::AVERROR(ffi::ENOSYS) => FailureClass::Unsupported,
            _ => FailureClass::CorruptSource,
        };
        GenerateFailure::new(class, self.to_string())
    }

    /// The failure of an output that it means.
    pub(crate) fn of_output(self) -> GenerateFailure {
        self.of_making("encoded")
    }

    /// The failure of sound that it means, when it was decoded.
    pub(crate) fn of_sound(self) -> GenerateFailure {
        self.of_making("mixed")
    }

    fn of_making(self, what: &str) -> GenerateFailure {
        let class = match self.0 {
            code if code == ffi::AVERROR(ffi::ENOMEM) => FailureClass::OutOfMemory,
            code if code == ffi::AVERROR(ffi::ENOSPC) => FailureClass::DiskFull,
            code if code == ffi::AVERROR(ffi::EIO) => FailureClass::TransientIo,
            ffi::AVERROR_EXIT => FailureClass::Timeout,
            _ => FailureClass::Unsupported,
        };
        GenerateFailure::new(class, format!("cannot be {what}: {self}"))
    }
}

impl fmt::Display for AvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::TOO_MANY_STREAMS {
            return write!(f, "it has more than {} streams", allowed::STREAMS);
        }
        let mut text: [c_char; 128] = [0; 128];
        // SAFETY: the buffer is as long as said; FFmpeg ends it with a zero.
        let said = unsafe {
            ffi::av_strerror(self.0, text.as_mut_ptr(), text.len());
            CStr::from_ptr(text.as_ptr())
        };
        f.write_str(&said.to_string_lossy().to_lowercase())
    }
}
