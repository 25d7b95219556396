//! Turns packets of a stream into frames.

use std::ptr::{self, NonNull};

use ffmpeg_next::ffi;
use vss_core::plan::DecodeLimits;

use super::{AvError, AvResult, Frame, Input, Packet};
use crate::allowed;

/// A decoder of one stream, of one thread.
#[derive(Debug)]
pub(crate) struct Decoder(NonNull<ffi::AVCodecContext>);

impl Decoder {
    /// A decoder for a stream whose codec is allowed; pictures beyond the limits are refused by it
    /// before it takes memory for them.
    ///
    /// # Errors
    /// When the codec is not known or not allowed, or its settings make no sense.
    pub(crate) fn open(input: &Input<'_>, stream: usize, limits: &DecodeLimits) -> AvResult<Self> {
        let stream = input.stream(stream).ok_or(AvError::INVALID)?;
        let codec = super::input::allowed_decoder(stream.codecpar).ok_or(AvError::NO_DECODER)?;
        // SAFETY: the codec is a constant of FFmpeg.
        let context = unsafe { ffi::avcodec_alloc_context3(codec) };
        let mut decoder = Self(NonNull::new(context).ok_or(AvError::NO_MEMORY)?);
        let raw = decoder.raw_mut();
        raw.thread_count = 1;
        raw.pkt_timebase = stream.time_base;
        raw.max_pixels = i64::try_from(limits.max_pixels).unwrap_or(i64::MAX);
        // SAFETY: both are initialized, and the parameters are those of a stream that is open.
        AvError::check(unsafe { ffi::avcodec_parameters_to_context(context, stream.codecpar) })?;
        let mut options = ptr::null_mut();
        // SAFETY: name and value are constants; FFmpeg copies them. The context and the codec are
        // those of above, and the options are freed once, whatever is left in them.
        let opened = unsafe {
            let names = allowed::DECODERS.as_ptr();
            ffi::av_dict_set(&raw mut options, c"codec_whitelist".as_ptr(), names, 0);
            let opened = ffi::avcodec_open2(context, codec, &raw mut options);
            ffi::av_dict_free(&raw mut options);
            opened
        };
        AvError::check(opened)?;
        Ok(decoder)
    }

    const fn raw_mut(&mut self) -> &mut ffi::AVCodecContext {
        // SAFETY: it is allocated as long as this lives, and borrowed with it alone.
        unsafe { self.0.as_mut() }
    }

    /// Leaves the edges of blocks as they are from now on, for pictures so small that nobody sees
    /// them.
    pub(crate) const fn spare_edges(&mut self) {
        self.raw_mut().skip_loop_filter = ffi::AVDiscard::AVDISCARD_ALL;
    }

    /// Takes a packet; `None` says that there are no more.
    ///
    /// # Errors
    /// For a damaged packet; the next may be whole.
    pub(crate) fn send(&mut self, packet: Option<&Packet>) -> AvResult<()> {
        let packet = packet.map_or(ptr::null_mut(), Packet::as_ptr);
        // SAFETY: the context is open; the packet is one, or null.
        AvError::check(unsafe { ffi::avcodec_send_packet(self.0.as_ptr(), packet) }).map(drop)
    }

    /// Fills a frame. When there is none, what was in the frame is lost.
    ///
    /// # Errors
    /// One that [is again](AvError::is_again) when it needs another packet, one that [is the
    /// end](AvError::is_end) after the last.
    pub(crate) fn receive(&mut self, frame: &mut Frame) -> AvResult<()> {
        // SAFETY: the context is open, the frame is one.
        let code = unsafe { ffi::avcodec_receive_frame(self.0.as_ptr(), frame.as_mut_ptr()) };
        AvError::check(code)?;
        frame.doubt_colours();
        frame.name_channels();
        Ok(())
    }

    /// Forgets what it has seen, to begin at another place.
    pub(crate) fn flush(&mut self) {
        // SAFETY: the context is open.
        unsafe { ffi::avcodec_flush_buffers(self.0.as_ptr()) };
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let mut raw = self.0.as_ptr();
        // SAFETY: it was allocated by FFmpeg and is freed once.
        unsafe { ffi::avcodec_free_context(&raw mut raw) };
    }
}
