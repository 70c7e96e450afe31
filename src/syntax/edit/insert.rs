//! Putting bindings in: beside those that are most like them, laid out as they are.

use super::Edit;
use super::layout::{Body, Layout, Site};
use super::written::{has_comment, indent, is_first, is_last, line_end, line_stop, path, string, with_comment};

/// A value below an input that is to be written.
pub(super) enum Content<'a> {
    Text(&'a str),
    Flag(bool),
}

impl Content<'_> {
    fn written(&self) -> String {
        match self {
            Self::Text(text) => string(text),
            Self::Flag(flag) => flag.to_string(),
        }
    }
}

/// Declares an input: its name, and its attributes.
pub(super) fn input(text: &str, layout: &Layout, input: &str, content: &[(&str, Content<'_>)]) -> Option<Edit> {
    let wanted = ["inputs".to_owned(), input.to_owned()];
    let place = Place::find(text, layout, &wanted)?;
    let prefix = path(wanted.get(place.depth..).unwrap_or_default());
    let sibling = place.neighbour.and_then(|site| nested_input(layout, site));
    let sibling = sibling.filter(|_| content.len() > 1 || place.all_nested());
    let binding = |(attribute, value): &(&str, Content<'_>)| format!("{attribute} = {};", value.written());
    let drafts = match sibling {
        Some(body) => vec![nested(text, layout, body, &prefix, &content.iter().map(binding).collect::<Vec<_>>())],
        None => content.iter().map(|pair| format!("{prefix}.{}", binding(pair))).collect(),
    };
    Some(place.insert(&drafts))
}

/// Writes one attribute at a path that has none yet.
pub(super) fn attribute(text: &str, layout: &Layout, wanted: &[String], content: &Content<'_>) -> Option<Edit> {
    let place = Place::find(text, layout, wanted)?;
    let names = path(wanted.get(place.depth..).unwrap_or_default());
    Some(place.insert(&[format!("{names} = {};", content.written())]))
}

/// `name = { … };` in the layout of a sibling.
fn nested(text: &str, layout: &Layout, sibling: &Body, prefix: &str, bindings: &[String]) -> String {
    let first = sibling.sites.first().and_then(|site| layout.sites.get(*site));
    let inner = first.filter(|site| is_first(text, site.range.start)).map(|site| indent(text, site.range.start));
    let Some(inner) = inner else { return format!("{prefix} = {{ {} }};", bindings.join(" ")) };
    let (newline, outer) = (line_end(text), indent(text, sibling.close));
    let lines = around(&format!("{newline}{inner}"), bindings, "");
    format!("{prefix} = {{{lines}{newline}{outer}}};")
}

/// The set of the input that a binding is about, when that is how the input is declared.
fn nested_input<'a>(layout: &'a Layout, site: &Site) -> Option<&'a Body> {
    let input = site.path.get(..2)?;
    let mut sites = layout.sites.iter().filter(|site| site.path == input);
    let body = layout.bodies.get(sites.next()?.defines?)?;
    (!body.sites.is_empty()).then_some(body)
}

/// All drafts, with the same before and behind each.
fn around(before: &str, drafts: &[String], behind: &str) -> String {
    drafts.iter().flat_map(|draft| [before, draft, behind]).collect()
}

/// Where a new binding goes.
struct Place<'a> {
    text: &'a str,
    layout: &'a Layout,
    body: &'a Body,
    /// The binding that it goes behind.
    neighbour: Option<&'a Site>,
    /// How many names of its path the set around it stands for.
    depth: usize,
}

impl<'a> Place<'a> {
    /// The innermost set on the way to a path that holds something, and the binding in it that has most in common.
    fn find(text: &'a str, layout: &'a Layout, wanted: &[String]) -> Option<Self> {
        let on_the_way = |body: &&Body| {
            wanted.len() > body.path.len()
                && wanted.starts_with(&body.path)
                && (!body.sites.is_empty() || body.path.len() < 2)
        };
        let depth_and_order = |body: &&Body| (body.path.len(), !body.sites.is_empty(), body.open);
        let body = layout.bodies.iter().filter(on_the_way).max_by_key(depth_and_order);
        let body = body?;
        let shared = |site: &Site| site.path.iter().zip(wanted).take_while(|(a, b)| a == b).count();
        let sites = body.sites.iter().filter_map(|site| layout.sites.get(*site));
        let neighbour = sites.filter(|site| shared(site) > 0).max_by_key(|site| (shared(site), site.range.start));
        Some(Self { text, layout, body, neighbour, depth: body.path.len() })
    }

    /// Whether every input beside it is declared by a set of its own.
    fn all_nested(&self) -> bool {
        let sites = self.body.sites.iter().filter_map(|site| self.layout.sites.get(*site));
        let mut inputs = sites.filter(|site| site.path.first().is_some_and(|name| name == "inputs"));
        inputs.all(|site| nested_input(self.layout, site).is_some())
    }

    fn insert(&self, drafts: &[String]) -> Edit {
        let mut sites = self.body.sites.iter().filter_map(|site| self.layout.sites.get(*site));
        match (self.neighbour, sites.next()) {
            (Some(site), _) => self.behind(site, drafts, ""),
            (None, None) => self.in_empty(drafts),
            (None, Some(first)) => self.before_outputs(first, drafts),
        }
    }

    /// `gap` is what stands between two paragraphs.
    fn behind(&self, site: &Site, drafts: &[String], gap: &str) -> Edit {
        let at = with_comment(self.text, site.range.end);
        if is_first(self.text, site.range.start) && is_last(self.text, at) {
            Edit::insert(
                line_stop(self.text, at),
                format!("{gap}{}", self.lines(drafts, indent(self.text, site.range.start))),
            )
        } else {
            Edit::insert(site.range.end, around(" ", drafts, ""))
        }
    }

    /// The first input of a flake stands between its description and its outputs.
    fn before_outputs(&self, first: &Site, drafts: &[String]) -> Edit {
        let sites = || self.body.sites.iter().filter_map(|site| self.layout.sites.get(*site));
        let outputs = sites().find(|site| site.path.first().is_some_and(|name| name == "outputs"));
        let end = outputs.map_or(self.body.close, |site| site.range.start);
        if let Some(before) = sites().rfind(|site| site.range.start < end) {
            let stop = line_stop(self.text, with_comment(self.text, before.range.end));
            let rest = self.text.get(stop..).unwrap_or_default();
            let newline = line_end(self.text);
            let gap = rest.strip_prefix(newline).is_some_and(|below| below.starts_with(newline));
            return self.behind(before, drafts, if gap { newline } else { "" });
        }
        if is_first(self.text, first.range.start) {
            let at = line_stop(self.text, with_comment(self.text, self.body.open));
            return Edit::insert(at, self.lines(drafts, indent(self.text, first.range.start)));
        }
        Edit::insert(first.range.start, around("", drafts, " "))
    }

    fn in_empty(&self, drafts: &[String]) -> Edit {
        let inside = self.text.get(self.body.open..self.body.close).unwrap_or_default();
        let at = self.body.open + inside.trim_end().len();
        let behind = self.text.get(at..self.body.close).unwrap_or_default();
        if behind.contains('\n') {
            let indent = format!("{}{}", indent(self.text, self.body.close), self.step());
            return Edit::insert(at, self.lines(drafts, &indent));
        }
        if behind.is_empty() && !has_comment(inside) {
            return Edit::insert(at, drafts.join(" "));
        }
        Edit::insert(at, around(" ", drafts, ""))
    }

    fn lines(&self, drafts: &[String], indent: &str) -> String {
        let newline = line_end(self.text);
        around(&format!("{newline}{indent}"), drafts, "")
    }

    /// How much further in a set is than what is around it.
    fn step(&self) -> String {
        let top = self.layout.bodies.first().map(|body| body.sites.as_slice()).unwrap_or_default();
        let mut lines = top.iter().filter_map(|site| self.layout.sites.get(*site)).map(|site| site.range.start);
        let first = lines.find(|start| is_first(self.text, *start)).map(|start| indent(self.text, start));
        first.filter(|indent| !indent.is_empty()).unwrap_or("  ").to_owned()
    }
}
