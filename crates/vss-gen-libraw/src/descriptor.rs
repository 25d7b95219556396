//! What the generator reads and makes, known without its engine.

use semver::Version;
use vss_core::plan::GeneratorDescriptor;
use vss_core::{Kind, MediaType};

/// A generator named `libraw`, version 1.1.0. It reads all camera files, which the generator of stills
/// reads by their preview.
pub fn descriptor() -> GeneratorDescriptor {
    let abilities: &[(&[&str], &[Kind])] = &[(MediaType::CAMERA_FILES, &[Kind::THUMB])];
    GeneratorDescriptor::of("libraw", Version::new(1, 1, 0), abilities)
}
