//! Rules about one Rust file: its first line, its length, and words that must not stay in it.

use super::{Violation, lex};

/// Longest file without its tests.
const MAX_LINES: usize = 400;

/// Words of code that are refused, and what to write instead.
const REFUSED: &[(&str, &str)] = &[
    (
        "#[allow(",
        "write #[expect(.., reason = \"..\")], which says when it is no longer needed",
    ),
    (
        "#![allow(",
        "write #![expect(.., reason = \"..\")], which says when it is no longer needed",
    ),
    (", allow(", "write expect(.., reason = \"..\")"),
    ("#[ignore]", "write #[ignore = \"why\"]"),
    ("todo!(", "finish it, or leave it out"),
    ("unimplemented!(", "finish it, or leave it out"),
];

/// Words of comments that are refused; written apart, since this file is read too.
const REFUSED_NOTES: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// All rules of this module over one file.
pub(super) fn check(path: &str, text: &str) -> Vec<Violation> {
    let mut wrong = Vec::new();
    wrong.extend(opens_with_its_reason(path, text));
    wrong.extend(stays_short(path, text));
    wrong.extend(refused_words(path, text));
    wrong
}

fn opens_with_its_reason(path: &str, text: &str) -> Option<Violation> {
    let first = text.lines().next().unwrap_or_default();
    let reason = first.strip_prefix("//!").map(str::trim).unwrap_or_default();
    let message = "the first line must be `//!` and say why the file exists";
    reason.is_empty().then(|| Violation::new(path, 1, message))
}

fn stays_short(path: &str, text: &str) -> Option<Violation> {
    if path
        .split('/')
        .any(|part| matches!(part, "tests" | "benches" | "tests.rs"))
    {
        return None;
    }
    let length = length_without_tests(text);
    (length > MAX_LINES).then(|| {
        let message = format!(
            "{length} lines without its tests, at most {MAX_LINES}: split it by what its parts are for"
        );
        Violation::new(path, 0, message)
    })
}

/// Lines up to the modules behind `#[cfg(test)]` that close the file; such a module further up counts.
fn length_without_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let starts = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| **line == "#[cfg(test)]");
    let first = starts
        .map(|(index, _)| index)
        .find(|&index| only_tests(&lines[index..]));
    first.unwrap_or(lines.len())
}

fn only_tests(mut lines: &[&str]) -> bool {
    loop {
        let blank = lines
            .iter()
            .take_while(|line| line.trim().is_empty())
            .count();
        lines = &lines[blank..];
        let Some((&first, rest)) = lines.split_first() else {
            return true;
        };
        if first != "#[cfg(test)]" {
            return false;
        }
        let attributes = rest
            .iter()
            .take_while(|line| !line.starts_with("mod "))
            .count();
        if rest[..attributes]
            .iter()
            .any(|line| !line.starts_with(['#', ' ', ')']))
        {
            return false;
        }
        let Some(close) = rest.iter().position(|line| *line == "}") else {
            return false;
        };
        lines = &rest[close + 1..];
    }
}

fn refused_words(path: &str, text: &str) -> Vec<Violation> {
    let split = lex::split(text);
    let mut wrong = Vec::new();
    for (index, line) in split.code.lines().enumerate() {
        for (word, instead) in REFUSED {
            // `not_todo!(` is another macro; what begins with a sign needs no such care.
            let is_whole = |at: usize| !begins_in_word(word) || !ends_in_word(&line[..at]);
            let found = line.match_indices(word).any(|(at, _)| is_whole(at));
            if found {
                wrong.push(Violation::new(
                    path,
                    index + 1,
                    format!("`{word}`: {instead}"),
                ));
            }
        }
    }
    for (index, line) in split.comments.lines().enumerate() {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        if let Some(note) = words.find(|word| REFUSED_NOTES.contains(word)) {
            let message = format!("{note} in a comment: do it now, or write an issue");
            wrong.push(Violation::new(path, index + 1, message));
        }
    }
    wrong
}

fn begins_in_word(text: &str) -> bool {
    text.starts_with(char::is_alphabetic)
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        check(path, text).iter().map(ToString::to_string).collect()
    }

    fn lines(count: usize) -> String {
        format!("//! Why.\n{}", "fn f() {}\n".repeat(count - 1))
    }

    #[test]
    fn a_file_must_open_with_its_reason() {
        for text in [
            "",
            "use a;\n",
            "//!\nuse a;\n",
            "#![no_std]\n//! Late.\n",
            "/// Not inner.\n",
        ] {
            assert_eq!(messages("src/a.rs", text).len(), 1, "{text:?}");
        }
        assert!(messages("src/a.rs", "//! Why.\n").is_empty());
    }

    #[test]
    fn a_file_of_401_lines_is_refused() {
        let long = messages("src/a.rs", &lines(401));
        assert_eq!(long.len(), 1);
        assert!(long[0].starts_with("src/a.rs: 401 lines"), "{}", long[0]);
        assert!(messages("src/a.rs", &lines(400)).is_empty());
        for exempt in [
            "crates/a/tests/a.rs",
            "crates/a/benches/a.rs",
            "src/a/tests.rs",
        ] {
            assert!(messages(exempt, &lines(401)).is_empty(), "{exempt}");
        }
    }

    #[test]
    fn only_tests_that_close_the_file_do_not_count() {
        let tests = format!(
            "#[cfg(test)]\nmod tests {{\n{}}}\n",
            "    fn t() {}\n".repeat(100)
        );
        assert!(messages("src/a.rs", &format!("{}\n{tests}", lines(390))).is_empty());
        assert!(messages("src/a.rs", &format!("{}\n{tests}\n{tests}", lines(390))).is_empty());
        let code_after = format!("{}{tests}fn f() {{}}\n", lines(390));
        assert_eq!(messages("src/a.rs", &code_after).len(), 1);
        let one_test_function = format!("{}#[cfg(test)]\nfn f() {{\n}}\n", lines(399));
        assert_eq!(messages("src/a.rs", &one_test_function).len(), 1);
    }

    #[test]
    fn refused_words_of_code_are_found_in_code_only() {
        for code in [
            "#[allow(dead_code)]",
            "#![allow(dead_code)]",
            "#[cfg_attr(test, allow(dead_code))]",
            "#[ignore]",
            "fn f() { todo!() }",
            "fn f() { unimplemented!() }",
        ] {
            assert_eq!(
                messages("src/a.rs", &format!("//! Why.\n{code}\n")).len(),
                1,
                "{code}"
            );
            let said = format!("//! Why: `{code}`.\nconst A: &str = r##\"{code}\"##;\n");
            assert!(messages("src/a.rs", &said).is_empty(), "{code}");
        }
        let good = "//! Why.\n#[ignore = \"needs root\"]\n#[expect(dead_code, reason = \"..\")]\nmy_todo!();\n";
        assert!(messages("src/a.rs", good).is_empty());
    }

    #[test]
    fn a_note_to_do_something_later_is_refused() {
        for note in REFUSED_NOTES {
            let found = messages("src/a.rs", &format!("//! Why.\n// {note}: later\n"));
            assert_eq!(found.len(), 1, "{note}");
            assert!(found[0].starts_with("src/a.rs:2: "), "{}", found[0]);
        }
    }
}
