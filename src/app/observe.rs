//! From the texts of a flake to the facts the ledger keeps. Secrets are taken out here, before a domain type exists.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::Attrs;
use crate::domain::finding::Finding;
use crate::domain::flake::decide::NotUnderstood;
use crate::domain::flake::{Facts, Input, Outputs, Override, UnknownOutput};
use crate::domain::lock::{Edge, Lock, LockNode, PathChange};
use crate::syntax::flake_ref::FlakeRef;
use crate::syntax::{self, graph, lock::LockFile, secret};

use super::findings::Findings;

/// Which edition of the reader this is: raised whenever unchanged files may be read otherwise than before.
pub const EXTRACTOR: u32 = 5;

/// Longer descriptions are cut, so that one field cannot fill an event.
const MAX_TEXT_BYTES: usize = 4096;

/// What one look at the texts of a flake gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The facts, without secrets.
    pub facts: Facts,
    /// Of which files the facts are only what could be made out.
    pub not_understood: NotUnderstood,
    /// What is wrong with `flake.nix`.
    pub flake_findings: Vec<Finding>,
    /// What is wrong with `flake.lock`.
    pub lock_findings: Vec<Finding>,
}

/// Reads a flake from its texts.
pub fn read(nix: &str, lock: Option<&str>) -> Seen {
    let file = syntax::flake::read(nix);
    let lock_file = lock.map(syntax::lock::read);
    let mut flake_findings = Findings::default();
    let mut lock_findings = Findings::default();
    problems(&file.problems, &mut flake_findings);
    if let Some(lock_file) = &lock_file {
        problems(&lock_file.problems, &mut lock_findings);
        problems(&graph::health(lock_file), &mut lock_findings);
    }
    let not_understood = NotUnderstood {
        nix: !file.is_understood(),
        lock: lock_file.as_ref().is_some_and(|lock| !lock.is_understood()),
    };
    problems(&disagreements(&file, lock_file.as_ref()), &mut flake_findings);
    if lock.is_none() && !not_understood.nix && file.inputs.iter().any(|input| input.follows.is_none()) {
        let message = "there is no flake.lock; run `nix flake lock` to pin the inputs".to_owned();
        flake_findings.add("no-lock", None, "", message);
    }
    let facts = Cleaner { findings: &mut flake_findings }.facts(&file);
    let lock = lock_file.and_then(|lock| Cleaner { findings: &mut lock_findings }.lock(lock));
    Seen {
        facts: Facts { lock, ..facts },
        not_understood,
        flake_findings: flake_findings.into_list(),
        lock_findings: lock_findings.into_list(),
    }
}

/// Where both say different things; nothing when one of them says nothing for certain.
fn disagreements(file: &syntax::flake::FlakeFile, lock: Option<&LockFile>) -> Vec<syntax::Problem> {
    let Some(lock) = lock.filter(|lock| lock.is_understood() && file.is_understood()) else { return Vec::new() };
    let declared: Vec<_> = file.inputs.iter().map(graph::Declared::from).collect();
    graph::compare(&declared, lock)
}

/// Whether a lock says all that a flake asks for, as far as is known.
pub fn is_locked(nix: &str, lock: &str) -> bool {
    let (file, lock) = (syntax::flake::read(nix), syntax::lock::read(lock));
    let declared: Vec<_> = file.inputs.iter().map(graph::Declared::from).collect();
    let whole = file.is_understood() && lock.problems.is_empty() && lock.nodes.contains_key(&lock.root);
    whole && graph::compare(&declared, &lock).is_empty() && graph::undeclared_follows(&declared, &lock).is_empty()
}

/// The lock of one commit of the past, without secrets; none when nothing of it can be read, or only what stands before a
/// fault: what the next commit mends would look as if it were added.
pub fn read_lock(text: &str) -> Option<Lock> {
    let file = syntax::lock::read(text);
    let whole = !file.problems.iter().any(|problem| problem.code == syntax::lock::SYNTAX);
    whole.then(|| Cleaner { findings: &mut Findings::default() }.lock(file)).flatten()
}

/// What changed between two locks, by input path.
pub fn lock_changes(from: Option<&Lock>, to: Option<&Lock>) -> Vec<PathChange> {
    let (from, to) = (from.map(lock_view), to.map(lock_view));
    graph::changes(from.as_ref(), to.as_ref())
        .into_iter()
        .map(|change| PathChange { input: change.input, node: change.node, from: change.from, to: change.to })
        .collect()
}

/// The lock as the pure graph functions take it.
fn lock_view(lock: &Lock) -> LockFile {
    let node = |node: &LockNode| syntax::lock::Node {
        inputs: node.inputs.iter().map(|(name, edge)| (name.clone(), edge_view(edge))).collect(),
        locked: node.locked.clone(),
        original: node.original.clone(),
        flake: node.flake,
        parent: node.parent.clone(),
        ..syntax::lock::Node::default()
    };
    LockFile {
        version: lock.version,
        root: lock.root.clone(),
        nodes: lock.nodes.iter().map(|(key, value)| (key.clone(), node(value))).collect(),
        problems: Vec::new(),
    }
}

fn edge_view(edge: &Edge) -> syntax::lock::Edge {
    match edge {
        Edge::Node(key) => syntax::lock::Edge::Node(key.clone()),
        Edge::Follows(path) => syntax::lock::Edge::Follows(path.clone()),
    }
}

fn problems(list: &[syntax::Problem], findings: &mut Findings) {
    for problem in list {
        let message = secret::redact(&problem.message).text;
        findings.add(problem.code, problem.span.map(|span| span.line), &message, message.clone());
    }
}

/// Takes secrets out of everything on its way into the ledger, and reports each as a finding.
struct Cleaner<'f> {
    findings: &'f mut Findings,
}

impl Cleaner<'_> {
    fn facts(&mut self, file: &syntax::flake::FlakeFile) -> Facts {
        let description = file.description.as_deref().map(|text| self.text(text, None, "the description"));
        let inputs = file.inputs.iter().map(|input| self.input(input));
        let inputs = inputs.map(|input| (input.name.clone(), input)).collect();
        let nix_config = file.nix_config.iter().map(|setting| self.setting(setting)).collect();
        Facts { description, inputs, outputs: outputs(file), nix_config, lock: None }
    }

    fn input(&mut self, input: &syntax::flake::Input) -> Input {
        let line = Some(input.span.line);
        let name = self.name(&input.name, line, "the name of an input");
        let place = format!("input `{name}`");
        let overrides = input.overrides.iter().map(|(path, over)| {
            let url = override_url(over).map(|url| self.text(&url, line, &place));
            let follows = over.follows.as_deref().map(|path| self.name(path, line, &place));
            (self.name(path, line, &place), Override { url, follows })
        });
        let overrides: BTreeMap<_, _> = overrides.collect();
        Input {
            url: input.url.as_deref().map(|url| self.text(url, line, &place)),
            attrs: (!input.attrs.is_empty()).then(|| self.attrs(input.attrs.clone(), line, &place)),
            follows: input.follows.as_deref().map(|path| self.name(path, line, &place)),
            name,
            flake: input.flake,
            overrides,
            declared: input.declared,
        }
    }

    fn setting(&mut self, setting: &syntax::flake::Setting) -> (String, String) {
        let line = Some(setting.span.line);
        let name = self.name(&setting.name, line, "the name of a setting in nixConfig");
        let clean = secret::redact_setting(&setting.name, &setting.value);
        self.report(&clean.found, line, &format!("nixConfig.{name}"));
        (name, cut(&clean.text))
    }

    /// The domain's lock; none when there is not even a root to speak of.
    fn lock(&mut self, file: LockFile) -> Option<Lock> {
        if file.nodes.is_empty() {
            return None;
        }
        let nodes = file.nodes.into_iter().map(|(key, node)| {
            let key = self.name(&key, node.span.map(|span| span.line), "the name of a lock node");
            let place = format!("lock node `{key}`");
            let clean = self.node(node, &place);
            (key, clean)
        });
        Some(Lock { nodes: nodes.collect(), version: file.version, root: secret::redact(&file.root).text })
    }

    fn node(&mut self, node: syntax::lock::Node, place: &str) -> LockNode {
        let line = node.span.map(|span| span.line);
        let mut name = |name: String| self.name(&name, line, place);
        let inputs = node.inputs.into_iter().map(|(input, target)| {
            let edge = match target {
                syntax::lock::Edge::Node(key) => Edge::Node(name(key)),
                syntax::lock::Edge::Follows(path) => Edge::Follows(path.into_iter().map(&mut name).collect()),
            };
            (name(input), edge)
        });
        let inputs = inputs.collect();
        let parent = node.parent.map(|path| path.into_iter().map(name).collect());
        LockNode {
            inputs,
            locked: node.locked.map(|attrs| self.attrs(attrs, line, place)),
            original: node.original.map(|attrs| self.attrs(attrs, line, place)),
            flake: node.flake,
            parent,
        }
    }

    /// A name, or a path of names. Never cut: it is what other names lead to.
    fn name(&mut self, name: &str, line: Option<u32>, place: &str) -> String {
        let clean = secret::redact(name);
        self.report(&clean.found, line, place);
        clean.text
    }

    fn text(&mut self, text: &str, line: Option<u32>, place: &str) -> String {
        let clean = secret::redact(text);
        self.report(&clean.found, line, place);
        cut(&clean.text)
    }

    fn attrs(&mut self, attrs: Attrs, line: Option<u32>, place: &str) -> Attrs {
        if secret::are_clean(&attrs) {
            return attrs;
        }
        let (clean, found) = secret::redact_attrs(&attrs);
        self.report(&found, line, place);
        clean
    }

    fn report(&mut self, found: &[secret::Secret], line: Option<u32>, place: &str) {
        for secret in found {
            let message = format!(
                "a secret ({}) stands in {place}; the ledger keeps it out, but everyone who can read the file has it: revoke it",
                secret.kind
            );
            self.findings.add("secret", line, &message, message.clone());
        }
    }
}

/// Where an override leads, as one text: attributes are written as the URL that they mean.
fn override_url(over: &syntax::flake::Override) -> Option<String> {
    if over.attrs.is_empty() {
        return over.url.clone();
    }
    let mut attrs = over.attrs.clone();
    attrs.extend(over.url.iter().map(|url| ("url".to_owned(), url.as_str().into())));
    FlakeRef::from_attrs(&attrs).ok().map(|reference| reference.normalise())
}

fn outputs(file: &syntax::flake::FlakeFile) -> Outputs {
    let seen = &file.outputs;
    let clean = |text: &str| secret::redact(text).text;
    let gap = |gap: &syntax::outputs::Gap| UnknownOutput { path: clean(&gap.path), reason: clean(&gap.reason) };
    let mut unknown: BTreeSet<_> = seen.unknown.iter().map(gap).collect();
    if !file.is_understood() {
        unknown.insert(UnknownOutput { path: String::new(), reason: "`flake.nix` could not be understood".to_owned() });
    }
    let known: BTreeSet<_> = seen.known.keys().map(|path| clean(path)).collect();
    Outputs { known: known.into_iter().collect(), unknown: unknown.into_iter().collect() }
}

/// Cuts at a character boundary, and says so.
fn cut(text: &str) -> String {
    if text.len() <= MAX_TEXT_BYTES {
        return text.to_owned();
    }
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= MAX_TEXT_BYTES).last().unwrap_or(0);
    format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NIX: &str = r#"{ description = "d"; inputs.x.url = "github:o/r"; outputs = _: { lib = 1; }; }"#;
    const LOCK: &str = r#"{"nodes": {"root": {"inputs": {"x": "x", "y": "x"}}, "x": {
        "locked": {"type": "github", "owner": "o", "repo": "r", "rev": "1", "narHash": "h"},
        "original": {"type": "github", "owner": "o", "repo": "r"}}}, "root": "root", "version": 7}"#;

    fn codes(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.code.as_str()).collect()
    }

    #[test]
    fn a_flake_that_makes_no_sense_is_not_compared_with_its_lock_and_its_outputs_are_unknown() {
        assert_eq!(codes(&read(NIX, Some(LOCK)).flake_findings), ["input-not-declared"]);
        let marked = NIX.replace("description", "\n<<<<<<< HEAD\ndescription");
        let texts = ["", "[ ]", "garbage", "{ inputs = { ; outputs", &marked, &NIX[..NIX.len() - 2], "import ./x.nix"];
        for text in texts {
            let seen = read(text, Some(LOCK));
            assert_eq!(seen.not_understood, NotUnderstood { nix: true, lock: false }, "{text}");
            assert!(!codes(&seen.flake_findings).contains(&"input-not-declared"), "{text}");
            assert!(!seen.flake_findings.is_empty() && seen.facts.lock.is_some(), "{text}");
            assert!(
                seen.facts.outputs.unknown.iter().any(|gap| gap.path.is_empty()),
                "{text}: {:?}",
                seen.facts.outputs
            );
            assert!(!codes(&read(text, None).flake_findings).contains(&"no-lock"), "{text}");
        }
        assert_eq!(read(NIX, None).not_understood, NotUnderstood::default());
    }

    #[test]
    fn a_lock_that_makes_no_sense_is_not_compared_with_its_flake() {
        let marked = LOCK.replace("\"x\": {", "\n<<<<<<< HEAD\n\"x\": {\n=======\n\"z\": {\n>>>>>>> b\n");
        for text in
            ["", "[]", "{}", "null", &marked, &LOCK[..LOCK.len() - 1], r#"{"nodes": [], "root": "root", "version": 7}"#]
        {
            let seen = read(NIX, Some(text));
            assert_eq!(seen.not_understood, NotUnderstood { nix: false, lock: true }, "{text}");
            assert_eq!(codes(&seen.flake_findings), [""; 0], "{text}");
            assert!(!seen.lock_findings.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_lock_fits_only_the_attributes_that_it_was_made_for() {
        let lock = r#"{"nodes": {"root": {"inputs": {"x": "x"}}, "x": {
            "locked": {"type": "git", "url": "https://h.x/a", "ref": "main", "rev": "r", "narHash": "h"},
            "original": {"type": "git", "url": "https://h.x/a", "ref": "main"}}}, "root": "root", "version": 7}"#;
        let nix =
            |url| format!(r#"{{ inputs.x = {{ type = "git"; url = "{url}"; ref = "main"; }}; outputs = _: {{ }}; }}"#);
        assert!(is_locked(&nix("https://h.x/a"), lock));
        assert!(!is_locked(&nix("https://h.x/new"), lock));
        assert!(!is_locked(&nix("https://h.x/a.git"), lock));
    }

    #[test]
    fn an_override_by_attributes_is_kept_as_the_url_that_it_means() {
        let nix = r#"{
            inputs.a.inputs = {
                b = { type = "github"; owner = "NixOS"; repo = "nixpkgs"; };
                c = { type = "git"; url = "https://git.example.org/c.git"; ref = "main"; };
                d.url = "d";
            };
            outputs = _: { };
        }"#;
        let facts = read(nix, None).facts;
        let urls: Vec<_> = facts.inputs["a"].overrides.values().map(|over| over.url.as_deref()).collect();
        assert_eq!(urls, [Some("github:NixOS/nixpkgs"), Some("git+https://git.example.org/c.git?ref=main"), Some("d")]);
    }
}
