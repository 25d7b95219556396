//! A smaller rendition of a video, with its sound, in the original's own time.

use std::ffi::c_int;

use vss_core::FailureClass;
use vss_core::plan::ProxyRecipe;
use vss_ports::{CancelToken, GenerateFailure, JobHost, JobOutput, Produced};
use vss_raster::Outcome;
use vss_raster::failure::{corrupt, too_large, unwritable};

use crate::av::{
    AudioSettings, AvError, AvResult, Encoder, Frame, Graph, Mix, Muxer, Packet, Ratio,
    StreamFacts, VideoSettings,
};
use crate::chain::Chain;
use crate::gaps::Gaps;
use crate::streams::{Streams, Video};
use crate::through::{Losses, joined};
use crate::view::Pixels;

/// Seconds from one key frame to the next at most: a proxy is there to be searched in.
const KEY_EVERY: f64 = 2.0;

/// The sample rates of AAC; others become the first.
const RATES: [i32; 10] = [
    48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

/// A proxy on its way.
#[derive(Debug)]
pub(crate) struct Proxy<'a> {
    muxer: Muxer<'a>,
    pictures: Lane,
    sound: Option<(Lane, Gaps)>,
    packet: Packet,
    video: Video,
    size: (u32, u32),
    frames: u64,
    /// Frames that came after later ones.
    late: u64,
    /// Why it is not heard as it should be.
    unheard: Option<String>,
}

/// What leads from decoded frames of a stream to its packets in the file.
#[derive(Debug)]
struct Lane {
    encoder: Encoder,
    stream: c_int,
    graph: Option<Chain>,
    chain: String,
    mix: Mix,
    time_base: Ratio,
    /// What is taken from each time, so that the whole begins at 0.
    start: i64,
    last: i64,
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
        let rate = video.facts.rate;
        // What is beyond is a unit of time, not a rate of frames.
        let rate = match rate.is_positive() && rate.value() <= 1_000.0 {
            true => rate,
            false => Ratio { num: 0, den: 1 },
        };
        let settings = VideoSettings {
            width: c_int::try_from(size.0).map_err(too_large)?,
            height: c_int::try_from(size.1).map_err(too_large)?,
            time_base: video.facts.time_base,
            rate,
            crf: recipe.crf,
            key_every: key_every(rate.value()),
        };
        let fail = AvError::of_output;
        let encoder = Encoder::video(&settings).map_err(fail)?.ok_or_else(|| {
            let why = "this FFmpeg has no H.264 encoder (libx264): install one that does";
            GenerateFailure::new(FailureClass::ToolMissing, why)
        })?;
        let mut muxer = Muxer::new(output.file, host, cancel).map_err(fail)?;
        let pictures = Lane {
            stream: muxer.add(&encoder).map_err(fail)?,
            encoder,
            graph: None,
            chain: String::new(),
            mix: Mix::Stereo,
            time_base: video.facts.time_base,
            start: Ratio::MICROS.rescale(start, video.facts.time_base),
            last: i64::MIN,
        };
        let heard = recipe.audio_bitrate > 0;
        let unheard = streams.unheard.clone().filter(|_| heard);
        let sound = match streams.audio.as_ref().filter(|_| heard) {
            Some(facts) => {
                let lane = sound(facts, recipe.audio_bitrate, &mut muxer).map_err(fail)?;
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
        let lane = &mut self.pictures;
        // A frame without a time follows the one before.
        let time = frame.time().map(|time| time.saturating_sub(lane.start));
        let time = time.unwrap_or(lane.last.saturating_add(1).max(0));
        if time <= lane.last {
            self.late += 1;
            return Ok(());
        }
        if time < 0 {
            return Ok(());
        }
        lane.last = time;
        self.frames += 1;
        let made = self.encode_picture(frame, time);
        made.map_err(|error| self.blame(error.of_output()))
    }

    fn encode_picture(&mut self, frame: &mut Frame, time: i64) -> AvResult<()> {
        let lane = &mut self.pictures;
        if !lane.graph.as_ref().is_some_and(|graph| graph.takes(frame)) {
            // What the one before still held comes first.
            lane.pass(None, &mut self.muxer, &mut self.packet)?;
            let timing = self.video.timing();
            let graph = self
                .video
                .view
                .graph(frame, timing, self.size, Pixels::Video)?;
            lane.graph = Some(graph);
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
        let mut lanes = [
            Some(&mut self.pictures),
            self.sound.as_mut().map(|(lane, _)| lane),
        ];
        let flushed = lanes
            .iter_mut()
            .flatten()
            .try_for_each(|lane| lane.end(muxer, packet));
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

impl Lane {
    fn hear(
        &mut self,
        frame: &mut Frame,
        muxer: &mut Muxer<'_>,
        packet: &mut Packet,
    ) -> AvResult<()> {
        if !self.graph.as_ref().is_some_and(|graph| graph.takes(frame)) {
            let mut graph = Graph::audio(frame, self.time_base, self.mix, &self.chain)?;
            graph.cut(self.encoder.samples());
            self.graph = Some(Chain::plain(graph));
        }
        self.pass(Some(frame), muxer, packet)
    }

    fn pass(
        &mut self,
        frame: Option<&mut Frame>,
        muxer: &mut Muxer<'_>,
        packet: &mut Packet,
    ) -> AvResult<()> {
        let Some(graph) = &mut self.graph else {
            return Ok(());
        };
        graph.push(frame)?;
        let (own, unit) = (self.encoder.time_base(), graph.time_base());
        let mut ready = Frame::new()?;
        loop {
            match graph.pull(&mut ready) {
                Ok(()) => {}
                Err(error) if error.is_again() || error.is_end() => return Ok(()),
                Err(error) => return Err(error),
            }
            // Else key frames of the original would be key frames of the proxy.
            ready.forget_kind();
            ready.rescale_time(unit, own);
            self.encoder.send(Some(&ready))?;
            drain(&mut self.encoder, self.stream, muxer, packet)?;
        }
    }

    fn end(&mut self, muxer: &mut Muxer<'_>, packet: &mut Packet) -> AvResult<()> {
        self.pass(None, muxer, packet)?;
        self.encoder.send(None)?;
        drain(&mut self.encoder, self.stream, muxer, packet)
    }
}

/// Writes the packets that an encoder has ready.
fn drain(
    encoder: &mut Encoder,
    stream: c_int,
    muxer: &mut Muxer<'_>,
    packet: &mut Packet,
) -> AvResult<()> {
    loop {
        match encoder.receive(packet) {
            Ok(()) => muxer.write(stream, encoder, packet)?,
            Err(error) if error.is_again() || error.is_end() => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn sound(facts: &StreamFacts, bitrate: u32, muxer: &mut Muxer<'_>) -> AvResult<Lane> {
    let [usual, ..] = RATES;
    let rate = match RATES.contains(&facts.sample_rate) {
        true => facts.sample_rate,
        false => usual,
    };
    let (channels, mix) = match facts.channels {
        1 => (1, Mix::Mono),
        _ => (2, Mix::Stereo),
    };
    let layout = mix.name();
    let encoder = Encoder::audio(&AudioSettings {
        sample_rate: rate,
        channels,
        bitrate,
    })?;
    Ok(Lane {
        stream: muxer.add(&encoder)?,
        encoder,
        graph: None,
        // Gaps are filled and overlaps cut, so that sound stays with the pictures.
        chain: format!(
            "aresample={rate}:async=1,\
             aformat=sample_fmts=fltp:channel_layouts={layout}:sample_rates={rate}"
        ),
        mix,
        time_base: facts.time_base,
        start: 0,
        last: i64::MIN,
    })
}

fn key_every(rate: f64) -> c_int {
    if rate <= 0.0 {
        return 60;
    }
    let frames = (rate * KEY_EVERY).round();
    (12..=250)
        .find(|count| f64::from(*count) >= frames)
        .unwrap_or(250)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_frame_comes_every_two_seconds_within_reason() {
        assert_eq!(key_every(30_000.0 / 1_001.0), 60);
        assert_eq!(key_every(1.0), 12);
        assert_eq!(key_every(240.0), 250);
        assert_eq!(key_every(0.0), 60);
    }
}
