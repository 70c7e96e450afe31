//! Why a path is seen by a walk or not: the same rules, asked about one path from the root down.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ignore::gitignore::Glob;

use super::git_rules::{GitRules, Markers};
use super::read::{DEFAULT_LIMIT, read_text};
use super::rules::{Rules, Why};
use super::{Error, Options};

/// The answer for one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The path that was asked about, absolute.
    pub path: PathBuf,
    /// The root it is below, canonical.
    pub root: Option<PathBuf>,
    /// Whether it is seen.
    pub verdict: Verdict,
}

/// Whether a walk sees a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Seen,
    /// It does not.
    Skipped {
        /// Where the walk stops: the path itself or a directory above it.
        at: PathBuf,
        /// By which rule.
        why: Why,
    },
}

/// Follows a path from its root down and says where a walk would leave it, and by which rule.
pub fn explain(path: &Path, roots: &[PathBuf], options: &Options) -> Result<Explanation, Error> {
    explain_by(path, roots, options, true)
}

/// The same for what git tracks: its rules do not leave that out.
pub fn explain_tracked(path: &Path, roots: &[PathBuf], options: &Options) -> Result<Explanation, Error> {
    explain_by(path, roots, options, false)
}

fn explain_by(path: &Path, roots: &[PathBuf], options: &Options, by_git: bool) -> Result<Explanation, Error> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let canonical: Vec<PathBuf> = roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
    let Some((root, rest)) = place(&path, roots) else {
        let verdict = Verdict::Skipped { at: path.clone(), why: Why::NotBelowARoot };
        return Ok(Explanation { path, root: None, verdict });
    };
    let rules = Rules::new(&root, &canonical, options)?;
    // What is wrong with an ignore file is for the walk to say.
    let git = if by_git { GitRules::above(&root, &mut Vec::new()) } else { GitRules::default() };
    let mut descent = Descent { root: &root, rules: &rules, options, by_git, git };
    let verdict = match descent.follow(&rest) {
        Some((at, why)) => Verdict::Skipped { at, why },
        None => Verdict::Seen,
    };
    Ok(Explanation { path, root: Some(root), verdict })
}

/// The root nearest to a path, canonical, and the rest of the path as it was written.
fn place(path: &Path, roots: &[PathBuf]) -> Option<(PathBuf, PathBuf)> {
    let below = |path: &Path| {
        let pairs = roots.iter().filter_map(|root| Some((std::path::absolute(root).ok()?, root.canonicalize().ok()?)));
        let rests = pairs.filter_map(|(written, root)| {
            let rest = path.strip_prefix(&root).or_else(|_| path.strip_prefix(&written)).ok()?;
            Some((root, rest.to_owned()))
        });
        rests.min_by_key(|(_, rest)| rest.components().count())
    };
    below(path).or_else(|| {
        // Written by way of a symlink above the roots: resolve the directory, keep the last name.
        let parent = path.parent()?.canonicalize().ok()?;
        below(&parent.join(path.file_name()?))
    })
}

struct Descent<'a> {
    root: &'a Path,
    rules: &'a Rules,
    options: &'a Options,
    by_git: bool,
    git: GitRules,
}

impl Descent<'_> {
    /// The first step at which the walk stops.
    fn follow(&mut self, rest: &Path) -> Option<(PathBuf, Why)> {
        let depth = rest.components().count();
        let mut inside = PathBuf::new();
        self.enter(&inside);
        for (index, component) in rest.components().enumerate() {
            inside.push(component);
            if let Some(why) = self.step(&inside, index + 1, index + 1 == depth) {
                return Some((self.root.join(inside), why));
            }
            self.enter(&inside);
        }
        let path = self.root.join(rest);
        let listing = path.is_dir().then(|| std::fs::read_dir(&path).err()).flatten();
        listing.map(|error| (path, Why::NotReadable(error.to_string())))
    }

    /// Whatever it is that lies there: a file has no entries that its rules could be asked about.
    fn enter(&mut self, inside: &Path) {
        if !self.by_git {
            return;
        }
        let dir = self.root.join(inside);
        self.git = self.git.enter(&dir, Markers::look(&dir), &mut Vec::new());
    }

    fn step(&self, inside: &Path, depth: usize, is_last: bool) -> Option<Why> {
        let path = self.root.join(inside);
        let meta = match path.symlink_metadata() {
            Ok(meta) => meta,
            Err(error) if error.kind() == ErrorKind::NotFound => return Some(Why::Missing),
            Err(error) => return Some(Why::NotReadable(error.to_string())),
        };
        if let Some(why) = self.rules.why_not(&path, meta.is_dir(), meta.is_symlink()) {
            return Some(why);
        }
        // One more than directories: the files of the deepest directory are seen.
        let max_depth = self.options.max_depth.filter(|max| depth > max.saturating_add(usize::from(!meta.is_dir())));
        if let Some(max_depth) = max_depth {
            return Some(Why::TooDeep { max_depth });
        }
        if let Some(glob) = self.git.why_not(&path, meta.is_dir()) {
            return Some(git_ignored(glob));
        }
        if meta.is_symlink() {
            return through_symlink(&path, is_last);
        }
        (is_last && !meta.is_dir() && !meta.is_file()).then_some(Why::NotAFile)
    }
}

/// A symlink to a file is read through; one to a directory is not followed.
fn through_symlink(path: &Path, is_last: bool) -> Option<Why> {
    match path.metadata() {
        Ok(meta) if is_last && meta.is_file() => None,
        Ok(meta) if is_last && !meta.is_dir() => Some(Why::NotAFile),
        Ok(_) => Some(Why::Symlink { target: path.read_link().unwrap_or_default() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Some(Why::Missing),
        Err(error) => Some(Why::NotReadable(error.to_string())),
    }
}

/// The line of the ignore file that is to blame.
fn git_ignored(glob: &Glob) -> Why {
    let (file, pattern) = (glob.from().map(Path::to_owned), glob.original());
    let text = file.as_ref().and_then(|file| read_text(file, DEFAULT_LIMIT).ok());
    let line = text.and_then(|read| {
        let lines: Vec<&str> = read.text.lines().collect();
        lines.iter().rposition(|line| line.trim_end() == pattern.trim_end())
    });
    Why::GitIgnored {
        file,
        line: line.and_then(|index| u32::try_from(index + 1).ok()),
        pattern: Some(pattern.to_owned()),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Seen => write!(f, "{} is seen", self.path.display()),
            Verdict::Skipped { at, why } if *at == self.path => write!(f, "{} is not seen: {why}", at.display()),
            Verdict::Skipped { at, why } => {
                write!(f, "{} is not seen: at {}, {why}", self.path.display(), at.display())
            }
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBelowARoot => f.write_str("it is below none of the roots"),
            Self::Missing => f.write_str("it does not exist"),
            Self::NotReadable(message) => write!(f, "it cannot be read ({message})"),
            Self::GitIgnored { file: Some(file), line, pattern } => {
                write!(f, "git ignores it by {}", file.display())?;
                line.map_or(Ok(()), |line| write!(f, ":{line}"))?;
                pattern.as_ref().map_or(Ok(()), |pattern| write!(f, " (`{pattern}`)"))
            }
            Self::GitIgnored { .. } => f.write_str("git ignores it"),
            Self::BuiltIn(skip) => write!(f, "the built-in rule `{}` leaves it out: {}", skip.rule, skip.reason),
            Self::Excluded { pattern } => write!(f, "the exclude pattern `{pattern}` leaves it out"),
            Self::Symlink { target } => write!(f, "it is a symlink to {}, and none is followed", target.display()),
            Self::PseudoFileSystem { kind } => write!(f, "a file system of type {kind} is mounted there"),
            Self::TooDeep { max_depth } => write!(f, "it is more than {max_depth} directories below the root"),
            Self::NotAFile => f.write_str("it is neither a directory nor a regular file"),
        }
    }
}
