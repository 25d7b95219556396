//! A schema of its own for each test, on the server that VSS_TEST_POSTGRES names.

use std::io::Write;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};

/// The server's URL; says why nothing is tested where there is none.
#[expect(
    clippy::disallowed_methods,
    reason = "who runs the tests names the server"
)]
pub(crate) fn url() -> Option<String> {
    let url = std::env::var("VSS_TEST_POSTGRES").ok();
    static TOLD: Once = Once::new();
    if url.is_none() {
        let skipped = "skipped on PostgreSQL: VSS_TEST_POSTGRES names no server; \
                       `cargo xtask test` starts one\n";
        TOLD.call_once(|| std::io::stderr().write_all(skipped.as_bytes()).unwrap());
    }
    url
}

/// The URL of a new, empty schema.
pub(crate) async fn schema(server: &str) -> String {
    static SCHEMAS: AtomicU32 = AtomicU32::new(0);
    // A process that had this number may have left one behind.
    let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
    let name = format!("vss_{}_{number}", std::process::id());
    let db = connect(server).await;
    let sql = format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}");
    db.execute_unprepared(&sql).await.unwrap();
    db.close().await.unwrap();
    let joint = if server.contains('?') { '&' } else { '?' };
    format!("{server}{joint}options=-csearch_path%3D{name}")
}

/// A connection that knows nothing of the store.
pub(crate) async fn connect(url: &str) -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}
