//! What can be configured about how much room sidecars may take.

use std::collections::BTreeMap;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use vss_core::Kind;
use vss_core::eviction::Quotas;

/// The table `quota`: numbers of bytes, or texts like "20 GB" and "4 GiB".
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Quota {
    /// Of all kinds together.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<ByteSize>,
    /// Of single kinds.
    kinds: BTreeMap<Kind, ByteSize>,
}

impl Quota {
    /// The kinds that have one of their own.
    pub(crate) fn named(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.keys()
    }

    /// What the engine keeps to.
    pub(crate) fn quotas(&self) -> Quotas {
        let kinds = self.kinds.iter();
        Quotas {
            total: self.total.map(|size| size.as_u64()),
            kinds: kinds
                .map(|(kind, size)| (kind.clone(), size.as_u64()))
                .collect(),
        }
    }
}
