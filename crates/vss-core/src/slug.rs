//! The one rule for names that become part of a file name: lower case, short, and harmless on
//! every file system people keep libraries on.

/// Why a name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SlugError {
    /// Nothing there.
    #[error("the name is empty")]
    Empty,
    /// Longer than the limit, in bytes.
    #[error("the name is longer than {0} bytes")]
    TooLong(usize),
    /// The first character may only be a lower-case letter or a digit.
    #[error("the name does not begin with a lower-case letter or a digit")]
    BadStart,
    /// A character outside of `a-z 0-9` and the few signs that the name allows.
    #[error("the name holds a character other than a-z, 0-9 and {0}")]
    BadCharacter(&'static str),
    /// Two dots in a row would climb a folder.
    #[error("the name holds \"..\"")]
    DoubleDot,
    /// Windows drops a trailing dot, so two names would become one.
    #[error("the name ends with a dot")]
    TrailingDot,
    /// `con`, `nul`, `com1` and the like open a device on Windows, whatever follows the first dot.
    #[error("the name is a device name on Windows")]
    DeviceName,
}

/// Checks `text` against the rule; `signs` are the characters allowed beside `a-z0-9`.
pub(crate) fn check(text: &str, longest: usize, signs: &'static str) -> Result<(), SlugError> {
    let bytes = text.as_bytes();
    let Some(first) = bytes.first() else {
        return Err(SlugError::Empty);
    };
    if bytes.len() > longest {
        return Err(SlugError::TooLong(longest));
    }
    if !(first.is_ascii_lowercase() || first.is_ascii_digit()) {
        return Err(SlugError::BadStart);
    }
    let allowed =
        |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || signs.as_bytes().contains(b);
    if !bytes.iter().all(allowed) {
        return Err(SlugError::BadCharacter(signs));
    }
    if text.contains("..") {
        return Err(SlugError::DoubleDot);
    }
    if text.ends_with('.') {
        return Err(SlugError::TrailingDot);
    }
    if is_windows_device(text.split('.').next().unwrap_or(text)) {
        return Err(SlugError::DeviceName);
    }
    Ok(())
}

/// Names that Windows reserves whatever their extension ("Naming Files, Paths, and Namespaces",
/// Microsoft Learn).
fn is_windows_device(stem: &str) -> bool {
    match stem {
        "con" | "prn" | "aux" | "nul" => true,
        _ => stem
            .strip_prefix("com")
            .or_else(|| stem.strip_prefix("lpt"))
            .is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit()),
    }
}
