//! From the matcher's frame to what the core takes: names that only the spoken menu knows become ids of the catalog.

use std::collections::BTreeSet;

use domain::spoken::{Act, Command, Doubt, Failure, Line, Op, OpKind, Said, Target};
use voice::{Ask, CommandKind, Decision, Menu, OrderFrame, Reason};

/// What follows from a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// This was said.
    Said(Said),
    /// Nothing was understood.
    Nothing(Failure),
}

pub(super) fn meaning(frame: &OrderFrame, menu: &Menu) -> Meaning {
    let doubt = match &frame.decision {
        Decision::Sure => None,
        Decision::Ask(Ask::Item(items)) => Some(Doubt::Item(items.clone())),
        Decision::Ask(Ask::Quantity(numbers)) => Some(Doubt::Quantity(numbers.clone())),
        Decision::Ask(Ask::Reading) => Some(Doubt::Reading),
        Decision::Reject(reason) => return Meaning::Nothing(failure(*reason)),
    };
    let acts: Vec<Act> = frame.acts.iter().filter_map(|it| act(it, menu)).collect();
    match acts.is_empty() {
        true => Meaning::Nothing(Failure::NotUnderstood),
        false => Meaning::Said(Said { acts, doubt }),
    }
}

fn failure(reason: Reason) -> Failure {
    match reason {
        Reason::TooMany => Failure::TooMany,
        Reason::TooLong => Failure::TooLong,
        // That somebody spoke is known before anything is recognised: a recogniser that finds no words did not understand.
        Reason::Silence
        | Reason::NotUnderstood
        | Reason::OtherTalk
        | Reason::Unlikely
        | Reason::NotOnMenu => Failure::NotUnderstood,
    }
}

/// `None`: nothing follows from it here.
fn act(said: &voice::Act, menu: &Menu) -> Option<Act> {
    Some(match said {
        voice::Act::Add(it) => Act::Add(line(it)),
        voice::Act::Remove(at, count) => Act::Remove(target(at), *count),
        voice::Act::SetQuantity(at, count) => Act::SetQuantity(target(at), *count),
        voice::Act::SetSize(at, name) => Act::SetSize(target(at), sizes(name, menu)),
        voice::Act::Change(at, ops) => Act::Change(target(at), ops.iter().map(|it| op(it, menu)).collect()),
        voice::Act::Replace(at, it) => Act::Replace(target(at), line(it)),
        voice::Act::Question(kind, at) => match kind {
            voice::QuestionKind::Total | voice::QuestionKind::Order => Act::Command(Command::ShowOrder),
            voice::QuestionKind::Popular => Act::Command(Command::Help),
            voice::QuestionKind::Contents
            | voice::QuestionKind::Diet
            | voice::QuestionKind::Price
            | voice::QuestionKind::Calories
            | voice::QuestionKind::Sizes => Act::About(target(at)),
        },
        voice::Act::Command(kind) => Act::Command(command(*kind)?),
    })
}

fn line(said: &voice::Line) -> Line {
    Line {
        item: said.item.clone(),
        quantity: said.quantity,
        size: said.size.clone(),
        ops: said
            .ops
            .iter()
            .map(|op| Op { kind: kind(op.kind), options: op.option.clone().into_iter().collect() })
            .collect(),
        picks: said.picks.clone(),
    }
}

fn target(said: &voice::Target) -> Target {
    match said {
        voice::Target::Last => Target::Last,
        voice::Target::Nth(n) => Target::Nth(*n),
        voice::Target::Item(item) => Target::Item(item.clone()),
        voice::Target::All => Target::All,
    }
}

fn kind(said: voice::OpKind) -> OpKind {
    match said {
        voice::OpKind::With => OpKind::With,
        voice::OpKind::No => OpKind::No,
        voice::OpKind::Extra => OpKind::Extra,
    }
}

/// Every size of every item that is called so.
fn sizes(name: &str, menu: &Menu) -> BTreeSet<domain::ids::VariationId> {
    let Some(at) = menu.sizes.iter().position(|known| known == name) else { return BTreeSet::new() };
    let all = menu.items.iter().flat_map(|item| &item.sizes);
    all.filter(|(size, _)| *size == at).map(|(_, variation)| variation.clone()).collect()
}

/// Every modifier of every item that is called so, and that fits what is done with it.
fn op(said: &voice::Op, menu: &Menu) -> Op {
    let fits = |style: domain::catalog::GroupStyle| {
        (style == domain::catalog::GroupStyle::Without) == (said.kind == voice::OpKind::No)
    };
    let named = menu.modifiers.iter().position(|known| *known == said.name);
    let all = menu.items.iter().flat_map(|item| &item.options);
    let found = all.filter(|option| Some(option.name) == named && fits(option.style));
    let options = match &said.option {
        Some(option) => BTreeSet::from([option.clone()]),
        None => found.map(|option| (option.group.clone(), option.modifier.clone())).collect(),
    };
    Op { kind: kind(said.kind), options }
}

/// `None`: this program does nothing of the kind.
fn command(said: CommandKind) -> Option<Command> {
    Some(match said {
        CommandKind::Yes => Command::Yes,
        CommandKind::No | CommandKind::Wrong => Command::No,
        CommandKind::Choose(n) => Command::Choose(n),
        CommandKind::None => Command::NoneOfThese,
        CommandKind::Pay | CommandKind::PayCard | CommandKind::PayCash | CommandKind::Done => Command::Pay,
        CommandKind::Help | CommandKind::Repeat => Command::Help,
        CommandKind::Stop | CommandKind::Quiet => Command::Stop,
        CommandKind::Staff => Command::Staff,
        CommandKind::Undo => Command::Undo,
        CommandKind::StartOver => Command::StartOver,
        CommandKind::Both
        | CommandKind::EatIn
        | CommandKind::TakeAway
        | CommandKind::Receipt
        | CommandKind::NoReceipt
        | CommandKind::Slower
        | CommandKind::Louder
        | CommandKind::Quieter
        | CommandKind::Wait
        | CommandKind::English
        | CommandKind::German
        | CommandKind::Spanish
        | CommandKind::Next
        | CommandKind::Back
        | CommandKind::Again
        | CommandKind::BiggerText
        | CommandKind::Contrast
        | CommandKind::ReadScreen => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use domain::ids::VariationId;
    use domain::text::Lang;
    use voice::{CMUDICT, Evidence, Lexicon, Matcher, Sayings, Screen, Thresholds, Transcript};

    use super::*;

    fn matcher() -> Matcher {
        let text = std::fs::read_to_string("../catalog/alder-and-rye/catalog.json").unwrap();
        let catalog = protocol::catalog::parse_json(&text, "catalog").unwrap().into_domain().unwrap();
        let menu = Menu::of(&catalog, &Lang::new("en"), &Sayings::default(), &|_| true).unwrap();
        let lexicon = Lexicon::read(Path::new(CMUDICT)).unwrap();
        Matcher::compile(&lexicon, &menu, Screen::Menu, Thresholds::default()).unwrap()
    }

    fn said(matcher: &Matcher, words: &str) -> Meaning {
        let frame = matcher.hear(&Transcript::new(words.to_owned()), Evidence::default());
        meaning(&frame, matcher.menu())
    }

    fn acts(matcher: &Matcher, words: &str) -> Vec<Act> {
        match said(matcher, words) {
            Meaning::Said(said) => said.acts,
            Meaning::Nothing(why) => panic!("{words:?} is {why:?}"),
        }
    }

    #[test]
    fn an_order_keeps_its_item_size_quantity_and_changes() {
        let matcher = matcher();
        let [Act::Add(line)] = &acts(&matcher, "two large lattes please")[..] else { panic!("one line") };
        assert_eq!((line.item.as_str(), line.quantity), ("latte", 2));
        assert_eq!(line.size.as_ref().map(VariationId::as_str), Some("latte-large"));
        let [Act::Add(line)] = &acts(&matcher, "a crispy chicken without lettuce")[..] else {
            panic!("a line")
        };
        let [op] = &line.ops[..] else { panic!("one change") };
        assert_eq!((op.kind, op.options.len()), (OpKind::No, 1));
    }

    #[test]
    fn what_only_the_spoken_menu_names_becomes_every_id_that_is_called_so() {
        let matcher = matcher();
        let [Act::SetSize(Target::Last, sizes)] = &acts(&matcher, "make that large")[..] else {
            panic!("a size")
        };
        let names: Vec<&str> = sizes.iter().map(VariationId::as_str).collect();
        assert!(names.contains(&"latte-large") && names.contains(&"filter-coffee-large"), "{names:?}");
        assert!(!names.contains(&"latte-small"), "{names:?}");
        assert_eq!(acts(&matcher, "i want to pay"), [Act::Command(Command::Pay)]);
        assert_eq!(acts(&matcher, "what did i order"), [Act::Command(Command::ShowOrder)]);
    }

    #[test]
    fn talk_and_silence_and_too_much_mean_nothing() {
        let matcher = matcher();
        assert_eq!(said(&matcher, ""), Meaning::Nothing(Failure::NotUnderstood));
        let talk = said(&matcher, "my neighbour has painted his fence yellow again");
        assert_eq!(talk, Meaning::Nothing(Failure::NotUnderstood));
        let many = said(&matcher, "twenty cappuccinos and twenty espressos");
        assert_eq!(many, Meaning::Nothing(Failure::TooMany));
    }
}
