//! What can be bought at this moment, and why something cannot.

use super::choices;
use super::ledger::Ledger;
use super::menu::Menu;
use crate::cart::CartLine;
use crate::catalog::{ComboSlot, Item, ItemKind, Price, Variation};
use crate::config::KioskConfig;
use crate::ids::{AvailabilityId, VariationId};
use crate::time::Now;
use crate::view::Unavailable;

/// Everything it depends on.
#[derive(Clone, Copy)]
pub(super) struct Offer<'a> {
    pub menu: &'a Menu,
    pub ledger: &'a Ledger,
    pub config: &'a KioskConfig,
    pub now: &'a Now,
    /// The fleet was asked for more of scarce goods and has not answered yet.
    pub asking: bool,
}

impl Offer<'_> {
    /// Whether an item is shown at all.
    pub fn is_shown(&self, item: &Item) -> bool {
        let by_touch = item.variations.iter().any(|v| matches!(v.price, Price::Fixed(_)));
        by_touch && self.is_allowed(item)
    }

    /// Whether this kiosk may sell it.
    pub fn is_allowed(&self, item: &Item) -> bool {
        item.age_min == 0 || self.config.policy.age_restricted
    }

    /// Why an item cannot be bought now.
    pub fn unavailable(&self, item: &Item) -> Option<Unavailable> {
        let spent = !item.variations.is_empty() && item.variations.iter().all(|v| self.is_spent(&v.id));
        if self.is_sold_out(item) || spent {
            return Some(Unavailable::SoldOut);
        }
        if !self.menu.catalog.is_open(&item.availability, &self.now.local) {
            return Some(Unavailable::NotNow { from_minute: self.opens_at(&item.availability) });
        }
        match &item.kind {
            ItemKind::Combo(slots) => {
                slots.iter().any(|slot| !self.can_fill(slot)).then_some(Unavailable::SoldOut)
            }
            ItemKind::Product | ItemKind::Deposit | ItemKind::GiftCard => None,
        }
    }

    fn is_sold_out(&self, item: &Item) -> bool {
        let lasts = |until: Option<crate::time::WallMs>| until.is_none_or(|until| self.now.wall < until);
        item.sold_out.is_some_and(|mark| lasts(mark.until))
            || self.ledger.sold_out.get(&item.id).is_some_and(|until| lasts(*until))
    }

    fn can_fill(&self, slot: &ComboSlot) -> bool {
        slot.min == 0 || slot.choices.iter().any(|choice| self.part(&choice.variation).is_ok())
    }

    /// A part of a combo, if it can be had now.
    pub fn part(&self, variation: &VariationId) -> Result<(&Item, &Variation), Unavailable> {
        let (item, variation) = self.menu.catalog.variation(variation).ok_or(Unavailable::SoldOut)?;
        match self.unavailable(item) {
            Some(why) => Err(why),
            None if self.is_spent(&variation.id) => Err(Unavailable::SoldOut),
            None => Ok((item, variation)),
        }
    }

    /// The next local minute of the day at which one of the windows opens.
    fn opens_at(&self, windows: &[AvailabilityId]) -> u16 {
        let starts =
            || windows.iter().filter_map(|id| self.menu.catalog.availability.get(id)).map(|w| w.start_minute);
        let later = starts().filter(|start| *start > self.now.local.minute).min();
        later.or_else(|| starts().min()).unwrap_or(0)
    }

    /// Why a line of the cart cannot be bought (any more).
    pub fn line_problem(&self, line: &CartLine) -> Option<Unavailable> {
        let Some(item) = self.menu.catalog.item(&line.item).filter(|item| self.is_allowed(item)) else {
            return Some(Unavailable::SoldOut);
        };
        if let Some(why) = self.unavailable(item) {
            return Some(why);
        }
        let there = item.variations.iter().any(|v| v.id == line.variation)
            && choices::is_valid(&self.menu.catalog, item, &line.modifiers);
        let parts = || {
            line.picks.iter().find_map(|pick| match self.part(&pick.variation) {
                Err(why) => Some(why),
                Ok((part, _)) => (!choices::is_valid(&self.menu.catalog, part, &pick.modifiers))
                    .then_some(Unavailable::SoldOut),
            })
        };
        if there { parts() } else { Some(Unavailable::SoldOut) }
    }
}
