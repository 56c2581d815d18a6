//! Items and their versions.

use super::super::limits::{MAX_ITEMS, MAX_VARIATIONS};
use super::super::{Allergens, Diet, Item, ItemKind, Price, Variation};
use super::Check;
use super::modifiers::least_delta;
use crate::money::{MAX_PRICE, Minor};

/// Nobody has to be older.
const MAX_AGE: u8 = 99;

/// What a vegan dish cannot contain.
const ANIMAL: [&str; 5] = ["crustaceans", "egg", "fish", "milk", "molluscs"];

/// What a vegetarian dish cannot contain.
const MEAT: [&str; 3] = ["crustaceans", "fish", "molluscs"];

impl Check<'_> {
    pub(super) fn items(&mut self) {
        let parts = self.parts;
        self.at_most(&["items"], parts.items.len(), MAX_ITEMS);
        if parts.items.is_empty() {
            self.report(&["items"], "nothing to sell", "add an item");
        }
        for (key, item) in &parts.items {
            if item.id != *key {
                let what = format!("item {} is filed under {key}", item.id);
                self.report(&["items", key.as_str(), "id"], what, "use one id");
            }
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        let id = item.id.as_str();
        self.id(&["items", id, "id"], id);
        self.name(&["items", id, "name"], &item.name);
        self.optional_name(&["items", id, "tagline"], &item.tagline);
        self.description(&["items", id, "description"], &item.description);
        self.word(&["items", id, "kitchen_name"], &item.kitchen_name);
        if let Some(station) = &item.station {
            self.word(&["items", id, "station"], station);
        }
        self.picture(&["items", id, "picture"], &item.picture);
        if item.kind != ItemKind::GiftCard {
            self.tax_class(&["items", id, "tax_class"], &item.tax_class);
        }
        self.windows(&["items", id], &item.availability);
        if item.age_min > MAX_AGE {
            self.report(&["items", id, "age_min"], "nobody is that old", "write the age in years");
        }
        self.diet(item);
        self.variations_of(item);
        self.item_groups(item);
        match &item.kind {
            ItemKind::Combo(slots) => self.combo(item, slots),
            ItemKind::Product => self.product(item),
            ItemKind::Deposit | ItemKind::GiftCard => self.aside(item),
        }
    }

    fn diet(&mut self, item: &Item) {
        let forbidden: &[&str] = match item.diet {
            Diet::Any => &[],
            Diet::Vegetarian => &MEAT,
            Diet::Vegan => &ANIMAL,
        };
        let contains = item.allergens.unwrap_or_default();
        let diet = if item.diet == Diet::Vegan { "vegan" } else { "vegetarian" };
        for name in contains.names().filter(|name| forbidden.contains(name)) {
            let place = ["items", item.id.as_str(), "diet"];
            self.report(
                &place,
                format!("{diet}, but it contains {name}"),
                "correct the diet or the allergens",
            );
        }
        let place = ["items", item.id.as_str(), "allergens"];
        let known = Allergens::NAMES.len();
        if contains.0 >> known != 0 || item.may_contain.0 >> known != 0 {
            self.report(&place, "more than the 14 allergens", "use those that have names");
        }
    }

    fn variations_of(&mut self, item: &Item) {
        let id = item.id.as_str();
        self.at_most(&["items", id, "variations"], item.variations.len(), MAX_VARIATIONS);
        if item.variations.is_empty() {
            self.report(&["items", id, "variations"], "no version, and so no price", "add one");
        }
        let several = item.variations.len() > 1;
        for variation in &item.variations {
            let name = variation.id.as_str();
            let place = |field: &'static str| ["items", id, "variations", name, field];
            self.id(&place("id"), name);
            let first = self.variations.get(&variation.id);
            if let Some((other, _)) = first.filter(|(_, first)| !std::ptr::eq(*first, variation)) {
                let what = format!("item {} has a version with the id {name} too", other.id);
                self.report(&place("id"), what, "choose an id that is unique in the whole catalog");
            }
            if several {
                self.name(&place("name"), &variation.name);
            } else {
                self.optional_name(&place("name"), &variation.name);
            }
            if let Some(sku) = &variation.sku {
                self.word(&place("sku"), sku);
            }
            if let Some(picture) = &variation.picture {
                self.picture(&place("picture"), picture);
            }
            self.price(item, variation);
            self.deposit(item, variation);
        }
    }

    fn price(&mut self, item: &Item, variation: &Variation) {
        let (field, amount) = match variation.price {
            Price::Fixed(amount) => ("price", amount),
            Price::PerWeight(amount) => ("price_per_kg", amount),
        };
        let place = ["items", item.id.as_str(), "variations", variation.id.as_str(), field];
        if !(Minor::ZERO..=MAX_PRICE).contains(&amount) {
            let what = if amount < Minor::ZERO { "a negative price" } else { "a price out of range" };
            self.report(&place, what, "write zero to ten million");
        }
    }

    /// A deposit is a thing of its own that carries no other.
    fn deposit(&mut self, item: &Item, variation: &Variation) {
        let Some(deposit) = &variation.deposit else { return };
        let place = ["items", item.id.as_str(), "variations", variation.id.as_str(), "deposit"];
        match self.variations.get(deposit) {
            None => {
                let what = format!("there is no variation {deposit}");
                self.report(&place, what, "correct the id, or add an item of kind deposit");
            }
            Some((target, _)) if target.kind != ItemKind::Deposit => {
                let what = format!("{deposit} is not a deposit");
                self.report(&place, what, "name an item of kind deposit, or change its kind");
            }
            Some(_) if item.kind == ItemKind::Deposit => {
                self.report(&place, "a deposit on a deposit", "remove it");
            }
            Some(_) if matches!(variation.price, Price::PerWeight(_)) => {
                self.report(&place, "a deposit on weighed goods, which have no pieces", "remove it");
            }
            Some(_) => {}
        }
    }

    fn product(&mut self, item: &Item) {
        let least = least_delta(item, &self.parts.groups);
        for variation in &item.variations {
            let (reachable, of) = match variation.price {
                Price::Fixed(price) => (price.0.saturating_add(least.0), "price"),
                Price::PerWeight(_) => (least.0, "price of the least weight"),
            };
            if reachable < 0 {
                let place = ["items", item.id.as_str(), "variations", variation.id.as_str(), "price"];
                let what = format!("modifiers can make the {of} negative");
                self.report(&place, what, "raise the price, or lower what the modifiers take off");
            }
        }
        self.meal(item);
    }

    /// Deposits and gift cards: a price by the piece and nothing to choose.
    fn aside(&mut self, item: &Item) {
        let id = item.id.as_str();
        if item.variations.iter().any(|v| matches!(v.price, Price::PerWeight(_))) {
            self.report(&["items", id, "variations"], "a price by weight", "write a price by the piece");
        }
        if !item.groups.is_empty() {
            self.report(
                &["items", id, "modifier_groups"],
                "nothing can be changed about it",
                "remove the groups",
            );
        }
        if item.meal.is_some() {
            self.report(&["items", id, "meal"], "no meal can be made of it", "remove it");
        }
    }
}
