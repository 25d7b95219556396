//! The schema of `sidecars.db`: the rows that say which sidecars exist, and their queue.

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// Applies the migrations of `sidecars.db` in order.
pub struct SidecarsMigrator;

impl MigratorTrait for SidecarsMigrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }
}
