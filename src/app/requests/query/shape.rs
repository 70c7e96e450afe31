//! What queries answer: every field with its type, from which the JSON Schema of each result is made.

use serde_json::{Map, Value, json};

/// An object in a result.
#[derive(Debug)]
pub struct Shape {
    /// The object whose fields it has as well.
    base: Option<&'static Self>,
    fields: &'static [Field],
}

/// A field of an object.
#[derive(Debug)]
struct Field {
    name: &'static str,
    kind: Kind,
    doc: &'static str,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    MaybeText,
    Names,
    Count,
    MaybeCount,
    Flag,
    Time,
    MaybeTime,
    /// An attribute set as Nix has it, or null.
    Attributes,
    One(&'static Shape),
    Many(&'static Shape),
    /// Many, or the word `unknown`.
    ManyOrUnknown(&'static Shape),
    /// Any of some, or null; only some items have the field.
    Seen(&'static [&'static Shape]),
}

use Kind::{
    Attributes, Count, Flag, Many, ManyOrUnknown, MaybeCount, MaybeText, MaybeTime, Names, One, Seen, Text, Time,
};

macro_rules! shapes {
    ($($(#[$doc:meta])* $shape:ident $(: $base:ident)? = { $($name:literal $kind:expr, $text:literal;)+ })+) => {
        $($(#[$doc])* pub(super) const $shape: Shape = Shape {
            base: shapes!(@base $($base)?),
            fields: &[$(Field { name: $name, kind: $kind, doc: $text }),+],
        };)+
    };
    (@base) => { None };
    (@base $base:ident) => { Some(&$base) };
}

shapes! {
    /// A flake in a list.
    LISTED = {
        "id" Text, "the flake";
        "origin" Text, "the machine that has it";
        "path" Text, "its directory there";
        "description" MaybeText, "as it is written";
        "lineage" MaybeText, "what it shares with its copies on other machines";
        "inputs_count" Count, "declared inputs";
        "lock_nodes" Count, "nodes of its lock";
        "problems" MaybeCount, "open problems that are shared; null when its machine keeps those of its flakes";
        "changed_at" Time, "when it was seen to change last";
    }
    /// Whose something is.
    OWNER = {
        "id" Text, "the flake";
        "origin" Text, "the machine that has it";
        "path" Text, "its directory there";
    }
    /// An input.
    INPUT = {
        "name" Text, "the input";
        "url" MaybeText, "as it is written";
        "attrs" Attributes, "the reference, when it is written as attributes";
        "follows" MaybeText, "the input that it is";
        "flake" Flag, "whether it is a flake";
        "locked" Attributes, "what the lock pins it to";
        "node" MaybeText, "its lock node";
    }
    /// An output.
    OUTPUT = {
        "path" Text, "the attribute path";
        "unknown" MaybeText, "why names below it cannot be known without evaluation";
    }
    /// A flake alone.
    FLAKE: LISTED = {
        "inputs" Many(&INPUT), "its inputs";
        "outputs" Many(&OUTPUT), "its outputs";
    }
    /// The inputs of a flake.
    INPUTS = {
        "inputs" Many(&INPUT), "in the order of their names";
    }
    /// What a scan saw in the modules of a configuration.
    HOST = {
        "system" MaybeText, "the platform";
        "modules" Names, "its modules";
        "users" Names, "its users";
        "services" Names, "its services";
        "unknown" Names, "what cannot be known without evaluation";
        "left_out" Count, "names that were too many";
        "since" Time, "since when it is so";
    }
    /// A file that is a module.
    MODULE = {
        "kind" Text, "of what it is a module";
        "declared" Count, "options it declares";
        "defined" Count, "options it defines";
        "imports" Count, "modules it imports";
        "left_out" Count, "names that were too many";
        "since" Time, "since when it is so";
    }
    /// A file that is an overlay.
    OVERLAY = {
        "adds" Names, "the packages it adds or changes";
        "left_out" Count, "names that were too many";
        "since" Time, "since when it is so";
    }
    /// Something that a flake has.
    ITEM = {
        "name" Text, "its last name";
        "path" Text, "its attribute path, or its file's";
        "unknown" MaybeText, "why more cannot be known without evaluation";
        "flake" One(&OWNER), "whose it is";
        "seen" Seen(&[&HOST, &MODULE, &OVERLAY]), "what scans saw of it; null when nothing";
    }
    /// All of a name.
    ITEMS = {
        "items" Many(&ITEM), "every one of that name";
    }
    /// A page of items.
    ITEM_PAGE = {
        "items" Many(&ITEM), "this page";
        "next" MaybeText, "`after` for the next page; null on the last";
        "total" Count, "items on all pages";
    }
    /// A page of flakes.
    FLAKE_PAGE = {
        "items" Many(&LISTED), "this page";
        "next" MaybeText, "`after` for the next page; null on the last";
        "total" Count, "items on all pages";
    }
    /// Whether a package is built.
    STATUS: ITEMS = {
        "status" Text, "`unknown` where no build was seen";
        "why" Text, "in a sentence";
    }
    /// A generation.
    GENERATION = {
        "origin" Text, "the machine";
        "profile" Text, "the profile's link";
        "generation" Count, "its number";
        "store_path" Text, "what it is";
        "version" MaybeText, "of NixOS or Home Manager";
        "revision" MaybeText, "of nixpkgs";
        "configuration" MaybeText, "the revision of the configuration";
        "rolled_back" Flag, "whether it came by going back";
        "since" Time, "since when it ran";
        "until" MaybeTime, "until when; null while it runs";
    }
    /// How fresh a machine's part of an answer is.
    FRESHNESS = {
        "origin" Text, "the machine";
        "machine" MaybeText, "its name";
        "recorded_at" MaybeTime, "when its last event that is shared and here was recorded";
        "own" Flag, "whether it is the machine that answers";
    }
    /// The generations of a configuration.
    GENERATIONS: ITEMS = {
        "generations" ManyOrUnknown(&GENERATION), "oldest first; `unknown` when none is known";
        "why" Text, "in a sentence";
    }
}

impl Shape {
    /// Its JSON Schema.
    pub(crate) fn schema(&self) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in self.fields() {
            if !matches!(field.kind, Seen(_)) {
                required.push(json!(field.name));
            }
            let mut schema = field.kind.schema();
            schema["description"] = json!(field.doc);
            properties.insert(field.name.to_owned(), schema);
        }
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": true })
    }

    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.base.iter().flat_map(|base| base.fields.iter()).chain(self.fields)
    }
}

impl Kind {
    fn schema(self) -> Value {
        let many = |shape: &Shape| json!({ "type": "array", "items": shape.schema() });
        match self {
            Text => json!({ "type": "string" }),
            MaybeText => json!({ "type": ["string", "null"] }),
            Names => json!({ "type": "array", "items": { "type": "string" } }),
            Count => json!({ "type": "integer", "minimum": 0 }),
            MaybeCount => json!({ "type": ["integer", "null"], "minimum": 0 }),
            Flag => json!({ "type": "boolean" }),
            Time => json!({ "type": "string", "format": "date-time" }),
            MaybeTime => json!({ "type": ["string", "null"], "format": "date-time" }),
            Attributes => json!({ "type": ["object", "null"] }),
            One(shape) => shape.schema(),
            Many(shape) => many(shape),
            ManyOrUnknown(shape) => json!({ "anyOf": [many(shape), { "const": "unknown" }] }),
            Seen(shapes) => {
                let mut any: Vec<Value> = shapes.iter().map(|shape| shape.schema()).collect();
                any.push(json!({ "type": "null" }));
                json!({ "anyOf": any })
            }
        }
    }
}
