//! Inputs that nothing uses.

use std::collections::{BTreeSet, HashMap};

use rnix::ast::{Expr, Lambda};
use rnix::{SyntaxKind, SyntaxNode, TextRange};
use rowan::ast::AstNode;

use super::certain::bare;
use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Attributes, File};
use crate::lint::{Check, Example, Rule, Safety};
use crate::syntax::names::{Binder, DefinitionId, Meaning};
use crate::syntax::tree::attr_name;

pub(super) static RULE: Rule = Rule {
    name: "input-unused",
    summary: "an input that `outputs` never uses",
    why: "It is locked, updated and shown for nothing, unless another file takes it out of `flake.lock`. An \
          input that another follows counts as used.",
    bad: Example::Flake {
        nix: r#"{ inputs.a.url = "github:x/a"; inputs.b.url = "github:x/b"; outputs = inputs: inputs.a; }"#,
        lock: "",
    },
    good: Example::Flake { nix: r#"{ inputs.a.url = "github:x/a"; outputs = inputs: inputs.a; }"#, lock: "" },
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Flake(check),
};

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    // A flake that uses none of its inputs is there to hold them, for another to take them from its lock.
    let Some(used) = view.source.and_then(used).filter(|used| !used.is_empty()) else { return };
    let Some(flake) = view.sound() else { return };
    let overrides = flake.inputs.iter().flat_map(|input| input.overrides.values().map(|over| &over.follows));
    let follows = flake.inputs.iter().map(|input| &input.follows).chain(overrides).flatten();
    let followed: BTreeSet<_> = follows.filter_map(|path| path.split('/').next()).collect();
    for input in view.declared() {
        // `default.nix` and `shell.nix` find that one through the lock.
        let is_compat = input.name.contains("flake-compat");
        if !is_compat && !used.contains(&input.name) && !followed.contains(input.name.as_str()) {
            report.in_nix(Some(input.span), format!("`outputs` never uses input `{}`", input.name));
        }
    }
}

/// The inputs that `outputs` uses; none when it hands them on as a whole, so that any may be used.
fn used(file: &File<'_>) -> Option<BTreeSet<String>> {
    let Expr::AttrSet(top) = bare(file.tree.expression()?) else { return None };
    let Expr::Lambda(function) = Attributes::of(&top).value("outputs")? else { return None };
    let mut used = BTreeSet::new();
    for (name, binder, places) in arguments(file, &function) {
        match (binder, name) {
            (Binder::Formal, "self") => through_self(file, &places)?,
            (Binder::Formal, name) if !places.is_empty() => drop(used.insert(name.to_owned())),
            (Binder::Formal, _) => {}
            _ => used.extend(of_whole(file, &places)?),
        }
    }
    Some(used)
}

/// The arguments of a function, with the places where each is used.
fn arguments<'f>(file: &File<'f>, function: &Lambda) -> Vec<(&'f str, Binder, Vec<TextRange>)> {
    let range = function.syntax().text_range();
    let Some(scope) = file.names.scopes.iter().find(|scope| scope.range == range) else { return Vec::new() };
    let mut places: HashMap<DefinitionId, Vec<TextRange>> = HashMap::new();
    for name in &file.names.uses {
        if let Meaning::Defined(id) = name.meaning {
            places.entry(id).or_default().push(name.range);
        }
    }
    let definitions = file.names.definitions_of(scope);
    let with_places = definitions
        .map(|(id, definition)| (definition.name, definition.binder, places.remove(&id).unwrap_or_default()));
    with_places.collect()
}

/// The inputs taken from the whole argument; none when a use of it is anything else than `inputs.name`.
fn of_whole(file: &File<'_>, places: &[TextRange]) -> Option<BTreeSet<String>> {
    let mut used = BTreeSet::new();
    for place in places {
        let names = taken(file, *place)?;
        let through_self = names.first().is_some_and(|names| names.first().is_some_and(|name| name == "self"));
        if through_self && names.iter().any(|names| names.get(1).is_none_or(|name| name == "inputs")) {
            return None;
        }
        used.extend(names.into_iter().filter_map(|names| names.into_iter().next()));
    }
    Some(used)
}

/// None when the flake hands itself on, or looks at its own inputs.
fn through_self(file: &File<'_>, places: &[TextRange]) -> Option<()> {
    for place in places {
        let names = taken(file, *place)?;
        if names.iter().any(|names| names.first().is_none_or(|name| name == "inputs")) {
            return None;
        }
    }
    Some(())
}

/// The attribute paths that are taken from a name where it is used; none when the name stands alone.
fn taken(file: &File<'_>, place: TextRange) -> Option<Vec<Vec<String>>> {
    let node = file.node_at(place)?;
    let parent = node.parent()?;
    match parent.kind() {
        SyntaxKind::NODE_SELECT | SyntaxKind::NODE_HAS_ATTR if parent.first_child().as_ref() == Some(&node) => {
            let path = parent.children().find(|child| child.kind() == SyntaxKind::NODE_ATTRPATH)?;
            Some(vec![names(&path)?])
        }
        SyntaxKind::NODE_INHERIT_FROM => {
            let attributes = rnix::ast::Inherit::cast(parent.parent()?)?.attrs();
            attributes.map(|attribute| Some(vec![attr_name(&attribute)?])).collect()
        }
        _ => None,
    }
}

fn names(path: &SyntaxNode) -> Option<Vec<String>> {
    rnix::ast::Attrpath::cast(path.clone())?.attrs().map(|attribute| attr_name(&attribute)).collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::{Linter, Rule, Selection};

    fn unused(outputs: &str) -> Vec<String> {
        let only = vec![super::RULE.name.to_owned()];
        assert!(Rule::named(super::RULE.name).is_some());
        let linter = Linter::new(&Selection { only, ..Selection::default() }, "2026-11-28");
        let nix = format!("{{ inputs.a.url = \"github:x/a\"; inputs.b.url = \"github:x/b\"; outputs = {outputs}; }}");
        let found = linter.check_flake(Some(&nix), None, None).nix;
        found.into_iter().filter_map(|finding| finding.message.split('`').nth(3).map(str::to_owned)).collect()
    }

    #[test]
    fn an_input_is_used_by_name_through_the_whole_argument_or_by_inherit() {
        assert_eq!(unused("{ a, b, ... }: a + b"), [""; 0]);
        assert_eq!(unused("{ self, a, ... }: a"), ["b"]);
        assert_eq!(unused("{ self, a, b }: a"), ["b"]);
        assert_eq!(unused("inputs: inputs.a.b"), ["b"]);
        assert_eq!(unused("inputs: { inherit (inputs) b; }"), ["a"]);
        assert_eq!(unused("{ a, ... }@inputs: [ a inputs.b ]"), [""; 0]);
    }

    #[test]
    fn whoever_hands_all_inputs_on_may_use_each() {
        for outputs in [
            "inputs: f inputs",
            "{ self, ... }@inputs: { inherit inputs; }",
            "{ self, ... }: self.inputs.a",
            "{ self, ... }: { inherit self; }",
            "inputs: with inputs; a",
            "inputs: inputs.${x}",
            "inputs: inputs.self.inputs",
            "_: { }",
            "import ./outputs.nix",
        ] {
            assert_eq!(unused(outputs), [""; 0], "{outputs}");
        }
    }
}
