//! A hand-held scanner on a serial line: what it reads it types, followed by a carriage return.
//!
//! [`Scanner`] adds clock and wire to the [`Engine`]; `code` says how a reading looks on the wire.

mod code;
mod engine;

pub use engine::Config;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use crate::device::{Device, PanelPart, Port, Running, Shutdown, Verb, VerbError, Wired};
use crate::shell::{self, Demand, Machine, Shell};
use engine::Engine;

/// A scanner that can be wired to a port and shown on the panel.
#[derive(Debug)]
pub struct Scanner(Shell<Engine>);

impl Scanner {
    /// A healthy scanner.
    #[must_use]
    pub fn new(config: Config) -> Arc<Self> {
        Arc::new(Self(Shell::new("scanner", Engine::new(config))))
    }
}

impl Machine for Engine {
    fn connected(&mut self, _now: Duration) {
        self.set_connected(true);
    }

    fn disconnected(&mut self, _now: Duration) {
        self.set_connected(false);
    }

    /// A scanner has nothing to hear.
    fn receive(&mut self, _now: Duration, _bytes: &[u8]) {}

    fn advance(&mut self, now: Duration, flushed: bool) -> Demand {
        Self::advance(self, now, flushed)
    }
}

impl Device for Scanner {
    fn name(&self) -> &'static str {
        "scanner"
    }

    fn state(&self) -> Value {
        self.0.state(Engine::state)
    }

    fn verbs(&self) -> &'static [Verb] {
        engine::VERBS
    }

    fn verb(&self, name: &str, args: &[String]) -> Result<Value, VerbError> {
        self.0.act(|engine, now| engine.verb(now, name, args)).map(|()| Value::Null)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes()
    }

    fn panel(&self) -> Option<PanelPart> {
        Some(PanelPart {
            title: "Scanner",
            script: include_str!("panel/parts/scanner.js"),
            style: include_str!("panel/parts/scanner.css"),
        })
    }
}

impl Wired for Scanner {
    fn run(self: Arc<Self>, port: Port, shutdown: Shutdown) -> Running {
        Box::pin(shell::run(self, |scanner| &scanner.0, port, shutdown))
    }
}
