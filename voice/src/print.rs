//! The same tree for recognisers: as a JSGF grammar with its words' pronunciations, as a list of words to
//! expect, and as example sentences.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use crate::matcher::Matcher;
use crate::phone::Phone;
use crate::phrase::{Node, Phrase, Phrases, Slot};

/// Most ways to say a word that a recogniser is told.
const ALTERNATES: usize = 3;

impl Matcher {
    /// The grammar as JSGF. Every word is in [`Self::pronunciations`].
    pub fn jsgf(&self) -> String {
        let mut rules = Rules::default();
        let acts: Vec<String> = self.grammar().acts.iter().map(|act| rules.node(act)).collect();
        let mut out = "#JSGF V1.0;\ngrammar menu;\n".to_owned();
        let lines = [
            "public <utt> = [<fill>] <act> [<end>];".to_owned(),
            format!(
                "<fill> = {};\n<end> = {};",
                crate::english::BEFORE.join(" | "),
                crate::english::BEHIND_ALL.join(" | ")
            ),
            format!("<act> = {} [<more>] | {};", acts[0], acts[1..].join(" | ")),
            // Only lines are strung together, and only with a word between: without it any talk is a string of orders.
            format!("<more> = {} {} | {} {} <more>;", "<join>", acts[0], "<join>", acts[0]),
            format!("<join> = {};", crate::english::JOINS.join(" | ")),
        ];
        let lines = match self.grammar().has_lines {
            true => lines.to_vec(),
            false => vec![lines[0].clone(), lines[1].clone(), format!("<act> = {};", acts.join(" | "))],
        };
        lines.iter().try_for_each(|line| writeln!(out, "{line}")).expect("a string takes everything");
        for (name, text) in &rules.named {
            writeln!(out, "<{name}> = {text};").expect("a string takes everything");
        }
        out
    }

    /// Every word of the grammar with each way to say it.
    pub fn pronunciations(&self) -> BTreeMap<String, Vec<Vec<Phone>>> {
        let joins = crate::english::JOINS.iter().flat_map(|join| join.split(' '));
        let mut words: BTreeSet<String> = joins.map(str::to_owned).collect();
        let polite = crate::english::BEFORE.iter().chain(crate::english::BEHIND_ALL);
        words.extend(polite.flat_map(|text| text.split(' ')).map(str::to_owned));
        for tree in &self.grammar().acts {
            each(tree, &mut |phrases| {
                for text in phrases.all.iter().flat_map(forms) {
                    words.extend(text.split(' ').map(str::to_owned));
                }
            });
        }
        let say = |word: String| {
            let mut said = self.lexicon().say(&word);
            said.truncate(ALTERNATES);
            (word, said)
        };
        words.into_iter().map(say).collect()
    }

    /// Grammar and words as our own recogniser takes them with an utterance; see [`crate::wyoming::Request`].
    pub fn recogniser_context(&self) -> serde_json::Value {
        let mut words: Vec<[String; 2]> = Vec::new();
        for (word, said) in self.pronunciations() {
            for (at, phones) in said.iter().enumerate() {
                let name = if at == 0 { word.clone() } else { format!("{word}({})", at + 1) };
                words.push([name, phones.iter().map(|p| p.name()).collect::<Vec<_>>().join(" ")]);
            }
        }
        serde_json::json!({ "jsgf": self.jsgf(), "words": words })
    }

    /// Names to expect, at most so many words: items, then modifiers, sizes and commands.
    pub fn bias(&self, words_max: usize) -> Vec<String> {
        let menu = self.menu();
        let names = menu.items.iter().filter_map(|item| item.names.first());
        let all = names.chain(&menu.modifiers).chain(&menu.sizes);
        let mut out: Vec<String> = Vec::new();
        let mut words = 0;
        for name in all {
            words += name.split(' ').count();
            if words > words_max {
                break;
            }
            if !out.contains(name) {
                out.push(name.clone());
            }
        }
        out
    }

    /// A sentence that can be said, chosen by `dice`: called with a number of choices, it names one.
    pub fn example(&self, dice: &mut dyn FnMut(usize) -> usize) -> String {
        let acts = &self.grammar().acts;
        let mut out = String::new();
        say(&acts[dice(acts.len())], dice, &mut out);
        out
    }
}

fn each(node: &Node, visit: &mut dyn FnMut(&Arc<Phrases>)) {
    match node {
        Node::Phrases(phrases) => visit(phrases),
        Node::Seq(parts) | Node::Any(parts) => parts.iter().for_each(|part| each(part, visit)),
        Node::Maybe(inner) | Node::Many(inner) => each(inner, visit),
    }
}

fn say(node: &Node, dice: &mut dyn FnMut(usize) -> usize, out: &mut String) {
    match node {
        Node::Phrases(phrases) => {
            let forms = forms(&phrases.all[dice(phrases.all.len())]);
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(&forms[dice(forms.len())]);
        }
        Node::Seq(parts) => parts.iter().for_each(|part| say(part, dice, out)),
        Node::Any(choices) => say(&choices[dice(choices.len())], dice, out),
        Node::Maybe(inner) if dice(2) == 0 => say(inner, dice, out),
        Node::Maybe(_) => {}
        Node::Many(inner) => {
            for _ in 0..=dice(2) {
                say(inner, dice, out);
            }
        }
    }
}

/// A phrase, and its plural if it has one.
fn forms(phrase: &Phrase) -> Vec<String> {
    let mut all = vec![phrase.text.clone()];
    if phrase.plural {
        all.push(plural_text(&phrase.text));
    }
    all
}

fn plural_text(text: &str) -> String {
    let hisses = ["s", "x", "z", "ch", "sh"].iter().any(|end| text.ends_with(end));
    match text.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if hisses => format!("{text}es"),
        _ => format!("{text}s"),
    }
}

/// Rules by their text, so that equal lists are written once.
#[derive(Default)]
struct Rules {
    named: Vec<(String, String)>,
    by_text: BTreeMap<String, String>,
}

impl Rules {
    fn node(&mut self, node: &Node) -> String {
        match node {
            Node::Phrases(phrases) => self.phrases(phrases),
            Node::Seq(parts) => parts.iter().map(|part| self.node(part)).collect::<Vec<_>>().join(" "),
            Node::Any(choices) => {
                let all: Vec<String> = choices.iter().map(|choice| self.node(choice)).collect();
                self.rule("any", all.join(" | "))
            }
            Node::Maybe(inner) => format!("[{}]", self.node(inner)),
            Node::Many(inner) => {
                let inner = self.node(inner);
                self.rule("many", format!("{inner} [{inner}]"))
            }
        }
    }

    fn phrases(&mut self, phrases: &Phrases) -> String {
        let texts: Vec<String> = phrases.all.iter().flat_map(forms).collect();
        let name = match phrases.slot {
            Slot::Filler => "filler",
            Slot::Carrier => "carrier",
            Slot::Article => "article",
            Slot::Quantity => "quantity",
            Slot::Size => "size",
            Slot::Item | Slot::Target | Slot::Pick => "item",
            Slot::Op => "op",
            Slot::Modifier => "modifier",
            Slot::And => "and",
            Slot::Lead => "lead",
            Slot::Link => "link",
            Slot::Question => "question",
            Slot::Command => "command",
            Slot::Ordinal => "ordinal",
        };
        self.rule(name, texts.join(" | "))
    }

    fn rule(&mut self, name: &str, text: String) -> String {
        if let Some(known) = self.by_text.get(&text) {
            return known.clone();
        }
        let name = format!("{name}{}", self.named.len() + 1);
        self.named.push((name.clone(), text.clone()));
        self.by_text.insert(text, format!("<{name}>"));
        format!("<{name}>")
    }
}
