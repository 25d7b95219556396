//! Vault in memory.
