//! Which streams of an original are looked at, held against the limits before anything of them is
//! decoded.

use vss_core::plan::DecodeLimits;
use vss_raster::Outcome;
use vss_raster::failure::{corrupt, unsupported};
use vss_raster::limits::{bytes_of, check_bytes, check_size};

use crate::av::{Input, Media, Ratio, StreamFacts};
use crate::turn::Turn;
use crate::view::View;

/// Frames that a decoder holds while others refer to them, on average.
const HELD_FRAMES: u64 = 4;

/// Memory beside pictures: buffers of streams, tables of codecs.
const BESIDE: u64 = 16 << 20;

/// The streams of an original that count.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Streams {
    /// The moving pictures.
    pub(crate) video: Option<Video>,
    /// A picture that belongs to the whole.
    pub(crate) cover: Option<Video>,
    /// The sound.
    pub(crate) audio: Option<StreamFacts>,
    /// Why there are no pictures when there is a stream of them.
    refused: Option<String>,
    /// Microseconds at which the whole begins.
    pub(crate) start: i64,
    /// Microseconds that it claims to play.
    pub(crate) length: Option<i64>,
}

/// A stream of pictures and how it is to be seen.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Video {
    /// What it claims.
    pub(crate) facts: StreamFacts,
    /// How it is seen.
    pub(crate) view: View,
}

impl Video {
    /// The units of its times and of its frames.
    pub(crate) const fn timing(&self) -> (Ratio, Ratio) {
        (self.facts.time_base, self.facts.rate)
    }
}

impl Streams {
    /// The first stream of each sort that can be decoded.
    ///
    /// # Errors
    /// `unsupported` or `corrupt_source` when there is none of any, `too_large` when the pictures
    /// are beyond the limits.
    pub(crate) fn of(input: &mut Input<'_>, limits: &DecodeLimits) -> Outcome<Self> {
        let all = input.streams();
        let first = |media: Media| {
            let fits = |s: &&StreamFacts| s.media == media && s.decodable;
            all.iter().find(fits).cloned()
        };
        let seen = |facts: StreamFacts| -> Outcome<Video> {
            check_size(limits, facts.width, facts.height)?;
            let turn = facts.matrix.map_or(Turn::Upright, Turn::of_matrix);
            let stored = (facts.width, facts.height);
            let view = View::new(stored, facts.pixel_shape, turn);
            Ok(Video { facts, view })
        };
        let refused = all
            .iter()
            .find(|s| matches!(s.media, Media::Video) && !s.decodable)
            .map(|s| format!("video coded as {} is not read", s.codec));
        let (video, audio) = (first(Media::Video), first(Media::Audio));
        if video.is_none() && audio.is_none() {
            let sorts: Vec<_> = all.iter().map(|s| s.codec.as_str()).collect();
            return Err(match sorts.is_empty() {
                true => corrupt("it holds no streams"),
                false => unsupported(format!(
                    "it holds neither video nor audio that is read: {}",
                    sorts.join(", ")
                )),
            });
        }
        let claims = [&video, &audio].into_iter().flatten();
        let claims = claims
            .filter_map(|s| Some(s.time_base.rescale(s.duration?, Ratio::MICROS)))
            .chain(input.length());
        let length = claims.max();
        Ok(Self {
            video: video.map(seen).transpose()?,
            cover: first(Media::Picture).map(seen).transpose()?,
            audio,
            refused,
            start: input.start().unwrap_or(0),
            length,
        })
    }

    /// Why there is nothing to see, for who asked for a picture.
    pub(crate) fn no_picture(&self) -> String {
        let nothing = || "it holds no video and no cover".into();
        self.refused.clone().unwrap_or_else(nothing)
    }

    /// Bytes that decoding will hold.
    ///
    /// # Errors
    /// `too_large` when the limits do not allow them.
    pub(crate) fn memory(&self, limits: &DecodeLimits) -> Outcome<u64> {
        let Some(video) = self.video.as_ref().or(self.cover.as_ref()) else {
            return Ok(BESIDE);
        };
        // 4:2:0 of 10 bits; nothing common takes more, and what does has fewer references.
        let frame = bytes_of(video.facts.width, video.facts.height, 3);
        check_bytes(limits, frame)?;
        Ok((frame * HELD_FRAMES).min(limits.max_decoded_bytes) + BESIDE)
    }
}
