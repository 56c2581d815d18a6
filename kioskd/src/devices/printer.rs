//! The receipt printer's actor; the drawer hangs on it.

use std::sync::Arc;

use domain::Input;
use domain::effect::{DrawerEffect, PrinterEffect};
use domain::ids::ReceiptId;
use domain::input::{DrawerInput, PrinterCondition, PrinterInput};
use domain::receipt::ReceiptDocument;
use hal::drawer::{CashDrawer as _, DrawerState, Kick};
use hal::printer::{BitImage, DrawerPin, EscposPrinter, MechanismFault, Paper, PrinterFault};
use tokio::sync::mpsc::Receiver;

use super::life::Life;
use super::press::{Ending, Job, Keys, Press, Reports};
use crate::router::PrinterJob;
use crate::settings::{Printer, WrongValue};

/// The printer as configured.
pub(super) struct Actor {
    press: Press,
    drawer: bool,
}

impl Actor {
    pub(super) fn new(settings: &Printer, drawer: bool, logo: Option<BitImage>) -> Result<Self, WrongValue> {
        let keys = Keys { endpoint: "printer.endpoint", profile: "printer.profile" };
        Ok(Self { press: Press::new(keys, settings, logo)?, drawer })
    }

    pub(super) async fn run(self, life: Life, jobs: Receiver<PrinterJob>) {
        let reports = ReceiptReports { drawer: self.drawer, told: None };
        self.press.run(life, jobs, reports).await;
    }
}

/// What the core is told.
struct ReceiptReports {
    drawer: bool,
    told: Option<DrawerState>,
}

impl Reports for ReceiptReports {
    type Job = PrinterJob;

    type Key = ReceiptId;

    fn job(&self, job: PrinterJob) -> Job<ReceiptId> {
        match job {
            PrinterJob::Print(PrinterEffect::Print { receipt, document }) => {
                Job::Print { key: receipt, document }
            }
            PrinterJob::Drawer(DrawerEffect::Kick) => Job::Kick,
        }
    }

    fn condition(&mut self, life: &Life, now: Option<hal::printer::PrinterCondition>) {
        let condition = now.map_or(PrinterCondition::Absent, condition);
        life.tell(Input::Printer(PrinterInput::Condition(condition)));
    }

    fn drawer(&mut self, life: &Life, state: DrawerState) {
        if !self.drawer || self.told.replace(state) == Some(state) {
            return;
        }
        match state {
            DrawerState::Open => life.tell(Input::Drawer(DrawerInput::Opened)),
            DrawerState::Closed => life.tell(Input::Drawer(DrawerInput::Closed)),
            DrawerState::Unknown => {}
        }
    }

    fn ended(&self, life: &Life, receipt: ReceiptId, ending: Ending) {
        life.tell(Input::Printer(match ending {
            Ending::Confirmed => PrinterInput::Confirmed { receipt },
            Ending::Sent => PrinterInput::Sent { receipt },
            Ending::Unknown => PrinterInput::Unknown { receipt },
            Ending::NotStarted => PrinterInput::NotStarted { receipt },
            Ending::Impossible(why) => PrinterInput::Impossible { receipt, why },
        }));
    }

    async fn kick(&self, life: &Life, printer: Option<&mut EscposPrinter>) {
        let input = match printer.filter(|_| self.drawer) {
            Some(printer) => match printer.kick(DrawerPin::Two).await {
                Ok(Kick::Opened | Kick::AlreadyOpen | Kick::Unverified) => DrawerInput::Opened,
                Ok(Kick::DidNotOpen) => DrawerInput::DidNotOpen,
                Err(error) => {
                    tracing::warn!(%error, "the drawer was not opened");
                    DrawerInput::DidNotOpen
                }
            },
            None => DrawerInput::DidNotOpen,
        };
        life.tell(Input::Drawer(input));
    }
}

/// The printer's condition in the core's words.
pub(super) fn condition(condition: hal::printer::PrinterCondition) -> PrinterCondition {
    match condition.fault() {
        None if condition.paper == Paper::NearEnd => PrinterCondition::PaperLow,
        None => PrinterCondition::Ready,
        Some(PrinterFault::PaperOut) => PrinterCondition::PaperOut,
        Some(PrinterFault::CoverOpen) => PrinterCondition::CoverOpen,
        Some(PrinterFault::Silent) => PrinterCondition::Absent,
        // It cools down by itself within a receipt's time.
        Some(PrinterFault::HeadHot) if condition.mechanism == Some(MechanismFault::HeadHot) => {
            PrinterCondition::Ready
        }
        Some(
            PrinterFault::Unrecoverable
            | PrinterFault::CutterJam
            | PrinterFault::HeadHot
            | PrinterFault::Offline,
        ) => PrinterCondition::Error,
    }
}

/// A document shared with the core.
pub(super) type Document = Arc<ReceiptDocument>;
