//! From a cart to money, in integers, the same on kiosk and fleet. See `docs/pricing.md`.

use crate::cart::{Cart, ServiceMode};
use crate::catalog::Catalog;
use crate::ids::{ItemId, LineId, RuleId, SlotId, SurchargeId, TaxRateId, VariationId};
use crate::money::{Minor, Quantity, Rate};
use crate::time::{Date, LocalTime};

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
    /// The lines, in cart order; a combo's header is followed by its components.
    pub lines: Vec<PricedLine>,
    /// Surcharges, in catalog order.
    pub surcharges: Vec<PricedSurcharge>,
    /// Tax per rate of each tax group.
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
    /// `None` for an ordinary line; the slot for a component of a combo.
    pub slot: Option<SlotId>,
    /// What is sold.
    pub item: ItemId,
    /// In which version.
    pub variation: VariationId,
    /// How many or how much.
    pub quantity: Quantity,
    /// Price of one piece with its modifiers; zero on a combo's header.
    pub unit: Minor,
    /// Before discounts. Zero on a combo's header.
    pub gross: Minor,
    /// Rules that lowered it, with the amount each took, positive.
    pub discounts: Vec<(RuleId, Minor)>,
    /// `gross` less the discounts.
    pub net: Minor,
    /// Tax of this line per rate, apportioned from the group.
    pub taxes: Vec<(TaxRateId, Minor)>,
    /// Whether this line is a deposit (outside discounts and combos).
    pub deposit: bool,
}

/// One surcharge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PricedSurcharge {
    /// Which.
    pub id: SurchargeId,
    /// How much.
    pub amount: Minor,
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
    /// Net amount it is computed on.
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
    /// The quantity is zero, negative where it must not be, or beyond the limit.
    Quantity {
        /// The line.
        line: LineId,
    },
    /// A sum left the range of 64 bits.
    Overflow,
}

/// Prices a cart.
///
/// # Errors
/// A [`PriceError`] naming the line; nothing is priced partly.
pub fn price(_catalog: &Catalog, _cart: &Cart, _context: &PriceContext) -> Result<Priced, PriceError> {
    Err(PriceError::Overflow)
}
