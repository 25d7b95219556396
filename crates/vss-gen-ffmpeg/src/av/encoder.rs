//! Turns frames into packets: H.264 and AAC, the same bytes for the same frames.

use std::ffi::{CStr, CString, c_void};
use std::ptr::{self, NonNull};

use ffmpeg_next::ffi;

use super::{AvError, AvResult, Coding, Frame, Packet, Ratio};

/// How pictures are encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct VideoSettings {
    /// Pixels, an even number.
    pub(crate) width: i32,
    /// Pixels, an even number.
    pub(crate) height: i32,
    /// The unit of the frames' times.
    pub(crate) time_base: Ratio,
    /// Frames a second on average, where that is known.
    pub(crate) rate: Ratio,
    /// How its colours are coded.
    pub(crate) coding: Coding,
    /// x264's constant rate factor.
    pub(crate) crf: u8,
    /// Frames from one key frame to the next, at most.
    pub(crate) key_every: i32,
}

/// How sound is encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct AudioSettings {
    /// Samples a second.
    pub(crate) sample_rate: i32,
    /// 1 or 2.
    pub(crate) channels: i32,
    /// Bits a second.
    pub(crate) bitrate: u32,
}

/// An encoder of one thread: with more, x264's bytes depend on their number.
#[derive(Debug)]
pub(crate) struct Encoder {
    context: NonNull<ffi::AVCodecContext>,
    /// How long a frame is in its time base, where that is known.
    frame: i64,
}

impl Encoder {
    /// H.264 High, 4:2:0 with 8 bits. `None` when this FFmpeg has no x264.
    ///
    /// # Errors
    /// When the settings make no sense.
    pub(crate) fn video(settings: &VideoSettings) -> AvResult<Option<Self>> {
        // SAFETY: a lookup in a constant table.
        let codec = unsafe { ffi::avcodec_find_encoder_by_name(c"libx264".as_ptr()) };
        if codec.is_null() {
            return Ok(None);
        }
        let mut encoder = Self::allocate(codec)?;
        let raw = encoder.raw_mut();
        raw.width = settings.width;
        raw.height = settings.height;
        raw.pix_fmt = ffi::AVPixelFormat::AV_PIX_FMT_YUV420P;
        raw.time_base = settings.time_base.raw();
        raw.framerate = settings.rate.raw();
        raw.sample_aspect_ratio = Ratio { num: 1, den: 1 }.raw();
        raw.gop_size = settings.key_every;
        settings.coding.tell(raw);
        if settings.rate.is_positive() {
            let second = Ratio {
                num: settings.rate.den,
                den: settings.rate.num,
            };
            encoder.frame = second.rescale(1, settings.time_base);
        }
        encoder.set(c"profile", "high")?;
        encoder.set(c"preset", "veryfast")?;
        encoder.set(c"crf", &settings.crf.to_string())?;
        encoder.open(codec).map(Some)
    }

    /// AAC.
    ///
    /// # Errors
    /// When the settings make no sense.
    pub(crate) fn audio(settings: &AudioSettings) -> AvResult<Self> {
        // SAFETY: a lookup in a constant table.
        let codec = unsafe { ffi::avcodec_find_encoder_by_name(c"aac".as_ptr()) };
        if codec.is_null() {
            return Err(AvError::INVALID);
        }
        let mut encoder = Self::allocate(codec)?;
        let raw = encoder.raw_mut();
        raw.sample_rate = settings.sample_rate;
        raw.sample_fmt = ffi::AVSampleFormat::AV_SAMPLE_FMT_FLTP;
        raw.bit_rate = settings.bitrate.into();
        raw.time_base = ffi::AVRational {
            num: 1,
            den: settings.sample_rate,
        };
        // SAFETY: overwrites a layout that owns nothing.
        unsafe { ffi::av_channel_layout_default(&raw mut raw.ch_layout, settings.channels) };
        encoder.open(codec)
    }

    fn allocate(codec: *const ffi::AVCodec) -> AvResult<Self> {
        // SAFETY: the codec is a constant of FFmpeg.
        let context = NonNull::new(unsafe { ffi::avcodec_alloc_context3(codec) });
        let mut encoder = Self {
            context: context.ok_or(AvError::NO_MEMORY)?,
            frame: 0,
        };
        let flags = ffi::AV_CODEC_FLAG_GLOBAL_HEADER | ffi::AV_CODEC_FLAG_BITEXACT;
        let raw = encoder.raw_mut();
        raw.thread_count = 1;
        raw.flags |= flags.cast_signed();
        Ok(encoder)
    }

    fn open(mut self, codec: *const ffi::AVCodec) -> AvResult<Self> {
        // SAFETY: the context was allocated for this codec and is not open yet.
        AvError::check(unsafe {
            ffi::avcodec_open2(self.context.as_ptr(), codec, ptr::null_mut())
        })?;
        let frame = i64::from(self.raw().frame_size);
        if self.frame == 0 {
            self.frame = frame;
        }
        Ok(self)
    }

    fn set(&mut self, name: &CStr, value: &str) -> AvResult<()> {
        let value = CString::new(value).map_err(|_| AvError::INVALID)?;
        // SAFETY: the private options of an encoder that is allocated; the text is copied.
        let code = unsafe {
            let own: *mut c_void = self.raw_mut().priv_data;
            ffi::av_opt_set(own, name.as_ptr(), value.as_ptr(), 0)
        };
        AvError::check(code).map(drop)
    }

    const fn raw(&self) -> &ffi::AVCodecContext {
        // SAFETY: it is allocated as long as this lives, and borrowed with it.
        unsafe { self.context.as_ref() }
    }

    const fn raw_mut(&mut self) -> &mut ffi::AVCodecContext {
        // SAFETY: it is allocated as long as this lives, and borrowed with it alone.
        unsafe { self.context.as_mut() }
    }

    pub(super) const fn as_ptr(&self) -> *const ffi::AVCodecContext {
        self.context.as_ptr()
    }

    /// The unit of its packets' times.
    pub(crate) fn time_base(&self) -> Ratio {
        self.raw().time_base.into()
    }

    /// How long a frame is in that unit; 0 when nobody knows.
    pub(super) const fn frame(&self) -> i64 {
        self.frame
    }

    /// Samples that it takes at a time, of audio.
    pub(crate) fn samples(&self) -> u32 {
        u32::try_from(self.raw().frame_size).unwrap_or(0)
    }

    /// Takes a frame; `None` says that there are no more.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub(crate) fn send(&mut self, frame: Option<&Frame>) -> AvResult<()> {
        let frame = frame.map_or(ptr::null(), Frame::as_ptr);
        // SAFETY: the context is open; the frame is one, or null.
        AvError::check(unsafe { ffi::avcodec_send_frame(self.context.as_ptr(), frame) }).map(drop)
    }

    /// Fills a packet.
    ///
    /// # Errors
    /// One that [is again](AvError::is_again) when it needs another frame, one that [is the
    /// end](AvError::is_end) after the last.
    pub(crate) fn receive(&mut self, packet: &mut Packet) -> AvResult<()> {
        // SAFETY: the context is open, the packet is one.
        let code = unsafe { ffi::avcodec_receive_packet(self.context.as_ptr(), packet.as_ptr()) };
        AvError::check(code).map(drop)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let mut raw = self.context.as_ptr();
        // SAFETY: it was allocated by FFmpeg and is freed once.
        unsafe { ffi::avcodec_free_context(&raw mut raw) };
    }
}
