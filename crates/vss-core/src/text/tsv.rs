//! Export as a table with the columns and levels of Tesseract's `tsv`.

use std::fmt::Write;

use super::outline::paragraphs;
use super::{PixelBox, TextDocument, TextPage};

const HEADER: &str = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\t\
                      left\ttop\twidth\theight\tconf\ttext\n";

/// One row a page, block, paragraph, line and word: levels 1 to 5, as Tesseract numbers them.
pub fn tsv(document: &TextDocument) -> String {
    let mut table = HEADER.to_owned();
    for page in &document.pages {
        write_page(&mut table, page);
    }
    table
}

fn write_page(table: &mut String, page: &TextPage) {
    let whole = PixelBox {
        x: 0,
        y: 0,
        width: page.width,
        height: page.height,
    };
    row(table, [1, page.number as usize, 0, 0, 0, 0], whole, None);
    let number = page.number as usize;
    for (b, block) in (1..).zip(&page.blocks) {
        row(table, [2, number, b, 0, 0, 0], block.area, None);
        for paragraph in paragraphs(block) {
            let p = paragraph.number;
            row(table, [3, number, b, p, 0, 0], paragraph.area, None);
            for (l, line) in (1..).zip(paragraph.lines) {
                row(table, [4, number, b, p, l, 0], line.area, None);
                for (w, word) in (1..).zip(&line.words) {
                    let said = Some((word.confidence, word.text.as_str()));
                    row(table, [5, number, b, p, l, w], word.area, said);
                }
            }
        }
    }
}

fn row(table: &mut String, numbers: [usize; 6], area: PixelBox, said: Option<(f32, &str)>) {
    for number in numbers {
        push(table, number);
        table.push('\t');
    }
    for number in <[u32; 4]>::from(area) {
        push(table, number);
        table.push('\t');
    }
    match said {
        Some((confidence, text)) => {
            push(table, confidence);
            table.push('\t');
            // A cell holds no separators.
            table.extend(text.chars().filter(|c| !c.is_control()));
        }
        None => table.push_str("-1\t"),
    }
    table.push('\n');
}

fn push(table: &mut String, value: impl std::fmt::Display) {
    // A string takes everything.
    let _always = write!(table, "{value}");
}
