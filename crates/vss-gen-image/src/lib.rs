//! Generator for still pictures: every wanted thumbnail of a picture from one decode of it.
//!
//! The pixels are the work of `vss-raster`; here is which media types become which kinds, and the
//! generator around it.
//!
//! Without the feature `engine` there is only the descriptor, and nothing native to link.

mod descriptor;

#[cfg(feature = "engine")]
mod generator;

pub use descriptor::descriptor;
#[cfg(feature = "engine")]
pub use generator::ImageGenerator;
