//! Reads from vss' answers what became of one file: thumbnails, or the class that says why not.

use std::path::PathBuf;

use serde_json::Value;

/// What the demo shows of one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Variant and path of each thumbnail; all that were wanted are ready.
    Thumbs(Vec<(String, PathBuf)>),
    /// At least one is not there.
    Without { class: String, detail: String },
}

/// From the rows of `vss ls`, and from `vss explain` when these do not tell.
pub(super) fn read(rows: &Value, explain: impl FnOnce() -> Value) -> Outcome {
    let rows = rows.as_array().map_or(&[][..], Vec::as_slice);
    let thumbs = rows.iter().filter(|row| row["kind"] == "thumb");
    let (ready, open): (Vec<&Value>, Vec<&Value>) =
        thumbs.partition(|row| row["status"] == "ready");
    if open.is_empty() && !ready.is_empty() {
        let path = |row: &Value| Some(PathBuf::from(row["path"].as_str()?));
        let variant = |row: &Value| row["variant"].as_str().unwrap_or("?").to_owned();
        let both = |row: &&Value| path(row).map(|path| (variant(row), path));
        return Outcome::Thumbs(ready.iter().filter_map(both).collect());
    }
    let explained = explain();
    let sources = || open.iter().copied().chain([&explained]);
    let first = |keys: &[&str]| sources().find_map(|value| find(value, keys));
    let status = open
        .first()
        .and_then(|row| row["status"].as_str())
        .unwrap_or("none wanted");
    Outcome::Without {
        class: first(&["class"]).unwrap_or_else(|| status.to_owned()),
        detail: first(&["detail", "reason", "why", "error"]).unwrap_or_default(),
    }
}

/// The first text under one of `keys`, at any depth.
fn find(value: &Value, keys: &[&str]) -> Option<String> {
    match value {
        Value::Object(fields) => {
            let here = keys.iter().find_map(|key| fields.get(*key)?.as_str());
            here.map(ToOwned::to_owned)
                .or_else(|| fields.values().find_map(|it| find(it, keys)))
        }
        Value::Array(items) => items.iter().find_map(|item| find(item, keys)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_whose_thumbs_are_all_ready_has_thumbs() {
        let rows = json!([
            {"kind": "thumb", "variant": "grid@1x", "status": "ready", "path": "/l/a.webp"},
            {"kind": "ocr", "variant": "text", "status": "failed"},
        ]);
        let outcome = read(&rows, || unreachable!());
        assert_eq!(
            outcome,
            Outcome::Thumbs(vec![("grid@1x".into(), "/l/a.webp".into())])
        );
    }

    #[test]
    fn one_failed_thumb_is_told_with_its_class() {
        let rows = json!([
            {"kind": "thumb", "variant": "grid@1x", "status": "ready", "path": "/l/a.webp"},
            {"kind": "thumb", "variant": "grid@2x", "status": "failed", "class": "corrupt_source"},
        ]);
        let Outcome::Without { class, detail } = read(&rows, || json!([{"why": "it is cut off"}]))
        else {
            panic!("it has no thumbs")
        };
        assert_eq!(
            (class.as_str(), detail.as_str()),
            ("corrupt_source", "it is cut off")
        );
    }

    #[test]
    fn a_file_of_which_nothing_is_wanted_says_so() {
        let outcome = read(&Value::Null, || Value::Null);
        let class = "none wanted".to_owned();
        assert_eq!(
            outcome,
            Outcome::Without {
                class,
                detail: String::new()
            }
        );
    }
}
