//! Nothing leads out of a worker: no escape succeeds inside, nearly all do outside.

use std::process::Command;

use vss_ports::{CancelToken, Unlimited};

use crate::bench::{ESCAPE, PROBE, generator, run_for};

fn names() -> Vec<String> {
    let listed = Command::new(PROBE).arg("--names").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed.lines().map(str::to_owned).collect()
}

#[test]
fn no_escape_succeeds_inside_a_worker() {
    let generator = generator();
    let names = names();
    assert!(names.len() >= 30, "{names:?}");
    let mut escaped = Vec::new();
    for name in &names {
        let cancel = CancelToken::new();
        let answer = run_for(&generator, ESCAPE, name.as_bytes(), &Unlimited, &cancel);
        let outcome = answer.unwrap().degraded.unwrap();
        if !outcome.starts_with("denied ") {
            escaped.push(format!("{name}: {outcome}"));
        }
    }
    println!("{} escapes tried, {} succeeded", names.len(), escaped.len());
    assert!(escaped.is_empty(), "{escaped:?}");
}

#[test]
fn nearly_all_escapes_succeed_outside_so_that_the_test_above_can_fail() {
    let mut denied = Vec::new();
    let names = names();
    for name in &names {
        let tried = Command::new(PROBE)
            .args(["--outside", name])
            .output()
            .unwrap();
        let outcome = String::from_utf8(tried.stdout).unwrap();
        if !outcome.starts_with("escaped") {
            denied.push(format!("{name}: {outcome}"));
        }
    }
    // Namespaces, tracing, mounting and programs for the kernel are often denied to everybody.
    println!("denied outside: {denied:?}");
    assert!(denied.len() <= 8, "{denied:?}");
}
