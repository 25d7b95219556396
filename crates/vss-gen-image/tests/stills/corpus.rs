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
    size: Option<(u32, u32)>,
    expect: String,
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
    let known = lines.map(|line| Known {
        path: line[path].to_owned(),
        mime: line[mime].to_owned(),
        size: line[width].parse().ok().zip(line[height].parse().ok()),
        expect: line[expect].to_owned(),
    });
    Some((root, known.collect()))
}

fn in_scope(known: &Known) -> bool {
    const TYPES: [&str; 8] = [
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/gif",
        "image/bmp",
        "image/tiff",
        "image/x-tiff-big",
        "image/x-icon",
    ];
    TYPES.contains(&known.mime.as_str())
}

#[test]
fn every_real_picture_gives_upright_thumbnails_of_the_right_size() {
    let Some((root, known)) = corpus() else {
        return;
    };
    let generator = ImageGenerator::new();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for known in known
        .iter()
        .filter(|known| known.expect == "ok" && in_scope(known))
    {
        seen += 1;
        let (width, height) = match known.size.unwrap() {
            // The manifest has the first entry of an icon; the best is the largest.
            (16, 16) if known.mime == "image/x-icon" => (48, 48),
            size => size,
        };
        let source = File::open(root.join(&known.path)).unwrap();
        let sides = [256, 512, 1024];
        let thumbs = match thumbs_of(&generator, &source, &known.mime, &sides) {
            Ok(thumbs) => thumbs,
            Err(failure) => {
                wrong.push(format!("{}: {failure}", known.path));
                continue;
            }
        };
        for (side, thumb) in sides.into_iter().zip(thumbs) {
            let scale = (f64::from(side) / f64::from(width.max(height))).min(1.0);
            let expected = [width, height].map(|side| (f64::from(side) * scale).round().max(1.0));
            let (w, h) = thumb.size();
            if [w, h].map(f64::from) != expected {
                wrong.push(format!("{}: {w} x {h}, not {expected:?}", known.path));
            }
            // Of the shortened motion photos only the beginning is there.
            let shortened = known.path.contains("-shortened");
            if let (Some(lost), false) = (&thumb.produced.degraded, shortened) {
                wrong.push(format!("{}: degraded: {lost}", known.path));
            }
        }
    }
    assert!(seen > 60, "only {seen} pictures in the manifest");
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
