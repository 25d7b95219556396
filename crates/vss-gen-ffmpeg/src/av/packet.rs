//! A packet: the coded bytes of one frame.

use std::ffi::c_int;
use std::ptr::NonNull;

use ffmpeg_next::ffi;

use super::{AvError, AvResult, Ratio, time};

/// A packet that is filled again and again.
#[derive(Debug)]
pub(crate) struct Packet(NonNull<ffi::AVPacket>);

impl Packet {
    /// An empty one.
    ///
    /// # Errors
    /// Without memory.
    pub(crate) fn new() -> AvResult<Self> {
        // SAFETY: takes nothing.
        let packet = unsafe { ffi::av_packet_alloc() };
        NonNull::new(packet).map(Self).ok_or(AvError::NO_MEMORY)
    }

    pub(super) const fn as_ptr(&self) -> *mut ffi::AVPacket {
        self.0.as_ptr()
    }

    const fn raw(&self) -> &ffi::AVPacket {
        // SAFETY: it is allocated as long as this lives, and borrowed with it.
        unsafe { self.0.as_ref() }
    }

    const fn raw_mut(&mut self) -> &mut ffi::AVPacket {
        // SAFETY: it is allocated as long as this lives, and borrowed with it alone.
        unsafe { self.0.as_mut() }
    }

    /// Which stream it belongs to.
    pub(crate) fn stream(&self) -> usize {
        usize::try_from(self.raw().stream_index).unwrap_or(usize::MAX)
    }

    /// Whether decoding can begin with it.
    pub(crate) const fn is_key(&self) -> bool {
        self.raw().flags & ffi::AV_PKT_FLAG_KEY != 0
    }

    /// When it is shown, else when it is decoded, in its stream's time base.
    pub(crate) fn time(&self) -> Option<i64> {
        time(self.raw().pts).or(time(self.raw().dts))
    }

    /// When what it holds has been shown, in its stream's time base.
    pub(crate) fn end(&self) -> Option<i64> {
        let duration = self.raw().duration.max(0);
        self.time().map(|time| time.saturating_add(duration))
    }

    /// When it is decoded, in its stream's time base.
    pub(crate) fn order(&self) -> Option<i64> {
        time(self.raw().dts)
    }

    /// How long what it holds is shown, in its stream's time base; 0 when nobody knows.
    pub(crate) fn length(&self) -> i64 {
        self.raw().duration.max(0)
    }

    /// Moves its times.
    pub(crate) fn shift(&mut self, by: i64) {
        let raw = self.raw_mut();
        for own in [&mut raw.pts, &mut raw.dts] {
            if let Some(time) = time(*own) {
                *own = time.saturating_add(by);
            }
        }
    }

    /// Gives back what it holds.
    pub(crate) fn clear(&mut self) {
        // SAFETY: it is a packet, filled or not.
        unsafe { ffi::av_packet_unref(self.as_ptr()) };
    }

    /// Addresses an encoder's packet to a stream of a file, with times in that stream's unit.
    pub(super) fn address(&mut self, stream: c_int, from: Ratio, to: Ratio, duration: i64) {
        let raw = self.raw_mut();
        raw.stream_index = stream;
        raw.pos = -1;
        // Encoders leave it at 0, and the last frame of the file would have no length.
        if raw.duration == 0 {
            raw.duration = duration;
        }
        // SAFETY: rewrites the times of a packet.
        unsafe { ffi::av_packet_rescale_ts(self.as_ptr(), from.raw(), to.raw()) };
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        let mut raw = self.as_ptr();
        // SAFETY: it was allocated by FFmpeg and is freed once.
        unsafe { ffi::av_packet_free(&raw mut raw) };
    }
}
