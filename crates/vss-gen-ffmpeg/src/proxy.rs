//! A smaller rendition of a video, with its sound, in the original's own time.

use std::ffi::c_int;

use vss_core::FailureClass;
use vss_core::plan::ProxyRecipe;
use vss_ports::{CancelToken, GenerateFailure, JobHost, JobOutput, Produced};
use vss_raster::Outcome;
use vss_raster::failure::{corrupt, too_large, unwritable};

use crate::av::{AvError, AvResult, Encoder, Frame, Muxer, Packet, Ratio, VideoSettings};
use crate::gaps::Gaps;
use crate::keys::Keys;
use crate::lane::{Lane, SoundLane};
use crate::streams::{Streams, Video};
use crate::through::{Losses, joined};
use crate::view::Pixels;

/// Frames a second where nobody knows: for levels and the last frame's length, all else goes by times.
const USUAL_RATE: Ratio = Ratio { num: 30, den: 1 };

/// The unit of times where the original's own is too fine: that of transport streams.
const COARSE: Ratio = Ratio {
    num: 1,
    den: 90_000,
};

/// A proxy on its way.
#[derive(Debug)]
pub(crate) struct Proxy<'a> {
    muxer: Muxer<'a>,
    pictures: Lane,
    sound: Option<(SoundLane, Gaps)>,
    packet: Packet,
    video: Video,
    size: (u32, u32),
    /// What is taken from each time of the video, so that the whole begins at 0.
    start: i64,
    /// When the last frame is shown, in the unit of the proxy.
    last: i64,
    frames: u64,
    /// Frames that came after later ones.
    late: u64,
    /// Why it is not heard as it should be.
    unheard: Option<String>,
}

impl<'a> Proxy<'a> {
    /// Of a video, and of a sound when the recipe wants one and there is one.
    ///
    /// # Errors
    /// `tool_missing` when this FFmpeg has no H.264 encoder.
    pub(crate) fn new(
        output: &JobOutput<'a>,
        recipe: ProxyRecipe,
        video: &Video,
        streams: &Streams,
        (host, cancel): (&'a dyn JobHost, &CancelToken),
    ) -> Outcome<Self> {
        let start = streams.start;
        let size = video.view.proxy(recipe.short_side);
        let (rate, unit) = (video.facts.rate, unit(video.facts.time_base));
        let keys = Keys::new(rate, unit);
        let settings = VideoSettings {
            width: c_int::try_from(size.0).map_err(too_large)?,
            height: c_int::try_from(size.1).map_err(too_large)?,
            time_base: unit,
            rate: if rate.is_positive() { rate } else { USUAL_RATE },
            coding: video.facts.coding,
            crf: recipe.crf,
            key_every: keys.most(),
        };
        let fail = AvError::of_output;
        let encoder = Encoder::video(&settings).map_err(fail)?.ok_or_else(|| {
            let why = "this FFmpeg has no H.264 encoder (libx264): install one that does";
            GenerateFailure::new(FailureClass::ToolMissing, why)
        })?;
        let mut muxer = Muxer::new(output.file, host, cancel).map_err(fail)?;
        let pictures = Lane::pictures(encoder, keys, &mut muxer).map_err(fail)?;
        let heard = recipe.audio_bitrate > 0;
        let unheard = streams.unheard.clone().filter(|_| heard);
        let sound = match streams.audio.as_ref().filter(|_| heard) {
            Some(facts) => {
                let lane = SoundLane::new(facts, recipe.audio_bitrate, &mut muxer);
                let lane = lane.map_err(fail)?;
                // Before its first frame a film is silent without being filled with silence.
                Some((
                    lane,
                    Gaps::new(facts.time_base, start, streams.length, false),
                ))
            }
            None => None,
        };
        muxer.begin().map_err(fail)?;
        Ok(Self {
            muxer,
            pictures,
            sound,
            packet: Packet::new().map_err(fail)?,
            video: video.clone(),
            size,
            start: Ratio::MICROS.rescale(start, video.facts.time_base),
            last: i64::MIN,
            frames: 0,
            late: 0,
            unheard,
        })
    }

    /// Takes the next frame of the video.
    ///
    /// # Errors
    /// When it cannot be scaled, encoded or written.
    pub(crate) fn picture(&mut self, frame: &mut Frame) -> Outcome<()> {
        let (from, to) = (self.video.facts.time_base, self.pictures.time_base());
        let time = frame.time().map(|time| time.saturating_sub(self.start));
        // A frame without a time follows the one before.
        let time = time.map_or(self.last.saturating_add(1).max(0), |time| {
            from.rescale(time, to)
        });
        if time <= self.last {
            self.late += 1;
            return Ok(());
        }
        if time < 0 {
            return Ok(());
        }
        self.last = time;
        self.frames += 1;
        let made = self.encode_picture(frame, time);
        made.map_err(|error| self.blame(error.of_output()))
    }

    fn encode_picture(&mut self, frame: &mut Frame, time: i64) -> AvResult<()> {
        let lane = &mut self.pictures;
        if !lane.takes(frame) {
            // What the one before still held comes first.
            lane.pass(None, &mut self.muxer, &mut self.packet)?;
            let timing = (lane.time_base(), self.video.facts.rate);
            let pixels = Pixels::Video(self.video.facts.coding);
            let graph = self.video.view.graph(frame, timing, self.size, pixels)?;
            lane.go_through(graph);
        }
        let mut own = frame.share()?;
        own.set_time(time);
        lane.pass(Some(&mut own), &mut self.muxer, &mut self.packet)
    }

    /// Takes the next frame of the sound. Sound that cannot be mixed or encoded is left out from
    /// there on: the pictures are what a proxy is for.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn sound(&mut self, frame: &mut Frame) -> Outcome<()> {
        let Err(error) = self.encode_sound(frame) else {
            return Ok(());
        };
        self.lose_sound(error)
    }

    fn lose_sound(&mut self, error: AvError) -> Outcome<()> {
        let failure = self.blame(error.of_sound());
        if failure.class != FailureClass::Unsupported {
            return Err(failure);
        }
        self.sound = None;
        let why = Some(format!("its sound {}", failure.detail));
        self.unheard = joined([self.unheard.take(), why]);
        Ok(())
    }

    fn encode_sound(&mut self, frame: &mut Frame) -> AvResult<()> {
        let Some((lane, gaps)) = &mut self.sound else {
            return Ok(());
        };
        let mut own = frame.share()?;
        for time in gaps.place(&mut own) {
            let mut silence = Frame::silence_like(&own)?;
            silence.set_time(time);
            lane.hear(&mut silence, &mut self.muxer, &mut self.packet)?;
        }
        lane.hear(&mut own, &mut self.muxer, &mut self.packet)
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// `corrupt_source` when there was nothing to see, and what keeps it from being written.
    pub(crate) fn finish(mut self, losses: Losses) -> Outcome<Produced> {
        if self.frames == 0 {
            return Err(corrupt("no frame could be decoded"));
        }
        let losses = match self.sound {
            Some(_) => losses,
            None => losses.seen(),
        };
        let trouble = self.muxer.trouble().clone();
        let (muxer, packet) = (&mut self.muxer, &mut self.packet);
        let sound = self.sound.as_mut();
        let flushed = self
            .pictures
            .end(muxer, packet)
            .and_then(|()| sound.map_or(Ok(()), |(lane, _)| lane.end(muxer, packet)));
        let finished = flushed.and_then(|()| self.muxer.finish());
        finished.map_err(|error| match trouble.take() {
            Some(error) => unwritable(&error),
            None => error.of_output(),
        })?;
        let late = (self.late > 0).then(|| {
            let late = self.late;
            format!("{late} frames came after later ones and were left out")
        });
        Ok(Produced {
            width: self.size.0,
            height: self.size.1,
            degraded: joined([losses.text(), late, self.unheard]),
        })
    }

    /// A failure to write shows as one to encode.
    fn blame(&self, failure: GenerateFailure) -> GenerateFailure {
        let trouble = self.muxer.trouble().take();
        trouble.map_or(failure, |error| unwritable(&error))
    }
}

/// The unit of a proxy's times: the original's own, unless a frame that is held for half an hour
/// would be longer than MP4 can count in it.
fn unit(own: Ratio) -> Ratio {
    match i64::from(own.den) < 1_000_000 * i64::from(own.num) {
        true => own,
        false => COARSE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_as_in_the_original_unless_that_is_too_fine() {
        let of = |num, den| unit(Ratio { num, den });
        for (num, den) in [(1, 25), (1_001, 30_000), (1, 90_000), (1, 999_999)] {
            assert_eq!(of(num, den), Ratio { num, den });
        }
        assert_eq!(of(1, 1_000_000), COARSE);
        assert_eq!(of(1, 1_000_000_000), COARSE);
        assert_eq!(of(7, 1_000_000_000), COARSE);
    }
}
