//! How durable events change the ledger: the only place where it changes. Total: an event about something
//! that is no longer in memory changes nothing.

use std::sync::Arc;

use super::ledger::{
    FINISHED_ORDERS_KEPT, KitchenRecord, KitchenState, LastNumber, Ledger, OrderRecord, PaymentRecord,
    PrintState, ReceiptRecord,
};
use crate::event::{
    CatalogEvent, DrawerEvent, Event, KitchenEvent, OrderEvent, PaymentEvent, ReceiptEvent, ServiceEvent,
    TaskKind,
};
use crate::ids::{KitchenJobId, OrderId, PaymentId, ReceiptId};
use crate::order::{FiscalNumber, Order, OrderState};
use crate::payment::{Approval, LastTransaction, Payment, PaymentState};
use crate::time::WallMs;

impl Ledger {
    /// Applies one durable event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Order(event) => self.apply_order(event),
            Event::Payment(event) => self.apply_payment(event),
            Event::Receipt(event) => self.apply_receipt(event),
            Event::Kitchen(event) => self.apply_kitchen(event),
            Event::Catalog(event) => self.apply_catalog(event),
            Event::Service(ServiceEvent::Closed { by }) => self.closed = Some(by.clone()),
            Event::Service(ServiceEvent::Opened { .. }) => self.closed = None,
            Event::Drawer(DrawerEvent::Kicked { .. }) => {}
            Event::Task(event) => self.apply_task(event),
            Event::Stock(event) => self.apply_stock(event),
        }
    }

    fn apply_order(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::Placed(order) => self.place(order),
            OrderEvent::Paid { order, fiscal, at } => {
                self.take_fiscal(*fiscal);
                self.day.paid += 1;
                if let Some(record) = self.orders.get(order).cloned() {
                    self.count_as_sold(&record.order);
                }
                self.change(*order, |record| {
                    record.state = OrderState::Paid;
                    record.paid = Some((*fiscal, *at));
                });
            }
            OrderEvent::AcceptedUnpaid { order } => {
                self.change(*order, |record| record.state = OrderState::AcceptedUnpaid);
            }
            OrderEvent::Cancelled { order, why } => self.change(*order, |record| {
                record.state = OrderState::Cancelled;
                record.cancelled = Some(*why);
            }),
            OrderEvent::Expired { order } => {
                self.change(*order, |record| record.state = OrderState::Expired);
            }
            OrderEvent::Closed { order } => self.change(*order, |record| record.state = OrderState::Closed),
        }
    }

    fn place(&mut self, order: &Arc<Order>) {
        let place = self.placed.last_key_value().map_or(0, |(last, _)| last + 1);
        self.number = Some(LastNumber {
            date: order.business_date,
            counter: order.number.counter,
            series: self.current_series,
        });
        if self.day.date != Some(order.business_date) {
            self.day = super::ledger::DayCount { date: Some(order.business_date), placed: 0, paid: 0 };
        }
        self.day.placed += 1;
        self.placed.insert(place, order.id);
        self.open.insert(order.id);
        let record = OrderRecord {
            order: order.clone(),
            place,
            state: OrderState::Placed,
            paid: None,
            refunds: Vec::new(),
            cancelled: None,
            payments: Vec::new(),
            receipts: Vec::new(),
            kitchen: Vec::new(),
        };
        self.orders.insert(order.id, Arc::new(record));
        self.forget_the_oldest();
    }

    fn apply_payment(&mut self, event: &PaymentEvent) {
        match event {
            PaymentEvent::Created(payment) => self.begin_payment(payment),
            PaymentEvent::SendStarted { payment, last_known, at } => {
                self.send_payment(*payment, last_known.as_ref(), *at);
            }
            PaymentEvent::Approved { payment, approval, .. } => {
                self.remember_transaction(approval);
                self.change_payment(*payment, |_, p| {
                    p.state = PaymentState::Approved(approval.clone());
                    p.approval = Some(approval.clone());
                });
            }
            PaymentEvent::Completed { payment } => self.change_payment(*payment, |_, p| {
                p.state = PaymentState::Completed(p.approval.clone().unwrap_or_default());
                p.completed = true;
            }),
            PaymentEvent::Declined { payment, code } => {
                self.end_unpaid(*payment, PaymentState::Declined { code: *code });
            }
            PaymentEvent::Cancelled { payment } => self.end_unpaid(*payment, PaymentState::Cancelled),
            PaymentEvent::TimedOut { payment } => self.end_unpaid(*payment, PaymentState::TimedOut),
            PaymentEvent::Unknown { payment, at, .. } => self.change_payment(*payment, |order, p| {
                p.state = PaymentState::Unknown;
                p.unknown_since = Some(*at);
                doubt(order);
            }),
            PaymentEvent::NeedsStaff { payment, evidence } => self.change_payment(*payment, |order, p| {
                p.state = PaymentState::NeedsStaff { evidence: evidence.clone() };
                doubt(order);
            }),
            PaymentEvent::RefusedGoods { payment } => self.change_payment(*payment, |order, p| {
                p.state = PaymentState::Reversing(Approval::default());
                p.refused_goods = true;
                doubt(order);
            }),
            PaymentEvent::Reversing { payment } => self.change_payment(*payment, |_, p| {
                p.state = PaymentState::Reversing(p.approval.clone().unwrap_or_default());
                p.reversal_refused = None;
            }),
            PaymentEvent::Reversed { payment, fiscal } => self.reverse(*payment, *fiscal),
            PaymentEvent::ReversalUnknown { payment } => self.change_payment(*payment, |_, p| {
                p.state = PaymentState::ReversalUnknown(p.approval.clone().unwrap_or_default());
            }),
            PaymentEvent::ReversalRefused { payment, code } => self.change_payment(*payment, |_, p| {
                p.state = PaymentState::ReversalUnknown(p.approval.clone().unwrap_or_default());
                p.reversal_refused = Some(*code);
            }),
            PaymentEvent::Resolved { payment, verdict, staff } => self.change_payment(*payment, |_, p| {
                p.resolution = Some((*verdict, staff.clone()));
            }),
            PaymentEvent::TerminalReceipt { payment, customer, lines } => {
                self.change_payment(*payment, |_, p| {
                    let text = if *customer { &mut p.receipt_customer } else { &mut p.receipt_shop };
                    text.clone_from(lines);
                });
            }
        }
    }

    fn begin_payment(&mut self, payment: &Payment) {
        self.owner.insert(payment.id.0, payment.order);
        self.change(payment.order, |record| {
            if record.state == OrderState::Placed {
                record.state = OrderState::AwaitingPayment;
            }
            record.payments.push(PaymentRecord::new(payment.clone()));
        });
    }

    fn send_payment(&mut self, payment: PaymentId, last_known: Option<&LastTransaction>, at: WallMs) {
        if last_known.is_some() {
            self.terminal_last = last_known.cloned();
        }
        self.change_payment(payment, |_, p| {
            p.state = PaymentState::Sending;
            p.last_known = last_known.cloned();
            p.sent_at = Some(at);
        });
    }

    fn end_unpaid(&mut self, payment: PaymentId, state: PaymentState) {
        self.change_payment(payment, |order, p| {
            p.state = state;
            settle_doubt(order);
        });
    }

    fn reverse(&mut self, payment: PaymentId, fiscal: Option<FiscalNumber>) {
        if let Some(fiscal) = fiscal {
            self.take_fiscal(fiscal);
        }
        let order = self.owner.get(&payment.0).copied();
        self.end_unpaid(payment, PaymentState::Reversed);
        if let (Some(order), Some(fiscal)) = (order, fiscal) {
            self.change(order, |record| record.refunds.push(fiscal));
        }
    }

    fn remember_transaction(&mut self, approval: &Approval) {
        if approval.trace.is_some() || approval.receipt_no.is_some() || approval.turnover_no.is_some() {
            self.terminal_last = Some(LastTransaction {
                trace: approval.trace,
                receipt_no: approval.receipt_no,
                turnover_no: approval.turnover_no,
                amount: Some(approval.amount),
                approved: true,
                reversal: false,
            });
        }
    }

    fn apply_receipt(&mut self, event: &ReceiptEvent) {
        match event {
            ReceiptEvent::Queued { receipt, order, kind, copy } => {
                self.owner.insert(receipt.0, *order);
                self.change(*order, |record| {
                    record.receipts.push(ReceiptRecord {
                        id: *receipt,
                        kind: *kind,
                        copy: *copy,
                        state: PrintState::Queued,
                    });
                });
            }
            ReceiptEvent::Declined { receipt } => self.print_state(*receipt, PrintState::Declined),
            ReceiptEvent::Sent { receipt } => self.print_state(*receipt, PrintState::Sent),
            ReceiptEvent::Returned { receipt } => self.print_state(*receipt, PrintState::Queued),
            ReceiptEvent::Confirmed { receipt } => self.print_state(*receipt, PrintState::Confirmed),
            ReceiptEvent::Unconfirmed { receipt } => self.print_state(*receipt, PrintState::Unconfirmed),
            ReceiptEvent::Unknown { receipt } => self.print_state(*receipt, PrintState::Unknown),
            ReceiptEvent::Failed { receipt, why } => {
                self.print_state(*receipt, PrintState::Failed(why.clone()));
            }
        }
    }

    fn print_state(&mut self, receipt: ReceiptId, state: PrintState) {
        if let Some(order) = self.owner.get(&receipt.0).copied() {
            self.change(order, |record| {
                if let Some(r) = record.receipts.iter_mut().find(|r| r.id == receipt) {
                    r.state = state;
                }
            });
        }
    }

    fn apply_kitchen(&mut self, event: &KitchenEvent) {
        match event {
            KitchenEvent::Queued { job, order } => {
                self.owner.insert(job.0, *order);
                self.change(*order, |record| {
                    record.kitchen.push(KitchenRecord { id: *job, state: KitchenState::Queued });
                });
            }
            KitchenEvent::Dispatched { job } => self.kitchen_state(*job, KitchenState::Dispatched),
            KitchenEvent::Taken { job } => self.kitchen_state(*job, KitchenState::Taken),
            KitchenEvent::Withdrawn { job } => self.kitchen_state(*job, KitchenState::Withdrawn),
        }
    }

    fn kitchen_state(&mut self, job: KitchenJobId, state: KitchenState) {
        if let Some(order) = self.owner.get(&job.0).copied() {
            self.change(order, |record| {
                if state == KitchenState::Dispatched && record.state == OrderState::Paid {
                    record.state = OrderState::Fulfilling;
                }
                if let Some(k) = record.kitchen.iter_mut().find(|k| k.id == job) {
                    k.state = state;
                }
            });
        }
    }

    fn apply_catalog(&mut self, event: &CatalogEvent) {
        match event {
            CatalogEvent::Activated { rev, sha256 } => self.catalog = Some((*rev, *sha256)),
            CatalogEvent::SoldOut { item, until } => {
                self.sold_out.insert(item.clone(), *until);
            }
            CatalogEvent::Available { item } => {
                self.sold_out.remove(item);
            }
        }
    }

    fn take_fiscal(&mut self, fiscal: FiscalNumber) {
        let count = self.series.entry(fiscal.series).or_default();
        count.last = count.last.max(fiscal.n);
    }

    fn change(&mut self, order: OrderId, change: impl FnOnce(&mut OrderRecord)) {
        let Some(record) = self.orders.get_mut(&order) else { return };
        change(Arc::make_mut(record));
        if record.is_settled() {
            self.open.remove(&order);
        } else {
            self.open.insert(order);
        }
    }

    fn change_payment(
        &mut self,
        payment: PaymentId,
        change: impl FnOnce(&mut OrderState, &mut PaymentRecord),
    ) {
        let Some(order) = self.owner.get(&payment.0).copied() else { return };
        self.change(order, |record| {
            if let Some(p) = record.payments.iter_mut().find(|p| p.payment.id == payment) {
                change(&mut record.state, p);
            }
        });
    }

    /// Drops the oldest finished order when there are too many. Decided by the events alone, so that a replay
    /// drops the same ones.
    fn forget_the_oldest(&mut self) {
        if self.orders.len() - self.open.len() <= FINISHED_ORDERS_KEPT {
            return;
        }
        let oldest =
            self.placed.iter().map(|(place, id)| (*place, *id)).find(|(_, id)| self.can_be_forgotten(*id));
        let Some((place, id)) = oldest else { return };
        self.placed.remove(&place);
        if let Some(record) = self.orders.remove(&id) {
            for number in record.paid.iter().map(|(n, _)| n).chain(&record.refunds) {
                self.series.entry(number.series).or_default().dropped += 1;
            }
            let payments = record.payments.iter().map(|p| p.payment.id.0);
            let receipts = record.receipts.iter().map(|r| r.id.0);
            for id in payments.chain(receipts).chain(record.kitchen.iter().map(|k| k.id.0)) {
                self.owner.remove(&id);
            }
        }
    }

    fn can_be_forgotten(&self, order: OrderId) -> bool {
        !self.open.contains(&order)
            && !self.tasks.values().any(|task| match &task.kind {
                TaskKind::UnclearPayment { payment } | TaskKind::AmountDiffers { payment } => {
                    self.owner.get(&payment.0) == Some(&order)
                }
                TaskKind::ReversedByTerminal { order: o, .. } | TaskKind::SaleDenied { order: o, .. } => {
                    *o == order
                }
                TaskKind::CustomerCalled { order: o } => *o == Some(order),
                TaskKind::UnexplainedTransaction { .. } | TaskKind::StoreReplaced { .. } => false,
            })
    }
}

/// Nobody knows whether the order is paid.
fn doubt(order: &mut OrderState) {
    if *order == OrderState::AwaitingPayment {
        *order = OrderState::PaymentUnknown;
    }
}

/// It is certain that the payment took no money.
fn settle_doubt(order: &mut OrderState) {
    if *order == OrderState::PaymentUnknown {
        *order = OrderState::AwaitingPayment;
    }
}
