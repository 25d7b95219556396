//! Runs jobs and looks at what they made.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use vss_core::plan::{
    DecodeLimits, PcmRecipe, ProxyRecipe, Recipe, StillRecipe, StripMapRecipe, StripRecipe,
    WaveformRecipe,
};
use vss_core::{Format, Variant};
use vss_gen_ffmpeg::FfmpegGenerator;
use vss_ports::{
    CancelToken, GenerateFailure, GenerateJob, Generator, JobHost, JobOutput, Produced, Unlimited,
};

/// What a job made: the answer and the bytes of each output.
pub(crate) type Made = Vec<(Result<Produced, GenerateFailure>, Vec<u8>)>;

pub(crate) fn still(max_side: u32) -> (Format, Recipe) {
    let quality = 80;
    (
        Format::WEBP,
        Recipe::Still(StillRecipe { max_side, quality }),
    )
}

const STRIP: StripRecipe = StripRecipe {
    columns: 5,
    rows: 5,
    tile_side: 160,
    quality: 75,
};

pub(crate) fn strip() -> (Format, Recipe) {
    (Format::WEBP, Recipe::Strip(STRIP))
}

pub(crate) fn map() -> (Format, Recipe) {
    let map = StripMapRecipe::of(STRIP, &Variant::PREVIEW);
    (Format::VTT, Recipe::StripMap(map))
}

pub(crate) fn proxy(short_side: u32, audio_bitrate: u32) -> (Format, Recipe) {
    let crf = 26;
    let recipe = ProxyRecipe {
        short_side,
        crf,
        audio_bitrate,
    };
    (Format::MP4, Recipe::Proxy(recipe))
}

pub(crate) fn waveform() -> (Format, Recipe) {
    let points = 100;
    (Format::JSON, Recipe::Waveform(WaveformRecipe { points }))
}

pub(crate) fn pcm() -> (Format, Recipe) {
    let sample_rate = 16_000;
    (Format::WAV, Recipe::Pcm(PcmRecipe { sample_rate }))
}

/// Runs a job on an open file.
pub(crate) fn run(
    source: &File,
    media_type: &str,
    wanted: &[(Format, Recipe)],
) -> Result<Made, GenerateFailure> {
    run_for(&Unlimited, source, media_type, wanted)
}

/// Runs a job on an open file for a host.
pub(crate) fn run_for(
    host: &dyn JobHost,
    source: &File,
    media_type: &str,
    wanted: &[(Format, Recipe)],
) -> Result<Made, GenerateFailure> {
    let files: Vec<_> = wanted
        .iter()
        .map(|_| tempfile::tempfile().unwrap())
        .collect();
    let outputs: Vec<_> = wanted
        .iter()
        .zip(&files)
        .map(|((format, recipe), file)| JobOutput {
            format,
            recipe,
            file,
        })
        .collect();
    let answers = FfmpegGenerator::new().generate(&GenerateJob {
        source,
        source_size: source.metadata().unwrap().len(),
        media_type: &media_type.parse().unwrap(),
        limits: DecodeLimits::default(),
        outputs: &outputs,
        host,
        cancel: CancelToken::new(),
    })?;
    Ok(answers.into_iter().zip(files.iter().map(content)).collect())
}

/// Runs a job on bytes.
pub(crate) fn run_bytes(
    bytes: &[u8],
    media_type: &str,
    wanted: &[(Format, Recipe)],
) -> Result<Made, GenerateFailure> {
    let mut source = tempfile::tempfile().unwrap();
    source.write_all(bytes).unwrap();
    run(&source, media_type, wanted)
}

/// Runs a job on a file of which every output has to come out.
pub(crate) fn make(path: &Path, wanted: &[(Format, Recipe)]) -> Vec<(Produced, Vec<u8>)> {
    let made = run(&open(path), media_type(path), wanted);
    let made = made.unwrap_or_else(|failure| panic!("{}: {failure}", path.display()));
    let whole = |(answer, bytes): (Result<Produced, _>, _)| match answer {
        Ok(produced) => (produced, bytes),
        Err(failure) => panic!("{}: {failure}", path.display()),
    };
    made.into_iter().map(whole).collect()
}

#[expect(clippy::disallowed_methods, reason = "a test reads its own fixtures")]
pub(crate) fn open(path: &Path) -> File {
    File::open(path).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test reads its own fixtures")]
pub(crate) fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test writes its own fixtures")]
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

pub(crate) fn content(file: &File) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut file = file;
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

pub(crate) fn media_type(path: &Path) -> &'static str {
    match path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default()
    {
        "mov" | "MOV" => "video/quicktime",
        "mkv" => "video/x-matroska",
        "webm" => "video/webm",
        "3gp" => "video/3gpp",
        "avi" => "video/x-msvideo",
        "ts" => "video/mp2t",
        "mpg" => "video/mpeg",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "flac" => "audio/flac",
        "opus" => "audio/ogg",
        "wav" => "audio/wav",
        _ => "video/mp4",
    }
}

/// Whether FFmpeg's programs are here; says so when they are not.
pub(crate) fn has_programs() -> bool {
    let run = |program| {
        let mut command = Command::new(program);
        command.arg("-version").stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let there = run("ffmpeg") && run("ffprobe");
    if !there {
        eprintln!("skipped: the programs ffmpeg and ffprobe are not installed");
    }
    there
}

/// Makes a film with the program.
pub(crate) fn ffmpeg(folder: &Path, name: &str, arguments: &str) -> PathBuf {
    let path = folder.join(name);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y"]);
    command.args(arguments.split_whitespace()).arg(&path);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {said}");
    path
}

/// What the program says of a file: `key=value` lines.
pub(crate) fn ffprobe(folder: &Path, bytes: &[u8], arguments: &str) -> String {
    let path = folder.join("probed.mp4");
    write(&path, bytes);
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "default=noprint_wrappers=1"]);
    let output = command
        .args(arguments.split_whitespace())
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The pixels of a still.
pub(crate) fn pixels(bytes: &[u8]) -> image::RgbImage {
    image::load_from_memory(bytes).unwrap().into_rgb8()
}

/// How light a picture is on average.
pub(crate) fn light(picture: &image::RgbImage) -> u64 {
    let sum: u64 = picture.as_raw().iter().map(|light| u64::from(*light)).sum();
    sum / picture.as_raw().len() as u64
}

/// Seconds at which each frame of a stream is shown or heard, as the programs decode it.
pub(crate) fn times(folder: &Path, film: &[u8], stream: &str) -> Vec<f64> {
    let entries = format!("-select_streams {stream} -show_entries frame=pts_time");
    pts(&ffprobe(folder, film, &entries))
}

/// The times, in seconds, in what ffprobe said.
pub(crate) fn pts(said: &str) -> Vec<f64> {
    let times = said
        .lines()
        .filter_map(|line| line.strip_prefix("pts_time="));
    times.filter_map(|time| time.parse().ok()).collect()
}

/// The samples of a WAVE with one channel of 16 bits.
pub(crate) fn samples(wav: &[u8]) -> Vec<i16> {
    let samples = wav[44..].as_chunks::<2>().0.iter();
    samples.map(|bytes| i16::from_le_bytes(*bytes)).collect()
}

/// How often samples go from below zero to above.
pub(crate) fn waves(samples: &[i16]) -> usize {
    let rises = samples.windows(2).filter(|w| w[0] < 0 && w[1] >= 0);
    rises.count()
}
