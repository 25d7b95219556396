//! Films of fields: each frame is of two moments, in every other row.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::job::{ffmpeg, ffprobe, has_programs, make, pixels, proxy, pts, still, strip, write};

const SIZE: (usize, usize) = (352, 288);

/// Fifty moments a second of a bar that wanders, as 25 frames of two fields each.
const FIELDS: &str = "-f lavfi -i color=black:s=352x288:r=50:d=4 -f lavfi \
    -i color=white:s=40x288:r=50:d=4 \
    -filter_complex overlay=x='mod(n*9,400)-40':eval=frame,interlace=lowpass=off,format=yuv420p";

fn films(folder: &Path) -> Vec<PathBuf> {
    let sorts = [
        ("film.ts", "-c:v mpeg2video -q:v 2 -flags +ildct+ilme -bf 2"),
        (
            "film.mkv",
            "-c:v libx264 -preset ultrafast -crf 12 -x264opts tff=1",
        ),
    ];
    let film = |(name, coded): (&str, &str)| ffmpeg(folder, name, &format!("{FIELDS} {coded}"));
    sorts.map(film).to_vec()
}

/// How many pixels stand out from the row above and the row below alike, of a grey picture.
fn comb(picture: &[u8], width: usize) -> usize {
    let rows: Vec<_> = picture.chunks_exact(width).collect();
    let stands_out = |rows: &[&[u8]], x: usize| {
        let [above, own, below] = [rows[0][x], rows[1][x], rows[2][x]].map(i32::from);
        (own - above) * (own - below) > 60 * 60
    };
    let count = |rows: &[&[u8]]| (0..width).filter(|x| stands_out(rows, *x)).count();
    rows.windows(3).map(count).sum()
}

/// The frames of a film, in grey.
fn frames(path: &Path) -> Vec<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(path);
    command.args("-vf format=gray -fps_mode passthrough -f rawvideo -".split(' '));
    let output = command.output().unwrap();
    let frames = output.stdout.chunks_exact(SIZE.0 * SIZE.1);
    frames.map(<[u8]>::to_vec).collect()
}

fn worst(frames: &[Vec<u8>]) -> usize {
    frames
        .iter()
        .map(|frame| comb(frame, SIZE.0))
        .max()
        .unwrap()
}

#[test]
fn a_proxy_of_fields_shows_one_moment_in_each_frame() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for film in films(folder.path()) {
        let name = film.display();
        let before = frames(&film);
        assert!(worst(&before) > 1_000, "{name} is no film of fields");
        let made = make(&film, &[proxy(288, 0)]);
        let path = folder.path().join("proxy.mp4");
        write(&path, &made[0].1);
        let after = frames(&path);
        assert_eq!(before.len(), after.len(), "{name}");
        assert!(worst(&after) < 100, "{name}: {}", worst(&after));
        let said = ffprobe(
            folder.path(),
            &made[0].1,
            "-select_streams v -show_entries frame=pts_time,interlaced_frame",
        );
        assert!(!said.contains("interlaced_frame=1"), "{name}");
        let times = pts(&said);
        assert!(times[0] < 0.05, "{name}: {times:?}");
        let steady = |pair: &[f64]| (pair[1] - pair[0] - 0.04).abs() < 0.002;
        assert!(times.windows(2).all(steady), "{name}: {times:?}");
    }
}

#[test]
fn pictures_of_fields_show_one_moment() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for film in films(folder.path()) {
        // Once looked up, once on the way of a proxy.
        for wanted in [
            vec![still(352), strip()],
            vec![still(352), strip(), proxy(90, 0)],
        ] {
            let made = make(&film, &wanted);
            for (_, bytes) in &made[..2] {
                let picture = image::DynamicImage::from(pixels(bytes)).into_luma8();
                let width = usize::try_from(picture.width()).unwrap();
                let combed = comb(picture.as_raw(), width);
                assert!(combed < 100, "{}: {combed}", film.display());
            }
        }
    }
}

#[test]
fn frames_of_one_moment_stay_as_they_are_among_fields() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Rows that differ each from the next, of which only half would be left.
    let scene = "color=gray:s=352x288:r=25:d=2,geq=lum='if(mod(Y,2),200,60)':cb=128:cr=128";
    let still_film = ffmpeg(
        folder.path(),
        "still.mkv",
        &format!("-f lavfi -i {scene} -c:v libx264 -preset ultrafast -crf 8 -pix_fmt yuv420p"),
    );
    let made = make(&still_film, &[proxy(288, 0), still(352)]);
    let path = folder.path().join("proxy.mp4");
    write(&path, &made[0].1);
    let least = frames(&path);
    let least = least.iter().map(|frame| comb(frame, SIZE.0)).min().unwrap();
    assert!(least > 50_000, "{least}");
    let picture = image::DynamicImage::from(pixels(&made[1].1)).into_luma8();
    assert!(comb(picture.as_raw(), SIZE.0) > 50_000);
}
