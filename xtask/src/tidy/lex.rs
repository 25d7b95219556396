//! Tells Rust code from comments and from strings, so that a rule about code does not trip over a sentence about it.

/// The same text three times, each with a part replaced by blanks, so that every character keeps its place.
pub(super) struct Split {
    /// Without comments and without the contents of strings and characters.
    pub(super) code: String,
    /// Without comments only.
    pub(super) uncommented: String,
    /// Only comments.
    pub(super) comments: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Code,
    Comment,
    Literal,
}

/// Splits well enough for source that compiles; what does not is the compiler's business.
pub(super) fn split(text: &str) -> Split {
    let chars: Vec<char> = text.chars().collect();
    let mut split = Split {
        code: String::new(),
        uncommented: String::new(),
        comments: String::new(),
    };
    let mut at = 0;
    while at < chars.len() {
        let (part, end) = next(&chars, at);
        for &c in &chars[at..end] {
            let blank = if c == '\n' { '\n' } else { ' ' };
            split.code.push(if part == Part::Code { c } else { blank });
            split
                .uncommented
                .push(if part == Part::Comment { blank } else { c });
            split
                .comments
                .push(if part == Part::Comment { c } else { blank });
        }
        at = end;
    }
    split
}

/// What begins at `at`, and where it ends.
fn next(chars: &[char], at: usize) -> (Part, usize) {
    let follows = |offset: usize, c: char| chars.get(at + offset) == Some(&c);
    match chars[at] {
        '/' if follows(1, '/') => {
            let length = chars[at..].iter().take_while(|c| **c != '\n').count();
            (Part::Comment, at + length)
        }
        '/' if follows(1, '*') => (Part::Comment, block_comment(chars, at)),
        '"' => (Part::Literal, string(chars, at)),
        'r' if !continues_a_word(chars, at) => match raw_string(chars, at) {
            Some(end) => (Part::Literal, end),
            None => (Part::Code, at + 1),
        },
        '\'' if follows(1, '\\') => {
            let closing = chars[at + 3..].iter().position(|c| *c == '\'');
            (
                Part::Literal,
                closing.map_or(chars.len(), |offset| at + 3 + offset + 1),
            )
        }
        '\'' if follows(2, '\'') => (Part::Literal, at + 3),
        _ => (Part::Code, at + 1),
    }
}

/// `for"` is no raw string, `br"` is one.
fn continues_a_word(chars: &[char], at: usize) -> bool {
    let before = |offset: usize| at.checked_sub(offset).map(|index| chars[index]);
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    match before(1) {
        Some('b' | 'c') => before(2).is_some_and(in_word),
        Some(c) => in_word(c),
        None => false,
    }
}

fn block_comment(chars: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut index = at;
    while index < chars.len() {
        match chars.get(index..index + 2) {
            Some(['/', '*']) => (depth, index) = (depth + 1, index + 2),
            Some(['*', '/']) => (depth, index) = (depth - 1, index + 2),
            _ => index += 1,
        }
        if depth == 0 {
            return index;
        }
    }
    index
}

fn string(chars: &[char], at: usize) -> usize {
    let mut index = at + 1;
    while index < chars.len() {
        match chars[index] {
            '\\' => index += 2,
            '"' => return index + 1,
            _ => index += 1,
        }
    }
    chars.len()
}

fn raw_string(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let open = at + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let mut closing = vec!['"'];
    closing.extend(std::iter::repeat_n('#', hashes));
    let rest = chars[open + 1..].windows(closing.len());
    let length = rest
        .into_iter()
        .position(|window| window == closing.as_slice());
    Some(length.map_or(chars.len(), |length| open + 1 + length + closing.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        split(text)
            .code
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn strings_characters_and_comments_are_not_code() {
        assert_eq!(code("a(\"b \\\" c\"); // d\ne"), "a( ); e");
        assert_eq!(code("x = r#\"no \" end\"# + br\"y\"; z"), "x = + b ; z");
        assert_eq!(code("/* a /* b */ c */ d"), "d");
        assert_eq!(
            code("let c = '\"'; let d = '\\''; e"),
            "let c = ; let d = ; e"
        );
    }

    #[test]
    fn a_lifetime_is_code() {
        assert_eq!(
            code("fn f<'a>(x: &'a str) -> &'a str {}"),
            "fn f<'a>(x: &'a str) -> &'a str {}"
        );
    }

    #[test]
    fn comments_keep_their_lines() {
        let comments = split("a\n// b \"c\nd \"// no\"").comments;
        assert_eq!(comments.lines().nth(1), Some("// b \"c"));
        assert_eq!(comments.lines().nth(2).map(str::trim), Some(""));
    }
}
