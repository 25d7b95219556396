//! `vss gc`: the sidecars of files that are gone, and what there is above the quotas.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use vss_core::Kind;
use vss_engine::{Amount, EvictOptions, EvictReport, GcOptions, GcReport};

use crate::cli::{GcArgs, Global};
use crate::failure::{Exit, Failure};
use crate::library::Work;
use crate::output;
use crate::wiring::{App, Effort};

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[derive(Serialize)]
struct GcDocument {
    contents: u64,
    sidecars: u64,
    bytes: u64,
    kinds: BTreeMap<Kind, AmountEntry>,
    /// What stays because it is hard to make again.
    kept: AmountEntry,
    waiting: u64,
    unknown: u64,
    missing_locations: Vec<String>,
    /// What makes room, because there is more than the quotas allow.
    evicted: BTreeMap<Kind, AmountEntry>,
    /// Bytes above a quota that stay; `total` for that of all kinds.
    over_quota: BTreeMap<String, u64>,
    /// Files that were to go and could not be removed.
    stuck: u64,
    dry_run: bool,
    seconds: f64,
}

#[derive(Serialize)]
struct AmountEntry {
    sidecars: u64,
    bytes: u64,
}

impl AmountEntry {
    fn of(amount: Amount) -> Self {
        Self {
            sidecars: amount.sidecars,
            bytes: amount.bytes,
        }
    }
}

pub(super) async fn gc(global: &Global, args: &GcArgs) -> Result<Exit, Failure> {
    let started = Instant::now();
    let place = global.library.as_deref();
    let app = match args.apply {
        // Nothing may come back while it is being deleted.
        true => App::open_for(place, Work::Index, Effort::default()).await?,
        false => App::open(place).await?,
    };
    let options = GcOptions {
        grace: DAY * u32::from(args.grace),
        apply: args.apply,
        precious: args.precious,
        despite_missing: args.despite_missing,
    };
    let report = app.engine.gc(&options).await?;
    let made_room = EvictOptions {
        apply: args.apply,
        precious: args.precious,
    };
    let made_room = app.engine.evict(&made_room).await?;
    let missing = app.engine.missing_locations().await?;
    let total = report.total();
    let document = GcDocument {
        contents: report.contents,
        sidecars: total.sidecars,
        bytes: total.bytes,
        kinds: entries(&report.collected),
        kept: AmountEntry::of(report.kept),
        waiting: report.waiting,
        unknown: report.unknown,
        missing_locations: missing
            .iter()
            .map(|location| location.path.to_string_lossy().into_owned())
            .collect(),
        evicted: entries(&made_room.evicted),
        over_quota: over_quota(&made_room),
        stuck: report.stuck + made_room.stuck,
        dry_run: !args.apply,
        seconds: started.elapsed().as_secs_f64(),
    };
    match global.json {
        true => output::json(&document),
        false => say(&document, &report, args),
    }
    Ok(match document.stuck {
        0 => Exit::Done,
        _ => Exit::Failure,
    })
}

fn entries(amounts: &BTreeMap<Kind, Amount>) -> BTreeMap<Kind, AmountEntry> {
    let entry = |(kind, amount): (&Kind, &Amount)| (kind.clone(), AmountEntry::of(*amount));
    amounts.iter().map(entry).collect()
}

fn over_quota(report: &EvictReport) -> BTreeMap<String, u64> {
    let total = (report.short_in_all > 0).then(|| ("total".to_owned(), report.short_in_all));
    let kinds = report.short.iter();
    let kinds = kinds.map(|(kind, bytes)| (kind.to_string(), *bytes));
    kinds.chain(total).collect()
}

fn say(document: &GcDocument, report: &GcReport, args: &GcArgs) {
    let grace = args.grace;
    let mood = match document.dry_run {
        true => "would be deleted",
        false => "deleted",
    };
    for (kind, amount) in &report.collected {
        let (sidecars, size) = (amount.sidecars, output::bytes(amount.bytes));
        output::line(&format!("{sidecars} {kind} ({size}) {mood}"));
    }
    let (contents, sidecars) = (document.contents, document.sidecars);
    let size = output::bytes(document.bytes);
    output::line(&format!(
        "{sidecars} sidecars of {contents} contents without an original ({size}) {mood}"
    ));
    if document.kept.sidecars > 0 {
        let (sidecars, size) = (document.kept.sidecars, output::bytes(document.kept.bytes));
        output::line(&format!(
            "{sidecars} ({size}) stay because they are hard to make again; --precious takes them too"
        ));
    }
    if document.waiting > 0 {
        let waiting = document.waiting;
        output::line(&match document.dry_run {
            true => format!("{waiting} contents lost their last original in the last {grace} days"),
            false => format!("{waiting} contents without an original were not shown before"),
        });
    }
    if document.unknown > 0 {
        let unknown = document.unknown;
        output::line(&format!(
            "{unknown} contents were never indexed here, and stay"
        ));
    }
    for location in &document.missing_locations {
        output::line(&format!("missing, and kept as it is known: {location}"));
    }
    for (kind, amount) in &document.evicted {
        let (sidecars, size) = (amount.sidecars, output::bytes(amount.bytes));
        let mood = match document.dry_run {
            true => "would make room",
            false => "made room",
        };
        output::line(&format!(
            "{sidecars} {kind} ({size}) {mood}: above the quota"
        ));
    }
    for (what, bytes) in &document.over_quota {
        let size = output::bytes(*bytes);
        output::line(&format!(
            "{size} above the quota of {what} stay: hard to make again, or not to be made now; \
             --precious takes what can be made again"
        ));
    }
    if document.stuck > 0 {
        let stuck = document.stuck;
        output::line(&format!(
            "{stuck} could not be deleted and stay, for the reasons above: look at who may write \
             there, then again: vss gc --apply"
        ));
    }
    if document.dry_run && (document.contents > 0 || !document.evicted.is_empty()) {
        let mut command = "vss gc --apply".to_owned();
        if args.precious {
            command.push_str(" --precious");
        }
        if args.despite_missing {
            command.push_str(" --despite-missing");
        }
        output::line(&format!("nothing was deleted; to delete this: {command}"));
    }
}
