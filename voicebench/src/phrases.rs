//! What is said, and what it means.

use crate::corpus::Side;

/// Something that a customer says.
#[derive(Clone, Debug)]
pub(crate) struct Phrase {
    pub(crate) text: String,
    /// The acts, in their short form; `None`: no order.
    pub(crate) meaning: Option<String>,
    /// It names several things: to ask is the right answer.
    pub(crate) is_ambiguous: bool,
}

/// Orders of a side.
pub(crate) fn orders(side: Side) -> Vec<Phrase> {
    let text = match side {
        Side::Train => include_str!("../data/train.txt"),
        Side::HeldOut => include_str!("../data/held-out.txt"),
    };
    let read = |line: &str| {
        let (text, meaning) = line.split_once(" = ")?;
        let is_ambiguous = meaning.starts_with("ask ");
        let meaning = meaning.replace("ask ", "add 1 ");
        Some(Phrase { text: text.to_owned(), meaning: Some(meaning), is_ambiguous })
    };
    text.lines().filter_map(read).collect()
}

/// Talk that is no order: the two sides take turns.
pub(crate) fn foreign(side: Side) -> Vec<Phrase> {
    let lines = include_str!("../data/foreign.txt").lines().filter(|line| !line.starts_with('#'));
    let turn = usize::from(side == Side::HeldOut);
    let ours = lines.enumerate().filter(|(at, _)| at % 2 == turn);
    ours.map(|(_, text)| Phrase { text: text.to_owned(), meaning: None, is_ambiguous: false }).collect()
}
