//! The generator itself: a job from its first check to its last written byte.

use vss_core::FailureClass;
use vss_core::plan::{GeneratorDescriptor, Recipe};
use vss_ports::{GenerateFailure, GenerateJob, Generator, JobOutput, Produced};
use vss_raster::failure::{cancelled, corrupt, unreadable, unsupported};
use vss_raster::{Decoded, Outcome, Pool, Scratch, largest, stills};

use crate::av::{AvError, Decoder, Frame, Input, Look, Ratio};
use crate::beat::Beat;
use crate::descriptor::descriptor;
use crate::draw::draw;
use crate::passes::Passes;
use crate::pictures::Pictures;
use crate::proxy::Proxy;
use crate::sound::Sound;
use crate::streams::{Streams, Video};
use crate::strip;
use crate::through::{self, Losses, Wants, joined};
use crate::wanted::{is_picture, is_still, refusal, side};
use crate::{cover, joints, seek};

/// Makes pictures, proxies and sounds of video and audio.
///
/// Jobs may run on any number of threads; each decodes in its own.
#[derive(Debug)]
pub struct FfmpegGenerator {
    descriptor: GeneratorDescriptor,
    pool: Pool,
}

impl FfmpegGenerator {
    /// A generator as [`descriptor`] says.
    pub fn new() -> Self {
        Self {
            descriptor: descriptor(),
            pool: Pool::default(),
        }
    }
}

impl Default for FfmpegGenerator {
    fn default() -> Self {
        Self::new()
    }
}

impl Generator for FfmpegGenerator {
    fn descriptor(&self) -> &GeneratorDescriptor {
        &self.descriptor
    }

    fn generate(
        &self,
        job: &GenerateJob<'_>,
    ) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure> {
        if job.cancel.is_cancelled() {
            return Err(cancelled());
        }
        if !self.descriptor.reads(job.media_type) {
            return Err(unsupported(format!("{} is not read", job.media_type)));
        }
        if job.source_size == 0 {
            return Err(corrupt("the file is empty"));
        }
        let mut scratch = self.pool.take();
        let answers = Work::begin(job).and_then(|work| work.run(&mut scratch));
        self.pool.give_back(scratch);
        answers
    }
}

/// A job whose original is open.
struct Work<'a> {
    job: &'a GenerateJob<'a>,
    input: Input<'a>,
    streams: Streams,
    answers: Vec<Option<Outcome<Produced>>>,
}

impl<'a> Work<'a> {
    fn begin(job: &'a GenerateJob<'a>) -> Outcome<Self> {
        let passes = Passes::of(job.outputs.iter().map(|output| output.recipe));
        let mut input = open(job, look(&passes))?;
        let streams = Streams::of(&mut input, &job.limits)?;
        let recipes = job.outputs.iter().map(|output| output.recipe);
        job.host.reserve(streams.memory(&job.limits, recipes))?;
        let refusal = |output: &JobOutput<'_>| refusal(output, &streams).map(Err);
        Ok(Self {
            job,
            input,
            answers: job.outputs.iter().map(refusal).collect(),
            streams,
        })
    }

    /// The outputs that can still be made, with their places.
    fn open_outputs(&self) -> impl Iterator<Item = (usize, &'a JobOutput<'a>)> {
        let outputs = self.job.outputs.iter().enumerate();
        outputs.filter(|(index, _)| matches!(self.answers.get(*index), Some(None)))
    }

    fn run(mut self, scratch: &mut Scratch) -> Outcome<Vec<Outcome<Produced>>> {
        let job = self.job;
        let mut beat = Beat::new(job.host, &job.cancel);
        if let Some(length) = self.streams.length {
            beat.plays(length);
        }
        let passes = Passes::of(self.open_outputs().map(|(_, output)| output.recipe));
        let (mut pictures, mut astray) = (None, false);
        if let Some(video) = self.streams.video.clone() {
            if let Some((wanting, leads_nowhere)) = self.pictures(video, &mut beat)? {
                (pictures, astray) = (Some(wanting), leads_nowhere);
            }
        } else if let Some(cover) = self.streams.cover.clone() {
            let frame = cover::decode(&self.input, &cover, &job.limits);
            self.still(&cover, frame, None, scratch)?;
        }
        let mut losses = Losses::default();
        let mut left = pictures.is_some();
        if let Some(wanting) = &mut pictures
            && passes.seeks()
            && !astray
        {
            match self.look_up(wanting, &mut beat) {
                Ok(found) => left = !found,
                Err(failure) if concerns_all(&failure) => return Err(failure),
                Err(failure) => {
                    self.fail_pictures(&failure);
                    (left, pictures) = (false, None);
                }
            }
            if let Some(wanting) = pictures.as_mut().filter(|_| left) {
                // Seen in vain; what was begun is begun anew.
                wanting.restart();
            }
        }
        let mut wants = self.wants();
        if left {
            wants.pictures = pictures.take().map(Ok);
        }
        let (video, audio) = passes.through();
        if left || video || audio {
            // What was looked up or measured left the original anywhere.
            self.input = open(job, Look::Thorough)?;
            losses = through::go(
                &mut self.input,
                &self.streams,
                &job.limits,
                &mut wants,
                &mut beat,
            )?;
        }
        // What was looked up knows its own losses, whatever a later pass for the sound lost.
        let lost = if left {
            losses.seen()
        } else {
            Losses::default()
        };
        let pictures = wants.pictures.take().or(pictures.map(Ok));
        match pictures {
            Some(Ok(pictures)) => self.finish_pictures(pictures, lost, scratch)?,
            Some(Err(failure)) => self.fail_pictures(&failure),
            None => {}
        }
        for (index, proxy) in wants.proxies {
            let made = proxy.and_then(|proxy| proxy.finish(losses));
            self.answer(index, made);
        }
        for (index, sound) in wants.sounds {
            let said = joined([losses.heard().text(), self.streams.unheard.clone()]);
            let made = sound.and_then(|sound| sound.finish(said));
            self.answer(index, made);
        }
        let forgotten = || Err(corrupt("nothing could be made of it"));
        let answers = self.answers.into_iter();
        Ok(answers
            .map(|answer| answer.unwrap_or_else(forgotten))
            .collect())
    }

    fn answer(&mut self, index: usize, answer: Outcome<Produced>) {
        if let Some(place) = self.answers.get_mut(index) {
            *place = Some(answer);
        }
        self.job.host.progressed();
    }

    /// The pictures that are wanted of a video, if any, and whether it is one whose times do not
    /// lead to its frames.
    fn pictures(&mut self, video: Video, beat: &mut Beat<'_>) -> Outcome<Option<(Pictures, bool)>> {
        let mut still = false;
        let mut recipes = Vec::new();
        for (_, output) in self.open_outputs() {
            still |= is_still(output.recipe);
            recipes.extend(output.recipe.strip());
        }
        if !still && recipes.is_empty() {
            return Ok(None);
        }
        let passes = Passes::of(self.job.outputs.iter().map(|output| output.recipe));
        if !recipes.is_empty() && look(&passes) == Look::Glance {
            self.streams.start = seek::start_of(&mut self.input, &self.streams, beat)?;
        }
        self.input.only(&[video.facts.index]);
        let size = self.job.source_size;
        let joined = joints::end_of(&mut self.input, &video.facts, size, beat)?;
        let end = match joined {
            Some(end) => Some(end),
            None => seek::end_of(&mut self.input, &video.facts, beat)?,
        };
        if let Some(error) = self.input.trouble().take() {
            return Err(unreadable(&error));
        }
        let begin = video.facts.start.unwrap_or(0);
        let span = (begin, end.unwrap_or(begin).max(begin));
        let pictures = Pictures::new(video, span, still, recipes);
        Ok(Some((pictures, joined.is_some())))
    }

    fn look_up(&mut self, pictures: &mut Pictures, beat: &mut Beat<'_>) -> Outcome<bool> {
        let stream = pictures.video.facts.index;
        let decoder = Decoder::open(&self.input, stream, &self.job.limits);
        let mut decoder = decoder.map_err(AvError::of_source)?;
        let sides = self.open_outputs().map(|(_, output)| side(output.recipe));
        let (width, height) = pictures.video.view.size;
        // Half the size or less: four pixels become one, and edges of blocks with them.
        if sides.max().unwrap_or(u32::MAX) <= width.max(height) / 2 {
            decoder.spare_edges();
        }
        let found = seek::look_up(&mut self.input, &mut decoder, pictures, beat)?;
        if let Some(error) = self.input.trouble().take() {
            return Err(unreadable(&error));
        }
        Ok(found)
    }

    /// Who wants what of a pass through all.
    fn wants(&self) -> Wants<'a> {
        let mut wants = Wants::default();
        let audio = self.streams.audio.as_ref();
        for (index, output) in self.open_outputs() {
            match (output.recipe, &self.streams.video, audio) {
                (Recipe::Proxy(recipe), Some(video), _) => {
                    let (streams, told) = (&self.streams, (self.job.host, &self.job.cancel));
                    let proxy = Proxy::new(output, *recipe, video, streams, told);
                    wants.heard |= recipe.audio_bitrate > 0;
                    wants.proxies.push((index, proxy));
                }
                (Recipe::Waveform(recipe), _, Some(audio)) => {
                    let sound = Sound::waveform(output, *recipe, audio, &self.streams);
                    wants.sounds.push((index, Ok(sound)));
                }
                (Recipe::Pcm(recipe), _, Some(audio)) => {
                    let sound = Sound::pcm(output, *recipe, audio, &self.streams);
                    wants.sounds.push((index, Ok(sound)));
                }
                _ => {}
            }
        }
        wants
    }

    fn fail_pictures(&mut self, failure: &GenerateFailure) {
        let left: Vec<_> = self.open_outputs().collect();
        for (index, output) in left {
            if is_picture(output.recipe) {
                self.answer(index, Err(failure.clone()));
            }
        }
    }

    fn finish_pictures(
        &mut self,
        mut pictures: Pictures,
        losses: Losses,
        scratch: &mut Scratch,
    ) -> Outcome<()> {
        let video = losses.video.max(pictures.damaged);
        let degraded = Losses { video, ..losses }.text();
        let video = pictures.video.clone();
        if let Some(poster) = pictures.poster.take() {
            let chosen = poster.choose(&video).map_err(AvError::of_source);
            let none = || corrupt("no frame could be decoded");
            let frame = chosen.and_then(|frame| frame.ok_or_else(none));
            self.still(&video, frame, degraded.clone(), scratch)?;
        }
        // Cues count from where the whole begins, which is not always where its video does.
        let unit = video.facts.time_base;
        let (begin, end) = pictures.span;
        let begin = begin.min(Ratio::MICROS.rescale(self.streams.start, unit));
        let mut encoded = Vec::new();
        for (recipe, strip) in pictures.strips {
            let strip = strip.and_then(|mut strip| {
                strip.complete(&video)?;
                Ok(strip)
            });
            let left: Vec<_> = self.open_outputs().collect();
            for (index, output) in left {
                if output.recipe.strip() != Some(recipe) {
                    continue;
                }
                let span = (unit, begin, end);
                let made = strip.as_ref().map_err(Clone::clone).and_then(|strip| {
                    let size = strip.write(output, span, &mut encoded)?;
                    Ok(strip::produced(output, size, degraded.clone()))
                });
                self.answer(index, made);
            }
        }
        Ok(())
    }

    /// Writes all stills of a frame.
    fn still(
        &mut self,
        video: &Video,
        frame: Outcome<Frame>,
        degraded: Option<String>,
        scratch: &mut Scratch,
    ) -> Outcome<()> {
        let wanted = |(_, output): &(usize, &JobOutput<'_>)| is_still(output.recipe);
        let outputs: Vec<_> = self.open_outputs().filter(wanted).collect();
        let (places, outputs): (Vec<_>, Vec<_>) = outputs.into_iter().unzip();
        if outputs.is_empty() {
            return Ok(());
        }
        let side = largest(outputs.iter().copied());
        let decoded = frame.and_then(|mut frame| draw(video, &mut frame, side, scratch));
        let made = decoded.and_then(|decoded| {
            let decoded = Decoded {
                degraded,
                ..decoded
            };
            let (host, cancel) = (self.job.host, &self.job.cancel);
            stills(&outputs, &decoded, host, cancel, scratch)
        });
        match made {
            Ok(made) => {
                for (index, answer) in places.into_iter().zip(made) {
                    self.answer(index, answer);
                }
            }
            Err(_) if self.job.cancel.is_cancelled() => return Err(cancelled()),
            Err(failure) => {
                for index in places {
                    self.answer(index, Err(failure.clone()));
                }
            }
        }
        Ok(())
    }
}

/// Whether it is no fault of one stream: the job was called off, or the original cannot be read.
fn concerns_all(failure: &GenerateFailure) -> bool {
    let all = [FailureClass::Timeout, FailureClass::TransientIo];
    all.contains(&failure.class)
}

/// Where sound is on a film's timeline depends on where its pictures begin; for pictures alone one
/// of them tells enough.
fn look(passes: &Passes) -> Look {
    match passes.through() {
        (false, false) => Look::Glance,
        _ => Look::Thorough,
    }
}

fn open<'a>(job: &'a GenerateJob<'a>, look: Look) -> Outcome<Input<'a>> {
    let told = (job.host, &job.cancel);
    let opened = Input::open(job.source, job.source_size, &job.limits, look, told);
    opened.map_err(|(error, trouble)| match trouble.take() {
        _ if job.cancel.is_cancelled() => cancelled(),
        Some(error) => unreadable(&error),
        None => error.of_source(),
    })
}
