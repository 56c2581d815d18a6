//! While the terminal is master: its messages, the held approval, and how commands end.

use super::job::{AbortState, Decision, Held, Job};
use super::{Phase, Session};
use crate::terminal::codec::apdu::Apdu;
use crate::terminal::codec::{command, completion, print, result};
use crate::terminal::codes::{self, ResultClass, prompt, result_class};
use crate::terminal::event::{
    Intermediate, LastAnswer, LossCause, ResultAnswer, Reversal, ReversedBy, Sent, TerminalEvent,
};
use crate::terminal::framing::At;
use crate::terminal::types::{CommandKind, TerminalReceipt, TransactionResult};

/// Receipts of one answer; real ones have two.
const MAX_KEPT_RECEIPTS: usize = 16;

impl Session {
    pub(super) fn on_message_while_working(&mut self, at: At, message: &Apdu, mut job: Box<Job>) {
        let due = at + job.patience(&self.settings.profile.timers);
        match message.control() {
            0x040F => {
                self.on_result(at, message, &mut job);
                self.phase = if job.is_over() { Phase::Idle } else { Phase::Working(job, due) };
            }
            0x060F => {
                self.send(at, &Apdu::ok());
                self.phase = Phase::Idle;
                self.on_completion(at, *job, &message.data);
            }
            0x061E => {
                self.send(at, &Apdu::ok());
                self.phase = Phase::Idle;
                let abort = completion::abort(&message.data, self.settings.profile.charset);
                self.on_aborted(at, *job, abort);
            }
            0x04FF => {
                job.may_retry = false;
                self.phase = Phase::Working(job, due);
                self.on_intermediate(at, message);
            }
            0x06D1 | 0x06D3 => {
                self.phase = Phase::Working(job, due);
                self.on_print(at, message);
            }
            0x0401 => {
                self.phase = Phase::Working(job, due);
                self.send(at, &Apdu::ok());
            }
            control => {
                let answer = matches!(message.class, 0x80 | 0x84);
                let asked = matches!(job.abort, AbortState::Asked { .. });
                if answer && asked {
                    self.framer.answered(at);
                    job.abort = AbortState::Answered;
                    let agreed = matches!(control, 0x8000 | 0x8400);
                    let refused = TerminalEvent::AbortRefused { code: Some(message.instr) };
                    self.emit(if agreed { TerminalEvent::AbortAccepted } else { refused });
                } else {
                    self.refuse_unknown(at, message);
                }
                self.phase = Phase::Working(job, due);
            }
        }
    }

    pub(super) fn on_intermediate(&mut self, at: At, message: &Apdu) {
        self.send(at, &Apdu::ok());
        let profile = &self.settings.profile;
        let Some((code, text)) = completion::intermediate(&message.data, profile.charset) else { return };
        let (prompt, remove_card) = prompt(code, profile.intermediate);
        self.emit(TerminalEvent::Intermediate(Intermediate { code, prompt, remove_card, text }));
    }

    pub(super) fn on_print(&mut self, at: At, message: &Apdu) {
        self.send(at, &Apdu::ok());
        let charset = self.settings.profile.charset;
        let printed = match message.instr {
            0xD1 => print::line(&message.data, charset),
            _ => print::block(&message.data, charset),
        };
        let keeps = self.running().is_some_and(keeps_receipts);
        for receipt in self.receipts.take(printed) {
            if !keeps {
                self.emit(TerminalEvent::Receipt(receipt));
            } else if self.kept_receipts.len() < MAX_KEPT_RECEIPTS {
                self.kept_receipts.push(receipt);
            }
        }
    }

    /// `04 0F` during a command.
    fn on_result(&mut self, at: At, message: &Apdu, job: &mut Job) {
        job.may_retry = false;
        let status = self.read_result(message);
        let maybe_money = status.code.is_none_or(|code| code == 0);
        if job.holds_result() && maybe_money {
            self.on_approval(at, job, status);
            return;
        }
        if maybe_money && !job.expects_result(status.result.amount_minor) {
            self.answer_earlier_approval(at, &status.result);
            return;
        }
        self.send(at, &Apdu::ok());
        job.totals = status.totals.or(job.totals.take());
        if let Some(held) = &mut job.held {
            if held.decision == Some(Decision::RefuseGoods) {
                // About its own reversal; what it says goes to a person with the end of the charge.
                held.reversal = Some(status.result);
            } else {
                self.emit(TerminalEvent::StrayResult(Box::new(status.result)));
            }
            return;
        }
        if job.holds_result() {
            job.sent = Sent::Declined;
        } else if status.code == Some(0) {
            job.sent = Sent::ResultAccepted;
        }
        if job.holds_result() || job.kind() == Some(CommandKind::Reverse) {
            self.emit(TerminalEvent::Result(Box::new(status.result.clone())));
        }
        // Totals are no transaction: after an end of day that is what a terminal repeats.
        if job.totals.is_none() || job.kind() != Some(CommandKind::RepeatReceipt) {
            job.outcome = Some(status.result);
        }
    }

    /// An approval, or something that may be one: the first is held; what comes after it is compared with it.
    fn on_approval(&mut self, at: At, job: &mut Job, status: result::StatusInformation) {
        let Some(held) = &mut job.held else {
            if self.was_accepted(&status.result) {
                // The terminal repeats the payment before this one; it is in our books.
                self.counters.stray_messages += 1;
                self.send(at, &Apdu::ok());
            } else {
                self.hold(at, job, status);
            }
            return;
        };
        let repeated = held.is_repeated_by(&status.result, status.code.is_some());
        match held.decision {
            Some(Decision::Accept) if repeated => self.give_answer(at, job),
            // Its reversal has numbers of its own; the same numbers again mean that it did not hear us.
            Some(Decision::RefuseGoods) if repeated && !status.result.is_reversal() => {
                self.give_answer(at, job)
            }
            Some(Decision::RefuseGoods) => {
                held.reversal = Some(status.result);
                self.send(at, &Apdu::ok());
            }
            None if repeated && held.due.is_none() => {
                held.due = Some(at + self.settings.profile.timers.hold);
            }
            None if repeated => self.ask_to_wait(at, job),
            None => {
                self.emit(TerminalEvent::StrayResult(Box::new(status.result)));
                self.ask_to_wait(at, job);
            }
            Some(Decision::Accept) => {
                // We book one payment for one charge: this second one gets no goods.
                self.emit(TerminalEvent::StrayResult(Box::new(status.result)));
                self.send(at, &Apdu::refusal(codes::GOODS_NOT_ISSUED));
            }
        }
    }

    /// Reports an approval and leaves the terminal without an answer for now.
    pub(super) fn hold(&mut self, at: At, job: &mut Job, status: result::StatusInformation) {
        let due = at + self.settings.profile.timers.hold;
        let readable = status.code.is_some();
        job.sent = Sent::ResultReported;
        job.held = Some(Held::new(readable.then(|| status.result.clone()), due));
        self.emit(match (readable, &job.command) {
            (false, _) => TerminalEvent::UnclearResult,
            (true, Some(_)) => TerminalEvent::Result(Box::new(status.result)),
            (true, None) => TerminalEvent::StrayResult(Box::new(status.result)),
        });
    }

    /// The caller has decided: answers now if the terminal is waiting, else when it asks again.
    pub(super) fn answer_held(&mut self, at: At) {
        let Phase::Working(mut job, due) = std::mem::replace(&mut self.phase, Phase::Down) else { return };
        if job.held.as_ref().is_some_and(|held| held.due.is_some()) {
            self.give_answer(at, &mut job);
        }
        self.phase = if job.is_over() { Phase::Idle } else { Phase::Working(job, due) };
    }

    fn give_answer(&mut self, at: At, job: &mut Job) {
        let Some(held) = &mut job.held else { return };
        held.due = None;
        held.answered = true;
        match held.decision {
            Some(Decision::Accept) => {
                self.last_accepted.clone_from(&held.result);
                job.sent = Sent::ResultAccepted;
                self.send(at, &Apdu::ok());
            }
            Some(Decision::RefuseGoods) | None => {
                job.sent = Sent::GoodsRefused;
                self.send(at, &Apdu::refusal(codes::GOODS_NOT_ISSUED));
            }
        }
    }

    /// Asks for time, as often as the terminal allows; then the goods are refused, because an approval that cannot
    /// be made durable must not stand.
    fn ask_to_wait(&mut self, at: At, job: &mut Job) {
        let max_waits = self.settings.profile.max_waits;
        let Some(held) = &mut job.held else { return };
        if held.waits < max_waits {
            held.waits += 1;
            held.due = None;
            self.send(at, &Apdu::refusal(codes::WAIT));
            return;
        }
        held.decision = Some(Decision::RefuseGoods);
        self.give_answer(at, job);
        self.emit(TerminalEvent::HeldTooLong);
    }

    pub(super) fn working_deadline(&mut self, at: At) {
        let Phase::Working(mut job, due) = std::mem::replace(&mut self.phase, Phase::Down) else { return };
        if matches!(job.abort, AbortState::Asked { due } if due <= at) {
            job.abort = AbortState::Answered;
            self.emit(TerminalEvent::AbortRefused { code: None });
        }
        if job.held.as_ref().and_then(|held| held.due).is_some_and(|held_due| held_due <= at) {
            self.ask_to_wait(at, &mut job);
        }
        if due > at {
            self.phase = if job.is_over() { Phase::Idle } else { Phase::Working(job, due) };
            return;
        }
        self.on_silence(at, job);
    }

    /// T4: the terminal has been silent for too long.
    fn on_silence(&mut self, at: At, mut job: Box<Job>) {
        if job.may_end_silently() {
            self.phase = Phase::Idle;
            self.on_completion(at, *job, &[]);
            return;
        }
        // Behind a verdict an abort could only do harm, and only customers can be kept waiting by a card.
        if job.timed_out || job.has_verdict() || !job.holds_result() {
            self.phase = Phase::Working(job, at);
            self.lost(LossCause::Silent);
            return;
        }
        let timers = self.settings.profile.timers;
        job.timed_out = true;
        job.abort = AbortState::Asked { due: at + timers.answer };
        self.phase = Phase::Working(job, at + timers.abort_grace);
        self.send(at, &command::abort());
    }

    /// `06 0F`.
    fn on_completion(&mut self, at: At, job: Job, data: &[u8]) {
        let answer = job.answer(self.framer.losses());
        let Some(command) = job.kind() else { return };
        let receipts = self.finish_receipts(command);
        match command {
            CommandKind::Register => self.registered = true,
            CommandKind::Reset => self.registered = false,
            _ => {}
        }
        let event = match command {
            CommandKind::Register => TerminalEvent::Registered(completion::registration(data)),
            CommandKind::Charge | CommandKind::Refund if answer == ResultAnswer::GoodsRefused => {
                reversed(ReversedBy::GoodsRefused, job.held.and_then(|held| held.reversal))
            }
            CommandKind::Reverse => end_of_reversal(job.outcome, None),
            CommandKind::RepeatReceipt => last_transaction(job.outcome, receipts),
            CommandKind::Status => {
                TerminalEvent::Status(completion::status_report(data, self.settings.profile.charset))
            }
            CommandKind::Totals | CommandKind::EndOfDay => {
                let mut totals = job.totals.unwrap_or_default();
                totals.amount_minor =
                    totals.amount_minor.or(job.outcome.and_then(|result| result.amount_minor));
                totals.currency.get_or_insert(self.settings.currency);
                totals.receipts = receipts;
                if command == CommandKind::Totals {
                    TerminalEvent::Totals(totals)
                } else {
                    TerminalEvent::EndOfDay(totals)
                }
            }
            CommandKind::Charge
            | CommandKind::Refund
            | CommandKind::PrintTotals
            | CommandKind::Initialise
            | CommandKind::Diagnosis
            | CommandKind::SetClock
            | CommandKind::Reset
            | CommandKind::LogOff => TerminalEvent::Completed { command, answer },
        };
        self.emit(event);
        if let Some(then) = job.then {
            let retry = Job { may_retry: false, ..Job::new(then) };
            self.ask(at, retry).expect("it could be encoded the first time");
        }
    }

    /// `06 1E`.
    fn on_aborted(&mut self, at: At, job: Job, abort: completion::Abort) {
        let answer = job.answer(self.framer.losses());
        let Some(command) = job.kind() else { return };
        if abort.code == codes::NOT_REGISTERED && job.may_retry {
            self.register_and_retry(at, job);
            return;
        }
        let receipts = self.finish_receipts(command);
        self.emit(match command {
            CommandKind::Register => TerminalEvent::RegistrationRefused { code: abort.code },
            CommandKind::Charge | CommandKind::Refund if answer == ResultAnswer::GoodsRefused => {
                reversed(ReversedBy::GoodsRefused, job.held.and_then(|held| held.reversal))
            }
            CommandKind::Reverse => end_of_reversal(job.outcome, Some(abort.code)),
            CommandKind::RepeatReceipt if job.outcome.is_some() => last_transaction(job.outcome, receipts),
            CommandKind::RepeatReceipt => {
                TerminalEvent::LastTransaction(LastAnswer::Refused { code: abort.code })
            }
            _ => TerminalEvent::Aborted { command, code: abort.code, text: abort.text, answer },
        });
        self.refuse_waiting(job.then.as_ref(), abort.code);
    }

    /// Ends the receipt in print, and gives those that belong into the answer of `command`.
    fn finish_receipts(&mut self, command: CommandKind) -> Vec<TerminalReceipt> {
        let rest = self.receipts.flush();
        let mut kept = std::mem::take(&mut self.kept_receipts);
        if keeps_receipts(command) {
            kept.extend(rest);
        } else {
            self.events.extend(rest.map(TerminalEvent::Receipt));
        }
        kept
    }
}

/// Commands whose answer carries what was printed.
fn keeps_receipts(command: CommandKind) -> bool {
    matches!(command, CommandKind::RepeatReceipt | CommandKind::Totals | CommandKind::EndOfDay)
}

/// How a reversal ended, from its result and the code of an abort or refusal.
pub(super) fn end_of_reversal(outcome: Option<TransactionResult>, ended_with: Option<u8>) -> TerminalEvent {
    let told = outcome.as_ref().map(|result| result_class(result.code));
    match (told, ended_with) {
        (Some(ResultClass::Approved), _) => reversed(ReversedBy::Command, outcome),
        (Some(ResultClass::AlreadyReversed), _) => reversed(ReversedBy::AlreadyReversed, outcome),
        (_, Some(code)) if result_class(code) == ResultClass::AlreadyReversed => {
            reversed(ReversedBy::AlreadyReversed, outcome)
        }
        (_, Some(code)) => TerminalEvent::ReversalRefused { code },
        (Some(_), None) => {
            TerminalEvent::ReversalRefused { code: outcome.map_or(u8::MAX, |result| result.code) }
        }
        (None, None) => {
            TerminalEvent::Completed { command: CommandKind::Reverse, answer: ResultAnswer::NoResult }
        }
    }
}

fn reversed(by: ReversedBy, result: Option<TransactionResult>) -> TerminalEvent {
    TerminalEvent::Reversed(Reversal { by, result: result.map(Box::new) })
}

fn last_transaction(outcome: Option<TransactionResult>, receipts: Vec<TerminalReceipt>) -> TerminalEvent {
    TerminalEvent::LastTransaction(match outcome {
        Some(result) => LastAnswer::Found { transaction: Box::new(result.into()), receipts },
        None => LastAnswer::Empty { receipts },
    })
}

impl Job {
    /// A result that came by itself is over once it was answered.
    fn is_over(&self) -> bool {
        self.command.is_none() && self.held.as_ref().is_none_or(|held| held.answered)
    }
}
