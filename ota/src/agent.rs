//! An update on a kiosk, from the wish of the fleet to the verdict: a pure state machine.
//!
//! ```text
//! (nothing) ─► Offered ─► Gated ─► Downloading ─► Verifying ─► Installed ─► RebootGate ─► Switching ─► TrialBoot
//!                 │         ▲           │             │            ▲                          │            │
//!                 ▼         └───────────┴─────────────┘            └──────────────────────────┘            ├─► confirmed
//!             rejected         failed, tried again                       the switch was lost               ▼
//!                                                                                               Leaving ─► rolled back
//! ```
//! [`Journal`] is one row of the store. What is to be done follows from it alone ([`Journal::action`]); what came of it
//! gives the next row ([`Journal::after`]), which is made durable, together with its reports, before anything is done
//! about it. So a power cut at any moment leads to the action that was cut off, never past it. What boots is decided
//! by the boot chooser alone, never by the journal.

mod inputs;
mod recover;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::chooser::Slot;

/// Attempts at a release that end without a verdict; then it is given up until another campaign brings it.
pub const ATTEMPTS_MAX: u8 = 3;
/// Boots of a new system in which it may prove itself.
pub const TRIAL_BOOTS_MAX: u8 = 3;
/// Changes of step in one update: more are a loop.
const STEPS_MAX: u8 = 40;
/// How often whoever writes may die over a release without having got further.
pub const LOST_MAX: u8 = 20;
/// How old the newest halt document may be for a switch, s.
const HALT_FRESH_S: i64 = 24 * 3600;
/// The campaign of a release that a person has brought to the kiosk. No campaign of the fleet may be called so.
pub const BY_HAND: &str = "by-hand";

/// The wish of the fleet, or of a person at the kiosk, that it runs a release.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Wish {
    /// Of which campaign.
    pub campaign: String,
    /// A later wish has a higher one.
    pub generation: u64,
    /// The release.
    pub release: u64,
}

impl Wish {
    /// It is that of a person at the kiosk, not of the fleet.
    pub fn is_by_hand(&self) -> bool {
        self.campaign == BY_HAND
    }
}

/// Which campaigns are halted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Halt {
    /// A later document has a higher one.
    pub generation: u64,
    /// When it was signed, s since 1970.
    pub issued_s: i64,
    /// The campaigns; `*`: all.
    pub campaigns: BTreeSet<String>,
}

impl Halt {
    fn covers(&self, campaign: &str) -> bool {
        self.campaigns.contains(campaign) || self.campaigns.contains("*")
    }
}

/// How far an update is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Step {
    /// Wished for: is it to be believed, and is it for this kiosk?
    Offered,
    /// Believed: waits for its time.
    Gated,
    /// Is written to the slot that is not running.
    Downloading,
    /// Written: is read back.
    Verifying,
    /// Right, to the last bit: waits for its turn in the shop.
    Installed,
    /// Waits until nobody is interrupted.
    RebootGate,
    /// The boot chooser is told.
    Switching,
    /// Has to prove itself.
    TrialBoot,
    /// Has failed and is still running: the chooser is told, and the machine restarted.
    Leaving,
}

/// An update that has no end yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UnderWay {
    /// What is wished.
    pub wish: Wish,
    /// How far it is.
    pub step: Step,
    /// Where it is written: the slot that was not running when it was offered.
    pub slot: Slot,
    /// The floor that it brings, once it is believed.
    pub floor: u64,
    /// Operations that are written and flushed.
    pub done: usize,
    /// How often whoever writes it was lost since it last got further.
    #[serde(default)]
    pub lost: u8,
    /// The boot in which this step began.
    pub boot: String,
    /// Boots on trial.
    pub trial_boots: u8,
    /// Changes of step so far.
    pub steps: u8,
}

/// Attempts without a verdict.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attempts {
    /// In which campaign.
    pub campaign: String,
    /// At which release.
    pub release: u64,
    /// How many.
    pub count: u8,
}

/// All that a kiosk remembers of its updates.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Journal {
    /// The release that has proven itself last.
    pub confirmed: u64,
    /// Where it is.
    pub home: Slot,
    /// No release below it is ever installed. Never goes back.
    pub floor: u64,
    /// Releases that have failed here: never tried again.
    pub bad: BTreeSet<u64>,
    /// Of the release that is tried.
    pub attempts: Option<Attempts>,
    /// The newest that was seen.
    pub halt: Halt,
    /// Who has stopped updates at the kiosk itself; `None`: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// Of the newest wish that was seen.
    pub generation: u64,
    /// The update, if there is one.
    pub under_way: Option<UnderWay>,
}

/// What is found at a start, and whenever it changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Names this boot of the machine: another one after each.
    pub boot: String,
    /// The slot that is running.
    pub slot: Slot,
    /// The release in it, as the image itself says.
    pub release: u64,
    /// The boot chooser holds the running slot for good.
    pub good: bool,
    /// The slot that the next boot begins with.
    pub primary: Slot,
    /// s since 1970, never earlier than what was seen signed.
    pub now_s: i64,
}

/// What came of an action, or from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// The program has started.
    Started,
    /// A halt document whose signature is right.
    Halt(Halt),
    /// A wish whose signature is right, for this kiosk.
    Wished(Wish),
    /// A person has brought this release to the kiosk. It takes the place of what the fleet wishes until it has ended.
    Brought(u64),
    /// The fleet takes its wish back: this generation and all before it.
    Withdrawn(u64),
    /// The release is believed and is for this kiosk; the floor that it brings.
    Believed {
        /// See [`Journal::floor`].
        floor: u64,
    },
    /// Somebody at the kiosk stops updates up to the switch; with nobody's name they go on.
    Held(Option<String>),
    /// What the action waited for is there.
    Open,
    /// So many operations are written and survive a power cut.
    Flushed(usize),
    /// What was to be done is done: all is written, read back, or the chooser told.
    Done,
    /// It cannot be done.
    Failed(Reason),
    /// Whoever was to write it or read it back died over it.
    Lost,
    /// The new system has proven itself and the chooser holds it for good.
    Proven,
}

/// What is to be done now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Nothing.
    Rest,
    /// Follow the metadata, prove the manifest: `Believed` or `Failed`.
    Examine(Wish),
    /// Wait for the window, a link that may be used, an idle kiosk: `Open`.
    AwaitDownload,
    /// Mark the slot bad in the chooser, then write from this operation on: `Flushed`, `Done` or `Failed`.
    Write {
        /// Where.
        slot: Slot,
        /// Operations that are there already.
        from: usize,
    },
    /// Read the slot back and repair what is wrong: `Done` or `Failed`.
    ReadBack(Slot),
    /// Wait for the shop's turn: `Open`.
    AwaitTurn,
    /// Wait for the domain's update gate: `Open`.
    AwaitGate,
    /// Tell the chooser: `Done` or `Failed`.
    Switch(Slot),
    /// Restart the machine.
    Restart,
    /// Prove the new system; if it is good tell the chooser first: `Proven` or `Failed`.
    Prove {
        /// Which boot on trial it is, from 1.
        boot: u8,
    },
    /// Mark the running slot bad, and restart the machine.
    Leave(Slot),
}

/// Why a release is not running: a closed list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The new system did not come up.
    BootFailed,
    /// It hung.
    Watchdog,
    /// It showed no frame.
    NoFrame,
    /// It cannot open or write the store.
    Store,
    /// It cannot bring the store to its form.
    Migration,
    /// A device that answered before does not.
    PeripheralLost,
    /// It ended again and again.
    CrashLoop,
    /// It did not prove itself in time.
    Deadline,
    /// Somebody wanted it.
    Operator,
    /// It had proven itself and then did not come up.
    FallbackAfterConfirm,
    /// It is not to be believed.
    Signature,
    /// What says so is too old.
    Expired,
    /// Older than what is allowed here.
    Floor,
    /// For other kiosks.
    WrongModel,
    /// It has failed here before.
    BadList,
    /// The slot is too small.
    NoSpace,
    /// The slot cannot be written or read.
    Io,
    /// No source gives it.
    Source,
    /// Tried too often without an end.
    GaveUp,
    /// Changed its step too often.
    Loop,
    /// Withdrawn, or another one is wished now.
    Cancelled,
    /// What was remembered is lost.
    JournalLost,
}

/// What the fleet is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// About which release.
    pub release: u64,
    /// In which campaign; empty: in none.
    pub campaign: String,
    /// What.
    pub what: News,
}

/// What happened to a release.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// It came to this step.
    Step(Step),
    /// It runs, and has proven itself.
    Confirmed,
    /// It was refused before anything was done.
    Rejected(Reason),
    /// It was not installed. It may be tried again unless the reason says otherwise.
    Failed(Reason),
    /// It ran, and the one before runs again.
    RolledBack(Reason),
}

/// A row, and what is told with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Turn {
    /// To be made durable before anything is done.
    pub journal: Journal,
    /// In the same transaction.
    pub reports: Vec<Report>,
}

impl Journal {
    /// Of a kiosk that was never updated, or has forgotten: it believes what it runs.
    pub fn new(place: &Place) -> Self {
        Self {
            confirmed: place.release,
            home: place.slot,
            floor: 0,
            bad: BTreeSet::new(),
            attempts: None,
            halt: Halt::default(),
            held_by: None,
            generation: 0,
            under_way: None,
        }
    }

    /// The fleet has halted what is under way.
    pub fn is_halted(&self) -> bool {
        self.under_way.as_ref().is_some_and(|it| self.halt.covers(&it.wish.campaign))
    }

    /// What is to be done now.
    pub fn action(&self, place: &Place) -> Action {
        let Some(it) = &self.under_way else { return Action::Rest };
        if it.step < Step::Switching && (self.held_by.is_some() || self.halt.covers(&it.wish.campaign)) {
            return Action::Rest;
        }
        match it.step {
            Step::Offered => Action::Examine(it.wish.clone()),
            Step::Gated => Action::AwaitDownload,
            Step::Downloading => Action::Write { slot: it.slot, from: it.done },
            Step::Verifying => Action::ReadBack(it.slot),
            Step::Installed => Action::AwaitTurn,
            // Nobody may say any more that it is not halted: a kiosk that hears nothing does not switch, unless somebody
            // stands there.
            Step::RebootGate if place.now_s - self.halt.issued_s > HALT_FRESH_S && !it.wish.is_by_hand() => {
                Action::Rest
            }
            Step::RebootGate => Action::AwaitGate,
            Step::Switching => Action::Switch(it.slot),
            Step::TrialBoot if place.slot == it.slot => Action::Prove { boot: it.trial_boots },
            Step::TrialBoot => Action::Restart,
            Step::Leaving => Action::Leave(it.slot),
        }
    }
}
