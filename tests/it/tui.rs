//! The terminal interface from outside: its page of keys.

use std::fs::{self, File};
use std::io::Write as _;

use crate::parts::repository;

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
