//! Taking an export in: into a new ledger, which becomes the one that was exported, or the events that are missing at
//! the end of the same one. Every payload and every link is proved on the way; all of it is stored, or nothing.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::chain::{self, Chain, GENESIS, Hash};
use super::erase;
use super::error::{Named, StoreError};
use super::export::{Header, Line, SCHEMA};
use super::local::{self, LocalNote};
use super::log::Recorded;
use super::log::append::{self, Place};
use super::open::Store;
use super::origin;
use super::projection;
use super::remote;
use super::shape::ERASED;
use crate::domain::catalogue::Event;
use crate::domain::flake::event::FlakeEvent;

mod envelope;

mod outbox;

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// How many events were new.
    pub stored: i64,
    /// How many were there already, and the same.
    pub known: i64,
    /// Whether an empty ledger became the exported one. Its key must be put beside it before it can sign.
    pub adopted: bool,
}

/// How many events go through the read model at once.
const CHUNK: usize = 1000;
/// What every database begins with.
const DATABASE: &[u8] = b"SQLite format 3\0";

impl Store {
    /// Takes an export in. The store is used up: an empty ledger becomes the exported one, with its origin.
    ///
    /// # Errors
    /// [`StoreError::Import`] names the line: a foreign export, a line that is not what its links say, an event that
    /// differs from ours. [`StoreError::OriginChanged`] when this ledger is another's by now. Nothing is stored then.
    pub fn import(self, export: &Path) -> Result<Imported, StoreError> {
        self.import_opened(Export::open(export)?)
    }

    /// The same, of one that is open already.
    ///
    /// # Errors
    /// As [`Self::import`].
    pub fn import_opened(self, export: Export) -> Result<Imported, StoreError> {
        let (path, ours) = (self.path().to_owned(), self.origin().clone());
        let imported = self.with_connection(move |connection| {
            let transaction = ours.begin(connection, &path)?;
            let mut import = Import::begin(&transaction, &path, export, &ours.public_key)?;
            import.lines()?;
            let imported = import.end()?;
            transaction.commit().named(&path)?;
            Ok(imported)
        })?;
        // What was taken in is stored by now.
        self.go_on_with_erasure();
        if imported.adopted {
            // The key of the origin that was never used stays, under its name.
            origin::set_key_aside(self.path())?;
        }
        Ok(imported)
    }

    /// Whether an export is of another ledger, which this one would become.
    pub fn is_of_another(&self, export: &Export) -> bool {
        export.header.origin != self.origin().public_key
    }
}

/// An export whose first line was read. It is opened once: a pipe gives its lines to whoever reads them first.
#[derive(Debug)]
pub struct Export {
    from: PathBuf,
    header: Header,
    reader: BufReader<File>,
}

impl Export {
    /// Opens an export and reads its first line.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn open(from: &Path) -> Result<Self, StoreError> {
        let file = File::open(from).map_err(|error| StoreError::file("read", from, error))?;
        Self::read(from, file)
    }

    /// Reads the first line of an open export; `from` is its name in errors.
    ///
    /// # Errors
    /// [`StoreError::Import`] and [`StoreError::NoExport`] when it is no export, and when it cannot be read.
    pub fn read(from: &Path, file: File) -> Result<Self, StoreError> {
        let mut reader = BufReader::new(file);
        if reader.fill_buf().is_ok_and(|begin| begin.starts_with(DATABASE)) {
            return Err(StoreError::NoExport { path: from.to_owned() });
        }
        let mut text = String::new();
        read_line(&mut reader, &mut text, (from, 1))?;
        let refuse = |why: String| StoreError::Import { path: from.to_owned(), line: 1, why };
        let header: Header =
            serde_json::from_str(&text).map_err(|error| refuse(format!("this is no export of a ledger ({error})")))?;
        if header.schema != SCHEMA {
            return Err(refuse(format!("its schema is {}, this cim-nix reads {SCHEMA}", header.schema)));
        }
        Ok(Self { from: from.to_owned(), header, reader })
    }
}

/// An event whose payload the export does not hold, and its line there.
struct Blank {
    line: usize,
    position: i64,
    named: (i64, Uuid),
    content: Hash,
}

struct Import<'a> {
    connection: &'a rusqlite::Connection,
    path: &'a Path,
    from: PathBuf,
    reader: BufReader<File>,
    header: Header,
    keys: HashMap<String, i64>,
    line: usize,
    /// The position and link of the last line.
    last: (i64, Hash),
    /// Our newest event before the import.
    head: i64,
    /// What the export says was shared.
    shared: Vec<outbox::Shared>,
    fresh: Vec<Recorded>,
    /// What is blank in the export.
    blank: Vec<Blank>,
    /// By stream, where our flakes are that were forgotten last, and since when.
    forgotten: BTreeMap<String, LocalNote>,
    imported: Imported,
}

impl<'a> Import<'a> {
    fn begin(
        connection: &'a rusqlite::Connection,
        path: &'a Path,
        Export { from, header, reader }: Export,
        our_key: &str,
    ) -> Result<Self, StoreError> {
        let head =
            connection.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0)).named(path)?;
        let adopted = header.origin != our_key;
        if adopted && head > 0 {
            let why = format!(
                "it is the ledger of origin {}, this one is {our_key}; import it into a new file",
                header.origin
            );
            return Err(StoreError::Import { path: from, line: 1, why });
        }
        let mut import = Self {
            connection,
            path,
            from,
            reader,
            keys: HashMap::new(),
            line: 1,
            last: (0, GENESIS),
            head,
            shared: Vec::new(),
            fresh: Vec::new(),
            blank: Vec::new(),
            forgotten: BTreeMap::new(),
            imported: Imported { stored: 0, known: 0, adopted },
            header,
        };
        import.origins().named(path)?;
        Ok(import)
    }

    /// Makes the origins of the export ours, its own in the place of one that was never used.
    fn origins(&mut self) -> rusqlite::Result<()> {
        for origin in &self.header.origins {
            let values = params![origin.public_key, origin.host, origin.user, origin.created_at];
            if self.imported.adopted && origin.public_key == self.header.origin {
                self.connection.execute(
                    "UPDATE origins SET public_key = ?1, host = ?2, user = ?3, created_at = ?4 WHERE is_self = 1",
                    values,
                )?;
                self.connection
                    .execute("UPDATE meta SET value = ?1 WHERE key = 'ledger_id'", [&self.header.ledger_id])?;
                remote::set_restored(self.connection)?;
            } else {
                self.connection.execute(
                    "INSERT INTO origins (public_key, host, user, created_at) VALUES (?1, ?2, ?3, ?4) \
                     ON CONFLICT (public_key) DO NOTHING",
                    values,
                )?;
            }
        }
        // Of others, their events tell.
        let mut heir = &self.header.origin;
        for _ in &self.header.origins {
            let before = self.header.origins.iter().find(|origin| origin.public_key == *heir);
            let Some(old) = before.and_then(|origin| origin.succeeds.as_ref()) else { break };
            origin::heir::goes_on(self.connection, heir, old)?;
            heir = old;
        }
        let mut statement = self.connection.prepare("SELECT public_key, id FROM origins")?;
        self.keys = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        Ok(())
    }

    fn lines(&mut self) -> Result<(), StoreError> {
        let mut text = String::new();
        loop {
            text.clear();
            if read_line(&mut self.reader, &mut text, (&self.from, self.line + 1))? == 0 {
                break;
            }
            self.line += 1;
            let line: Line = serde_json::from_str(&text).map_err(|error| self.refuse(error.to_string()))?;
            self.take(line)?;
        }
        self.flush()
    }

    /// Proves one line and stores it, if it is new.
    fn take(&mut self, line: Line) -> Result<(), StoreError> {
        let (shared, erasure) = (line.shared.clone(), line.erasure.clone());
        let event = envelope::read(line, &self.keys).map_err(|why| self.refuse(why))?;
        if event.position != self.last.0 + 1 {
            return Err(self.refuse(format!("event {} follows event {}", event.position, self.last.0)));
        }
        let key = self.key_of(event.origin);
        if chain::link(Chain::Local, &self.last.1, &event.envelope(&key)) != event.chain {
            return Err(self.refuse(format!("event {} is not what its link says", event.position)));
        }
        self.last = (event.position, event.chain);
        if let Some(shared) = shared {
            let chain = envelope::hash(&shared.chain).map_err(|why| self.refuse(why))?;
            self.shared.push(outbox::Shared { origin: event.origin, seq: shared.seq, position: event.position, chain });
        }
        let position = event.position;
        let is_blank = event.is_erased() && chain::content(ERASED) != event.content;
        if is_blank {
            let named = (event.origin, event.event_id.uuid());
            self.blank.push(Blank { line: self.line, position, named, content: event.content });
        }
        if position <= self.head {
            self.compare(&event)?;
        } else {
            self.store(event)?;
        }
        if let Some(signature) = erasure.filter(|_| is_blank) {
            let signature = envelope::signature(&signature).map_err(|why| self.refuse(why))?;
            erase::keep_signature(self.connection, position, &signature).named(self.path)?;
        }
        Ok(())
    }

    /// An event that is here already must be the same one.
    fn compare(&mut self, event: &Recorded) -> Result<(), StoreError> {
        let ours: Option<Hash> = self
            .connection
            .prepare_cached("SELECT chain FROM events WHERE position = ?1")
            .and_then(|mut statement| statement.query_row([event.position], |row| row.get(0)).optional())
            .named(self.path)?;
        if ours != Some(event.chain) {
            let why =
                format!("event {} is another one here: both ledgers went on after a copy was made", event.position);
            return Err(self.refuse(why));
        }
        self.imported.known += 1;
        if event.is_erased() {
            self.erase(event.position).named(self.path)?;
        }
        Ok(())
    }

    /// Blanks an event that was erased where the export was made.
    fn erase(&self, position: i64) -> rusqlite::Result<()> {
        let sql = format!("SELECT {} FROM events WHERE position = ?1", Recorded::COLUMNS);
        let ours = self.connection.prepare_cached(&sql)?.query_row([position], Recorded::from_row)?;
        // What time it is, is not known here: a process that runs may go on with it at once.
        erase::blank_own_here(self.connection, position, 0)?;
        if ours.is_erased() || self.key_of(ours.origin) != self.header.origin {
            return Ok(());
        }
        local::unlearn::unlearn(self.connection, &ours).map(drop)
    }

    fn store(&mut self, event: Recorded) -> Result<(), StoreError> {
        let key = self.key_of(event.origin);
        let origin = origin::Origin { id: event.origin, public_key: key, host: String::new(), user: String::new() };
        let place = Place { connection: self.connection, path: self.path, origin: &origin };
        let version: Option<i64> = place
            .cached("SELECT version FROM streams WHERE stream = ?1")?
            .query_row([&event.stream], |row| row.get(0))
            .optional()
            .named(self.path)?;
        if version.unwrap_or(0).cast_unsigned() + 1 != event.version {
            let why = format!(
                "{} is at version {}, event {} is its {}",
                event.stream,
                version.unwrap_or(0),
                event.position,
                event.version
            );
            return Err(self.refuse(why));
        }
        append::insert(&place, &event)?;
        append::advance(&place, &event.stream, event.version)?;
        origin::heir::learn(self.connection, &place.origin.public_key, &event).named(self.path)?;
        if place.origin.public_key == self.header.origin {
            self.remember(&event);
        }
        self.imported.stored += 1;
        self.fresh.push(event);
        if self.fresh.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// What scans pass over is no event: it follows from what was forgotten last.
    fn remember(&mut self, event: &Recorded) {
        if let Ok(Event::Flake(told)) = event.event() {
            match told {
                FlakeEvent::Forgotten { directory } => {
                    let note = LocalNote::Forget { path: directory.to_path(), at: event.occurred_at };
                    self.forgotten.insert(event.stream.clone(), note);
                }
                _ => drop(self.forgotten.remove(&event.stream)),
            }
        }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        projection::apply_all(self.connection, &self.fresh)?;
        self.fresh.clear();
        Ok(())
    }

    fn end(mut self) -> Result<Imported, StoreError> {
        let head = envelope::hash(&self.header.head).map_err(|why| self.refuse(why))?;
        if self.last != (self.header.events, head) {
            let (last, promised) = (self.last.0, self.header.events);
            let why = match last.cmp(&promised) {
                Ordering::Less => format!("it ends at event {last}, its header promises {promised}: it was cut off"),
                Ordering::Equal => {
                    format!("event {last} is not the one that its header ends with: one of them was changed")
                }
                Ordering::Greater => {
                    format!("it ends at event {last}, its header promises {promised}: the header was changed")
                }
            };
            return Err(self.refuse(why));
        }
        self.prove_blank()?;
        for note in self.forgotten.values() {
            local::apply(self.connection, note).named(self.path)?;
        }
        // Only by now it is known what this ledger was before its forks.
        origin::heir::hear_nothing_of_own(self.connection).named(self.path)?;
        origin::heir::retire_own(self.connection).named(self.path)?;
        let shared = std::mem::take(&mut self.shared);
        let keys = &self.keys;
        outbox::store(self.connection, self.path, keys, shared)?.map_err(|why| self.refuse(why))?;
        Ok(self.imported)
    }

    /// What is blank was erased by its origin, which says so here or in the export: links cover no payload.
    fn prove_blank(&mut self) -> Result<(), StoreError> {
        if self.blank.is_empty() {
            return Ok(());
        }
        let said = erase::said(self.connection).named(self.path)?;
        let proved = |blank: &Blank| said.get(&blank.named) == Some(&chain::content_text(&blank.content));
        if let Some(blank) = self.blank.iter().find(|blank| !proved(blank)) {
            self.line = blank.line;
            return Err(self.refuse(format!(
                "the payload of event {} is blank, and no event says that it was erased",
                blank.position
            )));
        }
        Ok(())
    }

    fn key_of(&self, origin: i64) -> String {
        key_of(&self.keys, origin).to_owned()
    }

    fn refuse(&self, why: String) -> StoreError {
        StoreError::Import { path: self.from.clone(), line: self.line, why }
    }
}

/// Reads a line; how many bytes it has.
fn read_line(reader: &mut impl BufRead, text: &mut String, (from, line): (&Path, usize)) -> Result<usize, StoreError> {
    reader.read_line(text).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => {
            StoreError::Import { path: from.to_owned(), line, why: "this is no text".to_owned() }
        }
        _ => StoreError::file("read", from, error),
    })
}

fn key_of(keys: &HashMap<String, i64>, origin: i64) -> &str {
    keys.iter().find(|(_, id)| **id == origin).map_or("", |(key, _)| key)
}
