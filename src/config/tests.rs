//! Which layer wins, what is refused, and that every error says where it is.

use super::*;

struct World {
    root: tempfile::TempDir,
    places: Places,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let places = Places {
            home: at("home"),
            config: at("config"),
            data: at("data"),
            state: at("state"),
            cache: at("cache"),
            system: at("etc"),
        };
        Self { root, places }
    }

    #[expect(clippy::disallowed_methods, reason = "a test writes its own fixture")]
    fn file(&self, name: &str, text: &str) {
        let path = self.root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn resolve(&self, environment: &[(&str, &str)]) -> Result<Settings, String> {
        let environment =
            |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        let sources =
            Sources { places: &self.places, directory: self.root.path(), environment: &environment, flags: Vec::new() };
        resolve(&sources).map_err(|error| error.to_string().replace(&self.root.path().display().to_string(), "R"))
    }
}

#[test]
fn defaults_when_nothing_is_said() {
    let world = World::new();
    let settings = world.resolve(&[]).unwrap();
    assert_eq!(settings.db, world.root.path().join("data/cim-nix/ledger.db"));
    assert_eq!((settings.color, settings.threads, settings.history), (Color::Auto, 0, true));
    assert_eq!((settings.history_since, settings.log), (None, None));
    assert_eq!(
        world.resolve(&[("CIM_NIX_THREADS", "100000")]).unwrap().threads,
        256,
        "what may be too many for the system"
    );
}

#[test]
fn a_later_layer_wins_and_lists_add_up() {
    let world = World::new();
    world.file("etc/cim-nix/config.toml", "threads = 2\nexcludes = [\"a\"]\n[history]\nsince = \"1y\"\n");
    world.file("config/cim-nix/config.toml", "threads = 3\nexcludes = [\"b\"]\ndb = \"l.db\"\n");
    world.file(".cim-nix.toml", "threads = 4\n");
    let settings = world.resolve(&[("CIM_NIX_THREADS", "5"), ("CIM_NIX_EXCLUDES", "c:d")]).unwrap();
    assert_eq!(settings.threads, 5);
    assert_eq!(settings.excludes, ["a", "b", "c", "d"]);
    assert_eq!(settings.db, world.root.path().join("config/cim-nix/l.db"));
    assert_eq!(settings.history_since.as_deref(), Some("1y"));
    let origin = |name| settings.given().iter().find(|one| one.setting.name == name).unwrap().origin.to_string();
    assert_eq!(origin("threads"), "CIM_NIX_THREADS");
    assert!(origin("history.since").ends_with("etc/cim-nix/config.toml:4"));
    assert_eq!(origin("log"), "default");
}

#[test]
fn lists_are_separated_in_the_environment_by_what_their_parts_cannot_hold() {
    let world = World::new();
    let of = |name, value: &str| world.resolve(&[(name, value)]).unwrap();
    for value in ["flake.scan,flake.forget", "flake.scan:flake.forget", " flake.scan, flake.forget,"] {
        assert_eq!(of("CIM_NIX_SYNC_COMMANDS", value).sync.commands, ["flake.scan", "flake.forget"], "{value}");
    }
    assert_eq!(of("CIM_NIX_RULES_ENABLED", "a,b:c").rules_enabled, ["a", "b", "c"]);
    assert_eq!(of("CIM_NIX_EXCLUDES", "*.{a,b}:c d").excludes, ["*.{a,b}", "c d"], "a glob holds commas");
}

#[test]
fn a_list_is_shown_as_one_and_a_command_as_it_is_typed() {
    let world = World::new();
    world.file("config/cim-nix/config.toml", "excludes = [\"a b\", \"c\\\"d\"]\nformatter = [\"fmt\", \"a b\"]\n");
    let settings = world.resolve(&[]).unwrap();
    let shown = |name| settings.given().iter().find(|one| one.setting.name == name).unwrap().value.to_string();
    assert_eq!(shown("excludes"), r#"["a b", "c\"d"]"#);
    assert_eq!((shown("formatter").as_str(), shown("sync.commands").as_str()), ("fmt 'a b'", "[]"));
}

#[test]
fn a_command_is_a_text_or_a_list_and_a_later_layer_replaces_it_whole() {
    let world = World::new();
    assert_eq!(world.resolve(&[]).unwrap().formatter, Vec::<String>::new());
    world.file("etc/cim-nix/config.toml", "formatter = [\"a\", \"b c\"]\n");
    assert_eq!(world.resolve(&[]).unwrap().formatter, ["a", "b c"]);
    world.file("config/cim-nix/config.toml", "formatter = \"alejandra  -q\"\n");
    assert_eq!(world.resolve(&[]).unwrap().formatter, ["alejandra", "-q"]);
    assert_eq!(world.resolve(&[("CIM_NIX_FORMATTER", "nixfmt -")]).unwrap().formatter, ["nixfmt", "-"]);
}

#[test]
fn an_unknown_name_is_an_error_with_a_line_and_a_suggestion() {
    let world = World::new();
    world.file("config/cim-nix/config.toml", "color = \"auto\"\nthread = 3\n");
    assert_eq!(world.resolve(&[]).unwrap_err(), "R/config/cim-nix/config.toml:2: there is no setting `thread`");
    world.file("config/cim-nix/config.toml", "[history]\nsince = \"1y\"\nsinse = 1\n");
    assert_eq!(world.resolve(&[]).unwrap_err(), "R/config/cim-nix/config.toml:3: there is no setting `history.sinse`");
}

#[test]
fn a_value_of_another_type_is_an_error_with_a_line() {
    let world = World::new();
    for (text, message) in [
        ("color = \"red\"", "`color` must be one of auto, always, never, not `red`"),
        ("\nthreads = -1", "`threads` must be a whole number, 0 or more, not `-1`"),
        ("excludes = \"a\"", "`excludes` must be a list of texts, not a text"),
        ("excludes = [1]", "`excludes` must be a list of texts, not a list with a whole number"),
        ("[history]\nread = \"no\"", "`history.read` must be true or false, not a text"),
        ("formatter = [1]", "`formatter` must be a command: a text or a list of texts, not a list with a whole number"),
        ("db = 1.5", "`db` must be a path, not a number with a fraction"),
    ] {
        world.file("config/cim-nix/config.toml", text);
        let line = text.lines().count();
        assert_eq!(world.resolve(&[]).unwrap_err(), format!("R/config/cim-nix/config.toml:{line}: {message}"));
    }
}

#[test]
fn a_broken_file_names_its_line() {
    let world = World::new();
    world.file("config/cim-nix/config.toml", "threads = 1\nexcludes = [\n");
    let message = world.resolve(&[]).unwrap_err();
    assert!(message.starts_with("`R/config/cim-nix/config.toml:"), "{message}");
}

#[test]
fn a_project_cannot_redirect_the_database_or_the_log() {
    let world = World::new();
    for name in ["db", "log", "formatter"] {
        world.file(".cim-nix.toml", &format!("{name} = \"x\""));
        let expected = format!("R/.cim-nix.toml:1: `{name}` cannot be set by a project");
        assert_eq!(world.resolve(&[]).unwrap_err(), expected);
    }
}

#[test]
fn a_bad_variable_is_named() {
    let world = World::new();
    let expected = "CIM_NIX_THREADS: `threads` must be a whole number, 0 or more, not `many`";
    assert_eq!(world.resolve(&[("CIM_NIX_THREADS", "many")]).unwrap_err(), expected);
}

#[test]
fn every_setting_has_a_name_and_a_variable_of_its_own() {
    for (index, setting) in SETTINGS.iter().enumerate() {
        let expected = format!("CIM_NIX_{}", setting.name.to_uppercase().replace('.', "_"));
        // How to reach a server is said with the variables that the tools of NATS know.
        let nats = setting.name.starts_with("sync.") && setting.environment.starts_with("NATS_");
        assert!(nats || setting.environment == expected, "{}", setting.environment);
        let others = || SETTINGS.iter().skip(index + 1);
        assert!(others().all(|other| other.name != setting.name && other.environment != setting.environment));
    }
}
