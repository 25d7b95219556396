//! The contract of SidecarQueue as checks.
