//! Sidecars of films and pictures, made by a confined worker: what they cost beside other programs.
//!
//! `cargo run --release -p vss-worker --features av --example confined_sidecars -- OUT_DIR
//! poster|stills|strip|proxy|waveform[,..] FILE..` writes `FILE.NUMBER.ENDING`. What a file is, its
//! ending says.
#![expect(
    clippy::disallowed_methods,
    reason = "a program of its own, with files and a terminal"
)]

use std::error::Error;
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};

use vss_core::plan::{DecodeLimits, Policy, ProxyRecipe, Recipe, StillRecipe};
use vss_core::{Format, Kind, MediaType, Variant};
use vss_ports::{CancelToken, GenerateJob, Generator, JobOutput, Unlimited};
use vss_sandbox::{SandboxedGenerator, WorkerSettings};

const USAGE: &str = "usage: OUT_DIR poster|stills|strip|proxy|waveform[,..] FILE..";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (out, names) = arguments.next().zip(arguments.next()).ok_or(USAGE)?;
    let names = names.to_str().ok_or(USAGE)?;
    let wanted = names
        .split(',')
        .map(recipes)
        .collect::<Result<Vec<_>, _>>()?;
    let wanted = wanted.concat();
    let here = std::env::current_exe()?;
    let target = here.ancestors().nth(2).ok_or("built by cargo")?;
    let image = WorkerSettings::image(vss_gen_image::descriptor(), target.join("vss-worker-image"));
    let av = WorkerSettings::av(vss_gen_ffmpeg::descriptor(), target.join("vss-worker-av"));
    let raw = WorkerSettings::raw(vss_gen_libraw::descriptor(), target.join("vss-worker-raw"));
    let raw = Some(raw).filter(|raw| raw.program.exists());
    // A worker starts when there is work for it.
    let workers = raw.into_iter().chain([image, av]);
    let generators: Vec<_> = workers.map(SandboxedGenerator::new).collect();
    for file in arguments.map(PathBuf::from) {
        let media_type = media_type(&file)?;
        let reads = |g: &&SandboxedGenerator| g.descriptor().inputs().any(|i| *i == media_type);
        let generator = generators.iter().find(reads).ok_or("no worker reads it")?;
        make(generator, &file, &media_type, Path::new(&out), &wanted)
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

/// The standard presets of a kind: all, or one.
fn presets(kind: &Kind, only: Option<&Variant>) -> Vec<(Format, Recipe)> {
    let presets = Policy::standard().kinds.remove(kind).unwrap_or_default();
    let presets = presets.into_iter();
    let wanted = presets.filter(|(variant, _)| only.is_none_or(|only| only == variant));
    wanted
        .map(|(_, preset)| (preset.format, preset.recipe))
        .collect()
}

/// What a name on the command line stands for.
fn recipes(name: &str) -> Result<Vec<(Format, Recipe)>, Box<dyn Error>> {
    Ok(match name {
        "poster" => {
            let (max_side, quality) = (512, 80);
            let still = StillRecipe { max_side, quality };
            vec![(Format::WEBP, Recipe::Still(still))]
        }
        "stills" => presets(&Kind::THUMB, None),
        "strip" => {
            let kinds = [Kind::THUMBSTRIP, Kind::THUMBSTRIP_MAP];
            let presets = kinds.map(|kind| presets(&kind, Some(&Variant::PREVIEW)));
            presets.concat()
        }
        "proxy" => {
            let proxy = ProxyRecipe {
                short_side: 720,
                crf: 23,
                audio_bitrate: 128_000,
            };
            vec![(Format::MP4, Recipe::Proxy(proxy))]
        }
        "waveform" => presets(&Kind::WAVEFORM, None),
        _ => return Err(USAGE.into()),
    })
}

fn make(
    generator: &dyn Generator,
    original: &Path,
    media_type: &MediaType,
    out: &Path,
    wanted: &[(Format, Recipe)],
) -> Result<(), Box<dyn Error>> {
    let source = File::open(original)?;
    let name = original.file_name().ok_or("a file has a name")?;
    let name = name.to_string_lossy();
    let file = |(at, (format, _)): (usize, &(Format, Recipe))| {
        // Read again by who checks what a worker wrote.
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        options.open(out.join(format!("{name}.{at}.{format}")))
    };
    let files = wanted.iter().enumerate().map(file);
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let pairs = wanted.iter().zip(&files);
    let outputs: Vec<_> = pairs
        .map(|((format, recipe), file)| JobOutput {
            format,
            recipe,
            file,
        })
        .collect();
    let answers = generator.generate(&GenerateJob {
        source: &source,
        source_size: source.metadata()?.len(),
        media_type,
        limits: DecodeLimits::default(),
        outputs: &outputs,
        host: &Unlimited,
        cancel: CancelToken::new(),
    })?;
    answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(())
}

fn media_type(file: &Path) -> Result<MediaType, Box<dyn Error>> {
    let ending = file.extension().and_then(OsStr::to_str).unwrap_or_default();
    let name = match ending.to_ascii_lowercase().as_str() {
        "webm" => "video/webm",
        "mkv" => "video/x-matroska",
        "mov" => "video/quicktime",
        "nef" => "image/x-nikon-nef",
        "mp4" => "video/mp4",
        "avif" => "image/avif",
        "bmp" => "image/bmp",
        "dng" => "image/x-adobe-dng",
        "exr" => "image/x-exr",
        "gif" => "image/gif",
        "hdr" => "image/vnd.radiance",
        "heic" | "heif" => "image/heic",
        "ico" => "image/vnd.microsoft.icon",
        "jp2" => "image/jp2",
        "jpg" | "jpeg" => "image/jpeg",
        "jxl" => "image/jxl",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "psd" => "image/vnd.adobe.photoshop",
        "svg" => "image/svg+xml",
        "svgz" => "image/svg+xml-compressed",
        "tif" | "tiff" => "image/tiff",
        "webp" => "image/webp",
        other => return Err(format!("not known here: {other:?}").into()),
    };
    Ok(name.parse()?)
}
