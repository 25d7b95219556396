//! End-to-end tests: see `e2e/main.rs`. The library target is empty; the one test binary is all.
