//! Card payments: from the wish to pay to a definite end. One payment at a time holds the terminal.
//!
//! ```text
//! wish ─► CREATED ─(terminal ready, its last transaction known)─► SENDING ─► result ─► APPROVED ─► COMPLETED
//!                                                                    │            (money, fiscal number, receipt and
//!                                                                    │             ticket in one transaction)
//!                                                                    └─ contact lost ─► UNKNOWN ─► asked about
//! ```
//!
//! The rules that keep money safe: a charge leaves only after `payment.send_started` is durable; the terminal
//! hears "accepted" only after `payment.approved` and `order.paid` are durable; what is not known is asked for,
//! never tried again.

use super::reconcile;
use super::turn::Turn;
use crate::effect::TerminalEffect;
use crate::event::{OrderEvent, PaymentEvent, TaskEvent, TaskKind};
use crate::ids::{OrderId, PaymentId};
use crate::money::{Currency, Minor};
use crate::order::{CancelReason, OrderState};
use crate::payment::{Approval, LastTransaction, Payment, PaymentState, Tender};
use crate::receipt::ReceiptKind;
use crate::session::{Abort, Ordered, Stage, TerminalJob, TerminalPhase};
use crate::time::MonoMs;
use crate::view::TerminalPrompt;

impl Turn<'_> {
    /// Begins a card payment of `amount`, of which `tip`.
    pub(super) fn begin_card(&mut self, order: OrderId, amount: Minor, tip: Minor, currency: Currency) {
        let id = PaymentId(self.new_id());
        let created_at = self.now.wall;
        let payment = Payment { id, order, amount, tip, currency, tender: Tender::Card, created_at };
        if self.record(PaymentEvent::Created(payment)) {
            self.session.terminal.ready_by = Some(self.now.mono.plus(self.config.times.terminal_ready_ms));
        }
    }

    /// The customer wants to cancel at the terminal.
    pub(super) fn cancel_payment(&mut self) {
        let Some((_, record)) = self.ledger.terminal_holder() else { return };
        let payment = record.payment.id;
        match record.state {
            PaymentState::Created => {
                self.record(PaymentEvent::Cancelled { payment });
            }
            PaymentState::Sending => self.abort(payment),
            PaymentState::Unknown
            | PaymentState::Approved(_)
            | PaymentState::Completed(_)
            | PaymentState::Declined { .. }
            | PaymentState::Cancelled
            | PaymentState::TimedOut
            | PaymentState::Reversing(_)
            | PaymentState::ReversalUnknown(_)
            | PaymentState::Reversed
            | PaymentState::NeedsStaff { .. } => self.refuse(super::Refusal::NotNow),
        }
    }

    pub(super) fn abort(&mut self, payment: PaymentId) {
        let until = self.now.mono.plus(self.config.times.abort_ms);
        if let Some(job) = self.job_mut(payment)
            && job.abort == Abort::No
        {
            job.abort = Abort::Asked;
            job.until = until;
            self.effect(TerminalEffect::Abort { payment });
        }
    }

    pub(super) fn abort_refused(&mut self, payment: PaymentId) {
        let until = self.now.mono.plus(self.config.times.charge_ms);
        if let Some(job) = self.job_mut(payment) {
            job.abort = Abort::Refused;
            job.until = until;
        }
    }

    pub(super) fn sign_of_life(&mut self, payment: PaymentId, prompt: TerminalPrompt) {
        let until = self.now.mono.plus(self.config.times.charge_ms);
        if let Some(job) = self.job_mut(payment) {
            job.begun = true;
            job.prompt = prompt;
            // An abort that was asked for keeps its own deadline: the terminal may talk on and never agree.
            if job.abort == Abort::No {
                job.until = until;
            }
        }
    }

    /// A definite end without money.
    pub(super) fn ended_unpaid(&mut self, payment: PaymentId, event: PaymentEvent) {
        let Some((_, record)) = self.ledger.payment(payment) else { return };
        let refused_goods = record.refused_goods;
        match record.state {
            PaymentState::Sending | PaymentState::Unknown | PaymentState::NeedsStaff { .. }
                if record.approval.is_none() && !refused_goods =>
            {
                self.end_job(payment);
                self.record(event);
                self.task_done(payment, "terminal");
                self.order_unpaid(payment);
            }
            PaymentState::Reversing(_) | PaymentState::ReversalUnknown(_) if refused_goods => {
                self.reversal_done(payment);
            }
            PaymentState::Created
            | PaymentState::Sending
            | PaymentState::Unknown
            | PaymentState::Approved(_)
            | PaymentState::Completed(_)
            | PaymentState::Declined { .. }
            | PaymentState::Cancelled
            | PaymentState::TimedOut
            | PaymentState::Reversing(_)
            | PaymentState::ReversalUnknown(_)
            | PaymentState::Reversed
            | PaymentState::NeedsStaff { .. } => {}
        }
    }

    /// After a payment that took no money: the customer chooses again, or nobody is there any more.
    pub(super) fn order_unpaid(&mut self, payment: PaymentId) {
        let Some((order, _)) = self.ledger.payment(payment) else { return };
        let (id, state) = (order.order.id, order.state);
        if let Some(ordered) = self.ordered_mut(id) {
            ordered.choosing = false;
        } else if state == OrderState::AwaitingPayment {
            self.record(OrderEvent::Cancelled { order: id, why: CancelReason::Idle });
        }
    }

    /// The terminal approved and waits for our word.
    pub(super) fn approved(&mut self, payment: PaymentId, approval: Approval, currency: Option<Currency>) {
        let Some((order, record)) = self.ledger.payment(payment) else {
            return self.unexplained(&reconcile::transaction_of(&approval), Some(payment));
        };
        let ours = &record.payment;
        let fits = approval.amount == ours.amount && currency.is_none_or(|c| c == ours.currency);
        let wanted = self.session.fault.is_none()
            && matches!(order.state, OrderState::AwaitingPayment | OrderState::PaymentUnknown);
        let booked = record.approval.clone();
        let refused = record.refused_goods;
        match (&record.state, booked) {
            (PaymentState::Sending | PaymentState::Unknown | PaymentState::NeedsStaff { .. }, None)
                if !refused =>
            {
                if fits && wanted {
                    self.book(payment, approval);
                    self.effect(TerminalEffect::AcceptResult { payment });
                    self.await_completion(payment);
                } else {
                    self.refuse_goods(payment, fits);
                }
            }
            (PaymentState::Approved(_) | PaymentState::NeedsStaff { .. }, Some(booked)) => {
                if is_same(&booked, &approval) {
                    self.effect(TerminalEffect::AcceptResult { payment });
                    self.await_completion(payment);
                } else {
                    self.unexplained(&reconcile::transaction_of(&approval), None);
                }
            }
            (PaymentState::Completed(booked), _) => {
                let booked = booked.clone();
                self.approved_again(payment, &booked, &approval);
            }
            (
                PaymentState::Reversing(_)
                | PaymentState::ReversalUnknown(_)
                | PaymentState::NeedsStaff { .. },
                _,
            ) => {
                if refused {
                    self.effect(TerminalEffect::RefuseGoods { payment });
                }
            }
            (
                PaymentState::Created
                | PaymentState::Declined { .. }
                | PaymentState::Cancelled
                | PaymentState::TimedOut
                | PaymentState::Reversed
                | PaymentState::Sending
                | PaymentState::Unknown
                | PaymentState::Approved(_),
                _,
            ) => self.unexplained(&reconcile::transaction_of(&approval), Some(payment)),
        }
    }

    /// An approval of a payment that is completed.
    fn approved_again(&mut self, payment: PaymentId, booked: &Approval, approval: &Approval) {
        let known = reconcile::transaction_of(booked);
        let by_word = reconcile::same_numbers(&known, &known).is_none();
        match is_same(booked, approval) {
            // A person was faster than the terminal, which still waits for our word.
            true if by_word => self.effect(TerminalEffect::AcceptResult { payment }),
            true => {}
            false => self.unexplained(&reconcile::transaction_of(approval), None),
        }
    }

    /// Money was taken: the order is paid. One transaction.
    pub(super) fn book(&mut self, payment: PaymentId, approval: Approval) {
        let Some((order, _)) = self.ledger.payment(payment) else { return };
        let order = order.order.id;
        let at = self.now.wall;
        if self.record(PaymentEvent::Approved { payment, approval, at }) {
            self.mark_paid(order);
            self.task_done(payment, "terminal");
        }
    }

    /// Takes the next fiscal number and queues receipt and kitchen ticket.
    pub(super) fn mark_paid(&mut self, order: OrderId) {
        let fiscal = self.ledger.next_fiscal();
        self.record(OrderEvent::Paid { order, fiscal, at: self.now.wall });
        self.queue_receipt(order, ReceiptKind::Sale, 0);
        self.queue_kitchen(order);
    }

    pub(super) fn refuse_goods(&mut self, payment: PaymentId, fits: bool) {
        self.record(PaymentEvent::RefusedGoods { payment });
        self.effect(TerminalEffect::RefuseGoods { payment });
        if !fits {
            self.raise(TaskKind::AmountDiffers { payment }, "the terminal's amount differs from ours");
        }
        let until = self.now.mono.plus(self.config.times.completion_ms);
        self.start_job(payment, TerminalPrompt::Wait, until);
    }

    pub(super) fn await_completion(&mut self, payment: PaymentId) {
        let until = self.now.mono.plus(self.config.times.completion_ms);
        self.start_job(payment, TerminalPrompt::Approved, until);
    }

    /// The terminal is done with an approved payment: goods and paper may leave.
    pub(super) fn completed(&mut self, payment: PaymentId) {
        let Some((_, record)) = self.ledger.payment(payment) else { return };
        match (&record.state, &record.approval) {
            (PaymentState::Approved(_) | PaymentState::NeedsStaff { .. }, Some(approval)) => {
                let transaction = reconcile::transaction_of(approval);
                self.end_job(payment);
                self.complete(payment);
                if reconcile::same_numbers(&transaction, &transaction).is_some() {
                    self.session.terminal.phase = TerminalPhase::Ready(Some(transaction));
                }
            }
            (PaymentState::Sending, _) => self.fall_into_doubt(payment, "completed without a result"),
            (PaymentState::Reversing(_), _) => self.fall_into_doubt(payment, "completed while giving back"),
            (
                PaymentState::Created
                | PaymentState::Unknown
                | PaymentState::Approved(_)
                | PaymentState::Completed(_)
                | PaymentState::Declined { .. }
                | PaymentState::Cancelled
                | PaymentState::TimedOut
                | PaymentState::ReversalUnknown(_)
                | PaymentState::Reversed
                | PaymentState::NeedsStaff { .. },
                _,
            ) => {}
        }
    }

    pub(super) fn complete(&mut self, payment: PaymentId) {
        self.record(PaymentEvent::Completed { payment });
        self.task_done(payment, "terminal");
    }

    /// The terminal has money that no payment explains. `refuse`: it still waits for our word about it.
    pub(super) fn unexplained(&mut self, transaction: &LastTransaction, refuse: Option<PaymentId>) {
        if let Some(payment) = refuse {
            self.effect(TerminalEffect::RefuseGoods { payment });
        }
        let evidence = reconcile::describe(transaction).into();
        let kind = TaskKind::UnexplainedTransaction { transaction: transaction.clone(), evidence };
        if !self.ledger.tasks.values().any(|task| task.kind == kind) {
            self.raise(kind, "the terminal has a transaction that no order explains");
        }
    }

    pub(super) fn task_done(&mut self, payment: PaymentId, by: &str) {
        if let Some(task) = self.ledger.unclear_task(payment) {
            self.record(TaskEvent::Done { task, by: by.into() });
        }
    }

    pub(super) fn payment_state(&self, payment: PaymentId) -> Option<&PaymentState> {
        self.ledger.payment(payment).map(|(_, record)| &record.state)
    }

    pub(super) fn start_job(&mut self, payment: PaymentId, prompt: TerminalPrompt, until: MonoMs) {
        let terminal = &mut self.session.terminal;
        terminal.phase = TerminalPhase::Registered;
        terminal.ready_by = None;
        terminal.job =
            Some(TerminalJob { payment, begun: false, prompt, until, abort: Abort::No, doubted: false });
    }

    /// The job is over; what the terminal did last is to be asked.
    pub(super) fn end_job(&mut self, payment: PaymentId) {
        let terminal = &mut self.session.terminal;
        if terminal.job.as_ref().is_some_and(|job| job.payment == payment) {
            terminal.job = None;
            terminal.ask_at = None;
            if terminal.phase != TerminalPhase::Down {
                terminal.phase = TerminalPhase::Registered;
            }
        }
    }

    pub(super) fn job_mut(&mut self, payment: PaymentId) -> Option<&mut TerminalJob> {
        self.session.terminal.job.as_mut().filter(|job| job.payment == payment)
    }

    /// The part of the visit that belongs to an order, if that order is on the screen.
    pub(super) fn ordered_mut(&mut self, order: OrderId) -> Option<&mut Ordered> {
        match self.visit()?.stage {
            Stage::Ordered(ref ordered) if ordered.order == order => {}
            Stage::Ordered(_)
            | Stage::Service
            | Stage::Browse
            | Stage::Item(_)
            | Stage::Meal(_)
            | Stage::Cart => return None,
        }
        match &mut self.visit_mut()?.stage {
            Stage::Ordered(ordered) => Some(ordered),
            Stage::Service | Stage::Browse | Stage::Item(_) | Stage::Meal(_) | Stage::Cart => None,
        }
    }
}

/// Whether two approvals are the same transaction: no number tells them apart.
fn is_same(a: &Approval, b: &Approval) -> bool {
    let (a, b) = (reconcile::transaction_of(a), reconcile::transaction_of(b));
    a.amount == b.amount && reconcile::same_numbers(&a, &b) != Some(false)
}
