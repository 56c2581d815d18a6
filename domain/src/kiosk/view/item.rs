//! The item page.

use super::Scene;
use crate::catalog::{Item, Modifier, Price, Variation};
use crate::kiosk::choices::{self, Asked};
use crate::kiosk::menu::Menu;
use crate::kiosk::snapshot;
use crate::money::Minor;
use crate::session::{ItemDraft, Visit};
use crate::view::{GroupView, ItemView, ModifierOption, Page, VariationOption};

impl Scene<'_> {
    pub(super) fn item_page(&self, menu: &Menu, visit: &Visit, draft: &ItemDraft) -> Page {
        let Some(item) = menu.catalog.item(&draft.item) else { return self.menu_page(menu, visit) };
        let line = draft.line(&menu.catalog, item);
        Page::Item(ItemView {
            item: item.id.clone(),
            name: menu.words(&item.name, &self.lang),
            description: menu.words(&item.description, &self.lang),
            picture: menu.picture(item, &draft.variation, std::iter::empty()),
            tint: menu.tint(&item.id),
            total: self.offer(menu).price_line(&line, self.mode()),
            variations: self.variations(menu, item, draft),
            groups: choices::asked(&menu.catalog, item).map(|a| self.group(menu, a, draft)).collect(),
            allergens: snapshot::allergens(menu, item, &line.modifiers),
            allergens_stated: item.allergens.is_some(),
            may_contain: item.may_contain,
            kcal: kcal(menu, item, draft),
            diet: item.diet,
            quantity: draft.quantity,
            editing: draft.editing.is_some(),
            missing: choices::missing(&menu.catalog, item, &draft.chosen),
        })
    }

    fn variations(&self, menu: &Menu, item: &Item, draft: &ItemDraft) -> Vec<VariationOption> {
        if item.variations.len() < 2 {
            return Vec::new();
        }
        let cheapest = item.variations.iter().map(price_of).min().unwrap_or_default();
        item.variations
            .iter()
            .map(|v| VariationOption {
                id: v.id.clone(),
                name: menu.words(&v.name, &self.lang),
                price: price_of(v),
                extra: price_of(v) - cheapest,
                picture: item.picture_of(v).clone(),
                selected: v.id == draft.variation,
            })
            .collect()
    }

    fn group(&self, menu: &Menu, asked: Asked<'_>, draft: &ItemDraft) -> GroupView {
        let chosen = asked.count(&draft.chosen);
        GroupView {
            id: asked.group.id.clone(),
            name: menu.words(&asked.group.name, &self.lang),
            style: asked.group.style,
            min: asked.min,
            max: asked.max,
            chosen,
            free: asked.group.free,
            complain: draft.complain && chosen < asked.min,
            options: asked.options().map(|m| self.option(menu, asked, m, draft)).collect(),
        }
    }

    fn option(&self, menu: &Menu, asked: Asked<'_>, m: &Modifier, draft: &ItemDraft) -> ModifierOption {
        let count = asked.count_of(&draft.chosen, &m.id);
        // Where one answer replaces the other the group is never full.
        let full = asked.max > 1 && asked.count(&draft.chosen) >= asked.max;
        ModifierOption {
            id: m.id.clone(),
            name: menu.words(&m.name, &self.lang),
            price: m.price,
            picture: m.picture.clone(),
            count,
            max: m.max,
            blocked: m.sold_out || full || count >= m.max,
        }
    }
}

pub(super) fn price_of(variation: &Variation) -> Minor {
    match variation.price {
        Price::Fixed(price) | Price::PerWeight(price) => price,
    }
}

/// Energy as chosen; 0 when it is not stated.
fn kcal(menu: &Menu, item: &Item, draft: &ItemDraft) -> u32 {
    let plain = item.kcal_of(&draft.variation);
    if plain == 0 {
        return 0;
    }
    let changes = choices::asked(&menu.catalog, item).flat_map(|a| a.options().map(move |m| (a, m)));
    let sum = changes.fold(i64::from(plain), |sum, (asked, m)| {
        sum + i64::from(m.kcal) * i64::from(asked.count_of(&draft.chosen, &m.id))
    });
    u32::try_from(sum).unwrap_or(0)
}
