//! Export as ALTO 4: the text as archives keep it.

use std::fmt::{self, Write};

use super::markup::Escaped;
use super::outline::{Paragraph, paragraphs};
use super::{PixelBox, TextDocument, TextLine, TextPage, TextSource};

const SCHEMA: &str = "http://www.loc.gov/standards/alto/ns-v4# \
                      http://www.loc.gov/alto/v4/alto-4-2.xsd";

/// One `Page` a page; a block is a `ComposedBlock`, a paragraph a `TextBlock`.
///
/// `image` is what the description calls the original.
pub fn alto(document: &TextDocument, image: &str) -> String {
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
        r#"<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{SCHEMA}">"#
    )?;
    writeln!(out, " <Description>")?;
    writeln!(out, "  <MeasurementUnit>pixel</MeasurementUnit>")?;
    writeln!(
        out,
        "  <sourceImageInformation><fileName>{}</fileName></sourceImageInformation>",
        Escaped(image)
    )?;
    writeln!(
        out,
        r#"  <Processing ID="processing_1"><processingSoftware><softwareName>{}</softwareName><softwareVersion>{}</softwareVersion></processingSoftware></Processing>"#,
        Escaped(&engine.name),
        Escaped(&engine.version)
    )?;
    writeln!(out, " </Description>\n <Layout>")?;
    for page in &document.pages {
        write_page(out, page)?;
    }
    writeln!(out, " </Layout>\n</alto>")
}

fn write_page(out: &mut String, page: &TextPage) -> fmt::Result {
    let (number, width, height) = (page.number, page.width, page.height);
    write!(
        out,
        r#"  <Page ID="page_{number}" PHYSICAL_IMG_NR="{number}" WIDTH="{width}" HEIGHT="{height}""#
    )?;
    if let (TextSource::Ocr, Some(confidence)) = (page.source, page.confidence) {
        write!(out, r#" PC="{}""#, share(confidence))?;
    }
    writeln!(out, ">")?;
    writeln!(
        out,
        r#"   <PrintSpace HPOS="0" VPOS="0" WIDTH="{width}" HEIGHT="{height}">"#
    )?;
    for (b, block) in (1..).zip(&page.blocks) {
        let at = place(block.area);
        writeln!(out, r#"    <ComposedBlock ID="block_{number}_{b}" {at}>"#)?;
        for paragraph in paragraphs(block) {
            write_paragraph(out, &format!("{number}_{b}"), paragraph)?;
        }
        writeln!(out, "    </ComposedBlock>")?;
    }
    writeln!(out, "   </PrintSpace>\n  </Page>")
}

fn write_paragraph(out: &mut String, block: &str, paragraph: Paragraph<'_>) -> fmt::Result {
    let id = format!("{block}_{}", paragraph.number);
    let at = place(paragraph.area);
    writeln!(out, r#"     <TextBlock ID="par_{id}" {at}>"#)?;
    for (l, line) in (1..).zip(paragraph.lines) {
        write_line(out, &format!("{id}_{l}"), line)?;
    }
    writeln!(out, "     </TextBlock>")
}

fn write_line(out: &mut String, id: &str, line: &TextLine) -> fmt::Result {
    let at = place(line.area);
    writeln!(out, r#"      <TextLine ID="line_{id}" {at}>"#)?;
    let mut before: Option<PixelBox> = None;
    for (w, word) in (1..).zip(&line.words) {
        if let Some(before) = before {
            let (x, y) = (before.right(), before.y);
            let gap = word.area.x.saturating_sub(x);
            writeln!(out, r#"       <SP WIDTH="{gap}" HPOS="{x}" VPOS="{y}"/>"#)?;
        }
        before = Some(word.area);
        write!(
            out,
            r#"       <String ID="word_{id}_{w}" {} WC="{}""#,
            place(word.area),
            share(word.confidence)
        )?;
        if let Some(language) = &word.language {
            write!(out, r#" LANG="{}""#, Escaped(language))?;
        }
        writeln!(out, r#" CONTENT="{}"/>"#, Escaped(&word.text))?;
    }
    writeln!(out, "      </TextLine>")
}

fn place(area: PixelBox) -> String {
    format!(
        r#"HPOS="{}" VPOS="{}" WIDTH="{}" HEIGHT="{}""#,
        area.x, area.y, area.width, area.height
    )
}

/// A confidence of 0 to 100 as 0 to 1, with three digits.
fn share(confidence: f32) -> String {
    format!("{:.3}", confidence.clamp(0.0, 100.0) / 100.0)
}
