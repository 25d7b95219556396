//! The worker programs are `image.rs`, `av.rs`, `ocr.rs`, `raw.rs` and, for tests, `probe.rs`; this library is empty.
