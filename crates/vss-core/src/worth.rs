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
    !CHEAP.contains(kind) || !matches!(source, SidecarSource::Generator(_))
}

#[cfg(test)]
mod tests {
    use super::*;

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
