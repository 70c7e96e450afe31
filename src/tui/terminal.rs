//! The terminal: taken over and given back, in reverse order, exactly once, whatever ends the program.

use std::io::{self, IsTerminal as _, Stdout, Write as _, stdout};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::style::ResetColor;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;

use super::app::App;
use super::message::Message;

/// Whether the terminal is ours now. One for the process: the panic hook of any thread must know.
static OURS: AtomicBool = AtomicBool::new(false);

/// Why there can be no interface here; none when there can.
pub(crate) fn refusal() -> Option<&'static str> {
    if !io::stdin().is_terminal() || !stdout().is_terminal() {
        return Some("this is not a terminal");
    }
    let term = std::env::var("TERM").unwrap_or_default();
    (term.is_empty() || term == "dumb").then_some("this terminal (TERM) cannot place text")
}

/// The terminal while it is ours.
#[derive(Debug)]
pub(crate) struct Screen {
    /// Never dropped: it would show the cursor, which [`restore`] does, and panic where the terminal is gone.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<Stdout>>>,
}

impl Screen {
    /// Takes the terminal over, and makes sure that a panic gives it back before it is reported, and is told as well: nothing
    /// can be drawn any more.
    pub(crate) fn enter(told: Sender<Message>) -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // Nothing more can be done about a terminal that does not listen.
            let _ = restore();
            before(panic);
            // A main loop that is gone needs no telling.
            let _ = told.send(Message::Panicked);
        }));
        take()?;
        let terminal = Terminal::new(CrosstermBackend::new(stdout())).inspect_err(|_| {
            let _ = restore();
        })?;
        Ok(Self { terminal: ManuallyDrop::new(terminal) })
    }

    /// Takes the terminal over again after [`restore`], and has every cell drawn anew.
    pub(crate) fn enter_again(&mut self) -> io::Result<()> {
        take()?;
        self.forget()
    }

    /// Has every cell drawn anew.
    pub(crate) fn forget(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))
    }

    /// The size now.
    pub(crate) fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }

    /// Draws a frame, shown all at once.
    pub(crate) fn draw(&mut self, app: &mut App) -> io::Result<()> {
        if !OURS.load(Ordering::SeqCst) {
            return Ok(());
        }
        queue!(stdout(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(|frame| app.draw(frame)).map(|_| ());
        execute!(stdout(), EndSynchronizedUpdate)?;
        drawn
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = restore();
    }
}

/// Gives the terminal back, if it is ours: everything that [`take`] did, backwards.
pub(crate) fn restore() -> io::Result<()> {
    if !OURS.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let mut out = stdout();
    // Each step is tried even when one before it failed.
    let shown = execute!(out, EndSynchronizedUpdate, ResetColor, cursor::Show);
    let left = execute!(out, DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen);
    let cooked = disable_raw_mode();
    out.flush()?;
    shown.and(left).and(cooked)
}

fn take() -> io::Result<()> {
    if OURS.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    let taken = enable_raw_mode().and_then(|()| {
        execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableMouseCapture, cursor::Hide)
    });
    taken.inspect_err(|_| {
        let _ = restore();
    })
}
