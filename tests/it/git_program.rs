//! The real `git` program, without the settings of whoever runs the tests.
#![expect(clippy::expect_used, reason = "a test that cannot build its world fails")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};

const START: i64 = 1_700_000_000;

/// A repository, with a clock that ticks a minute a command.
pub(crate) struct Git {
    dir: PathBuf,
    minutes: AtomicI64,
}

impl Git {
    pub(crate) fn init(dir: &Path) -> Self {
        let git = Self::at(dir);
        git.run(&["init", "-q", "-b", "main"]);
        git
    }

    /// In a work tree that is there already.
    pub(crate) fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), minutes: AtomicI64::new(0) }
    }

    pub(crate) fn commit_all(&self, message: &str) -> String {
        self.run(&["add", "-A"]);
        self.run(&["commit", "-q", "--allow-empty", "-m", message]);
        self.run(&["rev-parse", "HEAD"])
    }

    pub(crate) fn run(&self, args: &[&str]) -> String {
        let minutes = self.minutes.fetch_add(1, Ordering::Relaxed);
        let date = format!("{} +0000", START + 60 * minutes);
        #[expect(clippy::disallowed_methods, reason = "the tests build their repositories with the real git")]
        let mut git = Command::new("git");
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"] {
            git.env_remove(name);
        }
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        git.env("GIT_AUTHOR_NAME", "Ada").env("GIT_AUTHOR_EMAIL", "ada@example.org").env("GIT_AUTHOR_DATE", &date);
        git.env("GIT_COMMITTER_NAME", "Ada").env("GIT_COMMITTER_EMAIL", "ada@example.org");
        git.env("GIT_COMMITTER_DATE", &date);
        let output = git.args(args).current_dir(&self.dir).output().expect("git runs");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}
