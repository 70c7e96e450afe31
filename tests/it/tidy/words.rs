//! Words that may stand nowhere: silenced lints and tests, paths of one machine, pictures in text; and one that may stand in
//! one file.

use super::source::{Breach, Source, files, rust_files};

/// Attributes that hide something, and what to write instead.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("[allow(", "use #[expect(…, reason = \"…\")], which complains when it is no longer needed"),
    ("#[ignore", "a test that does not run proves nothing: make it fast, or fail with what is missing"),
    ("todo!(", "nothing unfinished lands"),
    ("unimplemented!(", "nothing unfinished lands"),
];

/// The starts of paths that exist on somebody's machine only; each is put together so that this file passes.
const MACHINE_PATHS: &[&str] = &[concat!("/wor", "k/"), concat!("/roo", "t/"), concat!("file:///", "home/")];

#[test]
fn nothing_is_silenced() {
    let sources = ["src", "tests", "benches"].map(rust_files);
    super::report(sources.iter().flatten().flat_map(silenced));
}

#[test]
fn no_machine_and_no_picture_is_mentioned() {
    let folders = ["src", "tests", "benches", "docs", "assets", "migrations", "scripts"];
    let mut sources: Vec<Source> =
        folders.iter().flat_map(|folder| files(folder, &["rs", "md", "sql", "toml"])).collect();
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "flake.nix", "Cargo.toml"] {
        if let Ok(text) = std::fs::read_to_string(crate::parts::repository().join(name)) {
            sources.push(Source::new(name, &text));
        }
    }
    super::report(sources.iter().flat_map(mentions));
}

/// Where SQLite's own file system is asked by its own words.
const UNSAFE: &str = "src/store/connect/frames/file.rs";

#[test]
fn unsafe_code_is_in_one_file() {
    let sources = ["src", "tests", "benches"].map(rust_files);
    super::report(sources.iter().flatten().flat_map(unchecked));
}

fn unchecked(source: &Source) -> Vec<Breach> {
    let found = source.words("unsafe").filter(|_| source.path != UNSAFE);
    found.map(|at| source.breach(at, format!("unsafe code is in {UNSAFE} alone"))).collect()
}

#[test]
fn unsafe_code_elsewhere_is_found() {
    let code = format!("//! {0}\nfn f() {{ {0} {{ g() }} }}\n", "unsafe");
    assert_eq!(unchecked(&Source::new("src/x.rs", &code)).len(), 1);
    assert_eq!(unchecked(&Source::new(UNSAFE, &code)).len(), 0);
}

fn silenced(source: &Source) -> Vec<Breach> {
    ATTRIBUTES
        .iter()
        .flat_map(|(word, instead)| {
            source
                .code
                .match_indices(word)
                .map(|(at, _)| source.breach(at, format!("`{word}`: {instead}")))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn mentions(source: &Source) -> Vec<Breach> {
    let machines = MACHINE_PATHS.iter().flat_map(|path| {
        source
            .text
            .match_indices(path)
            .map(move |(at, _)| source.breach(at, format!("`{path}` exists on one machine only")))
    });
    let pictures = source.text.char_indices().filter(|(_, c)| is_picture(*c));
    machines.chain(pictures.map(|(at, c)| source.breach(at, format!("{c:?} is a picture; use a word")))).collect()
}

/// Characters that terminals draw as coloured pictures; box drawing, arrows and check marks are text.
fn is_picture(c: char) -> bool {
    matches!(u32::from(c), 0x1_F000..=0x1_FAFF | 0xFE0F | 0x2705 | 0x2728 | 0x274C | 0x274E | 0x2753..=0x2757 | 0x26A1 | 0x2B50)
}

#[test]
fn hidden_lints_machines_and_pictures_are_found() {
    let hidden = format!("#{}dead_code)]\nfn a() {{}}\n// #{}dead_code)]\n", "[allow(", "[allow(");
    assert_eq!(silenced(&Source::new("src/x.rs", &hidden)).len(), 1);
    let machine = format!("let p = \"{}x\"; // \u{1F600} ✓", MACHINE_PATHS[0]);
    assert_eq!(mentions(&Source::new("src/x.rs", &machine)).len(), 2);
}
