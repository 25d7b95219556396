//! Export as hOCR 1.2: the text as a web page whose elements say where they were seen.

use std::fmt::{self, Write};

use super::markup::Escaped;
use super::outline::{Paragraph, paragraphs};
use super::{PixelBox, TextDocument, TextLine, TextPage};

/// One `ocr_page` a page, with `ocr_carea`, `ocr_par`, `ocr_line` and `ocrx_word` inside.
///
/// `image` is what the pages call the original.
pub fn hocr(document: &TextDocument, image: &str) -> String {
    let mut out = String::new();
    // A string takes everything.
    let _always = write_document(&mut out, document, image);
    out
}

fn write_document(out: &mut String, document: &TextDocument, image: &str) -> fmt::Result {
    let engine = &document.engine;
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">"#
    )?;
    writeln!(out, r#"<html xmlns="http://www.w3.org/1999/xhtml">"#)?;
    writeln!(out, " <head>\n  <title></title>")?;
    writeln!(
        out,
        r#"  <meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>"#
    )?;
    writeln!(
        out,
        r#"  <meta name="ocr-system" content="{} {}"/>"#,
        Escaped(&engine.name),
        Escaped(&engine.version)
    )?;
    writeln!(
        out,
        r#"  <meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_lang ocrp_wconf"/>"#
    )?;
    writeln!(
        out,
        r#"  <meta name="ocr-langs" content="{}"/>"#,
        Escaped(&document.languages.join(" "))
    )?;
    writeln!(out, " </head>\n <body>")?;
    for page in &document.pages {
        write_page(out, page, image)?;
    }
    writeln!(out, " </body>\n</html>")
}

fn write_page(out: &mut String, page: &TextPage, image: &str) -> fmt::Result {
    let number = page.number;
    // Inside a title, quotes and semicolons separate properties.
    let image: String = image.chars().filter(|c| !"\"\\;".contains(*c)).collect();
    write!(
        out,
        r#"  <div class="ocr_page" id="page_{number}" title="image &quot;{}&quot;; bbox 0 0 {} {}; ppageno {}"#,
        Escaped(&image),
        page.width,
        page.height,
        number.saturating_sub(1),
    )?;
    if let Some(dpi) = page.dpi {
        write!(out, "; scan_res {dpi} {dpi}")?;
    }
    writeln!(out, r#"">"#)?;
    for (b, block) in (1..).zip(&page.blocks) {
        let place = place(block.area);
        writeln!(
            out,
            r#"   <div class="ocr_carea" id="block_{number}_{b}" title="{place}">"#
        )?;
        for paragraph in paragraphs(block) {
            write_paragraph(out, &format!("{number}_{b}"), paragraph)?;
        }
        writeln!(out, "   </div>")?;
    }
    writeln!(out, "  </div>")
}

fn write_paragraph(out: &mut String, block: &str, paragraph: Paragraph<'_>) -> fmt::Result {
    let id = format!("{block}_{}", paragraph.number);
    let at = place(paragraph.area);
    writeln!(out, r#"    <p class="ocr_par" id="par_{id}" title="{at}">"#)?;
    for (l, line) in (1..).zip(paragraph.lines) {
        write_line(out, &format!("{id}_{l}"), line)?;
    }
    writeln!(out, "    </p>")
}

fn write_line(out: &mut String, id: &str, line: &TextLine) -> fmt::Result {
    let at = place(line.area);
    writeln!(
        out,
        r#"     <span class="ocr_line" id="line_{id}" title="{at}">"#
    )?;
    for (w, word) in (1..).zip(&line.words) {
        write!(
            out,
            r#"      <span class="ocrx_word" id="word_{id}_{w}" title="{}; x_wconf {}""#,
            place(word.area),
            word.confidence
        )?;
        if let Some(language) = &word.language {
            write!(out, r#" lang="{}""#, Escaped(language))?;
        }
        writeln!(out, ">{}</span>", Escaped(&word.text))?;
    }
    writeln!(out, "     </span>")
}

fn place(area: PixelBox) -> String {
    format!(
        "bbox {} {} {} {}",
        area.x,
        area.y,
        area.right(),
        area.bottom()
    )
}
