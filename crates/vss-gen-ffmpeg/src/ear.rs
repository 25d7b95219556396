//! Sound as one channel of 16-bit samples, whatever it was.

use crate::av::{AvResult, Frame, Graph, Mix, Ratio, StreamFacts};
use crate::gaps::Gaps;
use crate::resampling::Resampling;
use crate::streams::Streams;

/// Mixes and resamples what it hears, and keeps it where it is in its film: what begins late
/// begins with silence, and holes are filled.
#[derive(Debug)]
pub(crate) struct Ear {
    resampling: Resampling,
    time_base: Ratio,
    gaps: Gaps,
    graph: Option<Graph>,
    /// Samples so far.
    heard: i64,
}

impl Ear {
    /// For so many samples a second, of a stream of an original.
    pub(crate) fn new(rate: u32, audio: &StreamFacts, streams: &Streams) -> Self {
        Self {
            resampling: Resampling {
                rate,
                samples: "s16",
                mix: Mix::Mono,
            },
            time_base: audio.time_base,
            gaps: Gaps::new(audio.time_base, streams.start, streams.length, true),
            graph: None,
            heard: 0,
        }
    }

    /// Takes a frame, or the end, and hands on the samples that come of it.
    ///
    /// # Errors
    /// When FFmpeg cannot resample it.
    pub(crate) fn hear(
        &mut self,
        frame: Option<&mut Frame>,
        mut samples: impl FnMut(&[i16]),
    ) -> AvResult<()> {
        let Some(frame) = frame else {
            return self.end(&mut samples);
        };
        let mut own = frame.share()?;
        for time in self.gaps.place(&mut own) {
            let mut silence = Frame::silence_like(&own)?;
            silence.set_time(time);
            self.pass(&mut silence, &mut samples)?;
        }
        self.pass(&mut own, &mut samples)
    }

    fn pass(&mut self, frame: &mut Frame, samples: &mut impl FnMut(&[i16])) -> AvResult<()> {
        let graph = match self.graph.take() {
            Some(graph) if graph.takes(frame) => graph,
            before => {
                // What the one before still held comes first.
                self.graph = before;
                self.end(samples)?;
                let before = Some(self.heard);
                self.resampling.graph(frame, self.time_base, before)?
            }
        };
        self.graph.insert(graph).push(Some(frame))?;
        self.drain(samples)
    }

    fn end(&mut self, samples: &mut impl FnMut(&[i16])) -> AvResult<()> {
        if let Some(graph) = &mut self.graph {
            graph.push(None)?;
        }
        self.drain(samples)
    }

    fn drain(&mut self, samples: &mut impl FnMut(&[i16])) -> AvResult<()> {
        let Some(graph) = &mut self.graph else {
            return Ok(());
        };
        let mut frame = Frame::new()?;
        loop {
            match graph.pull(&mut frame) {
                Ok(()) => {
                    let came = frame.mono();
                    let count = i64::try_from(came.len()).unwrap_or(i64::MAX);
                    self.heard = self.heard.saturating_add(count);
                    samples(came);
                }
                Err(error) if error.is_again() || error.is_end() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}
