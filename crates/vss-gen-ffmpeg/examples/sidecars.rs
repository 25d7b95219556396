//! Makes what is named of a film, for who measures what that costs.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program that opens the files it is given"
)]

use std::fs::File;

use vss_core::Format;
use vss_core::plan::{DecodeLimits, ProxyRecipe, Recipe, StillRecipe, StripRecipe, WaveformRecipe};
use vss_gen_ffmpeg::{FfmpegGenerator, Passes};
use vss_ports::{CancelToken, GenerateJob, Generator, JobOutput, Unlimited};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "sidecars FILM FOLDER still|strip|proxy|waveform..";
    let (film, folder) = arguments.next().zip(arguments.next()).ok_or(usage)?;
    let strip = StripRecipe {
        columns: 5,
        rows: 5,
        tile_side: 320,
        quality: 75,
    };
    let proxy = ProxyRecipe {
        short_side: 720,
        crf: 23,
        audio_bitrate: 128_000,
    };
    let mut wanted = Vec::new();
    for name in arguments {
        match name.as_str() {
            "still" => wanted.extend([256, 512, 1_024].map(|max_side| {
                let quality = 85;
                (
                    Format::WEBP,
                    Recipe::Still(StillRecipe { max_side, quality }),
                )
            })),
            "strip" => wanted.push((Format::WEBP, Recipe::Strip(strip))),
            "proxy" => wanted.push((Format::MP4, Recipe::Proxy(proxy))),
            "waveform" => {
                let points = 1_000;
                let recipe = Recipe::Waveform(WaveformRecipe { points });
                wanted.push((Format::JSON, recipe));
            }
            _ => return Err(usage.into()),
        }
    }
    println!("{}", Passes::of(wanted.iter().map(|(_, recipe)| recipe)));
    let file = |at: usize| {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        options.open(format!("{folder}/{at}.{}", wanted[at].0))
    };
    let files = (0..wanted.len()).map(file).collect::<Result<Vec<_>, _>>()?;
    let output = |((format, recipe), file)| JobOutput {
        format,
        recipe,
        file,
    };
    let pairs = wanted.iter().map(|(format, recipe)| (format, recipe));
    let outputs: Vec<_> = pairs.zip(&files).map(output).collect();
    let source = File::open(film)?;
    let answers = FfmpegGenerator::new().generate(&GenerateJob {
        source: &source,
        source_size: source.metadata()?.len(),
        media_type: &"video/mp4".parse()?,
        limits: DecodeLimits::default(),
        outputs: &outputs,
        host: &Unlimited,
        cancel: CancelToken::new(),
    })?;
    for answer in answers {
        println!("{:?}", answer?);
    }
    Ok(())
}
