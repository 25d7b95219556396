//! Writes packets as an MP4 whose index stands in front, into a descriptor of the job.
//!
//! To put the index there, FFmpeg opens the file that it is writing a second time, by its name.
//! The name is one of ours and the answer is the same descriptor again; any other name is refused.

use std::ffi::{CStr, c_char, c_int};
use std::fs::File;
use std::marker::PhantomData;
use std::ptr;

use ffmpeg_next::ffi;
use ffmpeg_next::format::context::{Output as Owner, StreamIo};
use vss_ports::{CancelToken, JobHost};

use super::bytes::{Bytes, Trouble};
use super::{AvError, AvResult, Encoder, Packet, Ratio};

const BUFFER: usize = 256 << 10;
const NAME: &CStr = c"vss:output";

/// An MP4 on its way.
pub(crate) struct Muxer<'a> {
    // Before what its context points to: dropped first.
    owner: Owner,
    again: Box<Again>,
    trouble: Trouble,
    _file: PhantomData<(&'a File, &'a dyn JobHost)>,
}

impl std::fmt::Debug for Muxer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Muxer")
    }
}

/// What FFmpeg may open a second time.
struct Again {
    // Both are borrowed in name by the muxer, which owns this.
    file: *const File,
    host: *const (dyn JobHost + 'static),
    cancel: CancelToken,
    open: Option<StreamIo>,
}

impl<'a> Muxer<'a> {
    /// An MP4 into an empty file.
    ///
    /// # Errors
    /// Without memory, or when this FFmpeg writes no MP4.
    pub(crate) fn new(
        file: &'a File,
        host: &'a dyn JobHost,
        cancel: &CancelToken,
    ) -> AvResult<Self> {
        // SAFETY: file and host outlive the owner, which borrows them in name.
        let bytes = unsafe { Bytes::new(file, 0, host, cancel.clone()) };
        let trouble = bytes.trouble();
        let mut io = StreamIo::from_write_seek_with_capacity(bytes, BUFFER)
            .map_err(|_| AvError::NO_MEMORY)?;
        let mut again = Box::new(Again {
            file,
            // SAFETY: as above.
            host: unsafe { std::mem::transmute::<&'a dyn JobHost, &'static dyn JobHost>(host) },
            cancel: cancel.clone(),
            open: None,
        });
        let mut context = ptr::null_mut();
        // SAFETY: the texts are constants; the context is null when it fails.
        AvError::check(unsafe {
            let name = NAME.as_ptr();
            let context = &raw mut context;
            ffi::avformat_alloc_output_context2(context, ptr::null_mut(), c"mp4".as_ptr(), name)
        })?;
        // SAFETY: the context is allocated and nobody else's. `again` is boxed, stays where it is
        // and is dropped after the owner. The owner frees the context before its stream.
        let owner = unsafe {
            (*context).pb = io.as_mut_ptr();
            (*context).flags |= ffi::AVFMT_FLAG_CUSTOM_IO | ffi::AVFMT_FLAG_BITEXACT;
            (*context).opaque = (&raw mut *again).cast();
            (*context).io_open = Some(open_again);
            (*context).io_close2 = Some(close_again);
            Owner::wrap_with_custom_io(context, io)
        };
        Ok(Self {
            owner,
            again,
            trouble,
            _file: PhantomData,
        })
    }

    fn as_mut_ptr(&mut self) -> *mut ffi::AVFormatContext {
        // SAFETY: handed on within this file.
        unsafe { self.owner.as_mut_ptr() }
    }

    /// Where failures to write are noted.
    pub(crate) const fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    /// Adds a stream of what an encoder makes.
    ///
    /// # Errors
    /// Without memory.
    pub(crate) fn add(&mut self, encoder: &Encoder) -> AvResult<c_int> {
        // SAFETY: the context has no header yet; the stream is part of it, and the encoder is open.
        unsafe {
            let stream = ffi::avformat_new_stream(self.as_mut_ptr(), ptr::null());
            let stream = stream.as_mut().ok_or(AvError::NO_MEMORY)?;
            let par = stream.codecpar;
            AvError::check(ffi::avcodec_parameters_from_context(par, encoder.as_ptr()))?;
            stream.time_base = encoder.time_base().raw();
            Ok(stream.index)
        }
    }

    /// Writes what stands before the packets.
    ///
    /// # Errors
    /// When the streams make no MP4.
    pub(crate) fn begin(&mut self) -> AvResult<()> {
        let mut options = ptr::null_mut();
        // SAFETY: name and value are constants; the options are freed once, whatever is left.
        let code = unsafe {
            let (name, value) = (c"movflags".as_ptr(), c"+faststart".as_ptr());
            ffi::av_dict_set(&raw mut options, name, value, 0);
            let code = ffi::avformat_write_header(self.as_mut_ptr(), &raw mut options);
            ffi::av_dict_free(&raw mut options);
            code
        };
        AvError::check(code).map(drop)
    }

    /// Writes a packet of an encoder to its stream; the packet is empty afterwards.
    ///
    /// # Errors
    /// When it cannot be written, or its time does not follow on the last.
    pub(crate) fn write(
        &mut self,
        stream: c_int,
        encoder: &Encoder,
        packet: &mut Packet,
    ) -> AvResult<()> {
        let context = self.as_mut_ptr();
        let place = usize::try_from(stream).map_err(|_| AvError::INVALID)?;
        // SAFETY: `add` made the stream, and streams live as long as their context.
        let unit: Ratio = unsafe { (**(*context).streams.add(place)).time_base }.into();
        packet.address(stream, encoder.time_base(), unit, encoder.frame());
        // SAFETY: the header is written; the packet is one, and its content is taken over.
        AvError::check(unsafe { ffi::av_interleaved_write_frame(context, packet.as_ptr()) })
            .map(drop)
    }

    /// Writes what stands after the packets, then moves the index to the front.
    ///
    /// # Errors
    /// When that cannot be written.
    pub(crate) fn finish(mut self) -> AvResult<()> {
        let context = self.as_mut_ptr();
        // SAFETY: the header is written; its stream stays open until the owner is dropped.
        let (code, error) = unsafe {
            let code = ffi::av_write_trailer(context);
            ffi::avio_flush((*context).pb);
            (code, (*(*context).pb).error)
        };
        self.again.open = None;
        AvError::check(code)?;
        AvError::check(error).map(drop)
    }
}

unsafe extern "C" fn open_again(
    context: *mut ffi::AVFormatContext,
    opened: *mut *mut ffi::AVIOContext,
    url: *const c_char,
    flags: c_int,
    _options: *mut *mut ffi::AVDictionary,
) -> c_int {
    // SAFETY: FFmpeg calls with the context of a muxer, whose `opaque` is its `again`, and a text.
    let (again, named) = unsafe {
        let again = (*context).opaque.cast::<Again>().as_mut();
        (again, !url.is_null() && CStr::from_ptr(url) == NAME)
    };
    let (Some(again), true, 0) = (again, named, flags & ffi::AVIO_FLAG_WRITE) else {
        return ffi::AVERROR(ffi::EPERM);
    };
    // SAFETY: the muxer borrows file and host for as long as `again` lives.
    let io = unsafe {
        let (file, host) = (&*again.file, &*again.host);
        Bytes::of_whole(file, host, again.cancel.clone())
            .and_then(|bytes| StreamIo::from_read_seek_with_capacity(bytes, BUFFER).ok())
    };
    let Some(mut io) = io else {
        return ffi::AVERROR(ffi::EIO);
    };
    // SAFETY: a place for the answer; what it points to lives in `again` until it is closed.
    unsafe { *opened = io.as_mut_ptr() };
    again.open = Some(io);
    0
}

unsafe extern "C" fn close_again(
    context: *mut ffi::AVFormatContext,
    _opened: *mut ffi::AVIOContext,
) -> c_int {
    // SAFETY: as above.
    if let Some(again) = unsafe { (*context).opaque.cast::<Again>().as_mut() } {
        again.open = None;
    }
    0
}
