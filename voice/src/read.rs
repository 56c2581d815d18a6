//! A reading of what was heard, as acts: pure bookkeeping over the steps of an alignment.

use crate::align::{Step, StepKind};
use crate::english as en;
use crate::frame::{Act, CommandKind, Line, Op, OpKind, Target};
use crate::menu::{Menu, MenuItem};
use crate::net::Mark;
use crate::phrase::Slot;

use domain::catalog::GroupStyle;

/// A part of a reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Piece {
    pub(crate) slot: Slot,
    pub(crate) choice: u16,
    pub(crate) act: usize,
    /// Heard sounds.
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Sounds of the menu.
    pub(crate) phones: u16,
    pub(crate) cost: u16,
}

impl Piece {
    /// Cost of each of its sounds.
    pub(crate) fn per_phone(&self) -> u16 {
        self.cost / self.phones.max(1)
    }

    pub(crate) fn choice(&self) -> usize {
        usize::from(self.choice)
    }
}

/// The parts of a reading, and how many heard sounds belong to none.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) acts: usize,
    pub(crate) garbage: usize,
    pub(crate) cost: u32,
}

impl Reading {
    pub(crate) fn of(steps: &[Step]) -> Self {
        let mut it = Self::default();
        let mut at = 0;
        let mut open = (0, 0_u16, 0_u16);
        for step in steps {
            if step.kind != StepKind::Pass(Mark::Act) {
                it.cost += u32::from(step.cost);
            }
            open.2 = open.2.saturating_add(step.cost);
            match step.kind {
                StepKind::Match => {
                    at += 1;
                    open.1 += 1;
                }
                StepKind::Extra => at += 1,
                StepKind::Garbage => {
                    at += 1;
                    it.garbage += 1;
                }
                StepKind::Missing => open.1 += 1,
                StepKind::Pass(Mark::None) => {}
                StepKind::Pass(Mark::Act) => it.acts += 1,
                StepKind::Pass(Mark::Start) => open = (at, 0, 0),
                StepKind::Pass(Mark::End(slot, choice)) => {
                    let (from, phones, cost) = open;
                    it.pieces.push(Piece { slot, choice, act: it.acts, from, to: at, phones, cost });
                    open = (at, 0, 0);
                }
            }
        }
        it
    }

    /// What each act means; `None` when one of them means nothing that can be done.
    pub(crate) fn meaning(&self, menu: &Menu, commands: &[CommandKind]) -> Option<Vec<Act>> {
        let of_act =
            |act| self.pieces.iter().filter(move |p| p.act == act && p.slot != Slot::Filler).collect();
        let acts = (1..=self.acts).map(|act| meaning(of_act(act), menu, commands));
        let mut out: Vec<Act> = Vec::new();
        for act in acts {
            match (out.last_mut(), act?) {
                (Some(Act::Add(line) | Act::Replace(_, line)), Act::Change(Target::Last, ops)) => {
                    line.ops.extend(of_line(menu, line, ops)?);
                }
                // Nobody takes back what was said in the same breath.
                (Some(_), Act::Replace(Target::Last, _)) => return None,
                (_, act) => out.push(act),
            }
        }
        Some(out)
    }
}

/// Changes that follow a line in the same breath are about that line, so its item must have them.
fn of_line(menu: &Menu, line: &Line, ops: Vec<Op>) -> Option<Vec<Op>> {
    let item = menu.items.get(menu.position(&line.item)?)?;
    let named = |name: &String| menu.modifiers.iter().position(|known| known == name);
    ops.into_iter().map(|found| op(item, named(&found.name)?, found.kind, menu)).collect()
}

fn meaning(pieces: Vec<&Piece>, menu: &Menu, commands: &[CommandKind]) -> Option<Act> {
    let first = |slot: Slot| pieces.iter().find(|p| p.slot == slot).copied();
    let number = first(Slot::Quantity).map(|p| u32::from(p.choice));
    let target = match first(Slot::Target) {
        Some(piece) => Target::Item(menu.items.get(piece.choice())?.id.clone()),
        None => match first(Slot::Ordinal) {
            Some(piece) if piece.choice > 0 => Target::Nth(u32::from(piece.choice)),
            _ => Target::Last,
        },
    };
    if let Some(piece) = first(Slot::Command) {
        return commands.get(piece.choice()).copied().map(Act::Command);
    }
    if let Some(piece) = first(Slot::Question) {
        let about = en::QUESTIONS.iter().map(|(_, kind)| *kind);
        let kind = about.chain(en::OPEN_QUESTIONS.iter().map(|(_, kind)| *kind)).nth(piece.choice())?;
        return Some(Act::Question(kind, target));
    }
    let lead = first(Slot::Lead).and_then(|p| en::LEADS.get(p.choice())).map(|(_, lead)| *lead);
    let option = |kind| {
        let name = first(Slot::Modifier).and_then(|p| menu.modifiers.get(p.choice()));
        Some(Act::Change(target.clone(), vec![Op { kind, option: None, name: name?.clone() }]))
    };
    if let Some(item) = first(Slot::Item) {
        let line = line(&pieces, menu, menu.items.get(item.choice())?)?;
        return Some(match lead {
            None => Act::Add(line),
            Some(_) => Act::Replace(target, line),
        });
    }
    match lead {
        Some(en::Lead::Make) => match (number, first(Slot::Size)) {
            (Some(number), _) => Some(Act::SetQuantity(target, number)),
            (None, size) => Some(Act::SetSize(target, menu.sizes.get(size?.choice())?.clone())),
        },
        Some(en::Lead::Remove) => Some(Act::Remove(target, number)),
        Some(en::Lead::Less) => Some(Act::Remove(target, Some(1))),
        Some(en::Lead::TakeOff) => option(OpKind::No),
        Some(en::Lead::PutOn) => option(OpKind::With),
        Some(en::Lead::Instead | en::Lead::Swap) => None,
        None => match (first(Slot::Op), first(Slot::Size)) {
            (Some(op), _) => option(en::OPS.get(op.choice())?.1),
            (None, Some(size)) => Some(Act::SetSize(target, menu.sizes.get(size.choice())?.clone())),
            (None, None) => option(OpKind::With),
        },
    }
}

fn line(pieces: &[&Piece], menu: &Menu, item: &MenuItem) -> Option<Line> {
    let mut line = Line {
        item: item.id.clone(),
        others: Vec::new(),
        quantity: 1,
        size: None,
        ops: Vec::new(),
        picks: Vec::new(),
    };
    let mut kind = OpKind::With;
    for piece in pieces {
        match piece.slot {
            Slot::Quantity => line.quantity = u32::from(piece.choice),
            Slot::Size => {
                let (_, variation) = item.sizes.iter().find(|(size, _)| *size == piece.choice())?;
                line.size = Some(variation.clone());
            }
            Slot::Op => kind = en::OPS.get(piece.choice())?.1,
            Slot::Modifier => line.ops.push(op(item, piece.choice(), kind, menu)?),
            Slot::Pick => line.picks.push(menu.items.get(piece.choice())?.id.clone()),
            Slot::Item => kind = OpKind::With,
            Slot::Filler | Slot::Carrier | Slot::Article | Slot::And | Slot::Lead | Slot::Target => {}
            Slot::Link | Slot::Question | Slot::Command | Slot::Ordinal => {}
        }
    }
    Some(line)
}

/// The choice of an item that a name means: what is left out is in a group of things to leave out.
fn op(item: &MenuItem, name: usize, kind: OpKind, menu: &Menu) -> Option<Op> {
    let fits = |style: GroupStyle| match kind {
        OpKind::No => style == GroupStyle::Without,
        OpKind::With | OpKind::Extra => style != GroupStyle::Without,
    };
    let option = item.options.iter().find(|option| option.name == name && fits(option.style))?;
    let chosen = Some((option.group.clone(), option.modifier.clone()));
    Some(Op { kind, option: chosen, name: menu.modifiers.get(name)?.clone() })
}
