//! From a cart to money, in integers, the same on kiosk and fleet. See `docs/pricing.md`.
//!
//! [`price`] reads as the order of work: lines and combos, discounts on lines, discounts on the order,
//! surcharges, tax per group, tax per line, total. What is settled afterwards, by tender or by refund, is in
//! [`round_cash`], [`tip`] and [`refund_part`].

mod discounts;
mod lines;
mod modifiers;
mod settle;
mod sums;
mod surcharges;
mod taxes;

use std::fmt;

use crate::cart::{Cart, ServiceMode};
use crate::catalog::Catalog;
use crate::ids::{ItemId, LineId, RuleId, SlotId, SurchargeId, TaxRateId, VariationId};
use crate::money::{Minor, Quantity, Rate};
use crate::time::{Date, LocalTime};

pub use settle::{CashRounding, Tie, refund_part, round_cash, tip};
pub use sums::Imbalance;

/// Greatest number of lines of one cart. A school trip fits; a runaway script does not.
pub const MAX_CART_LINES: usize = 10_000;

/// What the price depends on besides the cart and the catalog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PriceContext {
    /// Eat in or take away.
    pub mode: ServiceMode,
    /// Local time at which rules and tax dates are judged.
    pub at: LocalTime,
    /// Business date for tax rates.
    pub date: Date,
}

/// A cart with its money. All sums hold exactly: see [`Priced::check`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Priced {
    /// The lines, in cart order; a combo's header is followed by its components, and what carries a deposit by
    /// its deposit.
    pub lines: Vec<PricedLine>,
    /// Surcharges, in catalog order.
    pub surcharges: Vec<PricedSurcharge>,
    /// What was taxed together, in the order of their rates; goods without tax are a group without rates.
    pub groups: Vec<TaxGroup>,
    /// Tax per rate: the groups added up, in the order of the rates' ids.
    pub taxes: Vec<TaxTotal>,
    /// What the customer pays: goods, surcharges and tax. Without tip and cash rounding.
    pub total: Minor,
    /// Sum of all discounts, as a positive amount.
    pub discount: Minor,
}

/// One priced line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PricedLine {
    /// The cart line it comes from.
    pub line: LineId,
    /// `None` for an ordinary line; the slot for a component of a combo (and for the component's deposit).
    pub slot: Option<SlotId>,
    /// What is sold.
    pub item: ItemId,
    /// In which version.
    pub variation: VariationId,
    /// How many or how much.
    pub quantity: Quantity,
    /// Price of one piece with its modifiers; of one unit of measure, without them, for weighed goods. Zero on
    /// a combo's header; on a component what one piece adds to the combo's price.
    pub unit: Minor,
    /// Before discounts. Zero on a combo's header.
    pub gross: Minor,
    /// Rules that lowered it, with the amount each took, positive.
    pub discounts: Vec<(RuleId, Minor)>,
    /// `gross` less the discounts.
    pub net: Minor,
    /// Tax of this line for each rate of its group, apportioned from the group.
    pub taxes: Vec<(TaxRateId, Minor)>,
    /// Whether this line is a deposit (outside discounts and combos).
    pub deposit: bool,
}

/// One surcharge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PricedSurcharge {
    /// Which.
    pub id: SurchargeId,
    /// How much, in the prices of the shop (with tax where tax is inclusive).
    pub amount: Minor,
    /// Its tax per rate, apportioned from the groups.
    pub taxes: Vec<(TaxRateId, Minor)>,
}

/// Goods and surcharges that are taxed together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaxGroup {
    /// Whether prices contain the tax; false for goods without tax.
    pub inclusive: bool,
    /// Sum of the nets of the group's lines and of its surcharges.
    pub amount: Minor,
    /// The amount without tax.
    pub base: Minor,
    /// Tax per rate, in the order of the rates' ids.
    pub taxes: Vec<TaxTotal>,
}

/// Tax collected at one rate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaxTotal {
    /// Which rate.
    pub rate_id: TaxRateId,
    /// Its percentage.
    pub rate: Rate,
    /// Whether prices contain it.
    pub inclusive: bool,
    /// Net amount it is computed on; for a compound rate the taxes below it are counted in.
    pub base: Minor,
    /// The tax.
    pub tax: Minor,
}

/// Why a cart cannot be priced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PriceError {
    /// The line names something the catalog does not have.
    UnknownReference {
        /// The line.
        line: LineId,
        /// What was looked for.
        name: String,
    },
    /// A choice breaks a group's or slot's limits.
    Choice {
        /// The line.
        line: LineId,
        /// What is wrong, in English, for logs and tools.
        why: String,
    },
    /// No tax rate is valid for this class, mode and date.
    NoTax {
        /// The line.
        line: LineId,
    },
    /// No tax rate is valid for the class of this surcharge, mode and date.
    NoSurchargeTax {
        /// The surcharge.
        surcharge: SurchargeId,
    },
    /// The quantity is zero, negative where it must not be, or beyond the limit.
    Quantity {
        /// The line.
        line: LineId,
    },
    /// Two lines of the cart have the same number.
    DuplicateLine {
        /// The number.
        line: LineId,
    },
    /// More lines than [`MAX_CART_LINES`].
    TooManyLines,
    /// A sum left the range of 64 bits.
    Overflow,
}

impl fmt::Display for PriceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownReference { line, name } => {
                write!(f, "line {}: the catalog has no {name}", line.0)
            }
            Self::Choice { line, why } => write!(f, "line {}: {why}", line.0),
            Self::NoTax { line } => {
                write!(f, "line {}: no tax rule for its tax class is valid in this mode on this date", line.0)
            }
            Self::NoSurchargeTax { surcharge } => {
                write!(f, "surcharge {surcharge}: no tax rule is valid in this mode on this date")
            }
            Self::Quantity { line } => {
                write!(f, "line {}: this quantity cannot be sold", line.0)
            }
            Self::DuplicateLine { line } => write!(f, "two lines have the number {}", line.0),
            Self::TooManyLines => write!(f, "a cart has at most {MAX_CART_LINES} lines"),
            Self::Overflow => f.write_str("the amounts are too large"),
        }
    }
}

impl std::error::Error for PriceError {}

/// Prices a cart.
///
/// # Errors
/// A [`PriceError`] naming the line; nothing is priced partly.
pub fn price(catalog: &Catalog, cart: &Cart, context: &PriceContext) -> Result<Priced, PriceError> {
    let mut sheet = lines::open(catalog, cart, context)?;
    let rules = discounts::Rules::applicable(catalog, cart, context);
    rules.on_lines(&mut sheet)?;
    rules.on_order(&mut sheet)?;
    let surcharges = surcharges::compute(catalog, &sheet, context)?;
    let taxed = taxes::compute(catalog, &sheet, &surcharges)?;
    taxes::settle(sheet, surcharges, taxed)
}

/// Where in the cart something stands: the last word when two shares are otherwise equal, so that no result
/// depends on the order in which the lines happen to lie.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Place {
    line: LineId,
    /// 0 for the line itself, then the components of a combo and the deposits.
    part: u32,
}

/// What is taxed together: the same rates in the same way. Untaxed goods have no rates.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct TaxKey {
    inclusive: bool,
    /// Sorted.
    rates: Vec<TaxRateId>,
}

/// The cart while it is being priced.
struct Sheet<'a> {
    /// Whole cart lines, as the discount rules see them.
    sold: Vec<Sold<'a>>,
    /// What becomes priced lines.
    entries: Vec<Entry<'a>>,
}

impl Sheet<'_> {
    /// Sum of the nets of the goods: without deposits and gift cards.
    fn goods_net(&self) -> Result<Minor, PriceError> {
        sum(self.entries.iter().filter(|e| e.role == Role::Goods).map(|e| e.net))
    }
}

/// One cart line: an item by itself or a combo with its components.
struct Sold<'a> {
    line: LineId,
    item: &'a crate::catalog::Item,
    /// Which entries belong to it.
    entries: std::ops::Range<usize>,
    quantity: Quantity,
    /// Price of one piece without modifiers; `None` for what is not sold in pieces.
    base: Option<Minor>,
}

/// One priced line in the making.
struct Entry<'a> {
    place: Place,
    slot: Option<SlotId>,
    item: &'a crate::catalog::Item,
    variation: VariationId,
    quantity: Quantity,
    unit: Minor,
    gross: Minor,
    discounts: Vec<(RuleId, Minor)>,
    net: Minor,
    role: Role,
    tax: TaxKey,
}

/// How an entry takes part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    /// A combo's header: carries no amount.
    Header,
    /// Goods: discounts and surcharges look at them.
    Goods,
    /// Deposits, sold or returned, and gift cards.
    Aside,
}

fn sum(amounts: impl Iterator<Item = Minor>) -> Result<Minor, PriceError> {
    Minor::total(amounts).ok_or(PriceError::Overflow)
}
