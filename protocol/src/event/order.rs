//! Bodies of `order.*`.

use domain::cart::ServiceMode;
use domain::catalog::Allergens;
use domain::ids::{ItemId, LineId, OrderId, RuleId, SlotId, SurchargeId, TaxRateId, VariationId};
use domain::money::{Currency, Minor, Quantity, Rate};
use domain::order::{
    CancelReason, Channel, DisplayNumber, FiscalNumber, Order, OrderLine, OrderModifier, OrderSurcharge,
    OrderTax,
};
use domain::text::Lang;
use domain::time::{Date, WallMs};
use serde::{Deserialize, Serialize};

use crate::text::{Id, shared};

#[derive(Serialize, Deserialize)]
pub(super) struct OrderPlaced {
    order: Id,
    prefix: String,
    counter: u16,
    placed_at_ms: i64,
    business_date: (i16, u8, u8),
    mode: Mode,
    channel: ChannelWire,
    lang: String,
    currency: String,
    exponent: u8,
    catalog_rev: u64,
    lines: Vec<Line>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    surcharges: Vec<SurchargeWire>,
    taxes: Vec<Tax>,
    discount_minor: i64,
    total_minor: i64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    DineIn,
    TakeAway,
    Delivery,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChannelWire {
    Touch,
    Voice,
    Staff,
}

#[derive(Serialize, Deserialize)]
struct Line {
    line: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slot: Option<String>,
    item: String,
    variation: String,
    name: String,
    kitchen_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    station: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    modifiers: Vec<ModifierWire>,
    quantity_e5: i64,
    unit_minor: i64,
    gross_minor: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    discounts: Vec<DiscountWire>,
    net_minor: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    taxes: Vec<LineTax>,
    allergens: u16,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deposit: bool,
}

#[derive(Serialize, Deserialize)]
struct ModifierWire {
    name: String,
    kitchen_name: String,
    count: u32,
    price_minor: i64,
}

#[derive(Serialize, Deserialize)]
struct DiscountWire {
    rule: String,
    name: String,
    amount_minor: i64,
}

#[derive(Serialize, Deserialize)]
struct LineTax {
    rate: String,
    tax_minor: i64,
}

#[derive(Serialize, Deserialize)]
struct SurchargeWire {
    id: String,
    name: String,
    amount_minor: i64,
    /// Missing in bodies of before surcharges carried their taxes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    taxes: Vec<LineTax>,
}

#[derive(Serialize, Deserialize)]
struct Tax {
    rate: String,
    name: String,
    rate_e4: i32,
    inclusive: bool,
    base_minor: i64,
    tax_minor: i64,
}

/// `order.paid`, and the counter-document of a reversal.
#[derive(Serialize, Deserialize)]
pub(super) struct Fiscal {
    series: u64,
    n: u64,
}

impl From<FiscalNumber> for Fiscal {
    fn from(fiscal: FiscalNumber) -> Self {
        Self { series: fiscal.series, n: fiscal.n }
    }
}

impl From<Fiscal> for FiscalNumber {
    fn from(fiscal: Fiscal) -> Self {
        Self { series: fiscal.series, n: fiscal.n }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct OrderPaid {
    pub order: Id,
    pub fiscal: Fiscal,
    pub at_ms: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct OrderRef {
    pub order: Id,
}

#[derive(Serialize, Deserialize)]
pub(super) struct OrderCancelled {
    pub order: Id,
    pub why: Why,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Why {
    Customer,
    Idle,
    Staff,
    Restart,
}

impl From<CancelReason> for Why {
    fn from(why: CancelReason) -> Self {
        match why {
            CancelReason::Customer => Self::Customer,
            CancelReason::Idle => Self::Idle,
            CancelReason::Staff => Self::Staff,
            CancelReason::Restart => Self::Restart,
        }
    }
}

impl From<Why> for CancelReason {
    fn from(why: Why) -> Self {
        match why {
            Why::Customer => Self::Customer,
            Why::Idle => Self::Idle,
            Why::Staff => Self::Staff,
            Why::Restart => Self::Restart,
        }
    }
}

impl From<&Order> for OrderPlaced {
    fn from(order: &Order) -> Self {
        let date = order.business_date;
        Self {
            order: Id(order.id.0),
            prefix: order.number.prefix.to_string(),
            counter: order.number.counter,
            placed_at_ms: order.placed_at.0,
            business_date: (date.year, date.month, date.day),
            mode: match order.mode {
                ServiceMode::DineIn => Mode::DineIn,
                ServiceMode::TakeAway => Mode::TakeAway,
                ServiceMode::Delivery => Mode::Delivery,
            },
            channel: match order.channel {
                Channel::Touch => ChannelWire::Touch,
                Channel::Voice => ChannelWire::Voice,
                Channel::Staff => ChannelWire::Staff,
            },
            lang: order.lang.to_string(),
            currency: order.currency.code().to_owned(),
            exponent: order.currency.exponent,
            catalog_rev: order.catalog_rev,
            lines: order.lines.iter().map(Line::from).collect(),
            surcharges: order.surcharges.iter().map(SurchargeWire::from).collect(),
            taxes: order.taxes.iter().map(Tax::from).collect(),
            discount_minor: order.discount.0,
            total_minor: order.total.0,
        }
    }
}

impl OrderPlaced {
    pub(super) fn into_domain(self) -> Result<Order, String> {
        let (year, month, day) = self.business_date;
        let code = <[u8; 3]>::try_from(self.currency.as_bytes())
            .map_err(|_| format!("currency {:?} has not three letters", self.currency))?;
        Ok(Order {
            id: OrderId(self.order.0),
            number: DisplayNumber { prefix: shared(&self.prefix), counter: self.counter },
            placed_at: WallMs(self.placed_at_ms),
            business_date: Date { year, month, day },
            mode: match self.mode {
                Mode::DineIn => ServiceMode::DineIn,
                Mode::TakeAway => ServiceMode::TakeAway,
                Mode::Delivery => ServiceMode::Delivery,
            },
            channel: match self.channel {
                ChannelWire::Touch => Channel::Touch,
                ChannelWire::Voice => Channel::Voice,
                ChannelWire::Staff => Channel::Staff,
            },
            lang: Lang::new(&self.lang),
            currency: Currency { code, exponent: self.exponent },
            catalog_rev: self.catalog_rev,
            lines: self.lines.into_iter().map(Line::into_domain).collect(),
            surcharges: self
                .surcharges
                .into_iter()
                .map(|s| OrderSurcharge {
                    id: SurchargeId::new(&s.id),
                    name: shared(&s.name),
                    amount: Minor(s.amount_minor),
                    taxes: read_taxes(s.taxes),
                })
                .collect(),
            taxes: self.taxes.into_iter().map(Tax::into_domain).collect(),
            discount: Minor(self.discount_minor),
            total: Minor(self.total_minor),
        })
    }
}

impl From<&OrderLine> for Line {
    fn from(line: &OrderLine) -> Self {
        Self {
            line: line.line.0,
            slot: line.slot.as_ref().map(SlotId::to_string),
            item: line.item.to_string(),
            variation: line.variation.to_string(),
            name: line.name.to_string(),
            kitchen_name: line.kitchen_name.to_string(),
            station: line.station.as_deref().map(str::to_owned),
            modifiers: line
                .modifiers
                .iter()
                .map(|m| ModifierWire {
                    name: m.name.to_string(),
                    kitchen_name: m.kitchen_name.to_string(),
                    count: m.count,
                    price_minor: m.price.0,
                })
                .collect(),
            quantity_e5: line.quantity.0,
            unit_minor: line.unit.0,
            gross_minor: line.gross.0,
            discounts: line
                .discounts
                .iter()
                .map(|(rule, name, amount)| DiscountWire {
                    rule: rule.to_string(),
                    name: name.to_string(),
                    amount_minor: amount.0,
                })
                .collect(),
            net_minor: line.net.0,
            taxes: write_taxes(&line.taxes),
            allergens: line.allergens.0,
            deposit: line.deposit,
        }
    }
}

impl Line {
    fn into_domain(self) -> OrderLine {
        OrderLine {
            line: LineId(self.line),
            slot: self.slot.as_deref().map(SlotId::new),
            item: ItemId::new(&self.item),
            variation: VariationId::new(&self.variation),
            name: shared(&self.name),
            kitchen_name: shared(&self.kitchen_name),
            station: self.station.as_deref().map(shared),
            modifiers: self
                .modifiers
                .into_iter()
                .map(|m| OrderModifier {
                    name: shared(&m.name),
                    kitchen_name: shared(&m.kitchen_name),
                    count: m.count,
                    price: Minor(m.price_minor),
                })
                .collect(),
            quantity: Quantity(self.quantity_e5),
            unit: Minor(self.unit_minor),
            gross: Minor(self.gross_minor),
            discounts: self
                .discounts
                .into_iter()
                .map(|d| (RuleId::new(&d.rule), shared(&d.name), Minor(d.amount_minor)))
                .collect(),
            net: Minor(self.net_minor),
            taxes: read_taxes(self.taxes),
            allergens: Allergens(self.allergens),
            deposit: self.deposit,
        }
    }
}

impl From<&OrderSurcharge> for SurchargeWire {
    fn from(surcharge: &OrderSurcharge) -> Self {
        Self {
            id: surcharge.id.to_string(),
            name: surcharge.name.to_string(),
            amount_minor: surcharge.amount.0,
            taxes: write_taxes(&surcharge.taxes),
        }
    }
}

fn write_taxes(taxes: &[(TaxRateId, Minor)]) -> Vec<LineTax> {
    taxes.iter().map(|(rate, tax)| LineTax { rate: rate.to_string(), tax_minor: tax.0 }).collect()
}

fn read_taxes(taxes: Vec<LineTax>) -> Vec<(TaxRateId, Minor)> {
    taxes.into_iter().map(|t| (TaxRateId::new(&t.rate), Minor(t.tax_minor))).collect()
}

impl From<&OrderTax> for Tax {
    fn from(tax: &OrderTax) -> Self {
        Self {
            rate: tax.rate_id.to_string(),
            name: tax.name.to_string(),
            rate_e4: tax.rate.0,
            inclusive: tax.inclusive,
            base_minor: tax.base.0,
            tax_minor: tax.tax.0,
        }
    }
}

impl Tax {
    fn into_domain(self) -> OrderTax {
        OrderTax {
            rate_id: TaxRateId::new(&self.rate),
            name: shared(&self.name),
            rate: Rate(self.rate_e4),
            inclusive: self.inclusive,
            base: Minor(self.base_minor),
            tax: Minor(self.tax_minor),
        }
    }
}
