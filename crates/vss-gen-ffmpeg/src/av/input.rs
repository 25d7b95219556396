//! An original opened by FFmpeg, which can open nothing else.

use std::ffi::{CStr, CString, c_char, c_int};
use std::fs::File;
use std::marker::PhantomData;
use std::ptr;

use ffmpeg_next::ffi;
use ffmpeg_next::format::context::{Input as Owner, StreamIo};
use vss_core::plan::DecodeLimits;
use vss_ports::CancelToken;

use super::bytes::{Bytes, Trouble};
use super::{AvError, AvResult, Packet, Ratio, numbers, time};
use crate::allowed;

/// What is read at a time. Less costs calls; with much more, a picture out of the middle of a long
/// film would cost ten times its size.
const BUFFER: usize = 256 << 10;

/// What a stream is when it is not the film's own sound.
const ASIDE: c_int = ffi::AV_DISPOSITION_COMMENT
    | ffi::AV_DISPOSITION_HEARING_IMPAIRED
    | ffi::AV_DISPOSITION_VISUAL_IMPAIRED
    | ffi::AV_DISPOSITION_DESCRIPTIONS;

/// An open original.
pub(crate) struct Input<'a> {
    owner: Owner,
    trouble: Trouble,
    /// Widths and heights as the container has them, which a look that finds them beyond the
    /// limits forgets.
    claims: Vec<(i32, i32)>,
    _source: PhantomData<&'a File>,
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Input")
    }
}

/// How well the streams are looked at when an original is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    /// By one key frame: enough to look single frames up, but where times begin and in which order
    /// frames come may stay unknown.
    Glance,
    /// As well as FFmpeg wants, for which it may decode dozens of frames.
    Thorough,
}

/// What a stream is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Media {
    /// Moving pictures.
    Video,
    /// One picture that belongs to the whole, such as a cover.
    Picture,
    /// Sound.
    Audio,
    /// Anything else.
    Other,
}

/// What a stream claims to be.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct StreamFacts {
    /// Its place among the streams.
    pub(crate) index: usize,
    /// What it is.
    pub(crate) media: Media,
    /// The name of its codec.
    pub(crate) codec: String,
    /// Whether there is a decoder for it, and it is allowed.
    pub(crate) decodable: bool,
    /// Width in stored pixels, of video.
    pub(crate) width: u32,
    /// Height in pixels, of video.
    pub(crate) height: u32,
    /// The shape of its pixels.
    pub(crate) pixel_shape: Ratio,
    /// Frames a second, on average.
    pub(crate) rate: Ratio,
    /// The rows of its display matrix that turn and mirror: a b, c d.
    pub(crate) matrix: Option<[i32; 4]>,
    /// The unit of its times.
    pub(crate) time_base: Ratio,
    /// Its first time.
    pub(crate) start: Option<i64>,
    /// How long it claims to be.
    pub(crate) duration: Option<i64>,
    /// Samples a second, of audio.
    pub(crate) sample_rate: i32,
    /// Channels, of audio.
    pub(crate) channels: i32,
    /// Whether the file names it as the one of its sort to begin with.
    pub(crate) named: bool,
    /// Whether it is somebody talking over the film, or for who cannot see or hear it.
    pub(crate) aside: bool,
}

impl<'a> Input<'a> {
    /// Opens the first `size` bytes of a file and looks at its streams.
    ///
    /// # Errors
    /// When it is in no allowed container, or damaged; its failure to be read is in the second
    /// half.
    pub(crate) fn open(
        source: &'a File,
        size: u64,
        limits: &DecodeLimits,
        look: Look,
        cancel: &CancelToken,
    ) -> Result<Self, (AvError, Trouble)> {
        super::quiet();
        // SAFETY: the file outlives the owner, which borrows it in name.
        let bytes = unsafe { Bytes::new(source, size, cancel.clone()) };
        let trouble = bytes.trouble();
        let opened = StreamIo::from_read_seek_with_capacity(bytes, BUFFER)
            .map_err(|_| AvError::NO_MEMORY)
            .and_then(|io| open(io, limits, look));
        match opened {
            Ok((owner, claims)) => Ok(Self {
                owner,
                trouble,
                claims,
                _source: PhantomData,
            }),
            Err(error) => Err((error, trouble)),
        }
    }

    /// Where failures to read it are noted.
    pub(crate) const fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    fn raw(&self) -> &ffi::AVFormatContext {
        // SAFETY: it is open as long as this lives, and borrowed with it.
        unsafe { &*self.owner.as_ptr() }
    }

    fn as_mut_ptr(&mut self) -> *mut ffi::AVFormatContext {
        // SAFETY: handed on within this file.
        unsafe { self.owner.as_mut_ptr() }
    }

    pub(super) fn stream(&self, index: usize) -> Option<&ffi::AVStream> {
        let raw = self.raw();
        if index >= raw.nb_streams as usize {
            return None;
        }
        // SAFETY: the context has that many streams, and they live as long as it.
        unsafe { (*raw.streams.add(index)).as_ref() }
    }

    /// Microseconds at which the whole begins, as it claims.
    pub(crate) fn start(&self) -> Option<i64> {
        time(self.raw().start_time)
    }

    /// Microseconds that the whole claims to play.
    pub(crate) fn length(&self) -> Option<i64> {
        time(self.raw().duration).filter(|length| *length > 0)
    }

    /// Whether times of its container may jump.
    pub(crate) fn jumps(&self) -> bool {
        // SAFETY: a context that is open has a format, which is a constant of FFmpeg.
        let flags = unsafe { self.raw().iformat.as_ref() }.map_or(0, |format| format.flags);
        flags & ffi::AVFMT_TS_DISCONT != 0
    }

    /// Every stream.
    pub(crate) fn streams(&mut self) -> Vec<StreamFacts> {
        let count = self.raw().nb_streams as usize;
        (0..count).filter_map(|index| self.facts(index)).collect()
    }

    fn facts(&mut self, index: usize) -> Option<StreamFacts> {
        let context = self.as_mut_ptr();
        let matrix = self.matrix(index);
        let stream = self.stream(index)?;
        // SAFETY: every stream has parameters, which live as long as it.
        let par = unsafe { stream.codecpar.as_ref() }?;
        let picture = stream.disposition & ffi::AV_DISPOSITION_ATTACHED_PIC != 0;
        let [video, audio] = [
            ffi::AVMediaType::AVMEDIA_TYPE_VIDEO as c_int,
            ffi::AVMediaType::AVMEDIA_TYPE_AUDIO as c_int,
        ];
        let media = match numbers::media(par) {
            media if media == video && picture => Media::Picture,
            media if media == video => Media::Video,
            media if media == audio => Media::Audio,
            _ => Media::Other,
        };
        let own = ptr::from_ref(stream).cast_mut();
        // SAFETY: the stream is of this context; both calls only look at them.
        let (shape, rate) = unsafe {
            (
                ffi::av_guess_sample_aspect_ratio(context, own, ptr::null_mut()),
                ffi::av_guess_frame_rate(context, own, ptr::null_mut()),
            )
        };
        let (width, height) = self.claims.get(index).copied().unwrap_or_default();
        let size = |claimed: i32, seen: i32| match seen {
            0 => u32::try_from(claimed).unwrap_or(0),
            seen => u32::try_from(seen).unwrap_or(0),
        };
        Some(StreamFacts {
            index,
            media,
            codec: numbers::name_of_codec(numbers::codec(par)),
            decodable: allowed_decoder(stream.codecpar).is_some(),
            width: size(width, par.width),
            height: size(height, par.height),
            pixel_shape: shape.into(),
            rate: rate.into(),
            matrix,
            time_base: stream.time_base.into(),
            start: time(stream.start_time),
            duration: time(stream.duration).filter(|duration| *duration > 0),
            sample_rate: par.sample_rate,
            channels: par.ch_layout.nb_channels,
            named: stream.disposition & ffi::AV_DISPOSITION_DEFAULT != 0,
            aside: stream.disposition & ASIDE != 0,
        })
    }

    /// The display matrix is 3 by 3; the third column and row do not turn.
    fn matrix(&self, index: usize) -> Option<[i32; 4]> {
        let stream = self.owner.stream(index)?;
        let data = stream
            .side_data()
            .find(|data| data.kind() == ffmpeg_next::packet::side_data::Type::DisplayMatrix)?;
        let cell = |at: usize| {
            let bytes = data.data().get(4 * at..4 * at + 4)?;
            Some(i32::from_ne_bytes(bytes.try_into().ok()?))
        };
        Some([cell(0)?, cell(1)?, cell(3)?, cell(4)?])
    }

    /// Leaves out the packets of all streams but these.
    pub(crate) fn only(&mut self, wanted: &[usize]) {
        let count = self.raw().nb_streams as usize;
        let streams = self.raw().streams;
        for index in 0..count {
            let discard = match wanted.contains(&index) {
                true => ffi::AVDiscard::AVDISCARD_DEFAULT,
                false => ffi::AVDiscard::AVDISCARD_ALL,
            };
            // SAFETY: the context has that many streams; the field is the caller's to set.
            unsafe { (**streams.add(index)).discard = discard };
        }
    }

    /// Reads the next packet of the streams that are wanted.
    ///
    /// # Errors
    /// One that [is the end](AvError::is_end) after the last; any other where it cannot go on.
    pub(crate) fn read(&mut self, packet: &mut Packet) -> AvResult<()> {
        packet.clear();
        // SAFETY: the context is open, the packet is empty.
        let code = unsafe { ffi::av_read_frame(self.as_mut_ptr(), packet.as_ptr()) };
        AvError::check(code).map(drop)
    }

    /// Goes to the last place at or before a time of a stream where decoding can begin.
    ///
    /// # Errors
    /// When it cannot.
    pub(crate) fn seek(&mut self, stream: usize, time: i64) -> AvResult<()> {
        let stream = c_int::try_from(stream).map_err(|_| AvError::INVALID)?;
        let flags = ffi::AVSEEK_FLAG_BACKWARD;
        // SAFETY: the context is open.
        AvError::check(unsafe { ffi::av_seek_frame(self.as_mut_ptr(), stream, time, flags) })
            .map(drop)
    }

    /// The picture of a [`Media::Picture`] stream, as a packet.
    ///
    /// # Errors
    /// Without memory, or when it has none.
    pub(crate) fn picture(&self, index: usize) -> AvResult<Packet> {
        let stream = self.stream(index).ok_or(AvError::INVALID)?;
        let packet = Packet::new()?;
        // SAFETY: the first is new and empty; the second is the stream's own and only shared.
        let code = unsafe { ffi::av_packet_ref(packet.as_ptr(), &raw const stream.attached_pic) };
        AvError::check(code)?;
        Ok(packet)
    }
}

/// The decoder for a stream, if its name is on the list.
pub(super) fn allowed_decoder(par: *const ffi::AVCodecParameters) -> Option<*const ffi::AVCodec> {
    // SAFETY: parameters of a stream that is open; decoders and their names are constants.
    unsafe {
        let codec = numbers::decoder(numbers::codec(par.as_ref()?));
        let name = CStr::from_ptr(codec.as_ref()?.name);
        allowed::decodes(name).then_some(codec)
    }
}

fn open(mut io: StreamIo, limits: &DecodeLimits, by: Look) -> AvResult<(Owner, Vec<(i32, i32)>)> {
    // SAFETY: takes nothing.
    let mut context = unsafe { ffi::avformat_alloc_context() };
    // SAFETY: it is allocated or null; nobody else has it yet. The strings are FFmpeg's to free.
    let prepared = unsafe {
        match context.as_mut() {
            None => Err(AvError::NO_MEMORY),
            Some(raw) => {
                raw.pb = io.as_mut_ptr();
                raw.flags |= ffi::AVFMT_FLAG_CUSTOM_IO;
                raw.io_open = Some(refuse);
                raw.max_streams = allowed::STREAMS;
                raw.format_whitelist = ffi::av_strdup(allowed::CONTAINERS.as_ptr());
                raw.codec_whitelist = ffi::av_strdup(allowed::DECODERS.as_ptr());
                raw.protocol_whitelist = ffi::av_strdup(c"none".as_ptr());
                let lists = [
                    raw.format_whitelist,
                    raw.codec_whitelist,
                    raw.protocol_whitelist,
                ];
                match lists.iter().any(|list| list.is_null()) {
                    true => Err(AvError::NO_MEMORY),
                    false => Ok(()),
                }
            }
        }
    };
    if let Err(error) = prepared {
        // SAFETY: frees what was allocated here, null included.
        unsafe { ffi::avformat_free_context(context) };
        return Err(error);
    }
    let (name, any) = (c"".as_ptr(), ptr::null());
    // SAFETY: the context is set up as above and has a stream to read from; when this fails, it is
    // freed.
    let opened = unsafe { ffi::avformat_open_input(&raw mut context, name, any, ptr::null_mut()) };
    AvError::check(opened)?;
    // SAFETY: the context is open and nobody else's; the owner closes it before its stream.
    let owner = unsafe { Owner::wrap_with_custom_io(context, io) };
    // SAFETY: the context has that many streams, and each has parameters.
    let claims = unsafe {
        let streams = (0..(*context).nb_streams as usize).map(|at| *(*context).streams.add(at));
        streams
            .map(|stream| ((*(*stream).codecpar).width, (*(*stream).codecpar).height))
            .collect()
    };
    look(context, limits, by)?;
    Ok((owner, claims))
}

/// Looks at the streams, for which some are decoded a little: with the limits of the job.
fn look(context: *mut ffi::AVFormatContext, limits: &DecodeLimits, by: Look) -> AvResult<()> {
    let pixels = CString::new(limits.max_pixels.to_string()).map_err(|_| AvError::INVALID)?;
    // SAFETY: the context is open. It takes an array of as many dictionaries as there are streams
    // now, which are ours to free, whatever is left in them; texts are copied.
    let code = unsafe {
        let mut options = vec![ptr::null_mut(); (*context).nb_streams as usize];
        for options in &mut options {
            ffi::av_dict_set(options, c"max_pixels".as_ptr(), pixels.as_ptr(), 0);
            ffi::av_dict_set(options, c"threads".as_ptr(), c"1".as_ptr(), 0);
            if by == Look::Glance {
                ffi::av_dict_set(options, c"skip_frame".as_ptr(), c"nokey".as_ptr(), 0);
                ffi::av_dict_set(options, c"skip_loop_filter".as_ptr(), c"all".as_ptr(), 0);
            }
        }
        let code = ffi::avformat_find_stream_info(context, options.as_mut_ptr());
        options.iter_mut().for_each(|o| ffi::av_dict_free(o));
        code
    };
    AvError::check(code).map(drop)
}

/// FFmpeg wants to open something else: never.
unsafe extern "C" fn refuse(
    _context: *mut ffi::AVFormatContext,
    _opened: *mut *mut ffi::AVIOContext,
    _url: *const c_char,
    _flags: c_int,
    _options: *mut *mut ffi::AVDictionary,
) -> c_int {
    ffi::AVERROR(ffi::EPERM)
}
