//! Payments whose end nobody knows. The terminal is asked, with growing pauses and a bound; then a person is
//! called, and the questions go on slowly. Nothing here ever charges or gives back by itself.

use super::ledger::PaymentRecord;
use super::reconcile::{self, Explained, Finding};
use super::turn::Turn;
use crate::event::{PaymentEvent, TaskKind};
use crate::ids::PaymentId;
use crate::input::LastAnswer;
use crate::payment::{CODE_NOT_STARTED, CODE_NOT_TOLD, LastTransaction, PaymentState, Tender};
use crate::session::{Doubt, Terminal, TerminalPhase};

impl Turn<'_> {
    pub(super) fn lost(&mut self, payment: PaymentId, nothing_sent: bool, why: &str) {
        // Only a charge of this life of the process that the terminal never confirmed can be certain not to
        // have arrived.
        let job = self.session.terminal.job.as_ref().filter(|job| job.payment == payment);
        let certain = nothing_sent && job.is_some_and(|job| !job.begun);
        // Sessions also end in doubt with the link still up, and then nobody reports the terminal anew: only
        // `Down` says that it cannot be asked.
        if self.session.terminal.phase != TerminalPhase::Down {
            self.session.terminal.phase = TerminalPhase::Registered;
        }
        if certain && self.payment_state(payment) == Some(&PaymentState::Sending) {
            self.ended_unpaid(payment, PaymentEvent::Declined { payment, code: CODE_NOT_STARTED });
        } else {
            self.fall_into_doubt(payment, why);
        }
    }

    /// Contact was lost with this payment under way: from here on it is asked about.
    pub(super) fn fall_into_doubt(&mut self, payment: PaymentId, why: &str) {
        if self.session.terminal.job.as_ref().is_some_and(|job| job.payment == payment) {
            self.session.terminal.job = None;
        }
        let Some(state) = self.payment_state(payment) else { return };
        match state {
            PaymentState::Sending => {
                self.record(PaymentEvent::Unknown { payment, why: why.into(), at: self.now.wall });
            }
            PaymentState::Reversing(_) => {
                self.record(PaymentEvent::ReversalUnknown { payment });
            }
            PaymentState::Created
            | PaymentState::Unknown
            | PaymentState::Approved(_)
            | PaymentState::Completed(_)
            | PaymentState::Declined { .. }
            | PaymentState::Cancelled
            | PaymentState::TimedOut
            | PaymentState::ReversalUnknown(_)
            | PaymentState::Reversed
            | PaymentState::NeedsStaff { .. } => {}
        }
    }

    /// Draws the conclusions of an answer for every payment in doubt.
    pub(super) fn conclude_from(&mut self, answer: &LastAnswer) {
        let doubts: Vec<PaymentId> = self
            .ledger
            .live_payments()
            .filter(|(_, p)| reconcile::is_in_doubt(p))
            .map(|(_, p)| p.payment.id)
            .collect();
        let mut findings: Vec<(PaymentId, Finding)> =
            doubts.into_iter().filter_map(|payment| Some((payment, self.news(payment, answer)?))).collect();
        let claims = |finding: &Finding| matches!(finding, Finding::Approved(_) | Finding::Reversed);
        if findings.iter().filter(|(_, finding)| claims(finding)).count() > 1 {
            // One transaction cannot be the end of two payments, and nothing here knows whose it is.
            for (payment, finding) in findings.iter_mut().filter(|(_, finding)| claims(finding)) {
                let told = matches!(self.payment_state(*payment), Some(PaymentState::NeedsStaff { .. }));
                let why = "the last transaction may belong to either of two payments";
                *finding = if told { Finding::Wait } else { Finding::Unclear(why.into()) };
            }
        }
        for (payment, finding) in findings {
            self.conclude(payment, finding);
        }
    }

    /// What `answer` says about a payment that was not known before.
    fn news(&self, payment: PaymentId, answer: &LastAnswer) -> Option<Finding> {
        let (_, p) = self.ledger.payment(payment)?;
        let explained = |t: &LastTransaction| self.is_explained(t, payment);
        match (reconcile::judge(p, explained, answer), &p.state) {
            (Finding::Wait, _) => None,
            // A person already knows that it is unclear.
            (Finding::Unclear(_), PaymentState::NeedsStaff { .. }) => None,
            // The reversal that a person is to look at was not done: no news.
            (Finding::Stands, PaymentState::NeedsStaff { .. }) if p.completed => None,
            (finding, _) => Some(finding),
        }
    }

    pub(super) fn conclude(&mut self, payment: PaymentId, finding: Finding) {
        match finding {
            Finding::Stands | Finding::Unclear(_) if self.reversal_was_refused(payment) => {}
            Finding::Wait => {}
            Finding::NotStarted => {
                self.found_unpaid(payment, CODE_NOT_STARTED);
            }
            Finding::Declined => self.found_unpaid(payment, CODE_NOT_TOLD),
            Finding::Approved(approval) => {
                self.book(payment, approval);
                self.complete(payment);
            }
            Finding::Stands => self.stands(payment),
            Finding::Reversed => self.reversal_done(payment),
            Finding::Unclear(evidence) => self.needs_staff(payment, &evidence),
        }
    }

    pub(super) fn found_unpaid(&mut self, payment: PaymentId, code: u8) {
        self.record(PaymentEvent::Declined { payment, code });
        self.task_done(payment, "terminal");
        self.order_unpaid(payment);
    }

    pub(super) fn stands(&mut self, payment: PaymentId) {
        let Some(state) = self.payment_state(payment) else { return };
        match state {
            PaymentState::Approved(_) | PaymentState::NeedsStaff { .. } => self.complete(payment),
            PaymentState::Reversing(_) | PaymentState::ReversalUnknown(_) => {
                self.needs_staff(payment, "the terminal still has the payment: it was not given back");
            }
            PaymentState::Created
            | PaymentState::Sending
            | PaymentState::Unknown
            | PaymentState::Completed(_)
            | PaymentState::Declined { .. }
            | PaymentState::Cancelled
            | PaymentState::TimedOut
            | PaymentState::Reversed => {}
        }
    }

    pub(super) fn needs_staff(&mut self, payment: PaymentId, evidence: &str) {
        self.record(PaymentEvent::NeedsStaff { payment, evidence: evidence.into() });
        if self.ledger.unclear_task(payment).is_none() {
            self.raise(TaskKind::UnclearPayment { payment }, "a payment is unclear");
        }
        if let Some(visit) = self.visit_mut() {
            visit.staff_called = true;
        }
    }

    pub(super) fn is_explained(&self, t: &LastTransaction, except: PaymentId) -> Explained {
        // What was known before, or was put on the list of tasks since, is not news either.
        let known = self.ledger.terminal_last.as_ref();
        if known.is_some_and(|known| reconcile::same_numbers(known, t) == Some(true)) {
            return if t.reversal { Explained::No } else { Explained::Yes };
        }
        let others = self.ledger.orders.values().flat_map(|order| &order.payments);
        others
            .filter(|p| p.payment.id != except && p.payment.tender == Tender::Card)
            .map(|p| reconcile::belongs_to(p, t))
            .max()
            .unwrap_or(Explained::No)
    }

    pub(super) fn doubt_duties(&mut self) {
        let Some((payment, decided)) = self.payment_in_doubt() else {
            self.session.terminal.doubt = None;
            return;
        };
        let now = self.now.mono;
        let schedule = &self.config.reconcile;
        let pause = |asked: usize| schedule.pauses_ms.get(asked).copied();
        let doubt = match self.session.terminal.doubt.take().filter(|d| d.payment == payment) {
            Some(doubt) => doubt,
            None => Doubt {
                payment,
                asked: 0,
                next_at: now.plus(pause(0).unwrap_or(schedule.slow_ms)),
                give_up_at: now.plus(schedule.give_up_ms),
                since: self.now.wall,
            },
        };
        let mut doubt = doubt;
        let asked = usize::try_from(doubt.asked).unwrap_or(usize::MAX);
        let used_up = asked >= schedule.pauses_ms.len() && doubt.next_at <= now;
        let can_ask =
            self.session.terminal.phase != TerminalPhase::Down && self.session.terminal.question.is_none();
        let give_up = !decided && (used_up || doubt.give_up_at <= now);
        let ask = can_ask && doubt.next_at <= now && !give_up;
        if ask {
            doubt.asked += 1;
            let next = if decided { None } else { pause(asked + 1) };
            doubt.next_at = now.plus(next.unwrap_or(schedule.slow_ms));
        }
        let asked = doubt.asked;
        self.session.terminal.doubt = Some(doubt);
        if ask {
            self.ask();
        } else if give_up {
            self.needs_staff(payment, &format!("the terminal did not tell after {asked} questions"));
            if let Some(doubt) = &mut self.session.terminal.doubt {
                doubt.next_at = now.plus(self.config.reconcile.slow_ms);
            }
        }
    }

    /// The payment to ask about, the one that holds the terminal first, and whether a person decides already.
    pub(super) fn payment_in_doubt(&self) -> Option<(PaymentId, bool)> {
        let job = self.session.terminal.job.as_ref().map(|job| job.payment);
        let in_doubt = |p: &&PaymentRecord| reconcile::is_in_doubt(p) && Some(p.payment.id) != job;
        let live = || self.ledger.live_payments().map(|(_, p)| p).filter(in_doubt);
        let record = live().find(|p| p.holds_terminal()).or_else(|| live().next())?;
        Some((record.payment.id, matches!(record.state, PaymentState::NeedsStaff { .. })))
    }
}

/// Whether questions about a payment in doubt come before anything else at the terminal.
pub(super) fn doubt_blocks(ledger: &super::Ledger, terminal: &Terminal) -> bool {
    let payment = terminal.doubt.as_ref().and_then(|doubt| ledger.payment(doubt.payment));
    payment.is_some_and(|(_, p)| p.holds_terminal())
}
