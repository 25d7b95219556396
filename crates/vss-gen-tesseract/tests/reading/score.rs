//! How far a text is from what is really on the page: errors in characters, and words found.

use std::collections::BTreeMap;

/// Counts over one page or many.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Score {
    characters: usize,
    distance: usize,
    words: usize,
    found: usize,
}

impl Score {
    pub(crate) fn of(truth: &str, text: &str) -> Self {
        let (truth, text) = (plain(truth), plain(text));
        let (expected, got): (Vec<char>, Vec<char>) =
            (truth.chars().collect(), text.chars().collect());
        let mut there: BTreeMap<&str, usize> = BTreeMap::new();
        for word in text.split(' ') {
            *there.entry(word).or_default() += 1;
        }
        let words: Vec<_> = truth.split(' ').collect();
        let mut take = |word: &&str| match there.get_mut(*word) {
            Some(left @ 1..) => {
                *left -= 1;
                true
            }
            _ => false,
        };
        Self {
            characters: expected.len(),
            distance: distance(&expected, &got),
            words: words.len(),
            found: words.iter().filter(|word| take(word)).count(),
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            characters: self.characters + other.characters,
            distance: self.distance + other.distance,
            words: self.words + other.words,
            found: self.found + other.found,
        }
    }

    /// Insertions, deletions and replacements for each character that is really there.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand characters")]
    pub(crate) fn character_errors(&self) -> f64 {
        self.distance as f64 / self.characters.max(1) as f64
    }

    /// The share of the words that were found, wherever.
    #[expect(clippy::cast_precision_loss, reason = "a few hundred words")]
    pub(crate) fn word_recall(&self) -> f64 {
        self.found as f64 / self.words.max(1) as f64
    }
}

/// One blank between words, small letters, and one sort of quotes and dashes.
fn plain(text: &str) -> String {
    let one = |c: char| match c {
        '\u{201c}' | '\u{201d}' => '"',
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{2014}' => '-',
        other => other,
    };
    let text: String = text.chars().map(one).collect::<String>().to_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Levenshtein's.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[test]
fn scores_count_what_is_wrong_and_what_is_missing() {
    let score = Score::of("Fish and \u{201c}chips\u{201d}", "fish  end \"chips\"");
    assert_eq!((score.characters, score.distance), (16, 1));
    assert_eq!((score.words, score.found), (3, 2));
    assert_eq!(distance(&['a', 'b'], &[]), 2);
}
