//! How a release comes to a fleet: in waves, by pace, never to all kiosks of a shop at once, and not past the first
//! signs that it is bad. Pure: the state goes in, what is to be done comes out.
//!
//! ```text
//! waiting ─► assigned ─► ready ─► switching ─► good
//!                          ▲ a turn of the site and of the wave    └─► bad: rolled back, failed, silent
//! ```
//! A kiosk asks for its turn when the release is in its other slot and proven; from then until its verdict it counts
//! as away. So what a bad release can hurt is bounded by the pace and by the halt rules, not by how fast kiosks
//! download.

mod membership;
pub mod statistics;
mod tick;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use membership::{Candidate, freeze};
use statistics::Sequential;
pub use tick::Decision;

/// Same reason in so many roll-backs of the first [`EARLY`] verdicts: a halt.
const SAME_REASON: usize = 2;
/// The first verdicts.
const EARLY: usize = 20;

/// What the operator wants.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The waves, the first one first.
    pub waves: Vec<Wave>,
    /// Of the working kiosks of a site at most so many percent are away at once, at least one, and never all.
    pub site_percent: usize,
    /// How long a wave is watched after its last verdict, s.
    pub soak_s: i64,
    /// After so long without a verdict a kiosk that switched counts as failed, s.
    pub silence_s: i64,
    /// Percent of the verdicts that must be good for the next wave.
    pub good_percent: usize,
    /// Percent of the working kiosks of the wave that must have a verdict for the next wave.
    pub reported_percent: usize,
    /// How often the health of kiosks with the release is compared with that of those without it, s.
    pub look_s: i64,
}

/// A part of the fleet that is admitted at once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Wave {
    /// For people: `canary`, `10 %`.
    pub name: String,
    /// Buckets below this, see [`protocol::rollout::bucket`]; 0: the kiosks with the canary tag alone.
    pub below: u16,
    /// As many kiosks are away at once, in the whole fleet.
    pub pace: usize,
}

impl Plan {
    /// Canaries, 10 %, half, all: ten at a time while little is known.
    pub fn usual() -> Self {
        let wave = |name: &str, below, pace| Wave { name: name.to_owned(), below, pace };
        Self {
            waves: vec![
                wave("canary", 0, 10),
                wave("10 %", 1000, 10),
                wave("50 %", 5000, 100),
                wave("100 %", protocol::rollout::BUCKETS, 500),
            ],
            site_percent: 25,
            soak_s: 24 * 3600,
            silence_s: 20 * 60,
            good_percent: 95,
            reported_percent: 90,
            look_s: 3600,
        }
    }
}

/// A kiosk in a rollout: fixed when it starts, so that a tag that changes moves nobody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Where it is.
    pub site: String,
    /// The wave it belongs to.
    pub wave: usize,
    /// It is online and in service, as far as anybody knows.
    pub works: bool,
    /// How far it is.
    pub phase: Phase,
}

/// How far a kiosk is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Not told yet.
    Waiting,
    /// Told; loads and proves the release.
    Assigned,
    /// Has it, and asks for its turn.
    Ready,
    /// Has its turn, until it says how it went.
    Switching {
        /// Since when, s since 1970.
        since_s: i64,
    },
    /// Runs it and is healthy.
    Good,
    /// Does not.
    Bad,
}

impl Phase {
    /// Whether it is known how it went.
    pub fn is_verdict(self) -> bool {
        matches!(self, Self::Good | Self::Bad)
    }
}

/// Why a rollout stopped by itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Halt {
    /// The same failure again, early.
    SameReason(String),
    /// More failures than chance explains, by the sequential test.
    Failures {
        /// How many.
        bad: usize,
        /// Of so many verdicts.
        of: usize,
    },
    /// Kiosks with the release do worse than those without.
    Health(String),
    /// Somebody said so.
    Operator(String),
}

/// Where a rollout stands.
#[derive(Clone, PartialEq, Debug)]
pub enum State {
    /// This wave is admitted, and those before it.
    Running {
        /// Which.
        wave: usize,
    },
    /// As running; nobody else is told or gets a turn.
    Paused {
        /// Which.
        wave: usize,
    },
    /// Stopped for good.
    Halted(Halt),
    /// Everybody who could has it.
    Done,
}

/// A rollout.
#[derive(Clone, PartialEq, Debug)]
pub struct Rollout {
    /// What is wanted.
    pub plan: Plan,
    /// Where it stands.
    pub state: State,
    /// Its kiosks, by id.
    pub members: BTreeMap<String, Member>,
    /// Of the verdicts since the last passed test.
    pub test: Sequential,
    /// Reasons of the roll-backs among the first verdicts.
    pub early_reasons: Vec<String>,
    /// When the last verdict came, s since 1970.
    pub last_verdict_s: i64,
    /// A wave that somebody has looked at and found good enough.
    pub accepted: Option<usize>,
}

impl Rollout {
    /// One that starts now.
    pub fn start(plan: Plan, members: BTreeMap<String, Member>, now_s: i64) -> Self {
        Self {
            plan,
            state: State::Running { wave: 0 },
            members,
            test: Sequential::default(),
            early_reasons: Vec::new(),
            last_verdict_s: now_s,
            accepted: None,
        }
    }

    /// A kiosk that nobody knew at the start: it belongs to the last wave.
    pub fn join(&mut self, kiosk: &str, site: &str) {
        let wave = self.plan.waves.len().saturating_sub(1);
        let member = Member { site: site.to_owned(), wave, works: true, phase: Phase::Waiting };
        self.members.entry(kiosk.to_owned()).or_insert(member);
    }

    /// A kiosk says that it runs the release and is healthy (`Ok`), or why it does not. The first word counts.
    pub fn verdict(&mut self, kiosk: &str, how: Result<(), &str>, now_s: i64) {
        let Some(member) = self.members.get_mut(kiosk).filter(|it| !it.phase.is_verdict()) else { return };
        member.phase = if how.is_ok() { Phase::Good } else { Phase::Bad };
        self.last_verdict_s = now_s;
        self.test.verdict(how.is_ok());
        if let Err(reason) = how
            && self.count(|it| it.phase.is_verdict()) <= EARLY
        {
            self.early_reasons.push(reason.to_owned());
        }
        if matches!(self.state, State::Running { .. } | State::Paused { .. })
            && let Some(halt) = self.halts()
        {
            self.state = State::Halted(halt);
        }
    }

    fn count(&self, which: impl Fn(&Member) -> bool) -> usize {
        self.members.values().filter(|it| which(it)).count()
    }

    /// What the verdicts say against going on.
    fn halts(&self) -> Option<Halt> {
        let again =
            |reason: &&String| self.early_reasons.iter().filter(|it| it == reason).count() >= SAME_REASON;
        if let Some(reason) = self.early_reasons.iter().find(again) {
            return Some(Halt::SameReason(reason.clone()));
        }
        let bad = self.count(|it| it.phase == Phase::Bad);
        let of = self.count(|it| it.phase.is_verdict());
        self.test.rejects().then_some(Halt::Failures { bad, of })
    }

    /// Stops for good: an operator, or worse health than those without the release.
    pub fn halt(&mut self, why: Halt) {
        if self.state != State::Done {
            self.state = State::Halted(why);
        }
    }

    /// Tells nobody else for now.
    pub fn pause(&mut self) {
        if let State::Running { wave } = self.state {
            self.state = State::Paused { wave };
        }
    }

    /// Goes on after a pause. What this wave did is accepted by that.
    pub fn resume(&mut self) {
        if let State::Paused { wave } = self.state {
            self.accepted = Some(wave);
            self.state = State::Running { wave };
        }
    }
}
