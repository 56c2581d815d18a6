//! When to send which events, and what an answer means for them. Pure: time and dice are parameters, and what
//! is to be done comes out as [`Action`]s.
//!
//! ```text
//!            Connected            Loaded(some)          Ack of this batch
//! Offline ──────────────► Loading ─────────► InFlight ─────────────────► Storing ──Stored──► Loading
//!    ▲                    ▲    │ Loaded(none)   │ no answer, refused        │
//!    │ Disconnected       │    ▼                ▼                           │ nothing gained
//!    └── any       NewEvents  Idle           Resting ◄─────────────────────┘
//!                         └──────────────────── │ Timer
//! ```
//! Events leave the outbox through [`Action::Acknowledge`] only, and that only follows an answer of the fleet
//! itself to the batch in flight: what a broker acknowledges means nothing (it may lose it the next moment).

use protocol::sync::{Ack, Answer, BATCH_EVENTS_MAX};
use protocol::text::Id;

use super::backoff::Backoff;

/// After so many failures in a row a batch is halved: if one event of it is what cannot pass, it will be
/// alone in the end and the others will have passed.
const FAILURES_TO_HALVE: u32 = 3;

/// Something happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// The broker took the connection.
    Connected,
    /// The connection is gone.
    Disconnected,
    /// There may be something new to send.
    NewEvents,
    /// The oldest events that were not acknowledged; `None`: all are.
    Loaded(Option<Run>),
    /// What the broker said to the publish.
    Published(PubAck),
    /// What the fleet said.
    Ack(Box<Ack>),
    /// The answer is stored: the cursor has moved.
    Stored,
    /// It could not be stored, or the outbox could not be read.
    NotStored,
    /// The deadline has passed.
    Timer,
}

/// What the broker said to a publish.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PubAck {
    /// It has it. This says nothing about the fleet.
    Taken,
    /// It refused it for now: nobody takes batches in, or it has no room.
    Refused,
    /// It was lost on the way.
    Lost,
}

/// A run of events of one epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// A new name for a batch of them.
    pub b: Id,
    /// The epoch.
    pub epoch: u64,
    /// The first.
    pub from: u64,
    /// The last.
    pub last: u64,
    /// The last of the whole epoch.
    pub end: u64,
}

/// Something to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Read the oldest events that were not acknowledged, at most so many, and say [`Input::Loaded`].
    Load {
        /// Most events.
        limit: usize,
    },
    /// Send the run that was loaded, as the batch of this name.
    Publish {
        /// The batch.
        b: Id,
    },
    /// Store this and say [`Input::Stored`].
    Acknowledge {
        /// The epoch.
        epoch: u64,
        /// Everything up to this is with the fleet.
        thru: u64,
        /// Other answers than a plain yes.
        answers: Vec<Answer>,
        /// The fleet has lost what it had acknowledged from here on.
        rewind: Option<u64>,
        /// A new epoch must begin.
        new_epoch: Option<WhyNewEpoch>,
    },
}

/// Why a new epoch must begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhyNewEpoch {
    /// Another machine writes this one too.
    Fork,
    /// The fleet knows more of it than this store: an old copy was restored.
    Restored,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// No connection.
    Offline,
    /// All is acknowledged.
    Idle,
    /// The outbox is being read. `again`: meanwhile there was something new.
    Loading { again: bool },
    /// A batch is under way.
    InFlight,
    /// An answer is being stored.
    Storing { gained: bool },
    /// Waiting after a failure.
    Resting,
}

/// How long to wait for answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// From the broker's answer to the fleet's, and from the publish to the broker's, ms.
    pub ack_ms: u64,
}

/// Decides when to send what.
#[derive(Clone, PartialEq, Debug)]
pub struct Sync {
    patience: Patience,
    phase: Phase,
    /// The batch that was sent last and not answered.
    sent: Option<Run>,
    /// Most events of the next batch.
    limit: usize,
    /// Failures of this very batch in a row.
    failures: u32,
    backoff: Backoff,
    deadline: Option<u64>,
}

impl Sync {
    /// Not connected yet.
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            phase: Phase::Offline,
            sent: None,
            limit: BATCH_EVENTS_MAX,
            failures: 0,
            backoff: Backoff::default(),
            deadline: None,
        }
    }

    /// When [`Input::Timer`] is due, on the clock of `now`.
    pub fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    /// Whether answers are missing or failures are to be waited out.
    pub fn is_in_doubt(&self) -> bool {
        self.backoff.failures() > 0 || self.failures > 0
    }

    /// Takes an input at `now` (monotonic ms); `random` is any number.
    pub fn step(&mut self, now: u64, random: u64, input: Input) -> Option<Action> {
        match input {
            Input::Connected => self.load(),
            Input::Disconnected => {
                if self.phase == Phase::InFlight {
                    self.count_failure();
                }
                self.enter(Phase::Offline, None);
                None
            }
            Input::NewEvents => match self.phase {
                Phase::Idle => self.load(),
                Phase::Loading { .. } => {
                    self.phase = Phase::Loading { again: true };
                    None
                }
                // These read the outbox again by themselves.
                Phase::Offline | Phase::InFlight | Phase::Storing { .. } | Phase::Resting => None,
            },
            Input::Loaded(run) => match self.phase {
                Phase::Loading { again } => self.loaded(now, run, again),
                Phase::Offline | Phase::Idle | Phase::InFlight | Phase::Storing { .. } | Phase::Resting => {
                    None
                }
            },
            Input::Published(puback) => {
                if self.phase == Phase::InFlight {
                    self.published(now, random, puback);
                }
                None
            }
            Input::Ack(ack) => match self.phase {
                // A late answer is an answer.
                Phase::InFlight | Phase::Resting => self.answered(*ack),
                // It will be asked for again; the answer will be "duplicate".
                Phase::Offline | Phase::Idle | Phase::Loading { .. } | Phase::Storing { .. } => None,
            },
            Input::Stored => match self.phase {
                Phase::Storing { gained: true } => self.load(),
                Phase::Storing { gained: false } => {
                    self.rest(now, random);
                    None
                }
                Phase::Offline | Phase::Idle | Phase::Loading { .. } | Phase::InFlight | Phase::Resting => {
                    None
                }
            },
            Input::NotStored => {
                if self.phase != Phase::Offline {
                    self.rest(now, random);
                }
                None
            }
            Input::Timer => self.timer(now, random),
        }
    }

    fn load(&mut self) -> Option<Action> {
        self.enter(Phase::Loading { again: false }, None);
        Some(Action::Load { limit: self.limit })
    }

    fn loaded(&mut self, now: u64, run: Option<Run>, again: bool) -> Option<Action> {
        let Some(run) = run else {
            if again {
                return self.load();
            }
            self.sent = None;
            self.enter(Phase::Idle, None);
            return None;
        };
        // The same events keep the name of their batch, so that a late answer to it still counts.
        let same = |sent: &Run| (sent.epoch, sent.from, sent.last) == (run.epoch, run.from, run.last);
        let b = self.sent.filter(same).map_or(run.b, |sent| sent.b);
        self.sent = Some(Run { b, ..run });
        self.enter(Phase::InFlight, Some(now.saturating_add(self.patience.ack_ms)));
        Some(Action::Publish { b })
    }

    fn published(&mut self, now: u64, random: u64, puback: PubAck) {
        match puback {
            PubAck::Taken => self.deadline = Some(now.saturating_add(self.patience.ack_ms)),
            // Nobody listens, or there is no room: nothing is wrong with the batch.
            PubAck::Refused => self.rest(now, random),
            PubAck::Lost => {
                self.count_failure();
                self.rest(now, random);
            }
        }
    }

    fn answered(&mut self, ack: Ack) -> Option<Action> {
        let sent = self.sent.filter(|sent| sent.b == ack.b && sent.epoch == ack.ep)?;
        // A batch can only be answered beyond its end when the fleet says what it has instead.
        let known = if ack.exp.is_some() { sent.end } else { sent.last };
        let thru = ack.thru.min(known);
        let rewind = ack.exp.filter(|exp| *exp < sent.from);
        let beyond = ack.exp.is_some_and(|exp| exp > sent.end.saturating_add(1));
        let new_epoch = match (ack.fork, beyond) {
            (Some(_), _) => Some(WhyNewEpoch::Fork),
            (None, true) => Some(WhyNewEpoch::Restored),
            (None, false) => None,
        };
        let gained = thru >= sent.from;
        if gained {
            self.backoff.succeeded();
            self.failures = 0;
            self.limit = self.limit.saturating_mul(2).min(BATCH_EVENTS_MAX);
        }
        self.sent = None;
        self.enter(Phase::Storing { gained }, None);
        Some(Action::Acknowledge { epoch: sent.epoch, thru, answers: ack.x, rewind, new_epoch })
    }

    fn timer(&mut self, now: u64, random: u64) -> Option<Action> {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return None;
        }
        match self.phase {
            Phase::InFlight => {
                self.count_failure();
                self.rest(now, random);
                None
            }
            Phase::Resting => self.load(),
            Phase::Offline | Phase::Idle | Phase::Loading { .. } | Phase::Storing { .. } => None,
        }
    }

    fn count_failure(&mut self) {
        self.failures += 1;
        if self.failures >= FAILURES_TO_HALVE {
            self.failures = 0;
            let sent = self.sent.map_or(self.limit, |sent| {
                usize::try_from(sent.last.saturating_sub(sent.from).saturating_add(1)).unwrap_or(self.limit)
            });
            self.limit = (self.limit.min(sent) / 2).max(1);
        }
    }

    fn rest(&mut self, now: u64, random: u64) {
        let wait = self.backoff.failed(random);
        self.enter(Phase::Resting, Some(now.saturating_add(wait)));
    }

    fn enter(&mut self, phase: Phase, deadline: Option<u64>) {
        self.phase = phase;
        self.deadline = deadline;
    }
}

#[cfg(test)]
mod tests;
