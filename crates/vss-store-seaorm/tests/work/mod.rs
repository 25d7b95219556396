//! Work for a store on a server: contents with two outputs each, claims, commits.

use std::time::Duration;

use async_trait::async_trait;
use vss_core::plan::{Recipe, StillRecipe, WantedOutput};
use vss_core::{
    ContentUuid, Digest, Format, GeneratorRef, Kind, Priority, SidecarKey, Timestamp, Variant,
};
use vss_ports::{
    AttemptUsage, Claim, ClaimOrder, ClaimRequest, Commit, EnqueueBatch, EnqueueItem, LeaseOwner,
    PortResult, Publisher,
};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn generator() -> GeneratorRef {
    GeneratorRef {
        id: "image".parse().unwrap(),
        version: "1.0.0".parse().unwrap(),
    }
}

/// Two thumbnails of each of so many contents.
pub(crate) fn batch(contents: u16) -> EnqueueBatch {
    let output = |variant| WantedOutput {
        kind: Kind::THUMB,
        variant,
        format: Format::WEBP,
        recipe: Recipe::Still(StillRecipe {
            max_side: 256,
            quality: 80,
        }),
        generator: generator(),
    };
    let outputs = [Variant::GRID_1X, Variant::DETAIL_1X].map(output);
    let item = |number: u16| {
        let mut bytes = [7; 16];
        bytes[..2].copy_from_slice(&number.to_le_bytes());
        EnqueueItem {
            content: ContentUuid::from_bytes(bytes),
            priority: Priority::New,
            outputs: outputs.to_vec(),
        }
    };
    EnqueueBatch {
        items: (0..contents).map(item).collect(),
        watermark: None,
    }
}

pub(crate) fn request(owner: &str, limit: usize) -> ClaimRequest {
    ClaimRequest {
        owner: LeaseOwner::new(owner),
        now: NOW,
        lease_until: NOW.plus(Duration::from_secs(30)),
        limit,
        generators: vec![generator().id],
        except: Vec::new(),
        order: ClaimOrder::Urgent,
    }
}

pub(crate) fn keys(claims: &[Claim]) -> Vec<SidecarKey> {
    let outputs = claims.iter().flat_map(|claim| &claim.outputs);
    outputs.map(|output| output.key.clone()).collect()
}

pub(crate) fn commits(claims: &[Claim]) -> Vec<Commit> {
    let outputs = claims.iter().flat_map(|claim| &claim.outputs);
    let commit = outputs.map(|output| Commit {
        key: output.key.clone(),
        fence: output.fence,
        format: output.format.clone(),
        size: 500,
        digest: Digest::of(output.key.to_string().as_bytes()),
        generator: generator(),
        original: (9, Digest::of(output.key.content.as_bytes())),
        usage: AttemptUsage::between(NOW, NOW),
    });
    commit.collect()
}

/// Publishes without files.
pub(crate) struct Nowhere;

#[async_trait]
impl Publisher for Nowhere {
    async fn publish(&self, positions: &[usize]) -> Vec<PortResult<()>> {
        positions.iter().map(|_| Ok(())).collect()
    }
}
