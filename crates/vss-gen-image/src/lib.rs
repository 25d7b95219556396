//! Generator for still pictures: every wanted thumbnail of a picture from one decode of it.
//!
//! The path of a picture through this crate is a straight line. `source` reads the descriptor;
//! `jpeg`, `raster` or `tiff` checks the header against the limits, then decodes; the
//! decoded pixels are resized to the largest wanted size, brought to sRGB (`colour`) and turned
//! upright (`orientation`) there, where it is cheap; smaller sizes follow from larger ones
//! (`cascade`); `webp` writes them, without any metadata. Everything that costs memory or time
//! to set up lives in a `scratch` that one job uses at a time.
//!
//! Damaged input is an error, never a panic, and a picture of which a part can be decoded is kept
//! and marked as degraded.
//!
//! Without the feature `engine` there is only the descriptor, and nothing native to link.

mod descriptor;

#[cfg(feature = "engine")]
mod cascade;
#[cfg(feature = "engine")]
mod colour;
#[cfg(feature = "engine")]
mod decoded;
#[cfg(feature = "engine")]
mod failure;
#[cfg(feature = "engine")]
mod generator;
#[cfg(feature = "engine")]
mod jpeg;
#[cfg(feature = "engine")]
mod limits;
#[cfg(feature = "engine")]
mod orientation;
#[cfg(feature = "engine")]
mod raster;
#[cfg(feature = "engine")]
mod scratch;
#[cfg(feature = "engine")]
mod source;
#[cfg(feature = "engine")]
mod tiff;
#[cfg(feature = "engine")]
mod webp;

pub use descriptor::descriptor;
#[cfg(feature = "engine")]
pub use generator::ImageGenerator;
