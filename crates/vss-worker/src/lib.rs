//! The worker programs are `image.rs` and, for tests, `probe.rs`; this library is empty.
