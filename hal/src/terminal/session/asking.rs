//! Before the terminal is master: its answer to our command, and what belongs to an earlier time.

use super::job::{AbortState, Job};
use super::{Phase, Session};
use crate::terminal::codec::apdu::Apdu;
use crate::terminal::codec::completion;
use crate::terminal::codes;
use crate::terminal::event::{LastAnswer, ResultAnswer, Sent, TerminalEvent};
use crate::terminal::framing::At;
use crate::terminal::types::{Command, CommandKind, TransactionResult};

impl Session {
    /// Nothing is running, so whatever comes is late or is a state of the terminal itself.
    pub(super) fn on_message_while_idle(&mut self, at: At, message: &Apdu) {
        match message.control() {
            0x040F => {
                let status = self.read_result(message);
                if status.code.is_none_or(|code| code == 0) && !self.was_accepted(&status.result) {
                    let mut job = Job::orphan();
                    self.hold(at, &mut job, status);
                    self.phase = Phase::Working(Box::new(job), at + self.settings.profile.timers.progress);
                    return;
                }
                self.counters.stray_messages += 1;
                self.send(at, &Apdu::ok());
            }
            0x04FF => self.on_intermediate(at, message),
            0x06D1 | 0x06D3 => self.on_print(at, message),
            0x060F | 0x061E | 0x0401 => {
                self.counters.stray_messages += 1;
                self.send(at, &Apdu::ok());
            }
            _ => self.refuse_unknown(at, message),
        }
    }

    /// Waiting for `80 00` or `84 xx`. Anything else belongs to an earlier time, except an approval: then the
    /// acknowledgement was lost on the way.
    pub(super) fn on_message_while_asking(
        &mut self,
        at: At,
        message: &Apdu,
        mut job: Box<Job>,
        due: Option<At>,
    ) {
        match (message.class, message.instr) {
            (0x80 | 0x84, 0x00) => {
                self.framer.answered(at);
                self.begin(at, job);
            }
            (0x84, code) => {
                self.framer.answered(at);
                self.phase = Phase::Idle;
                self.on_refused(at, *job, code);
            }
            (0x04, 0x0F) if job.holds_result() => {
                let status = self.read_result(message);
                if status.result.approved && !self.was_accepted(&status.result) {
                    self.framer.answered(at);
                    job.sent = Sent::Acknowledged;
                    self.events.extend(job.kind().map(TerminalEvent::Started));
                    self.on_message_while_working(at, message, job);
                } else {
                    self.phase = Phase::Asking(job, due);
                    self.on_message_of_earlier(at, message);
                }
            }
            _ => {
                self.phase = Phase::Asking(job, due);
                self.on_message_of_earlier(at, message);
            }
        }
    }

    /// Answers a message from an earlier time without letting it change what is going on now.
    fn on_message_of_earlier(&mut self, at: At, message: &Apdu) {
        self.counters.stray_messages += 1;
        match message.control() {
            0x040F => {
                let status = self.read_result(message);
                if status.code.is_none_or(|code| code == 0) {
                    self.answer_earlier_approval(at, &status.result);
                } else {
                    self.send(at, &Apdu::ok());
                }
            }
            0x04FF | 0x06D1 | 0x06D3 | 0x060F | 0x061E | 0x0401 => self.send(at, &Apdu::ok()),
            _ => self.refuse_unknown(at, message),
        }
    }

    /// Never accepts by accident what may be money: unless it is in our books, the terminal has to ask again when
    /// nothing else is going on, and then it is reported.
    pub(super) fn answer_earlier_approval(&mut self, at: At, result: &TransactionResult) {
        let answer = if self.was_accepted(result) { Apdu::ok() } else { Apdu::refusal(codes::WAIT) };
        self.send(at, &answer);
    }

    /// The terminal took the command on.
    fn begin(&mut self, at: At, mut job: Box<Job>) {
        let timers = self.settings.profile.timers;
        job.sent = Sent::Acknowledged;
        job.losses_before = self.framer.losses();
        let kind = job.kind();
        if let Some(kind) = kind {
            self.emit(TerminalEvent::Started(kind));
        }
        if kind == Some(CommandKind::LogOff) {
            self.phase = Phase::Idle;
            self.registered = false;
            let answer = ResultAnswer::NoResult;
            self.emit(TerminalEvent::Completed { command: CommandKind::LogOff, answer });
            return;
        }
        let wanted = job.abort == AbortState::Wanted;
        let due = at + job.patience(&timers);
        self.phase = Phase::Working(job, due);
        if wanted {
            self.ask_abort(at);
        }
    }

    /// `84 xx` to a command: nothing happened.
    fn on_refused(&mut self, at: At, job: Job, code: u8) {
        let Some(command) = job.kind() else { return };
        if code == codes::NOT_REGISTERED && job.may_retry {
            self.register_and_retry(at, job);
            return;
        }
        self.emit(match command {
            CommandKind::Register => TerminalEvent::RegistrationRefused { code },
            CommandKind::RepeatReceipt if code == codes::WAIT => {
                TerminalEvent::LastTransaction(LastAnswer::Busy)
            }
            CommandKind::RepeatReceipt => TerminalEvent::LastTransaction(LastAnswer::Refused { code }),
            CommandKind::Status if code == codes::WAIT => {
                TerminalEvent::Status(completion::status_report(&[code], self.settings.profile.charset))
            }
            CommandKind::Reverse if code == codes::WAIT => TerminalEvent::Refused { command, code },
            CommandKind::Reverse => super::working::end_of_reversal(None, Some(code)),
            _ => TerminalEvent::Refused { command, code },
        });
        self.refuse_waiting(job.then.as_ref(), code);
    }

    /// Registering again failed, so the command behind it ends here too: nothing happened.
    pub(super) fn refuse_waiting(&mut self, then: Option<&Command>, code: u8) {
        if let Some(then) = then {
            self.emit(TerminalEvent::Refused { command: then.kind(), code });
        }
    }

    /// The terminal forgot us. It said so before doing anything, so the command may be sent once more.
    pub(super) fn register_and_retry(&mut self, at: At, job: Job) {
        self.registered = false;
        let register = Job { then: job.command, ..Job::new(Command::Register) };
        self.ask(at, register).expect("a registration can always be encoded");
    }
}
