//! Rules about the pages: decisions are numbered, links lead somewhere, the front pages exist and stay short.

use super::Violation;
use super::tree::{File, inside, text};

const DECISIONS: &str = "docs/adr";
const MAX_ARCHITECTURE_LINES: usize = 300;
/// What a newcomer types first, and the build machine too.
const COMMANDS: &[&str] = &["cargo xtask demo", "cargo xtask test"];

/// `docs/adr/NNNN-title.md`, from 0001 on, each number once.
pub(super) fn decisions(files: &[File]) -> Vec<Violation> {
    let mut wrong = Vec::new();
    let mut numbers = Vec::new();
    for (name, file) in inside(files, DECISIONS).filter(|(name, _)| *name != "README.md") {
        match number(name) {
            Some(number) => numbers.push((number, &file.path)),
            None => wrong.push(Violation::new(
                &file.path,
                0,
                "a decision is named NNNN-title-in-small-letters.md",
            )),
        }
    }
    numbers.sort_unstable();
    let mut expected = 1;
    for (number, path) in numbers {
        if number < expected {
            wrong.push(Violation::new(
                path,
                0,
                format!("number {number:04} is taken twice"),
            ));
            continue;
        }
        if number > expected {
            let message =
                format!("number {expected:04} is missing before it; numbers have no holes");
            wrong.push(Violation::new(path, 0, message));
        }
        expected = number + 1;
    }
    if expected == 1 {
        wrong.push(Violation::new(DECISIONS, 0, "there is no decision"));
    }
    wrong
}

fn number(name: &str) -> Option<u32> {
    let (digits, title) = name.strip_suffix(".md")?.split_once('-')?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let well_named = digits.len() == 4 && !title.is_empty() && title.chars().all(plain);
    if well_named {
        digits.parse().ok()
    } else {
        None
    }
}

/// README.md with the two commands, ARCHITECTURE.md short enough to be read.
pub(super) fn front_pages(files: &[File]) -> Vec<Violation> {
    let mut wrong = Vec::new();
    match text(files, "README.md") {
        None => wrong.push(Violation::new("README.md", 0, "is missing")),
        Some(readme) => {
            for command in COMMANDS
                .iter()
                .filter(|command| !readme.contains(**command))
            {
                wrong.push(Violation::new(
                    "README.md",
                    0,
                    format!("must name `{command}`"),
                ));
            }
        }
    }
    match text(files, "ARCHITECTURE.md").map(|page| page.lines().count()) {
        None => wrong.push(Violation::new("ARCHITECTURE.md", 0, "is missing")),
        Some(lines) if lines > MAX_ARCHITECTURE_LINES => wrong.push(Violation::new(
            "ARCHITECTURE.md",
            0,
            format!("{lines} lines, at most {MAX_ARCHITECTURE_LINES}: move detail to docs/"),
        )),
        Some(_) => {}
    }
    wrong
}

/// Every relative link of a page leads to something in the repository.
pub(super) fn links(path: &str, page: &str, exists: &dyn Fn(&str) -> bool) -> Vec<Violation> {
    let mut wrong = Vec::new();
    let mut in_code = false;
    for (index, line) in page.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for target in targets(&without_code_spans(line)) {
            if let Err(why) = resolve(path, &target, exists) {
                wrong.push(Violation::new(
                    path,
                    index + 1,
                    format!("link to {target:?} {why}"),
                ));
            }
        }
    }
    wrong
}

fn without_code_spans(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

/// What stands in `](..)`, `]: ..`, `src=".."` and `href=".."`.
fn targets(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (opening, closing) in [("](", ')'), ("src=\"", '"'), ("href=\"", '"')] {
        for (at, _) in line.match_indices(opening) {
            let rest = &line[at + opening.len()..];
            let target = rest.split(closing).next().unwrap_or_default();
            // A title may follow: [text](page.md "Title").
            found.push(
                target
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
    }
    if let Some((name, target)) = line.split_once("]: ")
        && name.starts_with('[')
        && !name.starts_with("[^")
    {
        found.push(
            target
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned(),
        );
    }
    found
}

fn resolve(page: &str, target: &str, exists: &dyn Fn(&str) -> bool) -> Result<(), &'static str> {
    let target = target.trim_start_matches('<').trim_end_matches('>');
    let elsewhere = ["http://", "https://", "mailto:", "#"];
    if elsewhere.iter().any(|prefix| target.starts_with(prefix)) {
        return Ok(());
    }
    let target = target
        .split('#')
        .next()
        .unwrap_or_default()
        .replace("%20", " ");
    if target.is_empty() {
        return Err("is empty");
    }
    if target.starts_with('/') {
        return Err("is absolute; write it relative to the page");
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err("leaves the repository");
                }
            }
            part => parts.push(part),
        }
    }
    if exists(&parts.join("/")) {
        Ok(())
    } else {
        Err("leads nowhere")
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    fn adr(names: &[&str]) -> Vec<String> {
        let paths: Vec<String> = names
            .iter()
            .map(|name| format!("docs/adr/{name}"))
            .collect();
        let pairs: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
        decisions(&tree::of(&pairs))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn decisions_are_numbered_without_holes_or_twins() {
        assert_eq!(
            adr(&["0001-a.md", "0002-b-c.md", "README.md"]),
            Vec::<String>::new()
        );
        assert!(adr(&["0001-a.md", "0003-b.md"])[0].contains("number 0002 is missing"));
        assert!(adr(&["0001-a.md", "0001-b.md"])[0].contains("number 0001 is taken twice"));
        assert!(adr(&["0002-a.md"])[0].contains("number 0001 is missing"));
        assert!(adr(&[])[0].contains("there is no decision"));
        for name in ["1-a.md", "0001-A.md", "0001.md", "0001_a.md", "notes.md"] {
            assert!(adr(&[name])[0].contains("is named NNNN-title"), "{name}");
        }
    }

    #[test]
    fn front_pages_must_exist_name_the_commands_and_stay_short() {
        assert_eq!(front_pages(&[]).len(), 2);
        let short = "line\n".repeat(300);
        let readme = "`cargo xtask demo`, `cargo xtask test`";
        let pages = |readme, architecture| {
            front_pages(&tree::of(&[
                ("README.md", readme),
                ("ARCHITECTURE.md", architecture),
            ]))
        };
        assert_eq!(pages(readme, &short), []);
        assert_eq!(pages("cargo xtask demo", &short).len(), 1);
        let long = pages(readme, &"line\n".repeat(301));
        assert!(long[0].message.starts_with("301 lines"), "{}", long[0]);
    }

    fn broken(line: &str) -> usize {
        let known = ["README.md", "docs/a b.md", "docs/adr", "docs/img/x.png"];
        links("docs/page.md", line, &|path| known.contains(&path)).len()
    }

    #[test]
    fn a_link_that_leads_nowhere_is_refused() {
        for line in [
            "[a](b.md)",
            "![a](img/y.png)",
            "[a](../../elsewhere.md)",
            "[a](/README.md)",
            "[a]()",
            "[a]: gone.md",
            "<img src=\"img/y.png\">",
        ] {
            assert_eq!(broken(line), 1, "{line}");
        }
    }

    #[test]
    fn links_that_lead_somewhere_or_outside_pass() {
        for line in [
            "[a](../README.md#part) and [b](a%20b.md \"Title\") and [c](adr/)",
            "![a](./img/x.png)",
            "[a](https://example.org/x) [b](mailto:a@b) [c](#part)",
            "[a]: ../README.md",
            "`[a](b.md)`",
            "```\n[a](b.md)\n```",
            "[^1]: a foot note",
        ] {
            assert_eq!(broken(line), 0, "{line}");
        }
    }
}
