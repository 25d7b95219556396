//! An original opened by FFmpeg, which can open nothing else.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fs::File;
use std::marker::PhantomData;
use std::ptr;

use ffmpeg_next::ffi;
use ffmpeg_next::format::context::{Input as Owner, StreamIo};
use vss_core::plan::DecodeLimits;
use vss_ports::{CancelToken, JobHost};

use super::bytes::{Bytes, Trouble};
use super::{AvError, AvResult, Packet, StreamFacts, numbers, time};
use crate::allowed;

/// What is read at a time. Less costs calls; with much more, a picture out of the middle of a long
/// film would cost ten times its size.
const BUFFER: usize = 256 << 10;

/// An open original.
pub(crate) struct Input<'a> {
    // Before the token that its context points to: dropped first.
    pub(super) owner: Owner,
    _cancel: Box<CancelToken>,
    trouble: Trouble,
    /// Widths and heights as the container has them, which a look that finds them beyond the
    /// limits forgets.
    pub(super) claims: Vec<(i32, i32)>,
    _source: PhantomData<(&'a File, &'a dyn JobHost)>,
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

impl<'a> Input<'a> {
    /// Opens the first `size` bytes of a file and looks at its streams. The host is told when much of
    /// it was read.
    ///
    /// # Errors
    /// When it is in no allowed container, or damaged; its failure to be read is in the second
    /// half.
    pub(crate) fn open(
        source: &'a File,
        size: u64,
        limits: &DecodeLimits,
        look: Look,
        (host, cancel): (&'a dyn JobHost, &CancelToken),
    ) -> Result<Self, (AvError, Trouble)> {
        super::quiet();
        // SAFETY: file and host outlive the owner, which borrows them in name.
        let bytes = unsafe { Bytes::new(source, size, host, cancel.clone()) };
        let trouble = bytes.trouble();
        let cancel = Box::new(cancel.clone());
        let opened = StreamIo::from_read_seek_with_capacity(bytes, BUFFER)
            .map_err(|_| AvError::NO_MEMORY)
            .and_then(|io| open(io, limits, look, &cancel));
        match opened {
            Ok((owner, claims)) => Ok(Self {
                owner,
                _cancel: cancel,
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

    pub(super) fn as_mut_ptr(&mut self) -> *mut ffi::AVFormatContext {
        // SAFETY: handed on within this folder.
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

    /// Goes to a place, from where the next whole packet is read.
    ///
    /// # Errors
    /// When it cannot, as in some containers.
    pub(crate) fn seek_to_byte(&mut self, at: u64) -> AvResult<()> {
        let at = i64::try_from(at).map_err(|_| AvError::INVALID)?;
        let flags = ffi::AVSEEK_FLAG_BYTE;
        // SAFETY: the context is open.
        AvError::check(unsafe { ffi::av_seek_frame(self.as_mut_ptr(), -1, at, flags) }).map(drop)
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

/// The context points to the token, which has to stay where it is for as long.
fn open(
    mut io: StreamIo,
    limits: &DecodeLimits,
    by: Look,
    cancel: &CancelToken,
) -> AvResult<(Owner, Vec<(i32, i32)>)> {
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
                raw.interrupt_callback = ffi::AVIOInterruptCB {
                    callback: Some(interrupt),
                    opaque: ptr::from_ref(cancel).cast_mut().cast(),
                };
                raw.max_streams = allowed::CLAIMED_STREAMS;
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
    let (owner, count) = unsafe {
        let count = (*context).nb_streams;
        // In the packets of some containers there are more than in their headers: those are left out.
        (*context).max_streams = allowed::STREAMS;
        (Owner::wrap_with_custom_io(context, io), count)
    };
    if i64::from(count) > allowed::STREAMS.into() {
        return Err(AvError::TOO_MANY_STREAMS);
    }
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

/// FFmpeg asks between its steps whether to go on.
unsafe extern "C" fn interrupt(cancel: *mut c_void) -> c_int {
    // SAFETY: the token of the input whose context this is; it is only looked at.
    let cancel = unsafe { cancel.cast::<CancelToken>().as_ref() };
    c_int::from(cancel.is_some_and(CancelToken::is_cancelled))
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use vss_ports::Unlimited;

    /// A hundred samples of silence.
    fn song() -> (File, u64) {
        let mut bytes = b"RIFF\xec\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        bytes.extend([0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0]);
        bytes.extend(b"data\xc8\0\0\0");
        bytes.resize(bytes.len() + 200, 0);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        (file, u64::try_from(bytes.len()).unwrap())
    }

    #[test]
    fn an_input_that_was_moved_still_hears_that_it_is_called_off() {
        let ((file, size), cancel) = (song(), CancelToken::new());
        let limits = DecodeLimits::default();
        let told = (&Unlimited as &dyn JobHost, &cancel);
        let opened = Input::open(&file, size, &limits, Look::Thorough, told);
        let input = Box::new(opened.unwrap_or_else(|(error, _)| panic!("{error}")));
        let asked = || {
            let asked = input.raw().interrupt_callback;
            // SAFETY: what FFmpeg itself does, with what the input gave it.
            unsafe { asked.callback.unwrap()(asked.opaque) }
        };
        assert_eq!(asked(), 0);
        cancel.cancel();
        assert_eq!(asked(), 1);
    }
}
