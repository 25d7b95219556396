//! Which worker serves a generator, and under which rules.

use std::ffi::OsString;
use std::path::PathBuf;

use vss_core::plan::GeneratorDescriptor;

use crate::{Pace, SandboxLevel, WorkerLimits};

/// What `vss-worker-av` is linked with, as who has to install it calls it.
const FFMPEG: &str = "FFmpeg's libraries (apt install ffmpeg, dnf install ffmpeg-free, \
                      brew install ffmpeg)";

/// What `vss-worker-ocr` is linked with, as who has to install it calls it.
const TESSERACT: &str = "Tesseract's libraries and data (apt install tesseract-ocr, \
                         dnf install tesseract, brew install tesseract)";

/// What `vss-worker-raw` is linked with, as who has to install it calls it.
const LIBRAW: &str = "LibRaw (apt install libraw20 or libraw23t64, dnf install LibRaw, \
                      brew install libraw)";

/// Which worker serves a generator, and under which rules.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// What the worker has to be: another generator or version is refused.
    pub descriptor: GeneratorDescriptor,
    /// The worker's program; an absolute path.
    pub program: PathBuf,
    /// Its arguments. The worker of text needs its languages; the others need none.
    pub arguments: Vec<OsString>,
    /// What it may use.
    pub limits: WorkerLimits,
    /// Time by how long an original plays, for originals that play.
    pub pace: Option<Pace>,
    /// What it needs of the system, with the names of the packages, where it needs anything.
    pub needs: Option<&'static str>,
    /// A worker that is confined less is refused.
    pub require: SandboxLevel,
    /// Whether it gives way to everything else on the machine.
    pub background: bool,
}

impl WorkerSettings {
    /// A worker of stills that is confined as much as can be.
    pub fn image(descriptor: GeneratorDescriptor, program: PathBuf) -> Self {
        Self::confined(descriptor, program, WorkerLimits::IMAGE)
    }

    /// A worker of video and audio that is confined as much as can be.
    pub fn av(descriptor: GeneratorDescriptor, program: PathBuf) -> Self {
        Self {
            pace: Some(Pace::AV),
            needs: Some(FFMPEG),
            ..Self::confined(descriptor, program, WorkerLimits::AV)
        }
    }

    /// A worker of text that is confined as much as can be, and loads these sets of languages.
    pub fn ocr(
        descriptor: GeneratorDescriptor,
        program: PathBuf,
        sets: impl IntoIterator<Item = Vec<String>>,
    ) -> Self {
        let sets = sets.into_iter().map(|set| OsString::from(set.join("+")));
        Self {
            arguments: sets.collect(),
            needs: Some(TESSERACT),
            ..Self::confined(descriptor, program, WorkerLimits::OCR)
        }
    }

    /// A worker of camera files that is confined as much as can be. They have the limits of stills: one
    /// of 60 megapixels takes 0.3 GiB.
    pub fn raw(descriptor: GeneratorDescriptor, program: PathBuf) -> Self {
        Self {
            needs: Some(LIBRAW),
            ..Self::confined(descriptor, program, WorkerLimits::IMAGE)
        }
    }

    fn confined(descriptor: GeneratorDescriptor, program: PathBuf, limits: WorkerLimits) -> Self {
        Self {
            descriptor,
            program,
            arguments: Vec::new(),
            limits,
            pace: None,
            needs: None,
            require: SandboxLevel::L3,
            background: false,
        }
    }
}
