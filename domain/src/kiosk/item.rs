//! The item page: one item, its size, its choices.

use super::Refusal;
use super::choices;
use super::menu::Menu;
use super::offer::Offer;
use super::turn::Turn;
use crate::cart::CartLine;
use crate::catalog::{Catalog, Item, ItemKind};
use crate::ids::{CategoryId, ItemId, LineId, VariationId};
use crate::intent::ItemIntent;
use crate::money::Quantity;
use crate::session::{ItemDraft, Stage};
use crate::view::{Notice, Unavailable};

impl Turn<'_> {
    pub(super) fn offer<'b>(&'b self, menu: &'b Menu) -> Offer<'b> {
        Offer {
            menu,
            ledger: &self.ledger,
            config: self.config,
            now: self.now,
            asking: self.session.is_asking(),
        }
    }

    pub(super) fn show_menu(&mut self) {
        if self.visit().is_some_and(|visit| visit.mode.is_some()) {
            self.go(Stage::Browse);
        } else {
            self.refuse(Refusal::NotNow);
        }
    }

    pub(super) fn open_category(&mut self, category: CategoryId) {
        let known = self.menu().is_some_and(|menu| menu.category(&category).is_some());
        if !known || self.visit().is_none_or(|visit| visit.mode.is_none()) {
            return self.refuse(Refusal::NotFound);
        }
        if let Some(visit) = self.visit_mut() {
            visit.category = Some(category);
            visit.stage = Stage::Browse;
        }
    }

    /// The item's page; for a combo the page of its slots.
    pub(super) fn open_item(&mut self, id: &ItemId) {
        let Some(menu) = self.menu() else { return self.refuse(Refusal::NotNow) };
        let Some(item) = self.buyable(&menu, id) else { return };
        match &item.kind {
            ItemKind::Combo(_) => self.open_combo(&menu, item),
            ItemKind::Product | ItemKind::Deposit | ItemKind::GiftCard => {
                if let Some(draft) = ItemDraft::new(&menu.catalog, item) {
                    self.go(Stage::Item(draft));
                }
            }
        }
    }

    /// Puts one in the cart as it is, unless something must be chosen first or a meal can be offered.
    pub(super) fn quick_add(&mut self, id: &ItemId) {
        let Some(menu) = self.menu() else { return self.refuse(Refusal::NotNow) };
        let Some(item) = self.buyable(&menu, id) else { return };
        let plain = matches!(item.kind, ItemKind::Product | ItemKind::Deposit | ItemKind::GiftCard);
        let Some(draft) = ItemDraft::new(&menu.catalog, item).filter(|_| plain) else {
            return self.open_item(id);
        };
        if choices::missing(&menu.catalog, item, &draft.chosen).is_some() {
            self.go(Stage::Item(draft));
        } else {
            self.add_or_offer_meal(&menu, item, draft.line(&menu.catalog, item));
        }
    }

    /// The item, if it can be bought now; else the customer is told.
    pub(super) fn buyable<'b>(&mut self, menu: &'b Menu, id: &ItemId) -> Option<&'b Item> {
        if self.visit().is_none_or(|visit| visit.mode.is_none()) {
            self.refuse(Refusal::NotNow);
            return None;
        }
        let offer = self.offer(menu);
        let Some(item) = menu.catalog.item(id).filter(|item| offer.is_shown(item)) else {
            self.refuse(Refusal::NotFound);
            return None;
        };
        match offer.unavailable(item) {
            None => Some(item),
            Some(Unavailable::SoldOut) => {
                let name = self.item_name(id);
                self.notice(Notice::SoldOut(name));
                None
            }
            Some(Unavailable::NotNow { .. }) => {
                self.refuse(Refusal::NotNow);
                None
            }
        }
    }

    pub(super) fn item_intent(&mut self, intent: ItemIntent) {
        let Some(menu) = self.menu() else { return self.refuse(Refusal::NotNow) };
        let Some(mut draft) = self.item_draft() else { return self.refuse(Refusal::NotNow) };
        let Some(item) = menu.catalog.item(&draft.item) else { return self.refuse(Refusal::NotFound) };
        let most = self.config.limits.pieces_per_line;
        let done = match intent {
            ItemIntent::Variation(id) => draft.choose(item, id),
            ItemIntent::Toggle(group, modifier) => {
                choices::toggle(&menu.catalog, item, &mut draft.chosen, &group, &modifier)
            }
            ItemIntent::Count(group, modifier, delta) => {
                choices::add(&menu.catalog, item, &mut draft.chosen, (&group, &modifier), delta)
            }
            ItemIntent::Quantity(delta) => {
                let wanted = draft.quantity.saturating_add_signed(delta);
                draft.quantity = wanted.clamp(1, most);
                if wanted > most {
                    self.notice(Notice::Limit(most));
                }
                true
            }
            ItemIntent::Confirm => return self.confirm_item(&menu, item, draft),
        };
        if done {
            self.go(Stage::Item(draft));
        } else {
            self.refuse(Refusal::NotNow);
        }
    }

    fn confirm_item(&mut self, menu: &Menu, item: &Item, mut draft: ItemDraft) {
        if choices::missing(&menu.catalog, item, &draft.chosen).is_some() {
            draft.complain = true;
            return self.go(Stage::Item(draft));
        }
        let line = draft.line(&menu.catalog, item);
        match draft.editing {
            Some(editing) => self.replace_line(editing, line),
            None => self.add_or_offer_meal(menu, item, line),
        }
    }

    fn item_draft(&self) -> Option<ItemDraft> {
        match &self.visit()?.stage {
            Stage::Item(draft) => Some(draft.clone()),
            Stage::Service | Stage::Browse | Stage::Meal(_) | Stage::Cart | Stage::Ordered(_) => None,
        }
    }
}

impl ItemDraft {
    /// An item as it is by itself.
    pub(super) fn new(catalog: &Catalog, item: &Item) -> Option<Self> {
        Some(Self {
            item: item.id.clone(),
            variation: item.variations.first()?.id.clone(),
            chosen: choices::defaults(catalog, item),
            quantity: 1,
            editing: None,
            complain: false,
        })
    }

    /// A line of the cart, to be changed.
    pub(super) fn of_line(line: &CartLine) -> Self {
        Self {
            item: line.item.clone(),
            variation: line.variation.clone(),
            chosen: choices::from_line(&line.modifiers),
            quantity: line.quantity.whole().max(1),
            editing: Some(line.id),
            complain: false,
        }
    }

    pub(super) fn choose(&mut self, item: &Item, id: VariationId) -> bool {
        let known = item.variations.iter().any(|v| v.id == id);
        if known {
            self.variation = id;
        }
        known
    }

    /// The same of an item that is no longer sold.
    pub(super) fn bare_line(&self) -> CartLine {
        CartLine {
            id: LineId(0),
            item: self.item.clone(),
            variation: self.variation.clone(),
            quantity: Quantity::pieces(self.quantity),
            modifiers: Vec::new(),
            picks: Vec::new(),
            label: None,
        }
    }

    /// As it would stand in the cart. Its number is given when it is put there.
    pub(super) fn line(&self, catalog: &Catalog, item: &Item) -> CartLine {
        CartLine { modifiers: choices::to_line(catalog, item, &self.chosen), ..self.bare_line() }
    }
}
