//! What can be sold: items, their versions, and combos of them.

use std::sync::Arc;

use super::{Allergens, ItemGroup};
use crate::ids::{AvailabilityId, ItemId, SlotId, TaxClassId, VariationId};
use crate::money::Minor;
use crate::text::Text;
use crate::time::WallMs;

/// What an item is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ItemKind {
    /// Ordinary goods or a service.
    Product,
    /// Several products for one price, chosen slot by slot.
    Combo(Vec<ComboSlot>),
    /// A returnable deposit. Outside discounts.
    Deposit,
    /// A gift card that is sold. Outside discounts, untaxed until used.
    GiftCard,
}

/// Something that can be sold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// Its id.
    pub id: ItemId,
    /// What it is.
    pub kind: ItemKind,
    /// Name for the customer.
    pub name: Text,
    /// A short line for the menu card.
    pub tagline: Text,
    /// One or two sentences for its own page.
    pub description: Text,
    /// Name on the kitchen ticket.
    pub kitchen_name: Arc<str>,
    /// Which kitchen station makes it; `None`: nothing to make.
    pub station: Option<Arc<str>>,
    /// Picture name; empty: none.
    pub picture: Arc<str>,
    /// Decides the tax.
    pub tax_class: TaxClassId,
    /// At least one; the first is the default.
    pub variations: Vec<Variation>,
    /// Modifier groups, in the order shown.
    pub groups: Vec<ItemGroup>,
    /// What it contains; `None`: nobody has said, which is not the same as nothing.
    pub allergens: Option<Allergens>,
    /// What it may contain traces of.
    pub may_contain: Allergens,
    /// Vegetarian, vegan.
    pub diet: Diet,
    /// Energy of one piece of the first version; 0: not stated.
    pub kcal: u32,
    /// Customer must be at least this old; 0: anyone.
    pub age_min: u8,
    /// When it can be bought; empty: always.
    pub availability: Vec<AvailabilityId>,
    /// Sold out as the catalog was made.
    pub sold_out: Option<SoldOut>,
    /// Whether discounts may lower it.
    pub discountable: bool,
    /// The combo offered when this is put in the cart ("Make it a meal?").
    pub meal: Option<MealOffer>,
}

impl Item {
    /// The slots of a combo; none for anything else.
    pub fn slots(&self) -> &[ComboSlot] {
        match &self.kind {
            ItemKind::Combo(slots) => slots,
            ItemKind::Product | ItemKind::Deposit | ItemKind::GiftCard => &[],
        }
    }

    /// The picture of a version: its own, or that of the item.
    pub fn picture_of<'a>(&'a self, variation: &'a Variation) -> &'a Arc<str> {
        variation.picture.as_ref().unwrap_or(&self.picture)
    }

    /// Energy of one piece of a version; 0: not stated. What is stated for the item is about its first version: a
    /// double portion has more than a single one.
    pub fn kcal_of(&self, variation: &VariationId) -> u32 {
        let first =
            self.variations.first().map_or(0, |first| if first.kcal > 0 { first.kcal } else { self.kcal });
        let mut others = self.variations.iter().skip(1);
        others.find(|other| other.id == *variation).map_or(first, |other| other.kcal)
    }
}

/// An item is not to be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SoldOut {
    /// When it is back; `None`: unknown.
    pub until: Option<WallMs>,
}

/// "Make it a meal": the combo that contains this item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MealOffer {
    /// The combo.
    pub combo: ItemId,
    /// The slot that this item fills.
    pub slot: SlotId,
}

/// Vegetarian or vegan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Diet {
    /// Neither stated.
    Any,
    /// Without meat and fish.
    Vegetarian,
    /// Without anything from animals.
    Vegan,
}

/// One size or version of an item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variation {
    /// Unique in the whole catalog.
    pub id: VariationId,
    /// Name of the size; empty when the item has only one.
    pub name: Text,
    /// Stock-keeping unit of the shop, if any.
    pub sku: Option<Arc<str>>,
    /// How the price works.
    pub price: Price,
    /// Deposit added with every piece.
    pub deposit: Option<VariationId>,
    /// Picture of this version, if it has its own.
    pub picture: Option<Arc<str>>,
    /// Energy of one piece; 0: not stated.
    pub kcal: u32,
}

/// How a price works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Price {
    /// Per piece.
    Fixed(Minor),
    /// Per unit of measure (kilogram); the quantity is the weight.
    PerWeight(Minor),
}

/// One slot of a combo.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ComboSlot {
    /// Unique in its combo.
    pub id: SlotId,
    /// "Your drink".
    pub name: Text,
    /// Least number of picks.
    pub min: u32,
    /// Greatest number of picks.
    pub max: u32,
    /// What can be picked; never a combo.
    pub choices: Vec<ComboChoice>,
}

/// One choice for a slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ComboChoice {
    /// The variation.
    pub variation: VariationId,
    /// Added to the combo's price when picked.
    pub extra: Minor,
    /// Picked from the start.
    pub default: bool,
}
