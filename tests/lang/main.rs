//! The language suite of Nix, judged by a real Nix and by us: `scripts/lang` runs it on a folder that is at hand.
#![expect(dead_code, reason = "what the integration tests have beside it is of no use here")]

#[path = "../it/lang.rs"]
mod lang;
#[path = "../it/parts.rs"]
mod parts;

#[test]
fn suite() {
    let folder = std::env::var_os("CIM_NIX_LANG").expect("CIM_NIX_LANG names the folder: scripts/lang DIR");
    let judged = lang::judge(folder.as_ref()).unwrap();
    println!("both take {}, both refuse {}, not UTF-8 {}", judged.taken, judged.refused, judged.unreadable);
    println!("differ: {}\n{}", judged.differ.len(), judged.differ.join("\n"));
    assert!(judged.taken + judged.refused > 0, "no Nix text in {}", folder.display());
    assert!(judged.differ.is_empty());
}
