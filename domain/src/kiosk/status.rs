//! What the kiosk reports about itself, for tools and the fleet.

use std::sync::Arc;

use super::Kiosk;
use super::ledger::{DayCount, PrintState};
use super::view::before;
use crate::ids::OrderId;
use crate::input::PrinterCondition;
use crate::order::{DisplayNumber, OrderState};
use crate::payment::PaymentState;
use crate::session::{TerminalPhase, Uplink};
use crate::time::{Now, WallMs};

/// How the kiosk is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KioskStatus {
    /// What it is doing.
    pub mode: Mode,
    /// Name of the page on the screen.
    pub page: &'static str,
    /// The order of the customer in front of it.
    pub order: Option<OpenOrder>,
    /// The receipt printer.
    pub printer: PrinterCondition,
    /// Whether a card payment could begin.
    pub terminal_ready: bool,
    /// Whether a scanner is there.
    pub scanner: bool,
    /// Whether the kitchen takes tickets.
    pub kitchen: bool,
    /// The fleet has been silent since then.
    pub offline_since: Option<WallMs>,
    /// Revision of the active catalog.
    pub catalog_rev: Option<u64>,
    /// Sales of the business day.
    pub day: DayCount,
    /// Tasks that nobody has done.
    pub open_tasks: usize,
    /// Payments whose end nobody knows.
    pub unclear_payments: usize,
    /// Receipts that wait for the printer.
    pub queued_receipts: usize,
    /// Kitchen tickets not confirmed.
    pub open_tickets: usize,
    /// The fiscal series in use and its last number.
    pub fiscal: (u64, u64),
}

/// What the kiosk is doing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Starting.
    Starting,
    /// Waiting for a fleet to claim it.
    Unclaimed,
    /// Waiting for a customer.
    Idle,
    /// Serving one.
    Busy,
    /// A payment is unclear; the staff are needed.
    NeedsStaff,
    /// Closed on purpose.
    Closed,
    /// Out of service, and why.
    OutOfService {
        /// Short code.
        code: Arc<str>,
        /// In English.
        detail: Arc<str>,
    },
}

/// The order on the screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenOrder {
    /// Its identity.
    pub id: OrderId,
    /// Its number.
    pub number: DisplayNumber,
    /// Where it stands.
    pub state: OrderState,
    /// It was paid, and the money went back.
    pub refunded: bool,
}

impl Kiosk {
    /// How the kiosk is.
    pub fn status(&self, now: &Now) -> KioskStatus {
        let (session, ledger) = (&self.session, &self.ledger);
        let ordered = session.visit.as_deref().and_then(super::visit::ordered);
        let order = ordered.and_then(|ordered| ledger.order(ordered.order));
        let receipts = ledger.open_orders().flat_map(|o| &o.receipts);
        let tickets = ledger.open_orders().flat_map(|o| &o.kitchen);
        let fiscal = ledger.series.get(&ledger.current_series).map_or(0, |count| count.last);
        KioskStatus {
            mode: self.mode(),
            page: self.page_name(now),
            order: order.map(|record| OpenOrder {
                id: record.order.id,
                number: record.order.number.clone(),
                state: record.state,
                refunded: record.is_refunded(),
            }),
            printer: session.devices.printer,
            terminal_ready: matches!(session.terminal.phase, TerminalPhase::Ready(_)),
            scanner: session.devices.scanner,
            kitchen: session.devices.kitchen,
            offline_since: match session.uplink {
                Uplink::Online => None,
                Uplink::Silent { since, .. } | Uplink::Offline { since } => Some(since),
            },
            catalog_rev: session.menu.as_ref().map(|menu| menu.catalog.rev),
            day: ledger.day,
            open_tasks: ledger.tasks.len(),
            unclear_payments: self.unclear_payments(),
            queued_receipts: receipts.filter(|r| r.state == PrintState::Queued).count(),
            open_tickets: tickets.filter(|k| !k.state.is_final()).count(),
            fiscal: (ledger.current_series, fiscal),
        }
    }

    fn page_name(&self, now: &Now) -> &'static str {
        self.view(now).page.name()
    }

    fn unclear_payments(&self) -> usize {
        let unclear = |state: &PaymentState| match state {
            PaymentState::Unknown | PaymentState::ReversalUnknown(_) | PaymentState::NeedsStaff { .. } => {
                true
            }
            PaymentState::Created
            | PaymentState::Sending
            | PaymentState::Approved(_)
            | PaymentState::Completed(_)
            | PaymentState::Declined { .. }
            | PaymentState::Cancelled
            | PaymentState::TimedOut
            | PaymentState::Reversing(_)
            | PaymentState::Reversed => false,
        };
        self.ledger.live_payments().filter(|(_, p)| unclear(&p.state)).count()
    }

    fn mode(&self) -> Mode {
        let session = &self.session;
        if !session.started {
            Mode::Starting
        } else if let Some(fault) = &session.fault {
            Mode::OutOfService { code: fault.code.clone(), detail: fault.detail.clone() }
        } else if session.restarting {
            Mode::OutOfService { code: before::CODE_RESTARTING.into(), detail: before::RESTARTING.into() }
        } else if self.unclear_payments() > 0 {
            Mode::NeedsStaff
        } else if session.visit.is_some() {
            Mode::Busy
        } else if session.claim.is_some() {
            Mode::Unclaimed
        } else if session.menu.is_none() {
            Mode::OutOfService { code: "CAT-01".into(), detail: "no catalog is active".into() }
        } else if self.ledger.closed.is_some() {
            Mode::Closed
        } else {
            Mode::Idle
        }
    }
}
