//! What each operation changes. What comes out is made sure of elsewhere.

use rnix::ast;
use rowan::ast::AstNode;

use super::arguments::{self, Change};
use super::insert::{self, Content};
use super::layout::{Layout, Site, bytes};
use super::written::string;
use super::{Edit, EditError, Note, Operation, cut};
use crate::syntax::flake::{self, FlakeFile, Input};
use crate::syntax::tree;

/// The attributes of an input that are no part of its reference.
const NOT_OF_THE_REFERENCE: &[&str] = &["url", "follows", "flake", "inputs"];

/// The changes, and what to say of them.
pub(super) fn plan(text: &str, operation: &Operation) -> Result<(Vec<Edit>, Vec<Note>), EditError> {
    let tree = tree::parse(text);
    if let Some(problem) = tree.problems.first() {
        let line = problem.span.map_or(1, |span| span.line);
        return Err(EditError::Syntax { line, message: problem.message.clone() });
    }
    let layout = Layout::of(&tree)?;
    let file = flake::read(text);
    let look = Look { text, layout: &layout, file: &file };
    match operation {
        Operation::AddInput { name, url, flake } => look.add(name, url, *flake),
        Operation::RemoveInput { name, force } => look.remove(name, *force),
        Operation::SetUrl { name, url } => look.set_url(name, url).map(|edits| (edits, Vec::new())),
        Operation::Follow { path, target } => look.follow(path, target).map(|edits| (edits, Vec::new())),
        Operation::Unfollow { path } => look.unfollow(path).map(|edits| (edits, Vec::new())),
    }
}

/// A text that is looked at from all sides.
struct Look<'a> {
    text: &'a str,
    layout: &'a Layout,
    file: &'a FlakeFile,
}

type Planned = Result<(Vec<Edit>, Vec<Note>), EditError>;

impl Look<'_> {
    fn add(&self, name: &str, url: &str, flake: bool) -> Planned {
        check_name(name)?;
        let wanted = vec!["inputs".to_owned(), name.to_owned()];
        if self.layout.below(&wanted).next().is_some() {
            return Err(EditError::Exists { name: name.to_owned() });
        }
        let mut content = vec![("url", Content::Text(url))];
        if !flake {
            content.push(("flake", Content::Flag(false)));
        }
        let edit = insert::input(self.text, self.layout, name, &content).ok_or(EditError::NotASet)?;
        let Change { mut edits, note } = arguments::add(self.text, self.layout, name);
        edits.push(edit);
        Ok((edits, note.into_iter().collect()))
    }

    fn remove(&self, name: &str, force: bool) -> Planned {
        self.input(name)?;
        let path = vec!["inputs".to_owned(), name.to_owned()];
        self.refuse_inherited(&path)?;
        let aliases: Vec<String> = self.followers(name, |_, path| path.is_empty());
        if !aliases.is_empty() {
            return Err(EditError::Aliased { name: name.to_owned(), by: aliases });
        }
        let by = self.followers(name, |input, path| input.name != name && !path.is_empty());
        if !by.is_empty() && !force {
            return Err(EditError::Followed { name: name.to_owned(), by });
        }
        let outermost = |site: &Site| self.layout.bodies.get(site.body).is_some_and(|body| body.path.len() < 2);
        let mut sites: Vec<usize> =
            self.layout.below(&path).filter(|(_, site)| outermost(site)).map(|(at, _)| at).collect();
        for follower in &by {
            sites.push(self.follows_site(follower)?);
        }
        let edits = cut::sites(self.text, self.layout, sites);
        let Change { edits, note } = arguments::remove(self.text, self.layout, name, edits);
        let overrides = by.into_iter().map(|path| Note::OverrideRemoved { path });
        Ok((edits, overrides.chain(note).collect()))
    }

    fn set_url(&self, name: &str, url: &str) -> Result<Vec<Edit>, EditError> {
        let input = self.input(name)?;
        if let Some(target) = &input.follows {
            return Err(EditError::Follows { path: name.to_owned(), target: target.clone() });
        }
        let path = vec!["inputs".to_owned(), name.to_owned()];
        self.refuse_inherited(&path)?;
        let wanted = below(&path, "url");
        let written = self.layout.exactly(&wanted)?;
        if written.is_none() {
            self.layout.refuse_computed(&wanted)?;
        }
        let of_reference = |(_, site): &(usize, &Site)| {
            let attribute = site.path.get(2);
            attribute.is_some_and(|attribute| !NOT_OF_THE_REFERENCE.contains(&attribute.as_str()))
        };
        let mut sites = self.layout.below(&path).filter(of_reference);
        if let Some(site) = written {
            // With a type, the URL was one attribute of many.
            let mut edits = cut::sites(self.text, self.layout, sites.map(|(at, _)| at));
            if input.url.as_deref() != Some(url) {
                edits.push(replace(site, url)?);
            }
            return Ok(edits);
        }
        let Some((_, first)) = sites.next() else {
            return Ok(vec![self.insert(&wanted, url)?]);
        };
        let mut edits = cut::sites(self.text, self.layout, sites.map(|(at, _)| at));
        let value = value_range(first)?;
        edits.push(Edit::replace(first.last_name.start, value.end, format!("url = {}", string(url))));
        Ok(edits)
    }

    fn follow(&self, path: &str, target: &str) -> Result<Vec<Edit>, EditError> {
        let names = input_path(path)?;
        let input = self.input(first(&names))?;
        self.check_target(path, &names, target)?;
        let place = place_of(&names);
        self.refuse_inherited(&place_of(names.get(..1).unwrap_or_default()))?;
        self.layout.refuse_computed(&place)?;
        let (has_reference, follows) = match names.split_first() {
            Some((_, [])) => (input.url.is_some() || !input.attrs.is_empty(), input.follows.as_ref()),
            Some((_, deeper)) => match input.overrides.get(&deeper.join("/")) {
                Some(known) => (known.url.is_some() || !known.attrs.is_empty(), known.follows.as_ref()),
                None => (false, None),
            },
            None => (false, None),
        };
        if has_reference {
            return Err(EditError::HasReference { path: path.to_owned() });
        }
        let wanted = below(&place, "follows");
        match self.layout.exactly(&wanted)? {
            Some(_) if follows.map(String::as_str) == Some(target) => Ok(Vec::new()),
            Some(site) => Ok(vec![replace(site, target)?]),
            None => Ok(vec![self.insert(&wanted, target)?]),
        }
    }

    fn unfollow(&self, path: &str) -> Result<Vec<Edit>, EditError> {
        let names = input_path(path)?;
        let input = self.input(first(&names))?;
        if let ([name], Some(target)) = (names.as_slice(), &input.follows) {
            return Err(EditError::Follows { path: name.clone(), target: target.clone() });
        }
        self.refuse_inherited(&place_of(names.get(..1).unwrap_or_default()))?;
        Ok(cut::sites(self.text, self.layout, [self.follows_site(path)?]))
    }

    /// The input of this name, when it is declared.
    fn input(&self, name: &str) -> Result<&Input, EditError> {
        match self.file.inputs.iter().find(|input| input.name == name) {
            Some(input) if input.declared => Ok(input),
            Some(_) => Err(EditError::Undeclared { name: name.to_owned() }),
            None => {
                let known = self.file.inputs.iter().filter(|input| input.declared).map(|input| input.name.clone());
                Err(EditError::NoInput { name: name.to_owned(), known: known.collect() })
            }
        }
    }

    fn check_target(&self, path: &str, names: &[String], target: &str) -> Result<(), EditError> {
        if target.is_empty() {
            return Ok(());
        }
        let targets = input_path(target)?;
        if targets.starts_with(names) {
            return Err(EditError::Cycle { path: path.to_owned(), target: target.to_owned() });
        }
        if self.file.inputs.iter().any(|input| Some(&input.name) == targets.first()) {
            return Ok(());
        }
        self.input(first(&targets)).map(drop)
    }

    /// The input paths that follow an input or something of it, of those that are asked for.
    fn followers(&self, name: &str, wanted: impl Fn(&Input, &str) -> bool) -> Vec<String> {
        let of_it = |target: &Option<String>| {
            target.as_deref().is_some_and(|target| target.split('/').find(|part| !part.is_empty()) == Some(name))
        };
        let mut found = Vec::new();
        for input in &self.file.inputs {
            if of_it(&input.follows) && wanted(input, "") {
                found.push(input.name.clone());
            }
            let overrides = input.overrides.iter().filter(|(_, known)| of_it(&known.follows));
            found.extend(
                overrides.filter(|(path, _)| wanted(input, path)).map(|(path, _)| format!("{}/{path}", input.name)),
            );
        }
        found
    }

    /// Where an input path is told what to follow.
    fn follows_site(&self, path: &str) -> Result<usize, EditError> {
        let wanted = below(&place_of(&input_path(path)?), "follows");
        self.layout.exactly(&wanted)?;
        let found = self.layout.sites.iter().position(|site| site.path == wanted && site.value.is_some());
        found.ok_or_else(|| EditError::NotFollowing { path: path.to_owned() })
    }

    /// An attribute that is inherited is written elsewhere.
    fn refuse_inherited(&self, path: &[String]) -> Result<(), EditError> {
        match self.layout.below(path).find(|(_, site)| site.value.is_none()) {
            Some((_, site)) => Err(EditError::NotLiteral { what: site.path.join("."), line: site.line }),
            None => Ok(()),
        }
    }

    fn insert(&self, wanted: &[String], value: &str) -> Result<Edit, EditError> {
        insert::attribute(self.text, self.layout, wanted, &Content::Text(value)).ok_or(EditError::NotASet)
    }
}

/// Puts a text in the place of a value, when that is a literal.
fn replace(site: &Site, value: &str) -> Result<Edit, EditError> {
    let range = value_range(site)?;
    Ok(Edit::replace(range.start, range.end, string(value)))
}

/// Where a literal value stands.
fn value_range(site: &Site) -> Result<std::ops::Range<usize>, EditError> {
    let literal = |value: &ast::Expr| match value {
        ast::Expr::Str(text) => text.syntax().children().next().is_none(),
        ast::Expr::Literal(_) | ast::Expr::PathRel(_) | ast::Expr::PathAbs(_) | ast::Expr::PathHome(_) => true,
        _ => false,
    };
    match site.value.as_ref().filter(|value| literal(value)) {
        Some(value) => Ok(bytes(value.syntax().text_range())),
        None => Err(EditError::NotLiteral { what: site.path.join("."), line: site.line }),
    }
}

fn check_name(name: &str) -> Result<(), EditError> {
    let why = match name {
        "" => "it is empty",
        "self" => "it stands for the flake itself",
        _ if name.starts_with('-') => "it begins like an option of a command",
        _ if name.contains('/') => "`/` is what separates the names of an input path",
        _ if name.chars().any(char::is_control) => "it holds a control character",
        _ => return Ok(()),
    };
    Err(EditError::InvalidName { name: name.to_owned(), why })
}

/// The names of an input path; at least one.
fn input_path(path: &str) -> Result<Vec<String>, EditError> {
    let names: Vec<String> = path.split('/').map(str::to_owned).collect();
    names.iter().try_for_each(|name| check_name(name))?;
    Ok(names)
}

fn first(names: &[String]) -> &str {
    names.first().map_or("", String::as_str)
}

/// Where an input path stands: `a/b` is `inputs.a.inputs.b`.
fn place_of(names: &[String]) -> Vec<String> {
    names.iter().flat_map(|name| ["inputs".to_owned(), name.clone()]).collect()
}

fn below(path: &[String], attribute: &str) -> Vec<String> {
    path.iter().cloned().chain([attribute.to_owned()]).collect()
}
