//! The types of real files agree with what their manifest says.
#![expect(
    clippy::disallowed_methods,
    reason = "the test reads its corpus, which an environment variable points to"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use vss_catalog_seaorm::{CatalogSettings, SeaOrmCatalog};
use vss_ports::ContentCatalog;

/// Where the manifest (made with `file`) and this catalog use two words for one thing, or the
/// catalog says more: (manifest, ours, why).
const SAME: &[(&str, &str, &str)] = &[
    (
        "application/vnd.adobe.photoshop",
        "image/vnd.adobe.photoshop",
        "its registered name",
    ),
    (
        "image/x-icon",
        "image/vnd.microsoft.icon",
        "its registered name",
    ),
    ("image/x-j2c", "image/j2c", "its registered name"),
    (
        "image/x-tiff-big",
        "image/tiff",
        "the version of a TIFF is its decoder's matter",
    ),
    ("audio/x-wav", "audio/wav", "the common name"),
    (
        "application/x-gzip",
        "image/svg+xml-compressed",
        "a compressed SVG by bytes and name",
    ),
    ("image/heif", "image/heic", "its compatible brands say HEVC"),
    (
        "audio/mp4",
        "video/mp4",
        "the brand does not tell; its tracks do",
    ),
    (
        "text/plain",
        "image/png",
        "text named .png is a broken picture",
    ),
    (
        "text/plain",
        "image/svg+xml",
        "XML that opens an svg element, or is named .svg",
    ),
];

#[tokio::test]
async fn types_agree_with_the_manifest_of_the_corpus() {
    let Some(corpus) = std::env::var_os("VSS_CORPUS").map(PathBuf::from) else {
        println!("skipped: VSS_CORPUS does not name the corpus of real media");
        return;
    };
    let keep = tempfile::tempdir().unwrap();
    let catalog = SeaOrmCatalog::open(&keep.path().join("catalog.db"), CatalogSettings::default())
        .await
        .unwrap();
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let (mut wrong, mut agreed, mut used) = (Vec::new(), 0, BTreeSet::new());
    for line in manifest.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (path, size, expected) = (columns[0], columns[1], columns[4]);
        let name = path
            .replace("%09", "\t")
            .replace("%0A", "\n")
            .replace("%25", "%");
        let found = catalog.identify(&corpus.join(&name)).await.unwrap();
        let Some(found) = found else {
            assert_eq!(size, "0", "{name} is not empty");
            continue;
        };
        assert_eq!(found.size.to_string(), size, "{name}");
        let ours = found.media_type.as_str();
        let same = SAME.iter().find(|row| (row.0, row.1) == (expected, ours));
        match same {
            Some(row) => {
                used.insert(row);
            }
            None if ours == expected => agreed += 1,
            // What a name alone says where the manifest says nothing.
            None if expected.is_empty() => {}
            None => wrong.push(format!("{name}: {ours}, and the manifest says {expected}")),
        }
    }
    assert_eq!(wrong, [""; 0], "{}", wrong.join("\n"));
    let idle: Vec<_> = SAME.iter().filter(|row| !used.contains(row)).collect();
    assert!(idle.is_empty(), "rows that nothing needs: {idle:?}");
    assert!(agreed > 200, "{agreed}");
}
