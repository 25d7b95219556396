//! Pages that were made for the tests: upside down, blank, turned, in documents of several sorts.

use std::sync::atomic::{AtomicU32, Ordering};

use vss_core::FailureClass;
use vss_core::text::{TextSource, plain};
use vss_ports::{CancelToken, GenerateFailure, JobHost, JobUsage, Unlimited};

use crate::job::{english, read, recipe, run, run_for, whole};
use crate::media::{self, Place};

/// The lines, as the export writes them, without what is between them.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn expected() -> String {
    media::LINES.join(" ")
}

#[test]
fn a_picture_is_read_with_lines_boxes_and_confidence() {
    let document = read("image/png", &media::png(&media::picture()));
    assert_eq!(words(&plain(&document)), words(&expected()));
    let page = &document.pages[0];
    assert_eq!((page.source, page.rotation), (TextSource::Ocr, 0));
    assert_eq!((page.width, page.height), (1_050, 650));
    assert!(page.confidence.unwrap() > 80.0, "{page:?}");
    let lines: Vec<_> = page.blocks.iter().flat_map(|block| &block.lines).collect();
    assert_eq!(lines.len(), media::LINES.len());
    // The first line starts 40 points from the left and ends 45 from the top, at 2.5 pixels each.
    let first = lines[0].words[0].area;
    assert!(first.x.abs_diff(100) < 8, "{first:?}");
    assert!(first.bottom().abs_diff(125) < 8, "{first:?}");
    assert!(lines.windows(2).all(|two| two[0].area.y < two[1].area.y));
    assert!(page.words().all(|word| word.language.is_none()));
}

#[test]
fn a_page_that_lies_wrong_is_read_upright() {
    let upright = media::picture();
    let turns = [
        (180, image::imageops::rotate180(&upright)),
        // Turned clockwise by so many degrees they stand upright again.
        (90, image::imageops::rotate270(&upright)),
        (270, image::imageops::rotate90(&upright)),
    ];
    let straight = read("image/png", &media::png(&upright));
    let place = straight.pages[0].words().next().unwrap().area;
    for (rotation, picture) in turns {
        let document = read("image/png", &media::png(&picture));
        assert_eq!(words(&plain(&document)), words(&expected()), "{rotation}");
        let page = &document.pages[0];
        assert_eq!(page.rotation, rotation);
        assert_eq!((page.width, page.height), (1_050, 650), "{rotation}");
        let area = page.words().next().unwrap().area;
        assert!(
            area.x.abs_diff(place.x) < 5,
            "{rotation} {area:?} {place:?}"
        );
        assert!(
            area.y.abs_diff(place.y) < 5,
            "{rotation} {area:?} {place:?}"
        );
    }
}

#[test]
fn a_picture_without_text_says_so() {
    let nothing = read("image/png", &media::png(&media::blank()));
    assert!(nothing.empty);
    assert_eq!(nothing.pages.len(), 1);
    assert_eq!(nothing.pages[0].blocks, []);
    assert_eq!(nothing.pages[0].confidence, None);
    // A gradient is not of one colour, and still says nothing.
    let gradient =
        image::GrayImage::from_fn(400, 300, |x, _| image::Luma([u8::try_from(x / 2).unwrap()]));
    assert!(read("image/png", &media::png(&gradient)).empty);
}

#[test]
fn a_document_that_says_its_text_itself_is_believed() {
    let pages: [&[&str]; 2] = [&media::LINES, &["A second page, with a line of its own."]];
    let document = read("application/pdf", &media::born_digital(&pages, 0));
    assert_eq!(document.page_count, 2);
    let [first, second] = &document.pages[..] else {
        panic!("{document:?}");
    };
    assert_eq!((first.source, first.dpi), (TextSource::Text, Some(200)));
    assert_eq!((second.number, second.source), (2, TextSource::Text));
    let text = plain(&document);
    assert_eq!(words(&text)[..3], ["The", "keeper", "of"]);
    assert!(
        text.contains("weather of each morning beside it.\n"),
        "{text}"
    );
    assert!(text.ends_with("\u{c}A second page, with a line of its own.\n\n\u{c}"));
    // 40 and 50 points at 200 dots an inch.
    let area = first.words().next().unwrap().area;
    assert!(area.x.abs_diff(111) < 5, "{area:?}");
    assert!(area.y < 139 && area.bottom() > 139, "{area:?}");
}

#[test]
fn a_page_that_shows_a_picture_of_text_is_recognised() {
    let document = read("application/pdf", &media::scanned(&media::picture(), 0));
    let page = &document.pages[0];
    assert_eq!((page.source, page.dpi), (TextSource::Ocr, Some(200)));
    assert_eq!(words(&plain(&document)), words(&expected()));
}

#[test]
fn what_a_document_says_of_its_rotation_is_done_before() {
    let pages: [&[&str]; 1] = [&media::LINES];
    let digital = read("application/pdf", &media::born_digital(&pages, 90));
    let page = &digital.pages[0];
    assert_eq!((page.width, page.height), (722, 1_166));
    assert_eq!(page.rotation, 0);
    assert_eq!(words(&plain(&digital)), words(&expected()));
    // The picture lies on its side, and the page says how to turn it.
    let lying = image::imageops::rotate270(&media::picture());
    let scanned = read("application/pdf", &media::scanned(&lying, 90));
    let page = &scanned.pages[0];
    assert_eq!((page.rotation, page.source), (0, TextSource::Ocr));
    assert_eq!(words(&plain(&scanned)), words(&expected()));
}

#[test]
fn no_more_pages_are_read_than_asked_for() {
    let line: &[&str] = &["This page says enough to be believed."];
    let bytes = media::born_digital(&[line; 5], 0);
    let document = run(&english(), "application/pdf", &bytes, &recipe(&["eng"], 2)).unwrap();
    assert_eq!((document.pages.len(), document.page_count), (2, 5));
}

#[test]
fn a_language_that_is_not_there_is_a_missing_tool_with_its_package() {
    let generator = vss_gen_tesseract::TesseractOcr::load(
        None,
        &[vec!["eng".into()], vec!["eng".into(), "tlh".into()]],
    );
    assert!(generator.installed().contains(&"eng".to_owned()));
    let bytes = media::png(&media::picture());
    let wanted = recipe(&["eng", "tlh"], 1);
    let failure = run(&generator, "image/png", &bytes, &wanted).unwrap_err();
    assert_eq!(failure.class, FailureClass::ToolMissing);
    assert!(failure.detail.contains("tesseract-ocr-tlh"), "{failure}");
    assert!(run(&generator, "image/png", &bytes, &recipe(&["eng"], 1)).is_ok());
}

#[test]
fn a_folder_without_data_is_a_missing_tool() {
    let folder = tempfile::tempdir().unwrap();
    let sets = [vec!["eng".to_owned()]];
    let generator = vss_gen_tesseract::TesseractOcr::load(Some(folder.path()), &sets);
    let bytes = media::png(&media::picture());
    let failure = run(&generator, "image/png", &bytes, &recipe(&["eng"], 1)).unwrap_err();
    assert_eq!(failure.class, FailureClass::ToolMissing);
    assert!(failure.detail.contains("tesseract-ocr-eng"), "{failure}");
}

/// Calls the job off at its second sign of life.
struct Impatient(CancelToken, AtomicU32);

impl JobHost for Impatient {
    fn reserve(&self, _: u64) -> Result<(), GenerateFailure> {
        Ok(())
    }

    fn progressed(&self) {
        if self.1.fetch_add(1, Ordering::Relaxed) == 1 {
            self.0.cancel();
        }
    }

    fn used(&self, _: JobUsage) {}
}

#[test]
fn a_job_that_is_called_off_ends_before_its_last_page() {
    let line: &[&str] = &["This page says enough to be believed."];
    let bytes = media::born_digital(&[line; 5], 0);
    let cancel = CancelToken::new();
    let host = Impatient(cancel.clone(), AtomicU32::new(0));
    let wanted = recipe(&["eng"], 5);
    let generator = english();
    let failure = run_for(
        &generator,
        "application/pdf",
        &bytes,
        &wanted,
        &host,
        &cancel,
    );
    assert_eq!(failure.unwrap_err().class, FailureClass::Timeout);
    assert_eq!(host.1.into_inner(), 2);
    let again = CancelToken::new();
    assert!(
        run_for(
            &generator,
            "application/pdf",
            &bytes,
            &wanted,
            &Unlimited,
            &again
        )
        .is_ok()
    );
}

#[test]
fn a_damaged_document_is_refused() {
    for bytes in [
        &b"%PDF-1.7\n%%EOF"[..],
        b"%PDF-1.4 and then nothing of the sort",
    ] {
        let failure = run(&english(), "application/pdf", bytes, &recipe(&["eng"], 1)).unwrap_err();
        assert_eq!(failure.class, FailureClass::CorruptSource);
    }
}

/// Remembers what was reserved.
#[derive(Default)]
struct Ledger(std::sync::atomic::AtomicU64);

impl JobHost for Ledger {
    fn reserve(&self, bytes: u64) -> Result<(), GenerateFailure> {
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn progressed(&self) {}

    fn used(&self, _: JobUsage) {}
}

#[test]
fn a_picture_is_counted_and_refused_wherever_a_page_has_it() {
    let generator = english();
    let wanted = recipe(&["eng"], 5);
    for place in [Place::Page, Place::Form, Place::Mask] {
        let reserved = |side: u32| {
            let host = Ledger::default();
            let bytes = media::claims(&[(place, (side, side))]);
            let cancel = CancelToken::new();
            let read = run_for(
                &generator,
                "application/pdf",
                &bytes,
                &wanted,
                &host,
                &cancel,
            );
            read.map(|_| host.0.into_inner())
        };
        let (little, much) = (reserved(10).unwrap(), reserved(8_000).unwrap());
        assert!(much > 4 * 8_000 * 8_000, "{place:?}: {much}");
        assert!(little < 30 << 20, "{place:?}: {little}");
        let failure = reserved(1_000_000).unwrap_err();
        assert_eq!(failure.class, FailureClass::TooLarge, "{place:?}");
    }
}

#[test]
fn a_page_that_cannot_be_read_does_not_cost_the_others() {
    let good = (Place::Page, (10, 10));
    let bad = (Place::Page, (1_000_000, 1_000_000));
    let generator = english();
    let read = |pages: &[_], most: u32| {
        let (wanted, cancel) = (recipe(&["eng"], most), CancelToken::new());
        let bytes = media::claims(pages);
        let pdf = "application/pdf";
        whole(&generator, pdf, &bytes, &wanted, &Unlimited, &cancel)
    };
    let (document, degraded) = read(&[good, bad, good, bad], 9).unwrap();
    let says: Vec<_> = document
        .pages
        .iter()
        .map(|page| page.words().count())
        .collect();
    assert_eq!((&says[..], document.page_count), (&[7, 0, 7, 0][..], 4));
    let lost = &document.pages[1];
    assert_eq!((lost.number, lost.source), (2, TextSource::Ocr));
    assert_eq!((lost.width, lost.height), (1_166, 722));
    let degraded = degraded.unwrap();
    let says = "no text of pages 2, 4: 1000000 x 1000000 pixels";
    assert!(degraded.starts_with(says), "{degraded}");
    assert_eq!(read(&[good, bad], 1).unwrap().1, None);
    let failure = read(&[bad, bad, good], 2).unwrap_err();
    assert_eq!(failure.class, FailureClass::TooLarge, "{failure}");
}
