//! The contract of ContentCatalog as checks.
