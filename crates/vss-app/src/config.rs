//! Configuration: `$XDG_CONFIG_HOME/vss/config.toml`, then the library's `vss.toml`, then `VSS_*`
//! in the environment, then flags; the later wins. What is not understood is an error that names
//! the file, never ignored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy;
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde::{Deserialize, Serialize};
use vss_core::Kind;
use vss_core::plan::{DecodeLimits, Policy};
use vss_engine::{ScrubPace, Settings};
use vss_sandbox::SandboxLevel;

use crate::failure::{Exit, Failure};
use crate::presets::Presets;
use crate::quota_config::Quota;
use crate::watch_config::Watch;

/// How durable a recorded sidecar is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    /// Each file is synced by itself.
    Strict,
    /// Files that are finished together are synced together.
    Group,
    /// The operating system decides; reconcile mends what a power cut leaves.
    Fast,
}

/// What can be configured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Jobs side by side; 0 means all cores but one, when there are more than two.
    pub(crate) workers: u16,
    pub(crate) durability: Durability,
    /// Whether hidden files are indexed.
    pub(crate) hidden: bool,
    /// A PostgreSQL schema for the rows, instead of the library's own `sidecars.db`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) database: Option<String>,
    /// Decoded pixels in memory at any time, in bytes; 0 means a quarter of the machine's memory.
    pub(crate) memory: u64,
    /// Originals read at once from one volume; 1 suits a disk with a head.
    pub(crate) readers: u16,
    /// Seconds that claimed work stays claimed when its process no longer says that it lives.
    pub(crate) lease: u16,
    /// Jobs side by side that make a kind, where it should be fewer than `workers`.
    pub(crate) at_once: BTreeMap<Kind, u16>,
    pub(crate) limits: Limits,
    pub(crate) sandbox: Sandbox,
    pub(crate) verify: Verify,
    pub(crate) quota: Quota,
    pub(crate) watch: Watch,
    /// One table a kind and variant.
    pub(crate) kinds: Presets,
}

/// Limits on originals.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) max_pixels: u64,
    pub(crate) max_side: u32,
    pub(crate) max_decoded_bytes: u64,
}

/// How workers are confined.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sandbox {
    /// A worker that is confined less gets no job.
    pub(crate) require: SandboxLevel,
}

/// How often sidecars are compared with their rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verify {
    /// Bytes; what is larger is not hashed when it is first read, unless it was written to.
    pub(crate) first_read: u64,
    /// Days in which a daemon hashes everything once; 0 means never.
    pub(crate) scrub_days: u16,
    /// Bytes a second that it reads for that at most.
    pub(crate) scrub_rate: u64,
}

impl Verify {
    /// How a daemon scrubs, if it does.
    pub(crate) fn pace(&self) -> Option<ScrubPace> {
        (self.scrub_days > 0).then(|| ScrubPace {
            period: Duration::from_secs(u64::from(self.scrub_days) * 24 * 3_600),
            budget: self.scrub_rate,
        })
    }
}

impl Default for Verify {
    /// What is hashed in a blink, a month, and a tenth of what a disk with a head reads.
    fn default() -> Self {
        Self {
            first_read: 64 << 20,
            scrub_days: 30,
            scrub_rate: 16 << 20,
        }
    }
}

impl Default for Sandbox {
    /// What every Linux of the last ten years has; workers take more wherever they can.
    fn default() -> Self {
        Self {
            require: if cfg!(target_os = "linux") {
                SandboxLevel::L2
            } else {
                SandboxLevel::L1
            },
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let DecodeLimits {
            max_pixels,
            max_side,
            max_decoded_bytes,
        } = DecodeLimits::default();
        Self {
            workers: 0,
            durability: Durability::Group,
            hidden: false,
            database: None,
            memory: 0,
            readers: 4,
            lease: 30,
            at_once: BTreeMap::new(),
            limits: Limits {
                max_pixels,
                max_side,
                max_decoded_bytes,
            },
            sandbox: Sandbox::default(),
            verify: Verify::default(),
            quota: Quota::default(),
            watch: Watch::default(),
            kinds: Presets::default(),
        }
    }
}

impl Config {
    /// Reads all layers for a library.
    pub(crate) fn load(library: &Path) -> Result<Self, Failure> {
        let mut layers = Figment::from(Serialized::defaults(Self::default()));
        let of_library = library.join("vss.toml");
        for file in user_file()
            .into_iter()
            .chain([of_library])
            .filter(|file| file.exists())
        {
            layers = layers.merge(Toml::file_exact(file));
        }
        // Only these: other VSS_ names are the command line's and the tests'.
        let plain = Env::prefixed("VSS_").only(&[
            "workers",
            "durability",
            "hidden",
            "database",
            "memory",
            "readers",
            "lease",
        ]);
        let limits = Env::prefixed("VSS_LIMITS_")
            .only(&["max_pixels", "max_side", "max_decoded_bytes"])
            .map(|key| format!("limits.{key}").into());
        let sandbox = Env::prefixed("VSS_SANDBOX_")
            .only(&["require"])
            .map(|key| format!("sandbox.{key}").into());
        let verify = Env::prefixed("VSS_VERIFY_")
            .only(&["first_read", "scrub_days", "scrub_rate"])
            .map(|key| format!("verify.{key}").into());
        let watch = Env::prefixed("VSS_WATCH_")
            .only(Watch::KEYS)
            .map(|key| format!("watch.{key}").into());
        let quota = Env::prefixed("VSS_QUOTA_")
            .only(&["total"])
            .map(|key| format!("quota.{key}").into());
        let config: Self = layers
            .merge(plain)
            .merge(limits)
            .merge(sandbox)
            .merge(verify)
            .merge(watch)
            .merge(quota)
            .extract()
            .map_err(|error| {
                // The first of possibly several; each names its file and key.
                Failure::new(Exit::Usage, "the configuration is wrong").because(Box::new(error))
            })?;
        config.checked()
    }

    fn checked(self) -> Result<Self, Failure> {
        let wrong = |fault: String| {
            let message = format!("the configuration is wrong: {fault}");
            Failure::new(Exit::Usage, message)
        };
        let zero = |key: &str| wrong(format!("{key} must be at least 1"));
        if let Some((kind, _)) = self.at_once.iter().find(|(_, limit)| **limit == 0) {
            return Err(zero(&format!("at_once.{kind}"))
                .remedy("to make nothing of a kind for a while: vss queue pause KIND"));
        }
        let numbers = [
            ("readers", u64::from(self.readers)),
            ("lease", u64::from(self.lease)),
            ("verify.scrub_rate", self.verify.scrub_rate),
        ];
        if let Some((key, _)) = numbers.iter().find(|(_, number)| *number == 0) {
            return Err(zero(key));
        }
        let made = self.kinds.kinds();
        let is_known = |kind: &Kind| Kind::ALL.contains(kind) || made.contains_key(kind);
        let limited = self.at_once.keys().map(|kind| ("at_once", kind));
        let of_quotas = self.quota.named().map(|kind| ("quota.kinds", kind));
        let unknown = limited.chain(of_quotas).find(|(_, kind)| !is_known(kind));
        if let Some((table, kind)) = unknown {
            return Err(wrong(format!("{table} names {kind}, which is no kind"))
                .remedy("`vss kinds` lists them"));
        }
        if let Some(fault) = self.kinds.fault().or_else(|| self.watch.fault()) {
            return Err(wrong(fault));
        }
        Ok(self)
    }

    /// What the engine needs to know of it.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            kinds: self.kinds.kinds(),
            limits: DecodeLimits {
                max_pixels: self.limits.max_pixels,
                max_side: self.limits.max_side,
                max_decoded_bytes: self.limits.max_decoded_bytes,
            },
        }
    }

    /// What the engine is told.
    pub(crate) fn settings(&self) -> Settings {
        let at_once = self.at_once.iter();
        Settings {
            kind_limits: at_once
                .map(|(kind, limit)| (kind.clone(), usize::from(*limit)))
                .collect(),
            memory_budget: match self.memory {
                0 => usual_memory(),
                memory => memory,
            },
            volume_lanes: usize::from(self.readers),
            verify_up_to: self.verify.first_read,
            quotas: self.quota.quotas(),
            lease: Duration::from_secs(u64::from(self.lease)),
            renew_every: Duration::from_secs(u64::from(self.lease)) / 3,
            ..Settings::new(self.policy(), self.workers())
        }
    }

    /// Jobs side by side: what was asked for, else all cores but one for the person in front of
    /// the machine, when there are more than two.
    pub(crate) fn workers(&self) -> usize {
        if self.workers > 0 {
            return usize::from(self.workers);
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if cores > 2 { cores - 1 } else { cores }
    }
}

/// A quarter of the machine's memory, or a gibibyte where that is not told.
fn usual_memory() -> u64 {
    #[cfg(target_os = "linux")]
    {
        let info = rustix::system::sysinfo();
        #[expect(clippy::useless_conversion, reason = "32 bits on some machines")]
        let total = u64::from(info.totalram);
        let bytes = total.saturating_mul(u64::from(info.mem_unit)) / 4;
        if bytes > 0 {
            return bytes;
        }
    }
    1 << 30
}

fn user_file() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.config_dir().join("vss").join("config.toml"))
}
