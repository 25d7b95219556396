//! Pixels of untrusted pictures: what several engines do alike between a descriptor and a written
//! still.
//!
//! The path of a picture is a straight line. [`Source`] reads the descriptor; [`decode`] picks the
//! decoder by media type, holds the header's claims against the limits of the [`Room`] and decodes
//! into a [`Scratch`]; [`stills`] resizes to the largest wanted size, brings the pixels to sRGB
//! and turns them upright there, where it is cheap, makes smaller sizes from larger ones and
//! writes each as WebP without any metadata. Who has pixels from elsewhere, such as a frame of a
//! film, puts them into [`Scratch::canvas`] and says with a [`Decoded`] what they are. [`gray`] is
//! for who reads text.
//!
//! Damaged input is a failure, never a panic, and a picture of which a part can be decoded is kept
//! and marked as degraded.

mod cascade;
mod colour;
mod decoded;
#[cfg(feature = "svg")]
mod fonts;
mod formats;
mod gray;
#[cfg(feature = "heic")]
mod heic;
#[cfg(feature = "jp2")]
mod jp2;
mod jpeg;
#[cfg(feature = "jxl")]
mod jxl;
mod orientation;
#[cfg(feature = "pdf")]
mod pdf;
#[cfg(feature = "pdf")]
mod pictures;
mod plain;
#[cfg(feature = "psd")]
mod psd;
#[cfg(feature = "raw")]
mod raw;
mod scratch;
mod source;
mod stills;
#[cfg(feature = "svg")]
mod svg;
mod tiff;
mod tone;

pub mod boxes;
pub mod bytes;
pub mod failure;
pub mod limits;
pub mod webp;

pub use cascade::fitted;
pub use colour::{divide_by_alpha, profile_of};
pub use decoded::{Decoded, Layout};
pub use failure::Outcome;
#[cfg(feature = "svg")]
pub use fonts::Fonts;
#[cfg(feature = "raw")]
pub use formats::camera_side;
pub use formats::{decode, reads};
pub use gray::{Gray, gray, luma};
pub use limits::Room;
pub use orientation::Orientation;
#[cfg(feature = "pdf")]
pub use pictures::held_by_pictures;
pub use scratch::{Pool, Scratch};
pub use source::{Source, SourceReader};
pub use stills::{largest, stills};
pub use tone::Tone;
