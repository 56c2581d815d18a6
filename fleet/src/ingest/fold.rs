//! What events make of sales and payments. Pure: the rows they touch are loaded before and written back after.
//!
//! A fold checks everything before it changes anything, so an event that cannot be applied leaves no trace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::Event;
use domain::cart::ServiceMode;
use domain::event::{OrderEvent, PaymentEvent, StockEvent};
use domain::ids::Uuid;
use domain::order::{Channel, Order};
use domain::payment::{StaffVerdict, Tender};
use domain::quota::Quota;
use serde::{Deserialize, Serialize};

use crate::database::storable;

/// Longest name of goods that columns and shelves take, in characters.
const GOODS_MAX: usize = 200;

/// Longest number of an order, in characters: people call it out.
const NUMBER_MAX: usize = 64;

/// Whose event it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose<'a> {
    pub kiosk: &'a str,
    pub site: &'a str,
    pub epoch: u64,
}

/// A sale as the fleet knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sale {
    pub site: String,
    pub kiosk: String,
    pub epoch: i64,
    pub number: String,
    pub placed_ms: i64,
    /// `2026-11-21`.
    pub business_date: String,
    pub mode: &'static str,
    pub channel: &'static str,
    pub currency: String,
    pub exponent: i16,
    pub total: i64,
    pub tip: i64,
    pub refunded: i64,
    pub catalog_rev: i64,
    pub state: String,
    pub fiscal: Option<(i64, i64)>,
    pub paid_ms: Option<i64>,
    pub denied: Option<String>,
    pub lines: Vec<SaleLine>,
}

/// What of a line stock and reports need.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct SaleLine {
    pub item: String,
    pub variation: String,
    pub name: String,
    /// In 1e-5 pieces.
    pub quantity: i64,
    /// Minor units.
    pub net: i64,
}

/// A payment as the fleet knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Paid {
    pub kiosk: String,
    pub sale: Uuid,
    pub tender: &'static str,
    pub amount: i64,
    pub tip: i64,
    pub state: String,
}

/// The rows that a group of events is about.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub sales: BTreeMap<Uuid, Sale>,
    pub payments: BTreeMap<Uuid, Paid>,
    /// Rows to write back.
    pub touched_sales: BTreeSet<Uuid>,
    pub touched_payments: BTreeSet<Uuid>,
}

/// What a folded event asks of the stock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Consequence {
    Nothing,
    /// This sale was paid.
    Sold(Uuid),
    /// This quota is in force.
    Quota(Arc<Quota>),
}

/// The rows that an event needs: sale, payment.
pub(crate) fn needs(event: &Event) -> (Option<Uuid>, Option<Uuid>) {
    match event {
        Event::Order(event) => (Some(order_of(event)), None),
        Event::Payment(PaymentEvent::Created(payment)) => (Some(payment.order.0), None),
        Event::Payment(event) => (None, Some(payment_of(event))),
        Event::Receipt(_)
        | Event::Kitchen(_)
        | Event::Catalog(_)
        | Event::Service(_)
        | Event::Drawer(_)
        | Event::Task(_)
        | Event::Stock(_) => (None, None),
    }
}

fn order_of(event: &OrderEvent) -> Uuid {
    match event {
        OrderEvent::Placed(order) => order.id.0,
        OrderEvent::Paid { order, .. }
        | OrderEvent::AcceptedUnpaid { order }
        | OrderEvent::Cancelled { order, .. }
        | OrderEvent::Expired { order }
        | OrderEvent::Closed { order } => order.0,
    }
}

fn payment_of(event: &PaymentEvent) -> Uuid {
    match event {
        PaymentEvent::Created(payment) => payment.id.0,
        PaymentEvent::SendStarted { payment, .. }
        | PaymentEvent::Approved { payment, .. }
        | PaymentEvent::Completed { payment }
        | PaymentEvent::Declined { payment, .. }
        | PaymentEvent::Cancelled { payment }
        | PaymentEvent::TimedOut { payment }
        | PaymentEvent::Unknown { payment, .. }
        | PaymentEvent::NeedsStaff { payment, .. }
        | PaymentEvent::RefusedGoods { payment }
        | PaymentEvent::Reversing { payment }
        | PaymentEvent::Reversed { payment, .. }
        | PaymentEvent::ReversalUnknown { payment }
        | PaymentEvent::ReversalRefused { payment, .. }
        | PaymentEvent::Resolved { payment, .. }
        | PaymentEvent::TerminalReceipt { payment, .. } => payment.0,
    }
}

impl Books {
    /// Folds one event.
    ///
    /// # Errors
    /// Why it cannot be applied; nothing was changed.
    pub(crate) fn fold(&mut self, whose: Whose<'_>, event: &Event) -> Result<Consequence, String> {
        match event {
            Event::Order(event) => self.fold_order(whose, event),
            Event::Payment(event) => self.fold_payment(whose, event).map(|()| Consequence::Nothing),
            Event::Receipt(_)
            | Event::Kitchen(_)
            | Event::Catalog(_)
            | Event::Service(_)
            | Event::Drawer(_)
            | Event::Task(_) => Ok(Consequence::Nothing),
            Event::Stock(StockEvent::Quota(quota)) => Ok(Consequence::Quota(quota.clone())),
        }
    }

    fn fold_order(&mut self, whose: Whose<'_>, event: &OrderEvent) -> Result<Consequence, String> {
        match event {
            OrderEvent::Placed(order) => {
                let sale = sale(whose, order)?;
                if self.sales.contains_key(&order.id.0) {
                    return Err("an order of this id was placed before".into());
                }
                self.touched_sales.insert(order.id.0);
                self.sales.insert(order.id.0, sale);
            }
            OrderEvent::Paid { order, fiscal, at } => {
                let paid_ms = instant(at.0)?;
                let (series, n) = (whole(fiscal.series)?, whole(fiscal.n)?);
                let sale = self.sale(whose, order.0)?;
                if sale.fiscal.is_some() {
                    return Err("the order was paid before".into());
                }
                sale.state = "paid".into();
                sale.fiscal = Some((series, n));
                sale.paid_ms = Some(paid_ms);
                return Ok(Consequence::Sold(order.0));
            }
            OrderEvent::AcceptedUnpaid { order } => self.state(whose, order.0, "accepted_unpaid")?,
            OrderEvent::Cancelled { order, .. } => self.state(whose, order.0, "cancelled")?,
            OrderEvent::Expired { order } => self.state(whose, order.0, "expired")?,
            OrderEvent::Closed { order } => self.state(whose, order.0, "closed")?,
        }
        Ok(Consequence::Nothing)
    }

    fn fold_payment(&mut self, whose: Whose<'_>, event: &PaymentEvent) -> Result<(), String> {
        let id = payment_of(event);
        match event {
            PaymentEvent::Created(payment) => {
                if self.payments.contains_key(&id) {
                    return Err("a payment of this id was created before".into());
                }
                let paid = Paid {
                    kiosk: whose.kiosk.to_owned(),
                    sale: payment.order.0,
                    tender: match payment.tender {
                        Tender::Card => "card",
                        Tender::Counter => "counter",
                    },
                    amount: payment.amount.0,
                    tip: payment.tip.0,
                    state: "created".into(),
                };
                self.state(whose, payment.order.0, "awaiting_payment")?;
                self.touched_payments.insert(id);
                self.payments.insert(id, paid);
                Ok(())
            }
            PaymentEvent::SendStarted { .. } => self.payment(whose, id, "sending"),
            PaymentEvent::Approved { .. } => self.approved(whose, id),
            PaymentEvent::Completed { .. } => self.payment(whose, id, "completed"),
            PaymentEvent::Declined { .. } => self.over(whose, id, "declined"),
            PaymentEvent::Cancelled { .. } => self.over(whose, id, "cancelled"),
            PaymentEvent::TimedOut { .. } => self.over(whose, id, "timed_out"),
            PaymentEvent::Unknown { .. } => self.unclear(whose, id, "unknown"),
            PaymentEvent::NeedsStaff { .. } => self.unclear(whose, id, "needs_staff"),
            PaymentEvent::Reversing { .. } | PaymentEvent::RefusedGoods { .. } => {
                self.payment(whose, id, "reversing")
            }
            PaymentEvent::ReversalUnknown { .. } | PaymentEvent::ReversalRefused { .. } => {
                self.payment(whose, id, "reversal_unknown")
            }
            PaymentEvent::Reversed { .. } => self.reversed(whose, id),
            PaymentEvent::Resolved { verdict, .. } => match verdict {
                StaffVerdict::Taken => self.approved(whose, id),
                StaffVerdict::NotTaken => self.over(whose, id, "declined"),
                StaffVerdict::GivenBack => self.reversed(whose, id),
            },
            PaymentEvent::TerminalReceipt { .. } => Ok(()),
        }
    }

    fn sale(&mut self, whose: Whose<'_>, id: Uuid) -> Result<&mut Sale, String> {
        let sale = self.sales.get_mut(&id).ok_or("no such order was placed")?;
        if sale.kiosk != whose.kiosk {
            return Err("the order is another kiosk's".into());
        }
        self.touched_sales.insert(id);
        Ok(sale)
    }

    fn state(&mut self, whose: Whose<'_>, id: Uuid, state: &str) -> Result<(), String> {
        self.sale(whose, id).map(|sale| sale.state = state.to_owned())
    }

    fn payment(&mut self, whose: Whose<'_>, id: Uuid, state: &str) -> Result<(), String> {
        let payment = self.payments.get_mut(&id).ok_or("no such payment was created")?;
        if payment.kiosk != whose.kiosk {
            return Err("the payment is another kiosk's".into());
        }
        self.touched_payments.insert(id);
        payment.state = state.to_owned();
        Ok(())
    }

    /// The tip counts once money was taken.
    fn approved(&mut self, whose: Whose<'_>, id: Uuid) -> Result<(), String> {
        self.payment(whose, id, "approved")?;
        let (sale, tip) = (self.payments[&id].sale, self.payments[&id].tip);
        if let Ok(sale) = self.sale(whose, sale) {
            sale.tip = tip;
        }
        Ok(())
    }

    /// It ended without money: the order waits for another one.
    fn over(&mut self, whose: Whose<'_>, id: Uuid, state: &str) -> Result<(), String> {
        self.payment(whose, id, state)?;
        self.sale_from(whose, id, "payment_unknown", "awaiting_payment");
        Ok(())
    }

    /// Whether it took money is open: the order waits for the answer.
    fn unclear(&mut self, whose: Whose<'_>, id: Uuid, state: &str) -> Result<(), String> {
        self.payment(whose, id, state)?;
        self.sale_from(whose, id, "awaiting_payment", "payment_unknown");
        Ok(())
    }

    /// The money was given back; a paid order stays paid with a refund on it.
    fn reversed(&mut self, whose: Whose<'_>, id: Uuid) -> Result<(), String> {
        self.payment(whose, id, "reversed")?;
        let (sale, amount) = (self.payments[&id].sale, self.payments[&id].amount);
        if let Ok(sale) = self.sale(whose, sale)
            && sale.fiscal.is_some()
        {
            sale.refunded = sale.refunded.saturating_add(amount);
        }
        self.sale_from(whose, id, "payment_unknown", "awaiting_payment");
        Ok(())
    }

    fn sale_from(&mut self, whose: Whose<'_>, payment: Uuid, from: &str, to: &str) {
        let sale = self.payments[&payment].sale;
        if let Ok(sale) = self.sale(whose, sale)
            && sale.state == from
        {
            sale.state = to.to_owned();
        }
    }
}

fn sale(whose: Whose<'_>, order: &Order) -> Result<Sale, String> {
    let date = order.business_date;
    let business_date = jiff::civil::Date::new(date.year, i8_of(date.month)?, i8_of(date.day)?)
        .map_err(|_| "the business date does not exist")?;
    if business_date.year() < 1970 {
        return Err("the business date is before 1970".into());
    }
    let number = order.number.to_string();
    if number.chars().count() > NUMBER_MAX {
        return Err(format!("the order's number is longer than {NUMBER_MAX} characters"));
    }
    Ok(Sale {
        site: whose.site.to_owned(),
        kiosk: whose.kiosk.to_owned(),
        epoch: whole(whose.epoch)?,
        number: storable(&number),
        placed_ms: instant(order.placed_at.0)?,
        business_date: business_date.to_string(),
        mode: match order.mode {
            ServiceMode::DineIn => "dine_in",
            ServiceMode::TakeAway => "take_away",
            ServiceMode::Delivery => "delivery",
        },
        channel: match order.channel {
            Channel::Touch => "touch",
            Channel::Voice => "voice",
            Channel::Staff => "staff",
        },
        currency: storable(order.currency.code()),
        exponent: order.currency.exponent.into(),
        total: order.total.0,
        tip: 0,
        refunded: 0,
        catalog_rev: whole(order.catalog_rev)?,
        state: "placed".into(),
        fiscal: None,
        paid_ms: None,
        denied: None,
        lines: order
            .lines
            .iter()
            .map(|line| {
                Ok(SaleLine {
                    item: goods(line.item.as_str())?,
                    variation: goods(line.variation.as_str())?,
                    name: goods(&line.name)?,
                    quantity: line.quantity.0,
                    net: line.net.0,
                })
            })
            .collect::<Result<_, String>>()?,
    })
}

fn goods(text: &str) -> Result<String, String> {
    if text.chars().count() > GOODS_MAX {
        return Err(format!("a name of goods is longer than {GOODS_MAX} characters"));
    }
    Ok(storable(text))
}

/// Years 1970 to 9999, which every reader of a timestamp knows.
fn instant(ms: i64) -> Result<i64, String> {
    const END: i64 = 253_402_300_799_999;
    if (0..=END).contains(&ms) { Ok(ms) } else { Err(format!("the time {ms} is none")) }
}

fn whole(n: u64) -> Result<i64, String> {
    i64::try_from(n).map_err(|_| format!("the number {n} is beyond 2^63"))
}

fn i8_of(n: u8) -> Result<i8, String> {
    i8::try_from(n).map_err(|_| "the business date does not exist".into())
}
