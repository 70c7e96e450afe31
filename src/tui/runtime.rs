//! The loop: messages in, effects out, a frame when there is nothing left to take in. Sleeps while nothing happens.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::app::App;
use super::input::{self, Alarm, Gate};
use super::message::{Effect, Message, ScanNews};
use super::reader::Reader;
use super::shared::Shared;
use super::spot::Spot;
use super::terminal::{self, Screen};
use super::theme::Theme;
use super::{Options, ScanWith, TuiError, clipboard, editor};
use crate::app::tmux;

/// How long the first frame waits for its rows: an empty frame that is replaced at once only flickers.
const FIRST: Duration = Duration::from_millis(20);
/// How many messages are taken in before a frame is drawn.
const BATCH: usize = 256;

/// Runs the interface until it is left.
pub(crate) fn run(options: Options) -> Result<(), TuiError> {
    if let Some(why) = terminal::refusal() {
        return Err(TuiError::NoTerminal { why });
    }
    let Options { db, named, at, look, home, directory, has_roots, editor, clock, scan, saved, save, open, look_there } =
        options;
    let connection = open().map_err(|why| TuiError::Open { path: db.clone(), why })?;
    let theme = Theme::new(look);
    let home = home.map(|home| home.display().to_string());
    let mut app = App::new(Shared::new(theme, at, clock(), db.display().to_string(), home, directory));
    app.shared.has_roots = has_roots;
    app.shared.named = named.map(|named| named.display().to_string());
    app.restore(&saved);
    let (sender, messages) = mpsc::channel();
    let reader = Reader::start(connection, look_there, sender.clone())?;
    let mut screen = Screen::enter(sender.clone())?;
    input::listen(sender.clone())?;
    let gate = input::read_terminal(sender.clone())?;
    let mut world = World { screen: &mut screen, reader, gate, sender, editor, scan, stop: Arc::default() };
    let ended = world.turn(&mut app, &messages, clock.as_ref());
    world.stop.store(true, Ordering::SeqCst);
    // Saved first: a terminal that is gone may end the program any moment.
    save(app.save());
    drop(screen);
    ended
}

struct World<'a> {
    screen: &'a mut Screen,
    reader: Reader,
    gate: Arc<Gate>,
    sender: Sender<Message>,
    editor: Option<String>,
    scan: Option<ScanWith>,
    stop: Arc<AtomicBool>,
}

impl World<'_> {
    fn turn(&mut self, app: &mut App, messages: &Receiver<Message>, clock: &dyn Fn() -> i64) -> Result<(), TuiError> {
        let (width, height) = self.screen.size()?;
        app.update(Message::Resize(width, height));
        let mut unanswered = 0_usize;
        let first = Instant::now() + FIRST;
        let mut effects = app.start();
        let mut drawn = false;
        loop {
            for effect in std::mem::take(&mut effects) {
                unanswered += usize::from(matches!(effect, Effect::Ask(..)));
                if effect == Effect::Quit {
                    return Ok(());
                }
                self.act(effect)?;
            }
            let wait = first.saturating_duration_since(Instant::now());
            let next = if !drawn && unanswered > 0 && !wait.is_zero() {
                messages.recv_timeout(wait)
            } else {
                self.screen.draw(app)?;
                drawn = true;
                messages.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match next {
                Ok(message) => {
                    app.update(Message::Clock(clock()));
                    for message in std::iter::once(message).chain(messages.try_iter().take(BATCH)) {
                        match message {
                            Message::Panicked => return Err(TuiError::Panicked),
                            Message::Replaced(why) => return Err(why.into()),
                            _ => {}
                        }
                        if matches!(message, Message::Answer(..) | Message::Refused(..)) {
                            unanswered = unanswered.saturating_sub(1);
                        }
                        effects.extend(app.update(message));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn act(&mut self, effect: Effect) -> io::Result<()> {
        match effect {
            Effect::Ask(ticket, query) => self.reader.ask(ticket, query),
            Effect::Edit(path, spot) => self.edit(&path, &spot)?,
            Effect::Copy(text) => {
                let in_tmux = std::env::var_os("TMUX").is_some();
                let tmux = in_tmux.then_some(&tmux::load as clipboard::Load<'_>);
                let said = clipboard::copy(&mut io::stdout(), &text, tmux)?;
                self.tell(Message::Copied(said));
            }
            Effect::Scan(roots) => self.start_scan(roots),
            Effect::StopScan => self.stop.store(true, Ordering::SeqCst),
            Effect::Suspend => self.suspend()?,
            Effect::Redraw => self.screen.forget()?,
            Effect::Retake => {
                terminal::restore()?;
                self.take_again()?;
            }
            Effect::Quit => {}
            #[cfg(debug_assertions)]
            Effect::Panic => on_purpose(),
        }
        Ok(())
    }

    fn tell(&self, message: Message) {
        // The receiver lives as long as the loop that calls this.
        let _ = self.sender.send(message);
    }

    fn edit(&mut self, path: &Path, spot: &Spot) -> io::Result<()> {
        let Some(editor) = self.editor.clone() else {
            self.tell(Message::Edited(Err("no editor is set: set VISUAL or EDITOR".to_owned())));
            return Ok(());
        };
        if !path.exists() {
            let gone = format!("{} is not there any more, so there is nothing to edit", path.display());
            self.tell(Message::Edited(Err(gone)));
            return Ok(());
        }
        self.gate.shut()?;
        terminal::restore()?;
        // The file is read while the interface stands still for the editor anyway.
        input::lend();
        let ended = editor::open(&editor, path, spot.line(path));
        input::lent_no_more()?;
        self.take_again()?;
        self.gate.open();
        self.tell(Message::Edited(ended));
        Ok(())
    }

    /// Gives the terminal back, stops, and goes on here when the shell says so.
    fn suspend(&mut self) -> io::Result<()> {
        terminal::restore()?;
        let stopped = input::stop();
        self.take_again()?;
        if !stopped? {
            self.tell(Message::NoShell);
        }
        Ok(())
    }

    fn take_again(&mut self) -> io::Result<()> {
        self.screen.enter_again()?;
        let (width, height) = self.screen.size()?;
        self.tell(Message::Resize(width, height));
        Ok(())
    }

    fn start_scan(&mut self, roots: Vec<std::path::PathBuf>) {
        let Some(scan) = self.scan.clone() else {
            self.tell(Message::Scan(ScanNews::Done(Err("this database is opened for reading only".to_owned()))));
            return;
        };
        self.stop = Arc::new(AtomicBool::new(false));
        let (stop, sender) = (Arc::clone(&self.stop), self.sender.clone());
        let spawned = std::thread::Builder::new().name("scan".to_owned()).spawn(move || {
            let alarm = Alarm(sender);
            let progress = |text: String| {
                let _ = alarm.0.send(Message::Scan(ScanNews::Progress(text)));
            };
            let ended = scan(&roots, &progress, &stop);
            let _ = alarm.0.send(Message::Scan(ScanNews::Done(ended)));
        });
        if let Err(error) = spawned {
            self.tell(Message::Scan(ScanNews::Done(Err(format!("no scan could be started: {error}")))));
        }
    }
}

#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "asked for by a test, to prove that the terminal comes back")]
fn on_purpose() {
    panic!("a panic on purpose");
}
