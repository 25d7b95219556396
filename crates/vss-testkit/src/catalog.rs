//! ContentCatalog in memory.
