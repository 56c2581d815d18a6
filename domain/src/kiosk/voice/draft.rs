//! The draft: lines that were understood and are shown, and how they become lines of the cart.

use std::collections::BTreeSet;

use super::super::choices;
use super::super::menu::Menu;
use super::super::turn::Turn;
use crate::catalog::{Catalog, Item, ItemKind};
use crate::ids::{ItemId, LineId, VariationId};
use crate::session::{ItemDraft, MealDraft, Stage};
use crate::spoken::{DRAFT_LINES_MAX, DraftLine, Goods, Hint, Line, Op, OpKind, QTY_BY_VOICE_MAX, Target};

/// A line that was meant.
enum Meant {
    /// Of the draft, by its place.
    Draft(usize),
    /// Of the cart.
    Cart(LineId),
}

impl Turn<'_> {
    /// Shows a line as a draft. What is sold out meanwhile is told, and left out.
    pub(super) fn draft(&mut self, line: &Line, unsure: bool) {
        let Some(menu) = self.menu() else { return };
        let Some(made) = self.drafted(&menu, line, unsure) else { return };
        let Some(dialogue) = self.dialogue() else { return };
        if dialogue.lines.len() >= DRAFT_LINES_MAX {
            return self.hint(Hint::TooMany);
        }
        dialogue.next_line += 1;
        let id = dialogue.next_line;
        dialogue.lines.push(DraftLine { id, ..made });
    }

    fn drafted(&mut self, menu: &Menu, line: &Line, unsure: bool) -> Option<DraftLine> {
        let item = self.buyable(menu, &line.item)?;
        let quantity = line.quantity.clamp(1, QTY_BY_VOICE_MAX);
        let (goods, has_size) = match &item.kind {
            ItemKind::Combo(slots) => {
                let offer = self.offer(menu);
                let mut meal = MealDraft::new(&offer, item, quantity)?;
                for pick in &line.picks {
                    let fits = |id: &VariationId| {
                        menu.catalog.variation(id).is_some_and(|(part, _)| part.id == *pick)
                    };
                    let found = slots.iter().find_map(|slot| {
                        let choice = slot.choices.iter().find(|choice| fits(&choice.variation))?;
                        Some((&slot.id, &choice.variation))
                    });
                    if let Some((slot, variation)) = found {
                        let is_picked =
                            meal.picks.iter().any(|p| p.slot == *slot && p.variation == *variation);
                        if !is_picked {
                            meal.pick(&offer, item, slot, variation);
                        }
                    }
                }
                (Goods::Meal(meal), true)
            }
            // Nobody asks for a deposit by name.
            ItemKind::Deposit | ItemKind::GiftCard => return None,
            ItemKind::Product => {
                let mut draft = ItemDraft { quantity, ..ItemDraft::new(&menu.catalog, item)? };
                let said = line.size.clone().is_some_and(|size| draft.choose(item, size));
                line.ops.iter().for_each(|op| change(&menu.catalog, item, &mut draft, op));
                (Goods::Item(draft), said || item.variations.len() < 2)
            }
        };
        Some(DraftLine { id: 0, goods, unsure, has_size })
    }

    /// Lines that are complete go into the cart; the page of the first that is not asks the rest.
    pub(super) fn accept_draft(&mut self) {
        let Some(menu) = self.menu() else { return };
        let Some(dialogue) = self.dialogue() else { return };
        // What waits for an answer goes on waiting.
        (dialogue.asked, dialogue.hint) = (0, None);
        let lines = std::mem::take(&mut dialogue.lines);
        let mut open = Vec::new();
        for line in lines {
            let is_complete = match &line.goods {
                Goods::Item(draft) => {
                    let item = menu.catalog.item(&draft.item);
                    item.is_some_and(|item| choices::missing(&menu.catalog, item, &draft.chosen).is_none())
                }
                Goods::Meal(meal) => {
                    menu.catalog.item(&meal.combo).is_some_and(|combo| meal.missing(combo).is_none())
                }
            };
            if !is_complete {
                open.push(line);
            } else if self.add_spoken(&menu, &line)
                && let Some(dialogue) = self.dialogue()
            {
                dialogue.has_ordered = true;
            }
        }
        let page = if open.is_empty() { None } else { Some(open.remove(0)) };
        if let Some(dialogue) = self.dialogue() {
            dialogue.lines = open;
            dialogue.has_ordered |= page.is_some();
        }
        match page.map(|line| line.goods) {
            Some(Goods::Item(draft)) => self.go(Stage::Item(ItemDraft { complain: true, ..draft })),
            Some(Goods::Meal(meal)) => self.go(Stage::Meal(MealDraft { complain: true, ..meal })),
            None => {}
        }
    }

    fn add_spoken(&mut self, menu: &Menu, line: &DraftLine) -> bool {
        let item = match &line.goods {
            Goods::Item(draft) => &draft.item,
            Goods::Meal(meal) => &meal.combo,
        };
        let Some(item) = self.buyable(menu, item) else { return false };
        let line = match &line.goods {
            Goods::Item(draft) => draft.line(&menu.catalog, item),
            Goods::Meal(meal) => {
                let mut meal = meal.clone();
                meal.sort(item);
                meal.line()
            }
        };
        self.add_line(line)
    }

    pub(super) fn drop_draft(&mut self) {
        if let Some(dialogue) = self.dialogue() {
            dialogue.lines.clear();
            (dialogue.asking, dialogue.asked, dialogue.hint) = (None, 0, None);
        }
        self.close_microphone();
    }

    /// Only ever takes away; a line of the cart can be brought back by a touch.
    pub(super) fn remove_spoken(&mut self, target: &Target, count: Option<u32>) {
        if *target == Target::All {
            return self.show(crate::session::Sheet::ConfirmCancel);
        }
        match self.meant(target) {
            Some(Meant::Draft(at)) => {
                let Some(dialogue) = self.dialogue() else { return };
                let left = dialogue.lines.get(at).map_or(0, |line| line.goods.quantity());
                let left = count.map_or(0, |count| left.saturating_sub(count));
                if left == 0 {
                    dialogue.lines.remove(at);
                } else if let Some(line) = dialogue.lines.get_mut(at) {
                    line.goods.set_quantity(left);
                }
            }
            Some(Meant::Cart(id)) => match count.and_then(|count| i32::try_from(count).ok()) {
                None => self.remove_line(id),
                Some(count) => self.change_quantity(id, -count.min(self.pieces(id))),
            },
            None => self.hint(Hint::SayAgain),
        }
    }

    pub(super) fn count_spoken(&mut self, target: &Target, count: u32) {
        let count = count.clamp(1, QTY_BY_VOICE_MAX);
        match self.meant(target) {
            Some(Meant::Draft(at)) => {
                if let Some(line) = self.dialogue().and_then(|dialogue| dialogue.lines.get_mut(at)) {
                    line.goods.set_quantity(count);
                }
            }
            Some(Meant::Cart(id)) => {
                let more = i32::try_from(count).unwrap_or(i32::MAX) - self.pieces(id);
                if more < 0 {
                    self.change_quantity(id, more);
                } else if more > 0 {
                    self.draft_more(id, more.unsigned_abs());
                }
            }
            None => self.hint(Hint::SayAgain),
        }
    }

    /// So many more of a line of the cart, as a draft: what is added is shown first.
    fn draft_more(&mut self, id: LineId, more: u32) {
        let Some(line) = self.visit().and_then(|v| v.cart.lines.iter().find(|line| line.id == id)) else {
            return;
        };
        if line.label.is_some() {
            return;
        }
        let mut goods = match line.picks.is_empty() {
            true => Goods::Item(ItemDraft { editing: None, ..ItemDraft::of_line(line) }),
            false => Goods::Meal(MealDraft { editing: None, ..MealDraft::of_line(line) }),
        };
        goods.set_quantity(more);
        let Some(dialogue) = self.dialogue() else { return };
        if dialogue.lines.len() >= DRAFT_LINES_MAX {
            return self.hint(Hint::TooMany);
        }
        dialogue.next_line += 1;
        let id = dialogue.next_line;
        dialogue.lines.push(DraftLine { id, goods, unsure: false, has_size: true });
    }

    pub(super) fn size_spoken(&mut self, target: &Target, sizes: &BTreeSet<VariationId>) {
        let Some(menu) = self.menu() else { return };
        match self.meant(target) {
            Some(Meant::Draft(at)) => {
                let Some(line) = self.dialogue().and_then(|dialogue| dialogue.lines.get_mut(at)) else {
                    return;
                };
                if let Goods::Item(draft) = &mut line.goods
                    && let Some(item) = menu.catalog.item(&draft.item)
                    && let Some(size) = item.variations.iter().find(|variation| sizes.contains(&variation.id))
                {
                    draft.variation = size.id.clone();
                    line.has_size = true;
                } else {
                    self.hint(Hint::SayAgain);
                }
            }
            Some(Meant::Cart(id)) => self.change_line(id),
            None => self.hint(Hint::SayAgain),
        }
    }

    pub(super) fn change_spoken(&mut self, target: &Target, ops: &[Op]) {
        let Some(menu) = self.menu() else { return };
        match self.meant(target) {
            Some(Meant::Draft(at)) => {
                let Some(line) = self.dialogue().and_then(|dialogue| dialogue.lines.get_mut(at)) else {
                    return;
                };
                if let Goods::Item(draft) = &mut line.goods
                    && let Some(item) = menu.catalog.item(&draft.item)
                {
                    ops.iter().for_each(|op| change(&menu.catalog, item, draft, op));
                }
            }
            Some(Meant::Cart(id)) => self.change_line(id),
            None => self.hint(Hint::SayAgain),
        }
    }

    pub(super) fn replace_spoken(&mut self, target: &Target, line: &Line, unsure: bool) {
        match self.meant(target) {
            Some(Meant::Draft(at)) => {
                if let Some(dialogue) = self.dialogue() {
                    dialogue.lines.remove(at);
                }
            }
            Some(Meant::Cart(id)) => self.remove_line(id),
            None => {}
        }
        self.draft(line, unsure);
    }

    /// Its page says what is in it, what it costs, and whom it does not agree with, in the shop's own words.
    pub(super) fn tell_about(&mut self, target: &Target) {
        let item = match (target, self.meant(target)) {
            (Target::Item(item), _) => Some(item.clone()),
            (_, Some(Meant::Draft(at))) => self.visit().and_then(|visit| {
                Some(match &visit.voice.lines.get(at)?.goods {
                    Goods::Item(draft) => draft.item.clone(),
                    Goods::Meal(meal) => meal.combo.clone(),
                })
            }),
            (_, Some(Meant::Cart(id))) => {
                self.visit().and_then(|v| Some(v.cart.lines.iter().find(|line| line.id == id)?.item.clone()))
            }
            (_, None) => None,
        };
        match item {
            Some(item) => self.open_item(&item),
            None => self.hint(Hint::Example),
        }
    }

    fn meant(&self, target: &Target) -> Option<Meant> {
        let visit = self.visit()?;
        let (draft, cart) = (&visit.voice.lines, &visit.cart.lines);
        let last_of_draft = draft.len().checked_sub(1).map(Meant::Draft);
        match target {
            Target::Last => last_of_draft.or_else(|| cart.last().map(|line| Meant::Cart(line.id))),
            Target::Nth(n) => {
                let at = usize::try_from(*n).ok()?.checked_sub(1)?;
                match draft.is_empty() {
                    true => cart.get(at).map(|line| Meant::Cart(line.id)),
                    false => (at < draft.len()).then_some(Meant::Draft(at)),
                }
            }
            Target::Item(item) => {
                let of_draft = draft.iter().rposition(|line| line.goods.item() == item).map(Meant::Draft);
                of_draft.or_else(|| {
                    cart.iter().rev().find(|line| line.item == *item).map(|line| Meant::Cart(line.id))
                })
            }
            Target::All => None,
        }
    }

    pub(super) fn means_the_draft(&self, target: &Target) -> bool {
        matches!(self.meant(target), Some(Meant::Draft(_)))
    }

    fn pieces(&self, id: LineId) -> i32 {
        let line = self.visit().and_then(|v| v.cart.lines.iter().find(|line| line.id == id));
        line.map_or(0, |line| i32::try_from(line.quantity.whole()).unwrap_or(i32::MAX))
    }
}

/// Does to an item what was said; what it does not have, or has no more of, stays as it is.
fn change(catalog: &Catalog, item: &Item, draft: &mut ItemDraft, op: &Op) {
    for (group, modifier) in &op.options {
        let has = draft.chosen.get(&(group.clone(), modifier.clone())).copied().unwrap_or(0);
        let done = match op.kind {
            // "No onion" is chosen like anything else: it is in a group of what is left out.
            OpKind::With | OpKind::No if has > 0 => true,
            OpKind::With | OpKind::No => choices::toggle(catalog, item, &mut draft.chosen, group, modifier),
            OpKind::Extra => {
                choices::add(catalog, item, &mut draft.chosen, (group, modifier), 1)
                    || has > 0
                    || choices::toggle(catalog, item, &mut draft.chosen, group, modifier)
            }
        };
        if done {
            return;
        }
    }
}

impl Goods {
    /// The item or combo.
    pub(in crate::kiosk) fn item(&self) -> &ItemId {
        match self {
            Self::Item(draft) => &draft.item,
            Self::Meal(meal) => &meal.combo,
        }
    }

    fn quantity(&self) -> u32 {
        match self {
            Self::Item(draft) => draft.quantity,
            Self::Meal(meal) => meal.quantity,
        }
    }

    fn set_quantity(&mut self, quantity: u32) {
        match self {
            Self::Item(draft) => draft.quantity = quantity,
            Self::Meal(meal) => meal.quantity = quantity,
        }
    }
}
