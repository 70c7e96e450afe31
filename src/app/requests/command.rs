//! Commands from the bus: the table of all that are published, and what this machine does of them.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::super::explain::{Verdict, explain};
use super::super::forget;
use super::super::roots::{self, Inside};
use super::super::scan::{self, is_kept};
use super::super::sync::consent;
use super::Desk;
use super::asked::Asked;
use super::reply::{self, Refusal};
use crate::domain::message::MessageIdentity;
use crate::store::view::{self, At, Whose};
use crate::store::{Command, Reader, StoreError};

mod write;

/// A command that is published for this domain.
#[derive(Debug)]
pub struct Published {
    /// Its name: `flake.scan`.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
    /// What does it, and its name in the ledger; none when this release does not do it, or nobody may ask for it over the wire.
    run: Option<(Run, &'static str)>,
}

impl Published {
    /// Whether this release does it, for those machines that accept it.
    pub const fn is_done(&self) -> bool {
        self.run.is_some()
    }
}

/// A field of a command or a query.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it must be, for people.
    pub must: &'static str,
    /// Its JSON type.
    pub json: &'static str,
    /// Whether it must be there.
    pub required: bool,
}

/// Does a command; says in a sentence what came of it.
type Run = fn(&Desk, &Asked, &Command) -> Result<String, Refusal>;

const PATH: Field = Field {
    name: "path",
    must: "an absolute path below a root that the machine shares",
    json: "string",
    required: true,
};
const FLAKE: Field = Field { name: "flake", must: "the id or the path of a flake", json: "string", required: true };

macro_rules! commands {
    ($($name:literal $fields:expr, $run:expr, $doc:literal;)+) => {
        /// Every published command, in the order of the documentation.
        pub const COMMANDS: &[Published] = &[$(Published { name: $name, doc: $doc, fields: $fields, run: $run }),+];
    };
}

// What activates a configuration, builds or starts a program is not done for the wire: it has no `run`.
commands! {
    "flake.scan" &[PATH], Some((scan, "scan")), "Look at the flakes below a path and record what changed.";
    "flake.forget" &[FLAKE], Some((forget, "forget_flake")), "Watch a flake no longer; its history stays.";
    "flake.create" write::CREATE, Some((write::create, "new_flake")), "Make a directory with a flake in it, from the skeleton of `flake new`.";
    "flake.update" &[], None, "Update a flake's lock: that takes Nix, which nothing starts over the wire.";
    "flake.add_input" write::ADD_INPUT, Some((write::add_input, "add_input")), "Add an input to a flake; its lock is left alone.";
    "flake.remove_input" write::REMOVE_INPUT, Some((write::remove_input, "remove_input")), "Take an input out of a flake; its lock is left alone.";
    "package.build" &[], None, "Build a package.";
    "package.cache" &[], None, "Put a package into a cache.";
    "module.create" &[], None, "Make a module.";
    "module.update" &[], None, "Change a module.";
    "module.delete" &[], None, "Delete a module.";
    "overlay.create" &[], None, "Make an overlay.";
    "overlay.update" &[], None, "Change an overlay.";
    "overlay.delete" &[], None, "Delete an overlay.";
    "config.create" &[], None, "Make a configuration.";
    "config.update" &[], None, "Change a configuration.";
    "config.activate" &[], None, "Activate a configuration: a person's deed on the machine itself, never the wire's.";
    "config.rollback" &[], None, "Go back to an earlier generation: a person's deed on the machine itself, never the wire's.";
}

/// Does a command, or says why not.
pub(super) fn run(desk: &Desk, asked: &Asked) -> Result<Value, Refusal> {
    asked.refuse_unfit()?;
    let known = COMMANDS.iter().find(|command| command.name == asked.what);
    let known =
        known.ok_or_else(|| Refusal::rejected("unknown_command", format!("there is no command {}", asked.what)))?;
    let Some((run, name)) = known.run else {
        let why = match known.name {
            "config.activate" | "config.rollback" => {
                "not supported over the wire: a person activates, on the machine itself"
            }
            "flake.update" => "not supported over the wire: it takes Nix, which nothing starts over the wire",
            _ => "not supported",
        };
        return Err(Refusal::rejected("not_supported", why));
    };
    // Who writes waits for whoever does: the same command twice at once is done once.
    let writes = write::NAMES.contains(&name);
    let _turn = writes.then(|| desk.turn());
    if let Some(repeated) = repeated(desk, asked, name)? {
        return Ok(repeated);
    }
    if !desk.allows(known.name) {
        refuse_foreign(desk, asked, known)?;
        return Err(Refusal::rejected(
            "not_allowed",
            format!("this machine does not accept {} from others", known.name),
        ));
    }
    validate(asked, known.fields)?;
    let message = run(desk, asked, &command(desk, asked, name))?;
    if writes {
        // What is new below a shared root is shared before its events are told.
        consent::follow(&desk.session)?;
    }
    let events = events_of(desk, &asked.identity)?;
    Ok(reply::accepted(asked, &message, &events, false))
}

/// Whose flake it is does not depend on what this machine accepts: who may be asked is told all the same.
fn refuse_foreign(desk: &Desk, asked: &Asked, known: &Published) -> Result<(), Refusal> {
    if !known.fields.iter().any(|field| field.name == FLAKE.name) {
        return Ok(());
    }
    match desk.read(|reader| view::flake(reader, text(asked, FLAKE.name), At::Now)) {
        Ok(flake) if flake.origin != desk.session.store.origin().public_key => Err(Refusal::owned_by(&flake.origin)),
        _ => Ok(()),
    }
}

/// The same command again has no effect again.
fn repeated(desk: &Desk, asked: &Asked, name: &str) -> Result<Option<Value>, Refusal> {
    let id = asked.identity.message_id.uuid();
    if !asked.named {
        return Ok(None);
    }
    let Some((before, conversation)) = desk.read(|reader| reader.command_before(id))? else { return Ok(None) };
    if before != name {
        return Err(Refusal::invalid("message_id", "the id of no other command that was done before"));
    }
    let events = events_of(desk, &asked.identity)?;
    let mut reply = reply::accepted(asked, "it was done before", &events, true);
    // Who asks again need not know the conversation that its events are of.
    reply["correlation_id"] = serde_json::json!(conversation.to_string());
    Ok(Some(reply))
}

/// The shared events that a command brought about: its own, and those of the commands that it caused.
fn events_of(desk: &Desk, identity: &MessageIdentity) -> Result<Vec<String>, Refusal> {
    let ids = desk.read(|reader| reader.caused_by(identity))?;
    Ok(ids.into_iter().map(|id| id.to_string()).collect())
}

/// Checks the fields of a request against its table.
pub(super) fn validate(asked: &Asked, fields: &[Field]) -> Result<(), Refusal> {
    if asked.fields.is_none() {
        return Err(asked.refuse_body());
    }
    for field in fields {
        let fits = match (asked.field(field.name), field.json) {
            (None, _) => !field.required,
            (Some(value), "string") => value.as_str().is_some_and(|text| !text.is_empty()),
            (Some(value), "integer") => value.as_u64().is_some_and(|number| number > 0),
            (Some(value), _) => value.is_boolean(),
        };
        if !fits {
            return Err(Refusal::invalid(field.name, field.must));
        }
    }
    Ok(())
}

fn text<'a>(asked: &'a Asked, name: &str) -> &'a str {
    asked.field(name).and_then(Value::as_str).unwrap_or_default()
}

fn scan(desk: &Desk, asked: &Asked, command: &Command) -> Result<String, Refusal> {
    let place = confined(desk, Path::new(text(asked, "path")))?;
    let below = place.path().to_owned();
    let forgotten = desk.read(Reader::forgotten)?.into_iter().any(|(forgotten, _)| forgotten == place.path());
    if scan::scan_inside(&desk.session, &[place], &desk.scan, command.clone(), &desk.halted)?.interrupted {
        let why =
            "the service stops before the end of the scan; what was seen by then is recorded, ask again for the rest";
        return Err(Refusal::rejected("stopping", why));
    }
    // What was found is shared before it is counted. What private roots inside hold was looked at, and is not counted.
    consent::follow(&desk.session)?;
    let flakes = desk.read(|reader| view::flakes(reader, Whose::Own, At::Now))?;
    let seen = flakes.iter().filter(|flake| flake.path.to_path().starts_with(&below)).count();
    let passed_over = if forgotten { "; the flake at that path was forgotten and is passed over" } else { "" };
    let flakes = if seen == 1 { "flake" } else { "flakes" };
    Ok(format!("{seen} {flakes} seen{passed_over}"))
}

fn forget(desk: &Desk, asked: &Asked, command: &Command) -> Result<String, Refusal> {
    let flake = desk.read(|reader| view::flake(reader, text(asked, "flake"), At::Now))?;
    if flake.origin != desk.session.store.origin().public_key {
        return Err(Refusal::owned_by(&flake.origin));
    }
    match forget::forget_as(&desk.session, flake.id, command.clone())? {
        Some(path) => Ok(format!("{path} is forgotten")),
        None => Err(Refusal::rejected("refused", format!("{} is not there any more", flake.path))),
    }
}

/// The command as it is recorded: with the asker's identity, and the asker's name marked as theirs.
fn command(desk: &Desk, asked: &Asked, name: &'static str) -> Command {
    let actor = asked.actor.as_deref().unwrap_or("somebody");
    Command {
        id: asked.identity.message_id.uuid(),
        name,
        identity: asked.identity,
        actor: format!("bus:{actor} ({})", desk.session.who.actor()),
        result: serde_json::json!({ "bus": true }),
    }
}

/// The directory, when a shared root decides for it and scans come by: nothing else is looked at for others, and what else there is
/// they do not learn.
fn confined(desk: &Desk, path: &Path) -> Result<Inside, Refusal> {
    if !path.is_absolute() {
        return Err(Refusal::invalid("path", PATH.must));
    }
    // A way that leads out and back would tell what lies beside it.
    if path.components().any(|component| component == Component::ParentDir) {
        return Err(outside());
    }
    let place = desk.read(|reader| -> Result<_, StoreError> {
        let Some(place) = roots::inside(reader, path)? else { return Ok(None) };
        Ok(covers(reader, place.path())?.then_some(place))
    })?;
    let place = place.ok_or_else(outside)?;
    if is_seen(desk, place.path())? { Ok(place) } else { Err(left_out()) }
}

/// Whether a place may be shared, and no private root was renamed to it or around it since the last scan.
fn covers(reader: &Reader, place: &Path) -> Result<bool, StoreError> {
    Ok(consent::covers(reader, place)? && !is_kept(reader, place)?)
}

/// Whether a scan of everything comes by.
fn is_seen(desk: &Desk, path: &Path) -> Result<bool, Refusal> {
    let roots: Vec<PathBuf> = desk.read(Reader::roots)?.into_iter().map(|root| root.path).collect();
    Ok(explain(path, &roots, &desk.scan.excludes)?.verdict == Verdict::Seen)
}

fn outside() -> Refusal {
    Refusal::rejected("outside_roots", "the path lies below no root that this machine shares")
}

/// By which rule is this machine's business.
fn left_out() -> Refusal {
    Refusal::rejected("refused", "scans of this machine leave that path out")
}
