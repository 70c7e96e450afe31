//! The terminal interface in a real terminal (tmux): that it opens, follows keys and the ledger, and gives the terminal
//! back however it ends.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::parts::{TMUX, run};

/// How long a screen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A shell in a terminal of its own, with a small estate and a ledger.
struct Terminal {
    folder: tempfile::TempDir,
}

impl Terminal {
    /// Opens the terminal; the estate has two flakes, and the ledger knows them.
    fn new() -> Self {
        let terminal = Self { folder: tempfile::tempdir().unwrap() };
        terminal.flake("laptop", "The machine on the desk");
        terminal.flake("server", "Mail, web and backups");
        terminal.scan();
        terminal.tmux(&["new-session", "-d", "-x", "100", "-y", "30", "env -i PS1='$ ' TERM=xterm-256color bash --norc -i"]);
        terminal.tmux(&["set-option", "-g", "status", "off"]);
        terminal.see("$ ");
        let home = terminal.folder.path().display().to_string();
        for (name, value) in [("HOME", home.as_str()), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin"), ("EDITOR", "true")] {
            terminal.line(&format!("export {name}={value}"));
        }
        terminal.line(&format!("export CIM_NIX_DB={home}/ledger.db"));
        terminal.line("clear");
        terminal
    }

    fn flake(&self, name: &str, description: &str) {
        let folder = self.folder.path().join("src").join(name);
        fs::create_dir_all(&folder).unwrap();
        let text = format!(
            "{{ description = \"{description}\"; inputs.nixpkgs.url = \"github:NixOS/nixpkgs\"; outputs = _: {{ }}; }}\n"
        );
        File::create(folder.join("flake.nix")).unwrap().write_all(text.as_bytes()).unwrap();
    }

    #[expect(clippy::disallowed_methods, reason = "this test runs the program itself")]
    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cim-nix"));
        command.env("HOME", self.folder.path()).env("CIM_NIX_DB", self.folder.path().join("ledger.db"));
        command
    }

    fn scan(&self) {
        run(self.program().arg("scan").arg(self.folder.path().join("src"))).unwrap();
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let socket = self.folder.path().join("tmux");
        run(TMUX.command().unwrap().args(["-f", "/dev/null", "-S"]).arg(socket).args(arguments)).unwrap()
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    fn line(&self, text: &str) {
        self.keys(&["-l", text]);
        self.keys(&["Enter"]);
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    fn wait(&self, what: &str, fits: impl Fn(&str) -> bool) {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if fits(&screen) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{what} did not come:\n{screen}");
            std::thread::sleep(Duration::from_millis(40));
        }
    }

    fn see(&self, text: &str) {
        self.wait(&format!("`{text}`"), |screen| screen.contains(text));
    }

    /// Starts the interface, with variables in front.
    fn open(&self, variables: &str) {
        self.line(&format!("{variables} {}", env!("CARGO_BIN_EXE_cim-nix")));
        self.see("laptop");
        self.see("live");
    }

    /// The shell has the terminal again: the main screen, whole lines, echo, no mouse.
    fn is_restored(&self) {
        self.wait("the shell", |screen| screen.contains("$ ") && !screen.contains("live"));
        self.line("stty -a | tr ' ' '\\n' | grep -xE -- '-?(icanon|echo|isig);?' | sort | tr '\\n' ' '; echo end");
        self.see("end");
        self.see("echo icanon isig end");
        let flags = self.tmux(&["display-message", "-p", "#{alternate_on}#{mouse_any_flag}#{cursor_flag}"]);
        assert_eq!(flags.trim(), "001");
    }

    /// The process of the interface.
    fn process(&self) -> Pid {
        let shell = self.tmux(&["display-message", "-p", "#{pane_pid}"]);
        let shell = shell.trim();
        let children = fs::read_to_string(Path::new("/proc").join(shell).join("task").join(shell).join("children"));
        let child = children.unwrap().split_whitespace().next().unwrap().parse().unwrap();
        Pid::from_raw(child).unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let socket = self.folder.path().join("tmux");
        if let Ok(mut tmux) = TMUX.command() {
            // A server that is gone already is as good.
            let _ = tmux.args(["-S"]).arg(socket).arg("kill-server").output();
        }
    }
}

#[test]
fn it_opens_follows_keys_and_sizes_and_leaves() {
    let terminal = Terminal::new();
    terminal.open("");
    terminal.keys(&["?"]);
    terminal.see("Keys: flakes");
    terminal.keys(&["Escape"]);
    terminal.keys(&["/"]);
    terminal.keys(&["-l", "srv"]);
    terminal.see("1 of 2");
    terminal.keys(&["Escape", ":"]);
    terminal.keys(&["-l", "history"]);
    terminal.keys(&["Enter"]);
    terminal.see("flake.discovered");
    for (width, height) in [("40", "10"), ("19", "4"), ("200", "50"), ("20", "5"), ("100", "30")] {
        terminal.tmux(&["resize-window", "-x", width, "-y", height]);
    }
    terminal.see("flake.discovered");
    terminal.keys(&["q"]);
    terminal.is_restored();
    // The place is remembered.
    terminal.line("clear");
    terminal.line(env!("CARGO_BIN_EXE_cim-nix"));
    terminal.see("newest first");
    terminal.keys(&["C-c"]);
    terminal.is_restored();
}

#[test]
fn it_shows_what_another_process_records() {
    let terminal = Terminal::new();
    terminal.open("");
    terminal.flake("workshop", "Saws and drills");
    terminal.scan();
    terminal.see("workshop");
    terminal.keys(&["q"]);
    terminal.is_restored();
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let terminal = Terminal::new();
    terminal.open("CIM_NIX_TEST_PANIC=1");
    terminal.keys(&["F12"]);
    terminal.see("a panic on purpose");
    terminal.is_restored();
}

#[test]
fn signals_give_the_terminal_back() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let terminal = Terminal::new();
        terminal.open("");
        kill_process(terminal.process(), signal).unwrap();
        terminal.is_restored();
    }
}

#[test]
fn it_stops_and_comes_back() {
    let terminal = Terminal::new();
    terminal.open("");
    terminal.keys(&["C-z"]);
    terminal.see("Stopped");
    terminal.is_restored();
    terminal.line("clear; fg");
    terminal.see("live");
    kill_process(terminal.process(), Signal::TSTP).unwrap();
    terminal.see("Stopped");
    terminal.line("clear; fg");
    terminal.see("live");
    terminal.keys(&["q"]);
    terminal.is_restored();
}

#[test]
fn the_editor_has_the_terminal_while_it_runs() {
    let terminal = Terminal::new();
    let editor = terminal.folder.path().join("editor");
    File::create(&editor).unwrap().write_all(b"#!/bin/sh\nprintf 'editing %s\\n' \"$*\"\nread answer\necho \"$answer\" > \"$HOME/answer\"\n").unwrap();
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
    terminal.open(&format!("VISUAL={}", editor.display()));
    terminal.keys(&["e"]);
    terminal.see("editing");
    terminal.see("flake.nix");
    terminal.keys(&["-l", "quick brown"]);
    terminal.keys(&["Enter"]);
    terminal.see("live");
    let answer = fs::read_to_string(terminal.folder.path().join("answer")).unwrap();
    assert_eq!(answer, "quick brown\n");
    terminal.keys(&["q"]);
    terminal.is_restored();
}

#[test]
fn a_terminal_that_cannot_place_text_is_told_so() {
    let terminal = Terminal::new();
    terminal.line(&format!("TERM=dumb {}; echo code $?", env!("CARGO_BIN_EXE_cim-nix")));
    terminal.see("cannot run here");
    terminal.is_restored();
}
