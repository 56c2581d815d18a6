//! The tree of what can be said on a screen, from a menu.

use std::collections::BTreeSet;

use domain::catalog::GroupStyle;
use domain::ids::GroupId;

use crate::english as en;
use crate::frame::{CommandKind, OpKind, QTY_BY_VOICE_MAX};
use crate::menu::{Menu, MenuItem};
use crate::phrase::{Node, Phrase, Phrases, Slot, any, expand, many, maybe, seq};
use crate::text::spoken_number;

/// Where the customer is, as far as it decides what can be said. While a payment runs, and before somebody has
/// come, there is no grammar: the microphone is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Screen {
    /// The languages.
    Language,
    /// The menu or the cart.
    Menu,
    /// An item with open choices.
    Item,
    /// So many choices that were asked about, at most four.
    Chips(u8),
    /// A yes or no before paying or cancelling.
    Confirm,
    /// Paid.
    Receipt,
}

/// Everything that can be said on one screen.
pub(crate) struct Grammar {
    pub(crate) fillers: Node,
    /// Each is one kind of act.
    pub(crate) acts: Vec<Node>,
    pub(crate) commands: Vec<CommandKind>,
    /// Whether the first kind of act is a line of an order.
    pub(crate) has_lines: bool,
}

pub(crate) fn grammar(menu: &Menu, screen: Screen) -> Grammar {
    let mut commands = Commands::default();
    commands.extend(en::ALWAYS);
    let mut acts = Vec::new();
    match screen {
        Screen::Language => {}
        Screen::Menu | Screen::Item => {
            commands.extend(en::ANSWERS);
            commands.extend(en::COMMANDS);
            commands.extend(en::RECEIPTS);
            acts.extend(shopping(menu, screen));
        }
        Screen::Chips(count) => {
            commands.extend(en::ANSWERS);
            commands.choices(count);
        }
        Screen::Confirm => commands.extend(&en::ANSWERS[..2]),
        Screen::Receipt => commands.extend(en::RECEIPTS),
    }
    let has_lines = !acts.is_empty() && !menu.items.is_empty();
    acts.extend(Phrases::node(Slot::Command, commands.phrases));
    Grammar { fillers: list(Slot::Filler, en::FILLERS), acts, commands: commands.kinds, has_lines }
}

#[derive(Default)]
struct Commands {
    kinds: Vec<CommandKind>,
    phrases: Vec<Phrase>,
}

impl Commands {
    fn extend(&mut self, all: &[(&str, CommandKind)]) {
        for (pattern, kind) in all {
            self.add(pattern, *kind);
        }
    }

    fn add(&mut self, pattern: &str, kind: CommandKind) {
        let at = self.kinds.iter().position(|known| *known == kind).unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        });
        self.phrases.extend(expand(pattern).into_iter().map(|text| phrase(text, at)));
    }

    fn choices(&mut self, count: u8) {
        let letters = ["a", "b", "c", "d"];
        for (at, (letter, ordinal)) in letters.iter().zip(en::ORDINALS).enumerate().take(usize::from(count)) {
            let number = spoken_number(at + 1);
            let kind = CommandKind::Choose(u32::try_from(at + 1).unwrap_or(1));
            self.add(&format!("[the] {ordinal} one"), kind);
            self.add(&format!("number {number}"), kind);
            self.add(&format!("option {letter}"), kind);
        }
    }
}

fn shopping(menu: &Menu, screen: Screen) -> Vec<Node> {
    let quantity = Phrases::node(Slot::Quantity, quantities());
    let sizes = Phrases::node(Slot::Size, sizes(menu, 0..menu.sizes.len()));
    let target = Phrases::node(Slot::Target, items(menu, 0..menu.items.len()));
    let all_modifiers = Phrases::node(Slot::Modifier, modifiers(menu, 0..menu.modifiers.len()));
    let articles = Some(list(Slot::Article, en::ARTICLES));
    let lead = |kind| {
        let of_kind = en::LEADS.iter().filter(|(_, lead)| *lead == kind);
        let first = en::LEADS.iter().position(|(_, lead)| *lead == kind).unwrap_or(0);
        let all = of_kind.flat_map(|(pattern, _)| expand(pattern)).map(|text| phrase(text, first));
        Phrases::node(Slot::Lead, all.collect())
    };
    let link = |words| Some(list(Slot::Link, words));
    let line = seq([maybe(any([quantity.clone(), articles.clone()])), lines(menu)]);
    let swap = seq([lead(en::Lead::Swap), target.clone(), maybe(link(en::TO)), articles_for_swap()]);
    let opening = any([Some(list(Slot::Carrier, en::CARRIERS)), lead(en::Lead::Instead), swap]);
    let counted = maybe(any([quantity.clone(), articles.clone()]));
    let removed = seq([any([lead(en::Lead::Remove), lead(en::Lead::Less)]), counted]);
    let make = seq([lead(en::Lead::Make), any([quantity.clone(), sizes.clone()])]);
    let moved = |kind, words| seq([lead(kind), all_modifiers.clone(), link(words)]);
    let changed = |behind| seq([maybe(ordinal()), ops(&|_| true), all_modifiers.clone(), behind]);
    let mut about = vec![removed, questions()];
    if all_modifiers.is_some() {
        about.extend([moved(en::Lead::TakeOff, en::OFF_THE), moved(en::Lead::PutOn, en::ON_THE)]);
        about.push(changed(link(en::ON_THE)));
    }
    // One copy of the goods for everything that is about one of them.
    let about = seq([any(about), target.clone(), maybe(link(en::BEHIND))]);
    let answers = match screen {
        Screen::Item => any([sizes, all_modifiers.clone()]),
        _ => None,
    };
    let open = Phrases::node(Slot::Question, open_questions());
    let alone = all_modifiers.is_some().then(|| changed(None)).flatten();
    let line = line.and_then(|line| seq([maybe(opening), Some(line)]));
    [line, target.and(about), make, open, alone, answers].into_iter().flatten().collect()
}

fn articles_for_swap() -> Option<Node> {
    maybe(Some(list(Slot::Link, &["the"])))
}

fn ordinal() -> Option<Node> {
    let all = en::ORDINALS.iter().enumerate().flat_map(|(at, ordinal)| {
        expand(&format!("[the] {ordinal} one")).into_iter().map(move |text| phrase(text, at + 1))
    });
    let last = expand("[the] last one").into_iter().map(|text| phrase(text, 0));
    Phrases::node(Slot::Ordinal, all.chain(last).collect())
}

/// Items that share a group of choices, with everything that can be said of any of them: what one of them does
/// not have is found when the line is read.
fn lines(menu: &Menu) -> Option<Node> {
    any(Class::all(menu).into_iter().map(|class| class.line(menu)))
}

#[derive(Default)]
struct Class {
    members: Vec<usize>,
    groups: BTreeSet<GroupId>,
    sizes: BTreeSet<usize>,
    left_out: BTreeSet<usize>,
    taken: BTreeSet<usize>,
    choices: BTreeSet<usize>,
    picks: BTreeSet<usize>,
}

impl Class {
    fn all(menu: &Menu) -> Vec<Self> {
        let mut classes: Vec<Self> = Vec::new();
        for (at, item) in menu.items.iter().enumerate() {
            let mut class = Self::of(at, item);
            let (joined, apart) = classes.into_iter().partition(|other: &Self| other.is_like(&class));
            classes = apart;
            joined.into_iter().for_each(|other| class.join(other));
            classes.push(class);
        }
        classes
    }

    fn of(at: usize, item: &MenuItem) -> Self {
        let mut class = Self { members: vec![at], ..Self::default() };
        class.sizes.extend(item.sizes.iter().map(|(size, _)| *size));
        class.picks.extend(&item.picks);
        for option in &item.options {
            class.groups.insert(option.group.clone());
            match option.style {
                GroupStyle::Without => class.left_out.insert(option.name),
                GroupStyle::Extra => class.taken.insert(option.name),
                GroupStyle::Choice => class.taken.insert(option.name) | class.choices.insert(option.name),
            };
        }
        class
    }

    fn is_like(&self, other: &Self) -> bool {
        let is_plain =
            |class: &Self| class.groups.is_empty() && class.picks.is_empty() && class.sizes.is_empty();
        let both_combos = !self.picks.is_empty() && !other.picks.is_empty();
        both_combos || !self.groups.is_disjoint(&other.groups) || (is_plain(self) && is_plain(other))
    }

    fn join(&mut self, other: Self) {
        self.members.extend(other.members);
        self.groups.extend(other.groups);
        self.sizes.extend(other.sizes);
        self.left_out.extend(other.left_out);
        self.taken.extend(other.taken);
        self.choices.extend(other.choices);
        self.picks.extend(other.picks);
    }

    fn line(mut self, menu: &Menu) -> Option<Node> {
        self.members.sort_unstable();
        let of_size = || Phrases::node(Slot::Size, sizes(menu, self.sizes.iter().copied()));
        let choice = Phrases::node(Slot::Modifier, modifiers(menu, self.choices.iter().copied()));
        let and = || Some(list(Slot::And, &["and"]));
        let changed = |names: &BTreeSet<usize>, is_taken: bool| {
            let named = Phrases::node(Slot::Modifier, modifiers(menu, names.iter().copied()))?;
            let op = ops(&|kind| (kind == OpKind::No) != is_taken);
            seq([maybe(and()), if is_taken { maybe(op) } else { op }, Some(named)])
        };
        let pick = Phrases::node(Slot::Pick, items(menu, self.picks.iter().copied())).and_then(|pick| {
            let before = list(Slot::And, &["with", "with a", "with an", "and", "and a", "and an"]);
            many(seq([Some(before), Some(pick)]))
        });
        let left_out = changed(&self.left_out, false);
        // "no onion and pickles"
        let listed = left_out.as_ref().and_then(|_| {
            seq([and(), Phrases::node(Slot::Modifier, modifiers(menu, self.left_out.iter().copied()))])
        });
        let left_out = left_out.and_then(|first| seq([Some(first), maybe(many(listed))]));
        let item = Phrases::node(Slot::Item, items(menu, self.members.iter().copied()));
        let after = many(any([changed(&self.taken, true), left_out]));
        let in_size = of_size().and_then(|size| seq([maybe(Some(list(Slot::Link, &["in"]))), Some(size)]));
        seq([maybe(of_size()), maybe(choice), item, maybe(in_size), maybe(pick), maybe(after)])
    }
}

/// The words for what is done with a modifier.
fn ops(fits: &dyn Fn(OpKind) -> bool) -> Option<Node> {
    let words = en::OPS.iter().filter(|(_, kind)| fits(*kind));
    let said = words.flat_map(|(pattern, kind)| {
        let first = en::OPS.iter().position(|(_, other)| other == kind).unwrap_or(0);
        expand(pattern).into_iter().map(move |text| phrase(text, first))
    });
    Phrases::node(Slot::Op, said.collect())
}

fn questions() -> Option<Node> {
    let all = en::QUESTIONS.iter().flat_map(|(pattern, kind)| {
        let at = en::QUESTIONS.iter().position(|(_, other)| other == kind).unwrap_or(0);
        expand(pattern).into_iter().map(move |text| phrase(text, at))
    });
    Phrases::node(Slot::Question, all.collect())
}

/// Their choices follow those of the questions about an item.
fn open_questions() -> Vec<Phrase> {
    let offset = en::QUESTIONS.len();
    let all = en::OPEN_QUESTIONS.iter().flat_map(|(pattern, kind)| {
        let at = en::OPEN_QUESTIONS.iter().position(|(_, other)| other == kind).unwrap_or(0);
        expand(pattern).into_iter().map(move |text| phrase(text, offset + at))
    });
    all.collect()
}

fn quantities() -> Vec<Phrase> {
    let cap = usize::try_from(QTY_BY_VOICE_MAX).unwrap_or(20);
    let decoys = en::DECOYS.iter().map(|n| usize::from(*n));
    let named = (1..=cap).chain(decoys).flat_map(|n| {
        let number = match n {
            100 => "a hundred".to_owned(),
            1_000 => "a thousand".to_owned(),
            _ => spoken_number(n),
        };
        let orders = (2..=6).contains(&n).then(|| phrase(format!("{number} orders of"), n));
        [Some(phrase(number, n)), orders].into_iter().flatten().collect::<Vec<_>>()
    });
    let others = en::QUANTITIES
        .iter()
        .flat_map(|(pattern, n)| expand(pattern).into_iter().map(|text| phrase(text, usize::from(*n))));
    named.chain(others).collect()
}

fn sizes(menu: &Menu, all: impl Iterator<Item = usize>) -> Vec<Phrase> {
    all.filter_map(|at| Some(phrase(menu.sizes.get(at)?.clone(), at))).collect()
}

fn modifiers(menu: &Menu, all: impl Iterator<Item = usize>) -> Vec<Phrase> {
    let mut out = Vec::new();
    for at in all {
        let Some(name) = menu.modifiers.get(at) else { continue };
        out.push(Phrase { plural: !name.ends_with('s'), ..phrase(name.clone(), at) });
        if let Some(rest) = name.strip_prefix("no ") {
            out.push(phrase(format!("without {rest}"), at));
        }
    }
    out
}

fn items(menu: &Menu, all: impl IntoIterator<Item = usize>) -> Vec<Phrase> {
    let named =
        |at: usize| menu.items.get(at).into_iter().flat_map(|item| &item.names).map(move |name| (at, name));
    let plural =
        |(at, name): (usize, &String)| Phrase { plural: !name.ends_with('s'), ..phrase(name.clone(), at) };
    all.into_iter().flat_map(named).map(plural).collect()
}

fn list(slot: Slot, patterns: &[&str]) -> Node {
    let all = patterns.iter().flat_map(|pattern| expand(pattern)).map(|text| phrase(text, 0)).collect();
    Node::Phrases(std::sync::Arc::new(Phrases { slot, all }))
}

fn phrase(text: String, choice: usize) -> Phrase {
    Phrase { text, choice: u16::try_from(choice).unwrap_or(u16::MAX), plural: false }
}
