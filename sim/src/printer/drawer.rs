//! The cash drawer as a device of its own: it hangs on the printer's connector and has no wire.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::Printer;
use crate::device::{Device, PanelPart, Verb, VerbError, VerbKind};

/// The view of the drawer; its state lives with the printer, whose status bytes depend on it.
#[derive(Debug)]
pub struct Drawer {
    printer: Arc<Printer>,
}

const VERBS: &[Verb] = &[
    Verb::new("open", "", "Somebody opens it with the key.", VerbKind::Action),
    Verb::new("close", "", "Somebody pushes it shut.", VerbKind::Action),
    Verb::new("stuck", "[off]", "The lock does not yield to a pulse.", VerbKind::Fault),
    Verb::new("inverted", "[off]", "A cable whose switch reads the other way.", VerbKind::Fault),
    Verb::new("slow", "MS|off", "Opens so many milliseconds after the pulse.", VerbKind::Fault),
    Verb::new("clear", "", "Ends the faults; cable and position stay.", VerbKind::Remedy),
];

impl Drawer {
    /// The drawer of this printer.
    #[must_use]
    pub fn new(printer: Arc<Printer>) -> Arc<Self> {
        Arc::new(Self { printer })
    }
}

impl Device for Drawer {
    fn name(&self) -> &'static str {
        "drawer"
    }

    fn state(&self) -> Value {
        self.printer.look(|engine| engine.drawer.state())
    }

    fn verbs(&self) -> &'static [Verb] {
        VERBS
    }

    fn verb(&self, name: &str, args: &[String]) -> Result<Value, VerbError> {
        let verb = Verb::find(VERBS, name)?;
        let usage = || verb.usage();
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        self.printer.act(|engine, now| {
            let drawer = &mut engine.drawer;
            match (name, words.as_slice()) {
                ("open", []) => drawer.open_by_hand(now),
                ("close", []) => drawer.close(),
                ("stuck", []) => drawer.set_stuck(true),
                ("stuck", ["off"]) => drawer.set_stuck(false),
                ("inverted", []) => drawer.set_inverted(true),
                ("inverted", ["off"]) => drawer.set_inverted(false),
                ("slow", ["off"]) => drawer.set_delay(Duration::ZERO),
                ("slow", [ms]) => {
                    let ms: u32 = ms.parse().map_err(|_| usage())?;
                    drawer.set_delay(Duration::from_millis(ms.into()));
                }
                ("clear", []) => drawer.clear(),
                _ => return Err(usage()),
            }
            Ok(Value::Null)
        })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.printer.changes()
    }

    fn panel(&self) -> Option<PanelPart> {
        Some(PanelPart {
            title: "Cash drawer",
            script: include_str!("../panel/parts/drawer.js"),
            style: include_str!("../panel/parts/drawer.css"),
        })
    }
}
