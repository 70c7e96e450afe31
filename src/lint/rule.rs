//! What a rule says of itself, and which rules are wanted.

use std::fmt;

use rnix::ast::AttrpathValue;
use rnix::{SyntaxKind, SyntaxNode};

use super::beside::Linked;
use super::call::Call;
use super::flake::{FlakeReport, FlakeView};
use super::report::Report;
use super::rules::RULES;
use crate::domain::finding::Severity;
use crate::syntax::links::Link;
use crate::syntax::names::builtins::Release;

/// One rule.
pub struct Rule {
    /// Its stable name, as in `unused-let`: in output, settings and comments.
    pub name: &'static str,
    /// What it finds, in a few words without a full stop.
    pub summary: &'static str,
    /// Why that matters and what to do, in whole sentences.
    pub why: &'static str,
    /// Text in which it finds something.
    pub bad: Example,
    /// The same without anything to find; what the fix makes of `bad`, when there is a safe one.
    pub good: Example,
    /// How bad a finding is.
    pub severity: Severity,
    /// Whether it can mend what it finds.
    pub fix: Safety,
    /// Whether it is wanted when nothing is said.
    pub on: bool,
    /// Rules of other tools that find the same: `("statix", "bool_comparison")`.
    pub alike: &'static [(&'static str, &'static str)],
    /// How it looks.
    pub check: Check,
}

/// Whether a fix may be made without looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Safety {
    /// The text means the same afterwards, whatever the rest of the program is.
    Safe,
    /// Likely what is wanted; a person looks at it first.
    Review,
    /// There is none.
    None,
}

impl Safety {
    /// The name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Review => "review",
            Self::None => "none",
        }
    }
}

/// A text that shows a rule.
#[derive(Debug, Clone, Copy)]
pub enum Example {
    /// Any Nix file.
    Nix(&'static str),
    /// A Nix file, and one beside it with its name.
    Beside(&'static str, (&'static str, &'static str)),
    /// A `flake.nix` with its `flake.lock`.
    Flake {
        /// The text of `flake.nix`; empty when there is none.
        nix: &'static str,
        /// The text of `flake.lock`; empty when there is none.
        lock: &'static str,
    },
    /// What no text shows alone: the state of files and repositories, in words.
    Words(&'static str),
}

/// How a rule looks at a text.
#[derive(Debug)]
pub enum Check {
    /// At every node of these kinds.
    Node(&'static [SyntaxKind], fn(&SyntaxNode, &mut Report<'_, '_>)),
    /// At every call of a function of one of these names, whatever set it is taken from.
    Call(&'static [&'static str], fn(&Call, &mut Report<'_, '_>)),
    /// At every binding whose last name is one of these: `a.b.name = …`.
    Binding(&'static [&'static str], fn(&AttrpathValue, &mut Report<'_, '_>)),
    /// At the whole file: its names above all.
    File(fn(&mut Report<'_, '_>)),
    /// At every file that is imported by a literal path, with what is in it; only where there are files.
    Link(fn(&Link, &Linked, &mut Report<'_, '_>)),
    /// At a `flake.nix` with its `flake.lock`.
    Flake(fn(&FlakeView<'_>, &mut FlakeReport<'_>)),
    /// The parser says so under the rule's name, or the reader of comments to this program.
    Reading,
    /// The readers of `flake.nix` and `flake.lock` say so under the rule's name.
    FlakeReading,
    /// No text shows it: the scan says so, of files and repositories.
    Scan,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Rule {
    /// The rule of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        RULES.iter().copied().find(|rule| rule.name == name)
    }

    /// Whether it needs the files that a text imports; scans, which look at what has changed alone, do not record that.
    pub const fn is_of_several_files(&self) -> bool {
        matches!(self.check, Check::Link(_))
    }
}

/// Which rules are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Wanted beyond those that are on.
    pub enabled: Vec<String>,
    /// Not wanted, though they are on.
    pub disabled: Vec<String>,
    /// When not empty, these alone.
    pub only: Vec<String>,
    /// The oldest Nix that the text is for, when that was said.
    pub nix: Option<Release>,
}

impl Selection {
    /// Whether a rule is wanted.
    pub fn wants(&self, rule: &Rule) -> bool {
        let named = |list: &[String]| list.iter().any(|name| name == rule.name);
        if !self.only.is_empty() {
            return named(&self.only);
        }
        (rule.on || named(&self.enabled)) && !named(&self.disabled)
    }

    /// The first name that is no rule.
    pub fn unknown(&self) -> Option<&str> {
        let all = self.enabled.iter().chain(&self.disabled).chain(&self.only);
        all.map(String::as_str).find(|name| Rule::named(name).is_none())
    }
}
