//! From a frame to the canvas that all stills are made of.

use vss_raster::failure::corrupt;
use vss_raster::{Decoded, Layout, Outcome, Scratch};

use crate::av::{AvError, Frame};
use crate::streams::Video;
use crate::view::Pixels;

/// Draws a frame onto the canvas, no larger than the largest still.
///
/// # Errors
/// When it cannot be scaled, or there is no memory for it.
pub(crate) fn draw(
    video: &Video,
    frame: &mut Frame,
    side: u32,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let (pixels, layout) = match frame.has_alpha() {
        true => (Pixels::Rgba, Layout::Rgba),
        false => (Pixels::Rgb, Layout::Rgb),
    };
    let size = video.view.fitted(side);
    let drawn = video
        .view
        .graph(frame, video.timing(), size, pixels)
        .and_then(|mut graph| {
            graph.push(Some(frame))?;
            let mut drawn = Frame::new()?;
            graph.pull(&mut drawn)?;
            Ok(drawn)
        });
    let drawn = drawn.map_err(AvError::of_source)?;
    if (drawn.width(), drawn.height()) != size {
        return Err(corrupt("a frame of another size than it was scaled to"));
    }
    let channels = layout.channels();
    let rows = drawn.rows(channels).map_err(AvError::of_source)?;
    let row = size.0 as usize * channels;
    let canvas = scratch.canvas(row * size.1 as usize)?;
    for (target, source) in canvas.chunks_exact_mut(row).zip(rows) {
        target.copy_from_slice(source);
    }
    let (width, height) = video.view.size;
    Ok(Decoded {
        width,
        height,
        ..Decoded::unscaled(size.0, size.1, layout)
    })
}
