//! The meal page: a combo offered for an item ("Make it a meal?"), or a combo being filled or changed.

use super::Refusal;
use super::choices;
use super::menu::Menu;
use super::offer::Offer;
use super::turn::Turn;
use crate::cart::{CartLine, ComboPick};
use crate::catalog::{Catalog, Item};
use crate::ids::{LineId, SlotId, VariationId};
use crate::intent::MealIntent;
use crate::money::Quantity;
use crate::session::{MealDraft, Stage};

impl Turn<'_> {
    pub(super) fn open_combo(&mut self, menu: &Menu, combo: &Item) {
        if let Some(draft) = MealDraft::new(&self.offer(menu), combo, 1) {
            self.go(Stage::Meal(draft));
        }
    }

    /// Offers a meal for an item once each order; else the line goes into the cart.
    pub(super) fn add_or_offer_meal(&mut self, menu: &Menu, item: &Item, line: CartLine) {
        let offered = self.visit().is_some_and(|visit| visit.meals_offered.contains(&item.id));
        let draft = self.offer(menu).meal_for(item, &line).filter(|_| !offered);
        match draft {
            Some(draft) => {
                if let Some(visit) = self.visit_mut() {
                    visit.meals_offered.insert(item.id.clone());
                    visit.stage = Stage::Meal(draft);
                }
            }
            None => self.add_from_page(line),
        }
    }

    pub(super) fn meal_intent(&mut self, intent: MealIntent) {
        let Some(menu) = self.menu() else { return self.refuse(Refusal::NotNow) };
        let Some(mut draft) = self.meal_draft() else { return self.refuse(Refusal::NotNow) };
        let Some(combo) = menu.catalog.item(&draft.combo) else { return self.refuse(Refusal::NotFound) };
        match intent {
            MealIntent::Pick(slot, variation) => {
                if draft.pick(&self.offer(&menu), combo, &slot, &variation) {
                    self.go(Stage::Meal(draft));
                } else {
                    self.refuse(Refusal::NotNow);
                }
            }
            MealIntent::Accept if draft.missing(combo).is_some() => {
                draft.complain = true;
                self.go(Stage::Meal(draft));
            }
            MealIntent::Accept => {
                draft.sort(combo);
                let line = draft.line();
                match draft.editing {
                    Some(editing) => self.replace_line(editing, line),
                    None => self.add_from_page(line),
                }
            }
            MealIntent::Decline => match (draft.offered, draft.editing) {
                (Some((line, _)), None) => self.add_from_page(line),
                (_, Some(_)) => self.go(Stage::Cart),
                (None, None) => self.go(Stage::Browse),
            },
        }
    }

    fn meal_draft(&self) -> Option<MealDraft> {
        match &self.visit()?.stage {
            Stage::Meal(draft) => Some(draft.clone()),
            Stage::Service | Stage::Browse | Stage::Item(_) | Stage::Cart | Stage::Ordered(_) => None,
        }
    }
}

impl Offer<'_> {
    /// The meal that can be offered now for `line` of `item`.
    fn meal_for(&self, item: &Item, line: &CartLine) -> Option<MealDraft> {
        let offer = item.meal.as_ref()?;
        let combo = self.menu.catalog.item(&offer.combo).filter(|combo| self.is_shown(combo))?;
        if self.unavailable(combo).is_some() {
            return None;
        }
        let slot = combo.slots().iter().find(|slot| slot.id == offer.slot)?;
        slot.choices.iter().find(|choice| choice.variation == line.variation)?;
        let mut draft = MealDraft::new(self, combo, line.quantity.whole().max(1))?;
        draft.picks.retain(|pick| pick.slot != slot.id);
        draft.picks.push(ComboPick {
            slot: slot.id.clone(),
            variation: line.variation.clone(),
            count: 1,
            modifiers: line.modifiers.clone(),
        });
        draft.offered = Some((line.clone(), slot.id.clone()));
        Some(draft)
    }
}

impl MealDraft {
    /// A combo with what is picked from the start.
    pub(super) fn new(offer: &Offer<'_>, combo: &Item, quantity: u32) -> Option<Self> {
        let mut draft = Self {
            combo: combo.id.clone(),
            variation: combo.variations.first()?.id.clone(),
            picks: Vec::new(),
            offered: None,
            quantity,
            editing: None,
            complain: false,
        };
        for slot in combo.slots() {
            for choice in slot.choices.iter().filter(|choice| choice.default) {
                draft.pick(offer, combo, &slot.id, &choice.variation);
            }
            // A slot with one choice asks nothing.
            if let [only] = slot.choices.as_slice()
                && slot.min > 0
                && draft.picked(&slot.id) == 0
            {
                draft.pick(offer, combo, &slot.id, &only.variation);
            }
        }
        Some(draft)
    }

    /// A line of the cart, to be changed.
    pub(super) fn of_line(line: &CartLine) -> Self {
        Self {
            combo: line.item.clone(),
            variation: line.variation.clone(),
            picks: line.picks.clone(),
            offered: None,
            quantity: line.quantity.whole().max(1),
            editing: Some(line.id),
            complain: false,
        }
    }

    /// Picks, or takes back a pick of a slot that need not be full. `false`: not possible.
    pub(super) fn pick(
        &mut self,
        offer: &Offer<'_>,
        combo: &Item,
        slot: &SlotId,
        variation: &VariationId,
    ) -> bool {
        let Some(rule) = combo.slots().iter().find(|s| s.id == *slot) else { return false };
        let fixed = self.offered.as_ref().is_some_and(|(_, filled)| filled == slot);
        if fixed || !rule.choices.iter().any(|choice| choice.variation == *variation) {
            return false;
        }
        let is_it = |pick: &ComboPick| pick.slot == *slot && pick.variation == *variation;
        if self.picks.iter().any(is_it) {
            if rule.max > 1 || rule.min == 0 {
                self.picks.retain(|pick| !is_it(pick));
            }
            return true;
        }
        let Ok((part, _)) = offer.part(variation) else { return false };
        if rule.max == 1 {
            self.picks.retain(|pick| pick.slot != *slot);
        } else if self.picked(slot) >= rule.max {
            return false;
        }
        let catalog = &offer.menu.catalog;
        let modifiers = choices::to_line(catalog, part, &choices::filled(catalog, part));
        self.picks.push(ComboPick { slot: slot.clone(), variation: variation.clone(), count: 1, modifiers });
        true
    }

    fn picked(&self, slot: &SlotId) -> u32 {
        self.picks.iter().filter(|pick| pick.slot == *slot).map(|pick| pick.count).sum()
    }

    /// The first slot that is still open.
    pub(super) fn missing(&self, combo: &Item) -> Option<SlotId> {
        combo.slots().iter().find(|slot| self.picked(&slot.id) < slot.min).map(|slot| slot.id.clone())
    }

    /// As it would stand in the cart, the picks in the order of the slots.
    pub(super) fn line(&self) -> CartLine {
        CartLine {
            id: LineId(0),
            item: self.combo.clone(),
            variation: self.variation.clone(),
            quantity: Quantity::pieces(self.quantity),
            modifiers: Vec::new(),
            picks: self.picks.clone(),
            label: None,
        }
    }

    /// The picks in the order of the slots.
    pub(super) fn sort(&mut self, combo: &Item) {
        let place = |slot: &SlotId| combo.slots().iter().position(|s| s.id == *slot);
        self.picks.sort_by_key(|pick| place(&pick.slot));
    }

    /// What the parts would cost one by one.
    pub(super) fn apart(&self, catalog: &Catalog) -> crate::money::Minor {
        self.picks.iter().map(|pick| super::cart::alone(catalog, &pick.variation, &pick.modifiers)).sum()
    }
}
