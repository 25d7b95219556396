//! Planning: from what the catalog says changed to rows that say what is wanted. How far the
//! planning got is recorded in the very step that records the rows, so a crash between the two
//! databases loses nothing and repeats at most one batch, which changes nothing.

use std::collections::BTreeMap;

use vss_core::plan::{self, Recipe, WantedOutput};
use vss_core::{ContentUuid, GeneratorId, Kind, MediaType, Priority, Status, Variant};
use vss_ports::{
    ChangeSeq, ContentRecord, EnqueueBatch, EnqueueItem, EnqueueReport, Event, PortResult,
    PresenceRow, Watermark,
};

use crate::Engine;

/// Contents planned in one step: 3,000 rows with three sidecars each, a few milliseconds.
const BATCH: usize = 1_000;

/// What would be made.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PlannedWork {
    /// Contents that were looked at.
    pub contents: u64,
    /// Contents that no generator reads, by media type.
    pub unreadable: BTreeMap<MediaType, u64>,
    /// What is missing, by kind and variant.
    pub missing: BTreeMap<(Kind, Variant), PlannedKind>,
    /// The jobs that make it, and of how many contents each is: all that one generator makes of a
    /// content is one job.
    pub jobs: BTreeMap<PlannedJob, u64>,
}

/// One sort of job of a [`PlannedWork`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PlannedJob {
    /// Who does it.
    pub generator: GeneratorId,
    /// What the contents are.
    pub media_type: MediaType,
    /// What comes of each.
    pub outputs: Vec<(Kind, Variant)>,
}

/// One kind and variant of a [`PlannedWork`].
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct PlannedKind {
    /// How many are missing.
    pub count: u64,
    /// Their estimated size in bytes.
    pub bytes: u64,
}

impl Engine {
    /// Plans everything that changed in the catalog since the last time; everything anew when the
    /// policy or the generators changed.
    pub(crate) async fn plan_changes(&self) -> PortResult<EnqueueReport> {
        let (catalog, queue) = (&self.ports.catalog, &self.ports.queue);
        let name = format!("plan/{}", catalog.instance().await?);
        let fingerprint = plan::fingerprint(&self.settings.policy, &self.descriptors);
        let reached = queue.watermark(&name).await?;
        let mut after = resume_at(reached.as_deref(), &fingerprint);
        let mut total = EnqueueReport::default();
        loop {
            let changed = catalog.changes(after, BATCH).await?;
            let Some(last) = changed.last() else {
                return Ok(total);
            };
            after = last.seq;
            let items: Vec<_> = changed
                .iter()
                .filter_map(|record| self.wanted(record))
                .collect();
            for item in &items {
                let wanted = item.outputs.len();
                self.ports.events.emit(Event::Planned {
                    content: item.content,
                    wanted,
                });
            }
            let watermark = Some(Watermark {
                name: name.clone(),
                value: format!("{fingerprint}:{}", after.0),
            });
            let batch = EnqueueBatch { items, watermark };
            let report = queue.enqueue(&batch, self.ports.clock.now()).await?;
            total.inserted += report.inserted;
            total.revived += report.revived;
        }
    }

    /// Queues what single contents lack by now; how many rows are pending because of it.
    pub(crate) async fn plan_contents(&self, contents: &[ContentUuid]) -> PortResult<u64> {
        let known = self.ports.catalog.find(contents).await?;
        let known = known.iter().filter(|record| record.originals > 0);
        let items: Vec<_> = known.filter_map(|record| self.wanted(record)).collect();
        if items.is_empty() {
            return Ok(0);
        }
        let batch = EnqueueBatch {
            items,
            watermark: None,
        };
        let now = self.ports.clock.now();
        let report = self.ports.queue.enqueue(&batch, now).await?;
        Ok(report.inserted + report.revived)
    }

    fn wanted(&self, record: &ContentRecord) -> Option<EnqueueItem> {
        let outputs = self.wanted_outputs(&record.media_type);
        (!outputs.is_empty()).then_some(EnqueueItem {
            content: record.content,
            priority: Priority::New,
            outputs,
        })
    }

    /// What a content of this media type should have by default.
    pub(crate) fn wanted_outputs(&self, media_type: &MediaType) -> Vec<WantedOutput> {
        plan::plan(media_type, &self.settings.policy, &self.descriptors)
    }

    /// What the contents of `catalog` lack in this engine's store: nothing is recorded. The
    /// catalog may be another one than the engine's, for folders that were never indexed.
    ///
    /// # Errors
    /// When a port fails.
    pub async fn plan_for(
        &self,
        catalog: &dyn vss_ports::ContentCatalog,
    ) -> PortResult<PlannedWork> {
        let mut work = PlannedWork::default();
        let mut after = ChangeSeq::default();
        loop {
            let records = catalog.changes(after, BATCH).await?;
            let Some(last) = records.last() else {
                return Ok(work);
            };
            after = last.seq;
            self.count_missing(&records, &mut work).await?;
        }
    }

    async fn count_missing(
        &self,
        records: &[ContentRecord],
        work: &mut PlannedWork,
    ) -> PortResult<()> {
        let mut by_kind: BTreeMap<Kind, Vec<(&ContentRecord, WantedOutput)>> = BTreeMap::new();
        let mut jobs: BTreeMap<(ContentUuid, GeneratorId), PlannedJob> = BTreeMap::new();
        for record in records {
            work.contents += 1;
            let outputs = self.wanted_outputs(&record.media_type);
            if outputs.is_empty() {
                *work
                    .unreadable
                    .entry(record.media_type.clone())
                    .or_default() += 1;
            }
            for output in outputs {
                by_kind
                    .entry(output.kind.clone())
                    .or_default()
                    .push((record, output));
            }
        }
        for (kind, wanted) in by_kind {
            let contents: Vec<_> = wanted.iter().map(|(record, _)| record.content).collect();
            let variants: Vec<_> = wanted.iter().map(|(_, o)| o.variant.clone()).collect();
            let rows = self
                .ports
                .store
                .presence(&contents, &kind, &variants)
                .await?;
            let settled = |row: &PresenceRow| {
                // What made room is not made again by itself.
                matches!(row.status, Status::Ready | Status::Evicted)
            };
            let ready: std::collections::BTreeSet<_> = rows
                .iter()
                .filter(|r| settled(r))
                .map(|r| (r.content, &r.variant))
                .collect();
            for (record, output) in &wanted {
                if !ready.contains(&(record.content, &output.variant)) {
                    let generator = output.generator.id.clone();
                    let job = jobs.entry((record.content, generator.clone()));
                    let job = job.or_insert_with(|| PlannedJob {
                        generator,
                        media_type: record.media_type.clone(),
                        outputs: Vec::new(),
                    });
                    job.outputs.push((kind.clone(), output.variant.clone()));
                    let name = (kind.clone(), output.variant.clone());
                    let planned = work.missing.entry(name).or_default();
                    planned.count += 1;
                    planned.bytes += estimated_bytes(&output.recipe);
                }
            }
        }
        for job in jobs.into_values() {
            *work.jobs.entry(job).or_default() += 1;
        }
        Ok(())
    }
}

/// What one output is likely to weigh. What depends on how long an original plays is counted as for
/// a minute, and text as for a short document: neither is known before the original was opened.
fn estimated_bytes(recipe: &Recipe) -> u64 {
    // Of a 3:2 picture; hundredths of a byte a pixel.
    let pixels = |side: u32| u64::from(side) * u64::from(side) * 2 / 3;
    // The mean of forty camera photos at quality 80 to 90 between 256 and 1024 px.
    let still = |side: u32| pixels(side) * 14 / 100;
    // The mean of 21 films of some seconds at quality 75: frames are softer than photos.
    let tile = |side: u32| pixels(side) * 9 / 100;
    match recipe {
        Recipe::Still(recipe) => still(recipe.max_side),
        Recipe::Strip(strip) => {
            tile(strip.tile_side) * u64::from(strip.columns) * u64::from(strip.rows)
        }
        // A line for the times and one for the place: 53 characters in the maps of the same films.
        Recipe::StripMap(map) => 55 * u64::from(map.strip.columns) * u64::from(map.strip.rows),
        // x264 at its usual rate factor: a bit for ten pixels of 30 frames a second.
        Recipe::Proxy(proxy) => {
            let side = u64::from(proxy.short_side);
            let pictures = side * side * 16 / 9 * 30 / 10;
            (pictures + u64::from(proxy.audio_bitrate)) * 60 / 8
        }
        // Two numbers of up to four characters, and what parts them.
        Recipe::Waveform(waveform) => 10 * u64::from(waveform.points),
        Recipe::Pcm(pcm) => 2 * 60 * u64::from(pcm.sample_rate),
        Recipe::Text(_) => TEXT_BYTES,
        // A recipe this version does not know cannot come out of its own policy.
        _ => 0,
    }
}

/// JSON with the place of each word: the mean of 38 PDF files of one to a few pages.
const TEXT_BYTES: u64 = 11_000;

/// Where planning goes on: at the recorded number if it was planned under the same fingerprint,
/// else from the beginning.
fn resume_at(watermark: Option<&str>, fingerprint: &str) -> ChangeSeq {
    let number = watermark
        .and_then(|value| value.split_once(':'))
        .filter(|(planned_under, _)| *planned_under == fingerprint)
        .and_then(|(_, number)| number.parse().ok());
    ChangeSeq(number.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planning_goes_on_only_under_the_same_fingerprint() {
        assert_eq!(resume_at(None, "f"), ChangeSeq(0));
        assert_eq!(resume_at(Some("f:12"), "f"), ChangeSeq(12));
        assert_eq!(resume_at(Some("e:12"), "f"), ChangeSeq(0));
        assert_eq!(resume_at(Some("nonsense"), "f"), ChangeSeq(0));
    }
}
