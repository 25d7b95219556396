//! Each export says what the document says, and says it as its format wants it.

use super::*;

fn word(x: u32, text: &str) -> TextWord {
    TextWord {
        area: [x, 10, 30, 12].into(),
        text: text.into(),
        confidence: 96.5,
        language: None,
    }
}

fn line(y: u32, paragraph: u32, words: Vec<TextWord>) -> TextLine {
    let area = PixelBox {
        y,
        ..PixelBox::around(words.iter().map(|word| word.area))
    };
    TextLine {
        area,
        paragraph,
        words,
    }
}

fn page(number: u32, blocks: Vec<TextBlock>) -> TextPage {
    TextPage {
        number,
        source: TextSource::Ocr,
        width: 200,
        height: 100,
        dpi: Some(300),
        rotation: 180,
        confidence: Some(96.5),
        blocks,
    }
}

fn document() -> TextDocument {
    let lines = vec![
        line(10, 1, vec![word(5, "Fish"), word(40, "&<chips>")]),
        line(30, 1, vec![word(5, "\"daily\"")]),
        line(60, 2, vec![word(5, "closed")]),
    ];
    let area = PixelBox::around(lines.iter().map(|line| line.area));
    let engine = TextEngine {
        name: "tesseract".into(),
        version: "5.3.0".into(),
    };
    let pages = vec![page(1, vec![TextBlock { area, lines }]), page(2, vec![])];
    TextDocument::new(engine, vec!["eng".into()], 2, pages)
}

#[test]
fn a_document_without_a_word_says_so() {
    let full = document();
    assert!(!full.empty);
    let pages = vec![page(1, vec![])];
    let blank = TextDocument::new(full.engine, full.languages, 1, pages);
    assert!(blank.empty);
    let json = serde_json::to_value(&blank).unwrap();
    assert_eq!(json["empty"], true);
    assert_eq!(json["pages"][0]["blocks"], serde_json::json!([]));
}

#[test]
fn json_round_trips_and_boxes_are_four_numbers() {
    let json = serde_json::to_string(&document()).unwrap();
    assert!(
        json.contains(r#"{"box":[40,10,30,12],"text":"&<chips>","confidence":96.5}"#),
        "{json}"
    );
    assert_eq!(
        serde_json::from_str::<TextDocument>(&json).unwrap(),
        document()
    );
    // What the reference says of readers: fields they do not know are no error.
    let later = json.replacen('{', r#"{"later":true,"#, 1);
    assert_eq!(
        serde_json::from_str::<TextDocument>(&later).unwrap(),
        document()
    );
}

#[test]
fn text_keeps_lines_paragraphs_and_pages_apart() {
    let expected = "Fish &<chips>\n\"daily\"\n\nclosed\n\n\u{c}\u{c}";
    assert_eq!(plain(&document()), expected);
}

#[test]
fn the_table_numbers_everything_as_tesseract_does() {
    let table = tsv(&document());
    let rows: Vec<_> = table.lines().collect();
    assert_eq!(
        rows[0].split('\t').collect::<Vec<_>>().join(" "),
        "level page_num block_num par_num line_num word_num left top width height conf text"
    );
    assert!(rows.iter().all(|row| row.split('\t').count() == 12));
    let starts: Vec<_> = rows
        .iter()
        .skip(1)
        .map(|row| row.split('\t').take(6).collect::<String>())
        .collect();
    let expected = [
        "110000", "211000", "311100", "411110", "511111", "511112", "411120", "511121", "311200",
        "411210", "511211", "120000",
    ];
    assert_eq!(starts, expected);
    assert_eq!(rows[1], "1\t1\t0\t0\t0\t0\t0\t0\t200\t100\t-1\t");
    assert_eq!(rows[6], "5\t1\t1\t1\t1\t2\t40\t10\t30\t12\t96.5\t&<chips>");
}

#[test]
fn markup_is_escaped_and_ids_are_unique() {
    let document = document();
    for xml in [
        hocr(&document, "a\"b;c&d.png"),
        alto(&document, "a\"b;c&d.png"),
    ] {
        assert!(xml.contains("&amp;&lt;chips&gt;"), "{xml}");
        assert!(!xml.contains("&<chips"), "{xml}");
        let mut ids: Vec<_> = xml
            .split_whitespace()
            .filter_map(|part| {
                part.strip_prefix("id=")
                    .or_else(|| part.strip_prefix("ID="))
            })
            .collect();
        let count = ids.len();
        assert!(count >= 10, "{xml}");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}

#[test]
fn hocr_gives_corners_and_alto_gives_sizes() {
    let document = document();
    let hocr = hocr(&document, "scan.png");
    assert!(hocr.contains(
        r#"<span class="ocrx_word" id="word_1_1_1_1_2" title="bbox 40 10 70 22; x_wconf 96.5">"#
    ));
    assert!(hocr.contains(r#"bbox 0 0 200 100; ppageno 0; scan_res 300 300"#));
    let alto = alto(&document, "scan.png");
    assert!(alto.contains(
        r#"<String ID="word_1_1_1_1_2" HPOS="40" VPOS="10" WIDTH="30" HEIGHT="12" WC="0.965" "#
    ));
    assert!(alto.contains(r#"<SP WIDTH="5" HPOS="35" VPOS="10"/>"#));
}

#[test]
fn what_xml_cannot_hold_is_left_out() {
    let text = "a\u{0}b\u{1b}c\u{fffe}d\u{1f600}";
    assert_eq!(markup::Escaped(text).to_string(), "abcd\u{1f600}");
}

#[test]
fn a_box_around_boxes_holds_them_and_nothing_overflows() {
    let around = PixelBox::around([[5, 5, 10, 10].into(), [1, 8, 2, 20].into()]);
    assert_eq!(<[u32; 4]>::from(around), [1, 5, 14, 23]);
    assert_eq!(PixelBox::around([]), PixelBox::default());
    let far = PixelBox::from([u32::MAX, 0, u32::MAX, 1]);
    assert_eq!(far.right(), u32::MAX);
    let huge = PixelBox::around([far, [0, 0, 1, 1].into()]);
    assert_eq!(huge.width, u32::MAX);
}
