//! What each step does, and what happens when nobody answers.

use std::time::Duration;

use super::Engine;
use super::session::{CardEvent, Session, Stage, Step, Wait};
use super::state::Tone;
use crate::terminal::apdu::Apdu;
use crate::terminal::book::{Kind, Presented, ReversedBy, State};
use crate::terminal::cards::{Card, Entry};
use crate::terminal::config::Mode;
use crate::terminal::faults::{Fault, Point};
use crate::terminal::message::{self, Oddities, code, status};
use crate::terminal::receipt::{self, Copy, Receipt};

/// Above this a card held to the reader wants its PIN, as European cards do.
const CONTACTLESS_MINOR_MAX: u64 = 5_000;
/// A card counts so many wrong PINs.
const PIN_TRIES_MAX: u32 = 3;
/// What `wrong-amount` adds.
const WRONG_AMOUNT_MINOR: u64 = 100;
/// What `wrong-currency` says: US dollars.
const WRONG_CURRENCY: u16 = 840;

impl Engine {
    pub(super) fn perform(&mut self, now: Duration, session: &mut Session, step: Step) {
        match step {
            Step::Say(message) => self.say(now, session, &message),
            Step::Finish(message) => {
                session.steps.clear();
                self.say(now, session, &message);
            }
            Step::Pause(time) => {
                self.channel.uncork();
                session.wait = Wait::Time { until: now + time };
            }
            Step::Break(point) => {
                if session.attended && self.break_link(point) {
                    self.channel.uncork();
                    session.abandon();
                }
            }
            Step::Card => self.await_card(now, session),
            Step::Pin => self.await_pin(now, session),
            Step::Decide => self.decide(now, session),
            Step::Reverse(target) => self.reverse(now, session, target),
            Step::Result => self.give_result(now, session),
            Step::CloseDay => self.close_day(now, session),
            Step::Initialised => self.faults.disarm(Fault::NeedsInit),
        }
    }

    fn say(&mut self, now: Duration, session: &mut Session, message: &Apdu) {
        if !session.attended {
            return;
        }
        let more = matches!(session.steps.front(), Some(Step::Say(_) | Step::Finish(_)));
        if session.glued && more {
            self.channel.cork();
            self.send(message);
            session.owed += 1;
            return;
        }
        self.send(message);
        self.channel.uncork();
        session.wait = Wait::Answer { until: now + self.config.pace.answer };
    }

    /// An intermediate status, if the till wants them.
    pub(super) fn status(&self, status: u8) -> Option<Step> {
        let wanted = self.till.as_ref().is_some_and(|till| till.intermediate);
        wanted.then(|| Step::Say(message::intermediate(status)))
    }

    /// What was awaited has not happened in time, or is due now.
    pub(super) fn expire(&mut self, now: Duration, session: &mut Session) {
        match session.wait {
            Wait::Nothing => {}
            // Nobody there, although the line is.
            Wait::Answer { .. } => session.abandon(),
            Wait::Verdict { .. } => {
                session.wait = Wait::Nothing;
                self.no_verdict(session);
            }
            Wait::Time { .. } => session.wait = Wait::Nothing,
            Wait::Card { until, event } => match event {
                Some((at, CardEvent::Present(entry))) if now >= at => self.take_card(session, entry),
                Some((at, CardEvent::Stop)) if now >= at => self.stop(session),
                _ if now >= until => self.stop(session),
                _ => {}
            },
            Wait::Pin { until, auto_at } => match auto_at {
                Some(at) if now >= at => self.take_pin(session),
                _ if now >= until => self.stop(session),
                _ => {}
            },
        }
    }

    fn await_card(&mut self, now: Duration, session: &mut Session) {
        self.channel.uncork();
        let pace = self.config.pace;
        let event = if self.faults.strike(Fault::Cancel) {
            Some(CardEvent::Stop)
        } else if self.faults.strike(Fault::Timeout) || self.config.mode == Mode::Manual {
            None
        } else {
            Some(CardEvent::Present(if self.wants_pin() { Entry::Insert } else { Entry::Hold }))
        };
        let event = event.map(|event| (now + pace.card, event));
        session.wait = Wait::Card { until: now + pace.patience, event };
        let amount = self.printed_amount(session);
        self.screen.show(Tone::Ask, &["Hold your card here", "or insert it below"], amount);
    }

    /// Whether a fault needs a PIN to happen.
    fn wants_pin(&self) -> bool {
        self.faults.is_armed(Fault::WrongPin)
            || self.faults.is_armed(Fault::LoseLink) && self.faults.point == Point::InPin
    }

    pub(super) fn take_card(&mut self, session: &mut Session, entry: Entry) {
        session.wait = Wait::Nothing;
        let card = self.card.word.to_owned();
        let transaction = session.number().and_then(|number| self.book_mut().get_mut(number));
        let amount = transaction.map_or(0, |it| {
            it.card = Some(Presented { card, entry });
            it.amount_minor
        });
        if entry == Entry::Insert || amount > CONTACTLESS_MINOR_MAX || self.wants_pin() {
            session.push_front(self.status(status::PIN).into_iter().chain([Step::Pin]).collect::<Vec<_>>());
        } else {
            self.ask_bank(session);
        }
    }

    fn await_pin(&mut self, now: Duration, session: &mut Session) {
        self.channel.uncork();
        if session.attended && self.break_link(Point::InPin) {
            session.abandon();
        }
        let pace = self.config.pace;
        let auto_at = (self.config.mode == Mode::Auto).then_some(now + pace.pin);
        session.wait = Wait::Pin { until: now + pace.patience, auto_at };
        let amount = self.printed_amount(session);
        self.screen.show(Tone::Ask, &["Enter your PIN,", "then the green key"], amount);
    }

    pub(super) fn take_pin(&mut self, session: &mut Session) {
        session.wait = Wait::Nothing;
        if !self.faults.strike(Fault::WrongPin) {
            return self.ask_bank(session);
        }
        session.pin_tries += 1;
        if session.pin_tries >= PIN_TRIES_MAX {
            let steps: Vec<_> = self.status(status::PIN_TRIES).into_iter().collect();
            session.push_front(steps);
            self.decline(session, code::PIN_TRIES);
        } else {
            let steps = [self.status(status::WRONG_PIN), self.status(status::PIN), Some(Step::Pin)];
            session.push_front(steps.into_iter().flatten().collect::<Vec<_>>());
        }
    }

    fn ask_bank(&mut self, session: &mut Session) {
        session.stage = Stage::Bank;
        if let Some(number) = session.number() {
            self.book_mut().assign_numbers(number);
        }
        let amount = self.printed_amount(session);
        self.screen.show(Tone::Busy, &["One moment please"], amount);
        let pause = Step::Pause(self.config.pace.host);
        let steps = [self.status(status::HOST), self.status(status::WAIT), Some(pause), Some(Step::Decide)];
        session.push_front(steps.into_iter().flatten().collect::<Vec<_>>());
    }

    fn decide(&mut self, _now: Duration, session: &mut Session) {
        if self.faults.strike(Fault::Decline) {
            let code = self.faults.decline_code;
            return self.decline(session, code);
        }
        session.stage = Stage::After;
        let wrong_amount = self.faults.strike(Fault::WrongAmount);
        let wrong_currency = self.faults.strike(Fault::WrongCurrency);
        if let Some(number) = session.number() {
            self.book_mut().count_turnover(number);
            if let Some(it) = self.book_mut().get_mut(number) {
                it.state = State::Approved;
                it.result = Some(code::APPROVED);
                it.amount_minor += if wrong_amount { WRONG_AMOUNT_MINOR } else { 0 };
                it.currency = if wrong_currency { WRONG_CURRENCY } else { it.currency };
            }
        }
        let late = self.faults.strike(Fault::ResultLate).then_some(Step::Pause(self.faults.late));
        let steps = [late, Some(Step::Break(Point::BeforeResult)), Some(Step::Result)];
        session.push_front(steps.into_iter().flatten().collect::<Vec<_>>());
    }

    /// The bank, or the card, says no.
    fn decline(&mut self, session: &mut Session, result: u8) {
        session.stage = Stage::After;
        let Some(number) = session.number() else { return };
        if self.book.get(number).is_some_and(|it| it.receipt.is_none()) {
            self.book_mut().assign_numbers(number);
        }
        if let Some(it) = self.book_mut().get_mut(number) {
            it.state = State::Declined;
            it.result = Some(result);
        }
        self.screen.show(Tone::Bad, &["Declined", "Please try another card"], None);
        let mut steps = vec![Step::Break(Point::BeforeResult)];
        steps.extend(self.status(status::DECLINED));
        steps.push(Step::Result);
        session.steps.extend(steps);
    }

    fn reverse(&mut self, _now: Duration, session: &mut Session, target: u64) {
        session.stage = Stage::After;
        let Some(number) = session.number() else { return };
        self.book_mut().count_turnover(number);
        let receipt = self.book_mut().get_mut(number).and_then(|it| {
            it.state = State::Booked;
            it.result = Some(code::APPROVED);
            it.receipt
        });
        if let Some(it) = self.book_mut().get_mut(target) {
            it.state = State::Reversed;
            it.reversed_by = Some(ReversedBy::Till(receipt.map_or(0, |numbers| numbers.receipt)));
        }
        self.screen.show(Tone::Good, &["Payment reversed"], None);
        session.push_front([Step::Break(Point::BeforeResult), Step::Result]);
    }

    fn give_result(&mut self, now: Duration, session: &mut Session) {
        let Some(number) = session.number() else { return };
        if session.attended {
            self.channel.uncork();
            let oddities = Oddities {
                unknown_field: self.faults.strike(Fault::UnknownBmp),
                deep_container: self.faults.strike(Fault::DeepTlv),
            };
            if let Some(it) = self.book_mut().get_mut(number) {
                it.results_sent += 1;
            }
            if let Some(it) = self.book.get(number) {
                let result = message::result(&self.config, it, oddities);
                self.send_result(&result);
            }
            if self.break_link(Point::AfterResult) {
                session.abandon();
            }
        }
        let until = now + self.config.pace.answer;
        let state = self.book.get(number).map(|it| it.state);
        match state {
            Some(State::Approved) if session.attended => session.wait = Wait::Verdict { until },
            Some(State::Approved) => self.no_verdict(session),
            _ => {
                if session.attended {
                    session.wait = Wait::Answer { until };
                }
                self.conclude(session);
            }
        }
    }

    /// After the result: receipts, and the end.
    pub(super) fn conclude(&mut self, session: &mut Session) {
        let Some(it) = session.number().and_then(|number| self.book.get(number)) else { return };
        let inserted = it.card.as_ref().is_some_and(|card| card.entry == Entry::Insert);
        let remove =
            (inserted && it.kind != Kind::Reversal).then(|| self.status(status::REMOVE_CARD)).flatten();
        let (copies, end): (&[Copy], _) = match it.state {
            State::Booked => (&[Copy::Customer, Copy::Merchant], message::completion()),
            State::Declined => (&[Copy::Customer], message::abort(message::result_code(it))),
            State::Open | State::Approved | State::Cancelled | State::Reversed => {
                (&[], message::abort(code::CANCELLED))
            }
        };
        let receipts: Vec<_> = copies
            .iter()
            .map(|copy| receipt::of_transaction(&self.config, it, *copy, self.columns()))
            .flat_map(|receipt| self.print(&receipt))
            .collect();
        let mut steps = vec![Step::Break(Point::AfterAnswer)];
        steps.extend(remove);
        steps.extend(receipts);
        steps.extend([Step::Break(Point::BeforeCompletion), Step::Finish(end)]);
        session.steps.extend(steps);
    }

    /// A receipt on its way to the till's printer; nothing when the terminal prints it itself.
    pub(super) fn print(&self, receipt: &Receipt) -> Vec<Step> {
        let Some(till) = &self.till else { return Vec::new() };
        let wanted = match receipt.copy {
            Copy::Merchant | Copy::Customer => till.payment_receipts,
            Copy::Admin => till.admin_receipts,
        };
        if !wanted {
            return Vec::new();
        }
        let messages =
            if till.text_blocks { vec![message::text_block(receipt)] } else { message::lines(receipt) };
        messages.into_iter().map(Step::Say).collect()
    }

    fn close_day(&mut self, now: Duration, session: &mut Session) {
        let day = self.day(now);
        self.book_mut().close_day(day.clone());
        self.faults.disarm(Fault::EodOpen);
        let receipt = receipt::of_day(&self.config, &day, "END OF DAY", self.columns());
        let mut steps = vec![Step::Say(message::totals(&self.config, &day))];
        steps.extend(self.print(&receipt));
        steps.push(Step::Finish(message::completion()));
        session.push_front(steps);
        self.screen.show(Tone::Good, &["End of day done"], None);
    }

    pub(super) fn day(&self, now: Duration) -> crate::terminal::book::Day {
        /// Cards without a sum of their own.
        const OTHERS: usize = 6;
        self.book.day(self.wall_clock(now), |word| Card::by_word(word).map_or(OTHERS, |card| card.total))
    }

    pub(super) fn printed_amount(&self, session: &Session) -> Option<String> {
        let it = session.number().and_then(|number| self.book.get(number))?;
        Some(message::printed_amount(it.requested_minor, it.currency))
    }
}
