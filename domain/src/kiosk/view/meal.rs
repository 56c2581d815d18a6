//! The meal page.

use std::sync::Arc;

use super::Scene;
use super::item::price_of;
use crate::catalog::{ComboChoice, ComboSlot, Item, Tint};
use crate::kiosk::menu::Menu;
use crate::kiosk::snapshot::item_name;
use crate::money::{Minor, Quantity};
use crate::session::{MealDraft, Visit};
use crate::view::{MealView, Page, SlotOption, SlotView, Unavailable};

impl Scene<'_> {
    pub(super) fn meal_page(&self, menu: &Menu, visit: &Visit, draft: &MealDraft) -> Page {
        let Some(combo) = menu.catalog.item(&draft.combo) else { return self.menu_page(menu, visit) };
        let offered = draft.offered.as_ref().map(|(line, _)| line);
        let main = self.main_dish(menu, combo, draft);
        let offer = self.offer(menu);
        let apart = draft.apart(&menu.catalog).times(Quantity::pieces(draft.quantity));
        let is_open = |slot: &&ComboSlot| draft.offered.as_ref().is_none_or(|(_, filled)| *filled != slot.id);
        Page::Meal(MealView {
            name: menu.words(&combo.name, &self.lang),
            quantity: draft.quantity,
            offered_for: offered.map(|line| self.line_name(menu, line)),
            alone: offered.map_or(Minor::ZERO, |line| offer.price_line(line, self.mode())),
            total: self.meal_total(menu, combo, draft),
            apart: apart.unwrap_or_default(),
            picture: main.0,
            tint: main.1,
            slots: combo.slots().iter().filter(is_open).map(|slot| self.slot(menu, slot, draft)).collect(),
            missing: draft.missing(combo).filter(|_| draft.complain || draft.offered.is_none()),
            editing: draft.editing.is_some(),
        })
    }

    /// The price as picked; while a slot is open, the price with what is cheapest for it.
    fn meal_total(&self, menu: &Menu, combo: &Item, draft: &MealDraft) -> Minor {
        if draft.missing(combo).is_none() {
            return self.offer(menu).price_line(&draft.line(), self.mode());
        }
        let base = combo.variations.iter().find(|v| v.id == draft.variation).map_or(Minor::ZERO, price_of);
        let extra = |slot: &ComboSlot| {
            let picked = draft.picks.iter().filter(|pick| pick.slot == slot.id);
            picked
                .filter_map(|pick| slot.choices.iter().find(|c| c.variation == pick.variation))
                .map(|choice| choice.extra)
                .sum::<Minor>()
        };
        let sum = base + combo.slots().iter().map(extra).sum();
        sum.times(Quantity::pieces(draft.quantity)).unwrap_or_default()
    }

    /// Picture and colour of the item the combo is offered for, or of the combo as it is picked.
    fn main_dish(&self, menu: &Menu, combo: &Item, draft: &MealDraft) -> (Arc<str>, Tint) {
        let offered = draft.offered.as_ref().and_then(|(line, _)| menu.catalog.variation(&line.variation));
        if let Some((item, variation)) = offered {
            return (item.picture_of(variation).clone(), menu.tint(&item.id));
        }
        let picks = draft.picks.iter().map(|pick| (&pick.slot, &pick.variation));
        (menu.picture(combo, &draft.variation, picks), menu.tint(&combo.id))
    }

    fn slot(&self, menu: &Menu, slot: &ComboSlot, draft: &MealDraft) -> SlotView {
        SlotView {
            id: slot.id.clone(),
            name: menu.words(&slot.name, &self.lang),
            options: slot.choices.iter().map(|choice| self.slot_option(menu, slot, choice, draft)).collect(),
        }
    }

    fn slot_option(
        &self,
        menu: &Menu,
        slot: &ComboSlot,
        choice: &ComboChoice,
        draft: &MealDraft,
    ) -> SlotOption {
        let part = menu.catalog.variation(&choice.variation);
        let is_it =
            |pick: &crate::cart::ComboPick| pick.slot == slot.id && pick.variation == choice.variation;
        SlotOption {
            variation: choice.variation.clone(),
            name: part.map_or_else(
                || choice.variation.0.clone(),
                |(item, variation)| item_name(menu, item, variation, &self.lang),
            ),
            extra: choice.extra,
            picture: part.map_or_else(|| "".into(), |(item, v)| item.picture_of(v).clone()),
            tint: part.map_or(Tint::Wheat, |(item, _)| menu.tint(&item.id)),
            selected: draft.picks.iter().any(is_it),
            unavailable: part
                .map_or(Some(Unavailable::SoldOut), |(item, _)| self.offer(menu).unavailable(item)),
        }
    }
}
