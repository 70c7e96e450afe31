//! Reading the exchange to its end, past what the client cannot read.

use super::SyncError;
use super::intake::{self, SINGLY};
use crate::bus::{Bus, BusError, Exchange, Follow, Message};

/// Every message of the exchange, or of one origin on it, from the first on.
pub(super) struct Reading<'a> {
    /// Another takes its place when the client breaks down over a message.
    bus: Bus,
    exchange: &'a Exchange,
    origin: Option<&'a str>,
    follow: Option<Follow>,
    after: u64,
}

impl<'a> Reading<'a> {
    /// Begins at the first message. There are some: whoever asks knows.
    pub(super) const fn new(bus: Bus, exchange: &'a Exchange, origin: Option<&'a str>) -> Self {
        Self { bus, exchange, origin, follow: None, after: 0 }
    }

    /// Hands over what there is up to a message, and what comes with it.
    ///
    /// # Errors
    /// Also when nothing came in time.
    pub(super) fn up_to<E: From<SyncError>>(
        mut self,
        last: u64,
        mut take: impl FnMut(Vec<Message>) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let messages = self.next()?;
            let is_end = messages.last().is_none_or(|message| message.ends(self.exchange, last));
            take(messages)?;
            if is_end {
                return Ok(());
            }
        }
    }

    /// The next messages; none when the server says that no more are there, whatever the number of the last one was.
    fn next(&mut self) -> Result<Vec<Message>, SyncError> {
        let followed = self.followed();
        let messages = match followed {
            Ok(messages) if !messages.is_empty() => messages,
            nothing => self.past_what_cannot_be_read(nothing)?,
        };
        self.after = messages.last().map_or(self.after, |last| last.sequence);
        Ok(messages)
    }

    fn followed(&mut self) -> Result<Vec<Message>, SyncError> {
        let mut follow = match self.follow.take() {
            Some(follow) => follow,
            None => self.bus.follow(self.exchange, self.origin, self.after)?,
        };
        let messages = intake::read(&mut follow)?;
        self.follow = Some(follow);
        Ok(messages)
    }

    fn past_what_cannot_be_read(
        &mut self,
        nothing: Result<Vec<Message>, SyncError>,
    ) -> Result<Vec<Message>, SyncError> {
        // As long as it is followed, the client comes back to it.
        self.follow = None;
        if self.bus.is_over() {
            self.bus = self.bus.beside()?;
        }
        let mut messages = self.bus.read_singly(self.exchange, self.origin, self.after + 1, SINGLY)?;
        if messages.is_empty() {
            return nothing;
        }
        let odd = messages.iter().rposition(|message| message.unreadable.is_some());
        messages.truncate(odd.map_or(0, |last| last + 1));
        if messages.is_empty() {
            nothing?;
            return Err(silence());
        }
        Ok(messages)
    }
}

/// That nothing came in time says nothing of what the server holds.
pub(super) fn silence() -> SyncError {
    BusError::Failed { doing: "asking what the server holds", why: "its messages did not come in time".to_owned() }
        .into()
}
