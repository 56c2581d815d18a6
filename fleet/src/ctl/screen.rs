//! Where things are said: data on the standard output, everything else on the standard error.

use std::io::{IsTerminal as _, Write as _};

use jiff::Timestamp;

use super::failure::{Failure, Result};
use super::table::{Paper, Tone};
use super::words::{clean_json, clean_lines};

/// Both outputs of this process.
#[derive(Debug)]
pub(super) struct Screen {
    /// Somebody looks at the standard output.
    pub terminal: bool,
    /// Somebody looks at the standard error.
    pub watched: bool,
    /// Somebody can be asked.
    pub answers: bool,
    colour: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            terminal: std::io::stdout().is_terminal(),
            watched: std::io::stderr().is_terminal(),
            answers: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
            colour: !is_set("NO_COLOR") && !dumb,
        }
    }

    /// What tables are written on. Its width is asked for each time: windows change.
    pub(super) fn paper(&self) -> Paper {
        let size = || terminal_size::terminal_size_of(std::io::stdout());
        let width = self.terminal.then(size).flatten().map(|(width, _)| usize::from(width.0));
        Paper { width, colour: self.terminal && self.colour }
    }

    /// Lines of the terminal.
    pub(super) fn height(&self) -> usize {
        let size = terminal_size::terminal_size_of(std::io::stdout());
        size.map_or(usize::MAX, |(_, height)| usize::from(height.0))
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Data that is clean already.
    pub(super) fn print(&self, text: &str) -> Result<()> {
        self.write(text.as_bytes())
    }

    /// Data as it is, for what is no terminal; for one, what can be shown of it.
    pub(super) fn raw(&self, bytes: &[u8]) -> Result<()> {
        if self.terminal {
            self.write(clean_lines(&String::from_utf8_lossy(bytes)).as_bytes())
        } else {
            self.write(bytes)
        }
    }

    /// A JSON value, readable.
    pub(super) fn json(&self, value: &serde_json::Value) -> Result<()> {
        let text = serde_json::to_string_pretty(value).map_err(|error| Failure::failed(error.to_string()))?;
        self.print(&format!("{}\n", clean_json(&text)))
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes)
            .and_then(|()| out.flush())
            .map_err(|error| Failure::io("write to the standard output", &error))
    }

    /// A remark, not part of the data.
    pub(super) fn note(&self, text: &str) {
        self.say(&format!("{}\n", clean_lines(text)));
    }

    /// Ends the program's say: what is wrong and what comes next.
    pub(super) fn complain(&self, failure: &Failure) {
        if failure.what.is_empty() {
            return;
        }
        let paper = Paper { width: None, colour: self.watched && self.colour };
        let mut text = format!("{} {}\n", paper.paint("fleetctl:", Tone::Bad), clean_lines(&failure.what));
        if !failure.next.is_empty() {
            text.push_str(&format!("  next: {}\n", clean_lines(&failure.next)));
        }
        self.say(&text);
    }

    /// On the standard error, as it is. There is nowhere left to complain if that cannot be done.
    pub(super) fn say(&self, text: &str) {
        let mut err = std::io::stderr().lock();
        err.write_all(text.as_bytes()).and_then(|()| err.flush()).ok();
    }
}
