//! Discounts, surcharges and tips.

use std::sync::Arc;

use crate::cart::ServiceMode;
use crate::ids::{AvailabilityId, CategoryId, ItemId, RuleId, SurchargeId, TaxClassId};
use crate::money::{Minor, Rate};
use crate::text::Text;

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
