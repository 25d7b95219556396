//! From a decoded frame to the picture that a viewer is to see: upright, square pixels, ordinary
//! dynamic range, at a wanted size.

use vss_raster::fitted;

use crate::av::{AvResult, Coding, Frame, Graph, Ratio, Transfer};
use crate::chain::Chain;
use crate::turn::Turn;

/// Exact, where colours are coded in another way than before: else they differ from one processor to
/// the other.
const EXACT: &str = "flags=bicubic+accurate_rnd+full_chroma_int+bitexact";

/// As FFmpeg scales unasked, where they are not: a tenth of a proxy's time less.
const PLAIN: &str = "flags=bicubic";

/// One moment of each frame that has two, from the frames before and after it; others stay.
const ONE_MOMENT: &str = "bwdif=mode=send_frame:deint=interlaced,";

/// The same of a frame alone: every other row, which is all that one moment has.
const ONE_FIELD: &str = "field=type=top,";

/// Rows and columns that there are at least in what is taken apart.
const LEAST: u32 = 8;

/// How the frames of a stream are to be seen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct View {
    /// What it takes to stand upright.
    pub(crate) turn: Turn,
    /// Upright, with square pixels, as large as it is.
    pub(crate) size: (u32, u32),
}

/// What pictures are made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pixels {
    /// Red, green, blue.
    Rgb,
    /// With straight alpha.
    Rgba,
    /// Grey alone.
    Gray,
    /// 4:2:0 with 8 bits as video has it.
    Video(Coding),
}

impl Pixels {
    const fn name(self) -> &'static str {
        match self {
            Self::Rgb => "rgb24",
            Self::Rgba => "rgba",
            Self::Gray => "gray",
            Self::Video(_) => "yuv420p",
        }
    }
}

impl View {
    /// How a stream of this stored size is seen.
    pub(crate) fn new(stored: (u32, u32), shape: Ratio, turn: Turn) -> Self {
        Self {
            turn,
            size: turn.apply(squared(stored, shape)),
        }
    }

    /// The size at which the longer side has at most so many pixels.
    pub(crate) fn fitted(&self, max_side: u32) -> (u32, u32) {
        fitted(self.size, max_side)
    }

    /// The size of a proxy: the shorter side has at most so many pixels; both are even, as 4:2:0
    /// wants it, and none is larger than it was.
    pub(crate) fn proxy(&self, short_side: u32) -> (u32, u32) {
        let (width, height) = self.size;
        let shorter = width.min(height).max(1);
        let even = |side: u32| {
            let (side, shorter, wanted) = (u64::from(side), u64::from(shorter), short_side.into());
            let scaled = match shorter > wanted {
                // To the nearest even number.
                true => (side * wanted + shorter) / (2 * shorter) * 2,
                false => side / 2 * 2,
            };
            u32::try_from(scaled).unwrap_or(u32::MAX).max(2)
        };
        (even(width), even(height))
    }

    /// A chain that makes such pictures of frames like this one.
    ///
    /// # Errors
    /// When FFmpeg cannot.
    pub(crate) fn graph(
        &self,
        like: &Frame,
        (time_base, rate): (Ratio, Ratio),
        size: (u32, u32),
        pixels: Pixels,
    ) -> AvResult<Chain> {
        let (width, height) = self.turn.apply(size);
        // Grey is only looked at, and pictures that can be transparent are of an ordinary range.
        let transfer = match pixels {
            Pixels::Rgb | Pixels::Video(_) => like.transfer(),
            Pixels::Gray | Pixels::Rgba => Transfer::Usual,
        };
        let usual = transfer == Transfer::Usual;
        let kept = |coding: Coding| usual && like.is_coded_as(coding);
        let scaling = match pixels {
            Pixels::Gray => "flags=neighbor",
            Pixels::Video(coding) if kept(coding) => PLAIN,
            _ => EXACT,
        };
        let mut chain = one_moment(like, pixels).to_owned();
        chain.push_str(&format!("scale={width}:{height}:{scaling}"));
        if !like.says_matrix() {
            let matrix = match usual {
                true => Coding::unsaid(like.height()).matrix(),
                false => "bt2020",
            };
            chain.push_str(&format!(":in_color_matrix={matrix}"));
        }
        if let (true, Pixels::Video(coding)) = (usual, pixels) {
            chain.push_str(&to_video(coding));
        }
        chain.push_str(",format=");
        chain.push_str(match usual {
            true => pixels.name(),
            false => "rgb48le",
        });
        chain.push_str(self.turn.filters());
        chain.push_str(",setsar=1");
        let mut graph = Graph::video(like, time_base, rate, &chain)?;
        if chain.starts_with(ONE_MOMENT) {
            graph.take_whole();
        }
        // From red, green and blue to what an encoder takes.
        let after = match pixels {
            Pixels::Video(coding) => format!("scale={EXACT}{},format=yuv420p", to_video(coding)),
            _ => String::new(),
        };
        Ok(Chain::bent(graph, transfer, after))
    }
}

/// How the colours of ordinary films are to be coded, for a filter that scales.
fn to_video(coding: Coding) -> String {
    format!(":out_color_matrix={}:out_range=tv", coding.matrix())
}

/// What makes one moment of a frame that has two.
fn one_moment(like: &Frame, pixels: Pixels) -> &'static str {
    if !like.is_interlaced() || like.width().min(like.height()) < LEAST {
        return "";
    }
    match pixels {
        Pixels::Video(_) if Graph::has(c"bwdif") => ONE_MOMENT,
        Pixels::Gray => "",
        _ if Graph::has(c"field") => ONE_FIELD,
        _ => "",
    }
}

/// A size in square pixels; a shape that no camera makes is not believed.
fn squared((width, height): (u32, u32), shape: Ratio) -> (u32, u32) {
    let believable = shape.is_positive() && (0.1..=10.0).contains(&shape.value());
    if !believable || shape.num == shape.den {
        return (width, height);
    }
    let (num, den) = (
        u64::from(shape.num.unsigned_abs()),
        u64::from(shape.den.unsigned_abs()),
    );
    let wide = (u64::from(width) * num + den / 2) / den;
    (u32::try_from(wide).unwrap_or(width).max(1), height)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: Ratio = Ratio { num: 1, den: 1 };

    #[test]
    fn a_proxy_is_even_and_never_larger_than_the_original() {
        let of = |size, short| View::new(size, SQUARE, Turn::Upright).proxy(short);
        assert_eq!(of((1920, 1080), 720), (1280, 720));
        assert_eq!(of((1920, 1080), 2160), (1920, 1080));
        assert_eq!(of((161, 121), 480), (160, 120));
        assert_eq!(of((161, 121), 60), (80, 60));
        assert_eq!(of((854, 480), 180), (320, 180));
        assert_eq!(of((1, 9), 480), (2, 8));
        assert_eq!(of((1080, 1920), 480), (480, 854));
    }

    #[test]
    fn pixels_that_are_not_square_are_stretched_and_nonsense_is_not_believed() {
        let of = |num, den| View::new((720, 576), Ratio { num, den }, Turn::Upright).size;
        assert_eq!(of(16, 11), (1047, 576));
        assert_eq!(of(0, 1), (720, 576));
        assert_eq!(of(1, 1_000), (720, 576));
        let turned = View::new((720, 576), Ratio { num: 2, den: 1 }, Turn::Clockwise);
        assert_eq!(turned.size, (576, 1440));
        assert_eq!(turned.fitted(144), (58, 144));
    }
}
