//! Thumbnails of what is no camera JPEG, format by format: a confined worker beside other programs, on
//! the same files, in paired rounds.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::BenchArgs;
use super::contest::{self, Pairs, Peer, spread};
use super::measure::median;
use crate::corpus;
use crate::workspace::Workspace;

/// What ours makes of each: one still of 512 px, WebP at quality 80.
const NAMES: &str = "poster";

/// One sort of file: its name, the media types that it goes by, and who else reads it.
struct Sort {
    name: &'static str,
    media_types: &'static [&'static str],
    peers: &'static [(&'static str, &'static [&'static str], &'static str)],
}

/// Makes one file of one, each in a process of its own, as a user of these programs would.
macro_rules! each {
    ($($line:literal)+) => {
        concat!("for f; do ", $($line,)+ " || exit; done")
    };
}

type Program = (&'static str, &'static [&'static str], &'static str);

const VIPS: Program = (
    "vipsthumbnail",
    &["vipsthumbnail"],
    each!(r#"vipsthumbnail "$f" --size 512x512\> -o "$OUT/p.webp[Q=80,strip]""#),
);
const MAGICK: Program = (
    "ImageMagick",
    &["convert"],
    each!(r#"convert "$f[0]" -auto-orient -thumbnail 512x512\> -strip -quality 80 "$OUT/p.webp""#),
);

const SORTS: &[Sort] = &[
    Sort {
        name: "HEIC",
        media_types: &["image/heic", "image/heif"],
        peers: &[
            (
                "heif-thumbnailer",
                &["heif-thumbnailer"],
                // Of the picture itself: the one that is embedded is smaller.
                each!(r#"heif-thumbnailer -p -s 512 "$f" "$OUT/p.png""#),
            ),
            VIPS,
            MAGICK,
        ],
    },
    Sort {
        name: "AVIF",
        media_types: &["image/avif"],
        peers: &[
            VIPS,
            (
                "avifdec, all of it as PNG",
                &["avifdec"],
                each!(r#"avifdec --jobs 1 --png-compress 0 "$f" "$OUT/p.png""#),
            ),
        ],
    },
    Sort {
        name: "JPEG XL",
        media_types: &["image/jxl"],
        peers: &[
            VIPS,
            (
                "djxl, all of it as PPM",
                &["djxl"],
                each!(r#"djxl --num_threads=0 "$f" "$OUT/p.ppm""#),
            ),
        ],
    },
    Sort {
        name: "JPEG 2000",
        media_types: &["image/jp2", "image/j2c", "image/x-j2c"],
        peers: &[
            VIPS,
            (
                "opj_decompress, all of it as PPM",
                &["opj_decompress"],
                each!(r#"opj_decompress -i "$f" -o "$OUT/p.ppm""#),
            ),
        ],
    },
    Sort {
        name: "camera RAW",
        media_types: &[
            "image/x-adobe-dng",
            "image/x-canon-cr2",
            "image/x-nikon-nef",
        ],
        peers: &[
            (
                "dcraw -e and vipsthumbnail",
                &["dcraw", "vipsthumbnail"],
                each!(
                    r#"dcraw -e -c "$f" >"$OUT/p.jpg" &&"#
                    r#" vipsthumbnail "$OUT/p.jpg" --size 512x512\> -o "$OUT/p.webp[Q=80,strip]""#
                ),
            ),
            (
                "LibRaw's simple_dcraw -e and vipsthumbnail",
                &["simple_dcraw", "vipsthumbnail"],
                each!(
                    r#"cp "$f" "$OUT/p.raw" && simple_dcraw -e "$OUT/p.raw" &&"#
                    r#" vipsthumbnail "$OUT/p.raw.thumb.jpg" --size 512x512\> -o "$OUT/p.webp[Q=80,strip]""#
                ),
            ),
        ],
    },
    Sort {
        name: "SVG",
        media_types: &["image/svg+xml", "application/x-gzip"],
        peers: &[
            (
                "rsvg-convert, as PNG",
                &["rsvg-convert"],
                each!(r#"rsvg-convert -a -w 512 -h 512 "$f" -o "$OUT/p.png""#),
            ),
            VIPS,
        ],
    },
    Sort {
        name: "PDF, first page",
        media_types: &["application/pdf"],
        peers: &[
            (
                "pdftoppm, as PNG",
                &["pdftoppm"],
                each!(
                    r#"pdftoppm -f 1 -singlefile -scale-to 512 -png "$f" "$OUT/p" && test -s "$OUT/p.png""#
                ),
            ),
            VIPS,
        ],
    },
    Sort {
        name: "PSD",
        media_types: &["application/vnd.adobe.photoshop"],
        peers: &[MAGICK],
    },
    Sort {
        name: "TIFF",
        media_types: &["image/tiff", "image/x-tiff-big"],
        peers: &[VIPS, MAGICK],
    },
    Sort {
        name: "Radiance",
        media_types: &["image/vnd.radiance"],
        peers: &[VIPS, MAGICK],
    },
    Sort {
        name: "PNG",
        media_types: &["image/png"],
        peers: &[VIPS, MAGICK],
    },
    Sort {
        name: "WebP",
        media_types: &["image/webp"],
        peers: &[VIPS, MAGICK],
    },
    Sort {
        name: "GIF",
        media_types: &["image/gif"],
        peers: &[VIPS, MAGICK],
    },
];

/// Prints a line for each sort and peer: how many files, what each costs, and the ratio of the pairs.
pub(super) fn run(workspace: &Workspace, args: &BenchArgs) -> Result<()> {
    let corpus = corpus::find(&workspace.root)?.context("there is no corpus: set VSS_CORPUS")?;
    if args.rounds == 0 {
        bail!("nothing to measure: 0 rounds");
    }
    let program = super::driver(workspace, args, "image", None, "confined_sidecars")?;
    let out = workspace.target_dir.join("bench/stills");
    let mut lines = vec![
        "| sort | files | ours: ms, MiB | beside | its ms, MiB | ratio of CPU |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    let wanted = |sort: &&Sort| {
        args.only
            .as_ref()
            .is_none_or(|only| sort.name.contains(only))
    };
    for sort in SORTS.iter().filter(wanted) {
        let files = corpus::good(&corpus, sort.media_types)?;
        let ours = |files: &[PathBuf]| contest::ours(&program, NAMES, files, &out);
        let files = readable(&files, &out, ours)?;
        for &(name, needs, script) in sort.peers {
            let peer = Peer {
                name,
                needs,
                script: script.into(),
            };
            lines.push(sort.beside(&peer, &files, &out, args.rounds, ours)?);
            println!("{}", lines.last().map_or("", String::as_str));
        }
    }
    println!("\nmilliseconds of CPU a file, MiB at most; medians of the rounds");
    println!("{}", lines.join("\n"));
    Ok(())
}

impl Sort {
    fn beside(
        &self,
        peer: &Peer,
        files: &[PathBuf],
        out: &Path,
        rounds: usize,
        ours: impl Fn(&[PathBuf]) -> Command,
    ) -> Result<String> {
        let name = peer.name;
        if let Some(program) = peer.missing() {
            return Ok(format!(
                "| {} | | | {name} | {program} is not installed | |",
                self.name
            ));
        }
        // Who does not read a file is not to gain by it: both are measured on what both read.
        let both = readable(files, out, |files| peer.command(files, out))?;
        if both.is_empty() {
            return Ok(format!(
                "| {} | 0 of {} | | {name} | reads none | |",
                self.name,
                files.len()
            ));
        }
        let mut pairs = Pairs::default();
        for _ in 0..rounds {
            pairs.own.push(contest::cost(&mut ours(&both), out)?);
            pairs
                .other
                .push(contest::cost(&mut peer.command(&both, out), out)?);
        }
        Ok(row(self.name, name, both.len(), files.len(), &pairs))
    }
}

/// Those of the files that a program makes something of.
fn readable(
    files: &[PathBuf],
    out: &Path,
    command: impl Fn(&[PathBuf]) -> Command,
) -> Result<Vec<PathBuf>> {
    let mut good = Vec::new();
    for file in files {
        contest::empty(out)?;
        let mut command = command(std::slice::from_ref(file));
        let end = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        let made = std::fs::read_dir(out).is_ok_and(|mut made| made.next().is_some());
        if end.context("cannot start a program")?.success() && made {
            good.push(file.clone());
        }
    }
    Ok(good)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures for a reader, far below 2^53"
)]
fn row(sort: &str, name: &str, both: usize, files: usize, pairs: &Pairs) -> String {
    let each = |costs: &[super::measure::Cost]| {
        let cpu = median(costs.iter().map(|cost| cost.cpu)) * 1_000.0 / both as f64;
        let peak = median(costs.iter().map(|cost| cost.peak as f64)) / 1_048_576.0;
        format!("{cpu:.0}, {peak:.0}")
    };
    let of = pairs.own.iter().zip(&pairs.other);
    format!(
        "| {sort} | {both} of {files} | {} | {name} | {} | {} |",
        each(&pairs.own),
        each(&pairs.other),
        spread(of.map(|(own, other)| own.cpu / other.cpu)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::measure::Cost;

    fn shell(script: &str) -> Peer {
        Peer {
            name: "a shell",
            needs: &["sh"],
            script: script.into(),
        }
    }

    #[test]
    fn only_what_both_read_is_measured() {
        let out = std::env::temp_dir().join(format!("vss-bench-stills-{}", std::process::id()));
        let files = ["a.png", "b.png"].map(PathBuf::from);
        // It makes nothing of the one, and ends well all the same.
        let peer = shell(r#"for f; do test "$f" = b.png || echo x >"$OUT/p"; done"#);
        let ours = |files: &[PathBuf]| shell("echo y >\"$OUT/q\"").command(files, &out);
        let line = SORTS[0].beside(&peer, &files, &out, 2, ours).unwrap();
        assert!(line.starts_with("| HEIC | 1 of 2 | "), "{line}");
        let none = SORTS[0]
            .beside(&shell("false"), &files, &out, 2, ours)
            .unwrap();
        assert!(
            none.contains("| 0 of 2 | | a shell | reads none |"),
            "{none}"
        );
        let gone = Peer {
            needs: &["no-such-program-anywhere"],
            ..shell("")
        };
        let gone = SORTS[0].beside(&gone, &files, &out, 2, ours).unwrap();
        std::fs::remove_dir_all(&out).unwrap();
        assert!(
            gone.contains("no-such-program-anywhere is not installed"),
            "{gone}"
        );
    }

    #[test]
    fn a_row_has_the_cost_of_one_file() {
        let cost = |cpu, peak: u64| Cost {
            cpu,
            wall: 1.0,
            peak: peak * 1_048_576,
        };
        let pairs = Pairs {
            own: vec![cost(0.1, 40)],
            other: vec![cost(0.4, 80)],
        };
        let row = row("TIFF", "a peer", 2, 3, &pairs);
        let end = "0.250 (0.250 to 0.250) |";
        assert_eq!(
            row,
            format!("| TIFF | 2 of 3 | 50, 40 | a peer | 200, 80 | {end}")
        );
    }

    #[test]
    fn every_peer_names_the_programs_that_it_is_made_of() {
        for (name, needs, script) in SORTS.iter().flat_map(|sort| sort.peers) {
            assert!(!needs.is_empty(), "{name}");
            assert!(
                needs.iter().all(|program| script.contains(program)),
                "{name}"
            );
        }
    }
}
