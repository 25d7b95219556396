//! Logs: to stderr, as much as was asked for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging: warnings, or what `VSS_LOG` says, or `-v` (info) and `-vv` (debug).
pub(crate) fn start(verbose: u8) {
    let usual = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug,sqlx=info,sea_orm=info",
    };
    let filter = EnvFilter::builder()
        .with_env_var("VSS_LOG")
        .with_default_directive(tracing::level_filters::LevelFilter::WARN.into());
    let filter = match std::env::var_os("VSS_LOG") {
        Some(_) => filter.from_env_lossy(),
        None => EnvFilter::new(usual),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
