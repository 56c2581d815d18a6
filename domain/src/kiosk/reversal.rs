//! Giving money back: because the staff ask for it, because an approved result could not be honoured, or
//! because the terminal did it by itself.
//!
//! ```text
//! COMPLETED ─(staff)─► REVERSING ─► REVERSED          counter-document with its own fiscal number
//!     ▲                   └─► REVERSAL_UNKNOWN ─► asked about ─► REVERSED | NEEDS_STAFF
//!     └─────────────(refused, and the terminal's memory does not show it)─┘
//! ```

use super::Refusal;
use super::ledger::{KitchenState, PrintState};
use super::turn::Turn;
use crate::effect::{Effect, TerminalEffect};
use crate::event::{KitchenEvent, OrderEvent, PaymentEvent, ReceiptEvent, TaskKind};
use crate::ids::{OrderId, PaymentId};
use crate::payment::{PaymentState, Tender};
use crate::receipt::ReceiptKind;
use crate::session::TerminalPhase;
use crate::view::TerminalPrompt;

impl Turn<'_> {
    /// The staff give the money of a completed payment back.
    pub(super) fn begin_reversal(&mut self, payment: PaymentId) {
        let Some((_, record)) = self.ledger.payment(payment) else { return self.refuse(Refusal::NotFound) };
        let PaymentState::Completed(approval) = record.state.clone() else {
            return self.refuse(Refusal::NotNow);
        };
        let ours = record.payment.clone();
        match ours.tender {
            Tender::Counter => {
                self.record(PaymentEvent::Reversing { payment });
                self.given_back(payment);
            }
            Tender::Card => {
                let Some(receipt_no) = approval.receipt_no else {
                    return self.refuse(Refusal::NotReversible);
                };
                let idle = matches!(self.session.terminal.phase, TerminalPhase::Ready(_));
                if !idle
                    || self.session.terminal.question.is_some()
                    || self.ledger.terminal_holder().is_some()
                {
                    return self.refuse(Refusal::TerminalBusy);
                }
                if self.day_is_closed() {
                    return self.refuse(Refusal::DayClosed);
                }
                if self.record(PaymentEvent::Reversing { payment }) {
                    let (amount, currency) = (approval.amount, ours.currency);
                    self.effect(TerminalEffect::Reverse { payment, receipt_no, amount, currency });
                    let until = self.now.mono.plus(self.config.times.charge_ms);
                    self.start_job(payment, TerminalPrompt::Wait, until);
                }
            }
        }
    }

    /// The terminal has told what it did last before, and now there is nothing any more.
    fn day_is_closed(&self) -> bool {
        let terminal = &self.session.terminal;
        terminal.phase == TerminalPhase::Ready(None)
            && terminal.question.is_none()
            && self.ledger.terminal_last.is_some()
    }

    /// The staff gave money back at the terminal that it does not give back for us. `false`: it would.
    pub(super) fn given_back_by_hand(&mut self, payment: PaymentId) -> bool {
        let Some((_, record)) = self.ledger.payment(payment) else { return false };
        let PaymentState::Completed(approval) = &record.state else { return false };
        let by_hand =
            record.payment.tender == Tender::Card && (approval.receipt_no.is_none() || self.day_is_closed());
        by_hand
            && self.record(PaymentEvent::Reversing { payment })
            && self.record(PaymentEvent::ReversalUnknown { payment })
    }

    /// The terminal says that the money was given back, or its memory shows it.
    pub(super) fn reversal_done(&mut self, payment: PaymentId) {
        let Some((order, record)) = self.ledger.payment(payment) else { return };
        let by_itself = match record.state {
            PaymentState::Reversing(_) | PaymentState::ReversalUnknown(_) => false,
            PaymentState::Sending
            | PaymentState::Unknown
            | PaymentState::Approved(_)
            | PaymentState::NeedsStaff { .. } => true,
            PaymentState::Created
            | PaymentState::Completed(_)
            | PaymentState::Declined { .. }
            | PaymentState::Cancelled
            | PaymentState::TimedOut
            | PaymentState::Reversed => return,
        };
        let (id, was_paid, was_completed) = (order.order.id, order.paid.is_some(), record.completed);
        self.end_job(payment);
        self.given_back(payment);
        if was_paid && by_itself && !was_completed {
            self.raise(
                TaskKind::ReversedByTerminal { payment, order: id },
                "the terminal gave the money of a paid order back",
            );
        }
    }

    /// Writes down that the money was given back, with everything that follows for the order.
    pub(super) fn given_back(&mut self, payment: PaymentId) {
        let Some((order, _)) = self.ledger.payment(payment) else { return };
        let (id, paid) = (order.order.id, order.paid.is_some());
        let fiscal = paid.then(|| self.ledger.next_fiscal());
        if !self.record(PaymentEvent::Reversed { payment, fiscal }) {
            return;
        }
        self.task_done(payment, "terminal");
        if paid {
            self.withdraw(id, "the money was given back");
            self.queue_receipt(id, ReceiptKind::Refund, 0);
        } else {
            self.order_unpaid(payment);
        }
    }

    /// Gives an order up that nobody pays; `event` says how.
    pub(super) fn give_up(&mut self, order: OrderId, event: OrderEvent) {
        if self.record(event) {
            self.withdraw(order, "the order was given up");
        }
    }

    /// What has not left yet does not leave any more.
    fn withdraw(&mut self, order: OrderId, why: &str) {
        let Some(record) = self.ledger.order(order) else { return };
        let tickets: Vec<_> =
            record.kitchen.iter().filter(|k| k.state == KitchenState::Queued).map(|k| k.id).collect();
        let receipts: Vec<_> =
            record.receipts.iter().filter(|r| r.state == PrintState::Queued).map(|r| r.id).collect();
        for job in tickets {
            self.record(KitchenEvent::Withdrawn { job });
        }
        for receipt in receipts {
            self.record(ReceiptEvent::Failed { receipt, why: why.into() });
        }
    }

    /// The terminal refused to give the money back: its memory decides what that means.
    pub(super) fn reversal_refused(&mut self, payment: PaymentId, code: u8) {
        if matches!(self.payment_state(payment), Some(PaymentState::Reversing(_))) {
            self.end_job(payment);
            if self.ledger.payment(payment).is_some_and(|(_, p)| p.completed) {
                self.record(PaymentEvent::ReversalRefused { payment, code });
            } else {
                self.fall_into_doubt(payment, &format!("reversal refused with code {code:02X}"));
            }
        }
    }

    /// The terminal refused and remembers no reversal: the payment stands, and may be given back another time.
    pub(super) fn reversal_was_refused(&mut self, payment: PaymentId) -> bool {
        let Some((order, record)) = self.ledger.payment(payment) else { return false };
        let unknown = matches!(record.state, PaymentState::ReversalUnknown(_));
        let Some(code) = record.reversal_refused.filter(|_| unknown) else { return false };
        let about =
            format!("the terminal refused to give back order {} (code {code:02X})", order.order.number);
        if self.record(PaymentEvent::Completed { payment }) {
            self.effect(Effect::CallStaff { about: about.into() });
        }
        true
    }
}
