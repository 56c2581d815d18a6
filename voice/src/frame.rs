//! What was understood: acts with their parts, and how sure each is.

use std::fmt;

use domain::ids::{GroupId, ItemId, ModifierId, VariationId};

/// Most acts of one utterance.
pub const ACTS_MAX: usize = 8;
/// Greatest quantity of a line by voice.
pub const QTY_BY_VOICE_MAX: u32 = 20;
/// Most pieces of one utterance.
pub const PIECES_BY_VOICE_MAX: u32 = 30;
/// Most candidates of one part.
pub const CANDIDATES_MAX: usize = 4;

/// An utterance as it was understood. It holds ids and numbers, no words that were said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderFrame {
    /// Confidence, in per mille.
    pub conf_pm: u16,
    /// Share of the heard sounds that belong to something, in per mille.
    pub coverage_pm: u16,
    /// Cost of the alignment.
    pub cost: u32,
    /// Sounds heard.
    pub phones: usize,
    /// What follows from it.
    pub decision: Decision,
    /// What was said, in order; at most [`ACTS_MAX`].
    pub acts: Vec<Act>,
    /// The parts all acts are made of, in the order in which they were heard.
    pub parts: Vec<Part>,
}

/// What may be done with a frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Shown as a draft.
    Sure,
    /// The customer is asked first.
    Ask(Ask),
    /// Nothing is shown but a request to say it again.
    Reject(Reason),
}

/// What the customer is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    /// Which of these items, the likeliest first.
    Item(Vec<ItemId>),
    /// How many; the numbers that it could have been.
    Quantity(Vec<u32>),
    /// Whether all this is meant.
    Reading,
}

/// Why something was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// Nothing was heard.
    Silence,
    /// Nothing that can be said here.
    NotUnderstood,
    /// Too much of it was something else.
    OtherTalk,
    /// The recogniser's sound does not fit its own words.
    Unlikely,
    /// More pieces than voice takes.
    TooMany,
    /// It goes together with nothing that is sold.
    NotOnMenu,
    /// Longer than fifteen seconds of speech.
    TooLong,
}

/// One part of an act.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// What it is.
    pub slot: PartKind,
    /// Which act it belongs to.
    pub act: usize,
    /// First sound of it.
    pub from: usize,
    /// First sound behind it.
    pub to: usize,
    /// Cost of each of its sounds.
    pub per_phone: u16,
    /// How much worse the best other choice is, for each sound of it; `None`: there is none.
    pub margin: Option<u16>,
    /// Whether another part of the act was heard well.
    pub support: bool,
}

/// Kinds of parts with a meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "the words of a phrase by their names")]
pub enum PartKind {
    Carrier,
    Quantity,
    Size,
    Item,
    Operation,
    Modifier,
    Verb,
    Target,
    Question,
    Command,
    Ordinal,
}

/// One thing that was said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// Put this in the cart.
    Add(Line),
    /// Take it out, or so many of it.
    Remove(Target, Option<u32>),
    /// So many of it.
    SetQuantity(Target, u32),
    /// In this size; the variation, when it is known of which item.
    SetSize(Target, String),
    /// With or without these.
    Change(Target, Vec<Op>),
    /// This instead of it.
    Replace(Target, Line),
    /// Something is asked about it.
    Question(QuestionKind, Target),
    /// Everything else.
    Command(CommandKind),
}

/// Which line of the cart is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// The one touched last.
    Last,
    /// By its place, from 1.
    Nth(u32),
    /// The one with this item.
    Item(ItemId),
    /// All.
    All,
}

/// An item with what was said about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The item.
    pub item: ItemId,
    /// What else it could have been, with the cost of the whole reading above the best one.
    pub others: Vec<(ItemId, u32)>,
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
    /// With which modifier. `None` in a change whose item is only known to the cart: then `name` says it.
    pub option: Option<(GroupId, ModifierId)>,
    /// The modifier's name on the menu.
    pub name: String,
}

/// What is done with a modifier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "the words themselves")]
pub enum OpKind {
    With,
    No,
    Extra,
}

/// Questions about goods.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "the words themselves")]
pub enum QuestionKind {
    Contents,
    Diet,
    Price,
    Calories,
    Sizes,
    Total,
    Order,
    Popular,
}

/// Answers and commands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "the words themselves")]
pub enum CommandKind {
    Yes,
    No,
    Choose(u32),
    None,
    Both,
    Pay,
    PayCard,
    PayCash,
    Done,
    EatIn,
    TakeAway,
    Receipt,
    NoReceipt,
    Help,
    Repeat,
    Slower,
    Louder,
    Quieter,
    Quiet,
    Stop,
    Wait,
    Staff,
    English,
    German,
    Spanish,
    Next,
    Back,
    Undo,
    Wrong,
    StartOver,
    Again,
    BiggerText,
    Contrast,
    ReadScreen,
}

impl fmt::Display for Act {
    /// A short form with ids, for people who try it and for tests: `add 2 latte/latte-large +oat`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(line) => write!(f, "add {line}"),
            Self::Remove(target, None) => write!(f, "remove {target}"),
            Self::Remove(target, Some(n)) => write!(f, "remove {n} of {target}"),
            Self::SetQuantity(target, n) => write!(f, "quantity {target} {n}"),
            Self::SetSize(target, size) => write!(f, "size {target} {size}"),
            Self::Change(target, ops) => {
                write!(f, "change {target}")?;
                ops.iter().try_for_each(|op| write!(f, " {op}"))
            }
            Self::Replace(target, line) => write!(f, "replace {target} by {line}"),
            Self::Question(kind, target) => write!(f, "question {kind:?} {target}"),
            Self::Command(CommandKind::Choose(n)) => write!(f, "choose {n}"),
            Self::Command(command) => write!(f, "{command:?}"),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.quantity, self.item)?;
        if let Some(size) = &self.size {
            write!(f, "/{size}")?;
        }
        self.ops.iter().try_for_each(|op| write!(f, " {op}"))?;
        self.picks.iter().try_for_each(|pick| write!(f, " &{pick}"))
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.kind {
            OpKind::With => "+",
            OpKind::No => "-",
            OpKind::Extra => "++",
        };
        match &self.option {
            Some((_, modifier)) => write!(f, "{sign}{modifier}"),
            None => write!(f, "{sign}{}", self.name.replace(' ', "-")),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => f.write_str("last"),
            Self::Nth(n) => write!(f, "#{n}"),
            Self::Item(item) => write!(f, "{item}"),
            Self::All => f.write_str("all"),
        }
    }
}

impl OrderFrame {
    /// A frame of nothing.
    pub(crate) fn rejected(reason: Reason, phones: usize) -> Self {
        Self {
            conf_pm: 0,
            coverage_pm: 0,
            cost: 0,
            phones,
            decision: Decision::Reject(reason),
            acts: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// The acts in their short form.
    pub fn summary(&self) -> String {
        self.acts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}
