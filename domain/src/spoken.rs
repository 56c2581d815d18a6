//! What a customer said, as far as it was understood: ids and numbers of the catalog, never words and never sound. And
//! what follows from it until it counts: a draft that is shown, and at most one question at a time.

use std::collections::BTreeSet;

use crate::ids::{GroupId, ItemId, ModifierId, SlotId, VariationId};
use crate::session::{ItemDraft, MealDraft};
use crate::time::MonoMs;

/// Most lines of a draft: more are easier to touch than to check.
pub const DRAFT_LINES_MAX: usize = 8;
/// Greatest quantity of a line by voice.
pub const QTY_BY_VOICE_MAX: u32 = 20;
/// Fewest and most answers that a question shows.
pub const CHIPS: std::ops::RangeInclusive<usize> = 2..=4;
/// Questions in a row; after them the item's own page asks the rest.
pub const QUESTIONS_MAX: u32 = 3;
/// So many failures in a row, and the customer is shown how it goes by touch.
pub const FAILURES_MAX: u32 = 2;
/// A press that is shorter than this is a tap: then silence ends the utterance, or the next tap.
pub const TAP_MS: u64 = 400;
/// Sound has to arrive so soon after the press, and after the last sound: a microphone that delivers nothing closes.
pub const SOUND_MS: u64 = 3_000;
/// Longest time with an open microphone: the longest utterance and its beginning.
pub const LISTEN_MS_MAX: u64 = 18_000;
/// So long the recogniser may take before the customer is asked to say it again.
pub const RECOGNISE_MS_MAX: u64 = 10_000;
/// How long a remark stands.
pub const HINT_MS: u64 = 8_000;

/// What was understood of one utterance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// What was said, in order.
    pub acts: Vec<Act>,
    /// What has to be asked before any of it counts.
    pub doubt: Option<Doubt>,
}

/// What is not certain about an utterance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Doubt {
    /// Which of these items the first line means, the likeliest first.
    Item(Vec<ItemId>),
    /// Which of these quantities the first line means.
    Quantity(Vec<u32>),
    /// Whether it is right at all.
    Reading,
}

/// One thing that was said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// I would like this.
    Add(Line),
    /// Take it out, or so many of it.
    Remove(Target, Option<u32>),
    /// So many of it.
    SetQuantity(Target, u32),
    /// In one of these sizes: every one on the menu that is called so.
    SetSize(Target, BTreeSet<VariationId>),
    /// With or without these.
    Change(Target, Vec<Op>),
    /// This instead of it.
    Replace(Target, Line),
    /// Something is asked about it.
    About(Target),
    /// Everything else.
    Command(Command),
}

/// An item with what was said about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The item.
    pub item: ItemId,
    /// How many.
    pub quantity: u32,
    /// The size, if one was said.
    pub size: Option<VariationId>,
    /// Changes.
    pub ops: Vec<Op>,
    /// What goes into a combo.
    pub picks: Vec<ItemId>,
}

/// A change to an item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Op {
    /// What is done.
    pub kind: OpKind,
    /// With one of these: every modifier on the menu that is called so.
    pub options: BTreeSet<(GroupId, ModifierId)>,
}

/// What is done with a modifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpKind {
    /// With it.
    With,
    /// Without it.
    No,
    /// More of it.
    Extra,
}

/// Which line is meant; those of the draft come before those of the cart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// The newest.
    Last,
    /// By its place, from 1.
    Nth(u32),
    /// The one with this item.
    Item(ItemId),
    /// All.
    All,
}

/// Answers and commands, as far as something follows from them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// That is right.
    Yes,
    /// It is not.
    No,
    /// The answer at this place, from 1.
    Choose(u32),
    /// None of the answers.
    NoneOfThese,
    /// Undo the newest.
    Undo,
    /// Go and pay. Only shows the order: paying is touched.
    Pay,
    /// Read the order back.
    ShowOrder,
    /// Throw everything away. Only asks whether: the answer is touched.
    StartOver,
    /// Call somebody.
    Staff,
    /// Enough of it.
    Stop,
    /// What can be said.
    Help,
}

/// Why nothing was understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// Nobody spoke.
    Silence,
    /// It was nothing that can be said here.
    NotUnderstood,
    /// More than can be ordered by voice.
    TooMany,
    /// More at a time than is understood.
    TooLong,
    /// Microphone or recogniser broke off.
    Gone,
}

/// What the voice actor is to listen for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scene {
    /// The menu: orders, changes, commands.
    Menu,
    /// Sizes and choices of an item, and whatever else is said on the menu.
    Item,
    /// So many answers to choose from.
    Chips(u8),
}

/// The conversation with one customer. It holds nothing that was said, only what was understood.
///
/// ```text
///  Closed ── press ──► Listening ── end of speech ──► Recognising ── understood ──► Closed, lines in the draft
///    ▲                     │ touch elsewhere, silence,     │ nothing, too late          │ add: lines of the cart
///    └─────────────────────┴───────────────────────────────┘ failures + 1               │ no: gone
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dialogue {
    /// Whether the microphone is open.
    pub phase: Phase,
    /// Understood, shown, and not yet in the cart.
    pub lines: Vec<DraftLine>,
    /// Number of the next line of the draft.
    pub next_line: u32,
    /// What is asked before all others.
    pub asking: Option<Asking>,
    /// Questions answered or refused since the draft began.
    pub asked: u32,
    /// Failures in a row.
    pub failures: u32,
    /// A remark, and when it goes.
    pub hint: Option<(Hint, MonoMs)>,
    /// Something by voice has come into the cart.
    pub has_ordered: bool,
}

/// Whether the microphone is open. Each utterance has a number, so that what comes too late is not taken for another's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Phase {
    /// It is closed.
    #[default]
    Closed,
    /// It is open.
    Listening {
        /// Number of the utterance.
        turn: u32,
        /// When the button was pressed.
        since: MonoMs,
        /// It closes then, unless sound goes on arriving.
        until: MonoMs,
        /// How loud it is, 0 to 8; `None`: no sound has arrived yet.
        level: Option<u8>,
        /// The button was only tapped: it need not be held.
        hands_free: bool,
    },
    /// It is closed, and what was said is being recognised.
    Recognising {
        /// Number of the utterance.
        turn: u32,
        /// The answer is not waited for any longer.
        until: MonoMs,
    },
}

/// A line of the draft.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DraftLine {
    /// Its number in this visit.
    pub id: u32,
    /// What it would be in the cart.
    pub goods: Goods,
    /// It may have been something else.
    pub unsure: bool,
    /// Its size was said, answered, or is the only one.
    pub has_size: bool,
}

/// What a line of the draft would be in the cart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Goods {
    /// An item.
    Item(ItemDraft),
    /// A combo.
    Meal(MealDraft),
}

/// What has to be answered before the acts that wait for it are taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asking {
    /// What waits.
    pub acts: Vec<Act>,
    /// What is asked about the first line of it.
    pub which: Which,
}

/// What is asked about a line that is no draft yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Which {
    /// Which item.
    Item(Vec<ItemId>),
    /// How many.
    Quantity(Vec<u32>),
}

/// What the dialogue asks now; computed from the draft.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// Which item.
    Item(Vec<ItemId>),
    /// How many.
    Quantity(Vec<u32>),
    /// Which size of this line.
    Size(u32, Vec<VariationId>),
    /// What of this group for this line.
    Option(u32, GroupId, Vec<ModifierId>),
    /// What for this place of a combo.
    Slot(u32, SlotId, Vec<VariationId>),
}

/// A remark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hint {
    /// What can be said.
    Example,
    /// Nothing was heard.
    Silence,
    /// Please say it again.
    SayAgain,
    /// Twice in vain: touching is easier now.
    UseTouch,
    /// More than can be ordered by voice.
    TooMany,
    /// It does not work at the moment.
    Gone,
}

impl Phase {
    /// The utterance whose sound is being taken.
    pub fn listening(&self) -> Option<u32> {
        match self {
            Self::Listening { turn, .. } => Some(*turn),
            Self::Closed | Self::Recognising { .. } => None,
        }
    }

    /// When it ends by itself.
    pub fn until(&self) -> Option<MonoMs> {
        match self {
            Self::Listening { until, .. } | Self::Recognising { until, .. } => Some(*until),
            Self::Closed => None,
        }
    }
}

impl Question {
    /// How many answers there are.
    pub fn answers(&self) -> usize {
        match self {
            Self::Item(items) => items.len(),
            Self::Quantity(numbers) => numbers.len(),
            Self::Size(_, sizes) => sizes.len(),
            Self::Option(_, _, options) => options.len(),
            Self::Slot(_, _, parts) => parts.len(),
        }
    }
}
