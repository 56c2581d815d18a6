//! A payment terminal that speaks ZVT, over TCP or a serial line.
//!
//! [`Terminal`] adds clock, wire and the file of the terminal's memory; all behaviour is in the [`Engine`], which has
//! none of them. From byte to money: `framing` and `channel` read and write, `apdu`, `fields` and `tlv` take messages
//! apart, `engine` talks to the till, `book` keeps what happened.

mod apdu;
mod book;
mod cards;
mod channel;
mod config;
mod engine;
mod faults;
mod fields;
mod framing;
mod message;
mod receipt;
mod storage;
mod tlv;

pub use channel::Framing;
pub use config::{Config, Mode, Pace, Reversible, Unanswered};
pub use storage::StorageError;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::watch;

use crate::device::{Device, PanelPart, Port, Running, Shutdown, Verb, VerbError, Wired};
use crate::shell::{self, Demand, Machine, Shell};
use book::Book;
use engine::Engine;

/// A terminal that can be wired to a port and shown on the panel.
#[derive(Debug)]
pub struct Terminal(Shell<Remembering>);

/// An engine whose memory is kept in a file.
#[derive(Debug)]
struct Remembering {
    engine: Engine,
    path: Option<PathBuf>,
}

impl Terminal {
    /// A healthy terminal. With a file it remembers its transactions there, and what an earlier one remembered.
    ///
    /// # Errors
    /// When the file exists and cannot be read. A file that is read and makes no sense is moved aside instead.
    pub fn new(config: Config, path: Option<PathBuf>) -> Result<Arc<Self>, StorageError> {
        let book = path.as_deref().map_or_else(|| Ok(Book::default()), storage::load)?;
        let started_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let engine = Engine::new(config, book, i64::try_from(started_at).unwrap_or(i64::MAX));
        Ok(Arc::new(Self(Shell::new("terminal", Remembering { engine, path }))))
    }
}

impl Remembering {
    fn save(&mut self) {
        if let (Some(book), Some(path)) = (self.engine.take_changed_book(), &self.path)
            && let Err(error) = storage::save(path, book)
        {
            tracing::error!(error = &error as &dyn std::error::Error, "the terminal will forget");
        }
    }
}

impl Machine for Remembering {
    fn connected(&mut self, _now: Duration) {
        self.engine.connected();
    }

    fn disconnected(&mut self, now: Duration) {
        self.engine.disconnected(now);
    }

    fn receive(&mut self, now: Duration, bytes: &[u8]) {
        self.engine.receive(now, bytes);
    }

    /// What must be remembered is on the disk before anybody hears of it.
    fn advance(&mut self, now: Duration, flushed: bool) -> Demand {
        let demand = self.engine.advance(now, flushed);
        self.save();
        demand
    }
}

impl Device for Terminal {
    fn name(&self) -> &'static str {
        "terminal"
    }

    fn state(&self) -> Value {
        self.0.state(|machine| machine.engine.state())
    }

    fn verbs(&self) -> &'static [Verb] {
        engine::VERBS
    }

    fn verb(&self, name: &str, args: &[String]) -> Result<Value, VerbError> {
        self.0.act(|machine, now| {
            let result = machine.engine.verb(now, name, args);
            machine.save();
            result
        })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes()
    }

    fn panel(&self) -> Option<PanelPart> {
        Some(PanelPart {
            title: "Card terminal",
            script: include_str!("panel/parts/terminal.js"),
            style: include_str!("panel/parts/terminal.css"),
        })
    }
}

impl Wired for Terminal {
    fn run(self: Arc<Self>, port: Port, shutdown: Shutdown) -> Running {
        Box::pin(shell::run(self, |terminal| &terminal.0, port, shutdown))
    }
}
