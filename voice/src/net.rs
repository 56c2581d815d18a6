//! The sounds of everything that can be said, as a net of states. A path from the hub back to the hub is an
//! utterance, and the marks on it are what it means.

use crate::grammar::Grammar;
use crate::lexicon::{Lexicon, plural};
use crate::phone::{Cost, Phone};
use crate::phrase::{Node, Phrase, Phrases, Slot};

/// Most states of a net: some 60 ms for an utterance on a small processor, and 50 MB while it is aligned.
pub const NET_STATES_MAX: usize = 64_000;

/// What saying a filler costs, so that a real word is preferred.
const FILLER: Cost = 5;

/// What an act costs, so that two are read only where one does not do.
const ACT: Cost = 5;

/// Where every utterance begins and ends, and acts meet.
pub(crate) const HUB: usize = 0;

/// A menu whose net would be larger than [`NET_STATES_MAX`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the spoken menu needs more than {NET_STATES_MAX} states: offer one category at a time")]
pub struct NetTooLarge;

/// What passing an arc means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mark {
    None,
    /// An act begins.
    Act,
    /// A part begins.
    Start,
    /// A part ends.
    End(Slot, u16),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Arc {
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// `None`: passed without a sound.
    pub(crate) phone: Option<Phone>,
    pub(crate) weight: Cost,
    pub(crate) mark: Mark,
}

/// A compiled net.
pub(crate) struct Net {
    states: usize,
    /// Sorted by where they begin, then by where they lead.
    arcs: Vec<Arc>,
    /// Arcs that begin at state `s`: `arcs[out[s]..out[s + 1]]`.
    out: Vec<usize>,
    /// The same arcs by where they lead.
    incoming: Vec<Arc>,
    into: Vec<usize>,
    /// Arcs at which a part ends.
    pub(crate) ends: Vec<usize>,
}

impl Net {
    pub(crate) fn compile(grammar: &Grammar, lexicon: &Lexicon) -> Result<Self, NetTooLarge> {
        let mut builder = Builder { states: 1, arcs: Vec::new(), lexicon };
        let end = builder.node(&grammar.fillers, HUB)?;
        builder.silent(end, HUB, FILLER, Mark::None);
        for act in &grammar.acts {
            let start = builder.state()?;
            builder.silent(HUB, start, ACT, Mark::Act);
            let end = builder.node(act, start)?;
            builder.silent(end, HUB, 0, Mark::None);
        }
        Ok(Self::index(builder.states, builder.arcs))
    }

    fn index(states: usize, mut arcs: Vec<Arc>) -> Self {
        arcs.sort_by_key(|arc| (arc.from, arc.to));
        let mut incoming = arcs.clone();
        incoming.sort_by_key(|arc| (arc.to, arc.from));
        let out = begins(states, arcs.iter().map(Arc::source));
        let into = begins(states, incoming.iter().map(Arc::target));
        let ends = (0..arcs.len()).filter(|at| matches!(arcs[*at].mark, Mark::End(..))).collect();
        Self { states, arcs, out, incoming, into, ends }
    }

    pub(crate) fn states(&self) -> usize {
        self.states
    }

    pub(crate) fn arc_count(&self) -> usize {
        self.arcs.len()
    }

    pub(crate) fn arc(&self, at: usize) -> &Arc {
        &self.arcs[at]
    }

    /// Arcs that begin at a state.
    pub(crate) fn from(&self, state: usize) -> &[Arc] {
        &self.arcs[self.out[state]..self.out[state + 1]]
    }

    /// Arcs that lead to a state.
    pub(crate) fn leading_to(&self, state: usize) -> &[Arc] {
        &self.incoming[self.into[state]..self.into[state + 1]]
    }
}

impl Arc {
    pub(crate) fn source(&self) -> usize {
        index(self.from)
    }

    pub(crate) fn target(&self) -> usize {
        index(self.to)
    }
}

/// Where the arcs of each state begin in a list that is sorted by state.
fn begins(states: usize, sorted: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut starts = vec![0; states + 1];
    sorted.for_each(|state| starts[state + 1] += 1);
    for state in 0..states {
        starts[state + 1] += starts[state];
    }
    starts
}

fn index(state: u32) -> usize {
    usize::try_from(state).expect("a state is below 64,000")
}

/// New states always follow those that lead to them, except where a loop goes back.
struct Builder<'a> {
    states: usize,
    arcs: Vec<Arc>,
    lexicon: &'a Lexicon,
}

impl Builder<'_> {
    fn state(&mut self) -> Result<usize, NetTooLarge> {
        if self.states >= NET_STATES_MAX {
            return Err(NetTooLarge);
        }
        self.states += 1;
        Ok(self.states - 1)
    }

    fn arc(&mut self, from: usize, to: usize, phone: Option<Phone>, weight: Cost, mark: Mark) {
        let number = |state: usize| u32::try_from(state).expect("a state is below 64,000");
        self.arcs.push(Arc { from: number(from), to: number(to), phone, weight, mark });
    }

    fn silent(&mut self, from: usize, to: usize, weight: Cost, mark: Mark) {
        self.arc(from, to, None, weight, mark);
    }

    /// Adds a tree behind `entry`; what it returns is where it ends.
    fn node(&mut self, node: &Node, entry: usize) -> Result<usize, NetTooLarge> {
        match node {
            Node::Phrases(phrases) => self.phrases(phrases, entry),
            Node::Seq(parts) => parts.iter().try_fold(entry, |at, part| self.node(part, at)),
            Node::Any(choices) => {
                let ends: Vec<usize> =
                    choices.iter().map(|choice| self.node(choice, entry)).collect::<Result<_, _>>()?;
                let exit = self.state()?;
                ends.into_iter().for_each(|end| self.silent(end, exit, 0, Mark::None));
                Ok(exit)
            }
            Node::Maybe(inner) => {
                let end = self.node(inner, entry)?;
                let exit = self.state()?;
                self.silent(end, exit, 0, Mark::None);
                self.silent(entry, exit, 0, Mark::None);
                Ok(exit)
            }
            Node::Many(inner) => {
                let start = self.state()?;
                self.silent(entry, start, 0, Mark::None);
                let end = self.node(inner, start)?;
                self.silent(end, start, 0, Mark::None);
                Ok(end)
            }
        }
    }

    fn phrases(&mut self, phrases: &Phrases, entry: usize) -> Result<usize, NetTooLarge> {
        let start = self.state()?;
        self.silent(entry, start, 0, Mark::Start);
        let split = |phrase| Branch { phrase, words: phrase.text.split(' ').collect() };
        let branches: Vec<Branch<'_>> = phrases.all.iter().map(split).collect();
        let mut ends = Vec::new();
        self.words(&branches.iter().collect::<Vec<_>>(), 0, start, &mut ends)?;
        let exit = self.state()?;
        for (end, choice) in ends {
            self.silent(end, exit, 0, Mark::End(phrases.slot, choice));
        }
        Ok(exit)
    }

    /// Phrases that agree in their first `depth` words share the states of these.
    fn words(
        &mut self,
        branches: &[&Branch<'_>],
        depth: usize,
        from: usize,
        ends: &mut Vec<(usize, u16)>,
    ) -> Result<(), NetTooLarge> {
        for branch in branches.iter().filter(|branch| branch.words.len() == depth) {
            ends.push((from, branch.phrase.choice));
        }
        let mut firsts: Vec<&str> = Vec::new();
        for word in branches.iter().filter_map(|branch| branch.words.get(depth)) {
            if !firsts.contains(word) {
                firsts.push(word);
            }
        }
        for word in firsts {
            let same: Vec<&Branch<'_>> =
                branches.iter().filter(|branch| branch.words.get(depth) == Some(&word)).copied().collect();
            let said = self.lexicon.say(word);
            let Some(last) = said.first().and_then(|said| said.last()).copied() else { continue };
            let next = self.sounds(&said, from)?;
            self.words(&same, depth + 1, next, ends)?;
            let is_last = |branch: &&&Branch<'_>| branch.words.len() == depth + 1 && branch.phrase.plural;
            let mut plurals = same.iter().filter(is_last).peekable();
            if plurals.peek().is_some() {
                let end = self.sounds(&[plural(&[last])], next)?;
                ends.extend(plurals.map(|branch| (end, branch.phrase.choice)));
            }
        }
        Ok(())
    }

    /// Every pronunciation of a word, from one state to one other.
    fn sounds(&mut self, said: &[Vec<Phone>], from: usize) -> Result<usize, NetTooLarge> {
        let mut ends = Vec::new();
        for sounds in said {
            let mut at = from;
            for phone in &sounds[..sounds.len() - 1] {
                let next = self.state()?;
                self.arc(at, next, Some(*phone), 0, Mark::None);
                at = next;
            }
            ends.push((at, sounds[sounds.len() - 1]));
        }
        let exit = self.state()?;
        for (end, phone) in ends {
            self.arc(end, exit, Some(phone), 0, Mark::None);
        }
        Ok(exit)
    }
}

struct Branch<'a> {
    phrase: &'a Phrase,
    words: Vec<&'a str>,
}
