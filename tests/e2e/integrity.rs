//! Damage is found, named and mended, nobody is given it, and other programs can tell as well.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::program::{Library, files_below, picture};

/// A library with all made of so many small pictures.
pub(crate) fn made_of(pictures: u32) -> Library {
    let library = Library::new();
    for seed in 0..pictures {
        let place = library.originals().join(format!("{seed}.jpg"));
        let mut picture = picture(seed, 64, 48);
        // Its number in squares of black and white, or every so many would be alike.
        for bit in 0..24_u32 {
            let shade = if seed >> bit & 1 == 1 { 255 } else { 0 };
            let (left, top) = (bit % 8 * 8, bit / 8 * 8);
            for (x, y) in (0..64).map(|n| (left + n % 8, top + n / 8)) {
                picture.put_pixel(x, y, image::Rgb([shade; 3]));
            }
        }
        picture
            .save_with_format(place, image::ImageFormat::Jpeg)
            .unwrap();
    }
    library.index_and_run();
    library
}

/// Flips a bit and leaves the time as it was, as a disk does.
pub(crate) fn rot(path: &Path) {
    let modified = path.metadata().unwrap().modified().unwrap();
    flip(path);
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(modified).unwrap();
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

/// Content, kind and variant of a file in the vault.
fn named(path: &Path) -> [String; 3] {
    let parts: Vec<_> = path
        .iter()
        .rev()
        .map(|part| part.to_str().unwrap())
        .collect();
    let variant = parts[0].rsplit_once('.').unwrap().0;
    assert_eq!(parts[1], "thumbs");
    [parts[2], "thumb", variant].map(str::to_owned)
}

/// What `b3sum --check` says of every line there is, fed to it as a person would; computed here
/// where that program is not installed. Answers how many lines there were.
pub(crate) fn check_sums(library: &Library) -> Result<usize, String> {
    let mut lines = String::new();
    for file in files_below(&library.sidecars().join("content")) {
        if file.file_name().is_some_and(|name| name == "B3SUMS") {
            lines.push_str(&fs::read_to_string(file).unwrap());
        }
    }
    let count = lines.lines().count();
    let tool = Command::new("b3sum")
        .args(["--check", "--quiet", "-"])
        .current_dir(library.sidecars())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut tool) = tool else {
        eprintln!("b3sum is not installed: its check is done by the test itself");
        for line in lines.lines() {
            let (digest, path) = line.split_once("  ").unwrap();
            let bytes = fs::read(library.sidecars().join(path)).map_err(|e| e.to_string())?;
            if blake3::hash(&bytes).to_hex().as_str() != digest {
                return Err(path.to_owned());
            }
        }
        return Ok(count);
    };
    let mut input = tool.stdin.take().unwrap();
    input.write_all(lines.as_bytes()).unwrap();
    drop(input);
    let said = tool.wait_with_output().unwrap();
    match said.status.success() {
        true => Ok(count),
        false => Err(String::from_utf8_lossy(&said.stdout).into_owned()),
    }
}

#[test]
fn a_damaged_sidecar_is_given_to_nobody_and_made_again() {
    let library = made_of(3);
    let files = library.sidecar_files();
    rot(&files[0]);
    flip(&files[4]);
    for damaged in [&files[0], &files[4]] {
        let [content, kind, variant] = named(damaged);
        let said = library.vss(["path", &content, &kind, &variant, "--json"]);
        assert_eq!((said.code, &said.json()["state"]), (3, &"pending".into()));
        assert!(!damaged.exists());
    }
    let present = |file: &Path| {
        let [content, kind, variant] = named(file);
        let asked = ["presence", "--kind", &kind, "--variant", &variant, &content];
        let answer = library.json(asked);
        let answer = &answer[&content][&variant];
        (
            answer["local"].as_bool().unwrap(),
            answer.get("path").is_some(),
        )
    };
    assert_eq!(present(&files[0]), (false, false));
    rot(&files[1]);
    assert_eq!(
        present(&files[1]),
        (false, false),
        "also as the first to ask"
    );
    assert_eq!(present(&files[2]), (true, true));
    assert_eq!(library.json(["run"])["ready"], 3);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 9);
    let kept = files_below(&library.sidecars().join(".quarantine"));
    assert_eq!(kept.len(), 3);
    assert_eq!(check_sums(&library), Ok(9));
}

#[test]
fn a_scrub_tells_rot_from_an_edit_and_names_what_cannot_be_made_again() {
    let library = made_of(4);
    let files = library.sidecar_files();
    rot(&files[0]);
    std::thread::sleep(Duration::from_millis(20));
    flip(&files[5]);
    // Of this one the original is gone.
    let lost = named(&files[9])[0].clone();
    let original = library.json(["explain", &lost])["originals"][0].clone();
    fs::remove_file(original.as_str().unwrap()).unwrap();
    rot(&files[9]);

    let looked = library.vss(["scrub", "--all", "--dry-run", "--json"]);
    assert_eq!((looked.code, &looked.json()["corrupt"]), (1, &3.into()));
    assert!(files[0].exists() && files[5].exists());

    let said = library.vss(["scrub", "--all", "--json"]);
    let scrubbed = said.json();
    assert_eq!(said.code, 1, "{}", said.out);
    assert_eq!(
        (
            &scrubbed["checked"],
            &scrubbed["corrupt"],
            &scrubbed["repaired"]
        ),
        (&12.into(), &3.into(), &2.into())
    );
    let damage = |file: &Path| {
        let [content, _, variant] = named(file);
        let findings = scrubbed["findings"].as_array().unwrap();
        let is_it = |found: &&Value| found["content"] == *content && found["variant"] == *variant;
        findings.iter().find(is_it).unwrap()["damage"].clone()
    };
    assert_eq!(damage(&files[0]), "bit_rot");
    assert_eq!(damage(&files[5]), "edited");
    let unrepaired = scrubbed["unrepaired"].as_array().unwrap();
    assert_eq!(unrepaired.len(), 1, "{unrepaired:?}");
    assert_eq!(unrepaired[0]["content"], *lost);
    let kept = PathBuf::from(unrepaired[0]["kept"].as_str().unwrap());
    assert!(kept.is_file(), "{kept:?}");
    assert!(
        unrepaired[0]["reason"]
            .as_str()
            .unwrap()
            .contains("missing_source")
    );
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 11);
    let said = library.vss(["scrub", "--all"]);
    assert!(said.out.contains("none is damaged"), "{}", said.out);
}

#[test]
fn sums_are_kept_in_step_with_the_rows_and_pass_without_us() {
    let library = made_of(5);
    assert_eq!(check_sums(&library), Ok(15));
    // A file that is made anew, one that is lost, sums that are lost, and a false line.
    library.json(["regen", "--all", "--kind", "thumb"]);
    library.json(["run"]);
    assert_eq!(check_sums(&library), Ok(15));
    let content = library.sidecars().join("content");
    let sums: Vec<_> = files_below(&content);
    let sums: Vec<_> = sums
        .iter()
        .filter(|file| file.ends_with("B3SUMS"))
        .collect();
    fs::remove_file(sums[0]).unwrap();
    let text = fs::read_to_string(sums[1]).unwrap();
    fs::write(sums[1], &text[..text.len() / 2]).unwrap();
    fs::remove_file(&library.sidecar_files()[8]).unwrap();
    assert!(check_sums(&library).is_err());

    let looked = library.json(["reconcile", "--dry-run"]);
    assert_eq!(
        (&looked["amended"], &looked["missing"]),
        (&3.into(), &1.into())
    );
    let reconciled = library.json(["reconcile"]);
    assert_eq!(reconciled["amended"], 3);
    assert_eq!(check_sums(&library), Ok(14));
    library.json(["run"]);
    assert_eq!(check_sums(&library), Ok(15));
    let again = library.json(["reconcile", "--verify"]);
    assert_eq!(
        (&again["amended"], &again["unknown"]),
        (&0.into(), &0.into())
    );
    assert_eq!(library.ready_rows().len(), 15);
}

#[test]
fn the_sidecars_of_a_deleted_file_go_when_they_were_shown_and_nothing_else_does() {
    let library = made_of(4);
    let gone = library.originals().join("2.jpg");
    fs::remove_file(&gone).unwrap();
    library.json([Path::new("index"), &library.originals()]);
    let unseen = library.vss(["gc", "--apply"]);
    assert_eq!(unseen.code, 1);
    assert!(unseen.err.contains("vss gc"), "{}", unseen.err);
    let waiting = library.json(["gc"]);
    assert_eq!(
        (&waiting["contents"], &waiting["waiting"]),
        (&0.into(), &1.into())
    );
    let reconciled = library.json(["reconcile"]);
    assert_eq!(
        (&reconciled["orphaned"], &reconciled["removed_rows"]),
        (&1.into(), &0.into())
    );

    let shown = library.json(["gc", "--grace", "0"]);
    assert_eq!(
        (&shown["contents"], &shown["sidecars"]),
        (&1.into(), &3.into())
    );
    assert_eq!(library.sidecar_files().len(), 12);
    let before = library.json(["du"]);
    let done = library.json(["gc", "--apply"]);
    assert_eq!(done["bytes"], shown["bytes"]);
    assert_eq!(library.sidecar_files().len(), 9);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 9);
    assert_eq!(check_sums(&library), Ok(9));
    let after = library.json(["du"]);
    let freed = before["bytes"].as_u64().unwrap() - after["bytes"].as_u64().unwrap();
    assert_eq!(shown["bytes"], freed);
    let files = after["sidecars"].as_array().unwrap().iter();
    let files: u64 = files.map(|entry| entry["files"].as_u64().unwrap()).sum();
    assert_eq!(files, 9);
    // A file that comes back is made anew.
    picture(2, 64, 48)
        .save_with_format(&gone, image::ImageFormat::Jpeg)
        .unwrap();
    let (_, run) = library.index_and_run();
    assert_eq!(run["ready"], 3);
}
