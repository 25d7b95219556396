//! The contract of SidecarStore as checks.
