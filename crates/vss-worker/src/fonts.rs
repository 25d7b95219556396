//! The fonts of the system that text in SVG is drawn with, read before the worker's lock: one family
//! of each look, since every worker reads them at its start.
#![expect(
    clippy::disallowed_methods,
    reason = "a worker's only look at the disk, before it is confined"
)]

use std::path::Path;

/// A family: the folders where systems keep it, and its files.
struct Family {
    folders: &'static [&'static str],
    files: &'static [&'static str],
}

/// Families that letters of most languages are in, the best first: without serifs, with them,
/// monospaced.
const FAMILIES: [&[Family]; 3] = [
    &[
        Family {
            folders: &[
                "/usr/share/fonts/truetype/dejavu",
                "/usr/share/fonts/dejavu-sans-fonts",
                "/usr/share/fonts/TTF",
            ],
            files: &[
                "DejaVuSans.ttf",
                "DejaVuSans-Bold.ttf",
                "DejaVuSans-Oblique.ttf",
            ],
        },
        Family {
            folders: &[
                "/usr/share/fonts/truetype/liberation",
                "/usr/share/fonts/liberation-sans",
                "/usr/share/fonts/liberation",
            ],
            files: &[
                "LiberationSans-Regular.ttf",
                "LiberationSans-Bold.ttf",
                "LiberationSans-Italic.ttf",
            ],
        },
        Family {
            folders: &["/System/Library/Fonts/Supplemental"],
            files: &["Arial.ttf", "Arial Bold.ttf", "Arial Italic.ttf"],
        },
    ],
    &[
        Family {
            folders: &[
                "/usr/share/fonts/truetype/dejavu",
                "/usr/share/fonts/dejavu-serif-fonts",
                "/usr/share/fonts/TTF",
            ],
            files: &["DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf"],
        },
        Family {
            folders: &[
                "/usr/share/fonts/truetype/liberation",
                "/usr/share/fonts/liberation-serif",
                "/usr/share/fonts/liberation",
            ],
            files: &["LiberationSerif-Regular.ttf", "LiberationSerif-Bold.ttf"],
        },
        Family {
            folders: &["/System/Library/Fonts/Supplemental"],
            files: &["Times New Roman.ttf", "Times New Roman Bold.ttf"],
        },
    ],
    &[
        Family {
            folders: &[
                "/usr/share/fonts/truetype/dejavu",
                "/usr/share/fonts/dejavu-sans-mono-fonts",
                "/usr/share/fonts/TTF",
            ],
            files: &["DejaVuSansMono.ttf"],
        },
        Family {
            folders: &[
                "/usr/share/fonts/truetype/liberation",
                "/usr/share/fonts/liberation-mono",
                "/usr/share/fonts/liberation",
            ],
            files: &["LiberationMono-Regular.ttf"],
        },
        Family {
            folders: &["/System/Library/Fonts/Supplemental"],
            files: &["Courier New.ttf"],
        },
    ],
];

/// The contents of the fonts that are there.
pub(crate) fn read() -> Vec<Vec<u8>> {
    let look = |families: &&[Family]| {
        let mut found = families.iter().map(Family::read);
        found.find(|files| !files.is_empty()).unwrap_or_default()
    };
    FAMILIES.iter().flat_map(look).collect()
}

impl Family {
    fn read(&self) -> Vec<Vec<u8>> {
        let of = |folder: &&str| {
            let files = self.files.iter();
            let read = |file: &&str| std::fs::read(Path::new(folder).join(file)).ok();
            files.filter_map(read).collect::<Vec<_>>()
        };
        let mut found = self.folders.iter().map(of);
        found.find(|files| !files.is_empty()).unwrap_or_default()
    }
}
