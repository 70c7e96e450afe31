//! The only place that prints: data to stdout, everything else to stderr. A reader that closes its end is not an error.

use std::io::{self, IsTerminal, Write};

use anstream::adapter::strip_str;
use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::answer::{Answer, Document, Page};
use super::args::Format;
use super::failure::Failure;
use super::table::clean;
use crate::config::Color;

/// How much is held back before it is written.
const CHUNK: usize = 64 * 1024;

/// Prints for one run of the program.
pub(crate) struct Printer {
    format: Format,
    quiet: bool,
    verbose: bool,
    width: Option<usize>,
    now: i64,
    out: AutoStream<io::Stdout>,
    err: AutoStream<io::Stderr>,
    held: String,
    unwritten: Option<Failure>,
}

impl Printer {
    /// A printer for the format and the terminal that there are.
    pub(crate) fn new(format: Format, color: Color, quiet: bool, verbose: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            format,
            quiet,
            verbose,
            width: terminal
                .then(|| usize::from(crossterm::terminal::size().map_or(80, |(columns, _)| columns.max(40)))),
            now: 0,
            out: AutoStream::new(io::stdout(), choice(color, &io::stdout())),
            err: AutoStream::new(io::stderr(), choice(color, &io::stderr())),
            held: String::new(),
            unwritten: None,
        }
    }

    /// Takes what the settings say about colour.
    pub(crate) fn set_color(&mut self, color: Color) {
        self.out = AutoStream::new(io::stdout(), choice(color, &io::stdout()));
        self.err = AutoStream::new(io::stderr(), choice(color, &io::stderr()));
    }

    /// Tells what time it is, for ages.
    pub(crate) const fn set_now(&mut self, now: i64) {
        self.now = now;
    }

    /// The format that was asked for.
    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// The width of the terminal, when there is one.
    pub(crate) const fn width(&self) -> Option<usize> {
        self.width
    }

    /// Whether a moving picture may be drawn on stderr.
    pub(crate) fn may_animate(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Prints an answer in the format that was asked for.
    pub(crate) fn answer<T: Answer>(&mut self, answer: &T) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(&Document::of(answer))?,
            Format::Jsonl => answer.records().iter().try_for_each(|record| self.record(record))?,
            Format::Plain => answer.records().iter().try_for_each(|record| self.cells(&T::cells(record)))?,
            Format::Human => {
                let mut page = Page::new(self.width, self.now);
                answer.page(&mut page);
                self.text(&page.into_text())?;
            }
        }
        Ok(())
    }

    /// Prints one JSON document.
    pub(crate) fn json(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(document).map_err(Failure::internal)?;
        self.text(&text)?;
        self.text("\n")
    }

    /// Prints one JSON object on a line.
    pub(crate) fn record(&mut self, record: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(record).map_err(Failure::internal)?;
        self.text(&text)?;
        self.text("\n")
    }

    /// Prints one record on a line, separated by tabs.
    pub(crate) fn cells(&mut self, cells: &[String]) -> Result<(), Failure> {
        let line: Vec<_> = cells.iter().map(|cell| clean(cell)).collect();
        self.text(&line.join("\t"))?;
        self.text("\n")
    }

    /// Prints a line of data that may hold foreign text.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), Failure> {
        let line = clean(line).into_owned();
        self.text(&line)?;
        self.text("\n")
    }

    /// Begins a JSON document `cim-nix/<name>/1` whose one field is a list, item by item: it may be larger than memory.
    pub(crate) fn list(&mut self, name: &str, field: &str) -> Result<List<'_>, Failure> {
        self.begin(name, &[], field)
    }

    /// The same with fields before the list, as JSON text.
    pub(crate) fn begin(&mut self, name: &str, fields: &[(&str, String)], field: &str) -> Result<List<'_>, Failure> {
        self.text(&format!("{{\n  \"schema\": \"cim-nix/{name}/1\",\n"))?;
        for (name, json) in fields {
            self.text(&format!("  \"{name}\": {json},\n"))?;
        }
        self.text(&format!("  \"{field}\": ["))?;
        Ok(List { printer: self, separator: "\n    " })
    }

    /// Prints data as it is.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.held.push_str(text);
        if self.held.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// What others can write data to.
    pub(crate) fn writer(&mut self) -> impl Write {
        Data(self)
    }

    /// Why what others wrote could not be written: they have an error of their own, which does not know of stdout.
    pub(crate) const fn take_unwritten(&mut self) -> Option<Failure> {
        self.unwritten.take()
    }

    /// Writes what is held back.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.write_held().map_err(|error| Failure::output(&error))
    }

    fn write_held(&mut self) -> io::Result<()> {
        let mut held = std::mem::take(&mut self.held);
        if self.out.current_choice() == ColorChoice::Never && held.contains('\x1b') {
            // The stream would leave the colours out as well, but write what is between two of them piece by piece.
            held = strip_str(&held).to_string();
        }
        self.out.write_all(held.as_bytes()).and_then(|()| self.out.flush())
    }

    /// Says something beside the data; not with `--quiet`.
    pub(crate) fn say(&mut self, text: impl AsRef<str>) {
        if !self.quiet {
            self.error_line(text.as_ref());
        }
    }

    /// Says something that only `--verbose` asks for.
    pub(crate) fn detail(&mut self, text: impl AsRef<str>) {
        if self.verbose && !self.quiet {
            self.error_line(text.as_ref());
        }
    }

    /// Says what went wrong, why, and what to do next.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        let (red, dim) = (AnsiColor::Red.on_default().bold(), Style::new().bold());
        let mut lines = failure.lines();
        if let Some(first) = lines.next() {
            self.raw_error(&format!("{red}error:{red:#} {}\n", clean(&first)));
        }
        for line in lines {
            self.error_line(&line);
        }
        for hint in failure.hints() {
            self.raw_error(&format!("{dim}hint:{dim:#} {}\n", clean(hint)));
        }
    }

    /// Prints what the argument parser says: help and version are data, the rest is not.
    pub(crate) fn parser(&mut self, error: &clap::Error) -> Result<(), Failure> {
        let text = error.render().ansi().to_string();
        if error.use_stderr() {
            self.raw_error(&text);
            return Ok(());
        }
        self.text(&text)?;
        self.flush()
    }

    fn error_line(&mut self, line: &str) {
        self.raw_error(&format!("{}\n", clean(line)));
    }

    /// A closed stderr leaves nobody to tell.
    fn raw_error(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes());
    }
}

/// Data that others write, whole lines of UTF-8.
struct Data<'a>(&'a mut Printer);

impl Write for Data<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write_held().and_then(|()| self.0.out.write_all(bytes));
        self.told(written)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.0.out.flush();
        self.told(written)
    }
}

impl Data<'_> {
    /// Keeps why something could not be written.
    fn told(&mut self, written: io::Result<()>) -> io::Result<()> {
        written.inspect_err(|error| self.0.unwritten = Some(Failure::output(error)))
    }
}

/// The list of a JSON document that is being printed.
pub(crate) struct List<'a> {
    printer: &'a mut Printer,
    separator: &'static str,
}

impl List<'_> {
    /// Prints one item.
    pub(crate) fn item(&mut self, item: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(item).map_err(Failure::internal)?;
        self.printer.text(self.separator)?;
        self.separator = ",\n    ";
        self.printer.text(&text)
    }

    /// Ends the list and the document.
    pub(crate) fn end(self) -> Result<(), Failure> {
        self.printer.text(if self.separator.starts_with(',') { "\n  ]\n}\n" } else { "]\n}\n" })
    }
}

/// Says something on stderr from outside the run of a command: a signal came, or the program is wrong.
pub(super) fn aside(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Whether what is drawn on stdout is coloured.
pub(super) fn colors(color: Color) -> bool {
    choice(color, &io::stdout()) != ColorChoice::Never
}

/// What was asked for, else what `NO_COLOR`, `FORCE_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM` and the stream say.
fn choice(color: Color, stream: &impl RawStream) -> ColorChoice {
    match color {
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
        Color::Auto if is_set("NO_COLOR") => ColorChoice::Never,
        Color::Auto if is_set("FORCE_COLOR") => ColorChoice::Always,
        Color::Auto => AutoStream::choice(stream),
    }
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0")
}
