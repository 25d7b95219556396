//! Posters, proxies and everything at once of films, by a confined worker and by other programs on the same films, in paired rounds.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::BenchArgs;
use super::contest::{self, Pairs, Peer};
use super::measure::Cost;
use crate::corpus;
use crate::workspace::Workspace;

/// Of these a poster each.
const CLIPS: [&str; 5] = [
    "portrait_4k60.mp4",
    "bigbuckbunny.mp4",
    "long_1080p_lowbitrate.mp4",
    "bbb_642x642_768kbps_30fps_vp9.webm",
    "hdr10-video-with-sdr-container.mp4",
];
/// Six minutes of 1080p.
const LONG: &str = "long_1080p_lowbitrate.mp4";
/// Five seconds of a film with much to see.
const LIVELY: &str = "bigbuckbunny.mp4";

/// A poster of 512 px each, as ffmpegthumbnailer makes it; and as ffmpeg does, by seeking.
const THUMBNAILER: &str =
    r#"for f; do ffmpegthumbnailer -i "$f" -o "$OUT/p.jpg" -s 512 -t 10% -q 8 || exit; done"#;
const SEEK: &str = r#"for f; do
t=$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$f" | awk '{print $1 * 0.1}')
ffmpeg -nostdin -v error -y -ss "$t" -i "$f" -frames:v 1 -vf scale=512:512:force_original_aspect_ratio=decrease \
    -c:v libwebp -quality 80 "$OUT/p.webp" || exit
done"#;
/// The settings of ours: one thread, a key frame every two seconds.
const PROXY: &str = r#"ffmpeg -nostdin -v error -y -threads 1 -filter_threads 1 -i "$1" -vf scale=-2:720 \
-c:v libx264 -profile:v high -preset veryfast -crf 23 -g $KEYS -threads:v 1 -pix_fmt yuv420p -c:a aac -b:a 128k \
-movflags +faststart "$OUT/proxy.mp4""#;
/// Six stills of one frame, in one run.
const STILLS: &str = r#"set -e
t=$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$1")
at=$(echo "$t" | awk '{print $1 * 0.1}')
ffmpeg -nostdin -v error -y -ss $at -i "$1" -frames:v 1 -filter_complex \
"split=6[a][b][c][d][e][f];[a]scale=128:-2[a];[b]scale=256:-2[b];[c]scale=256:-2[c];[d]scale=512:-2[d];\
[e]scale=1024:-2[e];[f]scale='min(2048,iw)':-2[f]" \
-map "[a]" -frames:v 1 "$OUT/a.webp" -map "[b]" -frames:v 1 "$OUT/b.webp" -map "[c]" -frames:v 1 "$OUT/c.webp" \
-map "[d]" -frames:v 1 "$OUT/d.webp" -map "[e]" -frames:v 1 "$OUT/e.webp" -map "[f]" -frames:v 1 "$OUT/f.webp""#;
/// The same, each in a run of its own.
const EACH_STILL: &str = r#"set -e
t=$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$1")
at=$(echo "$t" | awk '{print $1 * 0.1}')
for side in 128 256 257 512 1024 2048; do
ffmpeg -nostdin -v error -y -ss $at -i "$1" -frames:v 1 -vf "scale='min($side,iw)':-2" "$OUT/$side.webp"
done"#;
/// 25 tiles, and the samples that a waveform is made of.
const REST: &str = r#"
ffmpeg -nostdin -v error -y -threads 1 -i "$1" -an -vf "fps=$(echo "$t" | awk '{print 25 / $1}'),scale=320:-2,tile=5x5" \
    -frames:v 1 -c:v libwebp -quality 75 "$OUT/strip.webp"
ffmpeg -nostdin -v error -y -i "$1" -vn -ac 1 -f s16le "$OUT/samples.raw""#;

/// One comparison: what is made of which films, and by whom beside us.
struct Contest {
    title: String,
    names: &'static str,
    films: Vec<PathBuf>,
    peers: Vec<Peer>,
}

/// Prints a line for each comparison: our CPU seconds, the peer's, and the ratio of the pairs.
pub(super) fn run(workspace: &Workspace, args: &BenchArgs) -> Result<()> {
    let corpus = corpus::find(&workspace.root)?.context("there is no corpus: set VSS_CORPUS")?;
    let films = corpus.join("video");
    if args.rounds == 0 {
        bail!("nothing to measure: 0 rounds");
    }
    let ours = super::driver(workspace, args, "av", Some("av"), "confined_sidecars")?;
    let out = workspace.target_dir.join("bench/video");
    let mut lines = vec![
        "CPU of ours and of the peer, and the ratio of the pairs: medians (and extremes)".into(),
    ];
    let only = |contest: &Contest| args.only.as_ref().is_none_or(|o| contest.title.contains(o));
    for contest in contests(&films).into_iter().filter(only) {
        lines.extend(contest.run(&ours, &out, args.rounds)?);
    }
    println!("\n{}", lines.join("\n"));
    Ok(())
}

fn contests(films: &Path) -> Vec<Contest> {
    let film = |name: &str| films.join(name);
    let proxy = |keys: &str| PROXY.replace("$KEYS", keys);
    let apart = |name, stills, keys: &str| Peer {
        name,
        needs: &["ffmpeg", "ffprobe"],
        script: format!("{stills}{REST}\n{}", proxy(keys)),
    };
    let all = |name: &str, keys: &str| Contest {
        title: format!("all at once, {name}"),
        names: "stills,strip,proxy,waveform",
        films: vec![film(name)],
        peers: vec![
            apart("an ffmpeg run for each file", EACH_STILL, keys),
            apart("the stills in one ffmpeg run", STILLS, keys),
        ],
    };
    vec![
        Contest {
            title: "poster of five clips".into(),
            names: "poster",
            films: CLIPS.map(film).to_vec(),
            peers: vec![
                Peer {
                    name: "ffmpegthumbnailer",
                    needs: &["ffmpegthumbnailer"],
                    script: THUMBNAILER.into(),
                },
                Peer {
                    name: "ffmpeg, seeking",
                    needs: &["ffmpeg", "ffprobe"],
                    script: SEEK.into(),
                },
            ],
        },
        Contest {
            title: format!("proxy 720p, {LONG}"),
            names: "proxy",
            films: vec![film(LONG)],
            peers: vec![Peer {
                name: "ffmpeg, same settings",
                needs: &["ffmpeg"],
                script: proxy("60"),
            }],
        },
        all(LIVELY, "50"),
        all(LONG, "60"),
    ]
}

impl Contest {
    /// Measures all sides in turns; a peer that is not installed is said to be missing.
    fn run(&self, program: &Path, out: &Path, rounds: usize) -> Result<Vec<String>> {
        println!("\n{}", self.title);
        let (mut own, mut others) = (Vec::new(), vec![Vec::new(); self.peers.len()]);
        for round in 1..=rounds {
            let mut ours = contest::ours(program, self.names, &self.films, out);
            own.push(contest::cost(&mut ours, out)?);
            for (peer, costs) in self.peers.iter().zip(&mut others) {
                if peer.missing().is_none() {
                    costs.push(contest::cost(&mut peer.command(&self.films, out), out)?);
                }
            }
            let cpu = |costs: &Vec<Cost>| costs.last().map(|cost| cost.cpu);
            let others: Vec<_> = others.iter().filter_map(cpu).collect();
            println!(
                "round {round}: ours {:.2}, others {others:.2?} CPU s",
                cpu(&own).unwrap_or(f64::NAN)
            );
        }
        let lines = self.peers.iter().zip(others).map(|(peer, other)| {
            let title = format!("{} | {}", self.title, peer.name);
            let own = own.clone();
            match peer.missing() {
                Some(program) => format!("{title}: {program} is not installed"),
                None => format!("{title}: {}", Pairs { own, other }.line()),
            }
        });
        Ok(lines.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_is_not_installed_is_named() {
        let contest = Contest {
            title: "nothing".into(),
            names: "",
            films: Vec::new(),
            peers: vec![Peer {
                name: "a peer",
                needs: &["no-such-program-anywhere"],
                script: String::new(),
            }],
        };
        let out = std::env::temp_dir().join(format!("vss-bench-video-{}", std::process::id()));
        let lines = contest.run(Path::new("true"), &out, 1).unwrap();
        std::fs::remove_dir_all(&out).unwrap();
        assert!(
            lines[0].contains("no-such-program-anywhere is not installed"),
            "{lines:?}"
        );
    }
}
