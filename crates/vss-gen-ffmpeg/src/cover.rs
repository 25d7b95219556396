//! The picture that belongs to a song as a whole.

use vss_core::plan::DecodeLimits;
use vss_raster::Outcome;

use crate::av::{AvError, Decoder, Frame, Input};
use crate::streams::Video;

/// Decodes it.
///
/// # Errors
/// When it is damaged.
pub(crate) fn decode(input: &Input<'_>, cover: &Video, limits: &DecodeLimits) -> Outcome<Frame> {
    let index = cover.facts.index;
    let decoded = Decoder::open(input, index, limits).and_then(|mut decoder| {
        let mut frame = Frame::new()?;
        decoder.send(Some(&input.picture(index)?))?;
        decoder.send(None)?;
        decoder.receive(&mut frame)?;
        Ok(frame)
    });
    decoded.map_err(AvError::of_source)
}
