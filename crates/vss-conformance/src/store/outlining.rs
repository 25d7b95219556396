//! Checks of SidecarStore: rows told in few words.

use vss_core::{Digest, Format, Kind, Priority, SidecarKey, SidecarSource, Variant};
use vss_ports::{Adoption, RowOutline};

use crate::rows::{Bench, RowsHarness, at, content, item, wanted};

pub(super) async fn an_outline_is_a_page_in_few_words(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    for number in 0..6 {
        let outputs = vec![
            wanted(&Variant::GRID_2X, "1.0.0"),
            wanted(&Variant::GRID_1X, "1.0.0"),
        ];
        bench.plan(vec![item(number, Priority::New, outputs)]).await;
    }
    // Rows in several states, from several sources, in several formats.
    let mut found = Vec::new();
    for number in 0..3 {
        let key = SidecarKey::new(content(number), Kind::THUMB, Variant::GRID_1X);
        found.push(Adoption {
            key,
            format: Format::JSON,
            size: u64::from(number) + 1,
            digest: Digest::of(&[number]),
            source: SidecarSource::Adopted,
            version: None,
            original: None,
        });
    }
    bench.store.adopt(&found, at(1)).await.unwrap();
    bench.claim("a", at(5), 2).await;
    let (after, until) = (Some(content(0)), Some(content(4)));
    for (after, until, limit) in [
        (None, None, 99),
        (None, None, 2),
        (after, until, 99),
        (after, None, 1),
        (Some(content(5)), None, 9),
        (None, None, 0),
    ] {
        let page = bench.store.page(after, until, limit).await.unwrap();
        let outline = bench.store.outline(after, until, limit).await.unwrap();
        let rows = outline.iter().flat_map(|one| {
            let content = one.content;
            one.rows.iter().map(move |row| (content, row.clone()))
        });
        let wanted = page
            .iter()
            .map(|row| (row.key.content, RowOutline::from(row)));
        assert_eq!(rows.collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
        let contents: Vec<_> = outline.iter().map(|one| one.content).collect();
        assert!(contents.is_sorted_by(|a, b| a < b), "each once, in order");
    }
}
