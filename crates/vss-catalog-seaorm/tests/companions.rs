//! Which files of real folders belong together, from the disk through the catalog to the rules.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the tests lay out folders of real files, which an environment variable points to"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use vss_catalog_seaorm::{CatalogSettings, SeaOrmCatalog};
use vss_core::companion::{ByteRange, Companion, Decisions, Relation, across, in_folder};
use vss_core::{EntryId, Timestamp};
use vss_ports::{ChangeSeq, ContentCatalog, RefreshObserver, RefreshOptions, RefreshProblem};

struct Deaf;

impl RefreshObserver for Deaf {
    fn progress(&self, _: u64, _: u64) {}

    fn problem(&self, problem: RefreshProblem) {
        assert_eq!(problem.class, "empty", "{problem:?}");
    }
}

fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("VSS_CORPUS").map(PathBuf::from);
    if corpus.is_none() {
        println!("skipped: VSS_CORPUS does not name the corpus of real media");
    }
    corpus
}

/// What was found below a folder: the paths below it, each with its name among the relations and
/// how sure that is.
struct Found {
    companions: Vec<Companion>,
    paths: BTreeMap<EntryId, String>,
}

impl Found {
    async fn below(root: &Path) -> Self {
        let root = root.canonicalize().unwrap();
        let keep = tempfile::tempdir().unwrap();
        let path = keep.path().join("catalog.db");
        let catalog = SeaOrmCatalog::open(&path, CatalogSettings::default())
            .await
            .unwrap();
        let (options, now) = (RefreshOptions::default(), Timestamp::from_millis(1));
        catalog
            .refresh(std::slice::from_ref(&root), &options, &Deaf, now)
            .await
            .unwrap();
        let none = Decisions::default();
        let (mut companions, mut lonely) = (Vec::new(), Vec::new());
        let mut paths = BTreeMap::new();
        for folder in catalog.folders(ChangeSeq(0), usize::MAX).await.unwrap() {
            for entry in &folder.entries {
                let name = std::str::from_utf8(&entry.name).unwrap();
                let path = folder.path.join(name);
                let below = path.strip_prefix(&root).unwrap().to_str().unwrap();
                paths.insert(entry.entry, below.to_owned());
            }
            let mut pairs = in_folder(&folder.entries, &none);
            companions.append(&mut pairs.companions);
            lonely.append(&mut pairs.lonely);
        }
        companions.append(&mut across(lonely, &none));
        Self { companions, paths }
    }

    fn lines(&self) -> BTreeSet<String> {
        let line = |found: &Companion| {
            format!(
                "{} {} {} {}",
                self.paths[&found.of],
                found.relation.as_str(),
                self.paths[&found.companion],
                found.confidence().as_str()
            )
        };
        self.companions.iter().map(line).collect()
    }
}

fn lines<const N: usize>(expected: [&str; N]) -> BTreeSet<String> {
    expected.map(str::to_owned).into()
}

/// Puts files of the corpus's folder somewhere else under other names.
fn lay(corpus: &Path, to: &Path, files: &[(&str, &str)]) {
    for (name, path) in files {
        let path = to.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(corpus.join("livephoto").join(name), path).unwrap();
    }
}

#[tokio::test]
async fn exactly_the_pairs_of_the_manifest_are_found_in_the_whole_corpus() {
    let Some(corpus) = corpus() else { return };
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut pairs = BTreeSet::new();
    for line in manifest.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        if !columns[16].is_empty() {
            let mut pair = [columns[0], columns[16]].map(str::to_owned);
            pair.sort();
            pairs.insert(pair);
        }
    }
    assert_eq!(pairs.len(), 3, "the manifest has pairs: {pairs:?}");
    let found = Found::below(&corpus).await;
    let said = found.companions.iter().map(|found_one| {
        let mut pair = [found_one.of, found_one.companion].map(|id| found.paths[&id].clone());
        pair.sort();
        pair
    });
    let said: BTreeSet<_> = said.filter(|pair| pair[0] != pair[1]).collect();
    assert_eq!(said, pairs);
    assert_eq!(
        found.lines(),
        lines([
            "livephoto/DSC_0247.NEF rendition livephoto/DSC_0247.JPG likely",
            "livephoto/IMG_0101.JPG live_photo livephoto/IMG_0101.MOV certain",
            "livephoto/pixel-motion-photo-shortened.jpg motion_photo \
             livephoto/pixel-motion-photo-shortened.jpg certain",
            "livephoto/sample.jpg live_photo livephoto/sample.mp4 possible",
        ])
    );
    let motion = found
        .companions
        .iter()
        .find_map(|found| match found.relation {
            Relation::MotionPhoto(range) => Some(range),
            _ => None,
        });
    let range = ByteRange {
        offset: 140_312 - 8_730,
        length: 8_730,
    };
    assert_eq!(motion, Some(range));
}

#[tokio::test]
async fn renamed_and_parted_halves_are_found_and_copies_pair_with_their_own() {
    let Some(corpus) = corpus() else { return };
    let folder = tempfile::tempdir().unwrap();
    lay(
        &corpus,
        folder.path(),
        &[
            ("IMG_0101.JPG", "renamed/beach.jpg"),
            ("IMG_0101.MOV", "renamed/clip 7.mov"),
            ("lonely_still.heic", "renamed/clip 7.heic"),
        ],
    );
    assert_eq!(
        Found::below(folder.path()).await.lines(),
        lines(["renamed/beach.jpg live_photo renamed/clip 7.mov certain"])
    );
    let folder = tempfile::tempdir().unwrap();
    lay(
        &corpus,
        folder.path(),
        &[
            ("IMG_0101.JPG", "photos/a.jpg"),
            ("IMG_0101.MOV", "videos/b.mov"),
            ("lonely_still.heic", "photos/b.heic"),
        ],
    );
    assert_eq!(
        Found::below(folder.path()).await.lines(),
        lines(["photos/a.jpg live_photo videos/b.mov certain"])
    );
    let folder = tempfile::tempdir().unwrap();
    lay(
        &corpus,
        folder.path(),
        &[
            ("IMG_0101.JPG", "one/a.jpg"),
            ("IMG_0101.MOV", "one/a.mov"),
            ("IMG_0101.JPG", "two/x.jpg"),
            ("IMG_0101.MOV", "two/y.mov"),
        ],
    );
    assert_eq!(
        Found::below(folder.path()).await.lines(),
        lines([
            "one/a.jpg live_photo one/a.mov certain",
            "two/x.jpg live_photo two/y.mov certain",
        ])
    );
}

#[tokio::test]
async fn a_video_of_another_month_with_the_photos_name_is_not_its_own() {
    let Some(corpus) = corpus() else { return };
    let folder = tempfile::tempdir().unwrap();
    lay(
        &corpus,
        folder.path(),
        &[
            // An identifier of its own, and one with another.
            ("lonely_still.heic", "IMG_0101.HEIC"),
            ("IMG_0101.MOV", "IMG_0101.MOV"),
            // Taken in 2016 and no identifier left; the video is one of the web.
            ("IMG_0101.JPG", "sample.jpg"),
            ("sample.mp4", "sample.mp4"),
        ],
    );
    let photo = folder.path().join("sample.jpg");
    let mut bytes = std::fs::read(&photo).unwrap();
    let note = bytes.windows(10).position(|part| part == b"Apple iOS\0");
    bytes[note.unwrap()] = b'x';
    std::fs::write(&photo, bytes).unwrap();
    assert_eq!(Found::below(folder.path()).await.lines(), lines([]));
}

#[tokio::test]
async fn a_photo_and_a_video_that_lost_their_identifiers_pair_by_name_and_time() {
    let Some(corpus) = corpus() else { return };
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("IMG_0101.JPG", "IMG_0101.JPG"),
        ("IMG_0101.MOV", "img_0101.mov"),
    ];
    lay(&corpus, folder.path(), &files);
    let video = folder.path().join("img_0101.mov");
    let mut bytes = std::fs::read(&video).unwrap();
    let key = b"com.apple.quicktime.content.identifier";
    let at = bytes.windows(key.len()).position(|part| part == key);
    bytes[at.unwrap()] = b'x';
    std::fs::write(&video, bytes).unwrap();
    assert_eq!(
        Found::below(folder.path()).await.lines(),
        lines(["IMG_0101.JPG live_photo img_0101.mov likely"])
    );
}

#[tokio::test]
async fn indexing_and_pairing_leave_every_file_as_it_was() {
    let Some(corpus) = corpus() else { return };
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "DSC_0247.JPG",
        "DSC_0247.NEF",
        "IMG_0101.JPG",
        "IMG_0101.MOV",
        "lonely_still.heic",
        "pixel-motion-photo-shortened.jpg",
    ];
    lay(&corpus, folder.path(), &names.map(|name| (name, name)));
    let snapshot = || {
        let files = folder.path().read_dir().unwrap();
        let look = |file: std::io::Result<std::fs::DirEntry>| {
            let path = file.unwrap().path();
            let metadata = path.metadata().unwrap();
            let times = (metadata.modified().unwrap(), metadata.len());
            (path.clone(), times, std::fs::read(path).unwrap())
        };
        files.map(look).collect::<BTreeSet<_>>()
    };
    let before = snapshot();
    assert_eq!(Found::below(folder.path()).await.companions.len(), 3);
    assert_eq!(snapshot(), before);
}
