//! Keys, mouse and signals, each read by a thread of its own that sleeps until something comes.

use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crossterm::event::{self, Event};
use posix::unistd::{getpgrp, getppid, getsid};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;

use super::message::Message;

/// How long an editor waits for the keys at most.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether another program has the terminal. One for the process, as signals are.
static LENT: Mutex<Lent> = Mutex::new(Lent { out: false, heard: false });
static HEARD: Condvar = Condvar::new();

#[derive(Debug)]
struct Lent {
    out: bool,
    heard: bool,
}

/// Tells the main loop when its thread panics.
#[derive(Debug)]
pub(crate) struct Alarm(pub(crate) Sender<Message>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            // A main loop that is gone needs no telling.
            let _ = self.0.send(Message::Panicked);
        }
    }
}

/// Holds the reading of keys back while another program has the terminal.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    shut: bool,
    waiting: bool,
}

impl Gate {
    /// Returns when no key is read any more. A signal wakes the thread that reads, as a key would.
    pub(crate) fn shut(&self) -> io::Result<()> {
        let mut state = self.state();
        state.shut = true;
        signal_hook::low_level::raise(SIGWINCH)?;
        let waited = self.changed.wait_timeout_while(state, PATIENCE, |state| !state.waiting);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    /// Has keys read again.
    pub(crate) fn open(&self) {
        self.state().shut = false;
        self.changed.notify_all();
    }

    fn pass(&self) {
        let mut state = self.state();
        while state.shut {
            state.waiting = true;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting = false;
    }

    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts reading the terminal.
pub(crate) fn read_terminal(out: Sender<Message>) -> io::Result<Arc<Gate>> {
    let gate = Arc::new(Gate::default());
    let passed = Arc::clone(&gate);
    thread::Builder::new().name("keys".to_owned()).spawn(move || {
        let alarm = Alarm(out);
        loop {
            let message = match event::read() {
                Ok(event) => message(event),
                Err(_) => Some(Message::Terminate),
            };
            let ends = matches!(message, Some(Message::Terminate));
            let sent = message.is_none_or(|message| alarm.0.send(message).is_ok());
            if ends || !sent {
                return;
            }
            passed.pass();
        }
    })?;
    Ok(gate)
}

/// Starts listening to signals.
pub(crate) fn listen(out: Sender<Message>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let alarm = Alarm(out);
        for signal in signals.forever() {
            let message = if lent().out { while_lent(signal) } else { Some(meaning(signal)) };
            if message.is_some_and(|message| alarm.0.send(message).is_err()) {
                return;
            }
        }
    })?;
    Ok(())
}

/// The keys of the terminal that send signals are another program's from here on.
pub(crate) fn lend() {
    *lent() = Lent { out: true, heard: false };
}

/// The terminal is ours again. A signal that was meant for the other program may still be on its way: it is heard before.
pub(crate) fn lent_no_more() -> io::Result<()> {
    // That a shell had the other program go on was heard long ago.
    lent().heard = false;
    signal_hook::low_level::raise(SIGCONT)?;
    let waited = HEARD.wait_timeout_while(lent(), PATIENCE, |lent| !lent.heard);
    let (mut lent, _) = waited.unwrap_or_else(PoisonError::into_inner);
    lent.out = false;
    Ok(())
}

/// Stops this process until a shell says that it goes on; says whether there is such a shell. Where there is none, as in a
/// terminal that was opened for this program alone, it would stand still for ever.
pub(crate) fn stop() -> io::Result<bool> {
    let (session, parent) = (getsid(None)?, getppid());
    // A parent outside the container has no number here.
    let under_shell = parent.as_raw() > 0 && getsid(Some(parent)).is_ok_and(|its| its == session);
    // The group of the leader of a session is nobody's job.
    if !under_shell || getpgrp() == session {
        return Ok(false);
    }
    signal_hook::low_level::emulate_default_handler(SIGTSTP)?;
    Ok(true)
}

fn lent() -> MutexGuard<'static, Lent> {
    LENT.lock().unwrap_or_else(PoisonError::into_inner)
}

fn meaning(signal: i32) -> Message {
    match signal {
        SIGTSTP => Message::Suspend,
        SIGCONT => Message::Resumed,
        _ => Message::Terminate,
    }
}

/// What a signal means while the main loop waits for another program that has the terminal: the keys that send it are for
/// that program, but a shell has the terminal back only when both have stopped.
fn while_lent(signal: i32) -> Option<Message> {
    match signal {
        SIGINT | SIGQUIT => None,
        SIGTSTP => {
            // Without a shell the other program did not stop either.
            let _ = stop();
            None
        }
        SIGCONT => {
            lent().heard = true;
            HEARD.notify_all();
            None
        }
        _ => Some(Message::Terminate),
    }
}

fn message(event: Event) -> Option<Message> {
    match event {
        Event::Key(key) => Some(Message::Key(key)),
        Event::Mouse(mouse) => Some(Message::Mouse(mouse)),
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(width, height) => Some(Message::Resize(width, height)),
        Event::FocusGained | Event::FocusLost => None,
    }
}
