//! What is said in English besides the menu's own words. `(a/b)`: one of them, `[a/b]`: one of them or nothing.

use crate::frame::{CommandKind, OpKind, QuestionKind};

/// How a correction begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lead {
    /// "make that": a number or a size follows.
    Make,
    /// "no, I said": another line follows.
    Instead,
    /// "change the": an item of the cart follows, then another line.
    Swap,
    /// "remove the".
    Remove,
    /// "one less".
    Less,
    /// "take the": a modifier follows, then the item it leaves.
    TakeOff,
    /// "put": a modifier follows, then the item it joins.
    PutOn,
}

pub(crate) const FILLERS: &[&str] = &[
    "um",
    "uh",
    "er",
    "hmm",
    "please",
    "thanks",
    "thank you",
    "hi",
    "hello",
    "hey",
    "okay",
    "so",
    "well",
    "just",
    "like",
    "maybe",
    "for me",
    "yes please",
    // What Whisper writes for silence.
    "thanks for watching",
    "thank you for watching",
];

/// Of the fillers, those that a recogniser with a grammar listens for: the short ones it hears in every noise.
pub(crate) const BEFORE: &[&str] = &["um", "hi", "hello", "okay"];
pub(crate) const BEHIND_ALL: &[&str] = &["please", "thanks", "thank you"];

/// Between two lines.
pub(crate) const JOINS: &[&str] = &["and", "and also", "also", "plus", "then", "and then"];

pub(crate) const CARRIERS: &[&str] = &[
    "(can/could/may) (i/we) (get/have/order)",
    "[and] (i'd/i would/we'd/we would) like",
    "[and] i'll (have/take/get)",
    "[and] we'll (have/take/get)",
    "(i/we) (want/wanna)",
    "give me",
    "gimme",
    "get me",
    "let me (get/have)",
    "lemme get",
    "for (me/him/her/the kids)",
    "add",
    "put in",
    "order",
    "and",
    "also",
    "and also",
    "plus",
    "then",
    "and then",
];

pub(crate) const ARTICLES: &[&str] =
    &["a", "an", "some", "the", "an order of", "a portion of", "another", "one more"];

/// Quantities besides the numbers themselves.
pub(crate) const QUANTITIES: &[(&str, u16)] =
    &[("a couple [of]", 2), ("half a dozen", 6), ("a dozen", 12), ("one times", 1), ("one order of", 1)];

/// Numbers that are understood only to be refused.
pub(crate) const DECOYS: &[u16] = &[30, 40, 50, 60, 70, 80, 90, 100, 1_000];

pub(crate) const OPS: &[(&str, OpKind)] = &[
    ("with [a/some]", OpKind::With),
    ("no", OpKind::No),
    ("without [the/any]", OpKind::No),
    ("with no", OpKind::No),
    ("(hold/skip) the", OpKind::No),
    ("extra", OpKind::Extra),
    ("with extra", OpKind::Extra),
    ("double", OpKind::Extra),
];

pub(crate) const LEADS: &[(&str, Lead)] = &[
    ("[actually/no] make (that/it) [a]", Lead::Make),
    ("change (that/it) to", Lead::Make),
    ("upgrade to", Lead::Make),
    ("no", Lead::Instead),
    ("[no] i (said/meant)", Lead::Instead),
    ("actually", Lead::Instead),
    ("change that to", Lead::Instead),
    ("not that", Lead::Instead),
    ("(change/replace/swap) the", Lead::Swap),
    ("not [the/a]", Lead::Swap),
    ("(remove/delete/drop/cancel/forget) [the]", Lead::Remove),
    ("take (off/away/out) [the]", Lead::Remove),
    ("take the", Lead::Remove),
    ("(i don't/we don't) want [the/a]", Lead::Remove),
    ("one less", Lead::Less),
    ("take the", Lead::TakeOff),
    ("(put/add) [some]", Lead::PutOn),
];

/// Behind "change the latte".
pub(crate) const TO: &[&str] = &["to", "for", "with", "but"];
/// Behind "take the latte", "is the latte", "what does the latte".
pub(crate) const BEHIND: &[&str] =
    &["off", "away", "out", "vegan", "vegetarian", "gluten free", "halal", "cost", "have"];
/// Between a modifier and the item it leaves.
pub(crate) const OFF_THE: &[&str] = &["off the", "from the", "off"];
/// Between a modifier and the item it joins.
pub(crate) const ON_THE: &[&str] = &["on the", "to the", "in the", "on"];

/// Questions about an item: its name follows.
pub(crate) const QUESTIONS: &[(&str, QuestionKind)] = &[
    ("(what's/what is) in the", QuestionKind::Contents),
    ("is the", QuestionKind::Diet),
    ("how much is the", QuestionKind::Price),
    ("what does the", QuestionKind::Price),
    ("how many calories (in/are in) the", QuestionKind::Calories),
    ("what sizes does the", QuestionKind::Sizes),
];

/// Questions without an item: about the line touched last, or everything.
pub(crate) const OPEN_QUESTIONS: &[(&str, QuestionKind)] = &[
    ("what's in (it/that)", QuestionKind::Contents),
    ("any nuts in it", QuestionKind::Contents),
    ("is (it/that) (vegan/vegetarian/gluten free)", QuestionKind::Diet),
    ("what does it cost", QuestionKind::Price),
    ("how much is (it/that)", QuestionKind::Price),
    ("what (sizes/flavours) do you have", QuestionKind::Sizes),
    ("what's the total", QuestionKind::Total),
    ("how much is it all", QuestionKind::Total),
    ("what did i order", QuestionKind::Order),
    ("read it back", QuestionKind::Order),
    ("what do you recommend", QuestionKind::Popular),
    ("what's popular", QuestionKind::Popular),
];

/// What can be said of a draft or an open question.
pub(crate) const ANSWERS: &[(&str, CommandKind)] = &[
    ("(yes/yeah/yep/sure/correct/that's right)", CommandKind::Yes),
    ("(no/nope/no thanks)", CommandKind::No),
    ("(neither/none of these/something else)", CommandKind::None),
    ("(both/both of them/all of them)", CommandKind::Both),
];

/// What is heard on every page with an open microphone.
pub(crate) const ALWAYS: &[(&str, CommandKind)] = &[
    ("help", CommandKind::Help),
    ("what can i say", CommandKind::Help),
    ("(repeat/say that again/pardon)", CommandKind::Repeat),
    ("[speak] slower", CommandKind::Slower),
    ("louder", CommandKind::Louder),
    ("quieter", CommandKind::Quieter),
    ("(stop talking/be quiet)", CommandKind::Quiet),
    ("(stop/never mind/cancel)", CommandKind::Stop),
    ("(wait/hold on/one moment)", CommandKind::Wait),
    ("call someone", CommandKind::Staff),
    ("i need help from staff", CommandKind::Staff),
    ("speak english", CommandKind::English),
    ("speak german", CommandKind::German),
    ("speak spanish", CommandKind::Spanish),
    ("(bigger/larger) text", CommandKind::BiggerText),
    ("high contrast", CommandKind::Contrast),
    ("read the screen", CommandKind::ReadScreen),
];

/// What else is heard while ordering.
pub(crate) const COMMANDS: &[(&str, CommandKind)] = &[
    ("[i want to/i'd like to] pay", CommandKind::Pay),
    ("(checkout/check out)", CommandKind::Pay),
    ("pay (by/with) card", CommandKind::PayCard),
    ("pay (by/with) cash", CommandKind::PayCash),
    ("pay at the counter", CommandKind::PayCash),
    ("(that's all/that's it/i'm done/nothing else)", CommandKind::Done),
    ("(for here/eat in)", CommandKind::EatIn),
    ("(to go/take away)", CommandKind::TakeAway),
    ("(next/show more/scroll down)", CommandKind::Next),
    ("(back/go back)", CommandKind::Back),
    ("undo [that]", CommandKind::Undo),
    ("go back one step", CommandKind::Undo),
    ("scratch that", CommandKind::Undo),
    ("remove (the last one/that/it)", CommandKind::Undo),
    ("that's wrong", CommandKind::Wrong),
    ("that's not what i said", CommandKind::Wrong),
    ("start over", CommandKind::StartOver),
    ("cancel (everything/my order)", CommandKind::StartOver),
    ("same again", CommandKind::Again),
    ("(another one/one more)", CommandKind::Again),
];

pub(crate) const RECEIPTS: &[(&str, CommandKind)] =
    &[("receipt [please]", CommandKind::Receipt), ("no receipt", CommandKind::NoReceipt)];

pub(crate) const ORDINALS: &[&str] = &["first", "second", "third", "fourth", "fifth"];
