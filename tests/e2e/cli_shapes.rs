//! The JSON shapes and exit codes that scripts rely on.

use std::path::Path;

use serde_json::Value;

use crate::program::{Library, said, write_jpeg};

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn assert_has(value: &Value, wanted: &[&str]) {
    let keys = keys(value);
    for key in wanted {
        assert!(keys.contains(key), "{key} is missing in {value}");
    }
}

fn library() -> Library {
    let library = Library::new();
    write_jpeg(&library.originals().join("a.jpg"), 1);
    std::fs::write(library.originals().join("b.txt"), "words").unwrap();
    library
}

#[test]
fn every_document_has_the_fields_it_promises() {
    let library = library();
    let picture = library.originals().join("a.jpg");
    let (index, run) = library.index_and_run();
    assert_has(
        &index,
        &[
            "files",
            "contents",
            "hashed",
            "unchanged",
            "ignored",
            "enqueued",
            "references",
            "errors",
            "seconds",
        ],
    );
    assert_has(
        &run,
        &[
            "ready",
            "failed",
            "quarantined",
            "retried",
            "bytes",
            "seconds",
            "cpu_seconds",
        ],
    );
    let status = library.json(["status"]);
    assert_has(
        &status,
        &[
            "library_id",
            "device",
            "contents",
            "originals",
            "sidecars",
            "bytes",
        ],
    );
    assert_has(
        &status["sidecars"]["thumb"],
        &["pending", "running", "ready", "failed", "quarantined"],
    );
    assert_eq!(status["sidecars"]["thumb"]["ready"], 3);
    let listed = library.json([Path::new("ls"), &picture]);
    assert_has(
        &listed[0],
        &[
            "kind", "variant", "format", "status", "managed", "path", "size", "checksum", "source",
            "version",
        ],
    );
    let explained = library.json([Path::new("explain"), &picture]);
    assert_eq!(explained["verdict"], "complete");
    let content = explained["content"].as_str().unwrap();
    let present = library.json([
        "presence",
        "--kind",
        "thumb",
        "--variant",
        "grid@1x",
        "--variant",
        "icon@1x",
        content,
    ]);
    assert_has(
        &present[content]["grid@1x"],
        &["local", "path", "status", "devices"],
    );
    assert_eq!(
        (
            &present[content]["grid@1x"]["local"],
            &present[content]["icon@1x"]["local"]
        ),
        (&true.into(), &false.into())
    );
    let ready = library.json(["path", content, "thumb", "grid@1x"]);
    assert_has(&ready, &["state", "path", "size", "checksum", "format"]);
    assert_eq!(ready["checksum"], listed[1]["checksum"]);
    assert_has(
        &library.json(["reconcile"]),
        &[
            "scanned",
            "adopted",
            "missing",
            "repaired",
            "removed_rows",
            "amended",
            "orphaned",
            "unknown",
            "seconds",
        ],
    );
    let scrub = library.json(["scrub", "--all"]);
    let report = [
        "checked",
        "corrupt",
        "repaired",
        "unrepaired",
        "bytes",
        "seconds",
    ];
    assert_has(&scrub, &report);
    assert_has(&scrub, &["missing", "findings", "finished", "dry_run"]);
    let gc = library.json(["gc"]);
    assert_has(
        &gc,
        &[
            "contents", "sidecars", "bytes", "kinds", "kept", "waiting", "unknown",
        ],
    );
    assert_has(&gc, &["missing_locations", "dry_run", "seconds"]);
    let du = library.json(["du"]);
    assert_has(&du, &["bytes", "sidecars", "quarantine", "staging"]);
    assert_has(
        &du["sidecars"][0],
        &["kind", "variant", "files", "bytes", "rows"],
    );
    assert_has(&library.json(["doctor"]), &["healthy", "checks"]);
    assert_has(
        &library.json(["kinds"])[0],
        &["kind", "variant", "format", "default"],
    );
}

#[test]
fn exit_codes_tell_ready_pending_failed_and_usage_apart() {
    let library = library();
    let picture = library.originals().join("a.jpg");
    let path = |file: &Path, kind: &str, variant: &str| {
        let mut command = library.command(["path"]);
        said(command.arg(file).args([kind, variant]).output().unwrap()).code
    };
    library.json([Path::new("index"), &library.originals()]);
    assert_eq!(path(&picture, "thumb", "grid@1x"), 3);
    library.json(["run"]);
    assert_eq!(path(&picture, "thumb", "grid@1x"), 0);
    assert_eq!(path(&picture, "thumb", "enormous"), 2);
    assert_eq!(path(&picture, "teleport", "x"), 2);
    assert_eq!(path(&picture, "thumb", "../x"), 2);
    assert_eq!(
        path(&library.originals().join("b.txt"), "thumb", "grid@1x"),
        4
    );
    assert_eq!(
        path(&library.originals().join("nothing.jpg"), "thumb", "grid@1x"),
        2
    );
    assert_eq!(library.vss(["frobnicate"]).code, 2);
}

#[test]
fn plain_output_is_for_people_and_json_goes_to_stdout_alone() {
    let library = library();
    let index = library.vss([Path::new("index"), &library.originals()]);
    assert!(
        index.out.contains("3 sidecars queued; next: vss run"),
        "{}",
        index.out
    );
    let run = library.vss(["run"]);
    assert!(run.out.contains("3 sidecars made"), "{}", run.out);
    let problems = library.vss(["explain", "--problems"]);
    assert!(
        problems.out.contains("b.txt: unsupported"),
        "{}",
        problems.out
    );
    let failed = library.vss(["ls", "nowhere.jpg", "--json"]);
    assert_eq!((failed.code, &failed.json()["exit_code"]), (2, &2.into()));
    assert!(failed.err.contains("nowhere.jpg"), "{}", failed.err);
}
