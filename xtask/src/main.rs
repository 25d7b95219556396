//! Developer tasks: setup, demo, test, ci, tidy, arch, bench.
fn main() {}
