//! Asks the ledger in the background, on a connection of its own that only reads. The newest question of a kind wins:
//! an older one that is still running is interrupted. Looks a few times a second whether somebody else has written.

use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, InterruptHandle};

use super::input::Alarm;
use super::message::{Message, Query};
use super::{LookThere, ReadOnly};

mod answer;

mod summary;

/// How often the ledger is looked at for what others wrote: five times a second, one short read each.
const LOOK: Duration = Duration::from_millis(200);

/// The thread that asks.
pub(crate) struct Reader {
    mailbox: Arc<Mailbox>,
    interrupt: InterruptHandle,
}

#[derive(Default)]
struct Mailbox {
    state: Mutex<Waiting>,
    came: Condvar,
}

#[derive(Default)]
struct Waiting {
    questions: [Option<(u64, Query)>; Query::SLOTS],
    running: Option<usize>,
    closed: bool,
}

impl Reader {
    /// Starts the thread.
    pub(crate) fn start(connection: ReadOnly, look_there: LookThere, out: Sender<Message>) -> io::Result<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let interrupt = (**connection).get_interrupt_handle();
        let shared = Arc::clone(&mailbox);
        std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
            let alarm = Alarm(out);
            serve(&connection, &look_there, &shared, &alarm.0);
        })?;
        Ok(Self { mailbox, interrupt })
    }

    /// Asks; the answer comes as a message with this ticket.
    pub(crate) fn ask(&self, ticket: u64, query: Query) {
        let mut waiting = self.mailbox.lock();
        let slot = query.slot();
        if waiting.running == Some(slot) {
            self.interrupt.interrupt();
        }
        if let Some(place) = waiting.questions.get_mut(slot) {
            *place = Some((ticket, query));
        }
        drop(waiting);
        self.mailbox.came.notify_one();
    }
}

/// Answers one question here and now; an error is a sentence.
pub(crate) fn ask(connection: &Connection, query: &Query) -> Result<super::message::Answer, String> {
    answer::answer(connection, query).map_err(|error| sentence(&error))
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.mailbox.lock().closed = true;
        self.interrupt.interrupt();
        self.mailbox.came.notify_one();
    }
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next question, marked as running; none when nothing came for a while.
    fn next(&self, wait: Duration) -> Option<(u64, Query)> {
        let empty = |waiting: &mut Waiting| !waiting.closed && waiting.questions.iter().all(Option::is_none);
        let waited = self.came.wait_timeout_while(self.lock(), wait, empty);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let question = waiting.questions.iter_mut().find_map(Option::take);
        waiting.running = question.as_ref().map(|(_, query)| query.slot());
        question
    }

    /// Nothing runs any more; says whether a newer question took the place of the one that ran.
    fn done(&self, slot: usize) -> bool {
        let mut waiting = self.lock();
        waiting.running = None;
        waiting.questions.get(slot).is_some_and(Option::is_some)
    }
}

fn serve(connection: &Connection, look_there: &LookThere, mailbox: &Mailbox, out: &Sender<Message>) {
    let mut version = data_version(connection);
    let mut looked = Instant::now();
    while !mailbox.lock().closed {
        if let Some((ticket, query)) = mailbox.next(LOOK.saturating_sub(looked.elapsed())) {
            let Some(message) = run(connection, mailbox, ticket, &query) else { continue };
            if out.send(message).is_err() {
                return;
            }
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            if let Err(why) = look_there(connection) {
                // Nothing is asked of a file that nobody else has, or that takes nothing from here any more.
                let _ = out.send(Message::Replaced(why));
                return;
            }
            let now = data_version(connection);
            if now != version {
                version = now;
                if out.send(Message::Changed).is_err() {
                    return;
                }
            }
        }
    }
}

/// Answers one question; again when it was interrupted for nothing, not at all when a newer one waits.
fn run(connection: &Connection, mailbox: &Mailbox, ticket: u64, query: &Query) -> Option<Message> {
    loop {
        let result = answer::answer(connection, query);
        let superseded = mailbox.done(query.slot());
        match result {
            Ok(answer) => return Some(Message::Answer(ticket, answer)),
            Err(_) if superseded || mailbox.lock().closed => return None,
            Err(error) if is_interrupt(&error) => mailbox.lock().running = Some(query.slot()),
            Err(error) => return Some(Message::Refused(ticket, sentence(&error))),
        }
    }
}

/// A number that is another after somebody else has written; 0 when it cannot be read.
fn data_version(connection: &Connection) -> i64 {
    connection.pragma_query_value(None, "data_version", |row| row.get(0)).unwrap_or_default()
}

fn is_interrupt(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let code = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
        if code == Some(ErrorCode::OperationInterrupted) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// An error with its causes, in one line.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
