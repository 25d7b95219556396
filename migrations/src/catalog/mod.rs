//! The schema of `catalog.db`: what the stand-alone index knows of originals.

use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod m20260101_000001_originals;

/// Applies the migrations of `catalog.db` in order.
pub struct CatalogMigrator;

impl MigratorTrait for CatalogMigrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20260101_000001_originals::Migration)]
    }
}
