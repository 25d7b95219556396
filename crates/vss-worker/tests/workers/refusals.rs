//! Workers that are not what was asked for: missing, broken, of another release.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use vss_core::FailureClass;
use vss_sandbox::{Layer, SandboxLevel, SandboxedGenerator, WorkerSettings, probe};

use crate::bench::{failure, settings};

/// The detail of a job at a worker that cannot be.
fn refused(settings: WorkerSettings) -> String {
    let program = settings.program.display().to_string();
    let (class, detail) = failure(&SandboxedGenerator::new(settings), "good");
    assert_eq!(class, FailureClass::ToolMissing, "{detail}");
    assert!(detail.contains(&program), "{detail}");
    detail
}

fn at(program: &Path) -> WorkerSettings {
    WorkerSettings {
        program: program.into(),
        ..settings()
    }
}

#[test]
fn a_missing_worker_is_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let detail = refused(WorkerSettings {
        needs: Some("a pie"),
        ..at(&folder.path().join("vss-worker-image"))
    });
    assert!(
        detail.contains("is not there") && detail.contains("VSS_WORKER_DIR"),
        "{detail}"
    );
    assert!(detail.ends_with("; it needs a pie"), "{detail}");
}

#[test]
fn a_worker_that_may_not_be_started_is_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("vss-worker-image");
    std::fs::write(&program, b"#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o644)).unwrap();
    assert!(refused(at(&program)).contains("chmod +x"));
}

#[test]
fn a_file_that_is_no_program_is_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("vss-worker-image");
    // Another process writes it: one that this process has written is busy while another test forks.
    let script = "printf '\\177ELF but not really' > \"$0\" && chmod +x \"$0\"";
    let mut shell = Command::new("sh");
    let written = shell.arg("-c").arg(script).arg(&program).status();
    assert!(written.unwrap().success());
    let detail = refused(at(&program));
    assert!(detail.contains("ended before it was ready"), "{detail}");
    assert!(
        detail.contains("install the worker of the same release"),
        "{detail}"
    );
}

#[test]
fn a_program_that_is_no_worker_is_refused() {
    assert!(refused(at(Path::new("/bin/true"))).contains("ended before it was ready"));
}

#[test]
fn a_worker_that_dies_at_its_start_says_why() {
    let missing = "--there-is-no-such-option";
    let detail = refused(WorkerSettings {
        arguments: vec![missing.into()],
        ..at(Path::new("/bin/ls"))
    });
    assert!(detail.contains(missing), "{detail}");
}

#[test]
fn a_worker_of_another_version_is_refused_with_a_remedy() {
    let mut settings = settings();
    settings.descriptor.generator.version = "1.0.1".parse().unwrap();
    let detail = refused(settings);
    assert!(
        detail.contains("is probe 1.0.0, not probe 1.0.1: install"),
        "{detail}"
    );
}

#[test]
fn a_worker_says_what_confines_it() {
    let report = probe(&settings()).unwrap();
    assert_eq!(report.level, SandboxLevel::L3);
    assert_eq!(report.generator, settings().descriptor.generator);
    assert!(
        report
            .layers
            .named()
            .iter()
            .all(|(_, layer)| **layer == Layer::Enforced)
    );
}

#[test]
fn a_worker_in_the_background_works_as_well() {
    let generator = SandboxedGenerator::new(WorkerSettings {
        background: true,
        ..settings()
    });
    crate::bench::good(&generator);
}

#[test]
fn a_program_without_a_parent_says_what_it_is() {
    let worker = env!("CARGO_BIN_EXE_vss-worker-image");
    let said = Command::new(worker).output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&said.stderr).contains("this program is a worker"));
}
