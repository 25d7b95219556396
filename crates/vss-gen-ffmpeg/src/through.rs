//! Reads an original from beginning to end, decodes each wanted stream once, and hands every frame
//! to all who want it.

use vss_core::plan::DecodeLimits;
use vss_ports::GenerateFailure;
use vss_raster::Outcome;
use vss_raster::failure::{corrupt, unreadable};

use crate::av::{AvError, AvResult, Decoder, Frame, Input, Packet, Ratio};
use crate::beat::Beat;
use crate::pictures::Pictures;
use crate::proxy::Proxy;
use crate::sound::Sound;
use crate::streams::Streams;
use crate::timeline::Timeline;

/// Who wants what is decoded; each with why it can want no more.
#[derive(Debug, Default)]
pub(crate) struct Wants<'a> {
    /// The pictures, when they are taken from this pass.
    pub(crate) pictures: Option<Outcome<Pictures>>,
    /// Proxies, with the place of their outputs.
    pub(crate) proxies: Vec<(usize, Outcome<Proxy<'a>>)>,
    /// Sounds, with the place of their outputs.
    pub(crate) sounds: Vec<(usize, Outcome<Sound<'a>>)>,
    /// Whether a proxy wants to be heard.
    pub(crate) heard: bool,
}

/// What was lost on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Losses {
    /// Packets of the video, or frames of them, that could not be decoded.
    pub(crate) video: u64,
    /// The same of the audio.
    pub(crate) audio: u64,
    /// Whether reading ended before the end.
    pub(crate) cut: bool,
}

impl Losses {
    /// Of what is seen alone.
    pub(crate) const fn seen(self) -> Self {
        Self { audio: 0, ..self }
    }

    /// Of what is heard alone.
    pub(crate) const fn heard(self) -> Self {
        Self { video: 0, ..self }
    }

    /// In words; `None` when nothing was lost.
    pub(crate) fn text(self) -> Option<String> {
        let damaged = self.video.saturating_add(self.audio);
        match (damaged, self.cut) {
            (0, false) => None,
            (0, true) => Some("it ends early".into()),
            (_, false) => Some(format!("{damaged} packets could not be decoded")),
            (_, true) => Some(format!(
                "{damaged} packets could not be decoded, and it ends early"
            )),
        }
    }
}

/// All that is to be said of an output, in one line.
pub(crate) fn joined<const PARTS: usize>(said: [Option<String>; PARTS]) -> Option<String> {
    let said: Vec<_> = said.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// A stream that is decoded.
struct Track {
    stream: usize,
    decoder: Decoder,
    frame: Frame,
    damaged: u64,
}

impl Track {
    fn open(input: &Input<'_>, stream: usize, limits: &DecodeLimits) -> Outcome<Self> {
        let fail = |error: AvError| error.of_source();
        Ok(Self {
            stream,
            decoder: Decoder::open(input, stream, limits).map_err(fail)?,
            frame: Frame::new().map_err(fail)?,
            damaged: 0,
        })
    }

    /// Decodes a packet, or what is left at the end.
    fn pass(
        &mut self,
        packet: Option<&Packet>,
        beat: &mut Beat<'_>,
        mut take: impl FnMut(&mut Frame) -> Outcome<()>,
    ) -> Outcome<()> {
        if self.decoder.send(packet).is_err() {
            self.damaged += u64::from(packet.is_some());
        }
        loop {
            match self.decoder.receive(&mut self.frame) {
                Ok(()) => {
                    self.damaged += u64::from(self.frame.is_damaged());
                    take(&mut self.frame)?;
                    beat.frame()?;
                }
                Err(error) if error.is_again() || error.is_end() => return Ok(()),
                Err(_) if packet.is_none() => return Ok(()),
                Err(_) => {
                    self.damaged += 1;
                    return Ok(());
                }
            }
        }
    }
}

/// Goes through an original that was just opened.
///
/// # Errors
/// `timeout` once cancelled, and `transient_io` when the original cannot be read. What concerns
/// one output alone is its own failure.
pub(crate) fn go(
    input: &mut Input<'_>,
    streams: &Streams,
    limits: &DecodeLimits,
    wants: &mut Wants<'_>,
    beat: &mut Beat<'_>,
) -> Outcome<Losses> {
    let mut video = match &streams.video {
        Some(video) if wants.pictures.is_some() || !wants.proxies.is_empty() => {
            wants.see(Track::open(input, video.facts.index, limits))
        }
        _ => None,
    };
    let mut audio = match &streams.audio {
        Some(facts) if wants.heard || !wants.sounds.is_empty() => {
            wants.listen(Track::open(input, facts.index, limits))
        }
        _ => None,
    };
    let tracks = [&video, &audio];
    let wanted: Vec<_> = tracks.into_iter().flatten().map(|t| t.stream).collect();
    input.only(&wanted);
    let units = [
        streams.video.as_ref().map(|v| &v.facts),
        streams.audio.as_ref(),
    ];
    let units = units.map(|facts| facts.map(|facts| (facts.index, facts.time_base)));
    let units: Vec<_> = units.into_iter().flatten().collect();
    let mut timeline = input.jumps().then(|| Timeline::new(&units));
    let mut packet = Packet::new().map_err(AvError::of_source)?;
    let mut losses = Losses::default();
    while !wanted.is_empty() {
        match input.read(&mut packet) {
            Ok(()) => {}
            Err(error) => {
                losses.cut = !error.is_end();
                break;
            }
        }
        beat.packet()?;
        let stream = packet.stream();
        if let Some(timeline) = &mut timeline {
            timeline.place(&mut packet);
        }
        if let Some(time) = packet.time() {
            let unit = units.iter().find(|(index, _)| *index == stream);
            let micros = unit.map(|(_, unit)| unit.rescale(time, Ratio::MICROS));
            beat.reached(micros.unwrap_or(0).saturating_sub(streams.start));
        }
        if let Some(track) = video.as_mut().filter(|track| track.stream == stream) {
            track.pass(Some(&packet), beat, |frame| wants.picture(frame))?;
        } else if let Some(track) = audio.as_mut().filter(|track| track.stream == stream) {
            track.pass(Some(&packet), beat, |frame| wants.sound(frame))?;
        }
    }
    // A token that was used shows as a failure to read.
    beat.packet()?;
    if let Some(error) = input.trouble().take() {
        return Err(unreadable(&error));
    }
    if let Some(track) = &mut video {
        track.pass(None, beat, |frame| wants.picture(frame))?;
        losses.video += track.damaged;
    }
    if let Some(track) = &mut audio {
        track.pass(None, beat, |frame| wants.sound(frame))?;
        losses.audio += track.damaged;
    }
    Ok(losses)
}

impl Wants<'_> {
    /// Without a decoder there is nothing to see.
    fn see(&mut self, track: Outcome<Track>) -> Option<Track> {
        track
            .map_err(|failure| {
                if let Some(pictures) = &mut self.pictures {
                    *pictures = Err(failure.clone());
                }
                for (_, proxy) in &mut self.proxies {
                    *proxy = Err(failure.clone());
                }
            })
            .ok()
    }

    /// Without a decoder there is nothing to hear: a proxy is silent then.
    fn listen(&mut self, track: Outcome<Track>) -> Option<Track> {
        track
            .map_err(|failure| {
                for (_, sound) in &mut self.sounds {
                    *sound = Err(failure.clone());
                }
            })
            .ok()
    }

    fn picture(&mut self, frame: &mut Frame) -> Outcome<()> {
        if let Some(pictures) = &mut self.pictures {
            attempt(pictures, |pictures| shown(pictures.pass(frame)));
        }
        for (_, proxy) in &mut self.proxies {
            attempt(proxy, |proxy| proxy.picture(frame));
        }
        Ok(())
    }

    fn sound(&mut self, frame: &mut Frame) -> Outcome<()> {
        for (_, proxy) in &mut self.proxies {
            attempt(proxy, |proxy| proxy.sound(frame));
        }
        for (_, sound) in &mut self.sounds {
            attempt(sound, |sound| sound.pass(Some(frame)));
        }
        Ok(())
    }
}

fn shown(made: AvResult<()>) -> Outcome<()> {
    made.map_err(|error| corrupt(format!("a frame cannot be shown: {error}")))
}

/// Who failed once wants no more; the others go on.
fn attempt<T>(wanting: &mut Result<T, GenerateFailure>, take: impl FnOnce(&mut T) -> Outcome<()>) {
    if let Ok(inner) = wanting
        && let Err(failure) = take(inner)
    {
        *wanting = Err(failure);
    }
}
