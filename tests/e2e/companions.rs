//! Originals that belong to others: real pairs of real phones and cameras, kept as references,
//! linked by hand, moved into the library and back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{Library, corpus, files_below, snapshot, write_jpeg};

/// Copies a file with its time.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap();
    let time = from.metadata().unwrap().modified().unwrap();
    let file = fs::File::options().write(true).open(to).unwrap();
    file.set_modified(time).unwrap();
}

impl Library {
    fn original(&self, name: &str) -> PathBuf {
        self.originals().join(name)
    }

    fn index(&self) -> Value {
        self.json([Path::new("index"), &self.originals()])
    }

    /// The references of a file: kind, variant, name of the original.
    fn references(&self, name: &str) -> Vec<String> {
        let listed = self.json([Path::new("ls"), &self.original(name)]);
        let rows = listed.as_array().unwrap().iter();
        rows.filter(|row| row["managed"] == false)
            .map(|row| {
                let path = PathBuf::from(row["path"].as_str().unwrap());
                let path = path.strip_prefix(self.originals().canonicalize().unwrap());
                let path = path.unwrap().display().to_string();
                let text = |field: &str| row[field].as_str().unwrap().to_owned();
                assert_eq!(row["status"], "ready", "{row}");
                assert_eq!(row["source"], "reference", "{row}");
                format!("{} {} {path}", text("kind"), text("variant"))
            })
            .collect()
    }
}

#[test]
fn the_corpus_has_exactly_its_pairs_and_nothing_is_touched() {
    let Some(corpus) = corpus("the_corpus_has_exactly_its_pairs_and_nothing_is_touched") else {
        return;
    };
    let library = Library::new();
    let from = corpus.join("livephoto");
    for path in files_below(&from) {
        copy(
            &path,
            &library.original(path.strip_prefix(&from).unwrap().to_str().unwrap()),
        );
    }
    let before = snapshot(&library.originals());
    let (index, _) = library.index_and_run();
    assert_eq!(index["references"], 4, "{index}");
    assert_eq!(
        snapshot(&library.originals()),
        before,
        "originals were touched"
    );
    let mut pairs = BTreeMap::new();
    for name in before.keys() {
        let found = library.references(name.to_str().unwrap());
        if !found.is_empty() {
            pairs.insert(name.to_str().unwrap().to_owned(), found);
        }
    }
    let expected = [
        ("DSC_0247.NEF", "rendition original DSC_0247.JPG"),
        ("IMG_0101.JPG", "live original IMG_0101.MOV"),
        (
            "pixel-motion-photo-shortened.jpg",
            "live motion pixel-motion-photo-shortened.jpg",
        ),
        ("sample.jpg", "live original sample.mp4"),
    ];
    let expected = expected.map(|(of, what)| (of.to_owned(), vec![what.to_owned()]));
    assert_eq!(pairs, expected.into());

    // What a row says of an original is what a person finds there.
    let path = library.json([
        "path".as_ref(),
        library.original("IMG_0101.JPG").as_os_str(),
        "live".as_ref(),
        "original".as_ref(),
    ]);
    let movie = fs::read(library.original("IMG_0101.MOV")).unwrap();
    assert_eq!(path["size"], movie.len());
    assert_eq!(path["checksum"], blake3::hash(&movie).to_hex().as_str());
    assert_eq!(path["managed"], false);
    let explained = library.json([Path::new("explain"), &library.original("IMG_0101.JPG")]);
    let text = explained.to_string();
    assert!(
        text.contains("3d388205-9b11-4690-abfb-3db8ce42a984"),
        "{text}"
    );
    assert!(text.contains("(certain)"), "{text}");
    let rows = library
        .query("SELECT source_entry_id, rel_path FROM sidecars_view WHERE source = 'reference'");
    assert_eq!(rows.len(), 4);
    for row in rows {
        assert!(
            row.try_get::<Option<i64>>("", "source_entry_id")
                .unwrap()
                .is_some()
        );
        assert_eq!(row.try_get::<String>("", "rel_path").unwrap(), "");
    }
    let reconciled = library.json(["reconcile", "--verify"]);
    assert_eq!(reconciled["references"], 0, "{reconciled}");
    assert_eq!(
        snapshot(&library.originals()),
        before,
        "originals were touched"
    );
}

#[test]
fn a_motion_photo_is_a_part_of_its_file_until_it_is_extracted() {
    let Some(corpus) = corpus("a_motion_photo_is_a_part_of_its_file_until_it_is_extracted") else {
        return;
    };
    let library = Library::new();
    let photo = library.original("photo.jpg");
    copy(
        &corpus.join("livephoto/pixel-motion-photo-shortened.jpg"),
        &photo,
    );
    let before = snapshot(&library.originals());
    library.index();
    let ask = |extract: &[&str]| {
        let arguments = [
            "path".as_ref(),
            photo.as_os_str(),
            "live".as_ref(),
            "motion".as_ref(),
        ];
        library.json(
            arguments
                .into_iter()
                .chain(extract.iter().map(AsRef::as_ref)),
        )
    };
    let part = ask(&[]);
    let offset = usize::try_from(part["offset"].as_u64().unwrap()).unwrap();
    let length = usize::try_from(part["length"].as_u64().unwrap()).unwrap();
    let bytes = fs::read(&photo).unwrap();
    let video = &bytes[offset..offset + length];
    assert_eq!(&video[4..8], b"ftyp");
    assert_eq!(part["checksum"], blake3::hash(video).to_hex().as_str());
    assert_eq!(
        Path::new(part["path"].as_str().unwrap()),
        photo.canonicalize().unwrap()
    );
    // It cannot be moved, and says what can be done.
    let refused = library.command([Path::new("convert"), &photo, Path::new("--json")]);
    let refused = crate::program::said({ refused }.output().unwrap());
    assert_eq!(refused.code, 1);
    assert!(
        refused.json()["refused"][0]["detail"]
            .as_str()
            .unwrap()
            .contains("--extract")
    );
    let whole = ask(&["--extract"]);
    assert_eq!(whole["managed"], true);
    assert_eq!(fs::read(whole["path"].as_str().unwrap()).unwrap(), video);
    assert_eq!(ask(&["--extract"]), whole, "once is enough");
    assert_eq!(ask(&[]), whole);
    library.index();
    assert_eq!(library.json(["reconcile", "--verify"])["repaired"], 0);
    assert_eq!(ask(&[]), whole);
    assert_eq!(
        snapshot(&library.originals()),
        before,
        "the photo was touched"
    );
}

#[test]
fn pairs_are_found_by_what_they_carry_and_not_by_what_speaks_against_it() {
    let test = "pairs_are_found_by_what_they_carry_and_not_by_what_speaks_against_it";
    let Some(corpus) = corpus(test) else { return };
    let library = Library::new();
    let live = corpus.join("livephoto");
    // Renamed apart, and moved apart.
    copy(
        &live.join("IMG_0101.JPG"),
        &library.original("trip/beach.jpg"),
    );
    copy(
        &live.join("IMG_0101.MOV"),
        &library.original("clips/0001.mov"),
    );
    // The same name, another identifier.
    copy(
        &live.join("lonely_still.heic"),
        &library.original("other/0001.heic"),
    );
    copy(
        &live.join("IMG_0101.MOV"),
        &library.original("other/0001.mov"),
    );
    // The same name, taken years apart.
    copy(
        &corpus.join("photos/camera/Leica_T_Typ_701.jpg"),
        &library.original("apart/a.jpg"),
    );
    copy(&live.join("IMG_0101.MOV"), &library.original("apart/a.mov"));
    library.index();
    let found = library.references("trip/beach.jpg");
    // Three copies of the video: one row, which refers to one of them.
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("live original ") && found[0].ends_with(".mov"),
        "{found:?}"
    );
    assert_eq!(library.references("other/0001.heic"), [""; 0]);
    assert_eq!(library.references("apart/a.jpg"), [""; 0]);
}

#[test]
fn subtitles_and_settings_are_listed_under_names_that_scripts_can_ask_for() {
    let library = Library::new();
    write_jpeg(&library.original("a.jpg"), 1);
    fs::write(library.original("a.jpg.xmp"), b"<x:xmpmeta/>").unwrap();
    fs::write(library.original("a.xmp"), b"<x:xmpmeta another=''/>").unwrap();
    // Enough of a Matroska file to be known by its first bytes.
    let film = b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska\x42\x87\x81\x01\x42\x85\x81\x01";
    fs::write(library.original("film.mkv"), film).unwrap();
    for (name, text) in [
        ("film.en.srt", "1"),
        ("film.pt-BR.forced.srt", "2"),
        ("film.en.vtt", "WEBVTT 3"),
        ("film.srt", "4"),
        ("filmography.srt", "5"),
    ] {
        fs::write(library.original(name), text).unwrap();
    }
    library.index();
    let found = library.references("film.mkv");
    let expected = [
        "subtitle en film.en.srt",
        "subtitle en-vtt film.en.vtt",
        "subtitle pt-br.forced film.pt-BR.forced.srt",
        "subtitle und film.srt",
    ];
    assert_eq!(found, expected);
    let found = library.references("a.jpg");
    assert_eq!(found, ["xmp original a.jpg.xmp", "xmp original-xmp a.xmp"]);
    let content = library.json([Path::new("ls"), &library.original("film.mkv")]);
    assert!(
        content
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["managed"] == false)
    );
    let presence = library.json([
        "presence".as_ref(),
        "--kind".as_ref(),
        "subtitle".as_ref(),
        "--variant".as_ref(),
        "en".as_ref(),
        library.original("film.mkv").as_os_str(),
    ]);
    let answer = presence.as_object().unwrap().values().next().unwrap();
    assert_eq!(answer["en"]["local"], true, "{presence}");
    assert!(
        answer["en"]["path"]
            .as_str()
            .unwrap()
            .ends_with("film.en.srt"),
        "{presence}"
    );
}

#[test]
fn what_a_person_links_and_unlinks_stays_so() {
    let library = Library::new();
    write_jpeg(&library.original("a.jpg"), 1);
    write_jpeg(&library.original("b.jpg"), 2);
    fs::write(library.original("a.xmp"), b"<x/>").unwrap();
    library.index();
    assert_eq!(library.references("a.jpg"), ["xmp original a.xmp"]);
    let act = |command: &str, of: &str| {
        library.json([
            Path::new(command),
            &library.original(of),
            &library.original("a.xmp"),
        ])
    };
    assert_eq!(act("unlink", "a.jpg")["unlinked"], 1);
    assert_eq!(act("link", "b.jpg")["relation"], "xmp");
    for round in 0..2 {
        fs::write(library.original(&format!("more{round}.txt")), b"more").unwrap();
        library.index();
        assert_eq!(library.references("a.jpg"), [""; 0]);
        assert_eq!(library.references("b.jpg"), ["xmp original a.xmp"]);
        // A catalog that is made again does not forget it either.
        fs::remove_file(library.root().join("catalog.db")).unwrap();
    }
    library.index();
    assert_eq!(library.references("b.jpg"), ["xmp original a.xmp"]);
    let nonsense = [
        Path::new("link"),
        &library.original("a.xmp"),
        &library.original("b.jpg"),
    ];
    let refused = library.vss(nonsense);
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("cannot be a sidecar"),
        "{}",
        refused.err
    );
    let unknown = library.original("unknown.jpg");
    write_jpeg(&unknown, 3);
    let refused = library.vss([Path::new("link"), &unknown, &library.original("a.xmp")]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("vss index"), "{}", refused.err);
}

#[test]
fn converting_moves_and_reverting_moves_back_byte_for_byte() {
    let library = Library::new();
    write_jpeg(&library.original("a.jpg"), 1);
    fs::create_dir(library.original("copy")).unwrap();
    write_jpeg(&library.original("copy/a.jpg"), 1);
    fs::write(library.original("a.xmp"), b"<x:xmpmeta/>").unwrap();
    let before = snapshot(&library.originals());
    library.index();
    let dry = library.json(["convert", "--all", "--dry-run"]);
    assert_eq!(dry["converted"].as_array().unwrap().len(), 1, "{dry}");
    assert_eq!(snapshot(&library.originals()), before);
    let done = library.json(["convert", "--kind", "xmp"]);
    assert_eq!(done["bytes"], 12, "{done}");
    assert!(!library.original("a.xmp").exists());
    library.index();
    let row = library.listed(&library.original("copy/a.jpg"), "xmp");
    assert_eq!(
        (&row["managed"], &row["source"]),
        (&true.into(), &"converted".into()),
        "{row}"
    );
    assert_eq!(
        fs::read(row["path"].as_str().unwrap()).unwrap(),
        b"<x:xmpmeta/>"
    );
    // A lost database does not lose it: its manifest says what it is.
    fs::remove_file(library.root().join("sidecars.db")).unwrap();
    library.json(["reconcile"]);
    let again = library.listed(&library.original("a.jpg"), "xmp");
    assert_eq!(again["source"], "converted", "{again}");
    // Where it was is not known any more, and that is said.
    let lost = library.vss([
        Path::new("convert"),
        Path::new("--revert"),
        &library.original("a.jpg"),
    ]);
    assert_eq!(lost.code, 1);
    assert!(lost.out.contains("not known where it was"), "{}", lost.out);

    let library = Library::new();
    write_jpeg(&library.original("a.jpg"), 1);
    fs::write(library.original("a.xmp"), b"<x:xmpmeta/>").unwrap();
    let before = snapshot(&library.originals());
    library.index();
    library.json(["convert", "--all"]);
    fs::write(library.original("a.xmp"), b"in the way").unwrap();
    let revert = [
        Path::new("convert"),
        Path::new("--revert"),
        &library.original("a.jpg"),
    ];
    let refused = library.vss(revert);
    assert_eq!(refused.code, 1);
    assert!(
        refused.out.contains("has something else by now"),
        "{}",
        refused.out
    );
    fs::remove_file(library.original("a.xmp")).unwrap();
    library.json(revert);
    assert_eq!(snapshot(&library.originals()), before);
    library.index();
    assert_eq!(library.references("a.jpg"), ["xmp original a.xmp"]);
}
