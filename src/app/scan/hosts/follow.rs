//! From the modules of a configuration to those that they import by a literal path, and what they say of users and services.
//!
//! Files outside the flake are not looked at; each file is read once, however many configurations have it.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use crate::domain::config::host::Host;
use crate::domain::nix_file::Room;
use crate::scan::{DEFAULT_LIMIT, ReadError, read_text};
use crate::syntax::outputs::Configuration;
use crate::syntax::shape::{self, ANY_NAME, Defined, How, Shape};
use crate::syntax::tree;

use super::super::facts::{clean, written};

/// More files than these are not followed for one configuration.
const MAX_FILES: usize = 500;

/// Follows imports inside one flake.
pub(super) struct Follower<'a> {
    directory: &'a Path,
    read: HashMap<PathBuf, Rc<Part>>,
}

/// What one file adds to a configuration.
#[derive(Default)]
struct Part {
    imports: Vec<String>,
    users: BTreeSet<String>,
    /// Services that are enabled.
    enabled: BTreeSet<String>,
    /// Services of which something else is said, or not under every condition.
    doubtful: BTreeSet<String>,
    /// What is not known, in words that go on with the name of the file.
    unknown: Vec<String>,
    /// Whether the file makes no sense as a whole.
    broken: bool,
}

impl<'a> Follower<'a> {
    pub(super) fn new(directory: &'a Path) -> Self {
        Self { directory, read: HashMap::new() }
    }

    /// What is seen of a configuration, and whether all of its files make sense.
    pub(super) fn host(&mut self, one: &Configuration) -> (Host, bool) {
        let (mut modules, mut sum) = (BTreeSet::new(), Part::default());
        sum.unknown.extend(one.others.iter().map(|other| format!("{other}, in flake.nix")));
        let mut open: VecDeque<(PathBuf, String)> =
            one.modules.iter().map(|path| (PathBuf::new(), path.clone())).collect();
        for shape in &one.inline {
            let part = Part::of(shape);
            open.extend(part.imports.iter().map(|path| (PathBuf::new(), path.clone())));
            sum.add(&part, "flake.nix");
        }
        while let Some((from, path)) = open.pop_front() {
            let Some(file) = self.resolve(&from, &path) else {
                sum.unknown.push(format!("`{path}`, which lies outside the flake"));
                continue;
            };
            let shown = file.display().to_string();
            if modules.contains(&shown) {
                continue;
            }
            if modules.len() == MAX_FILES {
                sum.unknown.push(format!("more than {MAX_FILES} files"));
                break;
            }
            let part = self.part(&file);
            let folder = file.parent().unwrap_or(Path::new("")).to_owned();
            open.extend(part.imports.iter().map(|path| (folder.clone(), path.clone())));
            sum.add(&part, &shown);
            modules.insert(shown);
        }
        let Part { users, enabled, doubtful, mut unknown, broken, .. } = sum;
        unknown.extend(doubtful.iter().map(|name| format!("whether `services.{name}` is enabled")));
        let mut room = Room::default();
        let mut take = |names: BTreeSet<String>| room.take(names.iter().map(|name| clean(name)));
        let (modules, users) = (take(modules), take(users));
        let services = take(enabled.difference(&doubtful).cloned().collect());
        let unknown = take(unknown.into_iter().collect());
        let system = one.system.as_deref().map(clean);
        (Host { system, modules, users, services, unknown, left_out: room.left_out() }, !broken)
    }

    /// The path inside the flake that a path literal means; none when it leads out of it.
    fn resolve(&self, from: &Path, literal: &str) -> Option<PathBuf> {
        let mut inside = from.to_owned();
        for component in Path::new(literal).components() {
            match component {
                Component::CurDir => {}
                Component::Normal(name) if name != "~" => inside.push(name),
                Component::ParentDir if inside.pop() => {}
                _ => return None,
            }
        }
        let is_directory = self.directory.join(&inside).is_dir();
        Some(if is_directory { inside.join("default.nix") } else { inside })
    }

    fn part(&mut self, file: &Path) -> Rc<Part> {
        if let Some(part) = self.read.get(file) {
            return Rc::clone(part);
        }
        let part = match read_text(&self.directory.join(file), DEFAULT_LIMIT) {
            Ok(read) => {
                let tree = tree::parse(&read.text);
                Part { broken: !tree.problems.is_empty(), ..Part::of(&shape::read(&tree)) }
            }
            Err(error) => {
                let broken = !is_absent(&error);
                Part { broken, unknown: vec!["what cannot be read:".to_owned()], ..Part::default() }
            }
        };
        let part = Rc::new(part);
        self.read.insert(file.to_owned(), Rc::clone(&part));
        part
    }
}

/// Whether there is no such file, and no link of that name either.
fn is_absent(error: &ReadError) -> bool {
    let absent = matches!(error, ReadError::Io { source, .. } if source.kind() == ErrorKind::NotFound);
    absent && !error.path().is_symlink()
}

impl Part {
    /// Takes in what a file says.
    fn add(&mut self, part: &Self, shown: &str) {
        self.users.extend(part.users.iter().cloned());
        self.enabled.extend(part.enabled.iter().cloned());
        self.doubtful.extend(part.doubtful.iter().cloned());
        self.unknown.extend(part.unknown.iter().map(|what| format!("{what} `{shown}`")));
        self.broken |= part.broken;
    }

    fn of(shape: &Shape) -> Self {
        let mut part = Self::default();
        if !shape.kind.is_module() {
            part.unknown.push("what does not look like a module:".to_owned());
            return part;
        }
        let imported = shape.references.iter().filter(|reference| reference.how == How::Imports);
        part.imports = imported.map(|reference| reference.path.clone()).collect();
        if shape.other_imports > 0 {
            part.unknown.push(format!("{} that no path is written for, in", imports(shape.other_imports)));
        }
        for option in &shape.defined {
            part.define(option);
        }
        part
    }

    fn define(&mut self, option: &Defined) {
        let path: Vec<&str> = option.path.iter().map(String::as_str).collect();
        match path[..] {
            ["users"] | ["users", "users"] => self.unknown.push("users that are not written out, in".to_owned()),
            ["users", "users", ANY_NAME, ..] => self.unknown.push("users with computed names, in".to_owned()),
            ["users", "users", name, ..] if option.conditional => {
                self.unknown.push(format!("the user `{name}`, who is there under a condition, in"));
            }
            ["users", "users", name, ..] => drop(self.users.insert(name.to_owned())),
            ["services"] => self.unknown.push("services that are not written out, in".to_owned()),
            ["services", ANY_NAME, "enable"] => self.unknown.push("services with computed names, in".to_owned()),
            ["services", name, "enable"] => {
                let name = written(&[name.to_owned()]);
                match option.switch {
                    Some(true) if !option.conditional => drop(self.enabled.insert(name)),
                    // Off is what a service is when nothing is said.
                    Some(false) if option.rank.is_none() && !option.conditional => {}
                    _ => drop(self.doubtful.insert(name)),
                }
            }
            _ => {}
        }
    }
}

fn imports(count: u32) -> String {
    if count == 1 { "an import".to_owned() } else { format!("{count} imports") }
}
