//! Vault on a file system: stage, hash, publish atomically, scan.
