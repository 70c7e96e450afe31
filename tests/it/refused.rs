//! A real Nix beside what we say of a flake: what it refuses is an error here and what it takes is none, and what it locks
//! anew is a stale lock here.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test makes its own world")]

use std::fs;
use std::path::{Path, PathBuf};

use cim_domain_nix::domain::finding::Severity;
use cim_domain_nix::lint::{Linter, Selection};

use crate::parts::{NIX, NixStore};

/// A Nix with some flakes on disk.
struct World {
    store: NixStore,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self { store: NixStore::new().unwrap(), folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a flake; a place in its text that reads `@name` is that of another one.
    fn write(&self, name: &str, text: &str) -> (PathBuf, String) {
        let directory = self.path(name);
        let text = text.replace('@', &format!("path:{}/", self.folder.path().display()));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("flake.nix"), &text).unwrap();
        (directory, text)
    }

    /// Whether a command of Nix on a flake succeeds, and what it said.
    fn nix(&self, arguments: &[&str], flake: &Path, output: &str) -> Result<(), String> {
        let mut command = self.store.command(NIX).unwrap();
        let done = command.args(arguments).arg(format!("path:{}{output}", flake.display())).output().unwrap();
        if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
    }
}

/// The rules with a finding of at least this severity in a flake, once each.
fn rules(nix: &str, lock: Option<&str>, least: Severity) -> Vec<&'static str> {
    let linter = Linter::new(&Selection::default(), "2026-11-28");
    let found = linter.check_flake(Some(nix), lock, None);
    let mut rules: Vec<_> =
        found.nix.iter().filter(|found| found.severity >= least).map(|found| found.rule.name).collect();
    rules.dedup();
    rules
}

#[test]
fn what_nix_refuses_in_a_flake_is_an_error_and_what_it_takes_is_none() {
    let world = World::new();
    world.write("l", "{ outputs = _: { }; }");
    let outputs = "outputs = { self, ... }: { x = 1; };";
    let whole = [
        "{ outputs = inputs: { x = 1; }; }",
        "{ outputs = ({ self }: { x = 1; }); }",
        "{ outputs = inputs@{ self, ... }: { x = 1; }; }",
        "{ inputs.l.url = \"@l\"; outputs = { self, l }: { x = 1; }; }",
        "{ inputs.l.url = \"@l\"; outputs = { self }: { x = 1; }; }",
        "{ inputs.l.url = \"@l\"; outputs = { l }: { x = 1; }; }",
        "{ outputs = { }: { x = 1; }; }",
        "{ outputs = { }; }",
        "{ outputs = import ./x.nix; }",
        "{ outputs = builtins.trace; }",
        "{ outputs = let a = 1; in _: { x = a; }; }",
        "{ outputs = with builtins; _: { x = 1; }; }",
        "{ description = \"x\"; }",
        "({ outputs = _: { x = 1; }; })",
        "let a = 1; in { outputs = _: { x = a; }; }",
        "{ } // { outputs = _: { x = 1; }; }",
        "{ ${\"out\" + \"puts\"} = _: { x = 1; }; }",
    ];
    let beside_outputs = [
        "bogus = 1;",
        "description = (\"a\");",
        "description = ''\n  a\n'';",
        "description = \"a\" + \"b\";",
        "description = null;",
        "nixConfig = { a = \"b\"; c = 1; d = true; e = [ \"f\" ]; g = [ ]; };",
        "nixConfig = 1;",
        "nixConfig.a = \"b\" + \"c\";",
        "nixConfig.a.b = 1;",
        "nixConfig.a = [ 1 ];",
        "nixConfig.a = 1.5;",
        "nixConfig.${\"a\"} = \"b\";",
        "nixConfig.${\"a\" + \"b\"} = \"b\";",
        "inputs = rec { u = { url = \"@l\"; }; l = u; };",
        "inputs = { ${\"l\"}.url = \"@l\"; };",
        "inputs = { ${\"l\" + \"m\"}.url = \"@l\"; };",
        "inputs.${\"l\" + \"m\"}.url = \"@l\";",
        "inputs = [ ];",
        "inputs.l = \"@l\";",
        "inputs.l.url = \"@l\" + \"\";",
        "inputs.l = { url = \"@l\"; flake = false; };",
        "inputs.l = { url = \"@l\"; foo = 1; };",
        "inputs.l = { url = \"@l\"; dir = \"sub\"; };",
        "inputs.l = { url = \"@l\"; inputs.z.foo = 1; };",
        "inputs.l = { url = \"@l\"; flake = 1; };",
    ];
    let beside_outputs = beside_outputs.iter().map(|bindings| format!("{{ {bindings} {outputs} }}"));
    let mut refused = 0;
    for text in whole.iter().map(|text| (*text).to_owned()).chain(beside_outputs) {
        let (flake, text) = world.write("f", &text);
        let nix = world.nix(&["eval", "--no-write-lock-file"], &flake, "#x");
        let errors = rules(&text, None, Severity::Error);
        assert_eq!(nix.is_err(), !errors.is_empty(), "{text}: {errors:?}, but Nix: {nix:?}");
        refused += usize::from(nix.is_err());
    }
    assert_eq!(refused, 30);
}

#[test]
fn what_nix_locks_anew_for_an_input_of_an_input_is_stale() {
    let world = World::new();
    for name in ["n", "m"] {
        world.write(name, "{ outputs = _: { }; }");
    }
    world.write("b", "{ inputs.n.url = \"@m\"; outputs = _: { }; }");
    let own =
        "inputs.n.url = \"@m\"; inputs.b.url = \"@b\"; inputs.b.inputs.n.follows = \"n\"; inputs.o.follows = \"n\";";
    world.write("a", &format!("{{ {own} outputs = _: {{ }}; }}"));
    let ways = ["", "follows = \"n\";", "follows = \"\";", "follows = \"a/b\";", "url = \"@n\";", "url = \"@m\";"];
    let flake = |way: &str| {
        let over = if way.is_empty() { String::new() } else { format!("inputs.a.inputs.n.{way}") };
        format!("{{ inputs.n.url = \"@n\"; inputs.a.url = \"@a\"; {over} outputs = _: {{ }}; }}")
    };
    let lock = world.path("f").join("flake.lock");
    let mut stale = 0;
    for from in ways {
        for to in ways {
            drop(fs::remove_file(&lock));
            let (directory, _) = world.write("f", &flake(from));
            world.nix(&["flake", "lock"], &directory, "").unwrap();
            let before = fs::read_to_string(&lock).unwrap();
            let (_, text) = world.write("f", &flake(to));
            let is_stale = rules(&text, Some(&before), Severity::Warning).contains(&"lock-stale");
            world.nix(&["flake", "lock"], &directory, "").unwrap();
            let is_new = fs::read_to_string(&lock).unwrap() != before;
            // That it led below the input itself, or to another place, may be the doing of the input: Nix asks its flake.
            let cannot_be_told = to.is_empty() && (from.contains("a/b") || from.contains("url"));
            assert!(
                is_stale == is_new || (cannot_be_told && !is_stale),
                "from `{from}` to `{to}`: {is_stale}, {is_new}"
            );
            stale += usize::from(is_stale);
        }
    }
    assert_eq!(stale, 26);
}
