//! An ESC/POS receipt printer with a cutter and a cash drawer.
//!
//! [`Printer`] is the shell: it owns the lock, the clock, the output directory and the wire. All behaviour is in the
//! `Engine`, which knows no clock and no file. From byte to paper: `realtime` and `parser` read, `engine` decides
//! when, `typesetter` draws on a `strip`, `receipt` makes the picture and the words.

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
mod wire;

pub use config::{Config, Pace, PaperWidth};
pub use drawer::Drawer;
pub use render::{Rendered, render};

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::device::{Device, PanelPart, Picture, Port, Revision, Running, Shutdown, Verb, VerbError, Wired};
use engine::Engine;
use receipt::Receipt;

/// A printer that can be wired to a port and shown on the panel.
#[derive(Debug)]
pub struct Printer {
    inner: Mutex<Inner>,
    /// Where receipts are written.
    out_dir: Option<PathBuf>,
    epoch: Instant,
    /// A verb has changed something the wire loop must act on.
    wake: Notify,
    revision: Revision,
}

#[derive(Debug)]
struct Inner {
    engine: Engine,
    connected: bool,
}

impl Printer {
    /// A healthy printer with a full roll. With an output directory, which must exist, every receipt is written there
    /// as `receipt-0001.png` and `receipt-0001.txt` before it appears in the state.
    #[must_use]
    pub fn new(config: Config, out_dir: Option<PathBuf>) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Inner { engine: Engine::new(config), connected: false }),
            out_dir,
            epoch: Instant::now(),
            wake: Notify::new(),
            revision: Revision::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Since the printer was made.
    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// Lets the engine do what is due and saves what came out; the next deadline.
    fn advance(&self, engine: &mut Engine) -> Option<Duration> {
        let deadline = engine.advance(self.now());
        for receipt in engine.take_receipts() {
            if let Some(dir) = &self.out_dir
                && let Err(error) = save(dir, &receipt)
            {
                tracing::error!(dir = %dir.display(), number = receipt.number, %error, "cannot write a receipt");
            }
        }
        deadline
    }

    /// Runs something on the engine as a verb does.
    fn act<T>(&self, action: impl FnOnce(&mut Engine, Duration) -> T) -> T {
        let mut inner = self.lock();
        // What is due before the action happens before it.
        self.advance(&mut inner.engine);
        let result = action(&mut inner.engine, self.now());
        self.advance(&mut inner.engine);
        drop(inner);
        self.revision.bump();
        self.wake.notify_one();
        result
    }
}

impl Device for Printer {
    fn name(&self) -> &'static str {
        "printer"
    }

    fn state(&self) -> Value {
        let inner = self.lock();
        let mut state = inner.engine.state();
        state["connected"] = json!(inner.connected);
        state
    }

    fn verbs(&self) -> &'static [Verb] {
        engine::VERBS
    }

    fn verb(&self, name: &str, args: &[String]) -> Result<Value, VerbError> {
        self.act(|engine, now| engine.verb(now, name, args))
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
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
            self.lock().engine.current_png()?
        } else {
            let number: u64 = name.strip_prefix("receipt-")?.strip_suffix(".png")?.parse().ok()?;
            fs::read(self.out_dir.as_ref()?.join(Receipt::stem(number)).with_extension("png")).ok()?
        };
        Some(Picture { content_type: "image/png", bytes })
    }
}

impl Wired for Printer {
    fn run(self: Arc<Self>, port: Port, shutdown: Shutdown) -> Running {
        Box::pin(wire::run(self, port, shutdown))
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
