//! How a transaction ends: booked, taken back, cancelled.

use std::time::Duration;

use super::Engine;
use super::session::{Session, Stage, Step, Wait};
use super::state::Tone;
use crate::terminal::apdu::Apdu;
use crate::terminal::book::State;
use crate::terminal::config::Unanswered;
use crate::terminal::faults::Fault;
use crate::terminal::fields::{Fields, tag};
use crate::terminal::message::{self, Oddities, code, status};

impl Engine {
    /// What the till says to a message of ours.
    pub(super) fn answered(&mut self, now: Duration, session: &mut Session, answer: &Apdu) {
        if session.owed > 0 {
            session.owed -= 1;
            return;
        }
        match session.wait {
            Wait::Answer { .. } => session.wait = Wait::Nothing,
            Wait::Verdict { .. } => {
                session.wait = Wait::Nothing;
                self.judge(now, session, answer);
            }
            // An answer to nothing.
            Wait::Nothing | Wait::Time { .. } | Wait::Card { .. } | Wait::Pin { .. } => {}
        }
    }

    /// The commit hook: the till decides about a payment that the bank has approved.
    fn judge(&mut self, _now: Duration, session: &mut Session, answer: &Apdu) {
        let Some(number) = session.number() else { return };
        let sent = self.book.get(number).map_or(0, |it| it.results_sent);
        match answer.command() {
            (0x80, _) | (0x84, code::APPROVED) => self.book(session, number),
            (0x84, code::BUSY) if sent < self.config.asks_max => {
                session.push_front([Step::Pause(self.config.pace.ask_again), Step::Result]);
            }
            (0x84, 0x9D) => {
                let amount = Fields::parse(&answer.data).number(tag::AMOUNT);
                if let (Some(amount), Some(it)) = (amount, self.book_mut().get_mut(number)) {
                    // A till may take less than the bank has promised, never more.
                    it.amount_minor = amount.min(it.amount_minor);
                }
                self.book(session, number);
            }
            _ => self.take_back(session, number),
        }
    }

    /// The till has said nothing.
    pub(super) fn no_verdict(&mut self, session: &mut Session) {
        let Some(number) = session.number() else { return };
        match self.config.unanswered {
            Unanswered::Book => self.book(session, number),
            Unanswered::Reverse => self.take_back(session, number),
        }
    }

    /// The same for a transaction that no session remembers.
    pub(super) fn settle_unanswered(&mut self, number: u64) {
        match self.config.unanswered {
            Unanswered::Book => {
                if let Some(it) = self.book_mut().get_mut(number) {
                    it.state = State::Booked;
                }
            }
            Unanswered::Reverse => self.book_mut().reverse_by_terminal(number),
        }
    }

    fn book(&mut self, session: &mut Session, number: u64) {
        if let Some(it) = self.book_mut().get_mut(number) {
            it.state = State::Booked;
        }
        self.screen.show(Tone::Good, &["Approved", "Thank you"], self.printed_amount(session));
        if session.attended && self.faults.strike(Fault::DoubleResult) {
            if let Some(it) = self.book_mut().get_mut(number) {
                it.results_sent += 1;
            }
            if let Some(it) = self.book.get(number) {
                let again = message::result(&self.config, it, Oddities::default());
                session.steps.push_back(Step::Say(again));
            }
        }
        self.conclude(session);
    }

    fn take_back(&mut self, session: &mut Session, number: u64) {
        self.book_mut().reverse_by_terminal(number);
        self.screen.show(Tone::Bad, &["Payment taken back", "Nothing was charged"], None);
        session.steps.extend(self.status(status::AUTO_REVERSAL));
        session
            .steps
            .extend([Step::Pause(self.config.pace.host), Step::Finish(message::abort(code::CANCELLED))]);
    }

    pub(super) fn cancel_transaction(&mut self, number: u64) {
        if let Some(it) = self.book_mut().get_mut(number) {
            it.state = State::Cancelled;
            it.result = Some(code::CANCELLED);
        }
    }

    /// Stop key, time-out or the till's abort, before the bank is asked.
    pub(super) fn stop(&mut self, session: &mut Session) {
        if session.stage != Stage::Before {
            return;
        }
        if let Some(number) = session.number() {
            self.cancel_transaction(number);
        }
        session.stage = Stage::After;
        self.screen.show(Tone::Bad, &["Cancelled"], None);
        session.replace([Step::Finish(message::abort(code::CANCELLED))]);
    }
}
