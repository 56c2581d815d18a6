//! One conversation with the till: a queue of steps, and what the first of them waits for.

use std::collections::VecDeque;
use std::time::Duration;

use super::Engine;
use crate::terminal::apdu::Apdu;
use crate::terminal::cards::Entry;
use crate::terminal::faults::Point;

/// What the till asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Registration, status: may go on beside an orphan.
    Service,
    /// Totals, end of day, initialisation, repeat.
    Administration,
    /// Sale, refund, reversal: about this transaction.
    Money(u64),
}

/// How far a card transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Card and PIN: can still be stopped.
    Before,
    /// The bank is being asked.
    Bank,
    /// The bank has answered.
    After,
}

/// What happens next.
#[derive(Debug, Clone)]
pub enum Step {
    /// A message that the till answers.
    Say(Apdu),
    /// The same, and then the session is over.
    Finish(Apdu),
    Pause(Duration),
    /// Where the link may break.
    Break(Point),
    /// Wait for a card.
    Card,
    /// Wait for a PIN.
    Pin,
    /// The bank answers about the card.
    Decide,
    /// The bank takes back the transaction with this number.
    Reverse(u64),
    /// Send the result and hear what the till says to it.
    Result,
    /// The sums of the day are sent and start again.
    CloseDay,
    /// It is initialised again.
    Initialised,
}

/// What the session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    Nothing,
    /// The till's answer to a message.
    Answer {
        until: Duration,
    },
    /// The till's answer to an approving result.
    Verdict {
        until: Duration,
    },
    Time {
        until: Duration,
    },
    Card {
        until: Duration,
        event: Option<(Duration, CardEvent)>,
    },
    Pin {
        until: Duration,
        auto_at: Option<Duration>,
    },
}

/// What the imaginary customer will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardEvent {
    Present(Entry),
    Stop,
}

#[derive(Debug)]
pub struct Session {
    pub task: Task,
    pub stage: Stage,
    pub steps: VecDeque<Step>,
    pub wait: Wait,
    /// Somebody is there to talk to.
    pub attended: bool,
    /// Messages go out together without waiting for each answer.
    pub glued: bool,
    /// Answers to glued messages that are still to come.
    pub owed: u32,
    pub pin_tries: u32,
}

impl Session {
    pub fn new(task: Task, steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            task,
            stage: Stage::Before,
            steps: steps.into_iter().collect(),
            wait: Wait::Nothing,
            attended: true,
            glued: false,
            owed: 0,
            pin_tries: 0,
        }
    }

    /// The transaction it is about.
    pub fn number(&self) -> Option<u64> {
        match self.task {
            Task::Money(number) => Some(number),
            Task::Service | Task::Administration => None,
        }
    }

    pub fn deadline(&self) -> Option<Duration> {
        match self.wait {
            Wait::Nothing => None,
            Wait::Answer { until } | Wait::Verdict { until } | Wait::Time { until } => Some(until),
            Wait::Card { until, event } => Some(event.map_or(until, |(at, _)| at.min(until))),
            Wait::Pin { until, auto_at } => Some(auto_at.map_or(until, |at| at.min(until))),
        }
    }

    /// The till has gone: what was to be said to it falls away, what was to be done does not.
    pub fn abandon(&mut self) {
        self.attended = false;
        self.owed = 0;
        if matches!(self.wait, Wait::Answer { .. }) {
            self.wait = Wait::Nothing;
        }
        if let Wait::Verdict { until } = &mut self.wait {
            *until = Duration::ZERO;
        }
    }

    /// These happen next, before what was planned.
    pub fn push_front(&mut self, steps: impl IntoIterator<Item = Step, IntoIter: DoubleEndedIterator>) {
        for step in steps.into_iter().rev() {
            self.steps.push_front(step);
        }
    }

    /// Only these happen.
    pub fn replace(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.steps = steps.into_iter().collect();
        if !matches!(self.wait, Wait::Answer { .. }) {
            self.wait = Wait::Nothing;
        }
    }
}

impl Engine {
    /// Lets both conversations go on as far as they can.
    pub(super) fn run(&mut self, now: Duration) {
        if let Some(session) = self.session.take() {
            self.session = self.run_session(now, session);
            if self.session.is_none() {
                self.channel.uncork();
                self.channel.split = false;
            }
        }
        if self.session.as_ref().is_some_and(|session| !session.attended) {
            self.orphan_session();
        }
        if let Some(session) = self.orphan.take() {
            self.orphan = self.run_session(now, session);
        }
        if self.session.is_none() && self.orphan.is_none() {
            self.screen.leave_soon(now + self.config.pace.display);
        }
    }

    /// The session, unless it is over.
    fn run_session(&mut self, now: Duration, mut session: Session) -> Option<Session> {
        loop {
            if session.deadline().is_some_and(|deadline| now >= deadline) {
                self.expire(now, &mut session);
            }
            if session.wait != Wait::Nothing {
                return Some(session);
            }
            let step = session.steps.pop_front()?;
            self.perform(now, &mut session, step);
        }
    }
}
