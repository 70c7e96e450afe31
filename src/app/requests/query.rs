//! Queries from the bus: the table of all that are published, answered from the read model, page by page.
//!
//! The desk's connection sees of it only what is shared: what is private is answered for as what there is not.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Desk;
use super::asked::Asked;
use super::command::{Field, validate};
use super::reply::Refusal;
use crate::domain::Attrs;
use crate::domain::config::host::HostKind;
use crate::domain::id::FlakeId;
use crate::store::StoreError;
use crate::store::view::{self, At, ConfigRow, FlakeRow, InputRow, Whose, rfc3339};

/// A query that is published for this domain.
#[derive(Debug)]
pub struct Published {
    /// Its name: `flake.get`.
    pub name: &'static str,
    /// What it answers.
    pub doc: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
    /// What its result holds.
    pub result: &'static Shape,
    run: Run,
}

mod held;

mod shape;

pub use shape::Shape;

type Run = fn(&Desk, &Asked) -> Result<Value, Refusal>;

/// How many items a page has when nothing is said, and at most.
const PAGE: (u64, u64) = (100, 500);

const FLAKE: Field = Field { name: "flake", must: "the id or the path of a flake", json: "string", required: true };
const OF_FLAKE: Field = Field { required: false, ..FLAKE };
const NAME: Field = Field { name: "name", must: "the name of an output", json: "string", required: true };
const LIMIT: Field = Field {
    name: "limit",
    must: "a whole number, 1 or more; more than 500 are never given",
    json: "integer",
    required: false,
};
const AFTER: Field = Field { name: "after", must: "the `next` of the page before", json: "string", required: false };
const LIST: &[Field] = &[OF_FLAKE, LIMIT, AFTER];
const GET: &[Field] = &[NAME, OF_FLAKE];

macro_rules! queries {
    ($($name:literal $fields:expr, $run:expr => $result:ident, $doc:literal;)+) => {
        /// Every published query, in the order of the documentation.
        pub const QUERIES: &[Published] =
            &[$(Published { name: $name, doc: $doc, fields: $fields, result: &shape::$result, run: $run }),+];
    };
}

queries! {
    "flake.get" &[FLAKE], flake => FLAKE, "One flake with its inputs and outputs.";
    "flake.list" &[LIMIT, AFTER], flakes => FLAKE_PAGE, "The flakes of every machine whose events are here, as far as they are shared.";
    "flake.get_inputs" &[FLAKE], inputs => INPUTS, "The inputs of a flake, with what they are locked to.";
    "package.get" GET, |desk, asked| one(desk, asked, "packages") => ITEMS, "The flakes that have a package of this name.";
    "package.list" LIST, |desk, asked| outputs(desk, asked, "packages") => ITEM_PAGE, "The packages that flakes name.";
    "package.get_status" GET, status => STATUS, "Whether a package is built: known only where a build was seen.";
    "module.get" GET, |desk, asked| one(desk, asked, "nixosModules") => ITEMS, "The flakes that have a NixOS module of this name, or a file that is one at this path.";
    "module.list" LIST, |desk, asked| outputs(desk, asked, "nixosModules") => ITEM_PAGE, "The NixOS modules that flakes name, and the files in them that are modules.";
    "overlay.get" GET, |desk, asked| one(desk, asked, "overlays") => ITEMS, "The flakes that have an overlay of this name, or a file that is one at this path.";
    "overlay.list" LIST, |desk, asked| outputs(desk, asked, "overlays") => ITEM_PAGE, "The overlays that flakes name, and the files in them that are overlays.";
    "config.get" GET, |desk, asked| one(desk, asked, "nixosConfigurations") => ITEMS, "The flakes that have a NixOS configuration of this name.";
    "config.list" LIST, |desk, asked| outputs(desk, asked, "nixosConfigurations") => ITEM_PAGE, "The NixOS configurations that flakes name, with the users and services that scans saw in their modules.";
    "config.get_current" GET, held::current => GENERATIONS, "Which generation of a configuration runs where: known only where it was seen.";
    "config.get_history" GET, held::history => GENERATIONS, "Which generations of a configuration there were where: known only where they were seen.";
    "home.get" GET, |desk, asked| one(desk, asked, "homeConfigurations") => ITEMS, "The flakes that have a home configuration of this name.";
    "home.list" LIST, |desk, asked| outputs(desk, asked, "homeConfigurations") => ITEM_PAGE, "The home configurations that flakes name, with what scans saw in their modules.";
}

/// Answers a query, or says why not.
pub(super) fn run(desk: &Desk, asked: &Asked) -> Result<Value, Refusal> {
    asked.refuse_unfit()?;
    let known = QUERIES.iter().find(|query| query.name == asked.what);
    let known = known.ok_or_else(|| Refusal::rejected("unknown_query", format!("there is no query {}", asked.what)))?;
    validate(asked, known.fields)?;
    let result = (known.run)(desk, asked)?;
    Ok(json!({
        "ok": true, "status": "accepted", "code": "done", "message": known.doc, "events": [],
        "query_id": asked.identity.message_id.to_string(),
        "correlation_id": asked.identity.correlation_id.to_string(),
        "as_of": as_of(desk)?, "result": result,
    }))
}

/// What tells how fresh an answer is.
pub const AS_OF: &Shape = &shape::FRESHNESS;

/// How fresh the answer is: of every origin the last shared event that is here, and when it was recorded.
fn as_of(desk: &Desk) -> Result<Value, Refusal> {
    let (freshness, last) = desk.read(|reader| -> Result<_, StoreError> {
        let (seq, _) = reader.shared_head()?;
        let last = reader.shared(seq.saturating_sub(1), 1)?.first().map(|last| last.event.recorded_at);
        Ok((view::freshness(reader)?, last))
    })?;
    let one = |row: view::Freshness| {
        let recorded_at = if row.own { last } else { row.recorded_at };
        json!({ "origin": row.origin, "machine": row.host, "recorded_at": recorded_at.map(rfc3339), "own": row.own })
    };
    Ok(freshness.into_iter().filter(|row| row.own || row.seq > 0).map(one).collect())
}

fn text<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    asked.field(name).and_then(Value::as_str)
}

fn flake(desk: &Desk, asked: &Asked) -> Result<Value, Refusal> {
    let selector = text(asked, "flake").unwrap_or_default();
    let (row, inputs, outputs, findings) = desk.read(|reader| -> Result<_, StoreError> {
        let row = view::flake(reader, selector, At::Now)?;
        let inputs = view::inputs(reader, row.id, At::Now)?;
        let outputs = view::outputs(reader, row.id, At::Now)?;
        Ok((row, inputs, outputs, reader.are_findings_shared()?))
    })?;
    let mut flake = flake_json(&row, findings);
    flake["inputs"] = inputs.iter().map(input_json).collect();
    let outputs = outputs.iter().map(|output| json!({ "path": output.path, "unknown": output.unknown }));
    flake["outputs"] = outputs.collect();
    Ok(flake)
}

fn flakes(desk: &Desk, asked: &Asked) -> Result<Value, Refusal> {
    let (rows, findings) = desk.read(|reader| -> Result<_, StoreError> {
        Ok((view::flakes(reader, Whose::All, At::Now)?, reader.are_findings_shared()?))
    })?;
    let items = rows.iter().map(|row| (row.id.to_string(), flake_json(row, findings)));
    page(asked, items.collect())
}

fn inputs(desk: &Desk, asked: &Asked) -> Result<Value, Refusal> {
    let selector = text(asked, "flake").unwrap_or_default();
    let inputs = desk.read(|reader| {
        let flake = view::flake(reader, selector, At::Now)?;
        view::inputs(reader, flake.id, At::Now)
    })?;
    Ok(json!({ "inputs": inputs.iter().map(input_json).collect::<Value>() }))
}

/// Outputs of a category, of one flake or of all.
fn outputs(desk: &Desk, asked: &Asked, category: &str) -> Result<Value, Refusal> {
    page(asked, named(desk, asked, category)?)
}

/// The flakes that have an output of a name; the name alone, or its whole attribute path.
fn one(desk: &Desk, asked: &Asked, category: &str) -> Result<Value, Refusal> {
    let name = text(asked, "name").unwrap_or_default();
    let fits = |item: &Value| item["name"] == unquoted(name) || item["path"] == name;
    let found: Vec<Value> =
        named(desk, asked, category)?.into_iter().map(|(_, item)| item).filter(|item| fits(item)).collect();
    if found.is_empty() {
        return Err(Refusal::rejected("not_found", format!("no flake is known to have {category}.{name}")));
    }
    Ok(json!({ "items": found }))
}

fn named(desk: &Desk, asked: &Asked, category: &str) -> Result<Vec<(String, Value)>, Refusal> {
    let selector = text(asked, "flake").map(str::to_owned);
    let kind = HostKind::ALL.into_iter().find(|kind| kind.output() == category);
    let (found, hosts, files) = desk.read(|reader| -> Result<_, StoreError> {
        let flakes = match &selector {
            Some(selector) => vec![view::flake(reader, selector, At::Now)?],
            None => view::flakes(reader, Whose::All, At::Now)?,
        };
        let hosts = if kind.is_some() { view::configs(reader, None, At::Now)? } else { Vec::new() };
        let (mut found, mut files) = (Vec::new(), Vec::new());
        for flake in flakes {
            files.extend(held::files(reader, &flake, category)?);
            for output in view::outputs(reader, flake.id, At::Now)? {
                if output.path.split('.').next() == Some(category) {
                    found.push((flake.id, flake.origin.clone(), flake.path.to_string(), output));
                }
            }
        }
        Ok((found, hosts, files))
    })?;
    let seen = |flake: FlakeId, name: &str| {
        let fits = |host: &&ConfigRow| {
            let is_kind = kind.is_some_and(|kind| kind.name() == host.kind);
            is_kind && host.flake == flake && [host.name.as_str(), &format!("{:?}", host.name)].contains(&name)
        };
        hosts.iter().find(fits).map_or(Value::Null, host_json)
    };
    let items = found.into_iter().map(|(id, origin, directory, output)| {
        let key = format!("{id}/{}", output.path);
        let name = last_name(&output.path);
        let mut item = json!({
            "name": name, "path": output.path, "unknown": output.unknown,
            "flake": of_flake(id, &origin, &directory),
        });
        if kind.is_some() {
            let inside = output.path.split_once('.').map_or("", |(_, inside)| inside);
            item["seen"] = seen(id, inside);
        }
        (key, item)
    });
    Ok(items.chain(files).collect())
}

/// The last name of an attribute path, without the quotes that a name with other letters has.
fn last_name(path: &str) -> &str {
    let quoted = path.strip_suffix('"').and_then(|path| path.rfind('"').and_then(|open| path.get(open + 1..)));
    quoted.unwrap_or_else(|| path.rsplit('.').next().unwrap_or_default())
}

fn unquoted(name: &str) -> &str {
    name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name)
}

fn of_flake(id: FlakeId, origin: &str, directory: &str) -> Value {
    json!({ "id": id.to_string(), "origin": origin, "path": directory })
}

/// Builds are not observed by this release: the honest answer.
fn status(desk: &Desk, asked: &Asked) -> Result<Value, Refusal> {
    let found = one(desk, asked, "packages")?;
    Ok(json!({ "items": found["items"], "status": "unknown", "why": "no build was seen" }))
}

/// One page of items that are in the order of their keys, which begin with the id of a flake.
fn page(asked: &Asked, mut items: Vec<(String, Value)>) -> Result<Value, Refusal> {
    items.sort_by(|a, b| a.0.cmp(&b.0));
    let after = text(asked, AFTER.name).unwrap_or_default();
    let flake = after.split('/').next().unwrap_or_default();
    // What it names may be gone by now; what never was the end of a page would give an arbitrary one.
    if !after.is_empty() && !flake.parse::<Uuid>().is_ok_and(|id| id.to_string() == flake) {
        return Err(Refusal::invalid(AFTER.name, AFTER.must));
    }
    let limit = asked.field("limit").and_then(Value::as_u64).unwrap_or(PAGE.0).min(PAGE.1);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let total = items.len();
    let mut rest = items.into_iter().skip_while(|(key, _)| key.as_str() <= after && !after.is_empty());
    let taken: Vec<(String, Value)> = rest.by_ref().take(limit).collect();
    let next = if rest.next().is_some() { taken.last().map(|(key, _)| key.clone()) } else { None };
    Ok(json!({ "items": taken.into_iter().map(|(_, item)| item).collect::<Value>(), "next": next, "total": total }))
}

/// `findings` says whether this machine shares those of its flakes.
fn flake_json(flake: &FlakeRow, findings: bool) -> Value {
    let problems = flake.problems.filter(|_| findings || !flake.own);
    json!({
        "id": flake.id.to_string(), "origin": flake.origin, "path": flake.path.to_string(),
        "description": flake.description, "lineage": flake.lineage, "inputs_count": flake.inputs,
        "lock_nodes": flake.lock_nodes, "problems": problems, "changed_at": rfc3339(flake.changed_at),
    })
}

/// What a scan saw in the modules of a configuration.
fn host_json(host: &ConfigRow) -> Value {
    json!({
        "system": host.system, "modules": host.modules, "users": host.users, "services": host.services,
        "unknown": host.unknown, "left_out": host.left_out, "since": rfc3339(host.since),
    })
}

fn input_json(input: &InputRow) -> Value {
    let attrs = |attrs: &Option<Attrs>| attrs.clone().map_or(Value::Null, Value::Object);
    json!({
        "name": input.name, "url": input.url, "attrs": attrs(&input.attrs), "follows": input.follows,
        "flake": input.flake, "locked": attrs(&input.locked), "node": input.node,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_name_of_a_path_has_no_quotes() {
        for (path, name) in [
            ("packages.x86_64-linux.hello", "hello"),
            ("homeConfigurations.\"mira@laptop\"", "mira@laptop"),
            ("nixosConfigurations.\"host.example.org\"", "host.example.org"),
            ("overlays", "overlays"),
            ("", ""),
        ] {
            assert_eq!(last_name(path), name);
        }
        assert_eq!((unquoted("\"a@b\""), unquoted("a@b"), unquoted("\"")), ("a@b", "a@b", "\""));
    }
}
