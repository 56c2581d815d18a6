//! The payment pages.

use super::Scene;
use crate::format;
use crate::kiosk::checkout;
use crate::kiosk::ledger::{OrderRecord, PaymentRecord};
use crate::money::{Minor, Quantity};
use crate::order::OrderState;
use crate::payment::{CODE_NOT_READY, CODE_NOT_STARTED, CODE_NOT_TOLD, PaymentState, Tender};
use crate::receipt;
use crate::session::{Abort, Ordered, TerminalJob, TerminalPhase};
use crate::view::{
    AtTerminalView, Page, PayChooseView, PayFailedView, PayFailure, PayUnknownView, TerminalPrompt,
    TerminalStep, TipOption, UnknownFact, UnknownStep,
};

impl Scene<'_> {
    pub(super) fn choose(&self, ordered: &Ordered, record: &OrderRecord) -> Page {
        let (config, session, ledger) = (&self.kiosk.config, &self.kiosk.session, &self.kiosk.ledger);
        let goods = record.order.total;
        let selected = checkout::selected(config, session, ledger, record, ordered.tender);
        let offered = match selected {
            Tender::Card => checkout::tips(config, session, record),
            Tender::Counter => Vec::new(),
        };
        let mut tips: Vec<TipOption> = offered.into_iter().map(|amount| TipOption { amount }).collect();
        if !tips.is_empty() {
            tips.insert(0, TipOption { amount: Minor::ZERO });
        }
        let tip = checkout::tip(config, session, ledger, record, ordered);
        Page::PayChoose(PayChooseView {
            goods,
            total: goods + tip.unwrap_or_default(),
            tips,
            tip,
            tenders: checkout::tenders(config, session, ledger, record),
            selected,
            pictures: self.order_pictures(record),
            tax_included: record.order.taxes.iter().all(|tax| tax.inclusive),
        })
    }

    pub(super) fn at_terminal(&self, record: &OrderRecord) -> Page {
        let payment = record.paying().or_else(|| record.last_payment());
        let job = payment
            .and_then(|p| self.kiosk.session.terminal.job.as_ref().filter(|job| job.payment == p.payment.id));
        let (step, prompt) = payment
            .map_or((TerminalStep::Card, TerminalPrompt::Preparing), |p| step_and_prompt(&p.state, job));
        let abort = job.map_or(Abort::No, |job| job.abort);
        let created = payment.is_some_and(|p| p.state == PaymentState::Created);
        let sending = payment.is_some_and(|p| p.state == PaymentState::Sending);
        let can_cancel =
            created || (sending && step == TerminalStep::Card && abort == Abort::No && job.is_some());
        Page::AtTerminal(AtTerminalView {
            amount: payment.map_or(record.order.total, |p| p.payment.amount),
            step,
            prompt,
            can_cancel,
            cancelling: abort == Abort::Asked,
            side: self.kiosk.config.terminal_side,
            remaining_ms: None,
        })
    }

    pub(super) fn failed(&self, record: &OrderRecord) -> Page {
        let payable = record.state == OrderState::AwaitingPayment;
        let (session, ledger) = (&self.kiosk.session, &self.kiosk.ledger);
        Page::PayFailed(PayFailedView {
            why: match record.last_payment() {
                _ if record.is_refunded() => PayFailure::GivenBack,
                Some(payment) => self.failure(payment),
                None => PayFailure::Cancelled,
            },
            // What a retry asks for: with the tip that was chosen.
            total: record.last_payment().map_or(record.order.total, |p| p.payment.amount),
            number: record.order.number.to_string().into(),
            can_retry: payable && checkout::card_possible(session, ledger, record),
            counter: payable && self.kiosk.config.policy.pay_at_counter,
            pictures: self.order_pictures(record),
            count: pieces(record),
            staff_called: self.visit.is_some_and(|visit| visit.staff_called),
        })
    }

    fn failure(&self, payment: &PaymentRecord) -> PayFailure {
        let down = self.kiosk.session.terminal.phase == TerminalPhase::Down;
        match payment.state {
            PaymentState::Declined { code: CODE_NOT_READY } => PayFailure::TerminalDown,
            PaymentState::Declined { code: CODE_NOT_STARTED } if down => PayFailure::TerminalDown,
            // Found out by asking, or by a person: the payment was broken off, and no bank said no.
            PaymentState::Declined { code: CODE_NOT_STARTED | CODE_NOT_TOLD } => PayFailure::Cancelled,
            PaymentState::Declined { code } => PayFailure::Declined { code },
            PaymentState::TimedOut => PayFailure::TimedOut,
            PaymentState::Reversed => PayFailure::Reversed,
            // Nothing was sent: the customer cancelled, unless the terminal is not there.
            PaymentState::Cancelled if payment.sent_at.is_none() && down => PayFailure::TerminalDown,
            PaymentState::Cancelled
            | PaymentState::Created
            | PaymentState::Sending
            | PaymentState::Unknown
            | PaymentState::Approved(_)
            | PaymentState::Completed(_)
            | PaymentState::Reversing(_)
            | PaymentState::ReversalUnknown(_)
            | PaymentState::NeedsStaff { .. } => PayFailure::Cancelled,
        }
    }

    pub(super) fn unknown(&self, record: &OrderRecord) -> Page {
        let payment = record.paying().or_else(|| record.last_payment());
        let decided = payment.is_some_and(|p| matches!(p.state, PaymentState::NeedsStaff { .. }));
        let doubt = self.kiosk.session.terminal.doubt.as_ref();
        let doubt = doubt.filter(|doubt| payment.is_some_and(|p| p.payment.id == doubt.payment));
        let started_at = payment.and_then(|p| p.sent_at).unwrap_or(record.order.placed_at);
        let lost_at = payment.and_then(|p| p.unknown_since).or_else(|| doubt.map(|d| d.since));
        let fact = |second_of_day, what| UnknownFact { second_of_day, what };
        let at = |wall| Some(format::second_of_day(self.now, wall));
        let facts = vec![
            fact(at(started_at), UnknownStep::Sent),
            fact(lost_at.and_then(at), UnknownStep::Lost),
            fact(None, if decided { UnknownStep::NeedsStaff } else { UnknownStep::Asking }),
        ];
        Page::PayUnknown(PayUnknownView {
            reference: record.order.number.to_string().into(),
            qr: payment.map_or_else(
                || receipt::order_reference(record).into(),
                |p| receipt::payment_reference(record, p).into(),
            ),
            amount: payment.map_or(record.order.total, |p| p.payment.amount),
            started_at,
            started_minute: format::local(self.now, started_at).minute,
            facts,
            asked: doubt.map_or(1, |doubt| doubt.asked.max(1)),
            next_ms: doubt.filter(|_| !decided).map(|doubt| self.left(doubt.next_at)),
            staff_called: self.visit.is_some_and(|visit| visit.staff_called),
        })
    }
}

fn step_and_prompt(state: &PaymentState, job: Option<&TerminalJob>) -> (TerminalStep, TerminalPrompt) {
    let sending = || {
        let prompt = job.map_or(TerminalPrompt::Wait, |job| match job.abort {
            Abort::Refused => TerminalPrompt::FinishAtTerminal,
            Abort::No | Abort::Asked => job.prompt,
        });
        (step_of(prompt), prompt)
    };
    match state {
        PaymentState::Created => (TerminalStep::Card, TerminalPrompt::Preparing),
        PaymentState::Sending => sending(),
        PaymentState::Approved(_) | PaymentState::Completed(_) => {
            let prompt = job.map_or(TerminalPrompt::Wait, |job| match job.prompt {
                TerminalPrompt::RemoveCard => TerminalPrompt::RemoveCard,
                TerminalPrompt::Preparing
                | TerminalPrompt::PresentCard
                | TerminalPrompt::EnterPin
                | TerminalPrompt::WrongPin
                | TerminalPrompt::ChooseAtTerminal
                | TerminalPrompt::Wait
                | TerminalPrompt::Approved
                | TerminalPrompt::FinishAtTerminal => TerminalPrompt::Approved,
            });
            (TerminalStep::Done, prompt)
        }
        PaymentState::Unknown
        | PaymentState::Declined { .. }
        | PaymentState::Cancelled
        | PaymentState::TimedOut
        | PaymentState::Reversing(_)
        | PaymentState::ReversalUnknown(_)
        | PaymentState::Reversed
        | PaymentState::NeedsStaff { .. } => (TerminalStep::Bank, TerminalPrompt::Wait),
    }
}

fn step_of(prompt: TerminalPrompt) -> TerminalStep {
    match prompt {
        TerminalPrompt::Preparing
        | TerminalPrompt::PresentCard
        | TerminalPrompt::EnterPin
        | TerminalPrompt::WrongPin
        | TerminalPrompt::ChooseAtTerminal => TerminalStep::Card,
        TerminalPrompt::Wait | TerminalPrompt::RemoveCard | TerminalPrompt::FinishAtTerminal => {
            TerminalStep::Bank
        }
        TerminalPrompt::Approved => TerminalStep::Done,
    }
}

/// Pieces of an order; the parts of a meal are not counted, weighed goods count as one.
pub(super) fn pieces(record: &OrderRecord) -> u32 {
    let own = record.order.lines.iter().filter(|line| line.slot.is_none() && !line.deposit);
    own.map(|line| if line.quantity.0 % Quantity::ONE.0 == 0 { line.quantity.whole() } else { 1 }).sum()
}

/// Brand and last digits of the card that paid.
pub(super) fn card(record: &OrderRecord) -> (Option<std::sync::Arc<str>>, Option<std::sync::Arc<str>>) {
    let payment = record.paying().filter(|p| p.payment.tender == Tender::Card);
    let approval = payment.and_then(|p| p.approval.as_ref());
    let digits = approval.and_then(|a| a.pan_masked.as_deref()).map(|pan| {
        let last: String = pan.chars().rev().take_while(char::is_ascii_digit).take(4).collect();
        last.chars().rev().collect::<String>().into()
    });
    (approval.and_then(|a| a.brand.clone()), digits)
}
