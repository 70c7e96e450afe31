//! `sync parked`: messages that could not be taken in, and what becomes of them.

use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use crate::app::sync::parked::{self, ParkedRow};
use crate::cli::answer::{Answer, Page, Single};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::table::Table;
use crate::store::view::rfc3339;

#[derive(Debug, clap::Args)]
pub(super) struct Parked {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show every parked message
    List,
    /// Show one with everything it says
    Show {
        /// Its number
        id: i64,
    },
    /// Have it read again from the server, with all that is parked of its origin, and let that go on
    Retry {
        /// Its number; or an origin's key, or the beginning of it, to listen again to one of which something was discarded
        #[arg(value_name = "NUMBER|ORIGIN")]
        which: String,
    },
    /// Drop it; its origin, if it waits for that, is not listened to any more, until `retry` names it
    Discard {
        /// Its number
        id: i64,
    },
}

impl Parked {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self.action {
            Action::List => {
                let rows = parked::list(&context.read()?.ledger.reader)?;
                context.printer.answer(&List { parked: rows.into_iter().map(Message::of).collect() })?;
            }
            Action::Show { id } => {
                let row = parked::show(&context.read()?.ledger.reader, id)?;
                context.printer.answer(&Shown { message: Message::of(row) })?;
            }
            Action::Retry { which } => {
                let session = context.session()?;
                let origin = match which.parse() {
                    Ok(id) => parked::retry(&session, id)?.origin,
                    Err(_) => Some(parked::listen_again(&session, &which)?),
                };
                context.printer.say(match &origin {
                    Some(_) => "its origin may go on; `cim-nix sync now` reads it again",
                    None => "`cim-nix sync now` reads it again",
                });
                context.printer.answer(&Retried { origin })?;
            }
            Action::Discard { id } => {
                let origin = parked::discard(&context.session()?, id)?;
                context.printer.say(match &origin {
                    Some(origin) => format!(
                        "it is dropped; its origin is not listened to any more, until `cim-nix sync parked retry {origin}`"
                    ),
                    None => "it is dropped".to_owned(),
                });
                context.printer.answer(&Discarded { id, origin })?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `cim-nix/sync-parked/1`.
#[derive(Debug, Serialize)]
struct List {
    parked: Vec<Message>,
}

/// `cim-nix/sync-parked-message/1`.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    message: Message,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the words of the document")]
struct Message {
    id: i64,
    origin: Option<String>,
    origin_sequence: Option<i64>,
    remote_sequence: u64,
    subject: String,
    reason: String,
    parked_at: String,
    attempts: u32,
    message: String,
}

/// `cim-nix/sync-parked-retry/1`.
#[derive(Debug, Serialize)]
struct Retried {
    /// The origin that may go on.
    origin: Option<String>,
}

/// `cim-nix/sync-parked-discard/1`.
#[derive(Debug, Serialize)]
struct Discarded {
    id: i64,
    /// The origin that is not listened to any more; none when it goes on.
    origin: Option<String>,
}

impl Message {
    fn of(row: ParkedRow) -> Self {
        Self {
            id: row.id,
            origin: row.origin,
            origin_sequence: row.seq,
            remote_sequence: row.remote_seq,
            subject: row.subject,
            reason: row.reason,
            parked_at: rfc3339(row.parked_at),
            attempts: row.attempts,
            message: row.message,
        }
    }

    fn cells(&self) -> Vec<String> {
        let origin = self.origin.clone().unwrap_or_default();
        [self.id.to_string(), origin, self.reason.clone(), self.parked_at.clone()].into()
    }
}

impl Answer for List {
    const NAME: &'static str = "sync-parked";
    type Record = Message;

    fn records(&self) -> &[Message] {
        &self.parked
    }

    fn cells(message: &Message) -> Vec<String> {
        message.cells()
    }

    fn page(&self, page: &mut Page) {
        if self.parked.is_empty() {
            page.line("nothing is parked");
            return;
        }
        let mut table = Table::new(&["number", "origin", "why"]);
        for message in &self.parked {
            let origin = message.origin.as_deref().and_then(|origin| origin.get(..12)).unwrap_or("-");
            table.row([message.id.to_string(), origin.to_owned(), message.reason.clone()]);
        }
        page.table(&table);
    }
}

impl Answer for Shown {
    const NAME: &'static str = "sync-parked-message";
    type Record = Message;

    fn records(&self) -> &[Message] {
        std::slice::from_ref(&self.message)
    }

    fn cells(message: &Message) -> Vec<String> {
        message.cells()
    }

    fn page(&self, page: &mut Page) {
        let message = &self.message;
        page.field("number", message.id.to_string());
        page.field("origin", message.origin.as_deref().unwrap_or("-"));
        page.field("subject", &message.subject);
        page.field("why", &message.reason);
        page.field("parked", &message.parked_at);
        page.field("tried", message.attempts.to_string());
        page.gap();
        page.line(&message.message);
    }
}

impl Single for Retried {
    const NAME: &'static str = "sync-parked-retry";

    fn cells(&self) -> Vec<String> {
        vec![self.origin.clone().unwrap_or_default()]
    }
}

impl Single for Discarded {
    const NAME: &'static str = "sync-parked-discard";

    fn cells(&self) -> Vec<String> {
        [self.id.to_string(), self.origin.clone().unwrap_or_default()].into()
    }
}
