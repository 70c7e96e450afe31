//! What a `flake.nix` declares: description, inputs, settings and the names of its outputs.
//!
//! It answers as `(import ./flake.nix).inputs` would under a real Nix, as far as that is certain, and says what is not.
//! Must not know files, locks or references: a URL is text here.

mod input;
mod refused;

use std::collections::{BTreeMap, HashSet};

use rnix::{TextRange, ast};
use rowan::ast::AstNode;

use super::outputs::{self, Configuration, Outputs, configurations};
use super::tree::{self, Tree};
use super::value::{self, Member, Reader, Scope, Set, Value};
use super::{Attrs, Problem, Span};

/// What could be read of a `flake.nix`.
#[derive(Debug, Clone, Default)]
pub struct FlakeFile {
    /// The text of `description`.
    pub description: Option<String>,
    /// Declared inputs in the order of the file, then those that only `outputs` asks for.
    pub inputs: Vec<Input>,
    /// Attributes of `inputs.self`, which Nix takes for the flake itself and not for an input.
    pub self_attrs: Attrs,
    /// `nixConfig`, in the order of the file.
    pub nix_config: Vec<Setting>,
    /// The names of the outputs.
    pub outputs: Outputs,
    /// What is wrong, or not known. Codes: those of [`tree::parse`], `not-an-attrset`, `not-literal`, `computed-attribute`,
    /// `flake-attribute`, `flake-shape`, `outputs-arguments`, `dynamic-input`, `invalid-input`, `duplicate-attribute`.
    pub problems: Vec<Problem>,
}

/// One input of a flake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name, without quotes.
    pub name: String,
    /// Where the name is first written.
    pub span: Span,
    /// The flake reference, as written; a path literal as `path:` and the path, as Nix does.
    pub url: Option<String>,
    /// Attributes of the reference (`type`, `owner`, `rev`, …).
    pub attrs: Attrs,
    /// The input it follows; an empty text when that is the flake itself.
    pub follows: Option<String>,
    /// False when the input is a plain tree.
    pub flake: bool,
    /// What it says about its own inputs, by their path below it, as in `b` or `b/c`.
    pub overrides: BTreeMap<String, Override>,
    /// False when only the arguments of `outputs` name it, so that the registry decides what it is.
    pub declared: bool,
}

/// What an input says about one of its own inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Override {
    /// Another flake reference.
    pub url: Option<String>,
    /// Another reference, by attributes.
    pub attrs: Attrs,
    /// The input to follow; an empty text when that is the flake itself.
    pub follows: Option<String>,
    /// Whether it is a flake, when said.
    pub flake: Option<bool>,
}

/// One setting of `nixConfig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value: text without quotes, items of a list joined by spaces.
    pub value: String,
    /// Where the name is written.
    pub span: Span,
}

/// With these a text does not say what the flake is: what was not found in it may well be there.
const NOT_UNDERSTOOD: &[&str] = &["syntax-error", "conflict-marker", "too-deep", "too-large", "not-an-attrset"];

impl FlakeFile {
    /// Whether the text is a flake as a whole. What was read of another one is a help to people, and no fact.
    pub fn is_understood(&self) -> bool {
        !self.problems.iter().any(|problem| NOT_UNDERSTOOD.contains(&problem.code))
    }
}

/// Reads any text; what cannot be read becomes a problem.
pub fn read(text: &str) -> FlakeFile {
    read_tree(&tree::parse(text))
}

/// The same of a text that was parsed already.
pub fn read_tree(tree: &Tree) -> FlakeFile {
    let mut reading = Reading::of(tree);
    let mut file = match reading.top() {
        Some(top) => reading.file(&top),
        None => FlakeFile::default(),
    };
    reading.problems.sort_by_key(|problem| problem.span.map(|span| span.start));
    file.problems = reading.problems;
    file
}

/// What a flake is, and the configurations that it names with their modules as far as they are written out.
pub fn read_with_configurations(text: &str) -> (FlakeFile, Vec<Configuration>) {
    let tree = tree::parse(text);
    let mut reading = Reading::of(&tree);
    let Some(top) = reading.top() else {
        return (FlakeFile { problems: reading.problems, ..FlakeFile::default() }, Vec::new());
    };
    let mut file = reading.file(&top);
    file.problems = std::mem::take(&mut reading.problems);
    // Following modules must not cost what the names of outputs need.
    let reader = Reader::default();
    let found = match top.get("outputs", &reader) {
        Member::Present(function) => configurations::read(&tree, &reader, &function, &flake_parts(&file.inputs)),
        _ => Vec::new(),
    };
    (file, found)
}

/// The inputs that are flake-parts, by name.
fn flake_parts(inputs: &[Input]) -> Vec<&str> {
    inputs.iter().filter(|input| input.is_flake_parts()).map(|input| &*input.name).collect()
}

/// One text being read.
struct Reading<'a> {
    tree: &'a Tree,
    reader: Reader,
    problems: Vec<Problem>,
    /// Whether the file is one literal set: Nix looks no further into another one.
    is_literal: bool,
}

impl<'a> Reading<'a> {
    fn of(tree: &'a Tree) -> Self {
        Self { tree, reader: Reader::default(), problems: tree.problems.clone(), is_literal: false }
    }
}

impl Reading<'_> {
    fn top(&mut self) -> Option<Set> {
        let Some(expression) = self.tree.expression() else {
            self.problems.push(problem("not-an-attrset", None, "the file holds no expression; a flake is a set"));
            return None;
        };
        let at = expression.syntax().text_range();
        let Value::Set(set) = self.reader.value(&expression, &Scope::default()) else {
            self.say("not-an-attrset", at, "the file is not a set whose names are known without evaluation".to_owned());
            return None;
        };
        let is_literal = is_set_literal(&expression);
        if !is_literal {
            self.say("not-literal", at, "nix reads a flake only when the file is one literal set".to_owned());
        }
        for unknown in set.doubts() {
            if is_literal {
                self.computed(unknown.at);
            } else {
                self.say("not-literal", unknown.at, format!("names here come from {}", unknown.reason));
            }
        }
        self.duplicates("", &set);
        self.is_literal = is_literal;
        Some(set)
    }

    /// Whether what Nix would look at is all there: a text that it cannot parse may only seem to lack a thing.
    fn is_whole(&self) -> bool {
        self.is_literal && self.tree.problems.is_empty()
    }

    fn file(&mut self, top: &Set) -> FlakeFile {
        let mut file = FlakeFile::default();
        if let Member::Present(Value::Text(text)) = top.get("description", &self.reader) {
            file.description = Some(text);
        }
        self.inputs(top, &mut file);
        if let Member::Present(Value::Set(set)) = top.get("nixConfig", &self.reader) {
            file.nix_config = self.settings(&set);
        }
        if let Member::Present(function) = top.get("outputs", &self.reader) {
            self.undeclared(&function, &mut file.inputs);
            file.outputs = outputs::read(self.tree, &self.reader, &function, &flake_parts(&file.inputs));
        }
        if self.is_whole() {
            self.refuse(top, &file.inputs);
        }
        file
    }

    fn inputs(&mut self, top: &Set, file: &mut FlakeFile) {
        let set = match top.get("inputs", &self.reader) {
            Member::Present(Value::Set(set)) => set,
            Member::Present(value) => {
                let at = top.slot("inputs").map_or_else(|| TextRange::empty(0.into()), |slot| slot.at);
                return self.say("dynamic-input", at, format!("the inputs come from {}", reason(&value)));
            }
            Member::Absent | Member::Uncertain(_) => return,
        };
        if !top.is_literal("inputs") {
            let at = top.slot("inputs").map_or_else(|| TextRange::empty(0.into()), |slot| slot.at);
            self.say("dynamic-input", at, "nix refuses inputs that are not written as a literal set".to_owned());
        }
        self.duplicates("inputs.", &set);
        for unknown in set.doubts() {
            self.say("dynamic-input", unknown.at, format!("inputs come from {}", unknown.reason));
        }
        for (name, at) in set.names() {
            if name == "self" {
                file.self_attrs = self.declared(&set, &name, at).attrs;
            } else {
                let input = self.declared(&set, &name, at);
                file.inputs.push(input);
            }
        }
    }

    fn settings(&mut self, set: &Set) -> Vec<Setting> {
        let mut settings = Vec::new();
        for (name, at) in set.names() {
            let value = match set.get(&name, &self.reader) {
                Member::Present(Value::List(items)) => {
                    self.reader.strings(&value::Lazy::known(Value::List(items))).map(|items| items.join(" "))
                }
                Member::Present(value) => scalar(&value).map(|value| match value {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                }),
                Member::Absent | Member::Uncertain(_) => None,
            };
            if let Some(value) = value {
                settings.push(Setting { name, value, span: self.tree.span(at) });
            } else {
                self.say("not-literal", at, format!("the value of the setting `{name}` is not known"));
            }
        }
        settings
    }

    /// Nix takes every argument `outputs` names for an input, with or without a default.
    fn undeclared(&self, function: &Value, inputs: &mut Vec<Input>) {
        let Value::Function(lambda, _) = function else { return };
        let Some(ast::Param::Pattern(pattern)) = lambda.param() else { return };
        let mut known: HashSet<String> = inputs.iter().map(|input| input.name.clone()).collect();
        for entry in pattern.pat_entries() {
            let Some(name) = value::ident(entry.ident()) else { continue };
            if name != "self" && known.insert(name.clone()) {
                let span = self.tree.span_of(&entry);
                inputs.push(Input { declared: false, ..Input::new(name, span) });
            }
        }
    }

    fn duplicates(&mut self, prefix: &str, set: &Set) {
        for (name, at) in set.duplicates() {
            self.say(
                "duplicate-attribute",
                at,
                format!("`{prefix}{name}` is defined more than once; nix refuses that"),
            );
        }
    }

    fn say(&mut self, code: &'static str, at: TextRange, message: String) {
        self.problems.push(Problem { code, span: Some(self.tree.span(at)), message });
    }
}

impl Input {
    fn is_flake_parts(&self) -> bool {
        self.name == "flake-parts" || self.url.as_deref().is_some_and(|url| url.contains("hercules-ci/flake-parts"))
    }

    fn new(name: String, span: Span) -> Self {
        Self {
            name,
            span,
            url: None,
            attrs: Attrs::new(),
            follows: None,
            flake: true,
            overrides: BTreeMap::new(),
            declared: true,
        }
    }
}

fn problem(code: &'static str, span: Option<Span>, message: &str) -> Problem {
    Problem { code, span, message: message.to_owned() }
}

fn is_set_literal(expression: &ast::Expr) -> bool {
    match expression {
        ast::Expr::Paren(paren) => paren.expr().is_some_and(|inner| is_set_literal(&inner)),
        ast::Expr::AttrSet(_) => true,
        _ => false,
    }
}

/// A value as JSON has it, when it is a text, a number or a truth value.
fn scalar(value: &Value) -> Option<serde_json::Value> {
    match value {
        Value::Text(text) | Value::Path(text) => Some(text.clone().into()),
        Value::Integer(number) => Some((*number).into()),
        Value::Float(number) => Some((*number).into()),
        Value::Bool(truth) => Some((*truth).into()),
        _ => None,
    }
}

/// What a value that was expected to be something else comes from.
fn reason(value: &Value) -> String {
    match value {
        Value::Unknown(unknown) => unknown.reason.clone(),
        Value::Outside(path) | Value::Call(path, ..) => format!("`{}`", path.join(".")),
        _ => "a value of another type".to_owned(),
    }
}

#[cfg(test)]
mod tests;
