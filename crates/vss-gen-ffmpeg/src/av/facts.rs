//! What the streams of an original claim to be.

use std::ffi::c_int;
use std::ptr;

use ffmpeg_next::ffi;

use super::input::{Input, allowed_decoder};
use super::{Coding, Ratio, numbers, time};

/// What a stream is when it is not the film's own sound.
const ASIDE: c_int = ffi::AV_DISPOSITION_COMMENT
    | ffi::AV_DISPOSITION_HEARING_IMPAIRED
    | ffi::AV_DISPOSITION_VISUAL_IMPAIRED
    | ffi::AV_DISPOSITION_DESCRIPTIONS;

/// Frames a second up to which a guess is believed alone: of an original that does not say, FFmpeg
/// guesses how its times are counted.
const FAST: f64 = 120.0;

/// Frames a second beyond which nobody is believed.
const FASTEST: f64 = 1_000.0;

/// What a stream is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Media {
    /// Moving pictures.
    Video,
    /// One picture that belongs to the whole, such as a cover.
    Picture,
    /// Sound.
    Audio,
    /// Anything else.
    Other,
}

/// What a stream claims to be.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct StreamFacts {
    /// Its place among the streams.
    pub(crate) index: usize,
    /// What it is.
    pub(crate) media: Media,
    /// The name of its codec.
    pub(crate) codec: String,
    /// Whether there is a decoder for it, and it is allowed.
    pub(crate) decodable: bool,
    /// Width in stored pixels, of video.
    pub(crate) width: u32,
    /// Height in pixels, of video.
    pub(crate) height: u32,
    /// How its colours are coded.
    pub(crate) coding: Coding,
    /// The shape of its pixels.
    pub(crate) pixel_shape: Ratio,
    /// Frames a second, on average; 0 when nobody knows.
    pub(crate) rate: Ratio,
    /// The rows of its display matrix that turn and mirror: a b, c d.
    pub(crate) matrix: Option<[i32; 4]>,
    /// The unit of its times.
    pub(crate) time_base: Ratio,
    /// Its first time.
    pub(crate) start: Option<i64>,
    /// How long it claims to be.
    pub(crate) duration: Option<i64>,
    /// Samples a second, of audio.
    pub(crate) sample_rate: i32,
    /// Channels, of audio.
    pub(crate) channels: i32,
    /// Whether the file names it as the one of its sort to begin with.
    pub(crate) named: bool,
    /// Whether it is somebody talking over the film, or for who cannot see or hear it.
    pub(crate) aside: bool,
}

impl Input<'_> {
    pub(super) fn facts(&mut self, index: usize) -> Option<StreamFacts> {
        let context = self.as_mut_ptr();
        let matrix = self.matrix(index);
        let stream = self.stream(index)?;
        // SAFETY: every stream has parameters, which live as long as it.
        let par = unsafe { stream.codecpar.as_ref() }?;
        let picture = stream.disposition & ffi::AV_DISPOSITION_ATTACHED_PIC != 0;
        let [video, audio] = [
            ffi::AVMediaType::AVMEDIA_TYPE_VIDEO as c_int,
            ffi::AVMediaType::AVMEDIA_TYPE_AUDIO as c_int,
        ];
        let media = match numbers::media(par) {
            media if media == video && picture => Media::Picture,
            media if media == video => Media::Video,
            media if media == audio => Media::Audio,
            _ => Media::Other,
        };
        let own = ptr::from_ref(stream).cast_mut();
        // SAFETY: the stream is of this context; both calls only look at them.
        let (shape, rate) = unsafe {
            (
                ffi::av_guess_sample_aspect_ratio(context, own, ptr::null_mut()),
                ffi::av_guess_frame_rate(context, own, ptr::null_mut()),
            )
        };
        let (width, height) = self.claims.get(index).copied().unwrap_or_default();
        let size = |claimed: i32, seen: i32| match seen {
            0 => u32::try_from(claimed).unwrap_or(0),
            seen => u32::try_from(seen).unwrap_or(0),
        };
        Some(StreamFacts {
            index,
            media,
            codec: numbers::name_of_codec(numbers::codec(par)),
            decodable: allowed_decoder(stream.codecpar).is_some(),
            width: size(width, par.width),
            height: size(height, par.height),
            coding: Coding::of(par),
            pixel_shape: shape.into(),
            rate: believed(rate.into(), stream.avg_frame_rate.into()),
            matrix,
            time_base: stream.time_base.into(),
            start: time(stream.start_time),
            duration: time(stream.duration).filter(|duration| *duration > 0),
            sample_rate: par.sample_rate,
            channels: par.ch_layout.nb_channels,
            named: stream.disposition & ffi::AV_DISPOSITION_DEFAULT != 0,
            aside: stream.disposition & ASIDE != 0,
        })
    }

    /// The display matrix is 3 by 3; the third column and row do not turn.
    fn matrix(&self, index: usize) -> Option<[i32; 4]> {
        let stream = self.owner.stream(index)?;
        let data = stream
            .side_data()
            .find(|data| data.kind() == ffmpeg_next::packet::side_data::Type::DisplayMatrix)?;
        let cell = |at: usize| {
            let bytes = data.data().get(4 * at..4 * at + 4)?;
            Some(i32::from_ne_bytes(bytes.try_into().ok()?))
        };
        Some([cell(0)?, cell(1)?, cell(3)?, cell(4)?])
    }
}

/// The rate of frames by a guess and by what was counted.
fn believed(guess: Ratio, average: Ratio) -> Ratio {
    let agrees = average.is_positive()
        && (0.8..=1.25).contains(&(average.value() / guess.value()))
        && guess.value() <= FASTEST;
    if guess.is_positive() && (guess.value() <= FAST || agrees) {
        return guess;
    }
    match average.is_positive() && average.value() <= FAST {
        true => average,
        false => Ratio { num: 0, den: 1 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_of_time_is_no_rate_of_frames() {
        let of = |guess: (i32, i32), average: (i32, i32)| {
            let [guess, average] = [guess, average].map(|(num, den)| Ratio { num, den });
            let believed = believed(guess, average);
            (believed.num, believed.den)
        };
        assert_eq!(of((30_000, 1_001), (0, 0)), (30_000, 1_001));
        assert_eq!(of((120, 1), (0, 0)), (120, 1));
        assert_eq!(of((240, 1), (23_976, 100)), (240, 1));
        // As variable rates are: in Matroska, in transport streams, with a sum of them at hand.
        assert_eq!(of((1_000, 1), (0, 0)), (0, 1));
        assert_eq!(of((90_000, 1), (0, 0)), (0, 1));
        assert_eq!(of((1_000, 1), (75, 1)), (75, 1));
        assert_eq!(of((0, 0), (25, 1)), (25, 1));
        assert_eq!(of((0, 0), (0, 0)), (0, 1));
        assert_eq!(of((5_000, 1), (5_000, 1)), (0, 1));
    }
}
