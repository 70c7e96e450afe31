//! A world of its own for one transcript: a home with the example estate, a clock, and programs that see nothing else.
#![expect(clippy::unwrap_used, reason = "a test makes its own world")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::nats::Server;
use crate::parts::{BASH, Part, SQLITE3, repository, run};

/// The programs that transcripts may use; each is run by `tests/cli/step`.
const PROGRAMS: &[&str] = &[
    "bash", "cat", "cd", "chmod", "cim-nix", "cp", "env", "git", "head", "ln", "ls", "mkdir", "mv", "printf", "rm",
    "sqlite3", "wc",
];

/// The example estate, made once and copied into every scene.
pub(super) struct Estate(tempfile::TempDir);

/// One world, and what is called otherwise in each: its home, its ledger's key, the ids of its flakes.
pub(super) struct Scene {
    folder: tempfile::TempDir,
    names: Vec<(&'static str, String)>,
    server: Option<Server>,
}

/// The flakes of the estate: what stands for an id, and for the beginning of one that people see, as long as that is.
const FLAKES: &[(&str, &str, &str)] = &[
    ("backup-tool", "[BACKUP_TOOL]", "[BACKUP_TOO_]"),
    ("dotfiles", "[DOTFILES]", "[DOTFILES_ID]"),
    ("homelab", "[HOMELAB]", "[HOMELAB__ID]"),
    ("website", "[WEBSITE]", "[WEBSITE__ID]"),
];

impl Estate {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = repository().join("scripts/estate");
        run(BASH.command().unwrap().arg(script).arg(folder.path().join("src"))).unwrap();
        Self(folder)
    }
}

impl Scene {
    /// A home whose `src` is the estate, with an empty ledger: its key decides the ids that flakes will have.
    pub(super) fn new(estate: &Estate) -> Self {
        // A path of the same length everywhere: tables for people are as wide as what is in them.
        let folder = tempfile::Builder::new().prefix("cim-nix-").tempdir_in("/tmp").unwrap();
        let mut scene = Self { folder, names: Vec::new(), server: None };
        fs::create_dir_all(scene.home()).unwrap();
        fs::create_dir_all(scene.folder.path().join("bin")).unwrap();
        for program in PROGRAMS {
            symlink(repository().join("tests/cli/step"), scene.program(program)).unwrap();
        }
        copy(&estate.0.path().join("src"), &scene.home().join("src"));
        copy(&repository().join("tests/cli/examples"), &scene.home().join("examples"));
        let updated = repository().join("tests/fixtures/demo/homelab/update.lock");
        fs::copy(updated, scene.home().join("examples/updated.lock")).unwrap();
        scene.says(&["cim-nix", "roots", "add", "~/src", "--quiet"]);
        scene.says(&["cim-nix", "roots", "forget", "~/src", "--quiet"]);
        let (ledger, kept) = (scene.database().parent().unwrap().to_owned(), scene.folder.path().join("empty"));
        copy(&ledger, &kept);
        scene.scan();
        scene.names = scene.look_up_names();
        fs::remove_dir_all(&ledger).unwrap();
        copy(&kept, &ledger);
        fs::remove_file(scene.folder.path().join("number")).unwrap();
        scene
    }

    /// Starts a server of the scene's own, which `NATS_URL` names from here on. The clock is the machine's then: server
    /// and ledger must agree about the time.
    pub(super) fn serve(&mut self) {
        let server = Server::start();
        self.names.push(("[SERVER]", server.url()));
        self.server = Some(server);
    }

    /// The first scan of the estate.
    pub(super) fn scan(&self) {
        self.says(&["cim-nix", "scan", "~/src"]);
    }

    fn look_up_names(&self) -> Vec<(&'static str, String)> {
        let ask = |query: &str| self.says(&["cim-nix", "sql", "--format", "plain", query]).trim_end().to_owned();
        let mut names = vec![
            ("[HOME]", self.home().to_str().unwrap().to_owned()),
            ("[ORIGIN]", ask("select distinct origin from v1_events")),
            ("[ORIGIN_KEY]", ask("select distinct substr(origin, 1, 12) from v1_events")),
            ("[ACTOR]", ask("select distinct actor from v1_events")),
        ];
        for (flake, whole, beginning) in FLAKES {
            let id = ask(&format!("select id from v1_flakes where path like '%/{flake}'"));
            names.push((beginning, id[..13].to_owned()));
            names.push((whole, id));
        }
        names
    }

    /// What a command says on stdout; one that fails fails the test.
    pub(super) fn says(&self, words: &[&str]) -> String {
        run(&mut self.command(words)).unwrap()
    }

    /// A command of the scene.
    #[expect(clippy::disallowed_methods, reason = "the step starts the real programs")]
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.program(words[0]));
        command.args(&words[1..]).envs(self.environment());
        command
    }

    /// Runs a file of transcripts.
    pub(super) fn run(&self, case: &Path) {
        check_programs(case);
        let cases = trycmd::TestCases::new();
        for (name, value) in self.environment() {
            cases.env(name, value);
        }
        for program in PROGRAMS {
            cases.register_bin(*program, trycmd::schema::Bin::Path(self.program(program)));
        }
        for (name, value) in &self.names {
            cases.insert_var(name, value.clone()).unwrap();
        }
        cases.case(case).run();
    }

    pub(super) fn home(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("home")
    }

    pub(super) fn database(&self) -> PathBuf {
        self.home().join(".local/share/cim-nix/ledger.db")
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.path().join("bin").join(name)
    }

    fn environment(&self) -> [(String, String); 3] {
        let own = Path::new(env!("CARGO_BIN_EXE_cim-nix")).parent().unwrap();
        let part = |part: Part| part.path().unwrap().parent().unwrap().to_path_buf();
        let system = std::env::var_os("PATH").unwrap_or_default();
        let path = [own.to_path_buf(), part(SQLITE3)].into_iter().chain(std::env::split_paths(&system));
        let path = std::env::join_paths(path).unwrap().into_string().unwrap();
        let scene = self.folder.path().canonicalize().unwrap().to_str().unwrap().to_owned();
        let server = self.server.as_ref().map(Server::url).unwrap_or_default();
        [("SCENE".to_owned(), scene), ("STEP_PATH".to_owned(), path), ("STEP_SERVER".to_owned(), server)]
    }
}

/// Trycmd passes over programs that it does not know: here that is a mistake.
fn check_programs(case: &Path) {
    for command in commands(&fs::read_to_string(case).unwrap()) {
        let program = command.split_whitespace().next().unwrap_or_default();
        assert!(PROGRAMS.contains(&program), "{}: `{program}` is not among the programs of a scene", case.display());
    }
}

/// Whether something in it needs a server: whoever sends, takes, or sets one up.
pub(super) fn needs_server(case: &Path) -> bool {
    let text = fs::read_to_string(case).unwrap();
    commands(&text).iter().any(|command| ["sync now", "sync setup"].iter().any(|words| command.contains(words)))
}

/// The command lines of every block that trycmd runs.
pub(super) fn commands(text: &str) -> Vec<&str> {
    let mut open = None;
    let mut found = Vec::new();
    for line in text.lines() {
        match (open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some(["", "console", "trycmd"].contains(&info.trim())),
            (Some(_), Some(_)) => open = None,
            (Some(true), None) => found.extend(line.strip_prefix("$ ")),
            _ => {}
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
