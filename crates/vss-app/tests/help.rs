//! The command line as people see it. A change here is a change that scripts and habits feel.
#![expect(clippy::unwrap_used, reason = "a test may")]

use std::process::Command;

use expect_test::expect_file;

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_vss"))
        .args(arguments)
        .env("COLUMNS", "100")
        .env_remove("VSS_LIBRARY")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_help_of_every_command_is_what_was_agreed() {
    let mut all = help(&["--help"]);
    for command in [
        "init",
        "index",
        "run",
        "status",
        "path",
        "presence",
        "ls",
        "reconcile",
        "regen",
        "retry",
        "explain",
        "plan",
        "doctor",
        "kinds",
        "contact-sheet",
    ] {
        all.push_str(&format!("\n$ vss {command} --help\n"));
        all.push_str(&help(&[command, "--help"]));
    }
    expect_file!["./help.txt"].assert_eq(&all);
}
