//! Ordering by voice: what was understood, and what is asked. Never what was said.

use std::sync::Arc;

use super::LineDetail;
use crate::catalog::Tint;
use crate::money::Minor;
use crate::spoken::Hint;

/// What the menu shows of ordering by voice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VoiceView {
    /// Whether the microphone is open.
    pub state: VoiceState,
    /// Understood and not in the cart.
    pub lines: Vec<VoiceLine>,
    /// What they cost together.
    pub total: Minor,
    /// What is asked.
    pub question: Option<VoiceQuestion>,
    /// A remark.
    pub hint: Option<Hint>,
}

/// Whether the microphone is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VoiceState {
    /// It is closed.
    Closed,
    /// It is being opened: no sound has arrived.
    Opening,
    /// It is open.
    Listening {
        /// How loud it is, 0 to 8.
        level: u8,
        /// The button need not be held.
        hands_free: bool,
    },
    /// It is closed; what was said is being recognised.
    Recognising,
}

/// A line of the draft.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VoiceLine {
    /// Its number, for [`crate::intent::VoiceIntent::Remove`].
    pub id: u32,
    /// Name with version.
    pub name: Arc<str>,
    /// What was changed, or the parts of a meal.
    pub details: Vec<LineDetail>,
    /// Picture name.
    pub picture: Arc<str>,
    /// Colour.
    pub tint: Tint,
    /// Pieces.
    pub quantity: u32,
    /// Price of the line.
    pub total: Minor,
    /// It may have been something else.
    pub unsure: bool,
}

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VoiceQuestion {
    /// What about.
    pub kind: VoiceAsks,
    /// The answers, in order.
    pub answers: Vec<Arc<str>>,
}

/// What is asked about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VoiceAsks {
    /// Which item.
    Item,
    /// How many.
    Quantity,
    /// Which size of the item of this name.
    Size(Arc<str>),
    /// What the catalog asks, in its words.
    Choice(Arc<str>),
}
