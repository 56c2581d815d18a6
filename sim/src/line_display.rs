//! A customer display of two lines with twenty characters each, on a serial line. It never answers.
//!
//! [`LineDisplay`] adds clock and wire to the [`Engine`]; `parser` reads commands, `grid` holds the characters.

mod charset;
mod engine;
mod grid;
mod parser;

pub use parser::Dialect;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use crate::device::{Device, PanelPart, Port, Running, Shutdown, Verb, VerbError, Wired};
use crate::shell::{self, Cable, Demand, Machine, Shell};
use engine::Engine;

/// A display that can be wired to a port and shown on the panel.
#[derive(Debug)]
pub struct LineDisplay(Shell<Engine>);

impl LineDisplay {
    /// Dark and empty.
    #[must_use]
    pub fn new(dialect: Dialect) -> Arc<Self> {
        Arc::new(Self(Shell::new("display", Engine::new(dialect))))
    }
}

impl Machine for Engine {
    fn connected(&mut self, _now: Duration) {}

    fn disconnected(&mut self, _now: Duration) {}

    fn receive(&mut self, _now: Duration, bytes: &[u8]) {
        Self::receive(self, bytes);
    }

    fn advance(&mut self, _now: Duration, _flushed: bool) -> Demand {
        let cable = if self.is_unplugged() { Cable::Unplugged } else { Cable::Plugged };
        Demand { deadline: None, output: Vec::new(), cable }
    }
}

impl Device for LineDisplay {
    fn name(&self) -> &'static str {
        "display"
    }

    fn state(&self) -> Value {
        self.0.state(Engine::state)
    }

    fn verbs(&self) -> &'static [Verb] {
        engine::VERBS
    }

    fn verb(&self, name: &str, args: &[String]) -> Result<Value, VerbError> {
        self.0.act(|engine, _| engine.verb(name, args)).map(|()| Value::Null)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes()
    }

    fn panel(&self) -> Option<PanelPart> {
        Some(PanelPart {
            title: "Customer display",
            script: include_str!("panel/parts/display.js"),
            style: include_str!("panel/parts/display.css"),
        })
    }
}

impl Wired for LineDisplay {
    fn run(self: Arc<Self>, port: Port, shutdown: Shutdown) -> Running {
        Box::pin(shell::run(self, |display| &display.0, port, shutdown))
    }
}
