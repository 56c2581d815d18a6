//! What can be said, as a tree. Everything a recogniser or the matcher needs is printed from this one tree.

use std::sync::Arc;

/// What a group of phrases stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Slot {
    /// Words without a meaning: "please".
    Filler,
    /// "I would like".
    Carrier,
    /// "a".
    Article,
    /// A number.
    Quantity,
    /// The choice is an index of the menu's sizes.
    Size,
    /// The choice is an index of the menu's items.
    Item,
    /// The choice is an index of [`crate::english::OPS`].
    Op,
    /// The choice is an index of the menu's modifiers.
    Modifier,
    /// "and".
    And,
    /// How a correction begins; the choice is an index of [`crate::english::LEADS`].
    Lead,
    /// An item that is in the cart.
    Target,
    /// The words behind a target.
    Link,
    /// The choice is an index of [`crate::english::QUESTIONS`].
    Question,
    /// An item that goes into a combo.
    Pick,
    /// The choice is an index of [`crate::english::COMMANDS`].
    Command,
    /// The place of a line: first is 1, last is 0.
    Ordinal,
}

/// One way to say one choice.
#[derive(Clone, Debug)]
pub(crate) struct Phrase {
    /// Words, with spaces between.
    pub(crate) text: String,
    /// What it means, by its slot.
    pub(crate) choice: u16,
    /// Whether it may also be said in the plural.
    pub(crate) plural: bool,
}

/// All ways to fill a slot at one place.
#[derive(Debug)]
pub(crate) struct Phrases {
    pub(crate) slot: Slot,
    pub(crate) all: Vec<Phrase>,
}

/// A tree of what can be said.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Phrases(Arc<Phrases>),
    Seq(Vec<Node>),
    Any(Vec<Node>),
    Maybe(Box<Node>),
    /// Once or more often; what is inside has at least one word.
    Many(Box<Node>),
}

impl Phrases {
    pub(crate) fn node(slot: Slot, all: Vec<Phrase>) -> Option<Node> {
        if all.is_empty() { None } else { Some(Node::Phrases(Arc::new(Self { slot, all }))) }
    }
}

pub(crate) fn maybe(node: Option<Node>) -> Option<Node> {
    node.map(|node| Node::Maybe(Box::new(node)))
}

pub(crate) fn many(node: Option<Node>) -> Option<Node> {
    node.map(|node| Node::Many(Box::new(node)))
}

/// One after the other; parts that cannot be said are left out.
pub(crate) fn seq(parts: impl IntoIterator<Item = Option<Node>>) -> Option<Node> {
    let parts: Vec<Node> = parts.into_iter().flatten().collect();
    if parts.is_empty() { None } else { Some(Node::Seq(parts)) }
}

/// One of them.
pub(crate) fn any(parts: impl IntoIterator<Item = Option<Node>>) -> Option<Node> {
    let parts: Vec<Node> = parts.into_iter().flatten().collect();
    if parts.is_empty() { None } else { Some(Node::Any(parts)) }
}

/// Every text of a pattern in which `(a/b)` is one of them and `[a/b]` one of them or nothing.
pub(crate) fn expand(pattern: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut rest = pattern;
    while let Some(at) = rest.find(['(', '[']) {
        let (before, from) = rest.split_at(at);
        let is_optional = from.starts_with('[');
        let (inside, after) = from[1..].split_once([')', ']']).unwrap_or((&from[1..], ""));
        let choices = inside.split('/').chain(is_optional.then_some(""));
        out = choices
            .flat_map(|choice| out.iter().map(move |text| format!("{text}{before}{choice}")))
            .collect();
        rest = after;
    }
    out.iter().map(|text| format!("{text}{rest}").split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_written_out() {
        assert_eq!(expand("that's all"), ["that's all"]);
        assert_eq!(
            expand("(i/we) want [to] pay"),
            ["i want to pay", "we want to pay", "i want pay", "we want pay"]
        );
    }
}
