//! More sidecars than the configuration allows: what makes room, what is told, and how it comes
//! back.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::integrity::{check_sums, made_of};
use crate::program::{Library, write_jpeg};

/// A library of some pictures that may keep so many bytes of thumbnails.
fn allowing(pictures: u32, part: impl Fn(u64) -> u64) -> (Library, u64) {
    let library = made_of(pictures);
    let quota = part(bytes(&library));
    allow(&library, &quota.to_string());
    (library, quota)
}

fn allow(library: &Library, quota: &str) {
    let text = format!("[quota.kinds]\nthumb = {quota}\n");
    fs::write(library.root().join("vss.toml"), text).unwrap();
}

fn bytes(library: &Library) -> u64 {
    let files = library.sidecar_files();
    files
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .sum()
}

#[test]
fn what_is_above_a_quota_is_shown_first_and_makes_room_and_comes_back_for_who_asks() {
    let (library, quota) = allowing(8, |bytes| bytes * 7 / 10);
    let before = library.sidecar_files();
    let looked = library.json(["gc"]);
    assert_eq!(library.sidecar_files(), before, "a look deletes nothing");
    assert!(looked["evicted"]["thumb"]["sidecars"].as_u64().unwrap() >= 6);
    assert_eq!(looked["over_quota"], json!({}));
    let said = library.vss(["gc"]);
    assert!(said.out.contains("would make room"), "{}", said.out);
    assert!(said.out.contains("vss gc --apply"), "{}", said.out);

    let done = library.json(["gc", "--apply"]);
    assert_eq!(done["evicted"], looked["evicted"]);
    assert!(bytes(&library) <= quota);
    let room = library.json(["du"]);
    assert_eq!(
        room["quotas"]["thumb"],
        json!({"bytes": bytes(&library), "quota": quota})
    );
    assert_eq!(room["bytes"], bytes(&library));
    let said = library.vss(["du"]);
    assert!(said.out.contains("quota of thumb: "), "{}", said.out);
    let left = library.assert_every_ready_row_has_its_whole_file();
    assert_eq!(check_sums(&library), Ok(left));
    let gone = (before.len() - left) as u64;
    assert_eq!(looked["evicted"]["thumb"]["sidecars"], gone);
    let status = library.json(["status"]);
    assert_eq!(status["sidecars"]["thumb"]["evicted"], gone);
    let view = library.query("SELECT count(*) AS n FROM sidecars_view WHERE status = 'evicted'");
    assert_eq!(
        view[0].try_get::<i64>("", "n").unwrap().cast_unsigned(),
        gone
    );

    // Neither an index nor a run nor a reconcile makes it again.
    library.json([Path::new("index"), &library.originals()]);
    assert_eq!(library.json(["reconcile"])["enqueued"], 0);
    assert_eq!(library.json(["run"])["ready"], 0);
    let problems = library.vss(["explain", "--problems"]);
    assert_eq!(problems.code, 0, "{} {}", problems.out, problems.err);

    let rows = library
        .query("SELECT content_uuid, variant FROM sidecars_view WHERE status = 'evicted' LIMIT 1");
    let of = |column: &str| rows[0].try_get::<String>("", column).unwrap();
    let (content, variant) = (of("content_uuid"), of("variant"));
    let why = library.vss(["explain", &content]);
    assert!(why.out.contains("made room"), "{}", why.out);
    let asked = library.vss(["path", &content, "thumb", &variant]);
    assert_eq!(asked.code, 3, "{} {}", asked.out, asked.err);
    assert_eq!(library.json(["run"])["ready"], 1);
    let found = library.vss(["path", &content, "thumb", &variant]);
    assert_eq!(found.code, 0, "{} {}", found.out, found.err);
    assert!(bytes(&library) <= quota);
}

#[test]
fn a_run_keeps_to_the_quota_by_itself() {
    let (library, quota) = allowing(4, |bytes| bytes);
    for seed in 100..104 {
        write_jpeg(&library.originals().join(format!("{seed}.jpg")), seed);
    }
    library.json([Path::new("index"), &library.originals()]);
    assert_eq!(library.json(["run"])["ready"], 12);
    assert!(bytes(&library) <= quota, "{} of {quota}", bytes(&library));
    let left = library.assert_every_ready_row_has_its_whole_file();
    assert_eq!(library.sidecar_files().len(), left);
}

#[test]
fn what_cannot_be_made_again_stays_above_the_quota_and_is_told() {
    let (library, _) = allowing(2, |bytes| bytes / 10);
    let lost = library.originals().join("0.jpg");
    fs::remove_file(&lost).unwrap();
    library.json([Path::new("index"), &library.originals()]);
    let done = library.json(["gc"]);
    assert_eq!(done["evicted"]["thumb"]["sidecars"], 3);
    assert!(done["over_quota"]["thumb"].as_u64().unwrap() > 0);
    let said = library.vss(["gc"]);
    assert!(
        said.out.contains("above the quota of thumb stay"),
        "{}",
        said.out
    );
}

#[test]
fn a_quota_is_a_number_of_bytes_or_a_text_and_nothing_else() {
    let library = made_of(1);
    for fine in ["1000000", "\"20 GB\"", "\"4 GiB\""] {
        allow(&library, fine);
        assert_eq!(library.json(["gc"])["evicted"], json!({}), "{fine}");
    }
    for wrong in ["\"20 apples\"", "-1", "[]"] {
        allow(&library, wrong);
        let refused = library.vss(["gc"]);
        assert_eq!(refused.code, 2, "{wrong}: {} {}", refused.out, refused.err);
        assert!(refused.err.contains("quota.kinds"), "{}", refused.err);
        assert!(refused.err.contains("vss.toml"), "{}", refused.err);
    }
}
