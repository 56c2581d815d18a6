//! Kitchen tickets. A ticket is queued together with PAID, released when the payment is completed, and handed
//! out until the kitchen says that it has it. The job's id makes handing it out twice harmless; a ticket that
//! may have been seen before says so.

use std::sync::Arc;

use super::ledger::{KitchenState, OrderRecord};
use super::turn::Turn;
use crate::effect::KitchenEffect;
use crate::event::{KitchenEvent, OrderEvent};
use crate::ids::{KitchenJobId, OrderId};
use crate::input::KitchenInput;
use crate::order::OrderState;
use crate::receipt::TicketMark;

impl Turn<'_> {
    pub(super) fn kitchen(&mut self, input: KitchenInput) {
        match input {
            KitchenInput::Taken { job } => {
                self.session.work.kitchen.remove(&job);
                let dispatched =
                    self.ledger.kitchen_job(job).is_some_and(|(_, k)| k.state == KitchenState::Dispatched);
                if dispatched {
                    self.record(KitchenEvent::Taken { job });
                }
            }
            KitchenInput::NotTaken { job } => {
                // It stays due; the pause keeps a kitchen that refuses everything from being flooded.
                let until = self.now.mono.plus(self.config.times.kitchen_retry_ms);
                if let Some(due) = self.session.work.kitchen.get_mut(&job) {
                    *due = until;
                }
            }
            KitchenInput::Reachable(reachable) => {
                self.session.devices.kitchen = reachable;
                if reachable {
                    for due in self.session.work.kitchen.values_mut() {
                        *due = self.now.mono;
                    }
                }
            }
        }
    }

    /// Queues the ticket of an order, unless it has one or there is nothing to make.
    pub(super) fn queue_kitchen(&mut self, order: OrderId) {
        let needed = self.config.policy.kitchen
            && self.ledger.order(order).is_some_and(|record| {
                record.kitchen.is_empty() && record.order.lines.iter().any(|line| line.station.is_some())
            });
        if needed {
            let job = KitchenJobId(self.new_id());
            self.record(KitchenEvent::Queued { job, order });
        }
    }

    /// Releases tickets whose order is paid for, and hands out again what nobody has confirmed.
    pub(super) fn kitchen_duties(&mut self) {
        if !self.session.devices.kitchen {
            return;
        }
        for (job, state) in self.tickets_due() {
            let released = match state {
                KitchenState::Queued => self.record(KitchenEvent::Dispatched { job }),
                KitchenState::Dispatched => true,
                KitchenState::Taken | KitchenState::Withdrawn => false,
            };
            let Some((order, _)) = self.ledger.kitchen_job(job).filter(|_| released) else { continue };
            let mark = match state {
                KitchenState::Queued => TicketMark::First,
                KitchenState::Dispatched | KitchenState::Taken | KitchenState::Withdrawn => {
                    TicketMark::MayBeKnown
                }
            };
            let ticket = Arc::new(crate::receipt::ticket(self.config, order, mark, self.now));
            self.effect(KitchenEffect::Dispatch { job, ticket });
            let until = self.now.mono.plus(self.config.times.kitchen_retry_ms);
            self.session.work.kitchen.insert(job, until);
        }
    }

    fn tickets_due(&self) -> Vec<(KitchenJobId, KitchenState)> {
        let waits = |job: &KitchenJobId| {
            self.session.work.kitchen.get(job).is_some_and(|until| *until > self.now.mono)
        };
        self.ledger
            .open_orders()
            .filter(|order| order.is_released())
            .flat_map(|order| &order.kitchen)
            .filter(|k| !k.state.is_final() && !waits(&k.id))
            .map(|k| (k.id, k.state))
            .collect()
    }

    /// Closes paid orders for which nothing is left to do.
    pub(super) fn close_orders(&mut self) {
        let on_screen = self.visit().and_then(super::visit::ordered).map(|ordered| ordered.order);
        let done = |record: &&OrderRecord| {
            let paid_at = record.paid.map(|(_, at)| at);
            let over = paid_at.is_some_and(|at| {
                // A clock that jumped back closes nothing early; a new business day closes everything.
                self.now.wall.0.saturating_sub(at.0) >= self.config.times.close_after_ms
                    || record.order.business_date < self.now.business_date
            });
            matches!(record.state, OrderState::Paid | OrderState::Fulfilling)
                && over
                && record.is_idle()
                && Some(record.order.id) != on_screen
        };
        let orders: Vec<_> = self.ledger.open_orders().filter(done).map(|r| r.order.id).collect();
        for order in orders {
            self.record(OrderEvent::Closed { order });
        }
    }
}
