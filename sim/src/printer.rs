//! An ESC/POS receipt printer with a cutter and a cash drawer.
//!
//! [`Printer`] adds clock, wire and the output directory to the `Engine`, which has all behaviour and knows no clock
//! and no file. From byte to paper: `realtime` and `parser` read, `engine` decides when, `typesetter` draws on a
//! `strip`, `receipt` makes the picture and the words.

mod barcode;
mod bitmap;
mod cash_drawer;
mod charset;
mod command;
mod config;
mod drawer;
mod engine;
mod faults;
mod font;
mod ledger;
mod line;
mod mechanism;
mod parser;
mod realtime;
mod receipt;
mod render;
mod strip;
mod style;
mod symbol;
mod typesetter;

pub use config::{Config, Pace, PaperWidth};
pub use drawer::Drawer;
pub use render::{Rendered, render};

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use crate::device::{Device, PanelPart, Picture, Port, Running, Shutdown, Verb, VerbError, Wired};
use crate::shell::{self, Cable, Demand, Machine, Shell};
use engine::Engine;
use receipt::Receipt;

/// A printer that can be wired to a port and shown on the panel.
#[derive(Debug)]
pub struct Printer(Shell<Filing>);

/// The engine, and where what it prints is kept.
#[derive(Debug)]
struct Filing {
    engine: Engine,
    out_dir: Option<PathBuf>,
}

impl Printer {
    /// A healthy printer with a full roll. With an output directory, which must exist, every receipt is written there
    /// as `receipt-0001.png` and `receipt-0001.txt` before it appears in the state.
    #[must_use]
    pub fn new(config: Config, out_dir: Option<PathBuf>) -> Arc<Self> {
        Arc::new(Self(Shell::new("printer", Filing { engine: Engine::new(config), out_dir })))
    }

    fn look<T>(&self, look: impl FnOnce(&Engine) -> T) -> T {
        self.0.look(|filing| look(&filing.engine))
    }

    /// Runs something on the engine as a verb does.
    fn act<T>(&self, action: impl FnOnce(&mut Engine, Duration) -> T) -> T {
        self.0.act(|filing, now| {
            // What is due before the action happens before it.
            filing.print(now);
            let result = action(&mut filing.engine, now);
            filing.print(now);
            result
        })
    }
}

impl Filing {
    /// Lets the engine do what is due and saves what came out; the next deadline.
    fn print(&mut self, now: Duration) -> Option<Duration> {
        let deadline = self.engine.advance(now);
        for receipt in self.engine.take_receipts() {
            if let Some(dir) = &self.out_dir
                && let Err(error) = save(dir, &receipt)
            {
                tracing::error!(dir = %dir.display(), number = receipt.number, %error, "cannot write a receipt");
            }
        }
        deadline
    }
}

impl Machine for Filing {
    const UNSENT_BYTES_MAX: usize = 4096;

    fn connected(&mut self, _now: Duration) {
        self.engine.link_changed();
    }

    fn disconnected(&mut self, _now: Duration) {
        self.engine.link_changed();
    }

    fn room(&self, now: Duration) -> usize {
        self.engine.room(now)
    }

    fn receive(&mut self, now: Duration, bytes: &[u8]) {
        self.engine.receive(now, bytes);
    }

    fn advance(&mut self, now: Duration, _flushed: bool) -> Demand {
        let deadline = self.print(now);
        let hung_up = self.engine.take_hang_up();
        let cable = match (self.engine.plugged(), hung_up) {
            (false, _) => Cable::Unplugged,
            (true, true) => Cable::HungUp,
            (true, false) => Cable::Plugged,
        };
        Demand { deadline, output: self.engine.take_output(now), cable }
    }
}

impl Device for Printer {
    fn name(&self) -> &'static str {
        "printer"
    }

    fn state(&self) -> Value {
        self.0.state(|filing| filing.engine.state())
    }

    fn verbs(&self) -> &'static [Verb] {
        engine::VERBS
    }

    fn verb(&self, name: &str, args: &[String]) -> Result<Value, VerbError> {
        self.act(|engine, now| engine.verb(now, name, args))
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes()
    }

    fn panel(&self) -> Option<PanelPart> {
        Some(PanelPart {
            title: "Receipt printer",
            script: include_str!("panel/parts/printer.js"),
            style: include_str!("panel/parts/printer.css"),
        })
    }

    /// `current.png` is the paper that has not been cut yet; `receipt-0001.png` and so on come from the directory.
    fn picture(&self, name: &str) -> Option<Picture> {
        let bytes = if name == "current.png" {
            self.look(Engine::current_png)?
        } else {
            let number: u64 = name.strip_prefix("receipt-")?.strip_suffix(".png")?.parse().ok()?;
            let dir = self.0.look(|filing| filing.out_dir.clone())?;
            fs::read(dir.join(Receipt::stem(number)).with_extension("png")).ok()?
        };
        Some(Picture { content_type: "image/png", bytes })
    }
}

impl Wired for Printer {
    fn run(self: Arc<Self>, port: Port, shutdown: Shutdown) -> Running {
        Box::pin(shell::run(self, |printer| &printer.0, port, shutdown))
    }
}

/// Both files appear whole: whoever watches the directory never sees half a picture.
fn save(dir: &Path, receipt: &Receipt) -> io::Result<()> {
    let path = dir.join(Receipt::stem(receipt.number));
    let png =
        receipt::png(receipt.strip.dots()).ok_or_else(|| io::Error::other("cannot encode the picture"))?;
    for (extension, bytes) in [("txt", receipt.dump().into_bytes()), ("png", png)] {
        let unfinished = path.with_extension(format!("{extension}.tmp"));
        fs::write(&unfinished, bytes)?;
        fs::rename(&unfinished, path.with_extension(extension))?;
    }
    Ok(())
}
