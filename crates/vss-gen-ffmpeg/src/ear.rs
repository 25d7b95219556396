//! Sound as one channel of 16-bit samples, whatever it was.

use crate::av::{AvResult, Frame, Graph, Mix, Ratio};

/// Mixes and resamples what it hears.
#[derive(Debug)]
pub(crate) struct Ear {
    rate: u32,
    time_base: Ratio,
    graph: Option<Graph>,
}

impl Ear {
    /// For so many samples a second, of a stream with this unit of time.
    pub(crate) const fn new(rate: u32, time_base: Ratio) -> Self {
        Self {
            rate,
            time_base,
            graph: None,
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
        match frame {
            Some(frame) => {
                if !self.graph.as_ref().is_some_and(|graph| graph.takes(frame)) {
                    // What the one before still held comes first.
                    if let Some(graph) = &mut self.graph {
                        graph.push(None)?;
                    }
                    self.drain(&mut samples)?;
                    let rate = self.rate;
                    let chain = format!(
                        "aresample={rate},\
                         aformat=sample_fmts=s16:channel_layouts=mono:sample_rates={rate}"
                    );
                    self.graph = Some(Graph::audio(frame, self.time_base, Mix::Mono, &chain)?);
                }
                if let Some(graph) = &mut self.graph {
                    graph.push(Some(frame))?;
                }
            }
            None => {
                if let Some(graph) = &mut self.graph {
                    graph.push(None)?;
                }
            }
        }
        self.drain(&mut samples)
    }

    fn drain(&mut self, samples: &mut impl FnMut(&[i16])) -> AvResult<()> {
        let Some(graph) = &mut self.graph else {
            return Ok(());
        };
        let mut frame = Frame::new()?;
        loop {
            match graph.pull(&mut frame) {
                Ok(()) => samples(frame.mono()),
                Err(error) if error.is_again() || error.is_end() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}
