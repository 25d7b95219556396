//! What a sidecar is worth: what it would cost to have it again.

use crate::{Kind, SidecarSource};

/// The kinds that any machine makes again in seconds.
const CHEAP: [Kind; 5] = [
    Kind::THUMB,
    Kind::THUMBSTRIP,
    Kind::THUMBSTRIP_MAP,
    Kind::WAVEFORM,
    Kind::PCM,
];

/// Whether a last copy must not go unless somebody asks for just that: what takes a machine minutes
/// or more (proxies, text, speech, vectors), what no generator made, and kinds of which nobody here
/// knows what they cost.
pub fn is_precious(kind: &Kind, source: &SidecarSource) -> bool {
    !CHEAP.contains(kind) || !can_be_made_again(source)
}

/// What only a person, another program or a model of unknown size made: nobody knows what it costs.
const UNKNOWN: u32 = u32::MAX;

/// What a mebibyte of a kind costs to make again, in milliseconds of a processor. Orders of
/// magnitude, which is all that an order needs: from docs/performance.md, the time of a job over the
/// size of what it makes, on the machine described there.
///
/// - 3 ms decode a second of sound, of which PCM is 32 kB;
/// - 95 ms make three thumbnails of a photo, 0.13 MiB together;
/// - 2.5 s make a proxy of five seconds at 720p, 1.7 MiB at the rate that plan counts with;
/// - 1 s finds the 25 frames of a strip in a film of minutes, 0.3 MiB;
/// - 0.9 s read a page, 20 kB of text with places;
/// - a waveform decodes all of a song for 20 kB, a map all of a strip for 2 kB.
///
/// Speech and vectors are made by models, a hundred times slower than reading text.
pub fn cost(kind: &Kind) -> u32 {
    match kind.as_str() {
        "pcm" => 100,
        "thumb" => 700,
        "proxy" => 1_500,
        "thumbstrip" => 3_000,
        "ocr" => 45_000,
        "waveform" => 50_000,
        "thumbstrip_map" => 500_000,
        "embeddings" => 1_000_000,
        "transcript" => 5_000_000,
        _ => UNKNOWN,
    }
}

/// Whether a generator made it, so that one can make it again while there is an original.
pub fn can_be_made_again(source: &SidecarSource) -> bool {
    matches!(source, SidecarSource::Generator(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbnails_cost_less_than_text_and_text_less_than_speech_and_nobody_knows_of_others() {
        let costs = [Kind::PCM, Kind::THUMB, Kind::OCR, Kind::TRANSCRIPT].map(|kind| cost(&kind));
        assert!(costs.is_sorted(), "{costs:?}");
        assert_eq!(cost(&"faces".parse().unwrap()), UNKNOWN);
        // No generator makes them.
        for kind in [Kind::LIVE, Kind::XMP, Kind::RENDITION, Kind::SUBTITLE] {
            assert_eq!(cost(&kind), UNKNOWN);
        }
    }

    #[test]
    fn only_what_a_generator_makes_in_seconds_is_cheap() {
        let made = SidecarSource::Generator("image".parse().unwrap());
        let cheap = Kind::ALL.into_iter().filter(|k| !is_precious(k, &made));
        assert_eq!(cheap.collect::<Vec<_>>(), CHEAP);
        for kind in Kind::ALL {
            assert!(is_precious(&kind, &SidecarSource::Adopted));
            assert!(is_precious(&kind, &SidecarSource::Converted));
        }
        assert!(is_precious(&"faces".parse().unwrap(), &made));
    }
}
