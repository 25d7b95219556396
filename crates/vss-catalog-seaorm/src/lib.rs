//! ContentCatalog on SQLite through sea-orm, fed by walking folders.
