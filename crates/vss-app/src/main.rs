//! The `vss` program.
fn main() {}
