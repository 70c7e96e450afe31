//! Programs that are killed, starved or locked out: this test binary again, running one of the parts below.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test makes its own world")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cim_domain_nix::store::check::check;
use cim_domain_nix::store::{Access, Receipt, Store};

use crate::store::{NOW, discovery, who};

const PART: &str = "CIM_NIX_TEST_PART";
const LEDGER: &str = "CIM_NIX_TEST_LEDGER";
const FIRST: &str = "CIM_NIX_TEST_FIRST";
const COUNT: &str = "CIM_NIX_TEST_COUNT";

/// What a child does with the ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// Appends one event after another and prints the number of each that was acknowledged.
    Append,
    /// Appends in bursts with pauses, noting what was acknowledged in a file beside the ledger, and vanishes.
    Bursts,
    /// Reads how many events there are and prints that; tries to write and prints how that failed.
    Read,
}

/// A child that does one part.
pub(crate) fn child(part: Part, ledger: &Path, first: u128, count: u128) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    describe(&mut command, part, ledger, first, count);
    command.args(arguments());
    command
}

/// What makes this binary, started any way, do one part.
pub(crate) fn arguments() -> [&'static str; 3] {
    ["--exact", "child::does_its_part_when_it_has_one", "--nocapture"]
}

/// Tells a child its part.
pub(crate) fn describe(command: &mut Command, part: Part, ledger: &Path, first: u128, count: u128) {
    command.env(PART, format!("{part:?}")).env(LEDGER, ledger);
    command.env(FIRST, first.to_string()).env(COUNT, count.to_string());
}

#[test]
fn does_its_part_when_it_has_one() {
    let Ok(part) = std::env::var(PART) else { return };
    let ledger = PathBuf::from(std::env::var_os(LEDGER).unwrap());
    let number = |name| std::env::var(name).unwrap().parse::<u128>().unwrap();
    match part.as_str() {
        "Append" => append(&ledger, number(FIRST), number(COUNT)),
        "Bursts" => bursts(&ledger, number(FIRST), number(COUNT)),
        _ => read(&ledger),
    }
}

/// Past the test harness, which would keep it to itself.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn append(ledger: &Path, first: u128, count: u128) {
    let store = Store::open(ledger, Access::ReadWrite, &who(), NOW).unwrap();
    for number in first..first + count {
        match store.append(discovery(number, number % 9, &format!("text {number}"))) {
            Ok(Receipt::Stored { .. }) => say(&format!("ack {number}")),
            other => {
                say(&format!("error {other:?}"));
                return;
            }
        }
    }
    say("done");
}

fn bursts(ledger: &Path, first: u128, count: u128) {
    let store = Store::open(ledger, Access::ReadWrite, &who(), NOW).unwrap();
    let name = format!("{}-ack", ledger.display());
    let mut acknowledged = fs::File::create(name).unwrap();
    for number in first..first + count {
        if number % (count / 3).max(1) == 0 {
            // Long enough for the log to be moved into the file, so that it begins again from its start.
            std::thread::sleep(Duration::from_millis(700));
        }
        // Now and then more than one call writes to the log.
        let text = format!("text {number} ").repeat(if number.is_multiple_of(20) { 12_000 } else { 1 });
        store.append(discovery(number, number % 9, &text)).unwrap();
        acknowledged.write_all(&u64::try_from(number).unwrap().to_le_bytes()).unwrap();
    }
    std::mem::forget(store);
}

fn read(ledger: &Path) {
    match Store::open(ledger, Access::ReadOnly, &who(), NOW) {
        Ok(store) => say(&format!("head {}", store.reader().unwrap().head().unwrap())),
        Err(error) => say(&format!("reading {error}")),
    }
    for name in ["permissions", "journal"] {
        let checked = check(ledger).into_iter().find(|check| check.name == name);
        say(&format!("{name} {checked:?}"));
    }
    let written =
        Store::open(ledger, Access::ReadWrite, &who(), NOW).and_then(|store| store.append(discovery(1, 1, "x")));
    say(&format!("writing {written:?}"));
}
