//! What does not keep a catalog from being sold from, and is still hardly meant.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{CatalogParts, Item, ItemKind, Place};
use super::{CatalogProblem, Check};
use crate::ids::{GroupId, ItemId, VariationId};
use crate::money::Rate;
use crate::text::Lang;

/// Texts that a language lacks: the first one and how many.
pub(super) type Missing = BTreeMap<Lang, (Place, usize)>;

impl CatalogParts {
    /// Things to look at before going on: languages without some of their words, tax rates that look like a share
    /// of one, items that are silent about allergens, goods that no customer can reach, categories and modifier
    /// groups without a use. A catalog with hints can be activated.
    pub fn hints(&self) -> Vec<CatalogProblem> {
        let mut check = Check::of(self);
        check.general();
        check.tax_rates();
        check.categories();
        check.groups();
        check.items();
        check.rules();
        check.surcharges();
        let missing = std::mem::take(&mut check.missing);
        let mut hints = Check { found: Vec::new(), ..check };
        hints.missing_words(missing);
        hints.tiny_rates();
        hints.unstated_allergens();
        hints.idle_categories();
        hints.unreachable_items();
        hints.idle_groups();
        hints.found
    }

    /// Names with characters that this kiosk has no shapes for: customers and receipts would show boxes.
    pub fn unshown(&self, can_show: &dyn Fn(char) -> bool) -> Vec<CatalogProblem> {
        let mut check = Check::of(self);
        let items = self.items.values().map(|item| (["items", item.id.as_str(), "name"], &item.name));
        let groups = self.groups.values();
        let modifiers = groups.flat_map(|group| &group.modifiers);
        let modifiers = modifiers.map(|it| (["modifiers", it.id.as_str(), "name"], &it.name));
        let categories = self.categories.iter().map(|it| (["categories", it.id.as_str(), "name"], &it.name));
        for (place, name) in categories.chain(items).chain(modifiers) {
            let lacking: BTreeSet<char> =
                name.0.values().flat_map(|words| words.chars()).filter(|letter| !can_show(*letter)).collect();
            if !lacking.is_empty() {
                let lacking: Vec<String> = lacking.iter().map(char::to_string).collect();
                let what = format!("there is no shape for {}", lacking.join(" "));
                check.report(
                    &place,
                    what,
                    "write it in Latin or Arabic letters, or customers and receipts see boxes",
                );
            }
        }
        check.found
    }
}

impl Check<'_> {
    fn missing_words(&mut self, missing: Missing) {
        for (lang, (first, count)) in missing {
            let what = match count {
                1 => format!("one text has no words in {lang}"),
                _ => format!("{count} texts have no words in {lang}, this is the first"),
            };
            let default = self.parts.languages.first().map_or("", Lang::as_str);
            let remedy = format!("add them, or customers who chose {lang} read {default} there");
            self.found.push(CatalogProblem { place: first, what, remedy });
        }
    }

    fn tiny_rates(&mut self) {
        for (id, rate) in
            self.parts.tax_rates.iter().filter(|(_, r)| (Rate(1)..Rate::ONE_PERCENT).contains(&r.rate))
        {
            let place = ["tax_rates", id.as_str(), "rate"];
            self.report(
                &place,
                format!("{} is less than one percent", rate.rate),
                "rates are in percent: write 19 for 19 %",
            );
        }
    }

    fn unstated_allergens(&mut self) {
        let silent = |item: &&Item| item.kind == ItemKind::Product && item.allergens.is_none();
        let mut items = self.parts.items.values().filter(silent);
        let Some(first) = items.next() else { return };
        let what = match items.count() {
            0 => "it does not say which allergens are in it".to_owned(),
            more => format!("it and {more} more do not say which allergens are in them"),
        };
        let remedy = "write them, or none; until then customers are told to ask the team";
        self.report(&["items", first.id.as_str(), "allergens"], what, remedy);
    }

    fn idle_categories(&mut self) {
        for category in self.parts.categories.iter().filter(|c| c.items.is_empty()) {
            let place = ["categories", category.id.as_str()];
            self.report(&place, "a category without items", "add some, or remove the category");
        }
    }

    fn unreachable_items(&mut self) {
        let parts = self.parts;
        let listed: BTreeSet<&ItemId> = parts.categories.iter().flat_map(|c| &c.items).collect();
        let slots = parts.items.values().flat_map(|item| match &item.kind {
            ItemKind::Combo(slots) => slots.as_slice(),
            ItemKind::Product | ItemKind::Deposit | ItemKind::GiftCard => &[],
        });
        let in_combos = slots.flat_map(|slot| slot.choices.iter().map(|choice| &choice.variation));
        let on_labels = parts.restricted_numbers.iter().flat_map(|rule| rule.items.values());
        let deposits =
            parts.items.values().flat_map(|item| item.variations.iter().filter_map(|v| v.deposit.as_ref()));
        let scanned = parts.barcodes.values().map(|barcode| &barcode.variation);
        let named: BTreeSet<&VariationId> =
            in_combos.chain(on_labels).chain(deposits).chain(scanned).collect();
        let meals: BTreeSet<&ItemId> =
            parts.items.values().filter_map(|i| Some(&i.meal.as_ref()?.combo)).collect();
        for item in parts.items.values() {
            let known = item.variations.iter().any(|v| named.contains(&v.id));
            if !known && !listed.contains(&item.id) && !meals.contains(&item.id) {
                let what = "it is in no category or combo and has no bar code: nobody can buy it";
                self.report(&["items", item.id.as_str()], what, "add it to a category, or remove it");
            }
        }
    }

    fn idle_groups(&mut self) {
        let parts = self.parts;
        let used: BTreeSet<&GroupId> =
            parts.items.values().flat_map(|i| i.groups.iter().map(|g| &g.group)).collect();
        for id in parts.groups.keys().filter(|id| !used.contains(id)) {
            self.report(
                &["modifier_groups", id.as_str()],
                "no item has this group",
                "add it to an item, or remove it",
            );
        }
    }
}
