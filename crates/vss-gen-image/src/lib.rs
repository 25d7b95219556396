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

mod cascade;
mod colour;
mod decoded;
mod failure;
mod generator;
mod jpeg;
mod limits;
mod orientation;
mod raster;
mod scratch;
mod source;
mod tiff;
mod webp;

pub use generator::ImageGenerator;
