//! Steps of a change that may be about every row. While one goes on nobody else plans, or writes at
//! all, and a server ends a statement that takes too long: nine million rows take minutes.

use sea_orm::ConnectionTrait;
use vss_ports::{PortResult, Selection};

use crate::counters;
use crate::dialect::statement;
use crate::error::failed;
use crate::listing::rows_in;
use crate::open::SeaOrmStore;

/// Contents whose rows are changed in one step.
const CONTENTS: i64 = 10_000;
/// Rows that are changed in one step, wherever they are: they are found by the index of their state.
const ROWS: u64 = 100_000;

/// Which contents a step is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Span {
    /// All that are selected.
    Whole,
    /// Those with a number above the first and up to the second.
    Between(i64, i64),
}

/// The steps that are left.
#[derive(Debug)]
pub(crate) struct Steps {
    contents: i64,
    /// `None` when there is nothing left to do.
    next: Option<Next>,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    Whole,
    Above(i64),
}

impl Steps {
    /// What is listed, and what is little, is done in one step.
    pub(crate) async fn of(store: &SeaOrmStore, selection: &Selection) -> PortResult<Self> {
        let counts = counters::read(store).await?;
        let states = selection.statuses.iter();
        let rows: u64 = states
            .map(|status| rows_in(&counts, selection, *status))
            .sum();
        Ok(match selection.contents.is_some() || rows <= ROWS {
            true => Self {
                contents: CONTENTS,
                next: Some(Next::Whole),
            },
            false => Self::by(CONTENTS),
        })
    }

    /// Through all contents, so many at a time.
    pub(crate) fn by(contents: i64) -> Self {
        Self {
            contents,
            next: Some(Next::Above(0)),
        }
    }

    /// The next step.
    pub(crate) async fn next(&mut self, store: &SeaOrmStore) -> PortResult<Option<Span>> {
        let after = match self.next.take() {
            None => return Ok(None),
            Some(Next::Whole) => return Ok(Some(Span::Whole)),
            Some(Next::Above(after)) => after,
        };
        let sql = "SELECT max(id) FROM \
            (SELECT id FROM contents WHERE id > ?1 ORDER BY id LIMIT ?2) AS step";
        let (db, fault) = (store.read(), failed("go through the contents"));
        let asked = statement(db, sql, [after.into(), self.contents.into()]);
        let last = db.query_one_raw(asked).await.map_err(&fault)?;
        let last = last.map(|row| row.try_get_by_index::<Option<i64>>(0));
        let last = last.transpose().map_err(&fault)?.flatten();
        self.next = last.map(Next::Above);
        Ok(last.map(|last| Span::Between(after, last)))
    }
}
