//! Which streams of an original are looked at, held against the limits before anything of them is
//! decoded.

use std::cmp::Reverse;

use vss_core::plan::{DecodeLimits, Recipe};
use vss_ports::GenerateFailure;
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

/// Memory of a proxy beside its frames: tables of the encoders, buffers and the index of the file.
const ENCODING: u64 = 60 << 20;

/// Frames that an encoder of pictures holds to look ahead and back, with what it knows of them.
const ENCODED_FRAMES: u64 = 30;

/// The streams of an original that count.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Streams {
    /// The moving pictures.
    pub(crate) video: Option<Video>,
    /// A picture that belongs to the whole.
    pub(crate) cover: Option<Video>,
    /// The sound.
    pub(crate) audio: Option<StreamFacts>,
    /// Why the sound is none, or not the one that the file names.
    pub(crate) unheard: Option<String>,
    /// Why there are no moving pictures when there is a stream of them.
    refused: Option<GenerateFailure>,
    /// Why there is no cover when there is a stream of one.
    refused_cover: Option<GenerateFailure>,
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
    /// The first stream of each sort that can be decoded, the best of sound. Pictures that make no sense or are
    /// beyond the limits are left out: that costs what is made of them, and nothing else.
    ///
    /// # Errors
    /// `unsupported` or `corrupt_source` when there is none of any, and why the pictures are left
    /// out when there is nothing else.
    pub(crate) fn of(input: &mut Input<'_>, limits: &DecodeLimits) -> Outcome<Self> {
        let all = input.streams();
        let first = |media: Media| {
            let fits = |s: &&StreamFacts| s.media == media && s.decodable;
            all.iter().find(fits).cloned()
        };
        let seen = |facts: StreamFacts| -> Outcome<Video> {
            check_size(limits, facts.width, facts.height)?;
            check_bytes(limits, frame_bytes(&facts))?;
            let turn = facts.matrix.map_or(Turn::Upright, Turn::of_matrix);
            let stored = (facts.width, facts.height);
            let view = View::new(stored, facts.pixel_shape, turn);
            Ok(Video { facts, view })
        };
        let refused = all
            .iter()
            .find(|s| matches!(s.media, Media::Video) && !s.decodable)
            .map(|s| unsupported(format!("video coded as {} is not read", s.codec)));
        let video = first(Media::Video);
        let (audio, unheard) = sound(&all);
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
        let (video, refused) = apart(video.map(seen), refused);
        let (cover, refused_cover) = apart(first(Media::Picture).map(seen), None);
        if let (None, None, None, Some(failure)) = (&video, &audio, &cover, &refused) {
            return Err(failure.clone());
        }
        let firsts = [video.as_ref().map(|video| &video.facts), audio.as_ref()];
        let firsts = firsts.into_iter().flatten();
        let firsts = firsts.filter_map(|s| Some(s.time_base.rescale(s.start?, Ratio::MICROS)));
        Ok(Self {
            start: input.start().or(firsts.min()).unwrap_or(0),
            video,
            cover,
            audio,
            unheard,
            refused,
            refused_cover,
            length,
        })
    }

    /// Why there are no moving pictures, for who asked for them.
    pub(crate) fn no_video(&self) -> GenerateFailure {
        let nothing = || unsupported("it holds no video and no cover");
        self.refused.clone().unwrap_or_else(nothing)
    }

    /// Why there is nothing to see, for who asked for a picture.
    pub(crate) fn no_picture(&self) -> GenerateFailure {
        let cover = self.refused_cover.as_ref();
        match self.refused.as_ref().or(cover) {
            Some(failure) => failure.clone(),
            None => self.no_video(),
        }
    }

    /// Bytes that decoding will hold, and making all of this.
    pub(crate) fn memory<'r>(
        &self,
        limits: &DecodeLimits,
        recipes: impl Iterator<Item = &'r Recipe>,
    ) -> u64 {
        let Some(video) = self.video.as_ref().or(self.cover.as_ref()) else {
            return BESIDE;
        };
        let held = frame_bytes(&video.facts).saturating_mul(HELD_FRAMES);
        let held = held.min(limits.max_decoded_bytes);
        let making = self.video.as_ref().map_or(0, |video| {
            let bytes = recipes.map(|recipe| making(video, recipe));
            bytes.fold(0, u64::saturating_add)
        });
        making.saturating_add(held).saturating_add(BESIDE)
    }
}

/// Bytes that are held to make something of a video, beside what is decoded.
fn making(video: &Video, recipe: &Recipe) -> u64 {
    if let Recipe::Proxy(proxy) = recipe {
        let (width, height) = video.view.proxy(proxy.short_side);
        let frames = bytes_of(width, height, 3).saturating_mul(ENCODED_FRAMES);
        return frames.saturating_add(ENCODING);
    }
    let canvas = recipe.strip().map(|strip| {
        let (width, height) = video.view.fitted(strip.tile_side);
        let tiles = u64::from(strip.columns).saturating_mul(strip.rows.into());
        bytes_of(width, height, 3).saturating_mul(tiles)
    });
    canvas.unwrap_or(0)
}

/// The sound that a film is to be heard with: one that the file names, before one that is somebody
/// talking over it, before one of fewer channels; and what is to be said when a better one cannot
/// be decoded.
fn sound(all: &[StreamFacts]) -> (Option<StreamFacts>, Option<String>) {
    let rank = |s: &StreamFacts| (s.named, !s.aside);
    let heard = all.iter().filter(|s| s.media == Media::Audio);
    let (can, cannot): (Vec<_>, Vec<_>) = heard.partition(|s| s.decodable);
    let better = |s: &&StreamFacts| (rank(s), s.channels, Reverse(s.index));
    let chosen = can.into_iter().max_by_key(better);
    let missed = cannot.into_iter().max_by_key(better);
    let missed = missed.filter(|missed| chosen.is_none_or(|chosen| rank(chosen) < rank(missed)));
    let unheard = missed.map(|missed| {
        let instead = chosen.map_or("", |_| ", another was taken");
        format!("audio coded as {} is not read{instead}", missed.codec)
    });
    (chosen.cloned(), unheard)
}

/// A frame of a stream: 4:2:0 of 10 bits; nothing common takes more, and what does has fewer
/// references.
fn frame_bytes(facts: &StreamFacts) -> u64 {
    bytes_of(facts.width, facts.height, 3)
}

/// What is seen, and why it is not.
fn apart(
    seen: Option<Outcome<Video>>,
    refused: Option<GenerateFailure>,
) -> (Option<Video>, Option<GenerateFailure>) {
    match seen {
        Some(Ok(video)) => (Some(video), None),
        Some(Err(failure)) => (None, Some(failure)),
        None => (None, refused),
    }
}
