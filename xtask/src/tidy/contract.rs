//! Holds each port's contract and its conformance checks together: as many sentences as checks.

use std::collections::BTreeSet;

use super::tree::{File, inside};
use super::{Violation, lex};

const PORTS: &str = "crates/vss-ports/src";
const CHECKS: &str = "crates/vss-conformance/src";

/// Compares every port file with the conformance file of the same name.
pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let mut wrong = Vec::new();
    let mut contracts = 0;
    for (name, File { path, text }) in inside(files, PORTS) {
        let sentences = sentences(text);
        let checks = inside(files, CHECKS).find(|(other, _)| *other == name);
        let checks_path = format!("{CHECKS}/{name}");
        let elements = checks.and_then(|(_, file)| elements(&file.text));
        match (sentences, elements) {
            (0, None) if !states_a_port(text) => {}
            (0, _) if states_a_port(text) => {
                let message = "a port needs `/// # Contract` with one `/// - ` bullet a sentence";
                wrong.push(Violation::new(path, 0, message));
            }
            (0, _) => wrong.push(Violation::new(
                &checks_path,
                0,
                format!("has checks, but {path} has no contract"),
            )),
            (_, None) => wrong.push(Violation::new(
                &checks_path,
                0,
                format!("{path} states a contract, but there is no list `CHECKS`"),
            )),
            (count, Some(elements)) => {
                contracts += 1;
                wrong.extend(agree(path, count, &checks_path, &elements));
            }
        }
    }
    for (name, File { path, text }) in inside(files, CHECKS) {
        let orphan = !inside(files, PORTS).any(|(port, _)| port == name);
        if orphan && elements(text).is_some() {
            let message = format!("has a list `CHECKS`, but there is no {PORTS}/{name}");
            wrong.push(Violation::new(path, 0, message));
        }
    }
    if contracts == 0 && wrong.is_empty() {
        wrong.push(Violation::new(PORTS, 0, "there is no port with a contract"));
    }
    wrong
}

fn agree(path: &str, count: usize, checks_path: &str, elements: &[String]) -> Vec<Violation> {
    let mut wrong = Vec::new();
    if count != elements.len() {
        let message = format!(
            "{} check(s) for the {count} sentence(s) of {path}: each sentence of the contract is one check",
            elements.len(),
        );
        wrong.push(Violation::new(checks_path, 0, message));
    }
    let mut seen = BTreeSet::new();
    for element in elements {
        if !seen.insert(element) {
            wrong.push(Violation::new(
                checks_path,
                0,
                format!("`{element}` stands twice in CHECKS"),
            ));
        }
    }
    wrong
}

/// Whether the file defines a trait that adapters implement (an extension trait ends in `Ext`).
fn states_a_port(text: &str) -> bool {
    lex::split(text).code.lines().any(|line| {
        let name = line.strip_prefix("pub trait ").unwrap_or_default();
        let name = name
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default();
        !name.is_empty() && !name.ends_with("Ext")
    })
}

/// Counts the bullets under every `# Contract` heading of the file's doc comments.
fn sentences(text: &str) -> usize {
    let mut count = 0;
    let mut inside = false;
    for line in text.lines() {
        let line = line.trim_start();
        let Some(doc) = line
            .strip_prefix("///")
            .or_else(|| line.strip_prefix("//!"))
        else {
            inside = false;
            continue;
        };
        let doc = doc.strip_prefix(' ').unwrap_or(doc);
        if doc.starts_with('#') {
            inside = doc.trim_start_matches('#').trim() == "Contract";
        } else if inside && (doc.starts_with("- ") || doc.starts_with("* ")) {
            count += 1;
        }
    }
    count
}

/// The elements of every constant whose name ends in `CHECKS`; `None` when there is no such constant.
fn elements(text: &str) -> Option<Vec<String>> {
    let split = lex::split(text);
    let code: Vec<char> = split.code.chars().collect();
    let written: Vec<char> = split.uncommented.chars().collect();
    let mut found = None;
    for start in list_starts(&code) {
        found
            .get_or_insert_with(Vec::new)
            .extend(split_list(&code[start..], &written[start..]));
    }
    found
}

/// Where the value of each `const ..CHECKS: .. = &[` opens its bracket.
fn list_starts(code: &[char]) -> Vec<usize> {
    let mut starts = Vec::new();
    for at in 0..code.len() {
        let word = |word: &str| {
            let length = word.chars().count();
            code[at..]
                .starts_with(&word.chars().collect::<Vec<_>>())
                .then_some(at + length)
        };
        let Some(name) = word("const ").or_else(|| word("static ")) else {
            continue;
        };
        let in_name = code[name..]
            .iter()
            .take_while(|c| c.is_alphanumeric() || **c == '_');
        let end = name + in_name.count();
        let named_checks = code[name..end]
            .iter()
            .collect::<String>()
            .ends_with("CHECKS");
        if !named_checks || code.get(end) != Some(&':') {
            continue;
        }
        let Some(equals) = code[end..].iter().position(|c| *c == '=') else {
            continue;
        };
        let value = end + equals;
        let bracket = code[value..]
            .iter()
            .position(|c| matches!(c, '[' | '(' | '{'));
        starts.extend(bracket.map(|offset| value + offset));
    }
    starts
}

/// Splits a bracketed list at its outermost commas. Brackets and commas are looked up in `code`,
/// where strings are blank; the elements are taken from `written`, where they are not.
fn split_list(code: &[char], written: &[char]) -> Vec<String> {
    let mut elements = Vec::new();
    let mut element = String::new();
    let mut depth = 0_usize;
    for (&c, &original) in code.iter().zip(written) {
        let before = depth;
        match c {
            '[' | '(' | '{' => depth += 1,
            ']' | ')' | '}' => depth -= 1,
            _ => {}
        }
        let closes = depth == 0;
        if before == 1 && (c == ',' || closes) {
            let words = element.split_whitespace().collect::<Vec<_>>().join(" ");
            elements.extend((!words.is_empty()).then_some(words));
            element.clear();
        } else if before > 0 {
            element.push(original);
        }
        if closes {
            break;
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    const PORT: &str = "//! Why.

/// Keeps files.
///
/// # Contract
///
/// - What is published can be opened,
///   also after a restart.
///   - This belongs to it.
/// - Nothing is overwritten.
///
/// # Errors
///
/// - Not a sentence of the contract.
pub trait Vault: Send {
    /// - Neither is this.
    fn open(&self);
}
";
    const LIST: &str = "//! Why.
// const CHECKS: &[Check] = &[check!(not_this)];
/// The contract.
pub const CHECKS: &[Check<dyn Vault>] = &[
    check!(what_is_published_can_be_opened), // even [after, a restart
    Check::new(\"nothing, [\", &[1, 2], || nothing_is_overwritten()),
];
";

    fn of(port: &str, list: &str) -> Vec<String> {
        let files = tree::of(&[
            ("crates/vss-ports/src/lib.rs", "//! Why.\npub mod vault;\n"),
            ("crates/vss-ports/src/vault.rs", port),
            ("crates/vss-conformance/src/vault.rs", list),
        ]);
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn as_many_checks_as_sentences_pass() {
        assert_eq!(of(PORT, LIST), Vec::<String>::new());
        let on_one_line = "//! W.\nconst VAULT_CHECKS: &[Check] = checks![a, b];\n";
        assert_eq!(of(PORT, on_one_line), Vec::<String>::new());
    }

    #[test]
    fn a_forgotten_check_and_a_forgotten_sentence_are_refused() {
        let wrong = of(
            PORT,
            &LIST.replace("check!(what_is_published_can_be_opened),", ""),
        );
        assert_eq!(wrong.len(), 1);
        assert!(
            wrong[0].contains("1 check(s) for the 2 sentence(s)"),
            "{}",
            wrong[0]
        );
        let wrong = of(&PORT.replace("/// - Nothing is overwritten.\n", ""), LIST);
        assert!(
            wrong[0].contains("2 check(s) for the 1 sentence(s)"),
            "{}",
            wrong[0]
        );
    }

    #[test]
    fn a_check_listed_twice_is_refused() {
        let twice = "//! W.\nconst CHECKS: &[Check] = &[check!(a), check!(a)];\n";
        let wrong = of(PORT, twice);
        assert!(wrong[0].contains("`check!(a)` stands twice"), "{wrong:?}");
    }

    #[test]
    fn a_port_without_contract_or_checks_is_refused() {
        let wrong = of(PORT, "//! Why.\n");
        assert!(wrong[0].contains("there is no list `CHECKS`"), "{wrong:?}");
        let bare = "//! Why.\npub trait Vault {}\n";
        assert!(of(bare, LIST)[0].contains("a port needs `/// # Contract`"));
        let records = "//! Why.\npub trait VaultExt: Vault {}\npub struct Row;\n";
        assert!(of(records, LIST)[0].contains("has no contract"));
    }

    #[test]
    fn checks_without_a_port_are_refused_and_so_is_a_workspace_without_contracts() {
        let orphan = tree::of(&[("crates/vss-conformance/src/gone.rs", LIST)]);
        assert!(
            check(&orphan)[0]
                .message
                .contains("there is no crates/vss-ports/src/gone.rs")
        );
        assert!(check(&[])[0].message.contains("no port with a contract"));
    }
}
