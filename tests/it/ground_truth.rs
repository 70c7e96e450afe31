//! What we read of flakes is what a real Nix says of them: `scripts/ground-truth` on flakes of our own.
//! On request the same script takes a folder of public projects.

use std::path::Path;
use std::process::Command;

use crate::parts::{BASH, PYTHON3, repository, run};

/// Compares every flake below `folder`; what the script prints.
fn compare(folder: &Path) -> Result<String, String> {
    let script = repository().join("scripts/ground-truth");
    let program = env!("CARGO_BIN_EXE_cim-nix");
    run(PYTHON3.command()?.arg(script).arg(folder).args(["--cim-nix", program]))
}

#[test]
fn every_form_of_an_input_is_read_as_nix_reads_it() {
    let said = compare(&repository().join("tests/fixtures/flakes")).unwrap();
    assert!(said.contains("flakes equal, 0 differ, 0 not compared"), "{said}");
}

#[test]
fn an_estate_with_locks_is_read_as_nix_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let estate = folder.path().join("estate");
    let mut make: Command = BASH.command().unwrap();
    run(make.arg(repository().join("scripts/estate")).arg(&estate)).unwrap();
    let said = compare(&estate).unwrap();
    assert!(said.contains("inputs: 4 flakes equal, 0 differ, 0 not compared"), "{said}");
    assert!(said.contains("lock: 4 flakes equal, 0 differ, 0 not compared"), "{said}");
}
