//! Keeps the paths of one machine out of the repository: they mean nothing to anyone else.

use super::Violation;

/// Folders of build machines and containers; written apart, since this file is read too.
const MACHINE: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// Refuses an absolute path into such a folder; the same letters further inside a path are fine.
pub(super) fn no_machine_paths(path: &str, text: &str) -> Vec<Violation> {
    let mut wrong = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for folder in MACHINE {
            let starts_a_path = |at: usize| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || "._-/})]>*".contains(c))
            };
            if line.match_indices(folder).any(|(at, _)| starts_a_path(at)) {
                let message = format!("{folder} is a path of one machine; make it relative");
                wrong.push(Violation::new(path, index + 1, message));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_refused_wherever_it_starts() {
        for folder in MACHINE {
            for before in ["", "`", "\"", " ", "file://", "cd=", "("] {
                let line = format!("a\n{before}{folder}main");
                // After `//` it is the third slash of an URL that starts the path.
                let found = no_machine_paths("README.md", &line.replace("file://", "file:"));
                assert_eq!(found.len(), 1, "{line}");
                assert_eq!(found[0].line, 2);
            }
        }
    }

    #[test]
    fn the_same_letters_inside_a_path_are_fine() {
        for folder in MACHINE {
            for before in ["docs", "..", "{dir}"] {
                assert!(no_machine_paths("a.md", &format!("{before}{folder}x")).is_empty());
            }
        }
    }
}
