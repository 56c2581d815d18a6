//! What is for sale, at what price, when, and with which choices. A catalog is one immutable, complete
//! document: it is checked as a whole and then activated as a whole.
//!
//! [`CatalogParts`] is what an author wrote; [`CatalogParts::check`] finds everything that keeps it from being
//! sold from; [`Catalog`] is what passed.

mod allergens;
mod availability;
mod check;
mod codes;
mod index;
mod item;
pub mod limits;
mod modifier;
mod rules;
mod taxes;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::ids::{AvailabilityId, CategoryId, GroupId, ItemId, TaxRateId, VariationId};
use crate::money::Currency;
use crate::text::{Lang, Text};
use crate::time::LocalTime;

pub use allergens::Allergens;
pub use availability::Availability;
pub use check::{CatalogProblem, Place};
pub use codes::{Barcode, CodeMatch, RestrictedKind, RestrictedNumber, check_digit, is_gtin};
use index::Index;
pub use item::{ComboChoice, ComboSlot, Diet, Item, ItemKind, MealOffer, Price, SoldOut, Variation};
pub use limits::MAX_ID_CHARS;
pub use modifier::{GroupStyle, ItemGroup, Modifier, ModifierGroup};
pub use rules::{PriceRule, RuleKind, RuleTarget, Surcharge, SurchargeAmount, SurchargeTax, TipOffer};
pub use taxes::{TaxRate, TaxRule};

/// Whether this can be an id: 1 to [`MAX_ID_CHARS`] small letters, digits, `-` and `_`. It has to survive file
/// names, spreadsheets and being read out on the telephone.
pub fn is_id(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    (1..=MAX_ID_CHARS).contains(&name.len()) && name.bytes().all(allowed)
}

/// What the page without a customer shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Poster {
    /// The first featured dish and the name over the door.
    #[default]
    Dish,
    /// The burger of Alder & Rye, layer by layer, with its words and its mark.
    Burger,
}

/// What a catalog is made of, as its author wrote it: not yet checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CatalogParts {
    /// Revision; grows with every change.
    pub rev: u64,
    /// Currency of every amount in it.
    pub currency: Currency,
    /// Languages offered, the default first.
    pub languages: Vec<Lang>,
    /// The name over the door.
    pub brand: Text,
    /// What the page without a customer shows.
    pub poster: Poster,
    /// Tax rates.
    pub tax_rates: BTreeMap<TaxRateId, TaxRate>,
    /// Which rates apply to a class, by mode and date.
    pub tax_rules: Vec<TaxRule>,
    /// Categories in menu order.
    pub categories: Vec<Category>,
    /// Everything that can be sold, combos included.
    pub items: BTreeMap<ItemId, Item>,
    /// Modifier groups.
    pub groups: BTreeMap<GroupId, ModifierGroup>,
    /// Times of day and week.
    pub availability: BTreeMap<AvailabilityId, Availability>,
    /// Bar codes of goods.
    pub barcodes: BTreeMap<Arc<str>, Barcode>,
    /// Bar codes with an embedded price or weight.
    pub restricted_numbers: Vec<RestrictedNumber>,
    /// Discounts.
    pub rules: Vec<PriceRule>,
    /// Service, packaging and the like.
    pub surcharges: Vec<Surcharge>,
    /// Amounts offered as a tip; empty: no tip is asked for.
    pub tips: Vec<TipOffer>,
    /// Minutes a customer waits for the goods, for the number page; 0: not said.
    pub ready_minutes: u32,
}

/// A complete, checked and indexed catalog. It cannot be changed: a new one takes its place as a whole.
/// Its parts are read as its fields (`catalog.items`).
#[derive(Clone, Debug)]
pub struct Catalog {
    parts: CatalogParts,
    index: Index,
}

impl Catalog {
    /// Checks the parts and indexes them.
    ///
    /// # Errors
    /// Everything [`CatalogParts::check`] finds.
    pub fn new(parts: CatalogParts) -> Result<Self, Vec<CatalogProblem>> {
        let problems = parts.check();
        if !problems.is_empty() {
            return Err(problems);
        }
        let index = Index::of(&parts);
        Ok(Self { parts, index })
    }

    /// An item by its id.
    pub fn item(&self, id: &ItemId) -> Option<&Item> {
        self.parts.items.get(id)
    }

    /// The item a variation belongs to, with the variation.
    pub fn variation(&self, id: &VariationId) -> Option<(&Item, &Variation)> {
        let (item, position) = self.index.variations.get(id)?;
        let item = self.parts.items.get(item)?;
        Some((item, item.variations.get(*position)?))
    }

    /// Whether an item is in a category.
    pub fn is_in(&self, item: &ItemId, category: &CategoryId) -> bool {
        self.index.categories.get(item).is_some_and(|all| all.contains(category))
    }

    /// Whether something with these availability windows is to be had; no windows: always.
    pub fn is_open(&self, windows: &[AvailabilityId], at: &LocalTime) -> bool {
        windows.is_empty()
            || windows.iter().any(|id| self.parts.availability.get(id).is_some_and(|w| w.covers(at)))
    }
}

impl Deref for Catalog {
    type Target = CatalogParts;
    fn deref(&self) -> &CatalogParts {
        &self.parts
    }
}

impl PartialEq for Catalog {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for Catalog {}

/// A group of items on the menu.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// Its name.
    pub name: Text,
    /// One sentence under the name.
    pub strapline: Text,
    /// Picture name for the category rail.
    pub picture: Arc<str>,
    /// Colour of its counter: wheat, butter, sage, mocha, glass, blush.
    pub tint: Tint,
    /// The item shown large; must be in `items`.
    pub featured: Option<ItemId>,
    /// What it holds, in order.
    pub items: Vec<ItemId>,
    /// When it is shown; empty: always.
    pub availability: Vec<AvailabilityId>,
}

/// The tints of the look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "names of colours, defined by the theme")]
pub enum Tint {
    Wheat,
    Butter,
    Sage,
    Mocha,
    Glass,
    Blush,
}
