//! The pure domain of the Virtual Sidecar System: ids, keys, layout, status machine, plan and reconcile diff.
