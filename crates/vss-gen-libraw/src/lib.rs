//! Generator for camera files: the preview that the camera made comes first, and where there is none,
//! or one that is far too small, the sensor's picture is developed by LibRaw.
//!
//! Previews, and DNG as far as our own developer knows it, are the work of `vss-raster`. LibRaw (`shim`)
//! is linked dynamically, and is behind a few functions of C++ that are compiled against the headers
//! of the library that is installed.
//!
//! Without the feature `engine` there is only the descriptor, and nothing native to link.

mod descriptor;

#[cfg(feature = "engine")]
mod develop;
#[cfg(feature = "engine")]
mod generator;
#[cfg(feature = "engine")]
mod once;
#[cfg(feature = "engine")]
mod shim;

pub use descriptor::descriptor;
#[cfg(feature = "engine")]
pub use generator::LibRawGenerator;
