//! A decoded frame: pixels or samples, with their time.

use std::ffi::c_int;
use std::fmt;
use std::mem::ManuallyDrop;
use std::slice;

use ffmpeg_next::ffi;

use super::numbers::{self, Coding, Colours};
use super::{AvError, AvResult, Ratio, time};

/// Samples in a moment.
const MOMENT: c_int = 64;

/// A frame, which shares its pixels with its copies.
pub(crate) struct Frame(ffmpeg_next::Frame);

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} x {})", self.width(), self.height())
    }
}

impl Frame {
    /// An empty one.
    ///
    /// # Errors
    /// Without memory.
    pub(crate) fn new() -> AvResult<Self> {
        // SAFETY: an allocation, looked at below before anything uses it.
        let frame = unsafe { ffmpeg_next::Frame::empty() };
        // SAFETY: only looked at.
        match unsafe { frame.as_ptr() }.is_null() {
            true => Err(AvError::NO_MEMORY),
            false => Ok(Self(frame)),
        }
    }

    pub(super) fn as_ptr(&self) -> *const ffi::AVFrame {
        // SAFETY: the pointer is handed on within this module's bounds.
        unsafe { self.0.as_ptr() }
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut ffi::AVFrame {
        // SAFETY: as above.
        unsafe { self.0.as_mut_ptr() }
    }

    pub(super) fn raw(&self) -> &ffi::AVFrame {
        // SAFETY: it is allocated as long as this lives, and borrowed with it.
        unsafe { &*self.as_ptr() }
    }

    pub(super) fn raw_mut(&mut self) -> &mut ffi::AVFrame {
        // SAFETY: it is allocated as long as this lives, and borrowed with it alone.
        unsafe { &mut *self.as_mut_ptr() }
    }

    /// Another owner of the same pixels.
    ///
    /// # Errors
    /// Without memory.
    pub(crate) fn share(&self) -> AvResult<Self> {
        let mut other = Self::new()?;
        // SAFETY: the first is new and empty, the second is a frame.
        AvError::check(unsafe { ffi::av_frame_ref(other.as_mut_ptr(), self.as_ptr()) })?;
        Ok(other)
    }

    /// A frame of red, green and blue with 8 bits each, as large and at the same time as another.
    /// Its pixels are anything.
    ///
    /// # Errors
    /// Without memory.
    pub(crate) fn rgb_like(other: &Self) -> AvResult<Self> {
        let mut frame = Self::new()?;
        let from = other.raw();
        let raw = frame.raw_mut();
        raw.format = ffi::AVPixelFormat::AV_PIX_FMT_RGB24 as c_int;
        (raw.width, raw.height) = (from.width, from.height);
        (raw.pts, raw.sample_aspect_ratio) = (from.pts, from.sample_aspect_ratio);
        raw.colorspace = ffi::AVColorSpace::AVCOL_SPC_RGB;
        raw.color_range = ffi::AVColorRange::AVCOL_RANGE_JPEG;
        // SAFETY: a frame with format and size, and no pixels yet.
        AvError::check(unsafe { ffi::av_frame_get_buffer(frame.as_mut_ptr(), 0) })?;
        Ok(frame)
    }

    /// A moment of silence, coded as another frame of sound is.
    ///
    /// # Errors
    /// Without memory, or when the other is no sound.
    pub(crate) fn silence_like(other: &Self) -> AvResult<Self> {
        let mut frame = other.share()?;
        frame.raw_mut().nb_samples = frame.raw().nb_samples.min(MOMENT);
        // SAFETY: a frame of sound, which gets samples of its own before they are written: as many
        // as it says for each of its channels.
        unsafe {
            AvError::check(ffi::av_frame_make_writable(frame.as_mut_ptr()))?;
            let raw = frame.raw();
            let (samples, channels) = (raw.nb_samples, raw.ch_layout.nb_channels);
            let planes = raw.extended_data;
            let code = numbers::silence(planes, samples, channels, raw.format);
            AvError::check(code)?;
        }
        Ok(frame)
    }

    /// How long it is heard, in a unit.
    pub(crate) fn length(&self, unit: Ratio) -> i64 {
        let second = Ratio {
            num: 1,
            den: self.sample_rate().max(1),
        };
        second.rescale(self.raw().nb_samples.into(), unit)
    }

    /// Width in stored pixels.
    pub(crate) fn width(&self) -> u32 {
        u32::try_from(self.raw().width).unwrap_or(0)
    }

    /// Height in pixels.
    pub(crate) fn height(&self) -> u32 {
        u32::try_from(self.raw().height).unwrap_or(0)
    }

    /// Its time in its stream's time base, as well as it can be told.
    pub(crate) fn time(&self) -> Option<i64> {
        self.0.timestamp().or_else(|| self.0.pts())
    }

    /// Its time as filters gave it, in theirs.
    pub(crate) fn filtered_time(&self) -> Option<i64> {
        time(self.raw().pts)
    }

    /// Sets its time.
    pub(crate) fn set_time(&mut self, time: i64) {
        self.raw_mut().pts = time;
    }

    /// Counts its time in another unit.
    pub(crate) fn rescale_time(&mut self, from: Ratio, to: Ratio) {
        if let Some(time) = time(self.raw().pts) {
            self.set_time(from.rescale(time, to));
        }
    }

    /// Whether it was decoded from itself alone.
    pub(crate) fn is_key(&self) -> bool {
        self.0.is_key()
    }

    /// Whether it is of two moments, one in every other row.
    pub(crate) fn is_interlaced(&self) -> bool {
        // SAFETY: the same frame with another type, which is only looked at and never dropped.
        let video = unsafe { ffmpeg_next::frame::Video::wrap(self.as_ptr().cast_mut()) };
        ManuallyDrop::new(video).is_interlaced()
    }

    /// Whether the decoder knows of damage in it.
    pub(crate) fn is_damaged(&self) -> bool {
        self.0.is_corrupt() || self.0.has_decode_errors()
    }

    /// Tells an encoder to make a key frame of it, or to choose what sort of frame it becomes.
    pub(crate) fn be_key(&mut self, key: bool) {
        self.raw_mut().pict_type = match key {
            true => ffi::AVPictureType::AV_PICTURE_TYPE_I,
            false => ffi::AVPictureType::AV_PICTURE_TYPE_NONE,
        };
    }

    /// The shape of its pixels.
    pub(crate) fn pixel_shape(&self) -> Ratio {
        self.raw().sample_aspect_ratio.into()
    }

    /// Samples a channel, of audio.
    pub(crate) fn samples(&self) -> usize {
        usize::try_from(self.raw().nb_samples).unwrap_or(0)
    }

    /// Samples a second, of audio.
    pub(crate) fn sample_rate(&self) -> i32 {
        self.raw().sample_rate
    }

    /// The number that stands for its pixel or sample format.
    pub(crate) fn format(&self) -> c_int {
        self.raw().format
    }

    /// Forgets what it says of its colours where nobody knows what that means.
    pub(super) fn doubt_colours(&mut self) {
        Colours::doubt(self.raw_mut());
    }

    /// Whether the colours are those of wide dynamic range: PQ or HLG.
    pub(crate) fn transfer(&self) -> Transfer {
        use ffi::AVColorTransferCharacteristic::{AVCOL_TRC_ARIB_STD_B67, AVCOL_TRC_SMPTE2084};
        match Colours::of(self.raw()).transfer {
            pq if pq == AVCOL_TRC_SMPTE2084 as c_int => Transfer::Pq,
            hlg if hlg == AVCOL_TRC_ARIB_STD_B67 as c_int => Transfer::Hlg,
            _ => Transfer::Usual,
        }
    }

    /// Whether it says how its colours are coded.
    pub(crate) fn says_matrix(&self) -> bool {
        numbers::says(Colours::of(self.raw()).matrix)
    }

    /// Whether colours coded so can stay as they are.
    pub(crate) fn is_coded_as(&self, coding: Coding) -> bool {
        Coding::of_frame(self.raw()).is_some_and(|own| own.is_like(coding))
    }

    /// Whether its pixels can be transparent.
    pub(crate) fn has_alpha(&self) -> bool {
        let alpha = u64::from(ffi::AV_PIX_FMT_FLAG_ALPHA.unsigned_abs());
        numbers::flags_of_pixels(self.format()) & alpha != 0
    }

    /// The rows of a packed picture, or of one whose first plane is all that is wanted, from top to
    /// bottom and without padding: as many as it is high.
    ///
    /// # Errors
    /// When it has no pixels of that size.
    pub(crate) fn rows(&self, bytes_a_pixel: usize) -> AvResult<impl Iterator<Item = &[u8]>> {
        let raw = self.raw();
        let [first, ..] = raw.data;
        let [stride, ..] = raw.linesize;
        let width = self.width() as usize * bytes_a_pixel;
        // Below 0 where the picture stands on its head in memory.
        let stride = isize::try_from(stride).map_err(|_| AvError::INVALID)?;
        let height = isize::try_from(self.height()).map_err(|_| AvError::INVALID)?;
        if first.is_null() || stride.unsigned_abs() < width {
            return Err(AvError::INVALID);
        }
        Ok((0..height).map(move |row| {
            // SAFETY: the plane has `height` rows, each `stride` bytes from the one above it, of
            // which `width` are pixels; it lives as long as the frame that is borrowed.
            unsafe { slice::from_raw_parts(first.offset(row * stride), width) }
        }))
    }

    /// The rows of a packed picture that nobody shares, without padding.
    pub(crate) fn rows_mut(&mut self, bytes_a_pixel: usize) -> impl Iterator<Item = &mut [u8]> {
        let width = self.width() as usize * bytes_a_pixel;
        let height = self.height() as usize;
        let [stride, ..] = self.raw().linesize;
        let stride = usize::try_from(stride).unwrap_or(0);
        // SAFETY: the frame is one; writable says that its pixels are its own.
        let own = unsafe { ffi::av_frame_is_writable(self.as_mut_ptr()) } > 0;
        let [first, ..] = self.raw_mut().data;
        let plane: &mut [u8] = match own && !first.is_null() && stride >= width && height > 0 {
            // SAFETY: the plane has `height` rows of `stride` bytes, of which the last may lack its
            // padding; it is borrowed with the frame alone, as nobody shares it.
            true => unsafe { slice::from_raw_parts_mut(first, stride * (height - 1) + width) },
            false => &mut [],
        };
        let rows = plane.chunks_mut(stride.max(1));
        rows.filter_map(move |row| row.get_mut(..width))
    }

    /// The samples of one channel of 16 bits.
    pub(crate) fn mono(&self) -> &[i16] {
        let raw = self.raw();
        let [first, ..] = raw.data;
        let wanted = ffi::AVSampleFormat::AV_SAMPLE_FMT_S16 as c_int;
        if first.is_null() || raw.format != wanted || raw.ch_layout.nb_channels != 1 {
            return &[];
        }
        // SAFETY: the plane has that many samples of that size, aligned by FFmpeg, and lives as
        // long as the frame that is borrowed.
        unsafe { slice::from_raw_parts(first.cast(), self.samples()) }
    }

    /// Gives channels without names the usual ones for their number, so that filters know them;
    /// some numbers have none.
    pub(super) fn name_channels(&mut self) {
        let layout = &mut self.raw_mut().ch_layout;
        if numbers::is_unnamed(layout) && layout.nb_channels > 0 {
            let count = layout.nb_channels;
            // SAFETY: overwrites a layout that owns nothing.
            unsafe { ffi::av_channel_layout_default(layout, count) };
        }
    }

    /// Whether it is known where its channels are heard.
    pub(super) fn has_named_channels(&self) -> bool {
        !numbers::is_unnamed(&self.raw().ch_layout)
    }
}

/// How light is coded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Transfer {
    /// As screens have shown it for long.
    Usual,
    /// Perceptual quantizer (SMPTE ST 2084), as in HDR10.
    Pq,
    /// Hybrid log-gamma (ARIB STD-B67).
    Hlg,
}
