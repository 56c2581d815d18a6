//! One conversation with a terminal, without I/O and without a clock.
//!
//! ```text
//!            connected              80 00            06 0F, 06 1E
//!  Down ──────────────► Asking ────────────► Working ────────────► Idle ──start──► Asking …
//!   ▲    (registration)   │ 84 xx: refused, Idle       (the terminal is master)
//!   └── link lost, T3, T4, line fault: Lost, with how far the command had come
//! ```
//!
//! We speak first; once the terminal has taken a command on, it is master until `06 0F` or `06 1E`, and only an abort
//! may be sent. Every message of the terminal is answered at once, with one exception that the whole design rests on:
//! **an approval is reported and not answered** until [`Session::accept_result`], so that nothing is acknowledged
//! which is not durable. While the caller takes long, the terminal is asked to wait, as often as its profile allows;
//! after that it is told that no goods were given and reverses by itself.

mod asking;
mod job;
mod receipts;
mod working;

use std::collections::VecDeque;

use super::codec::apdu::Apdu;
use super::codec::{command, result};
use super::codes;
use super::error::TerminalError;
use super::event::{Loss, LossCause, Sent, TerminalEvent};
use super::framing::{At, Framer, Inbound};
use super::profile::TerminalSettings;
use super::types::{Command, CommandKind, TerminalReceipt, TransactionResult};
use job::{AbortState, Decision, Job};
use receipts::Receipts;

/// See the module. Moments are durations from any start that stays the same for one session.
pub struct Session {
    settings: TerminalSettings,
    framer: Framer,
    phase: Phase,
    registered: bool,
    receipts: Receipts,
    /// Receipts that belong into the answer of the running command.
    kept_receipts: Vec<TerminalReceipt>,
    /// The approval we accepted last: the terminal may repeat it when our answer was late.
    last_accepted: Option<TransactionResult>,
    events: VecDeque<TerminalEvent>,
    counters: SessionCounters,
}

/// What was strange so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionCounters {
    /// Bytes that belong to no message.
    pub garbage_bytes: u64,
    /// Messages that nobody expected.
    pub stray_messages: u64,
    /// Results with fields we could not read to the end.
    pub unread_results: u64,
}

enum Phase {
    /// No connection, or contact was lost.
    Down,
    /// Nothing is running.
    Idle,
    /// A command was sent; the terminal has not taken it on. The deadline runs from its delivery.
    Asking(Box<Job>, Option<At>),
    /// The terminal is master. The deadline runs from its last message.
    Working(Box<Job>, At),
}

impl Session {
    /// A session that is not connected yet.
    #[must_use]
    pub fn new(settings: TerminalSettings) -> Self {
        Self {
            framer: Framer::new(settings.framing, &settings.profile.timers),
            settings,
            phase: Phase::Down,
            registered: false,
            receipts: Receipts::default(),
            kept_receipts: Vec::new(),
            last_accepted: None,
            events: VecDeque::new(),
            counters: SessionCounters::default(),
        }
    }

    /// A link has been opened: registers, which every connection begins with.
    pub fn connected(&mut self, at: At) {
        self.counters.garbage_bytes += self.framer.garbage_bytes();
        self.framer = Framer::new(self.settings.framing, &self.settings.profile.timers);
        self.registered = false;
        self.receipts = Receipts::default();
        self.kept_receipts.clear();
        self.ask(at, Job::new(Command::Register)).expect("a registration can always be encoded");
    }

    /// Starts a command.
    ///
    /// # Errors
    /// [`TerminalError::Command`], [`TerminalError::NotReady`] or [`TerminalError::InUse`]; nothing was sent then.
    pub fn start(&mut self, at: At, command: Command) -> Result<(), TerminalError> {
        match &self.phase {
            Phase::Down => Err(TerminalError::NotReady),
            Phase::Asking(job, _) | Phase::Working(job, _) => {
                Err(TerminalError::InUse { running: job.kind() })
            }
            Phase::Idle if !self.registered && command != Command::Register => Err(TerminalError::NotReady),
            Phase::Idle => self.ask(at, Job::new(command)),
        }
    }

    /// The approval is durable: tells the terminal to keep it. Repeating the call is harmless.
    ///
    /// If the terminal was just asked to wait, the answer is given when it asks again.
    ///
    /// # Errors
    /// [`TerminalError::NothingToAnswer`]: there is no approval, or the terminal was already told that no goods were
    /// given.
    pub fn accept_result(&mut self, at: At) -> Result<(), TerminalError> {
        self.decide(at, Decision::Accept)
    }

    /// The approval cannot be honoured: tells the terminal that no goods were given, so that it reverses by itself.
    ///
    /// # Errors
    /// [`TerminalError::NothingToAnswer`]: there is no approval, or it was accepted.
    pub fn refuse_goods(&mut self, at: At) -> Result<(), TerminalError> {
        self.decide(at, Decision::RefuseGoods)
    }

    /// Asks the terminal to abort what is running. How it ends comes as an event in any case, and an approval that
    /// arrives after this call is an approval.
    ///
    /// # Errors
    /// [`TerminalError::NothingToAbort`]: nothing is running, or its result is already known.
    pub fn abort(&mut self, at: At) -> Result<(), TerminalError> {
        match &mut self.phase {
            Phase::Asking(job, _) => {
                job.abort = AbortState::Wanted;
                Ok(())
            }
            Phase::Working(job, _) if job.has_verdict() => Err(TerminalError::NothingToAbort),
            Phase::Working(..) => {
                self.ask_abort(at);
                self.pump(at);
                Ok(())
            }
            Phase::Down | Phase::Idle => Err(TerminalError::NothingToAbort),
        }
    }

    /// Takes bytes from the link.
    pub fn on_bytes(&mut self, at: At, bytes: &[u8]) {
        self.framer.on_bytes(at, bytes);
        self.pump(at);
    }

    /// When [`Session::on_deadline`] wants to be called.
    #[must_use]
    pub fn next_deadline(&self) -> Option<At> {
        let own = match &self.phase {
            Phase::Down => return None,
            Phase::Idle => None,
            Phase::Asking(_, due) => *due,
            Phase::Working(job, due) => job.deadline().map_or(Some(*due), |other| Some(other.min(*due))),
        };
        [own, self.framer.deadline()].into_iter().flatten().min()
    }

    /// Acts on every deadline that has passed.
    pub fn on_deadline(&mut self, at: At) {
        self.framer.on_deadline(at);
        self.pump(at);
        match &self.phase {
            Phase::Asking(_, Some(due)) if *due <= at => self.lost(LossCause::NoAnswer),
            Phase::Working(..) => self.working_deadline(at),
            Phase::Asking(..) | Phase::Down | Phase::Idle => {}
        }
        self.pump(at);
    }

    /// The link is gone.
    pub fn link_lost(&mut self, cause: LossCause) {
        self.lost(cause);
    }

    /// Bytes to write.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        self.framer.output()
    }

    /// So many of them were taken by the link.
    pub fn written(&mut self, count: usize) {
        self.framer.written(count);
        if let Phase::Asking(job, _) = &mut self.phase
            && count > 0
        {
            job.sent = job.sent.max(Sent::MaybeSent);
        }
    }

    /// What happened, in order.
    pub fn next_event(&mut self) -> Option<TerminalEvent> {
        self.events.pop_front()
    }

    /// Whether a command can be started.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle) && self.registered
    }

    /// Whether contact was lost or never made.
    #[must_use]
    pub fn is_down(&self) -> bool {
        matches!(self.phase, Phase::Down)
    }

    /// What is running.
    #[must_use]
    pub fn running(&self) -> Option<CommandKind> {
        match &self.phase {
            Phase::Asking(job, _) | Phase::Working(job, _) => job.kind(),
            Phase::Down | Phase::Idle => None,
        }
    }

    /// What was strange so far.
    #[must_use]
    pub fn counters(&self) -> SessionCounters {
        let garbage_bytes = self.counters.garbage_bytes + self.framer.garbage_bytes();
        SessionCounters { garbage_bytes, ..self.counters }
    }

    /// Sends the command of `job`.
    fn ask(&mut self, at: At, mut job: Job) -> Result<(), TerminalError> {
        let Some(command) = &job.command else { return Ok(()) };
        let message = command::encode(command, &self.settings)?;
        job.ticket = Some(self.framer.send(at, &message));
        self.phase = Phase::Asking(Box::new(job), None);
        self.pump(at);
        Ok(())
    }

    fn send(&mut self, at: At, message: &Apdu) {
        self.framer.send(at, message);
    }

    fn emit(&mut self, event: TerminalEvent) {
        self.events.push_back(event);
    }

    /// Handles everything the framing has.
    fn pump(&mut self, at: At) {
        while let Some(inbound) = self.framer.next() {
            match inbound {
                Inbound::Message(message) => self.on_message(at, &message),
                Inbound::Delivered(ticket) => {
                    if let Phase::Asking(job, due) = &mut self.phase
                        && job.ticket == Some(ticket)
                    {
                        *due = Some(at + self.settings.profile.timers.answer);
                    }
                }
                Inbound::LineFault => self.lost(LossCause::LineFault),
            }
        }
    }

    fn on_message(&mut self, at: At, message: &Apdu) {
        match std::mem::replace(&mut self.phase, Phase::Down) {
            Phase::Down => self.counters.stray_messages += 1,
            Phase::Idle => {
                self.phase = Phase::Idle;
                self.on_message_while_idle(at, message);
            }
            Phase::Asking(job, due) => self.on_message_while_asking(at, message, job, due),
            Phase::Working(job, _) => self.on_message_while_working(at, message, job),
        }
    }

    fn decide(&mut self, at: At, decision: Decision) -> Result<(), TerminalError> {
        let Phase::Working(job, _) = &mut self.phase else { return Err(TerminalError::NothingToAnswer) };
        let Some(held) = &mut job.held else { return Err(TerminalError::NothingToAnswer) };
        match held.decision {
            Some(earlier) if earlier == decision => return Ok(()),
            Some(_) => return Err(TerminalError::NothingToAnswer),
            None => held.decision = Some(decision),
        }
        self.answer_held(at);
        self.pump(at);
        Ok(())
    }

    /// Sends `06 B0`, or says at once that this terminal does not know it.
    fn ask_abort(&mut self, at: At) {
        let can_abort = self.settings.profile.can_abort;
        let due = at + self.settings.profile.timers.answer;
        let Phase::Working(job, _) = &mut self.phase else { return };
        if matches!(job.abort, AbortState::Asked { .. }) {
            return;
        }
        if can_abort {
            job.abort = AbortState::Asked { due };
            self.send(at, &command::abort());
        } else {
            job.abort = AbortState::Answered;
            self.emit(TerminalEvent::AbortRefused { code: None });
        }
    }

    fn lost(&mut self, cause: LossCause) {
        let (command, sent) = match std::mem::replace(&mut self.phase, Phase::Down) {
            Phase::Down => return,
            Phase::Idle => (None, Sent::NothingSent),
            Phase::Asking(job, _) | Phase::Working(job, _) => (job.kind(), job.sent),
        };
        self.registered = false;
        self.emit(TerminalEvent::Lost(Loss { command, sent, cause }));
    }

    fn read_result(&mut self, message: &Apdu) -> result::StatusInformation {
        let mut status = result::parse(&message.data, self.settings.profile.charset);
        if !status.complete {
            self.counters.unread_results += 1;
        }
        status.result.currency.get_or_insert(self.settings.currency);
        if let Some(totals) = &mut status.totals {
            totals.currency.get_or_insert(self.settings.currency);
        }
        status
    }

    fn was_accepted(&self, result: &TransactionResult) -> bool {
        self.last_accepted.as_ref().is_some_and(|accepted| accepted.is_same_transaction(result))
    }

    /// Functions we do not have, such as input on our screen, are declined; stray answers need none.
    fn refuse_unknown(&mut self, at: At, message: &Apdu) {
        self.counters.stray_messages += 1;
        if !matches!(message.class, 0x80 | 0x84) {
            self.send(at, &Apdu::refusal(codes::NOT_POSSIBLE));
        }
    }
}

#[cfg(test)]
mod tests;
