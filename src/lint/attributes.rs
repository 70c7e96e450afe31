//! The attributes of a set that is written out, read once for all rules that ask. Must not know what they mean.

use rnix::TextRange;
use rnix::ast::{AttrSet, AttrpathValue, Entry, Expr, HasEntry};
use rowan::ast::AstNode;

use crate::syntax::tree::attr_name;

/// The attributes of one set.
#[derive(Debug, Clone)]
pub struct Attributes {
    entries: Vec<Attribute>,
    computed: bool,
}

/// One entry, by the first of its names.
#[derive(Debug, Clone)]
struct Attribute {
    name: String,
    range: TextRange,
    /// The binding around it; none for `inherit`.
    binding: Option<AttrpathValue>,
    /// Whether there is no other name: `name = …;`.
    single: bool,
}

impl Attributes {
    /// Reads a set.
    pub fn of(set: &AttrSet) -> Self {
        let mut attributes = Self { entries: Vec::new(), computed: false };
        for entry in set.entries() {
            match entry {
                Entry::Inherit(inherit) => {
                    for attribute in inherit.attrs() {
                        attributes.add(&attribute, None, true);
                    }
                }
                Entry::AttrpathValue(binding) => {
                    let mut names = binding.attrpath().into_iter().flat_map(|path| path.attrs());
                    if let Some(first) = names.next() {
                        attributes.add(&first, Some(&binding), names.next().is_none());
                    }
                }
            }
        }
        attributes
    }

    fn add(&mut self, attribute: &rnix::ast::Attr, binding: Option<&AttrpathValue>, single: bool) {
        let range = attribute.syntax().text_range();
        match attr_name(attribute) {
            Some(name) => self.entries.push(Attribute { name, range, binding: binding.cloned(), single }),
            None => self.computed = true,
        }
    }

    /// The binding of a name alone: `name = …;`.
    pub fn binding(&self, name: &str) -> Option<&AttrpathValue> {
        let mut single = self.entries.iter().filter(|entry| entry.single);
        single.find_map(|entry| entry.binding.as_ref().filter(|_| entry.name == name))
    }

    /// The bindings whose path begins with a name: `name = …;` and `name.other = …;`.
    pub fn bindings<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s AttrpathValue> {
        self.entries.iter().filter(move |entry| entry.name == name).filter_map(|entry| entry.binding.as_ref())
    }

    /// The value of a name alone, without parentheses.
    pub fn value(&self, name: &str) -> Option<Expr> {
        let mut value = self.binding(name)?.value()?;
        while let Expr::Paren(paren) = &value {
            value = paren.expr()?;
        }
        Some(value)
    }

    /// Whether a name is there, however it is written.
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// All first names and where they stand.
    pub fn names(&self) -> impl Iterator<Item = (&str, TextRange)> {
        self.entries.iter().map(|entry| (entry.name.as_str(), entry.range))
    }

    /// Whether names are computed, so that any may be among them.
    pub fn is_open(&self) -> bool {
        self.computed
    }
}
