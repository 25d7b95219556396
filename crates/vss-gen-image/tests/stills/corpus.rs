//! Real pictures, where they are at hand: `VSS_CORPUS` names the folder with `MANIFEST.tsv`.

use std::fs::File;
use std::path::PathBuf;

use vss_core::FailureClass;
use vss_gen_image::ImageGenerator;

use super::job::thumbs_of;

/// A line of the manifest.
struct Known {
    path: String,
    mime: String,
    /// In pixels, or in any unit for what consists of lines.
    size: Option<(f64, f64)>,
    expect: String,
}

impl Known {
    /// Whether it has no pixels of its own, so that it is drawn as large as it is wanted.
    fn is_drawn(&self) -> bool {
        self.mime == "application/pdf" || self.mime.starts_with("image/svg")
    }

    /// Width and height of a thumbnail.
    fn thumb(&self, side: u32) -> Option<(f64, f64)> {
        let (width, height) = self.size?;
        let scale = f64::from(side) / width.max(height);
        let scale = if self.is_drawn() {
            scale
        } else {
            scale.min(1.0)
        };
        Some((
            (width * scale).round().max(1.0),
            (height * scale).round().max(1.0),
        ))
    }
}

fn corpus() -> Option<(PathBuf, Vec<Known>)> {
    let Some(root) = std::env::var_os("VSS_CORPUS").map(PathBuf::from) else {
        println!("skipped: VSS_CORPUS names no folder of real pictures");
        return None;
    };
    let manifest = std::fs::read_to_string(root.join("MANIFEST.tsv")).unwrap();
    let mut lines = manifest
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = |name: &str| header.iter().position(|field| *field == name).unwrap();
    let [path, mime, width, height, expect] =
        ["path", "mime", "display_width", "display_height", "expect"].map(column);
    let number = |text: &str| text.trim_end_matches("pt").parse().ok();
    let known = lines.map(|line| Known {
        path: line[path].to_owned(),
        mime: match line[mime] {
            "application/x-gzip" => "image/svg+xml-compressed",
            "text/plain" if line[path].ends_with(".svg") => "image/svg+xml",
            other => other,
        }
        .to_owned(),
        size: number(line[width]).zip(number(line[height])),
        expect: line[expect].to_owned(),
    });
    Some((root, known.collect()))
}

fn in_scope(known: &Known) -> bool {
    let read = vss_gen_image::descriptor();
    let mut read = read.inputs();
    read.any(|media_type| media_type.as_str() == known.mime)
}

#[test]
fn every_real_picture_gives_upright_thumbnails_of_the_right_size() {
    let Some((root, known)) = corpus() else {
        return;
    };
    let generator = ImageGenerator::new();
    let mut seen = 0;
    let mut wrong = Vec::new();
    let good = |known: &&Known| matches!(known.expect.as_str(), "ok" | "ok-or-error");
    for known in known.iter().filter(good).filter(|known| in_scope(known)) {
        seen += 1;
        let source = File::open(root.join(&known.path)).unwrap();
        let sides = [256, 512, 1024];
        let thumbs = match thumbs_of(&generator, &source, &known.mime, &sides) {
            Ok(thumbs) => thumbs,
            Err(failure) if known.expect == "ok-or-error" => {
                println!("{}: {failure}", known.path);
                assert!(!failure.detail.contains("tripped"), "{}", known.path);
                continue;
            }
            Err(failure) => {
                wrong.push(format!("{}: {failure}", known.path));
                continue;
            }
        };
        for (side, thumb) in sides.into_iter().zip(thumbs) {
            let (w, h) = thumb.size();
            let (w, h) = (f64::from(w), f64::from(h));
            let expected = match known.thumb(side) {
                // The manifest has the first entry of an icon; the best is the largest.
                Some((16.0, 16.0)) if known.mime == "image/x-icon" => (48.0, 48.0),
                Some(size) => size,
                None => (f64::from(side), f64::from(side)),
            };
            // Where lines are drawn, half a pixel of paper may fall to either side; a preview has
            // sides of its own.
            let preview = known.path.starts_with("photos/raw");
            let slack = if known.is_drawn() || preview {
                1.0
            } else {
                0.0
            };
            let right = match known.size {
                Some(_) => (w - expected.0).abs() <= slack && (h - expected.1).abs() <= slack,
                None => (w.max(h) - expected.0).abs() < 0.5,
            };
            if !right && known.expect == "ok" {
                wrong.push(format!("{}: {w} x {h}, not {expected:?}", known.path));
            }
            // Of the shortened motion photos only the beginning is there.
            let shortened = known.path.contains("-shortened")
                // Its only layer is empty paper, and was not stored as a picture.
                || known.path.ends_with("8x4x8bit-Grayscale.psd");
            if let (Some(lost), false, "ok") =
                (&thumb.produced.degraded, shortened, known.expect.as_str())
            {
                wrong.push(format!("{}: degraded: {lost}", known.path));
            }
        }
    }
    assert!(seen > 100, "only {seen} pictures in the manifest");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_eight_landscapes_look_the_same() {
    let Some((root, _)) = corpus() else {
        return;
    };
    let generator = ImageGenerator::new();
    let open = |tag: u32| {
        let path = root.join(format!("photos/orientation/landscape_{tag}.jpg"));
        let source = File::open(path).unwrap();
        thumbs_of(&generator, &source, "image/jpeg", &[128])
            .unwrap()
            .remove(0)
    };
    let upright = open(1);
    for tag in 2..=8 {
        let turned = open(tag);
        assert_eq!(turned.size(), upright.size());
        let pairs = turned.picture.iter().zip(upright.picture.iter());
        let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = sum / upright.picture.len() as u64;
        assert!(mean < 12, "landscape_{tag} differs by {mean} on average");
    }
}

#[test]
fn a_real_dng_without_its_previews_is_developed_and_looks_like_them() {
    let Some((root, _)) = corpus() else {
        return;
    };
    let whole = std::fs::read(root.join("photos/raw/canon_eos_6d.dng")).unwrap();
    // Both previews are JPEGs in front of the sensor's tiles.
    let mut cut = whole.clone();
    for at in [135_960, 145_584] {
        assert_eq!(cut[at..at + 2], [0xFF, 0xD8]);
        cut[at] = 0;
    }
    let one = |bytes: &[u8], side| super::job::thumb("image/x-adobe-dng", bytes, side).unwrap();
    let developed = one(&cut, 1_024);
    assert_eq!(developed.size(), (1_024, 683));
    let (developed, preview) = (one(&cut, 256), one(&whole, 256));
    // The maker's picture has more contrast; where it is light or dark, it is so here.
    let light = |thumb: &super::job::Thumb| {
        let pixels = thumb.picture.pixels();
        let of = |pixel: &image::Rgba<u8>| pixel.0[..3].iter().map(|c| f64::from(*c)).sum();
        pixels.map(of).collect::<Vec<f64>>()
    };
    let (a, b) = (light(&developed), light(&preview));
    assert_eq!(a.len(), b.len());
    #[expect(clippy::cast_precision_loss, reason = "a few ten thousand")]
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(&a), mean(&b));
    let product = |a: &[f64], b: &[f64], means: (f64, f64)| {
        let pairs = a.iter().zip(b);
        pairs
            .map(|(a, b)| (a - means.0) * (b - means.1))
            .sum::<f64>()
    };
    let likeness = product(&a, &b, (mean_a, mean_b))
        / (product(&a, &a, (mean_a, mean_a)) * product(&b, &b, (mean_b, mean_b))).sqrt();
    println!(
        "likeness {likeness:.4}, mean {:.0} and {:.0}",
        mean_a / 3.0,
        mean_b / 3.0
    );
    assert!(likeness > 0.95, "{likeness}");
    assert!((mean_a - mean_b).abs() < 90.0, "{mean_a} {mean_b}");
}

#[test]
fn broken_files_end_as_the_manifest_says() {
    let Some((root, known)) = corpus() else {
        return;
    };
    let generator = ImageGenerator::new();
    let mut wrong = Vec::new();
    let broken = |known: &&Known| known.path.starts_with("broken/") || known.expect == "limit";
    for known in known.iter().filter(broken) {
        let source = File::open(root.join(&known.path)).unwrap();
        // Whatever it really is, it is handed in under every name.
        for media_type in [
            "image/jpeg",
            "image/png",
            "image/gif",
            "image/tiff",
            "image/webp",
            "image/heic",
            "image/avif",
            "image/jxl",
            "image/jp2",
            "image/svg+xml",
            "image/x-adobe-dng",
            "application/pdf",
        ] {
            let own = media_type == known.mime;
            let answer = thumbs_of(&generator, &source, media_type, &[256, 1024]);
            let right = match (known.expect.as_str(), &answer) {
                ("limit", Err(failure)) if own => failure.class == FailureClass::TooLarge,
                ("limit", Ok(_)) => own,
                ("ok", answer) if own => answer.is_ok(),
                ("error", answer) => answer.is_err(),
                ("degrade", Ok(thumbs)) => thumbs.iter().all(|t| t.produced.degraded.is_some()),
                _ => true,
            };
            if !right {
                let answer = answer.map(|thumbs| thumbs[0].produced.clone());
                wrong.push(format!("{} as {media_type}: {answer:?}", known.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A generator of numbers that gives the same ones each time (Marsaglia, Xorshift RNGs, 2003).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

#[test]
fn mutated_real_pictures_end_in_an_answer_and_trip_no_decoder() {
    let Some((root, known)) = corpus() else {
        return;
    };
    let generator = ImageGenerator::new();
    let mut numbers = Numbers::new(0x5EED);
    let small = |known: &&Known| {
        let length = std::fs::metadata(root.join(&known.path)).unwrap().len();
        (1..400_000).contains(&length)
    };
    let mut tripped = Vec::new();
    for media_type in [
        "application/pdf",
        "application/vnd.adobe.photoshop",
        "image/avif",
        "image/heic",
        "image/heif",
        "image/jxl",
        "image/svg+xml",
        "image/svg+xml-compressed",
        "image/vnd.radiance",
        "image/x-adobe-dng",
        "image/x-canon-cr2",
        "image/x-j2c",
    ] {
        let files = known.iter().filter(|known| known.mime == media_type);
        let files: Vec<_> = files.filter(small).collect();
        if files.is_empty() {
            continue;
        }
        for round in 0..MUTATIONS {
            let path = &files[round % files.len()].path;
            let mut bytes = std::fs::read(root.join(path)).unwrap();
            // Half of the cases strike the header, where the decisions are made.
            let reach = if round % 2 == 0 { 600 } else { usize::MAX };
            for _ in 0..=numbers.below(6) {
                let at = numbers.below(bytes.len().min(reach));
                bytes[at] = u8::try_from(numbers.below(256)).unwrap();
            }
            if round % 5 == 0 {
                bytes.truncate(numbers.below(bytes.len()).max(1));
            }
            let mut source = tempfile::tempfile().unwrap();
            std::io::Write::write_all(&mut source, &bytes).unwrap();
            if let Err(failure) = thumbs_of(&generator, &source, media_type, &[64])
                && failure.detail.contains("tripped")
            {
                tripped.push(format!("{path}, round {round}"));
            }
        }
    }
    assert!(tripped.is_empty(), "{}", tripped.join("\n"));
}

/// Damaged files a media type.
const MUTATIONS: usize = 60;
