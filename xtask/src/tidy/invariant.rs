//! Holds ARCHITECTURE.md to its word: each invariant names a test, and that test exists.

use super::Violation;
use super::tree::{File, text};

const PAGE: &str = "ARCHITECTURE.md";
const MARK: &str = "Invariant:";
/// What comes before the name, in backticks.
const TEST: &str = "test `";

/// Every invariant of the page; a page without one is refused.
pub(super) fn check(files: &[File]) -> Vec<Violation> {
    // That the page is there at all is another rule's.
    let Some(page) = text(files, PAGE) else {
        return Vec::new();
    };
    let invariants = invariants(page);
    if invariants.is_empty() {
        return vec![Violation::new(PAGE, 0, "states no `Invariant:`")];
    }
    let mut wrong = Vec::new();
    for (line, invariant) in invariants {
        let tests = tests_named_in(&invariant);
        if tests.is_empty() {
            let message = "the invariant names no test; say which holds it: test `path::of::name`";
            wrong.push(Violation::new(PAGE, line, message));
        }
        for test in tests {
            let name = test.rsplit("::").next().unwrap_or(test);
            if !files
                .iter()
                .any(|file| file.path.ends_with(".rs") && defines(&file.text, name))
            {
                wrong.push(Violation::new(
                    PAGE,
                    line,
                    format!("there is no test `{test}`"),
                ));
            }
        }
    }
    wrong
}

/// Each invariant with its line: from its mark to the next mark or the end of the paragraph.
fn invariants(page: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in page.lines().enumerate() {
        if line.contains(MARK) {
            found.push((index + 1, line.to_owned()));
            open = true;
        } else if line.trim().is_empty() || line.starts_with('#') {
            open = false;
        } else if open && let Some((_, text)) = found.last_mut() {
            text.push(' ');
            text.push_str(line.trim());
        }
    }
    found
}

fn tests_named_in(invariant: &str) -> Vec<&str> {
    let named = invariant.split(TEST).skip(1);
    named
        .filter_map(|rest| rest.split('`').next())
        .filter(|name| !name.is_empty())
        .collect()
}

/// A function of that name, or its name as a string or in a `check!(..)`, as checks are listed.
fn defines(source: &str, name: &str) -> bool {
    let whole_word =
        |at: usize| !source[at..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let function = format!("fn {name}");
    source
        .match_indices(&function)
        .any(|(at, _)| whole_word(at + function.len()))
        || source.contains(&format!("\"{name}\""))
        || source.contains(&format!("check!({name})"))
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    const SOURCE: &str = "//! Why.\nfn arrows_point_inwards() {}\nconst A: &str = \"by_string\";\ncheck!(by_check);\n";

    fn of(page: &str) -> Vec<String> {
        let files = tree::of(&[(PAGE, page), ("src/a.rs", SOURCE)]);
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_invariant_with_a_real_test_passes() {
        let page = "# A\n\n**Invariant:** arrows point inwards\n(test `arch::arrows_point_inwards`).\n\n\
                    Invariant: b; test `by_string`\nInvariant: c; test `by_check`, test `by_string`\n";
        assert_eq!(of(page), Vec::<String>::new());
    }

    #[test]
    fn an_invariant_without_a_test_is_refused() {
        let wrong = of("\nInvariant: nothing is lost.\n\nUnrelated: test `by_string`\n");
        assert_eq!(wrong.len(), 1);
        assert!(
            wrong[0].starts_with("ARCHITECTURE.md:2: the invariant names no test"),
            "{wrong:?}"
        );
        assert_eq!(of("No invariant here.").len(), 1);
    }

    #[test]
    fn an_invariant_whose_test_is_gone_is_refused() {
        let wrong = of("Invariant: a; test `arch::arrows_point`\n");
        assert_eq!(
            wrong,
            ["ARCHITECTURE.md:1: there is no test `arch::arrows_point`"]
        );
    }
}
