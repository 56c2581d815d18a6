//! A command under way.

use std::time::Duration;

use crate::terminal::event::{ResultAnswer, Sent};
use crate::terminal::framing::{At, Ticket};
use crate::terminal::profile::Timers;
use crate::terminal::types::{Command, CommandKind, Totals, TransactionResult};

/// Everything about the running command.
pub(super) struct Job {
    /// The command; `None` for a result that came without one.
    pub command: Option<Command>,
    /// To send once registered again.
    pub then: Option<Command>,
    /// Names the command's message in the framing.
    pub ticket: Option<Ticket>,
    /// How far it came.
    pub sent: Sent,
    /// May be sent again if the terminal has forgotten us.
    pub may_retry: bool,
    /// What became of an abort.
    pub abort: AbortState,
    /// The framing's losses when the terminal took the command on.
    pub losses_before: u64,
    /// We aborted because the terminal was silent.
    pub timed_out: bool,
    /// The result that waits for our answer, or got it.
    pub held: Option<Held>,
    /// The last result that needed no answer.
    pub outcome: Option<TransactionResult>,
    /// Totals.
    pub totals: Option<Totals>,
}

/// What became of an abort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AbortState {
    /// Nobody wants it.
    NotAsked,
    /// To be sent as soon as the terminal has taken the command on.
    Wanted,
    /// Sent; the answer is due.
    Asked {
        /// When.
        due: At,
    },
    /// Agreed to, refused or ignored.
    Answered,
}

/// What the caller decided about an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is durable.
    Accept,
    /// No goods.
    RefuseGoods,
}

/// An approval, or a result nobody can read, that waits for our answer.
pub(super) struct Held {
    /// `None` if it could not be read.
    pub result: Option<TransactionResult>,
    /// What the caller decided.
    pub decision: Option<Decision>,
    /// The decision went out.
    pub answered: bool,
    /// The terminal is waiting for an answer to its last message; until then.
    pub due: Option<At>,
    /// How often it was asked to wait.
    pub waits: u8,
    /// What it reported about its own reversal.
    pub reversal: Option<TransactionResult>,
}

impl Job {
    pub(super) fn new(command: Command) -> Self {
        let may_retry = command != Command::Register;
        Self { command: Some(command), may_retry, ..Self::orphan() }
    }

    /// Something that came by itself.
    pub(super) fn orphan() -> Self {
        Self {
            command: None,
            then: None,
            ticket: None,
            sent: Sent::NothingSent,
            may_retry: false,
            abort: AbortState::NotAsked,
            losses_before: 0,
            timed_out: false,
            held: None,
            outcome: None,
            totals: None,
        }
    }

    pub(super) fn kind(&self) -> Option<CommandKind> {
        self.command.as_ref().map(Command::kind)
    }

    pub(super) fn holds_result(&self) -> bool {
        self.kind().is_none_or(CommandKind::holds_result)
    }

    /// Whether a successful result, with this amount, belongs to the command. Otherwise it is a payment from an
    /// earlier time: a terminal may tell it during the registration after a lost connection.
    pub(super) fn expects_result(&self, amount_minor: Option<i64>) -> bool {
        match self.kind() {
            None
            | Some(CommandKind::Charge | CommandKind::Refund | CommandKind::Reverse)
            | Some(CommandKind::RepeatReceipt | CommandKind::Totals | CommandKind::PrintTotals)
            | Some(CommandKind::EndOfDay) => true,
            Some(CommandKind::Initialise | CommandKind::Diagnosis) => amount_minor.is_none(),
            Some(CommandKind::Register | CommandKind::Status | CommandKind::SetClock)
            | Some(CommandKind::Reset | CommandKind::LogOff) => false,
        }
    }

    /// Some terminals send no completion for these.
    pub(super) fn may_end_silently(&self) -> bool {
        matches!(self.kind(), Some(CommandKind::SetClock | CommandKind::Reset))
    }

    /// How long the terminal may be silent: a customer may look for a card, a question has a quick answer.
    pub(super) fn patience(&self, timers: &Timers) -> Duration {
        match self.kind() {
            Some(CommandKind::SetClock | CommandKind::Reset) => timers.answer,
            Some(
                CommandKind::Register
                | CommandKind::Status
                | CommandKind::RepeatReceipt
                | CommandKind::Totals,
            ) => timers.question,
            _ => timers.progress,
        }
    }

    /// Whether money was decided upon, so that an abort would come too late.
    pub(super) fn has_verdict(&self) -> bool {
        self.held.is_some() || (self.holds_result() && self.outcome.is_some())
    }

    /// The earliest deadline beside that of the phase.
    pub(super) fn deadline(&self) -> Option<At> {
        let abort = match self.abort {
            AbortState::Asked { due } => Some(due),
            AbortState::NotAsked | AbortState::Wanted | AbortState::Answered => None,
        };
        let held = self.held.as_ref().and_then(|held| held.due);
        [abort, held].into_iter().flatten().min()
    }

    /// What had become of the result. If a message can have got lost on the way, a missing result proves nothing.
    pub(super) fn answer(&self, losses: u64) -> ResultAnswer {
        match (&self.held, &self.outcome) {
            (Some(Held { decision: Some(Decision::Accept), answered: true, .. }), _) => {
                ResultAnswer::Accepted
            }
            (Some(Held { decision: Some(Decision::RefuseGoods), answered: true, .. }), _) => {
                ResultAnswer::GoodsRefused
            }
            (Some(_), _) => ResultAnswer::Unanswered,
            (None, Some(_)) => ResultAnswer::Declined,
            (None, None) if self.holds_result() && losses > self.losses_before => ResultAnswer::Unanswered,
            (None, None) => ResultAnswer::NoResult,
        }
    }
}

impl Held {
    pub(super) fn new(result: Option<TransactionResult>, due: At) -> Self {
        Self { result, decision: None, answered: false, due: Some(due), waits: 0, reversal: None }
    }

    /// Whether the terminal speaks of the same transaction again.
    pub(super) fn is_repeated_by(&self, result: &TransactionResult, readable: bool) -> bool {
        match &self.result {
            Some(held) => readable && held.is_same_transaction(result),
            None => !readable,
        }
    }
}
