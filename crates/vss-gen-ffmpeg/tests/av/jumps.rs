//! Films whose times jump, begin late or have holes.

use std::path::{Path, PathBuf};

use crate::job::{ffmpeg, ffprobe, has_programs, make, map, pcm, proxy, read, write};

const FINE: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

/// Seconds of each frame or sample group that the programs decode of a film.
fn times(folder: &Path, film: &[u8], stream: &str) -> Vec<f64> {
    let entries = format!("-select_streams {stream} -show_entries frame=pts_time");
    let said = ffprobe(folder, film, &entries);
    let times = said
        .lines()
        .filter_map(|line| line.strip_prefix("pts_time="));
    times.filter_map(|time| time.parse().ok()).collect()
}

fn seconds(wav: &[u8]) -> f64 {
    f64::from(u32::try_from(wav.len() - 44).unwrap()) / 32_000.0
}

fn joined(folder: &Path, name: &str, parts: &[&Path]) -> PathBuf {
    let path = folder.join(name);
    let bytes: Vec<_> = parts.iter().flat_map(|part| read(part)).collect();
    write(&path, &bytes);
    path
}

#[test]
fn what_comes_after_a_jump_back_is_in_the_proxy() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let sorts = [
        ("ts", format!("{FINE} -bf 2 -c:a mp2")),
        ("mpg", "-c:v mpeg2video -q:v 4 -bf 2 -c:a mp2".to_owned()),
    ];
    for (sort, coded) in sorts {
        let part = |name: &str, length: u32, offset: u32| {
            ffmpeg(
                folder.path(),
                &format!("{name}.{sort}"),
                &format!(
                    "-f lavfi -i testsrc2=s=160x90:r=25:d={length} \
                     -f lavfi -i sine=f=440:d={length} {coded} -output_ts_offset {offset}"
                ),
            )
        };
        let (a, b, late) = (part("a", 4, 0), part("b", 6, 0), part("c", 4, 1_000));
        for (name, parts, length) in [
            ("back", [&*a, &*b], 10.0),
            ("back-by-much", [&*late, &*b], 10.0),
            ("ahead", [&*b, &*late], 10.0),
        ] {
            let film = joined(folder.path(), &format!("{name}.{sort}"), &parts);
            let made = make(&film, &[proxy(90, 64_000), pcm(), proxy(90, 0)]);
            for (_, bytes) in [&made[0], &made[2]] {
                let shown = times(folder.path(), bytes, "v:0");
                assert!(shown.len() >= 245, "{name}.{sort}: {} frames", shown.len());
                let end = *shown.last().unwrap();
                assert!((end - length).abs() < 0.5, "{name}.{sort}: ends at {end}");
                let widest = shown.windows(2).map(|pair| pair[1] - pair[0]);
                let widest = widest.fold(0.0, f64::max);
                assert!(widest < 0.5, "{name}.{sort}: a hole of {widest}");
            }
            let heard = times(folder.path(), &made[0].1, "a:0");
            let end = *heard.last().unwrap();
            assert!(
                (end - length).abs() < 0.5,
                "{name}.{sort}: sound until {end}"
            );
            let heard = seconds(&made[1].1);
            assert!((heard - length).abs() < 0.5, "{name}.{sort}: {heard}");
        }
    }
}
