//! The ports of the Virtual Sidecar System: one trait per role, each with its contract.
