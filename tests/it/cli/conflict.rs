//! Two commands about one flake at the same time: one is done, the other is told that it came second.
#![expect(clippy::unwrap_used, reason = "a test makes its own world")]

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use super::scene::{Estate, Scene};
use crate::store::raw;

/// Starts two commands while nobody can write, so that both read before either writes; gives back how they ended, the
/// one that was done first.
fn forget_twice(scene: &Scene, wait: Duration) -> [Output; 2] {
    let other = raw(&scene.database());
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = || {
        let mut command = scene.command(&["cim-nix", "forget", "website"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let until_open = |count| {
        let since = Instant::now();
        while processes_with(&scene.database()) < count && since.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // One after the other: two that began with the same step would have the same ids, and be one command.
    let first = start();
    until_open(1);
    let running = [first, start()];
    until_open(2);
    std::thread::sleep(wait);
    other.execute_batch("ROLLBACK").unwrap();
    let mut ended = running.map(|child| child.wait_with_output().unwrap());
    ended.sort_by_key(|output| output.status.code());
    ended
}

/// How many other processes have the file open.
fn processes_with(file: &Path) -> usize {
    let own = std::process::id().to_string();
    let others = fs::read_dir("/proc").unwrap().flatten().filter(|entry| *entry.file_name() != *own);
    let descriptors = others.filter_map(|entry| fs::read_dir(entry.path().join("fd")).ok());
    let is_it = |fd: fs::DirEntry| fs::read_link(fd.path()).is_ok_and(|to| to == file);
    descriptors.filter_map(|of_one| of_one.flatten().find_map(|fd| is_it(fd).then_some(()))).count()
}

#[test]
fn of_two_commands_about_one_flake_the_second_fails_with_7_and_says_what_to_do() {
    let scene = Scene::new(&Estate::new());
    scene.scan();
    // Whoever waits for longer than five seconds gives up, so that more of the same is all that is left after three.
    let mut tries = [500, 1_000, 2_000, 3_000].map(Duration::from_millis).into_iter().cycle().take(16);
    // On a busy machine the second may have begun only after the first was done: then it says that the flake is gone.
    let [done, refused] = loop {
        let ended =
            forget_twice(&scene, tries.next().expect("both have read within three seconds, one time of sixteen"));
        if ended[1].status.code() == Some(7) {
            break ended;
        }
        scene.says(&["cim-nix", "scan", "~/src/website"]);
    };
    assert_eq!(done.status.code(), Some(0));
    let said = String::from_utf8(refused.stderr).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("error: flake/") && lines[0].contains("something else wrote to it"), "{said}");
    assert_eq!(lines[1..], ["hint: run the command again: it looks at what is there now"], "{said}");
    let again = scene.command(&["cim-nix", "forget", "website"]).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "{}", String::from_utf8_lossy(&again.stderr));
    scene.says(&["cim-nix", "store", "check"]);
}
