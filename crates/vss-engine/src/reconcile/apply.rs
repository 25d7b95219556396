//! What comparisons lead to, done.

use vss_core::{Priority, layout};
use vss_ports::{Event, Invalidation, PortErrorKind, PortResult};

use super::content::Changes;
use super::{ReconcileReport, Stranger};
use crate::Engine;

impl Engine {
    /// Rows that vouch for nothing any more go first, and only then their files: a pending row
    /// beside a damaged file is looked at again, a ready one without its file would be a lie. What
    /// cannot be done to one content is named and does not keep it from the others.
    pub(super) async fn apply(
        &self,
        changes: Changes,
        report: &mut ReconcileReport,
    ) -> PortResult<()> {
        let (store, now) = (&self.ports.store, self.ports.clock.now());
        // Missing first: a row that vouched for a file in another format may then adopt this one.
        if !changes.gone.is_empty() {
            let gone = Invalidation::FileGone;
            store
                .invalidate(&changes.gone, gone, Priority::Missing, now)
                .await?;
        }
        // Nobody makes again what was adopted; planning wants it anew where it can be made.
        if !changes.unmake.is_empty() {
            store.forget(&changes.unmake).await?;
        }
        for (key, format, damage) in changes.aside {
            match self.ports.vault.quarantine(&key, &format).await {
                Ok(Some(kept)) => {
                    let kept = kept.display();
                    tracing::warn!(sidecar = %key, %damage, %kept, "a damaged sidecar was set aside");
                    self.ports.events.emit(Event::SidecarCorrupt { key });
                }
                Ok(None) => {}
                Err(error) => {
                    report.unknown.push(Stranger {
                        content: Some(key.content),
                        name: format!("{}/{}.{format}", key.kind.folder(), key.variant),
                        reason: format!("damaged, and cannot be set aside: {}", error.in_full()),
                    });
                    // A newer manifest is a stranger, and named as one.
                    report.stuck += u64::from(error.kind != PortErrorKind::Unsupported);
                }
            }
        }
        if !changes.adopt.is_empty() {
            store.adopt(&changes.adopt, now).await?;
        }
        if !changes.forget.is_empty() {
            store.forget(&changes.forget).await?;
        }
        for (content, amendment) in changes.amend {
            match self.ports.vault.amend(content, &amendment).await {
                Ok(written) => report.amended += u64::from(written),
                // A newer manifest is a stranger, and named as one.
                Err(error) if error.kind == PortErrorKind::Unsupported => {}
                Err(error) => {
                    report.stuck += 1;
                    report.unknown.push(Stranger {
                        content: Some(content),
                        name: layout::MANIFEST_NAME.into(),
                        reason: format!("cannot be written: {}", error.in_full()),
                    });
                }
            }
        }
        Ok(())
    }
}
