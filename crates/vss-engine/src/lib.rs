//! The use cases of the Virtual Sidecar System, written against ports only.
