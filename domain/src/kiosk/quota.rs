//! Scarce goods: taking over what the fleet grants, asking it for more, and what a cart or an order may have.
//!
//! What this kiosk has taken of something is what it sold in this epoch and what its open orders will take; that
//! never exceeds the ceiling of goods that are blocked beyond it, whatever the fleet says later.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ledger::Ledger;
use super::offer::Offer;
use super::turn::Turn;
use crate::cart::{Cart, CartLine};
use crate::effect::Effect;
use crate::event::StockEvent;
use crate::ids::{LineId, VariationId};
use crate::money::Quantity;
use crate::order::Order;
use crate::quota::{Allowance, Beyond, Quota, QuotaGrant};
use crate::session::{Asking, Stage, Uplink};
use crate::view::Unavailable;

/// So long a customer waits at most for the fleet's word on more.
const ANSWER_WITHIN_MS: u64 = 400;

impl Order {
    /// What it takes from the stock: variation and quantity, line by line.
    pub fn goods(&self) -> impl Iterator<Item = (&VariationId, Quantity)> {
        self.lines.iter().filter(|line| line.quantity.0 > 0).map(|line| (&line.variation, line.quantity))
    }
}

impl CartLine {
    /// What it takes from the stock, without deposits.
    fn goods(&self) -> impl Iterator<Item = (&VariationId, Quantity)> {
        let picks = self.picks.iter().map(|pick| (&pick.variation, times(self.quantity, pick.count)));
        std::iter::once((&self.variation, self.quantity)).chain(picks)
    }
}

fn times(quantity: Quantity, count: u32) -> Quantity {
    Quantity(quantity.0.saturating_mul(count.into()))
}

fn plus(a: Quantity, b: Quantity) -> Quantity {
    Quantity(a.0.saturating_add(b.0))
}

impl Ledger {
    /// What was sold of something in this epoch, and what open orders will take of it.
    pub fn taken(&self, variation: &VariationId) -> Quantity {
        let sold = self.sold.get(variation).copied().unwrap_or_default();
        let waiting = self.open_orders().filter(|record| record.state.is_unpaid());
        let goods = waiting.flat_map(|record| record.order.goods());
        goods.filter(|(v, _)| *v == variation).fold(sold, |sum, (_, quantity)| plus(sum, quantity))
    }

    /// How much more of it may be sold here; `None`: it is not counted. Negative: more was sold than that.
    pub fn left(&self, variation: &VariationId) -> Option<(Quantity, Beyond)> {
        let allowance = self.quota.as_ref()?.goods.get(variation)?;
        Some((Quantity(allowance.upto.0.saturating_sub(self.taken(variation).0)), allowance.beyond))
    }

    pub(super) fn apply_stock(&mut self, event: &StockEvent) {
        match event {
            StockEvent::Quota(quota) => self.quota = Some(quota.clone()),
        }
    }

    pub(super) fn count_as_sold(&mut self, order: &Order) {
        for (variation, quantity) in order.goods() {
            let sold = self.sold.entry(variation.clone()).or_default();
            *sold = plus(*sold, quantity);
        }
    }
}

/// Whether an order that was placed has something that somebody must look for before it is paid.
pub(super) fn needs_staff(ledger: &Ledger, order: &Order) -> bool {
    order.goods().any(|(v, _)| {
        ledger.left(v).is_some_and(|(left, beyond)| beyond == Beyond::AskStaff && left < Quantity(0))
    })
}

impl Offer<'_> {
    /// Whether nothing of it is left that this kiosk could sell.
    pub fn is_spent(&self, variation: &VariationId) -> bool {
        let left = self.ledger.left(variation);
        left.is_some_and(|(left, beyond)| left <= Quantity(0) && self.blocks(beyond))
    }

    fn blocks(&self, beyond: Beyond) -> bool {
        match beyond {
            Beyond::Block => true,
            Beyond::AllowThenDeny => false,
            Beyond::AskStaff => !self.config.policy.pay_at_counter,
        }
    }

    /// The lines of a cart for which nothing is left, in the order of the cart.
    pub fn beyond_quota(&self, cart: &Cart) -> BTreeMap<LineId, Unavailable> {
        let mut wanted = BTreeMap::new();
        let mut found = BTreeMap::new();
        for line in &cart.lines {
            let with_line = add(wanted.clone(), line);
            let fits = with_line.iter().all(|(variation, wanted): (&VariationId, &Quantity)| {
                self.ledger
                    .left(variation)
                    .is_none_or(|(left, beyond)| *wanted <= left || !self.blocks(beyond))
            });
            if fits {
                wanted = with_line;
            } else {
                found.insert(line.id, Unavailable::SoldOut);
            }
        }
        found
    }
}

fn add(mut wanted: BTreeMap<VariationId, Quantity>, line: &CartLine) -> BTreeMap<VariationId, Quantity> {
    for (variation, quantity) in line.goods() {
        let sum = wanted.entry(variation.clone()).or_default();
        *sum = plus(*sum, quantity);
    }
    wanted
}

impl Turn<'_> {
    /// The fleet grants a quota.
    pub(super) fn quota(&mut self, grant: &QuotaGrant) {
        let newer = self.ledger.quota.as_ref().is_none_or(|quota| quota.rev < grant.rev);
        if newer && grant.epoch == self.ledger.current_series {
            // What is taken stays taken: the fleet learns the ceilings that are really in force.
            let in_force = |(variation, allowance): (&VariationId, &Allowance)| {
                let upto = allowance.upto.max(self.ledger.taken(variation));
                (variation.clone(), Allowance { upto, ..*allowance })
            };
            let goods = grant.goods.iter().map(in_force).collect();
            let until = crate::time::WallMs(self.now.wall.0.saturating_add(grant.lease_ms));
            self.record(StockEvent::Quota(Arc::new(Quota { rev: grant.rev, until, goods })));
        }
        let work = &mut self.session.work;
        if let Some(asking) = work.asking.as_mut().filter(|asking| Some(asking.question) == grant.answers) {
            asking.until = None;
        }
        self.reprice();
    }

    /// Asks the fleet for what the cart has beyond the quota, once.
    pub(super) fn ask_for_more(&mut self) {
        let Some(visit) = self.visit().filter(|visit| super::visit::ordered(visit).is_none()) else { return };
        let wanted = visit.cart.lines.iter().fold(BTreeMap::new(), add);
        let mut needed = BTreeMap::new();
        for (variation, wanted) in wanted {
            if self.ledger.left(&variation).is_some_and(|(left, _)| wanted > left) {
                let upto = plus(self.ledger.taken(&variation), wanted);
                needed.insert(variation, upto);
            }
        }
        let asked = self.session.work.asking.as_ref().is_some_and(|asking| asking.goods == needed);
        if needed.is_empty() || asked || !self.is_online() {
            return;
        }
        let question = self.new_id();
        let until = Some(self.now.mono.plus(ANSWER_WITHIN_MS));
        self.session.work.asking = Some(Asking { question, goods: needed.clone(), until, checkout: false });
        self.effect(Effect::Reserve { question, epoch: self.ledger.current_series, goods: needed });
    }

    fn is_online(&self) -> bool {
        matches!(self.session.uplink, Uplink::Online)
    }

    /// Whether there is not enough for a line of this cart, and the fleet cannot be asked.
    pub(super) fn nobody_has_more(&self, cart: &Cart, line: LineId) -> bool {
        let Some(menu) = self.menu().filter(|_| !self.is_online()) else { return false };
        self.offer(&menu).beyond_quota(cart).contains_key(&line)
    }

    /// Whether the fleet's word on the cart is still to come. The customer who wants to pay waits for it.
    pub(super) fn waits_for_more(&mut self) -> bool {
        let Some(asking) = self.session.work.asking.as_mut().filter(|asking| asking.until.is_some()) else {
            return false;
        };
        asking.checkout = true;
        true
    }

    /// What time and the fleet's answer change.
    pub(super) fn quota_duties(&mut self) {
        if self.session.visit.is_none() {
            self.session.work.asking = None;
        }
        let now = self.now.mono;
        let Some(asking) = &mut self.session.work.asking else { return };
        let overdue = asking.until.is_some_and(|until| until <= now);
        if overdue {
            asking.until = None;
        }
        let go_on = asking.until.is_none() && std::mem::take(&mut asking.checkout);
        if overdue {
            self.reprice();
        }
        if go_on && self.visit().is_some_and(|visit| matches!(visit.stage, Stage::Cart)) {
            self.checkout();
        }
    }

    /// A quota whose time is over gives the rest back.
    pub(super) fn quota_over(&mut self) {
        let Some(quota) = self.ledger.quota.clone().filter(|quota| quota.until <= self.now.wall) else {
            return;
        };
        let mut rest = quota.clone();
        for (variation, allowance) in &mut Arc::make_mut(&mut rest).goods {
            allowance.upto = allowance.upto.min(self.ledger.taken(variation));
        }
        if rest != quota {
            self.record(StockEvent::Quota(rest));
        }
    }
}
