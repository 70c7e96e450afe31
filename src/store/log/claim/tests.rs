//! What names tell by themselves; whose they are is tried with real events in the tests of synchronisation.

use super::*;

#[test]
fn a_stream_that_moved_aside_is_hashed_by_the_name_that_it_had() {
    for (stream, name) in
        [("flake/x", "flake/x"), ("displaced/3/flake/x", "flake/x"), ("displaced/3/home/a/b", "home/a/b")]
    {
        assert_eq!((told(stream), is_displaced(stream)), (name, stream != name));
    }
}

#[test]
fn a_flake_says_whose_it_is_when_it_is_found_first() {
    assert!(tells("flake/x", 1) && tells("flake/x", 2) && !tells("flake/x", 3));
    assert!(tells("module/x", 1) && tells("module/x", 2));
    assert!(!tells("lock_history/x", 1));
}

#[test]
fn the_name_of_what_a_newer_release_knows_is_anybodys() {
    assert_eq!(claim("UADA", "home/ada", None), Claim::Untold);
    assert_eq!(claim("UADA", "flake/x", None), Claim::Others);
}
