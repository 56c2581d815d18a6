//! Combos and the meals that items are made into.

use super::super::limits::{MAX_PICKS, MAX_SLOT_CHOICES, MAX_SLOTS};
use super::super::{ComboChoice, ComboSlot, Item, ItemKind, Price};
use super::modifiers::least_delta;
use super::{Check, twice};
use crate::money::{MAX_PRICE, Minor};

impl Check<'_> {
    pub(super) fn combo(&mut self, item: &Item, slots: &[ComboSlot]) {
        let id = item.id.as_str();
        if item.variations.iter().any(|v| matches!(v.price, Price::PerWeight(_))) {
            self.report(&["items", id, "variations"], "a combo by weight", "write a price by the piece");
        }
        if !item.groups.is_empty() {
            let remedy = "put the groups on the items in its slots";
            self.report(&["items", id, "modifier_groups"], "a combo is changed by its parts", remedy);
        }
        if item.meal.is_some() {
            self.report(&["items", id, "meal"], "a combo cannot be made into a meal", "remove it");
        }
        self.at_most(&["items", id, "slots"], slots.len(), MAX_SLOTS);
        if slots.iter().all(|slot| slot.min == 0) {
            let what = "it can be ordered with nothing in it";
            self.report(&["items", id, "slots"], what, "give one slot a min of 1");
        }
        if let Some(slot) = twice(slots.iter().map(|s| &s.id)) {
            let place = ["items", id, "slots", slot.as_str(), "id"];
            self.report(&place, format!("two slots have the id {slot}"), "choose another id");
        }
        let weights = self.heaviest(slots);
        for slot in slots {
            self.slot(item, slot, weights);
        }
    }

    fn slot(&mut self, combo: &Item, slot: &ComboSlot, weights: i128) {
        let (combo_id, id) = (combo.id.as_str(), slot.id.as_str());
        let place = |field: &'static str| ["items", combo_id, "slots", id, field];
        self.id(&place("id"), id);
        self.name(&place("name"), &slot.name);
        if !(1..=MAX_PICKS).contains(&slot.max) {
            self.report(&place("max"), format!("{} picks", slot.max), format!("write 1 to {MAX_PICKS}"));
        }
        if slot.min > slot.max {
            let what = format!("at least {} but at most {} picks", slot.min, slot.max);
            self.report(&place("min"), what, "lower min, or raise max");
        }
        self.at_most(&place("choices"), slot.choices.len(), MAX_SLOT_CHOICES);
        if slot.choices.is_empty() {
            self.report(&place("choices"), "nothing to choose", "add a choice");
        }
        if let Some(twice) = twice(slot.choices.iter().map(|c| &c.variation)) {
            self.report(&place("choices"), format!("{twice} is there twice"), "keep one of them");
        }
        let defaults = slot.choices.iter().filter(|c| c.default).count();
        if u32::try_from(defaults).is_ok_and(|defaults| defaults > slot.max) {
            let what = format!("{defaults} are picked from the start but at most {} can be", slot.max);
            self.report(&place("choices"), what, "have fewer defaults");
        }
        for choice in &slot.choices {
            self.choice(combo, slot, choice, weights);
        }
    }

    fn choice(&mut self, combo: &Item, slot: &ComboSlot, choice: &ComboChoice, weights: i128) {
        let name = choice.variation.as_str();
        let place = ["items", combo.id.as_str(), "slots", slot.id.as_str(), "choices", name];
        let Some((item, variation)) = self.variations.get(&choice.variation).copied() else {
            self.report(
                &place,
                format!("there is no variation {name}"),
                "correct the id, or add it to an item",
            );
            return;
        };
        match &item.kind {
            ItemKind::Product => {}
            ItemKind::Combo(_) => {
                return self.report(&place, "a combo inside a combo", "name the parts themselves");
            }
            ItemKind::Deposit | ItemKind::GiftCard => {
                return self.report(&place, format!("{name} is not goods"), "name an item of kind product");
            }
        }
        let Price::Fixed(list_price) = variation.price else {
            return self.report(
                &place,
                format!("{name} is sold by weight"),
                "name something sold by the piece",
            );
        };
        if !(Minor::ZERO..=MAX_PRICE).contains(&choice.extra) {
            let place = [place[0], place[1], place[2], place[3], place[4], place[5], "extra"];
            self.report(
                &place,
                "an extra price below zero or out of range",
                "lower the combo's price instead",
            );
        }
        let changes = i128::from(least_delta(item, &self.parts.groups).0) + i128::from(choice.extra.0);
        if changes < 0 && least_share(combo, list_price, weights) + changes < 0 {
            let what = format!("modifiers can make the share of {name} negative");
            self.report(&place, what, "raise the combo's price, or lower what the modifiers take off");
        }
    }

    /// The greatest sum of list prices that a customer can put into the combo.
    fn heaviest(&self, slots: &[ComboSlot]) -> i128 {
        let weight = |choice: &ComboChoice| match self.variations.get(&choice.variation)?.1.price {
            Price::Fixed(price) => Some(i128::from(price.0)),
            Price::PerWeight(_) => None,
        };
        let slot = |slot: &ComboSlot| {
            slot.choices.iter().filter_map(weight).max().unwrap_or(0) * i128::from(slot.max)
        };
        slots.iter().map(slot).sum()
    }

    /// "Make it a meal" must lead to a combo with a place for the item.
    pub(super) fn meal(&mut self, item: &Item) {
        let Some(meal) = &item.meal else { return };
        let id = item.id.as_str();
        let combo = self.parts.items.get(&meal.combo);
        let slots = match combo.map(|combo| &combo.kind) {
            None => {
                let what = format!("there is no item {}", meal.combo);
                return self.report(
                    &["items", id, "meal", "combo"],
                    what,
                    "correct the id, or add the combo",
                );
            }
            Some(ItemKind::Combo(slots)) => slots,
            Some(ItemKind::Product | ItemKind::Deposit | ItemKind::GiftCard) => {
                let what = format!("{} is not a combo", meal.combo);
                return self.report(&["items", id, "meal", "combo"], what, "name a combo");
            }
        };
        let Some(slot) = slots.iter().find(|slot| slot.id == meal.slot) else {
            let what = format!("combo {} has no slot {}", meal.combo, meal.slot);
            return self.report(&["items", id, "meal", "slot"], what, "correct the id");
        };
        if !item.variations.iter().any(|v| slot.choices.iter().any(|choice| choice.variation == v.id)) {
            let what = format!("slot {} of combo {} does not offer this item", meal.slot, meal.combo);
            self.report(&["items", id, "meal", "slot"], what, "add it to the choices of the slot");
        }
    }
}

/// The least that one piece can get of the combo's price, beside the heaviest company.
fn least_share(combo: &Item, list_price: Minor, weights: i128) -> i128 {
    let prices = combo.variations.iter().filter_map(|v| match v.price {
        Price::Fixed(price) => Some(i128::from(price.0)),
        Price::PerWeight(_) => None,
    });
    let price = prices.min().unwrap_or(0);
    if weights == 0 { 0 } else { price * i128::from(list_price.0) / weights }
}
