//! What the generator reads and makes, known without its engine.

use semver::Version;
use vss_core::Kind;
use vss_core::plan::GeneratorDescriptor;

/// Containers of video, which may turn out to hold audio alone.
pub(crate) const VIDEO: [&str; 13] = [
    "video/mp4",
    "video/quicktime",
    "video/x-m4v",
    "video/3gpp",
    "video/3gpp2",
    "video/x-matroska",
    "video/webm",
    "video/x-msvideo",
    "video/mpeg",
    "video/mp2t",
    "video/x-flv",
    "video/x-ms-wmv",
    "video/ogg",
];

/// Containers of audio, which may hold a cover.
pub(crate) const AUDIO: [&str; 12] = [
    "audio/mpeg",
    "audio/mp4",
    "audio/flac",
    "audio/ogg",
    "audio/wav",
    "audio/x-wav",
    "audio/aac",
    "audio/aiff",
    "audio/x-aiff",
    "audio/amr",
    "audio/x-ms-wma",
    "audio/x-matroska",
];

/// A generator named `ffmpeg`, version 1.3.0.
pub fn descriptor() -> GeneratorDescriptor {
    let of_video = [
        Kind::THUMB,
        Kind::THUMBSTRIP,
        Kind::THUMBSTRIP_MAP,
        Kind::PROXY,
        Kind::WAVEFORM,
        Kind::PCM,
    ];
    let of_audio = [Kind::THUMB, Kind::WAVEFORM, Kind::PCM];
    let version = Version::new(1, 3, 0);
    GeneratorDescriptor::of(
        "ffmpeg",
        version,
        &[(&VIDEO, &of_video), (&AUDIO, &of_audio)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_song_has_a_cover_and_a_waveform_and_no_proxy() {
        let descriptor = descriptor();
        let song = "audio/mpeg".parse().unwrap();
        assert!(descriptor.makes(&Kind::THUMB, &song));
        assert!(descriptor.makes(&Kind::WAVEFORM, &song));
        assert!(!descriptor.makes(&Kind::PROXY, &song));
        let film = "video/x-matroska".parse().unwrap();
        assert!(descriptor.makes(&Kind::PROXY, &film));
        assert!(descriptor.makes(&Kind::THUMBSTRIP_MAP, &film));
    }
}
