//! Chains of FFmpeg's filters with one entrance and one exit.

use std::ffi::{CStr, CString, c_int};
use std::ptr::{self, NonNull};

use ffmpeg_next::ffi;

use super::numbers::{self, Colours, name_of_pixels, name_of_samples};
use super::{AvError, AvResult, Frame, Ratio};

/// A chain that takes frames of one shape.
#[derive(Debug)]
pub(crate) struct Graph {
    graph: NonNull<ffi::AVFilterGraph>,
    entrance: NonNull<ffi::AVFilterContext>,
    exit: NonNull<ffi::AVFilterContext>,
    takes: Shape,
    /// Whether what is made for frames of two moments takes those of one as well.
    takes_whole: bool,
}

/// What all frames that go through a chain have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Shape {
    format: c_int,
    /// Width and height, or samples a second and channels.
    sizes: (i32, i32),
    colours: Colours,
    /// Whether they are of two moments, in every other row.
    interlaced: bool,
    /// How channels are named, and which there are where that is a set.
    channels: (c_int, u64),
}

impl Shape {
    fn of(frame: &Frame) -> Self {
        let raw = frame.raw();
        let sizes = match raw.width {
            0 => (raw.sample_rate, raw.ch_layout.nb_channels),
            width => (width, raw.height),
        };
        Self {
            format: raw.format,
            sizes,
            colours: Colours::of(raw),
            interlaced: frame.is_interlaced(),
            channels: numbers::channels(&raw.ch_layout),
        }
    }
}

/// Channels at the end of a chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mix {
    /// One.
    Mono,
    /// Left and right.
    Stereo,
}

impl Mix {
    /// Its name in chains.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mono => "mono",
            Self::Stereo => "stereo",
        }
    }

    /// The filter that mixes channels of which nobody knows where they are: each as loud as the
    /// others, in turns left and right.
    fn of_unnamed(self, count: c_int) -> String {
        let sum = |first: c_int, step: usize| {
            let channels: Vec<_> = (first..count)
                .step_by(step)
                .map(|at| format!("c{at}"))
                .collect();
            channels.join("+")
        };
        match self {
            Self::Mono => format!("pan=mono|c0<{}", sum(0, 1)),
            Self::Stereo => format!("pan=stereo|c0<{}|c1<{}", sum(0, 2), sum(1, 2)),
        }
    }
}

impl Graph {
    /// A chain for pictures like this one.
    ///
    /// # Errors
    /// When the chain makes no sense for such pictures.
    pub(crate) fn video(
        like: &Frame,
        time_base: Ratio,
        rate: Ratio,
        chain: &str,
    ) -> AvResult<Self> {
        let format = name_of_pixels(like.format()).ok_or(AvError::INVALID)?;
        let raw = like.raw();
        let shape = like.pixel_shape();
        let shape = match shape.is_positive() {
            true => shape,
            false => Ratio { num: 1, den: 1 },
        };
        let mut entrance = format!(
            "video_size={}x{}:pix_fmt={format}:time_base={}/{}:pixel_aspect={}/{}",
            raw.width, raw.height, time_base.num, time_base.den, shape.num, shape.den
        );
        if rate.is_positive() {
            entrance.push_str(&format!(":frame_rate={}/{}", rate.num, rate.den));
        }
        // SAFETY: takes nothing. From version 10 on, chains are told how colours are coded.
        if unsafe { ffi::avfilter_version() } >> 16 >= 10 {
            let Colours { matrix, range, .. } = Colours::of(raw);
            entrance.push_str(&format!(":colorspace={matrix}:range={range}"));
        }
        Self::new(c"buffer", &entrance, c"buffersink", chain, Shape::of(like))
    }

    /// A chain for sound like this, for so many channels at its end.
    ///
    /// # Errors
    /// When the chain makes no sense for such sound.
    pub(crate) fn audio(
        like: &Frame,
        time_base: Ratio,
        channels: Mix,
        chain: &str,
    ) -> AvResult<Self> {
        let format = name_of_samples(like.format()).ok_or(AvError::INVALID)?;
        let mut layout = [0; 256];
        // SAFETY: the layout is the frame's; the buffer is as long as said and is ended with a
        // zero when the answer is no error.
        let layout = unsafe {
            let from = &raw const like.raw().ch_layout;
            let size = layout.len();
            let code = ffi::av_channel_layout_describe(from, layout.as_mut_ptr(), size);
            AvError::check(code)?;
            CStr::from_ptr(layout.as_ptr())
                .to_string_lossy()
                .into_owned()
        };
        let entrance = format!(
            "time_base={}/{}:sample_rate={}:sample_fmt={format}:channel_layout={layout}",
            time_base.num,
            time_base.den,
            like.sample_rate()
        );
        let shape = Shape::of(like);
        let count = like.raw().ch_layout.nb_channels;
        let chain = match like.has_named_channels() {
            true => chain.to_owned(),
            false => format!("{},{chain}", channels.of_unnamed(count)),
        };
        Self::new(c"abuffer", &entrance, c"abuffersink", &chain, shape)
    }

    fn new(
        entrance: &CStr,
        arguments: &str,
        exit: &CStr,
        chain: &str,
        takes: Shape,
    ) -> AvResult<Self> {
        // SAFETY: takes nothing.
        let graph = NonNull::new(unsafe { ffi::avfilter_graph_alloc() });
        let mut building = Building(graph.ok_or(AvError::NO_MEMORY)?);
        building.one_thread();
        let entrance = building.add(entrance, c"in", Some(arguments))?;
        let exit = building.add(exit, c"out", None)?;
        building.link(entrance, exit, chain)?;
        let graph = building.0;
        std::mem::forget(building);
        Ok(Self {
            graph,
            entrance,
            exit,
            takes,
            takes_whole: false,
        })
    }

    /// Whether a frame is of the shape that it takes.
    pub(crate) fn takes(&self, frame: &Frame) -> bool {
        let shape = Shape::of(frame);
        let divided = Shape {
            interlaced: true,
            ..shape
        };
        shape == self.takes || self.takes_whole && divided == self.takes
    }

    /// Lets a chain for frames of two moments take those of one as well: for filters that tell one
    /// from the other, as films change with each frame.
    pub(crate) const fn take_whole(&mut self) {
        self.takes_whole = true;
    }

    /// Whether this FFmpeg has a filter of this name.
    pub(crate) fn has(filter: &CStr) -> bool {
        // SAFETY: a lookup in a constant table.
        !unsafe { ffi::avfilter_get_by_name(filter.as_ptr()) }.is_null()
    }

    /// Takes a frame; `None` says that there are no more.
    ///
    /// # Errors
    /// When a filter fails.
    pub(crate) fn push(&mut self, frame: Option<&mut Frame>) -> AvResult<()> {
        let frame = frame.map_or(ptr::null_mut(), Frame::as_mut_ptr);
        let keep = ffi::AV_BUFFERSRC_FLAG_KEEP_REF as c_int;
        // SAFETY: the entrance is part of the graph; the frame is one, or null, and stays ours.
        let code =
            unsafe { ffi::av_buffersrc_add_frame_flags(self.entrance.as_ptr(), frame, keep) };
        AvError::check(code).map(drop)
    }

    /// Fills a frame. When there is none, what was in the frame is lost.
    ///
    /// # Errors
    /// One that [is again](AvError::is_again) when it needs another frame, one that [is the
    /// end](AvError::is_end) after the last.
    pub(crate) fn pull(&mut self, frame: &mut Frame) -> AvResult<()> {
        // SAFETY: the exit is part of the graph; the frame is one, emptied before it is filled.
        let code = unsafe {
            ffi::av_frame_unref(frame.as_mut_ptr());
            ffi::av_buffersink_get_frame(self.exit.as_ptr(), frame.as_mut_ptr())
        };
        AvError::check(code).map(drop)
    }

    /// Lets sound come out in frames of this many samples, but for the last.
    pub(crate) fn cut(&mut self, samples: u32) {
        // SAFETY: the exit is part of the graph.
        unsafe { ffi::av_buffersink_set_frame_size(self.exit.as_ptr(), samples) };
    }

    /// The unit of the times of what comes out.
    pub(crate) fn time_base(&self) -> Ratio {
        // SAFETY: the exit is part of the graph.
        unsafe { ffi::av_buffersink_get_time_base(self.exit.as_ptr()) }.into()
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        let mut raw = self.graph.as_ptr();
        // SAFETY: it was allocated by FFmpeg and is freed once, with the filters in it.
        unsafe { ffi::avfilter_graph_free(&raw mut raw) };
    }
}

/// A graph on its way; freed when it does not arrive.
struct Building(NonNull<ffi::AVFilterGraph>);

impl Building {
    const fn one_thread(&mut self) {
        // SAFETY: the graph is allocated and nobody else's; the field is the caller's to set.
        unsafe { self.0.as_mut().nb_threads = 1 };
    }

    fn add(
        &mut self,
        filter: &CStr,
        name: &CStr,
        arguments: Option<&str>,
    ) -> AvResult<NonNull<ffi::AVFilterContext>> {
        let arguments = arguments.map(CString::new).transpose();
        let arguments = arguments.map_err(|_| AvError::INVALID)?;
        let text = arguments.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        let mut context = ptr::null_mut();
        // SAFETY: the texts outlive the call, which copies them; a filter that does not exist is
        // null, and refused.
        let code = unsafe {
            let filter = ffi::avfilter_get_by_name(filter.as_ptr());
            let graph = self.0.as_ptr();
            ffi::avfilter_graph_create_filter(
                &raw mut context,
                filter,
                name.as_ptr(),
                text,
                ptr::null_mut(),
                graph,
            )
        };
        AvError::check(code)?;
        NonNull::new(context).ok_or(AvError::NO_MEMORY)
    }

    fn link(
        &mut self,
        entrance: NonNull<ffi::AVFilterContext>,
        exit: NonNull<ffi::AVFilterContext>,
        chain: &str,
    ) -> AvResult<()> {
        let chain = CString::new(chain).map_err(|_| AvError::INVALID)?;
        // SAFETY: both ends are filters of this graph. The lists of open ends are made here and
        // freed here, whatever parsing leaves of them; null ones are refused by it.
        let code = unsafe {
            let mut outputs = ffi::avfilter_inout_alloc();
            let mut inputs = ffi::avfilter_inout_alloc();
            let ends = [(outputs, c"in", entrance), (inputs, c"out", exit)];
            for (end, name, filter) in ends {
                if let Some(end) = end.as_mut() {
                    end.name = ffi::av_strdup(name.as_ptr());
                    end.filter_ctx = filter.as_ptr();
                    end.pad_idx = 0;
                    end.next = ptr::null_mut();
                }
            }
            let code = match outputs.is_null() || inputs.is_null() {
                true => ffi::AVERROR(ffi::ENOMEM),
                false => ffi::avfilter_graph_parse_ptr(
                    self.0.as_ptr(),
                    chain.as_ptr(),
                    &raw mut inputs,
                    &raw mut outputs,
                    ptr::null_mut(),
                ),
            };
            ffi::avfilter_inout_free(&raw mut inputs);
            ffi::avfilter_inout_free(&raw mut outputs);
            code
        };
        AvError::check(code)?;
        // SAFETY: the graph is whole.
        let code = unsafe { ffi::avfilter_graph_config(self.0.as_ptr(), ptr::null_mut()) };
        AvError::check(code).map(drop)
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        let mut raw = self.0.as_ptr();
        // SAFETY: it was allocated by FFmpeg and is freed once, with the filters in it.
        unsafe { ffi::avfilter_graph_free(&raw mut raw) };
    }
}
