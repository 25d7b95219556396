//! Languages that Tesseract can be given: what is there without asking for it, and what to install.

use std::fmt;

/// Finds out in which direction a page lies; every reader needs its data beside its languages'.
pub const ORIENTATION: &str = "osd";

/// What to install for a language that is missing.
#[derive(Clone, Copy, Debug)]
pub struct Advice<'a>(pub &'a str);

impl fmt::Display for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let language = self.0;
        // Debian's packages have no underscores.
        let package = language.replace('_', "-");
        write!(
            f,
            "install tesseract-ocr-{package} (apt), tesseract-langpack-{language} (dnf) or \
             tesseract-lang (brew)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_named_as_each_system_does() {
        let advice = Advice("chi_sim").to_string();
        assert!(advice.contains("tesseract-ocr-chi-sim (apt)"), "{advice}");
        assert!(advice.contains("langpack-chi_sim (dnf)"), "{advice}");
    }
}
