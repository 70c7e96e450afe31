//! Where the exchange with a remote stands, and who of many processes does it. Plain local rows, not events.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::chain::Hash;
use super::error::{Named, StoreError};
use super::open::Store;
use super::reader::Reader;

/// No lease lasts longer, in microseconds. One that would was taken by a clock that was ahead and has been set since: it is nobody's.
pub(super) const LONGEST_LEASE_US: i64 = 60_000_000;

/// The names of two local times: of the last question whether all is synchronised, and of the last that was tried for.
const ASKED: &str = "sync_asked";
const TRIED: &str = "sync_tried";

/// The name of a local text: the holes of the remote in which nothing of this origin is missing, or was sent again.
const LOOKED_INTO: &str = "sync_holes";

/// In `meta` from when a ledger was restored, or became an origin that was another's, until the remote was asked what it holds: what
/// was shared since the backup may have the places of what would be shared next.
const RESTORED: &str = "restored";

/// Where the exchange with a remote stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remote {
    /// Which creation of the remote's stream the numbers are about; another one is another stream.
    pub epoch: Option<String>,
    /// The last of our shared events that the remote has acknowledged.
    pub acked: i64,
    /// The remote's own number of that message: what the next publish is fenced by.
    pub fence: u64,
    /// The last of the remote's messages that was taken in.
    pub taken: u64,
    /// Where delivery stands.
    pub status: Status,
    /// When nothing was left to send or take last, in microseconds since 1970 UTC.
    pub synced_at: Option<i64>,
    /// When this was written, likewise.
    pub updated_at: i64,
}

/// Where delivery stands, for whoever wants to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The name of the delivery state.
    pub state: String,
    /// Why it is blocked.
    pub reason: Option<String>,
    /// How many attempts failed since one worked.
    pub attempts: u32,
    /// When the next one is made, in microseconds since 1970 UTC.
    pub next_attempt_at: Option<i64>,
    /// What went wrong last; none when the last attempt worked.
    pub last_error: Option<String>,
    /// The server, by name and version.
    pub server: Option<String>,
    /// Since when it is connected, in microseconds since 1970 UTC.
    pub connected_since: Option<i64>,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            state: "disabled".to_owned(),
            reason: None,
            attempts: 0,
            next_attempt_at: None,
            last_error: None,
            server: None,
            connected_since: None,
        }
    }
}

/// What the user agrees to, beside roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// To synchronise.
    Sync,
    /// To share the problems that were found below shared roots as well.
    Findings,
    /// To share the generations and channels of this machine.
    System,
}

impl Agreement {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Sync, Self::Findings, Self::System];

    /// Its name in `meta`.
    const fn key(self) -> &'static str {
        match self {
            Self::Sync => "sync_enabled",
            Self::Findings => "findings_shared",
            Self::System => "system_shared",
        }
    }
}

/// What the remote holds of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// The last of our shared events that it holds.
    pub seq: i64,
    /// Its own number of that message.
    pub fence: u64,
}

/// The end of a shared chain, with the signature of its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// The last event that is signed for.
    pub seq: i64,
    /// Its link in the shared chain.
    pub chain: Hash,
    /// The origin's signature of both, 64 bytes.
    pub signature: Vec<u8>,
}

/// A lease, and who says that it is theirs.
#[derive(Debug, Clone, Copy)]
pub struct Lease<'a> {
    /// What only one process does at a time.
    pub name: &'a str,
    /// The process.
    pub holder: &'a str,
}

impl Reader {
    /// Where the exchange with a remote stands; as at the beginning when there never was one.
    pub fn remote(&self, name: &str) -> Result<Remote, StoreError> {
        read(self, name).named(self.path())
    }

    /// Whether the user agreed to synchronise.
    pub fn is_sync_enabled(&self) -> Result<bool, StoreError> {
        has_agreed(self, Agreement::Sync).named(self.path())
    }

    /// Whether the user agreed to share the problems that were found below shared roots as well.
    pub fn are_findings_shared(&self) -> Result<bool, StoreError> {
        has_agreed(self, Agreement::Findings).named(self.path())
    }

    /// Whether the user agreed to share the generations and channels of this machine.
    pub fn is_system_shared(&self) -> Result<bool, StoreError> {
        has_agreed(self, Agreement::System).named(self.path())
    }

    /// When somebody asked last whether all is synchronised, in microseconds since 1970 UTC; zero when nobody did.
    pub fn asked_whether_synced(&self) -> Result<i64, StoreError> {
        self.time(ASKED)
    }

    /// The last such question after which it was tried, and could not be done.
    pub fn tried_since_asked(&self) -> Result<i64, StoreError> {
        self.time(TRIED)
    }

    /// The holes that were looked into last; none when nobody has looked.
    pub fn looked_into(&self) -> Result<Option<String>, StoreError> {
        self.text(LOOKED_INTO)
    }

    fn time(&self, of: &str) -> Result<i64, StoreError> {
        Ok(self.text(of)?.and_then(|text| text.parse().ok()).unwrap_or_default())
    }

    fn text(&self, of: &str) -> Result<Option<String>, StoreError> {
        self.prepare_cached("SELECT value FROM meta WHERE key = ?1")
            .and_then(|mut statement| statement.query_row([of], |row| row.get(0)).optional())
            .named(self.path())
    }

    /// Who holds a lease now.
    pub fn lease_holder(&self, name: &str, now: i64) -> Result<Option<String>, StoreError> {
        let latest = now.saturating_add(LONGEST_LEASE_US);
        self.prepare_cached("SELECT holder FROM leases WHERE name = ?1 AND expires_at > ?2 AND expires_at <= ?3")
            .and_then(|mut statement| statement.query_row(params![name, now, latest], |row| row.get(0)).optional())
            .named(self.path())
    }
}

impl Store {
    /// Writes down where delivery stands.
    pub fn set_status(&self, remote: &str, status: Status, at: i64) -> Result<(), StoreError> {
        let remote = remote.to_owned();
        self.write(move |place| {
            place
                .cached(
                    "INSERT INTO remotes (name, state, reason, attempts, next_attempt_at, last_error, server, \
                     connected_since, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
                     ON CONFLICT (name) DO UPDATE SET state = excluded.state, reason = excluded.reason, \
                     attempts = excluded.attempts, next_attempt_at = excluded.next_attempt_at, \
                     last_error = excluded.last_error, server = excluded.server, \
                     connected_since = excluded.connected_since, updated_at = excluded.updated_at",
                )?
                .execute(params![
                    remote,
                    status.state,
                    status.reason,
                    status.attempts,
                    status.next_attempt_at,
                    status.last_error,
                    status.server,
                    status.connected_since,
                    at
                ])
                .named(place.path)
                .map(drop)
        })
    }

    /// Writes down what the remote holds of ours, with the head that was signed for it; false, and nothing is written,
    /// when another process holds the lease by now: what this one saw may be older than what that one did since.
    pub fn set_acknowledged(
        &self,
        remote: &str,
        held: Acknowledged,
        signed: Option<SignedHead>,
        lease: Lease<'_>,
        at: i64,
    ) -> Result<bool, StoreError> {
        let remote = remote.to_owned();
        let (name, holder) = (lease.name.to_owned(), lease.holder.to_owned());
        // Lost, the exchange is asked what it holds, as after any other outcome that is not known.
        self.write_relaxed(move |place| {
            let elsewhere = place
                .cached("SELECT EXISTS (SELECT 1 FROM leases WHERE name = ?1 AND holder <> ?2)")?
                .query_row(params![name, holder], |row| row.get::<_, bool>(0))
                .named(place.path)?;
            if elsewhere {
                return Ok(false);
            }
            place
                .cached(
                    "INSERT INTO remotes (name, acked_seq, fence, updated_at) VALUES (?1, ?2, ?3, ?4) \
                     ON CONFLICT (name) DO UPDATE SET acked_seq = excluded.acked_seq, fence = excluded.fence, \
                     updated_at = excluded.updated_at",
                )?
                .execute(params![remote, held.seq, held.fence.cast_signed(), at])
                .named(place.path)?;
            if let Some(signed) = signed {
                keep_head(place.connection, place.origin.id, &signed).named(place.path)?;
            }
            Ok(true)
        })
    }

    /// Writes down that the remote was asked what it holds of this origin, and this ledger has it: what waits for that is shared by
    /// whoever follows consent next.
    pub fn set_reconciled(&self) -> Result<(), StoreError> {
        if !is_restored(&*self.reader()?).named(self.path())? {
            return Ok(());
        }
        self.write(|place| {
            place.cached("DELETE FROM meta WHERE key = ?1")?.execute([RESTORED]).named(place.path).map(drop)
        })
    }

    /// Begins to count a remote's messages anew: another creation of its stream, or one that lost messages.
    pub fn set_epoch(&self, remote: &str, epoch: &str, at: i64) -> Result<(), StoreError> {
        let (remote, epoch) = (remote.to_owned(), epoch.to_owned());
        self.write(move |place| {
            place
                .cached(
                    "INSERT INTO remotes (name, epoch, taken_seq, updated_at) VALUES (?1, ?2, 0, ?3) \
                     ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, taken_seq = 0, \
                     updated_at = excluded.updated_at",
                )?
                .execute(params![remote, epoch, at])
                .named(place.path)
                .map(drop)
        })
    }

    /// Has a remote's messages read again from one of its numbers on; what is here already is passed over.
    pub fn read_again(&self, remote: &str, from: u64, at: i64) -> Result<(), StoreError> {
        let remote = remote.to_owned();
        self.write(move |place| {
            let before = from.saturating_sub(1).min(read(place.connection, &remote).named(place.path)?.taken);
            keep_taken(place.connection, &remote, before, at).named(place.path)
        })
    }

    /// Asks whoever synchronises to say when nothing was left to send or take after this moment.
    pub fn ask_whether_synced(&self, at: i64) -> Result<(), StoreError> {
        self.set_text(ASKED, at.to_string())
    }

    /// Answers that question: it was tried since, and where delivery stands says why it could not be done.
    pub fn set_tried_since_asked(&self, asked: i64) -> Result<(), StoreError> {
        self.set_text(TRIED, asked.to_string())
    }

    /// Writes down which holes were looked into.
    pub fn set_looked_into(&self, holes: &str) -> Result<(), StoreError> {
        self.set_text(LOOKED_INTO, holes.to_owned())
    }

    fn set_text(&self, of: &'static str, text: String) -> Result<(), StoreError> {
        self.write_relaxed(move |place| {
            place
                .cached(
                    "INSERT INTO meta (key, value) VALUES (?1, ?2) \
                     ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                )?
                .execute([of, &text])
                .named(place.path)
                .map(drop)
        })
    }

    /// Writes down that nothing was left to send or take; lost, it is said again.
    pub fn set_synced(&self, remote: &str, at: i64) -> Result<(), StoreError> {
        let remote = remote.to_owned();
        self.write_relaxed(move |place| {
            place
                .cached("UPDATE remotes SET synced_at = ?2, updated_at = ?2 WHERE name = ?1")?
                .execute(params![remote, at])
                .named(place.path)
                .map(drop)
        })
    }

    /// Takes or keeps a lease until a time; false when somebody else holds it.
    pub fn lease(&self, name: &str, holder: &str, now: i64, until: i64) -> Result<bool, StoreError> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        self.write(move |place| {
            let changed = place
                .cached(
                    "INSERT INTO leases (name, holder, expires_at) VALUES (?1, ?2, ?4) \
                     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at \
                     WHERE leases.holder = excluded.holder OR leases.expires_at <= ?3 OR leases.expires_at > ?5",
                )?
                .execute(params![name, holder, now, until, now.saturating_add(LONGEST_LEASE_US)])
                .named(place.path)?;
            Ok(changed > 0)
        })
    }

    /// Gives a lease back.
    pub fn release_lease(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        self.write(move |place| {
            place
                .cached("DELETE FROM leases WHERE name = ?1 AND holder = ?2")?
                .execute([name, holder])
                .named(place.path)
                .map(drop)
        })
    }
}

/// Whether the user agreed to something.
pub(crate) fn has_agreed(connection: &Connection, to: Agreement) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM meta WHERE key = ?1 AND value = '1')")?
        .query_row([to.key()], |row| row.get(0))
}

/// Writes down whether the user agrees to something.
pub(crate) fn agree(connection: &Connection, to: Agreement, agreed: bool) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?
        .execute([to.key(), if agreed { "1" } else { "0" }])
        .map(drop)
}

/// Writes down that the remote may hold more of this origin than this ledger.
pub(crate) fn set_restored(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("INSERT INTO meta (key, value) VALUES (?1, '1') ON CONFLICT DO NOTHING", [RESTORED]).map(drop)
}

/// Whether this ledger ever met a remote, or may have: it was restored and has not asked since.
pub(crate) fn has_delivered(connection: &Connection) -> rusqlite::Result<bool> {
    let met = "SELECT EXISTS (SELECT 1 FROM remotes WHERE epoch IS NOT NULL OR acked_seq > 0)";
    Ok(connection.query_row(met, [], |row| row.get(0))? || is_restored(connection)?)
}

/// Whether the remote may hold more of this origin still.
pub(crate) fn is_restored(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM meta WHERE key = ?1)")?
        .query_row([RESTORED], |row| row.get(0))
}

/// Keeps a signed head; the same twice is no error.
pub(crate) fn keep_head(connection: &Connection, origin: i64, head: &SignedHead) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO signed_heads (origin, seq, chain, signature) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?
        .execute(params![origin, head.seq, head.chain, head.signature])
        .map(drop)
}

/// Writes down up to which of its messages a remote was taken in.
pub(crate) fn keep_taken(connection: &Connection, remote: &str, taken: u64, at: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO remotes (name, taken_seq, updated_at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (name) DO UPDATE SET taken_seq = excluded.taken_seq, updated_at = excluded.updated_at",
        )?
        .execute(params![remote, taken.cast_signed(), at])
        .map(drop)
}

fn read(connection: &Connection, name: &str) -> rusqlite::Result<Remote> {
    let row = |row: &Row<'_>| {
        Ok(Remote {
            epoch: row.get(0)?,
            acked: row.get(1)?,
            fence: row.get::<_, i64>(2)?.cast_unsigned(),
            taken: row.get::<_, i64>(3)?.cast_unsigned(),
            status: Status {
                state: row.get(4)?,
                reason: row.get(5)?,
                attempts: row.get(6)?,
                next_attempt_at: row.get(7)?,
                last_error: row.get(8)?,
                server: row.get(9)?,
                connected_since: row.get(10)?,
            },
            synced_at: row.get(11)?,
            updated_at: row.get(12)?,
        })
    };
    let sql = "SELECT epoch, acked_seq, fence, taken_seq, state, reason, attempts, next_attempt_at, last_error, server, \
               connected_since, synced_at, updated_at FROM remotes WHERE name = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([name], row).optional()?.unwrap_or_default())
}
