//! Usage: how much room sidecars take, by kind and variant, and in which state their rows are.

use std::collections::BTreeMap;

use vss_core::{Kind, SidecarSource, Status, Variant};
use vss_ports::PortResult;

use crate::Engine;
use crate::gc::Amount;
use crate::pages::Pages;

/// What rows of one kind and variant come to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Rows in each state.
    pub rows: BTreeMap<Status, u64>,
    /// Files in the vault that rows vouch for, also old ones that are served until a new one is
    /// made.
    pub files: Amount,
}

impl Engine {
    /// Room by kind and variant. Goes through every row: some seconds a million.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn usage(&self) -> PortResult<BTreeMap<(Kind, Variant), Usage>> {
        let mut usage: BTreeMap<(Kind, Variant), Usage> = BTreeMap::new();
        let mut pages = Pages::default();
        while let Some(rows) = pages.next(self).await? {
            for row in rows {
                let managed = row.source != SidecarSource::Reference;
                let name = (row.key.kind, row.key.variant);
                let of = usage.entry(name).or_default();
                *of.rows.entry(row.status).or_default() += 1;
                if let Some(size) = row.size.filter(|_| managed) {
                    of.files.sidecars += 1;
                    of.files.bytes += size;
                }
            }
        }
        Ok(usage)
    }
}
