//! Films and songs made on the spot: motion JPEG and plain samples in AVI, samples in WAVE.

use std::f64::consts::TAU;

/// Frames a second of a film.
pub(crate) const RATE: u32 = 10;
/// Samples a second of its sound.
pub(crate) const SAMPLES: u32 = 8_000;

/// Three seconds of a moving scene with a tone.
pub(crate) fn film() -> Vec<u8> {
    let frames: Vec<_> = (0..3 * RATE).map(|at| scene(96, 64, at)).collect();
    avi((96, 64), &frames, &tone(3))
}

/// A film that claims pictures of 3.6 gigapixels and has none.
pub(crate) fn boast() -> Vec<u8> {
    avi((60_000, 60_000), &[], &[])
}

/// The same with a second of a tone.
pub(crate) fn loud_boast() -> Vec<u8> {
    avi((60_000, 60_000), &[], &tone(1))
}

/// Two seconds of a tone.
pub(crate) fn song() -> Vec<u8> {
    let data = tone(2);
    let mut fmt = Vec::new();
    wave_format(&mut fmt);
    let mut body = b"WAVE".to_vec();
    chunk(&mut body, b"fmt ", &fmt);
    chunk(&mut body, b"data", &data);
    let mut file = Vec::new();
    chunk(&mut file, b"RIFF", &body);
    file
}

/// A picture with light and shade, another for each time, as JPEG.
pub(crate) fn scene(width: u32, height: u32, at: u32) -> Vec<u8> {
    picture(width, height, |x, y| {
        let wave = f64::from(x + 3 * at) / 12.0;
        let light = 128.0 + 90.0 * wave.sin() * (f64::from(y) / 9.0).cos();
        let light = light.clamp(0.0, 255.0).round();
        let light = (0..=255).find(|l| f64::from(*l) >= light).unwrap_or(255);
        let blue = u8::try_from((x * 255) / width.max(1)).unwrap_or(255);
        [light, 255 - light, blue]
    })
}

/// A picture of one colour, as JPEG.
pub(crate) fn flat(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    picture(width, height, |_, _| colour)
}

fn picture(width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let pixels = image::RgbImage::from_fn(width, height, |x, y| image::Rgb(colour(x, y)));
    let mut file = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 90);
    pixels.write_with_encoder(encoder).unwrap();
    file
}

fn tone(seconds: u32) -> Vec<u8> {
    let sample = |at: u32| {
        let wave = (TAU * 440.0 * f64::from(at) / f64::from(SAMPLES)).sin();
        // A table would do as well; this keeps within what converts without loss.
        let level = (-120_i16..=120).find(|l| f64::from(*l) >= wave * 120.0);
        level.unwrap_or(120) * 100
    };
    let samples = (0..seconds * SAMPLES).map(sample);
    samples.flat_map(i16::to_le_bytes).collect()
}

fn wave_format(to: &mut Vec<u8>) {
    // Plain samples, one channel.
    to.extend([1, 0, 1, 0]);
    words(to, &[SAMPLES, SAMPLES * 2]);
    to.extend([2, 0, 16, 0]);
}

/// A film of JPEG frames, its sound in pieces between them where there is any.
pub(crate) fn avi((width, height): (u32, u32), frames: &[Vec<u8>], sound: &[u8]) -> Vec<u8> {
    let count = u32::try_from(frames.len()).unwrap();
    let bytes = u32::try_from(sound.len()).unwrap();
    let mut header = Vec::new();
    let micros = 1_000_000 / RATE;
    let streams = if sound.is_empty() { 1 } else { 2 };
    // With an index.
    words(
        &mut header,
        &[
            micros, 0, 0, 0x10, count, 0, streams, 0, width, height, 0, 0, 0, 0,
        ],
    );
    let mut list = b"hdrl".to_vec();
    chunk(&mut list, b"avih", &header);

    let mut stream = b"vidsMJPG".to_vec();
    words(
        &mut stream,
        &[0, 0, 0, 1, RATE, 0, count, 0, u32::MAX, 0, 0, 0],
    );
    let mut format = Vec::new();
    words(&mut format, &[40, width, height]);
    format.extend([1, 0, 24, 0]);
    format.extend(b"MJPG");
    words(&mut format, &[0, 0, 0, 0, 0]);
    let mut video = b"strl".to_vec();
    chunk(&mut video, b"strh", &stream);
    chunk(&mut video, b"strf", &format);
    chunk(&mut list, b"LIST", &video);

    let mut stream = b"auds\x01\0\0\0".to_vec();
    words(
        &mut stream,
        &[0, 0, 0, 2, SAMPLES * 2, 0, bytes / 2, 0, u32::MAX, 2, 0, 0],
    );
    let mut format = Vec::new();
    wave_format(&mut format);
    let mut audio = b"strl".to_vec();
    chunk(&mut audio, b"strh", &stream);
    chunk(&mut audio, b"strf", &format);
    if !sound.is_empty() {
        chunk(&mut list, b"LIST", &audio);
    }

    let mut pieces = sound.chunks((SAMPLES * 2 / RATE) as usize);
    let (mut movie, mut index) = (b"movi".to_vec(), Vec::new());
    let mut put = |name: &[u8; 4], bytes: &[u8]| {
        index.extend(name);
        let at = u32::try_from(movie.len()).unwrap();
        words(&mut index, &[0x10, at, u32::try_from(bytes.len()).unwrap()]);
        chunk(&mut movie, name, bytes);
    };
    for frame in frames {
        put(b"00dc", frame);
        if let Some(piece) = pieces.next() {
            put(b"01wb", piece);
        }
    }
    pieces.for_each(|piece| put(b"01wb", piece));

    let mut body = b"AVI ".to_vec();
    chunk(&mut body, b"LIST", &list);
    chunk(&mut body, b"LIST", &movie);
    chunk(&mut body, b"idx1", &index);
    let mut file = Vec::new();
    chunk(&mut file, b"RIFF", &body);
    file
}

fn words(to: &mut Vec<u8>, words: &[u32]) {
    words.iter().for_each(|word| to.extend(word.to_le_bytes()));
}

fn chunk(to: &mut Vec<u8>, name: &[u8; 4], bytes: &[u8]) {
    to.extend(name);
    to.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
    to.extend(bytes);
    if bytes.len() % 2 == 1 {
        to.push(0);
    }
}
