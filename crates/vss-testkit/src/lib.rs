//! In-memory adapters, a manual clock and fault injection for tests.
