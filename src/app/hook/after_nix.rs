//! Which flake a command of `nix` was about: what the shell hooks hand over, read as Nix reads it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::syntax::flake_ref::{FlakeRef, Source};

/// Options with two values.
const WITH_TWO: &[&str] = &["--arg", "--arg-from-file", "--argstr", "--option", "--override-flake", "--override-input"];

/// Options with one value; all that begin with `--extra-` have one as well.
const WITH_ONE: &[&str] = &[
    "-I",
    "-j",
    "-t",
    "--access-tokens",
    "--arg-from-stdin",
    "--builders",
    "--cores",
    "--eval-store",
    "--experimental-features",
    "--flake",
    "--flake-registry",
    "--include",
    "--inputs-from",
    "--log-format",
    "--log-lines",
    "--max-jobs",
    "--netrc-file",
    "--nix-path",
    "--output-lock-file",
    "--reference-lock-file",
    "--store",
    "--substituters",
    "--system",
    "--template",
    "--timeout",
    "--trusted-public-keys",
    "--update-input",
];

/// Options without one; all that begin with `--no-` have none as well.
const WITH_NONE: &[&str] = &[
    "-K",
    "-L",
    "-k",
    "-v",
    "--accept-flake-config",
    "--commit-lock-file",
    "--debug",
    "--fallback",
    "--impure",
    "--keep-failed",
    "--keep-going",
    "--offline",
    "--print-build-logs",
    "--pure-eval",
    "--quiet",
    "--read-only",
    "--recreate-lock-file",
    "--refresh",
    "--repair",
    "--show-trace",
    "--verbose",
];

/// The directory of the flake that `nix WORDS…`, run in `directory`, wrote or locked; none when it was another command, or
/// about no flake that is here.
pub fn flake<W: AsRef<OsStr>>(words: &[W], directory: &Path) -> Option<PathBuf> {
    let words: Vec<&OsStr> = words.iter().map(AsRef::as_ref).collect();
    let parts = parts(&words);
    let (_, rest) = command(&parts, &["flake"])?;
    let (verb, rest) = command(rest, &["init", "lock", "new", "update"])?;
    let named = rest.iter().find_map(|part| match part {
        Part::Option { name, values: [value] } if *name == "--flake" => Some(*value),
        _ => None,
    });
    match (verb, named) {
        ("init", _) => exactly(directory),
        ("new", _) => operand(rest, |word| exactly(&directory.join(word)), || None),
        (_, Some(reference)) => local(reference, directory),
        ("lock", None) => operand(rest, |word| local(word, directory), || around(directory)),
        // Its words are inputs, and before Nix 2.19 one reference, which no name of an input looks like.
        _ => {
            let references = rest.iter().filter(|part| part.word().is_some_and(is_path)).copied().collect::<Vec<_>>();
            operand(&references, |word| local(word, directory), || around(directory))
        }
    }
}

/// A piece of a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'w> {
    /// An option with its values.
    Option { name: &'w str, values: &'w [&'w OsStr] },
    /// A word that is none.
    Word(&'w OsStr),
    /// A word that may be the value of the unknown option before it.
    Perhaps(&'w OsStr),
}

impl<'w> Part<'w> {
    fn word(self) -> Option<&'w OsStr> {
        match self {
            Self::Option { .. } => None,
            Self::Word(word) | Self::Perhaps(word) => Some(word),
        }
    }
}

fn parts<'w>(mut words: &'w [&'w OsStr]) -> Vec<Part<'w>> {
    let (mut parts, mut only_words, mut perhaps) = (Vec::new(), false, false);
    while let Some((word, rest)) = words.split_first() {
        words = rest;
        match option(word).filter(|_| !only_words) {
            Some("--") => (only_words, perhaps) = (true, false),
            Some(name) => {
                let count = values(name);
                let (values, rest) = words.split_at(count.unwrap_or(0).min(words.len()));
                words = rest;
                perhaps = count.is_none();
                parts.push(Part::Option { name, values });
            }
            None if perhaps => {
                perhaps = false;
                parts.push(Part::Perhaps(word));
            }
            None => parts.push(Part::Word(word)),
        }
    }
    parts
}

/// The name of an option: of several letters in one, as in `-Lt`, the last, as only that may have values.
fn option(word: &OsStr) -> Option<&str> {
    let word = word.to_str()?;
    let is_cluster = word.len() > 2 && !word.starts_with("--");
    match word.strip_prefix('-')? {
        "" => None,
        letters if is_cluster => WITH_NONE
            .iter()
            .chain(WITH_ONE)
            .find(|name| name.strip_prefix('-') == letters.get(letters.len() - 1..))
            .copied()
            .or(Some(word)),
        _ => Some(word),
    }
}

/// How many values an option has; none when that is not known, as settings are options too.
fn values(name: &str) -> Option<usize> {
    match name {
        _ if WITH_TWO.contains(&name) => Some(2),
        _ if WITH_ONE.contains(&name) || name.starts_with("--extra-") => Some(1),
        _ if WITH_NONE.contains(&name) || name.starts_with("--no-") => Some(0),
        _ => None,
    }
}

/// The first word, when it is one of these, and what follows it.
fn command<'p, 'w>(parts: &'p [Part<'w>], names: &[&'static str]) -> Option<(&'static str, &'p [Part<'w>])> {
    for (at, part) in parts.iter().enumerate() {
        let name = part.word().and_then(|word| names.iter().find(|name| word == **name));
        match (name, part) {
            (Some(name), _) => return Some((*name, parts.get(at + 1..).unwrap_or_default())),
            (None, Part::Word(_)) => return None,
            (None, _) => {}
        }
    }
    None
}

/// What the first operand stands for. One that may be the value of an option counts only when it stands for something.
fn operand(
    parts: &[Part<'_>],
    stands_for: impl Fn(&OsStr) -> Option<PathBuf>,
    otherwise: impl FnOnce() -> Option<PathBuf>,
) -> Option<PathBuf> {
    for part in parts {
        match part {
            Part::Option { .. } => {}
            Part::Word(word) => return stands_for(word),
            Part::Perhaps(word) => {
                if let Some(found) = stands_for(word) {
                    return Some(found);
                }
            }
        }
    }
    otherwise()
}

/// Whether a word can be nothing but a reference to what is here.
fn is_path(word: &OsStr) -> bool {
    let word = word.as_encoded_bytes();
    word == b"."
        || word == b".."
        || ["/", "./", "../", "path:", "git+file:"].iter().any(|start| word.starts_with(start.as_bytes()))
}

/// The flake that a reference names, where it is a directory here.
fn local(reference: &OsStr, directory: &Path) -> Option<PathBuf> {
    let Some(text) = reference.to_str() else { return around(&directory.join(reference)) };
    let flake = FlakeRef::parse(text).ok()?;
    let (path, looks_upwards) = match &flake.source {
        Source::Path { path } => (path.clone(), !text.starts_with("path:")),
        Source::Git { url } => (of_file_url(url)?, false),
        _ => return None,
    };
    match &flake.dir {
        Some(dir) => exactly(&directory.join(path).join(dir)),
        None if looks_upwards => around(&directory.join(path)),
        None => exactly(&directory.join(path)),
    }
}

/// The path of a `file:` URL, decoded as that of a `path:` one.
fn of_file_url(url: &str) -> Option<String> {
    let path = url.strip_prefix("file://")?.split('?').next()?;
    match FlakeRef::parse(&format!("path:{path}")).ok()?.source {
        Source::Path { path } if path.starts_with('/') => Some(path),
        _ => None,
    }
}

/// A directory that holds a flake.
fn exactly(directory: &Path) -> Option<PathBuf> {
    let directory = std::fs::canonicalize(directory).ok()?;
    directory.join("flake.nix").exists().then_some(directory)
}

/// The flake a directory belongs to: that of the next directory upwards with one, within its repository.
fn around(directory: &Path) -> Option<PathBuf> {
    let directory = std::fs::canonicalize(directory).ok()?;
    for above in directory.ancestors() {
        if above.join("flake.nix").exists() {
            return Some(above.to_owned());
        }
        if above.join(".git").exists() {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A world with the flakes `cur`, `A`, `A/sub/deep` (no flake), `B`, `D` and a repository without one.
    fn world() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for flake in ["cur", "A", "B", "D", "sp ace", "B/inner"] {
            std::fs::create_dir_all(dir.path().join(flake)).unwrap();
            std::fs::File::create(dir.path().join(flake).join("flake.nix")).unwrap();
        }
        for plain in ["A/sub/deep", "A/repo/.git", "A/repo/src"] {
            std::fs::create_dir_all(dir.path().join(plain)).unwrap();
        }
        dir
    }

    /// The flake that a command line of words without spaces was about, below the world; `-` for none.
    fn about(world: &Path, directory: &str, line: &str) -> String {
        let line = line.replace("$W", &world.to_string_lossy());
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let found = flake(&words, &world.join(directory));
        let root = std::fs::canonicalize(world).unwrap();
        found.map_or("-".into(), |path| path.strip_prefix(root).unwrap().display().to_string())
    }

    #[test]
    fn a_command_is_about_the_flake_that_nix_takes_it_to_be() {
        let world = world();
        for (directory, line, expected) in [
            ("cur", "flake update", "cur"),
            ("A/sub/deep", "flake update", "A"),
            ("A/sub/deep", "flake lock", "A"),
            ("A/repo/src", "flake update", "-"),
            ("A/sub", "flake init -t templates#x", "-"),
            ("A", "flake init", "A"),
            ("cur", "flake update nixpkgs a/b", "cur"),
            ("cur", "flake update ../B", "B"),
            ("cur", "flake update --flake ../B nixpkgs", "B"),
            ("cur", "flake update nixpkgs --flake $W/D#x", "D"),
            ("cur", "flake update --flake path:$W/B?dir=inner", "B/inner"),
            ("cur", "flake update --flake path:$W/A/sub", "-"),
            ("cur", "flake update --flake $W/A/sub", "A"),
            ("cur", "flake update --flake git+file://$W/D?ref=main&dir=.", "D"),
            ("cur", "flake update --flake git+file://$W/sp%20ace", "sp ace"),
            ("cur", "flake update --flake github:NixOS/nix", "-"),
            ("cur", "flake update --flake B", "-"),
            ("cur", "flake lock $W/A", "A"),
            ("cur", "flake lock ../A/sub --commit-lock-file", "A"),
            ("cur", "flake lock --override-input nixpkgs ../B ../D", "D"),
            ("cur", "flake lock --update-input nixpkgs", "cur"),
            ("cur", "flake lock --reference-lock-file x --output-lock-file y --inputs-from ../B", "cur"),
            ("cur", "flake lock github:NixOS/nix", "-"),
            ("", "flake new ./D -t templates#x", "D"),
            ("", "flake new -t templates#x D", "D"),
            ("", "flake new -Lt templates#x D", "D"),
            ("", "flake new --template templates#x -- D", "D"),
            ("", "flake new gone", "-"),
            ("A", "flake new sub", "-"),
        ] {
            assert_eq!(about(world.path(), directory, line), expected, "nix {line}");
        }
    }

    #[test]
    fn options_stand_anywhere_and_their_values_are_no_commands() {
        let world = world();
        for (line, expected) in [
            ("--extra-experimental-features nix-command flake update", "cur"),
            ("--option substitute false -L flake --debug update --no-write-lock-file", "cur"),
            ("--option flake update build", "-"),
            ("--some-setting value flake update", "cur"),
            ("--some-switch flake lock ../A", "A"),
            ("flake lock --some-setting value", "cur"),
            ("flake lock --some-switch ../A", "A"),
            ("flake lock --some-setting value ../A", "A"),
            ("-- flake update", "cur"),
            ("build flake update", "-"),
            ("--debug build flake update", "-"),
            ("flake show", "-"),
            ("flake", "-"),
            ("", "-"),
            ("flake update --flake", "cur"),
        ] {
            assert_eq!(about(world.path(), "cur", line), expected, "nix {line}");
        }
    }
}
