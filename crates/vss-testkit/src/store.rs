//! SidecarStore and SidecarQueue in memory.
