//! Export as text: what a person would copy.

use super::outline::paragraphs;
use super::{TextDocument, TextLine};

/// Lines as they are, an empty line after each paragraph, a form feed after each page: what
/// Tesseract writes as `txt`.
pub fn plain(document: &TextDocument) -> String {
    let mut text = String::new();
    for page in &document.pages {
        for paragraph in page.blocks.iter().flat_map(paragraphs) {
            for line in paragraph.lines {
                text.push_str(&line_text(line));
                text.push('\n');
            }
            text.push('\n');
        }
        text.push('\u{c}');
    }
    text
}

fn line_text(line: &TextLine) -> String {
    // Nothing that a terminal would obey.
    let plain = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
    let words: Vec<_> = line.words.iter().map(|word| plain(&word.text)).collect();
    words.join(" ")
}
