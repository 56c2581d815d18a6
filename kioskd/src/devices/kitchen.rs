//! The kitchen printer's actor.

use domain::Input;
use domain::effect::KitchenEffect;
use domain::ids::KitchenJobId;
use domain::input::KitchenInput;
use hal::drawer::DrawerState;
use hal::printer::{EscposPrinter, PrinterCondition};
use tokio::sync::mpsc::Receiver;

use super::life::Life;
use super::press::{Ending, Job, Keys, Press, Reports};
use crate::settings::{Printer, WrongValue};

/// The kitchen printer as configured.
pub(super) struct Actor {
    press: Press,
}

impl Actor {
    pub(super) fn new(settings: &Printer) -> Result<Self, WrongValue> {
        let keys = Keys { endpoint: "kitchen.endpoint", profile: "kitchen.profile" };
        Ok(Self { press: Press::new(keys, settings, None)? })
    }

    pub(super) async fn run(self, life: Life, jobs: Receiver<KitchenEffect>) {
        self.press.run(life, jobs, TicketReports { reachable: None }).await;
    }
}

/// What the core is told.
struct TicketReports {
    reachable: Option<bool>,
}

impl Reports for TicketReports {
    type Job = KitchenEffect;

    type Key = KitchenJobId;

    fn job(&self, job: KitchenEffect) -> Job<KitchenJobId> {
        match job {
            KitchenEffect::Dispatch { job, ticket } => Job::Print { key: job, document: ticket },
        }
    }

    fn condition(&mut self, life: &Life, condition: Option<PrinterCondition>) {
        let reachable = condition.is_some_and(|condition| condition.fault().is_none());
        if self.reachable.replace(reachable) != Some(reachable) {
            life.tell(Input::Kitchen(KitchenInput::Reachable(reachable)));
        }
    }

    fn drawer(&mut self, _life: &Life, _state: DrawerState) {}

    fn ended(&self, life: &Life, job: KitchenJobId, ending: Ending) {
        life.tell(Input::Kitchen(match ending {
            // A ticket that may have come out is not sent again: the kitchen would cook twice. It is missed, if
            // it is, by the customer's number; the printer's fault is on the technician's page.
            Ending::Confirmed | Ending::Sent | Ending::Unknown => KitchenInput::Taken { job },
            Ending::NotStarted | Ending::Impossible(_) => KitchenInput::NotTaken { job },
        }));
    }

    async fn kick(&self, _life: &Life, _printer: Option<&mut EscposPrinter>) {
        tracing::error!("the kitchen printer was asked to open a drawer");
    }
}
