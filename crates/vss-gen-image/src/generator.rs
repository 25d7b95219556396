//! The generator itself: a job from its first check to its last written byte.

use vss_core::plan::GeneratorDescriptor;
use vss_ports::{GenerateFailure, GenerateJob, Generator, Produced};
use vss_raster::{Fonts, Pool, Room, Scratch, Source};

use crate::descriptor::descriptor;

/// Makes thumbnails of still pictures, as WebP.
///
/// Jobs may run on any number of threads; each holds the memory of one decoded picture, and the
/// buffers are kept for the next job.
#[derive(Debug)]
pub struct ImageGenerator {
    descriptor: GeneratorDescriptor,
    pool: Pool,
}

impl ImageGenerator {
    /// A generator as [`descriptor`] says, without fonts: text in SVG is left out.
    pub fn new() -> Self {
        Self::with_fonts([])
    }

    /// One that draws text in SVG with fonts, handed in as the contents of their files. Of two
    /// families of one look (sans, serif, monospaced) the first stands in for what is not there.
    pub fn with_fonts(fonts: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            descriptor: descriptor(),
            pool: Pool::with_fonts(Fonts::new(fonts)),
        }
    }
}

impl Default for ImageGenerator {
    fn default() -> Self {
        Self::new()
    }
}

impl Generator for ImageGenerator {
    fn descriptor(&self) -> &GeneratorDescriptor {
        &self.descriptor
    }

    fn generate(
        &self,
        job: &GenerateJob<'_>,
    ) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure> {
        if job.cancel.is_cancelled() {
            return Err(vss_raster::failure::cancelled());
        }
        let mut scratch = self.pool.take();
        let produced = produce(job, &mut scratch);
        self.pool.give_back(scratch);
        produced
    }
}

fn produce(
    job: &GenerateJob<'_>,
    scratch: &mut Scratch,
) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure> {
    let source = Source::new(job.source, job.source_size);
    let room = Room {
        limits: &job.limits,
        host: job.host,
    };
    let largest = vss_raster::largest(job.outputs);
    let decoded = if vss_avif::reads(job.media_type) {
        vss_avif::decode(&source, &room, scratch)?
    } else {
        vss_raster::decode(job.media_type, &source, &room, largest, scratch)?
    };
    let outputs: Vec<_> = job.outputs.iter().collect();
    vss_raster::stills(&outputs, &decoded, job.host, &job.cancel, scratch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_media_type_that_is_named_has_a_decoder() {
        let reads = |input| vss_raster::reads(input) || vss_avif::reads(input);
        assert!(descriptor().inputs().all(reads));
    }
}
