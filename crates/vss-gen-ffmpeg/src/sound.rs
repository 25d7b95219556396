//! What a job wants of a sound: its waveform, or its samples.

use std::os::unix::fs::FileExt;

use vss_core::plan::{PcmRecipe, WaveformRecipe};
use vss_ports::{JobOutput, Produced};
use vss_raster::Outcome;
use vss_raster::failure::{corrupt, unwritable};

use crate::av::{AvError, Frame, StreamFacts};
use crate::ear::Ear;
use crate::streams::Streams;
use crate::wav::Wav;
use crate::waveform::Extremes;

/// An output of sound on its way.
#[derive(Debug)]
pub(crate) struct Sound<'a> {
    ear: Ear,
    sort: Sort<'a>,
}

#[derive(Debug)]
enum Sort<'a> {
    Waveform {
        output: &'a JobOutput<'a>,
        extremes: Extremes,
        rate: i32,
    },
    Wav(Wav<'a>, u64),
}

impl<'a> Sound<'a> {
    /// The waveform of a stream.
    pub(crate) fn waveform(
        output: &'a JobOutput<'a>,
        recipe: WaveformRecipe,
        audio: &StreamFacts,
        streams: &Streams,
    ) -> Self {
        let rate = audio.sample_rate.max(1);
        Self {
            ear: Ear::new(rate.unsigned_abs(), audio, streams),
            sort: Sort::Waveform {
                output,
                extremes: Extremes::new(recipe.points),
                rate,
            },
        }
    }

    /// The samples of a stream.
    pub(crate) fn pcm(
        output: &'a JobOutput<'a>,
        recipe: PcmRecipe,
        audio: &StreamFacts,
        streams: &Streams,
    ) -> Self {
        Self {
            ear: Ear::new(recipe.sample_rate, audio, streams),
            sort: Sort::Wav(Wav::new(output.file, recipe.sample_rate), 0),
        }
    }

    /// Takes the next frame, or the end.
    ///
    /// # Errors
    /// `unsupported` when it cannot be mixed or resampled, and what keeps it from being written.
    pub(crate) fn pass(&mut self, frame: Option<&mut Frame>) -> Outcome<()> {
        let mut written = Ok(());
        let heard = self.ear.hear(frame, |samples| match &mut self.sort {
            Sort::Waveform { extremes, .. } => extremes.add(samples),
            Sort::Wav(wav, total) => {
                *total += samples.len() as u64;
                if written.is_ok() {
                    written = wav.add(samples);
                }
            }
        });
        heard.map_err(AvError::of_sound)?;
        written
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// `corrupt_source` when there was nothing to hear, and what keeps it from being written.
    pub(crate) fn finish(mut self, degraded: Option<String>) -> Outcome<Produced> {
        self.pass(None)?;
        let total = match &self.sort {
            Sort::Waveform { extremes, .. } => extremes.total(),
            Sort::Wav(_, total) => *total,
        };
        if total == 0 {
            return Err(corrupt("no sound could be decoded"));
        }
        match self.sort {
            Sort::Wav(wav, _) => wav.finish()?,
            Sort::Waveform {
                output,
                extremes,
                rate,
            } => {
                let json = extremes.json(rate);
                let written = output.file.write_all_at(json.as_bytes(), 0);
                written.map_err(|error| unwritable(&error))?;
            }
        }
        Ok(Produced {
            width: 0,
            height: 0,
            degraded,
        })
    }
}
