//! The comparison of rows and files against a model that carries the actions out.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

use proptest::prelude::*;
use vss_core::reconcile::{Action, FoundFile, KnownRow, diff};
use vss_core::{Format, Kind, Status};

fn files() -> impl Strategy<Value = Vec<FoundFile>> {
    let file =
        (0..2_usize, 0..3_usize, 0..2_usize, 1..4_u64).prop_map(|(kind, variant, format, size)| {
            FoundFile {
                kind: [Kind::THUMB, "custom".parse().unwrap()][kind].clone(),
                variant: ["a", "b", "c"][variant].parse().unwrap(),
                format: [Format::WEBP, Format::JSON][format].clone(),
                size,
            }
        });
    proptest::collection::vec(file, 0..8).prop_map(|mut files| {
        let name = |f: &FoundFile| (f.kind.clone(), f.variant.clone(), f.format.clone());
        files.sort_by_key(name);
        files.dedup_by_key(|f| name(f));
        files
    })
}

fn rows() -> impl Strategy<Value = Vec<KnownRow>> {
    let row = (files(), 0..Status::ALL.len(), any::<bool>(), any::<bool>()).prop_filter_map(
        "a row has a name",
        |(files, status, vouches, is_reference)| {
            let file = files.into_iter().next()?;
            let status = Status::ALL[status];
            let vouches = status == Status::Ready || (status == Status::Pending && vouches);
            Some(KnownRow {
                kind: file.kind,
                variant: file.variant,
                format: file.format,
                status,
                vouched_size: vouches.then_some(file.size),
                is_reference: is_reference && status == Status::Ready,
            })
        },
    );
    proptest::collection::vec(row, 0..6).prop_map(|mut rows| {
        rows.sort_by_key(|r| (r.kind.clone(), r.variant.clone()));
        rows.dedup_by_key(|r| (r.kind.clone(), r.variant.clone()));
        rows
    })
}

/// Does what the actions say, taking every file for whole.
fn carry_out(files: &[FoundFile], rows: &mut Vec<KnownRow>, actions: &[Action]) {
    for action in actions {
        match action {
            Action::Adopt(file) | Action::Verify(file) => {
                rows.retain(|r| !(r.kind == file.kind && r.variant == file.variant));
                rows.push(KnownRow {
                    kind: file.kind.clone(),
                    variant: file.variant.clone(),
                    format: file.format.clone(),
                    status: Status::Ready,
                    vouched_size: Some(file.size),
                    is_reference: false,
                });
                assert!(files.contains(file));
            }
            Action::Missing { kind, variant } => {
                let row = rows
                    .iter_mut()
                    .find(|r| r.kind == *kind && r.variant == *variant);
                let row = row.expect("only a row can miss its file");
                row.status = Status::Pending;
                row.vouched_size = None;
            }
            Action::Unknown(_) => {}
        }
    }
}

proptest! {
    #[test]
    fn doing_what_it_says_leaves_nothing_to_do(files in files(), rows in rows()) {
        let mut after = rows.clone();
        let actions = diff(&files, &rows);
        carry_out(&files, &mut after, &actions);
        let left: Vec<_> =
            diff(&files, &after).into_iter().filter(|a| !matches!(a, Action::Unknown(_))).collect();
        prop_assert_eq!(left, vec![]);
    }

    #[test]
    fn afterwards_every_ready_row_has_its_file_and_every_file_a_row(files in files(), rows in rows()) {
        let mut after = rows.clone();
        let actions = diff(&files, &rows);
        carry_out(&files, &mut after, &actions);
        for row in after.iter().filter(|r| r.status == Status::Ready && !r.is_reference) {
            prop_assert!(files.iter().any(|f| f.kind == row.kind && f.variant == row.variant
                && f.format == row.format && Some(f.size) == row.vouched_size));
        }
        for file in &files {
            let has_row = after.iter().any(|r| r.kind == file.kind && r.variant == file.variant);
            prop_assert!(has_row, "{:?}", file);
        }
    }

    #[test]
    fn running_rows_are_left_alone_and_references_give_way_to_files_only(files in files(), rows in rows()) {
        for action in diff(&files, &rows) {
            let (kind, variant) = match &action {
                Action::Adopt(f) | Action::Verify(f) => (&f.kind, &f.variant),
                Action::Missing { kind, variant } => (kind, variant),
                Action::Unknown(_) => continue,
            };
            let row = rows.iter().find(|r| r.kind == *kind && r.variant == *variant);
            let adopts = matches!(action, Action::Adopt(_));
            prop_assert!(
                row.is_none_or(|r| r.status != Status::Running && (!r.is_reference || adopts))
            );
        }
    }

    #[test]
    fn an_old_file_that_is_served_until_its_successor_comes_is_not_adopted(size in 1..9_u64) {
        let file = FoundFile {
            kind: Kind::THUMB, variant: "a".parse().unwrap(), format: Format::WEBP, size,
        };
        let row = KnownRow {
            kind: Kind::THUMB, variant: "a".parse().unwrap(), format: Format::WEBP,
            status: Status::Pending, vouched_size: Some(size), is_reference: false,
        };
        prop_assert_eq!(diff(&[file], &[row]), vec![]);
    }
}
