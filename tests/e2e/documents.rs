//! Scanned documents as searchable ones: the words lie where they are seen, and all else is as it
//! was.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::program::{Library, corpus};
use crate::text::{difference, export, exported, pdf_of, places, reading, sidecar, thumb, words};

/// A library with these documents of the corpus, read.
fn read(test: &str, names: &[&str]) -> Option<(Library, Vec<PathBuf>)> {
    let corpus = corpus(test)?;
    let library = reading(test)?;
    let copies = names.iter().map(|name| {
        let copy = library.originals().join(name);
        fs::copy(corpus.join("documents/pdf").join(name), &copy).unwrap();
        copy
    });
    let copies = copies.collect();
    library.index_and_run();
    Some((library, copies))
}

/// What another program makes of a document, where it is installed.
fn asked(program: &str, arguments: &[&Path]) -> Option<String> {
    let Ok(said) = Command::new(program).args(arguments).output() else {
        eprintln!("there is no {program}: only our own reader looks at the PDF");
        return None;
    };
    let out = String::from_utf8_lossy(&said.stdout).into_owned();
    let err = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{program}: {out} {err}");
    Some(out)
}

/// How many words of a page are where they were, on one that was not turned upright before it was
/// read; and how many there are.
fn found_again(page: &Value, again: &Value) -> [usize; 2] {
    let turned = |[x, y]: [f64; 2]| match page["rotation"].as_u64().unwrap() {
        90 => [1.0 - y, x],
        180 => [1.0 - x, 1.0 - y],
        270 => [y, 1.0 - x],
        _ => [x, y],
    };
    let again: Vec<_> = places(again);
    let words = places(page);
    let is_there = |(text, [x, y]): &&(String, [f64; 2])| {
        again.iter().any(|(other, place)| {
            let [u, v] = turned(*place);
            other == text && (x - u).abs() < 0.01 && (y - v).abs() < 0.01
        })
    };
    [words.iter().filter(is_there).count(), words.len()]
}

#[test]
fn a_scanned_document_gets_its_words_where_they_are_seen_and_stays_what_it_was() {
    // Two columns; four pages that are turned; a page of a book.
    let names = ["linn.pdf", "cardinal.pdf", "c02-22.pdf"];
    let Some((library, documents)) = read("scanned documents", &names) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let second = Library::new();
    let mut recognised = 0;
    for document in &documents {
        let name = document.file_name().unwrap().to_str().unwrap();
        let json = sidecar(&library, document);
        let pages = json["pages"].as_array().unwrap();
        let of_ocr = |page: &&Value| page["source"] == "ocr";
        recognised += pages.iter().filter(of_ocr).count();
        let searchable = pdf_of(&library, document, folder.path());
        // Nothing that was there is written anew.
        let (old, new) = (fs::read(document).unwrap(), fs::read(&searchable).unwrap());
        assert!(new.starts_with(&old), "{name}");
        let text = exported(&library, document, "txt");
        if let Some(found) = asked("pdftotext", &[&searchable, Path::new("-")]) {
            let (found, text) = (words(&found), words(&text));
            let known = text.iter().filter(|word| found.contains(word)).count();
            assert!(
                known * 100 >= text.len() * 97,
                "{name}: {known} of {}",
                text.len()
            );
        }
        asked("qpdf", &[Path::new("--check"), &searchable]);
        // Our own reader takes the words from the document now, and finds them where they were.
        second.json([Path::new("index"), &searchable]);
        second.json(["run"]);
        let again = sidecar(&second, &searchable);
        let again = again["pages"].as_array().unwrap();
        assert_eq!(again.len(), pages.len(), "{name}");
        for (page, again) in pages.iter().zip(again) {
            let number = &page["number"];
            if page["blocks"].as_array().unwrap().is_empty() {
                continue;
            }
            assert_eq!(again["source"], "text", "{name} page {number}");
            let [found, all] = found_again(page, again);
            assert!(
                found * 10 >= all * 9,
                "{name} page {number}: {found} of {all}"
            );
        }
        // And nobody sees them.
        let (before, after) = (thumb(&library, document), thumb(&second, &searchable));
        assert!(difference(&before, &after) < 3, "{name}");
    }
    assert!(recognised >= 3, "only {recognised} pages were recognised");
}

#[test]
fn whatever_a_document_is_like_it_gets_its_words_or_a_reason() {
    let Some(corpus) = corpus("odd documents") else {
        return;
    };
    let entries = fs::read_dir(corpus.join("documents/pdf")).unwrap();
    let names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".pdf"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Some((library, documents)) = read("odd documents", &names) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut written, mut refused) = (0, 0);
    for document in &documents {
        // What could not be read has no words, and says why.
        let text = export(&library, document, "txt");
        let out = folder.path().join(document.file_name().unwrap());
        let place = out.to_str().unwrap();
        let document = document.to_str().unwrap();
        let said = library.vss(["export", document, "ocr", "--as", "pdf", "--out", place]);
        match said.code {
            0 => {
                assert!(
                    fs::read(&out)
                        .unwrap()
                        .starts_with(&fs::read(document).unwrap())
                );
                written += 1;
            }
            // As for the text, or with what is wrong with the document.
            code => {
                assert!(
                    code == text.code || said.err.contains("cannot be given its words"),
                    "{document}: {}",
                    said.err
                );
                assert!(!said.err.contains("panicked"), "{document}: {}", said.err);
                assert!(!out.exists(), "{document}");
                refused += 1;
            }
        }
    }
    eprintln!(
        "of {} documents {written} were given words or had them, {refused} not",
        documents.len()
    );
    assert!(written > 20);
}
