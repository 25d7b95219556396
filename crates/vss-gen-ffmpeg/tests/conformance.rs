//! The generator of video and audio keeps the contract of its port, for a film and for a song.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "what a test cannot set up, it has not shown"
)]

#[expect(dead_code, reason = "the other test binary needs more of it")]
#[path = "av/media.rs"]
mod media;

use std::sync::Arc;

use vss_conformance::generator::{GeneratorHarness, Sample, Wanted};
use vss_core::plan::{
    PcmRecipe, ProxyRecipe, Recipe, StillRecipe, StripMapRecipe, StripRecipe, WaveformRecipe,
};
use vss_core::{Format, Variant};
use vss_gen_ffmpeg::FfmpegGenerator;
use vss_ports::Generator;

struct Av {
    media_type: &'static str,
    good: Vec<u8>,
    boastful: Option<Vec<u8>>,
    known: Vec<Wanted>,
}

impl Av {
    fn sample(&self, bytes: &[u8]) -> Sample {
        Sample {
            media_type: self.media_type.parse().unwrap(),
            bytes: bytes.to_vec(),
        }
    }
}

impl GeneratorHarness for Av {
    fn fresh(&self) -> Arc<dyn Generator> {
        Arc::new(FfmpegGenerator::new())
    }

    fn good(&self) -> Sample {
        self.sample(&self.good)
    }

    fn mistaken(&self) -> Sample {
        self.sample(b"%PDF-1.7 is no film, whatever its name says, however long it may go on")
    }

    fn boastful(&self) -> Option<Sample> {
        self.boastful.as_ref().map(|bytes| self.sample(bytes))
    }

    fn known(&self) -> Vec<Wanted> {
        self.known.clone()
    }

    fn unknown(&self) -> Wanted {
        still(Format::JSON, 128)
    }
}

fn still(format: Format, max_side: u32) -> Wanted {
    let quality = 80;
    Wanted {
        format,
        recipe: Recipe::Still(StillRecipe { max_side, quality }),
    }
}

fn sounds() -> [Wanted; 2] {
    [
        Wanted {
            format: Format::JSON,
            recipe: Recipe::Waveform(WaveformRecipe { points: 50 }),
        },
        Wanted {
            format: Format::WAV,
            recipe: Recipe::Pcm(PcmRecipe {
                sample_rate: 16_000,
            }),
        },
    ]
}

/// What is looked up, and what is made of everything there is.
fn pictures() -> Vec<Wanted> {
    let strip = StripRecipe {
        columns: 3,
        rows: 2,
        tile_side: 48,
        quality: 75,
    };
    vec![
        still(Format::WEBP, 20),
        still(Format::WEBP, 128),
        Wanted {
            format: Format::WEBP,
            recipe: Recipe::Strip(strip),
        },
        Wanted {
            format: Format::VTT,
            recipe: Recipe::StripMap(StripMapRecipe::of(strip, &Variant::PREVIEW)),
        },
    ]
}

fn all() -> Vec<Wanted> {
    let proxy = |short_side, audio_bitrate| Wanted {
        format: Format::MP4,
        recipe: Recipe::Proxy(ProxyRecipe {
            short_side,
            crf: 28,
            audio_bitrate,
        }),
    };
    let mut all = pictures();
    all.extend([proxy(32, 0), proxy(64, 64_000)]);
    all.extend(sounds());
    all
}

/// Workers are started with this: FFmpeg reads memory that it did not write, and so the same film
/// would have other bytes after another job. Set only before a program starts, it is started again.
const PERTURB: (&str, &str) = ("MALLOC_PERTURB_", "85");

fn as_a_worker() {
    if std::env::var_os(PERTURB.0).is_some() {
        return;
    }
    let own = std::env::current_exe().unwrap();
    let mut again = std::process::Command::new(own);
    again.args(std::env::args_os().skip(1));
    let ended = again.env(PERTURB.0, PERTURB.1).status().unwrap();
    std::process::exit(ended.code().unwrap_or(1));
}

fn main() {
    as_a_worker();
    let film = media::film();
    let harnesses = [
        (
            "video-pictures",
            "video/x-msvideo",
            film.clone(),
            Some(media::boast()),
            pictures(),
        ),
        (
            "video-all",
            "video/x-msvideo",
            film,
            Some(media::boast()),
            all(),
        ),
        ("audio", "audio/wav", media::song(), None, sounds().to_vec()),
    ];
    let mut trials = Vec::new();
    for (adapter, media_type, good, boastful, known) in harnesses {
        let harness = Av {
            media_type,
            good,
            boastful,
            known,
        };
        let of_type = vss_conformance::generator::trials(adapter, Arc::new(harness));
        trials.extend(of_type);
    }
    vss_conformance::run(trials);
}
