//! A category of the menu.

use std::collections::BTreeMap;

use super::Scene;
use crate::cart::CartLine;
use crate::catalog::{Category, Item, Price, PriceRule, RuleKind, RuleTarget, Tint};
use crate::ids::{ItemId, LineId};
use crate::kiosk::choices;
use crate::kiosk::menu::Menu;
use crate::money::{Minor, Quantity};
use crate::session::Visit;
use crate::view::{CategoryTab, MenuCard, MenuView, Page};

impl Scene<'_> {
    pub(super) fn menu_page(&self, menu: &Menu, visit: &Visit) -> Page {
        let shown = |category: &&Category| menu.catalog.is_open(&category.availability, &self.now.local);
        let chosen = visit.category.as_ref().and_then(|id| menu.category(id)).filter(|c| shown(c));
        let Some(open) = chosen.or_else(|| menu.catalog.categories.iter().find(shown)) else {
            return self.attract();
        };
        let in_cart = pieces_by_item(&visit.cart.lines);
        let card =
            |item: &Item| self.card(menu, item, open.tint, in_cart.get(&item.id).copied().unwrap_or(0));
        let offer = self.offer(menu);
        let items =
            open.items.iter().filter_map(|id| menu.catalog.item(id)).filter(|item| offer.is_shown(item));
        let featured = open.featured.as_ref().and_then(|id| menu.catalog.item(id));
        Page::Menu(MenuView {
            categories: menu.catalog.categories.iter().filter(shown).map(|c| self.tab(menu, c)).collect(),
            open: open.id.clone(),
            title: menu.words(&open.name, &self.lang),
            strapline: menu.words(&open.strapline, &self.lang),
            tint: open.tint,
            featured: featured.filter(|item| offer.is_shown(item)).map(card),
            cards: items.map(card).collect(),
            lines: self.cart_lines(menu, visit, |line| line.net),
            tax: visit.price.priced.as_ref().map_or(Minor::ZERO, |p| p.taxes.iter().map(|t| t.tax).sum()),
            voice: self.has_voice(visit),
            scanner: self.kiosk.session.devices.scanner,
        })
    }

    fn tab(&self, menu: &Menu, category: &Category) -> CategoryTab {
        CategoryTab {
            id: category.id.clone(),
            name: menu.words(&category.name, &self.lang),
            picture: category.picture.clone(),
            tint: category.tint,
        }
    }

    fn card(&self, menu: &Menu, item: &Item, tint: Tint, in_cart: u32) -> MenuCard {
        let (price, was) = self.card_price(menu, item);
        MenuCard {
            item: item.id.clone(),
            name: menu.words(&item.name, &self.lang),
            tagline: menu.words(&item.tagline, &self.lang),
            picture: item.picture.clone(),
            tint,
            price,
            was,
            diet: item.diet,
            in_cart,
            unavailable: self.offer(menu).unavailable(item),
        }
    }

    /// The lowest price, and the ordinary one when a rule lowers it now.
    fn card_price(&self, menu: &Menu, item: &Item) -> (Minor, Option<Minor>) {
        let fixed = item.variations.iter().filter_map(|v| match v.price {
            Price::Fixed(price) => Some((price, v)),
            Price::PerWeight(_) => None,
        });
        let Some((price, variation)) = fixed.min_by_key(|(price, _)| *price) else {
            return (Minor::ZERO, None);
        };
        let lowered =
            item.discountable && menu.catalog.rules.iter().any(|rule| self.may_lower(menu, rule, item));
        if !lowered {
            return (price, None);
        }
        let line = CartLine {
            id: LineId(1),
            item: item.id.clone(),
            variation: variation.id.clone(),
            quantity: Quantity::ONE,
            modifiers: choices::to_line(&menu.catalog, item, &choices::filled(&menu.catalog, item)),
            picks: Vec::new(),
            label: None,
        };
        let discount = self.offer(menu).discount_of(&line, self.mode());
        if discount > Minor::ZERO { (price - discount, Some(price)) } else { (price, None) }
    }

    /// Whether a rule could make one piece of an item cheaper now. Pricing decides; this only spares it work.
    fn may_lower(&self, menu: &Menu, rule: &PriceRule, item: &Item) -> bool {
        let per_line = match rule.kind {
            RuleKind::LinePercent(_)
            | RuleKind::UnitAmount(_)
            | RuleKind::LineAmount(_)
            | RuleKind::FixedPrice(_) => true,
            RuleKind::Bundle { .. } | RuleKind::OrderPercent(_) | RuleKind::OrderAmount(_) => false,
        };
        let meant = match &rule.target {
            RuleTarget::All => true,
            RuleTarget::Categories(ids) => ids.iter().any(|id| menu.catalog.is_in(&item.id, id)),
            RuleTarget::Items(ids) => ids.contains(&item.id),
        };
        per_line
            && rule.coupon.is_none()
            && rule.mode.is_none_or(|mode| mode == self.mode())
            && meant
            && menu.catalog.is_open(&rule.availability, &self.now.local)
    }
}

fn pieces_by_item(lines: &[CartLine]) -> BTreeMap<ItemId, u32> {
    let mut pieces = BTreeMap::new();
    for line in lines {
        *pieces.entry(line.item.clone()).or_insert(0) += super::lines::pieces(std::slice::from_ref(line));
    }
    pieces
}
