//! The port ConversionJournal in memory.

use async_trait::async_trait;
use vss_core::{SidecarKey, SidecarSource, Timestamp};
use vss_ports::{
    Adoption, Conversion, ConversionJournal, MoveEnd, MovePhase, PortError, PortErrorKind,
    PortResult,
};

use super::{MemoryStore, Rows};

#[async_trait]
impl ConversionJournal for MemoryStore {
    async fn begin(&self, conversion: &Conversion, _: Timestamp) -> PortResult<()> {
        self.write(|rows| {
            match rows.conversion(&conversion.file.key) {
                Some(at) if rows.conversions[at].phase == MovePhase::Managed => {
                    rows.conversions.remove(at);
                }
                Some(_) => return Err(conflict("begin a conversion")),
                None => {}
            }
            let phase = MovePhase::Taking;
            rows.conversions.push(Conversion {
                phase,
                ..conversion.clone()
            });
            Ok(())
        })
        .await
    }

    async fn begin_back(&self, key: &SidecarKey, _: Timestamp) -> PortResult<()> {
        self.write(|rows| match rows.conversion(key) {
            Some(at) if rows.conversions[at].phase == MovePhase::Managed => {
                rows.conversions[at].phase = MovePhase::GivingBack;
                Ok(())
            }
            _ => Err(conflict("begin to give back")),
        })
        .await
    }

    async fn finish(&self, key: &SidecarKey, how: MoveEnd, now: Timestamp) -> PortResult<()> {
        self.write(|rows| {
            let refuse = || conflict("finish a conversion");
            let at = rows.conversion(key).ok_or_else(refuse)?;
            let conversion = rows.conversions[at].clone();
            match (conversion.phase, how) {
                (MovePhase::Taking, MoveEnd::Taken) => {
                    rows.conversions[at].phase = MovePhase::Managed;
                    rows.adopt(&managed(&conversion), now);
                }
                (MovePhase::GivingBack, MoveEnd::GivenBack) => {
                    rows.forget(key);
                    rows.conversions.remove(at);
                }
                (MovePhase::Taking, MoveEnd::Undone) => {
                    rows.conversions.remove(at);
                }
                (MovePhase::GivingBack, MoveEnd::Undone) => {
                    rows.conversions[at].phase = MovePhase::Managed;
                }
                _ => return Err(refuse()),
            }
            Ok(())
        })
        .await
    }

    async fn unfinished(&self, catalog: Option<&str>) -> PortResult<Vec<Conversion>> {
        Ok(self.read(|rows| {
            let begun = rows.conversions.iter();
            let begun = begun.filter(|one| catalog.is_none_or(|catalog| one.catalog == catalog));
            let begun = begun.filter(|one| one.phase != MovePhase::Managed);
            begun.cloned().collect()
        }))
    }

    async fn find(&self, key: &SidecarKey) -> PortResult<Option<Conversion>> {
        Ok(self.read(|rows| rows.conversion(key).map(|at| rows.conversions[at].clone())))
    }
}

impl Rows {
    fn conversion(&self, key: &SidecarKey) -> Option<usize> {
        let mut all = self.conversions.iter();
        all.position(|one| one.file.key == *key)
    }
}

fn managed(conversion: &Conversion) -> Adoption {
    let file = &conversion.file;
    Adoption {
        key: file.key.clone(),
        format: file.format.clone(),
        size: file.identity.size,
        digest: file.digest,
        source: SidecarSource::Converted,
        version: None,
        original: None,
    }
}

fn conflict(operation: &str) -> PortError {
    let cause = "somebody else moves it, or nobody does";
    PortError::new(PortErrorKind::Conflict, operation, cause)
}
