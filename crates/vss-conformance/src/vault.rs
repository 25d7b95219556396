//! The contract of Vault as checks.
