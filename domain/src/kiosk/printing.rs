//! Receipts on their way to paper. One job at a time is at the printer; the others wait in the ledger. A job
//! that may have come out is never printed again as an original: a marked copy is. The same goes for a customer who
//! left with the code on the screen because there was no paper.
//!
//! A job that runs out of paper waits inside the printer and goes on by itself, so the driver alone says how it
//! ended. Two clocks run here: after [`print_patience_ms`] the customer's page no longer waits, which changes
//! nothing about the job; after [`print_lost_ms`] the driver itself must have lost it.
//!
//! [`print_patience_ms`]: crate::config::Times::print_patience_ms
//! [`print_lost_ms`]: crate::config::Times::print_lost_ms

use super::Refusal;
use super::ledger::{OrderRecord, PrintState, ReceiptRecord};
use super::turn::Turn;
use crate::effect::PrinterEffect;
use crate::event::ReceiptEvent;
use crate::ids::{OrderId, ReceiptId};
use crate::input::PrinterInput;
use crate::intent::ReceiptChoice;
use crate::receipt::ReceiptKind;
use crate::session::AtPrinter;
use std::sync::Arc;

/// So many copies follow by themselves when it is not known whether a receipt came out; after that the paper is
/// wasted on a printer that does not answer, and the QR code and a person remain.
const AUTOMATIC_COPIES_MAX: u32 = 2;

/// The pause after a refused job doubles at most so many times.
const RETRY_DOUBLINGS_MAX: u32 = 5;

impl Turn<'_> {
    pub(super) fn printer(&mut self, input: PrinterInput) {
        match input {
            PrinterInput::Condition(condition) => {
                self.session.devices.printer = condition;
                self.session.work.print_not_before = None;
                self.session.work.print_refusals = 0;
            }
            PrinterInput::Sent { receipt } => self.came_out(receipt, ReceiptEvent::Unconfirmed { receipt }),
            PrinterInput::Confirmed { receipt } => {
                self.came_out(receipt, ReceiptEvent::Confirmed { receipt });
            }
            PrinterInput::Unknown { receipt } => {
                if self.print_ended(receipt) {
                    self.print_unknown(receipt);
                }
            }
            PrinterInput::NotStarted { receipt } => {
                if self.print_ended(receipt) {
                    self.record(ReceiptEvent::Returned { receipt });
                    self.print_pause();
                }
            }
            PrinterInput::Impossible { receipt, why } => {
                if self.print_ended(receipt) {
                    self.record(ReceiptEvent::Failed { receipt, why });
                }
            }
        }
    }

    fn came_out(&mut self, receipt: ReceiptId, event: ReceiptEvent) {
        if self.print_ended(receipt) {
            self.record(event);
            self.session.work.print_refusals = 0;
        }
    }

    /// The job left the printer one way or another. `false` for a job that is not there (any more).
    fn print_ended(&mut self, receipt: ReceiptId) -> bool {
        if self.session.work.printing.is_some_and(|job| job.receipt == receipt) {
            self.session.work.printing = None;
        }
        self.ledger.receipt(receipt).is_some_and(|(_, r)| r.state == PrintState::Sent)
    }

    fn print_pause(&mut self) {
        let work = &mut self.session.work;
        let factor = 1_u64 << work.print_refusals.min(RETRY_DOUBLINGS_MAX);
        work.print_refusals = work.print_refusals.saturating_add(1);
        work.print_not_before = Some(self.now.mono.plus(self.config.times.print_retry_ms * factor));
    }

    /// Nobody knows whether it came out: a marked copy follows.
    pub(super) fn print_unknown(&mut self, receipt: ReceiptId) {
        if !self.record(ReceiptEvent::Unknown { receipt }) {
            return;
        }
        let Some((order, record)) = self.ledger.receipt(receipt) else { return };
        let (id, kind, copy) = (order.order.id, record.kind, next_copy(order, record.kind));
        let automatic = order.receipts.iter().filter(|r| r.state == PrintState::Unknown).count();
        if u32::try_from(automatic).unwrap_or(u32::MAX) <= AUTOMATIC_COPIES_MAX {
            self.queue_receipt(id, kind, copy);
        }
    }

    /// Queues a receipt. A repetition of a sale is a copy.
    pub(super) fn queue_receipt(&mut self, order: OrderId, kind: ReceiptKind, copy: u32) {
        let receipt = ReceiptId(self.new_id());
        let kind = match kind {
            ReceiptKind::Sale if copy > 0 => ReceiptKind::Copy,
            ReceiptKind::Sale
            | ReceiptKind::Copy
            | ReceiptKind::Refund
            | ReceiptKind::PayAtCounter
            | ReceiptKind::Kitchen => kind,
        };
        self.record(ReceiptEvent::Queued { receipt, order, kind, copy });
    }

    /// The staff want a receipt again.
    pub(super) fn reprint(&mut self, receipt: ReceiptId) {
        let Some((order, record)) = self.ledger.receipt(receipt) else {
            return self.refuse(Refusal::NotFound);
        };
        if !record.state.is_final() {
            return self.refuse(Refusal::NotNow);
        }
        let (id, kind, copy) = (order.order.id, record.kind, next_copy(order, record.kind));
        self.queue_receipt(id, kind, copy);
    }

    /// The customer says how the receipt is wanted.
    pub(super) fn choose_receipt(&mut self, order: OrderId, choice: ReceiptChoice) {
        let Some(record) = self.ledger.order(order) else { return };
        let original = record.receipts.iter().rev().find(|r| is_first(r)).map(|r| (r.id, r.state.clone()));
        let Some((receipt, state)) = original else { return };
        match (choice, state) {
            (ReceiptChoice::Paper, PrintState::Declined) => self.queue_receipt(order, ReceiptKind::Sale, 0),
            (ReceiptChoice::Phone | ReceiptChoice::None, PrintState::Queued) => {
                self.record(ReceiptEvent::Declined { receipt });
            }
            (
                ReceiptChoice::Paper,
                PrintState::Queued
                | PrintState::Sent
                | PrintState::Confirmed
                | PrintState::Unconfirmed
                | PrintState::Unknown
                | PrintState::Failed(_),
            )
            | (
                ReceiptChoice::Phone | ReceiptChoice::None,
                PrintState::Sent
                | PrintState::Confirmed
                | PrintState::Unconfirmed
                | PrintState::Unknown
                | PrintState::Declined
                | PrintState::Failed(_),
            ) => {}
        }
        if let Some(ordered) = self.ordered_mut(order) {
            ordered.receipt = Some(choice);
        }
    }

    /// The customer leaves the number page. Where no paper could come out, the code on the screen was the original.
    pub(super) fn leave_original(&mut self) {
        let Some(order) = self.visit().and_then(super::visit::ordered).map(|ordered| ordered.order) else {
            return;
        };
        let Some(record) = self.ledger.order(order) else { return };
        let waiting =
            record.receipts.iter().find(|r| is_first(r) && r.state == PrintState::Queued).map(|r| r.id);
        let copy = next_copy(record, ReceiptKind::Sale);
        if let Some(receipt) = waiting
            && !self.session.prints_now()
            && self.record(ReceiptEvent::Declined { receipt })
        {
            self.queue_receipt(order, ReceiptKind::Copy, copy);
        }
    }

    /// What time alone changes at the printer; before the customer's page, which looks at it.
    pub(super) fn print_times(&mut self) {
        let now = self.now.mono;
        let work = &mut self.session.work;
        work.print_not_before = work.print_not_before.filter(|at| *at > now);
        if let Some(job) = &mut work.printing {
            job.patience = job.patience.filter(|at| *at > now);
            if job.lost_at <= now {
                let receipt = job.receipt;
                work.printing = None;
                self.print_unknown(receipt);
            }
        }
    }

    /// Hands the next job to the printer when it can print.
    pub(super) fn printer_duties(&mut self) {
        let work = &self.session.work;
        if work.printing.is_some() || work.print_not_before.is_some() || !self.session.devices.can_print() {
            return;
        }
        let Some(receipt) = self.next_to_print() else { return };
        if self.record(ReceiptEvent::Sent { receipt })
            && let Some((order, record)) = self.ledger.receipt(receipt)
        {
            let document = Arc::new(crate::receipt::receipt(self.config, order, record, self.now));
            self.effect(PrinterEffect::Print { receipt, document });
            let times = &self.config.times;
            self.session.work.printing = Some(AtPrinter {
                receipt,
                patience: Some(self.now.mono.plus(times.print_patience_ms)),
                lost_at: self.now.mono.plus(times.print_lost_ms),
            });
        }
    }

    /// The oldest job that may be printed now.
    fn next_to_print(&self) -> Option<ReceiptId> {
        let waits_for_choice = self.receipt_undecided();
        self.ledger
            .open_orders()
            .filter(|order| order.is_released() && Some(order.order.id) != waits_for_choice)
            .flat_map(|order| order.receipts.iter().map(move |r| (order.place, r)))
            .filter(|(_, r)| r.state == PrintState::Queued)
            .min_by_key(|(place, _)| *place)
            .map(|(_, r)| r.id)
    }

    /// Whether paper of an order is coming out, or about to, so that its customer had better wait for it.
    pub(super) fn is_printing(&self, order: OrderId) -> bool {
        let undecided = self.receipt_undecided() == Some(order);
        let under_way = |state: &PrintState| match state {
            PrintState::Sent => true,
            PrintState::Queued => !undecided,
            PrintState::Confirmed
            | PrintState::Unconfirmed
            | PrintState::Unknown
            | PrintState::Declined
            | PrintState::Failed(_) => false,
        };
        self.session.prints_now()
            && self.ledger.order(order).is_some_and(|o| o.receipts.iter().any(|r| under_way(&r.state)))
    }

    /// The paid order on the screen whose customer has not yet said how the receipt is wanted.
    fn receipt_undecided(&self) -> Option<OrderId> {
        let ordered = super::visit::ordered(self.visit()?)?;
        let paid = self.ledger.order(ordered.order).is_some_and(|order| order.paid.is_some());
        let asks = !self.config.policy.print_without_asking && ordered.receipt.is_none();
        (paid && asks).then_some(ordered.order)
    }
}

/// Whether it is the first issue of the receipt of a sale.
pub(super) fn is_first(receipt: &ReceiptRecord) -> bool {
    receipt.kind == ReceiptKind::Sale && receipt.copy == 0
}

/// The number of the next repetition of what `kind` says.
fn next_copy(order: &OrderRecord, kind: ReceiptKind) -> u32 {
    let same = |k: ReceiptKind| match kind {
        ReceiptKind::Sale | ReceiptKind::Copy => matches!(k, ReceiptKind::Sale | ReceiptKind::Copy),
        ReceiptKind::Refund | ReceiptKind::PayAtCounter | ReceiptKind::Kitchen => k == kind,
    };
    order.receipts.iter().filter(|r| same(r.kind)).map(|r| r.copy).max().map_or(0, |copy| copy + 1)
}
