//! What the till asks for.

use std::time::Duration;

use super::session::{Session, Stage, Step, Task, Wait};
use super::state::Tone;
use super::{Engine, Till};
use crate::terminal::apdu::Apdu;
use crate::terminal::book::{Kind, Opening, State, Transaction};
use crate::terminal::cards::Entry;
use crate::terminal::config::Reversible;
use crate::terminal::faults::{Fault, Point};
use crate::terminal::fields::{Fields, from_bcd, tag};
use crate::terminal::message::{self, code, flag, status};
use crate::terminal::{receipt, tlv};

/// The three bytes of a password; any will do.
const PASSWORD: usize = 3;
/// Euro.
const CURRENCY: u16 = 978;
/// Malformed commands (`9A`: protocol error).
const MALFORMED: u8 = 0x9A;

impl Engine {
    pub(super) fn handle(&mut self, now: Duration, message: &Apdu) {
        if message.is_answer() {
            if let Some(mut session) = self.session.take() {
                self.answered(now, &mut session, message);
                self.session = Some(session);
            }
            return;
        }
        match message.command() {
            (0x06, 0xB0) => self.abort(),
            (0x06, 0x02) => {
                self.till = None;
                self.send(&message::ok());
            }
            _ if self.session.is_some() => self.send(&message::refused(code::BUSY)),
            (0x06, 0x00) => self.register(&message.data),
            (0x05, 0x01) => self.enquire(),
            _ if self.faults.strike(Fault::Busy) || self.orphan.is_some() => {
                self.send(&message::refused(code::BUSY));
            }
            (0x06, instruction) => self.command(now, instruction, &message.data),
            _ => self.send(&message::refused(code::NOT_POSSIBLE)),
        }
    }

    fn command(&mut self, now: Duration, instruction: u8, data: &[u8]) {
        match instruction {
            0x01 => self.charge(now, Kind::Sale, data),
            0x31 => self.charge(now, Kind::Refund, data.get(PASSWORD..).unwrap_or_default()),
            0x30 => self.reverse_by_till(now, data.get(PASSWORD..).unwrap_or_default()),
            0x10 | 0x12 | 0x20 | 0x23 | 0x50 | 0x70 | 0x91 | 0x93 => self.administer(now, instruction),
            0x18 => {
                self.till = None;
                self.begin(Task::Administration, vec![Step::Finish(message::completion())]);
            }
            _ => self.send(&message::refused(code::NOT_POSSIBLE)),
        }
    }

    /// Acknowledges a command and starts its conversation.
    fn begin(&mut self, task: Task, steps: Vec<Step>) {
        let mut session = Session::new(task, steps);
        if task != Task::Service {
            session.glued = self.faults.strike(Fault::Glued);
            self.channel.split = self.faults.strike(Fault::SplitBytes);
        }
        if session.glued {
            self.channel.cork();
        }
        self.send(&message::ok());
        self.session = Some(session);
    }

    /// Acknowledges a command and ends it with a code.
    fn begin_refusal(&mut self, code: u8) {
        self.begin(Task::Administration, vec![Step::Finish(message::abort(code))]);
    }

    fn register(&mut self, data: &[u8]) {
        let Some((config, rest)) = data.get(PASSWORD..).and_then(<[u8]>::split_first) else {
            return self.send(&message::refused(MALFORMED));
        };
        let currency = rest.get(..2).and_then(from_bcd).and_then(|number| u16::try_from(number).ok());
        let fields = Fields::parse(rest.get(2..).unwrap_or_default());
        let permitted = tlv::find(fields.tlv(), &[&[0x26]]).unwrap_or_default();
        let columns = tlv::find(fields.tlv(), &[&[0x12]]).and_then(|value| value.first()).copied();
        let till = Till {
            payment_receipts: config & 0x02 != 0,
            admin_receipts: config & 0x04 != 0,
            intermediate: config & 0x08 != 0,
            text_blocks: tlv::find_all(permitted, &[0x0A]).any(|command| command == [0x06, 0xD3]),
            columns: columns
                .map(usize::from)
                .filter(|columns| receipt::COLUMNS_RANGE.contains(columns))
                .unwrap_or(receipt::COLUMNS),
            currency: currency.unwrap_or(CURRENCY),
        };
        let init = if self.faults.is_armed(Fault::NeedsInit) { flag::NEEDS_INIT } else { 0 };
        let end = message::registered(&self.config, flag::UNATTENDED | init, till.currency);
        self.till = Some(till);
        self.begin(Task::Service, vec![Step::Finish(end)]);
    }

    fn enquire(&mut self) {
        let busy = self.faults.strike(Fault::Busy);
        let status = if busy { code::BUSY } else { self.terminal_status() };
        self.begin(Task::Service, vec![Step::Finish(message::terminal_status(status))]);
    }

    fn terminal_status(&self) -> u8 {
        if self.orphan.is_some() {
            code::BUSY
        } else if self.faults.is_armed(Fault::NeedsInit) {
            code::NEEDS_INIT
        } else if self.faults.is_armed(Fault::EodOpen) {
            code::DAY_OPEN
        } else {
            code::APPROVED
        }
    }

    /// Why money cannot be moved now.
    fn obstacle(&self) -> Option<u8> {
        let ready = Some(self.terminal_status()).filter(|status| *status != code::APPROVED);
        if self.till.is_none() { Some(code::NOT_REGISTERED) } else { ready }
    }

    /// A sale or a refund.
    fn charge(&mut self, now: Duration, kind: Kind, data: &[u8]) {
        let fields = Fields::parse(data);
        let Some(amount_minor) = fields.number(tag::AMOUNT).filter(|amount| *amount > 0) else {
            return self.send(&message::refused(MALFORMED));
        };
        if self.break_link(Point::BeforeAck) {
            return;
        }
        if let Some(code) = self.obstacle() {
            return self.begin_refusal(code);
        }
        let asked = fields.number(tag::CURRENCY).and_then(|number| u16::try_from(number).ok());
        let currency = asked.or(self.till.as_ref().map(|till| till.currency)).unwrap_or(CURRENCY);
        let opening = Opening { kind, amount_minor, currency, at: self.wall_clock(now) };
        let number = self.book_mut().open(opening);
        let mut steps = vec![Step::Break(Point::AfterAck)];
        steps.extend(self.status(status::INSERT_CARD));
        steps.push(Step::Card);
        self.begin(Task::Money(number), steps);
    }

    fn reverse_by_till(&mut self, now: Duration, data: &[u8]) {
        let fields = Fields::parse(data);
        let receipt = fields.number(tag::RECEIPT).and_then(|number| u32::try_from(number).ok());
        let Some(receipt) = receipt else { return self.send(&message::refused(MALFORMED)) };
        if self.break_link(Point::BeforeAck) {
            return;
        }
        if let Some(code) = self.obstacle() {
            return self.begin_refusal(code);
        }
        if self.faults.strike(Fault::RefuseReversal) {
            return self.begin_refusal(code::NOT_REVERSIBLE);
        }
        let target = match self.reversible(receipt, fields.number(tag::AMOUNT)) {
            Ok(target) => target.clone(),
            Err(code) => return self.begin_refusal(code),
        };
        let at = self.wall_clock(now);
        let (amount_minor, currency) = (target.amount_minor, target.currency);
        let number = self.book_mut().open(Opening { kind: Kind::Reversal, amount_minor, currency, at });
        self.book_mut().assign_numbers(number);
        if let Some(it) = self.book_mut().get_mut(number) {
            it.card.clone_from(&target.card);
            it.original_trace = target.receipt.map(|numbers| numbers.trace);
        }
        let mut steps = vec![Step::Break(Point::AfterAck)];
        steps.extend(self.status(status::WAIT));
        steps.extend([Step::Pause(self.config.pace.host), Step::Reverse(target.number)]);
        self.screen.show(Tone::Busy, &["Reversing the payment"], None);
        self.begin(Task::Money(number), steps);
        if let Some(session) = &mut self.session {
            session.stage = Stage::Bank;
        }
    }

    /// What a reversal takes back, or the code that says why not.
    fn reversible(&self, receipt: u32, amount_minor: Option<u64>) -> Result<&Transaction, u8> {
        let target = self.book.by_receipt(receipt).ok_or(code::NOT_REVERSIBLE)?;
        if target.state == State::Reversed {
            return Err(code::ALREADY_REVERSED);
        }
        let last = self.book.last_taken().is_some_and(|last| last.number == target.number);
        let whole = amount_minor.is_none_or(|amount| amount == target.amount_minor);
        let allowed = last || self.config.reversible == Reversible::SinceEndOfDay;
        if allowed && whole { Ok(target) } else { Err(code::NOT_REVERSIBLE) }
    }

    fn administer(&mut self, now: Duration, instruction: u8) {
        if self.till.is_none() {
            return self.begin_refusal(code::NOT_REGISTERED);
        }
        let pause = Step::Pause(self.config.pace.host);
        let end = Step::Finish(message::completion());
        let steps = match instruction {
            0x10 => vec![Step::Say(message::totals(&self.config, &self.day(now))), end],
            0x12 => {
                let totals = receipt::of_day(&self.config, &self.day(now), "TOTALS", self.columns());
                self.print(&totals).into_iter().chain([end]).collect()
            }
            0x20 => self.repeat(),
            0x23 => vec![Step::Finish(message::no_reservation())],
            0x50 => vec![pause, Step::CloseDay],
            0x93 => {
                self.status(status::INITIALISING).into_iter().chain([pause, Step::Initialised, end]).collect()
            }
            0x70 => {
                let words = receipt::of_words(&self.config, &["DIAGNOSIS", "HOST REACHED"], self.columns());
                [pause].into_iter().chain(self.print(&words)).chain([end]).collect()
            }
            // 91, the clock: we have the right time.
            _ => vec![end],
        };
        self.begin(Task::Administration, steps);
    }

    /// The last receipt and its result again.
    fn repeat(&mut self) -> Vec<Step> {
        let end = Step::Finish(message::completion());
        if self.faults.strike(Fault::EmptyRepeat) {
            return vec![end];
        }
        let odd = message::Oddities::default();
        let (result, receipt) = if let Some(day) = &self.book.last_day {
            let receipt = receipt::of_day(&self.config, day, "END OF DAY", self.columns());
            (message::totals(&self.config, day), receipt)
        } else if let Some(it) = self.book.last_printed() {
            let copy = receipt::Copy::Customer;
            let receipt = receipt::of_transaction(&self.config, it, copy, self.columns());
            (message::result(&self.config, it, odd), receipt)
        } else {
            return vec![end];
        };
        [Step::Say(result)].into_iter().chain(self.print(&receipt)).chain([end]).collect()
    }

    /// `06 B0`: taken while card or PIN are awaited; too late from then on.
    fn abort(&mut self) {
        if self.faults.strike(Fault::RefuseAbort) {
            return self.send(&message::refused(code::NOT_POSSIBLE));
        }
        let Some(mut session) = self.session.take() else { return self.send(&message::ok()) };
        let is_after = session.stage == Stage::After;
        self.send(&if is_after { message::refused(code::NOT_POSSIBLE) } else { message::ok() });
        if session.number().is_some() && session.stage == Stage::Before {
            match session.wait {
                Wait::Card { .. } if self.faults.strike(Fault::ResultAfterAbort) => {
                    self.take_card(&mut session, Entry::Hold);
                }
                Wait::Pin { .. } if self.faults.strike(Fault::ResultAfterAbort) => {
                    self.take_pin(&mut session)
                }
                _ => self.stop(&mut session),
            }
        }
        self.session = Some(session);
    }
}
