//! Which worker serves a generator, and under which rules.

use std::ffi::OsString;
use std::path::PathBuf;

use vss_core::plan::GeneratorDescriptor;

use crate::{SandboxLevel, WorkerLimits};

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
    /// A worker that is confined less is refused.
    pub require: SandboxLevel,
    /// Whether it gives way to everything else on the machine.
    pub background: bool,
    /// What to do about a program that is not there, as a clause; empty where there is nothing to
    /// add.
    pub without: &'static str,
}

impl WorkerSettings {
    /// A worker of stills that is confined as much as can be.
    pub fn image(descriptor: GeneratorDescriptor, program: PathBuf) -> Self {
        Self::confined(descriptor, program, WorkerLimits::IMAGE)
    }

    /// A worker of video and audio that is confined as much as can be.
    pub fn av(descriptor: GeneratorDescriptor, program: PathBuf) -> Self {
        Self::confined(descriptor, program, WorkerLimits::AV)
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
            ..Self::confined(descriptor, program, WorkerLimits::OCR)
        }
    }

    fn confined(descriptor: GeneratorDescriptor, program: PathBuf, limits: WorkerLimits) -> Self {
        Self {
            descriptor,
            program,
            arguments: Vec::new(),
            limits,
            require: SandboxLevel::L3,
            background: false,
            without: "",
        }
    }
}
