//! Checks a `flake.nix` with its `flake.lock`: what their readers say, how they agree, and the rules on both.
//!
//! Either may be missing. Findings keep the fingerprints that the ledger has had from the beginning: rule and message,
//! or what the rule says they are about. Must not know files, clocks, or the ledger.

use std::collections::HashMap;

use super::beside::Beside;
use super::dispatch::Dispatch;
use super::finding::{Finding, Place};
use super::report::File;
use super::rule::Rule;
use super::{Linter, finish, generated, open, place, suppression};
use crate::syntax::flake::{FlakeFile, Input};
use crate::syntax::graph::{self, Declared};
use crate::syntax::lock::LockFile;
use crate::syntax::names::Names;
use crate::syntax::semantics::DUPLICATE_ATTRIBUTE;
use crate::syntax::{Problem, Span, flake, lock, secret, tree};

/// What is wrong with a flake, each in the order of its text.
#[derive(Debug, Clone, Default)]
pub struct FlakeFindings {
    /// In `flake.nix`, or about it.
    pub nix: Vec<Finding>,
    /// In `flake.lock`.
    pub lock: Vec<Finding>,
}

/// A flake as rules see it.
#[derive(Debug, Clone, Copy)]
pub struct FlakeView<'a> {
    /// What could be read of `flake.nix`; none when there is no such file.
    pub flake: Option<&'a FlakeFile>,
    /// The text of `flake.nix` with its tree and names; none when it has faults, or is not there.
    pub source: Option<&'a File<'a>>,
    /// What could be read of `flake.lock`; none when there is no such file.
    pub lock: Option<&'a LockFile>,
    /// The time in seconds since 1970, when it is known.
    pub now: Option<i64>,
}

impl<'a> FlakeView<'a> {
    /// What `flake.nix` says, when all of it could be read.
    pub fn sound(&self) -> Option<&'a FlakeFile> {
        self.flake.filter(|flake| flake.is_understood())
    }

    /// The declared inputs of a `flake.nix` that could be read.
    pub fn declared(&self) -> impl Iterator<Item = &'a Input> {
        self.sound().into_iter().flat_map(|flake| &flake.inputs).filter(|input| input.declared)
    }
}

/// The hand of one rule on a flake.
#[derive(Debug)]
pub struct FlakeReport<'o> {
    rule: &'static Rule,
    out: &'o mut Noted,
}

/// What was said so far, with what tells findings of one rule apart.
#[derive(Debug, Default)]
struct Noted {
    nix: Vec<(Finding, String)>,
    lock: Vec<(Finding, String)>,
}

impl FlakeReport<'_> {
    /// Something is wrong in `flake.nix`; without a place, with the file as a whole.
    pub fn in_nix(&mut self, span: Option<Span>, message: impl AsRef<str>) -> SaidOfFlake<'_> {
        said(self.rule, &mut self.out.nix, span, message.as_ref())
    }

    /// Something is wrong in `flake.lock`.
    pub fn in_lock(&mut self, span: Option<Span>, message: impl AsRef<str>) -> SaidOfFlake<'_> {
        said(self.rule, &mut self.out.lock, span, message.as_ref())
    }
}

/// A finding that was just said, to be told more of.
#[derive(Debug)]
pub struct SaidOfFlake<'r> {
    said: Option<&'r mut (Finding, String)>,
}

impl SaidOfFlake<'_> {
    /// What it is about, where the message would change while the fault stays: ages and counts.
    pub fn about(self, about: impl Into<String>) {
        if let Some((_, said)) = self.said {
            *said = about.into();
        }
    }
}

impl Linter {
    /// Every finding of a flake, but those that are meant; `now` in seconds since 1970, for what grows old.
    pub fn check_flake(&self, nix: Option<&str>, lock: Option<&str>, now: Option<i64>) -> FlakeFindings {
        self.check_flake_beside(nix, lock, now, Beside::default())
    }

    /// The same, with the files that stand beside it.
    pub fn check_flake_beside(
        &self,
        nix: Option<&str>,
        lock: Option<&str>,
        now: Option<i64>,
        beside: Beside<'_>,
    ) -> FlakeFindings {
        let FlakeFindings { nix, lock } = self.look_at_flake(nix, lock, now, beside);
        FlakeFindings { nix: open(nix), lock: open(lock) }
    }

    /// Every finding of a flake by itself, those that are meant among them.
    pub fn check_whole_flake(&self, nix: Option<&str>, lock: Option<&str>, now: Option<i64>) -> FlakeFindings {
        self.look_at_flake(nix, lock, now, Beside::default())
    }

    fn look_at_flake(
        &self,
        nix: Option<&str>,
        lock: Option<&str>,
        now: Option<i64>,
        others: Beside<'_>,
    ) -> FlakeFindings {
        let lock_file = lock.map(lock::read);
        let Some(text) = nix else {
            let view = FlakeView { flake: None, source: None, lock: lock_file.as_ref(), now };
            let noted = note(&self.dispatch, &view);
            return FlakeFindings { nix: Vec::new(), lock: placed(noted.lock, lock.unwrap_or_default()) };
        };
        let tree = tree::parse(text);
        let flake = flake::read_tree(&tree);
        let names = Names::of(&tree, text);
        let file = File { text, tree: &tree, names: &names, flake: true, nix: self.nix, beside: others };
        let source = tree.problems.is_empty().then_some(&file);
        let noted = note(&self.dispatch, &FlakeView { flake: Some(&flake), source, lock: lock_file.as_ref(), now });
        let mut found = placed(noted.nix, text);
        let mut beside = placed(noted.lock, lock.unwrap_or_default());
        if source.is_some() {
            let read = found.len();
            self.dispatch.look(&file, &mut found);
            keep_the_telling(&mut found, read);
        }
        suppression::apply(&file, &self.today, &self.dispatch, &mut found, &mut beside);
        generated::apply(&file, &mut found);
        finish(&file, &mut found);
        FlakeFindings { nix: found, lock: beside }
    }
}

/// Of a name that is defined twice, the reader of the inputs and that of the whole language both tell: the latter knows where
/// it stood first. The first `read` are those of the former.
fn keep_the_telling(found: &mut Vec<Finding>, read: usize) {
    let twice = |finding: &Finding| finding.rule.name == DUPLICATE_ATTRIBUTE;
    let told: Vec<_> = found.iter().skip(read).filter(|at| twice(at)).map(|at| (at.start, at.end)).collect();
    let mut index = 0;
    found.retain(|finding| {
        index += 1;
        let again = || told.iter().any(|(start, end)| finding.start < *end && *start < finding.end);
        index > read || !twice(finding) || !again()
    });
}

/// What the readers say, then the rules.
fn note(dispatch: &Dispatch, view: &FlakeView<'_>) -> Noted {
    let mut noted = Noted::default();
    if let Some(flake) = view.flake {
        problems(dispatch, &flake.problems, &mut noted.nix);
    }
    if let Some(lock) = view.lock {
        problems(dispatch, &lock.problems, &mut noted.lock);
        problems(dispatch, &graph::health(lock), &mut noted.lock);
    }
    if let (Some(flake), Some(lock)) = (view.sound(), view.lock.filter(|lock| lock.is_understood())) {
        let declared: Vec<_> = flake.inputs.iter().map(Declared::from).collect();
        problems(dispatch, &graph::compare(&declared, lock), &mut noted.nix);
    }
    for (rule, check) in &dispatch.flakes {
        check(view, &mut FlakeReport { rule, out: &mut noted });
    }
    noted
}

fn problems(dispatch: &Dispatch, list: &[Problem], out: &mut Vec<(Finding, String)>) {
    for problem in list {
        if let Some(rule) = dispatch.flake_reading(problem.code) {
            said(rule, out, problem.span, &problem.message);
        }
    }
}

fn said<'r>(
    rule: &'static Rule,
    out: &'r mut Vec<(Finding, String)>,
    span: Option<Span>,
    message: &str,
) -> SaidOfFlake<'r> {
    // A message may quote a URL that holds credentials.
    let message = secret::redact(message).text;
    let (start, end) = span.map_or((0, 0), |span| (span.start, span.end));
    let place = Place { line: span.map_or(0, |span| span.line), ..Place::default() };
    let finding = Finding {
        rule,
        severity: rule.severity,
        start,
        end,
        place,
        message: message.clone(),
        fix: None,
        fingerprint: String::new(),
        meant: None,
    };
    out.push((finding, message));
    SaidOfFlake { said: out.last_mut() }
}

/// The findings with their fingerprints and columns, in the order of the text.
fn placed(noted: Vec<(Finding, String)>, text: &str) -> Vec<Finding> {
    let mut alike: HashMap<String, u32> = HashMap::new();
    let number = |(mut finding, about): (Finding, String)| {
        let name = finding.rule.name;
        let seed = format!("{name}\0{about}");
        let occurrence = alike.entry(seed.clone()).and_modify(|seen| *seen += 1).or_insert(0);
        let hash = blake3::hash(format!("{seed}\0{occurrence}").as_bytes()).to_hex();
        finding.fingerprint = format!("{name}:{}", hash.get(..16).unwrap_or_default());
        finding
    };
    let mut findings: Vec<Finding> = noted.into_iter().map(number).collect();
    findings.sort_by(|a, b| (a.start, a.end, a.rule.name).cmp(&(b.start, b.end, b.rule.name)));
    // What has no line is about the file as a whole.
    place::fill(text, findings.iter_mut().filter(|finding| finding.place.line > 0));
    findings
}
