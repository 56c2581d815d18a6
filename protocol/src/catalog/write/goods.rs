//! What is sold.

use domain::catalog::{
    Allergens, ComboChoice, ComboSlot, Diet, GroupStyle, Item, ItemGroup, ItemKind, Modifier, ModifierGroup,
    Price, SoldOut, Variation,
};
use domain::money::Minor;
use domain::text::Text;

use super::super::node::Node;
use super::super::read::usual_kitchen_name;
use super::super::words::{DIETS, KINDS, Kinds, STYLES};
use super::shop::windows;
use super::{Fields, Writer, allergens, boolean, list, number, text, word};

impl Writer {
    pub(super) fn item(&self, item: &Item) -> Node {
        let mut o = Fields::default();
        o.put("id", text(item.id.as_str()));
        o.unless(item.kind == ItemKind::Product, "kind", || word(KINDS, Kinds::of(&item.kind)));
        o.put("name", self.words(&item.name));
        o.full("tagline", self.words(&item.tagline));
        o.full("description", self.words(&item.description));
        self.kitchen_name(&mut o, &item.kitchen_name, &item.name);
        o.some("station", item.station.as_ref(), |station| text(station));
        o.full("picture", text(&item.picture));
        o.put("tax_class", text(item.tax_class.as_str()));
        self.variations(&mut o, item);
        if let ItemKind::Combo(slots) = &item.kind {
            o.put("slots", list(slots, |slot| self.slot(slot)));
        }
        o.full("modifier_groups", list(&item.groups, item_group));
        o.some("allergens", item.allergens, allergens);
        o.full("may_contain", allergens(item.may_contain));
        o.unless(item.diet == Diet::Any, "diet", || word(DIETS, item.diet));
        o.unless(item.kcal == 0, "kcal", || number(item.kcal));
        o.unless(item.age_min == 0, "age_min", || number(item.age_min));
        o.full("availability", windows(&item.availability));
        o.some("sold_out", item.sold_out, sold_out);
        o.unless(item.discountable, "discountable", || boolean(false));
        o.some("meal", item.meal.as_ref(), |meal| {
            let mut o = Fields::default();
            o.put("combo", text(meal.combo.as_str()));
            o.put("slot", text(meal.slot.as_str()));
            o.done()
        });
        o.done()
    }

    /// Left out when it is the name in the default language, which is what reading fills in.
    fn kitchen_name(&self, o: &mut Fields, kitchen_name: &str, name: &Text) {
        let usual = self.default.as_ref().map_or_else(String::new, |lang| usual_kitchen_name(name, lang));
        o.unless(kitchen_name == usual, "kitchen_name", || text(kitchen_name));
    }

    fn variations(&self, o: &mut Fields, item: &Item) {
        if let [only] = item.variations.as_slice() {
            let plain = only.name.is_empty() && only.picture.is_none() && only.kcal == 0;
            if plain && only.id.as_str() == item.id.as_str() {
                return self.offer(o, only);
            }
        }
        o.put(
            "variations",
            list(&item.variations, |variation| {
                let mut o = Fields::default();
                o.put("id", text(variation.id.as_str()));
                o.put("name", self.words(&variation.name));
                self.offer(&mut o, variation);
                o.some("picture", variation.picture.as_ref(), |picture| text(picture));
                o.unless(variation.kcal == 0, "kcal", || number(variation.kcal));
                o.done()
            }),
        );
    }

    fn offer(&self, o: &mut Fields, variation: &Variation) {
        match variation.price {
            Price::Fixed(amount) => o.put("price", self.amount(amount)),
            Price::PerWeight(amount) => o.put("price_per_kg", self.amount(amount)),
        }
        o.some("sku", variation.sku.as_ref(), |sku| text(sku));
        o.some("deposit", variation.deposit.as_ref(), |id| text(id.as_str()));
    }

    fn slot(&self, slot: &ComboSlot) -> Node {
        let mut o = Fields::default();
        o.put("id", text(slot.id.as_str()));
        o.put("name", self.words(&slot.name));
        o.unless(slot.min == 1, "min", || number(slot.min));
        o.unless(slot.max == 1, "max", || number(slot.max));
        o.put("choices", list(&slot.choices, |choice| self.choice(choice)));
        o.done()
    }

    fn choice(&self, choice: &ComboChoice) -> Node {
        if choice.extra == Minor::ZERO && !choice.default {
            return text(choice.variation.as_str());
        }
        let mut o = Fields::default();
        o.put("variation", text(choice.variation.as_str()));
        o.unless(choice.extra == Minor::ZERO, "extra", || self.amount(choice.extra));
        o.unless(!choice.default, "default", || boolean(true));
        o.done()
    }

    pub(super) fn group(&self, group: &ModifierGroup) -> Node {
        let mut o = Fields::default();
        o.put("id", text(group.id.as_str()));
        o.put("name", self.words(&group.name));
        o.unless(group.style == GroupStyle::Choice, "style", || word(STYLES, group.style));
        o.unless(group.min == 0, "min", || number(group.min));
        o.unless(group.max == 1, "max", || number(group.max));
        o.unless(group.free == 0, "free", || number(group.free));
        o.put("modifiers", list(&group.modifiers, |modifier| self.modifier(modifier)));
        o.done()
    }

    fn modifier(&self, modifier: &Modifier) -> Node {
        let mut o = Fields::default();
        o.put("id", text(modifier.id.as_str()));
        o.put("name", self.words(&modifier.name));
        self.kitchen_name(&mut o, &modifier.kitchen_name, &modifier.name);
        o.unless(modifier.price == Minor::ZERO, "price", || self.amount(modifier.price));
        o.unless(modifier.max == 1, "max", || number(modifier.max));
        o.unless(!modifier.default, "default", || boolean(true));
        o.full("picture", text(&modifier.picture));
        o.unless(modifier.adds == Allergens::default(), "adds", || allergens(modifier.adds));
        o.unless(modifier.removes == Allergens::default(), "removes", || allergens(modifier.removes));
        o.unless(modifier.kcal == 0, "kcal", || number(modifier.kcal));
        o.unless(!modifier.sold_out, "sold_out", || boolean(true));
        o.done()
    }
}

fn item_group(group: &ItemGroup) -> Node {
    let plain = group.min.is_none() && group.max.is_none() && group.defaults.is_none();
    if plain && group.hidden.is_empty() {
        return text(group.group.as_str());
    }
    let mut o = Fields::default();
    o.put("group", text(group.group.as_str()));
    o.some("min", group.min, number);
    o.some("max", group.max, number);
    o.some("defaults", group.defaults.as_ref(), |ids| list(ids, |id| text(id.as_str())));
    o.full("hidden", list(&group.hidden, |id| text(id.as_str())));
    o.done()
}

fn sold_out(sold_out: SoldOut) -> Node {
    let Some(until) = sold_out.until else { return boolean(true) };
    match jiff::Timestamp::from_millisecond(until.0) {
        Ok(moment) => {
            let mut o = Fields::default();
            o.put("until", text(&moment.to_string()));
            o.done()
        }
        // Beyond the year 9999: as good as unknown.
        Err(_) => boolean(true),
    }
}
