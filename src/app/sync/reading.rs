//! Reading the exchange to its end, past what the client cannot read.

use super::{SyncError, intake};
use crate::bus::{Bus, BusError, Exchange, Follow, Message};

/// How many messages are read one by one when nothing more comes.
const SINGLY: u64 = 16;

/// How to connect again.
pub(super) type Again<'a> = &'a dyn Fn() -> Result<Bus, BusError>;

/// Every message of the exchange, or of one origin on it, from the first on.
pub(super) struct Reading<'a> {
    bus: &'a Bus,
    /// The connection that took its place.
    later: Option<Bus>,
    again: Option<Again<'a>>,
    exchange: &'a Exchange,
    origin: Option<&'a str>,
    follow: Option<Follow>,
    after: u64,
}

impl<'a> Reading<'a> {
    /// Begins at the first message. There are some: whoever asks knows.
    pub(super) const fn new(bus: &'a Bus, exchange: &'a Exchange, origin: Option<&'a str>) -> Self {
        Self { bus, later: None, again: None, exchange, origin, follow: None, after: 0 }
    }

    /// Connects again when the client breaks down over a message.
    pub(super) const fn connecting(mut self, again: Again<'a>) -> Self {
        self.again = Some(again);
        self
    }

    /// The next messages, at least one.
    ///
    /// # Errors
    /// Also when none came in time: that says nothing of what the server holds.
    pub(super) fn next(&mut self) -> Result<Vec<Message>, SyncError> {
        let followed = self.followed();
        let messages = match followed {
            Ok(messages) if !messages.is_empty() => messages,
            nothing => self.past_what_cannot_be_read(nothing)?,
        };
        self.after = messages.last().map_or(self.after, |last| last.sequence);
        Ok(messages)
    }

    fn bus(&self) -> &Bus {
        self.later.as_ref().unwrap_or(self.bus)
    }

    fn followed(&mut self) -> Result<Vec<Message>, SyncError> {
        let mut follow = match self.follow.take() {
            Some(follow) => follow,
            None => self.bus().follow(self.exchange, self.origin, self.after)?,
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
        if let Some(again) = self.again
            && self.bus().is_over()
        {
            self.later = Some(again()?);
        }
        let mut messages = self.bus().read_singly(self.exchange, self.origin, self.after + 1, SINGLY)?;
        let odd = messages.iter().rposition(|message| message.unreadable.is_some());
        messages.truncate(odd.map_or(0, |last| last + 1));
        if messages.is_empty() {
            nothing?;
            let why = "its messages did not come in time".to_owned();
            return Err(BusError::Failed { doing: "asking what the server holds", why }.into());
        }
        Ok(messages)
    }
}
