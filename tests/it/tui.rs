//! The terminal interface from outside: its page of keys, and what a search finds in a ledger.

use std::fs::{self, File};
use std::io::Write as _;

use cim_domain_nix::tui::{Look, headless::Headless};

use crate::parts::repository;
use crate::scan::Estate;

#[test]
fn the_page_of_keys_is_the_table_of_actions() {
    let path = repository().join("docs/reference/keys.md");
    let page = cim_domain_nix::tui::reference();
    if std::env::var_os("CIM_NIX_UPDATE_DOCS").is_some() {
        File::create(&path).unwrap().write_all(page.as_bytes()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "{} is old: CIM_NIX_UPDATE_DOCS=1 cargo test page_of_keys writes it", path.display());
}

#[test]
fn the_history_finds_flakes_types_and_inputs_by_letters_of_their_names() {
    let estate = Estate::new();
    estate.write("second/flake.nix", "{ inputs.nixpkgs.url = \"github:NixOS/nixpkgs\"; outputs = _: { }; }");
    estate.write("cellar/flake.nix", "{ inputs.agenix.url = \"github:ryantm/agenix\"; outputs = _: { }; }");
    estate.scan();
    let reader = estate.session.store.reader().unwrap();
    let look = Look { colors: false, unicode: true };
    let mut history = Headless::over(reader, look, 0, (140, 20));
    history.press("2");
    let mut find = |letters: &str| {
        history.press("x /");
        history.press(letters);
        history.press("enter");
        let frame = history.frame();
        [" second", " cellar", "no event fits"].map(|text| frame.contains(text))
    };
    assert_eq!(find("s e c n d"), [true, false, false], "a flake");
    assert_eq!(find("n x p k g"), [true, false, false], "an input");
    assert_eq!(find("f l d i s c v r d"), [true, true, false], "a type");
    assert_eq!(find("z z z q"), [false, false, true]);
    assert_eq!(find("z q"), [false, false, true], "two letters are nothing but themselves");
}
