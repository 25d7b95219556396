//! Sound that changes its channels and its rate on the way.

use std::path::{Path, PathBuf};

use crate::job::{ffmpeg, has_programs, make, pcm, proxy, samples, times, waveform};
use crate::jumps::{joined, loud, seconds};

/// Four seconds of one channel, and four of two channels of another rate that begin at a time.
fn film(folder: &Path, begin: f64) -> PathBuf {
    let part = |name: &str, sound: &str, offset: f64| {
        ffmpeg(
            folder,
            name,
            &format!(
                "-f lavfi -i testsrc2=s=160x90:r=25:d=4 \
                 -f lavfi -i aevalsrc='0.8*sin(2765*t)':d=4:s=48000 -c:v libx264 -preset ultrafast \
                 -pix_fmt yuv420p -c:a ac3 {sound} -output_ts_offset {offset}"
            ),
        )
    };
    let one = part("one.ts", "-ac 1", 0.0);
    let two = part("two.ts", "-ac 2 -ar 44100", begin);
    joined(folder, "film.ts", &[&one, &two])
}

#[test]
fn sound_that_changes_is_heard_to_its_end_and_where_it_is() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Less than a tenth of a second too early, and two seconds later than it could.
    for begin in [3.94, 6.0] {
        let film = film(folder.path(), begin);
        let end = begin + 4.0;
        let made = make(&film, &[proxy(90, 64_000), pcm(), waveform()]);
        let said = made[0].0.degraded.clone().unwrap_or_default();
        assert!(!said.contains("its sound"), "{begin}: {said}");
        let heard = times(folder.path(), &made[0].1, "a:0");
        let last = heard.last().unwrap();
        assert!((last - end).abs() < 0.1, "{begin}: heard until {last}");
        let steady = heard.windows(2).all(|pair| pair[1] - pair[0] < 0.03);
        assert!(steady, "{begin}: {heard:?}");
        let wav = &made[1].1;
        assert!(
            (seconds(wav) - end).abs() < 0.04,
            "{begin}: {} samples",
            samples(wav).len()
        );
        let (_, last) = loud(wav);
        assert!((last - end).abs() < 0.04, "{begin}: loud until {last}");
        if begin > 5.0 {
            let between = &samples(wav)[4 * 16_000 + 3_200..6 * 16_000 - 3_200];
            let quiet = between.iter().all(|sample| sample.unsigned_abs() < 100);
            assert!(quiet, "the hole is elsewhere");
        }
    }
}
