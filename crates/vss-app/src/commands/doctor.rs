//! `vss doctor`: whether everything this program needs is in order, each point with its remedy.

mod languages;
mod watches;

use serde::Serialize;
use vss_core::Kind;
use vss_core::plan::Policy;
use vss_sandbox::{SandboxLevel, WorkerSettings};

use super::daemon::daemon_of;
use crate::cli::Global;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::library::{Library, Work};
use crate::wiring::{self, App};
use crate::{databases, output};

#[derive(Serialize)]
struct DoctorDocument {
    healthy: bool,
    version: &'static str,
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Check {
    fn good(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            ok: true,
            detail: detail.into(),
            remedy: None,
        }
    }

    fn bad(name: &'static str, failure: &Failure) -> Self {
        Self {
            name,
            ok: false,
            detail: failure.to_string(),
            remedy: failure.remedy.clone(),
        }
    }
}

/// What was looked at; people hear of each as it comes, since some take a while.
struct Checks {
    said: bool,
    all: Vec<Check>,
}

impl Checks {
    fn push(&mut self, check: Check) {
        if self.said {
            let mark = if check.ok { "ok " } else { "BAD" };
            output::line(&format!("{mark} {}: {}", check.name, check.detail));
            if let Some(remedy) = &check.remedy {
                output::line(&format!("    what to do: {remedy}"));
            }
        }
        self.all.push(check);
    }

    fn extend(&mut self, checks: impl IntoIterator<Item = Check>) {
        checks.into_iter().for_each(|check| self.push(check));
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) async fn doctor(global: &Global) -> Result<Exit, Failure> {
    let mut checks = Checks {
        said: !global.json,
        all: Vec::new(),
    };
    if checks.said {
        output::line(&format!("vss {VERSION}"));
    }
    for descriptor in wiring::descriptors() {
        let mut kinds: Vec<&str> = Vec::new();
        for kind in descriptor.kinds().map(Kind::as_str) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let detail = format!(
            "{} makes {} from {} media types",
            descriptor.generator,
            kinds.join(", "),
            descriptor.inputs().count()
        );
        checks.push(Check::good("generator", detail));
    }
    checks.push(check_worker(wiring::image_worker(SandboxLevel::L0)));
    checks.push(check_optional_worker(
        wiring::av_worker(SandboxLevel::L0),
        &format!(
            "video and audio wait: {}",
            built("FFmpeg's libraries", "av")
        ),
    ));
    checks.push(check_optional_worker(
        wiring::raw_worker(SandboxLevel::L0),
        &format!(
            "camera files are shown by their preview, and only DNG is developed: {}",
            built("LibRaw", "raw")
        ),
    ));
    let policy = policy_of(global);
    let text = wiring::ocr_worker(SandboxLevel::L0, &policy);
    let languages = languages::check(&text, &policy);
    checks.push(check_optional_worker(
        text,
        &format!("text waits: {}", built("Tesseract", "ocr")),
    ));
    checks.extend(languages);
    match &global.library {
        Some(_) => check_library(global, &mut checks).await,
        None => checks.push(Check::good(
            "library",
            "none named: only the program was looked at",
        )),
    }
    let checks = checks.all;
    let document = DoctorDocument {
        healthy: checks.iter().all(|check| check.ok),
        version: VERSION,
        checks,
    };
    if global.json {
        output::json(&document);
    }
    Ok(if document.healthy {
        Exit::Done
    } else {
        Exit::Failure
    })
}

/// How a worker comes to be beside this program, from its sources.
fn built(library: &str, feature: &str) -> String {
    let profile = match cfg!(debug_assertions) {
        true => "",
        false => "--release ",
    };
    format!(
        "`cargo xtask setup` installs {library}, and `cargo build {profile}-p vss-worker \
         --features {feature}` builds it"
    )
}

/// What the library wants; what a new one would, where none is named or it cannot be read, which
/// other checks say.
fn policy_of(global: &Global) -> Policy {
    let configured = |place| Config::load(&Library::open(Some(place))?.root);
    let config = global.library.as_deref().map(configured);
    config
        .and_then(Result::ok)
        .map_or_else(Policy::standard, |config| config.policy())
}

/// Starts the worker once, and asks what confines it here.
fn check_worker(settings: Result<WorkerSettings, Failure>) -> Check {
    let settings = match settings {
        Ok(settings) => settings,
        Err(failure) => return Check::bad("worker", &failure),
    };
    match vss_sandbox::probe(&settings) {
        Ok(report) => Check::good(
            "worker",
            format!(
                "{} {} at {} ({}), {}",
                report.generator.id,
                report.generator.version,
                report.level,
                report.layers,
                settings.program.display()
            ),
        ),
        Err(why) => {
            let remedy = why.class.remedy();
            Check::bad(
                "worker",
                &Failure::new(Exit::Failure, why.detail).remedy(remedy),
            )
        }
    }
}

/// A worker that is built only where its libraries are: without it the rest works.
fn check_optional_worker(settings: Result<WorkerSettings, Failure>, without: &str) -> Check {
    match settings {
        Ok(settings) if !settings.program.exists() => {
            let program = settings.program.display();
            let needs = settings.needs.unwrap_or("to be built");
            let detail = format!("there is no {program}: {without}; it needs {needs}");
            Check::good("worker", detail)
        }
        settings => check_worker(settings),
    }
}

/// Whether workers are confined as much as the configuration asks for.
fn check_level(app: &App) -> Check {
    let require = app.config.sandbox.require;
    let level = wiring::image_worker(require)
        .ok()
        .and_then(|settings| vss_sandbox::probe(&settings).ok())
        .map(|report| report.level);
    match level {
        Some(level) if level >= require => Check::good(
            "sandbox",
            format!("{require} is required, workers have {level}"),
        ),
        level => {
            let has = level.map_or("no worker", SandboxLevel::as_str);
            let message = format!("{require} is required, and this machine has {has}");
            let remedy = "without it nothing is made: enable Landlock (kernel 5.13), or lower \
                          sandbox.require in vss.toml";
            Check::bad(
                "sandbox",
                &Failure::new(Exit::Failure, message).remedy(remedy),
            )
        }
    }
}

async fn check_library(global: &Global, checks: &mut Checks) {
    let library = match Library::open(global.library.as_deref()) {
        Ok(library) => library,
        Err(failure) => return checks.push(Check::bad("library", &failure)),
    };
    let detail = format!("{} ({})", library.root.display(), library.file.id);
    checks.push(Check::good("library", detail));
    match library.lock(Work::Vault) {
        Ok(_) => checks.push(Check::good("lock", "nobody is running or reconciling")),
        // Somebody working is no illness.
        Err(busy) => checks.push(Check::good("lock", busy.to_string())),
    }
    match free_space(&library) {
        Ok(free) => checks.push(Check::good(
            "space",
            format!("{} free", output::bytes(free)),
        )),
        Err(error) => {
            let failure = Failure::internal("ask for the free space", error);
            checks.push(Check::bad("space", &failure));
        }
    }
    match App::open(global.library.as_deref()).await {
        Ok(app) => check_contents(&app, checks).await,
        Err(failure) => checks.push(Check::bad("open", &failure)),
    }
}

async fn check_contents(app: &App, checks: &mut Checks) {
    let settings = app.engine.settings();
    let mut detail = format!(
        "{} workers, {} for pixels, {} readers a volume",
        settings.workers,
        output::bytes(settings.memory_budget),
        settings.volume_lanes
    );
    for (kind, limit) in &settings.kind_limits {
        detail.push_str(&format!(", {kind} at most {limit} at once"));
    }
    checks.push(Check::good("configuration", detail));
    match daemon_of(&app.library).await {
        Ok(Some(daemon)) => {
            let detail = format!("process {} works, {} made", daemon.pid, daemon.ready);
            checks.push(Check::good("daemon", detail));
        }
        Ok(None) => checks.push(Check::good("daemon", "none")),
        Err(failure) => checks.push(Check::bad("daemon", &failure)),
    }
    checks.push(check_level(app));
    match app.engine.ports().vault.stage().await {
        Ok(staged) => {
            let how = match staged.name {
                None => "nameless staging files",
                Some(_) => "named staging files (this file system has no nameless ones)",
            };
            checks.push(Check::good("vault", format!("writable, {how}")));
        }
        Err(error) => checks.push(Check::bad("vault", &Failure::from(error))),
    }
    match app.engine.empty_vault().await {
        Ok(None) => {}
        Ok(Some(empty)) => checks.push(Check::bad("vault", &empty.into())),
        Err(error) => checks.push(Check::bad("vault", &error.into())),
    }
    let damaged = databases::examine(&app.library, &app.config).await;
    if !damaged.is_empty() {
        let bad = |failure| Check::bad("databases", failure);
        return checks.extend(damaged.iter().map(bad));
    }
    match app.engine.status().await {
        Ok(status) => {
            let place = match app.config.database {
                Some(_) => "rows on a server; the catalog is whole",
                None => "rows in the library; both are whole",
            };
            let detail = format!(
                "{} contents in the catalog, {place}",
                status.catalog.contents
            );
            checks.push(Check::good("databases", detail));
            checks.push(watches::check(app, status.catalog.folders));
        }
        Err(error) => checks.push(Check::bad("databases", &Failure::from(error))),
    }
}

#[cfg(unix)]
fn free_space(library: &Library) -> std::io::Result<u64> {
    let found = rustix::fs::statvfs(&library.root)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free_space(_: &Library) -> std::io::Result<u64> {
    Err(std::io::Error::from(std::io::ErrorKind::Unsupported))
}
