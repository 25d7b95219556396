//! The contract of ContentCatalog, kept by the catalog on SQLite.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a harness without libtest's marks; it copies itself to where nobody can run it"
)]

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use async_trait::async_trait;
use libtest_mimic::{Failed, Trial};
use vss_catalog_seaorm::{CatalogSettings, SeaOrmCatalog};
use vss_conformance::catalog::{CatalogHarness, Fresh};

struct Files;

#[async_trait]
impl CatalogHarness for Files {
    async fn fresh(&self) -> Fresh {
        let keep = tempfile::tempdir().unwrap();
        let path = keep.path().join("catalog.db");
        let catalog = SeaOrmCatalog::open(&path, CatalogSettings::default())
            .await
            .unwrap();
        Fresh {
            catalog: Arc::new(catalog),
            keep: Box::new(keep),
        }
    }
}

/// The user that owns nothing, on every Linux.
const NOBODY: u32 = 65_534;

/// Permissions do not bind root, so root runs the checks again as somebody whom they bind.
fn as_nobody() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
    // Where this program lies need not be a place that nobody can reach.
    let copy = folder.path().join("conformance");
    std::fs::copy(std::env::current_exe()?, &copy)?;
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary)?;
    std::fs::set_permissions(&temporary, PermissionsExt::from_mode(0o777))?;
    let output = Command::new(&copy)
        .uid(NOBODY)
        .gid(NOBODY)
        .current_dir(&temporary)
        .env("TMPDIR", &temporary)
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    match output.status.success() && !said.contains("skipped") {
        true => Ok(()),
        false => Err(format!("{said}{complained}").into()),
    }
}

fn main() {
    let mut trials = vss_conformance::catalog::trials("seaorm", Arc::new(Files));
    if rustix::process::geteuid().is_root() {
        trials.push(Trial::test("catalog::seaorm::as_nobody", as_nobody));
    }
    vss_conformance::run(trials);
}
