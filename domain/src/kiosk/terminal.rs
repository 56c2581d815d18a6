//! What the payment terminal reports, and what it is owed: overdue answers, the next charge, the question what
//! it did last. Two rules hold here. A charge begins only when the terminal is idle and its last transaction is
//! known and no question is under way: so an answer can never be taken for news about a later payment. And the
//! terminal's actor answers in the order it was asked.

use super::doubt::doubt_blocks;
use super::reconcile::{self, Explained};
use super::turn::Turn;
use crate::effect::{Effect, TerminalEffect};
use crate::event::PaymentEvent;
use crate::ids::{PaymentId, Uuid};
use crate::input::{LastAnswer, TerminalInput};
use crate::payment::{CODE_NOT_READY, LastTransaction, Payment, PaymentState};
use crate::session::{Abort, Question, TerminalPhase};
use crate::view::TerminalPrompt;

/// Pause before a terminal that was busy or silent is asked again what it did last.
const ASK_AGAIN_MS: u64 = 2_000;

impl Turn<'_> {
    pub(super) fn terminal(&mut self, input: TerminalInput) {
        match input {
            TerminalInput::Ready { last } => self.terminal_ready(&last),
            TerminalInput::Down { .. } => self.terminal_down(),
            TerminalInput::Started { payment } => self.sign_of_life(payment, TerminalPrompt::PresentCard),
            TerminalInput::Prompt { payment, prompt } => self.sign_of_life(payment, prompt),
            TerminalInput::Refused { payment, code } => {
                let about = format!("the card terminal refuses to begin a payment (code {code:02X})");
                self.effect(Effect::CallStaff { about: about.into() });
                self.ended_unpaid(payment, PaymentEvent::Declined { payment, code: CODE_NOT_READY });
            }
            TerminalInput::Declined { payment, code } => {
                self.ended_unpaid(payment, PaymentEvent::Declined { payment, code });
            }
            TerminalInput::Cancelled { payment } => {
                self.ended_unpaid(payment, PaymentEvent::Cancelled { payment });
            }
            TerminalInput::TimedOut { payment } => {
                self.ended_unpaid(payment, PaymentEvent::TimedOut { payment });
            }
            TerminalInput::Approved { payment, approval, currency } => {
                self.approved(payment, approval, currency);
            }
            TerminalInput::Completed { payment } => self.completed(payment),
            TerminalInput::AbortRefused { payment } => self.abort_refused(payment),
            TerminalInput::Lost { payment, nothing_sent, why } => self.lost(payment, nothing_sent, &why),
            TerminalInput::Last { question, answer } => self.last_answer(question, &answer),
            TerminalInput::Reversed { payment } => self.reversal_done(payment),
            TerminalInput::ReversalRefused { payment, code } => self.reversal_refused(payment, code),
            TerminalInput::ReceiptText { payment, customer, lines } => {
                if self.payment_state(payment).is_some_and(|state| state.is_approved()) {
                    self.record(PaymentEvent::TerminalReceipt { payment, customer, lines });
                }
            }
        }
    }

    /// It is there. About a payment under way or in doubt this says nothing: the report may be older than our
    /// charge. It is a reason to ask, and only the answer counts.
    pub(super) fn terminal_ready(&mut self, last: &LastAnswer) {
        let in_doubt = self.ledger.live_payments().any(|(_, p)| reconcile::is_in_doubt(p));
        if self.session.terminal.job.is_some() {
            self.doubt_job(TerminalPhase::Registered);
        } else if in_doubt {
            self.session.terminal.phase = TerminalPhase::Registered;
            if self.session.terminal.question.is_none() {
                self.ask();
            }
        } else {
            self.session.terminal.phase = TerminalPhase::Registered;
            self.hear(last);
        }
    }

    /// It cannot be used. What becomes of a payment under way is told by its own report or by the answer.
    pub(super) fn terminal_down(&mut self) {
        if self.session.terminal.job.is_some() {
            self.doubt_job(TerminalPhase::Down);
        }
        self.session.terminal.phase = TerminalPhase::Down;
    }

    /// Something does not fit the job under way: the terminal is asked behind it.
    fn doubt_job(&mut self, phase: TerminalPhase) {
        let terminal = &mut self.session.terminal;
        terminal.phase = phase;
        if let Some(job) = &mut terminal.job {
            job.doubted = true;
        }
        if terminal.question.is_none() {
            self.ask();
        }
    }

    pub(super) fn last_answer(&mut self, question: u32, answer: &LastAnswer) {
        if self.session.terminal.question.is_none_or(|asked| asked.number != question) {
            // The answer to a question that was given up: it may be older than the charge under way.
            return;
        }
        self.session.terminal.question = None;
        match &mut self.session.terminal.job {
            None => self.hear(answer),
            Some(job) if job.doubted => {
                job.doubted = false;
                let payment = job.payment;
                if *answer != LastAnswer::Busy {
                    self.fall_into_doubt(payment, "the terminal does not work on it any more");
                    self.hear(answer);
                }
            }
            Some(_) => {}
        }
    }

    /// Takes in what the terminal remembers: first for payments in doubt, then for the next charge.
    pub(super) fn hear(&mut self, answer: &LastAnswer) {
        let terminal = &mut self.session.terminal;
        match answer {
            LastAnswer::Transaction(last, _) => terminal.phase = TerminalPhase::Ready(Some(last.clone())),
            LastAnswer::Empty => terminal.phase = TerminalPhase::Ready(None),
            LastAnswer::Busy | LastAnswer::NoAnswer => {
                if terminal.phase != TerminalPhase::Down {
                    terminal.phase = TerminalPhase::Registered;
                }
                terminal.ask_at = Some(self.now.mono.plus(ASK_AGAIN_MS));
            }
        }
        self.conclude_from(answer);
        if let LastAnswer::Transaction(last, _) = answer
            && !self.ledger.live_payments().any(|(_, p)| reconcile::is_in_doubt(p))
            && self.is_unexplained(last)
        {
            self.unexplained(&last.clone(), None);
        }
    }

    /// A person decided about a payment in doubt. What the terminal last told was kept for that payment; now it has
    /// to be explained by what was decided, or be reported, before a charge may build on it.
    pub(super) fn ask_afresh(&mut self) {
        let terminal = &mut self.session.terminal;
        if matches!(terminal.phase, TerminalPhase::Ready(_)) {
            terminal.phase = TerminalPhase::Registered;
            terminal.ask_at = None;
        }
    }

    pub(super) fn is_unexplained(&self, t: &LastTransaction) -> bool {
        let news = match self.ledger.terminal_last.as_ref() {
            Some(before) => reconcile::same_numbers(before, t) == Some(false),
            // It told nothing so far. If we never sent anything, this is from before our time.
            None => self.ledger.orders.values().flat_map(|o| &o.payments).any(|p| p.sent_at.is_some()),
        };
        t.approved && !t.reversal && news && self.is_explained(t, PaymentId(Uuid([0; 16]))) == Explained::No
    }

    /// What the terminal is owed: overdue answers, questions about payments in doubt, the next charge.
    pub(super) fn terminal_duties(&mut self) {
        self.question_overdue();
        self.job_overdue();
        self.doubt_duties();
        self.charge_duties();
        self.ask_duties();
    }

    pub(super) fn question_overdue(&mut self) {
        let asked = self.session.terminal.question;
        if let Some(question) = asked.filter(|question| question.until <= self.now.mono) {
            self.last_answer(question.number, &LastAnswer::NoAnswer);
        }
    }

    pub(super) fn job_overdue(&mut self) {
        let Some(job) = self.session.terminal.job.clone().filter(|job| job.until <= self.now.mono) else {
            return;
        };
        let payment = job.payment;
        if self.payment_state(payment) == Some(&PaymentState::Sending) && job.abort == Abort::No {
            self.abort(payment);
        } else {
            self.fall_into_doubt(payment, "the terminal did not finish in time");
        }
    }

    /// A payment that was written down begins as soon as it may.
    pub(super) fn charge_duties(&mut self) {
        let Some((_, record)) = self.ledger.terminal_holder() else {
            self.session.terminal.ready_by = None;
            return;
        };
        if record.state != PaymentState::Created {
            return;
        }
        let ours = record.payment.clone();
        let terminal = &self.session.terminal;
        let waited = terminal.ready_by.is_none_or(|by| by <= self.now.mono);
        match &terminal.phase {
            TerminalPhase::Ready(last) if terminal.question.is_none() => {
                let last_known = last.clone();
                self.send(&ours, last_known);
            }
            TerminalPhase::Registered | TerminalPhase::Ready(_) if !waited => {}
            TerminalPhase::Down | TerminalPhase::Registered | TerminalPhase::Ready(_) => {
                self.session.terminal.ready_by = None;
                self.record(PaymentEvent::Cancelled { payment: ours.id });
                self.order_unpaid(ours.id);
            }
        }
    }

    pub(super) fn send(&mut self, ours: &Payment, last_known: Option<LastTransaction>) {
        let Payment { id: payment, amount, currency, .. } = *ours;
        if self.record(PaymentEvent::SendStarted { payment, last_known, at: self.now.wall }) {
            self.effect(TerminalEffect::Charge { payment, amount, currency });
            let until = self.now.mono.plus(self.config.times.charge_ms);
            self.start_job(payment, TerminalPrompt::Preparing, until);
        }
    }

    /// A terminal that is there is asked what it did last, so that the next charge can begin at once.
    pub(super) fn ask_duties(&mut self) {
        let terminal = &self.session.terminal;
        let due = terminal.ask_at.is_none_or(|at| at <= self.now.mono);
        if terminal.phase == TerminalPhase::Registered
            && terminal.question.is_none()
            && terminal.job.is_none()
            && due
            && !doubt_blocks(&self.ledger, terminal)
        {
            self.ask();
        }
    }

    pub(super) fn ask(&mut self) {
        let until = self.now.mono.plus(self.config.reconcile.answer_ms);
        let terminal = &mut self.session.terminal;
        let number = terminal.questions;
        terminal.questions = number.wrapping_add(1);
        terminal.question = Some(Question { number, until });
        terminal.ask_at = None;
        self.effect(TerminalEffect::QueryLast { question: number });
    }
}
