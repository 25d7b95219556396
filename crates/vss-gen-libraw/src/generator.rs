//! The generator itself: a job from its first check to its last written byte.

use vss_core::FailureClass;
use vss_core::plan::GeneratorDescriptor;
use vss_ports::{GenerateFailure, GenerateJob, Generator, Produced};
use vss_raster::failure::{Outcome, cancelled, corrupt, unsupported};
use vss_raster::{Decoded, Pool, Room, Scratch, Source};

use crate::descriptor::descriptor;
use crate::develop::{Wanted, develop, is_enough};
use crate::once::Once;
use crate::shim;

/// Makes thumbnails of camera files, as WebP.
///
/// Jobs may run on any number of threads; each holds the memory of one file and its picture, and the
/// buffers of what is made of it are kept for the next job.
#[derive(Debug)]
pub struct LibRawGenerator {
    descriptor: GeneratorDescriptor,
    pool: Pool,
}

impl LibRawGenerator {
    /// A generator as [`descriptor`] says.
    pub fn new() -> Self {
        Self {
            descriptor: descriptor(),
            pool: Pool::default(),
        }
    }

    /// The version of LibRaw that is linked.
    pub fn version() -> String {
        shim::version()
    }
}

impl Default for LibRawGenerator {
    fn default() -> Self {
        Self::new()
    }
}

type Answers = Outcome<Vec<Outcome<Produced>>>;

impl Generator for LibRawGenerator {
    fn descriptor(&self) -> &GeneratorDescriptor {
        &self.descriptor
    }

    fn generate(&self, job: &GenerateJob<'_>) -> Answers {
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
        let produced = produce(job, &mut scratch);
        self.pool.give_back(scratch);
        produced
    }
}

fn produce(job: &GenerateJob<'_>, scratch: &mut Scratch) -> Answers {
    let host = Once::new(job.host);
    let decoded = decode(job, &host, scratch).map_err(|why| host.refusal().unwrap_or(why))?;
    let outputs: Vec<_> = job.outputs.iter().collect();
    vss_raster::stills(&outputs, &decoded, &host, &job.cancel, scratch)
}

/// The preview, or what our own developer makes, where that is enough; else what LibRaw makes; and
/// the first all the same where LibRaw makes nothing.
fn decode(job: &GenerateJob<'_>, host: &Once<'_>, scratch: &mut Scratch) -> Outcome<Decoded> {
    let source = Source::new(job.source, job.source_size);
    let largest = vss_raster::largest(job.outputs);
    let room = Room {
        limits: &job.limits,
        host,
    };
    // What does not begin as we know it may be LibRaw's to read.
    let side = match vss_raster::camera_side(&source, scratch) {
        Err(why) if why.class == FailureClass::CorruptSource => 0,
        other => other?,
    };
    let own = |scratch: &mut Scratch| {
        vss_raster::decode(job.media_type, &source, &room, largest, scratch)
    };
    let wanted = Wanted {
        source: &source,
        limits: &job.limits,
        host,
        cancel: &job.cancel,
        largest,
        side,
    };
    if side > 0 && is_enough(side, largest) {
        let first = match own(scratch) {
            Ok(decoded) => return Ok(decoded),
            Err(first) if host.refusal().is_some() => return Err(first),
            Err(first) => first,
        };
        let all = Wanted { side: 0, ..wanted };
        return match develop(&all, scratch) {
            Ok(Some(decoded)) => Ok(decoded),
            Ok(None) => Err(first),
            Err(second) => Err(clearer(first, second)),
        };
    }
    let second = match develop(&wanted, scratch) {
        Ok(Some(decoded)) => return Ok(decoded),
        Ok(None) => return own(scratch),
        Err(second) => second,
    };
    if job.cancel.is_cancelled() || host.refusal().is_some() {
        return Err(second);
    }
    match own(scratch) {
        Ok(mut decoded) => {
            // A camera that LibRaw does not know is no damage.
            if second.class != FailureClass::Unsupported {
                let lost = || format!("only the camera's small preview: {}", second.detail);
                decoded.degraded.get_or_insert_with(lost);
            }
            Ok(decoded)
        }
        Err(first) => Err(clearer(first, second)),
    }
}

/// One failure of what our own decoders and then LibRaw said: `unsupported` only if both say so.
fn clearer(first: GenerateFailure, second: GenerateFailure) -> GenerateFailure {
    if second.class == FailureClass::Timeout {
        return second;
    }
    let class = match second.class {
        FailureClass::Unsupported => first.class,
        class => class,
    };
    GenerateFailure::new(class, format!("{}; {}", first.detail, second.detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vss_raster::failure::too_large;

    #[test]
    fn every_media_type_is_one_whose_previews_we_know() {
        assert_eq!(descriptor().inputs().count(), 15);
        assert!(descriptor().inputs().all(vss_raster::reads));
    }

    #[test]
    fn the_clearer_failure_has_the_class_and_both_are_told() {
        let none = || unsupported("no preview");
        let told = clearer(none(), too_large("giant"));
        assert_eq!(told.class, FailureClass::TooLarge);
        assert_eq!(told.detail, "no preview; giant");
        let told = clearer(corrupt("torn"), unsupported("no camera"));
        assert_eq!(told.class, FailureClass::CorruptSource);
        assert_eq!(clearer(none(), none()).class, FailureClass::Unsupported);
        assert_eq!(clearer(none(), cancelled()), cancelled());
    }
}
