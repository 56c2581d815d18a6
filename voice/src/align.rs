//! The cheapest way to read what was heard as something that can be said: a Viterbi search over the net, once
//! from the front and once from the back. Both together give the best reading through any part, and with it
//! what else a part could have been.

use crate::net::{Arc, HUB, Mark, Net};
use crate::phone::{Cost, GARBAGE, Phone};
use crate::phrase::Slot;

/// Most sounds of an utterance: fifteen seconds.
pub const HEARD_PHONES_MAX: usize = 200;

/// A state that much worse than the best one is given up: five sounds that nobody said.
const BEAM: Cost = 300;

/// Most sounds in a row that may be missing.
const MISSED_MAX: u8 = 3;

/// How many sounds earlier or later another choice of a part may end.
const SHIFT: usize = 2;

const NEVER: Cost = Cost::MAX;

/// One step of a reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) cost: Cost,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StepKind {
    /// A heard sound stands for one of the net.
    Match,
    /// A heard sound too much.
    Extra,
    /// A heard sound that belongs to nothing.
    Garbage,
    /// A sound of the net was not heard.
    Missing,
    /// No sound.
    Pass(Mark),
}

/// What was heard, set against a net.
pub(crate) struct Alignment<'a> {
    net: &'a Net,
    heard: &'a [Phone],
    /// Best cost from the beginning to (sound, state).
    front: Vec<Cost>,
    /// Best cost from (sound, state) to the end.
    back: Vec<Cost>,
}

/// Another choice for a part, with the cost of the best whole reading through it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Other {
    pub(crate) choice: u16,
    pub(crate) cost: Cost,
    pub(crate) arc: usize,
    pub(crate) at: usize,
}

impl<'a> Alignment<'a> {
    /// `heard`: at most [`HEARD_PHONES_MAX`] sounds.
    pub(crate) fn new(net: &'a Net, heard: &'a [Phone]) -> Self {
        let cells = (heard.len() + 1) * net.states();
        let mut it = Self { net, heard, front: vec![NEVER; cells], back: vec![NEVER; cells] };
        it.search_front();
        it.search_back();
        it
    }

    /// Cost of the best reading.
    pub(crate) fn cost(&self) -> Cost {
        self.back[HUB]
    }

    fn search_front(&mut self) {
        let states = self.net.states();
        let (mut live, mut next) = (Live::new(states), Live::new(states));
        let mut work = Work::new(states);
        self.front[HUB] = 0;
        live.add(HUB);
        for at in 0..=self.heard.len() {
            let (row, rest) = self.front[at * states..].split_at_mut(states);
            pass(self.net, row, &mut live, &mut work);
            let Some(heard) = self.heard.get(at) else { break };
            let (costs, gap) = (Phone::replacing(*heard), heard.gap());
            let limit =
                live.all().map(|state| row[state]).min().map_or(NEVER, |best| best.saturating_add(BEAM));
            for state in live.all() {
                let cost = row[state];
                if cost > limit {
                    row[state] = NEVER;
                    continue;
                }
                let stay = cost.saturating_add(if state == HUB { GARBAGE } else { gap });
                if stay < rest[state] {
                    rest[state] = stay;
                    next.add(state);
                }
                for arc in self.net.from(state) {
                    let Some(phone) = arc.phone else { continue };
                    let (to, cost) = (arc.target(), cost.saturating_add(costs[phone.index()] + arc.weight));
                    if cost < rest[to] {
                        rest[to] = cost;
                        next.add(to);
                    }
                }
            }
            live.clear();
            std::mem::swap(&mut live, &mut next);
        }
    }

    /// Only states on readings that are at most the beam worse than the best one.
    fn search_back(&mut self) {
        let states = self.net.states();
        let end = self.heard.len();
        let limit = self.front_at(end, HUB).saturating_add(BEAM);
        let (mut live, mut previous) = (Live::new(states), Live::new(states));
        let mut work = Work::new(states);
        self.back[end * states + HUB] = 0;
        live.add(HUB);
        for at in (0..=end).rev() {
            let front = &self.front[at * states..(at + 1) * states];
            let (before, row) = self.back[..(at + 1) * states].split_at_mut(at * states);
            pass_back(self.net, row, front, limit, &mut live, &mut work);
            let Some(at) = at.checked_sub(1) else { break };
            let front = &self.front[at * states..(at + 1) * states];
            let before = &mut before[at * states..];
            let (costs, gap) = (Phone::replacing(self.heard[at]), self.heard[at].gap());
            let mut reach = |state: usize, cost: Cost| {
                if cost < before[state] && front[state].saturating_add(cost) <= limit {
                    before[state] = cost;
                    previous.add(state);
                }
            };
            for state in live.all() {
                let cost = row[state];
                reach(state, cost.saturating_add(if state == HUB { GARBAGE } else { gap }));
                for arc in self.net.leading_to(state) {
                    if let Some(phone) = arc.phone {
                        reach(arc.source(), cost.saturating_add(costs[phone.index()] + arc.weight));
                    }
                }
            }
            live.clear();
            std::mem::swap(&mut live, &mut previous);
        }
    }

    fn front_at(&self, at: usize, state: usize) -> Cost {
        self.front[at * self.net.states() + state]
    }

    fn back_at(&self, at: usize, state: usize) -> Cost {
        self.back[at * self.net.states() + state]
    }

    /// The best reading.
    pub(crate) fn best(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.follow(0, HUB, &mut steps);
        steps
    }

    /// The best reading in which a part ends with this arc behind so many sounds.
    pub(crate) fn through(&self, other: &Other) -> Vec<Step> {
        let arc = self.net.arc(other.arc);
        let mut steps = Vec::new();
        self.trace(other.at, arc.source(), &mut steps);
        steps.reverse();
        steps.push(Step { kind: StepKind::Pass(arc.mark), cost: arc.weight });
        self.follow(other.at, arc.target(), &mut steps);
        steps
    }

    /// Other choices for a part of this slot that ends behind `end` sounds, the best first.
    pub(crate) fn others(&self, slot: Slot, chosen: u16, end: usize) -> Vec<Other> {
        let mut best: Vec<Other> = Vec::new();
        let ends = end.saturating_sub(SHIFT)..=(end + SHIFT).min(self.heard.len());
        for index in &self.net.ends {
            let arc = self.net.arc(*index);
            let Mark::End(of, choice) = arc.mark else { continue };
            if of != slot || choice == chosen {
                continue;
            }
            for at in ends.clone() {
                let cost = self
                    .front_at(at, arc.source())
                    .saturating_add(arc.weight)
                    .saturating_add(self.back_at(at, arc.target()));
                if cost == NEVER {
                    continue;
                }
                let other = Other { choice, cost, arc: *index, at };
                match best.iter_mut().find(|known| known.choice == choice) {
                    Some(known) if known.cost > cost => *known = other,
                    Some(_) => {}
                    None => best.push(other),
                }
            }
        }
        best.sort_by_key(|other| (other.cost, other.choice));
        best
    }

    /// From here to the end, by the costs of the search from the back.
    fn follow(&self, mut at: usize, mut state: usize, steps: &mut Vec<Step>) {
        while at < self.heard.len() || state != HUB {
            let left = self.back_at(at, state);
            let Some((step, next_at, next)) = self.onward(at, state, left) else { return };
            steps.push(step);
            (at, state) = (next_at, next);
        }
    }

    fn onward(&self, at: usize, state: usize, left: Cost) -> Option<(Step, usize, usize)> {
        let heard = self.heard.get(at).copied();
        let fits = |cost: Cost, at: usize, to: usize| self.back_at(at, to).checked_add(cost) == Some(left);
        if let Some(heard) = heard {
            for arc in self.net.from(state) {
                let Some(cost) = arc.phone.map(|phone| phone.replaced(heard) + arc.weight) else { continue };
                if fits(cost, at + 1, arc.target()) {
                    return Some((Step { kind: StepKind::Match, cost }, at + 1, arc.target()));
                }
            }
        }
        for arc in self.net.from(state) {
            let step = quiet(arc);
            if fits(step.cost, at, arc.target()) {
                return Some((step, at, arc.target()));
            }
        }
        let step = stay(heard?, state);
        fits(step.cost, at + 1, state).then_some((step, at + 1, state))
    }

    /// From here to the beginning, by the costs of the search from the front; the steps come last first.
    fn trace(&self, mut at: usize, mut state: usize, steps: &mut Vec<Step>) {
        while at > 0 || state != HUB {
            let spent = self.front_at(at, state);
            let Some((step, previous_at, previous)) = self.backward(at, state, spent) else { return };
            steps.push(step);
            (at, state) = (previous_at, previous);
        }
    }

    fn backward(&self, at: usize, state: usize, spent: Cost) -> Option<(Step, usize, usize)> {
        let heard = at.checked_sub(1).map(|before| self.heard[before]);
        let fits =
            |cost: Cost, at: usize, from: usize| self.front_at(at, from).checked_add(cost) == Some(spent);
        if let Some(heard) = heard {
            for arc in self.net.leading_to(state) {
                let Some(cost) = arc.phone.map(|phone| phone.replaced(heard) + arc.weight) else { continue };
                if fits(cost, at - 1, arc.source()) {
                    return Some((Step { kind: StepKind::Match, cost }, at - 1, arc.source()));
                }
            }
        }
        for arc in self.net.leading_to(state) {
            let step = quiet(arc);
            if fits(step.cost, at, arc.source()) {
                return Some((step, at, arc.source()));
            }
        }
        let step = stay(heard?, state);
        fits(step.cost, at - 1, state).then_some((step, at - 1, state))
    }
}

/// A step that takes no heard sound.
fn quiet(arc: &Arc) -> Step {
    match arc.phone {
        Some(phone) => Step { kind: StepKind::Missing, cost: phone.gap() + arc.weight },
        None => Step { kind: StepKind::Pass(arc.mark), cost: arc.weight },
    }
}

fn stay(heard: Phone, state: usize) -> Step {
    match state {
        HUB => Step { kind: StepKind::Garbage, cost: GARBAGE },
        _ => Step { kind: StepKind::Extra, cost: heard.gap() },
    }
}

/// Arcs that take no heard sound. States come in the order of the arcs but for loops, so few go round again.
fn pass(net: &Net, row: &mut [Cost], live: &mut Live, work: &mut Work) {
    work.begin(live);
    let mut at = work.due.next(HUB);
    while let Some(state) = at {
        work.due.remove(state);
        let (cost, missed) = (row[state], work.missed[state]);
        let mut lowest = state + 1;
        for arc in net.from(state) {
            let (to, reached) = (arc.target(), cost.saturating_add(quiet(arc).cost));
            let missed = missed + u8::from(arc.phone.is_some());
            if reached < row[to] && missed <= MISSED_MAX {
                row[to] = reached;
                work.missed[to] = missed;
                live.add(to);
                work.due.add(to);
                lowest = lowest.min(to);
            }
        }
        at = work.due.next(lowest);
    }
}

/// The same from the back.
fn pass_back(net: &Net, row: &mut [Cost], front: &[Cost], limit: Cost, live: &mut Live, work: &mut Work) {
    work.begin(live);
    let mut at = work.due.before(row.len());
    while let Some(state) = at {
        work.due.remove(state);
        let cost = row[state];
        let mut highest = state;
        for arc in net.leading_to(state) {
            let (to, reached) = (arc.source(), cost.saturating_add(quiet(arc).cost));
            if reached < row[to] && front[to].saturating_add(reached) <= limit {
                row[to] = reached;
                live.add(to);
                work.due.add(to);
                highest = highest.max(to + 1);
            }
        }
        at = work.due.before(highest);
    }
}

/// What a round still has to look at, and how many sounds in a row were missing on the way to each state.
struct Work {
    due: Live,
    missed: Vec<u8>,
}

impl Work {
    fn new(states: usize) -> Self {
        Self { due: Live::new(states), missed: vec![0; states] }
    }

    fn begin(&mut self, live: &Live) {
        self.due.0.copy_from_slice(&live.0);
        self.missed.fill(0);
    }
}

/// The states that are looked at: a bit for each.
struct Live(Vec<u64>);

impl Live {
    fn new(states: usize) -> Self {
        Self(vec![0; states.div_ceil(64)])
    }

    fn add(&mut self, state: usize) {
        self.0[state / 64] |= 1 << (state % 64);
    }

    fn remove(&mut self, state: usize) {
        self.0[state / 64] &= !(1 << (state % 64));
    }

    fn clear(&mut self) {
        self.0.fill(0);
    }

    fn all(&self) -> impl Iterator<Item = usize> {
        std::iter::successors(self.next(0), |state| self.next(state + 1))
    }

    /// The first at this place or behind it.
    fn next(&self, from: usize) -> Option<usize> {
        let mut word = from / 64;
        let mut bits = self.0.get(word)? & (u64::MAX << (from % 64));
        while bits == 0 {
            word += 1;
            bits = *self.0.get(word)?;
        }
        Some(word * 64 + usize::try_from(bits.trailing_zeros()).ok()?)
    }

    /// The last one before this place.
    fn before(&self, to: usize) -> Option<usize> {
        let last = to.checked_sub(1)?;
        let mut word = last / 64;
        let mut bits = self.0.get(word)? & (u64::MAX >> (63 - last % 64));
        while bits == 0 {
            word = word.checked_sub(1)?;
            bits = self.0[word];
        }
        Some(word * 64 + 63 - usize::try_from(bits.leading_zeros()).ok()?)
    }
}
