//! An order: the facts of a sale, complete in themselves. Names, prices, taxes and allergens are copied from
//! the catalog when the order is placed and never looked up again.
//!
//! ```text
//!          ┌────────────────────────── CANCELLED | EXPIRED
//! PLACED ──┼─► AWAITING_PAYMENT ─┬─► PAID ─► FULFILLING ─► CLOSED
//!          │                      └─► PAYMENT_UNKNOWN ─► PAID | AWAITING_PAYMENT | CANCELLED
//!          ├─► PAID (nothing to pay)
//!          └─► ACCEPTED_UNPAID (pay at the counter)
//! ```

use std::sync::Arc;

use crate::cart::ServiceMode;
use crate::catalog::Allergens;
use crate::ids::{ItemId, LineId, OrderId, RuleId, SlotId, SurchargeId, TaxRateId, VariationId};
use crate::money::{Currency, Minor, Quantity, Rate};
use crate::text::Lang;
use crate::time::{Date, WallMs};

/// Everything about an order that never changes after it was placed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// Its identity.
    pub id: OrderId,
    /// What the customer and the staff call it, for example `K3-042`. Not unique over time.
    pub number: DisplayNumber,
    /// When it was placed.
    pub placed_at: WallMs,
    /// The business date it counts to.
    pub business_date: Date,
    /// Eat in or take away.
    pub mode: ServiceMode,
    /// How it was entered.
    pub channel: Channel,
    /// Language of the customer.
    pub lang: Lang,
    /// Currency of every amount.
    pub currency: Currency,
    /// Catalog revision that it was priced with.
    pub catalog_rev: u64,
    /// The lines.
    pub lines: Vec<OrderLine>,
    /// Surcharges.
    pub surcharges: Vec<OrderSurcharge>,
    /// Taxes per rate.
    pub taxes: Vec<OrderTax>,
    /// Sum of discounts, positive.
    pub discount: Minor,
    /// To pay, without tip.
    pub total: Minor,
}

/// The number a customer waits for: a kiosk prefix and a counter that starts anew each business day.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DisplayNumber {
    /// Names the kiosk: `K3`.
    pub prefix: Arc<str>,
    /// 1 to 999.
    pub counter: u16,
}

impl std::fmt::Display for DisplayNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{:03}", self.prefix, self.counter)
    }
}

/// How an order was entered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    /// On the touchscreen.
    Touch,
    /// By voice.
    Voice,
    /// By staff.
    Staff,
}

/// One line of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderLine {
    /// Number of the cart line; components of a combo share the number of their header.
    pub line: LineId,
    /// The slot, for a component of a combo.
    pub slot: Option<SlotId>,
    /// What was sold.
    pub item: ItemId,
    /// In which version.
    pub variation: VariationId,
    /// Name in the customer's language, version included ("Bacon & Rye, double").
    pub name: Arc<str>,
    /// Name on the kitchen ticket.
    pub kitchen_name: Arc<str>,
    /// The station that makes it.
    pub station: Option<Arc<str>>,
    /// Changes, in the order shown.
    pub modifiers: Vec<OrderModifier>,
    /// How many or how much.
    pub quantity: Quantity,
    /// Price of one piece.
    pub unit: Minor,
    /// Before discounts.
    pub gross: Minor,
    /// Discounts with the name of the rule in the customer's language.
    pub discounts: Vec<(RuleId, Arc<str>, Minor)>,
    /// After discounts.
    pub net: Minor,
    /// Tax per rate.
    pub taxes: Vec<(TaxRateId, Minor)>,
    /// What the line contains, its changes counted in.
    pub allergens: Allergens,
    /// Whether it is a deposit.
    pub deposit: bool,
}

/// One change to a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderModifier {
    /// In the customer's language, as shown: "Fried egg", "No onion".
    pub name: Arc<str>,
    /// On the kitchen ticket.
    pub kitchen_name: Arc<str>,
    /// How often per piece.
    pub count: u32,
    /// Price of one.
    pub price: Minor,
}

/// One surcharge of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderSurcharge {
    /// Which.
    pub id: SurchargeId,
    /// In the customer's language.
    pub name: Arc<str>,
    /// How much.
    pub amount: Minor,
    /// Its tax per rate, as computed when it was sold: what a refund gives back. Empty for an untaxed one, and in
    /// orders of before this was written down.
    pub taxes: Vec<(TaxRateId, Minor)>,
}

/// Tax of an order at one rate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderTax {
    /// Which rate.
    pub rate_id: TaxRateId,
    /// Its name in the customer's language.
    pub name: Arc<str>,
    /// Its percentage.
    pub rate: Rate,
    /// Whether prices contain it.
    pub inclusive: bool,
    /// Net amount.
    pub base: Minor,
    /// Tax.
    pub tax: Minor,
}

/// Where an order stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum OrderState {
    /// Placed, no tender chosen yet.
    Placed,
    /// A payment was created; none approved for the full amount yet.
    AwaitingPayment,
    /// A payment may or may not have taken money. No new payment until that is known.
    PaymentUnknown,
    /// Paid in full; has a fiscal number.
    Paid,
    /// To be paid at the counter.
    AcceptedUnpaid,
    /// Released to the kitchen.
    Fulfilling,
    /// Done.
    Closed,
    /// Given up by the customer or the staff.
    Cancelled,
    /// Given up by time.
    Expired,
}

impl OrderState {
    /// Whether it may still be paid.
    pub fn is_unpaid(self) -> bool {
        match self {
            Self::Placed | Self::AwaitingPayment | Self::PaymentUnknown | Self::AcceptedUnpaid => true,
            Self::Paid | Self::Fulfilling | Self::Closed | Self::Cancelled | Self::Expired => false,
        }
    }
}

/// Why an order was cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CancelReason {
    /// The customer said so.
    Customer,
    /// Nobody was there any more.
    Idle,
    /// The staff said so.
    Staff,
    /// The kiosk restarted and the customer had gone.
    Restart,
}

/// The legal number of a sale: gapless inside its series, taken together with PAID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FiscalNumber {
    /// Changes with every epoch of the store.
    pub series: u64,
    /// 1, 2, 3 …
    pub n: u64,
}
