//! The terminal interface from outside: its page of keys, what a search finds in a ledger, and how it shares a real terminal
//! with an editor, a shell and a window that is closed.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test makes its own world, and fails when it cannot"
)]

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use cim_domain_nix::app::clock::Clock;
use cim_domain_nix::app::ledger::{self, Who};
use cim_domain_nix::app::origin;
use cim_domain_nix::tui::{Look, headless::Headless};

use crate::parts::{PYTHON3, TMUX, repository};
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

/// A terminal of its own, in tmux.
struct Window<'a> {
    folder: &'a Path,
}

impl<'a> Window<'a> {
    fn tmux(&self, arguments: &[&str]) -> String {
        let socket = self.folder.join("tmux");
        let mut all = vec!["-f", "/dev/null", "-S", socket.to_str().unwrap()];
        all.extend(arguments);
        TMUX.output(&all).unwrap()
    }

    fn open(folder: &'a Path, command: &str) -> Self {
        let window = Window { folder };
        window.tmux(&["new-session", "-d", "-x", "100", "-y", "30", command]);
        window
    }

    fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn shows(&self, text: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let shown = self.tmux(&["capture-pane", "-p"]);
            if shown.contains(text) {
                return;
            }
            assert!(Instant::now() < end, "`{text}` is not in\n{shown}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        // A server that has ended already cannot be ended.
        let socket = self.folder.join("tmux");
        let _ = TMUX.output(&["-S", socket.to_str().unwrap_or_default(), "kill-server"]);
    }
}

fn with_a_flake() -> (Estate, tempfile::TempDir, String) {
    let estate = Estate::new();
    estate.write("one/flake.nix", "{ outputs = _: { }; }");
    estate.scan();
    let folder = tempfile::tempdir().unwrap();
    let editor = folder.path().join("editor");
    fs::write(&editor, "#!/bin/sh\ntrap : INT\necho EDITOR-RUNS\nsleep 60\necho WAS-INTERRUPTED\nsleep 1\n").unwrap();
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
    let home = folder.path().display();
    let program = env!("CARGO_BIN_EXE_cim-nix");
    let database = estate.database();
    let command =
        format!("env HOME={home} LC_ALL=C.UTF-8 EDITOR={} {program} --db {}", editor.display(), database.display());
    (estate, folder, command)
}

#[test]
fn the_editor_is_stopped_and_interrupted_as_in_a_shell() {
    let (_estate, folder, command) = with_a_flake();
    let window = Window::open(folder.path(), "env PS1='READY> ' bash --norc --noprofile -i");
    window.shows("READY>");
    window.tmux(&["send-keys", &command, "Enter"]);
    window.shows("1 Flakes");
    window.press("e");
    window.shows("EDITOR-RUNS");
    window.press("C-z");
    window.shows("Stopped");
    window.tmux(&["send-keys", "echo is''back", "Enter"]);
    window.shows("isback");
    window.tmux(&["send-keys", "fg", "Enter"]);
    window.shows("\nenv HOME");
    window.press("C-c");
    window.shows("WAS-INTERRUPTED");
    window.shows("1 Flakes");
    window.press("C-z");
    window.shows("[1]+  Stopped");
}

#[test]
fn what_is_copied_is_in_the_buffer_of_tmux_and_a_file_that_is_gone_is_not_opened() {
    let (estate, folder, command) = with_a_flake();
    let window = Window::open(folder.path(), "env PS1='READY> ' bash --norc --noprofile -i");
    window.shows("READY>");
    window.tmux(&["send-keys", &command, "Enter"]);
    window.shows("1 Flakes");
    window.press("=");
    window.shows("copied to the paste buffer of tmux: cim-nix --db");
    let database = estate.database();
    assert_eq!(window.tmux(&["show-buffer"]).trim_end(), format!("cim-nix --db {} flake list", database.display()));
    fs::remove_dir_all(estate.root().join("one")).unwrap();
    window.press("e");
    window.shows("is not there any more");
}

#[test]
fn a_ledger_that_goes_away_ends_the_interface_with_a_word() {
    let (estate, folder, command) = with_a_flake();
    let window = Window::open(folder.path(), "env PS1='READY> ' bash --norc --noprofile -i");
    window.shows("READY>");
    window.tmux(&["send-keys", &format!("{command}; echo code $?"), "Enter"]);
    window.shows("1 Flakes");
    fs::rename(estate.database(), folder.path().join("moved.db")).unwrap();
    window.shows("was replaced, moved or deleted");
    window.shows("code 4");
}

#[test]
fn a_ledger_that_becomes_another_origins_ends_the_interface_with_a_word() {
    let (estate, folder, command) = with_a_flake();
    let window = Window::open(folder.path(), "env PS1='READY> ' bash --norc --noprofile -i");
    window.shows("READY>");
    window.tmux(&["send-keys", &format!("{command}; echo code $?"), "Enter"]);
    window.shows("1 Flakes");
    let who = Who { host: "desk".to_owned(), user: "ada".to_owned() };
    origin::fork(ledger::open(&estate.database(), who, Clock::system()).unwrap()).unwrap();
    window.shows("code 4");
    let shown = window.tmux(&["capture-pane", "-p", "-J"]);
    assert!(shown.contains("became the ledger of another origin while it was open"), "{shown}");
}

/// Opens a window for the program alone, presses Ctrl-Z and then 2, closes the window, and prints what was shown and the code.
const CLOSED: &str = r#"
import os, pty, select, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    termios.tcsetwinsize(0, (30, 100))
    os.environ.update(TERM="xterm", LC_ALL="C.UTF-8")
    os.execv(sys.argv[1], sys.argv[1:])
shown = b""
def until(text):
    global shown
    shown, end = b"", time.time() + 20
    while text not in shown and time.time() < end:
        if select.select([fd], [], [], 0.1)[0]:
            shown += os.read(fd, 65536)
    print(text.decode() if text in shown else shown)
until(b"Flakes")
os.write(fd, b"\x1a")
until(b"shell")
os.write(fd, b"2")
until(b"log")
os.close(fd)
status = os.waitpid(pid, 0)[1]
print(os.WIFEXITED(status) and os.WEXITSTATUS(status) != 70)
"#;

#[test]
fn a_window_without_a_shell_says_so_and_may_be_closed() {
    let (estate, ..) = with_a_flake();
    let database = estate.database();
    let told =
        PYTHON3.output(&["-c", CLOSED, env!("CARGO_BIN_EXE_cim-nix"), "--db", database.to_str().unwrap()]).unwrap();
    assert!(told.contains("\nshell\n") && told.trim_end().ends_with("True"), "{told}");
    let place = cim_domain_nix::app::place::recall(&estate.session, "tui").unwrap().unwrap();
    assert_eq!(place["screen"], "history", "{told}");
}
