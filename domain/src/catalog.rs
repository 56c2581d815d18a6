//! What is for sale, at what price, when, and with which choices. A catalog is one immutable, complete
//! document: it is checked as a whole and then activated as a whole.

mod availability;
mod check;
mod index;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::cart::ServiceMode;
use crate::ids::{
    AvailabilityId, CategoryId, GroupId, ItemId, ModifierId, RuleId, SlotId, SurchargeId, TaxClassId,
    TaxRateId, VariationId,
};
use crate::money::{Currency, Minor, Quantity, Rate};
use crate::text::{Lang, Text};
use crate::time::{Date, LocalTime, WallMs, Weekday};

pub use check::{CatalogProblem, Place};
use index::Index;

/// Longest id.
pub const MAX_ID_CHARS: usize = 64;

/// Whether this can be an id: 1 to [`MAX_ID_CHARS`] small letters, digits, `-` and `_`. It has to survive file
/// names, spreadsheets and being read out on the telephone.
pub fn is_id(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    (1..=MAX_ID_CHARS).contains(&name.len()) && name.bytes().all(allowed)
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

    /// The parts, to make the next catalog from.
    pub fn into_parts(self) -> CatalogParts {
        self.parts
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

/// A tax rate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaxRate {
    /// As printed on a receipt.
    pub name: Text,
    /// The percentage.
    pub rate: Rate,
    /// Whether prices contain it.
    pub inclusive: bool,
    /// 0 for an ordinary rate; a rate of a higher order is computed on the base plus the taxes below it.
    pub compound_order: u8,
    /// The letter a fiscal receipt shows beside each line, if any.
    pub letter: Option<char>,
}

/// Which rates apply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaxRule {
    /// For this class of goods …
    pub class: TaxClassId,
    /// … taken this way; `None`: every way without a rule of its own.
    pub mode: Option<ServiceMode>,
    /// … these rates together; empty: untaxed.
    pub rates: Vec<TaxRateId>,
    /// First business date it is valid on; `None`: since ever.
    pub from: Option<Date>,
    /// Last business date it is valid on; `None`: until further notice.
    pub until: Option<Date>,
}

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
    /// What it contains.
    pub allergens: Allergens,
    /// What it may contain traces of.
    pub may_contain: Allergens,
    /// Vegetarian, vegan.
    pub diet: Diet,
    /// Energy of one piece; 0: not stated.
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
}

/// How a price works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Price {
    /// Per piece.
    Fixed(Minor),
    /// Per unit of measure (kilogram); the quantity is the weight.
    PerWeight(Minor),
}

/// A modifier group on an item, with what this item changes of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemGroup {
    /// The group.
    pub group: GroupId,
    /// Instead of the group's least number of choices.
    pub min: Option<u32>,
    /// Instead of the group's greatest number of choices.
    pub max: Option<u32>,
    /// Instead of the defaults of the group's modifiers.
    pub defaults: Option<Vec<ModifierId>>,
    /// Modifiers of the group not offered on this item.
    pub hidden: Vec<ModifierId>,
}

/// What a group asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupStyle {
    /// Choose one or some ("Bun").
    Choice,
    /// Add ("Add a little extra").
    Extra,
    /// Leave out ("Leave something out?"); shown as "No onion".
    Without,
}

/// A group of modifiers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModifierGroup {
    /// Its id.
    pub id: GroupId,
    /// The question.
    pub name: Text,
    /// How it is asked.
    pub style: GroupStyle,
    /// Least number of choices, counting repeats.
    pub min: u32,
    /// Greatest number of choices, counting repeats.
    pub max: u32,
    /// So many choices with a price are free, the cheapest first.
    pub free: u32,
    /// The modifiers, in order; at least one.
    pub modifiers: Vec<Modifier>,
}

/// One modifier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Modifier {
    /// Unique in its group.
    pub id: ModifierId,
    /// Name: "Fried egg"; in a Without group the thing left out: "Onion".
    pub name: Text,
    /// Name on the kitchen ticket.
    pub kitchen_name: Arc<str>,
    /// Added to the price of one piece, once per count. May be negative.
    pub price: Minor,
    /// Greatest count of this one.
    pub max: u32,
    /// Chosen from the start.
    pub default: bool,
    /// Picture name; empty: none.
    pub picture: Arc<str>,
    /// Allergens it adds.
    pub adds: Allergens,
    /// Allergens it takes away.
    pub removes: Allergens,
    /// Energy it adds, may be negative.
    pub kcal: i32,
    /// Sold out.
    pub sold_out: bool,
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

/// The 14 allergens of EU regulation 1169/2011 as a set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Allergens(pub u16);

impl Allergens {
    /// The names, in bit order.
    pub const NAMES: [&'static str; 14] = [
        "celery",
        "crustaceans",
        "egg",
        "fish",
        "gluten",
        "lupin",
        "milk",
        "molluscs",
        "mustard",
        "peanuts",
        "sesame",
        "soy",
        "sulphites",
        "nuts",
    ];

    /// Everything in either set.
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Everything here that is not in `other`.
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The names of the members.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().enumerate().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, n)| n)
    }

    /// The set with the one allergen of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().position(|n| *n == name).map(|bit| Self(1 << bit))
    }
}

/// Times at which something can be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Availability {
    /// On these days; empty: every day.
    pub weekdays: Vec<Weekday>,
    /// From this minute of the local day, inclusive.
    pub start_minute: u16,
    /// To this minute, exclusive; not after `start_minute`: it runs over midnight.
    pub end_minute: u16,
    /// First date; `None`: since ever.
    pub from: Option<Date>,
    /// Last date; `None`: until further notice.
    pub until: Option<Date>,
}

/// What a bar code stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Barcode {
    /// The variation.
    pub variation: VariationId,
    /// Pieces in the pack.
    pub pack: Quantity,
}

/// A rule for in-store numbers that carry a value (GTIN prefixes 02, 20–29).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RestrictedNumber {
    /// Leading digits that this rule is for.
    pub prefix: Arc<str>,
    /// Digits of the item number after the prefix.
    pub item_digits: u8,
    /// Digits of the value.
    pub value_digits: u8,
    /// What the value is.
    pub kind: RestrictedKind,
    /// Decimal places of a weight in kilograms; unused for a price.
    pub decimals: u8,
    /// Item number to variation.
    pub items: BTreeMap<Arc<str>, VariationId>,
}

/// What the embedded value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RestrictedKind {
    /// A price in minor units.
    Price,
    /// A weight.
    Weight,
}

/// A discount rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PriceRule {
    /// Its id.
    pub id: RuleId,
    /// Name on the receipt.
    pub name: Text,
    /// What it does.
    pub kind: RuleKind,
    /// On what.
    pub target: RuleTarget,
    /// Applied in ascending order.
    pub priority: i32,
    /// Of rules with the same group only the best for the customer counts.
    pub stack_group: Option<Arc<str>>,
    /// When; empty: always.
    pub availability: Vec<AvailabilityId>,
    /// Only for this way of taking the goods.
    pub mode: Option<ServiceMode>,
    /// Only when the goods cost at least this much before order rules.
    pub min_subtotal: Minor,
    /// Applies only when the cart carries it as a coupon.
    pub coupon: Option<Arc<str>>,
}

/// What a rule does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RuleKind {
    /// Percentage off each line.
    LinePercent(Rate),
    /// Amount off each piece.
    UnitAmount(Minor),
    /// Amount off each line, once.
    LineAmount(Minor),
    /// Fixed price per piece.
    FixedPrice(Minor),
    /// In each full set of `buy` pieces the `free` cheapest are free.
    Bundle {
        /// Pieces in a set.
        buy: u32,
        /// Of them free.
        free: u32,
    },
    /// Percentage off the order.
    OrderPercent(Rate),
    /// Amount off the order.
    OrderAmount(Minor),
}

/// On what a rule works.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RuleTarget {
    /// Every discountable line.
    All,
    /// Items of these categories.
    Categories(Vec<CategoryId>),
    /// These items.
    Items(Vec<ItemId>),
}

/// A surcharge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Surcharge {
    /// Its id.
    pub id: SurchargeId,
    /// Name on the receipt.
    pub name: Text,
    /// How much.
    pub amount: SurchargeAmount,
    /// How it is taxed.
    pub tax: SurchargeTax,
    /// Only for this way of taking the goods.
    pub mode: Option<ServiceMode>,
}

/// How much a surcharge is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SurchargeAmount {
    /// An amount per order.
    Fixed(Minor),
    /// A percentage of the net of all lines.
    Percent(Rate),
}

/// How a surcharge is taxed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SurchargeTax {
    /// In a class of its own.
    Class(TaxClassId),
    /// Apportioned over the tax groups of the lines.
    FollowLines,
    /// After tax, untaxed.
    Untaxed,
}

/// One tip a customer can choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TipOffer {
    /// An amount.
    Fixed(Minor),
    /// A percentage of the total.
    Percent(Rate),
}
