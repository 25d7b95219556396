//! The schema of `sidecars.db`: the rows that say which sidecars exist, and their queue.

use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod m20260101_000001_tables;
mod m20260101_000002_views;

/// Applies the migrations of `sidecars.db` in order.
pub struct SidecarsMigrator;

impl MigratorTrait for SidecarsMigrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20260101_000001_tables::Tables),
            Box::new(m20260101_000002_views::Views),
        ]
    }
}
